"""A run in a folder of its own: run.zarr, table.csv, scenario.yaml; made whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from stemniche.core.errors import InputError
from stemniche.run.assemble import assemble
from stemniche.run.folder import abandon_folder, claim_folder
from stemniche.run.forecast import refuse_what_cannot_fit
from stemniche.run.results import Run, open_run
from stemniche.run.simulate import simulate
from stemniche.run.store import holds_run
from stemniche.spec.scenario import Scenario

Progress = Callable[[str, float], None]


def simulate_to(
    scenario: Scenario,
    out: Path | None,
    *,
    seed: int,
    threads: int | None = None,
    progress: Progress | None = None,
    resume: bool = False,
    name: str = "",
) -> Run:
    """Simulate into a folder, which appears only after scenario and plan are found to be right.

    Raises:
        InputError: The scenario is wrong, or the folder cannot be made.
        GuardError: The run was stopped; the folder keeps what was computed.
    """
    refuse_what_cannot_fit(assemble(scenario, seed))
    folder = claim_folder(out, name or scenario.name, seed, resume=resume)
    going_on = resume and holds_run(folder)
    try:
        if not going_on:
            _describe(scenario, folder)
        simulate(scenario, seed, folder, threads, progress, resume=going_on)
    except InputError:
        if not going_on and not holds_run(folder):
            abandon_folder(folder)
        raise
    _describe(scenario, folder)
    run = open_run(folder)
    run.save_table(folder / "table.csv")
    return run


def _describe(scenario: Scenario, folder: Path) -> None:
    (folder / "scenario.yaml").write_text(scenario.to_yaml(), encoding="utf-8")


def resume_in(folder: Path, days: float | None) -> Run:
    """Go on with the run in a folder, as its own scenario says, or for `days` in all.

    Raises:
        InputError: The folder holds no run.
    """
    run = open_run(folder)
    scenario = run.scenario if days is None else run.scenario.change({"days": days})
    return simulate_to(scenario, run.folder or folder, seed=run.seed, resume=True)
