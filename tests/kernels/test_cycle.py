"""The cell cycle and dying: exact durations, rates as probabilities, volumes, and the twin."""

from dataclasses import dataclass, field
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from twins_cycle import G0, G1, G2M, S, cycle_step, dead_step, sphere

from stemniche.kernels.cycle import advance_cycle, advance_dead, expected_entries
from stemniche.kernels.maths import uniform_array

SEED, STREAM, TICK = 11, 77, 5
MINUTES = 6.0
S_TIME = np.array([480.0, 100.0], np.float32)
G2M_TIME = np.array([300.0, 50.0], np.float32)
VOLUME = np.array([2500.0, 600.0], np.float32)
DURATION = np.array([516.0, 60.0], np.float32)

Column = NDArray[np.float32]


def column(value: float, n: int) -> Column:
    return np.full(n, value, np.float32)


@dataclass
class Cells:
    """Columns of `n` cells, living in G1 with nothing happening to them."""

    n: int
    columns: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("kind", "state", "dividing", "awakened"):
            self.columns[name] = np.zeros(self.n, np.uint8)
        self.columns["phase"] = np.full(self.n, G1, np.uint8)
        self.columns["key"] = np.arange(1, self.n + 1, dtype=np.uint64) * np.uint64(7919)
        for name in ("clock", "radius", "cycle", "quiescence", "awakening", "engulfing"):
            self.columns[name] = column(0.0, self.n)
        self.columns["growth"] = column(1.0, self.n)
        self.columns["engulfed"] = np.zeros(self.n, np.uint8)

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        return self.columns[name]

    def step(self, tick: int = TICK, minutes: float = MINUTES) -> None:
        """One tick of the cycle."""
        names = ("kind", "state", "phase", "clock", "dividing", "awakened", "radius", "growth")
        rates = ("key", "cycle", "quiescence", "awakening")
        columns = [self.columns[name] for name in (*names, *rates)]
        advance_cycle(*columns, S_TIME, G2M_TIME, VOLUME, self.n, SEED, STREAM, tick, minutes)

    def rot(self, dissolution: float, tick: int = TICK, minutes: float = MINUTES) -> None:
        """One tick of the dead."""
        names = ("kind", "state", "clock", "radius", "key", "engulfing", "engulfed")
        columns = [self.columns[name] for name in names]
        advance_dead(*columns, DURATION, VOLUME, dissolution, self.n, SEED, STREAM, tick, minutes)

    def draws(self, tick: int = TICK) -> NDArray[np.float64]:
        """The random number of each cell."""
        return uniform_array(SEED, STREAM, self.columns["key"], tick, 0).astype(np.float64)


def within(count: int, chances: float, n: int) -> bool:
    """Whether a binomial count is within five standard errors."""
    return abs(count - n * chances) < 5.0 * sqrt(n * chances * (1.0 - chances)) + 1e-9


def scattered(n: int, dice: np.random.Generator) -> Cells:
    cells = Cells(n)
    cells["kind"][:] = dice.integers(0, 2, n)
    cells["phase"][:] = dice.integers(0, 4, n)
    cells["clock"][:] = dice.uniform(0.0, 30.0, n)
    cells["growth"][:] = dice.lognormal(0.0, 0.3, n)
    for name in ("cycle", "quiescence", "awakening"):
        cells[name][:] = dice.choice([0.0, 0.01, 0.2], n)
    return cells


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), minutes=st.sampled_from([1.0, 6.0, 30.0]))
def test_the_cycle_equals_its_twin(seed: int, minutes: float) -> None:
    cells = scattered(200, np.random.default_rng(seed))
    before = {name: array.copy() for name, array in cells.columns.items()}
    cells.step(minutes=minutes)
    draws = cells.draws()
    for c in range(cells.n):
        t = int(before["kind"][c])
        cell = {name: float(array[c]) for name, array in before.items() if name != "key"}
        wanted = cycle_step(cell, draws[c], S_TIME[t], G2M_TIME[t], VOLUME[t], minutes)
        for name in ("phase", "dividing", "awakened"):
            assert cells[name][c] == wanted[name], (name, c)
        for name in ("clock", "radius"):
            assert cells[name][c] == pytest.approx(wanted[name], rel=1e-5), (name, c)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), minutes=st.sampled_from([1.0, 6.0, 30.0]))
