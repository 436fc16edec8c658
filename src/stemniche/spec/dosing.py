"""Dosing tables as pharmacometricians keep them, read into interventions.

A table in the style of NONMEM has a line per event: ``TIME`` (h), ``AMT`` (mg), ``RATE`` (mg/h, 0
or absent for a bolus), ``II`` (h) and ``ADDL`` (further doses), ``EVID`` (1 dose, 0 observation, 2
other), ``ID``. Each dose becomes the mapping that a scenario would hold: `Scenario.treat` takes the
list, and all checks are those of scenarios.
"""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean

KNOWN = ("ID", "TIME", "AMT", "RATE", "II", "ADDL", "EVID", "CMT", "DV", "MDV", "SS")
NEEDED = ("TIME", "AMT")
DOSE, IGNORED = 1, (0, 2)
LARGEST = 1_000_000
"""Bytes of a table that is read."""


def read_dosing(path: str | Path, drug: str, subject: str = "") -> list[dict[str, str | int]]:
    """Read the doses of one subject.

    Args:
        path: A CSV file with a header; lines that start with ``#`` are remarks.
        drug: Name of the drug that the table is about.
        subject: ``ID`` whose lines are meant; it may be left out if there is only one.

    Returns:
        Interventions such as ``{"drug": "paclitaxel", "dose": "140 mg", "from": "0 h"}``.

    Raises:
        InputError: The file cannot be read, a column is missing or a number wrong, or an event is
            of a kind that has no counterpart (resets, steady state).
    """
    file = Path(path)
    lines = _lines(file)
    events = [(number, line) for number, line in lines if _of(line, subject)]
    subjects = list(dict.fromkeys(line.get("ID", "") for _, line in events))
    if len(subjects) > 1:
        what = f"The table has {len(subjects)} subjects: {', '.join(subjects[:6])}."
        raise InputError(what, str(file), "Name the one that is meant.")
    found = [
        _dose(line, drug, f"{file}:{number}")
        for number, line in events
        if _is_dose(line, f"{file}:{number}")
    ]
    if not found:
        raise InputError("The table has no doses.", str(file), "Doses have EVID 1 and an AMT.")
    return found


def _lines(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Lines with their numbers, by upper-case column."""
    try:
        if file.stat().st_size > LARGEST:
            raise InputError("The table is too large.", str(file), f"At most {LARGEST} bytes.")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is no text"
        what = f"The dosing table cannot be read ({reason})."
        raise InputError(what, str(file), "Name a CSV file.") from fault
    written = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not written:
        raise InputError("The table is empty.", str(file), "Write a header and a line per dose.")
    header = [name.strip().upper() for name in next(csv.reader([written[0][1]]))]
    for name in header:
        if name not in KNOWN:
            mend = did_you_mean(name, KNOWN, f"Columns are {', '.join(KNOWN)}.")
            raise InputError(f"There is no column '{name}'.", f"{file}:{written[0][0]}", mend)
    for name in NEEDED:
        if name not in header:
            what = f"The column {name} is missing."
            raise InputError(what, f"{file}:{written[0][0]}", f"Needed: {', '.join(NEEDED)}.")
    found = []
    for number, line in written[1:]:
        values = [value.strip() for value in next(csv.reader([line]))]
        if len(values) != len(header):
            what = f"The line has {len(values)} values, the header {len(header)}."
            raise InputError(what, f"{file}:{number}", "Give every column a value; '.' for none.")
        found.append((number, dict(zip(header, values, strict=True))))
    return found


def _of(line: Mapping[str, str], subject: str) -> bool:
    return not subject or line.get("ID", "") == subject


def _is_dose(line: Mapping[str, str], where: str) -> bool:
    if _number(line, "SS", where):
        mend = "Write the doses out, or let preparation reach the steady state."
        raise InputError("A dose at steady state has no counterpart.", where, mend)
    amount = _number(line, "AMT", where)
    kind = _number(line, "EVID", where) if "EVID" in line else float(amount > 0.0)
    if kind in IGNORED:
        return False
    if kind != DOSE:
        mend = "Use 1 (dose), 0 (observation) or 2 (other)."
        raise InputError(f"An event of kind EVID {kind:g} has no counterpart.", where, mend)
    if amount <= 0.0:
        raise InputError("The dose has no amount.", where, "Give AMT in mg.")
    return True


def _dose(line: Mapping[str, str], drug: str, where: str) -> dict[str, str | int]:
    amount, rate = _number(line, "AMT", where), _number(line, "RATE", where)
    interval, further = _number(line, "II", where), _number(line, "ADDL", where)
    if rate < 0.0:
        mend = "Give it in mg/h, or 0 for a bolus."
        raise InputError("A rate that a model estimates has no counterpart.", where, mend)
    if further and not interval:
        raise InputError("Further doses need an interval.", where, "Give II in h.")
    if further != int(further):
        raise InputError("ADDL is no whole number.", where, "Give the number of further doses.")
    item: dict[str, str | int] = {
        "drug": drug,
        "dose": f"{amount:.12g} mg",
        "from": f"{_number(line, 'TIME', where):.12g} h",
    }
    if further:
        item |= {"every": f"{interval:.12g} h", "doses": int(further) + 1}
    if rate:
        item["over"] = f"{amount / rate:.12g} h"
    return item


def _number(line: Mapping[str, str], column: str, where: str) -> float:
    """A number of a line; 0 where the column is absent or holds a dot."""
    text = line.get(column, ".")
    if text in (".", ""):
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (value < 0.0 and column != "RATE"):
        what = f"'{text[:40]}' is no {column}."
        raise InputError(what, where, "Write a number that is not negative, or '.'.")
    return value
