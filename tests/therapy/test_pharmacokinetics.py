"""Plasma levels of a drug against the closed solutions of two compartments."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
import pytest

from stemniche.engine.build import new_state
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S
from stemniche.engine.state import Array
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]

EXACT = 1e-3
"""Relative; what is asked of the plasma."""
DAYS = 20
MG, BSA = 144.0, 1.8


@dataclass
class Curve:
    """Plasma over time under some doses, and the drug's constants worked out anew."""

    plan: Plan
    free: Array
    body: Array

    @property
    def values(self) -> dict[str, float]:
        return self.plan.model.drugs[0].values

    @property
    def litres(self) -> tuple[float, float]:
        """Central and peripheral volume of a host of 70 kg."""
        whole = 70.0 * self.values["volume"]
        return whole * self.values["central_share"], whole * (1.0 - self.values["central_share"])

    @property
    def clearance(self) -> float:
        """L/min."""
        return 70.0 * self.values["clearance"] / 1000.0

    @property
    def rates(self) -> tuple[float, float, float]:
        """k10, k12 and k21, 1/min, the exchange having the half-life of the library."""
        v1, v2 = self.litres
        exchange = log(2.0) / self.values["distribution_half_life"] / (1.0 / v1 + 1.0 / v2)
        return self.clearance / v1, exchange / v1, exchange / v2

    @property
    def exponents(self) -> tuple[float, float]:
        """Fast and slow disposition, 1/min: roots of x^2 - (sum) x + k10 k21."""
        k10, k12, k21 = self.rates
        slow, fast = sorted(np.roots([1.0, -(k10 + k12 + k21), k10 * k21]).tolist())
        return fast, slow

    @property
    def nmol(self) -> float:
        """Amount in one dose."""
        return MG * 1e6 / self.plan.model.drugs[0].molar_mass

    def after_infusion(self, minutes: Array, lasting: float) -> Array:
        """Free plasma level at `minutes` >= `lasting` from the start of one infusion."""
        fast, slow = self.exponents
        k21, rate = self.rates[2], self.nmol / lasting
        shares = {fast: (fast - k21) / (fast - slow), slow: (k21 - slow) / (fast - slow)}
        level = sum(
            share / root * (1.0 - exp(-root * lasting)) * np.exp(-root * (minutes - lasting))
            for root, share in shares.items()
        )
        return self.values["fraction_unbound"] * rate / self.litres[0] * level


@pytest.fixture(scope="module")
def give(small: Make, k: Backend) -> Callable[..., Curve]:
    """Move only the plasma, for some days; levels are those at the end of each tick."""

    def given(days: int = DAYS, prepared: int = 0, **more: Any) -> Curve:
        item = {"drug": "paclitaxel", "dose": "80 mg/m^2"} | more
        plan = assemble(small({"days": days}, item), 1).plan
        state = new_state(plan, 64)
        state["day0"][0] = -1 if prepared else 0
        dosing = next(p for p in plan.processes if p.name == "dosing.paclitaxel")
        free, body = [], []
        for tick in range(days * 240 + prepared):
            if tick == prepared:
                state["day0"][0] = tick
            dosing.run(state, moment(state), k)
            state.tick += 1
            free.append(float(state["blood"][plan.factors["paclitaxel"]]))
            body.append(float(state["pk.paclitaxel"].sum()))
        return Curve(plan, np.array(free), np.array(body))

    return given


@pytest.fixture(scope="module")
def once(give: Callable[..., Curve]) -> Curve:
    """One infusion of an hour."""
    return give()


def test_the_area_under_the_curve_is_the_free_dose_over_the_clearance(once: Curve) -> None:
    area = once.free.sum() * TICK_MIN
    wanted = once.values["fraction_unbound"] * once.nmol / once.clearance
    assert area == pytest.approx(wanted, rel=EXACT)


def test_every_level_after_the_infusion_is_the_closed_solution(once: Curve) -> None:
    minutes = np.arange(10, 7 * 240) * TICK_MIN
    found = once.free[9 : 7 * 240 - 1]
    np.testing.assert_allclose(found, once.after_infusion(minutes, 60.0), rtol=EXACT)


def test_the_last_phase_falls_with_the_slow_exponent(once: Curve) -> None:
    late = once.free[2 * 240 : 4 * 240]
    slope = np.polyfit(np.arange(late.size) * TICK_MIN, np.log(late), 1)[0]
    assert -slope == pytest.approx(once.exponents[1], rel=EXACT)


def test_the_level_rises_only_while_drug_flows(once: Curve) -> None:
    steps = np.diff(once.free[: 3 * 240])
    assert (steps[:9] > 0.0).all()
    assert (steps[9:] < 0.0).all()


