"""Conjugate gradients with one multigrid V-cycle: the linear solver under the field kernels.

`fields` fills the buffers described here with one elliptic problem at a time and calls `prepare`,
`residual` and `conjugate`. Nothing in this module knows about substances, time steps or units: it
solves ``kappa u - sum_f f (u_n - u) = r`` on a box of voxels. A neighbour outside the box counts
as 0, `kappa` carries what the wall really does, and voxels with `kappa` >= `FIXED` stay as they are.

Every voxel array has one layer of ghosts, so that a pass is a flat loop over contiguous memory.
Passes run in blocks of fixed size, each with its own partial sum, hence the same bits for any
number of threads. A coarse level halves each axis longer than one voxel; the last coarse voxel of
an odd axis has one fine layer. Coarse rows are scaled so that an unhindered face is 1 on every
level: with `a` axes halved, restriction is 2^(2 - a) times the sum over children. Prolongation is
constant, which suffices for a preconditioner once coarse conductances are re-discretised
(Braess, Computing 55, 1995, doi:10.1007/BF02238238). The recurrences are those with one reduction
point per iteration (Chronopoulos and Gear 1989, doi:10.1016/0377-0427(89)90045-9).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import kernel, parallel_kernel, prange

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Table = npt.NDArray[np.int64]

FIXED = np.float32(1e30)
BLOCK = 4096  # voxels of one pass, and of one partial sum
CHUNK = 1024  # voxels whose neighbour sums sit in the first-level cache
FORK = 8  # a pass of fewer blocks is not worth waking other threads
ANCHOR = np.float32(3.0)  # what a voxel of fixed value adds to the `kappa` of its coarse voxel

# Columns of the level table.
NZ, NY, NX, ROW, PLANE, FIRST, LAST, AXES = range(8)
# Rows of the buffer of all levels: residual, iterate, its double, kappa, 1/diagonal.
R, Z, T, K, V = range(5)
# Rows of the buffer of the finest level: solution, direction, operator on it, operator on iterate.
X, P, S, W = range(4)
# Passes.
SMOOTH, RESTRICT, PROLONG, START, MATVEC, UPDATE, RESIDUAL, COARSEN, INVERT = range(9)

# Two damped Jacobi sweeps whose product is small where D^-1 A is between 0.4 and 2.
STEP_ONE, STEP_TWO = np.float32(1 / 1.95), np.float32(1 / 0.9)


class Box(NamedTuple):
    """Buffers and facts of one linear system, passed through all kernels.

    Args:
        mg: [R Z T K V, voxels of all levels].
        fine: [X P S W, voxels of the finest level].
        faces: [x y z, voxels of all levels], factor of the face below a voxel along each axis.
        table: One row per level, see `level_table`.
        sums: [blocks, 3] partial sums.
        plain: All faces are 1, `faces` is not read.
        periodic: Bit 0, 1, 2 for x, y, z.
        wide: Share each pass among all threads; false inside a parallel loop.
    """

    mg: Floats
    fine: Floats
    faces: Floats
    table: Table
    sums: Doubles
    plain: bool
    periodic: int
    wide: bool


def level_table(shape: tuple[int, int, int]) -> tuple[Table, int]:
    """Return the table of levels (one row each, finest first) and the length of a buffer row.

    Args:
        shape: Voxels along z, y, x. An axis of one voxel carries no flux.
    """
    nz, ny, nx = shape
    rows, offset = [], 0
    while True:
        row, ghosts = nx + 2, int(nz > 1)
        plane = row * (ny + 2)
        first = offset + ghosts * plane + row + 1
        last = first + (nz - 1) * plane + (ny - 1) * row + nx
        axes = (nx > 1) + 2 * (ny > 1) + 4 * (nz > 1)
        rows.append((nz, ny, nx, row, plane, first, last, axes))
        offset += plane * (nz + 2 * ghosts)
        if axes == 0:
            return np.array(rows, np.int64), offset
        nz, ny, nx = (nz + 1) // 2, (ny + 1) // 2, (nx + 1) // 2


def most_blocks(table: Table) -> int:
    """Return how many partial sums the longest pass writes."""
    return int(-(-(table[0, LAST] - table[0, FIRST]) // BLOCK))


@kernel
def neighbour_sum(out: Floats, v: Floats, start: int, count: int, line: Table, box: Box) -> None:
    """Write sum_f f v_n of `count` voxels from flat index `start` on; `line` is a table row."""
    axes, at = line[AXES], np.uint64(start)
    one, dy, dz = np.uint64(1), np.uint64(line[ROW]), np.uint64(line[PLANE])
    if box.plain and axes == 7:
        for j in range(count):
            i = at + np.uint64(j)
            out[j] = v[i - one] + v[i + one] + v[i - dy] + v[i + dy] + v[i - dz] + v[i + dz]
        return
    if box.plain and axes == 3:
        for j in range(count):
            i = at + np.uint64(j)
            out[j] = v[i - one] + v[i + one] + v[i - dy] + v[i + dy]
        return
    out[:count] = 0.0
    for axis in range(3):
        step = one if axis == 0 else (dy if axis == 1 else dz)
        f = box.faces[axis]
        if not (axes >> axis) & 1:
            continue
        if box.plain:
            for j in range(count):
                i = at + np.uint64(j)
                out[j] += v[i - step] + v[i + step]
        else:
            for j in range(count):
                i = at + np.uint64(j)
                out[j] += f[i] * v[i - step] + f[i + step] * v[i + step]


@kernel
def laplacian(out: Floats, v: Floats, start: int, count: int, line: Table, box: Box) -> None:
    """Write sum_f f (v_n - v): like `neighbour_sum`, but exact where neighbours nearly agree."""
    axes, at = line[AXES], np.uint64(start)
    one, dy, dz = np.uint64(1), np.uint64(line[ROW]), np.uint64(line[PLANE])
    if box.plain and axes == 7:
        for j in range(count):
            i = at + np.uint64(j)
            c = v[i]
            flat = (v[i - one] - c) + (v[i + one] - c) + (v[i - dy] - c) + (v[i + dy] - c)
            out[j] = flat + (v[i - dz] - c) + (v[i + dz] - c)
        return
    if box.plain and axes == 3:
        for j in range(count):
            i = at + np.uint64(j)
            c = v[i]
            out[j] = (v[i - one] - c) + (v[i + one] - c) + (v[i - dy] - c) + (v[i + dy] - c)
        return
    out[:count] = 0.0
    for axis in range(3):
        step = one if axis == 0 else (dy if axis == 1 else dz)
        f = box.faces[axis]
        if not (axes >> axis) & 1:
            continue
        if box.plain:
            for j in range(count):
                i = at + np.uint64(j)
                out[j] += (v[i - step] - v[i]) + (v[i + step] - v[i])
        else:
            for j in range(count):
                i = at + np.uint64(j)
                out[j] += f[i] * (v[i - step] - v[i]) + f[i + step] * (v[i + step] - v[i])


@kernel
def smooth(
    dst: Floats, src: Floats, step: float, begin: int, end: int, line: Table, box: Box
) -> None:
    """One damped Jacobi sweep from `src` to `dst`."""
    nb = np.empty(CHUNK, np.float32)
    r, v, keep = box.mg[R], box.mg[V], np.float32(1.0) - step
    for start in range(begin, end, CHUNK):
        count = min(CHUNK, end - start)
        neighbour_sum(nb, src, start, count, line, box)
        for j in range(count):
            i = np.uint64(start) + np.uint64(j)
            dst[i] = keep * src[i] + step * v[i] * (r[i] + nb[j])


@kernel
def apply(begin: int, end: int, line: Table, box: Box) -> tuple[float, float]:
    """Apply the operator to the preconditioned residual; return its products with r and itself."""
    nb = np.empty(CHUNK, np.float32)
    r, t, k, w = box.mg[R], box.mg[T], box.mg[K], box.fine[W]
    along_r = along_w = np.float32(0.0)
    for start in range(begin, end, CHUNK):
        count = min(CHUNK, end - start)
        laplacian(nb, t, start, count, line, box)
        for j in range(count):
            i = np.uint64(start) + np.uint64(j)
            q = k[i] * t[i] - nb[j]
            q = q if k[i] < FIXED else np.float32(0.0)
            w[i] = q
            along_r += r[i] * t[i]
            along_w += q * t[i]
    return along_r, along_w


@kernel
def move(alpha: float, beta: float, begin: int, end: int, box: Box) -> float:
    """Move solution and residual along the new direction, pre-smooth; return |r|^2."""
    r, z, t, v = box.mg[R], box.mg[Z], box.mg[T], box.mg[V]
    x, p, s, w = box.fine[X], box.fine[P], box.fine[S], box.fine[W]
    total = np.float32(0.0)
    for j in range(end - begin):
        i = np.uint64(begin) + np.uint64(j)
        p[i] = t[i] + beta * p[i]
        x[i] += alpha * p[i]
    for j in range(end - begin):
        i = np.uint64(begin) + np.uint64(j)
        q = w[i] + beta * s[i]
        s[i] = q
        q = r[i] - alpha * q
        r[i] = q
        z[i] = STEP_ONE * v[i] * q
        total += q * q
    return total


@kernel
def subtract(begin: int, end: int, line: Table, box: Box) -> float:
    """Turn the right-hand side in r into the residual of the solution; return |r|^2."""
    nb = np.empty(CHUNK, np.float32)
    r, k, x = box.mg[R], box.mg[K], box.fine[X]
    total = np.float32(0.0)
    for start in range(begin, end, CHUNK):
        count = min(CHUNK, end - start)
        laplacian(nb, x, start, count, line, box)
        for j in range(count):
            i = np.uint64(start) + np.uint64(j)
            q = r[i] - k[i] * x[i] + nb[j]
            q = q if k[i] < FIXED else np.float32(0.0)
            r[i] = q
            total += q * q
    return total


@kernel
def invert(begin: int, end: int, line: Table, box: Box) -> None:
    """Write the inverse of the diagonal; 0 where a voxel keeps its value."""
    k, v, axes = box.mg[K], box.mg[V], line[AXES]
    for j in range(end - begin):
        i = np.uint64(begin) + np.uint64(j)
        v[i] = k[i]
    for axis in range(3):
        step = np.uint64(1 if axis == 0 else (line[ROW] if axis == 1 else line[PLANE]))
        f = box.faces[axis]
        if not (axes >> axis) & 1:
            continue
        for j in range(end - begin):
            i = np.uint64(begin) + np.uint64(j)
            v[i] += np.float32(2.0) if box.plain else f[i] + f[i + step]
    for j in range(end - begin):
        i = np.uint64(begin) + np.uint64(j)
        free = (k[i] < FIXED) & (v[i] > np.float32(0.0))
        v[i] = np.float32(1.0) / v[i] if free else np.float32(0.0)


@kernel
def pair(fine_row: Floats, count: int, coarse: Floats, start: int, weight: float) -> None:
    """Add neighbours of a row in twos, the last of an odd row alone."""
    for j in range(count // 2):
        coarse[start + j] = weight * (fine_row[2 * j] + fine_row[2 * j + 1])
    if count % 2:
        coarse[start + count // 2] = weight * fine_row[count - 1]


@kernel
def restrict_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Restrict the residual of the iterate T to row (z, y) below and start smoothing there."""
    nx = line[NX]
    nb, total = np.empty(nx, np.float32), np.zeros(nx, np.float32)
    r, t, k = box.mg[R], box.mg[T], box.mg[K]
    for fz in range(2 * z, min(2 * z + 2, line[NZ])):
        for fy in range(2 * y, min(2 * y + 2, line[NY])):
            start = line[FIRST] + fz * line[PLANE] + fy * line[ROW]
            laplacian(nb, t, start, nx, line, box)
            for j in range(nx):
                i = np.uint64(start) + np.uint64(j)
                q = r[i] - k[i] * t[i] + nb[j]
                total[j] += q if k[i] < FIXED else np.float32(0.0)
    start = below[FIRST] + z * below[PLANE] + y * below[ROW]
    pair(total, nx, r, start, restriction(line))
    zc, v = box.mg[Z], box.mg[V]
    for j in range(below[NX]):
        i = np.uint64(start) + np.uint64(j)
        zc[i] = STEP_ONE * v[i] * r[i]


