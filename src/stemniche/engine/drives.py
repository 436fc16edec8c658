"""Drives in plain NumPy: for the few places (vessels, marrow) outside the blockwise interpreter.

The same mathematics as the compiled kernel, written for clarity; tests compare the two.
"""

from collections.abc import Callable

import numpy as np

from stemniche.engine.state import Array
from stemniche.spec.model import Drive, Term


def term_value(term: Term, x: Array | np.float64) -> Array | np.float64:
    """Hill response of one input, or its complement when the input closes a gate."""
    power = (np.maximum(x, 0.0) if isinstance(x, np.ndarray) else max(x, 0.0)) ** term.hill
    h = power / (power + term.half_max**term.hill)
    return 1.0 - h if term.inverted else h


def exponent(drive: Drive, signal: Callable[[str], Array]) -> Array | np.float64:
    """``constant + sum of weight * product``; a group that divides takes ``log(1 + k product)``."""
    total: Array | np.float64 = np.float64(drive.constant)
    for group in drive.groups:
        product: Array | np.float64 = np.float64(1.0)
        for term in group.terms:
            # Numbers of no dimension become scalars, which are ten times as fast.
            product = product * term_value(term, np.asarray(signal(term.signal), np.float64)[()])
        if group.divides:
            total = total - np.log1p(np.expm1(abs(group.weight)) * product)
        else:
            total = total + group.weight * product
    return total


def value(drive: Drive, signal: Callable[[str], Array]) -> Array | np.float64:
    """Steady value of a node, or value of a behaviour."""
    total = exponent(drive, signal)
    if drive.kind == "node":
        return 1.0 / (1.0 + np.exp(-total))
    fold = np.exp(np.minimum(np.maximum(total, -60.0), 60.0))
    return np.minimum(np.maximum(fold, drive.low), drive.high)
