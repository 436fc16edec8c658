"""The Scenario: everything a run needs to know of what is simulated, read, checked and frozen.

The API, the command line and experiments make one with `load_scenario` and derive others with its
methods; `spec.compile` and `run` read its records, which are in engine units. It remembers the tree
it was read from, with the line of each value, so that a changed scenario is checked like a file and
can be written out again. Which keys exist stands in `spec.schema`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, final

from stemniche.core.errors import InputError
from stemniche.core.identity import fingerprint
from stemniche.spec.interventions import GiveDrug, Intervention, Replant, WithoutClaim
from stemniche.spec.itemparts import Setting
from stemniche.spec.layers import merge, put, split
from stemniche.spec.nametables import library_names
from stemniche.spec.naming import Kind, Names
from stemniche.spec.presets import find_scenario, list_scenarios, read_layers, top_level
from stemniche.spec.reading import DAY, Field, Fields, on_lattice, snap
from stemniche.spec.schema import POLICIES, SCHEMA_KEYS, SECTIONS, homes, keys_of
from stemniche.spec.sections import (
    Domain,
    Environment,
    Host,
    Numerics,
    Prepare,
    Tissue,
    Tumour,
    Walls,
    read_domain,
    read_environment,
    read_host,
    read_numerics,
    read_prepare,
    read_tissue,
    read_tumour,
    read_walls,
)
from stemniche.spec.tidy import completed, lines_read, replaced, respelt, tidy
from stemniche.spec.treatment import read_therapy
from stemniche.spec.yamlfile import NOWHERE, Mark, Node, node_from, write_yaml

__all__ = ["SCHEMA_KEYS", "Scenario", "list_scenarios", "load_scenario", "scenario_from"]

MOST_CELLS = 5_000_000

_ASIDE = frozenset(("name", "source", "days", "sample_every", "measures", "notes"))
"""Fields that do not change what happens, so they do not enter the fingerprint."""


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
        distant_site: Whether tumour cells may spread by the blood to a distant organ.
        claims_off: Claims that are switched off (key ``without_claims``).
        rows_off: Library rows that are switched off (key ``without_rows``).
        parameters: Parameters of the library set to other values, as written.
        measures: Assays to be recorded beside the usual measures.
        notes: What was changed on reading, such as times moved to the nearest tick.
        origin: The scenario, up to the day, whose cells are replanted; None if a run's folder or
            nothing is. A changed copy has none.
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
    numerics: Numerics
    distant_site: bool
    therapy: tuple[Intervention, ...]
    claims_off: tuple[str, ...]
    rows_off: tuple[str, ...]
    parameters: dict[str, str | float]
    measures: tuple[str, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)
    origin: "Scenario | None" = field(default=None, repr=False, compare=False)
    _tree: Node = field(repr=False, compare=False)

    @property
    def drugs(self) -> tuple[str, ...]:
        """Drugs that are given, each once."""
        given = (item.drug for item in self.therapy if isinstance(item, GiveDrug))
        return tuple(dict.fromkeys(given))

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
        return fingerprint(self._content())

    @property
    def prepared_fingerprint(self) -> str:
        """As `fingerprint`, of what acts before day 0: where it is equal, so is the prepared state.

        Interventions count if they start at birth.
        """
        early = tuple(item for item in self.therapy if item.start == "birth")
        return fingerprint({**self._content(), "therapy": early})

    def _content(self) -> dict[str, Any]:
        public = (f.name for f in fields(self) if f.compare and f.name not in _ASIDE)
        return {name: getattr(self, name) for name in public}

    def change(self, values: Mapping[str, object], *, source: str = "change") -> "Scenario":
        """A copy with values changed.

        Args:
            values: By dotted path as in the file, such as ``{"tumour.csc_fraction": 0.05}``.
                Numbers index lists (``therapy.0.dose``), lists are replaced whole, mappings are
                merged, None removes.
            source: Who asks, for errors; the command line says ``--set``.

        Raises:
            InputError: An unknown path or a value that a file could not hold.
        """
        tree = self._tree
        for path, value in values.items():
            node = node_from(value, Mark(source))
            if not isinstance(path, str):
                raise InputError(f"{path!r:.80} is no path.", source, "Give paths as text.")
            if split(path)[0] == "extends":
                what = "'extends' cannot be changed in a scenario that is already read."
                raise InputError(what, f"{source}, key extends", "Load the other scenario instead.")
            path, node = respelt(path, node, library_names())
            tree = put(tree, path, node)
        return _scenario(tree, self.name, self.source)

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

    def planted_from(self, other: "Scenario") -> "Scenario":
        """A copy whose replanted cells come from the run of another scenario with the same seed."""
        wanted = next(item for item in self.therapy if isinstance(item, Replant))
        origin = other.change({"days": max(wanted.day / DAY, 1 / 240)}, source="replant")
        if other.origin is not None:
            origin = origin.planted_from(other.origin)
        print_ = fingerprint((origin.fingerprint, origin.days))
        therapy = tuple(
            replace(item, origin=print_) if item is wanted else item for item in self.therapy
        )
        return replace(self, therapy=therapy, origin=origin)

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
        return _scenario(tree, self.name, self.source)

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
        tree = {**self._tree.plain, "cancer": self.cancer}
        ordered = {key: tree[key] for key in keys_of() if key in tree}
        for section in SECTIONS:
            if section in ordered:
                order = {key: place for place, key in enumerate(keys_of(section))}
                keys = sorted(ordered[section], key=lambda key: order.get(key, -1))
                ordered[section] = {key: ordered[section][key] for key in keys}
        return ordered

    def to_yaml(self) -> str:
        """`resolved` as YAML; reading it gives an equal scenario."""
        return write_yaml(self.resolved())


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read and check a scenario.

    Args:
        name_or_path: Name of a preset (`list_scenarios`), or path of a YAML file of at most 1 MB.

    Raises:
        InputError: Anything wrong, with file, line, key and remedy.
    """
    if not isinstance(name_or_path, str | Path):
        what = f"{name_or_path!r:.80} is no name of a scenario."
        raise InputError(what, "load_scenario", "Give the name of a preset, or a path.")
    path = find_scenario(name_or_path, where=f"scenario '{str(name_or_path)[:80]}'")
    tree = read_layers(path, lambda layer: tidy(layer, library_names()))
    return _scenario(tree, path.stem, str(path))


