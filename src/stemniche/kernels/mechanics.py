"""How cells move in one tick: base steps on a neighbour list that is kept valid.

Motion is overdamped: the velocity of a cell is its active velocity (from `kernels.motility`) plus
the sum of `pair_speed` over its neighbours. `move_tick` carries a tissue through one tick of
behaviour in base steps (`kernels.base_step`) of one or two minutes, and makes a new neighbour list
when a cell has moved further than the present one allows for. It draws no random numbers.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.base_step import BLOCK, base_step
from stemniche.kernels.jit import parallel_kernel, prange
from stemniche.kernels.neighbours import SPARE, lacks, list_within

__all__ = ["FORGIVEN", "laid_out", "list_allowance", "move_tick", "step_motion"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]

FORGIVEN = np.float32(0.25)
"""Of the radius: a list may lack pairs this far inside the range of adhesion. Those that it lacks
do not touch yet, and attract each other by less than 0.04 of their adhesion."""

_MOST_FAR = 64
"""If more cells have moved too far for the list, it is made anew without asking what it lacks."""

_REST_STEPS, _REST_MIN = 3, 3.0
"""Resting cells are looked at again after so many base steps, in short ones after so many min."""

_ZERO = np.float32(0.0)


@parallel_kernel
def _lay_out(
    n: int,
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    vx: Floats,
    vy: Floats,
    vz: Floats,
    repulsion: Floats,
    adhesion: Floats,
    two_d: bool,
    place: Floats,
    active: Floats,
    grip: Floats,
) -> None:
    for block in prange((n + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min((block + 1) * BLOCK, n)):
            up = _ZERO if two_d else vz[i]
            place[i, 0], place[i, 1], place[i, 3] = x[i], y[i], radius[i]
            place[i, 2] = _ZERO if two_d else z[i]
            active[i, 0], active[i, 1], active[i, 2] = vx[i], vy[i], up
            grip[i, 0] = np.float32(math.sqrt(repulsion[i]))
            grip[i, 1] = np.float32(math.sqrt(adhesion[i]))
            grip[i, 2] = np.float32(math.sqrt(vx[i] * vx[i] + vy[i] * vy[i] + up * up))


def laid_out(
    n: int,
    places: tuple[Floats, ...],
    velocities: tuple[Floats, ...],
    repulsion: Floats,
    adhesion: Floats,
    two_d: bool,
) -> tuple[Floats, Floats, Floats]:
    """Place and radius, active velocity, and roots of the coefficients with the active speed."""
    place, active, grip = (np.empty((n, columns), np.float32) for columns in (4, 3, 3))
    (x, y, z, radius), (vx, vy, vz) = places, velocities
    _lay_out(
        n, x, y, z, radius, vx, vy, vz, repulsion, adhesion, bool(two_d), place, active, grip
    )  # fmt: skip
    return place, active, grip


def list_allowance(speed: Floats, skin: float, minutes: float) -> Floats:
    """Movement, um, that a neighbour list should bear to last for some time.

    Args:
        speed: Of each cell, um/min.
        skin: Twice what is added for pushes, um.
        minutes: How long.
    """
    return np.float32(0.5 * skin) + np.float32(minutes) * speed


def move_tick(
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
    ptr: Longs,
    idx: Ints,
    allowance: Floats,
    n: int,
    minutes: float,
    longest: float,
    domain: Floats,
    wall_kind: int,
    reach_factor: float,
    skin: float,
    two_d: bool,
) -> int:
    """Move the first `n` cells for one tick, in place; how many new neighbour lists it took.

    Args:
        x, y, z: Positions, um; z is left alone when `two_d`.
        radius: um.
        repulsion, adhesion: Coefficients of the pair force, um/min; pairs use geometric means.
        vx_act, vy_act, vz_act: Active velocity, um/min, constant during the tick.
        movable: 0 for cells that push but stay.
        ptr, idx: List that `build_list` made of these positions with `reach_factor`.
        allowance: Movement of each cell, um, that this list bears.
        n: Cells in use.
        minutes: Length of the tick.
        longest: Longest base step, min; at most 1 is advised, 2 in a flat tissue.
        domain: Size of the box along x, y, z, um.
        wall_kind: 0 open (cells may leave), 1 closed (they are mirrored back).
        reach_factor: Adhesion ends at this multiple of the sum of the radii.
        skin: Twice what a later list bears of pushes, um; only speed depends on it.
        two_d: Flat tissue.
    """
    box = np.asarray(domain, np.float32)
    place, active, grip = laid_out(
        n, (x, y, z, radius), (vx_act, vy_act, vz_act), repulsion, adhesion, two_d
    )
    speed = grip[:, 2]
    forgiven = FORGIVEN * radius[:n]
    kind, new, stage = np.zeros(n, np.uint8), np.empty_like(place), np.empty_like(place)
    velocity = np.empty_like(active)
    origin, bearable = place.copy(), allowance[:n] + forgiven
    drift = np.zeros(-(-n // BLOCK), np.float32)
    idx = _with_spare(ptr, idx)
    steps, lists, since = math.ceil(minutes / longest), 0, 0
    part = minutes / max(steps, 1)
    rest = max(_REST_STEPS, math.ceil(_REST_MIN / part))
    for step in range(steps if n else 0):
        stale = drift.max() > 1.0
        if stale:
            moved = np.sqrt(np.square(place[:, :3] - origin[:, :3]).sum(axis=1))
            pace = np.maximum(speed, moved / np.float32((step - since) * part))
            far = np.flatnonzero(moved > bearable).astype(np.int32)
            near = np.float32(part) * pace[far]
            stale = far.size > _MOST_FAR or lacks(place, far, near, ptr, idx)
        if stale:
            later = list_allowance(pace, skin, (steps - step) * part)
            reach = np.float32(reach_factor) * radius[:n] + later
            ptr, idx = list_within(*_apart(place), reach, n, box)
            origin, bearable, lists, since = place.copy(), later + forgiven, lists + 1, step
        base_step(
            place, active, grip, movable, ptr, idx, part, reach_factor,
            stale or step % rest == 0, velocity, kind, new, stage, origin, bearable, box,
            3 if wall_kind == 1 else 0, drift,
        )  # fmt: skip
    _put_back(place, x, y, z, n, two_d)
    return lists


def step_motion(
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
    ptr: Longs,
    idx: Ints,
    n: int,
    minutes: float,
    longest: float,
    domain: Floats,
    wall_kind: int,
    reach_factor: float,
    two_d: bool,
    out_maxdisp: Floats,
) -> None:
    """Like `move_tick`, on a list that the caller answers for, and without resting cells.

    ``out_maxdisp[0]`` gets the largest displacement, um: the list was good enough if it reaches
    twice that beyond the range of adhesion.
    """
    place, active, grip = laid_out(
        n, (x, y, z, radius), (vx_act, vy_act, vz_act), repulsion, adhesion, two_d
    )
    kind, new, stage = np.zeros(n, np.uint8), np.empty_like(place), np.empty_like(place)
    velocity = np.empty_like(active)
    origin, drift = place.copy(), np.zeros(-(-n // BLOCK), np.float32)
    box, um, idx = np.asarray(domain, np.float32), np.ones(n, np.float32), _with_spare(ptr, idx)
    steps = math.ceil(minutes / longest)
    for _ in range(steps if n else 0):
        base_step(
            place, active, grip, movable, ptr, idx, minutes / steps, reach_factor, True, velocity,
            kind, new, stage, origin, um, box, 3 if wall_kind == 1 else 0, drift,
        )  # fmt: skip
    _put_back(place, x, y, z, n, two_d)
    out_maxdisp[0] = drift.max(initial=0.0)


def _with_spare(ptr: Longs, idx: Ints) -> Ints:
    """The same list with room to read a whole chunk at its end."""
    missing = max(int(ptr[-1]) + SPARE - idx.size, 0)
    return np.concatenate((idx, np.zeros(missing, np.int32))) if missing else idx


def _apart(place: Floats) -> tuple[Floats, Floats, Floats]:
    return place[:, 0].copy(), place[:, 1].copy(), place[:, 2].copy()


def _put_back(place: Floats, x: Floats, y: Floats, z: Floats, n: int, two_d: bool) -> None:
    x[:n], y[:n] = place[:, 0], place[:, 1]
    if not two_d:
        z[:n] = place[:, 2]
