"""How cells move: pair forces, active motion and the time steps that resolve both.

Motion is overdamped: the velocity of a cell is its active velocity plus the sum of `pair_speed`
over its neighbours. `move_tick` carries a tissue through one tick of behaviour in base steps of at
most a minute, and keeps the neighbour list valid meanwhile. `polarise` turns cues into active
velocities. No random number is drawn within a tick.

In a base step h every cell is of one of three kinds:

* calm: one explicit step. Chosen where the summed stiffness k of its contacts gives
  ``h k <= 1.25`` and the move is shorter than a quarter of the radius;
* stiff (compressed tissue): two Chebyshev stages, stable four times further than one step and,
  unlike implicit damping, with the right mobility of the tissue as a whole. All stiff cells move
  together, and calm ones are taken where they are at the time of the stage;
* fast (motile immune cells, newborn pairs with deep overlap): as many explicit sub-steps as it
  needs, with neighbours frozen.

Sources:
    Forces: Ghaffarizadeh et al. 2018, doi:10.1371/journal.pcbi.1005991.
    Stages: Verwer, Sommeijer 2004, first-order Runge-Kutta-Chebyshev, damping 0.05.
    Persistent biased walk: the same as in the first source; its mean squared displacement is
    Fuerth's formula.

Limits: contacts stiffer than ``h k = 3.8`` are treated as fast. Pair forces are equal and opposite,
but momentum is conserved exactly only among cells of one kind.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange
from stemniche.kernels.maths import uniform_four
from stemniche.kernels.neighbours import list_within

__all__ = ["move_tick", "polarise", "step_motion"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]

_BLOCK = 256
_HORIZON = 3.0  # minutes of active motion that a neighbour list allows for

_CALM_STIFFNESS = np.float32(1.25)
_STIFF_LIMIT = np.float32(3.8)
_LONGEST_MOVE = np.float32(0.25)  # of the radius, in one step
_MOST_SUBSTEPS = 32

_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_TINY = np.float32(1e-3)

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
    body: Floats,
    idx: Ints,
    first: int,
    last: int,
    per_reach: np.float32,
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Velocity that the neighbours ``idx[first:last]`` give cell i at `at`, and their stiffness.

    This is `pair_speed` with one division for all its ratios. `body` holds radius and the square
    roots of the coefficients of repulsion and adhesion, whose products are geometric means.
    """
    xi, yi, zi = at
    vx, vy, vz, stiffness = _ZERO, _ZERO, _ZERO, _ZERO
    ri, repel, adhere = body[0, i], body[1, i], body[2, i]
    for p in range(first, last):
        j = idx[p]
        dx, dy, dz = xi - place[0, j], yi - place[1, j], zi - place[2, j]
        square = dx * dx + dy * dy + dz * dz
        if square < _TINY * _TINY:  # on top of each other: the lower index goes left
            dx = _TINY if i > j else -_TINY
            square = _TINY * _TINY
        contact = ri + body[0, j]
        distance = np.float32(math.sqrt(square))
        per_both = _ONE / (contact * distance)
        share = square * per_both
        push = max(_ONE - share, _ZERO)
        pull = max(_ONE - share * per_reach, _ZERO)
        strength = repel * body[1, j] * push
        speed = (strength * push - adhere * body[2, j] * pull * pull) * (per_both * contact)
        vx += speed * dx
        vy += speed * dy
        vz += speed * dz
        stiffness += strength * (per_both * distance)
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
    body: Floats,
    idx: Ints,
    first: int,
    last: int,
    reach: np.float32,
    close: Ints,
) -> int:
    """Neighbours of i that can matter while it moves `distance`; their number."""
    count = 0
    for p in range(first, last):
        j = idx[p]
        dx, dy = place[0, i] - place[0, j], place[1, i] - place[1, j]
        dz = place[2, i] - place[2, j]
        far = reach * (body[0, i] + body[0, j]) + distance
        if dx * dx + dy * dy + dz * dz < far * far and count < close.size:
            close[count] = j
            count += 1
    return count


