"""Drives in plain NumPy: for the few places (vessels, marrow) outside the blockwise interpreter.

The same mathematics as the compiled kernel, written for clarity; tests compare the two.
"""

from collections.abc import Callable

import numpy as np

from stemniche.engine.state import Array
from stemniche.spec.model import Drive, Term


def term_value(term: Term, x: Array) -> Array:
    """Hill response of one input, or its complement when the input closes a gate."""
    positive = np.maximum(x, 0.0)
    h = positive**term.hill / (positive**term.hill + term.half_max**term.hill)
    return 1.0 - h if term.inverted else h


def exponent(drive: Drive, signal: Callable[[str], Array]) -> Array:
    """``constant + sum of weight * product``; a group that divides takes ``log(1 + k product)``."""
    total: Array = np.asarray(drive.constant, np.float64)
    for group in drive.groups:
        product: Array = np.asarray(1.0)
        for term in group.terms:
            product = product * term_value(term, np.asarray(signal(term.signal), np.float64))
        if group.divides:
            total = total - np.log1p(np.expm1(abs(group.weight)) * product)
        else:
            total = total + group.weight * product
    return total


def value(drive: Drive, signal: Callable[[str], Array]) -> Array:
    """Steady value of a node, or value of a behaviour."""
    total = exponent(drive, signal)
    if drive.kind == "node":
        return 1.0 / (1.0 + np.exp(-total))
    return np.clip(np.exp(np.clip(total, -60.0, 60.0)), drive.low, drive.high)
