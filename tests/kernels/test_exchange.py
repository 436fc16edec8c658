"""What cells give to and take from their voxels, against sums in plain NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from twins_cycle import Entry, into_voxels, released, removed

from stemniche.kernels.exchange import perfuse, secrete, take_up
from stemniche.kernels.jit import set_threads, threads

TYPES, SIGNALS, FACTORS, COLUMNS = 3, 4, 5, 6


class Tissue:
    """Random cells sorted by voxel, and random tables."""

    def __init__(self, seed: int, n: int = 400, voxels: int = 1500) -> None:
        dice = np.random.default_rng(seed)
        self.n, self.voxels = n, voxels
        self.voxel = np.sort(dice.integers(0, voxels, n))
        self.pointer = np.searchsorted(self.voxel, np.arange(voxels + 1)).astype(np.int64)
        self.kind = dice.integers(0, TYPES, n).astype(np.uint8)
        self.state = dice.integers(0, 4, n).astype(np.uint8)
        self.radius = dice.uniform(3.0, 10.0, n).astype(np.float32)
        self.signals = dice.random((SIGNALS, n)).astype(np.float32)
        self.scale = dice.choice([0.1, 1.0], (TYPES, SIGNALS)).astype(np.float32)
        self.synthesis = dice.choice([0.0, 1.0, 5.0], (TYPES, FACTORS)).astype(np.float32)
        self.due = np.ones(COLUMNS, np.uint8)
        self.secretion = self.table(dice, FACTORS, lambda: tuple(dice.integers(-1, SIGNALS, 2)))
        self.uptake = self.table(dice, COLUMNS, lambda: int(dice.integers(0, 2)))

    @staticmethod
    def table(dice: np.random.Generator, rows: int, third: object) -> dict[int, list[Entry]]:
        """A few entries per type, none for the first; a row may occur twice."""
        return {
            t: [(int(dice.integers(0, rows)), float(dice.random()), third()) for _ in range(2 * t)]
            for t in range(TYPES)
        }

    @staticmethod
    def flat(rows: dict[int, list[Entry]]) -> tuple[NDArray[np.generic], ...]:
        """Pointer, first, second and third column of a table."""
        entries = [e for t in range(TYPES) for e in rows[t]]
        pointer = np.cumsum([0, *(len(rows[t]) for t in range(TYPES))]).astype(np.int64)
        first, second, third = (np.array(part) for part in zip(*entries, strict=True))
        return pointer, first.astype(np.int32), second.astype(np.float32), third

    def give(self, supply: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add release to `supply`."""
        pointer, factor, rate, nodes = self.flat(self.secretion)
        node, cargo = nodes.astype(np.int32).T
        secrete(
            self.pointer, self.kind, self.state, self.signals, pointer, factor, rate,
            node.copy(), cargo.copy(), self.scale, self.synthesis, self.due[:FACTORS],
            supply,
        )  # fmt: skip
        return supply

    def take(self, sink: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add removal to `sink`."""
        pointer, place, rate, by_volume = self.flat(self.uptake)
        take_up(
            self.pointer, self.kind, self.state, self.radius, pointer, place, rate,
            by_volume.astype(np.uint8), *np.full((2, len(place)), -1, np.int32), self.signals,
            self.scale, self.due, sink,
        )  # fmt: skip
        return sink


def empty(rows: int, voxels: int) -> NDArray[np.float32]:
    return np.zeros((rows, voxels), np.float32)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_release_equals_its_twin(seed: int) -> None:
    t = Tissue(seed)
    each = released(
        t.kind.astype(int), t.state == 0, t.signals.astype(float), t.secretion,
        t.scale.astype(float), t.synthesis.astype(float), FACTORS,
    )  # fmt: skip
    wanted = into_voxels(t.voxel, each, t.voxels)
    np.testing.assert_allclose(t.give(empty(FACTORS, t.voxels)), wanted, rtol=1e-5, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_uptake_equals_its_twin(seed: int) -> None:
    t = Tissue(seed)
    each = removed(
        t.kind.astype(int), t.state.astype(int), t.radius.astype(float), t.uptake, COLUMNS
    )
    wanted = into_voxels(t.voxel, each, t.voxels)
    np.testing.assert_allclose(t.take(empty(COLUMNS, t.voxels)), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kernel", ["give", "take"])
def test_what_is_there_already_is_added_to(kernel: str) -> None:
    t = Tissue(3)
    rows = FACTORS if kernel == "give" else COLUMNS
    alone = getattr(t, kernel)(empty(rows, t.voxels))
    above = getattr(t, kernel)(empty(rows, t.voxels) + np.float32(2.0))
    np.testing.assert_allclose(above, alone + 2.0, rtol=1e-6)


@pytest.mark.parametrize("kernel", ["give", "take"])
def test_rows_that_are_not_due_are_left_alone(kernel: str) -> None:
    t = Tissue(6)
    rows = FACTORS if kernel == "give" else COLUMNS
    whole = getattr(t, kernel)(empty(rows, t.voxels))
    t.due[::2] = 0
    part = getattr(t, kernel)(empty(rows, t.voxels))
    assert whole[::2].any()
    assert not part[::2].any()
    np.testing.assert_array_equal(part[1::2], whole[1::2])


def test_vessels_bring_blood_and_take_what_is_there() -> None:
    dice = np.random.default_rng(7)
    perfusion = (dice.random(3000) * (dice.random(3000) < 0.1)).astype(np.float32)
    rate, blood = dice.random(3).astype(np.float32), np.array([2.0, 0.0, 5.0])
    supply, sink = empty(3, 3000), empty(3, 3000)
    perfuse(perfusion, rate, blood, np.array([1, 1, 0], np.uint8), supply, sink)
    wanted = np.outer(rate * [1, 1, 0], perfusion)
    np.testing.assert_allclose(sink, wanted, rtol=1e-6)
    np.testing.assert_allclose(supply, wanted * blood[:, None], rtol=1e-6)


@pytest.mark.parametrize("kernel", ["give", "take"])
def test_the_number_of_threads_changes_no_bit(kernel: str) -> None:
    t, before, found = Tissue(4, n=5000, voxels=4000), threads(), []
    rows = FACTORS if kernel == "give" else COLUMNS
    for count in (1, 2):
        set_threads(count)
        found.append(getattr(t, kernel)(empty(rows, t.voxels)))
    set_threads(before)
    np.testing.assert_array_equal(*found)


def test_the_dead_give_nothing_and_only_the_dying_take_by_volume() -> None:
    t = Tissue(5)
    t.state[:] = np.resize([1, 2, 3], t.n)
    assert not t.give(empty(FACTORS, t.voxels)).any()
    t.state[:] = np.resize([2, 3], t.n)
    assert not t.take(empty(COLUMNS, t.voxels)).any()
    t.state[:] = 1
    pointer, place, _, by_volume = t.flat(t.uptake)
    taken = t.take(empty(COLUMNS, t.voxels)).any(axis=1)
    assert set(np.flatnonzero(taken)) <= set(place[by_volume == 1])
    assert [b - a for a, b in pairwise(pointer)] == [0, 2, 4]
