"""Numbers written on library rows, read in engine units and judged.

The same functions serve the library's check, which collects their errors, and the compilation,
which uses their values. A number may be a quantity, a plain number where the unit is none, or the
name of a parameter.
"""

import re

from stemniche.core.errors import LibraryError
from stemniche.core.units import ENGINE_UNITS, convert
from stemniche.spec.lexicon import Lexicon, Signal
from stemniche.spec.parameters import Numbers
from stemniche.spec.records import Link, NodeRow, ReactionRow, Rule, SecretionRow, UptakeRow, Word

STEEPEST_HILL = 16.0
GAIN = "network.gain"
AMOUNTS = frozenset(("mol", "mmol", "umol", "nmol", "pmol", "molecules", "molecule"))
_FOLD = re.compile(r"\s*(\S+)\s+fold\s*")


def allowed(word: Word, unit: str) -> str:
    """The values that the vocabulary allows, in words and in the unit in which one was written."""
    ends = [
        f"{name} {convert(end, word.unit, unit, where=word.id):g}"
        for name, end in (("from", word.low), ("to", word.high))
        if end is not None
    ]
    return f"The vocabulary allows {' '.join([*ends, '' if unit == '1' else unit]).rstrip()}."


def half_max(numbers: Numbers, row: Link | Rule, signal: Signal) -> float:
    """Level of the signal at half effect, in the signal's unit, above 0."""
    where = row.place.at("half_max")
    value = numbers.read(row.half_max, signal.unit, where=where, molar_mass=signal.molar_mass)
    if value <= 0.0:
        what = f"A half_max of {value:g} is not above 0."
        raise LibraryError(what, where, "Write a level above 0.")
    if signal.form in ("node", "neighbour") and value > 1.0:
        what = f"A half_max of {value:g} is never reached: '{signal.about}' runs from 0 to 1."
        raise LibraryError(what, where, "Write a number between 0 and 1.")
    return value


def hill(numbers: Numbers, row: Link | Rule) -> float:
    """Steepness of the response."""
    where = row.place.at("hill")
    value = numbers.read(row.hill, "", where=where)
    if not 0.0 < value <= STEEPEST_HILL:
        what = f"A Hill coefficient of {value:g} is out of range."
        raise LibraryError(what, where, f"Write a number above 0, at most {STEEPEST_HILL:g}.")
    return value


def reference(numbers: Numbers, row: Link | Rule, signal: Signal) -> float:
    """Level of the signal at which the target sits at its baseline."""
    where = row.place.at("ref")
    text = row.ref
    if not text and signal.form == "node":
        return baseline(numbers, numbers.lexicon.nodes[signal.about])
    if not text:
        factor = signal.about if signal.form in ("factor", "serum") else ""
        text = numbers.reference(signal.name, factor)
    value = numbers.read(text, signal.unit, where=where, molar_mass=signal.molar_mass)
    if value < 0.0:
        raise LibraryError(f"A reference of {value:g} is negative.", where, "Write 0 or more.")
    return value


def baseline(numbers: Numbers, node: NodeRow) -> float:
    """Value of a node at the reference inputs, strictly between 0 and 1."""
    where = node.place.at("baseline")
    value = numbers.read(node.baseline, "", where=where)
    if not 0.0 < value < 1.0:
        what = f"A baseline of {value:g} leaves node '{node.id}' no room."
        raise LibraryError(what, where, "Write a number between 0 and 1, neither included.")
    return value


def relaxation(numbers: Numbers, node: NodeRow) -> float:
    """Relaxation time of a node, min: a class named by a ``tau.`` parameter, or a time."""
    where = node.place.at("tau")
    named = f"tau.{node.tau}"
    value = numbers.read(named if named in numbers.records else node.tau, "min", where=where)
    if value <= 0.0:
        raise LibraryError(f"A tau of {value:g} min is not above 0.", where, "Write a time.")
    return value


def weight(numbers: Numbers, row: Link) -> float:
    """Strength of a network row before its sign; the global gain where nothing is written.

    Only a parameter may be 0: it switches all its rows off at once.
    """
    where = row.place.at("weight")
    value = numbers.read(row.weight or GAIN, "", where=where)
    if value < 0.0 or (value == 0.0 and row.weight not in numbers.records):
        what = f"A weight of {value:g} is not above 0."
        raise LibraryError(what, where, "Write a strength above 0; 'sign' gives the direction.")
    return value