@kernel
def prolong_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Add row (z, y) of the coarse correction to the fine iterate T."""
    nx, t, v = line[NX], box.mg[T], box.mg[V]
    spread = np.empty(nx + 1, np.float32)
    start = below[FIRST] + z * below[PLANE] + y * below[ROW]
    for j in range(below[NX]):
        spread[2 * j] = t[start + j]
        spread[2 * j + 1] = t[start + j]
    for fz in range(2 * z, min(2 * z + 2, line[NZ])):
        for fy in range(2 * y, min(2 * y + 2, line[NY])):
            start = line[FIRST] + fz * line[PLANE] + fy * line[ROW]
            for j in range(nx):
                i = np.uint64(start) + np.uint64(j)
                t[i] += spread[j] if v[i] > np.float32(0.0) else np.float32(0.0)


@kernel
def coarsen_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Sum `kappa` of the children of coarse row (z, y)."""
    nx, k = line[NX], box.mg[K]
    total, free = np.zeros(nx + 1, np.float32), np.zeros(nx + 1, np.float32)
    for fz in range(2 * z, min(2 * z + 2, line[NZ])):
        for fy in range(2 * y, min(2 * y + 2, line[NY])):
            start = line[FIRST] + fz * line[PLANE] + fy * line[ROW]
            for j in range(nx):
                held = k[start + j] >= FIXED
                total[j] += ANCHOR if held else k[start + j]
                free[j] += np.float32(0.0) if held else np.float32(1.0)
    start = below[FIRST] + z * below[PLANE] + y * below[ROW]
    weight = restriction(line)
    for j in range(below[NX]):
        any_free = free[2 * j] + free[2 * j + 1] > np.float32(0.0)
        k[start + j] = weight * (total[2 * j] + total[2 * j + 1]) if any_free else FIXED


