"""Reference mode of the fields: locally one-dimensional implicit steps, many and tiny.

The scheme of BioFVM (Ghaffarizadeh et al. 2016, doi:10.1093/bioinformatics/btv730), for comparison
with programs that use it: each step solves diffusion and an equal share of decay along x, then y,
then z (Thomas algorithm), imposes fixed voxels after each sweep, then lets cells supply and remove.
Splitting leaves a bias of first order in the step that does not fade at the steady state. Like its
model it knows neither hindered diffusion nor periodic axes; `fields.advance` is the solver to use.
"""

from typing import NamedTuple

import numpy as np

from stemniche.kernels.fields import FieldProblem, check_fields
from stemniche.kernels.jit import kernel, parallel_kernel, prange
from stemniche.kernels.rows import Given, Substance, holds, saturates, wall_ratio
from stemniche.kernels.stencils import Floats

PLANES, COLUMNS, EXCHANGE, AGAIN = (np.int64(n) for n in range(4))
FAINTEST = np.float32(1e-30)  # levels stay above the range in which arithmetic is slow
SIDE_BY_SIDE = 16  # recurrences along x that run at once, as each one alone waits for itself


class Line(NamedTuple):
    """What one substance needs for its lines: per step conductance, drive of walls, pivots."""

    conduct: float
    drive: float
    dt: float
    alone: float
    held: bool
    saturable: bool
    along_x: Floats
    along_y: Floats
    along_z: Floats


def advance_lod(fields: Floats, problem: FieldProblem, minutes: float, step: float) -> None:
    """Advance all substances by `minutes` in steps of about `step` minutes, in place.

    Args:
        fields: float32 [s, z, y, x].
        problem: As for `fields.advance`; every substance is taken as transient.
        minutes: Time to advance.
        step: Wanted length of a step; the nearest that divides `minutes` is used.

    Raises:
        ValueError: The problem has hindrance or periodic axes, or does not fit the fields.
    """
    if problem.hindrance is not None or any(problem.periodic):
        raise ValueError("the reference mode has neither hindrance nor periodic axes")
    check_fields(fields, problem)
    steps = max(1, round(minutes / step))
    run(fields, problem.given, minutes / steps, steps)


@kernel
def run(fields: Floats, given: Given, dt: float, steps: int) -> None:
    """Make all steps of one substance before the next, so that it stays in the cache."""
    count, nz, ny, nx = fields.shape
    for s in range(count):
        axes = (nx > 1) + (ny > 1) + (nz > 1)
        conduct = dt * given.diffusivity[s] / given.spacing**2
        substance = Substance(s, fields, given)
        ratio = wall_ratio(substance)
        wall = 0.0 if ratio < 0.0 else conduct / (0.5 + ratio)
        share = dt * given.decay[s] / max(axes, 1)
        line = Line(
            np.float32(conduct), np.float32(wall * given.wall_value[s]), np.float32(dt),
            np.float32(1.0 / (1.0 + share) if axes == 0 else 1.0), holds(substance),
            saturates(substance),
            pivots(nx, conduct, wall, share), pivots(ny, conduct, wall, share),
            pivots(nz, conduct, wall, share),
        )  # fmt: skip
        for step in range(steps):
            sweep(AGAIN if step else PLANES, nz, s, fields, given, line)
            sweep(COLUMNS, ny, s, fields, given, line)
        sweep(EXCHANGE, nz, s, fields, given, line)


@kernel
def pivots(count: int, conduct: float, wall: float, share: float) -> Floats:
    """Return the inverse pivots of one line; empty if it has a single voxel."""
    found = np.empty(count if count > 1 else 0, np.float32)
    before = 0.0
    for n in range(found.size):
        end = n == 0 or n == count - 1
        diagonal = 1.0 + share + (conduct + wall if end else 2.0 * conduct)
        before = 1.0 / (diagonal - conduct * conduct * before)
        found[n] = before
    return found


@parallel_kernel
def sweep(task: int, count: int, s: int, fields: Floats, given: Given, line: Line) -> None:
    """Solve along x and y in every plane, or along z above every row.

    The exchange with cells that ends a step shares the next step's pass over the planes.
    """
    for n in prange(count):
        if task == COLUMNS:
            column(s, np.int64(n), fields, given, line)
        else:
            if task != PLANES:
                exchange(s, np.int64(n), fields, given, line)
            if task != EXCHANGE:
                plane(s, np.int64(n), fields, given, line)


