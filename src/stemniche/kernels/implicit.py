"""One implicit step of one substance: fills the linear system, has it solved, draws up the balance.

`fields.advance` calls `advance_all`; `multigrid` solves. Time, decay, sources, sinks, walls and
saturable uptake are known here and nowhere below. Rows are multiplied by h^2 / D, so that an
unhindered face is 1; a substance that does not diffuse is solved voxel by voxel.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import kernel, parallel_kernel, prange
from stemniche.kernels.multigrid import FORK, conjugate, prepare, residual
from stemniche.kernels.stencils import (
    AXES,
    BLOCK,
    FIRST,
    FIXED,
    NX,
    NY,
    NZ,
    PLANE,
    ROW,
    Box,
    Doubles,
    Floats,
    K,
    R,
    Table,
    X,
    sides,
)

FIXED_LEVEL, FAR_FIELD = 1, 2  # kinds of wall; 0 is no flux
TIGHTER = 0.1  # a solution is this much closer than the tolerance that asks for one
TANGENTS = 8  # linearisations of saturable uptake in one step
INEXACT = 0.05  # how far each of them but the last is solved
FAINT = 1e-3  # weight of the bare level in the size that residuals are compared with

# Numpy integers: the compiler would specialise on Python's.
FILL, AGAIN, SETTLE, ENTER, LEAVE = (np.int64(n) for n in range(5))
SOLVED, ITERATIONS, RESIDUAL, SUPPLIED, REMOVED, WALLS, CHANGE, CLIPPED = range(8)


class Given(NamedTuple):
    """The arrays of a `FieldProblem`, as the compiler sees them."""

    spacing: float
    diffusivity: Doubles
    decay: Doubles
    quasi_steady: npt.NDArray[np.bool_]
    supply: Floats
    sink: Floats
    mm_index: Table
    mm_vmax: Floats
    mm_km: Doubles
    wall_kind: Table
    wall_length: Doubles
    wall_value: Doubles
    fixed: npt.NDArray[np.uint8]
    fixed_value: Doubles


class Rules(NamedTuple):
    """When to solve, and how far."""

    tolerance: float
    most: int
    oldest: float


@kernel
def holds(s: int, given: Given) -> bool:
    """Return whether some voxels have a fixed level of substance `s`."""
    return given.fixed.size > 0 and not np.isnan(given.fixed_value[s])


@kernel
def scale_of(s: int, given: Given) -> float:
    """Return h^2 / D, minutes."""
    return given.spacing * given.spacing / given.diffusivity[s]


@kernel
def wall_ratio(s: int, given: Given) -> float:
    """Return the length from the wall to the outer level in voxels, negative without flux."""
    if given.wall_kind[s] == FIXED_LEVEL:
        return 0.0
    if given.wall_kind[s] == FAR_FIELD:
        return given.wall_length[s] / given.spacing
    return -1.0


@kernel
def fill_rows(
    s: int, block: int, again: bool, rate: float, fields: Floats, given: Given, box: Box
) -> None:
    """Write solution, `kappa` without walls and right-hand side of a block of rows.

    The level to linearise at is the field itself or, `again`, the solution found so far. Sums are
    the squares of source, turnover and level.
    """
    line, x, k, r = box.table[0], box.fine[X], box.mg[K], box.mg[R]
    ny, nx, group = line[NY], line[NX], field_rows(line)
    scale = np.float32(scale_of(s, given))
    base, held = np.float32(given.decay[s] + rate), holds(s, given)
    rate, zero = np.float32(rate), np.float32(0.0)
    sums = np.zeros(3, np.float64)
    for row in range(block * group, min(line[NZ] * ny, (block + 1) * group)):
        z, y = row // ny, row % ny
        at = np.uint64(line[FIRST] + z * line[PLANE] + y * line[ROW])
        old, supply, sink = fields[s, z, y], given.supply[s, z, y], given.sink[s, z, y]
        for j in range(nx):
            i = at + np.uint64(j)
            x[i] = max(x[i], zero) if again else old[j]
            k[i] = scale * (base + sink[j])
            r[i] = scale * (supply[j] + rate * old[j])
        for m in range(given.mm_index.size):
            if given.mm_index[m] == s:
                add_tangent(given.mm_vmax[m, z, y], np.float32(given.mm_km[m]), scale, at, box)
        if held:
            level = np.float32(given.fixed_value[s])
            for j in range(nx):
                i = at + np.uint64(j)
                if given.fixed[z, y, j]:
                    x[i], k[i], r[i] = level, FIXED, zero
        source = turnover = bare = zero
        for j in range(nx):
            i = at + np.uint64(j)
            source += r[i] * r[i]
            spent = k[i] * x[i] if k[i] < FIXED else zero
            turnover += spent * spent
            bare += x[i] * x[i]
        sums[0] += source
        sums[1] += turnover
        sums[2] += bare
    box.sums[block, :3] = sums
    box.sums[block, 3] = 0.0


@kernel
def add_tangent(vmax: Floats, km: float, scale: float, at: int, box: Box) -> None:
    """Add the tangent of vmax c / (km + c) at the present level of a row."""
    x, k, r = box.fine[X], box.mg[K], box.mg[R]
    for j in range(vmax.size):
        i = at + np.uint64(j)
        share = np.float32(1.0) / (km + x[i])
        part = x[i] * share
        k[i] += scale * vmax[j] * km * share * share
        r[i] -= scale * vmax[j] * part * part


@kernel
def field_rows(line: Table) -> int:
    """Return how many rows of the finest level make one block."""
    return max(1, BLOCK // line[NX])


@kernel
def across_walls(s: int, task: int, given: Given, box: Box) -> float:
    """Put the walls into the right-hand side, or add up what flows in through them.

    Returns the square norm of what the outer level drives in, or (LEAVE) the net inflow in
    units of D / h^2 times the level. The ghosts outside, worth one face to level 0, are undone.
    """
    line, x, k, r = box.table[0], box.fine[X], box.mg[K], box.mg[R]
    ratio, outer, total = wall_ratio(s, given), given.wall_value[s], 0.0
    conduct = 0.0 if ratio < 0.0 else 1.0 / (0.5 + ratio)
    for axis in range(3):
        if not (line[AXES] & ~box.periodic) >> axis & 1:
            continue
        step, su, sv, nu, nv = sides(line, axis)
        for end in range(2):
            edge = line[FIRST] + end * (line[NX - axis] - 1) * step
            face = edge + end * step
            for u in range(nu):
                for v in range(nv):
                    i = edge + u * su + v * sv
                    if k[i] >= FIXED:
                        continue
                    f = 1.0 if box.plain else box.faces[axis, face + u * su + v * sv]
                    if task == ENTER:
                        r[i] += f * (conduct * outer + (1.0 - conduct) * x[i])
                        total += (f * conduct * outer) ** 2
                    else:
                        total += f * conduct * (outer - x[i])
    return total


@kernel
def from_fixed(box: Box) -> float:
    """Return what flows out of voxels of fixed level, in units of D / h^2 times the level."""
    line, x, k, total = box.table[0], box.fine[X], box.mg[K], 0.0
    for axis in range(3):
        if not line[AXES] >> axis & 1:
            continue
        count, joined = line[NX - axis], box.periodic >> axis & 1
        step, su, sv, nu, nv = sides(line, axis)
        for u in range(nu):
            for v in range(nv):
                low = line[FIRST] + u * su + v * sv
                for n in range(0 if joined else 1, count):
                    i = low + n * step
                    j = low + (n - 1 if n else count - 1) * step
                    if (k[i] < FIXED) != (k[j] < FIXED):
                        f = 1.0 if box.plain else box.faces[axis, i]
                        total += f * (x[j] - x[i]) if k[i] < FIXED else f * (x[i] - x[j])
    return total


@kernel
def settle_rows(s: int, block: int, fields: Floats, given: Given, box: Box) -> None:
    """Clip the solution and copy it to the field; sums are supply, removal, change and clip."""
    line, x = box.table[0], box.fine[X]
    ny, nx, group = line[NY], line[NX], field_rows(line)
    decay, held, zero = np.float32(given.decay[s]), holds(s, given), np.float32(0.0)
    sums = np.zeros(4, np.float64)
    for row in range(block * group, min(line[NZ] * ny, (block + 1) * group)):
        z, y = row // ny, row % ny
        at = np.uint64(line[FIRST] + z * line[PLANE] + y * line[ROW])
        old, supply, sink = fields[s, z, y], given.supply[s, z, y], given.sink[s, z, y]
        if held:
            for j in range(nx):
                if given.fixed[z, y, j]:
                    old[j] = x[at + np.uint64(j)]
        supplied = removed = change = clipped = 0.0
        for j in range(nx):
            raw = x[at + np.uint64(j)]
            c = max(raw, zero)
            free = not (held and given.fixed[z, y, j])
            supplied += np.float64(supply[j]) if free else 0.0
            removed += np.float64((decay + sink[j]) * c) if free else 0.0
            change += np.float64(c) - np.float64(old[j])
            clipped += np.float64(c - raw)
            x[at + np.uint64(j)] = c
            old[j] = c
        for m in range(given.mm_index.size):
            if given.mm_index[m] == s:
                vmax, km = given.mm_vmax[m, z, y], given.mm_km[m]
                for j in range(nx):
                    if not (held and given.fixed[z, y, j]):
                        removed += vmax[j] * (old[j] / (km + old[j]))
        sums += np.array((supplied, removed, change, clipped))
    box.sums[block, :4] = sums


@kernel
def work_rows(
    task: int, s: int, block: int, rate: float, fields: Floats, given: Given, box: Box
) -> None:
    """Fill or settle one block of rows."""
    if task == SETTLE:
        settle_rows(s, block, fields, given, box)
    else:
        fill_rows(s, block, task == AGAIN, rate, fields, given, box)


@parallel_kernel
def work_rows_wide(
    task: int, s: int, count: int, rate: float, fields: Floats, given: Given, box: Box
) -> None:
    """Fill or settle all blocks of rows with all threads."""
    for block in prange(count):
        work_rows(task, s, np.int64(block), rate, fields, given, box)


@kernel
def each_row(task: int, s: int, rate: float, fields: Floats, given: Given, box: Box) -> Doubles:
    """Fill or settle all rows; return the sums of their blocks."""
    line = box.table[0]
    group = field_rows(line)
    count = (line[NZ] * line[NY] + group - 1) // group
    if box.wide and count >= FORK:
        work_rows_wide(task, s, count, rate, fields, given, box)
    else:
        for block in range(count):
            work_rows(task, s, block, rate, fields, given, box)
    total = np.zeros(4)
    for block in range(count):
        for n in range(4):
            total[n] += box.sums[block, n]
    return total


@kernel
def settle(s: int, minutes: float, fields: Floats, given: Given, box: Box, out: Doubles) -> None:
    """Copy the solution to the field and write the amounts of the balance into `out`."""
    volume, sums = given.spacing**3, each_row(SETTLE, s, 0.0, fields, given, box)
    out[SUPPLIED], out[REMOVED] = sums[0] * volume * minutes, sums[1] * volume * minutes
    out[CHANGE], out[CLIPPED] = sums[2] * volume, sums[3] * volume
    inflow = across_walls(s, LEAVE, given, box)
    if holds(s, given):
        inflow += from_fixed(box)
    out[WALLS] = inflow / scale_of(s, given) * volume * minutes


@kernel
def step_local(
    s: int, minutes: float, rate: float, fields: Floats, given: Given, out: Doubles
) -> None:
    """Solve a substance that does not diffuse, voxel by voxel; write its balance."""
    volume, held = given.spacing**3, holds(s, given)
    _, nz, ny, nx = fields.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                old = np.float64(fields[s, z, y, x])
                supply = np.float64(given.supply[s, z, y, x])
                linear = given.decay[s] + given.sink[s, z, y, x]
                if held and given.fixed[z, y, x]:
                    fields[s, z, y, x] = given.fixed_value[s]
                    continue
                c = old
                for _ in range(TANGENTS):
                    gain, loss = supply + rate * old, linear + rate
                    for m in range(given.mm_index.size):
                        if given.mm_index[m] == s:
                            vmax, km = given.mm_vmax[m, z, y, x], given.mm_km[m]
                            loss += vmax * km / (km + c) ** 2
                            gain -= vmax * (c / (km + c)) ** 2
                    c = max(gain / loss, 0.0) if loss > 0.0 else c
                    if given.mm_index.size == 0:
                        break
                saturable = 0.0
                for m in range(given.mm_index.size):
                    if given.mm_index[m] == s:
                        saturable += given.mm_vmax[m, z, y, x] * c / (given.mm_km[m] + c)
                fields[s, z, y, x] = c
                out[SUPPLIED] += supply * volume * minutes
                out[REMOVED] += (linear * c + saturable) * volume * minutes
                out[CHANGE] += (c - old) * volume
    out[SOLVED] = 1.0


@kernel
def fill(s: int, again: bool, rate: float, fields: Floats, given: Given, box: Box) -> float:
    """Fill the system of substance `s`; return the size residuals are compared with.

    This is the norm of source or turnover, whichever is larger: the residual relative to it is the
    share of the turnover that is out of balance. The bare level counts a little, so that fields
    without source and decay have a size too, above what single precision resolves.
    """
    sums = each_row(AGAIN if again else FILL, s, rate, fields, given, box)
    drive = across_walls(s, ENTER, given, box)
    return max(np.sqrt(max(sums[0], sums[1])), FAINT * np.sqrt(36.0 * sums[2] + drive))


@kernel
def advance_one(
    s: int, minutes: float, force: bool, rules: Rules, fields: Floats, given: Given, box: Box,
    out: Doubles,
) -> None:  # fmt: skip
    """Bring substance `s` up to date if it is out of balance, too old or forced."""
    out[:] = 0.0
    quasi_steady = given.quasi_steady[s]
    if not (quasi_steady or minutes > 0.0):
        return
    rate = 0.0 if quasi_steady else 1.0 / minutes
    if given.diffusivity[s] == 0.0:
        step_local(s, minutes, rate, fields, given, out)
        return
    linear = not np.any(given.mm_index == s)
    close, share, size, done = rules.tolerance * TIGHTER, 0.0, 0.0, 0
    for attempt in range(1 if linear else TANGENTS):
        scale = fill(s, attempt > 0, rate, fields, given, box)
        size = max(scale, FAINT * size)
        square = residual(box)
        share = np.sqrt(square) / size if size > 0.0 else 0.0
        if attempt == 0 and not force and share < rules.tolerance and minutes < rules.oldest:
            out[RESIDUAL] = share
            return
        if share <= close or done >= rules.most:
            break
        prepare(wall_ratio(s, given), box)
        aim = close if linear else max(close, INEXACT * share)
        count, square = conjugate((aim * size) ** 2, rules.most - done, box)
        done += count
        if count == 0:
            break
        share = np.sqrt(square) / size
    settle(s, minutes, fields, given, box, out)
    out[SOLVED], out[ITERATIONS], out[RESIDUAL] = 1.0, done, share
    if not np.isfinite(share):
        box.mg[:3] = 0.0
        box.fine[:] = 0.0


@parallel_kernel
def advance_lanes(
    lanes: int, minutes: Doubles, force: npt.NDArray[np.bool_], rules: Rules, fields: Floats,
    given: Given, mg: Floats, fine: Floats, sums: Doubles, shared: Box, report: Doubles,
) -> None:  # fmt: skip
    """Deal the substances out to lanes; each lane has buffers of its own."""
    for lane in prange(lanes):
        box = Box(
            mg[lane], fine[lane], shared.faces, shared.table, sums[lane], shared.plain,
            shared.periodic, False,
        )  # fmt: skip
        for s in range(lane, fields.shape[0], lanes):
            advance_one(s, minutes[s], force[s], rules, fields, given, box, report[s])


@kernel
def advance_all(
    minutes: Doubles, force: npt.NDArray[np.bool_], rules: Rules, fields: Floats, given: Given,
    mg: Floats, fine: Floats, sums: Doubles, shared: Box, report: Doubles,
) -> None:  # fmt: skip
    """Advance all substances: one after the other on big grids, side by side on small ones."""
    if shared.wide:
        for s in range(fields.shape[0]):
            advance_one(s, minutes[s], force[s], rules, fields, given, shared, report[s])
    else:
        advance_lanes(
            mg.shape[0], minutes, force, rules, fields, given, mg, fine, sums, shared, report
        )
