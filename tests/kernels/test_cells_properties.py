"""What holds for every cloud of cells: at walls, on top of each other, alone, none at all."""

from dataclasses import dataclass

import numpy as np
import twins_cells as twins
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stemniche.kernels import exchange, jit, lifecycle, mechanics, neighbours, sensing

REACH, SKIN = 1.25, 4.0
SETTINGS = settings(max_examples=30, deadline=None)
TURNS: list[tuple[int, ...]] = [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)]

Floats = NDArray[np.float32]


@dataclass
class Cloud:
    """Cells in a closed cubic box of 96 um; a flat cloud lies in its middle."""

    points: Floats
    radius: Floats
    repulsion: Floats
    adhesion: Floats
    active: Floats
    flat: bool
    side: float = 96.0

    def after(self, minutes: float = 6.0, base: float = 1.0) -> Floats:
        """Positions after a tick, [3, cells]."""
        x, y, z = (c.copy() for c in self.points)
        n, size = x.size, np.full(3, self.side, np.float32)
        bears = np.full(n, 0.5 * SKIN, np.float32)
        ptr, idx = neighbours.build_list(x, y, z, self.radius, n, size, REACH, bears)
        mechanics.move_tick(
            x, y, z, self.radius, self.repulsion, self.adhesion, *self.active,
            np.ones(n, np.uint8), ptr, idx, bears, n, minutes, base, size, 1, REACH, SKIN,
            self.flat,
        )  # fmt: skip
        return np.stack([x, y, z])

    def turned(self, order: tuple[int, ...], signs: tuple[int, int, int]) -> "Cloud":
        """The same cloud in a turned and mirrored box."""
        points = self.points[list(order)].copy()
        active = self.active[list(order)] * np.array(signs, np.float32)[:, None]
        for axis, sign in enumerate(signs):
            if sign < 0:
                points[axis] = np.float32(self.side) - points[axis]
        return Cloud(points, self.radius, self.repulsion, self.adhesion, active, self.flat)


@st.composite
def clouds(draw: st.DrawFn, *, rough: bool = True) -> Cloud:
    """Draw a cloud; a rough one has cells on top of each other, at the walls, and motile ones."""
    n = draw(st.integers(0, 90))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    flat = draw(st.booleans())
    points = dice.uniform(0.0, 96.0, (3, n))
    active = dice.normal(0.0, 1.0, (3, n)) * (dice.random(n) < 0.3)
    if rough and n:
        same = dice.random(n) < 0.2
        points[:, same] = points[:, dice.integers(0, n, n)][:, same]
        walls = dice.random((3, n)) < 0.1
        points[walls] = dice.choice([0.0, 96.0], int(walls.sum()))
        active *= 10.0
    if flat:
        points[2], active[2] = 48.0, 0.0
    columns = dice.uniform(2, 9, n), dice.uniform(0, 15, n), dice.uniform(0, 1, n)
    radius, repulsion, adhesion = (c.astype(np.float32) for c in columns)
    return Cloud(
        points.astype(np.float32), radius, repulsion, adhesion, active.astype(np.float32), flat
    )


@SETTINGS
@given(clouds())
def test_cells_stay_finite_and_in_their_box(cloud: Cloud) -> None:
    moved = cloud.after()
    assert np.isfinite(moved).all()
    assert np.all((moved >= 0.0) & (moved <= cloud.side))
    if cloud.flat:
        assert np.all(moved[2] == 48.0)


@SETTINGS
@given(clouds())
def test_threads_move_cells_to_the_same_bits(cloud: Cloud) -> None:
    results = []
    for count in (1, 2):
        jit.set_threads(count)
        results.append(cloud.after().tobytes())
    jit.set_threads(1)
    assert results[0] == results[1]


@SETTINGS
@given(clouds(rough=False), st.sampled_from(TURNS), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_a_turned_or_mirrored_cloud_moves_turned_or_mirrored(
    cloud: Cloud, order: tuple[int, ...], signs: tuple[int, int, int]
) -> None:
    order, signs = ((0, 1, 2), (*signs[:2], 1)) if cloud.flat else (order, signs)
    other = cloud.turned(order, signs)
    there = Cloud(
        cloud.after(), cloud.radius, cloud.repulsion, cloud.adhesion, cloud.active, cloud.flat
    ).turned(order, signs)
    np.testing.assert_allclose(other.after(), there.points, atol=0.02)


@SETTINGS
@given(clouds(rough=False))
def test_velocities_equal_their_twin_and_forces_cancel(cloud: Cloud) -> None:
    minutes = 1e-3
    velocity = (cloud.after(minutes, minutes).astype(float) - cloud.points) / minutes
    exact = twins.velocities(
        *(a.T.astype(float) for a in (cloud.points,)),
        *(a.astype(float) for a in (cloud.radius, cloud.repulsion, cloud.adhesion)),
        REACH,
    ).T + cloud.active.astype(float)
    assert np.abs(exact.sum(axis=1) - cloud.active.sum(axis=1)).max(initial=0.0) < 1e-6 * (
        1 + np.abs(exact).sum()
    )
    free = np.abs(cloud.points + minutes * exact - 48.0) < 48.0  # a wall stops the others
    np.testing.assert_allclose(velocity[free], exact[free], rtol=1e-3, atol=0.02)


@SETTINGS
@given(clouds(), st.integers(0, 2**16))
def test_what_cells_release_and_take_is_what_their_voxels_gain_and_lose(
    cloud: Cloud, seed: int
) -> None:
    """Books of the exchange in double precision, whatever shares a voxel."""
    dice, n = np.random.default_rng(seed), cloud.radius.size
    shape = (1, 8, 8) if cloud.flat else (8, 8, 8)
    voxel = sensing.voxel_index(*cloud.points, n, 12.0, shape)
    key, every = np.arange(n, dtype=np.uint64), np.ones(n, bool)
    order, pointer = lifecycle.canonical_order(voxel, key, every, int(np.prod(shape)))
    assert pointer[-1] == n
    values = dice.uniform(0.0, 5.0, n).astype(np.float32)
    out = np.zeros(int(np.prod(shape)), np.float32)
    sensing.deposit(values, pointer, n, 0.25, out)
    total = 0.25 * values.sum(dtype=float)
    assert abs(out.sum(dtype=float) - total) <= 1e-6 * total
    assert np.all(out[np.diff(pointer) == 0] == 0.0)


def test_the_exchange_of_no_cells_is_nothing() -> None:
    pointer, none = np.zeros(9, np.int64), np.zeros(0, np.uint8)
    sink = np.zeros((1, 8), np.float32)
    exchange.take_up(
        pointer, none, none, np.zeros(0, np.float32), np.array([0, 1]), np.zeros(1, np.int32),
        np.ones(1, np.float32), np.ones(1, np.uint8), *np.full((2, 1), -1, np.int32),
        np.zeros((1, 0), np.float32), np.ones((1, 1), np.float32), np.ones(1, np.uint8), sink,
    )  # fmt: skip
    assert not sink.any()
