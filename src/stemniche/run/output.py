"""A run in a folder of its own: run.zarr, table.csv, scenario.yaml; made whole or not at all.

Rows of one's own, which the scenario does not tell, go beside it into ``rows``.
"""

from collections.abc import Callable
from pathlib import Path

from stemniche.core.errors import StemnicheError
from stemniche.run.assemble import assemble
from stemniche.run.folder import RUNS, abandon_folder, claim_folder
from stemniche.run.forecast import needs_of
from stemniche.run.journal import LOG, journal
from stemniche.run.objects import FolderObjects
from stemniche.run.results import Run, open_run
from stemniche.run.simulate import simulate
from stemniche.run.store import holds_run
from stemniche.spec.ownrows import own_tables
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
        InputError: The scenario is wrong or cannot fit, or the folder cannot be made.
        GuardError: The run was stopped; the folder keeps what was computed.
    """
    assembled = assemble(scenario, seed)
    needs = needs_of(assembled)
    needs.check(scenario, out or RUNS)
    folder = claim_folder(out, name or scenario.name, seed, resume=resume)
    files = FolderObjects(folder)
    try:
        with journal(folder):
            LOG.info("%s, seed %d: %s", scenario.name, seed, needs)
            for line in needs.remarks:
                LOG.warning(line)
            if not holds_run(folder):
                files.replace("scenario.yaml", scenario.to_yaml().encode())
            simulate(
                scenario, seed, folder, threads, progress,
                resume=holds_run(folder), assembled=assembled,
            )  # fmt: skip
            LOG.info("done")
    except StemnicheError:
        if not holds_run(folder):
            abandon_folder(folder)
        raise
    run = open_run(folder)
    files.replace("scenario.yaml", scenario.to_yaml().encode())
    files.replace("table.csv", run.table_text().encode())
    for table in own_tables():
        files.replace(f"rows/{table.name}", table.read_bytes())
    return run


def resume_in(folder: Path, days: float | None) -> Run:
    """Go on with the run in a folder, as its own scenario says, or for `days` in all.

    Raises:
        InputError: The folder holds no run, or one that is longer than `days`.
    """
    run = open_run(folder)
    scenario = run.scenario if days is None else run.scenario.change({"days": days})
    return simulate_to(scenario, run.folder or folder, seed=run.seed, resume=True)
