"""Conjugate gradients with one multigrid V-cycle: the linear solver under the field kernels.

`implicit` fills a `Box` with one system, then calls `prepare` and `conjugate`. Nothing here knows
about substances, time steps or units, nor how a pass is computed (`stencils`) or shared among
threads (`passes`).

Piecewise-constant transfer suffices for a preconditioner once coarse conductances are
re-discretised (Braess, Computing 55:379, 1995). The recurrences are those with one point of
reduction per iteration (Chronopoulos and Gear, J Comput Appl Math 25:153, 1989).
"""

import numpy as np

from stemniche.kernels.jit import lean_kernel
from stemniche.kernels.passes import (
    COARSEN,
    FINEST,
    INVERT,
    ONE,
    PROLONG,
    RESTRICT,
    SMOOTH,
    SMOOTH_AGAIN,
    THREE,
    TWO,
    UPDATE,
    each,
)
from stemniche.kernels.stencils import (
    AT,
    AXES,
    FIRST,
    FIXED,
    LENGTH,
    NX,
    Box,
    K,
    R,
    U,
    V,
    W,
    sides,
)

ENOUGH = 8.0  # `kappa` of a level on which smoothing is enough


@lean_kernel
def wall_terms(level: int, ratio: float, box: Box) -> None:
    """Add to `kappa` what walls conduct; `ratio` is the outer length in fine voxels, < 0 no flux.

    A wall conducts h / (h / 2 + L) times a face of its level, and the ghost outside (value 0)
    already takes one face.
    """
    table, mem, line, size = box.table, box.mem, box.table[level], 2.0**level
    for axis in range(3):
        if not (table[0, AXES] & ~box.periodic) >> axis & 1:
            continue
        count = line[NX - axis]
        depth = 0
        while depth < level and table[depth, NX - axis] > 1:
            depth += 1
        own = 2.0**depth
        conduct = 0.0 if ratio < 0.0 else size * size / (own * (0.5 * own + ratio))
        change = np.float32(conduct - (1.0 if count > 1 else 0.0))
        step, su, sv, nu, nv = sides(line, axis)
        for end in range(2):
            edge = line[FIRST] + end * (count - 1) * step
            face = axis * line[LENGTH] + edge + end * step
            for u in range(nu):
                for v in range(nv):
                    side = u * su + v * sv
                    k = line[AT + K] + edge + side
                    if mem[k] < FIXED:
                        mem[k] += change if box.plain else change * box.faces[face + side]


@lean_kernel
def bottom_level(base: float, box: Box) -> int:
    """Return the level from which no coarser one is needed, `base` being the least `kappa`.

    It grows fourfold per level; where it outweighs the neighbours, smoothing alone is enough.
    """
    last, level = box.table.shape[0] - 1, 0
    while level < last and base < ENOUGH:
        base *= 4.0
        level += 1
    return level


@lean_kernel
def conjugate(
    target: float, most: int, ratio: float, base: float, box: Box
) -> tuple[int, float, float]:
    """Correct X until the square norm of the residual R falls to `target`.

    `kappa` comes without its walls and is at least `base`; `ratio` is the length beyond the walls
    in voxels, negative for no flux. Returns iterations done, the last square norm and the sum of
    the residual. Stops early when rounding has used up the search directions or a number is not
    finite.
    """
    last, mem = bottom_level(base, box), box.mem
    shallow = last < box.table.shape[0] - 1
    for level in range(last):
        each(COARSEN, ONE, level, 0.0, 0.0, box)
    for level in range(last + 1):
        wall_terms(level, ratio, box)
        each(INVERT, ONE, level, 0.0, 0.0, box)
    alpha = gamma = 1.0
    square, total, done = -1.0, 0.0, 0
    line = box.table[last]
    # Places of the coarsest level, where that is one voxel.
    k, r, u = line[FIRST] + line[AT + K], line[FIRST] + line[AT + R], line[FIRST] + line[AT + U]
    v, w = line[FIRST] + line[AT + V], line[FIRST] + line[AT + W]
    while done < most:
        for level in range(last):  # the pass that made the residual has smoothed Z once
            each(SMOOTH, TWO, level, 0.0, 0.0, box)
            each(RESTRICT, ONE, level, 0.0, 0.0, box)
        if shallow:
            each(SMOOTH, ONE, last, 0.0, 0.0, box)
            if last:
                each(SMOOTH_AGAIN, TWO, last, 0.0, 0.0, box)
        else:
            mem[u] = mem[v] * mem[r]
        for level in range(last - 1, 0, -1):
            each(PROLONG, ONE, level, 0.0, 0.0, box)
            each(SMOOTH_AGAIN, TWO, level, 0.0, 0.0, box)
        if last:
            each(PROLONG, ONE, FINEST, 0.0, 0.0, box)
        if last or shallow:
            along, ahead = each(SMOOTH_AGAIN, THREE, FINEST, 0.0, 0.0, box)
        else:
            along, ahead = mem[u] * mem[r], -mem[k] * mem[u] ** 2
            mem[w] = -mem[k] * mem[u]
        beta = along / gamma if done else 0.0
        curvature = -ahead - beta * along / alpha
        if not (along > 0.0 and curvature > 0.0):
            break
        alpha, gamma = along / curvature, along
        square, total = each(UPDATE, ONE, FINEST, alpha, beta, box)
        done += 1
        if not square > target:
            break
    return done, square, total
