"""Intervals agree with scipy, calls follow the definition, and many looks do not fool the rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stemniche.experiment.statistics import (
    LEVEL,
    LOOKS,
    Interval,
    interval,
    judge,
    next_look,
    relative_effects,
)

NUMBERS = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("level", [0.95, 0.99, 0.999])
@pytest.mark.parametrize("n", [4, 12, 48])
def test_the_interval_of_differences_is_that_of_a_paired_t_test(n: int, level: float) -> None:
    dice = np.random.default_rng(n)
    left, right = dice.normal(1.0, 1.0, n), dice.normal(0.0, 1.0, n)
    found = interval(left - right, level)
    wanted = stats.ttest_rel(left, right).confidence_interval(level)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.mean == pytest.approx((left - right).mean())


def test_one_replicate_has_no_interval() -> None:
    found = interval([0.5])
    assert found.mean == 0.5
    assert np.isnan(found.low)
    assert judge(">", found, margin=0.1, min_effect=0.1) == "inconclusive"


def test_the_effect_is_relative_to_the_larger_side_and_0_where_both_are_0() -> None:
    found = relative_effects([10.0, 5.0, 0.0, -2.0], [5.0, 10.0, 0.0, 2.0])
    assert found.tolist() == [0.5, -0.5, 0.0, -2.0]


@given(NUMBERS, NUMBERS)
def test_swapping_the_sides_turns_the_effect_around(a: float, b: float) -> None:
    forth, back = relative_effects([a], [b])[0], relative_effects([b], [a])[0]
    assert forth == -back
    assert abs(forth) <= 2.0


def call(sense: str, low: float, high: float) -> str:
    found = Interval((low + high) / 2, low, high)
    return judge(sense, found, margin=0.1, min_effect=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.05, 0.5, "reproduced"),
        (-0.5, -0.05, "opposite"),
        (-0.05, 0.09, "no effect"),
        (0.01, 0.09, "no effect"),
        (0.01, 0.15, "inconclusive"),
        (-0.2, 0.5, "inconclusive"),
        (0.2, 0.2, "reproduced"),
    ],
)
def test_greater_is_judged_by_side_and_size(low: float, high: float, word: str) -> None:
    assert call(">", low, high) == word
    assert call("<", -high, -low) == word


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.1, 0.1, "reproduced"),
        (-0.2, 0.05, "inconclusive"),
        (0.11, 0.3, "opposite"),
        (-0.3, -0.11, "opposite"),
        (0.02, 0.04, "reproduced"),
    ],
)
def test_alike_needs_the_whole_interval_inside_the_margin(
    low: float, high: float, word: str
) -> None:
    assert call("~=", low, high) == word


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.05, 0.5, "reproduced"),
        (-0.5, -0.05, "reproduced"),
        (-0.05, 0.05, "opposite"),
        (-0.2, 0.3, "inconclusive"),
    ],
)
def test_unlike_needs_an_interval_beside_0(low: float, high: float, word: str) -> None:
    assert call("!=", low, high) == word


def test_a_number_that_was_asked_for_is_looked_at_once() -> None:
    assert next_look(0, 7) == (7, LEVEL)
    assert next_look(7, 7) is None


def test_without_a_number_looks_are_taken_after_4_12_24_and_48() -> None:
    done, seen = 0, []
    while (look := next_look(done, None)) is not None:
        done = look[0]
        seen.append(look)
    assert tuple(seen) == LOOKS
    assert [n for n, _ in seen] == [4, 12, 24, 48]
    assert seen[-1][1] == LEVEL


def test_looking_several_times_calls_a_null_real_in_less_than_6_percent_of_cases() -> None:
    # Effects without size, and a smallest effect so small that it does not protect.
    cases, wrong = 4000, 0
    effects = np.random.default_rng(1).normal(size=(cases, 48))
    for row in effects:
        for n, level in LOOKS:
            word = judge(">", interval(row[:n], level), margin=1e-9, min_effect=1e-9)
            if word != "inconclusive":
                wrong += 1
                break
    assert wrong / cases < 0.06
