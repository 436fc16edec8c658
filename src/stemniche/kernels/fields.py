"""Substances that diffuse, decay, are supplied and removed: one compiled call per tick.

The engine gathers sources and sinks of the cells per voxel, wraps them in a `FieldProblem` and
calls `advance`. Nothing here knows about cells, vessels or the names of substances. Each substance
makes one step of

    dc/dt = div(D hindrance grad c) - (decay + sink) c - sum_m vmax c / (km + c) + supply

by backward Euler over the minutes since it was last solved, or without the time derivative where
it is quasi-steady. Space is discretised by cell-centred finite volumes, second order; faces
conduct with the harmonic mean of the hindrance on both sides. Saturable uptake is linearised by its
tangent: as it is concave and the operator an M-matrix, the steps after the first rise monotonically
to the solution. For the same reason the exact solution is non-negative; what a finite tolerance
leaves below zero is clipped and reported.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from stemniche.kernels.faces import face_factors
from stemniche.kernels.implicit import Rules, advance_some
from stemniche.kernels.jit import threads
from stemniche.kernels.rows import Given
from stemniche.kernels.stencils import (
    LENGTH,
    Box,
    Doubles,
    Floats,
    Table,
    empty_buffers,
    level_table,
    partial_sums,
)

__all__ = ["REPORT", "FieldProblem", "Workspace", "advance", "make_workspace"]

REPORT = (
    "solved",
    "iterations",
    "residual",
    "supplied",
    "removed",
    "walls",
    "change",
    "clipped",
)
WIDE = 65_536  # voxels from which passes, not substances, are shared among threads
LANES = 16  # most substances solved side by side on smaller grids


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What acts on the substances of a grid of cubic voxels; s substances, m saturable uptakes.

    Arrays are converted to the dtype named here and kept without a copy where they have it.

    Args:
        spacing: Voxel edge, um.
        diffusivity: [s] um^2/min; 0 is solved voxel by voxel.
        decay: [s] 1/min.
        supply: float32 [s, z, y, x], unit/min, >= 0.
        sink: float32 [s, z, y, x], first-order removal, 1/min, >= 0.
        quasi_steady: [s] leave out the time derivative. Default: none.
        mm_index: [m] substance taken up.
        mm_vmax: float32 [m, z, y, x] largest rate, unit/min.
        mm_km: [m] level of half the largest rate, > 0.
        hindrance: float32 [h, z, y, x], or [z, y, x] for one kind: factor above 0 of the
            diffusivity. Default: 1 everywhere.
        hindered: [s] kind of hindrance of each substance, -1 for none. Default: the first.
        wall_kind: [s] 0 no flux (default), 1 fixed level, 2 far field: flux D (level - c) / length.
        wall_length: [s] um, for kind 2.
        wall_value: [s] level at or beyond the wall.
        fixed: uint8 [z, y, x], 1 where the level is given. Default: nowhere.
        fixed_value: [s] that level; NaN for a substance that ignores `fixed`.
        periodic: Along z, y, x; replaces the walls of that axis.

    Raises:
        ValueError: An array has the wrong shape, or `mm_km` is not positive.
    """

    spacing: float
    diffusivity: Doubles
    decay: Doubles
    supply: Floats
    sink: Floats
    quasi_steady: npt.NDArray[np.bool_] | None = None
    mm_index: Table | None = None
    mm_vmax: Floats | None = None
    mm_km: Doubles | None = None
    hindrance: Floats | None = None
    hindered: Table | None = None
    wall_kind: Table | None = None
    wall_length: Doubles | None = None
    wall_value: Doubles | None = None
    fixed: npt.NDArray[np.uint8] | None = None
    fixed_value: Doubles | None = None
    periodic: tuple[bool, bool, bool] = (False, False, False)
    given: Given = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check shapes and pack the arrays for the compiled code."""
        s, *rest = np.shape(self.supply)
        grid, m = tuple(rest), np.size(self.mm_index) if self.mm_index is not None else 0
        given = Given(
            spacing=float(self.spacing),
            diffusivity=array("diffusivity", self.diffusivity, np.float64, (s,)),
            decay=array("decay", self.decay, np.float64, (s,)),
            quasi_steady=array("quasi_steady", self.quasi_steady, np.bool_, (s,)),
            supply=array("supply", self.supply, np.float32, (s, *grid)),
            sink=array("sink", self.sink, np.float32, (s, *grid)),
            mm_index=array("mm_index", self.mm_index, np.int64, (m,)),
            mm_vmax=array("mm_vmax", self.mm_vmax, np.float32, (m, *grid)),
            mm_km=array("mm_km", self.mm_km, np.float64, (m,)),
            wall_kind=array("wall_kind", self.wall_kind, np.int64, (s,)),
            wall_length=array("wall_length", self.wall_length, np.float64, (s,)),
            wall_value=array("wall_value", self.wall_value, np.float64, (s,)),
            fixed=array(
                "fixed", self.fixed, np.uint8, grid if self.fixed is not None else (0, 0, 0)
            ),
            fixed_value=array("fixed_value", self.fixed_value, np.float64, (s,)),
            hindered=self._kinds(s, grid),
        )
        if not np.all(given.mm_km > 0.0):
            raise ValueError(f"mm_km must be positive, not {given.mm_km}")
        object.__setattr__(self, "given", given)

    def _kinds(self, s: int, grid: tuple[int, ...]) -> Table:
        """Bring the hindrance into its full shape; return the kind of each substance."""
        if self.hindrance is None:
            return np.full(s, -1, np.int64)
        kinds = np.size(self.hindrance) // max(int(np.prod(grid)), 1)
        shape = grid if np.ndim(self.hindrance) == 3 else (kinds, *grid)
        made = array("hindrance", self.hindrance, np.float32, shape).reshape(-1, *grid)
        kind: Table = array("hindered", self.hindered, np.int64, (s,)).copy()
        if not np.all((kind >= -1) & (kind < kinds)):
            raise ValueError(f"hindered must name one of {kinds} kinds, not {kind}")
        free = (made == 1.0).all(axis=(1, 2, 3))
        kind[(kind >= 0) & free[kind]] = -1
        object.__setattr__(self, "hindrance", made)
        return kind

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        nz, ny, nx = self.given.supply.shape[1:]
        return int(nz), int(ny), int(nx)


def array(name: str, value: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return `value` (zeros if None) as a contiguous array of that type and shape.

    It is writeable although nothing writes to it: else kernels would be compiled once more.
    """
    if value is None:
        return np.zeros(shape, dtype)
    fits = isinstance(value, np.ndarray) and value.dtype == dtype and value.flags.carray
    made = value if fits else np.require(value, dtype, "CAW")
    if made.shape != shape:
        raise ValueError(f"{name} has shape {made.shape}, not {shape}")
    return made


