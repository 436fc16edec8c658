"""The commands that look things up without simulating: scenarios, model, evidence, drugs.

Each reads its options, calls the API and prints.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stemniche.cli.options import AsJson, Set, Treat, Without, WithoutRow, app
from stemniche.cli.output import Table, echo, note, show

if TYPE_CHECKING:
    from stemniche.experiment.routes import Route


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
    from stemniche.cli import desk

    chosen = desk.configure(scenario, None, settings or (), (), without or (), without_row or ())
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
    from stemniche.cli import desk

    chosen = desk.configure(scenario, None, settings or (), treat or (), without or (), ())
    found = api.check(chosen, operating_points=operating_points)
    show(Table(found.columns, found.rows), json)
    if not json:
        for line in found.lines:
            note(line)


@app.command()
def routes(
    scenario: Annotated[str, typer.Argument(help="Name of a preset or a YAML file.")],
    block: Annotated[
        str, typer.Option(help="Factors, nodes, drugs or 'vesicles', separated by commas.")
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
    from stemniche.cli import desk

    chosen = desk.configure(scenario, None, settings or (), (), without or (), without_row or ())
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
    from stemniche.cli import desk

    columns, rows = desk.evidence_table(what, tuple(names or ()))
    show(Table(columns, rows), json)


@app.command()
def drugs(
    name: Annotated[
        list[str] | None, typer.Argument(help="A drug, by any of its names, or a class.")
    ] = None,
    json: AsJson = False,
) -> None:
    """List the drugs of the library, or all that is known of one."""
    from stemniche.cli import desk

    columns, rows = desk.drugs_table(" ".join(name or ()))
    show(Table(columns, rows), json)


@app.command()
def trials(
    name: Annotated[str | None, typer.Argument(help="An id or NCT number.")] = None,
    json: AsJson = False,
) -> None:
    """List the trials of the evidence as arms that run, or one with its command."""
    from stemniche.cli import desk

    columns, rows = desk.trials_table(name or "")
    show(Table(columns, rows), json)
