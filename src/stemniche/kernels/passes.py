"""The passes of the linear solver, and how each is shared among threads.

`multigrid` says which pass to do next, `stencils` what it does to a block. A block has a fixed size and its own partial sums, which are added in the order of the
blocks, hence the same bits for any number of threads. All passes go through one parallel loop, as
every further one would be compiled with all that it calls.
"""

import numpy as np

from stemniche.kernels.jit import kernel, parallel_kernel, prange
from stemniche.kernels.stencils import (
    AXES,
    BLOCK,
    FIRST,
    FORK,
    LAST,
    NX,
    NY,
    NZ,
    PLANE,
    ROW,
    STEP_ONE,
    Box,
    Floats,
    P,
    R,
    S,
    T,
    Table,
    V,
    W,
    X,
    Z,
    coarsen_row,
    invert,
    move,
    operate,
    prolong_row,
    restrict_row,
    smooth,
)

# Numpy integers, as the compiler would make one version per value of a Python integer.
(
    SMOOTH_TO_T,
    SMOOTH_TO_Z,
    START,
    MATVEC,
    UPDATE,
    RESIDUAL,
    DEFECT,
    INVERT,
    RESTRICT,
    PROLONG,
    COARSEN,
) = (np.int64(n) for n in range(11))
FINEST = np.int64(0)


@kernel
def work(task: int, block: int, level: int, alpha: float, beta: float, box: Box) -> None:
    """Do one block of one pass."""
    line = box.table[level]
    if task >= RESTRICT:
        work_transfer(task, block, line, box.table[level + 1], box)
    else:
        work_flat(task, block, alpha, beta, line, box)


@kernel
def work_flat(task: int, block: int, alpha: float, beta: float, line: Table, box: Box) -> None:
    """Do one block of a pass over contiguous memory."""
    mg, fine, sums = box.mg, box.fine, box.sums
    begin = line[FIRST] + block * BLOCK
    end = min(line[LAST], begin + BLOCK)
    alpha, beta, one = np.float32(alpha), np.float32(beta), np.float32(1.0)
    if task == SMOOTH_TO_T or task == SMOOTH_TO_Z:
        source, target = (Z, T) if task == SMOOTH_TO_T else (T, Z)
        smooth(mg[target], mg[source], alpha, begin, end, line, box)
    elif task == UPDATE:
        sums[block, 0] = move(alpha, beta, begin, end, box)
    elif task == INVERT:
        invert(begin, end, line, box)
    elif task == START:
        for i in range(begin, end):
            mg[Z, i] = np.float32(STEP_ONE) * mg[V, i] * mg[R, i]
            fine[P, i] = fine[S, i] = np.float32(0.0)
    else:
        share = np.float32(0.0) if task == MATVEC else one
        source_row = fine[X] if task == RESIDUAL else mg[T]
        target_row = fine[W] if task == MATVEC else (mg[R] if task == RESIDUAL else mg[Z])
        along, other = operate(target_row, source_row, share, begin, end, line, box)
        sums[block, 0], sums[block, 1] = along, other


@kernel
def work_transfer(task: int, block: int, line: Table, below: Table, box: Box) -> None:
    """Do some rows of the level `below`, with their children on the level above."""
    rows, group = below[NZ] * below[NY], coarse_group(below)
    for row in range(block * group, min(rows, (block + 1) * group)):
        z, y = row // below[NY], row % below[NY]
        if task == RESTRICT:
            restrict_row(z, y, line, below, box)
        elif task == PROLONG:
            prolong_row(z, y, line, below, box)
        else:
            coarsen_row(z, y, line, below, box)


@kernel
def coarse_group(below: Table) -> int:
    """Return how many coarse rows make one block of about `BLOCK` fine voxels."""
    return max(1, BLOCK // (8 * below[NX]))


@kernel
def block_count(task: int, level: int, box: Box) -> int:
    """Return the number of blocks of a pass."""
    line = box.table[level]
    if task >= RESTRICT:
        below = box.table[level + 1]
        return (below[NZ] * below[NY] + coarse_group(below) - 1) // coarse_group(below)
    return (line[LAST] - line[FIRST] + BLOCK - 1) // BLOCK


@parallel_kernel
def work_wide(task: int, count: int, level: int, alpha: float, beta: float, box: Box) -> None:
    """Do all blocks of one pass with all threads."""
    for block in prange(count):
        work(task, np.int64(block), level, alpha, beta, box)


@kernel
def each(task: int, level: int, alpha: float, beta: float, box: Box) -> tuple[float, float]:
    """Do one pass over a level; return its sums, for tasks that have any.

    MATVEC: r z and -z A z. UPDATE: r r. RESIDUAL: (unused) and r r.
    """
    if box.periodic:
        line = box.table[level]
        if task == SMOOTH_TO_T:
            wrap(box.mg[Z], line, box.periodic)
        elif task == SMOOTH_TO_Z or task == DEFECT or task == MATVEC:
            wrap(box.mg[T], line, box.periodic)
        elif task == RESIDUAL:
            wrap(box.fine[X], line, box.periodic)
    count = block_count(task, level, box)
    if box.wide and count >= FORK:
        work_wide(task, count, level, alpha, beta, box)
    else:
        for block in range(count):
            work(task, block, level, alpha, beta, box)
    one = two = 0.0
    if level == 0:
        for block in range(count):
            one += box.sums[block, 0]
            two += box.sums[block, 1]
    return one, two


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
