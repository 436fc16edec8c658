"""The field solver against its plain twin, and its promises one by one."""

from typing import Any

import numpy as np
import pytest

from stemniche.kernels import fields as module
from stemniche.kernels import jit
from stemniche.kernels.fields import REPORT, FieldProblem, advance, make_workspace
from stemniche.kernels.lod import advance_lod

from .twins_fields import advance_twin

Shape = tuple[int, int, int]
SOLVED, ITERATIONS, RESIDUAL = (REPORT.index(name) for name in REPORT[:3])
SUPPLIED, REMOVED, WALLS, CHANGE, CLIPPED = (REPORT.index(name) for name in REPORT[3:])


def problem(shape: Shape, substances: int = 2, seed: int = 0, **given: Any) -> FieldProblem:
    """Return a rough random problem: scattered sources and sinks, oxygen first."""
    dice = np.random.default_rng(seed)
    size = (substances, *shape)
    slow = 10 ** dice.uniform(2, 4, substances)
    settings: dict[str, Any] = {
        "spacing": 20.0,
        "diffusivity": np.where(np.arange(substances) == 0, 1e5, slow),
        "decay": np.where(np.arange(substances) == 0, 0.1, 0.01),
        "supply": dice.random(size) * (dice.random(size) < 0.2),
        "sink": 10 * dice.random(size) * (dice.random(size) < 0.3),
        "quasi_steady": np.arange(substances) == 0,
        "wall_kind": np.arange(substances) % 3,
        "wall_length": np.full(substances, 150.0),
        "wall_value": np.full(substances, 38.0),
    }
    return FieldProblem(**(settings | given))


def levels(shape: Shape, substances: int = 2, value: float = 20.0) -> np.ndarray:
    """Return uniform fields."""
    return np.full((substances, *shape), value, np.float32)


def hindrance(shape: Shape) -> np.ndarray:
    return np.random.default_rng(7).uniform(0.1, 1.0, shape)


SHAPES: list[Shape] = [(1, 1, 1), (1, 1, 9), (1, 13, 11), (1, 17, 1), (2, 3, 5), (7, 11, 13)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_step_equals_a_direct_sparse_solve(shape: Shape, kind: int) -> None:
    given = problem(shape, wall_kind=np.full(2, kind))
    found = levels(shape)
    advance(found, given, 6.0, True, tolerance=1e-6)
    expected, _ = advance_twin(levels(shape), given, 6.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())


@pytest.mark.parametrize("shape", SHAPES[2:])
def test_hindrance_fixed_voxels_and_saturable_uptake_equal_the_twin(shape: Shape) -> None:
    dice = np.random.default_rng(1)
    given = problem(
        shape,
        hindrance=hindrance(shape),
        fixed=dice.random(shape) < 0.1,
        fixed_value=np.array([60.0, np.nan]),
        mm_index=np.array([0, 1, 0]),
        mm_vmax=dice.random((3, *shape)) * 20,
        mm_km=np.array([1.0, 3.0, 0.2]),
    )
    found = levels(shape)
    report = advance(found, given, 6.0, True, tolerance=1e-6)
    expected, balance = advance_twin(levels(shape), given, 6.0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())
    for s in range(2):
        amounts = [balance[s].supplied, balance[s].removed, balance[s].walls, balance[s].change]
        scale = max(np.abs(amounts))
        np.testing.assert_allclose(report[s, SUPPLIED:CLIPPED], amounts, atol=1e-5 * scale)


def test_every_substance_has_its_own_hindrance() -> None:
    shape = (3, 9, 10)
    kinds = np.stack([hindrance(shape), np.ones(shape), 1.3 * hindrance(shape)[::-1]])
    for hindered in ([2, 0], [-1, 2], [1, 0]):
        given = problem(shape, hindrance=kinds, hindered=hindered)
        found = levels(shape)
        advance(found, given, 6.0, True, tolerance=1e-6)
        expected, _ = advance_twin(levels(shape), given, 6.0)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_a_kind_of_hindrance_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="hindered"):
        problem((1, 3, 4), hindrance=np.ones((1, 3, 4)), hindered=[0, 1])


