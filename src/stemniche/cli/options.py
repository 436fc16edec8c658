"""The app and the options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from stemniche import __version__
from stemniche.spec.ownrows import use_rows

app = typer.Typer(
    name="stemniche",
    help="An executable model of the cancer stem cell niche.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"stemniche {__version__}")
        raise typer.Exit


@app.callback()
def common(
    rows: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Tables of your own, laid over the library (or STEMNICHE_ROWS)."
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Print it and exit."),
    ] = False,
) -> None:
    """An executable model of the cancer stem cell niche."""
    if rows is not None:
        use_rows(rows)


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
