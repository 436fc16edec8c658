"""The crosstalk graph: who acts on whom, one arrow per claim.

`literal` draws every claim as it is written. `causal` is what loops and paths walk on: atomic
claims of cause and effect only, states folded into the entities they are states of (a lost PTEN
that promotes is a PTEN that suppresses), and arrows turned where a relation is said backwards.
Relations get their meaning from the vocabulary of the tables; no entity is named here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from stemniche.evidence.records import Claim, Records

CAUSAL_GROUPS = frozenset({"cause", "matter", "cells", "output"})
SAID_BACKWARDS = frozenset({"requires", "depends_on"})
_NOT_WALKED = frozenset({"feedback_loop", "definition"})
_NUMBER = {"+1": 1, "-1": -1}
_STATE_SIGN = {"high": 1, "low": -1, "lost": -1}


_ENDS = frozenset({"drug", "therapy", "collective"})


@dataclass(slots=True)
class Arrow:
    """All claims by which one entity acts on another.

    `sign` is +1 or -1 where the claims agree, and None where the direction is open or disputed.
    """

    source: str
    target: str
    claims: tuple[str, ...] = ()
    signs: set[int] = field(default_factory=set)

    @property
    def sign(self) -> int | None:
        """Common direction of the claims that give one."""
        return next(iter(self.signs)) if len(self.signs) == 1 else None


Arrows = dict[str, dict[str, Arrow]]


def literal(records: Records) -> Any:
    """Return a frozen MultiDiGraph of canonical names, edges from subject to object.

    The key of an edge is its claim id. Attributes: `sign` (+1, -1, 0, or None where the direction
    is open), `relation`, `kind`, `level`, `basis`, `cells`, `context` (cancer types), `joint`, and
    `also` (the other claims of a near-duplicate group, which is drawn once).
    """
    import networkx as nx

    graph = nx.MultiDiGraph()
    for entity in records.entities.values():
        graph.add_node(entity.name, id=entity.id, kind=entity.kind, state_of=entity.state_of)
    also = duplicates(records)
    for claim in records.claims.values():
        if not claim.is_first:
            continue
        for source, target in product(claim.subject_ids, claim.object_ids):
            graph.add_edge(
                records.entities[source].name,
                records.entities[target].name,
                key=claim.id,
                sign=0 if claim.sign == "0" else _NUMBER.get(claim.sign),
                relation=claim.relation,
                kind=claim.kind,
                level=claim.level,
                basis=claim.basis,
                cells=claim.cells,
                context=claim.cancer_types,
                joint=claim.acts_jointly,
                also=also.get(claim.id, ()),
            )
    return nx.freeze(graph)


def duplicates(records: Records) -> dict[str, tuple[str, ...]]:
    """Return the other members of each near-duplicate group, by its first claim."""
    groups: dict[str, list[str]] = {}
    for claim in records.claims.values():
        if not claim.is_first:
            groups.setdefault(claim.same_as, []).append(claim.id)
    return {first: tuple(others) for first, others in groups.items()}


def causal(records: Records) -> Arrows:
    """Return arrows between entity ids: source to target to the claims in between."""
    arrows: Arrows = {}
    for claim in causal_claims(records):
        sign = _NUMBER.get(claim.sign)
        backwards = claim.relation in SAID_BACKWARDS
        for subject, obj in product(claim.subject_ids, claim.object_ids):
            (source, flip), (target, flop) = base_of(records, subject), base_of(records, obj)
            if backwards:
                source, target = target, source
            arrow = arrows.setdefault(source, {}).setdefault(target, Arrow(source, target))
            if claim.id not in arrow.claims:
                arrow.claims += (claim.id,)
            if sign is not None:
                arrow.signs.add(sign * flip * flop)
    return arrows


def causal_claims(records: Records) -> Iterator[Claim]:
    """Yield the atomic claims that say that something acts on something, near-duplicates too."""
    groups = {value: cells[0] for value, cells in records.vocabulary["relation"].items()}
    for claim in records.claims.values():
        if (
            claim.level == "atomic"
            and claim.kind not in _NOT_WALKED
            and groups[claim.relation] in CAUSAL_GROUPS
            and claim.sign != "0"
        ):
            yield claim


def base_of(records: Records, ident: str) -> tuple[str, int]:
    """Return the entity of which `ident` is a high or low state, and the sign of that state.

    A mutant is neither more nor less of its gene, so it stays an entity of its own.
    """
    base, _, state = records.entities[ident].state_of.partition(":")
    return (base, _STATE_SIGN[state]) if state in _STATE_SIGN else (ident, 1)


def with_cells(records: Records, arrows: Arrows, start: str, end: str) -> Arrows:
    """Return the arrows with those that hold only where a cell starts or ends a route.

    Claims name the cell that makes their subject, and the cells in which the effect takes place.
    From a starting cell arrows lead to what it makes, to an ending cell from what acts in it; how
    that changes the cell is left open. A pair that has a claim of its own gets nothing new.
    """
    first, last = records.entities[start], records.entities[end]
    extended = {source: dict(targets) for source, targets in arrows.items()}
    for claim in causal_claims(records):
        for subject in claim.subject_ids:
            ident = base_of(records, subject)[0]
            if first.name in claim.source_cell and ident != start:
                _extend(extended, arrows, start, ident, claim.id, 1)
            if last.kind == "cell_type" and last.name in claim.cells and ident != end:
                _extend(extended, arrows, ident, end, claim.id, None)
    return extended


def _extend(
    extended: Arrows, arrows: Arrows, source: str, target: str, claim: str, sign: int | None
) -> None:
    if target in arrows.get(source, {}):
        return
    arrow = extended.setdefault(source, {}).setdefault(target, Arrow(source, target))
    if claim not in arrow.claims:
        arrow.claims += (claim,)
    if sign is not None:
        arrow.signs.add(sign)


def not_inside(records: Records) -> frozenset[str]:
    """Return what no route leads through: therapies, and umbrellas that name no members."""
    return frozenset(
        entity.id
        for entity in records.entities.values()
        if entity.kind in _ENDS or entity.role == "Umbrella, members not named"
    )
