"""The public functions of stemniche; the command line is a thin layer over them.

Heavy libraries are imported where they are used, so that importing this costs little.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemniche.core.errors import InputError
from stemniche.spec.dosing import read_dosing
from stemniche.spec.ownrows import use_rows
from stemniche.spec.presets import describe_scenario
from stemniche.spec.scenario import Scenario, list_scenarios, load_scenario

if TYPE_CHECKING:
    import pandas as pd

    from stemniche.evidence import Evidence
    from stemniche.experiment.routes import Escape
    from stemniche.experiment.screen import Screen
    from stemniche.experiment.sensitivity import Screening
    from stemniche.run.results import Run

__all__ = [
    "check",
    "coverage",
    "describe_scenario",
    "evidence",
    "explain",
    "export",
    "list_scenarios",
    "load_scenario",
    "measures",
    "open_run",
    "read_dosing",
    "reproduce",
    "resume",
    "routes",
    "screen",
    "sensitivity",
    "simulate",
    "use_rows",
    "write_movie",
    "write_report",
    "write_view",
]

Progress = Callable[[str, float], None]


def simulate(
    scenario: Scenario,
    seed: int = 1,
    out: str | Path | None = None,
    threads: int | None = None,
    progress: bool | Progress = False,
) -> "Run":
    """Run a scenario and return its results.

    Args:
        seed: Of every random number; the same seed gives the same bits.
        out: Folder to make (run.zarr, table.csv, scenario.yaml); None keeps the run in memory.
        threads: Of the kernels; results do not depend on it.
        progress: True prints a progress line on a terminal; or a function of text and share.

    Raises:
        InputError: The scenario is wrong, or the folder exists.
        GuardError: The run was stopped; what was computed is kept.
    """
    from stemniche.run.output import simulate_to
    from stemniche.run.simulate import simulate as in_memory

    _check_scenario(scenario, "simulate")
    tell = _tell(progress)
    if out is None:
        return in_memory(scenario, seed, None, threads, tell)
    return simulate_to(scenario, Path(out), seed=seed, threads=threads, progress=tell)


def resume(folder: str | Path, until: str | float | None = None) -> "Run":
    """Go on with a run where it stopped; `until` (days, or text such as "30 d") makes it longer.

    Raises:
        InputError: There is no run, or `until` cannot be read.
    """
    from stemniche.core.units import parse_time
    from stemniche.run.output import resume_in

    minutes = None
    if until is not None:
        text = f"{until} d" if isinstance(until, int | float) else until
        minutes = parse_time(text, where="resume, until")
    return resume_in(Path(folder), None if minutes is None else minutes / 1440.0)


def open_run(folder: str | Path) -> "Run":
    """Open the results in a run's folder, or in its store."""
    from stemniche.run.results import open_run as open_

    return open_(folder)


def evidence() -> "Evidence":
    """The claims, experiments and entities of the source reviews, with graph, loops and paths."""
    from stemniche.evidence import load

    return load()


def coverage() -> "pd.DataFrame":
    """How each claim is carried: columns claim, kind, level, status, by."""
    from stemniche.spec.coverage import coverage as covered
    from stemniche.spec.rows import read_library

    return covered(read_library(), evidence())


def measures() -> "pd.DataFrame":
    """All measures: columns name, unit, definition."""
    import pandas as pd

    from stemniche.spec.rows import read_library

    words = read_library().lexicon.words
    rows = [(w.id, w.unit, w.description) for w in words if w.kind == "measure"]
    return pd.DataFrame(rows, columns=["name", "unit", "definition"])


def sensitivity(
    scenario: Scenario,
    measures: Sequence[str] = ("tumour_cells", "csc_fraction", "hypoxic_fraction"),
    only: Sequence[str] = (),
    trajectories: int = 8,
    top: int = 50,
    seed: int = 1,
    workers: int | None = None,
    progress: bool | Progress = False,
) -> "Screening":
    """Screen the numbers a scenario depends on, in groups and then singly, by Morris's method.

    Returns an object with the tables ``groups`` and ``inputs``, strongest first; see
    `stemniche.experiment.sensitivity.sensitivity`. With more than one worker, a script needs the
    usual ``if __name__ == "__main__":``.
    """
    from stemniche.experiment import sensitivity as study

    return study.sensitivity(
        scenario,
        measures=measures,
        only=only,
        trajectories=trajectories,
        top=top,
        seed=seed,
        workers=workers,
        progress=_tell(progress),
    )


