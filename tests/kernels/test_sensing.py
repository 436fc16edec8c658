"""Facts about what cells sense and leave behind."""

import numpy as np
import pytest
import twins_cells as twins

from stemniche.kernels import jit, neighbours, sensing

SHAPE, SPACING = (3, 7, 11), 20.0
VOXELS = SHAPE[0] * SHAPE[1] * SHAPE[2]
SIZE = np.array(SHAPE[::-1]) * SPACING


def cells(count: int = 400, seed: int = 0, *, flat: bool = False) -> tuple[np.ndarray, ...]:
    """x, y, z, radius of cells sorted by voxel, a tenth of them on or beyond the walls."""
    dice = np.random.default_rng(seed)
    points = dice.uniform(-0.03, 1.03, (count, 3)) * SIZE
    if flat:
        points[:, 2] = 10.0
    where = np.clip(np.floor(points / SPACING), 0, np.array(SHAPE[::-1]) - 1).astype(int)
    points = points[np.lexsort(where.T)]
    radius = dice.uniform(5, 9, count)
    return (*(c.astype(np.float32) for c in points.T), radius.astype(np.float32))


def voxels_of(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return sensing.voxel_index(x, y, z, x.size, SPACING, SHAPE)


def starts(voxel: np.ndarray) -> np.ndarray:
    """First cell of each voxel, the cells being sorted, and the number of cells."""
    return np.searchsorted(voxel, np.arange(VOXELS + 1)).astype(np.int64)


def test_voxels_are_numbered_like_fields_and_the_nearest_serves_outside() -> None:
    x, y, z, _ = cells()
    voxel = voxels_of(x, y, z)
    iz, iy, ix = np.unravel_index(voxel, SHAPE)
    for i, place, side in zip((ix, iy, iz), (x, y, z), SHAPE[::-1], strict=True):
        assert (i == np.clip(np.floor(place / SPACING), 0, side - 1)).all()
    assert voxel.dtype == np.int32


def test_cells_sense_the_level_at_their_voxel() -> None:
    x, y, z, _ = cells()
    voxel = voxels_of(x, y, z)
    fields = np.random.default_rng(1).random((4, VOXELS)).astype(np.float32)
    out = np.full((4, 500), -1.0, np.float32)
    sensing.gather(fields, voxel, x.size, out)
    assert (out[:, : x.size] == fields[:, voxel]).all()
    assert (out[:, x.size :] == -1.0).all()


def test_deposits_add_up_per_voxel_and_in_total() -> None:
    x, y, z, radius = cells()
    voxel = voxels_of(x, y, z)
    ptr = starts(voxel)
    out = np.full(VOXELS, 2.0, np.float32)
    sensing.deposit(radius, ptr, x.size, 0.25, out)
    expected = 2.0 + 0.25 * np.bincount(voxel, weights=radius.astype(float), minlength=VOXELS)
    np.testing.assert_allclose(out, expected, rtol=1e-6)


def cue(fields: np.ndarray, weight: np.ndarray, scale: np.ndarray, voxel: np.ndarray) -> np.ndarray:
    n, out = voxel.size, [np.zeros(voxel.size, np.float32) for _ in range(3)]
    which = np.arange(len(fields), dtype=np.int32)
    flat = fields.reshape(len(fields), -1)
    sensing.cue_direction(flat, which, weight, scale, voxel, n, SHAPE, SPACING, False, *out)
    return np.stack(out).astype(np.float64)


def test_cues_add_up_relative_gradients_to_a_direction() -> None:
    x, y, z, _ = cells()
    voxel, dice = voxels_of(x, y, z), np.random.default_rng(2)
    fields = dice.uniform(0.1, 3, (3, *SHAPE)).astype(np.float32)
    weight = dice.normal(0, 1, (3, x.size)).astype(np.float32)
    weight[1, ::2] = 0.0
    scale = np.array([0.1, 1.0, 5.0], np.float32)
    found = cue(fields, weight, scale, voxel)
    raw = twins.cues(fields.astype(float), weight.astype(float), scale.astype(float), voxel)
    np.testing.assert_allclose(found, raw / np.linalg.norm(raw, axis=0), atol=2e-5)


def test_a_linear_gradient_points_uphill_everywhere_and_a_flat_field_nowhere() -> None:
    ramp = np.broadcast_to(1.0 + 0.1 * np.arange(SHAPE[2]), SHAPE).astype(np.float32)
    voxel, scale = np.arange(VOXELS, dtype=np.int32), np.ones(1, np.float32)
    one = np.ones((1, VOXELS), np.float32)
    np.testing.assert_allclose(cue(ramp[None], one, scale, voxel)[0], 1.0, rtol=1e-6)
    np.testing.assert_allclose(cue(ramp[None], -one, scale, voxel)[0], -1.0, rtol=1e-6)
    assert (cue(np.ones((1, *SHAPE), np.float32), one, scale, voxel) == 0.0).all()


def touching_cells(*tissue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = tissue[0].size
    found = neighbours.build_list(*tissue, n, SIZE, 1.25, 1.0)
    return neighbours.touching(*tissue, *found, n, 1.1)


def test_an_empty_field_is_no_cue() -> None:
    voxel, one = np.arange(VOXELS, dtype=np.int32), np.ones((1, VOXELS), np.float32)
    found = cue(np.zeros((1, *SHAPE), np.float32), one, np.zeros(1, np.float32), voxel)
    assert (found == 0.0).all()


@pytest.mark.parametrize("flat", [True, False])
def test_contacts_are_counted_by_group_and_crowding_over_all(flat: bool) -> None:
    x, y, z, radius = cells(300 if flat else 900, 3, flat=flat)
    n, dice = x.size, np.random.default_rng(4)
    ptr, idx = touching_cells(x, y, z, radius)
    kind, alive = dice.integers(0, 4, n).astype(np.uint8), (dice.random(n) < 0.8).astype(np.uint8)
    groups = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], np.uint8)
    out, crowding = np.full((2, n + 9), 7.0, np.float32), np.zeros(n + 9, np.float32)
    sensing.count_contacts(groups, kind, alive, ptr, idx, n, flat, out, crowding)
    points = np.stack([x, y, z], axis=1).astype(float)
    touching = twins.contacts(points, radius.astype(float), 1.1)
    assert (out[:, :n] == (touching.astype(float) @ (groups[kind] * alive[:, None])).T).all()
    expected = np.minimum(touching.sum(axis=1) / (6 if flat else 12), 1.0)
    np.testing.assert_allclose(crowding[:n], expected, rtol=1e-6)
    assert (out[:, n:] == 7.0).all()


