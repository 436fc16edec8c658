"""Exact solutions of diffusion in time, conservation of mass, and the first order in the step."""

from typing import Any

import numpy as np
import pytest

from stemniche.kernels.fields import REPORT, FieldProblem, advance, make_workspace

SUPPLIED, REMOVED, WALLS, CHANGE = (REPORT.index(name) for name in REPORT[3:7])
Shape = tuple[int, int, int]


def transient(shape: Shape, spacing: float, diffusivity: float, **given: Any) -> FieldProblem:
    zero = np.zeros((1, *shape), np.float32)
    settings: dict[str, Any] = {
        "diffusivity": [diffusivity],
        "decay": [0.0],
        "supply": zero,
        "sink": zero,
    }
    return FieldProblem(spacing=spacing, **(settings | given))


def after(
    levels: np.ndarray, problem: FieldProblem, minutes: float, steps: int, tolerance: float = 1e-5
) -> np.ndarray:
    """Return the level after equal steps."""
    levels, work = levels.astype(np.float32), make_workspace(problem.shape, 1)
    for _ in range(steps):
        advance(levels, problem, minutes / steps, True, tolerance, 300, workspace=work)
    return levels.astype(float)


def distances(shape: Shape, spacing: float) -> np.ndarray:
    """Return the squared distance of each voxel from the middle one."""
    axes = np.meshgrid(*[(np.arange(n) - n // 2) * spacing for n in shape], indexing="ij")
    return np.asarray(sum(a**2 for a in axes))


@pytest.mark.parametrize(("shape", "d"), [((1, 1, 201), 1), ((1, 81, 81), 2), ((39, 39, 39), 3)])
def test_a_point_of_substance_spreads_as_two_d_dt(shape: Shape, d: int) -> None:
    """C7: mean squared displacement 2 d D t; nothing is lost."""
    h, diffusivity, minutes = 10.0, 100.0, 8.0
    start = np.zeros((1, *shape))
    start[(0, *(n // 2 for n in shape))] = 1000.0
    found = after(start, transient(shape, h, diffusivity), minutes, 8)[0]
    spread = (found * distances(shape, h)).sum() / found.sum()
    assert found.sum() == pytest.approx(1000.0, rel=1e-5)
    assert spread == pytest.approx(2 * d * diffusivity * minutes, rel=2e-3)


def test_a_point_of_substance_becomes_a_gaussian_that_decays() -> None:
    """C7: c = M (4 pi D t)^(-d/2) exp(-r^2/4Dt - kt)."""
    h, diffusivity, decay, minutes = 10.0, 200.0, 0.02, 30.0
    shape = (1, 101, 101)
    start = np.zeros((1, *shape))
    start[0, 0, 50, 50] = 1000.0
    problem = transient(shape, h, diffusivity, decay=[decay])
    found = after(start, problem, minutes, 120)[0]
    spread = 4 * diffusivity * minutes
    exact = 1000 * h**2 / (np.pi * spread) * np.exp(-distances(shape, h) / spread - decay * minutes)
    near = distances(shape, h) < (1.5**2) * spread
    np.testing.assert_allclose(found[near], exact[near], rtol=0.04)


@pytest.mark.parametrize("shape", [(1, 32, 32), (12, 12, 12)])
def test_a_cosine_fades_with_first_order_in_the_step(shape: Shape) -> None:
    """C7, order in time: half the error with half the step, in 2-D and 3-D."""
    h, diffusivity = 20.0, 500.0
    k = np.pi / (shape[2] * h)
    wave = np.cos(k * (np.arange(shape[2]) + 0.5) * h)
    start = 10 + 5 * np.broadcast_to(wave, (1, *shape))
    rate = diffusivity * (2 - 2 * np.cos(k * h)) / h**2  # of the wave on this grid
    minutes = 1.0 / rate
    errors = []
    for steps in (5, 10, 20, 40):
        found = after(start, transient(shape, h, diffusivity), minutes, steps)
        errors.append(np.abs(found - 10 - (start - 10) * np.exp(-1.0)).max())
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert ratios[-1] == pytest.approx(2.0, rel=0.05)
    assert np.all((ratios > 1.7) & (ratios < 2.15))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_cosine_fades_with_second_order_in_the_voxel(dimensions: int) -> None:
    """C7: the same steps on finer grids; the exact factor of each step is 1 / (1 + dt D d k^2)."""
    side, diffusivity, minutes, steps, errors = 640.0, 500.0, 40.0, 4, []
    k = np.pi / side
    for count in (8, 16, 32):
        shape = tuple(count if axis >= 3 - dimensions else 1 for axis in range(3))
        wave, start = np.cos(k * (np.arange(count) + 0.5) * side / count), np.ones((1, *shape))
        for axis in range(3 - dimensions, 3):
            line = [1, 1, 1, 1]
            line[axis + 1] = count
            start = start * wave.reshape(line)
        problem = transient((shape[0], shape[1], shape[2]), side / count, diffusivity)
        found = after(10 + 5 * start, problem, minutes, steps, 1e-6)
        kept = (1 + minutes / steps * diffusivity * dimensions * k**2) ** -steps
        errors.append(np.abs(found - 10 - 5 * kept * start).max())
    assert np.array(errors[:-1]) / np.array(errors[1:]) == pytest.approx(4.0, rel=0.1)


def test_supply_and_decay_balance_with_first_order_in_the_step() -> None:
    """C7, order in time of dM/dt = S - k M."""
    shape, supply, decay, minutes = (1, 9, 9), 0.5, 0.05, 40.0
    problem = transient(
        shape, 20.0, 1e3, decay=[decay], supply=np.full((1, *shape), supply, np.float32)
    )
    exact = supply / decay * (1 - np.exp(-decay * minutes))
    errors = []
    for steps in (10, 20, 40):
        errors.append(abs(after(np.zeros((1, *shape)), problem, minutes, steps).mean() - exact))
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert ratios == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize("shape", [(1, 50, 61), (17, 19, 23)])
def test_the_content_grows_by_what_is_supplied_less_what_decays(shape: Shape) -> None:
    """C7: dM/dt = S - k M by backward Euler, and the books that each step reports."""
    dice = np.random.default_rng(4)
    supply = (dice.random((1, *shape)) * (dice.random((1, *shape)) < 0.05)).astype(np.float32)
    problem = transient(shape, 20.0, 5e3, decay=[0.01], supply=supply)
    levels, work = np.zeros((1, *shape), np.float32), make_workspace(shape, 1)
    volume, content = 20.0**3, 0.0
    for _ in range(50):
        row = advance(levels, problem, 6.0, True, 1e-5, 300, workspace=work)[0]
        off = row[CHANGE] - row[SUPPLIED] + row[REMOVED]
        assert abs(off) < 1e-5 * (content + row[SUPPLIED])
        assert row[SUPPLIED] == pytest.approx(supply.sum(dtype=float) * volume * 6.0, rel=1e-6)
        content += row[CHANGE]
    assert content == pytest.approx(levels.sum(dtype=float) * volume, rel=1e-6)
    expected, total = supply.sum(dtype=float), 0.0
    for _ in range(50):
        total = (total + 6.0 * expected) / (1 + 6.0 * 0.01)
    assert levels.sum(dtype=float) == pytest.approx(total, rel=2e-5)


def test_what_a_region_of_fixed_level_gives_off_is_what_is_consumed() -> None:
    shape = (1, 40, 40)
    fixed = distances(shape, 20.0) > 300.0**2
    problem = transient(
        shape,
        20.0,
        1e5,
        decay=[10.1],
        quasi_steady=[True],
        fixed=fixed,
        fixed_value=[38.0],
    )
    levels = np.full((1, *shape), 38.0, np.float32)
    row = advance(levels, problem, 6.0, True, 1e-5, 300)[0]
    assert np.all(levels[0][fixed] == 38.0)
    assert row[WALLS] == pytest.approx(row[REMOVED], rel=1e-4)


def test_a_steady_state_is_reached_in_time_and_kept() -> None:
    shape = (1, 30, 30)
    supply = np.zeros((1, *shape), np.float32)
    supply[0, 0, 12:18, 12:18] = 1.0
    settings: dict[str, Any] = {"decay": [0.02], "supply": supply, "wall_kind": [2]}
    settings |= {"wall_length": [300.0], "wall_value": [0.5]}
    slow = after(np.zeros((1, *shape)), transient(shape, 20.0, 2e3, **settings), 3000.0, 100)
    steady = transient(shape, 20.0, 2e3, quasi_steady=[True], **settings)
    levels = np.zeros((1, *shape), np.float32)
    advance(levels, steady, 6.0, True, 1e-6, 300)
    np.testing.assert_allclose(slow, levels, rtol=1e-3)
