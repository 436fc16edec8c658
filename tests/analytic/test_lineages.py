"""C10 and C13: the stem cell hierarchy and the fate of single clones, in a stirred vessel.

Stem cells divide with rate r, symmetrically with probability p; a committed daughter and its
offspring divide with the same rate, die with rate a, and end after a number of generations. Then
the stem cells grow with mu = p r, and class i of the progenitors, i from 0, stands to them as

    n_0 = (1 - p) r / (mu + r + a),   n_i = 2 r n_{i-1} / (mu + r + a).

The engine's cells need two ticks for S and G2M; `hierarchy` takes the waiting time into account.
"""

from collections.abc import Callable
from math import exp, log

import numpy as np
import pytest
from scipy.optimize import brentq

from stemniche.engine.process import TICK_MIN

from .bare_tissue import PER_DAY, WELL_MIXED, Tissue, bare, rule, waiting

RATE = 20.0 * PER_DAY

Transform = Callable[[float], float]


def growth(p: float, cycle: Transform) -> float:
    """mu, 1/min: a stem cell leaves 1 + p stem cells at the end of its cycle."""
    return float(brentq(lambda mu: (1 + p) * cycle(mu) - 1, 0.0, 1.0, xtol=1e-12))


def hierarchy(p: float, death: float, classes: int, cycle: Transform) -> float:
    """Share of stem cells among stem cells and `classes` classes of progenitors."""
    mu = growth(p, cycle)
    stay, leave = cycle(mu), cycle(mu + death)
    in_class = (1 - leave) / (1 - exp(-(mu + death) * TICK_MIN))
    born = (1 - p) * stay * (1 - exp(-mu * TICK_MIN)) / (1 - stay)
    return 1.0 / (1.0 + sum(born * (2 * leave) ** i * in_class for i in range(classes)))


def vessel(stem: int, p: float, classes: int, death: float = 0.0, seed: int = 1) -> Tissue:
    """Stem cells alone; their offspring leave when their divisions are used up."""
    return bare(
        {
            "CSC": {"cycle_rate": RATE, "symmetric_probability": p},
            "progenitor": {"cycle_rate": RATE, "division_limit": classes, "apoptosis_rate": death},
            "differentiated": {"turnover": 10.0},
        },
        {"tumour": stem},
        seed=seed,
    )


def fraction(tissue: Tissue) -> float:
    stem = tissue.count("CSC")
    return stem / (stem + tissue.count("progenitor"))


