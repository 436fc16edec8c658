"""Costs of the kernels on one thread, in nanoseconds per cell, edge or voxel.

Tissues and tables are made up here; `bench.runs` measures whole simulations.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from stemniche.bench.measure import Figure, cpu_seconds, wall_seconds
from stemniche.engine.state import Array
from stemniche.kernels import interpreter, lifecycle, maths, mechanics, neighbours
from stemniche.kernels.fields import REPORT, FieldProblem, advance, make_workspace
from stemniche.kernels.lod import advance_lod

NANO = 1e9
REACH, SKIN, SPACING = 1.25, 2.0, 20.0
COUNT, SIDE = 40_000, 64
"""Cells of the ball, and voxels along each axis of the block."""


def kernel_figures() -> Iterator[Figure]:
    """All kernel costs, one after the other."""
    yield from _mechanics()
    yield from _tables()
    yield from _chances()
    yield from _fields()
    yield from _bandwidth()


def _mechanics() -> Iterator[Figure]:
    """Neighbour list and base steps of a packed ball whose cells all crawl a little."""
    x, y, z, size = packed_ball(COUNT)
    radius = np.full(COUNT, 8.41, np.float32)
    grip = np.full(COUNT, 10.0, np.float32), np.full(COUNT, 0.4, np.float32)
    slow, free = np.full(COUNT, 0.05, np.float32), np.ones(COUNT, np.uint8)
    bears = np.full(COUNT, 0.5 * SKIN, np.float32)
    lists = neighbours.build_list(x, y, z, radius, COUNT, size, REACH, bears)

    def build() -> Any:
        return neighbours.build_list(x, y, z, radius, COUNT, size, REACH, bears)

    def tick() -> None:
        mechanics.move_tick(
            x, y, z, radius, *grip, slow, slow, slow, free, *lists, bears, COUNT, 6.0, 1.0, size,
            0, REACH, SKIN, False,
        )  # fmt: skip

    yield Figure(
        part="kernel",
        what="neighbour list, packed ball",
        value=cpu_seconds(build) / COUNT * NANO,
        unit="ns/cell",
    )
    yield Figure(
        part="kernel",
        what="mechanics, all in",
        value=cpu_seconds(tick) / COUNT / 6 * NANO,
        unit="ns/cell/step",
        budget=90.0,
    )


def packed_ball(count: int) -> tuple[Array, Array, Array, Array]:
    """x, y, z of a face-centred ball, slightly shaken and sorted by voxel; size of its box."""
    dice = np.random.default_rng(0)
    axis = np.arange(-int(count ** (1 / 3)) - 3, int(count ** (1 / 3)) + 4)
    points = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    points = points[points.sum(axis=1) % 2 == 0] * (16.0 / 2**0.5)
    points = points[np.argsort((points**2).sum(axis=1), kind="stable")[:count]]
    points = points + dice.normal(0, 0.5, points.shape)
    points += 50.0 - points.min(axis=0)
    order = np.lexsort((points // SPACING).T)
    x, y, z = (np.ascontiguousarray(c, np.float32) for c in points[order].T)
    return x, y, z, (points.max(axis=0) + 50.0).astype(np.float32)


def _tables(count: int = 4_000, types: int = 12) -> Iterator[Figure]:
    """A network of 80 nodes and 200 edges, and 50 rules on 15 behaviours."""
    cells, drives, _ = _table(count, types, targets=80, edges=200)
    shift, tau = np.zeros((types, 80), np.float32), np.full(80, 60.0, np.float32)
    network = (*cells, interpreter.program(len(cells[0]), **drives), shift, tau, 40, 6.0)
    seconds = cpu_seconds(lambda: interpreter.evaluate_nodes(*network))
    for unit, per, budget in (("ns/cell", count, 300.0), ("ns/edge", count * 200, 1.6)):
        yield Figure(
            part="kernel",
            what="network of 80 nodes, 200 edges",
            value=seconds / per * NANO,
            unit=unit,
            budget=budget,
        )
    cells, drives, number = _table(count, types, targets=15, edges=50)
    low, high = np.full(number, 1e-6, np.float32), np.full(number, 10.0, np.float32)
    made = interpreter.program(len(cells[0]), **drives, low=low, high=high)
    rules = (*cells, made, np.zeros((15, count), np.float32))
    seconds = cpu_seconds(lambda: interpreter.evaluate_behaviours(*rules))
    yield Figure(
        part="kernel",
        what="50 rules on 15 behaviours",
        value=seconds / count * NANO,
        unit="ns/cell",
        budget=80.0,
    )


def _table(
    count: int, types: int, targets: int, edges: int
) -> tuple[tuple[Any, ...], dict[str, Any], int]:
    """Cells and drives for the interpreter with one Hill term per edge; how many drives."""
    dice, others = np.random.default_rng(1), 40
    signals = dice.random((others + targets, count)).astype(np.float32)
    kind = np.sort(dice.integers(0, types, count))
    rows = np.sort(dice.integers(0, targets, (types, edges)), axis=1)
    sizes = np.concatenate([np.bincount(row, minlength=targets) for row in rows])
    drives, terms = types * targets, types * edges
    cells = (
        signals,
        np.ones((types, len(signals)), np.float32),
        np.searchsorted(kind, np.arange(types + 1)).astype(np.int64),
        np.arange(count, dtype=np.int32),
    )
    flat = {
        "target_ptr": np.arange(types + 1) * targets,
        "targets": np.tile(np.arange(targets, dtype=np.int32), types),
        "constant": dice.normal(size=drives).astype(np.float32),
        "group_ptr": np.concatenate([[0], np.cumsum(sizes)]),
        "weight": dice.normal(size=terms).astype(np.float32),
        "term_ptr": np.arange(terms + 1),
        "signal": dice.integers(0, len(signals), terms).astype(np.int32),
        "half_max": dice.uniform(0.1, 1, terms).astype(np.float32),
        "hill": dice.uniform(1, 4, terms).astype(np.float32),
        "inverted": np.zeros(terms, np.uint8),
    }
    return cells, flat, drives


def _chances(count: int = 100_000) -> Iterator[Figure]:
    """Random numbers and competing risks."""
    key = np.arange(1, count + 1, dtype=np.uint64)
    hazards, fate = np.full((8, count), 1e-4, np.float32), np.zeros(count, np.int8)
    calls: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("uniform random numbers", "ns/number", lambda: maths.uniform_array(1, 20, key, 3, 0)),
        (
            "8 competing risks",
            "ns/cell",
            lambda: lifecycle.resolve(hazards, count, 1, key, 3, 6.0, fate),
        ),
    )
    for what, unit, call in calls:
        yield Figure(part="kernel", what=what, value=cpu_seconds(call) / count * NANO, unit=unit)


def oxygen_ball(side: int, seed: int | None = None) -> FieldProblem:
    """Oxygen in a packed ball, from the walls; with `seed` one voxel of a hundred has no cells."""
    dice, middle = np.random.default_rng(0), (side - 1) / 2
    axes = np.meshgrid(*[np.arange(side) - middle] * 3, indexing="ij")
    packed = sum(a**2 for a in axes) < (0.36 * side) ** 2
    sink = dice.poisson(3.35, (1, side, side, side)) / 3.35 * packed * 10.0
    if seed is not None:
        sink *= np.random.default_rng(seed).random(sink.shape) > 0.01
    return FieldProblem(
        spacing=SPACING,
        diffusivity=np.array([1e5]),
        decay=np.array([0.1]),
        quasi_steady=np.array([True]),
        supply=np.zeros(sink.shape, np.float32),
        sink=sink.astype(np.float32),
        wall_kind=np.array([1]),
        wall_value=np.array([38.0]),
    )


def _fields() -> Iterator[Figure]:
    """Reference scheme, conjugate gradients, warm quasi-steady solution, on one thread."""
    problem, work, voxels = oxygen_ball(SIDE), make_workspace((SIDE,) * 3, 1), SIDE**3
    levels = np.full((1, SIDE, SIDE, SIDE), 38.0, np.float32)
    start, iterations = levels.copy(), REPORT.index("iterations")

    def lod() -> None:
        advance_lod(levels, problem, 0.1, 0.01)

    yield _per_voxel("reference scheme (LOD), sweep set", cpu_seconds(lod, 5) / 10 / voxels, 2.5)

    def cold(tolerance: float) -> tuple[float, float]:
        count = 0.0

        def solve() -> None:
            nonlocal count
            found = advance(start.copy(), problem, 6.0, True, tolerance, workspace=work)
            count = found[0, iterations]

        return cpu_seconds(solve, 5), count

    rough, fine = cold(1e-2), cold(1e-5)
    each = (fine[0] - rough[0]) / max(fine[1] - rough[1], 1.0)
    yield _per_voxel("conjugate gradients, iteration", each / voxels, 4.5)
    advance(levels, problem, 6.0, True, workspace=work)
    later = [oxygen_ball(SIDE, seed) for seed in range(6)]
    turn = iter(later * 2)

    def warm() -> None:
        advance(levels.copy(), next(turn), 6.0, True, workspace=work)

    yield _per_voxel("warm quasi-steady solution", cpu_seconds(warm, 6) / voxels, 20.0)


def _per_voxel(what: str, seconds: float, budget: float) -> Figure:
    return Figure(
        part="kernel", what=what, value=seconds * NANO, unit="ns/voxel/substance", budget=budget
    )


def _bandwidth(megabytes: int = 160) -> Iterator[Figure]:
    """What memory gives to one thread, for reading the figures above."""
    source = np.ones(megabytes * 250_000, np.float32)
    target = np.empty_like(source)
    seconds = wall_seconds(lambda: np.copyto(target, source), 5)
    yield Figure(
        part="memory",
        what="copy beyond the caches",
        value=2 * source.nbytes / seconds / 1e9,
        unit="GB/s",
    )
