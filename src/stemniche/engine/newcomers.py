"""New cells that no mother in the tissue made: placed at the start, recruited, or from beyond."""

import numpy as np

from stemniche.engine.state import ALIVE, G1, Array, State
from stemniche.kernels.cpu import Backend

PLACED, ENTERED, OVER_WALL, TRANSFERRED, OF_VESSELS = 0, 1000, 2000, 3000, 4000
"""What brought a cell in, part of its key together with its type; so no two keys are alike."""


def add_cells(
    s: State,
    k: Backend,
    kind: int | Array,
    position: list[Array],
    keys: Array,
    volume: float | Array,
) -> Array:
    """Append cells; return their places.

    Args:
        kind: Type of all or of each.
        position: x, y and z, um, one value per cell.
        keys: uint64, unique.
        volume: um^3, of all or of each.
    """
    first, count = s.n, len(keys)
    s.reserve(first + count)
    places = np.arange(first, first + count)
    s.n = first + count
    for block in s.whole_cells():
        block[:, places] = 0
    for axis, values in zip("xyz", position, strict=True):
        s[axis][places] = values
    s["key"][places] = keys
    s["type"][places] = kind
    s["state"][places] = ALIVE
    s["phase"][places] = G1
    s["fate"][places] = -1
    s["growth"][places] = 1.0
    s["surface_antigen"][places] = 1.0
    s["sensitivity"][places] = 1.0
    s["receptors"][places] = 1.0
    s["radius"][places] = (volume * 0.238732414637843) ** (1.0 / 3.0)
    s["signals"][:, places] = s["resting"][np.broadcast_to(kind, count)].T
    return places
