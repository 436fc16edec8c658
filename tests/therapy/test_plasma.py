"""Levels in the body against closed solutions: routes, accumulation, residence, hosts, units."""

from collections.abc import Callable
from math import exp, log
from typing import Any

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.engine.build import new_state
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN
from stemniche.engine.state import Array, State
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario
from stemniche.therapy.plasma import CENTRAL, body

Make = Callable[..., Scenario]
Walk = Callable[..., tuple[Plan, State]]

EXACT = 1e-3
DAY_TICKS = 240

RESIDENCE = {
    "docetaxel": 2.5, "doxorubicin": 24.4, "gemcitabine": 0.78, "imatinib": 19.7,
    "metformin": 1.44, "paclitaxel": 7.8, "carboplatin": 2.9,
}  # fmt: skip
"""Volume over clearance, h, of drugs given into the blood: Lombardo 2018."""


@pytest.fixture(scope="module")
def levels(small: Make, k: Backend) -> Callable[..., tuple[Array, Plan]]:
    """Amount in the central compartment at the end of every tick, and the plan."""

    def found(item: Any, days: float, **changes: Any) -> tuple[Array, Plan]:
        plan = assemble(small({"days": days, **changes}, item), 1).plan
        state = new_state(plan, 64)
        state["day0"][0] = 0
        drug = plan.model.drugs[0].id
        dosing = next(p for p in plan.processes if p.name == f"dosing.{drug}")
        amounts = []
        for _ in range(round(days * DAY_TICKS)):
            dosing.run(state, moment(state), k)
            state.tick += 1
            amounts.append(float(state[f"pk.{drug}"][CENTRAL]))
        return np.array(amounts), plan

    return found


def mg(plan: Plan, amount: float) -> float:
    """nmol of a drug in mg."""
    return amount * plan.model.drugs[0].molar_mass * 1e-6


def test_an_antibody_accumulates_by_one_over_one_less_what_is_left(
    levels: Callable[..., tuple[Array, Plan]],
) -> None:
    """Bevacizumab, half-life 20 d, every 14 d: 2.60 times the level after the first dose."""
    one = {"bevacizumab.central_share": 1, "bevacizumab.volume": f"{0.23 * 20 / log(2):.9g} L"}
    item = {"drug": "bevacizumab", "dose": "700 mg", "every": "14 d", "over": "6 min"}
    amount, plan = levels(item, 14 * 16, parameters=one)
    peaks = amount[:: 14 * DAY_TICKS]
    share = 2.0 ** (-14.0 / 20.0)
    assert peaks[-1] / peaks[0] == pytest.approx((1 - share**16) / (1 - share), rel=EXACT)
    assert 1 / (1 - share) == pytest.approx(2.60, abs=0.005)
    assert mg(plan, peaks[0]) == pytest.approx(700.0, rel=EXACT)


@pytest.mark.parametrize("drug", RESIDENCE)
def test_the_mean_residence_time_is_volume_over_clearance(
    drug: str, levels: Callable[..., tuple[Array, Plan]]
) -> None:
    """Of a bolus: area under the first moment over the area, with the volume at steady state."""
    item = {"drug": drug, "dose": "100 mg", "route": "iv", "over": "0 min"}
    amount, plan = levels(item, 21 if drug == "doxorubicin" else 7)
    minutes = (np.arange(len(amount)) + 1) * TICK_MIN
    host = body(plan.model.drugs[0], 70.0, 0.75)
    whole = host.central + host.peripheral
    # Between the points of the lattice the level is a sum of exponentials; the compartments' own
    # matrix gives the integrals over a tick.
    rates = host.rates()[1:, 1:] if host.peripheral else host.rates()[1:2, 1:2]
    inverse = np.linalg.inv(rates)
    start = np.zeros(len(rates))
    start[0] = 100.0 * 1e6 / plan.model.drugs[0].molar_mass
    area, moment_ = (-inverse @ start)[0], (inverse @ inverse @ start)[0]
    assert moment_ / area == pytest.approx(whole / host.clearance, rel=EXACT)
    assert moment_ / area / 60.0 == pytest.approx(RESIDENCE[drug], rel=0.03)
    wanted = np.array([_exponential(rates, start, t)[0] for t in minutes[::97]])
    np.testing.assert_allclose(amount[::97], wanted, rtol=EXACT, atol=1e-9 * start[0])


def _exponential(rates: Array, start: Array, minutes: float) -> Array:
    values, vectors = np.linalg.eig(rates)
    grown = np.exp(values * minutes) * np.linalg.solve(vectors, start)
    return np.asarray((vectors @ grown).real)


