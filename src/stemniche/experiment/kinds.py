"""What sort of test an experiment is: restated, emergent, proposed, trial or blind.

The scorecard reports them apart, because a model that holds a row "A raises B" says nothing new
when A raises B. *Restated*: the shortest way from what differs between the arms to what is read is
one row. *Emergent*: it takes two or more, or rows of opposite sign. A receptor that is occupied
does not count, and neighbouring rows that cite one claim count once: a claim carried by several
rows stays one statement. Where no row leads from one to the other, the way is through space and
numbers, which is emergent too. What measures read is told by ``readouts.csv``.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, final

from stemniche.core.errors import InputError
from stemniche.experiment.expect import arms_of, contrasts, measures_of
from stemniche.experiment.file import Experiment
from stemniche.experiment.readout import canonical
from stemniche.experiment.ways import Start, Way, Ways
from stemniche.spec import interventions as iv
from stemniche.spec.compile import compile_model
from stemniche.spec.lexicon import Lexicon
from stemniche.spec.library import Library
from stemniche.spec.paths import Point, ends, signal_points
from stemniche.spec.records import Mechanism, SecretionRow
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

Name = Literal["restated", "emergent", "proposed", "trial", "blind"]
KINDS: tuple[Name, ...] = ("emergent", "blind", "restated", "proposed", "trial")

_ID = re.compile(r"E[0-9]{3}")


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """The sort of an experiment, and the rows of the shortest path through its model."""

    name: Name
    rows: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its rows as text."""
        return " > ".join(self.rows)


def classify(experiments: Sequence[Experiment]) -> list[Kind]:
    """The kind of each experiment."""
    from stemniche.evidence import load

    status = {
        row["id"]: row["status"] for row in load().experiments.reset_index().to_dict("records")
    }
    atlas = _Atlas(read_library())
    return [_kind(experiment, status, atlas) for experiment in experiments]


def _kind(experiment: Experiment, status: Mapping[str, str], atlas: "_Atlas") -> Kind:
    try:
        restated, rows = _route(experiment, atlas)
    except InputError:
        # The scenario cannot be compiled; its own run says why.
        restated, rows = False, ()
    known = _ID.match(experiment.id)
    said = status.get(known[0], "") if known else ""
    if experiment.blind:
        return Kind("blind", rows)
    if said in ("proposed", "trial"):
        return Kind(said, rows)  # type: ignore[arg-type]
    return Kind("restated" if restated else "emergent", rows)


def _route(experiment: Experiment, atlas: "_Atlas") -> tuple[bool, tuple[str, ...]]:
    """Whether one statement says it all, and the longest of the shortest ways of the contrasts."""
    found: list[Way | None] = []
    for contrast in contrasts(experiment.tree):
        arms = dict.fromkeys((*arms_of(contrast.left), *arms_of(contrast.right)))
        scenarios = [experiment.arm(name).scenario for name in arms]
        ways = atlas.ways(scenarios)
        differing = list(atlas.differing(scenarios, ways))
        sides = (measures_of(side, experiment.measure) for side in (contrast.left, contrast.right))
        for measure in dict.fromkeys(m for side in sides for m in side):
            found.append(ways.shortest(differing, atlas.read(measure, ways)))
    restated = all(way is not None and way.statements <= 1 and not way.opposed for way in found)
    longest = max((way for way in found if way), key=lambda w: w.statements, default=None)
    return restated, longest.rows if longest else ()


