"""Intravasation: tumour cells enter the blood by the vessels that they can reach.

Cells of the slice leave at a hazard, and the blood gets what all slices of the represented tumour
shed. What becomes of them there is `processes.spread`'s affair.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.vessels import VESSELS_S
from stemniche.engine.state import ALIVE, Array, State
from stemniche.kernels.cpu import Backend

HAZARD = "intravasation"
"""Name of the hazard by which cells leave the tissue for the blood."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(Process):
    """Spread the leaks of vessels over what they reach, whenever the vessels have changed.

    Args:
        shape: Voxels along z, y, x.
        width: Voxels along the edge of the square or block that a vessel reaches.

    Source:
        Mean over the square or block, axis by axis; vessels at a wall act inwards.
    """

    shape: tuple[int, int, int]
    width: int
    name: str = "reach"
    phase: Phase = Phase.CANON
    every_s: int = VESSELS_S
    access: Access = Access(read={"leak": "1"}, write={"leak_in_reach": "1"})

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        from scipy.ndimage import correlate1d

        leak = s["leak"].reshape(self.shape)
        mean = np.full(self.width, 1.0 / self.width)
        for axis in np.flatnonzero(np.array(self.shape) > 1):
            leak = correlate1d(leak, mean, int(axis), mode="reflect")
        s["leak_in_reach"][:] = leak.ravel()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Intravasation(Process):
    """The hazard of tumour cells near a perfused vessel to enter it.

    Args:
        scale: How many slices like this one the represented tumour holds.

    Source:
        ``intravasation_rate * perfused vessels * their leakiness``, the vessels of a voxel being
        the mean over all within reach (`Reach`): with the rate on a voxel's worth of vessel held,
        reach decides who is at risk, not how many leave an even tissue.
    """

    tumour: Array
    rate_row: int
    hazard: int
    scale: float
    name: str = "intravasation"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(
        read={
            "leak_in_reach": "1",
            "voxel": "1",
            "type": "1",
            "state": "1",
            "behaviours": "1",
        },
        add={"hazards": "1/min", "shedding": "cells"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        leak = s["leak_in_reach"]
        if not leak.any():
            return
        kind = s.live("type")
        mine = (self.tumour[kind] == 1) & (s.live("state") == ALIVE)
        near = leak[s.live("voxel")] * mine
        hazard = s["behaviours"][self.rate_row, : s.n] * near
        s["hazards"][self.hazard, : s.n] += hazard
        shed = np.bincount(kind, weights=hazard, minlength=len(self.tumour))
        s["shedding"] += self.scale * TICK_MIN * shed


def reach(plan: Plan) -> Reach:
    """How far vessels of this grid reach."""
    return Reach(
        shape=plan.grid.shape,
        width=2 * round(plan.parameter("intravasation.reach") / plan.grid.spacing) + 1,
    )


def intravasation(plan: Plan) -> Intravasation:
    """Wire the tumour's types to the hazard."""
    return Intravasation(
        tumour=plan.mask(["tumour"]),
        rate_row=plan.behaviours["intravasation_rate"],
        hazard=plan.hazards[HAZARD],
        scale=plan.surroundings.blood_scale,
    )
