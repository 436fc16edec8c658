"""The passes of the linear solver, and how each is shared among threads.

`multigrid` says which pass to do next, `stencils` what it does to a block. A block has a fixed size
and its own partial sums, which are added in the order of the blocks, hence the same bits for any
number of threads. All passes go through one parallel loop, as every further one would be compiled
with all that it calls.
"""

import numpy as np

from stemniche.kernels.jit import lean_kernel, parallel_kernel, prange
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
    operate,
    prolong_row,
    restrict_row,
    sides,
    smooth,
    update,
)

# Numpy integers, as the compiler would make one version per value of a Python integer. The first
# ones are stages: several in a row are done while their data are in the cache.
(
    SMOOTH,
    DEFECT,
    SMOOTH_AGAIN,
    SMOOTH_LAST,
    MATVEC,
    RESIDUAL,
    UPDATE,
    INVERT,
    RESTRICT,
    PROLONG,
    COARSEN,
) = (np.int64(n) for n in range(11))
FINEST, ONE, TWO, THREE = (np.int64(n) for n in range(4))


@lean_kernel
def each(
    task: int, stages: int, level: int, alpha: float, beta: float, box: Box
) -> tuple[float, float]:
    """Do one pass, or several stages, over a level; return the sums of a pass over the finest.

    SMOOTH goes from Z to T, DEFECT to U; SMOOTH_AGAIN from T to Z, SMOOTH_LAST to U, MATVEC to W;
    RESIDUAL turns the right-hand side in Z into the residual of X in R. The others are named like
    the functions of `stencils`. Sums are, for MATVEC, r u and -u A u; for RESIDUAL (unused and)
    r r; for UPDATE r r and the sum of r.
    """
    line, count = box.table[level], block_count(task, level, box)
    # Stages that use the scratch row G, or need ghosts in between, are done one after the other.
    chained = not box.periodic and (line[AXES] == 7 or line[AXES] == 3)
    for n in range(1 if chained else stages):
        if box.periodic and task <= RESIDUAL:
            source, _, _ = roles(task + n)
            wrap(source, line, box)
        run = stages if chained else ONE
        if count > 1 and box.threads > 1 and (task <= RESIDUAL or count >= FORK):
            work_wide(task + n, run, count, level, alpha, beta, box)
        else:
            for block in range(count):
                work(task + n, run, block, count, level, alpha, beta, box)
    one = two = 0.0
    if level == 0:
        for block in range((line[LAST] - line[FIRST] + BLOCK - 1) // BLOCK):
            one += box.sums[block, 0]
            two += box.sums[block, 1]
    return one, two


@lean_kernel
def block_count(task: int, level: int, box: Box) -> int:
    """Return the number of blocks of a pass; stages are done in one block per thread."""
    line = box.table[level]
    flat = (line[LAST] - line[FIRST] + BLOCK - 1) // BLOCK
    if task <= RESIDUAL:
        return box.threads if box.threads > 1 and flat >= FORK * box.threads else 1
    if task >= RESTRICT:
        below = box.table[level + 1]
        return (below[NZ] * below[NY] + coarse_group(below) - 1) // coarse_group(below)
    return flat


@lean_kernel
def coarse_group(below: Table) -> int:
    """Return how many coarse rows make one block of about `BLOCK` fine voxels."""
    return max(1, BLOCK // (8 * below[NX]))


@parallel_kernel
def work_wide(
    task: int, stages: int, count: int, level: int, alpha: float, beta: float, box: Box
) -> None:
    """Do all blocks of one pass with all threads."""
    for block in prange(count):
        work(task, stages, np.int64(block), count, level, alpha, beta, box)


@lean_kernel
def work(
    task: int, stages: int, block: int, blocks: int, level: int, alpha: float, beta: float, box: Box
) -> None:
    """Do one of `blocks` blocks of a pass."""
    line = box.table[level]
    if task <= RESIDUAL:
        size = (line[LAST] - line[FIRST] + blocks - 1) // blocks
        size = (size + BLOCK - 1) // BLOCK * BLOCK
        start = line[FIRST] + block * size
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
            square, total = update(np.float32(alpha), np.float32(beta), start, count, line, box)
            box.sums[block, 0], box.sums[block, 1] = square, total
        else:
            invert(start, count, line, box)


@lean_kernel
def chain(task: int, stages: int, begin: int, end: int, line: Table, box: Box) -> None:
    """Do up to three stages on a range, each as far behind the one before as it must be.

    A stage reaches one row (or plane) beyond its range into the one before it, which therefore
    covers more than the range; there, neighbouring blocks write the same numbers twice. The last
    stage moves in whole blocks, as its sums must not depend on the range.
    """
    reach = line[PLANE] if line[AXES] & 4 else (line[ROW] if line[AXES] & 2 else 1)
    first, last, wait = line[FIRST], line[LAST], 0
    at = to = before = to_before = 0
    at_0, at_1, at_2 = begin - (stages - 1) * reach, begin - (stages - 2) * reach, begin
    at_0, at_1 = max(first, at_0), max(first, at_1)
    while (at_0 if stages == 1 else (at_1 if stages == 2 else at_2)) < end:
        for n in range(stages):
            at = at_0 if n == 0 else (at_1 if n == 1 else at_2)
            to = min(last, end + (stages - 1 - n) * reach)
            if n == 0:
                goal = min(to, at + BLOCK)
            else:
                wait = before - reach
                goal = to if before == to_before else max(at, wait)
            if n == stages - 1 and goal < to:
                goal -= (goal - first) % BLOCK
            goal = max(at, goal)
            stage(task + n, at, goal, line, box)
            before, to_before = goal, to
            if n == 0:
                at_0 = goal
            elif n == 1:
                at_1 = goal
            else:
                at_2 = goal


@lean_kernel
def roles(task: int) -> tuple[int, int, int]:
    """Return which rows of the buffer a stage reads, writes, and has on its right-hand side."""
    if task == SMOOTH:
        return Z, T, R
    if task == DEFECT:
        return T, U, R
    if task == SMOOTH_AGAIN:
        return T, Z, R
    if task == SMOOTH_LAST:
        return Z, U, R
    if task == MATVEC:
        return U, W, R
    return X, R, Z


@lean_kernel
def stage(task: int, start: int, end: int, line: Table, box: Box) -> None:
    """Do one stage of a cycle on the voxels from `start` to `end`."""
    source, target, right = roles(task)
    if task == DEFECT or task == MATVEC or task == RESIDUAL:
        share = np.float32(0.0 if task == MATVEC else 1.0)
        for at in range(start, end, BLOCK):
            block, count = (at - line[FIRST]) // BLOCK, min(BLOCK, end - at)
            along, other = operate(target, source, right, share, at, count, line, box)
            if task != DEFECT:
                box.sums[block, 0], box.sums[block, 1] = along, other
    elif end > start:
        step = np.float32(STEP_ONE if task == SMOOTH_LAST else STEP_TWO)
        smooth(target, source, step, start, end - start, line, box)


@lean_kernel
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
