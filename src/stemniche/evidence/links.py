"""Why one entity of a feedback loop leads to another: the claims, and how they say it.

Sources seldom spell out every arrow. A claim may name a node only as its route, speak of the
family, or say that the cell which responds is the cell that secretes. Each such way has a name of
its own, so a reader sees how firm a link is. Only `loops` asks here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, final

from stemniche.evidence.graph import causal_claims, fold
from stemniche.evidence.records import Records

How = Literal["direct", "route", "member", "cell", "autocrine"]

CELLS = "cell_type"
STATES = frozenset({"process", "condition"})
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
    - ``cell``: a cell makes the target, is acted on by the source, or is in the state of the source
      and makes the target.
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
                return self._named(source, target, claims, how)
        same = target in self._kin[source]
        return self._named(source, target, (), "member") if same else None

    def leads(self, source: str, target: str, cells: Collection[str]) -> bool:
        """Whether a claim about these very entities links them."""
        link = self.link(source, target, cells)
        return link is not None and link.how != "member"

    def is_direct(self, source: str, target: str) -> bool:
        """Whether a claim has this subject and this object."""
        return bool(self._direct(source, target))

    def _ways(
        self, source: str, target: str, cells: Collection[str], closing: bool
    ) -> list[tuple[How, tuple[str, ...]]]:
        ways: list[tuple[How, tuple[str, ...]]] = [
            ("direct", self._direct(source, target)),
            ("route", self._route(source, target)),
            ("member", self._member(source, target)),
            ("cell", self._cell(source, target, cells)),
        ]
        if closing:
            ways.append(("autocrine", self._same_cell(source, target, cells)))
        return ways

    def _direct(self, source: str, target: str) -> tuple[str, ...]:
        return tuple(s.id for s in self._said if source in s.subjects and target in s.objects)

    def _route(self, source: str, target: str) -> tuple[str, ...]:
        return tuple(
            s.id
            for s in self._said
            if (source in s.subjects and target in s.route)
            or (source in s.route and target in s.objects)
            or (source, target) in zip(s.route, s.route[1:], strict=False)
        )

    def _member(self, source: str, target: str) -> tuple[str, ...]:
        pairs = product((source, *self._kin[source]), (target, *self._kin[target]))
        return tuple(dict.fromkeys(claim for pair in pairs for claim in self._direct(*pair)))

    def _cell(self, source: str, target: str, cells: Collection[str]) -> tuple[str, ...]:
        first, last = self._entities[source], self._entities[target]
        if first.kind == CELLS and last.kind == CELLS:
            return self._between_cells(source, first.name, last.name)
        if first.kind == CELLS:
            happens = self._in_cell(target, first.name) if last.kind in STATES else ()
            return self._made_by(first.name, target) or happens
        if last.kind == CELLS:
            return tuple(s.id for s in self._said if source in s.subjects and last.name in s.cells)
        if first.kind in STATES and last.kind not in STATES:
            return self._same_cell(source, target, cells)
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

    def _named(self, source: str, target: str, claims: tuple[str, ...], how: How) -> Link:
        return Link(self._entities[source].name, self._entities[target].name, claims, how)


def _said(records: Records) -> list[_Said]:
    def folded(idents: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(fold(records, ident)[0] for ident in idents)

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
