"""Numbers that a scenario sets to other values: parameters, traits, numbers of single rows.

``NAME`` is a parameter of the library, ``TYPE.trait`` a trait that the type may inherit, and
``ROW.half_max`` (and what else `ROW_NUMBERS` lists) a number of one row. The result is a changed
copy of the library, so compilation sees no difference between what was shipped and what was set.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TypeVar

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.core.units import parse_quantity
from stemniche.spec import rownumbers
from stemniche.spec.claimbook import ClaimBook
from stemniche.spec.druglist import DRUG_NUMBERS, drug_record
from stemniche.spec.library import Library
from stemniche.spec.parameters import ROW_NUMBERS
from stemniche.spec.records import Mechanism, Parameter
from stemniche.spec.rowchecks import RowCheck
from stemniche.spec.tables import Faults

T = TypeVar("T", bound=Mechanism)


def overridden(
    library: Library,
    changes: Mapping[str, str | float],
    book: ClaimBook,
    where: Callable[[str], str] = str,
) -> Library:
    """Return the library with some of its numbers changed.

    Args:
        library: As read.
        changes: A quantity by name, as a scenario's `parameters` give it.
        book: Claims, to check changed rows again.
        where: Place of a dotted path of the scenario, for errors.

    Raises:
        InputError: An unknown name, a wrong unit, or a number that cannot be.
    """
    if not changes:
        return library
    parameters = dict(library.parameters)
    rows: dict[str, Mechanism] = {}
    for name, value in changes.items():
        place = where(f"parameters.{name}")
        row, _, column = name.rpartition(".")
        if name not in parameters and row in library.mechanisms:
            rows[row] = _row(rows.get(row, library.mechanisms[row]), column, value, place)
        else:
            parameters[name] = _parameter(library, name, value, place)
    changed = replace(
        library,
        parameters=parameters,
        links=tuple(_kept(row, rows) for row in library.links),
        rules=tuple(_kept(row, rows) for row in library.rules),
        secretions=tuple(_kept(row, rows) for row in library.secretions),
        uptakes=tuple(_kept(row, rows) for row in library.uptakes),
        targets=tuple(_kept(row, rows) for row in library.targets),
        reactions=tuple(_kept(row, rows) for row in library.reactions),
    )
    faults = Faults()
    for row_id in rows:
        RowCheck(changed, book, faults).numbers(changed.mechanisms[row_id])
    for fault in faults.found[:1]:
        raise InputError(fault.what, fault.where, fault.mend)
    return changed


def _parameter(library: Library, name: str, value: str | float, where: str) -> Parameter:
    record = library.parameters.get(name) or _inherited(library, name)
    if record is None:
        names = [*library.parameters, *(f"{row}.half_max" for row in library.mechanisms)]
        mend = did_you_mean(name, names, "Names are those of the library's parameters.csv.")
        raise InputError(f"There is no parameter '{name}'.", where, mend)
    number = parse_quantity(value, record.unit, where=where)
    low = record.value if record.low is None else record.low
    if (number < 0.0 and low >= 0.0) or (number == 0.0 and low > 0.0):
        what = f"{name} = {number:g} {record.unit}".rstrip() + " cannot be."
        raise InputError(what, where, f"Write a number {'above 0' if low > 0.0 else 'from 0 up'}.")
    _in_vocabulary(library, record, number, where)
    return replace(record, value=number, place=replace(record.place, instead=where))


def _inherited(library: Library, name: str) -> Parameter | None:
    """Return the record that a number of a type or drug goes by, under the name itself."""
    head, _, trait = name.partition(".")
    if head in library.drugs and trait in DRUG_NUMBERS:
        record = drug_record(library.parameters, library, head, trait)
        return None if record is None else replace(record, name=name)
    if head not in library.lexicon.cells or not trait:
        return None
    record = library.numbers.trait_record(head, trait)
    return None if record is None else replace(record, name=name)


def _in_vocabulary(library: Library, record: Parameter, number: float, where: str) -> None:
    head, _, trait = record.name.partition(".")
    if head not in library.lexicon.cells:
        return
    word = library.lexicon.word(trait, ("behaviour", "trait"))
    if word is None:
        return
    text = f"{number!r} {record.unit}".strip()
    value = parse_quantity(text, word.unit, where=where)
    low, high = word.low, word.high
    if (low is not None and value < low) or (high is not None and value > high):
        what = f"{record.name} = {number:g} {record.unit}".rstrip() + " is out of range."
        raise InputError(what, where, rownumbers.allowed(word, record.unit))


def _row(row: Mechanism, column: str, value: str | float, where: str) -> Mechanism:
    numbers = [f.name for f in fields(row) if f.name in ROW_NUMBERS]
    if column not in numbers:
        mend = did_you_mean(column, numbers, f"Numbers of this row are {', '.join(numbers)}.")
        raise InputError(f"Row '{row.id}' has no number '{column}'.", where, mend)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"'{value}' is no quantity.", where, "Write a number, a space, a unit.")
    text = value if isinstance(value, str) else repr(value)
    changes = {"place": replace(row.place, instead=where), column: text}
    return replace(row, **changes)  # type: ignore[arg-type]


def _kept(row: T, rows: Mapping[str, Mechanism]) -> T:
    return rows.get(row.id, row)  # type: ignore[return-value]
