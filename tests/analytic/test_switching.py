"""C11 and C12: populations that turn into each other come to the same mixture from any start."""

from math import exp

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from stemniche.engine.process import TICK_MIN

from .bare_tissue import PER_DAY, WELL_MIXED, bare

CELLS = 20_000
FAST = 20.0  # how much faster than the published cells ours are, so that days become hours
OUT, BACK = 0.0721 * FAST * PER_DAY, 0.1335 * FAST * PER_DAY  # C11: k12 and k21

SWITCH = ("behaviours", "hazards", "fates")


def per_tick(rates: np.ndarray) -> np.ndarray:
    """Chance of ending a tick in each state, from hazards that compete once per tick."""
    out = rates - np.diag(np.diag(rates))
    total = out.sum(axis=1)
    leave = -np.expm1(-total * TICK_MIN)
    return out * (leave / total)[:, None] + np.diag(1 - leave)


@pytest.mark.parametrize("start", [1.0, 0.0, 0.4])
def test_two_states_relax_exponentially_to_their_ratio(start: float) -> None:
    """C11: x* = k21 / (k12 + k21) = 0.6494, reached as exp(-(k12 + k21) t)."""
    first = round(start * CELLS)
    tissue = bare(
        {
            "M1": {"conversion.M1.M2": OUT},
            "M2": {"conversion.M2.M1": BACK},
        },
        {"M1": first, "M2": CELLS - first},
    )
    steady = BACK / (OUT + BACK)
    assert steady == pytest.approx(0.6494, abs=1e-4)
    step = per_tick(np.array([[-OUT, OUT], [BACK, -BACK]]))
    for _ in range(5):
        tissue.run(20, SWITCH)
        passed = exp(-(OUT + BACK) * tissue.state.tick * TICK_MIN)
        exact = steady + (start - steady) * passed
        ours = ([start, 1 - start] @ np.linalg.matrix_power(step, tissue.state.tick))[0]
        assert ours == pytest.approx(exact, abs=0.5 * (OUT + BACK) * TICK_MIN)
        chance = np.sqrt(0.25 / CELLS)
        assert tissue.count("M1") / CELLS == pytest.approx(ours, abs=3.5 * chance)


@pytest.mark.parametrize("start", [1.0, 0.0])
def test_unequal_growth_moves_the_mixture_to_the_root_of_its_equation(start: float) -> None:
    """C11: dx/dt = d x (1 - x) - k12 x + k21 (1 - x), where the first state grows faster by d."""
    faster = 1.5 * PER_DAY
    first = round(start * 4000)
    tissue = bare(
        {
            "M1": {"conversion.M1.M2": OUT, "cycle_rate": faster},
            "M2": {"conversion.M2.M1": BACK},
        },
        {"M1": first, "M2": 4000 - first},
    )

    def slope(t: float, x: np.ndarray) -> np.ndarray:
        return faster * x * (1 - x) - OUT * x + BACK * (1 - x)

    root = max(np.roots([-faster, faster - OUT - BACK, BACK]))
    exact = solve_ivp(slope, (0.0, 360 * TICK_MIN), [start], t_eval=[60 * TICK_MIN, 360 * TICK_MIN],
                      rtol=1e-8).y[0]  # fmt: skip
    for ticks, wanted in zip((60, 300), exact, strict=True):
        tissue.run(ticks, WELL_MIXED, stirred=True)
        found = tissue.count("M1") / (tissue.count("M1") + tissue.count("M2"))
        assert found == pytest.approx(wanted, abs=0.025)  # 0.01 of waiting in S and G2M, chance
    assert exact[1] == pytest.approx(root, abs=5e-3)


KINDS = ("MSC", "fibroblast", "CAF")
PER_STEP = np.array([[0.58, 0.35, 0.07], [0.01, 0.99, 0.0], [0.04, 0.49, 0.47]])
"""C12: transitions per day of stem-like, basal and luminal cells (Gupta 2011, SUM159)."""


@pytest.mark.parametrize("pure", [0, 1, 2])
def test_any_sorted_start_returns_to_the_same_three_fold_mixture(pure: int) -> None:
    """C12: hazards with the equilibrium of the published matrix, P - 1 as their generator.

    Stationary 0.0235, 0.9734, 0.0031; in between exp(t (P - 1)).
    """
    generator = PER_STEP - np.eye(3)
    rates = FAST * PER_DAY * generator
    tissue = bare(
        {
            a: {f"conversion.{a}.{b}": rates[i, j] for j, b in enumerate(KINDS) if j != i}
            for i, a in enumerate(KINDS)
        },
        {KINDS[pure]: CELLS},
    )
    for days in (1, 3, 24):
        tissue.run(round(days * 1440 / FAST / TICK_MIN) - tissue.state.tick, SWITCH)
        ours = np.linalg.matrix_power(per_tick(rates), tissue.state.tick)[pure]
        exact = expm(rates * tissue.state.tick * TICK_MIN)[pure]
        assert np.abs(ours - exact).max() <= 0.5 * np.abs(rates).max() * TICK_MIN
        found = np.array([tissue.count(name) for name in KINDS]) / CELLS
        assert np.all(np.abs(found - ours) <= 3.5 * np.sqrt(ours * (1 - ours) / CELLS))
    np.testing.assert_allclose(ours, [0.0235, 0.9734, 0.0031], atol=6e-4)


def test_the_published_matrix_itself_is_followed_day_by_day() -> None:
    """C12: a tick that is one day: what leaves is P, and day 3, 6 and 12 are as tabulated.

    Rates that leave a state with the chance 1 - P_ii in one tick and share it as P does.
    """
    out = PER_STEP - np.diag(np.diag(PER_STEP))
    leaving = out.sum(axis=1)
    rates = out / leaving[:, None] * -np.log1p(-leaving)[:, None] / TICK_MIN
    tissue = bare(
        {
            a: {f"conversion.{a}.{b}": rates[i, j] for j, b in enumerate(KINDS) if out[i, j] > 0}
            for i, a in enumerate(KINDS)
        },
        {"MSC": CELLS},
    )
    table = {3: (0.2075, 0.7339, 0.0585), 6: (0.0595, 0.9209, 0.0195), 12: (0.0249, 0.9712, 0.0039)}
    for day, exact in table.items():
        tissue.run(day - tissue.state.tick, SWITCH)
        for name, share in zip(KINDS, exact, strict=True):
            chance = np.sqrt(share * (1 - share) / CELLS)
            assert tissue.count(name) / CELLS == pytest.approx(share, abs=3.5 * chance + 5e-5)
