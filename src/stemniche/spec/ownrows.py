"""Rows of one's own: a folder of tables laid over the shipped library, without touching it.

The environment names the folder, so workers see it too; `spec.rows` reads it, the shelf and the
folder of a run keep track of it. A row whose id the library has replaces it, others come on top.
"""

import os
from pathlib import Path

VARIABLE = "STEMNICHE_ROWS"
"""Environment variable that names the folder."""


def own_folder() -> Path | None:
    """The folder of the rows that this process adds; None without any."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


def use_rows(folder: str | Path | None) -> None:
    """Lay the tables of a folder over the shipped library from now on; None takes them off.

    The tables are named and headed like the library's: ``drugs.csv``, ``network.csv``, … They are
    checked with it when the library is next needed.
    """
    if folder is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = str(Path(folder).resolve())


def own_tables() -> tuple[Path, ...]:
    """The tables of the folder, by name."""
    folder = own_folder()
    return () if folder is None else tuple(sorted(folder.glob("*.csv")))
