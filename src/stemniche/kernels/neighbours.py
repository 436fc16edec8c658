"""Who is near whom: neighbour lists of cells, built through a grid of bins.

The engine builds one list per tick for contacts, and the motion kernels build theirs. A list is
full (every pair appears in both rows), so that each cell can sum over its own row without writing
to anybody else's. Rows are in ascending order of index.

A bin is at least as wide as the longest distance searched, so all neighbours of a cell lie in its
own bin and the bins around it. Their coordinates are copied once per bin into a small buffer that
stays in the first-level cache, and every cell of the bin is compared with the whole buffer in one
vector loop.

Limits: cells outside the domain are binned at its edge, which stays correct but slows down when
many are there. The bin width follows the largest radius, so one giant cell slows everybody.
"""

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange

__all__ = ["build_list"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_BLOCK = 256
_EXPECTED = 32  # neighbours per cell for which the first attempt has room, on average over a block
_MOST_BINS = 1 << 22


@inline
def _bin_of(
    x: np.float32, y: np.float32, z: np.float32, per_um: Floats, shape: tuple[int, int, int]
) -> int:
    nz, ny, nx = shape
    ix = min(max(int(x * per_um[0]), 0), nx - 1)
    iy = min(max(int(y * per_um[1]), 0), ny - 1)
    iz = min(max(int(z * per_um[2]), 0), nz - 1)
    return (iz * ny + iy) * nx + ix


@kernel
def _bins(domain: Floats, widest: float) -> tuple[Floats, tuple[int, int, int]]:
    """Bins per um along x, y, z and their number along z, y, x, none narrower than `widest`."""
    width = max(widest, 1e-3)
    while True:
        nx = max(int(domain[0] / width), 1)
        ny = max(int(domain[1] / width), 1)
        nz = max(int(domain[2] / width), 1)
        if nx * ny * nz <= _MOST_BINS:
            break
        width *= 1.5
    per_um = np.empty(3, np.float32)
    per_um[0], per_um[1], per_um[2] = nx / domain[0], ny / domain[1], nz / domain[2]
    return per_um, (nz, ny, nx)


@kernel
def _sort_into_bins(
    x: Floats, y: Floats, z: Floats, n: int, per_um: Floats, shape: tuple[int, int, int]
) -> tuple[Ints, Ints, Ints]:
    """Bin of every cell, first place of every bin, cells in order of bin, then index."""
    bins = shape[0] * shape[1] * shape[2]
    bin_of = np.empty(n, np.int32)
    start = np.zeros(bins + 2, np.int32)
    for i in range(n):
        b = _bin_of(x[i], y[i], z[i], per_um, shape)
        bin_of[i] = b
        start[b + 2] += 1
    for b in range(bins):
        start[b + 2] += start[b + 1]
    order = np.empty(n, np.int32)
    for i in range(n):
        place = start[bin_of[i] + 1]
        order[place] = i
        start[bin_of[i] + 1] = place + 1
    return bin_of, start, order


@inline
def _count_around(iz: int, iy: int, ix: int, shape: tuple[int, int, int], start: Ints) -> int:
    nz, ny, nx = shape
    count = 0
    for jz in range(max(iz - 1, 0), min(iz + 2, nz)):
        for jy in range(max(iy - 1, 0), min(iy + 2, ny)):
            row = (jz * ny + jy) * nx
            count += start[row + min(ix + 2, nx)] - start[row + max(ix - 1, 0)]
    return count


@inline
def _gather_around(
    iz: int,
    iy: int,
    ix: int,
    shape: tuple[int, int, int],
    start: Ints,
    order: Ints,
    place: Floats,
    near: Floats,
    near_index: Ints,
) -> None:
    """Copy the cells of a bin and of the bins around it into the buffer."""
    nz, ny, nx = shape
    count = 0
    for jz in range(max(iz - 1, 0), min(iz + 2, nz)):
        for jy in range(max(iy - 1, 0), min(iy + 2, ny)):
            row = (jz * ny + jy) * nx
            first, last = start[row + max(ix - 1, 0)], start[row + min(ix + 2, nx)]
            for k in range(4):
                for p in range(first, last):
                    near[k, count + p - first] = place[k, p]
            for p in range(first, last):
                near_index[count + p - first] = order[p]
            count += last - first


@inline
def _compare(
    x: np.float32,
    y: np.float32,
    z: np.float32,
    reach: np.float32,
    near: Floats,
    count: int,
    hit: Ints,
) -> None:
    """Mark the cells of the buffer that lie within reach."""
    for c in range(count):
        dx, dy, dz = near[0, c] - x, near[1, c] - y, near[2, c] - z
        both = near[3, c] + reach
        hit[c] = np.int32(dx * dx + dy * dy + dz * dz < both * both)


@inline
def _take_row(near_index: Ints, hit: Ints, count: int, itself: int, row: Ints) -> int:
    """Collect the marked indices except `itself` in ascending order; their number."""
    k = 0
    for c in range(count):
        row[k] = near_index[c]
        k += hit[c] & np.int32(near_index[c] != itself)
    for a in range(1, k):
        value = row[a]
        b = a
        while b > 0 and row[b - 1] > value:
            row[b] = row[b - 1]
            b -= 1
        row[b] = value
    return k


@kernel
def _block_rows(
    first: int,
    last: int,
    shape: tuple[int, int, int],
    start: Ints,
    order: Ints,
    bin_of: Ints,
    place: Floats,
    length: Ints,
    at: Longs,
    room: Ints,
) -> int:
    """Rows of the cells at places `first` to `last`, packed into `room`; entries needed."""
    nz, ny, nx = shape
    near, near_index = np.empty((4, 256), np.float32), np.empty(256, np.int32)
    hit, row = np.empty(256, np.int32), np.empty(257, np.int32)
    used, p = 0, first
    while p < last:
        b = bin_of[order[p]]
        ix, iy, iz = b % nx, (b // nx) % ny, b // (nx * ny)
        count = _count_around(iz, iy, ix, shape, start)
        if count > hit.size:
            near, near_index = np.empty((4, 2 * count), np.float32), np.empty(2 * count, np.int32)
            hit, row = np.empty(2 * count, np.int32), np.empty(2 * count + 1, np.int32)
        _gather_around(iz, iy, ix, shape, start, order, place, near, near_index)
        end = min(start[b + 1], last)
        for q in range(p, end):
            i = order[q]
            _compare(place[0, q], place[1, q], place[2, q], place[3, q], near, count, hit)
            k = _take_row(near_index, hit, count, i, row)
            length[i] = k
            at[i] = used
            if used + k <= room.size:
                room[used : used + k] = row[:k]
            used += k
        p = end
    return used


@parallel_kernel
def build_list(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    n: int,
    domain: Floats,
    reach: float,
    skin: float,
) -> tuple[Longs, Ints]:
    """Neighbour list of the first `n` cells.

    Args:
        x, y, z: Positions, um.
        radius: um.
        domain: Size of the box along x, y, z, um; a flat tissue has one thin z.
        reach: Cells i and j are neighbours when their centres are nearer than
            ``reach * (r_i + r_j) + skin``.
        skin: um.

    Returns:
        ``ptr`` int64[n+1] and ``idx`` int32: row i is ``idx[ptr[i]:ptr[i+1]]``.
    """
    blocks = (n + _BLOCK - 1) // _BLOCK
    largest = np.float32(0.0)
    for i in range(n):
        largest = max(largest, radius[i])
    per_um, shape = _bins(domain, 2.0 * reach * largest + skin)
    bin_of, start, order = _sort_into_bins(x, y, z, n, per_um, shape)
    place = np.empty((4, n), np.float32)
    scale, half = np.float32(reach), np.float32(0.5 * skin)
    for block in prange(blocks):
        for p in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            i = order[p]
            place[0, p], place[1, p], place[2, p] = x[i], y[i], z[i]
            place[3, p] = scale * radius[i] + half
    length, at = np.empty(n, np.int32), np.empty(n, np.int64)
    used = np.zeros(blocks, np.int64)
    room = np.empty((blocks, _BLOCK * _EXPECTED), np.int32)
    while True:
        for block in prange(blocks):
            last = min((block + 1) * _BLOCK, n)
            used[block] = _block_rows(
                block * _BLOCK, last, shape, start, order, bin_of, place, length, at, room[block]
            )
        most = 0
        for block in range(blocks):
            most = max(most, used[block])
        if most <= room.shape[1]:
            break
        room = np.empty((blocks, most), np.int32)
    ptr = np.empty(n + 1, np.int64)
    ptr[0] = 0
    for i in range(n):
        ptr[i + 1] = ptr[i] + length[i]
    idx = np.empty(ptr[n], np.int32)
    for block in prange(blocks):
        for p in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            i = order[p]
            source = at[i]
            for k in range(length[i]):
                idx[ptr[i] + k] = room[block, source + k]
    return ptr, idx
