"""Contact killing: killers hit what they touch and see, hits add up, are repaired and kill.

`engine.processes.killing` says who kills whom, and where the numbers come from. Each cell sums over
its own row of the list of those that touch, in the row's order.
"""

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, parallel_kernel, prange

__all__ = ["strike"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Marks = NDArray[np.uint8]

_BLOCK = 1024
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@inline
def _seen(
    visibility: np.float32,
    shown: np.float32,
    share: np.float32,
    blind: np.float32,
    direct: np.float32,
) -> np.float32:
    """How much of a victim a killer recognises, 0 to 1."""
    return share * visibility + blind * (_ONE - visibility) + direct * shown


@parallel_kernel
def _aim(
    kind: Marks,
    state: Marks,
    killer: NDArray[np.int8],
    victim: Marks,
    rate: Floats,
    visibility: Floats,
    shown: Floats,
    share: Floats,
    blind: Floats,
    direct: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    each: Floats,
    engagement: Floats,
) -> None:
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            each[i] = engagement[i] = _ZERO
            k = killer[kind[i]]
            if k < 0 or state[i] != 0:
                continue
            met = _ZERO
            for p in range(ptr[i], ptr[i + 1]):
                j = np.uint32(idx[p])
                if victim[kind[j]] and state[j] == 0:
                    met += _seen(visibility[j], shown[j], share[k], blind[k], direct[k])
            each[i] = rate[i] / max(met, _ONE)
            engagement[i] = min(met, _ONE)


@parallel_kernel
def _hit(
    kind: Marks,
    state: Marks,
    killer: NDArray[np.int8],
    victim: Marks,
    each: Floats,
    visibility: Floats,
    shown: Floats,
    share: Floats,
    blind: Floats,
    direct: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    repair: float,
    minutes: float,
    half: float,
    hill: float,
    fastest: float,
    hits: Floats,
    row: Ints,
    hazards: Floats,
) -> None:
    kept, killers = np.float32(np.exp(-repair * minutes)), row.size
    per_repair = np.float32(1.0 / repair)
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        got = np.zeros(killers, np.float32)
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, n)):
            exposed = victim[kind[i]] != 0 and state[i] == 0
            if exposed:
                for p in range(ptr[i], ptr[i + 1]):
                    j = np.uint32(idx[p])
                    if each[j] > _ZERO:
                        got[killer[kind[j]]] += each[j]
            total = _ZERO
            for k in range(killers):
                seen = _seen(visibility[i], shown[i], share[k], blind[k], direct[k])
                steady = got[k] * seen * per_repair
                got[k] = _ZERO
                hits[k, i] = steady + (hits[k, i] - steady) * kept
                total += hits[k, i]
            if exposed and total > _ZERO:
                power = np.float64(total) ** hill
                deadly = np.float32(fastest * power / (power + half**hill) / total)
                for k in range(killers):
                    hazards[row[k], i] += deadly * hits[k, i]


def strike(
    kind: Marks,
    state: Marks,
    killer: NDArray[np.int8],
    victim: Marks,
    rate: Floats,
    visibility: Floats,
    shown: Floats,
    share: Floats,
    blind: Floats,
    direct: Floats,
    ptr: Longs,
    idx: Ints,
    n: int,
    repair: float,
    minutes: float,
    half: float,
    hill: float,
    fastest: float,
    hits: Floats,
    row: Ints,
    hazards: Floats,
    engagement: Floats,
) -> None:
    """Hits over a tick, the hazards they make and how busy each killer is, in place.

    A killer shares its rate among the victims it touches, by how much of each it recognises:
    ``share * visibility + blind * (1 - visibility) + direct * shown``. Hits of each kind follow
    ``dH/dt = hits - repair H``, exact over the tick; a victim's hazard is
    ``fastest H^hill / (half^hill + H^hill)`` of all its hits, split among the kinds by their part.

    Args:
        kind, state: uint8, type and state (0 = alive) of each cell.
        killer: int8[T], row in `hits` of a type that kills, -1 for others.
        victim: uint8[T], 1 for types that can be hit.
        rate: float32, hits per min of each killer.
        visibility: float32, 0 to 1, of each cell.
        shown: float32, 0 to 1, how much of its surface antigen makes a cell a target.
        share, blind, direct: float32[K], of each kind of killer.
        ptr, idx: Touching neighbours, from `neighbours.touching`.
        n: Cells in use.
        repair: 1/min.
        minutes: Length of the tick.
        half, hill, fastest: Of the hazard, in hits, 1 and 1/min.
        hits: float32[K, capacity], changed.
        row: int32[K], row of `hazards` of each kind of killer.
        hazards: float32[H, capacity], 1/min, added to.
        engagement: float32, gets how much of each killer's attack is in use, 0 to 1.
    """
    each = np.empty(n, np.float32)
    seen = visibility, shown, share, blind, direct
    _aim(kind, state, killer, victim, rate, *seen, ptr, idx, n, each, engagement)
    _hit(
        kind, state, killer, victim, each, *seen, ptr, idx, n, float(repair), float(minutes),
        float(half), float(hill), float(fastest), hits, row, hazards,
    )  # fmt: skip
