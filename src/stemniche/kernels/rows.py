"""Rows of one substance: they fill its linear system and draw up the balance of the solution.

`passes` runs `fill_rows` and `settle_rows` block by block, `implicit` calls the rest. Time, decay,
sources, sinks, walls and saturable uptake are known here and in `implicit`, nowhere below. Rows of
the system are multiplied by h^2 / D, so that the face between two unhindered voxels is 1.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import lean_kernel, parallel_kernel, prange
from stemniche.kernels.stencils import (
    AT,
    AXES,
    BLOCK,
    FIRST,
    FIXED,
    FORK,
    LENGTH,
    NX,
    NY,
    NZ,
    PLANE,
    ROW,
    Box,
    Doubles,
    Floats,
    G,
    K,
    Table,
    X,
    Z,
    sides,
)

FIXED_LEVEL, FAR_FIELD = 1, 2  # kinds of wall; 0 is no flux
FILL, REFILL, SETTLE = (np.int64(n) for n in range(3))


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
    hindered: Table


class Substance(NamedTuple):
    """The substance that a system is for: its index, all fields and what acts on them."""

    index: int
    fields: Floats
    given: Given


@lean_kernel
def holds(substance: Substance) -> bool:
    """Return whether some voxels have a fixed level of this substance."""
    given = substance.given
    return given.fixed.size > 0 and not np.isnan(given.fixed_value[substance.index])


@lean_kernel
def saturates(substance: Substance) -> bool:
    """Return whether this substance is taken up in a saturable way."""
    for m in range(substance.given.mm_index.size):
        if substance.given.mm_index[m] == substance.index:
            return True
    return False


@lean_kernel
def wall_ratio(substance: Substance) -> float:
    """Return the length from the wall to the outer level in voxels, negative without flux."""
    s, given = substance.index, substance.given
    if given.wall_kind[s] == FIXED_LEVEL:
        return 0.0
    return given.wall_length[s] / given.spacing if given.wall_kind[s] == FAR_FIELD else -1.0


@lean_kernel
def fill_rows(
    first: int, last: int, again: bool, rate: float, shift: float, sums: Doubles,
    substance: Substance, box: Box,
) -> None:  # fmt: skip
    """Write solution, `kappa` without walls and right-hand side of some rows.

    The level to linearise at is the field itself or, `again`, the solution found so far, shifted
    and clipped; `rate` is 1 / dt. `sums` receives the squares of source, turnover and level, and
    the sum of `kappa`.
    """
    line, mem, zero = box.table[0], box.mem, np.float32(0.0)
    s, fields, given = substance
    ny, nx = line[NY], line[NX]
    scale = np.float32(given.spacing * given.spacing / given.diffusivity[s])
    base, per_step = scale * np.float32(given.decay[s] + rate), scale * np.float32(rate)
    special, shift = holds(substance) or saturates(substance), np.float32(shift)
    sums[:] = 0.0
    for row in range(first, last):
        z, y = row // ny, row % ny
        start = line[FIRST] + z * line[PLANE] + y * line[ROW]
        x, k = np.uint64(line[AT + X] + start), np.uint64(line[AT + K] + start)
        r = np.uint64(line[AT + Z] + start)
        old, supply, sink = fields[s, z, y], given.supply[s, z, y], given.sink[s, z, y]
        source = turnover = bare = total = zero
        for j in range(nx):
            c = max(mem[x + np.uint64(j)] + shift, zero) if again else old[j]
            mem[x + np.uint64(j)] = c
            bare += c * c
        for j in range(nx):
            q = base + scale * sink[j]
            mem[k + np.uint64(j)] = q
            total += q
            q *= mem[x + np.uint64(j)]
            turnover += q * q
        for j in range(nx):
            q = scale * supply[j] + per_step * old[j]
            mem[r + np.uint64(j)] = q
            source += q * q
        if special:
            source, turnover, total = specialise(z, y, scale, substance, box)
        sums[0] += source
        sums[1] += turnover
        sums[2] += bare
        sums[3] += total


@lean_kernel
def specialise(
    z: int, y: int, scale: float, substance: Substance, box: Box
) -> tuple[float, float, float]:
    """Add saturable uptake and fixed levels to a row; return its sums as `fill_rows` does."""
    line, mem, zero = box.table[0], box.mem, np.float32(0.0)
    s, _, given = substance
    start = line[FIRST] + z * line[PLANE] + y * line[ROW]
    x, k = np.uint64(line[AT + X] + start), np.uint64(line[AT + K] + start)
    r = np.uint64(line[AT + Z] + start)
    for m in range(given.mm_index.size):
        if given.mm_index[m] == s:
            add_tangent(given.mm_vmax[m, z, y], np.float32(given.mm_km[m]), scale, start, box)
    if holds(substance):
        level = np.float32(given.fixed_value[s])
        for j in range(line[NX]):
            if given.fixed[z, y, j]:
                i = np.uint64(j)
                mem[x + i], mem[k + i], mem[r + i] = level, FIXED, zero
    source = turnover = total = zero
    for j in range(line[NX]):
        i = np.uint64(j)
        free = mem[k + i] if mem[k + i] < FIXED else zero
        total += free
        turnover += free * mem[x + i] * free * mem[x + i]
        source += mem[r + i] * mem[r + i]
    return source, turnover, total


@lean_kernel
def add_tangent(vmax: Floats, km: float, scale: float, start: int, box: Box) -> None:
    """Add the tangent of vmax c / (km + c) at the present level of a row."""
    mem, line = box.mem, box.table[0]
    x, k = np.uint64(line[AT + X] + start), np.uint64(line[AT + K] + start)
    r = np.uint64(line[AT + Z] + start)
    for j in range(vmax.size):
        i = np.uint64(j)
        share = np.float32(1.0) / (km + mem[x + i])
        part = mem[x + i] * share
        mem[k + i] += scale * vmax[j] * km * share * share
        mem[r + i] -= scale * vmax[j] * part * part


@lean_kernel
def settle_rows(
    first: int, last: int, shift: float, sums: Doubles, substance: Substance, box: Box
) -> None:
    """Shift and clip the solution and copy it to the field.

    `sums` receives supply, removal, change and clip, voxels of fixed level left out.
    """
    line, mem, zero = box.table[0], box.mem, np.float32(0.0)
    s, fields, given = substance
    ny, nx, decay, held = line[NY], line[NX], np.float32(given.decay[s]), holds(substance)
    whole, shift = np.float32(1.0), np.float32(shift)
    sums[:] = 0.0
    for row in range(first, last):
        z, y = row // ny, row % ny
        start = line[FIRST] + z * line[PLANE] + y * line[ROW]
        at, free = np.uint64(line[AT + X] + start), np.uint64(line[AT + G] + start)
        old, supply, sink = fields[s, z, y], given.supply[s, z, y], given.sink[s, z, y]
        for j in range(nx):
            mem[free + np.uint64(j)] = zero if held and given.fixed[z, y, j] else whole
        supplied = removed = change = clipped = 0.0
        for j in range(nx):
            i = at + np.uint64(j)
            raw = mem[i] + shift
            c = max(raw, zero)
            supplied += np.float64(mem[free + np.uint64(j)] * supply[j])
            removed += np.float64(mem[free + np.uint64(j)] * (decay + sink[j]) * c)
            change += mem[free + np.uint64(j)] * (np.float64(c) - np.float64(old[j]))
            clipped += np.float64(c - raw)
            mem[i] = c
            old[j] = c
        for m in range(given.mm_index.size):
            if given.mm_index[m] == s:
                vmax, km = given.mm_vmax[m, z, y], given.mm_km[m]
                for j in range(nx):
                    removed += mem[free + np.uint64(j)] * vmax[j] * (old[j] / (km + old[j]))
        sums[0] += supplied
        sums[1] += removed
        sums[2] += change
        sums[3] += clipped


@lean_kernel
def work_rows(
    task: int, block: int, rate: float, shift: float, s: int, fields: Floats, given: Given, box: Box
) -> None:
    """Do one block of rows."""
    line, substance = box.table[0], Substance(s, fields, given)
    first = block * rows_per_block(line)
    last = min(line[NZ] * line[NY], first + rows_per_block(line))
    if task == SETTLE:
        settle_rows(first, last, shift, box.sums[block], substance, box)
    else:
        fill_rows(first, last, task == REFILL, rate, shift, box.sums[block], substance, box)


@parallel_kernel
def work_rows_wide(
    task: int, count: int, rate: float, shift: float, s: int, fields: Floats, given: Given, box: Box
) -> None:
    """Do all blocks of rows with all threads."""
    for block in prange(count):
        work_rows(task, np.int64(block), rate, shift, s, fields, given, box)


@lean_kernel
def rows_per_block(line: Table) -> int:
    """Return how many rows make one block."""
    return max(1, BLOCK // line[NX])


@lean_kernel
def each_row(
    task: int, rate: float, shift: float, substance: Substance, box: Box
) -> tuple[float, float, float, float]:
    """Fill or settle all rows; return the sums of `fill_rows` or `settle_rows`."""
    line, sums = box.table[0], box.sums
    s, fields, given = substance
    count = (line[NZ] * line[NY] + rows_per_block(line) - 1) // rows_per_block(line)
    if box.threads > 1 and count >= FORK:
        work_rows_wide(task, count, rate, shift, s, fields, given, box)
    else:
        for block in range(count):
            work_rows(task, block, rate, shift, s, fields, given, box)
    a = b = c = d = 0.0
    for block in range(count):
        a += sums[block, 0]
        b += sums[block, 1]
        c += sums[block, 2]
        d += sums[block, 3]
    return a, b, c, d


@lean_kernel
def across_walls(enter: bool, substance: Substance, box: Box) -> tuple[float, float]:
    """Put the walls into the right-hand side, or add up what flows in through them.

    Returns the square norm of what the outer level drives in, or (not `enter`) the net inflow in
    units of D / h^2 times the level; and what all walls conduct. The ghost outside, worth one face
    to level 0, is undone.
    """
    line, mem = box.table[0], box.mem
    outer = substance.given.wall_value[substance.index]
    ratio, total, conducted = wall_ratio(substance), 0.0, 0.0
    conduct = 0.0 if ratio < 0.0 else 1.0 / (0.5 + ratio)
    for axis in range(3):
        if not (line[AXES] & ~box.periodic) >> axis & 1:
            continue
        step, su, sv, nu, nv = sides(line, axis)
        for end in range(2):
            edge = line[FIRST] + end * (line[NX - axis] - 1) * step
            for u in range(nu):
                for v in range(nv):
                    i = edge + u * su + v * sv
                    if mem[line[AT + K] + i] >= FIXED:
                        continue
                    x, face = mem[line[AT + X] + i], axis * line[LENGTH] + i + end * step
                    f = 1.0 if box.plain else box.faces[face]
                    conducted += f * conduct
                    if enter:
                        mem[line[AT + Z] + i] += f * (conduct * outer + (1.0 - conduct) * x)
                        total += (f * conduct * outer) ** 2
                    else:
                        total += f * conduct * (outer - x)
    return total, conducted


@lean_kernel
def from_fixed(box: Box) -> float:
    """Return what flows out of voxels of fixed level, in units of D / h^2 times the level."""
    line, mem, total = box.table[0], box.mem, 0.0
    x, k = line[AT + X], line[AT + K]
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
                    free = mem[k + i] < FIXED
                    if free != (mem[k + j] < FIXED):
                        f = 1.0 if box.plain else box.faces[axis * line[LENGTH] + i]
                        rise = f * (mem[x + j] - mem[x + i])
                        total += rise if free else -rise
    return total
