"""The culture medium around cells: where it reaches, gases, metabolites and drugs have its level.

`Transport` holds those levels fixed there, so the size of the box never limits what a culture gets;
other factors spread in the medium and leave at the walls. A medium that stands still is poorer in
what the culture takes the more it takes (`StillMedium`).
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import ndimage

from stemniche.engine.plan import Plan
from stemniche.engine.process import Access, Phase, Process, Tick
from stemniche.engine.processes.matrix import MATRIX_S
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Medium(Process):
    """Find the voxels that stirred medium reaches.

    In a block these are the ones joined to its walls and no neighbour of a cell; a slice is a dish
    seen from above, with medium over all of it. Without a stirred medium there are none.
    """

    stirred: bool
    shape: tuple[int, int, int]
    name: str = "medium"
    phase: Phase = Phase.FIELDS
    every_s: int = MATRIX_S
    access: Access = Access(read={"voxel": "1"}, write={"bathed": "1"})

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        bathed = s["bathed"].reshape(self.shape)
        if not self.stirred:
            return
        if self.shape[0] == 1:
            bathed[...] = 1
            return
        cells = np.zeros(bathed.size, bool)
        cells[s.live("voxel")] = True
        near = ndimage.binary_dilation(cells.reshape(self.shape))
        parts, count = ndimage.label(~near)
        reached = np.zeros(count + 1, bool)
        for axis in range(3):
            for end in (0, -1):
                reached[np.unique(parts.take(end, axis))] = True
        reached[0] = False
        bathed[...] = reached[parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class StillMedium:
    """How much lower levels are at the surface of a ball of cells than far off in the medium.

    What the ball takes crosses the medium by diffusion: in a boundless one the level falls by
    ``Q / (4 pi D R)``. `resistance` is a multiple of that: 0 in stirred medium, and 1 / ln 2 for a
    ball that lies on the bottom of a dish.

    Args:
        resistance: See above.
        diffusivity: float64 [F], um^2/min, in the medium.
        voxel_volume: um^3.

    Sources:
        Falls measured round spheroids: Mueller-Klieser 1984 Biophys J 46:343
        doi:10.1016/S0006-3495(84)84030-8. A ball on a plane takes ln 2 of what it takes alone:
        the capacity of two balls that touch.
    """

    resistance: float
    diffusivity: Array
    voxel_volume: float

    def deplete(self, s: State, taken: Array, known: Array) -> None:
        """Move the falls of the levels towards those that go with what the culture takes now.

        They go a quarter of the way, for the less there is, the less is taken: whole steps would
        overshoot.

        Args:
            taken: float64 [F], unit um^3/min.
            known: bool [F], factors for which that is known.
        """
        volume = float(np.count_nonzero(s["bathed"] == 0)) * self.voxel_volume
        if not (self.resistance and volume):
            return
        radius = (0.75 / np.pi * volume) ** (1.0 / 3.0)
        fall = self.resistance * taken[known] / (4.0 * np.pi * self.diffusivity[known] * radius)
        s["depletion"][known] += 0.25 * (fall - s["depletion"][known])


def medium(plan: Plan) -> Medium:
    """The medium of the scenario."""
    return Medium(stirred=plan.surroundings.stirred, shape=plan.grid.shape)


def still_medium(plan: Plan) -> StillMedium:
    """The still medium of the scenario, with diffusivities by the form of each factor."""
    free = {form: plan.parameter(f"medium.diffusivity.{form}") for form in ("gas", "metabolite")}
    return StillMedium(
        resistance=plan.parameter("medium.resistance"),
        diffusivity=np.array([free.get(f.form, f.diffusivity) for f in plan.factor_data]),
        voxel_volume=plan.grid.voxel_volume,
    )
