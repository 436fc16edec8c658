"""Radiation: closed forms of survival, oxygen, fractions; what happens to cells after a hit."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S
from stemniche.engine.state import ALIVE, G1, G2M, S_PHASE, State
from stemniche.engine.step import advance, begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario
from stemniche.therapy.radiation import enhancement, lethal, poisson

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

ALPHA, BETA = 0.3, 0.03
PLAIN = {
    "parameters": {
        "radiation.alpha": f"{ALPHA} 1/Gy",
        "radiation.beta": f"{BETA} 1/Gy^2",
        "radiation.s_phase": 1,
        "radiation.g2m_phase": 1,
    }
}


def fractions(dose: float, number: int, theta: float) -> float:
    """Lethal lesions of equal fractions between which the share `theta` stays unrepaired."""
    total, unrepaired = 0.0, 0.0
    for _ in range(number):
        total += float(lethal(np.array(dose), np.array(unrepaired), ALPHA, BETA))
        unrepaired = (unrepaired + dose) * theta
    return total


def test_survival_and_effective_dose_of_full_repair() -> None:
    assert np.exp(-fractions(2.0, 1, 0.0)) == pytest.approx(0.48675, abs=1e-5)
    assert np.exp(-fractions(2.0, 30, 0.0)) == pytest.approx(4.1614e-10, rel=1e-4)
    assert fractions(2.0, 30, 0.0) / ALPHA == pytest.approx(72.0)


def test_two_fractions_with_incomplete_repair() -> None:
    """2 alpha d + 2 beta d^2 (1 + theta); without repair between them as one dose of 2 d."""
    d, theta = 2.0, np.exp(-0.46 * 3.0)
    wanted = 2 * ALPHA * d + 2 * BETA * d**2 * (1 + theta)
    assert fractions(d, 2, float(theta)) == pytest.approx(wanted)
    assert fractions(d, 2, 1.0) == pytest.approx(fractions(2 * d, 1, 0.0))


def test_oxygen_enhances_as_alper_and_howard_flanders_say() -> None:
    levels = np.array([0.0, 1.0, 3.0, 5.0, 10.0, 38.0, 100.0])
    wanted = [1.0, 1.5, 2.0, 2.25, 2.538, 2.854, 2.942]
    np.testing.assert_allclose(enhancement(levels, 3.0, 3.0), wanted, atol=5e-4)


@pytest.mark.parametrize("mean", [0.01, 0.72, 5.0, 60.0])
def test_lesions_are_poisson(mean: float) -> None:
    draw = (np.arange(200_000) + 0.5) / 200_000
    count = poisson(np.full(draw.size, mean), draw)
    assert (count == 0).mean() == pytest.approx(np.exp(-mean), abs=1e-5)
    assert count.mean() == pytest.approx(mean, rel=2e-3)
    assert count.var() == pytest.approx(mean, rel=5e-3)


@pytest.fixture
def hit(walk: Walk, small: Make) -> Callable[..., tuple[Plan, State]]:
    """A tissue that is irradiated from now on, at rest and full of oxygen."""

    def make(dose: str = "2 Gy", **more: str | int) -> tuple[Plan, State]:
        item = {"radiation": dose, "from": "1 h", **more}
        plan, s = walk(small(PLAIN, item), 10, prepared=0)
        s.live("phase")[:] = G1
        s.live("behaviours")[plan.behaviours["radiosensitivity"]] = 1.0
        s["fields"][plan.factors["oxygen"]] = 1e9
        return plan, s

    return make


def run(plan: Plan, s: State, k: Backend, ticks: int, *names: str) -> None:
    for _ in range(ticks):
        for process in plan.processes:
            if process.name in names:
                process.run(s, moment(s), k)
        s.tick += 1


def lesions_of(s: State) -> np.ndarray:
    """Expected lethal lesions of each cell so far, from the damage, which nothing repairs here."""
    return s.live("damage").astype(float) * np.log(2.0)


def test_damage_one_would_kill_half(hit: Callable[..., tuple[Plan, State]], k: Backend) -> None:
    plan, s = hit()
    run(plan, s, k, 1, "radiation")
    np.testing.assert_allclose(lesions_of(s), ALPHA * 2 + BETA * 4, rtol=1e-5)
    share = (s.live("lesions") == 0).mean()
    assert share == pytest.approx(0.48675, abs=4.0 * 0.5 / np.sqrt(s.n))


def test_every_cell_feels_its_own_oxygen(
    hit: Callable[..., tuple[Plan, State]], k: Backend
) -> None:
    plan, s = hit("6 Gy")
    field = s["fields"][plan.factors["oxygen"]].ravel()
    field[:] = np.geomspace(0.01, 200.0, field.size)
    run(plan, s, k, 1, "radiation")
    felt = 6.0 * enhancement(field[s.live("voxel")], 3.0, 3.0) / 3.0
    np.testing.assert_allclose(lesions_of(s), ALPHA * felt + BETA * felt**2, rtol=1e-4)


def test_phases_and_signals_scale_the_lesions(
    hit: Callable[..., tuple[Plan, State]], walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small({}, {"radiation": "2 Gy", "from": "1 h"}), 10, prepared=0)
    s.live("phase")[:] = np.arange(s.n) % 4
    s["fields"][plan.factors["oxygen"]] = 1e9
    s.live("behaviours")[plan.behaviours["radiosensitivity"]] = np.arange(s.n) % 3
    run(plan, s, k, 1, "radiation")
    by_phase = {S_PHASE: plan.parameter("radiation.s_phase")}
    by_phase[G2M] = plan.parameter("radiation.g2m_phase")
    fold = np.array([by_phase.get(p, 1.0) for p in s.live("phase")]) * (np.arange(s.n) % 3)
    one = plan.parameter("radiation.alpha") * 2 + plan.parameter("radiation.beta") * 4
    np.testing.assert_allclose(lesions_of(s), fold * one, rtol=1e-4)


def test_fractions_of_the_engine_follow_incomplete_repair(
    hit: Callable[..., tuple[Plan, State]], k: Backend
) -> None:
    plan, s = hit("2 Gy", every="3 h", doses=2)
    rate = 0.002
    s.live("behaviours")[plan.behaviours["damage_repair"]] = rate
    run(plan, s, k, 60, "radiation")
    gap = 3 * 3600 // TICK_S
    theta = np.exp(-plan.parameter("radiation.repair_fold") * rate * gap * TICK_MIN)
    wanted = fractions(2.0, 2, float(theta))
    np.testing.assert_allclose(lesions_of(s), wanted, rtol=1e-4)


def test_fractions_fall_on_working_days(hit: Callable[..., tuple[Plan, State]], k: Backend) -> None:
    """Of 2 h on, 2 h off, hourly fractions: six given in hours 0, 1, 4, 5, 8, 9."""
    plan, s = hit("1 Gy", every="1 h", doses=6, cycle=["2 h", "2 h"])  # type: ignore[arg-type]
    s.live("behaviours")[plan.behaviours["damage_repair"]] = 1.0
    times, before = [], 0.0
    for tick in range(200):
        run(plan, s, k, 1, "radiation")
        now = float(s.live("damage").sum())
        if now > before:
            times.append(tick // 10)
        before = now
    assert times == [0, 1, 4, 5, 8, 9]


def test_open_breaks_hold_cells_in_g2(hit: Callable[..., tuple[Plan, State]], k: Backend) -> None:
    plan, s = hit("8 Gy")
    s.live("phase")[:] = np.where(np.arange(s.n) % 2, G2M, S_PHASE)
    s.live("clock")[:] = 100.0
    rate = 0.0007
    s.live("behaviours")[plan.behaviours["damage_repair"]] = rate
    run(plan, s, k, 200, "radiation")
    fold = plan.parameter("radiation.repair_fold")
    wait = np.log(8.0 / plan.parameter("radiation.checkpoint")) / (fold * rate)
    held = s.live("clock") - 100.0
    assert not held[s.live("phase") == S_PHASE].any()
    alive = (s.live("phase") == G2M) & (s.live("state") == ALIVE)
    np.testing.assert_allclose(held[alive], wait, atol=TICK_MIN)


def test_doomed_cells_divide_a_few_times_and_no_more(walk: Walk, hasty: Make) -> None:
    """Twelve hours in which cells would divide many times; all of them have lesions."""
    numbers = {"radiation.checkpoint": "100 Gy", "radiation.mitotic_death": 0.02}
    numbers |= {"radiation.abortive_divisions": 3, "cell.delayed_death": "0 1/d"}
    made = hasty({"tumour.csc_fraction": 1.0}, {"radiation": "40 Gy", "from": "1 h"})
    plan, s = walk(made.change({"parameters": numbers}), 10, prepared=0)
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    clones = np.bincount(s.live("clone")[tumour], minlength=1000)
    for _ in range(140):
        advance(plan, s, Backend())
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    assert (s.live("lesions")[tumour] > 0).all()
    assert s.live("abortive").max() == 3
    after = np.bincount(s.live("clone")[tumour], minlength=1000)
    grown = after[: clones.size] > clones
    assert grown.any()
    assert (after[: clones.size] <= 2**3 * clones).all()
    assert s.live("failed").any()


def test_lethal_cells_die_slowly_outside_mitosis(
    hit: Callable[..., tuple[Plan, State]], k: Backend
) -> None:
    plan, s = hit("40 Gy")
    s.live("hazards")[:] = 0.0
    run(plan, s, k, 1, "radiation")
    found = s.live("hazards")[plan.hazards["radiation_death"]]
    np.testing.assert_allclose(found, plan.trait("delayed_death")[s.live("type")], rtol=1e-5)


def test_a_hit_on_the_walls_takes_vessels_away(walk: Walk, small: Make) -> None:
    """Endothelium with lethal lesions dies, and what it lined carries no more blood."""
    found = []
    for dose in (0, 30):
        quick = {"parameters": {"cell.delayed_death": "12 1/d"}, "tissue.vessels": "400 /mm^2"}
        plan, s = walk(small(quick, f"radiation {dose} Gy"), 80, prepared=0)
        walls = (s.live("type") == plan.types["EC"]) & (s.live("state") == ALIVE)
        found.append((int(walls.sum()), float(s["perfusion"].sum())))
    assert found[1][0] < 0.4 * found[0][0]
    assert found[1][1] < 0.6 * found[0][1]


def test_a_fraction_of_nothing_leaves_every_cell_as_it_was(walk: Walk, small: Make) -> None:
    """The arms of an experiment share their random numbers whatever else is given."""
    _, with_it = walk(small({}, {"radiation": "0 Gy", "every": "1 h"}), 60, prepared=0)
    _, without = walk(small({}), 60, prepared=0)
    assert with_it.n == without.n
    for name in without.of_kind("cell"):
        np.testing.assert_array_equal(with_it.live(name), without.live(name), err_msg=name)


def test_higher_doses_hit_the_same_cells_harder(walk: Walk, small: Make) -> None:
    found = []
    for dose in ("2 Gy", "6 Gy"):
        _, s = walk(small({}, {"radiation": dose, "from": "1 h"}), 11, prepared=0)
        order = np.argsort(s.live("key"))
        found.append(s.live("lesions")[order].astype(int))
    assert (found[1] >= found[0]).all()
    assert found[1].sum() > 2 * found[0].sum() > 0


def test_a_resumed_course_has_the_same_bits(small: Make, k: Backend) -> None:
    plan = assemble(small({}, {"radiation": "3 Gy", "every": "2 h"}), 5).plan
    s = begin(plan, k)
    s["day0"][0] = 0
    for _ in range(30):
        advance(plan, s, k)
    again = begin(plan, k)
    again.restore(s.snapshot(), s.n, s.tick)
    for state in (s, again):
        for _ in range(30):
            advance(plan, state, k)
    assert s.live("lesions").any()
    for name, array in s.snapshot().items():
        np.testing.assert_array_equal(array, again.snapshot()[name], err_msg=name)
