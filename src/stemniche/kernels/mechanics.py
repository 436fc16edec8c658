"""How cells move: pair forces and the time steps that resolve them.

Motion is overdamped: the velocity of a cell is its active velocity (from `kernels.motility`) plus
the sum of `pair_speed` over its neighbours. `move_tick` carries a tissue through one tick of
behaviour in base steps of at most a minute, and keeps the neighbour list valid meanwhile. It draws
no random numbers.

In a base step h every cell is of one of four kinds:

* calm: one explicit step. Chosen where the summed stiffness k of its contacts gives
  ``h k <= 1.25`` and the move is shorter than a quarter of the radius;
* stiff (compressed tissue): two Chebyshev stages, stable four times further than one step and,
  unlike implicit damping, with the right mobility of the tissue as a whole. All stiff cells move
  together, and calm ones are taken where they are at the time of the stage;
* fast (motile immune cells, newborn pairs with deep overlap): as many explicit sub-steps as it
  needs, with neighbours frozen;
* resting (most of a tissue): drifts less than a five-hundredth of its radius per base step, with no
  motile cell near. Its velocity is taken to stay the same for up to three base steps.

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
from stemniche.kernels.neighbours import SPARE, list_within

__all__ = ["list_allowance", "move_tick", "step_motion"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]

_BLOCK = 256
_HORIZON_2D, _HORIZON_3D = 6.0, 2.0  # minutes of motion that a neighbour list allows for
_FORGIVEN = np.float32(0.1)  # of the radius: pairs this far inside the range of adhesion may lack

_CALM, _STIFF, _RESTING = np.uint8(0), np.uint8(1), np.uint8(2)
_CALM_STIFFNESS = np.float32(1.25)
_STIFF_LIMIT = np.float32(3.8)
_LONGEST_MOVE = np.float32(0.25)  # of the radius, in one step
_REST_MOVE = np.float32(0.002)  # of the radius, in one base step
_REST_STEPS = 3
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
                elif path < _REST_MOVE * place[i, 3] and _alone(i, grip, ptr, idx):
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
    closed: bool,
) -> np.float32:
    """Make the new places the present ones; largest move since `origin` over its allowance."""
    most = _ZERO
    for i in range(first, last):
        square = _ZERO
        for axis in range(3):
            position = new[i, axis]
            if closed:
                position = _reflected(position, domain[axis])
            place[i, axis] = position
            square += (position - origin[i, axis]) * (position - origin[i, axis])
        most = max(most, np.float32(math.sqrt(square)) / allowance[i])
    return most


@parallel_kernel
def _base_step(
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
    closed: bool,
    drift: Floats,
) -> None:
    """One base step of all cells; `drift` gets the result of `_settle` for every block."""
    n = place.shape[0]
    h, reach = np.float32(minutes), np.float32(reach_factor)
    blocks = drift.size
    stiff = np.empty(blocks, np.int64)
    for block in prange(blocks):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
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
                first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
                _second_stage(
                    first, last, place, active, grip, ptr, idx, h, reach, kind, new, stage
                )
    for block in prange(blocks):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
        drift[block] = _settle(first, last, place, new, origin, allowance, domain, closed)


def _columns(n: int, *arrays: Floats) -> Floats:
    """The first `n` elements of each array, cell by cell."""
    return np.stack([array[:n] for array in arrays], axis=1, dtype=np.float32)


def _laid_out(
    n: int,
    places: tuple[Floats, ...],
    velocities: tuple[Floats, ...],
    repulsion: Floats,
    adhesion: Floats,
    two_d: bool,
) -> tuple[Floats, Floats, Floats]:
    """Place and radius, active velocity, and roots of the coefficients with the active speed."""
    place, active = _columns(n, *places), _columns(n, *velocities)
    if two_d:
        place[:, 2], active[:, 2] = 0.0, 0.0
    speed = np.sqrt(np.square(active).sum(axis=1))
    return place, active, _columns(n, np.sqrt(repulsion[:n]), np.sqrt(adhesion[:n]), speed)


def list_allowance(speed: Floats, skin: float, minutes: float, two_d: bool) -> Floats:
    """Movement, um, that a neighbour list should bear to last for a tick, or for most of it.

    Args:
        speed: Of each cell, um/min.
        skin: Twice what is added for pushes, um.
        minutes: Length of the tick.
        two_d: Flat tissue.
    """
    horizon = np.float32(min(minutes, _HORIZON_2D if two_d else _HORIZON_3D))
    return np.float32(0.5 * skin) + horizon * speed


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
    base_step: float,
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
        base_step: Longest base step, min; at most 1 is advised.
        domain: Size of the box along x, y, z, um.
        wall_kind: 0 open (cells may leave), 1 closed (they are mirrored back).
        reach_factor: Adhesion ends at this multiple of the sum of the radii.
        skin: Twice what a later list bears of pushes, um; only speed depends on it.
        two_d: Flat tissue.
    """
    box = np.asarray(domain, np.float32)
    place, active, grip = _laid_out(
        n, (x, y, z, radius), (vx_act, vy_act, vz_act), repulsion, adhesion, two_d
    )
    speed = grip[:, 2]
    forgiven = _FORGIVEN * radius[:n]
    kind, new, stage = np.zeros(n, np.uint8), np.empty_like(place), np.empty_like(place)
    velocity = np.empty_like(active)
    origin, bearable = place.copy(), allowance[:n] + forgiven
    drift = np.zeros(-(-n // _BLOCK), np.float32)
    idx = _with_spare(ptr, idx)
    steps, lists, since = math.ceil(minutes / base_step), 0, 0
    for step in range(steps if n else 0):
        stale = drift.max() > 1.0
        if stale:
            moved = place[:, :3] - origin[:, :3]
            seen = np.sqrt(np.square(moved).sum(axis=1)) / np.float32(
                (step - since) * minutes / steps
            )
            later = list_allowance(np.maximum(speed, seen), skin, minutes, two_d)
            reach = np.float32(reach_factor) * radius[:n] + later
            ptr, idx = list_within(*_apart(place), reach, n, box)
            origin, bearable, lists, since = place.copy(), later + forgiven, lists + 1, step
        _base_step(
            place, active, grip, movable, ptr, idx, minutes / steps, reach_factor,
            stale or step % _REST_STEPS == 0, velocity, kind, new, stage, origin, bearable, box,
            wall_kind == 1, drift,
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
    base_step: float,
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
    place, active, grip = _laid_out(
        n, (x, y, z, radius), (vx_act, vy_act, vz_act), repulsion, adhesion, two_d
    )
    kind, new, stage = np.zeros(n, np.uint8), np.empty_like(place), np.empty_like(place)
    velocity = np.empty_like(active)
    origin, drift = place.copy(), np.zeros(-(-n // _BLOCK), np.float32)
    box, um, idx = np.asarray(domain, np.float32), np.ones(n, np.float32), _with_spare(ptr, idx)
    steps = math.ceil(minutes / base_step)
    for _ in range(steps if n else 0):
        _base_step(
            place, active, grip, movable, ptr, idx, minutes / steps, reach_factor, True, velocity,
            kind, new, stage, origin, um, box, wall_kind == 1, drift,
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
