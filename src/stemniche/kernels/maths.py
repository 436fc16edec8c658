"""Scalar mathematics shared by all kernels: random numbers, keys, Hill curves, pair forces.

Every function takes and returns numbers of fixed width (float32, uint32, uint64) and no literal
widens them, so the same lines can be loaded by another compiler. Kernels call them per cell; the
functions of arrays at the end are for code outside kernels.

Random numbers are a pure function of (seed, stream, key, tick, draw): nothing has to be stored,
and the order in which cells are visited does not matter.

Sources:
    Philox4x32-10: Salmon et al. 2011, doi:10.1145/2063384.2063405.
    Mixing function: Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195.
    Pair force: Ghaffarizadeh et al. 2018, doi:10.1371/journal.pcbi.1005991.
"""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stemniche.kernels.jit import inline, kernel

__all__ = [
    "HAZARDS",
    "MOTILITY",
    "STEMNESS",
    "child_key",
    "child_keys",
    "exp2",
    "hill",
    "log2",
    "mix64",
    "normal",
    "normal_array",
    "pair_speed",
    "philox4x32",
    "sigmoid",
    "site_key",
    "site_keys",
    "uniform",
    "uniform_array",
    "uniform_fine",
    "uniform_four",
]

# Streams that kernels draw from. Users of `uniform` and `normal` take other numbers, from 16 on.
MOTILITY, HAZARDS, STEMNESS = np.uint32(1), np.uint32(2), np.uint32(3)

Words: TypeAlias = tuple[np.uint32, np.uint32, np.uint32, np.uint32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_PHILOX_0, _PHILOX_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_STEP_23 = np.float32(2.0**-23)
_TWO_PI = np.float32(2.0 * math.pi)
_MINUS_2_LN2 = np.float32(-2.0 * math.log(2.0))
_MINUS_LOG2E = np.float32(-1.0 / math.log(2.0))
_EXPONENT_LOW, _EXPONENT_HIGH, _BIAS = np.float32(-126.0), np.float32(127.0), np.float32(127.0)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)

# Minimax polynomials, fitted by Lawson iteration: log2(1+t)/t on [sqrt(1/2)-1, sqrt(2)-1] (absolute
# error of the logarithm 5e-8) and (2^f-1)/f on [0, 1] (relative error of the power 8e-8).
_L0, _L1, _L2, _L3 = (np.float32(c) for c in (1.44269477, -0.72135715, 0.48093944, -0.36008722))
_L4, _L5, _L6, _L7 = (np.float32(c) for c in (0.28670746, -0.25006904, 0.23689038, -0.14574447))
_E1, _E2, _E3 = (np.float32(c) for c in (0.69315131, 0.24016445, 0.05579991))
_E4, _E5 = (np.float32(c) for c in (0.00901703, 0.00186713))


@inline
def philox4x32(
    c0: np.uint32, c1: np.uint32, c2: np.uint32, c3: np.uint32, k0: np.uint32, k1: np.uint32
) -> Words:
    """Four random words for a 128-bit counter and a 64-bit key: Philox4x32 with ten rounds."""
    a, b, c, d = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    key_0, key_1 = np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        product_0 = _PHILOX_0 * a
        product_1 = _PHILOX_1 * c
        a = (product_1 >> _32) ^ b ^ key_0
        b = product_1 & _LOW_HALF
        c = (product_0 >> _32) ^ d ^ key_1
        d = product_0 & _LOW_HALF
        key_0 = (key_0 + _WEYL_0) & _LOW_HALF
        key_1 = (key_1 + _WEYL_1) & _LOW_HALF
    return np.uint32(a), np.uint32(b), np.uint32(c), np.uint32(d)


@inline
def mix64(z: np.uint64) -> np.uint64:
    """Scramble 64 bits so that close inputs give unrelated outputs; one to one."""
    z = np.uint64(z)
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@inline
def child_key(parent: np.uint64, division: np.uint32) -> np.uint64:
    """Key of the daughter that cell `parent` gives off at its `division`-th division."""
    return mix64(mix64(parent) + _GOLDEN * (np.uint64(division) + np.uint64(1)))