def after(tissue: Tissue, ticks: int, last: int = 40) -> float:
    """Mean share of stem cells over the last ticks."""
    tissue.run(ticks - last, WELL_MIXED, stirred=True)
    return float(
        np.mean([fraction(tissue.run(4, WELL_MIXED, stirred=True)) for _ in range(last // 4)])
    )


@pytest.mark.parametrize(
    ("generations", "p", "death", "share"),
    [
        (5, 0.01, 0.0, 0.01659),
        (5, 0.05, 0.0, 0.02094),
        (5, 0.1, 0.0, 0.02768),
        (5, 0.3, 0.0, 0.07542),
        (10, 0.01, 0.0, 5.448e-4),
        (10, 0.05, 0.0, 8.351e-4),
        (10, 0.1, 0.0, 1.393e-3),
        (10, 0.3, 0.0, 8.751e-3),
        (10, 0.01, 0.3, 6.65e-3),
    ],
)
def test_the_hierarchy_without_waiting_times_has_the_tabulated_shares(
    generations: int, p: float, death: float, share: float
) -> None:
    """C10, the table: rates of 1/d, slow against the tick, so that waiting hardly matters."""
    slow = 1e-3 * PER_DAY
    found = hierarchy(p, death * slow, generations + 1, waiting(slow))
    assert found == pytest.approx(share, rel=1e-3)
    assert growth(p, waiting(slow)) == pytest.approx(p * slow, rel=1e-4)


@pytest.mark.parametrize(("p", "ticks"), [(0.3, 120), (0.1, 160)])
def test_stem_cells_alone_rebuild_the_hierarchy(p: float, ticks: int) -> None:
    """C10: with equal rates the shares hold whatever the waiting time; chance makes some 3 %."""
    found = after(vessel(400, p, 6), ticks)
    assert found == pytest.approx(hierarchy(p, 0.0, 6, waiting(RATE)), rel=0.08)
    assert found == pytest.approx({0.3: 0.07542, 0.1: 0.02768}[p], rel=0.1)


def test_stem_cells_grow_with_their_symmetric_divisions_alone() -> None:
    """C10: mu = p r."""
    tissue = vessel(3000, 0.5, 1)
    tissue.run(20, WELL_MIXED, stirred=True)
    first = tissue.count("CSC")
    tissue.run(60, WELL_MIXED, stirred=True)
    found = log(tissue.count("CSC") / first) / (60 * TICK_MIN)
    assert found == pytest.approx(growth(0.5, waiting(RATE)), rel=0.03)


def test_death_of_progenitors_raises_the_share_of_stem_cells() -> None:
    """C10, the growth paradox in its well-mixed form."""
    death = 0.3 * RATE
    found = after(vessel(600, 0.1, 6, death), 120)
    assert found == pytest.approx(hierarchy(0.1, death, 6, waiting(RATE)), rel=0.08)
    assert found > 2.0 * hierarchy(0.1, 0.0, 6, waiting(RATE))


@pytest.mark.slow
@pytest.mark.parametrize(("p", "death", "stem"), [(0.01, 0.0, 80), (0.01, 0.3, 500)])
def test_ten_generations_of_progenitors_follow_the_table(p: float, death: float, stem: int) -> None:
    """C10 with ten generations: one stem cell in 1836, or with death of progenitors in 150."""
    found = after(vessel(stem, p, 11, death * RATE), 360, 120)
    assert found == pytest.approx(hierarchy(p, death * RATE, 11, waiting(RATE)), rel=0.15)


def colony(death: float, seed: int) -> Tissue:
    """Twenty stem cells on a plate; cells whose contact places are taken do not cycle."""
    body = {"repulsion": 10.0, "adhesion": 0.4, "migration_speed": 0.2, "persistence": 15.0}
    mortal, rate = {"apoptosis_rate": death}, RATE / 2
    return bare(
        {
            "all": body | {"apoptosis_duration": 30.0},
            "CSC": {"cycle_rate": rate, "symmetric_probability": 0.1},
            "progenitor": mortal | {"cycle_rate": rate, "division_limit": 6},
            "differentiated": mortal,
        },
        {"tumour": 20},
        seed=seed,
        shape=(1, 80, 80),
        spacing=20.0,
        layout="disc",
        drives=tuple(
            rule(name, "cycle_rate", rate, 1e-4 * rate, ("crowding", 0.8, 20.0))
            for name in ("CSC", "progenitor")
        ),
    )


@pytest.mark.parametrize(
    ("ticks", "grown"),
    [(480, False), pytest.param(2400, True, marks=pytest.mark.slow)],
)
def test_death_first_shrinks_a_colony_and_then_makes_it_larger(ticks: int, grown: bool) -> None:
    """C10 in space, the growth paradox: dying offspring make room for their stem cells."""
    names = ("sensing", "behaviours", "hazards", "fates", "cycle", "motion", "births", "canon")
    ends = [colony(death, seed=1).run(ticks, names) for death in (0.0, 0.1 * RATE)]
    still, dying = ends
    assert dying.count("CSC") > (5 if grown else 1.2) * still.count("CSC")
    assert (dying.state.n > still.state.n) == grown


BIRTH, LOSS, CLONES = 4.2 * PER_DAY, 3.0 * PER_DAY, 1500


def generating(s: np.ndarray, birth: float, loss: float, ticks: int) -> np.ndarray:
    """Generating function of the size of a clone that starts with one cell in G1.

    In a tick a cell is lost, or else goes on: from G1 with its rate, from S, or through division.
    """
    lost, leaves = 1 - exp(-loss * TICK_MIN), 1 - exp(-birth * TICK_MIN)
    g1, s_phase, g2m = s, s, s
    for _ in range(ticks):
        g1, s_phase, g2m = (
            lost + (1 - lost) * (leaves * s_phase + (1 - leaves) * g1),
            lost + (1 - lost) * g2m,
            lost + (1 - lost) * g1**2,
        )
    return g1


def clone_sizes(birth: float, loss: float, ticks: int, most: int = 512) -> np.ndarray:
    """Chance of each size, from the generating function on a circle."""
    circle = np.exp(2j * np.pi * np.arange(most) / most)
    return np.fft.fft(generating(circle, birth, loss, ticks)).real / most


def test_the_clones_of_slow_cells_have_the_known_sizes() -> None:
    """C13: q(t) = d (e - 1) / (b e - d), e = exp((b - d) t), geometric beyond, q = d / b at last.

    Cells that are slow against the tick differ by the order of b times two ticks, 0.3 %.
    """
    b, d, ticks = 0.35 * PER_DAY, 0.25 * PER_DAY, 4000
    e = exp((b - d) * ticks * TICK_MIN)
    chances = clone_sizes(b, d, ticks)
    assert chances[0] == pytest.approx(d * (e - 1) / (b * e - d), rel=6e-3)
    assert chances[5] / chances[4] == pytest.approx(b * (e - 1) / (b * e - d), rel=6e-3)
    assert generating(np.zeros(1), b, d, 40_000)[0] == pytest.approx(0.714, abs=5e-3)


@pytest.fixture(scope="module")
def clones() -> dict[int, np.ndarray]:
    """Stem cells in each clone at some ticks; lost by death and by conversion."""
    tissue = bare(
        {
            "CSC": {
                "cycle_rate": BIRTH,
                "symmetric_probability": 1.0,
                "apoptosis_rate": 0.6 * LOSS,
                "conversion.CSC.differentiated": 0.4 * LOSS,
            },
            "differentiated": {"turnover": 10.0},
        },
        {"tumour": CLONES},
    )
    found = {}
    for _ in range(3):
        tissue.run(160, WELL_MIXED, stirred=True)
        clone = tissue.state.live("clone")[tissue.are("CSC")]
        found[tissue.state.tick] = np.bincount(clone, minlength=CLONES + 1)[1:]
    return found


@pytest.mark.parametrize("ticks", [160, 320, 480])
def test_clones_die_out_and_grow_by_the_chances_of_birth_and_loss(
    clones: dict[int, np.ndarray], ticks: int
) -> None:
    """C13: extinction and sizes, the loss being two competing risks."""
    chances = clone_sizes(BIRTH, LOSS, ticks)
    for m in (0, 1, 3, 6, 12):
        exact = chances[: m + 1].sum()
        chance = np.sqrt(exact * (1 - exact) / CLONES)
        assert (clones[ticks] <= m).mean() == pytest.approx(exact, abs=3.5 * chance)


def test_neutral_clones_keep_their_sum_while_most_die_out() -> None:
    """C13, neutral drift: loss makes up for birth, 1 / (1 + b t) of the clones survive."""
    rate, ticks = 5.0 * PER_DAY, 240
    loss = float(brentq(lambda d: 2 * waiting(rate)(d) - 1, 0.1 * rate, rate))
    tissue = bare(
        {"CSC": {"cycle_rate": rate, "symmetric_probability": 1.0, "apoptosis_rate": loss}},
        {"tumour": CLONES},
    )
    tissue.run(ticks, WELL_MIXED, stirred=True)
    sizes = np.bincount(tissue.state.live("clone")[tissue.are("CSC")], minlength=CLONES + 1)[1:]
    gone = clone_sizes(rate, loss, ticks)[0]
    assert gone == pytest.approx(1 - 1 / (1 + rate * ticks * TICK_MIN), abs=0.02)
    assert (sizes == 0).mean() == pytest.approx(gone, abs=3.5 * np.sqrt(gone * (1 - gone) / CLONES))
    assert sizes.mean() == pytest.approx(1.0, abs=3.5 * sizes.std() / np.sqrt(CLONES))
