"""Conjugate gradients with one multigrid V-cycle: the linear solver under the field kernels.

`implicit` fills a `Box` with one system at a time and calls `residual`, `prepare` and `conjugate`.
Nothing here knows about substances, time steps or units, nor how a single pass is computed
(`stencils`). Passes run in blocks of fixed size, each with its own partial sum, hence the same bits
for any number of threads.

Piecewise-constant transfer suffices for a preconditioner once coarse conductances are
re-discretised (Braess, Computing 55:379, 1995). The recurrences are those with one point of
reduction per iteration (Chronopoulos and Gear, J Comput Appl Math 25:153, 1989).
"""

import numpy as np

from stemniche.kernels.jit import kernel, parallel_kernel, prange
from stemniche.kernels.stencils import (
    AXES,
    BLOCK,
    FIRST,
    FIXED,
    LAST,
    NX,
    NY,
    NZ,
    PLANE,
    ROW,
    STEP_ONE,
    STEP_TWO,
    Box,
    Floats,
    K,
    P,
    R,
    S,
    T,
    Table,
    V,
    X,
    Z,
    apply,
    coarsen_row,
    invert,
    move,
    prolong_row,
    restrict_row,
    sides,
    smooth,
    subtract,
)

FORK = 8  # a pass of fewer blocks is not worth waking other threads

# Tasks and the finest level are numpy integers: the compiler would specialise on Python's.
SMOOTH, RESTRICT, PROLONG, START, MATVEC, UPDATE, RESIDUAL, COARSEN, INVERT, FINEST = (
    np.int64(n) for n in (0, 1, 2, 3, 4, 5, 6, 7, 8, 0)
)


@kernel
def work(task: int, block: int, level: int, alpha: float, beta: float, box: Box) -> None:
    """Do one block of one pass."""
    line, mg, fine, sums = box.table[level], box.mg, box.fine, box.sums
    begin = line[FIRST] + block * BLOCK
    end = min(line[LAST], begin + BLOCK)
    if task == SMOOTH:
        source, target = (Z, T) if beta > 0.0 else (T, Z)
        smooth(mg[target], mg[source], alpha, begin, end, line, box)
    elif task == MATVEC:
        sums[block, 0], sums[block, 1] = apply(begin, end, line, box)
    elif task == UPDATE:
        sums[block, 0] = move(alpha, beta, begin, end, box)
    elif task == RESIDUAL:
        sums[block, 0] = subtract(begin, end, line, box)
    elif task == START:
        for i in range(begin, end):
            mg[Z, i] = np.float32(STEP_ONE) * mg[V, i] * mg[R, i]
            fine[P, i] = fine[S, i] = np.float32(0.0)
    elif task == INVERT:
        invert(begin, end, line, box)
    else:
        below = box.table[level + 1]
        rows, group = below[NZ] * below[NY], rows_per_block(below)
        for row in range(block * group, min(rows, (block + 1) * group)):
            z, y = row // below[NY], row % below[NY]
            if task == RESTRICT:
                restrict_row(z, y, line, below, box)
            elif task == PROLONG:
                prolong_row(z, y, line, below, box)
            else:
                coarsen_row(z, y, line, below, box)


