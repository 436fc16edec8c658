"""C18: what must not change a tissue: how it is turned, how fine its voxels and ticks are.

That a run without effect of its treatment, with the same seed, or on more threads is the same run
to the bit is tested in `tests/run`.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest

from stemniche.spec.model import Secretion, Uptake

from .bare_tissue import PER_DAY, Tissue, bare, rule, substance

SIDE = 600.0


def tumour(
    seed: int, *, cells: int = 600, pace: float = 1.0, spacing: float = 20.0, **parts: float
) -> Tissue:
    """A disc of dividing, pushing, crawling cells that lives on what comes in from the walls.

    With a `pace` of a half everything happens half as fast, so that a tick is worth half of one.
    The slice is as thick as its voxels: uptake per cell is scaled to the same uptake per area.
    """
    body = {
        "repulsion": 10.0 * pace,
        "adhesion": 0.4 * pace,
        "migration_speed": 0.1 * pace,
        "persistence": 15.0 / pace,
        "s_duration": 120.0 / pace,
        "g2m_duration": 60.0 / pace,
        "apoptosis_duration": 240.0 / pace,
    }
    rate = 1.5 * PER_DAY * pace
    traits = {
        "all": body | parts,
        "CSC": {"symmetric_probability": 0.4},
        "progenitor": {"division_limit": 3, "apoptosis_rate": 0.1 * PER_DAY * pace},
        "differentiated": {"apoptosis_rate": 0.3 * PER_DAY * pace},
    }
    traits["CSC"]["cycle_rate"] = traits["progenitor"]["cycle_rate"] = rate
    oxygen = substance("S", 1e5 * pace, 0.1 * pace, form="gas", unit="mmHg", baseline=40.0)
    uptake = 10.0 * pace * spacing / 20.0
    side = round(SIDE / spacing)
    return bare(
        traits,
        {"tumour": cells},
        seed=seed,
        shape=(1, side, side),
        spacing=spacing,
        layout="disc",
        stem_fraction=0.4,
        walls={"fixed": True},
        parameters={"tumour.progenitor_share": 0.6},
        factors=(oxygen,),
        uptakes=tuple(
            Uptake(row="u", cell=name, factor="S", kind="first_order", rate=uptake, km=0.0)
            for name in ("CSC", "progenitor", "differentiated")
        ),
        drives=tuple(
            rule(name, "cycle_rate", 1e-3 * rate, rate, ("S", 5.0, 2.0))
            for name in ("CSC", "progenitor")
        ),
    )


def size_and_fraction(tissue: Tissue) -> tuple[float, float]:
    """Radius of gyration as that of a disc, um, and the share of stem cells."""
    at = tissue.points()[:2]
    middle = at.mean(axis=1, keepdims=True)
    counts = [tissue.count(name) for name in ("CSC", "progenitor", "differentiated")]
    return sqrt(2 * ((at - middle) ** 2).sum(axis=0).mean()), counts[0] / sum(counts)


def changes(one: Callable[[int], Tissue], two: Callable[[int], Tissue], seeds: int) -> np.ndarray:
    """Relative change of radius and fraction from one to two, and twice its standard error."""
    found = np.array([[size_and_fraction(make(s)) for make in (one, two)] for s in range(seeds)])
    apart = (found[:, 1] - found[:, 0]) / found.mean(axis=(0, 1))
    return np.array([np.abs(apart.mean(axis=0)), 2 * apart.std(axis=0, ddof=1) / sqrt(seeds)])


def test_halving_the_voxel_changes_radius_and_stem_cell_fraction_by_less_than_2_percent() -> None:
    """C18, dx: the same dice, so what differs is what the cells sense."""
    change, _ = changes(
        lambda seed: tumour(seed, spacing=20.0).run(120),
        lambda seed: tumour(seed, spacing=10.0).run(120),
        2,
    )
    assert np.all(change < 0.02)


@pytest.mark.slow
def test_the_voxel_does_not_matter_over_four_days_either() -> None:
    """C18, dx, when the tumour has doubled twice."""
    change, chance = changes(
        lambda seed: tumour(seed, spacing=20.0).run(960),
        lambda seed: tumour(seed, spacing=10.0).run(960),
        6,
    )
    assert np.all(change < 0.02 + chance)


def test_halving_the_tick_changes_radius_and_stem_cell_fraction_by_less_than_2_percent() -> None:
    """C18, dt: everything half as fast for twice as many ticks; other dice, hence chance."""
    change, chance = changes(
        lambda seed: tumour(seed).run(120), lambda seed: tumour(seed, pace=0.5).run(240), 3
    )
    assert np.all(change < 0.02 + chance)
    assert np.all(chance < 0.1)


@pytest.mark.slow
def test_the_tick_does_not_matter_over_two_days_either() -> None:
    """C18, dt, with so many cells and seeds that 2 % can be seen."""
    change, chance = changes(
        lambda seed: tumour(seed, cells=1200).run(480),
        lambda seed: tumour(seed, cells=1200, pace=0.5).run(960),
        16,
    )
    assert np.all(change < 0.02 + chance)
    assert np.all(chance < 0.03)


TURNS: dict[str, tuple[tuple[int, int, int], tuple[bool, bool, bool]]] = {
    "quarter turn": ((1, 0, 2), (True, False, False)),
    "half turn": ((0, 1, 2), (True, True, False)),
    "mirror": ((0, 1, 2), (False, True, False)),
    "top down": ((0, 1, 2), (False, False, True)),
    "corner to corner": ((2, 0, 1), (False, False, False)),
}


def crowd() -> Tissue:
    """A ball that releases a factor, and cells that follow it, none of them on an edge of a voxel.

    A bias of 1 leaves no choice of direction.
    """
    follow = {"chemotaxis.S": 1.0, "migration_bias": 1.0, "migration_speed": 0.5}
    tissue = bare(
        {"all": {"repulsion": 10.0, "adhesion": 0.4, "persistence": 1e-3}, "MSC": follow},
        {"tumour": 150, "MSC": 60},
        shape=(12, 12, 12),
        spacing=20.0,
        layout="ball",
        factors=(substance("S", 2e3, 0.05),),
        secretions=(Secretion(row="s", cell="CSC", factor="S", rate=500.0, node=None),),
        uptakes=(Uptake(row="u", cell="MSC", factor="S", kind="first_order", rate=1.0, km=0.0),),
        tolerance=1e-5,
    )
    dice = np.random.default_rng(3)
    for axis in "xyz":
        tissue.state.live(axis)[:] += dice.uniform(-2.0, 2.0, tissue.state.n)
        np.clip(tissue.state.live(axis), 1.0, 239.0, out=tissue.state.live(axis))
    return tissue


def in_order(tissue: Tissue) -> np.ndarray:
    """Positions in order of the cells' keys."""
    return tissue.points()[:, np.argsort(tissue.state.live("key"))]


@pytest.mark.parametrize("name", TURNS)
def test_a_turned_or_mirrored_box_holds_a_turned_or_mirrored_tissue(name: str) -> None:
    """C18: cells that push, follow what others release and feed; no die is cast in space.

    Sums are made in another order, so positions agree to rounding, not to the bit. Fields are
    solved closely: what the usual tolerance leaves of them has no symmetry.
    """
    order, flipped = TURNS[name]

    def turned(points: np.ndarray) -> np.ndarray:
        return np.stack(
            [240.0 - points[a] if f else points[a] for a, f in zip(order, flipped, strict=True)]
        )

    one, two = crowd(), crowd()
    for axis, values in zip("xyz", turned(two.points()), strict=True):
        two.state.live(axis)[:] = values
    start = in_order(one)
    for tissue in (one, two):
        tissue.run(1, ("canon",)).run(5, ("transport",)).run(20)
    assert np.abs(in_order(one) - start).max() > 5.0
    np.testing.assert_allclose(turned(in_order(one)), in_order(two), atol=5e-3)
    fields = np.sort(one.state["fields"].ravel()), np.sort(two.state["fields"].ravel())
    np.testing.assert_allclose(*fields, rtol=1e-3, atol=1e-5 * fields[0].max())