@dataclass(slots=True)
class Workspace:
    """Buffers of `advance`, made once per grid; holds nothing that a result depends on."""

    table: Table
    mem: Floats
    sums: Doubles
    faces: Floats
    wide: bool
    periodic: int = 0
    hindrance: Floats | None = None


def make_workspace(shape: tuple[int, int, int], substances: int) -> Workspace:
    """Allocate the buffers for a grid of `shape` (z, y, x) voxels."""
    table = level_table(shape)
    wide = int(np.prod(shape)) >= WIDE
    slots = 1 if wide else max(1, min(substances, LANES))
    mem, sums = empty_buffers(slots, table), np.zeros((slots, partial_sums(table), 4))
    return Workspace(table, mem, sums, np.zeros(1, np.float32), wide)


def advance(
    fields: Floats,
    problem: FieldProblem,
    elapsed: npt.ArrayLike,
    force: npt.ArrayLike = False,
    tolerance: float = 1e-3,
    max_iterations: int = 60,
    max_age: float = 30.0,
    workspace: Workspace | None = None,
) -> Doubles:
    """Bring every substance up to date, in place.

    A substance whose present field leaves a residual below `tolerance` of its turnover (the norm
    of sources or of removal, whichever is larger; for a transient step about the relative change
    over `elapsed`) stays as it is unless it is forced or as old as `max_age`; the caller then
    keeps adding to its `elapsed`. Otherwise it is solved five times tighter than `tolerance`.

    Args:
        fields: float32 [s, z, y, x], levels now and warm start; overwritten.
        problem: Sources, sinks, walls.
        elapsed: [s] or one number, minutes since the last solution of each substance; one with a
            number below 0 is left alone.
        force: [s] or one flag, solve regardless.
        tolerance: Relative residual that calls for a solution.
        max_iterations: Most iterations of conjugate gradients per substance.
        max_age: Minutes after which a substance is solved in any case.
        workspace: From `make_workspace` for this grid; made anew if None.

    Returns:
        float64 [s, 8], columns `REPORT`: solved (0 or 1), iterations, relative residual (before
        the decision if not solved, else at the end), then amounts in unit um^3 over `elapsed`:
        supplied, removed (sink, decay, saturable), net inflow through walls and fixed voxels,
        change of the content, and what clipping added. Voxels of fixed level are left out. Up to
        the residual change = supplied - removed + walls; a quasi-steady field has 0 in place of
        the change.

    Raises:
        ValueError: `fields` or `workspace` do not fit the problem.
    """
    given = problem.given
    check_fields(fields, problem)
    count = fields.shape[0]
    work = workspace or make_workspace(problem.shape, count)
    minutes = np.array(np.broadcast_to(elapsed, count), np.float64)
    forced = np.array(np.broadcast_to(force, count), np.bool_)
    rules = Rules(float(tolerance), int(max_iterations), float(max_age))
    report = np.zeros((count, len(REPORT)))
    boxes = shared_boxes(work, problem)
    run_lanes(boxes, minutes, forced, rules, fields, given, report)
    return report


