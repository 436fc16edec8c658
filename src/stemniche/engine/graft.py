"""A graft: tumour cells of another tissue that are planted instead of a fresh tumour.

`run.planting` takes them from a run; `engine.place` puts them where the layout says. They keep what
is theirs (kind, state, heritable factors, lineage) and leave behind what was around them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend, stream

KEPT = (
    "key", "parent", "clone", "divisions", "stemness", "damage", "left", "growth", "sensitivity",
    "receptors", "surface_antigen",
)  # fmt: skip
"""Cell variables that a planted cell keeps; with its divisions, so that daughters' keys are new."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Graft:
    """Living tumour cells, each a row of every array.

    Args:
        types: Name of each cell's type.
        kept: The variables of `KEPT`, by name.
        nodes: Levels of network nodes, by name.
    """

    types: Array
    kept: Mapping[str, Array]
    nodes: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.types)

    def chosen(self, plan: Plan, k: Backend) -> Array:
        """Places of the cells that are planted: as many as the layout asks for, drawn at random.

        All of them where there are fewer.
        """
        keys = np.ascontiguousarray(self.kept["key"], np.uint64)
        draw = k.uniform_array(plan.seed, stream("place.graft"), keys, 0, 0)
        return np.lexsort((keys, draw))[: plan.layout.tumour_cells]

    def fill(self, plan: Plan, s: State, cells: Array, chosen: Array) -> None:
        """Give newly placed cells what the chosen ones are."""
        kinds = np.array([plan.types[name] for name in self.types[chosen].tolist()])
        s["type"][cells] = kinds
        s["signals"][:, cells] = s["resting"][kinds].T
        for name in KEPT:
            s[name][cells] = self.kept[name][chosen]
        for name, levels in self.nodes.items():
            if name in plan.nodes:
                s["signals"][plan.signals[name], cells] = levels[chosen]