@kernel
def restriction(line: Table) -> float:
    """Return the factor of restriction from this level: 2^(2 - a), `a` axes being halved."""
    axes = line[AXES]
    halved = (axes & 1) + (axes >> 1 & 1) + (axes >> 2 & 1)
    return np.float32(2.0 ** (2 - halved))


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
            mg[Z, i] = STEP_ONE * mg[V, i] * mg[R, i]
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
        work(task, block, level, alpha, beta, box)


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
            v[start - row : start - row + nx] = v[start + (ny - 1) * row : start + (ny - 1) * row + nx]
            v[start + ny * row : start + ny * row + nx] = v[start : start + nx]
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
def sides(line: Table, axis: int) -> tuple[int, int, int, int, int]:
    """Return the stride along `axis`, then strides and counts of the two others."""
    if axis == 0:
        return 1, line[PLANE], line[ROW], line[NZ], line[NY]
    if axis == 1:
        return line[ROW], line[PLANE], 1, line[NZ], line[NX]
    return line[PLANE], line[ROW], 1, line[NY], line[NX]


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
    return each(RESIDUAL, 0, 0.0, 0.0, box)[0]


@kernel
def conjugate(target: float, most: int, box: Box) -> tuple[int, float]:
    """Correct X until the square norm of the residual R falls to `target`.

    Returns iterations done and the last square norm. Stops early when rounding has used up the
    search directions or a number is not finite.
    """
    each(START, 0, 0.0, 0.0, box)
    alpha = gamma = 1.0
    square, done = -1.0, 0
    while done < most:
        cycle(box)
        along_r, along_w = each(MATVEC, 0, 0.0, 0.0, box)
        beta = along_r / gamma if done else 0.0
        curvature = along_w - beta * along_r / alpha
        if not (along_r > 0.0 and curvature > 0.0):
            break
        alpha, gamma = along_r / curvature, along_r
        square = each(UPDATE, 0, alpha, beta, box)[0]
        done += 1
        if not square > target:
            break
    return done, square
