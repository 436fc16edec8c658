"""What the drug does to cells: it enters, holds and kills in mitosis, damages, and leaves."""

from collections.abc import Callable
from math import exp

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN
from stemniche.engine.state import ALIVE, APOPTOTIC, G0, G1, G2M, NECROTIC, S_PHASE, Array, State
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

DRUG = {"drug": "paclitaxel", "dose": "150 mg"}
INSIDE = "drug_in.paclitaxel"


@pytest.fixture
def treated(walk: Walk, small: Make) -> tuple[Plan, State]:
    plan, state = walk(small({"tumour.cells": 300}, DRUG))
    state.live("behaviours")[plan.behaviours["drug_sensitivity"]] = 1.0
    return plan, state


def run(plan: Plan, state: State, k: Backend, *names: str) -> None:
    for process in plan.processes:
        if process.name in names:
            process.run(state, moment(state), k)


def values(plan: Plan) -> dict[str, float]:
    drug = plan.model.drugs[0]
    return drug.values | {"potency": drug.targets[0].potency, "hill": drug.targets[0].hill}


def around(plan: Plan, state: State, level: float | Array) -> None:
    """Put a level of drug around the cells, each of which gets a voxel of its own."""
    state.live("voxel")[:] = np.arange(state.n)
    field = state["fields"][plan.factors["paclitaxel"]].reshape(-1)
    field[: state.n] = level


def in_every_phase(state: State) -> Array:
    """Cells of every phase in turn, at a drug level that is half of the effect."""
    state.live("phase")[:] = np.arange(state.n) % 4
    return state.live("phase")


def soaked(plan: Plan, state: State) -> None:
    """Drug inside at half effect, and as much outside as keeps it so."""
    v = values(plan)
    state.live(INSIDE)[:] = v["accumulation"] * v["potency"]
    around(plan, state, v["potency"])


def test_only_cells_in_g2m_are_killed(treated: tuple[Plan, State], k: Backend) -> None:
    plan, state = treated
    phase = in_every_phase(state)
    soaked(plan, state)
    run(plan, state, k, "action.paclitaxel")
    hazard = state.live("hazards")[plan.hazards["drug_death"]]
    assert not hazard[phase != G2M].any()
    wanted = 0.5 * values(plan)["kill"] * state.live("sensitivity")[phase == G2M]
    np.testing.assert_allclose(hazard[phase == G2M], wanted, rtol=1e-4)


def test_resting_cells_escape_wholly(treated: tuple[Plan, State], k: Backend) -> None:
    plan, state = treated
    state.live("phase")[:] = G0
    soaked(plan, state)
    clock = state.live("clock").copy()
    run(plan, state, k, "action.paclitaxel")
    assert not state.live("hazards")[plan.hazards["drug_death"]].any()
    assert not state.live("damage").any()
    np.testing.assert_array_equal(state.live("clock"), clock)


def test_cells_are_held_in_g2m(treated: tuple[Plan, State], k: Backend) -> None:
    plan, state = treated
    phase = in_every_phase(state)
    state.live("clock")[:] = 100.0
    soaked(plan, state)
    run(plan, state, k, "action.paclitaxel")
    np.testing.assert_allclose(state.live("clock")[phase == G2M], 100.0 + 0.5 * TICK_MIN, rtol=1e-5)
    assert set(state.live("clock")[phase != G2M]) == {100.0}


def test_the_effect_is_a_hill_curve_of_the_drug_inside(
    treated: tuple[Plan, State], k: Backend
) -> None:
    plan, state = treated
    v = values(plan)
    state.live("phase")[:] = G2M
    levels = v["potency"] * np.geomspace(0.01, 100.0, state.n)
    state.live(INSIDE)[:] = v["accumulation"] * levels
    around(plan, state, levels)
    state.live("sensitivity")[:] = 1.0
    run(plan, state, k, "action.paclitaxel")
    ratio = (levels / v["potency"]) ** v["hill"]
    found = state.live("hazards")[plan.hazards["drug_death"]]
    np.testing.assert_allclose(found, v["kill"] * ratio / (1.0 + ratio), rtol=1e-3)


def test_damage_rises_in_sensitive_phases_and_is_repaired(
    treated: tuple[Plan, State], k: Backend
) -> None:
    plan, state = treated
    phase = in_every_phase(state)
    soaked(plan, state)
    state.live("behaviours")[plan.behaviours["damage_repair"]] = 0.002
    run(plan, state, k, "action.paclitaxel")
    damage = state.live("damage").copy()
    wanted = 0.5 * values(plan)["damage"] * TICK_MIN * state.live("sensitivity")
    np.testing.assert_allclose(damage[phase == G2M], wanted[phase == G2M], rtol=1e-4)
    assert not damage[phase != G2M].any()
    for _ in range(50):
        run(plan, state, k, "repair")
    np.testing.assert_allclose(
        state.live("damage"), damage * exp(-0.002 * 50 * TICK_MIN), rtol=1e-4
    )


def test_the_dead_are_neither_killed_nor_damaged(treated: tuple[Plan, State], k: Backend) -> None:
    plan, state = treated
    state.live("phase")[:] = G2M
    state.live("state")[:] = np.resize([APOPTOTIC, NECROTIC], state.n)
    soaked(plan, state)
    run(plan, state, k, "action.paclitaxel")
    assert not state.live("hazards")[plan.hazards["drug_death"]].any()
    assert not state.live("damage").any()


