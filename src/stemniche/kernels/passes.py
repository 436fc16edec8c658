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
    PLANE,
    ROW,
    STEP_ONE,
    STEP_TWO,
    Box,
    R,
    T,
    Table,
    U,
    W,
    X,
    Z,
    coarsen_row,
    invert,
    move,
    operate,
    prolong_row,
    restrict_row,
    sides,
    smooth,
)

# Numpy integers, as the compiler would make one version per value of a Python integer. The first
# five, stages of a cycle, are done one after the other while their data are in the cache.
(
    SMOOTH,
    DEFECT,
    SMOOTH_AGAIN,
    SMOOTH_LAST,
    MATVEC,
    UPDATE,
    RESIDUAL,
    INVERT,
    RESTRICT,
    PROLONG,
    COARSEN,
) = (np.int64(n) for n in range(11))
FINEST = np.int64(0)


@kernel
def work(
    task: int, stages: int, block: int, blocks: int, level: int, alpha: float, beta: float, box: Box
) -> None:
    """Do one block of one pass, or of several stages."""
    line = box.table[level]
    if task <= MATVEC:
        size = (line[LAST] - line[FIRST] + blocks - 1) // blocks
        size = (size + BLOCK - 1) // BLOCK * BLOCK
        start = line[FIRST] + block * size
        if start < line[LAST]:
            chain(task, stages, start, min(line[LAST], start + size), line, box)
    elif task >= RESTRICT:
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
    else:
        start = line[FIRST] + block * BLOCK
        count = min(BLOCK, line[LAST] - start)
        if task == UPDATE:
            square, total = move(np.float32(alpha), np.float32(beta), start, count, line, box)
            box.sums[block, 0], box.sums[block, 1] = square, total
        elif task == INVERT:
            invert(start, count, line, box)
        else:
            square = operate(R, X, Z, np.float32(1.0), start, count, line, box)[1]
            box.sums[block, 0] = square


@kernel
def chain(task: int, stages: int, begin: int, end: int, line: Table, box: Box) -> None:
    """Do two or three stages on a range, each as far behind the one before as it must be.

    A stage reaches one row (or plane) beyond its range into the one before it, which therefore
    covers more than the range; there, neighbouring blocks write the same numbers twice.
    """
    reach = line[PLANE] if line[AXES] & 4 else (line[ROW] if line[AXES] & 2 else 1)
    halo, first, last = (stages - 1) * reach, line[FIRST], line[LAST]
    one, two, three = max(first, begin - halo), max(first, begin - halo + reach), begin
    to_one, to_two = min(last, end + halo), min(last, end + halo - reach)
    while two < to_two or (stages == 3 and three < end):
        goal = min(to_one, one + BLOCK)
        stage(task, one, goal, line, box)
        one = goal
        goal = to_two if one == to_one else max(two, one - reach)
        stage(task + 1, two, goal, line, box)
        two = goal
        if stages == 3:
            goal = end if two == to_two else max(three, two - reach)
            if goal < end:
                goal -= (goal - first) % BLOCK  # whole blocks, as sums must not depend on the range
            stage(task + 2, three, max(three, goal), line, box)
            three = max(three, goal)


@kernel
def stage(task: int, start: int, end: int, line: Table, box: Box) -> None:
    """Do one stage of a cycle on the voxels from `start` to `end`."""
    one, two, zero = np.float32(STEP_ONE), np.float32(STEP_TWO), np.float32(0.0)
    if end <= start:
        return
    if task == SMOOTH:
        smooth(T, Z, two, start, end - start, line, box)
    elif task == DEFECT:
        operate(U, T, R, np.float32(1.0), start, end - start, line, box)
    elif task == SMOOTH_AGAIN:
        smooth(Z, T, two, start, end - start, line, box)
    elif task == SMOOTH_LAST:
        smooth(U, Z, one, start, end - start, line, box)
    else:
        for at in range(start, end, BLOCK):
            block, count = (at - line[FIRST]) // BLOCK, min(BLOCK, end - at)
            along, ahead = operate(W, U, R, zero, at, count, line, box)
            box.sums[block, 0], box.sums[block, 1] = along, ahead


@kernel
def coarse_group(below: Table) -> int:
    """Return how many coarse rows make one block of about `BLOCK` fine voxels."""
    return max(1, BLOCK // (8 * below[NX]))


@kernel
def block_count(task: int, level: int, box: Box) -> int:
    """Return the number of blocks of a pass; stages are done in one block per thread."""
    line = box.table[level]
    flat = (line[LAST] - line[FIRST] + BLOCK - 1) // BLOCK
    if task <= MATVEC:
        return box.threads if box.threads > 1 and flat >= FORK * box.threads else 1
    if task >= RESTRICT:
        below = box.table[level + 1]
        return (below[NZ] * below[NY] + coarse_group(below) - 1) // coarse_group(below)
    return flat


@parallel_kernel
def work_wide(
    task: int, stages: int, count: int, level: int, alpha: float, beta: float, box: Box
) -> None:
    """Do all blocks of one pass with all threads."""
    for block in prange(count):
        work(task, stages, np.int64(block), count, level, alpha, beta, box)


@kernel
def each(task: int, level: int, alpha: float, beta: float, box: Box) -> tuple[float, float]:
    """Do one pass over a level; return its sums, for tasks that have any.

    MATVEC: r z and -z A z. UPDATE: r r and sum r. RESIDUAL: r r.
    """
    if task == RESIDUAL and box.periodic:
        wrap(np.int64(X), box.table[level], box)
    share(task, np.int64(1), level, alpha, beta, box)
    return add_up(level, box)


@kernel
def share(task: int, stages: int, level: int, alpha: float, beta: float, box: Box) -> None:
    """Do one pass or some stages, with all threads where that pays."""
    count = block_count(task, level, box)
    if box.threads > 1 and (count >= FORK or task <= MATVEC < count):
        work_wide(task, stages, count, level, alpha, beta, box)
    else:
        for block in range(count):
            work(task, stages, block, count, level, alpha, beta, box)


@kernel
def add_up(level: int, box: Box) -> tuple[float, float]:
    """Add the sums of the blocks of the finest level in their order."""
    line, one, two = box.table[level], 0.0, 0.0
    if level == 0:
        for block in range((line[LAST] - line[FIRST] + BLOCK - 1) // BLOCK):
            one += box.sums[block, 0]
            two += box.sums[block, 1]
    return one, two


@kernel
def stages(task: int, count: int, level: int, box: Box) -> tuple[float, float]:
    """Do two or three stages of a cycle; return the sums of MATVEC if it is the last.

    SMOOTH goes from Z to T, DEFECT to U; SMOOTH_AGAIN from T to Z, SMOOTH_LAST to U, MATVEC to W.
    """
    if box.periodic:
        for n in range(count):
            source = Z if task + n == SMOOTH or task + n == SMOOTH_LAST else T
            wrap(np.int64(U if task + n == MATVEC else source), box.table[level], box)
            line = box.table[level]
            stage(task + n, line[FIRST], line[LAST], line, box)
    else:
        share(task, count, level, 0.0, 0.0, box)
    return add_up(level, box)


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
