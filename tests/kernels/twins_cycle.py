"""The kernels of cycle and exchange once more: plain Python and NumPy in float64, cell by cell."""

from math import exp, expm1
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

G0, G1, S, G2M = range(4)


def sphere(volume: float) -> float:
    """Radius of a sphere."""
    return float(np.cbrt(0.75 * volume / np.pi))


def cycle_step(
    cell: dict[str, float],
    draw: float,
    s_duration: float,
    g2m_duration: float,
    volume: float,
    minutes: float,
) -> dict[str, float]:
    """A living cell after one tick; `cell` has phase, clock, growth and the three rates."""
    after = cell | {"dividing": 0.0}
    leaves = {
        G0: [(cell["awakening"], G1)],
        G1: [(cell["cycle"] * cell["growth"], S), (cell["quiescence"], G0)],
    }.get(int(cell["phase"]), [])
    total = sum(rate for rate, _ in leaves)
    if leaves and draw < -expm1(-total * minutes):
        mark = draw / -expm1(-total * minutes) * total
        edges = np.cumsum([rate for rate, _ in leaves])
        after["phase"] = leaves[int(np.searchsorted(edges, mark, side="right"))][1]
        if after["phase"] == S:
            after["clock"] = s_duration
        if cell["phase"] == G0:
            after["awakened"] = 1.0
    elif cell["phase"] in (S, G2M):
        after["clock"] = cell["clock"] - minutes
        if after["clock"] <= 0.0 and cell["phase"] == S:
            after |= {"phase": G2M, "clock": after["clock"] + g2m_duration}
        elif after["clock"] <= 0.0:
            after["dividing"] = 1.0
    whole = s_duration + g2m_duration
    done = {
        S: s_duration - after["clock"],
        G2M: whole - max(after["clock"], 0.0),
    }.get(int(after["phase"]), 0.0)
    after["radius"] = sphere(volume * (1.0 + min(max(done / whole, 0.0), 1.0)))
    return after


def dead_step(
    cell: dict[str, float],
    draw: float,
    duration: float,
    volume: float,
    dissolution: float,
    minutes: float,
) -> dict[str, float]:
    """A dead cell after one tick; `cell` has state, clock, radius and the rate of engulfing."""
    after = cell | {"clock": cell["clock"] - minutes, "engulfed": 0.0}
    if cell["state"] == 1:
        after["radius"] = sphere(volume * max(after["clock"] / duration, 0.05))
    else:
        after["radius"] *= exp(-dissolution * minutes / 3.0)
        if after["radius"] < sphere(0.05 * volume):
            after["clock"] = 0.0
    if after["clock"] <= 0.0:
        return after | {"state": 3.0}
    if draw < -expm1(-cell["engulfing"] * minutes):
        after |= {"state": 3.0, "engulfed": 1.0}
    return after


def into_voxels(voxel: NDArray[np.int64], amounts: Array, voxels: int) -> Array:
    """Sums [rows, V] of amounts [rows, n] over the cells of each voxel."""
    return np.stack([np.bincount(voxel, weights=row, minlength=voxels) for row in amounts])


Entry = tuple[int, float, Any]


def released(
    kind: NDArray[np.int64],
    alive: NDArray[np.bool_],
    signals: Array,
    rows: dict[int, list[Entry]],
    scale: Array,
    synthesis: Array,
    factors: int,
) -> Array:
    """Release [factors, n]; `rows` gives (factor, rate, (node or -1, cargo or -1)) of each type."""
    out = np.zeros((factors, kind.size))
    for t, entries in rows.items():
        mine = alive & (kind == t)
        for factor, rate, nodes in entries:
            amount = np.full(int(mine.sum()), rate * synthesis[t, factor])
            for node in nodes:
                if node >= 0:
                    amount *= signals[node, mine] * scale[t, node]
            out[factor, mine] += amount
    return out


def removed(
    kind: NDArray[np.int64],
    state: NDArray[np.int64],
    radius: Array,
    rows: dict[int, list[Entry]],
    columns: int,
) -> Array:
    """Removal [columns, n]; `rows` gives (column, rate, 1 for per volume) of each type."""
    out = np.zeros((columns, kind.size))
    volume = 4.0 / 3.0 * np.pi * radius**3
    for t, entries in rows.items():
        for column, rate, by_volume in entries:
            mine = (kind == t) & (state <= 1 if by_volume else state == 0)
            out[column, mine] += rate * (volume[mine] if by_volume else 1.0)
    return out
