"""Reactions between substances of one voxel: exact steps that keep mass and sign.

The engine calls `react` for all voxels at once. Nothing here knows what the substances are. A
reaction with one or two reactants a, b, a product c and enzymes of total level e has the extent x,

    dx/dt = k e (a - x) (b - x) - k' (c + x),      x(0) = 0,

with (b - x) left out where there is one reactant. Written as ``q - S x + Q x^2`` its solution is

    x = 2 q (1 - E) / (S + w - (S - w) E),   w = sqrt(S^2 - 4 Q q),   E = exp(-w t),

for any t; a and b lose x, c gains it. Reactions that share substances follow one another within the
step (Lie splitting): each by itself keeps every level above 0 and what it turns over.
"""

import math
from typing import Any

import numpy as np

from stemniche.kernels.jit import kernel, parallel_kernel, prange

__all__ = ["extent", "react"]

_BLOCK = 512
_NOTHING = 1e-30


@kernel
def extent(a: float, b: float, c: float, forward: float, backward: float, t: float) -> float:
    """Return how far a reaction goes in the time `t`; `b` below 0 stands for no second reactant.

    Args:
        a, b, c: Levels of reactants and product, >= 0.
        forward: k e, per level and time with two reactants, per time with one.
        backward: k', per time.
    """
    if b < 0.0:
        fall, push = forward + backward, forward * a - backward * c
        width = fall
    else:
        fall, push = forward * (a + b) + backward, forward * a * b - backward * c
        width = math.sqrt(max(fall * fall - 4.0 * forward * push, 0.0))
    if width * t < 1e-9:  # both roots meet: the limit of the same expression
        whole = 1.0 + 0.5 * fall * t
        x = push * t / whole if whole > 0.0 else 0.0
    else:
        gone = -math.expm1(-width * t)
        x = 2.0 * push * gone / (fall + width - (fall - width) * (1.0 - gone))
    most = a if b < 0.0 else min(a, b)
    return max(min(x, most), -c)


@parallel_kernel
def react(
    levels: Any,
    first: Any,
    second: Any,
    product: Any,
    enzyme_ptr: Any,
    enzyme: Any,
    forward: Any,
    backward: Any,
    minutes: float,
) -> None:
    """Carry all reactions on by `minutes`, in their order, in place.

    Args:
        levels: float32 [F, V].
        first, second, product: int32 [R], rows of `levels`, -1 for none of the last two.
        enzyme_ptr: int64 [R + 1]; enzyme: int32, rows whose sum speeds a reaction up; a reaction
            with none goes by itself.
        forward, backward: float64 [R]; see the module.
    """
    voxels = levels.shape[1]
    for block in prange((voxels + _BLOCK - 1) // _BLOCK):
        start, end = block * _BLOCK, min(voxels, (block + 1) * _BLOCK)
        for r in range(first.size):
            i, j, k = first[r], second[r], product[r]
            alone = enzyme_ptr[r] == enzyme_ptr[r + 1]
            for v in range(start, end):
                speed = 1.0 if alone else 0.0
                for e in range(enzyme_ptr[r], enzyme_ptr[r + 1]):
                    speed += levels[enzyme[e], v]
                speed *= forward[r]
                a, c = levels[i, v], np.float32(0.0)
                b = levels[j, v] if j >= 0 else np.float32(-1.0)
                if k >= 0:
                    c = levels[k, v]
                meet = speed * a if j < 0 else speed * a * b
                if meet <= _NOTHING and backward[r] * c <= _NOTHING:
                    continue
                x = extent(a, b, c, speed, backward[r], minutes)
                levels[i, v] = max(a - np.float32(x), np.float32(0.0))
                if j >= 0:
                    levels[j, v] = max(b - np.float32(x), np.float32(0.0))
                if k >= 0:
                    levels[k, v] = max(c + np.float32(x), np.float32(0.0))