@dataclass(frozen=True)
class _Atlas:
    """Compiled models of scenarios, and what interventions and measures are about in them."""

    library: Library
    _known: dict[str, Ways] = field(default_factory=dict)

    def ways(self, scenarios: Sequence[Scenario]) -> Ways:
        """Rows that are on in at least one of some scenarios."""
        active: dict[str, Mechanism] = {}
        claims: dict[str, tuple[str, ...]] = {}
        if len(prints := {s.prepared_fingerprint for s in scenarios}) == 1:
            (only,) = prints
            if only in self._known:
                return self._known[only]
        for scenario in {s.prepared_fingerprint: s for s in scenarios}.values():
            for row in compile_model(self.library, scenario).rows:
                if row.id in self.library.mechanisms:
                    active[row.id] = self.library.mechanisms[row.id]
                    claims[row.id] = row.claims
        found = Ways(self.library, active, claims)
        if len(prints) == 1:
            self._known[only] = found
        return found

    def differing(self, scenarios: Sequence[Scenario], ways: Ways) -> Iterator[Start]:
        """What is not the same in all scenarios."""
        lists = [{str(item): item for item in s.therapy} for s in scenarios]
        for text, item in {t: i for items in lists for t, i in items.items()}.items():
            if not all(text in items for items in lists):
                yield from (Start(point) for point in self._touched(item))
        for s in scenarios[1:]:
            yield from (Start(point) for point in self._changed(scenarios[0], s))
        off = [(set(s.claims_off), set(s.rows_off)) for s in scenarios]
        for row, own in ways.claims.items():
            without = [row in gone or (own and set(own) <= claims) for claims, gone in off]
            if any(without) and not all(without):
                yield Start(row=row)

    def _touched(self, item: iv.Intervention) -> Iterator[Point]:
        """Points on which an intervention acts."""
        lexicon = self.library.lexicon
        if isinstance(item, iv.GiveDrug):
            rows = (row for row in self.library.targets if row.drug == item.drug)
            yield from (point for row in rows for point in sorted(ends(self.library, row), key=str))
        elif isinstance(item, iv.SetValue):
            yield self._place(item.path.rpartition(".")[2])
        elif isinstance(item, iv.Silence | iv.Deplete):
            yield from (Point("cell", cell) for cell in item.cells)
        elif isinstance(item, iv.Transfer):
            yield Point("cell", item.cell)
        elif isinstance(item, iv.Sort):
            yield from (Point("cell", cell) for cell in lexicon.expand(("tumour",)))
        elif isinstance(item, iv.VesicleBlock):
            vesicles = (f.id for f in lexicon.factors.values() if f.form == "vesicle")
            yield from (Point("factor", name) for name in vesicles)
        elif isinstance(item, iv.Targeted | iv.Neutralise | iv.Add):
            cells = item.cells if isinstance(item, iv.Targeted) else ()
            for name in item.targets:
                if name in lexicon.factors:
                    yield Point("factor", name)
                elif name in self.library.receptors:
                    row = self.library.receptors[name]
                    among = frozenset(cells or lexicon.expand(row.cells))
                    for signal in row.reads:
                        yield from signal_points(self.library, signal, among)
                else:
                    yield Point("node", name, frozenset(cells or lexicon.node_types(name)))

    def _place(self, name: str) -> Point:
        """A value of the environment: a factor, or the signal of that name."""
        return Point("factor" if name in self.library.lexicon.factors else "own", name)

    def _changed(self, a: Scenario, b: Scenario) -> Iterator[Point]:
        """Points at which two scenarios are set up differently."""
        lexicon = self.library.lexicon
        states = {f"{gene}:{state}" for s in (a, b) for gene, state in s.tumour.genotype.items()}
        for state in sorted(states):
            gene, _, value = state.partition(":")
            if a.tumour.genotype.get(gene) != b.tumour.genotype.get(gene):
                yield Point("own", f"{gene}:{value}")
        for cell in sorted({*a.tissue.cells, *b.tissue.cells}):
            if a.tissue.cells.get(cell, 0) != b.tissue.cells.get(cell, 0):
                yield from (Point("cell", c) for c in lexicon.expand((cell,)))
        if (a.tumour.cells, a.tumour.csc_fraction) != (b.tumour.cells, b.tumour.csc_fraction):
            yield from (Point("cell", c) for c in lexicon.expand(("tumour",)))
        for name in ("oxygen", "glucose", "pH"):
            if getattr(a.environment, name) != getattr(b.environment, name):
                yield self._place(name)

    def read(self, measure: str, ways: Ways) -> Iterator[Point]:
        """Points that a measure reads."""
        lexicon = self.library.lexicon
        for pattern, kind, name, cells in _readouts():
            match = pattern.fullmatch(canonical(measure))
            if match is None:
                continue
            filled = {label: text for label, text in match.groupdict().items()}
            about, among = _filled(name, filled), _filled(cells, filled)
            types = frozenset(_types(lexicon, among))
            if kind == "cell":
                yield from (Point("cell", cell) for cell in _types(lexicon, about))
            elif kind == "release":
                yield from self._released(about, types, ways)
            else:
                yield Point(kind, about, types)  # type: ignore[arg-type]
            if kind != "behaviour":
                return

    def _released(self, factor: str, cells: frozenset[str], ways: Ways) -> Iterator[Point]:
        """Where the release of a factor by some cells is set."""
        for row in ways.active.values():
            if isinstance(row, SecretionRow) and row.factor == factor and row.node:
                among = frozenset(self.library.lexicon.expand(row.cell)) & cells
                if among:
                    yield Point("node", row.node, among)


def _types(lexicon: Lexicon, name: str) -> tuple[str, ...]:
    """Concrete types that a cell, a group or a family of cells stands for."""
    family = lexicon.families.get(name)
    return lexicon.expand(family.members if family is not None else (name,))


Readout = tuple["re.Pattern[str]", str, str, str]


@lru_cache(maxsize=1)
def _readouts() -> tuple[Readout, ...]:
    """The table of what measures read: pattern, kind, name, cells."""
    with Path(__file__).with_name("readouts.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            (_pattern(row["measure"]), row["kind"], row["name"], row["cells"])
            for row in csv.DictReader(file)
        )


def _pattern(text: str) -> "re.Pattern[str]":
    parts = re.split(r"<([A-Z])>", text)
    made = [re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^.]+)" for i, p in enumerate(parts)]
    return re.compile("".join(made))


def _filled(text: str, names: Mapping[str, str]) -> str:
    replace: Callable[[re.Match[str]], str] = lambda match: names[match[1]]  # noqa: E731
    return re.sub(r"<([A-Z])>", replace, text)
