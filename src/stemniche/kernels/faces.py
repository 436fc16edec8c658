"""Factors of the faces between voxels where diffusion is hindered, on all levels of a grid.

`fields` calls `face_factors` when the hindrance changes; `stencils` reads the result.
"""

import numpy as np

from stemniche.kernels.jit import kernel
from stemniche.kernels.stencils import AXES, FIRST, FLOOR, LENGTH, NX, Floats, Table, sides


@kernel
def face_factors(hindrance: Floats, faces: Floats, table: Table, periodic: int) -> None:
    """Write the factor of every face: harmonic mean inside, the voxel's own at a wall.

    The face of index i along an axis lies between the voxels i - 1 and i; the ghost above the last
    voxel holds the last face. A coarse face is the mean of the fine faces it is made of.
    """
    faces[:] = 0.0
    length = table[0, LENGTH]
    for axis in range(3):
        if table[0, AXES] >> axis & 1:
            fine_faces(hindrance, faces[axis * length : (axis + 1) * length], axis, table, periodic)
            for level in range(table.shape[0] - 1):
                row = faces[axis * length : (axis + 1) * length]
                coarse_faces(row, axis, table[level], table[level + 1])


@kernel
def fine_faces(hindrance: Floats, f: Floats, axis: int, table: Table, periodic: int) -> None:
    """Write the faces along one axis of the finest level."""
    line, joined = table[0], periodic >> axis & 1
    count = line[NX - axis]
    step, su, sv, nu, nv = sides(line, axis)
    for u in range(nu):
        for v in range(nv):
            low = line[FIRST] + u * su + v * sv
            start, end = beside(hindrance, axis, u, v, 0), beside(hindrance, axis, u, v, count - 1)
            for n in range(1, count):
                f[low + n * step] = harmonic(
                    beside(hindrance, axis, u, v, n - 1), beside(hindrance, axis, u, v, n)
                )
            f[low] = harmonic(start, end) if joined else start
            f[low + count * step] = harmonic(start, end) if joined else end


@kernel
def harmonic(a: float, b: float) -> float:
    """Return the harmonic mean."""
    return np.float32(2.0) * a * b / max(a + b, FLOOR)


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
    count = line[NX - axis]
    step, su, sv, nu, nv = sides(line, axis)
    to_step, to_su, to_sv, to_nu, to_nv = sides(below, axis)
    whole = np.float32((2 if nu > 1 else 1) * (2 if nv > 1 else 1))
    for u in range(to_nu):
        for v in range(to_nv):
            for n in range(below[NX - axis] + 1):
                total = np.float32(0.0)
                for fu in range(2 * u, min(2 * u + 2, nu)):
                    for fv in range(2 * v, min(2 * v + 2, nv)):
                        total += f[line[FIRST] + fu * su + fv * sv + min(2 * n, count) * step]
                f[below[FIRST] + u * to_su + v * to_sv + n * to_step] = total / whole
