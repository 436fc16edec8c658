"""One implicit step per substance: when to solve, how far, and what it did to the balance.

`fields.advance` calls `advance_some`; `rows` fills a linear system, `multigrid` solves it.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stemniche.kernels.jit import lean_kernel
from stemniche.kernels.multigrid import conjugate
from stemniche.kernels.passes import FINEST, ONE, RESIDUAL, each
from stemniche.kernels.rows import (
    FILL,
    REFILL,
    SETTLE,
    Given,
    Substance,
    across_walls,
    each_row,
    from_fixed,
    holds,
    saturates,
    wall_ratio,
)
from stemniche.kernels.stencils import AT, LENGTH, Box, Doubles, Floats, K, V

TIGHTER = 0.2  # a solution is this much closer than the tolerance that asks for one
TANGENTS = 8  # linearisations of saturable uptake in one step
INEXACT = 0.05  # how far each of them but the last is solved
REFINEMENTS = 3  # most solutions of one linear system
ROUNDING = 1e-7  # of single precision, relative
COLD = 0.1  # a residual from which the turnover of the solution cannot be guessed
STALLED = 0.5  # a residual that falls by less has met that error
FAINT = 2e-4  # weight of the bare level in the size that residuals are compared with
PULL, DRAIN = np.bool_(True), np.bool_(False)

SOLVED, ITERATIONS, SHARE, SUPPLIED, REMOVED, WALLS, CHANGE, CLIPPED = range(8)


class Rules(NamedTuple):
    """When to solve, and how far."""

    tolerance: float
    most: int
    oldest: float


@lean_kernel
def advance_one(
    minutes: float, force: bool, rules: Rules, substance: Substance, box: Box, out: Doubles
) -> None:
    """Bring one substance up to date if it is out of balance, too old or forced.

    Residuals are compared with the norm of source or turnover, whichever is larger: their ratio is
    the share of the turnover that is out of balance. The bare level counts a little, so that a
    field without source and decay has a size too, above what single precision resolves. What the
    solver leaves of the residual is spread as a constant, so that the balance closes; for the same
    reason even a small residual gets one iteration, as over a wide grid its sum may be large. What
    nothing feeds turns over less with each look: progress is judged by the residual alone.
    """
    s, given = substance.index, substance.given
    rate = 0.0 if given.quasi_steady[s] else 1.0 / minutes
    base = given.spacing**2 / given.diffusivity[s] * (given.decay[s] + rate)
    saturable, close = saturates(substance), rules.tolerance * TIGHTER
    share, before, limit, size, shift, done = 0.0, np.inf, np.inf, 0.0, 0.0, 0
    for attempt in range(TANGENTS if saturable else REFINEMENTS):
        task = REFILL if attempt else FILL
        source, turnover, bare, stiffness = each_row(task, rate, shift, substance, box)
        shift = 0.0
        drive, conducted = across_walls(PULL, substance, box)
        faint = FAINT * np.sqrt(36.0 * bare + drive)
        size = max(np.sqrt(max(source, turnover)), faint, FAINT * size)
        _, square = each(RESIDUAL, ONE, FINEST, 0.0, 0.0, box)
        share = np.sqrt(square) / size if size != 0.0 else 0.0
        keeps = not force and share < rules.tolerance and minutes < rules.oldest
        if attempt == 0 and (keeps or size == 0.0):  # what is absent stays so
            out[SHARE] = share
            return
        stalled = np.sqrt(square) > limit and not saturable
        if (share <= close and attempt > 0) or done >= rules.most or stalled:
            break
        limit = STALLED * np.sqrt(square)
        aim = max(close, INEXACT * share) if saturable else close
        ratio = wall_ratio(substance)
        target = (aim * size) ** 2
        count, square, left = conjugate(target, rules.most - done, ratio, base, box)
        done += count
        if count == 0:
            break
        before, share, stiffness = share, np.sqrt(square) / size, stiffness + conducted
        shift = left / stiffness if stiffness > 0.0 and not holds(substance) else 0.0
        # Look again after a cold start, as turnover has changed, and where walls, which are rounded
        # together with the reaction, may matter.
        if not saturable and before < COLD and ROUNDING * np.sqrt(bare) < close * size:
            break
    supplied, removed, change, clipped = each_row(SETTLE, rate, shift, substance, box)
    inflow = across_walls(DRAIN, substance, box)[0]
    inflow += from_fixed(box) if holds(substance) else 0.0
    volume = given.spacing**3
    amount = volume * minutes
    out[SOLVED], out[ITERATIONS], out[SHARE] = 1.0, done, share
    out[SUPPLIED], out[REMOVED] = supplied * amount, removed * amount
    out[WALLS] = inflow * given.diffusivity[s] / given.spacing**2 * amount
    out[CHANGE], out[CLIPPED] = change * volume, clipped * volume
    if not np.isfinite(share):
        box.mem[: box.table[0, AT + K]] = 0.0
        box.mem[box.table[0, AT + V] :] = 0.0


@lean_kernel
def settle_immobile(minutes: float, substance: Substance, out: Doubles) -> None:
    """Solve a substance that does not diffuse, voxel by voxel; write its balance."""
    s, fields, given = substance
    rate, held = 0.0 if given.quasi_steady[s] else 1.0 / minutes, holds(substance)
    amount, (_, nz, ny, nx) = given.spacing**3 * minutes, fields.shape
    for row in range(nz * ny):
        z, y = row // ny, row % ny
        for x in range(nx):
            old, supply = fields[s, z, y, x], given.supply[s, z, y, x]
            linear = given.decay[s] + given.sink[s, z, y, x]
            if held and given.fixed[z, y, x]:
                fields[s, z, y, x] = given.fixed_value[s]
                continue
            c, removed = np.float64(old), 0.0
            for _ in range(TANGENTS):
                gain, loss = supply + rate * old, linear + rate
                for m in range(given.mm_index.size):
                    if given.mm_index[m] == s:
                        vmax, km = given.mm_vmax[m, z, y, x], given.mm_km[m]
                        loss += vmax * km / (km + c) ** 2
                        gain -= vmax * (c / (km + c)) ** 2
                c = max(gain / loss, 0.0) if loss > 0.0 else c
            for m in range(given.mm_index.size):
                if given.mm_index[m] == s:
                    removed += given.mm_vmax[m, z, y, x] * c / (given.mm_km[m] + c)
            fields[s, z, y, x] = c
            out[SUPPLIED] += supply * amount
            out[REMOVED] += (linear * c + removed) * amount
            out[CHANGE] += (c - old) * given.spacing**3
    out[SOLVED] = 1.0


@lean_kernel
def advance_some(
    first: int, stride: int, box: Box, minutes: Doubles, force: npt.NDArray[np.bool_],
    rules: Rules, fields: Floats, given: Given, report: Doubles,
) -> None:  # fmt: skip
    """Advance every `stride`-th substance, in the buffers of one box, with its own faces."""
    row = 3 * box.table[0, LENGTH]
    for s in range(first, fields.shape[0], stride):
        substance = Substance(s, fields, given)
        if minutes[s] > 0.0 or (given.quasi_steady[s] and minutes[s] == 0.0):
            if given.diffusivity[s] == 0.0:
                settle_immobile(minutes[s], substance, report[s])
            else:
                at = given.hindered[s]
                faces = box.faces[max(at, 0) * row : (max(at, 0) + 1) * row]
                plain = at < 0
                own = Box(box.mem, faces, box.table, box.sums, plain, box.periodic, box.threads)
                advance_one(minutes[s], force[s], rules, substance, own, report[s])
