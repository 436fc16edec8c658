"""Point passes on a box of voxels: operator, smoothing, transfer between grid levels.

`passes` runs them, `rows` fills the buffers. They know nothing about substances, time steps or
units: the system is ``kappa u - sum_f f (u_n - u) = r`` with one factor `f` per face. A neighbour
outside the box counts as 0 (`kappa` carries what the wall really does) and a voxel with `kappa` >=
`FIXED` stays as it is.

All voxel arrays are rows of one flat buffer: calls get by with one array, and one layer of ghosts
(0, FIXED, or wrapped along periodic axes) makes most passes a single loop over contiguous memory.
Indices are unsigned, else the compiler guards against negative ones and does not vectorise. A
coarse level halves each axis longer than one voxel; the last coarse voxel of an odd axis has one
fine layer. Coarse rows are scaled so that an unhindered face is 1 on every level: with `a` axes
halved, restriction is 2^(2 - a) times the sum over the children. Prolongation is constant.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import lean_kernel

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Table = npt.NDArray[np.int64]

FIXED = np.float32(1e30)
BLOCK = 4096  # voxels of one pass, and of one partial sum
FORK = 8  # a pass of fewer blocks is not worth waking other threads
ANCHOR = np.float32(3.0)  # what a voxel of fixed value adds to the `kappa` of its coarse voxel
FLOOR = np.float32(1e-30)

# Rows of the buffer: residual, three stages of the iterate, kappa, 1 / diagonal, sums over
# neighbours; of the finest level only: solution, search direction p, A p, minus A on the iterate.
R, Z, T, U, K, V, G, X, P, S, W = range(11)
ROLES = 11
# Columns of the level table: voxels, strides, first and last interior voxel of the level within a
# row of the buffer, axes longer than one voxel (bits x, y, z), start of each row of the buffer.
NZ, NY, NX, ROW, PLANE, FIRST, LAST, AXES, LENGTH, AT = range(10)

# Two damped Jacobi sweeps: the Chebyshev points of (0.5, 1.96), the upper spectrum of D^-1 A.
STEP_ONE, STEP_TWO = 1 / 1.746, 1 / 0.714


class Box(NamedTuple):
    """Buffers and facts of one linear system, passed through all kernels.

    Args:
        mem: The buffer, `ROLES` rows of all levels each.
        faces: Factor of the face below a voxel along x, y, z; three rows as in `mem`, and three
            more for each further kind of hindrance until one is chosen for a substance.
        table: One row per level, see `level_table`.
        sums: [blocks, 4] partial sums.
        plain: All faces are 1, `faces` is not read.
        periodic: Bit 0, 1, 2 for x, y, z.
        threads: How many to share each pass among; 0 inside a parallel loop.
    """

    mem: Floats
    faces: Floats
    table: Table
    sums: Doubles
    plain: bool
    periodic: int
    threads: int


def level_table(shape: tuple[int, int, int]) -> Table:
    """Return the table of levels, one row each, finest first.

    Args:
        shape: Voxels along z, y, x. An axis of one voxel carries no flux.
    """
    nz, ny, nx = shape
    levels, offset, ghosts = [], 0, int(nz > 1)
    while True:
        row = nx + 2
        plane = row * (ny + 2)
        first = offset + ghosts * plane + row + 1
        last = first + (nz - 1) * plane + (ny - 1) * row + nx
        axes = (nx > 1) + 2 * (ny > 1) + 4 * (nz > 1)
        levels.append((nz, ny, nx, row, plane, first, last, axes))
        offset += plane * (nz + 2 * ghosts)
        if axes == 0:
            break
        nz, ny, nx = (nz + 1) // 2, (ny + 1) // 2, (nx + 1) // 2
    length = -(-offset // 1024) * 1024 + 64  # rows apart in the sets of the cache
    starts = (length, *(role * length for role in range(ROLES)))
    return np.array([level + starts for level in levels], np.int64)


def empty_buffers(slots: int, table: Table) -> Floats:
    """Return [slots, ROLES * length]: buffers of that many systems, with their ghosts."""
    length = int(table[0, LENGTH])
    mem = np.zeros((slots, ROLES * length), np.float32)
    mem[:, K * length : (K + 1) * length] = FIXED
    return mem


def partial_sums(table: Table) -> int:
    """Return how many blocks the longest pass has."""
    nz, ny, nx = (int(n) for n in table[0, :3])
    flat = -(-int(table[0, LAST] - table[0, FIRST]) // BLOCK)
    return max(flat, -(-nz * ny // max(1, BLOCK // nx)))


@lean_kernel
def gather(start: int, source: int, shift: float, count: int, line: Table, box: Box) -> None:
    """Write sum_f f (v_n - shift v) into G: any axes, any faces."""
    mem, faces = box.mem, box.faces
    g, s = np.uint64(line[AT + G] + start), np.uint64(line[AT + source] + start)
    for j in range(count):
        mem[g + np.uint64(j)] = 0.0
    for axis in range(3):
        step = np.uint64(1 if axis == 0 else (line[ROW] if axis == 1 else line[PLANE]))
        f = np.uint64(axis * line[LENGTH] + start)
        if not (line[AXES] >> axis) & 1:
            continue
        if box.plain:
            for j in range(count):
                i = s + np.uint64(j)
                c = shift * mem[i]
                mem[g + np.uint64(j)] += (mem[i - step] - c) + (mem[i + step] - c)
        else:
            for j in range(count):
                i, u = s + np.uint64(j), np.uint64(j)
                c = shift * mem[i]
                lower = faces[f + u] * (mem[i - step] - c)
                mem[g + u] += lower + faces[f + u + step] * (mem[i + step] - c)


@lean_kernel
def smooth(
    target: int, source: int, step: float, start: int, count: int, line: Table, box: Box
) -> None:
    """One damped Jacobi sweep over `count` voxels from `start` in their row of the buffer."""
    mem, faces, keep, axes = box.mem, box.faces, np.float32(1.0) - step, line[AXES]
    d, s = np.uint64(line[AT + target] + start), np.uint64(line[AT + source] + start)
    r, v = np.uint64(line[AT + R] + start), np.uint64(line[AT + V] + start)
    one, dy, dz = np.uint64(1), np.uint64(line[ROW]), np.uint64(line[PLANE])
    fx, fy = np.uint64(start), np.uint64(line[LENGTH] + start)
    fz = np.uint64(2 * line[LENGTH] + start)
    if box.plain and axes == 7:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            flat = mem[i - one] + mem[i + one] + mem[i - dy] + mem[i + dy]
            total = mem[r + u] + flat + mem[i - dz] + mem[i + dz]
            mem[d + u] = keep * mem[i] + step * mem[v + u] * total
    elif box.plain and axes == 3:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            total = mem[r + u] + mem[i - one] + mem[i + one] + mem[i - dy] + mem[i + dy]
            mem[d + u] = keep * mem[i] + step * mem[v + u] * total
    elif axes == 7:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            flat = faces[fx + u] * mem[i - one] + faces[fx + u + one] * mem[i + one]
            flat += faces[fy + u] * mem[i - dy] + faces[fy + u + dy] * mem[i + dy]
            total = mem[r + u] + flat + faces[fz + u] * mem[i - dz]
            total += faces[fz + u + dz] * mem[i + dz]
            mem[d + u] = keep * mem[i] + step * mem[v + u] * total
    elif axes == 3:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            total = mem[r + u] + faces[fx + u] * mem[i - one] + faces[fx + u + one] * mem[i + one]
            total += faces[fy + u] * mem[i - dy] + faces[fy + u + dy] * mem[i + dy]
            mem[d + u] = keep * mem[i] + step * mem[v + u] * total
    else:
        gather(start, source, np.float32(0.0), count, line, box)
        g = np.uint64(line[AT + G] + start)
        for j in range(count):
            u = np.uint64(j)
            mem[d + u] = keep * mem[s + u] + step * mem[v + u] * (mem[r + u] + mem[g + u])


@lean_kernel
def operate(
    target: int, source: int, right: int, share: float, start: int, count: int, line: Table,
    box: Box,
) -> tuple[float, float]:  # fmt: skip
    """Write share right - A source.

    Returns the product of source with right, and that of target with source (share 0, as in
    conjugate gradients) or with itself. The bound on the sum of differences, never met, keeps the
    compiler from adding the number of neighbours to `kappa`, which may be a millionth of it.
    """
    mem, faces, axes = box.mem, box.faces, line[AXES]
    d, s = np.uint64(line[AT + target] + start), np.uint64(line[AT + source] + start)
    r, k = np.uint64(line[AT + right] + start), np.uint64(line[AT + K] + start)
    one, dy, dz = np.uint64(1), np.uint64(line[ROW]), np.uint64(line[PLANE])
    fx, fy = np.uint64(start), np.uint64(line[LENGTH] + start)
    fz, zero = np.uint64(2 * line[LENGTH] + start), np.float32(0.0)
    along = ahead = square = zero
    if box.plain and axes == 7:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            c = mem[i]
            flat = (mem[i - one] - c) + (mem[i + one] - c) + (mem[i - dy] - c) + (mem[i + dy] - c)
            flat = max(flat + (mem[i - dz] - c) + (mem[i + dz] - c), -FIXED)
            q = share * mem[r + u] - mem[k + u] * c + flat
            q = q if mem[k + u] < FIXED else zero
            along += mem[r + u] * c
            ahead += q * c
            square += q * q
            mem[d + u] = q
    elif box.plain and axes == 3:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            c = mem[i]
            flat = (mem[i - one] - c) + (mem[i + one] - c) + (mem[i - dy] - c) + (mem[i + dy] - c)
            q = share * mem[r + u] - mem[k + u] * c + max(flat, -FIXED)
            q = q if mem[k + u] < FIXED else zero
            along += mem[r + u] * c
            ahead += q * c
            square += q * q
            mem[d + u] = q
    elif axes == 7:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            c = mem[i]
            flat = faces[fx + u] * (mem[i - one] - c) + faces[fx + u + one] * (mem[i + one] - c)
            flat += faces[fy + u] * (mem[i - dy] - c) + faces[fy + u + dy] * (mem[i + dy] - c)
            flat += faces[fz + u] * (mem[i - dz] - c) + faces[fz + u + dz] * (mem[i + dz] - c)
            q = share * mem[r + u] - mem[k + u] * c + max(flat, -FIXED)
            q = q if mem[k + u] < FIXED else zero
            along += mem[r + u] * c
            ahead += q * c
            square += q * q
            mem[d + u] = q
    elif axes == 3:
        for j in range(count):
            u, i = np.uint64(j), s + np.uint64(j)
            c = mem[i]
            flat = faces[fx + u] * (mem[i - one] - c) + faces[fx + u + one] * (mem[i + one] - c)
            flat += faces[fy + u] * (mem[i - dy] - c) + faces[fy + u + dy] * (mem[i + dy] - c)
            q = share * mem[r + u] - mem[k + u] * c + max(flat, -FIXED)
            q = q if mem[k + u] < FIXED else zero
            along += mem[r + u] * c
            ahead += q * c
            square += q * q
            mem[d + u] = q
    else:
        gather(start, source, np.float32(1.0), count, line, box)
        g = np.uint64(line[AT + G] + start)
        for j in range(count):
            u = np.uint64(j)
            c = mem[s + u]
            q = share * mem[r + u] - mem[k + u] * c + mem[g + u]
            q = q if mem[k + u] < FIXED else zero
            along += mem[r + u] * c
            ahead += q * c
            square += q * q
            mem[d + u] = q
    return along, ahead if share == zero else square


@lean_kernel
def update(
    alpha: float, beta: float, start: int, count: int, line: Table, box: Box
) -> tuple[float, float]:
    """Move solution and residual along the new direction, pre-smooth; return r r and sum r."""
    mem, first = box.mem, np.float32(STEP_ONE)
    square = total = np.float32(0.0)
    x, p = np.uint64(line[AT + X] + start), np.uint64(line[AT + P] + start)
    s, w = np.uint64(line[AT + S] + start), np.uint64(line[AT + W] + start)
    r, z = np.uint64(line[AT + R] + start), np.uint64(line[AT + Z] + start)
    t, v = np.uint64(line[AT + U] + start), np.uint64(line[AT + V] + start)
    if beta == np.float32(0.0):  # the first direction; old ones may not be numbers
        for j in range(count):
            u = np.uint64(j)
            mem[p + u] = mem[t + u]
            mem[s + u] = -mem[w + u]
    else:
        for j in range(count):
            u = np.uint64(j)
            mem[p + u] = mem[t + u] + beta * mem[p + u]
            mem[s + u] = beta * mem[s + u] - mem[w + u]
    for j in range(count):
        u = np.uint64(j)
        mem[x + u] += alpha * mem[p + u]
        q = mem[r + u] - alpha * mem[s + u]
        mem[r + u] = q
        square += q * q
        total += q
    for j in range(count):
        u = np.uint64(j)
        mem[z + u] = first * mem[v + u] * mem[r + u]
    return square, total


@lean_kernel
def invert(start: int, count: int, line: Table, box: Box) -> None:
    """Write the inverse of the diagonal, 0 where a voxel keeps its value, and start smoothing."""
    mem, faces, axes, one = box.mem, box.faces, line[AXES], np.float32(1.0)
    k, v = np.uint64(line[AT + K] + start), np.uint64(line[AT + V] + start)
    r, z = np.uint64(line[AT + R] + start), np.uint64(line[AT + Z] + start)
    around = np.float32(2 * ((axes & 1) + (axes >> 1 & 1) + (axes >> 2 & 1)) if box.plain else 0)
    for j in range(count):
        mem[v + np.uint64(j)] = mem[k + np.uint64(j)] + around
    for axis in range(0 if box.plain else 3):
        step = np.uint64(1 if axis == 0 else (line[ROW] if axis == 1 else line[PLANE]))
        f = np.uint64(axis * line[LENGTH] + start)
        if (axes >> axis) & 1:
            for j in range(count):
                u = np.uint64(j)
                mem[v + u] += faces[f + u] + faces[f + u + step]
    for j in range(count):
        u = np.uint64(j)
        q = mem[v + u]
        q = one / q if (q > np.float32(0.0)) & (q < np.float32(0.5) * FIXED) else np.float32(0.0)
        mem[v + u] = q
        mem[z + u] = np.float32(STEP_ONE) * q * mem[r + u]


@lean_kernel
def restriction(line: Table) -> float:
    """Return the factor of restriction from this level: 2^(2 - a), `a` axes being halved."""
    axes = line[AXES]
    halved = (axes & 1) + (axes >> 1 & 1) + (axes >> 2 & 1)
    return np.float32(4.0 / (1 << halved))


@lean_kernel
def children(z: int, y: int, line: Table) -> tuple[int, int, int, float, float]:
    """Return where the fine rows of coarse row (z, y) lie, and whether each pair is complete.

    The first index, then the offsets to the other row and the other plane (0 if there is none) and
    their weights, 0 or 1.
    """
    start = line[FIRST] + 2 * z * line[PLANE] + 2 * y * line[ROW]
    has_row, has_plane = 2 * y + 1 < line[NY], 2 * z + 1 < line[NZ]
    one, zero = np.float32(1.0), np.float32(0.0)
    return (
        start,
        line[ROW] if has_row else 0,
        line[PLANE] if has_plane else 0,
        one if has_row else zero,
        one if has_plane else zero,
    )


@lean_kernel
def restrict_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Restrict the residual in U to row (z, y) below and start smoothing there in Z."""
    mem, weight, first = box.mem, restriction(line), np.float32(STEP_ONE)
    start, row, plane, wy, wz = children(z, y, line)
    a = np.uint64(line[AT + U] + start)
    b, c = a + np.uint64(row), a + np.uint64(plane)
    d, one = c + np.uint64(row), np.uint64(1)
    coarse = below[FIRST] + z * below[PLANE] + y * below[ROW]
    r, zc = np.uint64(below[AT + R] + coarse), np.uint64(below[AT + Z] + coarse)
    v, pairs = np.uint64(below[AT + V] + coarse), line[NX] // 2
    for j in range(pairs):
        u, i = np.uint64(j), np.uint64(2 * j)
        near = mem[a + i] + mem[a + i + one] + wy * (mem[b + i] + mem[b + i + one])
        far = mem[c + i] + mem[c + i + one] + wy * (mem[d + i] + mem[d + i + one])
        mem[r + u] = weight * (near + wz * far)
    if line[NX] % 2:
        u, i = np.uint64(pairs), np.uint64(2 * pairs)
        mem[r + u] = weight * (mem[a + i] + wy * mem[b + i] + wz * (mem[c + i] + wy * mem[d + i]))
    for j in range(below[NX]):
        u = np.uint64(j)
        mem[zc + u] = first * mem[v + u] * mem[r + u]


