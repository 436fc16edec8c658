"""Reads CSV tables of the library into records, line by line, and collects what is wrong.

It knows columns and plain types only: which names exist and what a number means is judged by
`spec.checks`. Nothing is raised before a whole folder has been read, so that a person mends ten
faults at once instead of one after the other.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from stemniche.core.errors import LibraryError
from stemniche.core.names import did_you_mean
from stemniche.spec.records import Place

R = TypeVar("R")

MOST_SHOWN = 10
LARGEST_TABLE = 8_000_000
"""Bytes; a larger file is no table of this library."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the library: what, where, how to mend it."""

    what: str
    where: str
    mend: str


@dataclass(slots=True)
class Faults:
    """Faults found so far."""

    found: list[Fault] = field(default_factory=list)

    def add(self, what: str, where: str, mend: str) -> None:
        """Note one fault."""
        self.found.append(Fault(what, where, mend))

    def stop(self) -> None:
        """Raise what was found, if anything.

        Raises:
            LibraryError: With the first ten faults.
        """
        if not self.found:
            return
        first, *rest = self.found
        if not rest:
            raise LibraryError(first.what, first.where, first.mend)
        shown = self.found[:MOST_SHOWN]
        lines = [f"\n  {f.where}: {f.what} {f.mend}" for f in shown]
        hidden = len(self.found) - len(shown)
        more = f"\n  and {hidden} more" if hidden else ""
        what = f"The library has {len(self.found)} faults:{''.join(lines)}{more}"
        raise LibraryError(what, first.where, "Mend each row as said behind it.")


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read."""

    name: str
    attribute: str
    hint: Any
    required: bool


def columns_of(record: type[Any]) -> tuple[Column, ...]:
    """Return the columns of a record class, in order; the place is no column."""
    hints = get_type_hints(record)
    return tuple(
        Column(
            f.metadata.get("column") or f.name, f.name, hints[f.name], bool(f.metadata["required"])
        )
        for f in fields(record)
        if f.name != "place"
    )


def read_table(
    path: Path, record: type[R], faults: Faults, *, optional: bool = False, shown: str = ""
) -> list[R]:
    """Read one CSV table; rows with faults are left out and noted.

    Args:
        path: The file, UTF-8 with a header line.
        record: Record class whose fields name the columns.
        faults: Takes what is wrong.
        optional: Whether the file may be missing.
        shown: How the file is called in faults; its name by default.
    """
    shown = shown or path.name
    if not path.is_file():
        if not optional:
            names = ", ".join(c.name for c in columns_of(record))
            mend = f"Add the table with the columns {names}."
            faults.add(f"The library has no table '{path.name}'.", str(path), mend)
        return []
    lines = csv.reader(io.StringIO(_text(path, faults), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        if not _header_is_good(shown, header, record, faults):
            return []
        columns = columns_of(record)
        rows = []
        start = lines.line_num + 1
        for values in lines:
            place, start = Place(shown, start), lines.line_num + 1
            if any(v.strip() for v in values):
                row = _record(place, header, values, record, columns, faults)
                rows += [] if row is None else [row]
        return rows
    except csv.Error as fault:
        where = Place(shown, lines.line_num).at()
        faults.add(f"The line is no CSV: {fault}.", where, "Check the quotes of this line.")
        return []


def check_unique(rows: Iterable[Any], attribute: str, faults: Faults) -> None:
    """Note every row whose id was used before."""
    seen: dict[str, Place] = {}
    for row in rows:
        name = getattr(row, attribute)
        if name in seen:
            what = f"'{name}' is already used at {seen[name].at()}."
            faults.add(what, row.place.at(attribute), "Give each row its own name.")
        seen.setdefault(name, row.place)


def _text(path: Path, faults: Faults) -> str:
    try:
        if path.stat().st_size > LARGEST_TABLE:
            faults.add("The file is too large for a table.", path.name, "Split or shorten it.")
            return ""
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        faults.add(f"The table cannot be read: {fault}.", path.name, "Save it as UTF-8 text.")
        return ""


def _header_is_good(file: str, header: list[str], record: type[Any], faults: Faults) -> bool:
    columns = columns_of(record)
    names = [c.name for c in columns]
    before = len(faults.found)
    if not any(header):
        faults.add("The table is empty.", f"{file}:1", f"Its header is {','.join(names)}.")
        return False
    for name in header:
        if name not in names:
            mend = did_you_mean(name, names, f"Columns are {', '.join(names)}.")
            faults.add(f"There is no column '{name}'.", f"{file}:1", mend)
        elif header.count(name) > 1:
            faults.add(f"Column '{name}' occurs twice.", f"{file}:1", "Remove one of them.")
    for column in columns:
        if column.required and column.name not in header:
            faults.add(f"Column '{column.name}' is missing.", f"{file}:1", "Add the column.")
    return len(faults.found) == before


def _record(
    place: Place,
    header: list[str],
    values: list[str],
    record: type[R],
    columns: tuple[Column, ...],
    faults: Faults,
) -> R | None:
    if len(values) > len(header):
        what = f"The line has {len(values)} cells but the header {len(header)}."
        faults.add(what, place.at(), "Quote cells that contain a comma.")
        return None
    texts = dict(zip(header, (v.strip() for v in values), strict=False))
    before = len(faults.found)
    made: dict[str, Any] = {"place": place}
    for column in columns:
        text = texts.get(column.name, "")
        if text:
            made[column.attribute] = _read(text, column, place, faults)
        elif column.required:
            what = f"The cell of '{column.name}' is empty."
            faults.add(what, place.at(column.name), "Fill it in.")
    return record(**made) if len(faults.found) == before else None


def _read(text: str, column: Column, place: Place, faults: Faults) -> Any:
    """Turn the text of a cell into what its column holds."""
    hint = column.hint
    if get_origin(hint) is Literal:
        choices = [str(choice) for choice in get_args(hint)]
        normal = "+1" if text == "1" and "+1" in choices else text
        if normal not in choices:
            mend = did_you_mean(text, choices, f"Write one of {', '.join(choices)}.")
            faults.add(f"'{text}' is no {column.name}.", place.at(column.name), mend)
        return normal
    if get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(";") if part.strip())
    if hint is bool:
        if text.lower() not in ("yes", "no"):
            what = f"'{text}' is neither yes nor no."
            faults.add(what, place.at(column.name), "Write yes or no.")
        return text.lower() == "yes"
    if hint is float or (get_origin(hint) is UnionType and float in get_args(hint)):
        return _number(text, column, place, faults)
    return text


def _number(text: str, column: Column, place: Place, faults: Faults) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        what = f"'{text}' is not a finite number."
        faults.add(what, place.at(column.name), "Write a plain number.")
    return number
