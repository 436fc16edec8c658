"""Conjugate gradients with one multigrid V-cycle: the linear solver under the field kernels.

`fields` builds one elliptic problem per substance in the buffers described here and calls
`conjugate`. Nothing in this module knows about substances, time steps or units: it solves
``kappa u - sum_f f (u_n - u) = r`` on a box of voxels, where a neighbour outside the box counts as
0 (`kappa` carries what the wall really does) and voxels with `kappa` >= `FIXED` keep their value.

Every voxel array has one ghost layer, so that each pass is a flat loop over a contiguous range of
memory. Passes run in blocks of fixed size, each with its own partial sum, hence the same bits for
any number of threads. A coarse level halves each axis longer than one voxel; the last coarse voxel
of an odd axis has one fine layer. Rows of a coarse level are scaled so that the face between two
voxels of an unhindered grid is 1 on every level: in `a` coarsened axes restriction is
``2^(2 - a)`` times the sum over children, prolongation is constant.

Source: preconditioning by an over-relaxed piecewise-constant Galerkin coarse operator follows
Braess (doi:10.1007/BF02238511); the recurrences with one reduction point are those of Chronopoulos
and Gear (doi:10.1016/0377-0427(89)90045-9).
"""

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import kernel, parallel_kernel, prange

__all__ = ["BLOCK", "FIXED", "blocks", "conjugate", "face_factors", "level_table", "residual"]

FIXED = np.float32(1e30)
BLOCK = 4096  # voxels of one pass and one partial sum
CHUNK = 1024  # voxels whose neighbour sums sit in the first-level cache
FORK = 8  # passes of fewer blocks are not worth waking other threads

# Columns of the level table.
NZ, NY, NX, ROW, PLANE, FIRST, LAST, AXES = range(8)
# Rows of the multigrid buffer (all levels) and of the buffer of the finest level.
R, Z, T, K, V = range(5)
X, P, S, W = range(4)

# Two damped Jacobi sweeps whose product is small on the upper spectrum (0.4, 2) of D^-1 A.
STEP_ONE, STEP_TWO = np.float32(1 / 1.95), np.float32(1 / 0.9)

SMOOTH, RESTRICT, PROLONG, START, MATVEC, UPDATE, RESIDUAL, COARSEN, INVERT = range(9)


def level_table(shape: tuple[int, int, int]) -> tuple[npt.NDArray[np.int64], int]:
    """Return the table of levels (one row each, finest first) and the length of one buffer row.

    Args:
        shape: Voxels along z, y, x; an axis of one voxel carries no flux and is never coarsened.
    """
    nz, ny, nx = shape
    rows, offset = [], 0
    while True:
        row, ghosts = nx + 2, 1 if nz > 1 else 0
        plane = row * (ny + 2)
        first = offset + ghosts * plane + row + 1
        last = first + (nz - 1) * plane + (ny - 1) * row + nx
        axes = (nx > 1) + 2 * (ny > 1) + 4 * (nz > 1)
        rows.append((nz, ny, nx, row, plane, first, last, axes))
        offset += plane * (nz + 2 * ghosts)
        if axes == 0:
            return np.array(rows, np.int64), offset
        nz, ny, nx = (nz + 1) // 2, (ny + 1) // 2, (nx + 1) // 2


def blocks(shape: tuple[int, int, int]) -> int:
    """Return how many blocks, hence partial sums, the longest pass has."""
    table, _ = level_table(shape)
    flat = -(-int(table[0, LAST] - table[0, FIRST]) // BLOCK)
    return max(flat, shape[0] * shape[1], 1)


@kernel
def neighbour_sum(out, v, start, count, axes, row, plane, faces, plain):  # type: ignore[no-untyped-def]
    """Write sum_f f v_n of `count` voxels from flat index `start` on into `out`."""
    one, dy, dz, at = np.uint64(1), np.uint64(row), np.uint64(plane), np.uint64(start)
    if plain and axes == 7:
        for j in range(count):
            i = at + np.uint64(j)
            out[j] = v[i - one] + v[i + one] + v[i - dy] + v[i + dy] + v[i - dz] + v[i + dz]
        return
    if plain and axes == 3:
        for j in range(count):
            i = at + np.uint64(j)
            out[j] = v[i - one] + v[i + one] + v[i - dy] + v[i + dy]
        return
    out[:count] = 0.0
    for axis in range(3):
        if not (axes >> axis) & 1:
            continue
        step = one if axis == 0 else (dy if axis == 1 else dz)
        if plain:
            for j in range(count):
                i = at + np.uint64(j)
                out[j] += v[i - step] + v[i + step]
        else:
            f = faces[axis]
            for j in range(count):
                i = at + np.uint64(j)
                out[j] += f[i] * v[i - step] + f[i + step] * v[i + step]


@kernel
def laplacian(out, v, start, count, axes, row, plane, faces, plain):  # type: ignore[no-untyped-def]
    """Write sum_f f (v_n - v): as `neighbour_sum`, but exact where neighbours are nearly equal."""
    one, dy, dz, at = np.uint64(1), np.uint64(row), np.uint64(plane), np.uint64(start)
    if plain and axes == 7:
        for j in range(count):
            i = at + np.uint64(j)
            c = v[i]
            flat = (v[i - one] - c) + (v[i + one] - c) + (v[i - dy] - c) + (v[i + dy] - c)
            out[j] = flat + (v[i - dz] - c) + (v[i + dz] - c)
        return
    if plain and axes == 3:
        for j in range(count):
            i = at + np.uint64(j)
            c = v[i]
            out[j] = (v[i - one] - c) + (v[i + one] - c) + (v[i - dy] - c) + (v[i + dy] - c)
        return
    out[:count] = 0.0
    for axis in range(3):
        if not (axes >> axis) & 1:
            continue
        step = one if axis == 0 else (dy if axis == 1 else dz)
        f = faces[axis]
        for j in range(count):
            i = at + np.uint64(j)
            lower = v[i - step] - v[i]
            upper = v[i + step] - v[i]
            if plain:
                out[j] += lower + upper
            else:
                out[j] += f[i] * lower + f[i + step] * upper