def test_dying_equals_its_twin(seed: int, minutes: float) -> None:
    dice = np.random.default_rng(seed)
    cells = scattered(200, dice)
    cells["state"][:] = dice.integers(0, 4, cells.n)
    cells["clock"][:] = dice.uniform(0.0, 60.0, cells.n)
    cells["engulfing"][:] = dice.choice([0.0, 0.02, 0.3], cells.n)
    cells["radius"][:] = 8.0
    before = {name: array.copy() for name, array in cells.columns.items()}
    cells.rot(0.01, minutes=minutes)
    draws = cells.draws()
    for c in range(cells.n):
        t = int(before["kind"][c])
        cell = {name: float(array[c]) for name, array in before.items() if name != "key"}
        wanted = cell | {"engulfed": 0.0}
        if cell["state"] in (1, 2):
            wanted = dead_step(cell, draws[c], DURATION[t], VOLUME[t], 0.01, minutes)
        for name in ("state", "engulfed"):
            assert cells[name][c] == wanted[name], (name, c)
        for name in ("clock", "radius"):
            assert cells[name][c] == pytest.approx(wanted[name], rel=1e-5), (name, c)


@pytest.mark.parametrize("minutes", [6.0, 7.0])
@pytest.mark.parametrize("kind", [0, 1])
def test_s_and_g2m_together_last_as_long_as_they_should(kind: int, minutes: float) -> None:
    """To the tick that reaches their end, also where a phase is no multiple of the tick."""
    cells = Cells(1)
    cells["kind"][:] = kind
    cells["phase"][:] = S
    cells["clock"][:] = S_TIME[kind]
    seen = []
    while not cells["dividing"][0]:
        cells.step(len(seen), minutes)
        seen.append(int(cells["phase"][0]))
    whole = S_TIME[kind] + G2M_TIME[kind]
    assert len(seen) == int(np.ceil(whole / minutes))
    assert seen.count(S) == int(np.ceil(S_TIME[kind] / minutes)) - 1


def test_a_cell_leaves_G1_at_the_rate_of_its_cycle() -> None:
    cells = Cells(20_000)
    cells["cycle"][:] = 0.01
    cells["growth"][:] = 1.5
    cells.step()
    assert within(int((cells["phase"] == S).sum()), 1.0 - exp(-0.015 * MINUTES), cells.n)
    assert set(cells["clock"][cells["phase"] == S]) == {S_TIME[0]}


def test_ways_out_of_G1_compete() -> None:
    cells = Cells(20_000)
    cells["cycle"][:] = 0.03
    cells["quiescence"][:] = 0.01
    cells.step()
    leaving = 1.0 - exp(-0.04 * MINUTES)
    assert within(int((cells["phase"] == S).sum()), 0.75 * leaving, cells.n)
    assert within(int((cells["phase"] == G0).sum()), 0.25 * leaving, cells.n)


def test_entries_into_s_are_expected_where_cells_are_in_G1() -> None:
    cells, found = scattered(400, np.random.default_rng(3)), np.zeros(2)
    names = ("kind", "state", "phase", "growth", "cycle", "quiescence")
    columns = [cells[name] for name in names]
    expected_entries(*columns, cells.n, MINUTES, found)
    kind, state, phase, growth, cycle, quiescence = (np.asarray(c, float) for c in columns)
    on, total = cycle * growth, cycle * growth + quiescence
    chance = -on / np.maximum(total, 1e-30) * np.expm1(-total * MINUTES)
    chance *= (phase == G1) & (state == 0)
    np.testing.assert_allclose(found, np.bincount(kind.astype(int), chance, 2), rtol=1e-5)
    assert (found > 0.0).all()


def test_a_resting_cell_awakes_at_its_rate_and_remembers_it() -> None:
    cells = Cells(20_000)
    cells["phase"][:] = G0
    cells["awakening"][:] = 0.02
    cells["cycle"][:] = 1.0
    cells.step()
    woken = cells["phase"] == G1
    assert within(int(woken.sum()), 1.0 - exp(-0.02 * MINUTES), cells.n)
    np.testing.assert_array_equal(cells["awakened"] == 1, woken)


def test_cells_divide_as_often_as_their_phases_allow() -> None:
    """Renewals: t / m + (s^2 - m^2) / (2 m^2), mean m = 1 / rate + S + G2M, spread s = 1 / rate."""
    cells = Cells(2000)
    rate, ticks, divisions = 0.005, 2000, 0
    cells["cycle"][:] = rate
    for tick in range(ticks):
        cells.step(tick)
        done = cells["dividing"] == 1
        divisions += int(done.sum())
        cells["phase"][done] = G1
    mean, spread = 1.0 / rate + 780.0 + MINUTES / 2.0, 1.0 / rate
    wanted = ticks * MINUTES / mean + (spread**2 - mean**2) / (2.0 * mean**2)
    assert divisions / cells.n == pytest.approx(wanted, rel=0.01)


