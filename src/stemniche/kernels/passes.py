"""The passes of the linear solver, and how each is shared among threads.

`multigrid` says which pass to do next, `stencils` what it does to a block. A block has a fixed size
and its own partial sums, which are added in the order of the blocks, hence the same bits for any
number of threads. All passes go through one parallel loop, as every further one would be compiled
with all that it calls.
"""

import numpy as np

from stemniche.kernels.jit import kernel, parallel_kernel, prange
from stemniche.kernels.stencils import (
    AT,
    AXES,
    BLOCK,
    FIRST,
    FORK,
    LAST,
    NX,
    NY,
    NZ,
    Box,
    R,
    T,
    Table,
    W,
    X,
    Z,
    begin,
    coarsen_row,
    invert,
    move,
    operate,
    prolong_row,
    restrict_row,
    sides,
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
        below = box.table[level + 1]
        rows, group = below[NZ] * below[NY], coarse_group(below)
        for row in range(block * group, min(rows, (block + 1) * group)):
            z, y = row // below[NY], row % below[NY]
            if task == RESTRICT:
                restrict_row(z, y, line, below, box)
            elif task == PROLONG:
                prolong_row(z, y, line, below, box)
            else:
                coarsen_row(z, y, line, below, box)
        return
    start = line[FIRST] + block * BLOCK
    count = min(BLOCK, line[LAST] - start)
    alpha, beta = np.float32(alpha), np.float32(beta)
    if task == SMOOTH_TO_T or task == SMOOTH_TO_Z:
        source, target = (Z, T) if task == SMOOTH_TO_T else (T, Z)
        smooth(target, source, alpha, start, count, line, box)
    elif task == UPDATE:
        box.sums[block, 0], box.sums[block, 1] = move(alpha, beta, start, count, line, box)
    elif task == INVERT:
        invert(start, count, line, box)
    elif task == START:
        begin(start, count, line, box)
    else:
        source, target, right = T, Z, R
        if task == MATVEC:
            target = W
        elif task == RESIDUAL:
            source, target, right = X, R, Z
        along, other = operate(target, source, right, alpha, start, count, line, box)
        box.sums[block, 0], box.sums[block, 1] = along, other


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

    MATVEC: r z and -z A z. UPDATE: r r and sum r. RESIDUAL: (unused) and r r.
    """
    if box.periodic:
        line = box.table[level]
        if task == SMOOTH_TO_T:
            wrap(np.int64(Z), line, box)
        elif task == SMOOTH_TO_Z or task == DEFECT or task == MATVEC:
            wrap(np.int64(T), line, box)
        elif task == RESIDUAL:
            wrap(np.int64(X), line, box)
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
def wrap(role: int, line: Table, box: Box) -> None:
    """Copy the far side of each periodic axis into the ghosts of a row of the buffer."""
    mem, wrapped = box.mem, box.periodic & line[AXES]
    for axis in range(3):
        if wrapped >> axis & 1:
            step, su, sv, nu, nv = sides(line, axis)
            span = line[NX - axis] * step
            for u in range(nu):
                for v in range(nv):
                    low = line[AT + role] + line[FIRST] + u * su + v * sv
                    mem[low - step] = mem[low + span - step]
                    mem[low + span] = mem[low]
