"""Reads the items of `therapy`: mappings, or lines, into intervention records.

`spec.scenario` calls `read_therapy`. One entry of `FORMS` describes each key: what it names, what a
bare quantity in a line means, which further words it takes. Names are resolved by `spec.naming`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from stemniche.core.errors import InputError, UnitError
from stemniche.core.expressions import Call, is_condition, names, parse, walk
from stemniche.core.names import did_you_mean, fold
from stemniche.spec import interventions as iv
from stemniche.spec.naming import Kind, Names
from stemniche.spec.reading import NOWHERE, TICK, Field, Fields, days_text, on_lattice, snap
from stemniche.spec.schema import ENVIRONMENT
from stemniche.spec.yamlfile import Node

ROUTES = ("iv", "oral", "ip", "sc", "it")
SETTABLE = {f"environment.{name}": limits for name, limits in ENVIRONMENT.items()}
"""Scenario values that may change during a run, with unit, lowest and highest value."""

YAML_ONLY = ("sort", "vessels", "replant")
"""Keys whose values are mappings, which a line cannot hold."""

MOST_FRACTION = 0.999
MOST_DOSED = {"mg": 1e6, "IU": 1e10, "pfu": 1e13, "cells": 1e13, "AUC": 1e4}
"""Highest dose by the unit of its amount."""

MOST_TRANSFERRED = 100_000
MOST_GY = 100.0
MOST_VESSEL_FOLD = 100.0
MOST_INJECTED = 1_000_000_000
INJECTED = ("circulation", "distant")
"""Routes of an injection of cells."""

GATES = ("high", "low")
"""Ends of a gate's name after its marker: above it, below it."""

MOST_ADDED = {"nM": 1e9, "mM": 1e3, "mmHg": 1e3}
"""Highest level that can be held by hand, by unit of the factor: 1 M, or pure gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an item needs to know of its scenario: names, the host's size, which places it has."""

    names: Names
    mass: float
    bsa: float
    flat: bool
    distant: bool
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How one key is written.

    Args:
        words: Further keys.
        bare: The key that a bare quantity in a line stands for; empty if there is none.
        make: Builds the record.
    """

    words: tuple[str, ...]
    bare: str
    make: Callable[[Fields, Setting], iv.Intervention]


def read_therapy(items: list[Field], setting: Setting) -> tuple[iv.Intervention, ...]:
    """Read the items of a `therapy` list (lines must have been turned into mappings before).

    Raises:
        InputError: An item is wrong; file, line, key and remedy are given.
    """
    return tuple(read_intervention(item, setting) for item in items)


def read_intervention(item: Field, setting: Setting) -> iv.Intervention:
    """Read one item, such as ``{block: CXCR4, fraction: 0.9, from: 3 d}``.

    Raises:
        InputError: Unknown keys or names, or values out of range.
    """
    written = item.open_mapping("a mapping such as {block: CXCR4, fraction: 0.9, from: 3 d}")
    heads = [key for key in written if key in FORMS]
    if not heads:
        first = next(iter(written), "")
        listed = f"Start with one of: {', '.join(FORMS)}."
        what = f"{item.shown} names no intervention."
        raise item.error(what, did_you_mean(first, FORMS, listed))
    if len(heads) > 1:
        what = f"One item has {len(heads)} interventions: {', '.join(heads)}."
        raise item.error(what, "Give each its own item.")
    head = heads[0]
    form = FORMS[head]
    return form.make(item.mapping((head, *form.words)), setting)


def read_condition(written: Field, known: Names) -> iv.Condition:
    """Read a comparison of measures, such as ``hypoxic_fraction > 0.1``.

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
        if known.resolve("measure", name.text) != (name.text,):
            nearest = known.nearest("measure", name.text)
            mend = did_you_mean(name.text, nearest, "Use measures: columns of a run's table.")
            raise written.error(f"There is no measure '{name.text}'.", mend)
    return iv.Condition(text, tree)


def snapped(written: Field, minutes: float, setting: Setting) -> float:
    """The nearest tick to a time, with a note where they differ."""
    near = snap(minutes)
    if not on_lattice(minutes):
        note = f"{written.path}: {minutes:.6g} min lies between ticks; {days_text(near)} is used."
        setting.notes.append(f"{note} ({written.node.mark})")
    return near


def _interval(fields: Fields, key: str, setting: Setting, *, low: float = TICK) -> float | None:
    written = fields.get(key)
    if written is None:
        return None
    return snapped(written, written.minutes(low=low), setting)


def _span(fields: Fields, setting: Setting) -> dict[str, Any]:
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