def test_drug_enters_towards_its_balance(treated: tuple[Plan, State], k: Backend) -> None:
    """dC_in/dt = u (a C_out - C_in) - e C_in, from its closed solution."""
    plan, state = treated
    v, uptake = values(plan), plan.trait("drug_uptake")[0]
    efflux = 0.01
    state.live("behaviours")[plan.behaviours["drug_efflux"]] = efflux
    around(plan, state, 3.0)
    for _ in range(20):
        run(plan, state, k, "action.paclitaxel")
    balance = v["accumulation"] * uptake * 3.0 / (uptake + efflux)
    wanted = balance * (1.0 - exp(-(uptake + efflux) * 20 * TICK_MIN))
    np.testing.assert_allclose(state.live(INSIDE), wanted, rtol=1e-4)


def test_efflux_keeps_drug_out(treated: tuple[Plan, State], k: Backend) -> None:
    plan, state = treated
    efflux = state.live("behaviours")[plan.behaviours["drug_efflux"]]
    efflux[:] = np.where(np.arange(state.n) % 2, 0.1, 0.0)
    around(plan, state, 3.0)
    for _ in range(200):
        run(plan, state, k, "action.paclitaxel")
    inside = state.live(INSIDE)
    uptake = float(plan.trait("drug_uptake")[0])
    share = uptake / (uptake + 0.1)
    np.testing.assert_allclose(inside[1::2], share * inside[0], rtol=1e-3)


def test_drug_is_neither_made_nor_lost_by_cells(walk: Walk, small: Make, k: Backend) -> None:
    """In a closed box without loss, what left the tissue is in the cells, and comes back."""
    changes = {
        "walls.factors": "no_flux",
        "walls.cells": "closed",
        "tissue.vessels": 0,
        "parameters": {"paclitaxel.half_life": "1e9 min"},
    }
    plan, state = walk(small(changes, DRUG))
    drug = plan.factors["paclitaxel"]
    state["fields"][drug] = 20.0

    def amount() -> tuple[float, float]:
        volume = 4.0 / 3.0 * np.pi * state.live("radius").astype(float) ** 3
        outside = float(state["fields"][drug].sum(dtype=float)) * plan.grid.voxel_volume
        return outside, float((state.live(INSIDE) * volume).sum())

    first = sum(amount())
    names = ("release.paclitaxel", "transport", "action.paclitaxel")
    for _ in range(120):
        run(plan, state, k, *names)
        state.tick += 1
    outside, inside = amount()
    assert inside > 0.3 * first
    assert outside + inside == pytest.approx(first, rel=0.01)
    state["fields"][drug] = 0.0
    before = inside
    for _ in range(10):
        run(plan, state, k, *names)
        state.tick += 1
    outside, inside = amount()
    assert outside > 0.0
    assert outside + inside == pytest.approx(before, rel=0.02)


def test_in_a_medium_the_drug_comes_from_the_walls(walk: Walk, small: Make, k: Backend) -> None:
    culture = {"environment.boundary": "medium", "tissue": {"vessels": 0}}
    plan, state = walk(small(culture, DRUG))
    for _ in range(20):
        advance(plan, state, k)
    drug = plan.factors["paclitaxel"]
    field = state["fields"][drug, 0]
    assert field[0].min() > 0.7 * state["blood"][drug] > 0.0
    tumour = plan.mask(["tumour"])[state.live("type")] == 1
    assert state.live(INSIDE)[tumour].min() > 0.0


def test_the_tissue_beyond_the_walls_has_what_its_vessels_bring(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Under a constant plasma level: exchange / (exchange + loss) of it, a little later."""
    plan, state = walk(small({}, DRUG | {"over": "3 d", "dose": "900 mg"}))
    drug = plan.factors["paclitaxel"]
    for _ in range(700):
        run(plan, state, k, "dosing.paclitaxel")
        state.tick += 1
    share = state["vessels_at_start"][0] / plan.grid.voxels
    exchange, loss = plan.exchange["paclitaxel"] * share, np.log(2.0) / values(plan)["half_life"]
    wanted = state["blood"][drug] * exchange / (exchange + loss)
    assert state["far_level"][drug] == pytest.approx(wanted, rel=0.02)
    assert 0.0 < wanted < state["blood"][drug]


def test_without_the_drug_there_is_none_of_it(walk: Walk, small: Make) -> None:
    plan, state = walk(small(), 3)
    assert INSIDE not in state.arrays
    assert "drug_death" not in plan.hazards
    assert not any("paclitaxel" in p.name for p in plan.processes)
    assert not state.live("damage").any()


def test_a_dose_of_nothing_changes_no_cell(walk: Walk, hasty: Make, k: Backend) -> None:
    ends = []
    for therapy in ((), (DRUG | {"dose": "0 mg"},)):
        plan, state = walk(hasty({}, *therapy))
        for _ in range(40):
            advance(plan, state, k)
        ends.append((plan, state))
    (_, plain), (_, nothing) = ends
    assert not nothing.live(INSIDE).any()
    assert plain.n == nothing.n
    for name, variable in plain.variables.items():
        if variable.kind == "cell":
            assert np.array_equal(plain.live(name), nothing.live(name)), name


def test_a_high_dose_kills_dividing_cells(walk: Walk, hasty: Make, k: Backend) -> None:
    """From plasma to death: every link of the chain is there."""
    plan, state = walk(hasty({"tissue.vessels": "400 /mm^2"}, DRUG | {"dose": "1000 mg"}))
    for _ in range(60):
        advance(plan, state, k)
    assert state["deaths"][plan.hazards["drug_death"]].sum() > 0
    tumour = plan.mask(["tumour"])[state.live("type")] == 1
    assert state.live("damage")[tumour].max() > 0.0
    assert (state.live("state")[tumour] == ALIVE).any()
    assert {G1, S_PHASE} & set(state.live("phase").tolist())
