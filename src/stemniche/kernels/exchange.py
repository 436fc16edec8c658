"""What cells and vessels give to and take from the voxel they are in.

Each voxel sums its own cells in their canonical order, so the result does not depend on threads.
Tables are per cell type: entries ``pointer[t] .. pointer[t + 1]`` belong to type ``t``. Rows whose
`due` is 0 are left alone: nobody solves them in this tick.
"""

from typing import Any

import numpy as np

from stemniche.kernels.jit import kernel, lean_kernel, parallel_kernel, prange

_BLOCK = 1024


@kernel
def _due_entries(pointer: Any, row: Any, due: Any) -> tuple[Any, Any]:
    """Entries whose row is due, as starts per type and their places."""
    start, entry = np.zeros(pointer.size, np.int64), np.empty(row.size, np.int64)
    for t in range(pointer.size - 1):
        start[t + 1] = start[t]
        for e in range(pointer[t], pointer[t + 1]):
            if due[row[e]]:
                entry[start[t + 1]] = e
                start[t + 1] += 1
    return start, entry


@lean_kernel
def _add(row: int, amount: float, total: Any, seen: Any, met: Any, count: int) -> int:
    """Add to the total of a row; return how many rows were met in this voxel."""
    if not seen[row]:
        seen[row], met[count] = True, row
        count += 1
    total[row] += amount
    return count


@parallel_kernel
def secrete(
    voxel_ptr: Any,
    kind: Any,
    state: Any,
    signals: Any,
    pointer: Any,
    factor: Any,
    rate: Any,
    node: Any,
    cargo: Any,
    read_scale: Any,
    synthesis: Any,
    due: Any,
    supply: Any,
) -> None:
    """Add release by living cells to `supply`.

    Args:
        voxel_ptr: int64 [V + 1], first cell of each voxel.
        kind, state: uint8 [cap], cell type and state (0 = alive).
        signals: float32 [S, cap]; `node` and `cargo` name rows that scale an entry, -1 for none.
        pointer, factor, rate, node, cargo: entries per type; `rate` in factor-unit/min per voxel.
        read_scale: float32 [T, S], what a type has of a node's output; 1 without inhibition.
        synthesis: float32 [T, F] multiplier set by interventions.
        due: uint8 [F].
        supply: float32 [F, V], factor-unit/min.
    """
    voxels = voxel_ptr.shape[0] - 1
    factors = supply.shape[0]
    start, entry = _due_entries(pointer, factor, due)
    for block in prange((voxels + _BLOCK - 1) // _BLOCK):
        total, met = np.zeros(factors, np.float64), np.empty(factors, np.int64)
        seen = np.zeros(factors, np.bool_)
        for v in range(block * _BLOCK, min(voxels, (block + 1) * _BLOCK)):
            first, last = voxel_ptr[v], voxel_ptr[v + 1]
            count = 0
            for c in range(first, last):
                if state[c] != 0:
                    continue
                t = kind[c]
                for e in entry[start[t] : start[t + 1]]:
                    f = factor[e]
                    amount = rate[e] * synthesis[t, f]
                    if node[e] >= 0:
                        amount *= signals[node[e], c] * read_scale[t, node[e]]
                    if cargo[e] >= 0:
                        amount *= signals[cargo[e], c] * read_scale[t, cargo[e]]
                    count = _add(f, amount, total, seen, met, count)
            for m in range(count):
                f = met[m]
                supply[f, v] += np.float32(total[f])
                total[f], seen[f] = 0.0, False


@parallel_kernel
def take_up(
    voxel_ptr: Any,
    kind: Any,
    state: Any,
    radius: Any,
    pointer: Any,
    column: Any,
    rate: Any,
    by_volume: Any,
    node: Any,
    carrier: Any,
    signals: Any,
    read_scale: Any,
    due: Any,
    sink: Any,
) -> None:
    """Add removal by living and apoptotic cells to `sink`.

    Args:
        radius: float32 [cap], um.
        column: row of `sink` an entry adds to.
        rate: first order: 1/min times 1/voxel volume (multiplied by the cell's volume where
            `by_volume` is 1); otherwise the amount per cell and voxel.
        node, signals, read_scale: As for `secrete`; they scale the entry.
        carrier: Row of `read_scale` that alone scales the entry, -1 for none: vesicles are read by
            being taken up, so a block of the one is a block of the other.
        due: uint8 [rows].
        sink: float32 [rows, V].
    """
    voxels = voxel_ptr.shape[0] - 1
    rows = sink.shape[0]
    start, entry = _due_entries(pointer, column, due)
    for block in prange((voxels + _BLOCK - 1) // _BLOCK):
        total, met = np.zeros(rows, np.float64), np.empty(rows, np.int64)
        seen = np.zeros(rows, np.bool_)
        for v in range(block * _BLOCK, min(voxels, (block + 1) * _BLOCK)):
            first, last = voxel_ptr[v], voxel_ptr[v + 1]
            count = 0
            for c in range(first, last):
                if state[c] > 1:
                    continue
                t = kind[c]
                r = radius[c]
                volume = 4.18879020478639 * r * r * r
                for e in entry[start[t] : start[t + 1]]:
                    amount = rate[e]
                    if by_volume[e] == 1:
                        amount *= volume
                    elif state[c] != 0:
                        continue
                    if node[e] >= 0:
                        amount *= signals[node[e], c] * read_scale[t, node[e]]
                    if carrier[e] >= 0:
                        amount *= read_scale[t, carrier[e]]
                    count = _add(column[e], amount, total, seen, met, count)
            for m in range(count):
                f = met[m]
                sink[f, v] += np.float32(total[f])
                total[f], seen[f] = 0.0, False


@parallel_kernel
def perfuse(perfusion: Any, rate: Any, blood: Any, due: Any, supply: Any, sink: Any) -> None:
    """Add what perfused vessels bring to `supply`, and what they take to `sink`.

    Args:
        perfusion: float32 [V], flow of the vessels in each voxel, 0 without.
        rate: float32 [F], exchange of a voxel with a vessel of flow 1, 1/min.
        blood: float64 [F], level in the plasma, factor-unit.
        due: uint8 [F].
        supply, sink: float32 [F, V].
    """
    voxels = perfusion.shape[0]
    for block in prange((voxels + _BLOCK - 1) // _BLOCK):
        for v in range(block * _BLOCK, min(voxels, (block + 1) * _BLOCK)):
            if perfusion[v] != 0:
                for f in range(rate.shape[0]):
                    if due[f]:
                        sink[f, v] += rate[f] * perfusion[v]
                        supply[f, v] += rate[f] * perfusion[v] * np.float32(blood[f])
