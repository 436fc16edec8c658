"""C8 in the engine: cells of a tissue walk, ticks and all processes included.

`test_motility` holds the kernel to the same formulas.
"""

import numpy as np
import pytest

from stemniche.engine.process import TICK_MIN

from .bare_tissue import Tissue, bare

CELLS = 4000
FLAT, DEEP = (1, 40, 40), (40, 40, 40)


def walkers(shape: tuple[int, int, int], **traits: float) -> Tissue:
    """Cells that do not push, far from the walls."""
    tissue = bare({"MSC": traits}, {"MSC": CELLS}, shape=shape, spacing=200.0)
    for axis, size in zip("xyz", shape[::-1], strict=True):
        if size > 1:
            at = tissue.state.live(axis)
            at[:] = 0.5 * at + 0.25 * size * 200.0
    return tissue.run(1, ("canon",))


def paths(tissue: Tissue, parts: int, ticks: int) -> np.ndarray:
    """Displacements of the cells, in order of their keys, [parts, 3, cells]."""

    def at() -> np.ndarray:
        return tissue.points()[:, np.argsort(tissue.state.live("key"))]

    start = at()
    return np.array([at() - start for _ in range(parts) if tissue.run(ticks) is tissue])


@pytest.mark.parametrize(("shape", "dimensions"), [(FLAT, 2), (DEEP, 3)])
def test_cells_of_a_tissue_spread_as_a_persistent_walk(
    shape: tuple[int, int, int], dimensions: int
) -> None:
    """C8: MSD = 2 S^2 P (t - P (1 - exp(-t / P))), so D = S^2 P / d."""
    speed, persistence = 1.0, 10.0
    tissue = walkers(shape, migration_speed=speed, persistence=persistence)
    tissue.run(1)  # the first tick chooses directions
    found = (paths(tissue, 6, 5) ** 2).sum(axis=1).mean(axis=1)
    t = 5 * TICK_MIN * np.arange(1, 7)
    exact = 2 * speed**2 * persistence * (t - persistence * (1 - np.exp(-t / persistence)))
    np.testing.assert_allclose(found, exact, rtol=0.06)
    late = (found[-1] - found[2]) / (t[-1] - t[2]) / (2 * dimensions)
    assert late == pytest.approx(speed**2 * persistence / dimensions, rel=0.1)


@pytest.mark.parametrize("bias", [0.5, 0.9, 1.0])
def test_a_gradient_carries_cells_with_their_bias(bias: float) -> None:
    """C8: the drift is S times the mean cosine; with a bias of 1 it is the whole speed."""
    tissue = walkers(
        FLAT, migration_speed=1.0, persistence=5.0, migration_bias=bias, **{"chemotaxis.S": 1.0}
    )
    names = ("behaviours", "motion", "canon")
    tissue.state["fields"][0] = 1.0 + np.arange(40)
    start = tissue.points().mean(axis=1)
    tissue.run(5, names)
    first = tissue.points().mean(axis=1)
    tissue.run(30, names)
    drift = (tissue.points().mean(axis=1) - first) / (30 * TICK_MIN)
    angle = 2 * np.pi * (np.arange(2000) + 0.5) / 2000
    along, across = bias + (1 - bias) * np.cos(angle), (1 - bias) * np.sin(angle)
    assert drift[0] == pytest.approx((along / np.hypot(along, across)).mean(), abs=0.01)
    assert abs(drift[1]) < 0.01
    assert first[0] > start[0]
