"""Drugs and rays reach the distant organ: levels by the blood, hazards, targets, survival."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.process import Tick
from stemniche.engine.processes.distant import DistantTissue
from stemniche.engine.processes.spread import ACTIVE, DRAWN, EXPECTED, RESTING, Spread
from stemniche.engine.state import State
from stemniche.kernels.cpu import Backend
from stemniche.run.measures import measure
from stemniche.spec.scenario import Scenario
from stemniche.therapy.distant import CYCLES, RESTS, DistantDrugs, DistantRays

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]
AFAR = {"distant_site": True}


def process(plan: Plan, kind: type) -> Any:
    return next(p for p in plan.processes if isinstance(p, kind))


def exposed(plan: Plan, s: State, k: Backend, steps: int = 200, **blood: float) -> None:
    """Hold levels in the blood until the organ has followed."""
    organ, drugs = process(plan, DistantTissue), process(plan, DistantDrugs)
    for tick in range(steps):
        for name, level in blood.items():
            s["blood"][plan.factors[name]] = level
        organ.run(s, Tick(tick, 0), k)
        drugs.run(s, Tick(tick, 0), k)


def test_the_organ_has_the_drug_of_the_blood(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small(AFAR, "drug paclitaxel"), 0)
    exposed(plan, s, k, paclitaxel=20.0)
    assert 10.0 < s["distant_levels"][plan.factors["paclitaxel"]] < 20.0


def test_a_poison_of_mitosis_kills_settled_cells_in_the_cycle_alone(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small(AFAR, "drug paclitaxel"), 0)
    spread, own = process(plan, Spread), list(plan.members("tumour"))
    before = spread.rates_settled(s)
    exposed(plan, s, k, paclitaxel=50.0)
    after = spread.rates_settled(s)
    assert not s["distant_kill"][RESTS].any()
    stem = spread.tumour.index(spread.stem)
    added = after["die"][stem] - before["die"][stem]
    assert added == pytest.approx(s["distant_kill"][CYCLES, own][stem], rel=0.05)
    full = process(plan, DistantDrugs).poisons[0].kill
    assert 0.005 * full < added < 0.5 * full


def test_fewer_colonies_grow_under_a_poison(walk: Walk, small: Make, k: Backend) -> None:
    found = []
    for level in (0.0, 50.0):
        plan, s = walk(small(AFAR, "drug paclitaxel"), 0)
        exposed(plan, s, k, paclitaxel=level)
        s["settled"][:, [RESTING, ACTIVE]] = 1000.0
        spread = process(plan, Spread)
        for tick in range(100):
            spread.run(s, Tick(tick, 0), k)
        found.append(s["settled"].sum(axis=1))
    assert (found[1] < 0.95 * found[0]).all()


def test_a_blocked_receptor_is_blocked_in_the_organ_too(
    walk: Walk, small: Make, k: Backend
) -> None:
    """A full level of the antagonist does there what the block by hand does."""
    given = []
    for therapy, level in (("drug plerixafor", 0.0), ("drug plerixafor", 1e6)):
        plan, s = walk(small(AFAR, therapy), 0)
        exposed(plan, s, k, plerixafor=level)
        given.append(process(plan, Spread).rates_in_blood(s)[1])
    plan, s = walk(small(AFAR, "block CXCR4 0.999"), 0)
    organ = process(plan, DistantTissue)
    for tick in range(200):
        process(plan, type(plan.processes[0])).run(s, Tick(tick, 0), k)
        organ.run(s, Tick(tick, 0), k)
    by_hand = process(plan, Spread).rates_in_blood(s)[1]
    assert given[1].sum() < 0.9 * given[0].sum()
    np.testing.assert_allclose(given[1], by_hand, rtol=0.05)


def test_a_neutraliser_takes_its_factor_out_of_the_organ(
    walk: Walk, small: Make, k: Backend
) -> None:
    found = []
    for level in (0.0, 500.0):
        plan, s = walk(small(AFAR, "drug bevacizumab"), 0)
        exposed(plan, s, k, bevacizumab=level, VEGFA=1.0)
        found.append(s["distant_levels"][plan.factors["VEGFA"]])
    assert found[1] < 0.2 * found[0]


def test_a_marked_type_dies_in_the_organ(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small({**AFAR, "tissue.Treg": 10}, "drug mogamulizumab"), 0)
    before = s["distant_cells"].copy()
    exposed(plan, s, k, steps=100, mogamulizumab=1000.0)
    treg, cd8 = plan.types["Treg"], plan.types["CD8"]
    assert s["distant_cells"][treg] < 0.8 * before[treg]
    assert s["distant_cells"][cd8] > 0.8 * before[cd8]


def test_rays_strike_where_they_are_aimed(walk: Walk, small: Make, k: Backend) -> None:
    """Survival by the linear-quadratic law at the organ's oxygen, expected and drawn."""
    plan, s = walk(small(AFAR, "radiation 4 Gy where distant"), 0)
    rays = process(plan, DistantRays)
    s["settled"][:, RESTING] = 1e6
    before = s["damage"][: s.n].copy()
    rays.run(s, Tick(0, 0), k)
    fold = float(s["distant_behaviours"][rays.sensitivity_row, plan.types["CSC"]])
    oxygen = float(s["distant_levels"][rays.oxygen])
    felt = 4.0 * (3.0 * oxygen + 3.0) / (oxygen + 3.0) / 3.0
    share = np.exp(-fold * (0.3 * felt + 0.03 * felt**2))
    assert s["settled"][EXPECTED, RESTING] == pytest.approx(1e6 * share, rel=1e-3)
    assert s["settled"][DRAWN, RESTING] == pytest.approx(1e6 * share, rel=0.02)
    np.testing.assert_array_equal(s["damage"][: s.n], before)


def test_rays_on_the_primary_leave_the_organ_alone(walk: Walk, small: Make) -> None:
    found = []
    for therapy in ([], ["radiation 8 Gy from 1 h"]):
        inject = {"inject": "CSC", "cells": 10_000, "route": "distant"}
        plan, s = walk(small(AFAR, inject, *therapy), 8, prepared=0)
        found.append(measure(plan, s)["expected_distant_cells"])
    assert found[1] == pytest.approx(found[0], rel=0.02)
