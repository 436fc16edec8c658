"""The cell cycle and the time course of dying: phases, durations, volumes.

G1 is left at a rate, towards S or towards G0; S and G2M last fixed times. Volume doubles linearly
over S and G2M. Apoptotic cells shrink to nothing, necrotic ones stay until they are cleared.
"""

from typing import Any

import numpy as np

from stemniche.kernels.jit import parallel_kernel, prange
from stemniche.kernels.maths import uniform

_BLOCK = 512
_G0, _G1, _S, _G2M = 0, 1, 2, 3


@parallel_kernel
def advance_cycle(
    kind: Any,
    state: Any,
    phase: Any,
    clock: Any,
    dividing: Any,
    awakened: Any,
    radius: Any,
    growth: Any,
    key: Any,
    cycle_rate: Any,
    quiescence_rate: Any,
    awakening_rate: Any,
    s_duration: Any,
    g2m_duration: Any,
    volume: Any,
    n: int,
    seed: Any,
    stream: Any,
    tick: Any,
    minutes: float,
) -> None:
    """One tick of the cycle of living cells; sets `dividing` where G2M ends.

    Args:
        kind, state, phase, dividing, awakened: uint8 [cap]; clock: float32 [cap], min left.
        growth: float32 [cap], heritable factor on `cycle_rate`.
        cycle_rate, quiescence_rate, awakening_rate: float32 [cap], 1/min.
        s_duration, g2m_duration: float32 [T], min. volume: float32 [T], um^3 of a newborn cell.
    """
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for c in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            dividing[c] = 0
            if state[c] != 0:
                continue
            t = kind[c]
            p = phase[c]
            if p == _G0:
                u = uniform(seed, stream, key[c], tick, np.uint32(0))
                if u < 1.0 - np.exp(-awakening_rate[c] * minutes):
                    phase[c] = _G1
                    awakened[c] = 1
            elif p == _G1:
                on = cycle_rate[c] * growth[c]
                off = quiescence_rate[c]
                total = on + off
                u = uniform(seed, stream, key[c], tick, np.uint32(0))
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
            grown = 0.0
            if p == _S:
                grown = (s_duration[t] - clock[c]) / (s_duration[t] + g2m_duration[t])
            elif p == _G2M:
                grown = 1.0 - max(clock[c], 0.0) / (s_duration[t] + g2m_duration[t])
            size = volume[t] * (1.0 + min(max(grown, 0.0), 1.0))
            radius[c] = np.float32((size * 0.238732414637843) ** (1.0 / 3.0))


@parallel_kernel
def advance_dead(
    kind: Any,
    state: Any,
    clock: Any,
    radius: Any,
    key: Any,
    engulfing: Any,
    engulfed: Any,
    duration: Any,
    volume: Any,
    clearance: float,
    n: int,
    seed: Any,
    stream: Any,
    tick: Any,
    minutes: float,
) -> None:
    """Shrink and remove dead cells (state becomes 3, gone).

    Args:
        engulfing: float32 [cap], summed phagocytosis rate of touching cells, 1/min.
        engulfed: uint8 [cap], set to 1 where a cell went by phagocytosis.
        duration: float32 [T], min, of apoptosis.
        clearance: 1/min, loss of necrotic cells without phagocytes.
    """
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for c in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            engulfed[c] = 0
            if state[c] != 1 and state[c] != 2:
                continue
            base = 0.0
            if state[c] == 1:
                clock[c] -= np.float32(minutes)
                left = max(clock[c], 0.0) / duration[kind[c]]
                radius[c] = np.float32(
                    (max(left, 0.05) * volume[kind[c]] * 0.238732414637843) ** (1 / 3)
                )
                if clock[c] <= 0.0:
                    state[c] = 3
                    continue
            else:
                base = clearance
            total = base + engulfing[c]
            if total <= 0.0:
                continue
            u = uniform(seed, stream, key[c], tick, np.uint32(0))
            gone = 1.0 - np.exp(-total * minutes)
            if u < gone:
                state[c] = 3
                if u * total < gone * engulfing[c]:
                    engulfed[c] = 1
