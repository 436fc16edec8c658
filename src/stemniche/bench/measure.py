"""What a measurement is, and how one is taken."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    Args:
        part: ``kernel``, ``run``, ``memory``, ``threads`` or ``start``.
        what: In words.
        value, unit: The number; smaller is better unless `at_least`.
        budget: What it should not exceed (or fall below), None without one.
        at_least: The budget is a lower bound.
    """

    part: str
    what: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False

    @property
    def within(self) -> bool | None:
        """Whether the budget is kept; None without one."""
        if self.budget is None:
            return None
        return self.value >= self.budget if self.at_least else self.value <= self.budget


def cpu_seconds(call: Callable[[], Any], runs: int = 7) -> float:
    """Shortest CPU time of a call in this process, s, after one call to compile and warm up."""
    return _shortest(call, runs, time.process_time)


def wall_seconds(call: Callable[[], Any], runs: int = 7) -> float:
    """Shortest wall time of a call, s, after one call to compile and warm up."""
    return _shortest(call, runs, time.perf_counter)


def _shortest(call: Callable[[], Any], runs: int, clock: Callable[[], float]) -> float:
    call()
    spans = []
    for _ in range(runs):
        start = clock()
        call()
        spans.append(clock() - start)
    return min(spans)