@inline
def site_key(process: np.uint64, site: np.uint64, tick: np.uint64, k: np.uint64) -> np.uint64:
    """Key of the `k`-th cell that `process` brings in at `site` (a voxel, say) during `tick`."""
    key = mix64(np.uint64(process) + _GOLDEN)
    key = mix64(key + _GOLDEN * (np.uint64(site) + np.uint64(1)))
    key = mix64(key + _GOLDEN * (np.uint64(tick) + np.uint64(1)))
    return mix64(key + _GOLDEN * (np.uint64(k) + np.uint64(1)))


@inline
def _words(
    seed: np.uint64, stream: np.uint32, key: np.uint64, tick: np.uint32, draw: np.uint32
) -> Words:
    cell = np.uint64(key)
    run = mix64(np.uint64(seed) + _GOLDEN * (np.uint64(stream) + np.uint64(1)))
    return philox4x32(
        np.uint32(cell & _LOW_HALF),
        np.uint32(cell >> _32),
        np.uint32(tick),
        np.uint32(draw),
        np.uint32(run & _LOW_HALF),
        np.uint32(run >> _32),
    )


@inline
def _open_unit(word: np.uint32) -> np.float32:
    """The upper 23 bits of a word as the middle of one of 2^23 equal parts of (0, 1)."""
    return (np.float32(np.int32(np.uint32(word) >> np.uint32(9))) + _HALF) * _STEP_23


@inline
def uniform(
    seed: np.uint64, stream: np.uint32, key: np.uint64, tick: np.uint32, draw: np.uint32
) -> np.float32:
    """One of 2^23 equally likely numbers strictly between 0 and 1."""
    a, _, _, _ = _words(seed, stream, key, tick, draw)
    return _open_unit(a)


