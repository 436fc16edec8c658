"""Why one entity of a feedback loop leads to another: the claims, and how they say it.

Sources seldom spell out every arrow. A claim may name a node only as its route, speak of the
family, or say that the cell which responds is the cell that secretes. Each such way has a name of
its own, so a reader sees how firm a link is. Only `loops` asks here.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, final

from stemniche.evidence.graph import base_of, causal_claims
from stemniche.evidence.records import Records

How = Literal["direct", "route", "member", "cell", "state", "autocrine"]
FIRMNESS: tuple[How, ...] = ("direct", "route", "member", "cell", "state", "autocrine")

CELLS = "cell_type"
STATES = frozenset({"process", "condition"})
SECRETED = frozenset({"cytokine", "chemokine", "growth_factor"})
THERAPIES = frozenset({"drug", "therapy"})


@final
@dataclass(frozen=True, slots=True)
class Link:
    """Why one node of a loop leads to another; names, and the claims in between.

    `how`, from firm to loose:

    - ``direct``: claims with this subject and this object.
    - ``route``: claims that name one or both as the route of an effect.
    - ``member``: claims on the family, a member or another form of it; without claims where one
      node is a member or form of the other.
    - ``cell``: one node is a cell that makes the other, or is acted on by it.
    - ``state``: the source is a state of a cell that makes the target.
    - ``autocrine``: the cell that responds to the source also makes the target. No claim says that
      more of the one gives more of the other.
    """

    source: str
    target: str
    claims: tuple[str, ...]
    how: How


@dataclass(frozen=True, slots=True)
class _Said:
    """What a causal claim says, with states folded into their entities."""

    id: str
    subjects: frozenset[str]
    objects: frozenset[str]
    route: tuple[str, ...]
    makers: frozenset[str]
    cells: frozenset[str]


class Linker:
    """Finds the link between two entities, given by id.

    Args:
        records: The tables.
        families: Entity ids of the members, by entity id of the family.
    """

    def __init__(self, records: Records, families: Mapping[str, Collection[str]]) -> None:
        self._entities = records.entities
        self._kin = _kin(records, families)
        self._said = tuple(_said(records))

    def link(
        self, source: str, target: str, cells: Collection[str], *, closing: bool = False
    ) -> Link | None:
        """Return the firmest link there is, or None.

        Args:
            source: Entity id.
            target: Another one.
            cells: Names of the cells in which the loop runs.
            closing: Whether the link closes a loop; only then it may be autocrine.
        """
        if self._entities[target].kind in THERAPIES:
            return None
        for how, claims in self._ways(source, target, cells, closing):
            if claims:
                return Link(self._name(source), self._name(target), claims, how)
            if how == "member" and target in self._kin[source]:
                return Link(self._name(source), self._name(target), (), how)
        return None

    def acts(self, source: str, target: str) -> bool:
        """Whether a claim about these very entities, or a cell and what it makes, links them."""
        return bool(
            self._direct(source, target)
            or self._halfway(source, target)
            or self._cell(source, target)
        )

    def are_alike(self, one: str, other: str) -> bool:
        """Whether two entities are of one class, or are both secreted signals."""
        kinds = {self._entities[one].kind, self._entities[other].kind}
        return len(kinds) == 1 or kinds <= SECRETED

    def _ways(
        self, source: str, target: str, cells: Collection[str], closing: bool
    ) -> Iterator[tuple[How, tuple[str, ...]]]:
        """Yield each way with its claims, firmest first; later ones are only tried if needed."""
        yield "direct", self._direct(source, target)
        yield "route", self._route(source, target)
        yield "member", self._member(source, target)
        yield "cell", self._cell(source, target)
        if self._entities[target].kind not in (CELLS, *STATES):
            made = self._same_cell(source, target, cells)
            if self._entities[source].kind in STATES:
                yield "state", made
            if closing:
                yield "autocrine", made

    def _direct(self, source: str, target: str) -> tuple[str, ...]:
        return tuple(s.id for s in self._said if source in s.subjects and target in s.objects)

    def _route(self, source: str, target: str) -> tuple[str, ...]:
        """Claims with one of both as subject or object and the other, or both in order, as route.

        What is alike stands side by side on a route, as three receptors of one ligand do.
        """
        found = self._halfway(source, target)
        if found or self.are_alike(source, target):
            return found
        pair = (source, target)
        return tuple(s.id for s in self._said if pair in zip(s.route, s.route[1:], strict=False))

    def _halfway(self, source: str, target: str) -> tuple[str, ...]:
        return tuple(
            s.id
            for s in self._said
            if (source in s.subjects and target in s.route)
            or (source in s.route and target in s.objects)
        )

    def _member(self, source: str, target: str) -> tuple[str, ...]:
        pairs = product((source, *self._kin[source]), (target, *self._kin[target]))
        return tuple(dict.fromkeys(claim for pair in pairs for claim in self._direct(*pair)))

    def _cell(self, source: str, target: str) -> tuple[str, ...]:
        first, last = self._entities[source], self._entities[target]
        if first.kind == CELLS and last.kind == CELLS:
            return self._between_cells(source, first.name, last.name)
        if first.kind == CELLS:
            happens = self._in_cell(target, first.name) if last.kind in STATES else ()
            return self._made_by(first.name, target) or happens
        if last.kind == CELLS:
            return tuple(s.id for s in self._said if source in s.subjects and last.name in s.cells)
        return ()

    def _same_cell(self, source: str, target: str, cells: Collection[str]) -> tuple[str, ...]:
        """Claims that a cell in which the source acts or happens makes the target."""
        if self._entities[source].kind in THERAPIES:
            return ()
        responding = (cell for cell in cells if self._in_cell(source, cell))
        return next((made for cell in responding if (made := self._made_by(cell, target))), ())

    def _between_cells(self, source: str, maker: str, receiver: str) -> tuple[str, ...]:
        return tuple(
            s.id
            for s in self._said
            if receiver in s.cells and (maker in s.makers or source in s.subjects)
        )

    def _made_by(self, cell: str, target: str) -> tuple[str, ...]:
        """Claims in which the cell makes the target, or makes what acts on it."""
        return tuple(
            s.id for s in self._said if cell in s.makers and target in s.subjects | s.objects
        )

    def _in_cell(self, ident: str, cell: str) -> tuple[str, ...]:
        """Claims in which the entity acts on the cell or happens in it."""
        return tuple(
            s.id for s in self._said if cell in s.cells and ident in s.subjects | s.objects
        )

    def _name(self, ident: str) -> str:
        return self._entities[ident].name


def _said(records: Records) -> list[_Said]:
    def folded(idents: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(base_of(records, ident)[0] for ident in idents)

    return [
        _Said(
            claim.id,
            frozenset(folded(claim.subject_ids)),
            frozenset(folded(claim.object_ids)),
            folded(claim.via_ids),
            frozenset(claim.source_cell),
            frozenset(claim.cells),
        )
        for claim in causal_claims(records)
    ]


def _kin(records: Records, families: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return members, families and other forms (same gene symbol) of every entity."""
    by_symbol: dict[str, list[str]] = {}
    for entity in records.entities.values():
        if entity.symbol:
            by_symbol.setdefault(entity.symbol, []).append(entity.id)
    kin = {}
    for ident, entity in records.entities.items():
        above = [family for family, members in families.items() if ident in members]
        forms = [other for other in by_symbol.get(entity.symbol, []) if other != ident]
        kin[ident] = (*families.get(ident, ()), *above, *forms)
    return kin
