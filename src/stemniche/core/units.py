"""The one door through which numbers with units enter the program.

Scenarios, interventions and library rows hold text such as ``"80 mg/m^2"``; the layers below see
plain floats in engine units. Text is matched by a pattern before the unit library sees its unit
part, the list of units is closed, and nothing is ever evaluated. No other module talks to pint.
"""

import math
import re
from functools import lru_cache
from numbers import Real
from typing import Any

from stemniche.core.errors import UnitError
from stemniche.core.names import did_you_mean

ENGINE_UNITS = {
    "length": "um",
    "area": "um^2",
    "volume": "um^3",
    "time": "min",
    "rate": "1/min",
    "speed": "um/min",
    "diffusivity": "um^2/min",
    "pressure_oxygen": "mmHg",
    "concentration": "nM",
    "metabolite": "mM",
    "secretion": "molecules/min",
    "stiffness": "kPa",
    "dose_mass": "mg",
    "dose_radiation": "Gy",
}
"""Unit in which the engine keeps each kind of quantity. Its clock is whole seconds."""

LONGEST_QUANTITY = 64
LONGEST_UNIT = 32

# Every unit that may be written. Definitions are in the syntax of pint's own registry.
_DEFINITIONS = """
m = [length]; cm = 0.01*m; mm = 0.001*m; um = 1e-6*m; nm = 1e-9*m
s = [time]; min = 60*s; h = 3600*s; d = 86400*s; week = 604800*s
kg = [mass]; g = 0.001*kg; mg = 1e-6*kg; ug = 1e-9*kg; ng = 1e-12*kg; pg = 1e-15*kg
mol = [substance]; mmol = 1e-3*mol; umol = 1e-6*mol; nmol = 1e-9*mol; pmol = 1e-12*mol
molecules = 1/6.02214076e23*mol
L = 0.001*m**3; mL = 1e-6*m**3; uL = 1e-9*m**3
M = mol/L; mM = 1e-3*M; uM = 1e-6*M; nM = 1e-9*M; pM = 1e-12*M
Pa = kg/m/s**2; kPa = 1000*Pa; mmHg = 133.322387415*Pa
Gy = m**2/s**2
kDa = kg/mol
IU = [international_unit]; pfu = [plaque_forming_unit]
AUC = mg*min/mL
cells = []; fold = []; percent = 0.01
"""
_ALIASES = {
    "%": "percent", "cell": "cells", "molecule": "molecules",
    "sec": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min", "hr": "h",
    "hour": "h", "hours": "h", "day": "d", "days": "d", "weeks": "week",
    "l": "L", "ml": "mL", "ul": "uL",
}  # fmt: skip
_UNITS = tuple(part.split("=")[0].strip() for part in re.split(r"[;\n]", _DEFINITIONS.strip()))
_DIMENSIONLESS = {"", "cells", "fold", "percent"}
_COMMON = {
    ("h", "min"): 60.0, ("d", "min"): 1440.0, ("s", "min"): 1 / 60, ("week", "min"): 10080.0,
    ("min", "s"): 60.0, ("h", "s"): 3600.0, ("d", "s"): 86400.0, ("min", "h"): 1 / 60,
    ("min", "d"): 1 / 1440, ("h", "d"): 1 / 24, ("week", "d"): 7.0,
    ("mm", "um"): 1e3, ("cm", "um"): 1e4, ("um", "mm"): 1e-3,
    ("um/s", "um/min"): 60.0, ("Pa*s", "Pa*min"): 1 / 60,
    ("pM", "nM"): 1e-3, ("uM", "nM"): 1e3, ("mM", "nM"): 1e6,
    ("1/h", "1/min"): 1 / 60, ("1/d", "1/min"): 1 / 1440, ("1/s", "1/min"): 60.0,
    ("molecules/s", "molecules/min"): 60.0, ("mol/s", "mM*um^3/min"): 6e19,
    ("1/mm^2", "1/um^2"): 1e-6, ("1/mm^3", "1/um^3"): 1e-9, ("mm^3", "um^3"): 1e9,
    ("1/nM/min", "1/min/nM"): 1.0,
    ("L/d", "L/min"): 1 / 1440, ("L/h", "L/min"): 1 / 60, ("mL/h", "L/min"): 1e-3 / 60,
    ("percent", ""): 0.01, ("cells", ""): 1.0, ("fold", ""): 1.0,
    ("", "cells"): 1.0, ("", "fold"): 1.0,
}  # fmt: skip
"""Pairs of scenarios and library: they spare the fifth of a second that importing pint costs."""

