"""What a process is: one mechanism that changes part of the State once per tick or more rarely."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from stemniche.engine.state import State
from stemniche.kernels.cpu import Backend

TICK_S = 360
"""Length of a behaviour tick, s: the lattice of all times of a run."""

TICK_MIN = TICK_S / 60.0

SENSE_S = 2 * TICK_S
"""How often cells sense, signal and set their behaviours; in between they go on as they do."""

SUPPLY_S = 4 * TICK_S
"""How often vessels look at what calls for cells, and newcomers come in."""


class Phase(IntEnum):
    """Order of the processes within a tick."""

    EVENTS = 0
    FIELDS = 1
    SENSE = 2
    DECIDE = 3
    RESOLVE = 4
    MOVE = 5
    CANON = 6
    OBSERVE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """State variables a process touches, each with its unit.

    `add` names commutative accumulators (hazards, supplies), which several processes may share;
    writers of one variable are ordered by phase and by their place in the plan.
    """

    read: Mapping[str, str] = field(default_factory=dict)
    write: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """The moment a process acts: `index` ticks since placement, `day0` the tick of day 0.

    While the tissue is being prepared `day0` is -1 and `seconds` counts from placement with
    a negative sign meaning "before day 0".
    """

    index: int
    day0: int

    @property
    def prepared(self) -> bool:
        """Whether day 0 has come."""
        return self.day0 >= 0

    @property
    def seconds(self) -> int:
        """Seconds since day 0; -1 during preparation."""
        return (self.index - self.day0) * TICK_S if self.prepared else -1


class Process(ABC):
    """One mechanism. Subclasses are final, frozen and keep nothing between ticks.

    Attributes:
        name: Unique name.
        phase: When it acts within a tick.
        every_s: Period in seconds, a multiple of the tick.
        access: What it touches.
    """

    name: str
    phase: Phase
    every_s: int = TICK_S
    access: Access

    @abstractmethod
    def run(self, s: State, t: Tick, k: Backend) -> None:
        """Change `s` in place."""
