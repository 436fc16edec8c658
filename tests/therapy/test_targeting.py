"""What drugs hold, and what cells, vessels and marrow still get of it."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.occupancy import Held, holders, left
from stemniche.engine.plan import Plan
from stemniche.engine.process import SENSE_S
from stemniche.engine.state import State
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]


def run(plan: Plan, state: State, k: Backend, *names: str) -> None:
    for process in plan.processes:
        if process.name in names:
            process.run(state, moment(state), k)


def soak(plan: Plan, state: State, drug: str, level: float) -> None:
    state["fields"][plan.factors[drug]] = level


def test_an_antagonist_competes_with_its_ligand(walk: Walk, small: Make, k: Backend) -> None:
    """Gaddum's equation: x / (1 + x + L / K)."""
    plan, state = walk(small({}, "drug plerixafor"))
    target = plan.model.drugs[0].targets[0]
    ligand, half = next((n, h) for n, h in target.ligands.items() if n == "CXCL12")
    state["fields"][plan.factors[ligand]] = 3.0 * half
    others = sum(
        state["fields"][plan.factors[n]].ravel() / h
        for n, h in target.ligands.items()
        if n != ligand
    )
    for fold in (0.1, 1.0, 10.0):
        soak(plan, state, "plerixafor", fold * target.potency)
        run(plan, state, k, "targeting")
        np.testing.assert_allclose(state["occupancy"][0], fold / (4.0 + fold + others), rtol=1e-5)


def test_an_inhibitor_is_not_outrun_by_the_ligand(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small({}, "drug galunisertib"))
    soak(plan, state, "galunisertib", plan.model.drugs[0].targets[0].potency)
    for level in (0.0, 100.0):
        state["fields"][plan.factors["TGFB1"]] = level
        run(plan, state, k, "targeting")
        np.testing.assert_allclose(state["occupancy"][0], 0.5, rtol=1e-6)


