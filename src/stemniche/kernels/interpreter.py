"""Networks and rules as tables: one kernel evaluates any model, nothing is compiled per model.

Every drive of the model has the form ``c + sum_g w_g A_g`` where ``A_g`` is a product of Hill terms
(or of one minus a Hill term). A node relaxes towards the sigmoid of its drive, a behaviour equals
the clipped exponential of its drive. `build_table` turns drives into flat arrays; the engine calls
the two `evaluate_*` kernels once per tick.

Cells of one type go through the table in blocks. The logarithm of every signal that the type reads
is taken once per block into a small buffer; after that a Hill term costs one exponential and one
division, in loops over cells that become vector code.

All inputs of a tick are the values before it: a cell reads only its own column, and the whole
column is read before anything is written.

Limit: a signal is read as at least 1e-38, so a Hill term of 0 is 0 within 1e-38; NaN in a signal is
not carried on.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange
from stemniche.kernels.maths import exp2, log2

__all__ = [
    "DriveRow",
    "GroupRow",
    "Table",
    "TermRow",
    "build_table",
    "evaluate_behaviours",
    "evaluate_nodes",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_BLOCK = 128
_LANES = 32
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_SMALLEST = np.float32(1e-38)
_LOG2E = np.float32(np.log2(np.e))


class TermRow(NamedTuple):
    """A Hill term of one signal, or one minus it."""

    signal: int
    half_max: float
    hill: float
    inverted: bool


class GroupRow(NamedTuple):
    """Weight times the product of the terms."""

    weight: float
    terms: Sequence[TermRow]


class DriveRow(NamedTuple):
    """All that moves one target in one cell type; `low` and `high` bound behaviours only."""

    cell: int
    target: int
    constant: float
    low: float
    high: float
    groups: Sequence[GroupRow]


class Table(NamedTuple):
    """Drives as arrays, by type, then drive, then group, then term.

    ``drive_ptr[t]`` is the first drive of type t, and so on. Terms name their signal by its place
    in ``read[read_ptr[t]:read_ptr[t + 1]]``, the signals that type t reads. One minus a Hill term
    is the Hill term of the opposite power, so `hill` is negative where a term is inverted.
    """

    read_ptr: Ints
    read: Ints
    drive_ptr: Ints
    target: Ints
    constant: Floats
    low: Floats
    high: Floats
    group_ptr: Ints
    weight: Floats
    term_ptr: Ints
    slot: Ints
    log_half: Floats
    hill: Floats


def build_table(types: int, drives: Sequence[DriveRow]) -> Table:
    """Arrays for `evaluate_nodes` or `evaluate_behaviours` from drives in any order.

    Targets are rows of the array that is written: node number for nodes, behaviour number for
    behaviours. Half-maxima and Hill powers must be positive.
    """
    ordered = sorted(drives, key=lambda drive: (drive.cell, drive.target))
    groups = [group for drive in ordered for group in drive.groups]
    terms = [term for group in groups for term in group.terms]
    read_ptr, read, slots = [0], [], []
    for cell in range(types):
        own = [term for d in ordered if d.cell == cell for g in d.groups for term in g.terms]
        signals = sorted({term.signal for term in own})
        slots += [signals.index(term.signal) for term in own]
        read += signals
        read_ptr.append(len(read))
    cells = [drive.cell for drive in ordered]
    return Table(
        read_ptr=np.array(read_ptr, np.int32),
        read=np.array(read, np.int32),
        drive_ptr=np.searchsorted(cells, np.arange(types + 1)).astype(np.int32),
        target=np.array([drive.target for drive in ordered], np.int32),
        constant=np.array([drive.constant for drive in ordered], np.float32),
        low=np.array([drive.low for drive in ordered], np.float32),
        high=np.array([drive.high for drive in ordered], np.float32),
        group_ptr=_ends([len(drive.groups) for drive in ordered]),
        weight=np.array([group.weight for group in groups], np.float32),
        term_ptr=_ends([len(group.terms) for group in groups]),
        slot=np.array(slots, np.int32),
        log_half=np.log2([term.half_max for term in terms]).astype(np.float32),
        hill=np.array([-t.hill if t.inverted else t.hill for t in terms], np.float32),
    )


def _ends(lengths: list[int]) -> Ints:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)


@inline
def _read_logs(
    cell: int, cells: Ints, lanes: int, signals: Floats, scale: Floats, table: Table, logs: Floats
) -> None:
    """Logarithms of what the cells read, one row per signal; lanes without a cell get any value."""
    first = table.read_ptr[cell]
    for k in range(table.read_ptr[cell + 1] - first):
        s = table.read[first + k]
        for c in range(cells.size):
            logs[k, c] = signals[s, np.uint32(cells[c])]
        for c in range(cells.size, lanes):
            logs[k, c] = _ONE
        for u in range(0, lanes, _LANES):
            for lane in range(_LANES):
                c = np.uint64(u + lane)
                logs[k, c] = log2(max(logs[k, c] * scale[s], _SMALLEST))


@inline
def _add_groups(
    drive: int, lanes: int, table: Table, logs: Floats, product: Floats, total: Floats
) -> None:
    """Add weight times product of Hill terms, for every group of the drive."""
    for g in range(table.group_ptr[drive], table.group_ptr[drive + 1]):
        first = table.term_ptr[g]
        for t in range(first, table.term_ptr[g + 1]):
            k, log_half, hill = table.slot[t], table.log_half[t], table.hill[t]
            for u in range(0, lanes, _LANES):
                for lane in range(_LANES):
                    c = np.uint64(u + lane)
                    before = table.weight[g] if t == first else product[c]
                    product[c] = before / (_ONE + exp2(hill * (log_half - logs[k, c])))
        for u in range(0, lanes, _LANES):
            for lane in range(_LANES):
                c = np.uint64(u + lane)
                total[c] += product[c]


@kernel
def _evaluate_block(
    cell: int,
    cells: Ints,
    signals: Floats,
    scale: Floats,
    table: Table,
    shift: Floats,
    share: Floats,
    relaxing: bool,
    out: Floats,
) -> None:
    """All drives of up to `_BLOCK` cells of one type."""
    lanes = (cells.size + _LANES - 1) // _LANES * _LANES
    logs = np.empty((table.read_ptr[cell + 1] - table.read_ptr[cell], _BLOCK), np.float32)
    product, total = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    _read_logs(cell, cells, lanes, signals, scale, table, logs)
    for drive in range(table.drive_ptr[cell], table.drive_ptr[cell + 1]):
        row = table.target[drive]
        total[:] = table.constant[drive] + shift[row]
        _add_groups(drive, lanes, table, logs, product, total)
        low, high = table.low[drive], table.high[drive]
        for u in range(0, lanes, _LANES):
            for lane in range(_LANES):
                c = np.uint64(u + lane)
                raised = exp2(_LOG2E * total[c])
                bounded = min(max(raised, low), high)
                total[c] = raised / (_ONE + raised) if relaxing else bounded
        for c in range(cells.size):
            i = np.uint32(cells[c])
            old = out[row, i] if relaxing else _ZERO
            out[row, i] = old + share[row] * (total[c] - old)


@parallel_kernel
def _evaluate(
    blocks: Ints,
    order: Ints,
    signals: Floats,
    read_scale: Floats,
    table: Table,
    shift: Floats,
    share: Floats,
    relaxing: bool,
    out: Floats,
) -> None:
    for b in prange(blocks.shape[0]):
        t, cells = blocks[b, 0], order[blocks[b, 1] : blocks[b, 2]]
        _evaluate_block(t, cells, signals, read_scale[t], table, shift[t], share, relaxing, out)


def _split(type_start: Ints) -> Ints:
    """Type, first and last place of every block; no block holds two types."""
    blocks = [
        (t, first, min(first + _BLOCK, int(end)))
        for t, (start, end) in enumerate(pairwise(type_start))
        for first in range(int(start), int(end), _BLOCK)
    ]
    return np.array(blocks, np.int32).reshape(-1, 3)


def evaluate_nodes(
    signals: Floats,
    read_scale: Floats,
    type_start: Ints,
    order: Ints,
    table: Table,
    shift: Floats,
    tau: Floats,
    minutes: float,
    first_node: int,
) -> None:
    """Relax every node of every cell over one tick, in place.

    Args:
        signals: float32[S, capacity]; rows ``first_node + node`` are read and written, other rows
            are read.
        read_scale: float32[T, S]: what a type reads of a signal (1, or less under an inhibitor).
        type_start: int32[T+1]: the cells of type t are ``order[type_start[t]:type_start[t + 1]]``.
        order: int32: cells by type.
        table: From `build_table`; targets are node numbers.
        shift: float32[T, N]: added to the drive, ln(fold) of an overexpression.
        tau: float32[N], min.
        minutes: Length of the tick. The relaxation with frozen inputs is exact.
        first_node: Row of node 0.
    """
    share = (-np.expm1(-minutes / tau.astype(np.float64))).astype(np.float32)
    _evaluate(
        _split(type_start),
        order,
        signals,
        read_scale,
        table,
        shift,
        share,
        True,
        signals[first_node:],
    )


def evaluate_behaviours(
    signals: Floats,
    read_scale: Floats,
    type_start: Ints,
    order: Ints,
    table: Table,
    behaviours: Floats,
) -> None:
    """Behaviours of every cell: ``clip(exp(c + sum w A), low, high)``.

    Args:
        signals, read_scale, type_start, order: As in `evaluate_nodes`.
        table: From `build_table`; targets are rows of `behaviours`.
        behaviours: float32[B, capacity]; rows without a drive in a type keep their values.
    """
    rows = behaviours.shape[0]
    no_shift = np.zeros((read_scale.shape[0], rows), np.float32)
    at_once = np.ones(rows, np.float32)
    _evaluate(
        _split(type_start), order, signals, read_scale, table, no_shift, at_once, False, behaviours
    )
