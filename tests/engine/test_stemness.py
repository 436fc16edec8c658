"""Stemness is a noisy state drawn by the network; labels follow it with hysteresis."""

from collections.abc import Callable
from math import exp

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.process import SENSE_S
from stemniche.engine.state import APOPTOTIC, State
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

STILL = {"parameters": {"tumour.stemness_noise": 1e-5}, "tumour.cells": 400}


@pytest.fixture
def tumour(walk: Walk, small: Make) -> tuple[Plan, State]:
    """Placed cells, all of the lineage, without noise."""
    plan, state = walk(small(STILL | {"tissue": {"macrophage": 4}}))
    return plan, state


def stepped(plan: Plan, state: State, k: Backend, drive: float, ticks: int = 1) -> None:
    state.live("signals")[plan.signals["stemness"]] = drive
    process = next(p for p in plan.processes if p.name == "stemness")
    for _ in range(ticks):
        process.run(state, moment(state), k)
        state.tick += 1


def test_stemness_relaxes_to_its_drive(tumour: tuple[Plan, State], k: Backend) -> None:
    plan, state = tumour
    kind = state.live("type").copy()
    before = state.live("stemness").copy()
    stepped(plan, state, k, 0.5, 50)
    kept = exp(-50 * SENSE_S / 60.0 / plan.trait("stemness_tau")[plan.types["CSC"]])
    mine = plan.mask(["tumour"])[kind] == 1
    wanted = 0.5 + (before[mine] - 0.5) * kept
    np.testing.assert_allclose(state.live("stemness")[mine], wanted, atol=1e-3)


def test_host_cells_and_the_dead_keep_theirs(tumour: tuple[Plan, State], k: Backend) -> None:
    plan, state = tumour
    state.live("state")[::2] = APOPTOTIC
    before = state.live("stemness").copy()
    still = (plan.mask(["tumour"])[state.live("type")] == 0) | (state.live("state") == APOPTOTIC)
    stepped(plan, state, k, 0.9, 20)
    np.testing.assert_array_equal(state.live("stemness")[still], before[still])


def test_the_noise_has_its_stationary_spread(walk: Walk, small: Make, k: Backend) -> None:
    changes = {
        "parameters": {"tumour.stemness_noise": 0.08, "cell.stemness_tau": "60 min"},
        "tumour.cells": 400,
    }
    plan, state = walk(small(changes))
    mine = plan.mask(["tumour"])[state.live("type")] == 1
    seen = []
    for _ in range(10):
        stepped(plan, state, k, 0.5, 40)
        seen.append(state.live("stemness")[mine].copy())
    values = np.concatenate(seen)
    assert values.std() == pytest.approx(0.08, rel=0.05)
    assert values.mean() == pytest.approx(0.5, abs=0.005)


