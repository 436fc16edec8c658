"""The commands that show a finished run: report, browser view, film, other formats.

Each reads its options, calls the API and prints.
"""

from pathlib import Path
from typing import Annotated

import typer

from stemniche.cli.options import Quiet, app
from stemniche.cli.output import echo, progress_bar


@app.command()
def report(run: Annotated[Path, typer.Argument(help="Folder or store of a run.")]) -> None:
    """Write report.html of a run."""
    from stemniche import api

    echo(str(api.write_report(api.open_run(run))))


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
        str, typer.Option("--to", help="csv, anndata, ome-zarr, physicell, simularium or vtk.")
    ] = "csv",
) -> None:
    """Write tables (csv), cells (anndata, simularium), fields (ome-zarr), both (physicell, vtk)."""
    from stemniche import api

    for path in api.export(run, to):
        echo(str(path))