@kernel
def rows_per_block(line: Table) -> int:
    """Return how many coarse rows make one block of about `BLOCK` fine voxels."""
    return max(1, BLOCK // (8 * line[NX]))


@parallel_kernel
def work_wide(task: int, count: int, level: int, alpha: float, beta: float, box: Box) -> None:
    """Do all blocks of one pass with all threads."""
    for block in prange(count):
        work(task, np.int64(block), level, alpha, beta, box)


@kernel
def wrap(v: Floats, line: Table, periodic: int) -> None:
    """Copy the far side of each periodic axis into the ghosts of `v`."""
    nz, ny, nx = line[NZ], line[NY], line[NX]
    row, plane, first = line[ROW], line[PLANE], line[FIRST]
    wrapped = periodic & line[AXES]
    for z in range(nz):
        for y in range(ny):
            start = first + z * plane + y * row
            if wrapped & 1:
                v[start - 1], v[start + nx] = v[start + nx - 1], v[start]
        start = first + z * plane
        if wrapped & 2:
            far = start + (ny - 1) * row
            v[start - row : start - row + nx] = v[far : far + nx]
            v[far + row : far + row + nx] = v[start : start + nx]
    if wrapped & 4:
        far, size = first + (nz - 1) * plane, (ny - 1) * row + nx
        v[first - plane : first - plane + size] = v[far : far + size]
        v[far + plane : far + plane + size] = v[first : first + size]


@kernel
def each(task: int, level: int, alpha: float, beta: float, box: Box) -> tuple[float, float]:
    """Do one pass over a level; return its sums, added up in the order of the blocks."""
    line, sums, periodic = box.table[level], box.sums, box.periodic
    if periodic:
        if task == SMOOTH:
            wrap(box.mg[Z if beta > 0.0 else T], line, periodic)
        elif task == RESTRICT or task == MATVEC:
            wrap(box.mg[T], line, periodic)
        elif task == RESIDUAL:
            wrap(box.fine[X], line, periodic)
    if task == RESTRICT or task == PROLONG or task == COARSEN:
        below = box.table[level + 1]
        group = rows_per_block(below)
        count = (below[NZ] * below[NY] + group - 1) // group
    else:
        count = (line[LAST] - line[FIRST] + BLOCK - 1) // BLOCK
    alpha, beta = np.float32(alpha), np.float32(beta)
    if box.wide and count >= FORK:
        work_wide(task, count, level, alpha, beta, box)
    else:
        for block in range(count):
            work(task, block, level, alpha, beta, box)
    one = two = 0.0
    if task == MATVEC or task == UPDATE or task == RESIDUAL:
        for block in range(count):
            one += sums[block, 0]
            two += sums[block, 1]
    return one, two


@kernel
def wall_terms(level: int, ratio: float, box: Box) -> None:
    """Add to `kappa` what walls conduct; `ratio` is the outer length in fine voxels, < 0 no flux.

    A wall conducts h / (h / 2 + L) times a face of its level, and the ghost outside (value 0)
    already takes one face.
    """
    table, k, faces = box.table, box.mg[K], box.faces
    line, size = table[level], 2.0**level
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
        for u in range(nu):
            for v in range(nv):
                low = line[FIRST] + u * su + v * sv
                high = low + (count - 1) * step
                if k[low] < FIXED:
                    k[low] += change * (np.float32(1.0) if box.plain else faces[axis, low])
                if k[high] < FIXED:
                    k[high] += change * (np.float32(1.0) if box.plain else faces[axis, high + step])


@kernel
def prepare(ratio: float, box: Box) -> None:
    """Build all levels from `kappa` of the finest, given without walls."""
    levels = box.table.shape[0]
    for level in range(levels - 1):
        each(COARSEN, level, 0.0, 0.0, box)
    for level in range(levels):
        wall_terms(level, ratio, box)
        each(INVERT, level, 0.0, 0.0, box)


@kernel
def cycle(box: Box) -> None:
    """One symmetric V-cycle from the smoothed Z to T; the coarsest level is a single voxel."""
    last = box.table.shape[0] - 1
    for level in range(last):
        each(SMOOTH, level, STEP_TWO, 1.0, box)
        each(RESTRICT, level, 0.0, 0.0, box)
    mg, only = box.mg, box.table[last, FIRST]
    mg[T, only] = mg[V, only] * mg[R, only]
    for level in range(last - 1, -1, -1):
        each(PROLONG, level, 0.0, 0.0, box)
        each(SMOOTH, level, STEP_TWO, -1.0, box)
        each(SMOOTH, level, STEP_ONE, 1.0, box)


@kernel
def residual(box: Box) -> float:
    """Turn the right-hand side in R into the residual of X; return its square norm."""
    return each(RESIDUAL, FINEST, 0.0, 0.0, box)[0]


@kernel
def conjugate(target: float, most: int, box: Box) -> tuple[int, float]:
    """Correct X until the square norm of the residual R falls to `target`.

    Returns iterations done and the last square norm. Stops early when rounding has used up the
    search directions or a number is not finite.
    """
    each(START, FINEST, 0.0, 0.0, box)
    alpha = gamma = 1.0
    square, done = -1.0, 0
    while done < most:
        cycle(box)
        along_r, along_w = each(MATVEC, FINEST, 0.0, 0.0, box)
        beta = along_r / gamma if done else 0.0
        curvature = along_w - beta * along_r / alpha
        if not (along_r > 0.0 and curvature > 0.0):
            break
        alpha, gamma = along_r / curvature, along_r
        square = each(UPDATE, FINEST, alpha, beta, box)[0]
        done += 1
        if not square > target:
            break
    return done, square
