"""How motile cells choose their way: a persistent biased random walk.

The engine calls `polarise` once per tick with cues from `kernels.sensing`; `kernels.mechanics` then
moves the cells with the velocities that come out.

Sources:
    Rule for a new direction: Ghaffarizadeh et al. 2018, doi:10.1371/journal.pcbi.1005991.
    Mean squared displacement of a persistent walk: Fuerth 1920, doi:10.1007/BF01328731.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange
from stemniche.kernels.maths import MOTILITY, uniform_four

__all__ = ["polarise"]

Floats = NDArray[np.float32]

_BLOCK = 256
_MOST_TURNS = 64  # in one tick; after that a cell goes straight until its end
_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_TWO_PI = np.float32(2.0 * math.pi)
_SHORTEST = np.float32(1e-6)


@inline
def _random_direction(
    u: np.float32, w: np.float32, two_d: bool
) -> tuple[np.float32, np.float32, np.float32]:
    """Direction without preference, from two uniform numbers."""
    angle = _TWO_PI * u
    z = _ZERO if two_d else _TWO * w - _ONE
    across = np.float32(math.sqrt(_ONE - z * z))
    return across * np.float32(math.cos(angle)), across * np.float32(math.sin(angle)), z


@kernel
def _walk(
    first: int,
    last: int,
    px: Floats,
    py: Floats,
    pz: Floats,
    key: NDArray[np.uint64],
    speed: Floats,
    persistence: Floats,
    bias: Floats,
    gx: Floats,
    gy: Floats,
    gz: Floats,
    seed: np.uint64,
    tick: np.uint32,
    two_d: bool,
    minutes: np.float32,
    vx: Floats,
    vy: Floats,
    vz: Floats,
) -> None:
    for i in range(first, last):
        dx, dy, dz = px[i], py[i], pz[i]
        unset = dx == _ZERO and dy == _ZERO and dz == _ZERO
        sx, sy, sz, left = _ZERO, _ZERO, _ZERO, minutes
        if speed[i] > _ZERO:
            for turn in range(_MOST_TURNS):
                a, b, c, _ = uniform_four(seed, MOTILITY, key[i], tick, np.uint32(turn))
                lasts = min(-persistence[i] * np.float32(math.log(a)), left)
                if unset and turn == 0:
                    lasts = _ZERO
                sx, sy, sz = sx + lasts * dx, sy + lasts * dy, sz + lasts * dz
                left -= lasts
                if left <= _ZERO:
                    break
                rx, ry, rz = _random_direction(b, c, two_d)
                dx = bias[i] * gx[i] + (_ONE - bias[i]) * rx
                dy = bias[i] * gy[i] + (_ONE - bias[i]) * ry
                dz = _ZERO if two_d else bias[i] * gz[i] + (_ONE - bias[i]) * rz
                length = np.float32(math.sqrt(dx * dx + dy * dy + dz * dz))
                if length > _SHORTEST:
                    dx, dy, dz = dx / length, dy / length, dz / length
                else:
                    dx, dy, dz = rx, ry, rz
        px[i], py[i], pz[i] = dx, dy, dz
        mean = speed[i] / minutes
        vx[i] = mean * (sx + left * dx)
        vy[i] = mean * (sy + left * dy)
        vz[i] = mean * (sz + left * dz)


@parallel_kernel
def _polarise(
    px: Floats,
    py: Floats,
    pz: Floats,
    key: NDArray[np.uint64],
    n: int,
    speed: Floats,
    persistence: Floats,
    bias: Floats,
    gx: Floats,
    gy: Floats,
    gz: Floats,
    seed: np.uint64,
    tick: np.uint32,
    two_d: bool,
    minutes: np.float32,
    vx: Floats,
    vy: Floats,
    vz: Floats,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        _walk(
            block * _BLOCK, min((block + 1) * _BLOCK, n), px, py, pz, key, speed, persistence, bias,
            gx, gy, gz, seed, tick, two_d, minutes, vx, vy, vz,
        )  # fmt: skip


def polarise(
    px: Floats,
    py: Floats,
    pz: Floats,
    key: NDArray[np.uint64],
    n: int,
    speed: Floats,
    persistence: Floats,
    bias: Floats,
    gx: Floats,
    gy: Floats,
    gz: Floats,
    seed: int,
    tick: int,
    two_d: bool,
    minutes: float,
    vx: Floats,
    vy: Floats,
    vz: Floats,
) -> None:
    """Mean active velocity of the first `n` cells over a tick, from a persistent biased walk.

    A cell keeps its direction for an exponential time, then takes
    ``normalise(bias * cue + (1 - bias) * random unit vector)``. Turns happen at any moment of the
    tick, as often as they come, so the walk has the mean squared displacement
    ``2 S^2 P (t - P (1 - exp(-t/P)))`` at every tick, whatever its length.

    Args:
        px, py, pz: Direction of each cell, a unit vector, or 0 before the first; changed in place.
        key: Random keys of the cells.
        speed: um/min; a cell at 0 keeps its direction and gets velocity 0.
        persistence: Mean time between turns, min.
        bias: 0 (no preference) to 1 (straight along the cue).
        gx, gy, gz: Cue, a unit vector, or 0 where there is none.
        seed, tick: With `key`, they determine the random numbers.
        two_d: Flat tissue.
        minutes: Length of the tick.
        vx, vy, vz: Get the velocity, um/min.
    """
    _polarise(
        px, py, pz, key, n, speed, persistence, bias, gx, gy, gz, np.uint64(seed), np.uint32(tick),
        bool(two_d), np.float32(minutes), vx, vy, vz,
    )  # fmt: skip
