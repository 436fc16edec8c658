"""Ways through the rows of a model: from what differs between two arms to what is read.

`kinds` asks for the shortest one, to tell what an experiment puts to the test. A row leads from the
points it starts at to those it ends at (`stemniche.spec.paths`); that a cell type has more or fewer
cells is an end of its own. Nothing here knows experiments.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple, final

from stemniche.spec.lexicon import TUMOUR
from stemniche.spec.library import Library
from stemniche.spec.paths import STEMNESS_NODE, Point, ends, starts
from stemniche.spec.records import Link, Mechanism, Rule

RAISES_COUNT = ("recruitment", "egress", "cycle_rate", "symmetric_probability")
LOWERS_COUNT = ("apoptosis_rate", "necrosis_rate", "ferroptosis_rate")
"""Behaviours that change how many cells of a type there are."""


@final
@dataclass(frozen=True, slots=True)
class Start:
    """Something that differs between arms: a point of the model, or a row that is off in one."""

    point: Point | None = None
    row: str = ""


@final
@dataclass(frozen=True, slots=True)
class Way:
    """The shortest way: its rows, how many statements they make, and whether another opposes it."""

    statements: int
    rows: tuple[str, ...]
    opposed: bool = False


@final
@dataclass(frozen=True)
class Ways:
    """The rows that are on in some model, and where each leads.

    Args:
        active: By id, in the order of the library.
        claims: Claims of each row that are on.
    """

    library: Library
    active: Mapping[str, Mechanism]
    claims: Mapping[str, tuple[str, ...]]
    _begins: dict[str, frozenset[Point]] = field(default_factory=dict)
    _leads: dict[str, tuple[tuple[Point, int], ...]] = field(default_factory=dict)
    _by_start: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    _before: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for name, row in self.active.items():
            self._begins[name] = starts(self.library, row)
            self._leads[name] = tuple(_ends(self.library, row))
            for point in sorted(self._begins[name], key=str):
                self._by_start[point.kind, point.name].append(name)
        for name, leads in self._leads.items():
            for after in (after for end, _ in leads for after in self._from(end)):
                self._before[after].add(name)

    def shortest(self, differing: Iterable[Start], read: Iterable[Point]) -> Way | None:
        """The way with the fewest rows, then statements; None where no row leads there.

        Each row is a statement, but not the mere occupation of a receptor, which carries no claim
        of its own, nor a row that cites a claim of the statement before it. Breadth first; ways of
        the same length are all looked at, to see whether two of them oppose each other.
        """
        wanted = set(read)
        leading = self._leading(wanted)
        queue: list[_Walk] = []
        for start in differing:
            if start.point is not None and _meets(start.point, wanted):
                return Way(0, ())
            for row in [start.row] if start.row else self._from(start.point):
                if row in leading:
                    self._walk(queue, _Walk(), row, 1)
        seen: set[tuple[str, int, tuple[str, ...]]] = set()
        best: Way | None = None
        signs: set[int] = set()
        while queue:
            walk = heappop(queue)
            if best is not None and len(walk.rows) > len(best.rows):
                break
            here = (walk.rows[-1], walk.sign, walk.claims)
            if here in seen:
                continue
            seen.add(here)
            for end, turn in self._arrivals(walk.rows[-1], wanted):
                if _meets(end, wanted):
                    best = best or Way(walk.statements, walk.rows)
                    signs.add(walk.sign * turn)
                    continue
                for row in self._from(end):
                    if row in leading and row not in walk.rows:
                        self._walk(queue, walk, row, turn)
        return None if best is None else Way(best.statements, best.rows, opposed=len(signs) > 1)

    def _leading(self, wanted: set[Point]) -> set[str]:
        """Rows from which some way leads to what is wanted."""
        ending = (
            row for row, leads in self._leads.items() if any(_meets(p, wanted) for p, _ in leads)
        )
        todo = list(ending)
        found = set(todo)
        while todo:
            new = self._before[todo.pop()] - found
            found |= new
            todo += new
        return found

    def _arrivals(self, row: str, wanted: set[Point]) -> Iterator[tuple[Point, int]]:
        """Where a row leads; cells that only turn into each other leave their sum alone."""
        turned = {point for point, _ in self._leads[row] if point.kind == "cell"}
        same_sum = len(turned) > 1 and turned <= wanted
        for point, turn in self._leads[row]:
            if not (same_sum and point.kind == "cell"):
                yield point, turn

    def _from(self, point: Point | None) -> list[str]:
        """Rows that start at a point."""
        if point is None:
            return []
        near = self._by_start.get((point.kind, point.name), [])
        return [row for row in near if _meets(point, self._begins[row])]

    def _walk(self, queue: "list[_Walk]", before: "_Walk", row: str, turn: int) -> None:
        """Go one row further."""
        own = self.claims.get(row, ())
        known = bool(set(own) & set(before.claims)) or (not own and self._occupies(row))
        heappush(
            queue,
            _Walk(
                before.length + 1,
                before.statements + (not known),
                (*before.rows, row),
                before.sign * turn,
                own or before.claims,
            ),
        )

    def _occupies(self, name: str) -> bool:
        """Whether a row only says that a factor sits on its receptor."""
        row, lexicon = self.active[name], self.library.lexicon
        if not isinstance(row, Link) or row.origin not in lexicon.factors:
            return False
        return row.to in lexicon.nodes and lexicon.nodes[row.to].kind == "receptor"


class _Walk(NamedTuple):
    """A way that has not arrived; shorter ones come first."""

    length: int = 0
    statements: int = 0
    rows: tuple[str, ...] = ()
    sign: int = 1
    claims: tuple[str, ...] = ()


def _meets(point: Point, others: Iterable[Point]) -> bool:
    return any(point.meets(other) for other in others)


def _ends(library: Library, row: Mechanism) -> Iterator[tuple[Point, int]]:
    """Where a row leads and with which sign; a cell type only if its number is what changes."""
    sign = 1
    if isinstance(row, Link):
        sign = int(row.sign)
    elif isinstance(row, Rule):
        sign = 1 if row.direction == "increases" else -1
    if isinstance(row, Link) and row.to == STEMNESS_NODE:
        yield from ((Point("cell", cell), sign) for cell in library.lexicon.expand((TUMOUR,)))
    for point in sorted(ends(library, row), key=str):
        if point.kind != "cell":
            yield point, sign
        if point.kind != "cell" or not isinstance(row, Rule):
            continue
        head, *parts = row.behaviour.split(".")
        if head == "conversion":
            yield point, sign if point.name in library.lexicon.expand(parts[-1:]) else -sign
        elif head in RAISES_COUNT:
            yield point, sign
        elif head in LOWERS_COUNT:
            yield point, -sign
