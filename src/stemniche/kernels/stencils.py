"""Point passes on a box of voxels: neighbour sums, smoothing, transfer between grid levels.

`passes` runs them, `rows` fills the buffers. They know nothing about substances, time steps or
units: the system is ``kappa u - sum_f f (u_n - u) = r`` with one factor
`f` per face. A neighbour outside the box counts as 0 (`kappa` carries what the wall really does)
and a voxel with `kappa` >= `FIXED` stays as it is.

Every voxel array has a layer of ghosts, which are 0 and FIXED (or wrapped along periodic axes), so
that most passes are flat loops over contiguous memory. A coarse level halves each axis longer than
one voxel; the last coarse voxel of an odd axis has one fine layer. Coarse rows are scaled so that
an unhindered face is 1 on every level: with `a` axes halved, restriction is 2^(2 - a) times the sum
over the children. Prolongation is constant.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import kernel

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Table = npt.NDArray[np.int64]

FIXED = np.float32(1e30)
BLOCK = 4096  # voxels of one pass, and of one partial sum
CHUNK = 1024  # voxels whose neighbour sums sit in the first-level cache
FORK = 8  # a pass of fewer blocks is not worth waking other threads
FLOOR = np.float32(1e-30)
ANCHOR = np.float32(3.0)  # what a voxel of fixed value adds to the `kappa` of its coarse voxel

# Columns of the level table.
NZ, NY, NX, ROW, PLANE, FIRST, LAST, AXES = range(8)
# Rows of the buffer of all levels: residual, iterate, its double, kappa, 1/diagonal.
R, Z, T, K, V = range(5)
# Rows of the buffer of the finest level: solution, direction p, A p, and -A times the iterate.
X, P, S, W = range(4)
# The first of two damped Jacobi sweeps whose product is small where D^-1 A is between 0.4 and 2.
STEP_ONE, STEP_TWO = 1 / 1.95, 1 / 0.9


class Box(NamedTuple):
    """Buffers and facts of one linear system, passed through all kernels.

    Args:
        mg: [R Z T K V, voxels of all levels].
        fine: [X P S W, voxels of the finest level].
        faces: [x y z, voxels of all levels], factor of the face below a voxel along each axis.
        table: One row per level, see `level_table`.
        sums: [blocks, 4] partial sums.
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


def empty_buffers(slots: int, table: Table, length: int) -> tuple[Floats, Floats]:
    """Return buffers `mg` and `fine` of a `Box` for `slots` systems, with their ghosts."""
    nz, plane = int(table[0, NZ]), int(table[0, PLANE])
    mg = np.zeros((slots, 5, length), np.float32)
    mg[:, K] = FIXED
    return mg, np.zeros((slots, 4, plane * (nz + 2 if nz > 1 else 1)), np.float32)