def _resolved(written: Field, kind: Kind, setting: Setting) -> tuple[str, ...]:
    """Ids behind a name, several names with commas, or a list of names."""
    parts = written.items(most=50)
    if isinstance(written.node.value, str) and "," in written.node.value:
        texts = written.node.value.split(",")
        parts = [Field(written.path, Node(text.strip(), written.node.mark)) for text in texts]
    if not parts:
        raise written.error("The list is empty.", "Name at least one.")
    found = (name for part in parts for name in setting.names.read(kind, part))
    return tuple(dict.fromkeys(found))


def _in_order(kind: Kind, found: tuple[str, ...], setting: Setting) -> tuple[str, ...]:
    order = {name: place for place, name in enumerate(setting.names.ids.get(kind, ()))}
    return tuple(sorted(found, key=lambda name: order.get(name, len(order))))


def _cells(fields: Fields, key: str, setting: Setting) -> tuple[str, ...]:
    written = fields.get(key)
    if written is None:
        return ()
    return _in_order("cell", _resolved(written, "cell", setting), setting)


def _fraction(fields: Fields) -> dict[str, Any]:
    written = fields.get("fraction")
    return {} if written is None else {"fraction": written.fraction(high=MOST_FRACTION)}


def _doses(fields: Fields) -> int | None:
    written = fields.get("doses")
    return None if written is None else written.count(low=1, high=1000)


def _dose(written: Field | None, setting: Setting) -> iv.Dose | None:
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


def _drug(fields: Fields, setting: Setting) -> iv.Intervention:
    route = fields.get("route")
    return iv.GiveDrug(
        drug=setting.names.read_one("drug", fields["drug"]),
        dose=_dose(fields.get("dose"), setting),
        every=_interval(fields, "every", setting),
        doses=_doses(fields),
        over=_interval(fields, "over", setting, low=0.0),
        loading=_dose(fields.get("loading"), setting),
        route=None if route is None else route.choice(ROUTES),
        **_span(fields, setting),
    )


def _neutralise(fields: Fields, setting: Setting) -> iv.Intervention:
    targets = _resolved(fields["neutralise"], "factor", setting)
    return iv.Neutralise(targets=targets, **_fraction(fields), **_span(fields, setting))


def _targeted(
    record: type[iv.Block] | type[iv.Inhibit] | type[iv.KnockOut], kind: Kind
) -> Callable[[Fields, Setting], iv.Intervention]:
    def make(fields: Fields, setting: Setting) -> iv.Intervention:
        targets = _resolved(fields[record.key], kind, setting)
        cells = _cells(fields, "in", setting)
        return record(targets=targets, cells=cells, **_fraction(fields), **_span(fields, setting))

    return make


def _overexpress(fields: Fields, setting: Setting) -> iv.Intervention:
    fold = fields.get("fold")
    return iv.Overexpress(
        targets=_resolved(fields["overexpress"], "gene", setting),
        cells=_cells(fields, "in", setting),
        fold=10.0 if fold is None else fold.quantity("fold", low=1e-6, high=1e6),
        **_span(fields, setting),
    )


def _silence(fields: Fields, setting: Setting) -> iv.Intervention:
    fields["silence"].choice(("secretome",))
    cells = _cells(fields, "in", setting)
    if not cells:
        raise fields.owner.error("Whose secretome is silenced is not said.", "Add 'in: CAF'.")
    return iv.Silence(cells=cells, **_span(fields, setting))


def _vesicles(
    record: type[iv.ReleaseBlock] | type[iv.UptakeBlock],
) -> Callable[[Fields, Setting], iv.Intervention]:
    def make(fields: Fields, setting: Setting) -> iv.Intervention:
        fields[record.key].choice(("vesicles",))
        cells = _cells(fields, "in", setting)
        return record(cells=cells, **_fraction(fields), **_span(fields, setting))

    return make


def _add(fields: Fields, setting: Setting) -> iv.Intervention:
    targets = _resolved(fields["add"], "factor", setting)
    units = {setting.names.units.get(target, "nM") for target in targets}
    if len(units) > 1:
        what = f"The members of {fields['add'].shown} have different units."
        raise fields["add"].error(what, f"Add them one by one: {', '.join(targets)}.")
    unit = units.pop()
    masses = {setting.names.molar_masses.get(target) for target in targets}
    mass = masses.pop() if len(masses) == 1 else None
    most = MOST_ADDED.get(unit)
    level = fields["concentration"].quantity(unit, low=0.0, high=most, molar_mass=mass)
    return iv.Add(
        targets=targets,
        concentration=level,
        unit=unit,
        where=_where(fields.get("where"), setting),
        **_span(fields, setting),
    )


