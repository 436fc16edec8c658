"""The persistent biased walk against its formulas."""

from collections.abc import Iterator

import numpy as np
import pytest

from stemniche.kernels import jit, motility

COUNT = 40_000
TICK = 6.0


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = jit.threads()
    jit.set_threads(1)
    yield
    jit.set_threads(before)


class Walkers:
    """Walkers with one speed, persistence and bias; the cue is along x."""

    def __init__(self, persistence: float, bias: float, *, flat: bool, speed: float = 1.0) -> None:
        self.flat = flat
        self.key = np.arange(1, COUNT + 1, dtype=np.uint64)
        self.direction = [np.zeros(COUNT, np.float32) for _ in range(3)]
        self.cue = [np.full(COUNT, c, np.float32) for c in (1.0, 0.0, 0.0)]
        self.traits = [np.full(COUNT, v, np.float32) for v in (speed, persistence, bias)]
        self.velocity = [np.zeros(COUNT, np.float32) for _ in range(3)]

    def tick(self, tick: int, minutes: float = TICK) -> np.ndarray:
        """Displacement in one tick."""
        motility.polarise(
            *self.direction, self.key, COUNT, *self.traits, *self.cue, 11, tick, self.flat,
            minutes, *self.velocity,
        )  # fmt: skip
        return np.stack(self.velocity).astype(np.float64) * minutes

    def walk(self, ticks: int) -> np.ndarray:
        """Positions after every tick, [ticks, 3, cells]."""
        self.tick(0)
        return np.cumsum([self.tick(t) for t in range(1, ticks + 1)], axis=0)


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("persistence", [3.0, 10.0, 60.0])
def test_the_mean_squared_displacement_follows_fuerth_at_every_tick(
    flat: bool, persistence: float
) -> None:
    """C8: MSD = 2 S^2 P (t - P (1 - exp(-t/P)))."""
    path = Walkers(persistence, 0.0, flat=flat).walk(30)
    t = TICK * np.arange(1, 31)
    expected = 2 * persistence * (t - persistence * (1 - np.exp(-t / persistence)))
    found = (path**2).sum(axis=1).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=0.03)


@pytest.mark.parametrize(("flat", "dimensions"), [(True, 2), (False, 3)])
def test_the_walk_spreads_with_the_diffusivity_of_its_speed_and_persistence(
    flat: bool, dimensions: int
) -> None:
    """C8: D = S^2 P / d: 5 um^2/min in 2-D and 3.33 in 3-D for 1 um/min and 10 min."""
    path = Walkers(10.0, 0.0, flat=flat).walk(100)
    late = ((path[-1] - path[49]) ** 2).sum(axis=0).mean() / (50 * TICK)
    exact = 2 * 10.0 * (1 - (10.0 / 300) * (1 - np.exp(-30.0)))
    assert late == pytest.approx(exact, rel=0.03)
    assert late / (2 * dimensions) == pytest.approx(10.0 / dimensions, rel=0.05)


@pytest.mark.parametrize("bias", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_drift_along_the_cue_grows_with_bias_up_to_the_full_speed(bias: float) -> None:
    """C8: drift = S as the bias comes to 1; in between S times the mean cosine."""
    path = Walkers(5.0, bias, flat=False, speed=2.0).walk(40)
    drift = (path[-1] - path[9]).mean(axis=1) / (30 * TICK)
    ratio = (1 - bias) / bias if bias >= 0.5 else None
    share = 2 * bias / (3 * (1 - bias)) if ratio is None else 1 - ratio**2 / 3
    assert drift[0] == pytest.approx(2.0 * share, abs=0.02)
    assert np.abs(drift[1:]).max() < 0.02


def test_velocity_is_bounded_by_speed_and_directions_have_length_one() -> None:
    walkers = Walkers(5.0, 0.4, flat=False, speed=3.0)
    for tick in range(3):
        walkers.tick(tick)
    assert np.linalg.norm(walkers.velocity, axis=0).max() < 3.0 * (1 + 1e-5)
    np.testing.assert_allclose(np.linalg.norm(walkers.direction, axis=0), 1.0, rtol=1e-5)


def test_resting_cells_get_no_velocity_and_keep_their_direction() -> None:
    walkers = Walkers(5.0, 0.4, flat=True)
    walkers.tick(0)
    walkers.traits[0][:] = 0.0
    before = np.stack(walkers.direction)
    assert (walkers.tick(1) == 0.0).all()
    assert (np.stack(walkers.direction) == before).all()


def test_flat_walks_stay_flat() -> None:
    assert (Walkers(5.0, 0.3, flat=True).walk(5)[:, 2] == 0.0).all()


def test_long_persistence_means_straight_and_none_means_a_new_direction_each_tick() -> None:
    steady, restless = Walkers(1e9, 0.0, flat=False), Walkers(0.0, 0.0, flat=False)
    for walkers, kept in ((steady, 1.0), (restless, 0.0)):
        walkers.tick(0)
        first = walkers.tick(1)
        second = walkers.tick(2)
        same = (first * second).sum(axis=0).mean() / TICK**2
        assert same == pytest.approx(kept, abs=0.02)


def test_threads_do_not_change_a_bit() -> None:
    before, results = jit.threads(), []
    for count in (1, 2):
        jit.set_threads(count)
        results.append(Walkers(5.0, 0.3, flat=False).walk(2))
    jit.set_threads(before)
    assert (results[0] == results[1]).all()