def test_what_was_given_is_in_the_body_or_was_cleared(once: Curve) -> None:
    """Cleared after the infusion: clearance times the area under the closed solution."""
    for end in (60, 240, 1000):
        fine = np.linspace(60.0, end * TICK_MIN, 200_001)
        levels = once.after_infusion(fine, 60.0) / once.values["fraction_unbound"]
        cleared = once.clearance * float(np.trapezoid(levels, fine))
        assert once.body[9] - once.body[end - 1] == pytest.approx(cleared, rel=1e-6)


def test_twice_the_dose_is_twice_the_level(once: Curve, give: Callable[..., Curve]) -> None:
    double = give(dose="160 mg/m^2")
    np.testing.assert_allclose(double.free[:2000], 2.0 * once.free[:2000], rtol=1e-9)


def test_doses_add_up(once: Curve, give: Callable[..., Curve]) -> None:
    repeated = give(every="12 h", doses=4)
    wanted = once.free.copy()
    for number in (1, 2, 3):
        wanted[number * 120 :] += once.free[: -number * 120]
    np.testing.assert_allclose(repeated.free, wanted, rtol=1e-6, atol=1e-12)


def test_repeated_doses_accumulate_to_the_geometric_limit(give: Callable[..., Curve]) -> None:
    """At the end of the last infusion, each exponential by 1 / (1 - exp(-root * interval))."""
    curve = give(every="6 h")
    fast, slow = curve.exponents
    k21, rate = curve.rates[2], curve.nmol / 60.0
    peak = 0.0
    for root, share in (
        (fast, (fast - k21) / (fast - slow)),
        (slow, (k21 - slow) / (fast - slow)),
    ):
        peak += share / root * (1.0 - exp(-root * 60.0)) / (1.0 - exp(-root * 360.0))
    peak *= curve.values["fraction_unbound"] * rate / curve.litres[0]
    last = (DAYS * 4 - 1) * 60 + 9
    assert curve.free[last] == pytest.approx(peak, rel=EXACT)


def test_a_dose_per_kilogram_grows_with_the_host(small: Make) -> None:
    doses = []
    for mass in ("70 kg", "35 kg"):
        item = {"drug": "paclitaxel", "dose": "2 mg/kg"}
        plan = assemble(small({"host.mass": mass}, item), 1).plan
        dosing = next(p for p in plan.processes if p.name.startswith("dosing"))
        doses.append(dosing.doses[0].mg)
    assert doses == [140.0, 70.0]


def test_without_a_dose_the_regimen_of_the_library_is_given(small: Make) -> None:
    plan = assemble(small({"days": 21}, "drug paclitaxel"), 1).plan
    dosing = next(p for p in plan.processes if p.name.startswith("dosing"))
    values = plan.model.drugs[0].values
    assert [d.start for d in dosing.doses] == [
        round(n * values["every"] * 60) for n in range(int(21 * 1440 / values["every"]))
    ]
    assert {d.mg for d in dosing.doses} == {values["dose"] * BSA}
    assert {d.length for d in dosing.doses} == {round(values["over"] * 60)}


def test_nothing_is_given_before_its_time(give: Callable[..., Curve]) -> None:
    curve = give(days=2, **{"from": "1 d"})
    assert not curve.free[:240].any()
    assert curve.free[240] > 0.0


def test_a_course_from_birth_runs_during_preparation(give: Callable[..., Curve]) -> None:
    curve = give(days=1, prepared=60, **{"from": "birth", "every": "6 h"})
    rising = np.flatnonzero(np.diff(curve.free, prepend=0.0) > 0.0)
    assert sorted({int(t) // 60 for t in rising}) == list(range(5))
    assert TICK_S * 60 == 6 * 3600


def test_an_end_stops_a_course_from_birth(give: Callable[..., Curve]) -> None:
    curve = give(days=1, prepared=60, **{"from": "birth", "every": "3 h", "until": "2 h"})
    rising = np.flatnonzero(np.diff(curve.free, prepend=0.0) > 0.0)
    assert sorted({int(t) // 30 for t in rising}) == [0, 1, 2]


def test_a_closed_gate_stops_the_doses(small: Make, k: Backend) -> None:
    item = {"drug": "paclitaxel", "every": "6 h", "until": "dead_cells > 1000"}
    plan = assemble(small({}, item), 1).plan
    state = new_state(plan, 64)
    state["day0"][0] = 0
    dosing = next(p for p in plan.processes if p.name == "dosing.paclitaxel")
    free = []
    for tick in range(120):
        state["control_ended"][0] = tick >= 30
        dosing.run(state, moment(state), k)
        state.tick += 1
        free.append(float(state["blood"][plan.factors["paclitaxel"]]))
    assert free[9] == max(free)
    assert (np.diff(free[9:]) < 0.0).all()