def reproduce(
    file: str | Path | None = None,
    replicates: int | None = None,
    workers: int | None = None,
    only: Sequence[str] = (),
    records: str | Path | None = None,
    rival: str | None = None,
    progress: bool | Progress = False,
) -> "pd.DataFrame":
    """Run an experiment file (the shipped one by default) and return one verdict per experiment.

    Every run is kept in the folder `records` once it is done, and none that lies there is repeated.
    With `rival` a model is judged that the score can be compared with: ``signs:SEED`` has the signs
    of the signalling network dealt out anew, ``draw:SEED`` every assumed number drawn from its
    range.
    """
    from stemniche.experiment.reproduce import reproduce as run_all

    return run_all(
        file,
        replicates=replicates,
        workers=workers,
        only=tuple(only),
        records=records,
        rival=rival,
        progress=_tell(progress),
    )


def screen(
    scenario: Scenario,
    drugs: Sequence[str],
    *,
    also: Sequence[str] = (),
    pairs: bool = False,
    doses: int = 1,
    replicates: int = 4,
    workers: int | None = None,
    out: str | Path | None = None,
    progress: bool | Progress = False,
) -> "Screen":
    """Give drugs alone and in pairs on paired replicates; effects and synergy with intervals.

    Args:
        scenario: Its own therapy is given in all arms.
        drugs: Names of drugs, in their library regimen from day 0.
        also: Further agents, as lines such as ``block CXCR4 0.9 from 3 d``.
        doses: Of single drugs, each half of the one before; at least 4 for Loewe's index.
        out: Folder to make, with singles.csv, pairs.csv and screen.html.

    Raises:
        InputError: An agent is wrong, or `out` is there already or cannot be made.
        GuardError: An arm was stopped.
    """
    from stemniche.experiment.screen import screen as run_all
    from stemniche.report.screening import write_screen
    from stemniche.run.folder import abandon_folder, claim_folder

    folder = None if out is None else Path(out)
    if folder is not None and folder.exists():
        raise InputError("The folder is there already.", str(folder), "Name another one.")
    agents = [*(f"drug {name.strip()}" for name in drugs), *also]
    claimed: list[Path] = []

    def claim() -> None:
        if folder is not None:
            claimed.append(claim_folder(folder, scenario.name, seed=1))

    try:
        found = run_all(
            scenario, agents, pairs=pairs, doses=doses, replicates=replicates, workers=workers,
            progress=_tell(progress), ready=claim,
        )  # fmt: skip
    except BaseException:
        for one in claimed:
            abandon_folder(one)
        raise
    if folder is not None:
        found.singles.to_csv(folder / "singles.csv", index=False)
        found.pairs.to_csv(folder / "pairs.csv", index=False)
        title = f"Screen of {len(agents)} agents, {scenario.cancer}, {scenario.days:g} days"
        write_screen(found, title, folder / "screen.html")
    return found


def scorecard(verdicts: "pd.DataFrame") -> tuple[tuple[str, ...], list[tuple[Any, ...]], list[str]]:
    """Columns and rows of the verdicts to print, and lines that count them by kind."""
    from stemniche.experiment.scorecard import scorecard as card

    return card(verdicts)


def left_out() -> list[str]:
    """Lines that name the rows of the evidence without an experiment, and why."""
    from stemniche.experiment.scorecard import left_out as lines

    return lines()


def write_verdicts(verdicts: "pd.DataFrame", path: str | Path) -> Path:
    """Write the verdicts as a JSON list of objects, one per experiment.

    Raises:
        InputError: The file cannot be written.
    """
    from stemniche.experiment.scorecard import write_verdicts as write

    return write(verdicts, path)


def write_report(run: "Run", path: str | Path | None = None) -> Path:
    """Write a self-contained report.html, beside the run's store by default."""
    from stemniche.report.html import write_report as write

    if path is None:
        if run.folder is None:
            raise InputError(
                "This run is in memory, so its report has no place.",
                "write_report",
                "Give a path: write_report(run, 'report.html').",
            )
        path = run.folder / "report.html"
    return write(run, Path(path))


def write_view(
    run: "Run",
    path: str | Path | None = None,
    *,
    fields: Sequence[str] = (),
    nodes: Sequence[str] = (),
) -> Path:
    """Write a self-contained view.html to play the run in a browser; beside its store by default.

    Args:
        fields: Factors to take along; all but vesicles without it.
        nodes: Network nodes to colour cells by.

    Raises:
        InputError: A name is not in the run, or the file cannot be written.
    """
    from stemniche.report.view import write_view as write

    if path is None:
        if run.folder is None:
            raise InputError(
                "This run is in memory, so its view has no place.",
                "write_view",
                "Give a path: write_view(run, 'view.html').",
            )
        path = run.folder / "view.html"
    return write(run, Path(path), fields=fields, nodes=nodes)


