"""One value being read: its place, and the typed reads that turn it into engine units.

Readers of scenarios and interventions walk a YAML tree as `Field`s. A `Field` knows its dotted path
and its line, so every complaint says what was written, where, and how to mend it. Which keys exist,
and what they mean, is decided by the callers; `spec.schema` tells the unit that a remedy suggests.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.core.units import ENGINE_UNITS, parse_quantity
from stemniche.spec.schema import usual_unit
from stemniche.spec.yamlfile import Node

DAY = 1440.0
"""Minutes in a day."""

TICK = 6.0
"""Minutes of the behaviour tick: the lattice of all times."""

LONGEST = 3650 * DAY
"""No time in a scenario lies further out than ten years."""

_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a file and its dotted path, for example ``tumour.csc_fraction``."""

    path: str
    node: Node

    @property
    def where(self) -> str:
        """File, line and key, for errors."""
        return f"{self.node.mark}, key {self.path}" if self.path else str(self.node.mark)

    @property
    def shown(self) -> str:
        """The offending value in quotes, cut to a line."""
        try:
            text = " ".join(str(self.node.plain).split())
        except ValueError:  # a whole number with more digits than Python writes out
            text = "a number of thousands of digits"
        text = "".join(letter if letter.isprintable() else "?" for letter in text)
        return f"'{text if len(text) <= 60 else text[:57] + '…'}'"

    def error(self, what: str, mend: str) -> InputError:
        """An error about this value."""
        return InputError(what, self.where, mend)

    def child(self, key: str | int, node: Node) -> "Field":
        """The value below this one under `key`."""
        return Field(f"{self.path}.{key}" if self.path else str(key), node)

    def mapping(self, keys: Collection[str], *, elsewhere: Mapping[str, str] = {}) -> "Fields":
        """The values of a mapping whose keys must be among `keys`.

        Args:
            keys: Keys that may be written here.
            elsewhere: Remedy for keys that are known but do not belong here.

        Raises:
            InputError: It is no mapping, or has another key.
        """
        found = self.open_mapping("a mapping of: " + ", ".join(keys))
        for key, field in found.items():
            if key not in keys:
                shown = "".join(letter if letter.isprintable() else "?" for letter in key[:60])
                mend = elsewhere.get(key)
                if mend is None:
                    mend = did_you_mean(key, keys, f"Keys here: {', '.join(keys)}.")
                raise field.error(f"There is no key '{shown}' here.", mend)
        return Fields(self, found)

    def open_mapping(self, expected: str) -> "dict[str, Field]":
        """The values of a mapping with keys of any name."""
        if not isinstance(self.node.value, dict):
            what = f"{self.shown} is {self.node.kind}, not a mapping."
            raise self.error(what, f"Write {expected}.")
        return {key: self.child(key, node) for key, node in self.node.value.items()}

    def items(self, *, most: int = 1000) -> "list[Field]":
        """The values of a list; a single value counts as a list of one, nothing as an empty one."""
        value = self.node.value
        if value is None:
            return []
        if not isinstance(value, tuple):
            return [self]
        if len(value) > most:
            raise self.error(f"The list has {len(value)} items.", f"Give at most {most}.")
        return [self.child(index, node) for index, node in enumerate(value)]

    def text(self, *, most: int = 200) -> str:
        """A word or a line of text (numbers are taken as they were written)."""
        value = self.node.value
        if isinstance(value, (dict, tuple, bool)) or value is None:
            raise self.error(f"{self.shown} is {self.node.kind}, not a word.", "Write a word.")
        text = value.strip() if isinstance(value, str) else f"{self.shown[1:-1]}"
        if not 0 < len(text) <= most:
            raise self.error(f"{self.shown} is no name.", f"Write 1 to {most} characters.")
        return text

    def choice(self, choices: Collection[str]) -> str:
        """One of a few words."""
        text = self.text()
        if text not in choices:
            options = f"Write one of: {', '.join(choices)}."
            mend = did_you_mean(text, choices, options)
            mend = mend if mend == options else f"{mend} {options}"
            raise self.error(f"{self.shown} is not known here.", mend)
        return text

    def quantity(
        self,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        molar_mass: float | None = None,
        bare: str = "",
    ) -> float:
        """A number with a unit, in `unit`.

        Args:
            unit: Engine unit; empty for a share or a count.
            low: Smallest value allowed.
            high: Largest value allowed.
            molar_mass: kDa, where a mass may stand for an amount.
            bare: Unit of a number without one, where the key itself names it (``days``).

        Raises:
            InputError: No such quantity, or outside the limits.
        """
        value, usual = self.node.value, usual_unit(self.path, unit)
        if isinstance(value, (dict, tuple, bool)) or value is None:
            example = f"'5 {usual}'" if usual else "a number"
            what = f"{self.shown} is {self.node.kind}, not a quantity."
            raise self.error(what, f"Write {example}.")
        if bare and _NUMBER.fullmatch(self.shown[1:-1]):
            value = f"{self.shown[1:-1]} {bare}"
        size = parse_quantity(value, unit, where=self.where, molar_mass=molar_mass, usual=usual)
        if (low is not None and size < low) or (high is not None and size > high):
            raise self.error(f"{self.shown} is outside its range.", _range(low, high, unit))
        return size

    def number(self) -> float:
        """A plain finite number."""
        return self.quantity("")

    def fraction(self, *, high: float = 1.0) -> float:
        """A share from 0 to `high`; percent are taken."""
        return self.quantity("", low=0.0, high=high)

    def count(self, *, low: int = 0, high: int = 5_000_000) -> int:
        """A whole number."""
        size = self.quantity("cells", low=low, high=high)
        if size != int(size):
            raise self.error(f"{self.shown} is no whole number.", f"Write {round(size)}.")
        return int(size)

    def minutes(self, *, low: float = 0.0, high: float = LONGEST, bare: str = "") -> float:
        """A length of time, such as ``7 d``, in minutes."""
        return self.quantity(ENGINE_UNITS["time"], low=low, high=high, bare=bare)

    def flag(self) -> bool:
        """True or false; nothing counts as false."""
        if self.node.value is None or isinstance(self.node.value, bool):
            return bool(self.node.value)
        raise self.error(f"{self.shown} is {self.node.kind}.", "Write true or false.")


