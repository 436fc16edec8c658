"""One base step of all cells: pair forces, and the scheme that suits each cell.

`mechanics` calls `base_step` several times per tick, with a neighbour list that holds. Nothing here
knows where the list or the active velocities come from, nor what a tick is.

In a base step h every cell is of one of four kinds:

* calm: one explicit step. Chosen where the summed stiffness k of its contacts gives
  ``h k <= 1.25`` and the move is shorter than a quarter of the radius;
* stiff (compressed tissue): two Chebyshev stages, stable four times further than one step and,
  unlike implicit damping, with the right mobility of the tissue as a whole. All stiff cells move
  together, and calm ones are taken where they are at the time of the stage;
* fast (motile immune cells, newborn pairs with deep overlap): as many explicit sub-steps as it
  needs, with neighbours frozen;
* resting (most of a tissue): drifts less than a five-hundredth of its radius per base step, with no
  motile cell near. Its velocity is taken to stay the same until the next `fresh` step.

Sources:
    Forces: Ghaffarizadeh et al. 2018, doi:10.1371/journal.pcbi.1005991.
    Stages: Verwer, Sommeijer 2004, first-order Runge-Kutta-Chebyshev, damping 0.05.

Limits: contacts stiffer than ``h k = 3.8`` are treated as fast. Pair forces are equal and opposite,
but momentum is conserved exactly only among cells of one kind.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange
from stemniche.kernels.neighbours import SPARE

__all__ = ["BLOCK", "base_step"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]

BLOCK = 256

_CALM, _STIFF, _RESTING = np.uint8(0), np.uint8(1), np.uint8(2)
_CALM_STIFFNESS = np.float32(1.25)
_STIFF_LIMIT = np.float32(3.8)
_LONGEST_MOVE = np.float32(0.25)  # of the radius, in one step
_REST_MOVE = np.float32(0.002)  # of the radius, in one base step of a minute or more
_MOST_PARTS = 32
_MOST_CLOSE = 256
_CHUNK = SPARE

_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_INSIDE = np.float32(1.0 - 2.0**-23)
_TINY = np.float32(1e-3)  # um

# Two-stage Chebyshev scheme: T2(w) = 2 w^2 - 1, w0 = 1 + damping/4, w1 = T2(w0)/T2'(w0).
_W0 = 1.0 + 0.05 / 4.0
_W1 = (2.0 * _W0 * _W0 - 1.0) / (4.0 * _W0)
_FIRST = np.float32(_W1 / _W0)
_MU = 2.0 * _W0 * _W0 / (2.0 * _W0 * _W0 - 1.0)
_KEEP_STAGE = np.float32(_MU)
_KEEP_START = np.float32(1.0 - _MU)
_SECOND = np.float32(2.0 * _W1 * _W0 / (2.0 * _W0 * _W0 - 1.0))


@inline
def _pushed(
    i: int,
    at: tuple[np.float32, np.float32, np.float32],
    place: Floats,
    grip: Floats,
    idx: Ints,
    first: int,
    last: int,
    per_reach: np.float32,
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Velocity that the neighbours ``idx[first:last]`` give cell i at `at`, and their stiffness.

    This is `pair_speed` with one division for all its ratios. `place` holds x, y, z and radius,
    `grip` the square roots of the coefficients of repulsion and adhesion, whose products are
    geometric means. `idx` must go on for a chunk of any cells beyond `last`.
    """
    xi, yi, zi = at
    vx, vy, vz, stiffness = _ZERO, _ZERO, _ZERO, _ZERO
    ri, repel, adhere = place[i, 3], grip[i, 0], grip[i, 1]
    p = first
    while p < last:
        left = np.int32(last - p)
        for c in range(_CHUNK):  # of constant length, without branches: becomes vector code
            j = np.uint32(idx[np.uint64(p + c)])
            counts = _ONE if np.int32(c) < left else _ZERO
            dx, dy, dz = xi - place[j, 0], yi - place[j, 1], zi - place[j, 2]
            square = dx * dx + dy * dy + dz * dz
            aside = _TINY if i > j else -_TINY  # on top of each other: the lower index goes left
            dx = aside if square < _TINY * _TINY else dx
            square = max(square, _TINY * _TINY)
            contact = ri + place[j, 3]
            distance = np.float32(math.sqrt(square))
            per_both = counts / (contact * distance)
            share = square * per_both
            push = max(_ONE - share, _ZERO)
            pull = max(_ONE - share * per_reach, _ZERO)
            strength = repel * grip[j, 0] * push
            speed = (strength * push - adhere * grip[j, 1] * pull * pull) * (per_both * contact)
            vx += speed * dx
            vy += speed * dy
            vz += speed * dz
            stiffness += strength * (per_both * distance)
        p += _CHUNK
    return vx, vy, vz, _TWO * stiffness