def test_the_chances_of_a_new_label_add_up_to_the_mean_count(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Many cells just below `high` or above `low`: counts scatter about what was expected."""
    plan, state = walk(small({"parameters": {"tumour.stemness_noise": 0.1}, "tumour.cells": 400}))
    stem, transit = plan.types["CSC"], plan.types["progenitor"]
    mine = np.flatnonzero(plan.mask(["tumour"])[state.live("type")] == 1)
    up, down = mine[::2], mine[1::2]
    for name in ("converted", "expected_converted"):
        state[name][:] = 0.0
    for _ in range(50):
        state["type"][up], state["stemness"][up] = transit, plan.parameter("stemness.high") - 0.01
        state["type"][down], state["stemness"][down] = stem, plan.parameter("stemness.low") + 0.01
        stepped(plan, state, k, 0.5)
    for way in ((transit, stem), (stem, transit)):
        counted, expected = state["converted"][way], state["expected_converted"][way]
        assert expected > 200.0
        assert counted == pytest.approx(expected, abs=5.0 * np.sqrt(expected))


def test_labels_turn_up_at_high_and_down_at_low(tumour: tuple[Plan, State], k: Backend) -> None:
    plan, state = tumour
    high, low = plan.parameter("stemness.high"), plan.parameter("stemness.low")
    stem, transit, end = (plan.types[n] for n in ("CSC", "progenitor", "differentiated"))
    mine = np.flatnonzero(plan.mask(["tumour"])[state.live("type")] == 1)
    levels = np.resize([low - 0.02, 0.5 * (low + high), high + 0.02], len(mine))
    was = np.resize([stem] * 3 + [transit] * 3 + [end] * 3, len(mine))
    state["type"][mine], state["stemness"][mine] = was, levels
    state["left"][mine] = 0
    state.live("signals")[plan.signals["stemness"]] = state.live("stemness")
    next(p for p in plan.processes if p.name == "stemness").run(state, moment(state), k)
    now = state["type"][mine]
    assert set(now[levels > high]) == {stem}
    between = (levels > low) & (levels < high)
    np.testing.assert_array_equal(now[between], was[between])
    fell = (levels < low) & (was == stem)
    assert set(now[fell]) == {transit}
    np.testing.assert_array_equal(now[(levels < low) & ~fell], was[(levels < low) & ~fell])
    limit = plan.trait("division_limit")[transit]
    assert set(state["left"][mine][fell]) == {int(limit)}


def test_daughters_keep_the_share_of_stemness_that_is_inherited(
    tumour: tuple[Plan, State], k: Backend
) -> None:
    plan, state = tumour
    stem = np.flatnonzero(state.live("type") == plan.types["CSC"])
    state["stemness"][stem] = 0.9
    state.live("signals")[plan.signals["stemness"]] = 0.4
    state.live("behaviours")[plan.behaviours["symmetric_probability"]] = 1.0
    state["dividing"][stem] = 1
    first = state.n
    next(p for p in plan.processes if p.name == "births").run(state, moment(state), k)
    both = [*stem, *range(first, state.n)]
    wanted = 0.4 + plan.parameter("stemness.inheritance") * 0.5
    np.testing.assert_allclose(state["stemness"][both], wanted, rtol=1e-5)
    assert set(state["type"][both]) == {plan.types["CSC"]}


def test_an_asymmetric_division_gives_one_stem_cell_and_one_progenitor(
    tumour: tuple[Plan, State], k: Backend
) -> None:
    plan, state = tumour
    stem = np.flatnonzero(state.live("type") == plan.types["CSC"])
    state.live("behaviours")[plan.behaviours["symmetric_probability"]] = 0.0
    state["dividing"][stem] = 1
    first = state.n
    next(p for p in plan.processes if p.name == "births").run(state, moment(state), k)
    daughters = np.arange(first, state.n)
    assert len(daughters) == len(stem) > 0
    assert set(state["type"][stem]) == {plan.types["CSC"]}
    assert set(state["type"][daughters]) == {plan.types["progenitor"]}
    reset = np.float32(plan.parameter("stemness.reset"))
    assert set(state["stemness"][daughters]) == {reset}
    assert state["flux"].sum() == 0.0


def test_symmetric_divisions_come_with_their_probability(
    tumour: tuple[Plan, State], k: Backend
) -> None:
    plan, state = tumour
    mine = np.flatnonzero(plan.mask(["tumour"])[state.live("type")] == 1)
    state["type"][mine] = plan.types["CSC"]
    state.live("behaviours")[plan.behaviours["symmetric_probability"]] = 0.3
    births = next(p for p in plan.processes if p.name == "births")
    for _ in range(5):
        state["dividing"][mine] = 1
        births.run(state, moment(state), k)
        state.tick += 1
    symmetric, asymmetric, _ = state["divisions_done"]
    count = 5 * len(mine)
    assert symmetric + asymmetric == count
    assert symmetric == pytest.approx(0.3 * count, abs=5.0 * np.sqrt(count * 0.3 * 0.7))
