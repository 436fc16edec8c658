"""Cells in a slab whose two faces meet: what leaves through one comes in through the other.

The engine calls `wrapped`, `touching_round` and `move_round` in place of their namesakes of
`neighbours` and `mechanics`. Cells near a face appear once more beyond the other one, as images:
lists and forces see them like any cell, and no kernel below knows of the slab. Images stay while
their cells move, and follow them after every base step; the second stage of stiff cells takes them
where they were at its start.

Limit: a slab thinner than the reach of a pair of cells would let one touch both images of another.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.base_step import BLOCK, base_step
from stemniche.kernels.mechanics import FORGIVEN, laid_out, list_allowance
from stemniche.kernels.neighbours import list_within

__all__ = ["images", "move_round", "touching_round", "wrapped"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]


def wrapped(z: Floats, period: float) -> Floats:
    """Heights brought back between 0 and below `period`, um."""
    back = np.mod(z, np.float32(period))
    return np.where(back < np.float32(period), back, np.float32(0.0))


def images(z: Floats, near: float, period: float) -> tuple[Longs, Floats]:
    """Cells that appear beyond a face, and how much higher each does.

    Args:
        z: Heights, um, 0 to below `period`.
        near: How far beyond a face images are wanted, um; at most `period`.
        period: Depth of the slab, um.
    """
    margin = min(near, period)
    low, high = np.flatnonzero(z < margin), np.flatnonzero(z > period - margin)
    shift = np.repeat(np.array([period, -period], np.float32), [low.size, high.size])
    return np.concatenate([low, high]), shift


def _listed(place: Floats, reach: Floats, n: int, domain: Floats) -> tuple[Longs, Ints]:
    """Neighbour list of the first `n` of all cells and images, whose own rows are left empty."""
    x, y, z = (place[:, axis].copy() for axis in range(3))
    low = float(z.min(initial=0.0))
    depth = float(z.max(initial=0.0)) - low + 1.0
    box = np.array([domain[0], domain[1], depth], np.float32)
    ptr, idx = list_within(x, y, z - np.float32(low), reach, len(place), box)
    ptr[n + 1 :] = ptr[n]
    return ptr, idx


def touching_round(
    x: Floats, y: Floats, z: Floats, radius: Floats, n: int, domain: Floats, touch_factor: float
) -> tuple[Longs, Ints]:
    """Who touches whom in the slab, in the form of `neighbours.touching`.

    Args:
        x, y, z, radius: um; heights are 0 to below the depth.
        n: Cells in use.
        domain: Size of the box along x, y, z, um.
        touch_factor: Cells touch when nearer than this multiple of the sum of their radii.
    """
    place = np.stack([x[:n], y[:n], z[:n]], axis=1)
    reach = np.float32(touch_factor) * radius[:n]
    source, shift = images(place[:, 2], 2.0 * float(reach.max(initial=0.0)), float(domain[2]))
    beyond = place[source]
    beyond[:, 2] += shift
    everyone = np.concatenate([np.arange(n), source])
    ptr, idx = _listed(np.concatenate([place, beyond]), reach[everyone], n, domain)
    row, cell = np.repeat(np.arange(n), np.diff(ptr[: n + 1])), everyone[idx[: ptr[n]]]
    return ptr[: n + 1].copy(), cell[np.lexsort((cell, row))].astype(np.int32)


def move_round(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    repulsion: Floats,
    adhesion: Floats,
    vx_act: Floats,
    vy_act: Floats,
    vz_act: Floats,
    movable: Marks,
    n: int,
    minutes: float,
    longest: float,
    domain: Floats,
    wall_kind: int,
    reach_factor: float,
    skin: float,
) -> None:
    """Move the first `n` cells of the slab for one tick, in place; see `mechanics.move_tick`."""
    period, steps = float(domain[2]), math.ceil(minutes / longest)
    own, active, grip = laid_out(
        n, (x, y, z, radius), (vx_act, vy_act, vz_act), repulsion, adhesion, False
    )
    part, drift, source, shift = minutes / steps, np.zeros(0, np.float32), np.zeros(0, int), None
    place, velocity = own, active
    for step in range(steps if n else 0):
        if shift is None or drift.max() > 1.0:
            own = place[:n]
            own[:, 2] = wrapped(own[:, 2], period)
            bears = list_allowance(grip[:n, 2], skin, (steps - step) * part)
            reach = np.float32(reach_factor) * own[:, 3] + bears
            source, shift = images(own[:, 2], 2.0 * float(reach.max()), period)
            everyone = np.concatenate([np.arange(n), source])
            place, velocity, grip = own[everyone], active[everyone], grip[:n][everyone]
            place[n:, 2] += shift
            ptr, idx = _listed(place, reach[everyone], n, domain)
            bearable = (bears + FORGIVEN * own[:, 3])[everyone]
            stays = np.concatenate([movable[:n], np.zeros(source.size, np.uint8)])
            origin, drift = place.copy(), np.zeros(-(-len(place) // BLOCK), np.float32)
            kind, rest = np.zeros(len(place), np.uint8), np.empty_like(velocity)
            new, stage = np.empty_like(place), np.empty_like(place)
        base_step(
            place, velocity, grip, stays, ptr, idx, part, reach_factor, True, rest, kind, new,
            stage, origin, bearable, domain, 2 if wall_kind == 1 else 0, drift,
        )  # fmt: skip
        place[n:, :3] = place[source, :3]
        place[n:, 2] += shift
    x[:n], y[:n], z[:n] = place[:n, 0], place[:n, 1], wrapped(place[:n, 2], period)
