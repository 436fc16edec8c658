"""What cells sense and leave behind: fields at their voxel, gradients, contacts, deposits.

Voxels are numbered as fields are stored, ``(z * ny + y) * nx + x``. Functions that sum over the
cells of a voxel expect cells sorted by voxel; functions that sum over neighbours expect the list of
those that touch, from `neighbours.touching`. Every sum runs over one cell's row, or one
voxel's cells, in a fixed order.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange

__all__ = [
    "compression",
    "count_contacts",
    "cue_direction",
    "deposit",
    "gather",
    "neighbour_mean",
    "neighbour_sum",
    "voxel_index",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]
Shape = tuple[int, int, int]

_BLOCK = 1024
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_FAINTEST = np.float32(1e-4)  # relative change per voxel that is told from the noise of a solver
_PLACES_2D, _PLACES_3D = np.float32(6.0), np.float32(12.0)


@parallel_kernel
def _voxels(
    x: Floats, y: Floats, z: Floats, n: int, spacing: np.float32, shape: Shape, out: Ints
) -> None:
    nz, ny, nx = shape
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            ix = min(max(int(x[i] / spacing), 0), nx - 1)
            iy = min(max(int(y[i] / spacing), 0), ny - 1)
            iz = min(max(int(z[i] / spacing), 0), nz - 1)
            out[i] = (iz * ny + iy) * nx + ix


def voxel_index(x: Floats, y: Floats, z: Floats, n: int, spacing: float, shape: Shape) -> Ints:
    """Voxel of each of the first `n` cells, int32; outside the box, the nearest voxel.

    Args:
        x, y, z: Positions, um.
        spacing: Edge of a voxel, um.
        shape: Voxels along z, y, x.
    """
    out = np.empty(n, np.int32)
    _voxels(x, y, z, n, np.float32(spacing), shape, out)
    return out


@parallel_kernel
def gather(fields: Floats, voxel: Ints, n: int, out: Floats) -> None:
    """Level of every substance at each cell: ``out[s, i] = fields[s, voxel[i]]``."""
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for s in range(fields.shape[0]):
            for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
                out[s, i] = fields[s, np.uint32(voxel[i])]


@inline
def _slope(field: Floats, v: int, at: int, count: int, step: int, joined: bool) -> np.float32:
    """Change per voxel along one axis: central, one-sided at a wall."""
    if joined:
        below = v - step if at > 0 else v + (count - 1) * step
        above = v + step if at + 1 < count else v - (count - 1) * step
        return _HALF * (field[above] - field[below])
    lower = v - step if at > 0 else v
    upper = v + step if at + 1 < count else v
    apart = np.float32(int(at > 0) + int(at + 1 < count))
    return (field[upper] - field[lower]) / max(apart, _ONE)


@parallel_kernel
def _cues(
    fields: Floats,
    which: Ints,
    weight: Floats,
    scale: Floats,
    voxel: Ints,
    n: int,
    shape: Shape,
    joined: bool,
    gx: Floats,
    gy: Floats,
    gz: Floats,
) -> None:
    nz, ny, nx = shape
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            v = voxel[i]
            ix, iy, iz = v % nx, (v // nx) % ny, v // (nx * ny)
            sx, sy, sz = _ZERO, _ZERO, _ZERO
            for k in range(which.size):
                w = weight[k, i]
                if w != _ZERO:
                    field = fields[which[k]]
                    w = w / max(field[v] + scale[k], np.float32(1e-30))
                    sx += w * _slope(field, v, ix, nx, 1, False)
                    sy += w * _slope(field, v, iy, ny, nx, False)
                    sz += w * _slope(field, v, iz, nz, nx * ny, joined)
            length = np.float32(math.sqrt(sx * sx + sy * sy + sz * sz))
            per_length = _ONE / length if length > _FAINTEST else _ZERO
            gx[i], gy[i], gz[i] = sx * per_length, sy * per_length, sz * per_length


def cue_direction(
    fields: Floats,
    which: Ints,
    weight: Floats,
    scale: Floats,
    voxel: Ints,
    n: int,
    shape: Shape,
    spacing: float,
    joined: bool,
    gx: Floats,
    gy: Floats,
    gz: Floats,
) -> None:
    """Direction in which each cell's cues together grow, a unit vector or 0.

    Each cue counts with its relative change per voxel, ``g * spacing / (level + scale)``, times
    the cell's weight; a negative weight repels. A sum below 1e-4 is no direction.

    Args:
        fields: float32[S, V].
        which: int32[k]: rows of `fields`.
        weight: float32[k, capacity].
        scale: float32[k]: levels below which a cell cannot tell a change, in the field's unit.
        voxel: int32: voxel of each cell.
        n: Cells in use.
        shape: Voxels along z, y, x.
        spacing: Edge of a voxel, um; it cancels out.
        joined: Whether the two faces along z meet.
        gx, gy, gz: Get the direction.
    """
    _cues(fields, which, weight, scale, voxel, n, shape, joined, gx, gy, gz)


@parallel_kernel
def _deposit(values: Floats, voxel_ptr: Longs, factor: float, out: Floats) -> None:
    voxels = voxel_ptr.size - 1
    for block in prange((voxels + _BLOCK - 1) // _BLOCK):
        for v in range(block * _BLOCK, min((block + 1) * _BLOCK, voxels)):
            total = 0.0
            for i in range(voxel_ptr[v], voxel_ptr[v + 1]):
                total += values[i]
            out[v] += np.float32(factor * total)


def deposit(values: Floats, voxel_ptr: Longs, n: int, factor: float, out: Floats) -> None:
    """Add to each voxel of `out` `factor` times the sum of `values` over its cells.

    Args:
        values: float32, one per cell.
        voxel_ptr: int64[V+1] from `lifecycle.canonical_order` for the `n` cells.
        n: Cells in use.
        factor: Turns the cells' unit into the field's, 1 / voxel volume for example.
        out: float32[V].

    Sums are in float64 and in the order of the cells.
    """
    _deposit(values[:n], voxel_ptr, float(factor), out)


@kernel
def _block_contacts(
    first: int,
    last: int,
    group_of_type: Marks,
    kind: Marks,
    alive: Marks,
    ptr: Longs,
    idx: Ints,
    places: np.float32,
    out: Floats,
    crowding: Floats,
) -> None:
    groups = group_of_type.shape[1]
    seen = np.empty(groups, np.int32)
    for i in range(first, last):
        seen[:] = 0
        for p in range(ptr[i], ptr[i + 1]):
            j = np.uint32(idx[p])
            if alive[j] != 0:
                for g in range(groups):
                    seen[g] += group_of_type[kind[j], g]
        crowding[i] = min(np.float32(ptr[i + 1] - ptr[i]) / places, _ONE)
        for g in range(groups):
            out[g, i] = seen[g]


@parallel_kernel
def _contacts(
    group_of_type: Marks,
    kind: Marks,
    alive: Marks,
    ptr: Longs,
    idx: Ints,
    n: int,
    places: np.float32,
    out: Floats,
    crowding: Floats,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        _block_contacts(
            block * _BLOCK, min((block + 1) * _BLOCK, n), group_of_type, kind, alive, ptr, idx,
            places, out, crowding,
        )  # fmt: skip


def count_contacts(
    group_of_type: Marks,
    kind: Marks,
    alive: Marks,
    ptr: Longs,
    idx: Ints,
    n: int,
    flat: bool,
    out: Floats,
    crowding: Floats,
) -> None:
    """Live touching neighbours of each cell by group, and the share of contact places taken.

    Args:
        group_of_type: uint8[T, G]: 1 where a type belongs to a group.
        kind, alive: uint8 per cell: its type, and whether it counts for groups.
        ptr, idx: Touching neighbours, from `touching`.
        n: Cells in use.
        flat: Whether the cells lie in one plane, where each has 6 places and not 12.
        out: float32[G, capacity]: gets the numbers.
        crowding: float32: gets touching cells, dead ones too, over the places; at most 1.
    """
    places = _PLACES_2D if flat else _PLACES_3D
    _contacts(group_of_type, kind, alive, ptr, idx, n, places, out, crowding)


@parallel_kernel
def _compression(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    places: np.float32,
    period: np.float32,
    out: Floats,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            total = _ZERO
            for p in range(ptr[i], ptr[i + 1]):
                j = np.uint32(idx[p])
                dx, dy, dz = x[i] - x[j], y[i] - y[j], abs(z[i] - z[j])
                dz = min(dz, abs(period - dz))
                distance = np.float32(math.sqrt(dx * dx + dy * dy + dz * dz))
                total += max(_ONE - distance / (radius[i] + radius[j]), _ZERO)
            out[i] = min(total / places, _ONE)


def compression(
    x: Floats,
    y: Floats,
    z: Floats,
    radius: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    flat: bool,
    period: float,
    out: Floats,
) -> None:
    """How much shorter than the sum of their radii contacts are, in the mean over a cell's places.

    Args:
        x, y, z, radius: um.
        period: Depth at which the faces of a slab meet, um; infinite where they do not.
        out: float32: gets 0 where no cells overlap; at most 1.

    The other arguments are those of `count_contacts`. Dead cells press like living ones.
    """
    places = _PLACES_2D if flat else _PLACES_3D
    _compression(x, y, z, radius, ptr, idx, n, places, np.float32(period), out)


@parallel_kernel
def _neighbour_total(
    value: Floats,
    mask: Marks,
    ptr: Longs,
    idx: Ints,
    n: int,
    averaged: bool,
    out: Floats,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            total, count = _ZERO, _ZERO
            for p in range(ptr[i], ptr[i + 1]):
                j = np.uint32(idx[p])
                if mask[j]:
                    total += value[j]
                    count += _ONE
            out[i] = total / max(count, _ONE) if averaged else total


def neighbour_mean(
    value: Floats,
    mask: Marks,
    ptr: Longs,
    idx: Ints,
    n: int,
    out: Floats,
) -> None:
    """Mean of `value` over the touching neighbours whose `mask` is 1; 0 without any.

    The other arguments are those of `count_contacts`.
    """
    _neighbour_total(value, mask, ptr, idx, n, True, out)


def neighbour_sum(
    value: Floats,
    mask: Marks,
    ptr: Longs,
    idx: Ints,
    n: int,
    out: Floats,
) -> None:
    """Sum of `value` over the touching neighbours whose `mask` is 1.

    The other arguments are those of `count_contacts`.
    """
    _neighbour_total(value, mask, ptr, idx, n, False, out)