@inline
def uniform_four(
    seed: np.uint64, stream: np.uint32, key: np.uint64, tick: np.uint32, draw: np.uint32
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Four independent numbers like `uniform`, the first equal to it, at the price of one."""
    a, b, c, d = _words(seed, stream, key, tick, draw)
    return _open_unit(a), _open_unit(b), _open_unit(c), _open_unit(d)


@inline
def uniform_fine(
    seed: np.uint64, stream: np.uint32, key: np.uint64, tick: np.uint32, draw: np.uint32
) -> np.float64:
    """Float64 strictly between 0 and 1 with 52 random bits, for events rarer than one in 10^6."""
    a, b, _, _ = _words(seed, stream, key, tick, draw)
    bits = ((np.uint64(a) << _32) | np.uint64(b)) >> np.uint64(12)
    return (np.float64(np.int64(bits)) + 0.5) * 2.0**-52


@inline
def normal(
    seed: np.uint64, stream: np.uint32, key: np.uint64, tick: np.uint32, draw: np.uint32
) -> np.float32:
    """Standard normal number by Box and Muller; never beyond 5.8."""
    a, b, _, _ = _words(seed, stream, key, tick, draw)
    length = np.float32(math.sqrt(_MINUS_2_LN2 * log2(_open_unit(a))))
    return length * np.float32(math.cos(_TWO_PI * _open_unit(b)))


@inline
def log2(x: np.float32) -> np.float32:
    """Logarithm to base 2 for x >= 0, absolute error 1e-7 + 6e-8 |result|; log2(0) = -127.

    Branch-free. It does not carry NaN on: whoever feeds it must look at the inputs.
    """
    bits = np.float32(x).view(np.int32)
    exponent = np.int32(np.int32(bits - _SQRT_HALF_BITS) >> np.int32(23))
    t = np.int32(bits - np.int32(exponent << np.int32(23))).view(np.float32) - _ONE
    high = ((_L7 * t + _L6) * t + _L5) * t + _L4
    series = (((high * t + _L3) * t + _L2) * t + _L1) * t + _L0
    return np.float32(exponent) + t * series


@inline
def exp2(x: np.float32) -> np.float32:
    """2 to the power x, relative error 2e-7; x is clipped to [-126, 127]. Branch-free."""
    x = min(max(np.float32(x), _EXPONENT_LOW), _EXPONENT_HIGH)
    whole = np.int32(np.int32(x + _BIAS) - np.int32(127))
    f = x - np.float32(whole)
    series = ((((_E5 * f + _E4) * f + _E3) * f + _E2) * f + _E1) * f + _ONE
    return series * np.int32(np.int32(whole + np.int32(127)) << np.int32(23)).view(np.float32)


@inline
def hill(x: np.float32, h: np.float32, p: np.float32) -> np.float32:
    """x^p / (h^p + x^p) for x >= 0, h > 0, p > 0; relative error below 1e-5, 1e-38 at x = 0."""
    return _ONE / (_ONE + exp2(-np.float32(p) * log2(np.float32(x) / np.float32(h))))


@inline
def sigmoid(x: np.float32) -> np.float32:
    """1 / (1 + exp(-x)), relative error below 1e-5."""
    return _ONE / (_ONE + exp2(_MINUS_LOG2E * np.float32(x)))


@inline
def pair_speed(
    distance: np.float32,
    contact_distance: np.float32,
    repulsion: np.float32,
    adhesion: np.float32,
    reach_factor: np.float32,
) -> np.float32:
    """Speed, um/min, at which one neighbour pushes a cell away; negative when it pulls.

    Args:
        distance: Between the centres, um.
        contact_distance: Sum of the radii, um.
        repulsion: Geometric mean of the two cells' coefficients, um/min.
        adhesion: The same for adhesion, um/min.
        reach_factor: Adhesion ends at this multiple of the contact distance.
    """
    share = np.float32(distance) / np.float32(contact_distance)
    push = max(_ONE - share, _ZERO)
    pull = max(_ONE - share / np.float32(reach_factor), _ZERO)
    return np.float32(repulsion) * push * push - np.float32(adhesion) * pull * pull


@kernel
def _numbers(
    gaussian: bool,
    seed: np.uint64,
    stream: np.uint32,
    keys: NDArray[np.uint64],
    tick: np.uint32,
    draw: np.uint32,
) -> NDArray[np.float32]:
    out = np.empty(keys.size, np.float32)
    for i in range(keys.size):
        if gaussian:
            out[i] = normal(seed, stream, keys[i], tick, draw)
        else:
            out[i] = uniform(seed, stream, keys[i], tick, draw)
    return out


def uniform_array(
    seed: int, stream: int, keys: NDArray[np.uint64], tick: int, draw: int
) -> NDArray[np.float32]:
    """`uniform` for every key."""
    return _numbers(
        False, np.uint64(seed), np.uint32(stream), keys, np.uint32(tick), np.uint32(draw)
    )


def normal_array(
    seed: int, stream: int, keys: NDArray[np.uint64], tick: int, draw: int
) -> NDArray[np.float32]:
    """`normal` for every key."""
    return _numbers(
        True, np.uint64(seed), np.uint32(stream), keys, np.uint32(tick), np.uint32(draw)
    )


@kernel
def _child_keys(parents: NDArray[np.uint64], divisions: NDArray[np.uint32]) -> NDArray[np.uint64]:
    out = np.empty(parents.size, np.uint64)
    for i in range(parents.size):
        out[i] = child_key(parents[i], divisions[i])
    return out


def child_keys(parents: NDArray[np.uint64], divisions: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """`child_key` for every pair."""
    return _child_keys(parents, np.asarray(divisions, np.uint32))


@kernel
def _site_keys(
    process: NDArray[np.uint64], sites: NDArray[np.uint64], tick: np.uint64, k: np.uint64
) -> NDArray[np.uint64]:
    out = np.empty(sites.size, np.uint64)
    for i in range(sites.size):
        out[i] = site_key(process[i], sites[i], tick, k)
    return out


def site_keys(
    process: int | NDArray[np.int64], sites: NDArray[np.uint64], tick: int, k: int = 0
) -> NDArray[np.uint64]:
    """`site_key` for every site, of one process or of one each."""
    each = np.full(sites.size, process, np.uint64)
    return _site_keys(each, sites, np.uint64(tick), np.uint64(k))