@kernel
def _propose(
    first: int,
    last: int,
    place: Floats,
    active: Floats,
    body: Floats,
    movable: Marks,
    ptr: Longs,
    idx: Ints,
    h: np.float32,
    reach: np.float32,
    kind: Marks,
    new: Floats,
    stage: Floats,
) -> int:
    """Step of calm cells, sub-steps of fast ones, first stage of stiff ones; how many are stiff.

    `new` gets the places at the end of the step, `stage` those at the time of the second stage.
    """
    stiff = 0
    per_reach = _ONE / reach
    close = np.empty(_MOST_CLOSE, np.int32)
    for i in range(first, last):
        x, y, z = place[0, i], place[1, i], place[2, i]
        kind[i] = _CALM
        if movable[i]:
            row, end, most = ptr[i], ptr[i + 1], _LONGEST_MOVE * body[0, i]
            vx, vy, vz, k = _pushed(i, (x, y, z), place, body, idx, row, end, per_reach)
            vx, vy, vz = vx + active[0, i], vy + active[1, i], vz + active[2, i]
            path = h * np.float32(math.sqrt(vx * vx + vy * vy + vz * vz))
            if path > most or h * k > _STIFF_LIMIT:
                parts = min(int(max(path / most, h * k)) + 1, _MOST_PARTS)
                part = h / np.float32(parts)
                span = _TWO * most + path
                count = _close_by(i, span, place, body, idx, row, end, reach, close)
                for s in range(parts):
                    if s > 0:
                        vx, vy, vz, k = _pushed(
                            i, (x, y, z), place, body, close, 0, count, per_reach
                        )
                        vx, vy, vz = vx + active[0, i], vy + active[1, i], vz + active[2, i]
                    dx, dy, dz = _bounded(vx, vy, vz, part, most)
                    x, y, z = x + dx, y + dy, z + dz
            else:
                x, y, z = x + h * vx, y + h * vy, z + h * vz
                if h * k > _CALM_STIFFNESS:
                    kind[i] = _STIFF
                    stiff += 1
        new[0, i], new[1, i], new[2, i] = x, y, z
        stage[0, i] = place[0, i] + _FIRST * (x - place[0, i])
        stage[1, i] = place[1, i] + _FIRST * (y - place[1, i])
        stage[2, i] = place[2, i] + _FIRST * (z - place[2, i])
    return stiff


@kernel
def _second_stage(
    first: int,
    last: int,
    place: Floats,
    active: Floats,
    body: Floats,
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
            at = (stage[0, i], stage[1, i], stage[2, i])
            vx, vy, vz, _ = _pushed(i, at, stage, body, idx, ptr[i], ptr[i + 1], per_reach)
            vx, vy, vz = vx + active[0, i], vy + active[1, i], vz + active[2, i]
            new[0, i] = _KEEP_STAGE * at[0] + _KEEP_START * place[0, i] + _SECOND * h * vx
            new[1, i] = _KEEP_STAGE * at[1] + _KEEP_START * place[1, i] + _SECOND * h * vy
            new[2, i] = _KEEP_STAGE * at[2] + _KEEP_START * place[2, i] + _SECOND * h * vz


@inline
def _reflected(position: np.float32, side: np.float32) -> np.float32:
    """Back inside 0 to `side`, mirrored at the wall."""
    if position < _ZERO:
        position = -position
    if position > side:
        position = _TWO * side - position
    return min(max(position, _ZERO), side)


@kernel
def _settle(
    first: int,
    last: int,
    place: Floats,
    new: Floats,
    origin: Floats,
    allowance: Floats,
    domain: Floats,
    closed: bool,
) -> np.float32:
    """Make the new places the present ones; largest move since `origin` over its allowance."""
    most = _ZERO
    for i in range(first, last):
        square = _ZERO
        for axis in range(3):
            position = new[axis, i]
            if closed:
                position = _reflected(position, domain[axis])
            place[axis, i] = position
            square += (position - origin[axis, i]) * (position - origin[axis, i])
        most = max(most, np.float32(math.sqrt(square)) / allowance[i])
    return most


@parallel_kernel
def _base_step(
    place: Floats,
    active: Floats,
    body: Floats,
    movable: Marks,
    ptr: Longs,
    idx: Ints,
    minutes: float,
    reach_factor: float,
    kind: Marks,
    new: Floats,
    stage: Floats,
    origin: Floats,
    allowance: Floats,
    domain: Floats,
    closed: bool,
    drift: Floats,
) -> None:
    """One base step of all cells; `drift` gets the result of `_settle` for every block."""
    n = place.shape[1]
    h, reach = np.float32(minutes), np.float32(reach_factor)
    blocks = drift.size
    stiff = np.empty(blocks, np.int64)
    for block in prange(blocks):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
        stiff[block] = _propose(
            first, last, place, active, body, movable, ptr, idx, h, reach, kind, new, stage
        )
    any_stiff = 0
    for block in range(blocks):
        any_stiff += stiff[block]
    if any_stiff > 0:
        for block in prange(blocks):
            if stiff[block] > 0:
                first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
                _second_stage(
                    first, last, place, active, body, ptr, idx, h, reach, kind, new, stage
                )
    for block in prange(blocks):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
        drift[block] = _settle(first, last, place, new, origin, allowance, domain, closed)


def _rows(x: Floats, y: Floats, z: Floats, n: int, two_d: bool) -> Floats:
    """Three arrays as the rows of one; the last is 0 in a flat tissue."""
    rows = np.zeros((3, n), np.float32)
    rows[0], rows[1] = x[:n], y[:n]
    if not two_d:
        rows[2] = z[:n]
    return rows


class _Tissue:
    """Cells in the layout that the motion kernels work on, for the length of one tick."""

    def __init__(
        self,
        places: tuple[Floats, Floats, Floats],
        bodies: tuple[Floats, Floats, Floats],
        active: tuple[Floats, Floats, Floats],
        movable: Marks,
        n: int,
        domain: Floats,
        closed: bool,
        reach_factor: float,
        two_d: bool,
    ) -> None:
        self.place = _rows(*places, n, two_d)
        self.active = _rows(*active, n, two_d)
        radius, repulsion, adhesion = bodies
        self.body = _rows(radius, np.sqrt(repulsion[:n]), np.sqrt(adhesion[:n]), n, False)
