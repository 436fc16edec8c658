"""Look at a State and stop with an explanation if going on would be wrong or impossible."""

import numpy as np

from stemniche.core.errors import GuardError
from stemniche.engine.plan import STEM, Plan
from stemniche.engine.state import State
from stemniche.engine.step import seconds

FULL = 1.35
"""Share of the domain's packed capacity above which it counts as too full."""


def check(plan: Plan, s: State) -> None:
    """Stop a run that has gone wrong.

    Raises:
        GuardError: A field is not finite or negative, a cell has no position, or the domain is
            too full.
    """
    fields = s["fields"]
    if not np.isfinite(fields.sum(dtype=np.float64)) or fields.min() < 0.0:
        _explain_field(plan, s)
    lost = int((~np.isfinite(s.live("x") + s.live("y") + s.live("z"))).sum())
    if lost:
        raise GuardError(
            f"The position of {lost} cells is not a finite number.",
            _when(s),
            "Lower migration speeds or repulsion; resume from the last sample.",
        )
    _check_fullness(plan, s)


def capacity(plan: Plan) -> float:
    """Cells of the lineage's size that fit into the domain when packed."""
    volume = float(plan.trait("volume")[plan.types[STEM]])
    radius = (volume * 0.238732414637843) ** (1.0 / 3.0)
    lx, ly, _ = plan.grid.size
    if plan.grid.flat:
        return lx * ly / (2.0 * np.sqrt(3.0) * (0.95 * radius) ** 2)
    return plan.grid.volume * 0.74 / (4.18879 * (0.95 * radius) ** 3)


def _check_fullness(plan: Plan, s: State) -> None:
    most = FULL * capacity(plan)
    if s.n > most:
        raise GuardError(
            f"{s.n} cells are more than the domain can hold ({most:.0f}).",
            _when(s),
            "Enlarge domain.size, start with fewer cells, or simulate fewer days.",
        )


def _explain_field(plan: Plan, s: State) -> None:
    fields = s["fields"]
    bad = np.argwhere(~np.isfinite(fields) | (fields < 0.0))
    f, z, y, x = (int(i) for i in bad[0])
    raise GuardError(
        f"'{plan.factors.names[f]}' became {fields[f, z, y, x]} in {len(bad)} voxels.",
        f"{_when(s)}, voxel z={z} y={y} x={x}",
        "Check the rates of release and uptake that act on it there.",
    )


def _when(s: State) -> str:
    return f"day {seconds(s) / 86400.0:.2f}, tick {s.tick}"
