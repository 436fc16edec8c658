"""Spread by the blood: hazards against closed forms, counts that add up, injected cells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stemniche.engine.chance import binomial, died_out, poisson
from stemniche.engine.plan import Plan
from stemniche.engine.process import SUPPLY_S, TICK_MIN, Tick
from stemniche.engine.processes.distant import DistantTissue
from stemniche.engine.processes.intravasation import Intravasation, Reach
from stemniche.engine.processes.spread import (
    ACTIVE,
    DRAWN,
    EXPECTED,
    RESTING,
    Spread,
)
from stemniche.engine.state import ALIVE, State
from stemniche.engine.step import advance
from stemniche.kernels.cpu import Backend
from stemniche.run.measures import measure
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]
STEP_MIN = SUPPLY_S / 60.0
SPREADING = {"distant_site": True}
FAST = {
    "parameters": {"tumour.intravasation_rate": "100 1/d"},
    "tissue.vessels": "800 /mm^2",
    **SPREADING,
}


def process(plan: Plan, kind: type) -> Any:
    return next(p for p in plan.processes if isinstance(p, kind))


def steps(plan: Plan, s: State, k: Backend, count: int, **blood: float) -> None:
    """Move only what is outside the tissue."""
    spread = process(plan, Spread)
    for tick in range(count):
        for name, value in blood.items():
            s[name][list(plan.members("tumour"))] = value
        spread.run(s, Tick(tick, 0), k)


def test_cells_that_leave_the_slice_enter_the_blood_times_its_scale(
    walk: Walk, small: Make
) -> None:
    plan, s = walk(small(FAST), 60, prepared=0)
    row = plan.hazards["intravasation"]
    left = s["deaths"][row].sum()
    entered = s["spread_tally"][:, 0]
    scale = plan.surroundings.blood_scale
    assert left > 10
    waiting = s["shedding"].sum()
    assert entered[EXPECTED] + waiting == pytest.approx(scale * left, rel=4 / np.sqrt(left))
    assert entered[DRAWN] == pytest.approx(entered[EXPECTED], rel=0.01)


def test_only_tumour_cells_near_perfused_vessels_leave(walk: Walk, small: Make) -> None:
    plan, s = walk(small(FAST), 2)
    hazard = s.live("hazards")[plan.hazards["intravasation"]]
    at_vessel = s["perfusion"][s.live("voxel")] > 0
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    assert (hazard[tumour & at_vessel] > 0).any()
    assert not hazard[~tumour].any()


def test_reach_shares_out_a_vessel_without_changing_what_leaves_an_even_tissue(
    walk: Walk, small: Make, k: Backend
) -> None:
    """One tumour cell in every voxel sheds the rate times the vessels' leak, at any reach."""
    plan, s = walk(small(FAST), 0)
    entry = process(plan, Intravasation)
    s.n = plan.grid.voxels
    s.reserve(s.n)
    s.live("voxel")[:], s.live("state")[:] = np.arange(s.n), ALIVE
    s.live("type")[:] = plan.types["CSC"]
    s["behaviours"][entry.rate_row, : s.n] = 1e-3
    s["leak"][:] = 0.0
    s["leak"][[0, plan.grid.voxels // 2 + 7]] = 2.0, 3.0
    at_risk = []
    for width in (1, 3, 5):
        s["hazards"][:], s["shedding"][:] = 0.0, 0.0
        replace(process(plan, Reach), width=width).run(s, Tick(0, 0), k)
        entry.run(s, Tick(0, 0), k)
        hazard = s.live("hazards")[entry.hazard]
        assert hazard.sum() == pytest.approx(5e-3, rel=1e-5)
        assert s["shedding"].sum() == pytest.approx(5e-3 * entry.scale * TICK_MIN, rel=1e-5)
        at_risk.append(np.count_nonzero(hazard))
    assert at_risk == sorted(at_risk)
    assert at_risk[0] == 2


def test_the_blood_holds_inflow_over_loss(walk: Walk, small: Make, k: Backend) -> None:
    """Steady state of dN/dt = I - k N, exactly, whatever the step."""
    plan, s = walk(small(SPREADING), 0)
    out, _ = process(plan, Spread).rates_in_blood(s)
    steps(plan, s, k, 80, shedding=1000.0)
    stays = s["circulating"][EXPECTED, list(plan.members("tumour"))]
    np.testing.assert_allclose(stays, 1000.0 / STEP_MIN / out, rtol=1e-6)
    drawn = s["circulating"][DRAWN, list(plan.members("tumour"))]
    np.testing.assert_allclose(drawn, stays, rtol=0.1)


def test_what_leaves_the_blood_settles_by_its_share_of_the_hazards(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small(SPREADING), 0)
    spread = process(plan, Spread)
    out, settle = spread.rates_in_blood(s)
    s["circulating"][:, list(plan.members("tumour"))] = 1e6
    steps(plan, s, k, 60)
    np.testing.assert_allclose(
        s["spread_tally"][EXPECTED, 1], (1e6 * settle / out).sum(), rtol=1e-3
    )
    assert s["spread_tally"][DRAWN, 1] == pytest.approx(s["spread_tally"][EXPECTED, 1], rel=0.02)


def test_resting_stem_cells_wake_or_die_at_their_rates(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small(SPREADING), 0)
    spread = process(plan, Spread)
    rates = spread.rates_settled(s)
    stem = spread.tumour.index(spread.stem)
    total = rates["wake"][stem] + rates["die"][stem]
    s["settled"][:, RESTING] = 1e6
    steps(plan, s, k, 1)
    assert s["settled"][EXPECTED, RESTING] == pytest.approx(1e6 * np.exp(-total * STEP_MIN))
    woken = 1e6 * rates["wake"][stem] / total * -np.expm1(-total * STEP_MIN)
    assert s["settled"][EXPECTED, ACTIVE] == pytest.approx(woken)
    assert s["spread_tally"][EXPECTED, 2] == pytest.approx(woken * spread.lasts(rates))


def test_drawn_cells_outside_are_whole_and_never_negative(walk: Walk, small: Make) -> None:
    plan, s = walk(small(FAST, {"inject": "CSC", "cells": 50}), 120, prepared=0)
    for name in ("circulating", "settled"):
        drawn = s[name][DRAWN]
        assert (drawn >= 0).all()
        assert (drawn == np.round(drawn)).all()
    assert s["settled"][DRAWN].sum() > 0


@pytest.mark.parametrize("route", ["circulation", "distant"])
def test_colonies_rise_in_proportion_to_injected_cells(
    route: str, walk: Walk, small: Make, k: Backend
) -> None:
    """A tail-vein assay into a host without a tumour."""
    naive = {**SPREADING, "tumour.cells": 0, "tissue.NK": 10}
    found = []
    for cells in (100, 1000):
        item = {"inject": "CSC", "cells": cells, "route": route}
        plan, s = walk(small(naive, item), 240, prepared=0)
        found.append(measure(plan, s))
    for name in ("expected_colonies", "expected_distant_cells"):
        assert found[0][name] > 0
        assert found[1][name] == pytest.approx(10 * found[0][name], rel=1e-6)
    assert found[1]["distant_cells"] == pytest.approx(found[1]["expected_distant_cells"], rel=0.3)


def test_chance_of_a_colony_is_what_becomes_of_injected_cells(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Hazards held: colonies per cell in the blood are the product of the steps' chances."""
    plan, s = walk(small(SPREADING), 0)
    spread = process(plan, Spread)
    s["circulating"][:, spread.stem] = 1e5
    chance = spread.chance(s)
    steps(plan, s, k, 60 * 60)
    rates, stem = spread.rates_settled(s), spread.tumour.index(spread.stem)
    # Cells that went back to rest wake again, and so count again.
    again = s["spread_tally"][EXPECTED, 2] / 1e5
    assert again > chance
    sleeps = rates["rest"][stem] + rates["die"][stem] - rates["divide"][stem]
    assert again < chance * (1.0 + 3.0 * rates["rest"][stem] / max(sleeps, 1e-5) + 3.0)


def test_more_killers_leave_fewer_cells(walk: Walk, small: Make) -> None:
    found = []
    for count in (0, 40):
        scenario = small({**SPREADING, "tissue.NK": count}, {"inject": "CSC", "cells": 10_000})
        plan, s = walk(scenario, 60, prepared=0)
        found.append(measure(plan, s)["expected_distant_cells"])
    assert found[1] < found[0]


def test_an_organ_that_nothing_reaches_stays_as_it_is(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small({**SPREADING, "tumour.cells": 0}), 0)
    organ = process(plan, DistantTissue)
    before = s["distant_levels"].copy()
    for tick in range(600):
        organ.run(s, Tick(tick, 0), k)
    np.testing.assert_allclose(s["distant_levels"], before, rtol=0.02, atol=1e-6)
    assert s["distant_permeability"][0] == pytest.approx(1.0, abs=1e-3)


def test_serum_vegfa_opens_the_organ_and_calls_marrow_cells(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small(SPREADING), 0)
    organ, spread = process(plan, DistantTissue), process(plan, Spread)
    marrow, before = plan.types["BMDC"], spread.chance(s)
    start = s["distant_cells"][marrow]
    for tick in range(600):
        s["blood"][plan.factors["VEGFA"]] = 1.0
        organ.run(s, Tick(tick, 0), k)
    assert s["distant_permeability"][0] > 1.3
    assert s["distant_cells"][marrow] > 1.1 * start
    assert s["distant_levels"][plan.factors["CCL9"]] > 0
    assert spread.chance(s) > 1.2 * before


def test_a_supply_in_the_organ_is_held_there_alone(walk: Walk, small: Make) -> None:
    item = {"add": "CXCL12", "concentration": "3 nM", "where": "distant"}
    plan, s = walk(small(SPREADING, item), 100, prepared=0)
    place = plan.factors["CXCL12"]
    assert s["distant_levels"][place] > 1.0
    assert s["fields"][place].max() < 1.0
    assert measure(plan, s)["niche_readiness"] > 1.2


def test_a_block_of_the_receptor_acts_on_circulating_cells_too(walk: Walk, small: Make) -> None:
    inject = {"inject": "CSC", "cells": 10_000}
    found = []
    for therapy in ([inject], [{"block": "CXCR4"}, inject]):
        plan, s = walk(small(SPREADING, *therapy), 120, prepared=0)
        found.append(measure(plan, s)["expected_distant_cells"])
    assert found[1] < 0.8 * found[0]


def test_what_the_organ_makes_is_the_sum_over_its_types(walk: Walk, small: Make) -> None:
    """Release per cell times cells, over all types, is the organ's own turnover of a factor."""
    plan, s = walk(small(SPREADING), 0)
    row = measure(plan, s)
    rest, amount = s["distant_rest"], process(plan, DistantTissue).releases
    checked = 0
    for factor in plan.model.factors:
        place, start = plan.factors[factor.id], f"distant.secretion.{factor.id}."
        made = {c.removeprefix(start): v for c, v in row.items() if c.startswith(start)}
        own = [name for name in made if name in plan.types]
        total = sum(made[name] * s["distant_cells"][plan.types[name]] for name in own)
        if own:
            per_unit = amount.amount[amount.factor == place][0]
            assert total / per_unit == pytest.approx(rest[place], rel=1e-4, abs=1e-12)
            checked += total > 0.0
    assert checked > 10


def test_mean_cells_of_the_organ_hear_the_blood_and_groups_are_means_of_their_cells(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small(SPREADING), 0)
    before, organ = measure(plan, s), process(plan, DistantTissue)
    for tick in range(600):
        s["blood"][plan.factors["IL6"]] = 1.0
        organ.run(s, Tick(tick, 0), k)
    row = measure(plan, s)
    for name in ("macrophage", "CSC"):
        assert row[f"distant.node.STAT3.{name}"] > 1.2 * before[f"distant.node.STAT3.{name}"]
    cells = [row[f"distant.cells.{name}"] for name in ("M1", "M2")]
    levels = [row[f"distant.node.STAT3.{name}"] for name in ("M1", "M2")]
    assert row["distant.node.STAT3.macrophage"] == pytest.approx(np.average(levels, weights=cells))
    assert row["distant.m2_fraction"] == pytest.approx(cells[1] / sum(cells))
    assert row["distant.tumour_cells"] == 0.0
    tumour = [row[f"distant.rate.apoptosis.{plan.types.names[i]}"] for i in plan.members("tumour")]
    assert row["distant.rate.apoptosis.tumour"] == pytest.approx(np.mean(tumour))


def test_without_a_distant_organ_nothing_of_it_is_there(walk: Walk, small: Make) -> None:
    plan, s = walk(small({"distant_site": False}), 1)
    row = measure(plan, s)
    outside = ("distant", "intravasation", "colonies", "circulating", "niche")
    assert not [c for c in row if c.removeprefix("expected_").startswith(outside)]
    assert "intravasation" not in plan.hazards


def test_a_resumed_run_spreads_to_the_same_bits(small: Make, walk: Walk, k: Backend) -> None:
    scenario = small(FAST, {"inject": "CSC", "cells": 500})
    plan, s = walk(scenario, 40, prepared=0)
    packed, n, tick = s.snapshot(), s.n, s.tick
    again = walk(scenario, 0)[1]
    again.restore(packed, n, tick)
    for state in (s, again):
        for _ in range(20):
            advance(plan, state, k)
    for name in s.variables:
        np.testing.assert_array_equal(
            s.live(name) if "cell" in s.variables[name].kind else s[name],
            again.live(name) if "cell" in s.variables[name].kind else again[name],
        )


def test_a_run_with_a_distant_organ_has_its_columns(small: Make) -> None:
    table = simulate(small(SPREADING, {"inject": "CSC", "cells": 1000}), 1).table
    assert table["expected_colonies"].iloc[0] == 0
    assert table["distant_cells"].iloc[-1] > 0
    assert (table["expected_colonies"].diff().dropna() >= 0).all()


@pytest.mark.parametrize("mean", [1e-4, 0.3, 7.0, 400.0])
def test_counts_drawn_by_quantiles_follow_poisson(mean: float) -> None:
    u = (np.arange(200_000) + 0.5) / 200_000
    drawn = poisson(np.full_like(u, mean), u)
    assert drawn.mean() == pytest.approx(mean, rel=1e-2)
    assert drawn.var() == pytest.approx(mean, rel=3e-2)


@pytest.mark.parametrize(("count", "chance"), [(1, 0.01), (10, 0.3), (1e6, 1e-3), (50, 0.999)])
def test_counts_drawn_by_quantiles_follow_the_binomial(count: float, chance: float) -> None:
    u = (np.arange(200_000) + 0.5) / 200_000
    drawn = binomial(np.full_like(u, count), np.full_like(u, chance), u)
    assert drawn.mean() == pytest.approx(count * chance, rel=1e-2)
    assert drawn.var() == pytest.approx(count * chance * (1 - chance), rel=3e-2)
    assert drawn.max() <= count


def test_more_hazard_never_gives_fewer_events() -> None:
    u = np.random.default_rng(1).random(1000)
    assert (poisson(np.full(1000, 2.0), u) <= poisson(np.full(1000, 2.2), u)).all()
    some = np.full(1000, 30.0)
    assert (binomial(some, some * 0.01, u) <= binomial(some, some * 0.011, u)).all()


def test_lines_last_longer_where_fewer_die() -> None:
    assert died_out(0.7, 0.5, 1e3) == pytest.approx(5 / 7, abs=1e-6)
