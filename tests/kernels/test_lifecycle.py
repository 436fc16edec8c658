"""Facts about risks, the stemness state and the order of cells."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche.kernels import jit, lifecycle

COUNT = 200_000
KEYS = np.arange(1, COUNT + 1, dtype=np.uint64)


def struck(rates: list[float], *, minutes: float = 6.0, tick: int = 0) -> np.ndarray:
    hazards = np.repeat(np.array(rates, np.float32)[:, None], COUNT, axis=1)
    choice = np.zeros(COUNT, np.int8)
    lifecycle.resolve(hazards, COUNT, 5, KEYS, tick, minutes, choice)
    return choice


def test_risks_strike_in_proportion_and_together_as_often_as_they_should() -> None:
    rates = [0.01, 0.0, 0.03, 0.005]
    choice = struck(rates)
    any_strikes = 1 - math.exp(-sum(rates) * 6)
    for risk, rate in enumerate(rates):
        expected = any_strikes * rate / sum(rates)
        sigma = math.sqrt(expected * (1 - expected) / COUNT)
        assert abs((choice == risk).mean() - expected) <= 4 * sigma
    assert (choice == -1).mean() == pytest.approx(1 - any_strikes, abs=0.005)


def test_rare_risks_strike_as_often_as_they_should() -> None:
    strikes = sum(int((struck([2e-7], tick=t) == 0).sum()) for t in range(200))
    expected = 200 * COUNT * 2e-7 * 6
    assert abs(strikes - expected) < 4 * math.sqrt(expected)


def test_without_risk_nothing_happens_and_great_risk_spares_nobody() -> None:
    assert (struck([0.0, 0.0]) == -1).all()
    assert (struck([-1.0, 0.0]) == -1).all()
    assert (struck([0.0, 50.0]) == 1).all()


def test_two_short_ticks_kill_as_many_as_a_long_one() -> None:
    long = (struck([0.02], minutes=12.0) == 0).mean()
    first, second = (struck([0.02], minutes=6.0, tick=t) == 0 for t in (1, 2))
    assert (first | second).mean() == pytest.approx(long, abs=4 * 0.5 / math.sqrt(COUNT))


def test_the_order_of_cells_does_not_change_their_fate() -> None:
    dice = np.random.default_rng(0)
    hazards, order = dice.random((3, 1000)).astype(np.float32) / 20, dice.permutation(1000)
    plain, mixed = np.zeros(1000, np.int8), np.zeros(1000, np.int8)
    lifecycle.resolve(hazards, 1000, 1, KEYS[:1000], 7, 6.0, plain)
    turned = np.ascontiguousarray(hazards[:, order])
    lifecycle.resolve(turned, 1000, 1, KEYS[:1000][order], 7, 6.0, mixed)
    assert (mixed == plain[order]).all()


def walk(ticks: int, minutes: float, start: float, noise: float = 0.1) -> np.ndarray:
    s = np.full(COUNT, start, np.float32)
    target, tau = np.full(COUNT, 0.5, np.float32), np.full(COUNT, 2000.0, np.float32)
    spread, mask = np.full(COUNT, noise, np.float32), np.ones(COUNT, np.uint8)
    for tick in range(ticks):
        lifecycle.stemness_step(s, target, tau, spread, KEYS, 3, tick, COUNT, mask, minutes)
    return s.astype(np.float64)


@pytest.mark.parametrize(("ticks", "minutes"), [(1, 3000.0), (30, 100.0)])
def test_stemness_has_the_mean_and_variance_of_an_ornstein_uhlenbeck_process(
    ticks: int, minutes: float
) -> None:
    s = walk(ticks, minutes, 0.6, noise=0.05)
    kept = math.exp(-3000 / 2000)
    assert s.mean() == pytest.approx(0.5 + 0.1 * kept, abs=4 * 0.05 / math.sqrt(COUNT))
    assert s.std() == pytest.approx(0.05 * math.sqrt(1 - kept**2), rel=0.01)


def test_stemness_keeps_its_long_term_spread_and_forgets_its_start() -> None:
    low, high = walk(10, 2000.0, 0.1), walk(10, 2000.0, 0.9)
    assert low.std() == pytest.approx(0.1, rel=0.01)
    assert abs(low.mean() - high.mean()) < 0.002


def test_stemness_never_leaves_its_interval() -> None:
    s = walk(20, 500.0, 0.5, noise=2.0)
    assert s.min() >= 0.0
    assert s.max() <= 1.0


def test_stemness_of_other_cells_is_left_alone() -> None:
    s, one = np.full(100, 0.4, np.float32), np.ones(100, np.float32)
    mask = np.arange(100) % 2
    lifecycle.stemness_step(s, one, one, one, KEYS, 1, 1, 100, mask.astype(np.uint8), 6.0)
    assert (s[mask == 0] == np.float32(0.4)).all()
    assert (s[mask == 1] != np.float32(0.4)).all()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**64 - 1), st.booleans()), max_size=80)
)
@settings(max_examples=100, deadline=None)
def test_the_canonical_order_is_of_the_kept_cells_by_voxel_then_key(
    cells: list[tuple[int, int, bool]],
) -> None:
    voxel = np.array([v for v, _, _ in cells], np.int32)
    key = np.array([k for _, k, _ in cells], np.uint64)
    kept = np.array([stays for _, _, stays in cells], bool)
    order, ptr = lifecycle.canonical_order(voxel, key, kept, 10)
    wanted = np.lexsort((key, voxel))
    assert order.dtype == np.int32
    assert order.tolist() == wanted[kept[wanted]].tolist()
    assert np.diff(ptr).tolist() == np.bincount(voxel[kept], minlength=10).tolist()
    assert (ptr[0], ptr[-1]) == (0, kept.sum())


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i8", "u8", "i4"])
def test_an_order_is_applied_to_live_cells_alone(dtype: str) -> None:
    order = np.array([2, 0, 1], np.int32)
    flat, rows = np.arange(5).astype(dtype), np.arange(10).reshape(2, 5).astype(dtype)
    lifecycle.apply_order(flat, order)
    lifecycle.apply_order(rows, order)
    assert flat.tolist() == [2, 0, 1, 3, 4]
    assert rows.tolist() == [[2, 0, 1, 3, 4], [7, 5, 6, 8, 9]]


def test_threads_do_not_change_a_bit() -> None:
    before, results = jit.threads(), []
    for count in (1, 2):
        jit.set_threads(count)
        results.append((struck([0.01, 0.02]), walk(2, 6.0, 0.5)))
    jit.set_threads(before)
    assert (results[0][0] == results[1][0]).all()
    assert (results[0][1] == results[1][1]).all()


def test_each_type_gets_the_rows_it_asks_for_and_no_other() -> None:
    rng = np.random.default_rng(4)
    source = rng.random((5, 3000)).astype(np.float32)
    rows = np.array([[0, -1, 4], [2, 2, -1]], np.int32)
    kind = rng.integers(0, 2, 3000).astype(np.uint8)
    found = np.full((3, 3000), 7.0, np.float32)
    lifecycle.pick(source, rows, kind, 2500, found)
    wanted = np.where(rows[kind].T >= 0, source[rows[kind].T, np.arange(3000)], 0.0)
    np.testing.assert_array_equal(found[:, :2500], wanted[:, :2500])
    assert (found[:, 2500:] == 7.0).all()


def test_events_are_expected_by_risk_and_type() -> None:
    dice = np.random.default_rng(5)
    hazards = (dice.random((4, 90)) * (dice.random((4, 90)) < 0.5)).astype(np.float32)
    hazards[:, :5] = 0.0
    kind, found = dice.integers(0, 3, 90).astype(np.uint8), np.zeros((4, 3))
    lifecycle.expected_events(hazards, kind, 80, 6.0, found)
    whole = hazards.astype(float).sum(axis=0)
    weight = -np.expm1(-whole * 6.0) / np.maximum(whole, 1e-30)
    for h in range(4):
        wanted = np.bincount(kind[:80], weights=(hazards[h] * weight)[:80], minlength=3)
        np.testing.assert_allclose(found[h], wanted, rtol=1e-5)
