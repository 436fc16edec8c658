"""Who is near whom: neighbour lists of cells, built through a grid of bins.

The engine builds one list per tick for contacts; the motion kernels build theirs with
`list_within`, which takes one reach per cell, so that fast cells can look further than others.
A list is full (every pair appears in both rows): each cell sums over its own row and nobody writes
to anybody else's. Rows are in ascending order of index, so a list depends on the cells alone.

Bins are as wide as most cells need. Their cells lie side by side in memory, and a cell is compared
with sixteen of them at once. The few cells of larger reach search a wider window of bins; their
finds are entered in both rows. Since every pair is found from both sides (or noted by the wide
one), rows come out sorted when cells enter themselves, in ascending order, in the rows of those
that they found: no sorting, but that pass runs on one thread.

Limit: cells outside the domain are binned at its edge, which stays correct but slows down when
many are there.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange
from stemniche.kernels.lanes import LANES, bit_count, lowest_bit, near_bits

__all__ = ["SPARE", "build_list", "lacks", "list_within", "touching"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

SPARE = 8

_BLOCK = 256
_ROOM = 32  # neighbours per cell, on average over a block, for which the first attempt has room
_MARGIN = LANES + 3  # places written beyond those used
_MOST_BINS = 1 << 22
_WIDE = 1.5  # a reach of this many times the mean is searched in a wider window
_NEVER = np.float32(np.nan)
_ONE = np.uint64(1)
_THREE = np.uint64(3)


def _bins(domain: Floats, widest: float) -> tuple[Floats, tuple[int, int, int]]:
    """Bins per um along x, y, z and their number along z, y, x, none narrower than `widest`."""
    width = max(widest, 1e-3)
    while True:
        nx, ny, nz = (max(int(float(side) / width), 1) for side in domain)
        if nx * ny * nz <= _MOST_BINS:
            return np.array([nx, ny, nz], np.float32) / domain, (nz, ny, nx)
        width *= 1.5


@kernel
def _sort_into_bins(
    x: Floats,
    y: Floats,
    z: Floats,
    reach: Floats,
    narrow: float,
    n: int,
    per_um: Floats,
    shape: tuple[int, int, int],
    bin_of: Ints,
    start: Ints,
    order: Ints,
    place: Floats,
) -> None:
    """Order the cells by bin, then index, and lay out their coordinates and reaches that way.

    Bin b holds places ``start[b]`` to ``start[b + 1]``; `start` and `place` come filled with 0.
    """
    nz, ny, nx = shape
    for i in range(n):
        ix = min(max(int(x[i] * per_um[0]), 0), nx - 1)
        iy = min(max(int(y[i] * per_um[1]), 0), ny - 1)
        iz = min(max(int(z[i] * per_um[2]), 0), nz - 1)
        b = (iz * ny + iy) * nx + ix
        bin_of[i] = b
        start[b + 2] += 1
    for b in range(nz * ny * nx):
        start[b + 2] += start[b + 1]
    for i in range(n):
        p = start[bin_of[i] + 1]
        start[bin_of[i] + 1] = p + 1
        order[p] = i
        place[0, p], place[1, p], place[2, p], place[3, p] = x[i], y[i], z[i], reach[i]
        place[4, p] = reach[i] if reach[i] <= narrow else _NEVER


@inline
def _take(bits: np.uint64, p: int, order: Ints, room: Ints, used: np.uint64) -> None:
    """Write the cells whose bits are set; three at once, as more are rare."""
    base = np.uint64(p)
    room[used] = order[base + lowest_bit(bits)]
    bits &= bits - _ONE
    room[used + _ONE] = order[base + lowest_bit(bits)]
    bits &= bits - _ONE
    room[used + _ONE + _ONE] = order[base + lowest_bit(bits)]
    bits &= bits - _ONE
    used += _THREE
    while bits != np.uint64(0):
        room[used] = order[base + lowest_bit(bits)]
        bits &= bits - _ONE
        used += _ONE


@inline
def _runs(b: int, m: int, shape: tuple[int, int, int], start: Ints, runs: Longs) -> int:
    """Places of the cells in the window of `m` bins around bin b, row by row; how many rows."""
    nz, ny, nx = shape
    ix, iy, iz = b % nx, (b // nx) % ny, b // (nx * ny)
    count = 0
    for jz in range(max(iz - m, 0), min(iz + m + 1, nz)):
        for jy in range(max(iy - m, 0), min(iy + m + 1, ny)):
            row = (jz * ny + jy) * nx
            runs[count, 0] = start[row + max(ix - m, 0)]
            runs[count, 1] = start[row + min(ix + m + 1, nx)]
            count += 1
    return count


@kernel
def _find(
    first: int,
    last: int,
    per_um: Floats,
    shape: tuple[int, int, int],
    largest: float,
    bin_of: Ints,
    start: Ints,
    order: Ints,
    place: Floats,
    length: Ints,
    row_start: Longs,
    row_base: int,
    room: Ints,
) -> int:
    """Find the neighbours of the cells at places `first` to `last`; room needed."""
    used = np.uint64(0)
    limit = np.uint64(room.size - _MARGIN)
    most_per_um = max(per_um[0], max(per_um[1], per_um[2]))
    widest = 2 * (int(2.0 * largest * most_per_um) + 1) + 1
    runs = np.empty((widest * widest, 2), np.int64)
    count, last_bin, last_m = 0, -1, 0
    for q in range(first, last):
        i = order[q]
        x, y, z, reach = place[0, q], place[1, q], place[2, q], place[3, q]
        line, m = 4, 1
        if place[4, q] != reach:
            line, m = 3, int((reach + largest) * most_per_um) + 1
        if bin_of[i] != last_bin or m != last_m:
            last_bin, last_m = bin_of[i], m
            count = _runs(last_bin, m, shape, start, runs)
        before = used
        for r in range(count):
            p, end = runs[r, 0], runs[r, 1]
            while p < end:
                bits = near_bits(place, line, p, x, y, z, reach)
                if end - p < LANES:
                    bits &= (_ONE << np.uint64(end - p)) - _ONE
                if p <= q and q < p + LANES:
                    bits &= ~(_ONE << np.uint64(q - p))
                if used <= limit:
                    _take(bits, p, order, room, used)
                used += bit_count(bits)
                p += LANES
        length[i] = used - before
        row_start[i] = row_base + np.int64(before)
    return int(np.int64(used)) + _MARGIN


@parallel_kernel
def _find_all(
    n: int,
    per_um: Floats,
    shape: tuple[int, int, int],
    largest: float,
    bin_of: Ints,
    start: Ints,
    order: Ints,
    place: Floats,
    length: Ints,
    row_start: Longs,
    room: Ints,
    used: Longs,
) -> None:
    """Find all neighbours; `used` tells the room that each block needs, a row of `room`."""
    for block in prange(room.shape[0]):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
        base = block * room.shape[1]
        used[block] = _find(
            first, last, per_um, shape, largest, bin_of, start, order, place, length, row_start,
            base, room[block],
        )  # fmt: skip


@kernel
def _row_ends(n: int, wide: NDArray[np.bool_], length: Ints, row_start: Longs, room: Ints) -> Longs:
    """Where each row starts once wide cells are entered in the rows of narrow ones."""
    ptr = np.zeros(n + 1, np.int64)
    for i in range(n):
        ptr[i + 1] += length[i]
        if wide[i]:
            for p in range(row_start[i], row_start[i] + length[i]):
                ptr[room[p] + 1] += not wide[room[p]]
    for i in range(n):
        ptr[i + 1] += ptr[i]
    return ptr


@inline
def _insert(idx: Ints, first: int, last: int, value: int) -> None:
    """Insert `value` into the ascending stretch from `first` up to, not including, `last`."""
    while last > first and idx[last - 1] > value:
        idx[last] = idx[last - 1]
        last -= 1
    idx[last] = value


@kernel
def _enter(
    n: int,
    wide: NDArray[np.bool_],
    length: Ints,
    row_start: Longs,
    room: Ints,
    ptr: Longs,
    idx: Ints,
) -> None:
    """Turn what each cell found into rows in ascending order."""
    free = ptr.copy()
    for i in range(n):
        for p in range(row_start[i], row_start[i] + length[i]):
            j = room[p]
            if wide[i]:
                _insert(idx, ptr[i], ptr[i] + p - row_start[i], j)
            if not (wide[i] and wide[j]):
                idx[free[j]] = i
                free[j] += 1


def list_within(
    x: Floats, y: Floats, z: Floats, reach: Floats, n: int, domain: Floats
) -> tuple[Longs, Ints]:
    """Neighbour list of the first `n` cells, each with a reach of its own.

    Args:
        x, y, z: Positions, um.
        reach: Cells i and j are neighbours when their centres are nearer than
            ``reach[i] + reach[j]``, um.
        n: Cells in use; the arrays may be longer.
        domain: Size of the box along x, y, z, um; a flat tissue has one thin z.

    Returns:
        ``ptr`` int64[n+1] and ``idx`` int32[ptr[n] + SPARE]: row i is ``idx[ptr[i]:ptr[i+1]]``,
        ascending. The zeros at the end let kernels read rows in chunks.
    """
    if n == 0:
        return np.zeros(1, np.int64), np.zeros(SPARE, np.int32)
    largest = float(reach[:n].max())
    narrow = min(largest, _WIDE * float(reach[:n].mean(dtype=np.float64)))
    per_um, shape = _bins(domain, 2.0 * narrow)
    bin_of, start = np.empty(n, np.int32), np.zeros(math.prod(shape) + 2, np.int32)
    order, place = np.zeros(n + 64 + LANES, np.int32), np.zeros((5, n + LANES), np.float32)
    _sort_into_bins(x, y, z, reach, narrow, n, per_um, shape, bin_of, start, order, place)
    length, row_start, wide = np.empty(n, np.int32), np.empty(n, np.int64), reach[:n] > narrow
    used, size = np.full(-(-n // _BLOCK), _BLOCK * _ROOM, np.int64), 0
    while used.max() > size:
        size = int(used.max())
        room = np.empty((used.size, size), np.int32)
        _find_all(
            n, per_um, shape, largest, bin_of, start, order, place, length, row_start, room, used
        )
    found = room.reshape(-1)
    ptr = _row_ends(n, wide, length, row_start, found)
    idx = np.zeros(ptr[n] + SPARE, np.int32)
    _enter(n, wide, length, row_start, found, ptr, idx)
    return ptr, idx


def build_list(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    n: int,
    domain: Floats,
    reach: float,
    allowance: Floats | float,
) -> tuple[Longs, Ints]:
    """Neighbour list of the first `n` cells: all that may come to touch.

    Cells i and j are neighbours when their centres are nearer than
    ``reach * (r_i + r_j) + allowance_i + allowance_j``.

    Args:
        x, y, z: Positions, um.
        radius: um.
        n: Cells in use; the arrays may be longer.
        domain: Size of the box along x, y, z, um; a flat tissue has one thin z.
        reach: Multiple of the sum of the radii.
        allowance: Movement, um, that the list bears, of all cells or of each.

    Returns:
        The same as `list_within`.
    """
    bears = allowance[:n] if isinstance(allowance, np.ndarray) else allowance
    each = np.float32(reach) * radius[:n] + np.float32(bears)
    return list_within(x, y, z, each, n, np.asarray(domain, np.float32))


@kernel
def lacks(place: Floats, cells: Ints, near: Floats, ptr: Longs, idx: Ints) -> bool:
    """Whether one of a few cells is about to touch another that is not in its row of the list.

    Args:
        place: float32[n, 4], x, y, z and radius, um.
        cells: The few.
        near: Of each of them, the gap to another that it may close soon, um.
        ptr, idx: From `build_list`.
    """
    for c in range(cells.size):
        i = cells[c]
        for j in range(place.shape[0]):
            dx, dy = place[i, 0] - place[j, 0], place[i, 1] - place[j, 1]
            dz = place[i, 2] - place[j, 2]
            apart = place[i, 3] + place[j, 3] + near[c]
            if dx * dx + dy * dy + dz * dz < apart * apart and j != i:
                known = False
                for p in range(ptr[i], ptr[i + 1]):
                    known |= idx[p] == j
                if not known:
                    return True
    return False


@parallel_kernel
def _touching(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    touch: np.float32,
    row: Longs,
    found: Ints,
) -> None:
    """Write each block's finds from where its part of the list starts, and where each row starts
    when they lie side by side.
    """
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        used = ptr[block * _BLOCK]
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            before = used
            xi, yi, zi, ri = x[i], y[i], z[i], radius[i]
            for p in range(ptr[i], ptr[i + 1]):
                j = np.uint32(idx[p])
                dx, dy, dz = xi - x[j], yi - y[j], zi - z[j]
                apart = touch * (ri + radius[j])
                found[used] = j  # overwritten unless it counts: a branch would be a coin toss
                used += np.int64(dx * dx + dy * dy + dz * dz < apart * apart)
            row[i + 1] = used - before
    for i in range(n):
        row[i + 1] += row[i]


@parallel_kernel
def _side_by_side(ptr: Longs, found: Ints, n: int, row: Longs, out: Ints) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        first, last = block * _BLOCK, min((block + 1) * _BLOCK, n)
        shift = ptr[first] - row[first]
        for p in range(row[first], row[last]):
            out[p] = found[p + shift]


def touching(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    touch_factor: float,
) -> tuple[Longs, Ints]:
    """Those of a list's neighbours that touch now, in the same form as the list.

    Args:
        x, y, z, radius: um.
        ptr, idx: From `build_list`.
        n: Cells in use.
        touch_factor: Cells touch when nearer than this multiple of the sum of their radii.
    """
    row, found = np.zeros(n + 1, np.int64), np.empty(idx.size + 1, np.int32)
    _touching(x, y, z, radius, ptr, idx, n, np.float32(touch_factor), row, found)
    kept = np.empty(row[n], np.int32)
    _side_by_side(ptr, found, n, row, kept)
    return row, kept