@pytest.mark.parametrize(
    "periodic", [(False, True, True), (True, False, False), (False, False, True)]
)
def test_periodic_axes_equal_the_twin(periodic: tuple[bool, bool, bool]) -> None:
    shape = (2, 7, 12)
    for more in ({}, {"hindrance": hindrance(shape)}):
        given = problem(shape, periodic=periodic, **more)
        found = levels(shape)
        advance(found, given, 6.0, True, tolerance=1e-6)
        expected, _ = advance_twin(levels(shape), given, 6.0)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_a_periodic_axis_has_no_first_voxel() -> None:
    shape = (1, 9, 16)
    given = problem(shape, 1, quasi_steady=[False], periodic=(False, False, True))
    rolled = problem(
        shape,
        1,
        quasi_steady=[False],
        periodic=(False, False, True),
        supply=np.roll(given.supply, 5, axis=3),
        sink=np.roll(given.sink, 5, axis=3),
    )
    one, two = levels(shape, 1), levels(shape, 1)
    advance(one, given, 6.0, True, tolerance=1e-6)
    advance(two, rolled, 6.0, True, tolerance=1e-6)
    np.testing.assert_allclose(np.roll(one, 5, axis=3), two, rtol=1e-5)


def test_one_workspace_serves_problems_of_different_kinds_in_turn() -> None:
    shape = (1, 15, 14)
    work = make_workspace(shape, 2)
    kinds: list[dict[str, Any]] = [
        {},
        {"periodic": (False, True, True)},
        {"hindrance": hindrance(shape)},
        {"fixed": np.eye(15, 14)[None] > 0, "fixed_value": np.array([1.0, 2.0])},
        {},
    ]
    for more in kinds:
        given = problem(shape, **more)
        found, fresh = levels(shape), levels(shape)
        one = advance(found, given, 6.0, True, workspace=work)
        two = advance(fresh, given, 6.0, True)
        assert found.tobytes() == fresh.tobytes()
        assert one.tobytes() == two.tobytes()


def test_a_field_in_balance_is_left_alone_until_it_is_old_or_forced() -> None:
    shape = (1, 20, 20)
    given = problem(shape)
    found = levels(shape)
    assert advance(found, given, 6.0)[:, SOLVED].tolist() == [1, 1]
    before = found.copy()
    idle = advance(found, given, 1e-4)
    assert idle[:, SOLVED].tolist() == [0, 0]
    assert np.all(idle[:, RESIDUAL] < 1e-3)
    assert np.all(idle[:, SUPPLIED:] == 0)
    assert found.tobytes() == before.tobytes()
    assert advance(found, given, [1e-4, 40.0])[:, SOLVED].tolist() == [0, 1]
    assert advance(found, given, 1e-4, [True, False])[:, SOLVED].tolist() == [1, 0]


def test_a_changed_source_calls_for_a_solution() -> None:
    shape = (1, 20, 20)
    given = problem(shape)
    found = levels(shape)
    advance(found, given, 6.0)
    more = given.supply.copy()
    more[0] *= 2
    report = advance(found, problem(shape, supply=more), 1e-4)
    assert report[:, SOLVED].tolist() == [1, 0]


def test_a_transient_substance_without_elapsed_time_is_not_solved() -> None:
    found = levels((1, 8, 8))
    assert advance(found, problem((1, 8, 8)), 0.0, True)[:, SOLVED].tolist() == [1, 0]


def test_a_warm_start_needs_fewer_iterations_than_a_cold_one() -> None:
    shape = (1, 60, 60)
    given = problem(shape, 1, wall_kind=[1], decay=[0.1])
    found = levels(shape, 1)
    cold = advance(found, given, 6.0)
    sink = given.sink.copy()
    sink[:, :, :2, :] = 0.0
    changed = problem(shape, 1, wall_kind=[1], decay=[0.1], sink=sink)
    warm = advance(found, changed, 6.0)
    assert 1 <= warm[0, ITERATIONS] < cold[0, ITERATIONS]


