"""The Scenario: everything a run needs to know of what is simulated, read, checked and frozen.

The API, the command line and experiments make one with `load_scenario` and derive others with its
methods; `spec.compile` and `run` read its records, which are in engine units. It remembers the tree
it was read from, with the line of each value, so that a changed scenario is checked like a file and
can be written out again. Which keys exist stands in `spec.schema`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, final

from stemniche.core.errors import InputError
from stemniche.core.identity import fingerprint
from stemniche.spec.interventions import Intervention, WithoutClaim
from stemniche.spec.layers import merge, put, split
from stemniche.spec.naming import Kind, Names
from stemniche.spec.presets import find_scenario, list_scenarios, read_layers
from stemniche.spec.reading import DAY, NOWHERE, Field, Fields, on_lattice, snap
from stemniche.spec.schema import HOSTS, POLICIES, SCHEMA_KEYS, SECTIONS, defaults, homes, keys_of
from stemniche.spec.sections import (
    Domain,
    Environment,
    Host,
    Prepare,
    Tissue,
    Tumour,
    Walls,
    name_of,
    read_domain,
    read_environment,
    read_host,
    read_prepare,
    read_tissue,
    read_tumour,
    read_walls,
)
from stemniche.spec.treatline import parse_treat_line
from stemniche.spec.treatment import Setting, read_therapy
from stemniche.spec.yamlfile import Mark, Node, node_from, write_yaml

__all__ = ["SCHEMA_KEYS", "Scenario", "list_scenarios", "load_scenario"]

MOST_CELLS = 5_000_000

_ASIDE = frozenset(("name", "source", "days", "sample_every", "measures", "notes"))
"""Fields that do not change what happens, so they do not enter the fingerprint."""

_OPEN: dict[str, Kind] = {"tissue": "tissue", "tumour.genotype": "genotype"}
"""Mappings whose keys are names; spellings there become ids before layers are merged."""


@final
@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is simulated; section "scenario file" of the documentation gives every key.

    Args:
        name: Name of the preset, or of the file without its suffix.
        source: The file it was read from.
        cancer: Id of the cancer context.
        days: Length of the run after day 0, days.
        sample_every: Interval of samples, min.
        represents: Volume of tissue that the box stands for, um^3.
        therapy: Interventions in the order of the file; those without a claim are in `claims_off`.
        claims_off: Claims that are switched off (key ``without_claims``).
        rows_off: Library rows that are switched off (key ``without_rows``).
        parameters: Parameters of the library set to other values, as written.
        measures: Assays to be recorded beside the usual measures.
        notes: What was changed on reading, such as times moved to the nearest tick.
    """

    name: str
    source: str
    format: int
    cancer: str
    context_policy: Literal["generalised", "strict"]
    days: float
    sample_every: float
    domain: Domain
    walls: Walls
    represents: float
    prepare: Prepare
    tumour: Tumour
    tissue: Tissue
    host: Host
    environment: Environment
    therapy: tuple[Intervention, ...]
    claims_off: tuple[str, ...]
    rows_off: tuple[str, ...]
    parameters: dict[str, str | float]
    measures: tuple[str, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)
    _tree: Node = field(repr=False, compare=False)
    _names: Names | None = field(default=None, repr=False, compare=False)

    @property
    def duration_s(self) -> int:
        """Length of the run after day 0, seconds."""
        return round(self.days * DAY * 60)

    @property
    def sample_every_s(self) -> int:
        """Interval of samples, seconds."""
        return round(self.sample_every * 60)

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of what matters biologically.

        Name, file, length, sampling and measures do not enter.
        """
        public = (f.name for f in fields(self) if f.compare and f.name not in _ASIDE)
        return fingerprint({name: getattr(self, name) for name in public})

    def change(self, values: Mapping[str, object]) -> "Scenario":
        """A copy with values changed.

        Args:
            values: By dotted path as in the file, such as ``{"tumour.csc_fraction": 0.05}``.
                Numbers index lists (``therapy.0.dose``), lists are replaced whole, mappings are
                merged, None removes.

        Raises:
            InputError: An unknown path or a value that a file could not hold.
        """
        tree = self._tree
        for path, value in values.items():
            node = node_from(value, Mark("change"))
            if not isinstance(path, str):
                raise InputError(f"{path!r:.80} is no path.", "change", "Give paths as text.")
            if split(path)[0] == "extends":
                what = "'extends' cannot be changed in a scenario that is already read."
                raise InputError(what, "change, key extends", "Load the other scenario instead.")
            path, node = _respelt(path, node, _known(self._names))
            tree = put(tree, path, node)
        return _scenario(tree, self.name, self.source, self._names)

    def treat(self, items: object) -> "Scenario":
        """A copy with interventions added to what is there.

        Args:
            items: A list of mappings or lines, or one of them.

        Raises:
            InputError: An item is wrong.
        """
        listed = [items] if isinstance(items, str | Mapping) else items
        if not isinstance(listed, Sequence):
            what = f"{items!r:.80} is no list of interventions."
            raise InputError(what, "treat", "Give a list of mappings or lines.")
        here = self._tree.value.get("therapy") if isinstance(self._tree.value, dict) else None
        before = here.value if here is not None and isinstance(here.value, tuple) else ()
        added = tuple(node_from(item, Mark("treat")) for item in listed)
        return self._with("therapy", (*before, *added))

    def without_claims(self, claims: Iterable[str]) -> "Scenario":
        """A copy in which the mechanisms of some more claims are off, ``["C257"]``."""
        return self._without("without_claims", claims, self.claims_off)

    def without_rows(self, rows: Iterable[str]) -> "Scenario":
        """A copy in which some more library rows are off, whatever claims they have."""
        return self._without("without_rows", rows, self.rows_off)

    def _without(self, key: str, more: Iterable[str], before: tuple[str, ...]) -> "Scenario":
        listed = [more] if isinstance(more, str) else list(more)
        ids = [Node(name, NOWHERE) for name in before]
        return self._with(key, (*ids, *(node_from(name, Mark(key)) for name in listed)))

    def _with(self, key: str, items: tuple[Node, ...]) -> "Scenario":
        top = self._tree.value if isinstance(self._tree.value, dict) else {}
        tree = Node({**top, key: Node(items, Mark(key))}, self._tree.mark)
        return _scenario(tree, self.name, self.source, self._names)

    def where(self, path: str) -> str:
        """File, line and key of the value at a dotted path, for errors of later checks."""
        node = self._tree
        for part in split(path):
            below = node.value
            if isinstance(below, dict) and part in below:
                node = below[part]
            elif isinstance(below, tuple) and part.isdigit() and int(part) < len(below):
                node = below[int(part)]
            else:
                break
        return Field(path, node).where

    def resolved(self) -> dict[str, Any]:
        """The scenario as one mapping without `extends`: values as written, defaults filled in."""
        tree: dict[str, Any] = self._tree.plain
        ordered = {key: tree[key] for key in keys_of() if key in tree}
        ordered["cancer"] = self.cancer
        return ordered

    def to_yaml(self) -> str:
        """`resolved` as YAML; reading it gives an equal scenario."""
        return write_yaml(self.resolved())


def load_scenario(name_or_path: str | Path, *, names: Names | None = None) -> Scenario:
    """Read and check a scenario.

    Args:
        name_or_path: Name of a preset (`list_scenarios`), or path of a YAML file of at most 1 MB.
        names: What may be named; the shipped library and evidence by default.

    Raises:
        InputError: Anything wrong, with file, line, key and remedy.
    """
    if not isinstance(name_or_path, str | Path):
        what = f"{name_or_path!r:.80} is no name of a scenario."
        raise InputError(what, "load_scenario", "Give the name of a preset, or a path.")
    path = find_scenario(name_or_path, where=f"scenario '{str(name_or_path)[:80]}'")
    known = _known(names)
    tree = read_layers(path, lambda layer: _tidy(layer, known))
    return _scenario(tree, path.stem, str(path), names)


def _known(names: Names | None) -> Names:
    if names is not None:
        return names
    from stemniche.spec.nametables import library_names

    return library_names()


def _scenario(tree: Node, name: str, source: str, names: Names | None) -> Scenario:
    """Check a merged tree and make the scenario of it."""
    known = _known(names)
    tree = _lines_read(_completed(tree))
    top = Field("", tree).mapping(keys_of(), elsewhere=homes())
    section = {key: _section(top, key) for key in SECTIONS if key != "tissue"}
    host = read_host(section["host"])
    domain = read_domain(section["domain"])
    setting = Setting(names=known, mass=host.mass, bsa=host.bsa, flat=domain.flat)
    tumour = read_tumour(section["tumour"], known)
    tissue = read_tissue(top["tissue"], known)
    _check_count(tumour, tissue, section["tumour"])
    items = top["therapy"].items()
    therapy = read_therapy(items, setting)
    _check_version(top)
    off = dict.fromkeys(_names_off(top, "without_claims", "claim", known))
    off |= dict.fromkeys(c for t in therapy if isinstance(t, WithoutClaim) for c in t.claims)
    kept = [i for i, record in enumerate(therapy) if not isinstance(record, WithoutClaim)]
    claims = tuple(_at(top["without_claims"], claim) for claim in off)
    return Scenario(
        name=name,
        source=source,
        format=1,
        cancer=known.read_one("cancer", top["cancer"]),
        context_policy=top["context_policy"].choice(POLICIES),  # type: ignore[arg-type]
        days=_days(top["days"]),
        sample_every=_sample_every(top["sample_every"]),
        domain=domain,
        walls=read_walls(section["walls"]),
        represents=section["represents"]["volume"].quantity("um^3", low=1.0),
        prepare=read_prepare(section["prepare"], tumour, setting),
        tumour=tumour,
        tissue=tissue,
        host=host,
        environment=read_environment(section["environment"]),
        therapy=tuple(therapy[i] for i in kept),
        claims_off=tuple(off),
        rows_off=_names_off(top, "without_rows", "row", known),
        parameters=_parameters(top["parameters"], known),
        measures=_names_off(top, "measures", "measure", known),
        notes=tuple(setting.notes),
        _tree=_replaced(
            tree, therapy=tuple(items[i].node for i in kept), without_claims=claims
        ),
        _names=names,
    )


def _section(top: Fields, key: str) -> Fields:
    written = top.get(key) or Field(key, Node({}, top.owner.node.mark))
    return written.mapping(keys_of(key))


def _replaced(tree: Node, **lists: tuple[Node, ...]) -> Node:
    top: dict[str, Node] = dict(tree.value) if isinstance(tree.value, dict) else {}
    for key, items in lists.items():
        top[key] = Node(items, top[key].mark)
    return Node(top, tree.mark)


def _at(written: Field, name: str) -> Node:
    return Node(name, written.node.mark)


def _completed(tree: Node) -> Node:
    """Defaults under the tree; the size of the host depends on its species."""
    whole = merge(defaults(), tree)
    host = whole.value.get("host") if isinstance(whole.value, dict) else None
    species = host.value.get("species") if host and isinstance(host.value, dict) else None
    if species is None or not isinstance(species.value, str) or species.value not in HOSTS:
        return whole
    mass, bsa = HOSTS[species.value]
    return merge(node_from({"host": {"mass": mass, "bsa": bsa}}, NOWHERE), whole)


def _lines_read(tree: Node) -> Node:
    """Turn treatment lines in the list of interventions into mappings."""
    listed = tree.value.get("therapy") if isinstance(tree.value, dict) else None
    if listed is None:
        return tree
    items = listed.value if isinstance(listed.value, tuple) else (listed,)
    return _replaced(tree, therapy=tuple(_line_read(item) for item in items))


def _line_read(item: Node) -> Node:
    if not isinstance(item.value, str):
        return item
    return parse_treat_line(item.value, mark=item.mark if item.mark.line else None)


def _tidy(layer: Node, names: Names) -> Node:
    """Bring the keys of open mappings to their ids, so that layers merge by id."""
    for path, kind in _OPEN.items():
        layer = _renamed(layer, split(path), kind, names)
    return layer


def _renamed(node: Node, parts: list[str], kind: Kind, names: Names) -> Node:
    if not isinstance(node.value, dict):
        return node
    if parts:
        name, *rest = parts
        if name not in node.value:
            return node
        below = _renamed(node.value[name], rest, kind, names)
        return Node({**node.value, name: below}, node.mark)
    renamed: dict[str, Node] = {}
    for key, child in node.value.items():
        name = _id_of(kind, key, names)
        if name in renamed:
            mend = "Keep one of the two."
            raise InputError(f"'{name}' is given twice, in two spellings.", str(child.mark), mend)
        renamed[name] = child
    return Node(renamed, node.mark)


def _respelt(path: str, node: Node, names: Names) -> tuple[str, Node]:
    """A changed path and value with the keys of open mappings as ids."""
    for prefix, kind in _OPEN.items():
        if path.startswith(prefix + "."):
            return f"{prefix}.{_id_of(kind, path.removeprefix(prefix + '.'), names)}", node
        if f"{prefix}.".startswith(path + "."):
            node = _renamed(node, split(prefix)[len(split(path)) :], kind, names)
    return path, node


def _id_of(kind: Kind, key: str, names: Names) -> str:
    found = names.resolve(kind, key)
    return found[0] if len(found) == 1 else key


def _check_count(tumour: Tumour, tissue: Tissue, fields: Fields) -> None:
    cells = tumour.cells + sum(tissue.cells.values())
    if cells > MOST_CELLS:
        what = f"{cells:,} cells are placed, more than {MOST_CELLS:,}."
        raise fields["cells"].error(what, "Place fewer cells.")


def _check_version(top: Fields) -> None:
    written = top["format"]
    if written.count() != 1:
        what = f"The format {written.shown} is not the one that this version reads."
        raise written.error(what, "Write 'format: 1', or install a newer stemniche.")
    site = top.get("distant_site")
    if site is not None and site.flag():
        mend = "Remove 'distant_site', or write false."
        raise site.error("There is no distant site in this version.", mend)


def _days(written: Field) -> float:
    days = written.quantity("d", low=1 / 240, high=3650.0, bare="d")
    if not on_lattice(days * DAY):
        what = f"{written.shown} is no multiple of 6 min, the tick of the clock."
        raise written.error(what, f"Write {max(6.0, snap(days * DAY)) / DAY:.10g}.")
    return days


def _sample_every(written: Field) -> float:
    minutes = written.minutes(low=6.0)
    if not on_lattice(minutes):
        what = f"{written.shown} is no multiple of 6 min, the tick of the clock."
        raise written.error(what, f"Write '{snap(minutes):g} min'.")
    return snap(minutes)


def _names_off(top: Fields, key: str, kind: Kind, names: Names) -> tuple[str, ...]:
    found = (names.read_one(kind, item) for item in top[key].items())
    return tuple(dict.fromkeys(found))


def _parameters(written: Field, names: Names) -> dict[str, str | float]:
    """Values as written, checked against the unit where the library gives one."""
    found: dict[str, str | float] = {}
    for key, value in written.open_mapping("parameters: {NAME: quantity}").items():
        name = names.read_one("parameter", name_of(key, value))
        unit = names.parameter_units.get(name)
        if unit is not None:
            value.quantity(unit)
        raw = value.node.value
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            what = f"{value.shown} is {value.node.kind}, not a quantity."
            raise value.error(what, "Write a number with its unit.")
        found[name] = raw if isinstance(raw, str) else float(raw)
    return dict(sorted(found.items()))
