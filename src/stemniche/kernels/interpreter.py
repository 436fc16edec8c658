"""Networks and rules as tables: one kernel evaluates any model, nothing is compiled per model.

Every drive of the model has the form ``c + sum_g w_g A_g`` where ``A_g`` is a product of Hill terms
(or of one minus a Hill term); a group of a node may instead be a loss and take ``log(1 + w_g A_g)``
away. A node relaxes towards the sigmoid of its drive, a behaviour equals the clipped exponential of
its drive. The engine flattens drives into a `Program` once and calls the two functions with it
whenever cells sense.

Cells of one type go through the table in blocks. The logarithm of every signal that the type reads
is taken once per block into a small buffer; after that a Hill term costs one exponential and one
division, in loops over cells that become vector code. One minus a Hill term is the Hill term of
the opposite power, so inverted terms cost no more.

All inputs of a tick are the values before it: a cell reads only its own column, and all that a
block reads is read before anything is written.

Limit: a signal is read as at least 1e-38, so a Hill term of 0 is 0 within 1e-38; NaN in a signal is
not carried on.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel, parallel_kernel, prange
from stemniche.kernels.maths import exp2, log2

__all__ = ["Program", "evaluate_behaviours", "evaluate_nodes", "program"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]

_BLOCK = 128
_LANES = 32  # a loop of this constant length becomes vector code without a scalar rest
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_SMALLEST = np.float32(1e-38)
_LOG2E = np.float32(np.log2(np.e))
_LN2 = np.float32(np.log(2.0))


class Program(NamedTuple):
    """Drives as the kernels read them, made by `program`.

    Terms name their signal by its place among those that their type reads,
    ``read[read_ptr[t]:read_ptr[t + 1]]``. `power` is negative where a term is inverted.
    """

    read_ptr: Longs
    read: Ints
    target_ptr: Longs
    targets: Ints
    constant: Floats
    low: Floats
    high: Floats
    group_ptr: Longs
    weight: Floats
    divides: Marks
    term_ptr: Longs
    slot: Ints
    log_half: Floats
    power: Floats


@kernel
def _slots(
    target_ptr: Longs,
    group_ptr: Longs,
    term_ptr: Longs,
    signal: Ints,
    signals: int,
    read_ptr: Longs,
    read: Ints,
    slot: Ints,
) -> None:
    """Number the signals that each type reads in the order in which they first occur."""
    place = np.empty(signals, np.int32)
    used = 0
    for t in range(target_ptr.size - 1):
        place[:] = -1
        read_ptr[t] = used
        first = term_ptr[group_ptr[target_ptr[t]]]
        for k in range(first, term_ptr[group_ptr[target_ptr[t + 1]]]):
            if place[signal[k]] < 0:
                place[signal[k]] = used - read_ptr[t]
                read[used] = signal[k]
                used += 1
            slot[k] = place[signal[k]]
    read_ptr[target_ptr.size - 1] = used


@inline
def _read_logs(
    cell: int, cells: Ints, lanes: int, signals: Floats, scale: Floats, table: Program, logs: Floats
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
                at = np.uint64(u + lane)
                logs[k, at] = log2(max(logs[k, at] * scale[s], _SMALLEST))


@inline
def _add_groups(
    drive: int, lanes: int, table: Program, logs: Floats, product: Floats, total: Floats
) -> None:
    """Add weight times product of Hill terms, for every group of the drive."""
    for g in range(table.group_ptr[drive], table.group_ptr[drive + 1]):
        first, weight = table.term_ptr[g], table.weight[g]
        if table.term_ptr[g + 1] == first + 1 and table.divides[g] == 0:  # most: no product kept
            log = logs[table.slot[first]]
            log_half, power = table.log_half[first], table.power[first]
            for u in range(0, lanes, _LANES):
                for lane in range(_LANES):
                    at = np.uint64(u + lane)
                    total[at] += weight / (_ONE + exp2(power * (log_half - log[at])))
            continue
        for t in range(first, table.term_ptr[g + 1]):
            k, log_half, power = table.slot[t], table.log_half[t], table.power[t]
            for u in range(0, lanes, _LANES):
                for lane in range(_LANES):
                    at = np.uint64(u + lane)
                    before = weight if t == first else product[at]
                    product[at] = before / (_ONE + exp2(power * (log_half - logs[k, at])))
        if table.divides[g] != 0:
            for u in range(0, lanes, _LANES):
                for lane in range(_LANES):
                    at = np.uint64(u + lane)
                    product[at] = -_LN2 * log2(_ONE + product[at])
        for u in range(0, lanes, _LANES):
            for lane in range(_LANES):
                at = np.uint64(u + lane)
                total[at] += product[at]


@kernel
def _evaluate_block(
    cell: int,
    cells: Ints,
    signals: Floats,
    scale: Floats,
    table: Program,
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
    for drive in range(table.target_ptr[cell], table.target_ptr[cell + 1]):
        row = table.targets[drive]
        total[:] = table.constant[drive] + shift[row]
        _add_groups(drive, lanes, table, logs, product, total)
        low, high = table.low[drive], table.high[drive]
        for u in range(0, lanes, _LANES):
            for lane in range(_LANES):
                at = np.uint64(u + lane)
                raised = exp2(_LOG2E * total[at])
                bounded = min(max(raised, low), high)
                total[at] = raised / (_ONE + raised) if relaxing else bounded
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
    table: Program,
    shift: Floats,
    share: Floats,
    relaxing: bool,
    out: Floats,
) -> None:
    for b in prange(blocks.shape[0]):
        t, cells = blocks[b, 0], order[blocks[b, 1] : blocks[b, 2]]
        _evaluate_block(t, cells, signals, read_scale[t], table, shift[t], share, relaxing, out)


def program(
    signals: int,
    target_ptr: Longs,
    targets: Ints,
    constant: Floats,
    group_ptr: Longs,
    weight: Floats,
    term_ptr: Longs,
    signal: Ints,
    half_max: Floats,
    hill: Floats,
    inverted: Marks,
    low: Floats | None = None,
    high: Floats | None = None,
    divides: Marks | None = None,
) -> Program:
    """Lay the drives of all types out for the kernels.

    Args:
        signals: How many there are.
        target_ptr: int64[T+1]: drives of type t are ``target_ptr[t]`` to ``target_ptr[t + 1]``.
        targets: int32: node or behaviour of each drive; at most one drive per type and target.
        constant: float32: constant of each drive.
        group_ptr: int64: groups of each drive.
        weight: float32: of each group.
        term_ptr: int64: terms of each group, at least one.
        signal: int32: row of the signals that each term reads.
        half_max, hill: float32, positive, of each term.
        inverted: uint8: 1 for one minus the Hill term.
        low, high: float32: bounds of each drive; behaviours have them.
        divides: uint8, 1 for a group that is a loss; `weight` is then its factor, not negative.
    """
    read_ptr, read = np.empty(target_ptr.size, np.int64), np.empty(signal.size, np.int32)
    slot = np.empty(signal.size, np.int32)
    _slots(target_ptr, group_ptr, term_ptr, signal, signals, read_ptr, read, slot)
    power = np.where(inverted != 0, -hill, hill)
    free = np.zeros_like(constant)
    return Program(
        read_ptr, read, target_ptr, targets, constant, free if low is None else low,
        free if high is None else high, group_ptr, weight,
        np.zeros(weight.size, np.uint8) if divides is None else divides, term_ptr, slot,
        np.log2(half_max), power,
    )  # fmt: skip


def _split(type_start: Longs) -> Ints:
    """Type, first and last place of every block; no block holds two types."""
    blocks = [
        (t, first, min(first + _BLOCK, end))
        for t, (start, end) in enumerate(pairwise(type_start.tolist()))
        for first in range(start, end, _BLOCK)
    ]
    return np.array(blocks, np.int32).reshape(-1, 3)


def evaluate_nodes(
    signals: Floats,
    read_scale: Floats,
    type_start: Longs,
    order: Ints,
    table: Program,
    shift: Floats,
    tau: Floats,
    first_node: int,
    minutes: float,
) -> None:
    """Relax every node of every cell over one tick, in place: exact for frozen inputs.

    Args:
        signals: float32[S, capacity]; rows ``first_node + node`` are read and written, other rows
            are read.
        read_scale: float32[T, S]: what a type reads of a signal (1, or less under an inhibitor).
        type_start: int64[T+1]: the cells of type t are ``order[type_start[t]:type_start[t + 1]]``.
        order: int32: cells by type.
        table: Drives of the nodes.
        shift: float32[T, N]: added to the drive, ln(fold) of an overexpression.
        tau: float32[N], min.
        first_node: Row of node 0.
        minutes: Length of the tick.
    """
    share = (-np.expm1(-minutes / tau.astype(np.float64))).astype(np.float32)
    nodes = signals[first_node:]
    _evaluate(_split(type_start), order, signals, read_scale, table, shift, share, True, nodes)


def evaluate_behaviours(
    signals: Floats,
    read_scale: Floats,
    type_start: Longs,
    order: Ints,
    table: Program,
    behaviours: Floats,
) -> None:
    """Behaviours of every cell: ``clip(exp(c + sum w A), low, high)``.

    Args:
        signals: float32[S, capacity], only read.
        table: Drives of the behaviours, with their bounds.
        behaviours: float32[B, capacity]; targets are its rows. Rows without a drive in a type keep
            their values.

    The other arguments are those of `evaluate_nodes`.
    """
    rows = behaviours.shape[0]
    unshifted, at_once = (
        np.zeros((read_scale.shape[0], rows), np.float32),
        np.ones(rows, np.float32),
    )
    _evaluate(
        _split(type_start), order, signals, read_scale, table, unshifted, at_once, False, behaviours
    )
