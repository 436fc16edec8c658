"""Reference mode of the fields: locally one-dimensional implicit steps, many and tiny.

The scheme of BioFVM (Ghaffarizadeh et al. 2016, doi:10.1093/bioinformatics/btv730), for comparison
with programs that use it: each step solves diffusion and an equal share of decay along x, then y,
then z (Thomas algorithm), imposes fixed voxels after each sweep, then lets cells supply and remove.
Splitting leaves a bias of first order in the step that does not fade at the steady state. Like its
model it knows neither hindered diffusion nor periodic axes; `fields.advance` is the solver to use.
"""

import numpy as np

from stemniche.kernels.fields import FieldProblem
from stemniche.kernels.jit import kernel, parallel_kernel, prange
from stemniche.kernels.rows import Given, Substance, holds, wall_ratio
from stemniche.kernels.stencils import Floats

SIDE_BY_SIDE = 8  # recurrences along x that run at once, as each one alone waits for itself


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
    if fields.shape != problem.given.supply.shape or fields.dtype != np.float32:
        raise ValueError(f"fields must be float32 {problem.given.supply.shape}, not {fields.shape}")
    steps = max(1, round(minutes / step))
    run(fields, problem.given, minutes / steps, steps)


@kernel
def run(fields: Floats, given: Given, dt: float, steps: int) -> None:
    """Make all steps of one substance before the next, so that it stays in the cache."""
    count, nz, ny, nx = fields.shape
    for s in range(count):
        substance = Substance(s, fields, given)
        axes = (nx > 1) + (ny > 1) + (nz > 1)
        conduct = np.float32(dt * given.diffusivity[s] / given.spacing**2)
        ratio = wall_ratio(substance)
        wall = 0.0 if ratio < 0.0 else conduct / (0.5 + ratio)
        share = dt * given.decay[s] / max(axes, 1)
        alone = np.float32(1.0 / (1.0 + share) if axes == 0 else 1.0)
        along = factors(nx, conduct, wall, share), factors(ny, conduct, wall, share)
        across = factors(nz, conduct, wall, share)
        drive = np.float32(wall * given.wall_value[s])
        for _ in range(steps):
            sweep_planes(s, fields, given, conduct, drive, *along)
            sweep_columns(s, fields, given, conduct, drive, across, np.float32(dt), alone)


@kernel
def factors(count: int, conduct: float, wall: float, share: float) -> Floats:
    """Return the inverse pivots of one line; empty if it has a single voxel."""
    pivots = np.empty(count if count > 1 else 0, np.float32)
    before = 0.0
    for n in range(pivots.size):
        end = n == 0 or n == count - 1
        diagonal = 1.0 + share + (conduct + wall if end else 2.0 * conduct)
        before = 1.0 / (diagonal - conduct * conduct * before)
        pivots[n] = before
    return pivots


@parallel_kernel
def sweep_planes(
    s: int, fields: Floats, given: Given, conduct: float, drive: float, x: Floats, y: Floats
) -> None:
    """Solve along x, then y, in every plane."""
    for z in prange(fields.shape[1]):
        plane = fields[s, z]
        if x.size:
            sweep_x(plane, conduct, drive, x)
            impose(s, z, 0, plane.shape[0], fields, given)
        if y.size:
            sweep_lines(plane, conduct, drive, y)
            impose(s, z, 0, plane.shape[0], fields, given)


@kernel
def sweep_x(plane: Floats, conduct: float, drive: float, pivots: Floats) -> None:
    """Solve the lines along x, some of them side by side."""
    ny, nx = plane.shape
    for y in range(0, ny, SIDE_BY_SIDE):
        some = plane[y : y + SIDE_BY_SIDE]
        some[:, 0] += drive
        some[:, nx - 1] += drive
        some[:, 0] *= pivots[0]
        if some.shape[0] == SIDE_BY_SIDE:
            for n in range(1, nx):
                for k in range(SIDE_BY_SIDE):
                    some[k, n] = (some[k, n] + conduct * some[k, n - 1]) * pivots[n]
            for n in range(nx - 1, 0, -1):
                back = conduct * pivots[n - 1]
                for k in range(SIDE_BY_SIDE):
                    some[k, n - 1] += back * some[k, n]
        else:
            for k in range(some.shape[0]):
                for n in range(1, nx):
                    some[k, n] = (some[k, n] + conduct * some[k, n - 1]) * pivots[n]
                for n in range(nx - 1, 0, -1):
                    some[k, n - 1] += conduct * pivots[n - 1] * some[k, n]


@kernel
def sweep_lines(lines: Floats, conduct: float, drive: float, pivots: Floats) -> None:
    """Solve along the first axis of [n, x], all x at once."""
    count, width = lines.shape
    first, last = lines[0], lines[count - 1]
    for j in range(width):
        first[j] = (first[j] + drive) * pivots[0]
        last[j] += drive
    for n in range(1, count):
        here, before, pivot = lines[n], lines[n - 1], pivots[n]
        for j in range(width):
            here[j] = (here[j] + conduct * before[j]) * pivot
    for n in range(count - 1, 0, -1):
        here, before, back = lines[n], lines[n - 1], conduct * pivots[n - 1]
        for j in range(width):
            before[j] += back * here[j]


@parallel_kernel
def sweep_columns(
    s: int, fields: Floats, given: Given, conduct: float, drive: float, pivots: Floats, dt: float,
    alone: float,
) -> None:  # fmt: skip
    """Solve along z above every row, then let cells supply and remove."""
    for y in prange(fields.shape[2]):
        if pivots.size:
            sweep_lines(fields[s, :, y], conduct, drive, pivots)
        for z in range(fields.shape[1]):
            if pivots.size:
                impose(s, z, y, y + 1, fields, given)
            exchange(s, z, y, fields, given, dt, alone)
            impose(s, z, y, y + 1, fields, given)


@kernel
def impose(s: int, z: int, first: int, last: int, fields: Floats, given: Given) -> None:
    """Set the voxels of fixed level in some rows of a plane."""
    if holds(Substance(s, fields, given)):
        for y in range(first, last):
            for x in range(fields.shape[3]):
                if given.fixed[z, y, x]:
                    fields[s, z, y, x] = given.fixed_value[s]


@kernel
def exchange(s: int, z: int, y: int, fields: Floats, given: Given, dt: float, alone: float) -> None:
    """Supply and remove in one row; saturable uptake is frozen at the present level."""
    row, supply, sink = fields[s, z, y], given.supply[s, z, y], given.sink[s, z, y]
    saturable = np.zeros(row.size, np.float32)
    for m in range(given.mm_index.size):
        if given.mm_index[m] == s:
            vmax, km = given.mm_vmax[m, z, y], np.float32(given.mm_km[m])
            for j in range(row.size):
                saturable[j] += vmax[j] / (km + row[j])
    for j in range(row.size):
        gain = alone * row[j] + dt * supply[j]
        row[j] = gain / (np.float32(1.0) + dt * (sink[j] + saturable[j]))
