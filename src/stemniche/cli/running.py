"""The commands that simulate: one run, experiments, screens, sensitivity, speed.

Each reads its options, calls the API and prints.
"""

from pathlib import Path
from typing import Annotated

import typer

from stemniche.cli.options import AsJson, Dosing, Quiet, Set, Treat, Without, WithoutRow, app
from stemniche.cli.output import Table, echo, note, progress_bar, show, show_all, spoken


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
    from stemniche.cli import desk

    chosen = desk.configure(
        scenario, days, settings or (), treat or (), without or (), without_row or (), dosing or ()
    )
    with spoken(quiet, verbose), progress_bar(quiet or verbose) as tell:
        folder = desk.run_to_folder(
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
        for line in desk.headline(folder):
            note(line)
    echo(str(folder))


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
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep every run here, and repeat none that is here."),
    ] = None,
    rival: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Judge shuffled signs (signs:1), drawn numbers (draw:1), or a model without the "
            "path of each experiment (ablated).",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run the arms of an experiment file and print a verdict for each experiment."""
    from stemniche import api
    from stemniche.experiment.scorecard import refuse_unwritable

    if json is not None:
        refuse_unwritable(json)
    with progress_bar(quiet) as tell:
        verdicts = api.reproduce(
            file,
            replicates=replicates,
            workers=workers,
            only=tuple(i.strip() for i in only.split(",")) if only else (),
            records=records,
            rival=rival,
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
    from stemniche.cli import desk

    chosen = desk.configure(scenario, days, settings or (), treat or (), (), ())
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
    tables = []
    for table in (found.singles, found.pairs)[: 1 + pairs]:
        kept = [c for c in table.columns if as_json or not c.endswith((".low", ".high"))]
        rows = [[None if v != v else v for v in row] for row in table[kept].to_numpy(object)]
        tables.append(Table(kept, rows))
    show_all(tables, as_json)
    if out is not None:
        echo(str(out))


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
    from stemniche.cli import desk

    with progress_bar(quiet) as tell:
        found = api.sensitivity(
            desk.configure(scenario, None, settings or (), (), (), ()),
            measures=[name.strip() for name in measures.split(",") if name.strip()],
            only=[name.strip() for name in (only or "").split(",") if name.strip()],
            trajectories=trajectories,
            top=top,
            seed=seed,
            workers=workers,
            progress=tell,
        )
    both = (found.groups, found.inputs)
    show_all([Table(list(t.columns), t.to_numpy().tolist()) for t in both], as_json)
    note(f"{found.runs} runs, {found.stopped} stopped by a guard")
    note(found.rest_on)


@app.command()
def warmup() -> None:
    """Compile all kernels, so that the first run starts at once."""
    from stemniche.cli import desk

    with progress_bar(False) as tell:
        seconds = desk.warmup(tell)
    note(f"kernels ready after {seconds:.0f} s")


@app.command()
def bench(json: AsJson = False, quiet: Quiet = False) -> None:
    """Measure speed and memory on this machine, beside the budgets; takes about a minute."""
    from stemniche.cli import desk

    with progress_bar(quiet) as tell:
        columns, rows = desk.bench(tell)
    show(Table(columns, [["" if v is None else v for v in row] for row in rows]), json)