def run_lanes(boxes: list[Box], *arguments: Any) -> None:
    """Deal the substances out to lanes, each with a box and a thread of its own."""
    lanes = len(boxes)
    others = [
        thread_pool(lanes - 1).submit(advance_some, lane, lanes, boxes[lane], *arguments)
        for lane in range(1, lanes)
    ]
    advance_some(0, lanes, boxes[0], *arguments)
    for other in others:
        other.result()


@cache
def thread_pool(count: int) -> ThreadPoolExecutor:
    """Return threads that wait for lanes; compiled code lets go of the interpreter."""
    return ThreadPoolExecutor(count, "fields")


def check_fields(fields: Floats, problem: FieldProblem) -> None:
    """Refuse arrays that kernels cannot work on in place."""
    shape, flags = problem.given.supply.shape, fields.flags
    if fields.shape != shape or fields.dtype != np.float32:
        raise ValueError(f"fields must be float32 {shape}, not {fields.dtype} {fields.shape}")
    if not (flags.c_contiguous and flags.writeable and flags.aligned):
        raise ValueError("fields must be contiguous and writeable")


def shared_boxes(work: Workspace, problem: FieldProblem) -> list[Box]:
    """Return a box for each lane, with the face factors of this problem."""
    if tuple(work.table[0, :3]) != problem.shape:
        raise ValueError(f"workspace is for {tuple(work.table[0, :3])}, not {problem.shape}")
    z, y, x = problem.periodic
    periodic = int(x) + 2 * int(y) + 4 * int(z)
    if periodic != work.periodic:  # ghosts of another topology
        work.mem[:] = empty_buffers(len(work.mem), work.table)
        work.periodic, work.hindrance = periodic, None
    hindrance, row = problem.hindrance, 3 * int(work.table[0, LENGTH])
    if hindrance is not None and not np.array_equal(hindrance, work.hindrance):
        work.hindrance = np.array(hindrance, np.float32)
        work.faces = np.zeros((len(hindrance), row), np.float32)
        for kind, share in enumerate(work.hindrance):
            face_factors(share, work.faces[kind], work.table, periodic)
        work.faces = work.faces.ravel()
    lanes = 1 if work.wide else min(threads(), len(work.mem))
    fork = threads() if work.wide else 0
    return [
        Box(work.mem[lane], work.faces, work.table, work.sums[lane], True, periodic, fork)
        for lane in range(lanes)
    ]