def partial_sums(table: Table) -> int:
    """Return how many blocks the longest pass has."""
    nz, ny, nx = (int(n) for n in table[0, :3])
    flat = -(-int(table[0, LAST] - table[0, FIRST]) // BLOCK)
    return max(flat, -(-nz * ny // max(1, BLOCK // nx)))


@kernel
def gather(
    out: Floats, v: Floats, start: int, count: int, shift: float, line: Table, box: Box
) -> None:
    """Write sum_f f (v_n - shift v) of `count` voxels from flat index `start` on.

    With `shift` 1 the differences are exact where neighbours nearly agree. `line` is a table row.
    """
    axes, at = line[AXES], np.uint64(start)
    one, dy, dz = np.uint64(1), np.uint64(line[ROW]), np.uint64(line[PLANE])
    if box.plain and axes == 7:
        for j in range(count):
            i = at + np.uint64(j)
            c = shift * v[i]
            flat = (v[i - one] - c) + (v[i + one] - c) + (v[i - dy] - c) + (v[i + dy] - c)
            out[j] = flat + (v[i - dz] - c) + (v[i + dz] - c)
        return
    if box.plain and axes == 3:
        for j in range(count):
            i = at + np.uint64(j)
            c = shift * v[i]
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
                c = shift * v[i]
                out[j] += (v[i - step] - c) + (v[i + step] - c)
        else:
            for j in range(count):
                i = at + np.uint64(j)
                c = shift * v[i]
                out[j] += f[i] * (v[i - step] - c) + f[i + step] * (v[i + step] - c)


@kernel
def smooth(
    dst: Floats, src: Floats, step: float, begin: int, end: int, line: Table, box: Box
) -> None:
    """One damped Jacobi sweep from `src` to `dst`."""
    around = np.empty(CHUNK, np.float32)
    r, v, keep = box.mg[R], box.mg[V], np.float32(1.0) - step
    for start in range(begin, end, CHUNK):
        count = min(CHUNK, end - start)
        gather(around, src, start, count, np.float32(0.0), line, box)
        for j in range(count):
            i = np.uint64(start) + np.uint64(j)
            dst[i] = keep * src[i] + step * v[i] * (r[i] + around[j])


@kernel
def operate(
    dst: Floats, src: Floats, share: float, begin: int, end: int, line: Table, box: Box
) -> tuple[float, float]:
    """Write share r - A src; return the products of src with r, and of dst with src or itself.

    The second is with src where `share` is 0, as in conjugate gradients, else with itself.
    """
    around = np.empty(CHUNK, np.float32)
    r, k = box.mg[R], box.mg[K]
    along = ahead = square = np.float32(0.0)
    for start in range(begin, end, CHUNK):
        count = min(CHUNK, end - start)
        gather(around, src, start, count, np.float32(1.0), line, box)
        for j in range(count):
            i = np.uint64(start) + np.uint64(j)
            c = src[i]
            q = share * r[i] - k[i] * c + around[j]
            q = q if k[i] < FIXED else np.float32(0.0)
            along += r[i] * c
            ahead += q * c
            square += q * q
            dst[i] = q
    return along, ahead if share == 0.0 else square


@kernel
def move(alpha: float, beta: float, begin: int, end: int, box: Box) -> float:
    """Move solution and residual along the new direction, pre-smooth; return |r|^2."""
    r, z, t, v = box.mg[R], box.mg[Z], box.mg[T], box.mg[V]
    x, p, s, w = box.fine[X], box.fine[P], box.fine[S], box.fine[W]
    total, first = np.float32(0.0), np.float32(STEP_ONE)
    for j in range(end - begin):
        i = np.uint64(begin) + np.uint64(j)
        p[i] = t[i] + beta * p[i]
        x[i] += alpha * p[i]
    for j in range(end - begin):
        i = np.uint64(begin) + np.uint64(j)
        q = beta * s[i] - w[i]
        s[i] = q
        q = r[i] - alpha * q
        r[i] = q
        z[i] = first * v[i] * q
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
def restrict_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Restrict the residual in Z to row (z, y) below and start smoothing there."""
    nx, total = line[NX], np.zeros(line[NX] + 1, np.float32)
    fine, r, v = box.mg[Z], box.mg[R], box.mg[V]
    for fz in range(2 * z, min(2 * z + 2, line[NZ])):
        for fy in range(2 * y, min(2 * y + 2, line[NY])):
            at = np.uint64(line[FIRST] + fz * line[PLANE] + fy * line[ROW])
            for j in range(nx):
                total[j] += fine[at + np.uint64(j)]
    at = np.uint64(below[FIRST] + z * below[PLANE] + y * below[ROW])
    weight, first = restriction(line), np.float32(STEP_ONE)
    for j in range(below[NX]):
        i = at + np.uint64(j)
        q = weight * (total[2 * j] + total[2 * j + 1])
        r[i] = q
        fine[i] = first * v[i] * q


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
def sides(line: Table, axis: int) -> tuple[int, int, int, int, int]:
    """Return the stride along `axis` (0 is x), then strides and counts of the two others."""
    if axis == 0:
        return 1, line[PLANE], line[ROW], line[NZ], line[NY]
    if axis == 1:
        return line[ROW], line[PLANE], 1, line[NZ], line[NX]
    return line[PLANE], line[ROW], 1, line[NY], line[NX]


@kernel
def face_factors(hindrance: Floats, faces: Floats, table: Table, periodic: int) -> None:
    """Write the factor of every face: harmonic mean inside, the voxel's own at a wall.

    A coarse face is the mean of the fine faces it is made of.
    """
    faces[:] = 0.0
    line = table[0]
    for axis in range(3):
        if not line[AXES] >> axis & 1:
            continue
        count, f = line[NX - axis], faces[axis]
        step, su, sv, nu, nv = sides(line, axis)
        for u in range(nu):
            for v in range(nv):
                low = line[FIRST] + u * su + v * sv
                start = beside(hindrance, axis, u, v, 0)
                lower = end = beside(hindrance, axis, u, v, count - 1)
                if not periodic >> axis & 1:
                    f[low], f[low + count * step] = start, end
                    lower = np.float32(-1.0)
                for n in range(count):
                    here = beside(hindrance, axis, u, v, n)
                    if lower >= 0.0:
                        f[low + n * step] = 2.0 * lower * here / max(lower + here, FLOOR)
                    lower = here
                if periodic >> axis & 1:
                    f[low + count * step] = f[low]
    for level in range(table.shape[0] - 1):
        for axis in range(3):
            if table[0, AXES] >> axis & 1:
                coarse_faces(faces[axis], axis, table[level], table[level + 1])


@kernel
def beside(hindrance: Floats, axis: int, u: int, v: int, n: int) -> float:
    """Return the hindrance of voxel `n` along `axis`, `u` and `v` along the other two."""
    if axis == 0:
        return hindrance[u, v, n]
    if axis == 1:
        return hindrance[u, n, v]
    return hindrance[n, u, v]


@kernel
def coarse_faces(f: Floats, axis: int, line: Table, below: Table) -> None:
    """Average the faces of one axis onto the next level."""
    count, target = line[NX - axis], below[NX - axis]
    step, su, sv, nu, nv = sides(line, axis)
    to_step, to_su, to_sv, to_nu, to_nv = sides(below, axis)
    whole = np.float32((2 if nu > 1 else 1) * (2 if nv > 1 else 1))
    for u in range(to_nu):
        for v in range(to_nv):
            for n in range(target + 1):
                total = np.float32(0.0)
                for fu in range(2 * u, min(2 * u + 2, nu)):
                    for fv in range(2 * v, min(2 * v + 2, nv)):
                        total += f[line[FIRST] + fu * su + fv * sv + min(2 * n, count) * step]
                f[below[FIRST] + u * to_su + v * to_sv + n * to_step] = total / whole