@pytest.mark.parametrize("flat", [True, False])
def test_compression_is_the_mean_shortening_over_the_places_of_a_cell(flat: bool) -> None:
    x, y, z, radius = cells(300 if flat else 900, 8, flat=flat)
    n, out = x.size, np.full(x.size + 9, 7.0, np.float32)
    sensing.compression(x, y, z, radius, *touching_cells(x, y, z, radius), n, flat, np.inf, out)
    apart = twins.distances(np.stack([x, y, z], axis=1).astype(float))
    shorter = np.maximum(1.0 - apart / (radius[:, None] + radius[None]).astype(float), 0.0)
    np.fill_diagonal(shorter, 0.0)
    expected = np.minimum(shorter.sum(axis=1) / (6 if flat else 12), 1.0)
    np.testing.assert_allclose(out[:n], expected, rtol=1e-4, atol=1e-6)
    assert (out[n:] == 7.0).all()


def test_cells_press_each_other_through_the_meeting_faces_of_a_slab() -> None:
    x, y = np.full(2, 50.0, np.float32), np.full(2, 50.0, np.float32)
    z, radius = np.array([1.0, 97.0], np.float32), np.full(2, 5.0, np.float32)
    ptr, idx = np.array([0, 1, 2]), np.array([1, 0], np.int32)
    out = np.zeros(2, np.float32)
    sensing.compression(x, y, z, radius, ptr, idx, 2, False, 100.0, out)
    np.testing.assert_allclose(out, (1.0 - 4.0 / 10.0) / 12.0, rtol=1e-6)
    sensing.compression(x, y, z, radius, ptr, idx, 2, False, np.inf, out)
    assert (out == 0.0).all()


def test_neighbours_are_summed_and_averaged_where_the_mask_allows() -> None:
    x, y, z, radius = cells(900, 5)
    n, dice = x.size, np.random.default_rng(6)
    ptr, idx = touching_cells(x, y, z, radius)
    value, mask = dice.random(n).astype(np.float32), (dice.random(n) < 0.3).astype(np.uint8)
    total, mean = np.zeros(n, np.float32), np.zeros(n, np.float32)
    sensing.neighbour_sum(value, mask, ptr, idx, n, total)
    sensing.neighbour_mean(value, mask, ptr, idx, n, mean)
    points = np.stack([x, y, z], axis=1).astype(float)
    counted = twins.contacts(points, radius.astype(float), 1.1) & (mask == 1)
    np.testing.assert_allclose(total, counted @ value.astype(float), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mean * counted.sum(axis=1), total, rtol=1e-5, atol=1e-6)
    assert (mean[~counted.any(axis=1)] == 0.0).all()


def test_threads_do_not_change_a_bit() -> None:
    x, y, z, radius = cells(5000, 7)
    voxel, before, results = voxels_of(x, y, z), jit.threads(), []
    ptr = starts(voxel)
    for count in (1, 2):
        jit.set_threads(count)
        out, seen = np.zeros(VOXELS, np.float32), np.zeros((1, x.size), np.float32)
        sensing.deposit(radius, ptr, x.size, 0.3, out)
        sensing.gather(out[None], voxel, x.size, seen)
        row_ptr, idx = touching_cells(x, y, z, radius)
        total = np.zeros(x.size, np.float32)
        mask = np.ones(x.size, np.uint8)
        sensing.neighbour_sum(radius, mask, row_ptr, idx, x.size, total)
        results.append((out, seen, total, idx))
    jit.set_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