@dataclass(frozen=True, slots=True)
class Fields:
    """The values of one mapping, by key."""

    owner: Field
    found: dict[str, Field]

    def __contains__(self, key: str) -> bool:
        return key in self.found and self.found[key].node.value is not None

    def __getitem__(self, key: str) -> Field:
        """The value of a key that must be there."""
        if key not in self:
            mend = f"Add '{key}: …'."
            raise self.owner.error(f"The key '{key}' is missing.", mend)
        return self.found[key]

    def get(self, key: str) -> Field | None:
        """The value of a key, None where it is absent or null."""
        return self.found[key] if key in self else None


def snap(minutes: float) -> float:
    """Nearest time on the lattice of behaviour ticks."""
    return round(minutes / TICK) * TICK


def on_lattice(minutes: float) -> bool:
    """Whether a time lies on the lattice, apart from rounding."""
    return abs(minutes - snap(minutes)) <= 1e-9 * max(1.0, abs(minutes))


def days_text(minutes: float) -> str:
    """A time for people: days where they are whole, else hours, else minutes.

    Example:
        >>> days_text(10080.0), days_text(720.0), days_text(6.0)
        ('7 d', '12 h', '6 min')
    """
    for unit, size in (("d", DAY), ("h", 60.0)):
        if minutes % size == 0.0:
            return f"{minutes / size:g} {unit}"
    return f"{minutes:.12g} min"


def _range(low: float | None, high: float | None, unit: str) -> str:
    tail = f" {unit}" if unit and unit != "cells" else ""
    if low is None:
        return f"Give at most {high:.12g}{tail}."
    if high is None:
        return f"Give at least {low:.12g}{tail}."
    return f"Give {low:.12g} to {high:.12g}{tail}."
