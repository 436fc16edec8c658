"""The cell cycle and the time course of dying: phases, durations, volumes.

G1 is left at a rate, towards S or towards G0; S and G2M last fixed times. Volume doubles linearly
over S and G2M. Apoptotic cells shrink to nothing in a given time; necrotic ones dissolve at a rate.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import lean_kernel, parallel_kernel, prange
from stemniche.kernels.maths import uniform

__all__ = ["advance_cycle", "advance_dead", "expected_entries"]

Floats = NDArray[np.float32]
Marks = NDArray[np.uint8]
Keys = NDArray[np.uint64]

_BLOCK = 512
_G0, _G1, _S, _G2M = 0, 1, 2, 3
_FIRST_DRAW = np.uint32(0)
_PER_SPHERE = 0.238732414637843  # 3 / (4 pi)
_SHORTEST = np.float32(1e-6)  # min, so that cells without S and G2M have a size
_SMALLEST = 0.05  # share of a newborn cell's volume that is left when a dead cell vanishes


@parallel_kernel
def _advance_cycle(
    kind: Marks,
    state: Marks,
    phase: Marks,
    clock: Floats,
    dividing: Marks,
    awakened: Marks,
    radius: Floats,
    growth: Floats,
    key: Keys,
    cycle_rate: Floats,
    quiescence_rate: Floats,
    awakening_rate: Floats,
    s_duration: Floats,
    g2m_duration: Floats,
    volume: Floats,
    n: int,
    seed: np.uint64,
    stream: np.uint32,
    tick: np.uint32,
    minutes: float,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for c in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            dividing[c] = 0
            if state[c] != 0:
                continue
            t = kind[c]
            p = phase[c]
            if p == _G0:
                u = uniform(seed, stream, key[c], tick, _FIRST_DRAW)
                if u < 1.0 - np.exp(-awakening_rate[c] * minutes):
                    phase[c] = _G1
                    awakened[c] = 1
            elif p == _G1:
                on = cycle_rate[c] * growth[c]
                off = quiescence_rate[c]
                total = on + off
                u = uniform(seed, stream, key[c], tick, _FIRST_DRAW)
                any_ = 1.0 - np.exp(-total * minutes)
                if u < any_:
                    if u * total < any_ * on:
                        phase[c] = _S
                        clock[c] = s_duration[t]
                    else:
                        phase[c] = _G0
            else:
                clock[c] -= np.float32(minutes)
                if clock[c] <= 0.0:
                    if p == _S:
                        phase[c] = _G2M
                        clock[c] += g2m_duration[t]
                    else:
                        dividing[c] = 1
            p = phase[c]
            grown, lasts = 0.0, max(s_duration[t] + g2m_duration[t], _SHORTEST)
            if p == _S:
                grown = (s_duration[t] - clock[c]) / lasts
            elif p == _G2M:
                grown = 1.0 - max(clock[c], 0.0) / lasts
            size = volume[t] * (1.0 + min(max(grown, 0.0), 1.0))
            radius[c] = np.float32((size * _PER_SPHERE) ** (1.0 / 3.0))


def advance_cycle(
    kind: Marks,
    state: Marks,
    phase: Marks,
    clock: Floats,
    dividing: Marks,
    awakened: Marks,
    radius: Floats,
    growth: Floats,
    key: Keys,
    cycle_rate: Floats,
    quiescence_rate: Floats,
    awakening_rate: Floats,
    s_duration: Floats,
    g2m_duration: Floats,
    volume: Floats,
    n: int,
    seed: int,
    stream: int,
    tick: int,
    minutes: float,
) -> None:
    """One tick of the cycle of living cells, in place; sets `dividing` where G2M ends.

    Args:
        kind, state: Cell type and state (0 = alive).
        phase: 0 to 3: G0, G1, S, G2M.
        clock: min left of S or G2M; what a phase overshoots is taken off the next.
        dividing, awakened: Set to 1 where G2M ends, and where G0 is left.
        radius: um; gets that of the present volume.
        growth: Heritable factor on `cycle_rate`.
        key, seed, stream, tick: They determine the random number of each cell.
        cycle_rate, quiescence_rate, awakening_rate: Per cell, 1/min.
        s_duration, g2m_duration: Per type, min.
        volume: Per type, um^3, of a newborn cell.
        n: Cells in use.
        minutes: Length of the tick.
    """
    _advance_cycle(
        kind, state, phase, clock, dividing, awakened, radius, growth, key, cycle_rate,
        quiescence_rate, awakening_rate, s_duration, g2m_duration, volume, n, np.uint64(seed),
        np.uint32(stream), np.uint32(tick), float(minutes),
    )  # fmt: skip


@lean_kernel
def expected_entries(
    kind: Marks,
    state: Marks,
    phase: Marks,
    growth: Floats,
    cycle_rate: Floats,
    quiescence_rate: Floats,
    n: int,
    minutes: float,
    out: NDArray[np.float64],
) -> None:
    """Add up by type, into float64 `out`, the chances of cells in G1 to enter S within a tick.

    The other arguments are those of `advance_cycle`, to be asked before it.
    """
    for c in range(n):
        if state[c] == 0 and phase[c] == _G1:
            on = cycle_rate[c] * growth[c]
            total = on + quiescence_rate[c]
            if total > 0.0:
                out[kind[c]] -= on / total * math.expm1(-total * minutes)


@parallel_kernel
def _advance_dead(
    kind: Marks,
    state: Marks,
    clock: Floats,
    radius: Floats,
    key: Keys,
    engulfing: Floats,
    engulfed: Marks,
    duration: Floats,
    volume: Floats,
    dissolution: float,
    n: int,
    seed: np.uint64,
    stream: np.uint32,
    tick: np.uint32,
    minutes: float,
) -> None:
    shrinks = np.float32(np.exp(-dissolution * minutes / 3.0))
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for c in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            engulfed[c] = 0
            if state[c] != 1 and state[c] != 2:
                continue
            clock[c] -= np.float32(minutes)
            base = volume[kind[c]] * _PER_SPHERE
            if state[c] == 1:
                left = max(clock[c] / duration[kind[c]], _SMALLEST)
                radius[c] = np.float32((left * base) ** (1.0 / 3.0))
            else:
                radius[c] *= shrinks
                if radius[c] ** 3 < _SMALLEST * base:
                    clock[c] = 0.0
            if clock[c] <= 0.0:
                state[c] = 3
                continue
            if engulfing[c] <= 0.0:
                continue
            u = uniform(seed, stream, key[c], tick, _FIRST_DRAW)
            if u < 1.0 - np.exp(-engulfing[c] * minutes):
                state[c] = 3
                engulfed[c] = 1


def advance_dead(
    kind: Marks,
    state: Marks,
    clock: Floats,
    radius: Floats,
    key: Keys,
    engulfing: Floats,
    engulfed: Marks,
    duration: Floats,
    volume: Floats,
    dissolution: float,
    n: int,
    seed: int,
    stream: int,
    tick: int,
    minutes: float,
) -> None:
    """Shrink dead cells, and remove those that are gone or engulfed (state becomes 3), in place.

    Args:
        kind: Cell type.
        state: 1 = apoptotic, 2 = necrotic; others are left alone.
        clock: min until a dead cell vanishes by itself.
        radius: um; that of apoptotic cells follows their clock, necrotic ones lose volume at the
            rate `dissolution`.
        key, seed, stream, tick: They determine the random number of each cell.
        engulfing: Summed phagocytosis rate of the touching cells, 1/min.
        engulfed: Gets 1 where a cell went by phagocytosis, else 0.
        duration: Per type, min, of apoptosis.
        volume: Per type, um^3, of a newborn cell.
        dissolution: 1/min, loss of volume of necrotic cells.
        n: Cells in use.
        minutes: Length of the tick.
    """
    _advance_dead(
        kind, state, clock, radius, key, engulfing, engulfed, duration, volume, float(dissolution),
        n, np.uint64(seed), np.uint32(stream), np.uint32(tick), float(minutes),
    )  # fmt: skip
