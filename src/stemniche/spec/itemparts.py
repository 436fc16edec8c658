"""What several keys of a `therapy` item share: times, conditions, doses, fractions and cells.

`spec.treatment` builds interventions of them, `spec.sections` reads the times and conditions of
other keys by them. Each reads one written value and raises InputError with its place and remedy.
"""

import re
from dataclasses import dataclass, field
from typing import Any, get_args

from stemniche.core.errors import InputError, UnitError
from stemniche.core.expressions import Call, is_condition, names, parse, walk
from stemniche.core.names import did_you_mean
from stemniche.spec import interventions as iv
from stemniche.spec.naming import Kind, Names
from stemniche.spec.reading import TICK, Field, Fields, days_text, on_lattice, snap
from stemniche.spec.yamlfile import Node

MOST_FRACTION = 0.999
MOST_DOSED = {"mg": 1e6, "IU": 1e10, "pfu": 1e13, "cells": 1e13, "AUC": 1e4}
"""Highest dose by the unit of its amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an item needs to know of its scenario: names, the host's size, which places it has."""

    names: Names
    mass: float
    bsa: float
    flat: bool
    distant: bool
    notes: list[str] = field(default_factory=list)


def read_condition(written: Field, known: Names) -> iv.Condition:
    """Read a comparison of measures in any spelling, such as ``hypoxic_fraction > 0.1``.

    Raises:
        InputError: No comparison, or it speaks of something that is no measure.
    """
    text = " ".join(written.text(most=500).split())
    tree = parse(text, where=written.where)
    if not is_condition(tree):
        mend = "Write a comparison such as 'hypoxic_fraction > 0.1'."
        raise written.error(f"{written.shown} is no condition.", mend)
    for node in walk(tree):
        if isinstance(node, Call) and node.function != "log":
            raise written.error(f"'{node.function}()' is no function here.", "There is only 'log'.")
    for name in names(tree):
        if name.at is not None:
            raise written.error(f"'{name.text}@…' has a time.", "Leave the '@…' out.")
        found = known.resolve("measure", name.text)
        if not found:
            nearest = known.nearest("measure", name.text)
            mend = did_you_mean(name.text, nearest, "Use measures: columns of a run's table.")
            raise written.error(f"There is no measure '{name.text}'.", mend)
        text = re.sub(rf"(?<![\w.]){re.escape(name.text)}(?![\w.])", found[0], text)
    return iv.Condition(text, parse(text, where=written.where))


def snapped(written: Field, minutes: float, setting: Setting) -> float:
    """The nearest tick to a time, with a note where they differ."""
    near = snap(minutes)
    if not on_lattice(minutes):
        note = f"{written.path}: {minutes:.6g} min lies between ticks; {days_text(near)} is used."
        setting.notes.append(f"{note} ({written.node.mark})")
    return near


def read_interval(fields: Fields, key: str, setting: Setting, *, low: float = TICK) -> float | None:
    """A time between doses or similar, on the lattice of ticks; minutes."""
    written = fields.get(key)
    if written is None:
        return None
    return snapped(written, written.minutes(low=low), setting)


def read_span(fields: Fields, setting: Setting) -> dict[str, Any]:
    """Start, end, cycle and pauses of an item."""
    start: iv.Start = 0.0
    since = fields.get("from")
    if since is not None:
        birth = since.node.value == "birth"
        start = "birth" if birth else snapped(since, since.minutes(), setting)
    return {
        "start": start,
        "until": _until(fields.get("until"), start, setting),
        "cycle": _cycle(fields.get("cycle"), setting),
        **_pauses(fields, setting),
    }


def _pauses(fields: Fields, setting: Setting) -> dict[str, Any]:
    """The adaptive rule of an item: what interrupts it, and what lets it go on."""
    pause, resume = fields.get("pause"), fields.get("resume")
    if pause is None and resume is not None:
        raise resume.error("There is nothing to resume from.", "Add 'pause: CONDITION'.")
    return {
        name: read_condition(written, setting.names)
        for name, written in (("pause", pause), ("resume", resume))
        if written is not None
    }


def _until(written: Field | None, start: iv.Start, setting: Setting) -> float | iv.Condition | None:
    if written is None:
        return None
    if isinstance(written.node.value, str) and any(c in written.node.value for c in "<>=~"):
        return read_condition(written, setting.names)
    end = snapped(written, written.minutes(), setting)
    if start != "birth" and end <= start:
        what = f"It ends at {days_text(end)}, not after its start at {days_text(start)}."
        raise written.error(what, "Give a later 'until', or leave it out.")
    return end


def _cycle(written: Field | None, setting: Setting) -> tuple[float, float] | None:
    if written is None:
        return None
    parts = written.items()
    if len(parts) != 2:
        mend = "Write time on and time off: [5 d, 2 d]."
        raise written.error(f"{written.shown} is no cycle.", mend)
    on, off = (snapped(part, part.minutes(low=TICK), setting) for part in parts)
    return on, off


def read_names(written: Field, kind: Kind, setting: Setting) -> tuple[str, ...]:
    """Ids behind a name, several names with commas, or a list of names."""
    parts = written.items(most=50)
    if isinstance(written.node.value, str) and "," in written.node.value:
        texts = written.node.value.split(",")
        parts = [Field(written.path, Node(text.strip(), written.node.mark)) for text in texts]
    if not parts:
        raise written.error("The list is empty.", "Name at least one.")
    found = (name for part in parts for name in setting.names.read(kind, part))
    return tuple(dict.fromkeys(found))


def in_order(kind: Kind, found: tuple[str, ...], setting: Setting) -> tuple[str, ...]:
    """Names of a kind in the order of the vocabulary."""
    order = {name: place for place, name in enumerate(setting.names.ids.get(kind, ()))}
    return tuple(sorted(found, key=lambda name: order.get(name, len(order))))


def read_cells(fields: Fields, key: str, setting: Setting) -> tuple[str, ...]:
    """Cell types that a key names, in the order of the vocabulary; none without it."""
    written = fields.get(key)
    if written is None:
        return ()
    return in_order("cell", read_names(written, "cell", setting), setting)


def read_fraction(fields: Fields) -> dict[str, Any]:
    """The share that an item takes away, if it says one."""
    written = fields.get("fraction")
    return {} if written is None else {"fraction": written.fraction(high=MOST_FRACTION)}


def read_doses(fields: Fields) -> int | None:
    """How many doses there are, if the item says so."""
    written = fields.get("doses")
    return None if written is None else written.count(low=1, high=1000)


def read_dose(written: Field | None, setting: Setting) -> iv.Dose | None:
    """Read a dose: an amount, by itself or per body surface or mass, or a wanted AUC."""
    if written is None:
        return None
    sizes = {"m^2": setting.bsa, "kg": setting.mass}
    fault: InputError | None = None
    # A number of cells has no dimension, as little as mg/kg.
    counted = "cell" in str(written.node.value)
    for unit in (u for u in get_args(iv.DoseUnit) if (u == "cells") is counted):
        try:
            amount = written.quantity(unit, low=0.0, high=MOST_DOSED[unit.partition("/")[0]])
        except UnitError as error:
            fault = fault or error
            continue
        size = sizes.get(unit.partition("/")[2], 1.0)
        return iv.Dose(amount, unit, float(f"{amount * size:.12g}"))
    reason = fault.what if fault else ""
    mend = f"Write it in {', '.join(get_args(iv.DoseUnit))}, such as '80 mg/m^2'."
    raise written.error(f"{written.shown} is no dose. {reason}".strip(), mend)
