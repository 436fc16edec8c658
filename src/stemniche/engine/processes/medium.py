"""The culture medium around cells: where it reaches, gases, metabolites and drugs have its level.

`Transport` holds those levels fixed there, so neither the size of the box nor a layer of still
fluid limits what a culture gets; other factors spread in the medium and leave at the walls.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import ndimage

from stemniche.engine.plan import Plan
from stemniche.engine.process import Access, Phase, Process, Tick
from stemniche.engine.processes.matrix import MATRIX_S
from stemniche.engine.state import State
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


def medium(plan: Plan) -> Medium:
    """The medium of the scenario."""
    return Medium(stirred=plan.surroundings.stirred, shape=plan.grid.shape)