def scenario_from(data: Mapping[str, object], *, name: str, source: str) -> Scenario:
    """Check a scenario that is plain data, such as `Scenario.resolved` gave.

    Args:
        data: Keys and values as in a file, without `extends`.
        name: Of the scenario.
        source: Where the data came from, for errors.

    Raises:
        InputError: Anything wrong, with key and remedy.
    """
    body = top_level(node_from(data, Mark(source)))
    if "extends" in body:
        mend = "Read the file that extends another with `load_scenario`."
        raise InputError("Plain data extends no scenario.", f"{source}, key extends", mend)
    tree = merge(None, tidy(Node(body, Mark(source)), library_names()))
    return _scenario(tree, name, source)


def _scenario(tree: Node, name: str, source: str) -> Scenario:
    """Check a merged tree and make the scenario of it."""
    known = library_names()
    tree = lines_read(completed(tree))
    top = Field("", tree).mapping(keys_of(), elsewhere=homes())
    section = {key: _section(top, key) for key in SECTIONS if key != "tissue"}
    host = read_host(section["host"])
    domain = read_domain(section["domain"])
    environment = read_environment(section["environment"])
    notes: list[str] = []
    setting = Setting(
        names=known,
        mass=host.mass,
        bsa=host.bsa,
        flat=domain.flat,
        distant=_distant(top["distant_site"], environment, notes),
        notes=notes,
    )
    walls = read_walls(section["walls"], domain)
    tumour = read_tumour(section["tumour"], known, setting.notes)
    tissue = read_tissue(top["tissue"], known)
    _check_count(tumour, tissue, section["tumour"])
    _check_version(top)
    days = _days(top["days"])
    therapy, items, claims = _therapy(top, setting)
    setting.notes.extend(_too_late(therapy, days))
    off = tuple(Node(claim, top["without_claims"].node.mark) for claim in claims)
    scenario = Scenario(
        name=name,
        source=source,
        format=1,
        cancer=known.read_one("cancer", top["cancer"]),
        context_policy=top["context_policy"].choice(POLICIES),  # type: ignore[arg-type]
        days=days,
        sample_every=_sample_every(top["sample_every"]),
        domain=domain,
        walls=walls,
        represents=section["represents"]["volume"].quantity("um^3", low=1.0),
        prepare=read_prepare(section["prepare"], tumour, setting),
        tumour=tumour,
        tissue=tissue,
        host=host,
        environment=environment,
        numerics=read_numerics(section["numerics"], walls),
        distant_site=setting.distant,
        therapy=therapy,
        claims_off=claims,
        rows_off=_names_off(top, "without_rows", "row", known),
        parameters=_parameters(top["parameters"]),
        measures=_names_off(top, "measures", "measure", known),
        notes=tuple(setting.notes),
        _tree=replaced(tree, therapy=items, without_claims=off),
    )
    known.check(scenario.parameters, scenario.where)
    return scenario


