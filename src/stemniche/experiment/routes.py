"""Escape routes: which ways from the tumour back to itself stay open when some are blocked.

`stemniche routes` asks for them. A route starts at the number of tumour cells and runs through what
they release, take up or touch to a goal of ``goals.csv``: stemness, survival, angiogenesis. As what
is reached keeps the tumour going, each route is half of a loop. Sets that close all routes are
found exactly: SciPy's integer programming proposes a smallest set that meets every route known so
far, the search looks for a route that it leaves open, and both go on until there is none.
"""

import csv
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import final

import numpy as np

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean, fold
from stemniche.spec.circuit import CELLS, Circuit, Edge, Vertex
from stemniche.spec.explain import sentence_text
from stemniche.spec.lexicon import TUMOUR
from stemniche.spec.model import Model
from stemniche.spec.nametables import library_names

GIVEN_BY_NATURE = ("gas", "metabolite")
"""Forms of factors that no treatment takes away."""

HOLD_BACK = ("antagonist", "inhibitor", "neutraliser", "gene")
"""Effects of drugs that take their target out of play."""

VESICLES = "vesicles"
"""Name of all vesicles together: their traffic is blocked as a whole."""

START = Vertex(CELLS, TUMOUR)


@final
@dataclass(frozen=True, slots=True)
class Route:
    """A chain of edges without a vertex twice; its signs multiply to that of the goal.

    Args:
        told: Sentences of rows by id.
    """

    edges: tuple[Edge, ...]
    told: Mapping[str, str] = field(repr=False, compare=False)

    def __str__(self) -> str:
        arrows = "".join(f" {'->' if e.sign > 0 else '-|'} {e.target}" for e in self.edges)
        return f"{self.edges[0].source}{arrows}"

    @property
    def rows(self) -> tuple[str, ...]:
        """Ids of the rows along the way."""
        return tuple(dict.fromkeys(row for edge in self.edges for row in edge.rows))

    @property
    def vertices(self) -> tuple[Vertex, ...]:
        """What lies between start and goal."""
        return tuple(e.target for e in self.edges[:-1])

    @property
    def sentences(self) -> tuple[str, ...]:
        """The rows in words, with their claims."""
        return tuple(self.told[row] for row in self.rows)


@final
@dataclass(frozen=True, slots=True)
class Escape:
    """What is left open of one goal.

    Args:
        goal: Name of the goal.
        routes: The shortest open routes that a treatment could close, shortest first.
        given: The shortest routes through nothing that a treatment takes away, such as oxygen that
            cells breathe and crowding; they stay open.
        closing: Smallest sets of factors and nodes whose block closes all routes but those.
        complete: Whether `closing` holds all sets of that size.
    """

    goal: str
    routes: tuple[Route, ...]
    given: tuple[Route, ...]
    closing: tuple[tuple[str, ...], ...]
    complete: bool


def goals() -> dict[str, tuple[tuple[str, str, int], ...]]:
    """For each goal the cell, the target and the sign of what serves it."""
    return dict(_goals())


def blocked_by(model: Model, names: Collection[str]) -> frozenset[str]:
    """The factors and nodes of a model that the `names` a user wrote stand for.

    A drug that is given in the model's scenario stands for the targets that it holds back.

    Raises:
        InputError: A name is unknown, or the model of this cancer has nothing of that name.
    """
    known = library_names()
    drugs = {drug.id: drug for drug in model.drugs}
    present = {n.id for n in model.nodes} | {f.id for f in model.factors}
    found: set[str] = set()
    for text in names:
        if fold(text) == VESICLES:
            found.add(VESICLES)
            continue
        meant = {*known.resolve("gene", text), *known.resolve("receptor", text)}
        meant |= {n for row in model.receptors if row.id in meant for n in row.reads}
        for drug in known.resolve("drug", text):
            meant |= {n for t in drugs[drug].targets if t.effect in HOLD_BACK for n in t.acts_on}
        if not meant:
            mend = did_you_mean(text, known.ids["gene"], f"Name factors, nodes or '{VESICLES}'.")
            raise InputError(f"There is no factor or node '{text}'.", "--block", mend)
        if not present & meant:
            what = f"The {model.cancer} model has no '{text}'."
            raise InputError(what, "--block", "`stemniche explain` shows what it has.")
        found |= present & meant
    return frozenset(found)


def escape_routes(
    model: Model,
    blocked: Collection[str] = (),
    *,
    wanted: Collection[str] = (),
    longest: int = 8,
    shown: int = 5,
    most_sets: int = 10,
) -> list[Escape]:
    """Find what stays open when the factors and nodes `blocked` are out of play.

    Args:
        wanted: Names of goals; all of them when empty.
        longest: Routes of more rows are not looked at.
        shown: How many open routes of each goal to return.
        most_sets: How many smallest sets of each goal to return.

    Raises:
        InputError: There is no such goal.
    """
    known = goals()
    for name in wanted:
        if name not in known:
            mend = did_you_mean(name, known, f"Goals are {', '.join(known)}.")
            raise InputError(f"There is no goal '{name}'.", "--goal", mend)
    finder = Finder(Circuit(model))
    return [
        _escape(finder, goal, frozenset(blocked), longest, shown, most_sets)
        for goal in known
        if not wanted or goal in wanted
    ]


