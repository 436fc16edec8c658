"""Facts about the interpreter of networks and rules."""

from typing import Any

import numpy as np
import pytest
import twins_cells as twins

from stemniche.kernels import interpreter, jit

SIGNALS, NODES, TYPES, BEHAVIOURS = 30, 12, 3, 7
FIRST_NODE = 10


def some_drives(seed: int, targets: int) -> list[twins.Drive]:
    """Drives with zero to five groups of one to three terms."""
    dice = np.random.default_rng(seed)

    def group() -> tuple[float, list[tuple[int, float, float, bool]]]:
        terms = [
            (
                int(dice.integers(SIGNALS)),
                float(10 ** dice.uniform(-2, 1)),
                float(dice.uniform(0.5, 6)),
                bool(dice.random() < 0.3),
            )
            for _ in range(dice.integers(1, 4))
        ]
        return float(dice.normal(0, 2)), terms

    return [
        (cell, target, float(dice.normal()), 0.02, 5.0, [group() for _ in range(dice.integers(6))])
        for cell in range(TYPES)
        for target in range(targets)
        if dice.random() < 0.8
    ]


def table(drives: list[twins.Drive]) -> dict[str, np.ndarray]:
    """Flat arrays in the order of the kernels' arguments."""
    ordered = sorted(drives, key=lambda d: d[:2])
    groups = [g for d in ordered for g in d[5]]
    terms = [t for g in groups for t in g[1]]

    def ends(lengths: list[int]) -> np.ndarray:
        return np.cumsum([0, *lengths]).astype(np.int64)

    return {
        "target_ptr": ends([sum(d[0] == cell for d in ordered) for cell in range(TYPES)]),
        "targets": np.array([d[1] for d in ordered], np.int32),
        "constant": np.array([d[2] for d in ordered], np.float32),
        "group_ptr": ends([len(d[5]) for d in ordered]),
        "weight": np.array([g[0] for g in groups], np.float32),
        "term_ptr": ends([len(g[1]) for g in groups]),
        "signal": np.array([t[0] for t in terms], np.int32),
        "half_max": np.array([t[1] for t in terms], np.float32),
        "hill": np.array([t[2] for t in terms], np.float32),
        "inverted": np.array([t[3] for t in terms], np.uint8),
    }


class Cells:
    """Cells of mixed types with signals, some of them zero."""

    def __init__(self, count: int, seed: int = 0) -> None:
        dice = np.random.default_rng(seed)
        self.count = count
        self.kind = dice.integers(0, TYPES, count)
        self.signals = np.zeros((SIGNALS, max(64, count + 5)), np.float32)
        self.signals[:, :count] = 10 ** dice.uniform(-4, 2, (SIGNALS, count))
        self.signals[3, ::3] = 0.0
        nodes = slice(FIRST_NODE, FIRST_NODE + NODES)
        self.signals[nodes, :count] = dice.random((NODES, count))
        self.scale = dice.choice([1.0, 0.1, 0.0], (TYPES, SIGNALS), p=[0.8, 0.1, 0.1]).astype("f4")
        self.shift = dice.normal(0, 0.5, (TYPES, NODES)).astype(np.float32)
        self.tau = 10 ** dice.uniform(0, 4, NODES).astype(np.float32)
        self.start = np.searchsorted(np.sort(self.kind), np.arange(TYPES + 1)).astype(np.int64)
        self.order = np.argsort(self.kind, kind="stable").astype(np.int32)

    def _where(self) -> tuple[Any, ...]:
        return self.signals, self.scale, self.start, self.order

    def relax(self, drives: list[twins.Drive], minutes: float = 6.0) -> None:
        made = interpreter.program(SIGNALS, **table(drives))
        interpreter.evaluate_nodes(*self._where(), made, self.shift, self.tau, FIRST_NODE, minutes)

    def behave(self, drives: list[twins.Drive]) -> np.ndarray:
        ordered = sorted(drives, key=lambda d: d[:2])
        low, high = (np.array([d[k] for d in ordered], np.float32) for k in (3, 4))
        out = np.zeros((BEHAVIOURS, self.signals.shape[1]), np.float32)
        made = interpreter.program(SIGNALS, **table(drives), low=low, high=high)
        interpreter.evaluate_behaviours(*self._where(), made, out)
        return out

    def read(self) -> np.ndarray:
        return self.signals[:, : self.count].astype(np.float64)


@pytest.mark.parametrize("count", [1, 31, 128, 700])
def test_nodes_relax_like_their_twin(count: int) -> None:
    cells, drives = Cells(count), some_drives(1, NODES)
    expected = twins.relaxed(
        drives, cells.read(), cells.kind, cells.scale.astype(float), cells.shift.astype(float),
        cells.tau.astype(float), 6.0, FIRST_NODE,
    )  # fmt: skip
    cells.relax(drives)
    np.testing.assert_allclose(cells.read(), expected, rtol=3e-5, atol=1e-7)


@pytest.mark.parametrize("count", [1, 33, 500])
def test_behaviours_equal_their_twin(count: int) -> None:
    cells, drives = Cells(count, 2), some_drives(3, BEHAVIOURS)
    expected = twins.behaved(
        drives, cells.read(), cells.kind, cells.scale.astype(float), BEHAVIOURS
    )
    np.testing.assert_allclose(cells.behave(drives)[:, :count], expected, rtol=3e-5)