def _too_late(therapy: tuple[Intervention, ...], days: float) -> Iterator[str]:
    for item in therapy:
        if item.start != "birth" and item.start >= days * DAY:
            yield f"'{item}' starts after the last day, {days:g}."


def _section(top: Fields, key: str) -> Fields:
    written = top.get(key) or Field(key, Node({}, top.owner.node.mark))
    return written.mapping(keys_of(key))


def _therapy(
    top: Fields, setting: Setting
) -> tuple[tuple[Intervention, ...], tuple[Node, ...], tuple[str, ...]]:
    """Interventions with their nodes, and the claims that are off by whichever key."""
    written = top["therapy"].items()
    read = read_therapy(written, setting)
    pairs = list(zip(read, (item.node for item in written), strict=True))
    kept = [(record, node) for record, node in pairs if not isinstance(record, WithoutClaim)]
    grafts = [item for record, item in zip(read, written, strict=True) if record.key == "replant"]
    if len(grafts) > 1:
        mend = "Keep one 'replant'."
        raise grafts[1].error("Cells of two sources cannot be planted at once.", mend)
    off = [claim for record in read if isinstance(record, WithoutClaim) for claim in record.claims]
    listed = _names_off(top, "without_claims", "claim", setting.names)
    return (
        tuple(record for record, _ in kept),
        tuple(node for _, node in kept),
        tuple(dict.fromkeys((*listed, *off))),
    )


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


def _distant(written: Field, environment: Environment, notes: list[str]) -> bool:
    """Whether there is a distant organ; a culture that takes over a preset's has none."""
    wanted = written.flag()
    if wanted and environment.boundary == "medium":
        notes.append(f"distant_site: a culture has no distant organ. ({written.node.mark})")
        return False
    return wanted


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


def _parameters(written: Field) -> dict[str, str | float]:
    """Values as written; names, units and limits are judged by `Names.check`."""
    found: dict[str, str | float] = {}
    for name, value in written.open_mapping("parameters: {NAME: quantity}").items():
        raw = value.node.value
        if isinstance(raw, bool) or not isinstance(raw, str | int | float):
            what = f"{value.shown} is {value.node.kind}, not a quantity."
            raise value.error(what, "Write a number with its unit.")
        if len(name) > 100 or not name.isprintable():
            raise written.error("A key is no name of a parameter.", "Write 'NAME: quantity'.")
        found[name] = value.text() if isinstance(raw, str) else value.number()
    return dict(sorted(found.items()))
