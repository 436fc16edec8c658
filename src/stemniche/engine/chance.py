"""Chance outside the tissue: how many of many cells meet a fate, and which lines of cells last.

Numbers of cells in the blood and in a distant tissue run into millions, so they are drawn as
counts. A count is the quantile of its law at one uniform number: with the same number, more hazard
never gives fewer events, and so paired runs stay paired.
"""

import numpy as np

from stemniche.engine.state import Array
from stemniche.kernels.cpu import Backend

_ROUND_OFF = 1e-9
_FINE = 2.0**24


def fine_uniform(seed: int, name: int, keys: Array, tick: int, k: Backend) -> Array:
    """Uniform numbers in double precision, one per key: rare events need the far digits."""
    coarse, fine = (k.uniform_array(seed, name, keys, tick, d).astype(np.float64) for d in (0, 1))
    return np.asarray((np.floor(coarse * _FINE) + fine) / (_FINE + 1.0))


def poisson(mean: Array, u: Array) -> Array:
    """Quantile of Poisson laws at `u`, float64; 0 where the mean is 0."""
    from scipy.special import pdtrik

    some = mean > 0.0
    found = pdtrik(u, np.where(some, mean, 1.0))
    return np.where(some, _whole(found), 0.0)


def binomial(count: Array, chance: Array, u: Array) -> Array:
    """Quantile of binomial laws at `u`, float64: how many of `count` meet something."""
    from scipy.special import bdtrik

    open_ = (count > 0.0) & (chance > 0.0) & (chance < 1.0)
    found = bdtrik(u, np.where(open_, count, 1.0), np.where(open_, chance, 0.5))
    certain = np.where(chance >= 1.0, count, 0.0)
    return np.where(open_, np.minimum(_whole(found), count), certain)


def _whole(root: Array) -> Array:
    """The count that a law first reaches at a real root of it."""
    return np.asarray(np.maximum(np.ceil(root - _ROUND_OFF), 0.0))


def died_out(birth: Array, death: Array, time: float) -> Array:
    """Chance that a birth and death process from one cell has died out after `time`.

    Source:
        Kendall 1948, Ann Math Stat 19:1: ``d (e^{(b-d)t} - 1) / (b e^{(b-d)t} - d)``.
    """
    birth, death = np.asarray(birth, np.float64), np.asarray(death, np.float64)
    # A rate that differs a little keeps the formula finite where birth equals death.
    birth = np.where(np.abs(birth - death) < 1e-9, birth + 2e-9, birth)
    grown = np.exp(np.clip((birth - death) * time, -50.0, 50.0))
    return np.asarray(death * (grown - 1.0) / (birth * grown - death))
