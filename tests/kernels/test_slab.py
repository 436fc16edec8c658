"""Facts about a slab whose two faces meet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche.kernels import mechanics, neighbours, sensing, slab

DEPTH, SIDE, REACH = 60.0, 160.0, 1.25
DOMAIN = np.array([SIDE, SIDE, DEPTH], np.float32)


def cells(seed: int, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    points = (dice.random((count, 3)) * [SIDE, SIDE, DEPTH]).astype(np.float32)
    return points, dice.uniform(4.0, 10.0, count).astype(np.float32)


def moved(points: np.ndarray, radius: np.ndarray, speed: float = 0.0) -> np.ndarray:
    n = len(points)
    x, y, z = (np.array(c) for c in points.T)
    way = np.random.default_rng(7).normal(0.0, speed, (3, n)).astype(np.float32)
    slab.move_round(
        x, y, z, radius, np.full(n, 10.0, np.float32), np.full(n, 0.4, np.float32), *way,
        np.ones(n, np.uint8), n, 6.0, 1.0, DOMAIN, 0, REACH, 2.0,
    )  # fmt: skip
    return np.stack([x, y, z], axis=1)


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_cells_touch_through_the_faces_as_through_any_other_plane(seed: int) -> None:
    points, radius = cells(seed)
    ptr, idx = slab.touching_round(*points.T, radius, len(points), DOMAIN, 1.1)
    apart = points[:, None].astype(float) - points[None]
    apart[..., 2] -= DEPTH * np.round(apart[..., 2] / DEPTH)
    gap = np.sqrt((apart**2).sum(axis=2)) - 1.1 * (radius[:, None] + radius)
    np.fill_diagonal(gap, 1.0)
    for i in range(len(points)):
        found = idx[ptr[i] : ptr[i + 1]]
        assert (np.diff(found) > 0).all()
        missing = np.setxor1d(found, np.flatnonzero(gap[i] < 0.0))
        assert (np.abs(gap[i, missing]) < 1e-4).all()


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_where_the_faces_lie_does_not_matter(speed: float) -> None:
    points, radius = cells(3)
    lifted = points.copy()
    lifted[:, 2] = slab.wrapped(points[:, 2] + np.float32(23.0), DEPTH)
    here, there = moved(points, radius, speed), moved(lifted, radius, speed)
    assert np.ptp(here[:, :2] - points[:, :2]) > 2.0
    gap = there - here - [0.0, 0.0, 23.0]
    gap[:, 2] -= DEPTH * np.round(gap[:, 2] / DEPTH)
    # Sums are made in another order, and a step may end on the other side of a threshold.
    assert np.median(np.abs(gap)) < 1e-4
    assert np.quantile(np.abs(gap), 0.95) < 0.05


def test_away_from_the_faces_cells_move_as_in_any_box() -> None:
    points, radius = cells(5, 60)
    points[:, 2] = 25.0 + points[:, 2] / 6.0
    n, still = len(points), np.zeros((3, len(points)), np.float32)
    x, y, z = (np.array(c) for c in points.T)
    bears = np.ones(n, np.float32)
    listed = neighbours.build_list(x, y, z, radius, n, DOMAIN, REACH, bears)
    mechanics.move_tick(
        x, y, z, radius, np.full(n, 10.0, np.float32), np.full(n, 0.4, np.float32), *still,
        np.ones(n, np.uint8), *listed, bears, n, 6.0, 1.0, DOMAIN, 0, REACH, 2.0, False,
    )  # fmt: skip
    np.testing.assert_allclose(moved(points, radius), np.stack([x, y, z], axis=1), atol=0.05)


def test_cues_are_felt_through_the_faces() -> None:
    shape, levels = (3, 2, 2), np.repeat([1.0, 2.0, 4.0], 4).astype(np.float32)[None]
    voxel, way = np.arange(12, dtype=np.int32), np.zeros((3, 12), np.float32)
    weight, scale = np.ones((1, 12), np.float32), np.zeros(1, np.float32)
    sensing.cue_direction(
        levels, np.zeros(1, np.int32), weight, scale, voxel, 12, shape, 20.0, True, *way
    )
    np.testing.assert_array_equal(way[2].reshape(3, 4)[:, 0], [-1.0, 1.0, -1.0])
    assert not way[:2].any()


def test_heights_come_back_inside() -> None:
    inside = slab.wrapped(np.array([-1e-7, 60.0, 61.0, -3.0, 59.5], np.float32), DEPTH)
    assert ((inside >= 0.0) & (inside < DEPTH)).all()
    np.testing.assert_allclose(inside[2:], [1.0, 57.0, 59.5])
