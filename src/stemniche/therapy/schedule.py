"""When doses are given: start, length and amount of every infusion, on the tick lattice."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from stemniche.core.errors import InputError
from stemniche.engine.process import TICK_S, Tick

MOST_DOSES = 10_000
"""Of one course."""


@dataclass(frozen=True, slots=True)
class Infusion:
    """One dose: `mg` of drug from `start` over `length` seconds; at once where that is 0.

    Args:
        start: Seconds from day 0, or from placement if `early`.
        route: As the drug is given.
        share: Of the dose that arrives (bioavailability).
        compartment: Of the body, into which it goes.
        early: Whether it belongs to a course that starts before preparation.
        until: Seconds from day 0 from which it is not given, None for no end.
        gate: The control whose end stops it, if there is one.
    """

    start: int
    length: int
    mg: float
    route: str = "iv"
    share: float = 1.0
    compartment: int = 1
    early: bool = False
    until: int | None = None
    gate: int | None = None

    def runs(self, t: Tick) -> bool:
        """Whether drug flows during this tick, as far as time alone decides."""
        if not (self.early or t.prepared):
            return False
        if self.until is not None and t.prepared and t.seconds >= self.until:
            return False
        now = t.index * TICK_S if self.early else t.seconds
        return self.start <= now < self.start + max(self.length, TICK_S)


def snap(minutes: float) -> int:
    """Nearest tick, in seconds."""
    return round(minutes * 60.0 / TICK_S) * TICK_S


def infusions(
    *,
    start: float,
    stop: float,
    every: float | None,
    doses: int | None,
    over: float,
    mg: float,
    loading: float | None,
    cycle: tuple[float, float] | None,
    where: str,
) -> tuple[Infusion, ...]:
    """The doses from `start` to before `stop` (minutes from day 0).

    Args:
        every: Minutes between doses, None for a single one.
        cycle: Minutes on and off; doses that fall in an off part are left out
            and not counted.
        where: The intervention as written, for errors.

    Raises:
        InputError: An infusion lasts longer than the interval between doses, or there are more
            doses than anybody gives.

    Example:
        >>> [i.start // 86400 for i in infusions(start=0, stop=30240, every=10080, doses=None,
        ...     over=60, mg=1.0, loading=None, cycle=None, where="")]
        [0, 7, 14]
    """
    length = max(TICK_S, snap(over)) if over > 0.0 else 0
    if every is not None and snap(every) < length:
        raise InputError(
            f"An infusion of {over:g} min cannot be repeated every {every:g} min.",
            where,
            "Give a longer interval (every) or a shorter infusion (over).",
        )
    found: list[Infusion] = []
    number = 0
    while doses is None or len(found) < doses:
        minute = start + number * (every or 0.0)
        if minute >= stop:
            break
        if number >= MOST_DOSES:
            what = f"More than {MOST_DOSES} doses cannot be planned."
            raise InputError(what, where, "Give a longer interval, or an infusion.")
        if cycle is None or (minute - start) % sum(cycle) < cycle[0]:
            amount = loading if number == 0 and loading is not None else mg
            found.append(Infusion(snap(minute), length, amount))
        number += 1
        if every is None:
            break
    return tuple(found)


def check_pump(doses: Iterable[Infusion], where: str) -> None:
    """Refuse infusions of one drug into the blood that overlap: there is one pump.

    Raises:
        InputError: Naming the day on which two of them run.
    """
    for early in (True, False):
        running = [d for d in doses if d.early is early and d.length and d.route == "iv"]
        running.sort(key=lambda d: (d.start, d.length))
        for first, second in pairwise(running):
            ends = first.start + first.length
            over = first.until is not None and first.until <= second.start
            if second.start < ends and not over:
                raise InputError(
                    f"Two infusions overlap on day {second.start / 86400:g}: there is one pump.",
                    where,
                    "Give one of them earlier, later, or in a shorter time (over).",
                )
