"""Reads the items of `therapy`: mappings, or lines, into intervention records.

`spec.scenario` calls `read_therapy`. One entry of `FORMS` describes each key: what it names, what a
bare quantity in a line means, which further words it takes. Names are resolved by `spec.naming`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stemniche.core.names import did_you_mean, fold
from stemniche.spec import interventions as iv
from stemniche.spec.itemparts import (
    Setting,
    in_order,
    read_cells,
    read_dose,
    read_doses,
    read_fraction,
    read_interval,
    read_names,
    read_span,
    snapped,
)
from stemniche.spec.naming import Kind
from stemniche.spec.reading import Field, Fields
from stemniche.spec.schema import ENVIRONMENT
from stemniche.spec.yamlfile import NOWHERE, Node

ROUTES = ("iv", "oral", "ip", "sc", "it")
SETTABLE = {f"environment.{name}": limits for name, limits in ENVIRONMENT.items()}
"""Scenario values that may change during a run, with unit, lowest and highest value."""

YAML_ONLY = ("sort", "vessels", "replant")
"""Keys whose values are mappings, which a line cannot hold."""

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


def _drug(fields: Fields, setting: Setting) -> iv.Intervention:
    route = fields.get("route")
    return iv.GiveDrug(
        drug=setting.names.read_one("drug", fields["drug"]),
        dose=read_dose(fields.get("dose"), setting),
        every=read_interval(fields, "every", setting),
        doses=read_doses(fields),
        over=read_interval(fields, "over", setting, low=0.0),
        loading=read_dose(fields.get("loading"), setting),
        route=None if route is None else route.choice(ROUTES),
        **read_span(fields, setting),
    )


def _neutralise(fields: Fields, setting: Setting) -> iv.Intervention:
    targets = read_names(fields["neutralise"], "factor", setting)
    return iv.Neutralise(targets=targets, **read_fraction(fields), **read_span(fields, setting))


def _targeted(
    record: type[iv.Block] | type[iv.Inhibit] | type[iv.KnockOut], kind: Kind
) -> Callable[[Fields, Setting], iv.Intervention]:
    def make(fields: Fields, setting: Setting) -> iv.Intervention:
        targets = read_names(fields[record.key], kind, setting)
        cells = read_cells(fields, "in", setting)
        return record(
            targets=targets, cells=cells, **read_fraction(fields), **read_span(fields, setting)
        )

    return make


def _overexpress(fields: Fields, setting: Setting) -> iv.Intervention:
    fold = fields.get("fold")
    return iv.Overexpress(
        targets=read_names(fields["overexpress"], "gene", setting),
        cells=read_cells(fields, "in", setting),
        fold=10.0 if fold is None else fold.quantity("fold", low=1e-6, high=1e6),
        **read_span(fields, setting),
    )


def _silence(fields: Fields, setting: Setting) -> iv.Intervention:
    fields["silence"].choice(("secretome",))
    cells = read_cells(fields, "in", setting)
    if not cells:
        raise fields.owner.error("Whose secretome is silenced is not said.", "Add 'in: CAF'.")
    return iv.Silence(cells=cells, **read_span(fields, setting))


def _vesicles(
    record: type[iv.ReleaseBlock] | type[iv.UptakeBlock],
) -> Callable[[Fields, Setting], iv.Intervention]:
    def make(fields: Fields, setting: Setting) -> iv.Intervention:
        fields[record.key].choice(("vesicles",))
        cells = read_cells(fields, "in", setting)
        return record(cells=cells, **read_fraction(fields), **read_span(fields, setting))

    return make


def _add(fields: Fields, setting: Setting) -> iv.Intervention:
    targets = read_names(fields["add"], "factor", setting)
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
        **read_span(fields, setting),
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
    every, doses = read_interval(fields, "every", setting), read_doses(fields)
    if doses is not None and doses > 1 and every is None:
        raise fields["doses"].error(f"{doses} times, but how often?", "Add 'every: 2 d'.")
    written = fields["deplete"]
    text = written.node.value if isinstance(written.node.value, str) else ""
    group, among = setting.names.among.get(fold(text), ("", ()))
    return iv.Deplete(
        group=group,
        among=among,
        cells=read_cells(fields, "deplete", setting),
        every=every,
        doses=doses,
        **read_fraction(fields),
        **read_span(fields, setting),
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
        cells = in_order("cell", setting.names.read("cell", named), setting)
    return iv.Sort(
        gate=name if text == text.removeprefix("not ") else f"not {name}",
        marker=marker,
        cells=cells,
        inside=inside,
        keep_every=read_interval(fields, "keep_every", setting),
        **read_span(fields, setting),
    )


def _transfer(fields: Fields, setting: Setting) -> iv.Intervention:
    every, doses = read_interval(fields, "every", setting), read_doses(fields)
    if doses is not None and doses > 1 and every is None:
        raise fields["doses"].error(f"{doses} times, but how often?", "Add 'every: 2 d'.")
    return iv.Transfer(
        cell=setting.names.read_one("cell", fields["transfer"]),
        count=fields["cells"].count(low=1, high=MOST_TRANSFERRED),
        every=every,
        doses=doses,
        **read_span(fields, setting),
    )


def _radiation(fields: Fields, setting: Setting) -> iv.Intervention:
    every, doses = read_interval(fields, "every", setting), read_doses(fields)
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
        **read_span(fields, setting),
    )


def _inject(fields: Fields, setting: Setting) -> iv.Intervention:
    _needs_distant(fields["inject"], setting)
    every, doses = read_interval(fields, "every", setting), read_doses(fields)
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
        **read_span(fields, setting),
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
        **read_span(fields, setting),
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
    return iv.SetValue(path=path, to=to, unit=unit, **read_span(fields, setting))


def _without_claim(fields: Fields, setting: Setting) -> iv.Intervention:
    claims = read_names(fields["without_claim"], "claim", setting)
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