@lean_kernel
def prolong_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Add row (z, y) of the coarse iterate U, widened in G, to the fine iterate T."""
    mem, one, zero, nx = box.mem, np.uint64(1), np.float32(0.0), line[NX]
    coarse = np.uint64(below[AT + U] + below[FIRST] + z * below[PLANE] + y * below[ROW])
    start, row, plane, wy, wz = children(z, y, line)
    g = np.uint64(line[AT + G] + start)
    for j in range(below[NX]):
        c, i = mem[coarse + np.uint64(j)], g + np.uint64(2 * j)
        mem[i] = c
        mem[i + one] = c
    for child in range(4):
        if (child & 1 and wy == zero) or (child & 2 and wz == zero):
            continue
        to = start + (child & 1) * row + (child >> 1) * plane
        t, v = np.uint64(line[AT + T] + to), np.uint64(line[AT + V] + to)
        for j in range(nx):
            i = np.uint64(j)
            mem[t + i] += mem[g + i] if mem[v + i] > zero else zero


@lean_kernel
def coarsen_row(z: int, y: int, line: Table, below: Table, box: Box) -> None:
    """Sum `kappa` of the children of coarse row (z, y); G is above 0 if any is free."""
    mem, weight, zero, one = box.mem, restriction(line), np.float32(0.0), np.uint64(1)
    coarse = below[FIRST] + z * below[PLANE] + y * below[ROW]
    kc, gc = np.uint64(below[AT + K] + coarse), np.uint64(below[AT + G] + coarse)
    for j in range(below[NX]):
        mem[kc + np.uint64(j)] = zero
        mem[gc + np.uint64(j)] = zero
    for fz in range(2 * z, min(2 * z + 2, line[NZ])):
        for fy in range(2 * y, min(2 * y + 2, line[NY])):
            k = np.uint64(line[AT + K] + line[FIRST] + fz * line[PLANE] + fy * line[ROW])
            for j in range(line[NX] // 2):
                u = np.uint64(j)
                a, b = mem[k + u + u], mem[k + u + u + one]
                mem[kc + u] += (a if a < FIXED else ANCHOR) + (b if b < FIXED else ANCHOR)
                mem[gc + u] += FIXED - min(a, b)
            if line[NX] % 2:
                u = np.uint64(line[NX] // 2)
                a = mem[k + u + u]
                mem[kc + u] += a if a < FIXED else ANCHOR
                mem[gc + u] += FIXED - min(a, FIXED)
    for j in range(below[NX]):
        u = np.uint64(j)
        mem[kc + u] = weight * mem[kc + u] if mem[gc + u] > zero else FIXED


@lean_kernel
def sides(line: Table, axis: int) -> tuple[int, int, int, int, int]:
    """Return the stride along `axis` (0 is x), then strides and counts of the two others."""
    if axis == 0:
        return 1, line[PLANE], line[ROW], line[NZ], line[NY]
    if axis == 1:
        return line[ROW], line[PLANE], 1, line[NZ], line[NX]
    return line[PLANE], line[ROW], 1, line[NY], line[NX]
