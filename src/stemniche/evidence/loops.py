"""Feedback loops the sources name, and the claims that close each of them.

A loop of the tables is a list of entities in order. Some stand side by side (three receptors of one
ligand), so nodes are first put into stages. Then every node must be reached from the stage before
it and must lead to the stage after it, and the end must lead back to where the ring begins; a
therapy that starts a loop is no part of its ring. Where no claim says so the pair is reported as
missing, not guessed. How two nodes may be linked is decided in `links`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from typing import final

from stemniche.evidence.graph import base_of
from stemniche.evidence.links import FIRMNESS, THERAPIES, Link, Linker
from stemniche.evidence.records import Claim, Records

Stage = tuple[str, ...]
Pairs = list[tuple[str, str]]


@final
@dataclass(frozen=True, slots=True)
class Loop:
    """A named feedback loop.

    Args:
        id: The claim that names it.
        title: The loop in the words of that claim.
        nodes: Canonical names in order; `node_ids` are their ids.
        stages: The nodes, those side by side together.
        edges: Links from stage to stage and back to the begin of the ring.
        missing: Pairs of names that no claim links.
        basis: How firmly the loop as a whole is said.
    """

    id: str
    title: str
    nodes: tuple[str, ...]
    node_ids: tuple[str, ...]
    stages: tuple[Stage, ...]
    edges: tuple[Link, ...]
    missing: tuple[tuple[str, str], ...]
    basis: str

    @property
    def closed(self) -> bool:
        """Whether claims carry it all the way round."""
        return not self.missing

    def __str__(self) -> str:
        way = " -> ".join("/".join(stage) for stage in self.stages)
        gaps = ", ".join(f"{a} -> {b}" for a, b in self.missing)
        return f"{self.id} {way}: {f'no claim for {gaps}' if gaps else 'closed'}"


def find(records: Records, families: Mapping[str, Collection[str]]) -> tuple[Loop, ...]:
    """Return every feedback loop of the claims, in their order.

    Args:
        records: The tables.
        families: Entity ids of the members, by entity id of the family.
    """
    linker = Linker(records, families)
    named = (c for c in records.claims.values() if c.kind == "feedback_loop" and c.subject_ids)
    return tuple(_loop(records, linker, claim) for claim in named)


def _loop(records: Records, linker: Linker, claim: Claim) -> Loop:
    nodes = _nodes(records, claim)
    cells = tuple(dict.fromkeys((*claim.cells, *claim.source_cell)))
    stages = _stages(linker, nodes)
    edges: list[Link] = []
    missing: Pairs = []
    for here, there in zip(stages, stages[1:], strict=False):
        found, absent = _between(linker, here, there, cells)
        edges += found
        missing += absent
    found, absent = _return(records, linker, stages, cells, raises=claim.object_ids)
    name = {ident: records.entities[ident].name for ident in nodes}
    return Loop(
        id=claim.id,
        title=claim.subject,
        nodes=tuple(name.values()),
        node_ids=nodes,
        stages=tuple(tuple(name[ident] for ident in stage) for stage in stages),
        edges=(*edges, *found),
        missing=tuple((name[a], name[b]) for a, b in missing + absent),
        basis=claim.basis,
    )


def _nodes(records: Records, claim: Claim) -> tuple[str, ...]:
    """The subjects in order, states folded; a single one is followed by what it leads to."""
    listed = [*claim.subject_ids]
    if len(listed) == 1:
        listed += [ident for ident in claim.object_ids if ident != listed[0]][:1]
    return tuple(dict.fromkeys(base_of(records, ident)[0] for ident in listed))


def _stages(linker: Linker, nodes: tuple[str, ...]) -> list[Stage]:
    """Put alike neighbours side by side if they share a cause or effect and are not linked."""
    stages: list[Stage] = []
    for place, node in enumerate(nodes):
        before = stages[-2] if len(stages) > 1 else nodes[-1:]
        after = nodes[place + 1 :]
        if stages and _side_by_side(linker, (stages[-1][-1], node), before, after):
            stages[-1] += (node,)
        else:
            stages.append((node,))
    return stages


def _side_by_side(
    linker: Linker, pair: tuple[str, str], before: Collection[str], after: Collection[str]
) -> bool:
    if linker.acts(*pair) or not linker.are_alike(*pair):
        return False
    cause = any(all(linker.acts(x, one) for one in pair) for x in before)
    return cause or any(all(linker.acts(one, x) for one in pair) for x in after)


def _between(
    linker: Linker, here: Stage, there: Stage, cells: Collection[str]
) -> tuple[list[Link], Pairs]:
    """Return all links from one stage to the next, and a pair for each node left without one."""
    found = {
        pair: link
        for pair in product(here, there)
        if (link := linker.link(*pair, cells)) is not None
    }
    sources, targets = {a for a, _ in found}, {b for _, b in found}
    absent = [(a, there[0]) for a in here if a not in sources]
    absent += [(here[-1], b) for b in there if b not in targets]
    return list(found.values()), list(dict.fromkeys(absent))


def _return(
    records: Records,
    linker: Linker,
    stages: list[Stage],
    cells: Collection[str],
    raises: Collection[str],
) -> tuple[list[Link], Pairs]:
    """Return the links that close the ring, or the pair that would.

    The ring closes at an early stage that the loop is said to raise, else at the first stage, else
    at a later one; never at a therapy. It closes from the last stage, or from the one before where
    the loop raises its own begin beside the last stage.
    """
    inner = [s for s in stages[:-1] if records.entities[s[0]].kind not in THERAPIES]
    early = [s for s in inner if set(s) & set(raises) and s != stages[-2]]
    begins = early + [s for s in inner if s not in early] or stages[:1]
    for begin in begins:
        ends = [stages[-1]]
        if set(begin) & set(raises) and len(stages) > 2 and stages[-2] != begin:
            ends.append(stages[-2])
        found = [links for end in ends if (links := _closing(linker, end, begin, cells))]
        if found:
            return min(found, key=_firmness), []
    return [], [(stages[-1][-1], begins[0][0])]


def _closing(linker: Linker, end: Stage, begin: Stage, cells: Collection[str]) -> list[Link]:
    pairs = product(end, begin)
    return [link for pair in pairs if (link := linker.link(*pair, cells, closing=True))]


def _firmness(links: list[Link]) -> int:
    return min(FIRMNESS.index(link.how) for link in links)