@pytest.mark.parametrize("shape", [(1, 61, 67), (19, 23, 17), (1, 128, 128), (2, 40, 64)])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_iterations_stay_few_on_any_grid(shape: Shape, kind: int) -> None:
    rough: list[dict[str, Any]] = [
        {},
        {"hindrance": hindrance(shape)},
        {"fixed": np.random.default_rng(3).random(shape) < 0.03, "fixed_value": np.full(2, 60.0)},
    ]
    for more in rough:
        given = problem(shape, wall_kind=np.full(2, kind), **more)
        report = advance(levels(shape), given, 6.0, True, tolerance=1e-3)
        assert np.all(report[:, ITERATIONS] <= 12)
        assert np.all(report[:, RESIDUAL] <= 2.01e-4)


def test_without_diffusion_each_voxel_stands_alone() -> None:
    shape = (1, 6, 7)
    given = problem(
        shape,
        1,
        diffusivity=[0.0],
        quasi_steady=[False],
        mm_index=[0],
        mm_vmax=np.ones((1, *shape)),
        mm_km=[2.0],
    )
    found = levels(shape, 1, 5.0)
    report = advance(found, given, 6.0)
    c = found.astype(float)
    rate = given.supply - (0.1 + given.sink) * c - c / (2.0 + c)
    np.testing.assert_allclose(c, 5.0 + 6.0 * rate, rtol=2e-5, atol=1e-5)
    balance = report[0, SUPPLIED] - report[0, REMOVED] - report[0, CHANGE]
    assert abs(balance) < 1e-5 * report[0, REMOVED]


def test_quasi_steady_is_the_limit_of_a_long_step() -> None:
    for shape in [(1, 21, 18), (6, 7, 9)]:
        steady = problem(shape, 1, wall_kind=[2])
        transient = problem(shape, 1, wall_kind=[2], quasi_steady=[False])
        one, two = levels(shape, 1), levels(shape, 1)
        advance(one, steady, 6.0, tolerance=1e-6)
        advance(two, transient, 1e7, tolerance=1e-6)
        np.testing.assert_allclose(one, two, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 40, 40), (1, 300, 260), (48, 45, 40), (3, 200, 120)])
