"""The commands: read the options, call the API, print."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stemniche.cli.output import Table, echo, note, progress_bar, show, spoken

if TYPE_CHECKING:
    from stemniche.experiment.routes import Route

app = typer.Typer(
    name="stemniche",
    help="An executable model of the cancer stem cell niche.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the scenario."),
]
Treat = Annotated[
    list[str] | None,
    typer.Option(
        "--treat", metavar="TEXT", help="Add an intervention, such as 'block CXCR4 0.9 from 3 d'."
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="CLAIM", help="Switch a claim's mechanism off."),
]
WithoutRow = Annotated[
    list[str] | None,
    typer.Option("--without-row", metavar="ROW", help="Switch one library row off."),
]
Dosing = Annotated[
    list[str] | None,
    typer.Option("--dosing", metavar="DRUG=FILE", help="Doses from a NONMEM-style table (CSV)."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print only what was asked for.")]


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="Name of a preset or a YAML file.")],
    days: Annotated[float | None, typer.Option(help="Days to simulate.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 1,
    settings: Set = None,
    treat: Treat = None,
    dosing: Dosing = None,
    without: Without = None,
    without_row: WithoutRow = None,
    out: Annotated[Path | None, typer.Option(help="Folder to make.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads; the results do not depend on it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    quiet: Quiet = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say what is going on.")] = False,
) -> None:
    """Simulate a scenario; write the run and its report; print the folder."""
    from stemniche import api

    chosen = api.configure(
        scenario, days, settings or (), treat or (), without or (), without_row or (), dosing or ()
    )
    with spoken(quiet, verbose), progress_bar(quiet or verbose) as tell:
        folder = api.run_to_folder(
            chosen,
            scenario,
            seed=seed,
            out=out,
            threads=threads,
            progress=tell,
            resume=resume,
            report=report,
        )
    if not quiet:
        for line in api.headline(folder):
            note(line)
    echo(str(folder))


@app.command()
def scenarios(json: AsJson = False) -> None:
    """List the scenarios that come with the package."""
    from stemniche import api

    rows = []
    for name in api.list_scenarios():
        s = api.load_scenario(name)
        about = api.describe_scenario(name)
        rows.append([name, s.cancer, f"{s.days:g}", s.tumour.cells, about])
    show(Table(["name", "cancer", "days", "tumour cells", "what it is"], rows), json)


@app.command()
def explain(
    scenario: str,
    cell: Annotated[str | None, typer.Option(help="Only one cell type.")] = None,
    settings: Set = None,
    without: Without = None,
    without_row: WithoutRow = None,
    json: AsJson = False,
) -> None:
    """Print the compiled model as sentences with the claims they rest on."""
    from stemniche import api

    chosen = api.configure(scenario, None, settings or (), (), without or (), without_row or ())
    table = Table(["cell", "sentence", "row"], [list(r) for r in api.explain(chosen, cell)])
    if json:
        show(table, json)
        return
    last = ""
    for where, sentence, _ in table.rows:
        if where != last:
            echo(f"\n{where}")
            last = str(where)
        echo(f"  {sentence}")


@app.command()
def check(
    scenario: str,
    operating_points: Annotated[
        bool,
        typer.Option("--operating-points", help="List inputs outside EC10-EC90 at the reference."),
    ] = False,
    settings: Set = None,
    treat: Treat = None,
    without: Without = None,
    json: AsJson = False,
) -> None:
    """Check a scenario without running it; forecast its size."""
    from stemniche import api

    chosen = api.configure(scenario, None, settings or (), treat or (), without or (), ())
    found = api.check(chosen, operating_points=operating_points)
    show(Table(found.columns, found.rows), json)
    if not json:
        for line in found.lines:
            note(line)


@app.command()
def routes(
    scenario: Annotated[str, typer.Argument(help="Name of a preset or a YAML file.")],
    block: Annotated[
        str, typer.Option(help="Factors, nodes or 'vesicles' out of play, separated by commas.")
    ] = "",
    goal: Annotated[
        str, typer.Option(help="stemness, survival, angiogenesis; all without it.")
    ] = "",
    longest: Annotated[int, typer.Option(min=1, max=12, help="Most rows of a route.")] = 8,
    settings: Set = None,
    without: Without = None,
    without_row: WithoutRow = None,
    json: AsJson = False,
) -> None:
    """Print the ways by which the tumour sustains itself in spite of a block, and what closes them.

    It reads the compiled network: what can follow from what, not how much.
    """
    from stemniche import api

    chosen = api.configure(scenario, None, settings or (), (), without or (), without_row or ())
    listed = [[name.strip() for name in text.split(",") if name.strip()] for text in (block, goal)]
    found = api.routes(chosen, listed[0], goal=listed[1], longest=longest)
    if json:
        columns = ["goal", "open", "given", "closing", "complete"]
        rows = [[e.goal, _told(e.routes), _told(e.given), e.closing, e.complete] for e in found]
        show(Table(columns, rows), json)
        return
    for escape in found:
        echo(f"\n{escape.goal}: {'open' if escape.routes else 'closed'}")
        for route in (*escape.routes, *escape.given):
            echo(f"  {route}")
            for sentence in route.sentences:
                echo(f"    {sentence}")
        for names in escape.closing:
            echo(f"  closed by blocking {' + '.join(names)}")
        if not escape.complete:
            echo("  and by other sets of this size")


def _told(routes: "tuple[Route, ...]") -> list[dict[str, Any]]:
    """Routes as JSON takes them."""
    return [{"route": str(r), "rows": r.rows, "sentences": r.sentences} for r in routes]


@app.command()
def evidence(
    what: Annotated[
        str, typer.Argument(help="summary, claims, loops, paths, coverage, parts or show.")
    ] = "summary",
    names: Annotated[
        list[str] | None, typer.Argument(help="For paths: A B; for show: an id.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Look into the claims: counts, list, loops, paths between two entities, coverage, one row.

    `parts` counts, for each part of the biology, how many single mechanisms the library keeps.
    """
    from stemniche import api

    columns, rows = api.evidence_table(what, tuple(names or ()))
    show(Table(columns, rows), json)


