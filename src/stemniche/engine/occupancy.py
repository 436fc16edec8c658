"""Targets that drugs hold, as the engine sees them: which signals are read less, and where.

Therapy lowers drug actions to these records and fills the State's ``occupancy``, the share of each
target that is held in every voxel. Cells feel it through their signals, which therapy scales; the
pseudo cells, vessels and marrow, ask here. No process knows a drug.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stemniche.engine.state import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One target of one drug; its row in ``occupancy`` is its place in the Plan's `held`.

    Args:
        name: ``<drug>.<target>``, as measures call it.
        signals: Signals that are read less where the target is held.
        sites: Pseudo cells that feel it too.
        maximum: Share of the signal that goes when all of the target is held.
    """

    name: str
    signals: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    maximum: float = 1.0


def holders(held: tuple[Held, ...], site: str, signal: str) -> tuple[tuple[int, float], ...]:
    """Rows of ``occupancy`` that hold a pseudo cell's signal, each with its maximum."""
    return tuple(
        (row, h.maximum) for row, h in enumerate(held) if site in h.sites and signal in h.signals
    )


def left(occupancy: Array, held: Iterable[tuple[int, float]]) -> Array | float:
    """Share of a signal that is left to read, by voxel."""
    share: Array | float = 1.0
    for row, maximum in held:
        share = share * (np.float32(1.0) - np.float32(maximum) * occupancy[row])
    return share


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A drug that binds a factor and takes it out: loss of the factor per level of the drug.

    Args:
        rate: 1/min per nM of free drug.

    Source:
        Drug D and factor L bind fast, and the complex is lost at k: with D in excess the free
        factor loses ``k D / Kd`` per min.
    """

    factor: str
    drug: str
    rate: float
