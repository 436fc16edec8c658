"""Facts about neighbour lists and motion."""

import numpy as np
import pytest
import twins_cells as twins
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche.kernels import jit, mechanics, neighbours

REACH = 1.25
EQUILIBRIUM = 0.95241  # of the contact distance, for repulsion 10, adhesion 0.4


class Tissue:
    """Cells with the usual coefficients, ready for `move_tick`."""

    def __init__(self, points: np.ndarray, radius: np.ndarray | float, *, flat: bool) -> None:
        self.n = len(points)
        self.flat = flat
        self.x, self.y, self.z = (np.array(c, np.float32) for c in points.T)
        self.radius = np.broadcast_to(np.float32(radius), self.n).copy()
        self.repulsion = np.full(self.n, 10.0, np.float32)
        self.adhesion = np.full(self.n, 0.4, np.float32)
        self.active = [np.zeros(self.n, np.float32) for _ in range(3)]
        self.movable = np.ones(self.n, np.uint8)
        self.size = points.max(axis=0) + 100.0
        self.closed = False

    @property
    def points(self) -> np.ndarray:
        return np.stack([self.x, self.y, self.z], axis=1).astype(np.float64)

    def move(self, minutes: float = 6.0, base: float = 1.0, skin: float = 2.0) -> int:
        bears = np.full(self.n, 0.5 * skin, np.float32)
        ptr, idx = neighbours.build_list(
            self.x, self.y, self.z, self.radius, self.n, self.size, REACH, bears
        )
        return mechanics.move_tick(
            self.x, self.y, self.z, self.radius, self.repulsion, self.adhesion, *self.active,
            self.movable, ptr, idx, bears, self.n, minutes, base, self.size, int(self.closed),
            REACH, skin, self.flat,
        )  # fmt: skip

    def expected(self, minutes: float = 6.0) -> np.ndarray:
        active = np.stack(self.active, axis=1).astype(np.float64)
        return twins.moved(
            self.points, active, self.radius.astype(np.float64), self.repulsion.astype(np.float64),
            self.adhesion.astype(np.float64), REACH, minutes,
        )  # fmt: skip


def crowd(count: int, spacing: float, *, flat: bool, seed: int = 0) -> np.ndarray:
    """Cells on a jittered grid."""
    dice = np.random.default_rng(seed)
    side = int(np.ceil(count ** (1 / (2 if flat else 3))))
    axes = [np.arange(side)] * (2 if flat else 3)
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes))[:count] * spacing + 60.0
    grid += dice.normal(0, 0.08 * spacing, grid.shape)
    return np.column_stack([grid, np.full(count, 10.0)]) if flat else grid