def _where(written: Field | None, setting: Setting) -> iv.Place:
    """Read `where`: primary (everywhere alike), a gradient along an axis, or the distant organ."""
    if written is None or written.node.value == "primary":
        return ""
    if written.node.value == "distant":
        _needs_distant(written, setting)
        return "distant"
    if not isinstance(written.node.value, dict):
        mend = "Write primary, distant, or {gradient: x}."
        raise written.error(f"{written.shown} is no place.", mend)
    axis = written.mapping(("gradient",))["gradient"]
    axes = ("x", "y") if setting.flat else ("x", "y", "z")
    return axis.choice(axes)  # type: ignore[return-value]


def _needs_distant(written: Field, setting: Setting) -> None:
    if not setting.distant:
        what = "This scenario has no distant organ."
        raise written.error(what, "Add 'distant_site: true' to the scenario.")


def _deplete(fields: Fields, setting: Setting) -> iv.Intervention:
    every, doses = _interval(fields, "every", setting), _doses(fields)
    if doses is not None and doses > 1 and every is None:
        raise fields["doses"].error(f"{doses} times, but how often?", "Add 'every: 2 d'.")
    written = fields["deplete"]
    text = written.node.value if isinstance(written.node.value, str) else ""
    group, among = setting.names.among.get(fold(text), ("", ()))
    return iv.Deplete(
        group=group,
        among=among,
        cells=_cells(fields, "deplete", setting),
        every=every,
        doses=doses,
        **_fraction(fields),
        **_span(fields, setting),
    )


def _sort(fields: Fields, setting: Setting) -> iv.Intervention:
    gate = fields["sort"].mapping(("gate",))["gate"]
    text = " ".join(gate.text().split())
    name = text.removeprefix("not ")
    inside = name == text
    stem, _, level = name.rpartition("_")
    marker = ""
    cells: tuple[str, ...] = ()
    if stem and level in GATES:
        marker = setting.names.read_one("marker", Field(gate.path, Node(stem, gate.node.mark)))
        inside = inside == (level == GATES[0])
        name = f"{marker}_{level}"
    else:
        named = Field(gate.path, Node(name, gate.node.mark))
        cells = _in_order("cell", setting.names.read("cell", named), setting)
    return iv.Sort(
        gate=name if text == text.removeprefix("not ") else f"not {name}",
        marker=marker,
        cells=cells,
        inside=inside,
        keep_every=_interval(fields, "keep_every", setting),
        **_span(fields, setting),
    )


def _transfer(fields: Fields, setting: Setting) -> iv.Intervention:
    every, doses = _interval(fields, "every", setting), _doses(fields)
    if doses is not None and doses > 1 and every is None:
        raise fields["doses"].error(f"{doses} times, but how often?", "Add 'every: 2 d'.")
    return iv.Transfer(
        cell=setting.names.read_one("cell", fields["transfer"]),
        count=fields["cells"].count(low=1, high=MOST_TRANSFERRED),
        every=every,
        doses=doses,
        **_span(fields, setting),
    )


def _radiation(fields: Fields, setting: Setting) -> iv.Intervention:
    every, doses = _interval(fields, "every", setting), _doses(fields)
    if doses is not None and doses > 1 and every is None:
        raise fields["doses"].error(f"{doses} fractions, but how often?", "Add 'every: 1 d'.")
    dose = fields["radiation"].quantity("Gy", low=0.0, high=MOST_GY)
    where = fields.get("where")
    place = "primary" if where is None else where.choice(("primary", "distant"))
    if where is not None and place == "distant":
        _needs_distant(where, setting)
    return iv.Radiate(
        dose=dose,
        every=every,
        doses=doses,
        where="distant" if place == "distant" else "",
        **_span(fields, setting),
    )


def _inject(fields: Fields, setting: Setting) -> iv.Intervention:
    _needs_distant(fields["inject"], setting)
    every, doses = _interval(fields, "every", setting), _doses(fields)
    if doses is not None and doses > 1 and every is None:
        raise fields["doses"].error(f"{doses} times, but how often?", "Add 'every: 2 d'.")
    cell = setting.names.read_one("cell", fields["inject"])
    if cell not in setting.names.read("cell", Field("inject", Node("tumour", NOWHERE))):
        mend = "Inject tumour cells, or put others in with 'transfer'."
        raise fields["inject"].error(f"{cell} is no tumour cell.", mend)
    route = fields.get("route")
    return iv.Inject(
        cell=cell,
        count=fields["cells"].count(low=1, high=MOST_INJECTED),
        route="circulation" if route is None else route.choice(INJECTED),  # type: ignore[arg-type]
        every=every,
        doses=doses,
        **_span(fields, setting),
    )


