"""Risks, the stochastic stemness state and the canonical order of cells.

The engine calls `resolve` once per tick over all competing risks, `stemness_step` for tumour
cells, and at the end of a tick sorts the cells: sorted by (voxel, key), the same tissue always has
the same order, whatever happened in which sequence before.

Sources:
    Competing risks with constant rates: the chance of any is 1 - exp(-sum of rates * time), and
    each takes its share by rate.
    Ornstein-Uhlenbeck steps are exact: Gillespie 1996, doi:10.1103/PhysRevE.54.2084.
"""

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import kernel, lean_kernel, parallel_kernel, prange
from stemniche.kernels.maths import HAZARDS, STEMNESS, normal, uniform_fine

__all__ = [
    "apply_order",
    "canonical_order",
    "expected_events",
    "pick",
    "resolve",
    "stemness_step",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Keys = NDArray[np.uint64]
Element = TypeVar("Element", bound=np.generic)

_BLOCK = 1024
_ROWS = 16  # rows that are reordered in one piece of memory
_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_FIRST_DRAW = np.uint32(0)
_NONE = np.int8(-1)


@parallel_kernel
def pick(
    source: Floats, rows: NDArray[np.int32], kind: NDArray[np.uint8], n: int, out: Floats
) -> None:
    """Give each of the first `n` cells the rows of `source` that its type asks for.

    Args:
        source: float32 [rows, capacity].
        rows: int32 [T, H], row of `source` for each row of `out`, -1 for 0.
        kind: Type of each cell.
        n: Cells in use.
        out: float32 [H, capacity].
    """
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for h in range(out.shape[0]):
            for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
                row = rows[kind[i], h]
                out[h, i] = source[row, i] if row >= 0 else _ZERO


@parallel_kernel
def _resolve(
    hazards: Floats,
    n: int,
    seed: np.uint64,
    key: Keys,
    tick: np.uint32,
    minutes: float,
    choice: NDArray[np.int8],
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            choice[i] = _NONE
            total = 0.0
            for h in range(hazards.shape[0]):
                total += max(hazards[h, i], _ZERO)
            if total > 0.0:
                chance = -math.expm1(-total * minutes)
                u = uniform_fine(seed, HAZARDS, key[i], tick, _FIRST_DRAW)
                if u < chance:
                    mark = u / chance * total
                    for h in range(hazards.shape[0]):
                        if hazards[h, i] > _ZERO:
                            choice[i] = h
                            mark -= hazards[h, i]
                            if mark < 0.0:
                                break


def resolve(
    hazards: Floats,
    n: int,
    seed: int,
    key: Keys,
    tick: int,
    minutes: float,
    out_choice: NDArray[np.int8],
) -> None:
    """Which of its competing risks strikes each of the first `n` cells during a tick.

    Args:
        hazards: float32[H, capacity], 1/min; at most 127 rows, values below 0 count as 0.
        n: Cells in use.
        seed, key, tick: They determine the one random number of each cell, which has 52 bits, so
            that risks of one in a million per tick come out right.
        minutes: Length of the tick.
        out_choice: int8: gets the row of the risk that strikes, or -1.
    """
    _resolve(hazards, n, np.uint64(seed), key, np.uint32(tick), float(minutes), out_choice)


@lean_kernel
def _expected_events(
    hazards: Floats,
    kind: NDArray[np.uint8],
    minutes: float,
    weight: Floats,
    out: NDArray[np.float64],
) -> None:
    n = weight.size
    for h in range(hazards.shape[0]):
        for i in range(n):
            weight[i] += hazards[h, i]
    for i in range(n):
        if weight[i] > _ZERO:
            weight[i] = -math.expm1(-weight[i] * minutes) / weight[i]
    for h in range(hazards.shape[0]):
        for i in range(n):
            if hazards[h, i] > _ZERO:
                out[h, kind[i]] += hazards[h, i] * weight[i]


def expected_events(
    hazards: Floats, kind: NDArray[np.uint8], n: int, minutes: float, out: NDArray[np.float64]
) -> None:
    """Add up the chances of the first `n` cells to be struck in a tick, by risk and type of cell.

    Args:
        hazards: float32 [H, capacity], 1/min, none below 0.
        kind: Type of each cell.
        n: Cells in use.
        minutes: Length of the tick.
        out: float64 [H, T], added to in the order of the cells.
    """
    _expected_events(hazards, kind, float(minutes), np.zeros(n, np.float32), out)


@parallel_kernel
def _drift(
    s: Floats,
    target: Floats,
    tau: Floats,
    noise: Floats,
    key: Keys,
    seed: np.uint64,
    tick: np.uint32,
    n: int,
    mask: NDArray[np.uint8],
    minutes: np.float32,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            if mask[i]:
                kept = np.float32(math.exp(-minutes / tau[i]))
                spread = noise[i] * np.float32(math.sqrt(_ONE - kept * kept))
                value = target[i] + (s[i] - target[i]) * kept
                value += spread * normal(seed, STEMNESS, key[i], tick, _FIRST_DRAW)
                value = abs(value)
                value = _TWO - value if value > _ONE else value
                s[i] = min(max(value, _ZERO), _ONE)


def stemness_step(
    s: Floats,
    target: Floats,
    tau: Floats,
    noise_sd: Floats,
    key: Keys,
    seed: int,
    tick: int,
    n: int,
    mask: NDArray[np.uint8],
    minutes: float,
) -> None:
    """One exact step of ``ds = (F - s) / tau dt + noise``, mirrored at 0 and 1, in place.

    Args:
        s: State, 0 to 1.
        target: F, where the state is drawn to.
        tau: min.
        noise_sd: Standard deviation that the state has in the long run, without the mirrors.
        key, seed, tick: They determine the random number of each cell.
        n: Cells in use.
        mask: 1 for cells that take part.
        minutes: Length of the step.
    """
    _drift(
        s, target, tau, noise_sd, key, np.uint64(seed), np.uint32(tick), n, mask,
        np.float32(minutes),
    )  # fmt: skip


@kernel
def _by_voxel_and_key(
    voxel: Ints, key: Keys, kept: NDArray[np.bool_], first: NDArray[np.int64], order: Ints
) -> int:
    """Counting sort of the kept cells by voxel; `first` holds V + 2 zeros. How many were kept."""
    for i in range(voxel.size):
        first[voxel[i] + 2] += kept[i]
    for v in range(first.size - 2):
        first[v + 2] += first[v + 1]
    for i in range(voxel.size):
        if kept[i]:
            place = first[voxel[i] + 1]
            first[voxel[i] + 1] = place + 1
            order[place] = i
    for v in range(first.size - 2):
        for last in range(first[v] + 1, first[v + 1]):
            cell, place = order[last], last
            while place > first[v] and key[order[place - 1]] > key[cell]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = cell
    return int(first[first.size - 2])


def canonical_order(
    voxel: Ints, key: Keys, kept: NDArray[np.bool_], voxels: int
) -> tuple[Ints, NDArray[np.int64]]:
    """The kept cells in order of voxel, then key, equal ones as they were; and each voxel's cells.

    Args:
        voxel: int32[n], 0 to below `voxels`.
        key: uint64, n or longer.
        kept: bool[n], which cells stay.
        voxels: How many there are.

    Returns:
        ``order`` int32 and ``ptr`` int64[V+1]: cells of voxel v are ``order[ptr[v]:ptr[v + 1]]``.
    """
    order, first = np.empty(voxel.size, np.int32), np.zeros(voxels + 2, np.int64)
    count = _by_voxel_and_key(voxel, key, kept, first, order)
    return order[:count], first[:-1]


@parallel_kernel
def _reorder_rows(array: Floats, order: Ints) -> None:
    n = order.size
    for group in prange((array.shape[0] + _ROWS - 1) // _ROWS):
        new = np.empty(n, np.float32)
        for row in range(group * _ROWS, min((group + 1) * _ROWS, array.shape[0])):
            old = array[row]
            for i in range(n):
                new[i] = old[np.uint32(order[i])]
            old[:n] = new


def apply_order(array: NDArray[Element], order: Ints) -> None:
    """Put columns in the given order, in place; columns that `order` leaves out are lost.

    Args:
        array: [capacity] or [rows, capacity], any type; float32 rows are compiled.
        order: int32, places of the columns that come first.
    """
    if array.ndim == 2 and array.dtype == np.float32:
        _reorder_rows(array, order)
    else:
        array[..., : order.size] = array.take(order, axis=-1)
