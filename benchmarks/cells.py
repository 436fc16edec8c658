"""Speed of the cell kernels, one thread: ``python benchmarks/cells.py``.

Prints the time of a first run (compilation included, unless the cache has it), then nanoseconds
per cell, entry or edge, the best of several runs. Aims: 60 ns per cell and base step from the list
in a packed ball; 1.6 ns per edge and 300 ns per cell at 80 nodes and 200 edges; 80 ns for 50 rules.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from stemniche.kernels import (
    interpreter,
    jit,
    lifecycle,
    maths,
    mechanics,
    motility,
    neighbours,
    sensing,
)

REACH, SKIN, SPACING = 1.25, 2.0, 20.0


def best(call: Callable[[], Any], runs: int = 15) -> float:
    """Shortest time, s, after one run to warm up."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def report(what: str, seconds: float, count: float, unit: str) -> None:
    """One line."""
    print(f"{what:<52}{seconds / count * 1e9:9.1f} ns per {unit}")


def packed(count: int, *, flat: bool) -> tuple[np.ndarray, ...]:
    """x, y, z of a disc or ball at rest, sorted by voxel, and the size of its box."""
    dice, step = np.random.default_rng(0), 16.0
    k = int(np.ceil((count if flat else count**0.66) ** 0.5)) + 3
    axis = np.arange(-k, k + 1)
    if flat:
        i, j = np.meshgrid(axis, axis)
        points = np.stack([i + 0.5 * j, j * 0.75**0.5, 0 * j], -1).reshape(-1, 3) * step
    else:
        points = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
        points = points[points.sum(axis=1) % 2 == 0] * (step / 2**0.5)
    points = points[np.argsort((points**2).sum(axis=1), kind="stable")[:count]]
    points = points + dice.normal(0, 0.5, points.shape) * [1, 1, not flat]
    points += 50.0 - points.min(axis=0)
    order = np.lexsort((points // SPACING).T)
    size = points.max(axis=0) + 50.0
    if flat:
        points[:, 2], size[2] = 10.0, 20.0
    return (*(np.ascontiguousarray(c, np.float32) for c in points[order].T), size.astype("f4"))


def motion(count: int, *, flat: bool) -> None:
    """Neighbour list, base steps and contacts of a tissue at rest."""
    x, y, z, size = packed(count, flat=flat)
    radius = np.full(count, 8.41, np.float32)
    coefficients = np.full(count, 10.0, np.float32), np.full(count, 0.4, np.float32)
    still, ones = np.zeros(count, np.float32), np.ones(count, np.uint8)
    name = f"{count} cells, {'disc' if flat else 'ball'}: "

    def build() -> tuple[np.ndarray, np.ndarray]:
        return neighbours.build_list(x, y, z, radius, count, size, REACH, SKIN)

    ptr, idx = build()
    report(f"{name}neighbour list", best(build), count, "cell")

    def tick(steps: float) -> Callable[[], Any]:
        return lambda: mechanics.move_tick(
            x, y, z, radius, *coefficients, still, still, still, ones, ptr, idx, count, 6.0,
            6.0 / steps, size, 0, REACH, SKIN, flat,
        )  # fmt: skip

    for _ in range(5):
        tick(6)()
    twelve, six = best(tick(12)), best(tick(6))
    report(f"{name}base step from list", (twelve - six) / 6, count, "cell")
    report(f"{name}tick of six steps, all in", six / 6, count, "cell and step")
    out, crowding = np.zeros((4, count), np.float32), np.zeros(count, np.float32)
    groups, kind = np.ones((3, 4), np.uint8), (np.arange(count) % 3).astype(np.uint8)
    seconds = best(
        lambda: sensing.count_contacts(
            groups, kind, ones, x, y, z, radius, ptr, idx, count, 1.1, out, crowding
        )
    )
    report(f"{name}contacts in 4 groups", seconds, count, "cell")


def tables(count: int, types: int, targets: int, edges: int, *, rules: bool) -> None:
    """Network or rules with one Hill term per edge."""
    dice, others = np.random.default_rng(1), 40
    signals = dice.random((others + targets, count)).astype(np.float32)
    kind = np.sort(dice.integers(0, types, count))
    drives, terms = types * targets, types * edges
    rows = np.sort(dice.integers(0, targets, (types, edges)), axis=1)
    sizes = np.concatenate([np.bincount(row, minlength=targets) for row in rows])
    where = (
        signals,
        np.ones((types, len(signals)), np.float32),
        np.searchsorted(kind, np.arange(types + 1)).astype(np.int64),
        np.arange(count, dtype=np.int32),
        np.arange(types + 1) * targets,
        np.tile(np.arange(targets, dtype=np.int32), types),
        dice.normal(size=drives).astype(np.float32),
        np.concatenate([[0], np.cumsum(sizes)]),
        dice.normal(size=terms).astype(np.float32),
        np.arange(terms + 1),
        dice.integers(0, len(signals), terms).astype(np.int32),
        dice.uniform(0.1, 1, terms).astype(np.float32),
        dice.uniform(1, 4, terms).astype(np.float32),
        np.zeros(terms, np.uint8),
    )
    if rules:
        bounds = np.full(drives, 1e-6, np.float32), np.full(drives, 10.0, np.float32)
        out = np.zeros((targets, count), np.float32)
        seconds = best(lambda: interpreter.evaluate_behaviours(*where, *bounds, out))
    else:
        shift, tau = np.zeros((types, targets), np.float32), np.full(targets, 60.0, np.float32)
        seconds = best(lambda: interpreter.evaluate_nodes(*where, shift, tau, others, 6.0))
    name = f"{targets} {'behaviours' if rules else 'nodes'}, {edges} edges, {types} types: "
    report(f"{name}all", seconds, count, "cell")
    report(f"{name}share", seconds, count * edges, "edge")


def chances(count: int) -> None:
    """Random numbers, risks, walks, sorting."""
    key = np.arange(1, count + 1, dtype=np.uint64)
    report("uniform numbers", best(lambda: maths.uniform_array(1, 20, key, 3, 0)), count, "number")
    report("normal numbers", best(lambda: maths.normal_array(1, 20, key, 3, 0)), count, "number")
    hazards, fate = np.full((8, count), 1e-4, np.float32), np.zeros(count, np.int8)
    seconds = best(lambda: lifecycle.resolve(hazards, count, 1, key, 3, 6.0, fate))
    report("8 competing risks", seconds, count, "cell")
    rows = [np.full(count, value, np.float32) for value in (1.0, 5.0, 0.5)]
    vectors = [np.zeros(count, np.float32) for _ in range(9)]
    seconds = best(
        lambda: motility.polarise(
            *vectors[:3], key, count, *rows, *vectors[3:6], 1, 2, True, 6.0, *vectors[6:]
        )
    )
    report("persistent walk", seconds, count, "motile cell")
    voxel = np.sort(np.random.default_rng(2).integers(0, count // 3, count)).astype(np.int32)
    seconds = best(lambda: lifecycle.canonical_order(voxel, key[::-1].copy(), count))
    report("canonical order", seconds, count, "cell")
    fields, out = np.ones((30, count // 3 + 1), np.float32), np.ones((30, count), np.float32)
    seconds = best(lambda: sensing.gather(fields, voxel, count, out))
    report("gather 30 substances", seconds, count * 30, "value")


def main() -> None:
    """Run everything."""
    jit.set_threads(1)
    start = time.perf_counter()
    motion(200, flat=True)
    tables(200, 3, 10, 20, rules=False)
    tables(200, 3, 10, 20, rules=True)
    chances(200)
    print(f"\nfirst run of everything, compilation included: {time.perf_counter() - start:.1f} s\n")
    motion(4_000, flat=True)
    motion(100_000, flat=False)
    tables(4_000, 12, 80, 200, rules=False)
    tables(4_000, 12, 15, 50, rules=True)
    chances(100_000)


if __name__ == "__main__":
    main()