_GASES = {("percent", "mmHg"): 7.6}
"""A gas may be given by its share of dry air: 1 % oxygen is 7.6 mmHg."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_QUANTITY = re.compile(rf"({_NUMBER}) *([^0-9.+\- ].*|1 */.*)?")
_FACTOR = r"[A-Za-z]{1,12}(?:\^-?[1-3])?"
_UNIT = re.compile(rf"|(?:1|{_FACTOR})(?:[/*]{_FACTOR}){{0,5}}")
_TYPOGRAPHY = str.maketrans({"µ": "u", "μ": "u", "²": "^2", "³": "^3", "·": "*", "−": "-"})


def parse_quantity(
    value: str | float,
    unit: str,
    *,
    where: str,
    molar_mass: float | None = None,
    usual: str = "",
) -> float:
    """Read a quantity and return its size in `unit`.

    A bare number is taken only where the wanted unit has no dimension (counts, shares, folds), or
    when it is zero. A pressure in percent is the share of a gas in dry air at 760 mmHg.

    Args:
        value: ``"0.06 1/h"``, ``"5 %"``, ``"80 mg/m^2"``, or a number.
        unit: The unit the caller computes in, for example ``"1/min"``; empty for a share.
        where: File and line, or dotted path of the value, used in errors.
        molar_mass: kDa; lets a mass become an amount and back (ng/mL to nM).
        usual: Unit in which people write it, used in remedies; `unit` without it.

    Raises:
        UnitError: Not a finite number with a known unit, or of another dimension.

    Example:
        >>> parse_quantity("1.5 mm", "um", where="domain.size")
        1500.0
    """
    usual = usual or unit
    if isinstance(value, str):
        number, written = _split(value, usual, where)
    else:
        number, written = _number(value, usual, where), ""
    if not written:
        if number == 0.0 or is_dimensionless(unit):
            return number
        what = f"{_shown(value)} has no unit."
        raise UnitError(what, where, f"Write the unit: '{number:g} {usual}'.")
    _checked(written, where, shown=value)
    return convert(number, written, unit, where=where, molar_mass=molar_mass, usual=usual)


def split_quantity(text: str, *, where: str) -> tuple[float, str]:
    """Take a quantity apart: its number, and its unit in normal form.

    Raises:
        UnitError: Not a finite number with a unit of the closed list.

    Example:
        >>> split_quantity("80 mg/m²", where="drugs.csv:2")
        (80.0, 'mg/m^2')
    """
    number, unit = _split(text, "", where)
    return number, _checked(unit, where, shown=text)


def parse_time(value: str | float, *, where: str) -> float:
    """Read a time such as ``"12 h"`` or ``"7 d"`` and return minutes.

    Raises:
        UnitError: As `parse_quantity`.
    """
    return parse_quantity(value, ENGINE_UNITS["time"], where=where, usual="d")


def convert(
    value: float,
    from_unit: str,
    to_unit: str,
    *,
    where: str,
    molar_mass: float | None = None,
    usual: str = "",
) -> float:
    """Return `value` given in `from_unit` as its size in `to_unit`.

    Args:
        value: A finite number.
        from_unit: A unit of the closed list, such as ``"ng/mL"``.
        to_unit: Another one, such as ``"nM"``.
        where: Where `from_unit` was written, used in errors.
        molar_mass: kDa; needed only between a mass and an amount of substance.
        usual: Unit to name in the remedy; `to_unit` without it.

    Raises:
        UnitError: An unknown unit, another dimension, or a molar mass is missing.

    Example:
        >>> convert(25.0, "ng/mL", "nM", where="add.concentration", molar_mass=25.0)
        1.0
    """
    source, target = (check_unit(text, where=where) for text in (from_unit, to_unit))
    factor = _factor(source, target)
    if factor is not None:
        return _finite(value * factor, value, from_unit, to_unit, where)
    for amount, power in (("*mol/kg", -1), ("*kg/mol", 1)):
        factor = _factor(source + amount if source else "1" + amount, target)
        if factor is None:
            continue
        if molar_mass is None or not molar_mass > 0.0:
            what = f"'{value:g} {from_unit}' becomes {to_unit or 'a number'} only by a molar mass."
            raise UnitError(what, where, f"Write the value in {to_unit}; no molar mass is known.")
        return _finite(value * factor * molar_mass**power, value, from_unit, to_unit, where)
    what = f"'{value:g} {from_unit}' cannot be turned into {_wanted(to_unit)}: they differ in kind."
    usual = usual or to_unit
    mend = f"Write a value in {usual} or a unit like it." if usual else "Leave the unit out."
    raise UnitError(what, where, mend)


def check_unit(text: str, *, where: str) -> str:
    """Return the normal form of a unit, or raise `UnitError` if it is not on the closed list.

    Example:
        >>> check_unit("µm²/min", where="row 3")
        'um^2/min'
    """
    return _checked(text, where, shown=text)


def is_dimensionless(unit: str) -> bool:
    """Whether a bare number may stand for a quantity in `unit` (a count, a share, a fold)."""
    return _normal(unit) in _DIMENSIONLESS


def _checked(text: str, where: str, shown: object) -> str:
    """As `check_unit`; `shown` is all that was written."""
    unit = _normal(text) if len(text) <= LONGEST_UNIT else None
    if unit is None or not _UNIT.fullmatch(unit):
        what = f"{_shown(shown)} has no unit that can be read."
        raise UnitError(what, where, "Write units as in 'um^2/min', 'mg/m^2', '1/d' or '/mm^2'.")
    for name in re.findall(r"[A-Za-z]+", unit):
        if name not in _UNITS:
            choices = (*_UNITS, *_ALIASES)
            mend = did_you_mean(name, choices, f"Use units among: {', '.join(_UNITS)}.")
            raise UnitError(f"There is no unit '{name}' (in {_shown(shown)}).", where, mend)
    return unit


def _split(text: str, unit: str, where: str) -> tuple[float, str]:
    """Take ``number [unit]`` apart without judging the unit."""
    match = None
    if len(text) <= LONGEST_QUANTITY:
        match = _QUANTITY.fullmatch(text.strip().translate(_TYPOGRAPHY))
    if match is None:
        example = f"5 {unit}".strip()
        what = f"{_shown(text)} cannot be read as a number with a unit."
        raise UnitError(what, where, f"Write a number, a space, a unit: '{example}'.")
    return _number(float(match[1]), unit, where, shown=text), (match[2] or "").strip()


def _number(value: Any, unit: str, where: str, shown: object = None) -> float:
    """Return a finite float, or say why it is none."""
    shown = value if shown is None else shown
    try:
        # Asking for `Real` alone takes longer than the rest of the reading.
        real = isinstance(value, (float, int, Real)) and not isinstance(value, bool)
        number = float(value) if real else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number):
        example = f"5 {unit}".strip()
        raise UnitError(f"{_shown(shown)} is not a finite number.", where, f"Write '{example}'.")
    return number


def _finite(result: float, value: float, from_unit: str, to_unit: str, where: str) -> float:
    """Return the result without the noise of its last digit, so 0.07 mm and 70 um are equal."""
    if not math.isfinite(result):
        what = f"'{value:g} {from_unit}' is too large to be written in {_wanted(to_unit)}."
        raise UnitError(what, where, "Write a smaller number.")
    return float(f"{result:.15g}")


@lru_cache(maxsize=4096)
def _normal(text: str) -> str:
    """Bring typography and spoken names of a unit to one form; the result may be nonsense."""
    unit = re.sub(r" *([/*^]) *", r"\1", text.strip().translate(_TYPOGRAPHY))
    unit = re.sub(r"[A-Za-z]+|%", lambda word: _ALIASES.get(word[0], word[0]), unit)
    if unit.startswith("/"):
        unit = f"1{unit}"
    return "" if unit == "1" else unit


@lru_cache(maxsize=4096)
def _factor(source: str, target: str) -> float | None:
    """Return how many `target` make one `source`, or None where the dimensions differ.

    Both are checked units in normal form. 14 digits are kept, so 1 d is 1440 min exactly.
    """
    if source == target:
        return 1.0
    known = _COMMON.get((source, target), _GASES.get((source, target)))
    if known is not None:
        return known
    import pint

    registry = _registry()
    try:
        size = registry.Quantity(1.0, source.replace("^", "**") or "dimensionless")
        factor = size.to(target.replace("^", "**") or "dimensionless").magnitude
    except pint.DimensionalityError:
        return None
    return float(f"{factor:.14g}")


@lru_cache(maxsize=1)
def _registry() -> Any:
    """Build a registry of our units only: no prefixes, no synonyms, nothing to guess."""
    import pint

    registry = pint.UnitRegistry(None)
    for line in re.split(r"[;\n]", _DEFINITIONS.strip()):
        registry.define(line.strip())
    return registry


def _wanted(unit: str) -> str:
    return unit or "a plain number"


def _shown(value: object) -> str:
    """Quote what was written, cut to a readable length and free of control characters."""
    text = str(value) if isinstance(value, str) else _repr(value)
    short = text if len(text) <= LONGEST_QUANTITY else f"{text[: LONGEST_QUANTITY - 12]}…"
    return repr(short) if isinstance(value, str) else short


def _repr(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # a whole number with more digits than Python writes out
        return "a number of thousands of digits"
