"""How the command line prints: tables, JSON, notes, a progress line on terminals."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows to print."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def echo(text: str) -> None:
    """Print a line of what was asked for."""
    typer.echo(text)


def note(text: str) -> None:
    """Print a remark, apart from what was asked for."""
    typer.echo(text, err=True)


def show(table: Table, as_json: bool) -> None:
    """Print a table, as aligned text or as a JSON list of objects."""
    show_all([table], as_json)


def show_all(tables: Sequence[Table], as_json: bool) -> None:
    """Print tables one after another; as JSON, one list of the objects of all."""
    if as_json:
        objects = [dict(zip(t.columns, row, strict=True)) for t in tables for row in t.rows]
        echo(json.dumps(objects, indent=1, default=str))
        return
    for table in tables:
        _print(table)


def _print(table: Table) -> None:
    if not table.rows:
        note("nothing to show")
        return
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        grid.add_column(column, overflow="fold")
    for row in table.rows:
        grid.add_row(*(_text(cell) for cell in row))
    terminal = sys.stdout.isatty()
    Console(width=None if terminal else 160, markup=False, highlight=False).print(grid)


def _text(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


class _Spoken(logging.Formatter):
    """What the package says as the command line prints it, in place of a progress line."""

    def format(self, record: logging.LogRecord) -> str:
        clear = "\r\033[K" if sys.stderr.isatty() else ""
        kind = "warning: " if record.levelno == logging.WARNING else ""
        return f"{clear}{kind}{record.getMessage()}"


@contextmanager
def spoken(quiet: bool, verbose: bool) -> Iterator[None]:
    """Print what the package says meanwhile: warnings, all of it, or nothing when quiet."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Spoken())
    handler.setLevel(logging.INFO if verbose else logging.CRITICAL if quiet else logging.WARNING)
    # Errors reach the user as the message with which the command ends.
    handler.addFilter(lambda record: record.levelno != logging.ERROR)
    log = logging.getLogger("stemniche")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Tell]:
    """A function that shows what is going on, the share done and the time left.

    Quiet when asked to be or when the error stream is no terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda what, share: None
        return
    what_before, since, shown = "", time.monotonic(), 0.0

    def tell(what: str, share: float) -> None:
        nonlocal what_before, since, shown
        now = time.monotonic()
        if what != what_before:
            what_before, since, shown = what, now, 0.0
        if now - shown < 0.2 and share < 1.0:
            return
        shown = now
        spent = now - since
        left = f", {spent / share - spent:.0f} s left" if share > 0.02 else ""
        sys.stderr.write(f"\r\033[K{what} {100 * share:3.0f} %{left}")
        sys.stderr.flush()

    yield tell
    sys.stderr.write("\r\033[K")