@app.command()
def drugs(
    name: Annotated[
        list[str] | None, typer.Argument(help="A drug, by any of its names, or a class.")
    ] = None,
    json: AsJson = False,
) -> None:
    """List the drugs of the library, or all that is known of one."""
    from stemniche import api

    columns, rows = api.drugs_table(" ".join(name or ()))
    show(Table(columns, rows), json)


@app.command()
def trials(
    name: Annotated[str | None, typer.Argument(help="An id or NCT number.")] = None,
    json: AsJson = False,
) -> None:
    """List the trials of the evidence as arms that run, or one with its command."""
    from stemniche import api

    columns, rows = api.trials_table(name or "")
    show(Table(columns, rows), json)


@app.command()
def reproduce(
    file: Annotated[
        Path | None, typer.Argument(help="Experiment file; the shipped one without it.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="Ids, separated by commas.")] = None,
    replicates: Annotated[
        int | None, typer.Option(help="Exactly this many; adaptive without it.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.")] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Write verdicts to a file.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run the arms of an experiment file and print a verdict for each experiment."""
    from stemniche import api

    with progress_bar(quiet) as tell:
        verdicts = api.reproduce(
            file,
            replicates=replicates,
            workers=workers,
            only=tuple(i.strip() for i in only.split(",")) if only else (),
            progress=tell,
        )
    columns, rows, card = api.scorecard(verdicts)
    show(Table(columns, rows), False)
    for line in [*card, *(api.left_out() if file is None and only is None else ())]:
        note(line)
    if json is not None:
        api.write_verdicts(verdicts, json)
    if (verdicts["verdict"] == "failed").any():
        raise typer.Exit(3)


@app.command()
def screen(
    scenario: Annotated[str, typer.Argument(help="Name of a preset or a YAML file.")],
    drugs: Annotated[str, typer.Option(help="Names of drugs, separated by commas.")] = "",
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A further agent, such as 'block CXCR4 0.9'."),
    ] = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="Give them two by two as well.")] = False,
    doses: Annotated[int, typer.Option(help="Of single drugs; 4 or more for Loewe.")] = 1,
    replicates: Annotated[int, typer.Option(help="Of every arm.")] = 4,
    days: Annotated[float | None, typer.Option(help="Days to simulate.")] = None,
    settings: Set = None,
    treat: Treat = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to make, with tables and a page.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Drugs alone and in pairs beside no treatment: effects, Bliss, HSA and Loewe with intervals.

    What --treat names is given in all arms.
    """
    from stemniche import api

    chosen = api.configure(scenario, days, settings or (), treat or (), (), ())
    with progress_bar(quiet) as tell:
        found = api.screen(
            chosen,
            [name.strip() for name in drugs.split(",") if name.strip()],
            also=also or (),
            pairs=pairs,
            doses=doses,
            replicates=replicates,
            workers=workers,
            out=out,
            progress=tell,
        )
    for table in (found.singles, found.pairs)[: 1 + pairs]:
        kept = [c for c in table.columns if as_json or not c.endswith((".low", ".high"))]
        rows = [[None if v != v else v for v in row] for row in table[kept].to_numpy(object)]
        show(Table(kept, rows), as_json)
    if out is not None:
        echo(str(out))


@app.command()
def report(run: Annotated[Path, typer.Argument(help="Folder or store of a run.")]) -> None:
    """Write report.html of a run."""
    from stemniche import api

    echo(str(api.write_report(api.open_run(run))))


@app.command()
def sensitivity(
    scenario: Annotated[str, typer.Argument(help="Name of a preset or a YAML file.")],
    measures: Annotated[
        str, typer.Option(help="Columns of the table, separated by commas.")
    ] = "tumour_cells,csc_fraction,hypoxic_fraction",
    only: Annotated[
        str | None, typer.Option(help="Numbers to look at, such as 'stemness.*,IL6.*'.")
    ] = None,
    trajectories: Annotated[int, typer.Option(help="Of the first round.")] = 8,
    top: Annotated[int, typer.Option(help="How many single numbers to report.")] = 50,
    settings: Set = None,
    seed: Annotated[int, typer.Option(help="Seed of runs and of the sampling.")] = 1,
    workers: Annotated[int | None, typer.Option(help="Processes.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Which groups of numbers, and which numbers in them, move the results most (Morris)."""
    from stemniche import api

    with progress_bar(quiet) as tell:
        found = api.sensitivity(
            api.configure(scenario, None, settings or (), (), (), ()),
            measures=[name.strip() for name in measures.split(",")],
            only=[name.strip() for name in (only or "").split(",") if name.strip()],
            trajectories=trajectories,
            top=top,
            seed=seed,
            workers=workers,
            progress=tell,
        )
    if not as_json:
        show(Table(list(found.groups.columns), found.groups.to_numpy().tolist()), False)
    show(Table(list(found.inputs.columns), found.inputs.to_numpy().tolist()), as_json)
    assumed = int((found.inputs.basis == "assumed").sum())
    note(f"{found.runs} runs, {found.stopped} stopped by a guard")
    note(f"{len(found.inputs) - assumed} of these {len(found.inputs)} rest on a source")


@app.command()
def view(
    run: Annotated[Path, typer.Argument(help="Folder or store of a run.")],
    fields: Annotated[
        str, typer.Option(help="Factors, separated by commas; all but vesicles without it.")
    ] = "",
    nodes: Annotated[str, typer.Option(help="Network nodes to colour cells by.")] = "",
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write view.html: the run to play, magnify and point at in a browser."""
    from stemniche import api

    listed = [[n.strip() for n in text.split(",") if n.strip()] for text in (fields, nodes)]
    path = api.write_view(api.open_run(run), fields=listed[0], nodes=listed[1])
    if browse:
        typer.launch(path.resolve().as_uri())
    echo(str(path))


@app.command()
def movie(
    run: Annotated[Path, typer.Argument(help="Folder or store of a run.")],
    out: Annotated[
        Path | None,
        typer.Option(help="An .mp4 or .gif; by default movie.mp4 in the folder."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write a film of the tissue, one frame per sample."""
    from stemniche import api

    with progress_bar(quiet) as tell:
        path = api.write_movie(api.open_run(run), out, tell)
    echo(str(path))


@app.command()
def export(
    run: Path,
    to: Annotated[
        str, typer.Option("--to", help="csv, anndata, ome-zarr, simularium or vtk.")
    ] = "csv",
) -> None:
    """Write tables (csv), cells (anndata, simularium), fields (ome-zarr) or both (vtk) of a run."""
    from stemniche import api

    for path in api.export(run, to):
        echo(str(path))


@app.command()
def warmup() -> None:
    """Compile all kernels, so that the first run starts at once."""
    from stemniche import api

    with progress_bar(False) as tell:
        seconds = api.warmup(tell)
    note(f"kernels ready after {seconds:.0f} s")


@app.command()
def bench(json: AsJson = False, quiet: Quiet = False) -> None:
    """Measure speed and memory on this machine, beside the budgets; takes about a minute."""
    from stemniche import api

    with progress_bar(quiet) as tell:
        columns, rows = api.bench(tell)
    show(Table(columns, [["" if v is None else v for v in row] for row in rows]), json)