@inline
def _bounded(
    vx: np.float32, vy: np.float32, vz: np.float32, h: np.float32, most: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """The move of velocity v in time h, no longer than `most`."""
    length = h * np.float32(math.sqrt(vx * vx + vy * vy + vz * vz))
    scale = h if length <= most else h * most / length
    return vx * scale, vy * scale, vz * scale


@inline
def _close_by(
    i: int,
    distance: np.float32,
    place: Floats,
    grip: Floats,
    idx: Ints,
    first: int,
    last: int,
    reach: np.float32,
    close: Ints,
) -> int:
    """Neighbours of i that can matter while it moves `distance`; their number."""
    count = 0
    for p in range(first, last):
        j = np.uint32(idx[p])
        dx, dy = place[i, 0] - place[j, 0], place[i, 1] - place[j, 1]
        dz = place[i, 2] - place[j, 2]
        far = reach * (place[i, 3] + place[j, 3]) + distance
        if dx * dx + dy * dy + dz * dz < far * far and count < _MOST_CLOSE:
            close[count] = j
            count += 1
    return count


@inline
def _alone(i: int, grip: Floats, ptr: Longs, idx: Ints) -> bool:
    """Whether neither cell i nor a neighbour moves actively."""
    if grip[i, 2] > _ZERO:
        return False
    for p in range(ptr[i], ptr[i + 1]):
        if grip[np.uint32(idx[p]), 2] > _ZERO:
            return False
    return True


@kernel
def _propose(
    first: int,
    last: int,
    place: Floats,
    active: Floats,
    grip: Floats,
    movable: Marks,
    ptr: Longs,
    idx: Ints,
    h: np.float32,
    reach: np.float32,
    fresh: bool,
    velocity: Floats,
    kind: Marks,
    new: Floats,
    stage: Floats,
) -> int:
    """Step of calm cells, sub-steps of fast ones, first stage of stiff ones; how many are stiff.

    `new` gets the places at the end of the step, `stage` those at the time of the second stage.
    Resting cells are looked at only when `fresh`; `velocity` is theirs.
    """
    stiff = 0
    per_reach = _ONE / reach
    close = np.zeros(_MOST_CLOSE + _CHUNK, np.int32)
    rest = _REST_MOVE * min(h, _ONE)
    for i in range(first, last):
        x, y, z = place[i, 0], place[i, 1], place[i, 2]
        if kind[i] == _RESTING and not fresh:
            x, y, z = x + h * velocity[i, 0], y + h * velocity[i, 1], z + h * velocity[i, 2]
        elif movable[i]:
            kind[i] = _CALM
            row, end, most = ptr[i], ptr[i + 1], _LONGEST_MOVE * place[i, 3]
            vx, vy, vz, k = _pushed(i, (x, y, z), place, grip, idx, row, end, per_reach)
            vx, vy, vz = vx + active[i, 0], vy + active[i, 1], vz + active[i, 2]
            path = h * np.float32(math.sqrt(vx * vx + vy * vy + vz * vz))
            if path > most or h * k > _STIFF_LIMIT:
                parts = min(int(max(path / most, h * k)) + 1, _MOST_PARTS)
                part = h / np.float32(parts)
                span = _TWO * most + path
                count = _close_by(i, span, place, grip, idx, row, end, reach, close)
                for s in range(parts):
                    if s > 0:
                        vx, vy, vz, k = _pushed(
                            i, (x, y, z), place, grip, close, 0, count, per_reach
                        )
                        vx, vy, vz = vx + active[i, 0], vy + active[i, 1], vz + active[i, 2]
                    dx, dy, dz = _bounded(vx, vy, vz, part, most)
                    x, y, z = x + dx, y + dy, z + dz
            else:
                x, y, z = x + h * vx, y + h * vy, z + h * vz
                if h * k > _CALM_STIFFNESS:
                    kind[i] = _STIFF
                    stiff += 1
                elif path < rest * place[i, 3] and _alone(i, grip, ptr, idx):
                    kind[i] = _RESTING
                    velocity[i, 0], velocity[i, 1], velocity[i, 2] = vx, vy, vz
        new[i, 0], new[i, 1], new[i, 2] = x, y, z
        stage[i, 3] = place[i, 3]
        stage[i, 0] = place[i, 0] + _FIRST * (x - place[i, 0])
        stage[i, 1] = place[i, 1] + _FIRST * (y - place[i, 1])
        stage[i, 2] = place[i, 2] + _FIRST * (z - place[i, 2])
    return stiff


@kernel
def _second_stage(
    first: int,
    last: int,
    place: Floats,
    active: Floats,
    grip: Floats,
    ptr: Longs,
    idx: Ints,
    h: np.float32,
    reach: np.float32,
    kind: Marks,
    new: Floats,
    stage: Floats,
) -> None:
    """Second stage of the stiff cells."""
    per_reach = _ONE / reach
    for i in range(first, last):
        if kind[i] == _STIFF:
            at = (stage[i, 0], stage[i, 1], stage[i, 2])
            vx, vy, vz, _ = _pushed(i, at, stage, grip, idx, ptr[i], ptr[i + 1], per_reach)
            vx, vy, vz = vx + active[i, 0], vy + active[i, 1], vz + active[i, 2]
            new[i, 0] = _KEEP_STAGE * at[0] + _KEEP_START * place[i, 0] + _SECOND * h * vx
            new[i, 1] = _KEEP_STAGE * at[1] + _KEEP_START * place[i, 1] + _SECOND * h * vy
            new[i, 2] = _KEEP_STAGE * at[2] + _KEEP_START * place[i, 2] + _SECOND * h * vz


@inline
def _reflected(position: np.float32, side: np.float32) -> np.float32:
    """Back inside 0 to below `side`, mirrored at the wall."""
    if position < _ZERO:
        position = -position
    if position > side:
        position = _TWO * side - position
    return min(max(position, _ZERO), side * _INSIDE)


@kernel
def _settle(
    first: int,
    last: int,
    place: Floats,
    new: Floats,
    origin: Floats,
    allowance: Floats,
    domain: Floats,
    mirrored: int,
) -> np.float32:
    """Make the new places the present ones; largest move since `origin` over its allowance.

    Walls mirror along the first `mirrored` axes.
    """
    most = _ZERO
    for i in range(first, last):
        square = _ZERO
        for axis in range(3):
            position = new[i, axis]
            if axis < mirrored:
                position = _reflected(position, domain[axis])
            place[i, axis] = position
            square += (position - origin[i, axis]) * (position - origin[i, axis])
        most = max(most, np.float32(math.sqrt(square)) / allowance[i])
    return most


@parallel_kernel
def base_step(
    place: Floats,
    active: Floats,
    grip: Floats,
    movable: Marks,
    ptr: Longs,
    idx: Ints,
    minutes: float,
    reach_factor: float,
    fresh: bool,
    velocity: Floats,
    kind: Marks,
    new: Floats,
    stage: Floats,
    origin: Floats,
    allowance: Floats,
    domain: Floats,
    mirrored: int,
    drift: Floats,
) -> None:
    """One base step of all cells; `drift` gets the result of `_settle` for every block."""
    n = place.shape[0]
    h, reach = np.float32(minutes), np.float32(reach_factor)
    blocks = drift.size
    stiff = np.empty(blocks, np.int64)
    for block in prange(blocks):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n)
        stiff[block] = _propose(
            first, last, place, active, grip, movable, ptr, idx, h, reach, fresh, velocity, kind,
            new, stage,
        )  # fmt: skip
    any_stiff = 0
    for block in range(blocks):
        any_stiff += stiff[block]
    if any_stiff > 0:
        for block in prange(blocks):
            if stiff[block] > 0:
                first, last = block * BLOCK, min((block + 1) * BLOCK, n)
                _second_stage(
                    first, last, place, active, grip, ptr, idx, h, reach, kind, new, stage
                )
    for block in prange(blocks):
        first, last = block * BLOCK, min((block + 1) * BLOCK, n)
        drift[block] = _settle(first, last, place, new, origin, allowance, domain, mirrored)