def test_volume_doubles_linearly_over_s_and_g2m() -> None:
    cells = Cells(1)
    cells["phase"][:] = S
    cells["clock"][:] = S_TIME[0]
    volumes = [float(VOLUME[0])]
    while not cells["dividing"][0]:
        cells.step(len(volumes))
        volumes.append(4.0 / 3.0 * np.pi * float(cells["radius"][0]) ** 3)
    np.testing.assert_allclose(volumes, np.linspace(2500.0, 5000.0, len(volumes)), rtol=1e-5)


def test_cells_without_s_and_g2m_have_a_size_and_divide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "S_TIME", np.zeros(2, np.float32))
    monkeypatch.setitem(globals(), "G2M_TIME", np.zeros(2, np.float32))
    cells = Cells(10)
    cells["cycle"][:] = 1e3
    for tick in range(3):
        cells.step(tick)
        assert np.isfinite(cells["radius"]).all()
    assert (cells["dividing"] == 1).all()


def test_cells_in_G0_and_G1_have_the_size_of_a_newborn() -> None:
    cells = Cells(2)
    cells["phase"][:] = [G0, G1]
    cells.step()
    np.testing.assert_allclose(cells["radius"], sphere(2500.0), rtol=1e-6)


def test_the_dead_do_not_cycle() -> None:
    cells = Cells(300)
    cells["state"][:] = np.resize([1, 2, 3], 300)
    cells["phase"][:] = np.resize([G0, G1, S, G2M], 300)
    cells["cycle"][:] = cells["awakening"][:] = 1.0
    before = cells["phase"].copy()
    cells.step()
    np.testing.assert_array_equal(cells["phase"], before)
    assert not cells["dividing"].any()


def test_apoptosis_shrinks_a_cell_and_ends_on_time() -> None:
    cells = Cells(1)
    cells["state"][:] = 1
    cells["clock"][:] = DURATION[0]
    radii: list[float] = []
    while cells["state"][0] == 1:
        cells.rot(0.0, len(radii))
        radii.append(float(cells["radius"][0]))
    assert len(radii) == int(np.ceil(DURATION[0] / MINUTES))
    assert (np.diff(radii) <= 0.0).all()
    assert radii[-1] == pytest.approx(sphere(0.05 * 2500.0), rel=1e-5)


def test_necrotic_cells_lose_volume_at_their_rate_and_vanish_when_little_is_left() -> None:
    cells = Cells(1)
    cells["state"][:], cells["clock"][:], cells["radius"][:] = 2, 1e6, sphere(VOLUME[0])
    volumes = []
    while cells["state"][0] == 2:
        cells.rot(0.02, len(volumes))
        volumes.append((float(cells["radius"][0]) / sphere(VOLUME[0])) ** 3)
    assert volumes[3] == pytest.approx(exp(-0.02 * 4 * MINUTES), rel=1e-4)
    assert len(volumes) == int(np.ceil(-np.log(0.05) / (0.02 * MINUTES)))
    assert not cells["engulfed"].any()


def test_a_necrotic_cell_vanishes_at_the_end_of_its_time() -> None:
    cells = Cells(3)
    cells["state"][:] = 2
    cells["clock"][:], cells["radius"][:] = [5.9, 6.0, 6.1], 8.0
    cells.rot(0.0)
    assert cells["state"].tolist() == [3, 3, 2]


def test_phagocytes_take_their_share_of_the_dead() -> None:
    cells = Cells(20_000)
    cells["state"][:] = 2
    cells["clock"][:] = 1e6
    cells["engulfing"][:], cells["radius"][:] = 0.03, 8.0
    cells.rot(0.01)
    assert within(int((cells["state"] == 3).sum()), 1.0 - exp(-0.03 * MINUTES), cells.n)
    assert (cells["engulfed"] == (cells["state"] == 3)).all()


@pytest.mark.parametrize("n", [1, 511, 512, 1300])
def test_the_cells_behind_the_last_one_are_left_alone(n: int) -> None:
    cells = Cells(2000)
    cells["cycle"][:] = 10.0
    whole, cells.n = cells.n, n
    cells.step()
    assert (cells["phase"][:n] == S).all()
    assert (cells["phase"][n:whole] == G1).all()