@pytest.mark.parametrize("kind", ["plain", "hindered", "periodic"])
def test_the_bits_do_not_depend_on_the_number_of_threads(
    shape: Shape, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: dict[str, dict[str, Any]] = {
        "plain": {},
        "hindered": {"hindrance": hindrance(shape)},
        "periodic": {"periodic": (False, True, True)},
    }
    given = problem(shape, 3, **more[kind])
    jit.set_threads(2)
    results = set()
    for threads in (1, 2, 5):  # blocks are cut for that many, whatever the machine has
        monkeypatch.setattr(module, "threads", lambda: threads)  # noqa: B023
        found = levels(shape, 3)
        report = advance(found, given, 6.0)
        results.add((found.tobytes(), report.tobytes()))
    assert len(results) == 1


def test_a_big_grid_gives_what_small_ones_give(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (20, 30, 25)
    for more in ({}, {"hindrance": hindrance(shape)}, {"periodic": (True, False, True)}):
        given = problem(shape, **more)
        one, two = levels(shape), levels(shape)
        advance(one, given, 6.0)
        with monkeypatch.context() as big:
            big.setattr(module, "WIDE", 1)
            advance(two, given, 6.0)
        assert one.tobytes() == two.tobytes()


def test_a_number_that_is_not_finite_shows_and_does_not_stay() -> None:
    shape = (1, 12, 12)
    given = problem(shape)
    work = make_workspace(shape, 2)
    broken = levels(shape)
    broken[0, 0, 3, 3] = np.nan
    report = advance(broken, given, 6.0, workspace=work)
    assert np.isnan(report[0, RESIDUAL])
    assert np.isfinite(report[1]).all()
    found = levels(shape)
    advance(found, given, 6.0, workspace=work)
    assert np.isfinite(found).all()


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="sink has shape"):
        problem((1, 4, 4), sink=np.zeros((2, 1, 4, 5)))
    with pytest.raises(ValueError, match="mm_km must be positive"):
        problem((1, 4, 4), mm_index=[0], mm_vmax=np.ones((1, 1, 4, 4)), mm_km=[0.0])
    with pytest.raises(ValueError, match="fields must be float32"):
        advance(np.zeros((2, 1, 4, 4)), problem((1, 4, 4)), 6.0)
    with pytest.raises(ValueError, match="workspace is for"):
        advance(levels((1, 4, 4)), problem((1, 4, 4)), 6.0, workspace=make_workspace((1, 5, 4), 2))


def test_the_reference_mode_converges_to_the_same_steady_state_as_its_step_shrinks() -> None:
    shape = (9, 10, 11)
    given = problem(shape, 1, wall_kind=[1], decay=[0.1])
    exact = levels(shape, 1)
    advance(exact, given, 6.0, tolerance=1e-6)
    errors = []
    for step in (0.02, 0.01, 0.005):
        found = levels(shape, 1)
        advance_lod(found, given, 2.0, step)
        errors.append(np.abs(found - exact).max())
    assert errors[0] > 1.0  # the bias of splitting is not small
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.35)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.25)


def test_the_reference_mode_splits_as_biofvm_does() -> None:
    shape, dt, h = (3, 4, 9), 0.05, 20.0
    given = problem(shape, 1, quasi_steady=[False])
    found = np.random.default_rng(2).uniform(0, 30, (1, *shape)).astype(np.float32)
    c = found[0].astype(float)
    advance_lod(found, given, dt, dt)
    for axis in (2, 1, 0):
        n = shape[axis]
        matrix = np.eye(n) * (1 + dt * 0.1 / 3)
        for i in range(n - 1):
            matrix[i : i + 2, i : i + 2] += dt * 1e5 / h**2 * np.array([[1, -1], [-1, 1]])
        c = np.moveaxis(np.linalg.solve(matrix, np.moveaxis(c, axis, 0).reshape(n, -1)), 0, 0)
        others = [shape[k] for k in range(3) if k != axis]
        c = np.moveaxis(c.reshape(n, *others), 0, axis)
    c = (c + dt * given.supply[0]) / (1 + dt * given.sink[0])
    np.testing.assert_allclose(found[0], c, rtol=1e-5)


def test_the_reference_mode_keeps_fixed_voxels_and_saturates() -> None:
    shape = (1, 12, 9)
    fixed = np.zeros(shape)
    fixed[0, 4] = 1
    more: dict[str, Any] = {
        "quasi_steady": [False],
        "fixed": fixed,
        "fixed_value": [50.0],
        "mm_index": [0],
        "mm_vmax": np.full((1, *shape), 5.0),
        "mm_km": [1.0],
    }
    given = problem(shape, 1, **more)
    found, expected = levels(shape, 1), levels(shape, 1)
    advance_lod(found, given, 4.0, 0.0005)
    for _ in range(40):
        advance(expected, given, 0.1, True)
    assert np.all(found[0, 0, 4] == 50.0)
    np.testing.assert_allclose(found, expected, rtol=0.06, atol=0.05)


def test_the_reference_mode_refuses_what_it_does_not_know() -> None:
    for more in ({"periodic": (False, True, False)}, {"hindrance": np.full((1, 4, 4), 0.5)}):
        with pytest.raises(ValueError, match="reference mode"):
            advance_lod(levels((1, 4, 4)), problem((1, 4, 4), **more), 1.0, 0.1)