def test_what_leaves_its_target_slowly_outlasts_its_level(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Half of what was held is left after one residence; a new dose takes hold at once."""
    plan, state = walk(small({}, "drug osimertinib"))
    (target,) = plan.model.drugs[0].targets
    assert target.residence == 20.0 * 60.0
    soak(plan, state, "osimertinib", 4.0 * target.potency)
    run(plan, state, k, "targeting")
    np.testing.assert_allclose(state["occupancy"][0], 0.8, rtol=1e-6)
    soak(plan, state, "osimertinib", 0.0)
    for _ in range(int(target.residence * 60 / SENSE_S)):
        run(plan, state, k, "targeting")
    np.testing.assert_allclose(state["occupancy"][0], 0.4, rtol=1e-5)
    soak(plan, state, "osimertinib", target.potency)
    run(plan, state, k, "targeting")
    np.testing.assert_allclose(state["occupancy"][0], 0.5, rtol=1e-6)


def test_a_node_shows_what_is_left_and_relaxes_as_if_nothing_were_held(
    walk: Walk, small: Make, k: Backend
) -> None:
    """The state behind the drug is that of an untreated node; its output is scaled."""
    free, treated = walk(small({}, "drug galunisertib 0 mg")), walk(small({}, "drug galunisertib"))
    row = free[0].signals["TGFBR1"]
    steps = 12
    for number in range(steps):
        for plan, state in (free, treated):
            # An input that moves, and no feedback of the node on it.
            state["fields"][plan.factors["TGFB1"]] = 0.01 * (1 + number % 3)
            run(plan, state, k, "sensing")
        plan, state = treated
        soak(plan, state, "galunisertib", 3.0 * plan.model.drugs[0].targets[0].potency)
        for plan, state in (free, treated):
            kept = state["signals"].copy()
            run(plan, state, k, "targeting", "signalling", "withholding")
            others = np.arange(len(kept)) != row
            state["signals"][others] = kept[others]
    alone = free[1]["signals"][row, : free[1].n]
    shown = treated[1]["signals"][row, : treated[1].n]
    np.testing.assert_allclose(shown, 0.25 * alone, rtol=2e-4, atol=1e-7)
    assert SENSE_S == 720


def test_withdrawal_gives_the_whole_node_back(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small({}, "drug galunisertib"))
    row = plan.signals["TGFBR1"]
    before = state["signals"][row, : state.n].copy()
    soak(plan, state, "galunisertib", 1e4)
    run(plan, state, k, "targeting", "withholding")
    assert state["signals"][row, : state.n].max() < 0.02 * before.max()
    soak(plan, state, "galunisertib", 0.0)
    for _ in range(60):
        run(plan, state, k, "sensing", "targeting", "signalling", "withholding")
    assert state["signals"][row, : state.n].mean() > 0.3 * before.mean()
    assert float(np.abs(state.live("withheld")).max()) < 1e-6


def test_a_neutraliser_adds_its_loss_to_the_factor(walk: Walk, small: Make, k: Backend) -> None:
    """Without cells and vessels: L = L0 k / (k + k_complex C / Kd), C being held."""
    bare = {
        "tumour.cells": 1, "tumour.layout": "single", "walls.factors": "no_flux",
        "tissue": {"vessels": 0}, "parameters": {"bevacizumab.half_life": "1e9 min"},
    }  # fmt: skip
    plan, state = walk(small(bare, "drug bevacizumab"))
    drug, ligand = plan.factors["bevacizumab"], plan.factors["VEGFA"]
    target, v = plan.model.drugs[0].targets[0], plan.model.drugs[0].values
    soak(plan, state, "bevacizumab", 20.0)
    state["fields"][ligand] = 1.0
    extra = np.log(2) / v["complex_half_life"] * 20.0 / target.potency
    decay = plan.factor_data[ligand].decay
    minutes = 0.0
    for _ in range(60):
        run(plan, state, k, "transport")
        state.tick += 1
        minutes += 6.0
    assert state["fields"][drug].mean() == pytest.approx(20.0, rel=1e-3)
    without = np.exp(-decay * minutes)
    with_drug = state["fields"][ligand].mean()
    assert with_drug < 0.3 * without + 0.02
    assert extra > 0.1 * decay


def test_marked_cells_are_killed_in_proportion_to_what_is_held(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, state = walk(small({"tissue.CD4": 20}, "drug mogamulizumab"))
    target = plan.model.drugs[0].targets[0]
    soak(plan, state, "mogamulizumab", target.potency)
    state["hazards"][:] = 0.0
    run(plan, state, k, "targeting", "depletion")
    hazard = state.live("hazards")[plan.hazards["drug_death"]]
    marked = state.live("type") == plan.types["Treg"]
    assert marked.any()
    np.testing.assert_allclose(hazard[marked], 0.5 * target.maximum, rtol=1e-5)
    assert not hazard[~marked].any()


def test_marrow_and_vessels_feel_an_antagonist_of_ccr2(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small({}, "drug pf_04136309"))
    place = plan.factors["CCL2"]
    state["blood"][plan.factors["pf_04136309"]] = 1e6
    run(plan, state, k, "in_blood")
    assert state["serum_left"][place] < 0.01
    assert (np.delete(state["serum_left"], place) == 1.0).all()
    held = holders(plan.held, "vessel", "CCL2")
    assert held
    soak(plan, state, "pf_04136309", 1e6)
    run(plan, state, k, "targeting")
    assert float(np.max(left(state["occupancy"], held))) < 0.01


def test_what_several_drugs_leave_is_the_product() -> None:
    held = (
        Held(name="a.X", signals=("X",), sites=("vessel",), maximum=1.0),
        Held(name="b.X", signals=("X",), sites=("vessel",), maximum=0.5),
        Held(name="b.Y", signals=("Y",), sites=("vessel",), maximum=1.0),
    )
    occupancy = np.array([[0.5], [0.5], [1.0]], np.float32)
    assert left(occupancy, holders(held, "vessel", "X")) == pytest.approx(0.5 * 0.75)
    assert left(occupancy, holders(held, "marrow", "X")) == 1.0


def test_a_cytokine_given_as_a_drug_is_read_beside_the_tissue_s_own(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, state = walk(small({}, "drug aldesleukin"))
    row = plan.signals["IL2"]
    run(plan, state, k, "sensing")
    own = state["signals"][row, : state.n].copy()
    soak(plan, state, "aldesleukin", 0.5)
    run(plan, state, k, "targeting")
    np.testing.assert_allclose(state["signals"][row, : state.n], own + 0.5, rtol=1e-5)


def test_pathways_fall_under_a_drug_in_a_tissue_that_lives(walk: Walk, small: Make) -> None:
    plan, state = walk(small({}, "drug erlotinib"))
    for _ in range(30):
        advance(plan, state, k=_backend())
    egfr = state["signals"][plan.signals["EGFR"], : state.n]
    tumour = plan.mask(["tumour"])[state.live("type")] == 1
    assert egfr[tumour].mean() < 0.3 * 0.3


def _backend() -> Backend:
    from stemniche.kernels.cpu import cpu

    return cpu(1)
