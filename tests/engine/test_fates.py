"""Hazards become deaths and conversions at the right rates, and killing needs touch."""

from collections.abc import Callable
from math import exp, sqrt

import numpy as np
import pytest

from stemniche.engine.build import new_state
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN
from stemniche.engine.state import (
    ALIVE,
    APOPTOTIC,
    G1,
    G2M,
    GONE,
    NECROTIC,
    State,
)
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

RATES = {"apoptosis": 1e-3, "necrosis": 4e-3, "turnover": 2e-3, "conversion.0": 3e-3}
"""1/min, all at once on every M1 macrophage."""
REPEATS = 40


@pytest.fixture(scope="module")
def crowd(walk: Walk, small: Make) -> tuple[Plan, State]:
    """Many macrophages and hardly anything else."""
    changes = {"tumour.cells": 0, "prepare": {"days": 0.25}, "tissue.macrophage": 500}
    return walk(small(changes))


def process(plan: Plan, name: str) -> object:
    return next(p for p in plan.processes if p.name == name)


@pytest.fixture(scope="module")
def struck(crowd: tuple[Plan, State], k: Backend) -> tuple[Plan, State, int, dict[str, int]]:
    """Counts of what happened to the macrophages over many independent ticks."""
    plan, first = crowd
    counts: dict[str, int] = dict.fromkeys(RATES, 0)
    exposed = 0
    state = new_state(plan, first.capacity)
    for tick in range(REPEATS):
        state.restore(first.snapshot(), first.n, tick)
        for tally in ("deaths", "expected_deaths", "expected_converted"):
            state[tally][:] = 0
        mine = state.live("type") == plan.types["M1"]
        for name, rate in RATES.items():
            state.live("hazards")[plan.hazards[name]] = np.where(mine, rate, 0.0)
        process(plan, "fates").run(state, moment(state), k)
        exposed += int(mine.sum())
        for name in RATES:
            counts[name] += int(state["deaths"][plan.hazards[name]].sum())
    return plan, state, exposed, counts


@pytest.mark.parametrize("name", RATES)
def test_competing_risks_take_their_share(
    name: str, struck: tuple[Plan, State, int, dict[str, int]]
) -> None:
    """Chance of any 1 - exp(-sum r dt), shared out by rate; within five standard errors."""
    _, _, exposed, counts = struck
    total = sum(RATES.values())
    chance = (1.0 - exp(-total * TICK_MIN)) * RATES[name] / total
    spread = sqrt(exposed * chance * (1.0 - chance))
    assert counts[name] == pytest.approx(exposed * chance, abs=5.0 * spread)


def test_what_is_expected_is_the_closed_form_of_competing_risks(
    struck: tuple[Plan, State, int, dict[str, int]],
) -> None:
    """The tally of one tick, without a draw; counts scatter about it as shown above."""
    plan, s, exposed, _ = struck
    total, m1 = sum(RATES.values()), plan.types["M1"]
    any_ = exposed / REPEATS * (1.0 - exp(-total * TICK_MIN))
    for name, rate in RATES.items():
        found = s["expected_deaths"][plan.hazards[name]]
        assert found[m1] == pytest.approx(any_ * rate / total, rel=1e-4), name
        assert found.sum() == found[m1]
    turned = s["expected_converted"][m1, plan.types["M2"]]
    assert turned == s["expected_deaths"][plan.hazards["conversion.0"], m1]
    assert s["expected_converted"].sum() == turned


def test_every_fate_leads_where_it_should(
    struck: tuple[Plan, State, int, dict[str, int]],
) -> None:
    plan, s, _, _ = struck
    leads_to = {"apoptosis": APOPTOTIC, "necrosis": NECROTIC, "turnover": GONE}
    fate, state = s.live("fate"), s.live("state")
    for name, wanted in leads_to.items():
        assert set(state[fate == plan.hazards[name]]) == {wanted}, name
    turned = fate == plan.hazards["conversion.0"]
    assert set(s.live("type")[turned]) == {plan.types["M2"]}
    assert set(state[turned]) == {ALIVE}
    assert set(state[fate < 0]) == {ALIVE}


def test_dying_takes_as_long_as_the_type_says(
    struck: tuple[Plan, State, int, dict[str, int]],
) -> None:
    plan, s, _, _ = struck
    for name, trait in (("apoptosis", "apoptosis_duration"), ("necrosis", "necrosis_duration")):
        clocks = s.live("clock")[s.live("fate") == plan.hazards[name]]
        assert set(clocks) == {plan.trait(trait)[plan.types["M1"]]}


def test_the_dead_have_no_fate(crowd: tuple[Plan, State], k: Backend) -> None:
    plan, first = crowd
    state = new_state(plan, first.capacity)
    state.restore(first.snapshot(), first.n, 0)
    state.live("state")[:] = NECROTIC
    state.live("hazards")[:] = 1e3
    process(plan, "fates").run(state, moment(state), k)
    assert not state["deaths"].any()
    assert set(state.live("state")) == {NECROTIC}


def test_a_cell_that_turns_starts_in_G1(crowd: tuple[Plan, State], k: Backend) -> None:
    plan, first = crowd
    state = new_state(plan, first.capacity)
    state.restore(first.snapshot(), first.n, 0)
    state.live("phase")[:] = G2M
    state.live("hazards")[:] = 0.0
    m1 = state.live("type") == plan.types["M1"]
    state.live("hazards")[plan.hazards["conversion.0"], m1] = 1e3
    process(plan, "fates").run(state, moment(state), k)
    assert set(state.live("phase")[m1]) == {G1}
    assert set(state.live("phase")[~m1]) <= {G2M}


def test_hazards_are_the_behaviours_and_the_turnover(crowd: tuple[Plan, State], k: Backend) -> None:
    plan, first = crowd
    state = new_state(plan, first.capacity)
    state.restore(first.snapshot(), first.n, 0)
    dice = np.random.default_rng(4)
    state.live("type")[:] = np.arange(state.n) % len(plan.types)
    state.live("behaviours")[:] = dice.random(state.live("behaviours").shape)
    process(plan, "hazards").run(state, moment(state), k)
    hazards, b = state.live("hazards"), state.live("behaviours")
    np.testing.assert_array_equal(
        hazards[plan.hazards["apoptosis"]], b[plan.behaviours["apoptosis_rate"]]
    )
    np.testing.assert_array_equal(
        hazards[plan.hazards["necrosis"]], b[plan.behaviours["necrosis_rate"]]
    )
    np.testing.assert_array_equal(
        hazards[plan.hazards["turnover"]], plan.trait("turnover")[state.live("type")]
    )
    for i, name in enumerate(plan.types.names):
        mine = state.live("type") == i
        turns = hazards[plan.hazards["conversion.0"], mine]
        if plan.conversions[i]:
            row = plan.behaviours[f"conversion.{name}.{plan.conversions[i][0]}"]
            np.testing.assert_array_equal(turns, b[row, mine])
        else:
            assert not turns.any(), name