@given(st.integers(1, 400), st.integers(0, 10**6), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_lists_hold_exactly_the_pairs_within_reach_in_ascending_order(
    count: int, seed: int, flat: bool, some_reach_far: bool
) -> None:
    dice = np.random.default_rng(seed)
    size = np.array([150.0, 90.0, 20.0 if flat else 110.0], np.float32)
    points = (dice.uniform(-0.1, 1.1, (count, 3)) * size).astype(np.float32)
    if flat:
        points[:, 2] = 10.0
    reach = dice.uniform(4, 9, count).astype(np.float32)
    if some_reach_far:
        reach[dice.random(count) < 0.1] *= 5
    x, y, z = (np.ascontiguousarray(c) for c in points.T)
    ptr, idx = neighbours.list_within(x, y, z, reach, count, size)
    found = twins.rows(ptr, idx)
    assert all(row == sorted(set(row)) for row in found)
    near = np.zeros((count, count), bool)
    for i, row in enumerate(found):
        near[i, row] = True
    apart = twins.distances(points.astype(np.float64))
    limit = reach[:, None].astype(np.float64) + reach[None]
    assert (near == near.T).all()
    assert near[apart < limit - 1e-3].all()
    assert not near[apart > limit + 1e-3].any()


def test_lists_grow_when_cells_are_packed_beyond_expectation() -> None:
    dice = np.random.default_rng(0)
    points = dice.uniform(0, 20, (300, 3)).astype(np.float32)
    x, y, z = (np.ascontiguousarray(c) for c in points.T)
    size = np.full(3, 20.0, np.float32)
    ptr, idx = neighbours.build_list(x, y, z, np.full(300, 30.0, np.float32), 300, size, 1.25, 1.0)
    assert ptr[-1] == 300 * 299
    assert idx.size == ptr[-1] + neighbours.SPARE


@given(seed=st.integers(0, 1000), flat=st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_list_lacks_what_is_near_a_chosen_cell_and_not_in_its_row(seed: int, flat: bool) -> None:
    dice, n = np.random.default_rng(seed), 60
    before = Tissue(crowd(n, 17.0, flat=flat, seed=seed), 8.0, flat=flat)
    place = np.column_stack([before.points, before.radius]).astype(np.float32)
    ptr, idx = neighbours.build_list(
        before.x, before.y, before.z, before.radius, n, before.size, REACH, 1.0
    )
    cells = np.unique(dice.integers(0, n, 3)).astype(np.int32)
    place[cells, :2] += dice.uniform(-15, 15, (cells.size, 2)).astype(np.float32)
    wanted = False
    gaps = dice.uniform(0, 4, cells.size).astype(np.float32)
    for i, gap in zip(cells, gaps, strict=True):
        near = np.linalg.norm(place[i, :3] - place[:, :3], axis=1) < 16.0 + gap
        wanted |= bool(set(np.flatnonzero(near)) - {i} - set(idx[ptr[i] : ptr[i + 1]]))
    assert neighbours.lacks(place, cells, gaps, ptr, idx) == wanted


def test_an_empty_tissue_has_an_empty_list_and_stays() -> None:
    nothing, size = np.empty(0, np.float32), np.full(3, 100.0, np.float32)
    ptr, _ = neighbours.build_list(nothing, nothing, nothing, nothing, 0, size, 1.25, 1.0)
    assert ptr.tolist() == [0]
    assert Tissue(np.array([[50.0, 50.0, 50.0]]), 8.0, flat=False).move() == 0


@pytest.mark.parametrize("flat", [True, False])
def test_forces_equal_their_twin_and_leave_the_centre_of_mass_alone(flat: bool) -> None:
    tissue = Tissue(crowd(200, 15.0, flat=flat), 8.41, flat=flat)
    tissue.radius *= np.random.default_rng(1).uniform(0.8, 1.2, 200).astype(np.float32)
    before = tissue.points
    expected = twins.velocities(
        before, tissue.radius.astype(float), tissue.repulsion.astype(float),
        tissue.adhesion.astype(float), REACH,
    )  # fmt: skip
    step = 0.01
    tissue.move(step)
    moved = (tissue.points - before) / step
    np.testing.assert_allclose(moved, expected, atol=0.02 + 0.01 * np.abs(expected).max())
    assert np.abs((tissue.points - before).sum(axis=0)).max() < 2e-3


@pytest.mark.parametrize("start", [0.5, 0.8, 1.1])
def test_two_cells_come_to_rest_at_the_equilibrium_distance(start: float) -> None:
    contact = 16.0
    apart = start * contact
    tissue = Tissue(np.array([[50.0, 50, 50], [50.0 + apart, 50, 50]]), 8.0, flat=False)
    for _ in range(400):
        tissue.move()
    assert tissue.x[1] - tissue.x[0] == pytest.approx(EQUILIBRIUM * contact, abs=0.05)
    assert tissue.x.sum() == pytest.approx(100.0 + apart, abs=0.01)


def test_cells_on_top_of_each_other_part() -> None:
    tissue = Tissue(np.full((2, 3), 50.0), 8.0, flat=False)
    for _ in range(20):
        tissue.move()
    assert abs(tissue.x[1] - tissue.x[0]) > 12.0


@pytest.mark.parametrize("spacing", [15.5, 13.0])
@pytest.mark.parametrize("flat", [True, False])
def test_one_tick_follows_the_exact_motion(spacing: float, flat: bool) -> None:
    tissue = Tissue(crowd(60, spacing, flat=flat), 8.0, flat=flat)
    before, expected = tissue.points, tissue.expected()
    tissue.move()
    travelled = np.linalg.norm(expected - before, axis=1)
    error = np.linalg.norm(tissue.points - expected, axis=1)
    assert error.max() < 0.2 * travelled.max()
    assert np.sqrt((error**2).mean()) < 0.08 * np.sqrt((travelled**2).mean())


def test_finer_base_steps_come_closer_to_the_exact_motion() -> None:
    errors = []
    for base in (1.0, 0.5, 0.25):
        tissue = Tissue(crowd(60, 15.0, flat=True), 8.0, flat=True)
        expected = tissue.expected()
        tissue.move(base=base)
        errors.append(np.sqrt(((tissue.points - expected) ** 2).mean()))
    assert errors[1] < 0.7 * errors[0]
    assert errors[2] < 0.7 * errors[1]


def test_a_birth_in_tissue_at_rest_is_felt_as_it_should() -> None:
    tissue = Tissue(crowd(150, 15.5, flat=True), 8.0, flat=True)
    for _ in range(30):
        tissue.move()
    mother = twins.distances(np.vstack([tissue.points, tissue.points.mean(axis=0)]))[
        -1, :-1
    ].argmin()
    daughter = tissue.points[mother] + [3.2, 0, 0]
    points = np.vstack([tissue.points, daughter])
    points[mother] -= [3.2, 0, 0]
    born = Tissue(points, np.append(tissue.radius, 8.0), flat=True)
    born.radius[[mother, -1]] = 6.35
    expected = born.expected()
    born.move()
    travelled = np.linalg.norm(expected - points, axis=1)
    assert travelled.max() > 1.5
    assert np.linalg.norm(born.points - expected, axis=1).max() < 0.06 * travelled.max()


def test_strongly_compressed_tissue_relaxes_without_shaking() -> None:
    tissue = Tissue(crowd(125, 6.0, flat=False), 8.0, flat=False)
    steps = []
    for _ in range(10):
        before = tissue.points
        tissue.move()
        assert np.isfinite(tissue.points).all()
        steps.append(np.linalg.norm(tissue.points - before, axis=1).max())
    assert steps[-1] < 0.5 * steps[0]
    assert np.sort(twins.distances(tissue.points).min(axis=1))[0] > 9.0


def test_a_fast_cell_is_stopped_by_a_wall_of_cells_that_do_not_move() -> None:
    wall = np.array(
        [[80.0, 50.0 + 8.0 * k, 50.0 + 8.0 * m] for k in range(-4, 5) for m in range(-4, 5)]
    )
    tissue = Tissue(np.vstack([[50.0, 50.0, 50.0], wall]), 8.0, flat=False)
    tissue.movable[1:] = 0
    tissue.active[0][0] = 5.0
    for _ in range(5):
        tissue.move()
    assert 60.0 < tissue.x[0] < 75.0
    assert (tissue.x[1:] == 80.0).all()


def test_free_cells_travel_at_their_active_velocity() -> None:
    tissue = Tissue(np.array([[50.0, 50, 50], [150.0, 150, 150]]), 5.0, flat=False)
    tissue.active[0][:], tissue.active[2][:] = 4.0, 3.0
    before = tissue.points
    tissue.move()
    np.testing.assert_allclose(tissue.points - before, [[24, 0, 18]] * 2, atol=1e-3)


def test_fast_cells_meet_cells_that_no_first_list_held() -> None:
    tissue = Tissue(np.array([[50.0, 50, 10], [95.0, 50, 10]]), 5.0, flat=True)
    tissue.active[0][0] = 6.0
    expected = tissue.expected()
    assert tissue.move() > 0
    np.testing.assert_allclose(tissue.points, expected, atol=0.4)


def test_flat_tissue_stays_flat_and_ignores_active_motion_across() -> None:
    tissue = Tissue(crowd(50, 12.0, flat=True), 8.0, flat=True)
    tissue.active[2][:] = 3.0
    tissue.move()
    assert (tissue.z == 10.0).all()


def test_closed_walls_mirror_and_open_walls_let_go() -> None:
    for closed, expected in ((True, 14.0), (False, -14.0)):
        tissue = Tissue(np.array([[10.0, 50, 50]]), 5.0, flat=False)
        tissue.active[0][:] = -4.0
        tissue.closed = closed
        tissue.move(6.0, base=6.0)
        assert tissue.x[0] == pytest.approx(expected, abs=1e-3)


def test_the_order_of_cells_does_not_matter() -> None:
    order = np.random.default_rng(5).permutation(150)
    points, speed = crowd(150, 14.0, flat=False), np.random.default_rng(6).normal(0, 1, (3, 150))
    plain, mixed = Tissue(points, 8.0, flat=False), Tissue(points[order], 8.0, flat=False)
    for axis in range(3):
        plain.active[axis][:] = speed[axis]
        mixed.active[axis][:] = speed[axis][order]
    plain.move()
    mixed.move()
    np.testing.assert_allclose(mixed.points, plain.points[order], atol=2e-3)


def test_lists_built_more_often_change_next_to_nothing() -> None:
    results = []
    for skin in (0.0, 2.0, 8.0):
        tissue = Tissue(crowd(150, 14.0, flat=True), 8.0, flat=True)
        tissue.active[0][::10] = 4.0
        tissue.move(skin=skin)
        results.append(tissue.points)
    np.testing.assert_allclose(results[1], results[0], atol=0.05)
    np.testing.assert_allclose(results[2], results[0], atol=0.05)


def test_threads_do_not_change_a_bit() -> None:
    results, before = [], jit.threads()
    for count in (1, 2):
        jit.set_threads(count)
        tissue = Tissue(crowd(1500, 13.0, flat=False), 8.0, flat=False)
        tissue.active[1][::7] = 4.0
        tissue.move()
        results.append(tissue.points)
    jit.set_threads(before)
    assert (results[0] == results[1]).all()


def test_a_tick_on_a_generous_list_is_close_to_one_with_lists_of_its_own() -> None:
    own, given_list = (Tissue(crowd(100, 14.0, flat=True), 8.0, flat=True) for _ in range(2))
    own.move()
    t, furthest = given_list, np.zeros(1, np.float32)
    ptr, idx = neighbours.build_list(t.x, t.y, t.z, t.radius, t.n, t.size, REACH, 10.0)
    before = t.points
    mechanics.step_motion(
        t.x, t.y, t.z, t.radius, t.repulsion, t.adhesion, *t.active, t.movable, ptr,
        idx[: ptr[-1]], t.n, 6.0, 1.0, t.size, 0, REACH, True, furthest,
    )  # fmt: skip
    np.testing.assert_allclose(t.points, own.points, atol=0.1)
    moved = np.linalg.norm(t.points - before, axis=1).max()
    assert furthest[0] == pytest.approx(moved, rel=1e-4)