def test_what_is_swallowed_rises_and_falls_by_batemans_function(
    levels: Callable[..., tuple[Array, Plan]],
) -> None:
    amount, plan = levels({"drug": "pazopanib", "dose": "800 mg"}, 4)
    v, host = plan.model.drugs[0].values, body(plan.model.drugs[0], 70.0, 0.75)
    ka, ke = log(2) / v["absorption"], host.clearance / host.central
    minutes = (np.arange(len(amount)) + 1) * TICK_MIN
    given = v["bioavailability"] * 800.0 * 1e6 / plan.model.drugs[0].molar_mass
    wanted = given * ka / (ka - ke) * (np.exp(-ke * minutes) - np.exp(-ka * minutes))
    np.testing.assert_allclose(amount, wanted, rtol=EXACT)


def test_times_in_a_mouse_go_with_the_fourth_root_of_mass(small: Make) -> None:
    drug = assemble(small({}, "drug paclitaxel"), 1).model.drugs[0]
    adult, mouse = body(drug, 70.0, 0.75), body(drug, 0.02, 0.75)
    slower = (0.02 / 70.0) ** 0.25
    for name in ("central", "peripheral"):
        assert getattr(mouse, name) == pytest.approx(getattr(adult, name) * 0.02 / 70.0)
    times = [np.sort(-1.0 / np.linalg.eigvals(b.rates()[1:, 1:]).real) for b in (adult, mouse)]
    np.testing.assert_allclose(times[1], times[0] * slower, rtol=1e-9)


def test_a_dose_by_the_area_gives_that_area(levels: Callable[..., tuple[Array, Plan]]) -> None:
    """5 AUC of carboplatin: 5 mg min/mL under the plasma level."""
    amount, plan = levels("drug carboplatin 5 AUC", 3)
    host = body(plan.model.drugs[0], 70.0, 0.75)
    per_ml = mg(plan, 1.0) * amount / host.central / 1000.0
    area = per_ml.sum() * TICK_MIN
    assert area == pytest.approx(5.0, rel=0.05)
    dosing = next(p for p in plan.processes if p.name == "dosing.carboplatin")
    assert dosing.doses[0].mg == pytest.approx(5.0 * host.clearance * 1000.0, rel=1e-9)


def test_international_units_become_mg(small: Make) -> None:
    plan = assemble(small({"days": 0.1}, "drug aldesleukin 18e6 IU"), 1).plan
    dosing = next(p for p in plan.processes if p.name == "dosing.aldesleukin")
    assert dosing.doses[0].mg == pytest.approx(18e6 / 16.4e6)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("drug paclitaxel 100 IU",), "not dosed in IU"),
        (("drug paclitaxel 100 pfu",), "not dosed in pfu"),
        (("drug paclitaxel 50 mg over 5 h", "drug paclitaxel 50 mg from 2 h"), "one pump"),
        (("drug paclitaxel 50 mg over 3 h every 2 h",), "cannot be repeated"),
        (("drug CKM",), "no drug with a level"),
    ],
)
def test_an_impossible_regimen_is_refused(lines: tuple[str, ...], what: str, small: Make) -> None:
    with pytest.raises(InputError, match=what) as caught:
        assemble(small({}, *lines), 1)
    assert caught.value.mend


def test_what_is_injected_into_the_tumour_is_there_and_nowhere_else(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Its level is the dose over the volume that the slice stands for, in the tumour's voxels."""
    item = {"drug": "rsl3", "dose": "0.001 mg", "route": "it"}
    plan, state = walk(small({"represents.volume": "100 mm^3"}, item))
    dosing = next(p for p in plan.processes if p.name == "dosing.rsl3")
    dosing.run(state, moment(state), k)
    drug = plan.factors["rsl3"]
    supply = state["supply"][drug] * TICK_MIN
    inside = np.unique(state.live("voxel")[plan.mask(["tumour"])[state.live("type")] == 1])
    assert set(np.flatnonzero(supply)) == set(inside)
    nmol = 0.001 * 1e6 / plan.model.drugs[0].molar_mass
    wanted = nmol / (100.0 * 1e-6) * plan.grid.voxels / len(inside)
    np.testing.assert_allclose(supply[inside], wanted, rtol=1e-5)
    assert state["blood"][drug] == 0.0


def test_the_tissue_plateau_of_an_antibody_is_exchange_over_exchange_and_loss(
    walk: Walk, small: Make
) -> None:
    item = {"drug": "bevacizumab", "dose": "700 mg", "over": "10 d"}
    plan, state = walk(small({"days": 12}, item))
    dosing = next(p for p in plan.processes if p.name == "dosing.bevacizumab")
    found = dosing.exchange * state["vessels_at_start"][0]
    wall = plan.model.drugs[0].values["permeability"] * 2 * np.pi * plan.parameter("vessel.radius")
    area = wall * plan.grid.spacing / plan.grid.voxel_volume / plan.grid.voxels
    assert found == pytest.approx(area * state["vessels_at_start"][0], rel=1e-6)
    share = found / (found + dosing.loss)
    assert 0.02 < share < 0.6
    assert exp(-dosing.loss * TICK_MIN) < 1.0