def write_movie(
    run: "Run", path: str | Path | None = None, progress: bool | Progress = False
) -> Path:
    """Write a film of the tissue, ``movie.mp4`` beside the run's store by default.

    Raises:
        InputError: The suffix is neither .mp4 nor .gif, or the file cannot be written.
        MissingExtra: An .mp4 is asked for and its encoder is not installed.
    """
    from stemniche.report.movie import write_movie as write

    if path is None:
        if run.folder is None:
            raise InputError(
                "This run is in memory, so its film has no place.",
                "write_movie",
                "Give a path: write_movie(run, 'film.mp4').",
            )
        path = run.folder / "movie.mp4"
    return write(run, Path(path), _tell(progress))


def explain(scenario: Scenario, cell: str | None = None) -> list[tuple[str, str, str]]:
    """The compiled model in sentences: cell type, sentence with claim ids, row id."""
    from stemniche.spec.compile import compile_model
    from stemniche.spec.explain import explain as sentences
    from stemniche.spec.rows import read_library

    model = compile_model(read_library(), scenario)
    return [(s.cell, s.text, s.row) for s in sentences(model, cell)]


def routes(
    scenario: Scenario, block: Sequence[str] = (), *, goal: Sequence[str] = (), longest: int = 8
) -> "list[Escape]":
    """Which ways from the tumour to stemness, survival and angiogenesis stay open under a block.

    Args:
        scenario: Its cancer, genotype and claims make the network; its therapy is not looked at.
        block: Factors, nodes, ``vesicles`` or targets of drugs that are out of play.
        goal: Names of goals; all of them when empty.
        longest: Routes of more rows are not looked at.

    Raises:
        InputError: A name is unknown or not part of this model.
    """
    from stemniche.experiment.routes import blocked_by, escape_routes
    from stemniche.spec.compile import compile_model
    from stemniche.spec.nametables import library_names
    from stemniche.spec.rows import read_library

    drugs = [f"drug {name}" for name in block if library_names().resolve("drug", name)]
    model = compile_model(read_library(), scenario.treat(drugs))
    return escape_routes(model, blocked_by(model, block), wanted=goal, longest=longest)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: a table and remarks."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    lines: list[str]


def check(scenario: Scenario, operating_points: bool = False) -> Checked:
    """Compile and plan a scenario without running it; forecast fullness, memory and time.

    Raises:
        InputError: It is wrong or cannot fit.
    """
    from stemniche.run.forecast import forecast

    _check_scenario(scenario, "check")
    ahead = forecast(scenario)
    if not operating_points:
        return Checked(("quantity", "value", "unit"), ahead.rows, ahead.lines)
    from stemniche.spec.operating import operating_points as points

    found = points(ahead.model)
    rows = [
        (p.cell, p.target, p.signal, p.value, p.position, p.flag, p.reason)
        for p in sorted(found, key=lambda p: p.flag == "absent")
        if p.flag
    ]
    absent = sum(p.flag == "absent" for p in found)
    there, outside = len(found) - absent, len(rows) - absent
    lines = [
        *ahead.lines,
        f"{outside} of {there} Hill inputs lie outside EC10-EC90 ({outside / there:.1%});"
        f" {absent} more read what is not there at the reference.",
    ]
    return Checked(("cell", "target", "signal", "value", "EC", "flag", "why"), rows, lines)


def export(run: "Run | str | Path", to: str) -> list[Path]:
    """Write a run in another format beside it.

    Args:
        run: A run, or its folder.
        to: csv, anndata, ome-zarr, physicell, simularium or vtk.

    Raises:
        InputError: It is neither, the run is in memory, or there is no such format.
    """
    from stemniche.interop.export import export_run
    from stemniche.run.results import Run

    if isinstance(run, str | Path):
        run = open_run(run)
    if not isinstance(run, Run):
        what = f"{run!r:.80} is neither a run nor a folder."
        raise InputError(what, "export", "Give what simulate returned, or the run's folder.")
    return export_run(run, to)


def _check_scenario(given: object, where: str) -> None:
    """Refuse what is no scenario, such as the name of one."""
    if isinstance(given, Scenario):
        return
    name = str(given) if isinstance(given, str | Path) else "breast"
    what = f"{given!r:.80} is no scenario."
    raise InputError(what, where, f"Load it first: load_scenario({name!r:.80}).")


def _tell(progress: bool | Progress) -> Progress:
    """A progress function from what the caller gave."""
    if callable(progress):
        return progress
    if not progress:
        return lambda what, share: None
    import sys

    def tell(what: str, share: float) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{what} {100 * share:3.0f} %")

    return tell