def limit(numbers: Numbers, row: Rule, unit: str, base: float) -> float:
    """Value that the behaviour approaches at saturation, in `unit`.

    Raises:
        LibraryError: It lies on the wrong side of `base`, or is 0.
    """
    where = row.place.at("limit")
    if is_fold(numbers, row.limit):
        value = base * numbers.read(row.limit, "fold", where=where)
    else:
        value = numbers.read(row.limit, unit, where=where)
    if value <= 0.0:
        what = f"The limit '{row.limit}' is not above 0: rules act by folds."
        raise LibraryError(what, where, "Write a small value above 0.")
    if (value > base) != (row.direction == "increases") or value == base:
        side = "above" if row.direction == "increases" else "below"
        what = f"'{row.id}' {row.direction} {row.behaviour}, but its limit is {value:g}"
        mend = f"Write a limit {side} the base value {base:g} {unit}".rstrip() + "."
        raise LibraryError(f"{what} at a base of {base:g} {unit}".rstrip() + ".", where, mend)
    return value


def is_fold(numbers: Numbers, text: str) -> bool:
    """Whether a limit is written as a multiple of the base value."""
    record = numbers.records.get(text)
    return record.unit == "fold" if record else bool(_FOLD.fullmatch(text))


def secretion_rate(numbers: Numbers, row: SecretionRow) -> float:
    """Molecules per min and cell, at node value 1."""
    where = row.place.at("rate")
    value = numbers.read(row.rate, ENGINE_UNITS["secretion"], where=where)
    return _not_negative(value, where)


def uptake_numbers(
    numbers: Numbers, row: UptakeRow, lexicon: Lexicon, volume: float
) -> tuple[float, float]:
    """Rate and km of an uptake, as `spec.model.Uptake` keeps them.

    A saturating rate is written as an amount per time and cell, or as a level per time in the
    cell's own `volume` (um^3).
    """
    where = row.place.at("rate")
    if row.kind == "first_order":
        return _not_negative(numbers.read(row.rate, "1/min", where=where), where), 0.0
    factor = lexicon.factors[lexicon.members(row.factor)[0]]
    mass = factor.molar_mass_kda
    km = numbers.read(row.km or "0", factor.unit, where=row.place.at("km"), molar_mass=mass)
    if km <= 0.0:
        what = "A saturating uptake needs a km above 0."
        raise LibraryError(what, row.place.at("km"), "Write the level at half the largest rate.")
    if _is_level_rate(numbers, row.rate):
        level = numbers.read(row.rate, f"{factor.unit}/min", where=where)
        return _not_negative(level, where) * volume, km
    rate = numbers.read(row.rate, f"{factor.unit}*um^3/min", where=where)
    return _not_negative(rate, where), km


def reaction_rates(numbers: Numbers, row: ReactionRow, lexicon: Lexicon) -> tuple[float, float]:
    """Rates forward and back; the first in 1/min per level of every substance but one.

    Raises:
        LibraryError: A rate is negative, or there is nothing that could fall apart.
    """
    order = len(row.reactants) + bool(row.enzymes) - 1
    factor = lexicon.factors.get(row.product or row.reactants[0])
    level = factor.unit if factor else "nM"
    where = row.place.at("rate")
    forward = _not_negative(
        numbers.read(row.rate, "1/min" + f"/{level}" * order, where=where), where
    )
    where = row.place.at("reverse")
    if row.reverse and not row.product:
        raise LibraryError("Nothing is made that could fall apart.", where, "Name the product.")
    backward = numbers.read(row.reverse, "1/min", where=where) if row.reverse else 0.0
    return forward, _not_negative(backward, where)


def _is_level_rate(numbers: Numbers, text: str) -> bool:
    """Whether a saturating rate is written as a level per time instead of an amount per time."""
    record = numbers.records.get(text)
    written = record.unit if record else text.strip().partition(" ")[2]
    return re.split(r"[/*]", written.strip())[0].strip() not in AMOUNTS


def _not_negative(value: float, where: str) -> float:
    if value < 0.0:
        raise LibraryError(f"A rate of {value:g} is negative.", where, "Write 0 or more.")
    return value
