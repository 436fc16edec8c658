"""Watches a running simulation from outside: the State's health, its growth, memory.

`simulate` looks through a `Watch` every simulated hour and before each sample. What it remembers
between two looks is never part of the State, so it cannot change a trajectory.
"""

from time import monotonic
from typing import final

from stemniche.core.errors import GuardError
from stemniche.engine import guard
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.run.allowance import free_memory

SPARE = 32 * 2**20
"""Bytes that Python and its libraries need besides the State to go on and to write."""

COPIES = 4.0
"""Sizes of the State that are needed for a moment while a checkpoint is packed and compressed."""


MEMORY_S = 1.0
"""Seconds of real time for which an answer on the memory holds, unless the State grows or is to be
written: it is read from files of the system, which takes a quarter of a tick."""


@final
class Watch:
    """Stops a run that has gone wrong or is about to.

    Args:
        plan: Of the run.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._before: tuple[float, int] | None = None
        self._asked = (-MEMORY_S, 0)

    def look(self, s: State, sampled: bool = False) -> None:
        """Look at the State between two ticks; if `sampled`, at the memory too.

        Raises:
            GuardError: Numbers that cannot be, too many cells or births, or too little memory.
        """
        guard.check(self.plan, s)
        self._check_memory(s, sampled)
        self._check_newcomers(s)

    def _check_newcomers(self, s: State) -> None:
        """More new cells since the last look than there were: no tissue doubles in an hour."""
        new = s["born"] + s["recruited"]
        if self._before is not None:
            before, cells = self._before
            more = float(new.sum()) - before
            if more > max(cells, 100):
                worst = self.plan.types.names[int(new.argmax())]
                raise GuardError(
                    f"{more:.0f} new cells within an hour, where {cells} were; most so far are of "
                    f"type {worst}.",
                    guard.when(s),
                    f"Check what makes {worst} divide or enter: cycle_rate, durations, turnover.",
                )
        self._before = float(new.sum()), s.n

    def _check_memory(self, s: State, sampled: bool) -> None:
        size, now = sum(array.nbytes for array in s.arrays.values()), monotonic()
        asked, known = self._asked
        if now < asked + MEMORY_S and size <= known and not sampled:
            return
        self._asked = now, size
        needed, free = COPIES * size + SPARE, free_memory()
        if needed > free:
            raise memory_short(f"{needed / 2**20:.0f} MiB are needed, {free / 2**20:.0f} left", s)


def memory_short(details: str, s: State) -> GuardError:
    """The error for a run that the memory no longer holds."""
    return GuardError(
        f"Memory is running out ({details}; {s.n} cells).",
        guard.when(s),
        "Close other programs or take a larger machine, then resume; or make the domain smaller.",
    )
