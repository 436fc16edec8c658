"""Measures of spread: what leaves for the blood, circulates, and settles in the distant organ.

A part of `run.measures`, recorded where the scenario has a distant organ. Numbers of cells are the
drawn ones, of the whole host; columns that begin with ``expected`` are their expectations.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stemniche.engine.plan import STEM, Plan
from stemniche.engine.processes.distant import DistantTissue
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
from stemniche.spec.lexicon import VESICLE

if TYPE_CHECKING:
    from stemniche.run.measures import View

SHARES = (("m2_fraction", "M2", "M1"), ("treg_fraction", "Treg", "CD4"))
"""Shares of a type among it and another, in the tissue and in the organ."""

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
    for name, part, whole in SHARES:
        if part in plan.types and whole in plan.types:
            some, rest = cells[plan.types[part]], cells[plan.types[whole]]
            yield f"distant.{name}", float(some / (some + rest)) if some + rest else 0.0
    yield "distant.vessel_permeability", float(s["distant_permeability"][0])
    form = {factor.id: factor.form for factor in plan.model.factors}
    for name, level in zip(plan.factors.names, s["distant_levels"].tolist(), strict=True):
        yield (f"distant.factor.{name}" if name in form else f"distant.drug.{name}"), level
        if form.get(name) == "vesicle":
            yield f"distant.vesicle.{name.removesuffix(VESICLE)}", level
    yield from _mean_cells(v, cells)


def _mean_cells(v: "View", cells: "np.ndarray") -> Iterator[tuple[str, float]]:
    """What the mean cell of each type in the organ holds, does and makes.

    A type's column is that of its mean cell, whether one is there or not; a group's is the mean of
    its cells, or of its types where it has no cells.
    """
    plan, s = v.plan, v.state
    organ = next(p for p in plan.processes if isinstance(p, DistantTissue))
    kinds = len(plan.types)
    columns: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def doing(behaviour: str) -> "np.ndarray":
        return s["distant_behaviours"][plan.behaviours[behaviour]].astype(np.float64)

    rates = {
        "proliferation": organ.dividing(s),
        "apoptosis": doing("apoptosis_rate"),
        "necrosis": doing("necrosis_rate"),
        "drug_death": s["distant_kill"][-1],
    }
    for event, rate in rates.items():
        columns[f"rate.{event}"] = 1440.0 * rate, np.ones(kinds)
    signals = s["distant_signals"].astype(np.float64)
    for node in plan.model.nodes:
        owners = np.zeros(kinds)
        owners[[plan.types[name] for name in node.cells]] = 1.0
        columns[f"node.{node.id}"] = signals[plan.signals[node.id]], owners
    for factor, makers, each in organ.secretions(s):
        columns[f"secretion.{plan.factors.names[factor]}"] = each, makers
    yield from _means(v, cells, columns)
    yield "distant.symmetric_fraction", float(doing("symmetric_probability")[plan.types[STEM]])
    for hazard in plan.hazards.names:
        if hazard.startswith("kill."):
            killer = hazard.removeprefix("kill.")
            hits = float(doing("kill_rate")[plan.types[killer]])
            yield f"distant.activity.{killer}", 1440.0 * hits
    for t in plan.cell_types:
        if t.traits["maturation_rate"] > 0.0:
            ripening = float(doing("maturation_rate")[plan.types[t.id]])
            yield f"distant.activity.{t.id}", 1440.0 * ripening


def _means(
    v: "View", cells: "np.ndarray", columns: dict[str, tuple["np.ndarray", "np.ndarray"]]
) -> Iterator[tuple[str, float]]:
    """Means over every type and group of what only some types have.

    Args:
        cells: float64 [T], how much a type counts in its groups.
        columns: Beginning of the name: values, and 1 for the types that have it; float64 [T].
    """
    values, owners = (np.stack(part) for part in zip(*columns.values(), strict=True))
    member = np.zeros((len(v.members), len(cells)))
    for row, among in enumerate(v.members.values()):
        member[row, among] = 1.0
    having = owners @ member.T
    total = owners @ (member * cells).T
    some = (values * owners) @ (member * cells).T / np.maximum(total, 1e-30)
    plain = (values * owners) @ member.T / np.maximum(having, 1.0)
    found = np.where(total > 0.0, some, plain)
    for row, column in enumerate(columns):
        for place, name in enumerate(v.members):
            if having[row, place]:
                yield f"distant.{column}.{name}", float(found[row, place])


def _settled_by_type(plan: Plan, settled: "np.ndarray") -> "np.ndarray":
    """Settled cells of each type: a type's columns run from its seat to the next one's."""
    seat, found = seats(plan), np.zeros(len(plan.types))
    starts = sorted(int(seat[i]) for i in plan.members("tumour"))
    for i in plan.members("tumour"):
        after = [start for start in starts if start > seat[i]]
        found[i] = settled[int(seat[i]) : after[0] if after else None].sum()
    return found