def _vessels(fields: Fields, setting: Setting) -> iv.Intervention:
    written = fields["vessels"]
    asked = written.mapping(("pericytes", "leakiness", "normalise"))
    if not any(asked.get(name) for name in ("pericytes", "leakiness", "normalise")):
        mend = "Write {pericytes: 1.5}, {leakiness: 0.5} or {normalise: 0.8}."
        raise written.error("Nothing is to change in the vessels.", mend)
    folds = [
        1.0 if part is None else part.quantity("fold", low=0.0, high=MOST_VESSEL_FOLD)
        for part in (asked.get("pericytes"), asked.get("leakiness"))
    ]
    mended = asked.get("normalise")
    return iv.Vessels(
        pericytes=folds[0],
        leakiness=folds[1],
        normalise=0.0 if mended is None else mended.fraction(high=1.0),
        **_span(fields, setting),
    )


def _replant(fields: Fields, setting: Setting) -> iv.Intervention:
    written = fields["replant"].mapping(("source",))["source"]
    source, at, day = written.text().rpartition("@")
    if not at or not source.strip():
        mend = "Write a run's folder, or an arm of the experiment, with a day: 'treated@14 d'."
        raise written.error(f"{written.shown} is no source of cells.", mend)
    when = Field(written.path, Node(day.strip(), written.node.mark)).minutes(bare="d")
    return iv.Replant(source=source.strip(), day=snapped(written, when, setting))


def _set(fields: Fields, setting: Setting) -> iv.Intervention:
    written = fields["set"]
    path = written.text()
    if path not in SETTABLE:
        listed = f"Values that may change during a run: {', '.join(SETTABLE)}."
        what = f"'{path}' cannot change during a run."
        raise written.error(what, did_you_mean(path, SETTABLE, listed))
    unit, low, high = SETTABLE[path]
    to = fields["to"].quantity(unit, low=low, high=high)
    return iv.SetValue(path=path, to=to, unit=unit, **_span(fields, setting))


def _without_claim(fields: Fields, setting: Setting) -> iv.Intervention:
    claims = _resolved(fields["without_claim"], "claim", setting)
    return iv.WithoutClaim(claims=claims)


_TIMES = ("from", "until", "cycle", "pause", "resume")

FORMS: dict[str, Form] = {
    "drug": Form(
        words=("dose", "every", "doses", "over", "loading", "route", *_TIMES),
        bare="dose",
        make=_drug,
    ),
    "neutralise": Form(words=("fraction", *_TIMES), bare="fraction", make=_neutralise),
    "block": Form(
        words=("fraction", "in", *_TIMES), bare="fraction", make=_targeted(iv.Block, "receptor")
    ),
    "inhibit": Form(
        words=("fraction", "in", *_TIMES), bare="fraction", make=_targeted(iv.Inhibit, "node")
    ),
    "overexpress": Form(words=("fold", "in", *_TIMES), bare="fold", make=_overexpress),
    "knock_out": Form(words=("in", *_TIMES), bare="", make=_targeted(iv.KnockOut, "gene")),
    "silence": Form(words=("in", *_TIMES), bare="", make=_silence),
    "add": Form(words=("concentration", "where", *_TIMES), bare="concentration", make=_add),
    "deplete": Form(
        words=("fraction", "every", "doses", "from", "until"), bare="fraction", make=_deplete
    ),
    "sort": Form(words=("keep_every", "from", "until"), bare="", make=_sort),
    "transfer": Form(
        words=("cells", "every", "doses", "from", "until"), bare="cells", make=_transfer
    ),
    "radiation": Form(words=("every", "doses", "where", *_TIMES), bare="", make=_radiation),
    "inject": Form(
        words=("cells", "route", "every", "doses", "from", "until"), bare="cells", make=_inject
    ),
    "replant": Form(words=(), bare="", make=_replant),
    "release_block": Form(
        words=("fraction", "in", *_TIMES), bare="fraction", make=_vesicles(iv.ReleaseBlock)
    ),
    "uptake_block": Form(
        words=("fraction", "in", *_TIMES), bare="fraction", make=_vesicles(iv.UptakeBlock)
    ),
    "vessels": Form(words=_TIMES, bare="", make=_vessels),
    "set": Form(words=("to", *_TIMES), bare="to", make=_set),
    "without_claim": Form(words=(), bare="", make=_without_claim),
}
"""Every key of this version, in the order of the documentation."""
