"""Gates: which cells a cytometer would call high for a marker, with its error.

Measures and the sorting of cells ask here; what a marker shows in which cancer are rows of the
library. Reading a gate never changes the State.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.processes.sensing import CARRIED
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import stream
from stemniche.kernels.maths import normal_array
from stemniche.spec.model import Marker


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A marker's gate in a plan: `row` of its signal, or the `variable` of the cell behind it."""

    marker: Marker
    variable: str
    row: int
    seed: int

    def high(self, s: State) -> Array:
        """bool [n]: whether each cell's reading lies above the gate at this tick.

        The reading is the level of the marker's signal (or one less it) plus a normal error.
        """
        m = self.marker
        level = s[self.variable][self.row, : s.n] if self.row >= 0 else s.live(self.variable)
        keys = np.ascontiguousarray(s.live("key"))
        noise = normal_array(self.seed, stream(f"gate.{m.id}"), keys, s.tick, 0)
        return np.asarray((level if m.sign > 0 else 1.0 - level) + m.error * noise > m.gate)


def gate(plan: Plan, marker: Marker) -> Gate:
    """Find where the marker's signal stands."""
    carried = CARRIED.get(marker.signal)
    return Gate(
        marker=marker,
        variable=carried or "signals",
        row=-1 if carried else plan.signals[marker.signal],
        seed=plan.seed,
    )
