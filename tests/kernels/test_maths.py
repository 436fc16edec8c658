"""Facts about random numbers, keys and the fast mathematics."""

import math

import numpy as np
import pytest
import twins_cells as twins
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche.kernels import jit, maths

WORD = st.integers(0, 2**32 - 1)
KEYS = np.arange(1, 200_001, dtype=np.uint64)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_known_answers(
    counter: tuple[int, ...], key: tuple[int, ...], answer: tuple[int, ...]
) -> None:
    assert tuple(int(word) for word in maths.philox4x32(*counter, *key)) == answer


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
@settings(max_examples=100, deadline=None)
def test_philox_equals_its_twin(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    words = [np.uint32(w) for w in (*counter, *key)]
    assert [int(w) for w in maths.philox4x32(*words)] == twins.philox(counter, key)


def test_uniform_numbers_fill_the_open_unit_interval_evenly() -> None:
    u = maths.uniform_array(7, 20, KEYS, 3, 0)
    assert u.dtype == np.float32
    assert 0.0 < u.min()
    assert u.max() < 1.0
    observed, _ = np.histogram(u, bins=100, range=(0, 1))
    chi_square = ((observed - 2000.0) ** 2 / 2000.0).sum()
    assert 60.0 < chi_square < 150.0  # 99 degrees of freedom, about 3.6 sigma


def test_normal_numbers_have_the_moments_of_a_standard_normal() -> None:
    z = maths.normal_array(7, 20, KEYS, 3, 0).astype(np.float64)
    assert abs(z.mean()) < 4 / math.sqrt(z.size)
    assert abs(z.var() - 1) < 4 * math.sqrt(2 / z.size)
    assert abs((z**3).mean()) < 4 * math.sqrt(15 / z.size)
    assert abs((z**4).mean() - 3) < 4 * math.sqrt(96 / z.size)


@pytest.mark.parametrize("changed", ["seed", "stream", "tick", "draw"])
def test_changing_any_coordinate_gives_unrelated_numbers(changed: str) -> None:
    at = {"seed": 1, "stream": 20, "tick": 5, "draw": 0}
    first = maths.uniform_array(at["seed"], at["stream"], KEYS, at["tick"], at["draw"])
    at[changed] += 1
    second = maths.uniform_array(at["seed"], at["stream"], KEYS, at["tick"], at["draw"])
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / math.sqrt(KEYS.size)
    assert (first != second).mean() > 0.999


def test_neighbouring_keys_give_unrelated_numbers() -> None:
    u = maths.uniform_array(1, 20, KEYS, 5, 0)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / math.sqrt(KEYS.size)


def test_all_forms_of_a_uniform_number_agree() -> None:
    where = (np.uint64(9), np.uint32(33), np.uint64(2**60 + 5), np.uint32(77), np.uint32(2))
    one = maths.uniform(*where)
    assert maths.uniform_four(*where)[0] == one
    assert maths.uniform_fine(*where) == pytest.approx(one, abs=1e-7)
    assert maths.uniform_array(9, 33, np.array([2**60 + 5], np.uint64), 77, 2)[0] == np.float32(one)


def test_daughters_of_many_cells_have_keys_of_their_own() -> None:
    parents = np.repeat(KEYS[:20_000], 8)
    divisions = np.tile(np.arange(1, 9, dtype=np.uint32), 20_000)
    keys = maths.child_keys(parents, divisions)
    assert np.unique(np.concatenate([keys, KEYS])).size == keys.size + KEYS.size
    assert int(keys[3]) == maths.child_key(np.uint64(1), np.uint32(4))


def test_recruits_differ_by_process_site_tick_and_order() -> None:
    sites = np.arange(500, dtype=np.uint64)
    keys = [
        maths.site_keys(process, sites, tick, k)
        for process in (1, 2)
        for tick in (0, 1, 2**40)
        for k in (0, 1)
    ]
    assert np.unique(np.concatenate(keys)).size == 500 * len(keys)


def test_mixing_is_one_to_one_on_a_sample() -> None:
    assert len({maths.mix64(np.uint64(k)) for k in range(5000)}) == 5000


@given(st.floats(1e-30, 1e30))
@settings(max_examples=300, deadline=None)
def test_fast_logarithm_is_exact_to_single_precision(x: float) -> None:
    single = np.float32(x)
    exact = math.log2(float(single))
    assert abs(float(maths.log2(single)) - exact) <= 1e-7 + 7e-8 * abs(exact)


@given(st.floats(-126.0, 127.0))
@settings(max_examples=300, deadline=None)
def test_fast_power_of_two_is_exact_to_single_precision(x: float) -> None:
    single = np.float32(x)
    assert float(maths.exp2(single)) == pytest.approx(2.0 ** float(single), rel=3e-7)


def test_fast_functions_stay_finite_beyond_their_range() -> None:
    assert maths.exp2(np.float32(1e9)) == np.float32(2.0**127)
    assert maths.exp2(np.float32(-1e9)) == np.float32(2.0**-126)
    assert maths.log2(np.float32(0.0)) == np.float32(-127.0)


@given(st.floats(1e-6, 1e6), st.floats(1e-3, 1e3), st.floats(0.5, 8.0))
@settings(max_examples=300, deadline=None)
def test_hill_curves_are_good_to_a_hundred_thousandth(x: float, h: float, p: float) -> None:
    a, b, c = (float(np.float32(v)) for v in (x, h, p))
    exact = 1.0 / (1.0 + (b / a) ** c)
    found = float(maths.hill(np.float32(x), np.float32(h), np.float32(p)))
    assert found == pytest.approx(exact, rel=1e-5, abs=1e-36)


def test_hill_curves_start_at_zero_halve_at_the_constant_and_saturate() -> None:
    h, p = np.float32(4.0), np.float32(2.0)
    assert maths.hill(np.float32(0.0), h, p) < 1e-37
    assert maths.hill(h, h, p) == pytest.approx(0.5, rel=1e-6)
    assert maths.hill(np.float32(1e9), h, p) == pytest.approx(1.0, rel=1e-6)


@given(st.floats(-80.0, 80.0))
@settings(max_examples=200, deadline=None)
def test_sigmoid_is_good_to_a_hundred_thousandth(x: float) -> None:
    single = float(np.float32(x))
    assert float(maths.sigmoid(np.float32(x))) == pytest.approx(
        1 / (1 + math.exp(-single)), rel=1e-5
    )


def test_a_pair_pushes_inside_contact_pulls_beyond_and_ends_at_its_reach() -> None:
    def speed(distance: float) -> float:
        return float(maths.pair_speed(*(np.float32(v) for v in (distance, 16.0, 10.0, 0.4, 1.25))))

    assert speed(8.0) == pytest.approx(10 * 0.5**2 - 0.4 * 0.6**2, rel=1e-5)
    assert speed(18.0) == pytest.approx(-0.4 * 0.1**2, rel=1e-4)
    assert speed(20.0) == 0.0
    assert abs(speed(0.95241 * 16.0)) < 1e-4


def test_scalar_functions_stay_in_single_precision() -> None:
    one = np.float32(1.0)
    for call in (
        lambda: maths.log2.py_func(one),
        lambda: maths.exp2.py_func(one),
        lambda: maths.hill.py_func(one, one, one),
        lambda: maths.sigmoid.py_func(one),
        lambda: maths.pair_speed.py_func(one, one, one, one, one),
    ):
        assert call().dtype == np.float32


def test_threads_never_exceed_what_the_process_has() -> None:
    before = jit.threads()
    jit.set_threads(10_000)
    assert 1 <= jit.threads() <= 10_000
    jit.set_threads(0)
    assert jit.threads() == 1
    jit.set_threads(before)