def _escape(
    finder: "Finder",
    goal: str,
    blocked: frozenset[str],
    longest: int,
    shown: int,
    most_sets: int,
) -> Escape:
    ends = [(Vertex(cell, target), sign) for cell, target, sign in goals()[goal]]
    routes: list[Route] = []
    given: list[Route] = []
    for route in finder.routes(ends, blocked, longest):
        fits = routes if finder.handles(route) else given
        if len(fits) < shown:
            fits.append(route)
        if len(routes) == shown:
            break
    sets = list(_smallest_sets(finder, ends, blocked, longest, most_sets + 1)) if routes else []
    return Escape(
        goal, tuple(routes), tuple(given), tuple(sets[:most_sets]), complete=len(sets) <= most_sets
    )


def _smallest_sets(
    finder: "Finder",
    ends: Sequence[tuple[Vertex, int]],
    blocked: frozenset[str],
    longest: int,
    most: int,
) -> Iterator[tuple[str, ...]]:
    """Yield at most `most` sets of least size that leave no route open but those given."""
    routes: list[frozenset[str]] = []
    tried: list[frozenset[str]] = []
    while most and (proposed := _hit(routes, tried)) is not None:
        open_ = map(finder.handles, finder.routes(ends, blocked | proposed, longest))
        left = next(filter(None, open_), None)
        if left is not None:
            routes.append(left)
            continue
        tried.append(proposed)
        most -= 1
        yield tuple(sorted(proposed))


def _hit(
    routes: Sequence[frozenset[str]], tried: Sequence[frozenset[str]]
) -> frozenset[str] | None:
    """A smallest set that meets all `routes` and is none of `tried`, which are as small as can be.

    None when there is no further one of their size.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    names = sorted(set().union(*routes))
    if not names:
        return frozenset()
    member = np.array([[name in route for name in names] for route in routes], float)
    rules = [LinearConstraint(member, lb=1)]
    if tried:
        known = np.array([[name in one for name in names] for one in tried], float)
        size = len(tried[0])
        rules.append(LinearConstraint(np.ones((1, len(names))), ub=size))
        rules.append(LinearConstraint(known, ub=size - 1))
    solved = milp(np.ones(len(names)), integrality=1, bounds=Bounds(0, 1), constraints=rules)
    if not solved.success:
        return None
    return frozenset(name for name, x in zip(names, solved.x, strict=True) if x > 0.5)


@final
@dataclass(frozen=True)
class Finder:
    """Looks for routes through one circuit."""

    circuit: Circuit

    def handle(self, vertex: Vertex) -> str | None:
        """The name by which a treatment takes a vertex out of play; None if none can."""
        return None if vertex.place == CELLS else self._treatable.get(vertex.name)

    def handles(self, route: Route) -> frozenset[str]:
        """Names by which a treatment closes a route."""
        return frozenset(filter(None, map(self.handle, route.vertices)))

    def routes(
        self, ends: Sequence[tuple[Vertex, int]], blocked: Collection[str], longest: int
    ) -> Iterator[Route]:
        """Yield the open routes to any of `ends` with the sign wanted, shortest first."""
        goals = dict(ends)
        near = self._nearness(goals, blocked, longest)
        for length in range(1, longest + 1):
            for edges in self._walk((START,), 1, length, goals, near):
                yield Route(edges, self._told)

    def _walk(
        self,
        trail: tuple[Vertex, ...],
        sign: int,
        length: int,
        goals: Mapping[Vertex, int],
        near: Mapping[tuple[Vertex, int], int],
    ) -> Iterator[tuple[Edge, ...]]:
        """Edges, `length` in number, that lead on from `trail` to a goal."""
        for edge in self._outward[trail[-1]]:
            turned = sign * edge.sign
            if near.get((edge.target, turned), length) > length - 1 or edge.target in trail:
                continue
            if edge.target in goals:
                if length == 1 and goals[edge.target] == turned:
                    yield (edge,)
                continue
            for rest in self._walk((*trail, edge.target), turned, length - 1, goals, near):
                yield (edge, *rest)

    def _nearness(
        self, goals: Mapping[Vertex, int], blocked: Collection[str], longest: int
    ) -> dict[tuple[Vertex, int], int]:
        """Least number of edges to a goal from a vertex reached with a sign, over what is open."""
        near = {(goal, sign): 0 for goal, sign in goals.items() if self.handle(goal) not in blocked}
        queue = deque(near)
        while queue:
            vertex, sign = queue.popleft()
            far = near[vertex, sign] + 1
            for edge in self._inward[vertex] if far <= longest else ():
                before = (edge.source, sign * edge.sign)
                shut = self.handle(edge.source) in blocked or edge.source in goals
                if before not in near and not shut:
                    near[before] = far
                    queue.append(before)
        return near

    @cached_property
    def _told(self) -> dict[str, str]:
        return {row.id: sentence_text(row) for row in self.circuit.model.rows}

    @cached_property
    def _treatable(self) -> dict[str, str]:
        model = self.circuit.model
        names = {node.id: node.id for node in model.nodes if node.kind != "state"}
        for factor in model.factors:
            if factor.form not in GIVEN_BY_NATURE:
                names[factor.id] = VESICLES if factor.form == "vesicle" else factor.id
        return names

    @cached_property
    def _outward(self) -> Mapping[Vertex, list[Edge]]:
        found: dict[Vertex, list[Edge]] = defaultdict(list)
        for edge in self.circuit.edges:
            found[edge.source].append(edge)
        return found

    @cached_property
    def _inward(self) -> Mapping[Vertex, list[Edge]]:
        found: dict[Vertex, list[Edge]] = defaultdict(list)
        for edge in self.circuit.edges:
            found[edge.target].append(edge)
        return found


@lru_cache(maxsize=1)
def _goals() -> tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...]:
    """The table of goals, in its order."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    with Path(__file__).with_name("goals.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["goal"], []).append((row["cell"], row["target"], int(row["sign"])))
    return tuple((goal, tuple(ends)) for goal, ends in found.items())
