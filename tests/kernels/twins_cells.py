"""The cell kernels once more: plain NumPy in float64, written differently on purpose and slowly."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def philox(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """Philox4x32-10 with Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high_0, low_0 = divmod(0xD2511F53 * c[0], 1 << 32)
        high_1, low_1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [high_1 ^ c[1] ^ k[0], low_1, high_0 ^ c[3] ^ k[1], low_0]
        k = [(k[0] + 0x9E3779B9) % (1 << 32), (k[1] + 0xBB67AE85) % (1 << 32)]
    return c


def rows(ptr: NDArray[np.int64], idx: NDArray[np.int32]) -> list[list[int]]:
    """A neighbour list as lists."""
    return [idx[a:b].tolist() for a, b in pairwise(ptr)]


def distances(points: Array) -> Array:
    """Matrix of distances, infinite on the diagonal."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return apart


def velocities(
    points: Array, radius: Array, repulsion: Array, adhesion: Array, reach_factor: float
) -> Array:
    """Velocity of every cell from the potentials' definition, all pairs at once."""
    apart = distances(points)
    contact = radius[:, None] + radius[None]
    push = np.clip(1.0 - apart / contact, 0.0, None) ** 2
    pull = np.clip(1.0 - apart / (reach_factor * contact), 0.0, None) ** 2
    speed = np.sqrt(np.outer(repulsion, repulsion)) * push
    speed -= np.sqrt(np.outer(adhesion, adhesion)) * pull
    along = (points[:, None] - points[None]) / apart[..., None]
    return np.einsum("ij,ijk->ik", speed, along)


def moved(
    points: Array,
    active: Array,
    radius: Array,
    repulsion: Array,
    adhesion: Array,
    reach_factor: float,
    minutes: float,
    step: float = 0.02,
) -> Array:
    """Positions after `minutes` by the midpoint rule with tiny steps."""
    now = points.copy()
    for _ in range(round(minutes / step)):
        first = velocities(now, radius, repulsion, adhesion, reach_factor) + active
        half = now + 0.5 * step * first
        now += step * (velocities(half, radius, repulsion, adhesion, reach_factor) + active)
    return now


Drive = tuple[
    int, int, float, float, float, list[tuple[float, list[tuple[int, float, float, bool]]]]
]
"""Type, target, constant, low, high, groups of weight and (signal, half, power, inverted) terms."""


def exponent(drive: Drive, read: Array) -> float:
    """Constant plus weighted products of Hill terms, for one cell."""
    total = drive[2]
    for weight, terms in drive[5]:
        for signal, half, power, inverted in terms:
            ratio = (read[signal] / half) ** power
            weight *= 1.0 / (1.0 + ratio) if inverted else ratio / (1.0 + ratio)
        total += weight
    return total


def relaxed(
    drives: list[Drive],
    signals: Array,
    kind: NDArray[np.int64],
    scale: Array,
    shift: Array,
    tau: Array,
    minutes: float,
    first_node: int,
) -> Array:
    """Signals after every node relaxed, cell by cell."""
    after = signals.copy()
    for i, cell in enumerate(kind):
        for drive in (d for d in drives if d[0] == cell):
            row = first_node + drive[1]
            push = exponent(drive, signals[:, i] * scale[cell]) + shift[cell, drive[1]]
            target = 1.0 / (1.0 + np.exp(-push))
            kept = np.exp(-minutes / tau[drive[1]])
            after[row, i] = target + (signals[row, i] - target) * kept
    return after


def behaved(
    drives: list[Drive], signals: Array, kind: NDArray[np.int64], scale: Array, rows: int
) -> Array:
    """Behaviours, cell by cell."""
    out = np.zeros((rows, kind.size))
    for i, cell in enumerate(kind):
        for drive in (d for d in drives if d[0] == cell):
            value = np.exp(exponent(drive, signals[:, i] * scale[cell]))
            out[drive[1], i] = np.clip(value, drive[3], drive[4])
    return out


def contacts(points: Array, radius: Array, touch: float) -> NDArray[np.bool_]:
    """Matrix of who touches whom."""
    return distances(points) < touch * (radius[:, None] + radius[None])


def cues(fields: Array, weight: Array, scale: Array, voxel: NDArray[np.int64]) -> Array:
    """Summed relative gradients at each cell's voxel, from NumPy's gradient; [3, n] as x, y, z."""
    total = np.zeros((3, voxel.size))
    for field, w, small in zip(fields, weight, scale, strict=True):
        slopes = [
            np.gradient(field, axis=axis) if field.shape[axis] > 1 else np.zeros_like(field)
            for axis in (2, 1, 0)
        ]
        level = field.ravel()[voxel] + small
        total += w * np.stack([slope.ravel()[voxel] for slope in slopes]) / level
    return total
