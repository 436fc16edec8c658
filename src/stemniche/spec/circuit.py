"""The Model as a signed graph: which quantity moves which, by which row.

`experiment.routes` searches it for ways from the tumour back to itself. A vertex is a factor, a
node or behaviour of one kind of cell, or how many cells of a kind there are; the types of a group
of tumour cells are one kind, because they pass their states on to each other. Strengths are left
out: a graph says what can follow, a simulation how much.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from stemniche.spec.lexicon import MARROW, TUMOUR, VESSEL
from stemniche.spec.model import Drive, Model, Term
from stemniche.spec.paths import STEMNESS_NODE, STEMNESS_STATE

CELLS = "cells"
"""Place of the vertices that stand for how many cells of a kind there are."""

COUNTS_UP = ("recruitment", "egress")
"""Behaviours of vessels and marrow that bring cells of the type they name."""

DERIVED = {STEMNESS_STATE: (STEMNESS_NODE, 1), "pH": ("lactate", -1)}
"""Signals that follow another quantity: what, and with which sign."""


@dataclass(frozen=True, slots=True, order=True)
class Vertex:
    """A quantity: `place` is empty for factors, a kind of cell, or ``cells`` for their number."""

    place: str
    name: str

    def __str__(self) -> str:
        if self.place == CELLS:
            return f"{self.name} cells" if self.name == TUMOUR else self.name
        return f"{self.name} ({self.place})" if self.place else self.name


@dataclass(frozen=True, slots=True)
class Edge:
    """Rows that move `target` with the sign of `source` (+1) or against it (-1).

    There are none where the model itself says so, such as stemness that follows its node.
    """

    source: Vertex
    target: Vertex
    sign: int
    rows: tuple[str, ...]


Arrow = tuple[Vertex, Vertex, int, str]
"""Source, target, sign and row; the row is empty where the model itself says so."""


@dataclass(frozen=True)
class Circuit:
    """All edges of a model, rows between the same two vertices together, in the model's order."""

    model: Model

    def factor(self, name: str) -> Vertex:
        """The vertex of a factor."""
        return Vertex("", name)

    def kind(self, cell: str) -> str:
        """The kind of a cell type: the group for tumour cells, else the type itself."""
        return TUMOUR if cell in self._tumour else cell

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """See the class."""
        found = (
            *(arrow for drive in self.model.drives for arrow in self._driven(drive)),
            *self._released(),
            *self._taken(),
            *self._turned(),
            *self._derived(),
        )
        rows: dict[tuple[Vertex, Vertex, int], dict[str, None]] = {}
        for source, target, sign, row in found:
            rows.setdefault((source, target, sign), {}).update({row: None} if row else {})
        return tuple(Edge(*ends, tuple(ids)) for ends, ids in rows.items())

    @cached_property
    def _tumour(self) -> frozenset[str]:
        return frozenset(t.id for t in self.model.types if t.group == TUMOUR)

    @cached_property
    def _factors(self) -> frozenset[str]:
        return frozenset(f.id for f in self.model.factors)

    def _driven(self, drive: Drive) -> Iterator[Arrow]:
        kind = self.kind(drive.cell)
        ends = [(Vertex(kind, drive.target), 1)]
        head, _, named = drive.target.partition(".")
        if head in COUNTS_UP and drive.cell in (VESSEL, MARROW):
            ends = [(Vertex(CELLS, self.kind(named)), 1)]
        elif head == "conversion":
            before, _, after = named.partition(".")
            if self.kind(before) != self.kind(after):
                gone, come = (Vertex(CELLS, self.kind(cell)) for cell in (before, after))
                ends = [(gone, -1), (come, 1)]
        for group in drive.groups:
            for term in group.terms:
                turn = (-1 if term.inverted else 1) * (-1 if group.weight < 0 else 1)
                for source in self._sources(term, kind):
                    for end, sign in ends:
                        yield (source, end, turn * sign, term.row)

    def _sources(self, term: Term, kind: str) -> Iterator[Vertex]:
        """What a term reads; the genotype does not move and is no vertex."""
        head, _, named = term.signal.partition(".")
        if term.signal in self.model.genotype:
            return
        if term.signal in self._factors:
            yield self.factor(term.signal)
        elif head == "serum" and named in self._factors:
            yield self.factor(named)
        elif head == "neighbour":
            yield Vertex(TUMOUR, named)
        elif head == "contact":
            meant = (
                t.id for t in self.model.types if named in (t.id, t.group) or named in t.ancestors
            )
            yield from (Vertex(CELLS, kind) for kind in dict.fromkeys(map(self.kind, meant)))
        else:
            yield Vertex(kind, term.signal)

    def _released(self) -> Iterator[Arrow]:
        """More cells release more, and so do cells in which the node that sets it is higher."""
        for made in self.model.secretions:
            kind, factor = self.kind(made.cell), self.factor(made.factor)
            yield (Vertex(CELLS, kind), factor, 1, made.row)
            for node in (made.node, made.cargo):
                if node is not None:
                    yield (Vertex(kind, node), factor, 1, made.row)

    def _taken(self) -> Iterator[Arrow]:
        for taken in self.model.uptakes:
            source = Vertex(CELLS, self.kind(taken.cell))
            yield (source, self.factor(taken.factor), -1, taken.row)

    def _turned(self) -> Iterator[Arrow]:
        """Reactions use up what reacts, bring the product, and may give back what they took."""
        for one in self.model.reactions:
            product = None if one.product is None else self.factor(one.product)
            for name in one.reactants:
                others = (*(r for r in one.reactants if r != name), *one.enzymes)
                for other in others:
                    yield (self.factor(other), self.factor(name), -1, one.row)
                if product is not None:
                    yield (self.factor(name), product, 1, one.row)
                    if one.backward > 0.0:
                        yield (product, self.factor(name), 1, one.row)
            if product is not None:
                for name in one.enzymes:
                    yield (self.factor(name), product, 1, one.row)

    def _derived(self) -> Iterator[Arrow]:
        for kind in dict.fromkeys(self.kind(t.id) for t in self.model.types):
            for signal, (follows, sign) in DERIVED.items():
                known = follows in self._factors
                source = self.factor(follows) if known else Vertex(kind, follows)
                yield (source, Vertex(kind, signal), sign, "")
