"""Measures of spread: what leaves for the blood, circulates, and settles in the distant organ.

A part of `run.measures`, recorded where the scenario has a distant organ. Numbers of cells are the
drawn ones, of the whole host; columns that begin with ``expected`` are their expectations.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.processes.intravasation import HAZARD
from stemniche.engine.processes.spread import (
    ACTIVE,
    DRAWN,
    EXPECTED,
    RESTING,
    TALLY,
    Spread,
    seats,
)

if TYPE_CHECKING:
    from stemniche.run.measures import View

COLONIES = TALLY.index("colonies")


def spreading(v: "View") -> Iterator[tuple[str, float]]:
    """Columns of spread and of the distant organ."""
    plan, s = v.plan, v.state
    if not plan.surroundings.distant:
        return
    live = v.alive & v.tumour
    hazard = s["hazards"][plan.hazards[HAZARD], : s.n][live]
    yield "intravasation_hazard", 1440.0 * float(hazard.mean()) if live.any() else 0.0
    blood, settled, tally = s["circulating"], s["settled"], s["spread_tally"]
    yield "circulating_tumour_cells", float(blood[DRAWN].sum())
    yield "expected_circulating", float(blood[EXPECTED].sum())
    yield "distant_cells", float(settled[DRAWN].sum())
    yield "expected_distant_cells", float(settled[EXPECTED].sum())
    yield "colonies", float(tally[DRAWN, COLONIES])
    yield "expected_colonies", float(tally[EXPECTED, COLONIES])
    process = next(p for p in plan.processes if isinstance(p, Spread))
    yield "niche_readiness", process.chance(s) / max(float(s["chance_at_rest"][0]), 1e-30)
    yield from _organ(v)


def _organ(v: "View") -> Iterator[tuple[str, float]]:
    plan, s = v.plan, v.state
    settled = s["settled"][DRAWN]
    cells = s["distant_cells"].copy()
    tumour = list(plan.members("tumour"))
    cells[tumour] = _settled_by_type(plan, settled)[tumour]
    for name, among in v.members.items():
        yield f"distant.cells.{name}", float(cells[among].sum())
    all_, stem = float(settled.sum()), float(settled[[RESTING, ACTIVE]].sum())
    yield "distant.tumour_cells", all_
    yield "distant.csc_fraction", stem / all_ if all_ else 0.0
    yield "distant.quiescent_fraction", float(settled[RESTING]) / all_ if all_ else 0.0
    yield "distant.vessel_permeability", float(s["distant_permeability"][0])
    for factor in plan.model.factors:
        yield f"distant.factor.{factor.id}", float(s["distant_levels"][plan.factors[factor.id]])


def _settled_by_type(plan: Plan, settled: "np.ndarray") -> "np.ndarray":
    """Settled cells of each type: a type's columns run from its seat to the next one's."""
    seat, found = seats(plan), np.zeros(len(plan.types))
    starts = sorted(int(seat[i]) for i in plan.members("tumour"))
    for i in plan.members("tumour"):
        after = [start for start in starts if start > seat[i]]
        found[i] = settled[int(seat[i]) : after[0] if after else None].sum()
    return found
