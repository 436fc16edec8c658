"""Factors in the tissue and in the plasma: amounts, units, exchange, what cells take."""

from collections.abc import Callable
from math import exp

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.engine.processes.transport import Transport
from stemniche.engine.state import NECROTIC, State
from stemniche.engine.step import begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

CLOSED = {"walls.factors": "no_flux", "walls.cells": "closed", "tissue.vessels": 0}


def run(plan: Plan, state: State, k: Backend, *names: str, ticks: int = 1) -> State:
    for _ in range(ticks):
        for process in plan.processes:
            if process.name in names:
                process.run(state, moment(state), k)
        state.tick += 1
    return state


def amount(plan: Plan, state: State, factor: str) -> float:
    """Molecules of a nanomolar factor in the box."""
    field = state["fields"][plan.factors[factor]]
    return float(field.sum(dtype=np.float64)) * plan.grid.voxel_volume * NANOMOLAR


@pytest.mark.parametrize("factor", ["IL6", "PPBP", "TGFB1", "IGF1", "SHH", "MIR10B_vesicle"])
def test_what_cells_release_is_there_lost_or_taken_up(
    factor: str, walk: Walk, small: Make, k: Backend
) -> None:
    """Molecules over a first step from zero, cell by cell, from the rows themselves."""
    plan, state = walk(small(CLOSED | {"tissue.CAF": 10}))
    transport = next(p for p in plan.processes if isinstance(p, Transport))
    minutes = float(transport.pace[plan.factors[factor]])
    state["fields"][:], state["field_age"][:], state.tick = 0.0, 0.0, 1
    made, taken = 0.0, 0.0
    for row in plan.model.secretions:
        if row.factor == factor and row.cell in plan.types:
            mine = state.live("type") == plan.types[row.cell]
            levels = state.live("signals")[:, mine].astype(float)
            share = np.ones(int(mine.sum()))
            for node in filter(None, (row.node, row.cargo)):
                share *= levels[plan.signals[node]]
            made += row.rate * float(share.sum())
    run(plan, state, k, "transport", ticks=round(minutes / TICK_MIN))
    level = state["fields"][plan.factors[factor]].ravel()[state.live("voxel")].astype(float)
    volume = 4.0 / 3.0 * np.pi * state.live("radius").astype(float) ** 3
    for row in plan.uptakes:
        if row.factor == factor and row.cell in plan.types:
            mine = state.live("type") == plan.types[row.cell]
            taken += row.rate * float((volume * level)[mine].sum()) * NANOMOLAR
    here = amount(plan, state, factor)
    lost = plan.factor_data[plan.factors[factor]].decay * here
    assert made > 0.0
    assert here == pytest.approx((made - lost - taken) * minutes, rel=0.02)


@pytest.mark.parametrize("drug", ["paclitaxel", "bevacizumab"])
def test_what_is_injected_in_a_tick_arrives_whenever_the_drug_is_solved(
    drug: str, small: Make, k: Backend
) -> None:
    """Molecules after an hour of injection and another without; the rest has decayed meanwhile."""
    given = {"drug": drug, "from": "1 d"}
    plan = assemble(small(CLOSED | {"tumour.cells": 0}, given), 1).plan
    state, place = begin(plan, k), plan.factors[drug]
    state.live("state")[:] = NECROTIC  # takes nothing up
    rate, minutes, state.tick = 0.25, 60.0, 1
    for tick in range(1, 21):
        state["supply"][place, 5] += rate * (tick <= 10)
        run(plan, state, k, "transport")
    decay = plan.factor_data[place].decay
    wanted = rate * minutes * exp(-1.5 * decay * minutes)
    assert state["fields"][place].sum(dtype=float) == pytest.approx(wanted, rel=0.02)


def test_the_dead_release_nothing(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small(CLOSED))
    state["fields"][:] = 0.0
    state["far_level"][:] = 0.0
    state.live("state")[:] = NECROTIC
    run(plan, state, k, "transport")
    assert not state["fields"].any()


def test_vessels_bring_the_tissue_to_the_level_of_the_blood(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Without cells and losses what vessels bring and take balances at the blood's level."""
    changes = {
        "tumour.cells": 0,
        "prepare": {"days": 0.25},
        "walls.factors": "no_flux",
        "tissue": {"vessels": "400 /mm^2"}
        | dict.fromkeys(
            ("MSC", "fibroblast", "CAF", "monocyte", "macrophage", "CD4", "Treg", "CD8"), 0
        ),
    }
    plan, state = walk(small(changes))
    glucose = plan.factors["glucose"]
    state["fields"][glucose] = 1.0
    state.live("state")[:] = NECROTIC
    run(plan, state, k, "blood", "transport", ticks=400)
    np.testing.assert_allclose(state["fields"][glucose], 5.0, rtol=0.01)


def test_oxygen_is_lower_among_the_cells(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small())
    run(plan, state, k, "blood", "transport", ticks=3)
    oxygen = state["fields"][plan.factors["oxygen"]].ravel()
    inside = np.zeros(plan.grid.voxels, bool)
    inside[state.live("voxel")[plan.mask(["tumour"])[state.live("type")] == 1]] = True
    assert oxygen[inside].mean() < oxygen[~inside].mean() - 1.0
    assert oxygen.max() <= 60.0


def test_plasma_relaxes_to_the_leak_over_the_clearance(walk: Walk, small: Make, k: Backend) -> None:
    """dB/dt = leak - k (B - baseline) from its closed solution, the leak held by a fixed field."""
    gain = 50.0
    changes = {"represents.volume": "1 cm^3", "parameters": {"serum.gain": gain}}
    plan, state = walk(small(changes))
    f = plan.factors["IL6"]
    blood = next(p for p in plan.processes if p.name == "blood")
    vessels = float(state["perfusion"].sum())
    clearance, base = blood.clearance[f], plan.factor_data[f].baseline
    state["blood"][f] = 0.0
    for step in range(20):
        excess = 0.5
        state["fields"][f] = state["blood"][f] + excess
        leak = plan.exchange["IL6"] * excess * vessels * plan.grid.voxel_volume
        leak *= gain * plan.surroundings.blood_scale / plan.surroundings.plasma_volume
        blood.run(state, moment(state), k)
        kept = exp(-clearance * blood.every_s / 60.0 * (step + 1))
        wanted = (base + leak / clearance) * (1.0 - kept)
        assert state["blood"][f] == pytest.approx(wanted, rel=1e-5)


def test_a_medium_keeps_its_level_at_the_walls(walk: Walk, small: Make, k: Backend) -> None:
    changes = {
        "environment.boundary": "medium",
        "environment.oxygen": "150 mmHg",
        "domain.depth": "240 um",
        "tumour.layout": "ball",
        "tissue": {"vessels": 0},
    }
    plan, state = walk(small(changes))
    run(plan, state, k, "controls", "blood", "medium", "transport", ticks=3)
    oxygen = state["fields"][plan.factors["oxygen"]]
    edge = np.concatenate([part.ravel() for part in (oxygen[0], oxygen[:, 0], oxygen[:, :, -1])])
    assert edge.min() > 140.0
    assert edge.max() <= 150.001
    assert oxygen.min() < edge.min()


def test_levels_are_never_negative(walk: Walk, hasty: Make) -> None:
    plan, state = walk(hasty({"environment.glucose": "0.1 mM"}), 30)
    assert state["fields"].min() >= 0.0
    assert np.isfinite(state["fields"]).all()