@kernel
def plane(s: int, z: int, fields: Floats, given: Given, line: Line) -> None:
    """Solve along x, then y, in one plane."""
    _, _, ny, nx = fields.shape
    flat = fields[s, z].reshape(ny * nx)
    if line.along_x.size:
        for y in range(0, ny, SIDE_BY_SIDE):
            sweep_rows(flat, y * nx, nx, min(SIDE_BY_SIDE, ny - y), line)
        if line.held:
            impose(s, z, 0, ny, fields, given)
    if line.along_y.size:
        sweep_lines(flat, 0, nx, nx, line, line.along_y)
        if line.held:
            impose(s, z, 0, ny, fields, given)


@kernel
def column(s: int, y: int, fields: Floats, given: Given, line: Line) -> None:
    """Solve along z above one row."""
    _, nz, ny, nx = fields.shape
    if line.along_z.size:
        sweep_lines(fields[s].reshape(nz * ny * nx), y * nx, ny * nx, nx, line, line.along_z)
        for z in range(nz if line.held else 0):
            impose(s, z, y, y + 1, fields, given)


@kernel
def sweep_rows(flat: Floats, start: int, nx: int, rows: int, line: Line) -> None:
    """Solve `rows` lines along x side by side."""
    pivot, conduct, last = line.along_x, line.conduct, nx - 1
    for k in range(rows):
        at = start + k * nx
        flat[at] = (flat[at] + line.drive) * pivot[0]
        flat[at + last] += line.drive
    if rows == SIDE_BY_SIDE:
        for n in range(1, nx):
            for k in range(SIDE_BY_SIDE):
                at = np.uint64(start + k * nx + n)
                flat[at] = (flat[at] + conduct * flat[at - np.uint64(1)]) * pivot[n]
        for n in range(last, 0, -1):
            back = conduct * pivot[n - 1]
            for k in range(SIDE_BY_SIDE):
                at = np.uint64(start + k * nx + n)
                flat[at - np.uint64(1)] += back * flat[at]
    else:
        for n in range(1, nx):
            for k in range(rows):
                at = np.uint64(start + k * nx + n)
                flat[at] = (flat[at] + conduct * flat[at - np.uint64(1)]) * pivot[n]
        for n in range(last, 0, -1):
            back = conduct * pivot[n - 1]
            for k in range(rows):
                at = np.uint64(start + k * nx + n)
                flat[at - np.uint64(1)] += back * flat[at]


@kernel
def sweep_lines(
    flat: Floats, start: int, stride: int, width: int, line: Line, pivot: Floats
) -> None:
    """Solve `width` neighbouring lines whose voxels are `stride` apart."""
    last, conduct, drive = pivot.size - 1, line.conduct, line.drive
    low, high = np.uint64(start), np.uint64(start + last * stride)
    for j in range(width):
        flat[low + np.uint64(j)] = (flat[low + np.uint64(j)] + drive) * pivot[0]
        flat[high + np.uint64(j)] += drive
    for n in range(1, last + 1):
        here, before, p = (
            np.uint64(start + n * stride),
            np.uint64(start + (n - 1) * stride),
            pivot[n],
        )
        for j in range(width):
            i = np.uint64(j)
            flat[here + i] = (flat[here + i] + conduct * flat[before + i]) * p
    for n in range(last, 0, -1):
        here, before = np.uint64(start + n * stride), np.uint64(start + (n - 1) * stride)
        back = conduct * pivot[n - 1]
        for j in range(width):
            i = np.uint64(j)
            flat[before + i] += back * flat[here + i]


@kernel
def impose(s: int, z: int, first: int, last: int, fields: Floats, given: Given) -> None:
    """Set the voxels of fixed level in some rows of a plane."""
    level = np.float32(given.fixed_value[s])
    for y in range(first, last):
        row, held = fields[s, z, y], given.fixed[z, y]
        for x in range(row.size):  # without a branch: becomes vector code
            row[x] = level if held[x] else row[x]


@kernel
def exchange(s: int, z: int, fields: Floats, given: Given, line: Line) -> None:
    """Supply and remove in one plane; saturable uptake is frozen at the present level."""
    one, dt, alone = np.float32(1.0), line.dt, line.alone
    for y in range(fields.shape[2]):
        row, supply, sink = fields[s, z, y], given.supply[s, z, y], given.sink[s, z, y]
        if not line.saturable:
            for j in range(row.size):
                level = (alone * row[j] + dt * supply[j]) / (one + dt * sink[j])
                row[j] = max(level, FAINTEST)
            continue
        for j in range(row.size):
            removal = sink[j]
            for m in range(given.mm_index.size):
                if given.mm_index[m] == s:
                    removal += given.mm_vmax[m, z, y, j] / (np.float32(given.mm_km[m]) + row[j])
            row[j] = max((alone * row[j] + dt * supply[j]) / (one + dt * removal), FAINTEST)
    if line.held:
        impose(s, z, 0, fields.shape[2], fields, given)