def test_all_nodes_see_the_values_before_the_tick() -> None:
    chain = [
        (cell, node, -2.0, 0.0, 1.0, [(4.0, [(FIRST_NODE + (node + 1) % NODES, 0.5, 2.0, False)])])
        for cell in range(TYPES)
        for node in range(NODES)
    ]
    forwards, backwards = Cells(200), Cells(200)
    forwards.relax(chain)
    turned = [(c, NODES - 1 - n, *rest) for c, n, *rest in chain]
    turned = [
        (*d[:5], [(w, [(2 * FIRST_NODE + NODES - 1 - t[0], *t[1:]) for t in ts]) for w, ts in d[5]])
        for d in turned
    ]
    nodes = slice(FIRST_NODE, FIRST_NODE + NODES)
    backwards.signals[nodes] = backwards.signals[nodes][::-1].copy()
    backwards.shift = np.ascontiguousarray(backwards.shift[:, ::-1])
    backwards.tau = np.ascontiguousarray(backwards.tau[::-1])
    backwards.scale[:, nodes] = backwards.scale[:, nodes][:, ::-1].copy()
    backwards.relax(turned)
    np.testing.assert_array_equal(forwards.signals[nodes], backwards.signals[nodes][::-1])


def test_two_half_ticks_equal_one_when_inputs_do_not_change() -> None:
    drives = [
        (cell, node, 0.5, 0.0, 1.0, [(2.0 - node, [(node % 3, 1.0, 2.0, False)])])
        for cell in range(TYPES)
        for node in range(NODES)
    ]
    once, twice = Cells(100), Cells(100)
    once.relax(drives, 6.0)
    twice.relax(drives, 3.0)
    twice.relax(drives, 3.0)
    assert (once.signals[FIRST_NODE] != Cells(100).signals[FIRST_NODE]).any()
    np.testing.assert_allclose(once.signals, twice.signals, rtol=1e-5, atol=1e-7)


def test_a_node_at_its_reference_stays_at_its_baseline() -> None:
    baseline, half, power, weight, level = 0.3, 2.0, 2.0, 3.0, 1.5
    reached = level**power / (level**power + half**power)
    constant = np.log(baseline / (1 - baseline)) - weight * reached
    drives = [
        (c, 0, constant, 0.0, 1.0, [(weight, [(0, half, power, False)])]) for c in range(TYPES)
    ]
    cells = Cells(50)
    cells.scale[:], cells.shift[:] = 1.0, 0.0
    cells.signals[0], cells.signals[FIRST_NODE] = level, baseline
    cells.relax(drives, 1e4)
    np.testing.assert_allclose(cells.signals[FIRST_NODE, :50], baseline, rtol=1e-5)


def test_a_loss_divides_what_is_made() -> None:
    """Steady state of synthesis 3, basal loss 1 and a loss of 20 times a Hill term."""
    drives = [(c, 0, np.log(3.0), 0.0, 1.0, [(20.0, [(0, 1.0, 2.0, False)])]) for c in range(TYPES)]
    cells = Cells(200, 4)
    cells.scale[:], cells.shift[:] = 1.0, 0.0
    level = cells.read()[0]
    made = interpreter.program(SIGNALS, **table(drives), divides=np.ones(TYPES, np.uint8))
    interpreter.evaluate_nodes(*cells._where(), made, cells.shift, cells.tau, FIRST_NODE, 1e9)
    loss = 1.0 + 20.0 * level**2 / (1.0 + level**2)
    np.testing.assert_allclose(cells.read()[FIRST_NODE], 3.0 / (3.0 + loss), rtol=1e-4)


def test_behaviours_stay_within_their_bounds_whatever_is_sensed() -> None:
    cells, drives = Cells(300, 5), some_drives(6, BEHAVIOURS)
    cells.signals *= 1e30
    values = cells.behave(drives)[:, :300]
    assert np.isfinite(values).all()
    assert values.max() <= 5.0
    assert (values[values > 0] >= np.float32(0.02)).all()


def test_cells_without_a_drive_keep_what_they_have() -> None:
    cells = Cells(100)
    out = np.full((BEHAVIOURS, cells.signals.shape[1]), 9.0, np.float32)
    only = [(1, 2, 0.0, 0.1, 2.0, [])]
    low = high = np.array([1.0], np.float32)
    made = interpreter.program(SIGNALS, **table(only), low=low, high=high)
    interpreter.evaluate_behaviours(*cells._where(), made, out)
    written = np.argwhere(out != 9.0)
    assert set(written[:, 0]) == {2}
    assert set(written[:, 1]) == set(np.flatnonzero(cells.kind == 1))


def test_the_order_of_cells_does_not_matter() -> None:
    drives = some_drives(7, NODES)
    plain, mixed = Cells(300), Cells(300)
    order = np.random.default_rng(0).permutation(300)
    mixed.kind = plain.kind[order]
    mixed.signals[:, :300] = plain.signals[:, order]
    mixed.order = np.argsort(mixed.kind, kind="stable").astype(np.int32)
    plain.relax(drives)
    mixed.relax(drives)
    np.testing.assert_allclose(mixed.read(), plain.read()[:, order], rtol=1e-6)


def test_threads_do_not_change_a_bit() -> None:
    drives, results, before = some_drives(8, NODES), [], jit.threads()
    for count in (1, 2):
        jit.set_threads(count)
        cells = Cells(1000)
        cells.relax(drives)
        results.append(cells.signals)
    jit.set_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
