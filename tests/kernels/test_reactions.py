"""Reactions between substances: exact solutions, equilibria, books and signs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from stemniche.kernels.reactions import extent, react

LEVEL = st.floats(0.0, 1e4, width=32)
RATE = st.floats(0.0, 10.0)


def step(
    levels: list[float],
    forward: float,
    backward: float,
    minutes: float,
    *,
    second: int = 1,
    product: int = 2,
    enzymes: tuple[int, ...] = (),
) -> list[float]:
    """One reaction of substance 0 (and `second`) to `product` in a single voxel."""
    found = np.array(levels, np.float32).reshape(-1, 1)
    places = (np.array([i], np.int32) for i in (0, second, product))
    react(
        found, *places, np.array([0, len(enzymes)]), np.array(enzymes, np.int32),
        np.array([forward]), np.array([backward]), minutes,
    )  # fmt: skip
    return [float(x) for x in found[:, 0]]


def numerically(a: float, b: float, c: float, kf: float, kb: float, minutes: float) -> float:
    def rate(_: float, x: np.ndarray) -> np.ndarray:
        return kf * (a - x) * (b - x) - kb * (c + x)

    solved = solve_ivp(rate, (0.0, minutes), [0.0], rtol=1e-10, atol=1e-12, method="LSODA")
    return float(solved.y[0, -1])


@pytest.mark.parametrize("backward", [0.0, 0.05, 3.0])
@pytest.mark.parametrize(
    "levels", [(1.0, 2.0, 0.0), (1.0, 1.0, 0.5), (0.0, 1.0, 2.0), (5.0, 0.1, 1)]
)
@pytest.mark.parametrize("minutes", [0.01, 1.0, 60.0])
def test_two_reactants_go_as_far_as_the_equation_says(
    levels: tuple[float, float, float], backward: float, minutes: float
) -> None:
    a, b, c = levels
    wanted = numerically(a, b, c, 0.7, backward, minutes)
    assert extent(a, b, c, 0.7, backward, minutes) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_an_enzyme_and_its_inhibitor_meet_by_the_second_order_law() -> None:
    """Irreversible, a > b: a/b grows as exp((a - b) k t)."""
    a, b, _ = step([2.0, 1.0, 0.0], 0.3, 0.0, 4.0, product=-1)
    assert a - b == pytest.approx(1.0, rel=1e-6)
    assert a / b == pytest.approx(2.0 * np.exp(0.3 * 4.0), rel=1e-5)


def test_equal_amounts_of_enzyme_and_inhibitor_vanish_as_one_over_time() -> None:
    a, b, _ = step([2.0, 2.0, 0.0], 0.3, 0.0, 4.0, product=-1)
    assert a == b == pytest.approx(2.0 / (1.0 + 2.0 * 0.3 * 4.0), rel=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    a=st.floats(0.01, 100.0),
    b=st.floats(0.01, 100.0),
    c=st.floats(0.0, 100.0),
    k=st.floats(0.01, 100.0),
)
def test_binding_ends_at_its_dissociation_constant(a: float, b: float, c: float, k: float) -> None:
    free, site, bound = step([a, b, c], 1.0, k, 1e7)
    assert free * site == pytest.approx(k * bound, rel=1e-3)
    exact = (a + b + 2 * c + k - np.sqrt((a + b + 2 * c + k) ** 2 - 4 * (a + c) * (b + c))) / 2
    assert bound == pytest.approx(exact, rel=1e-4)


def test_an_enzyme_turns_its_substrate_over_and_is_kept() -> None:
    a, _, c, e, f = step([3.0, 0.0, 1.0, 0.2, 0.3], 0.4, 0.0, 5.0, second=-1, enzymes=(3, 4))
    assert a == pytest.approx(3.0 * np.exp(-0.4 * 0.5 * 5.0), rel=1e-6)
    assert a + c == pytest.approx(4.0, rel=1e-6)
    assert [e, f] == pytest.approx([0.2, 0.3])


def test_without_its_enzyme_nothing_happens() -> None:
    assert step([3.0, 0.0, 1.0, 0.0], 9.0, 0.0, 99.0, second=-1, enzymes=(3,))[:3] == [
        3.0,
        0.0,
        1.0,
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(LEVEL, min_size=4, max_size=4), RATE, RATE, st.floats(0.0, 1e5), st.booleans())
def test_levels_stay_above_zero_and_what_reacts_is_found_in_the_product(
    levels: list[float], forward: float, backward: float, minutes: float, alone: bool
) -> None:
    after = step(levels, forward, backward, minutes, second=-1 if alone else 1, enzymes=(3,))
    assert min(after) >= 0.0
    error = 4e-7 * sum(levels[:3]) + 1e-30
    assert after[0] + after[2] == pytest.approx(levels[0] + levels[2], abs=error)
    if not alone:
        assert after[1] + after[2] == pytest.approx(levels[1] + levels[2], abs=error)
    assert after[3] == np.float32(levels[3])


@settings(max_examples=60, deadline=None)
@given(a=LEVEL, b=LEVEL, c=LEVEL, kf=RATE, kb=RATE, t=st.floats(0.0, 100.0))
def test_two_half_steps_make_a_whole_one(
    a: float, b: float, c: float, kf: float, kb: float, t: float
) -> None:
    whole = extent(a, b, c, kf, kb, t)
    half = extent(a, b, c, kf, kb, t / 2)
    rest = extent(a - half, b - half, c + half, kf, kb, t / 2)
    assert half + rest == pytest.approx(whole, rel=1e-6, abs=1e-6 * (a + b + c) + 1e-12)
