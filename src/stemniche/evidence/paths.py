"""Routes by which one entity may act on another, told by the claims along the way.

A route is a chain of causal arrows without repeats. It shows what the sources say can follow from
what; it is no simulation and says nothing about strength. Asked for by the command line and by
anyone who wants to know which claims could carry an effect.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import prod
from typing import final

from stemniche.evidence.graph import Arrow, Arrows


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of a route: names, the claims that say so, +1 or -1, None where it is open."""

    source: str
    target: str
    claims: tuple[str, ...]
    sign: int | None


@final
@dataclass(frozen=True, slots=True)
class Route:
    """A chain of steps.

    Example:
        >>> step = Step("A", "B", ("C001",), -1)
        >>> print(Route((step, Step("B", "C", ("C002", "C003"), 1))))
        A -| B -> C  [C001; C002, C003]
    """

    steps: tuple[Step, ...]

    @property
    def sign(self) -> int | None:
        """Product of the signs; None where one of them is open or disputed."""
        signs = [step.sign for step in self.steps if step.sign is not None]
        return prod(signs) if len(signs) == len(self.steps) else None

    def __str__(self) -> str:
        arrows = {1: "->", -1: "-|", None: "-?"}
        links = "".join(f" {arrows[step.sign]} {step.target}" for step in self.steps)
        cited = "; ".join(", ".join(step.claims) for step in self.steps)
        return f"{self.steps[0].source}{links}  [{cited}]"


def routes(
    arrows: Arrows,
    start: str,
    end: str,
    *,
    max_length: int,
    limit: int,
    closed_to: Collection[str] = (),
) -> Iterator[tuple[Arrow, ...]]:
    """Yield at most `limit` simple routes of at most `max_length` arrows, shortest first.

    Routes of one length come in the order of the claims. A search back from the end prunes every
    step that cannot arrive in time, so the work is bounded by what is found.

    Args:
        arrows: Causal arrows, source to target.
        start: Entity id.
        end: Entity id, another one.
        max_length: Largest number of arrows.
        limit: Largest number of routes.
        closed_to: Entities that may start or end a route, but not lie inside it.
    """
    distance = _distances_to(arrows, end, max_length, closed_to)
    for length in range(1, max_length + 1):
        for route in _of_length(arrows, (start,), end, length, distance):
            yield route
            limit -= 1
            if limit == 0:
                return


def _distances_to(
    arrows: Arrows, end: str, farthest: int, closed_to: Collection[str]
) -> dict[str, int]:
    """Return the least number of arrows to `end` from each entity that can reach it."""
    before: dict[str, list[str]] = {}
    for source, targets in arrows.items():
        for target in targets:
            before.setdefault(target, []).append(source)
    distance, level = {end: 0}, [end]
    for steps in range(1, farthest + 1):
        level = [
            source
            for target in level
            if target not in closed_to or target == end
            for source in before.get(target, ())
            if source not in distance
        ]
        distance.update(dict.fromkeys(level, steps))
    return {ident: far for ident, far in distance.items() if ident == end or ident not in closed_to}


def _of_length(
    arrows: Arrows,
    trail: tuple[str, ...],
    end: str,
    length: int,
    distance: dict[str, int],
) -> Iterator[tuple[Arrow, ...]]:
    """Yield the routes of exactly `length` arrows that continue `trail` to `end`."""
    for target, arrow in arrows.get(trail[-1], {}).items():
        if target in trail or distance.get(target, length) > length - 1:
            continue
        if target == end:
            if length == 1:
                yield (arrow,)
        elif length > 1:
            for rest in _of_length(arrows, (*trail, target), end, length - 1, distance):
                yield (arrow, *rest)
