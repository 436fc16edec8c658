"""The tables for the compiled interpreter say the same as the model's drives."""

from collections.abc import Callable
from math import exp, prod

import numpy as np
import pytest

from stemniche.engine import drives
from stemniche.engine.plan import Plan
from stemniche.engine.process import SENSE_S
from stemniche.engine.state import Array, State
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.model import Drive
from stemniche.spec.scenario import Scenario, load_scenario

TOLERANCE = 1e-4
"""Relative; the kernels compute in float32 with exponents of a few tens."""


@pytest.fixture(scope="module")
def tissue(
    walk: Callable[..., tuple[Plan, State]], small: Callable[..., Scenario]
) -> tuple[Plan, State]:
    return walk(small({"tumour.genotype": {"TP53": "mutant"}}))


def scrambled(plan: Plan, state: State, seed: int) -> None:
    """Random types, signals, read scales and shifts, over the ranges that occur."""
    dice = np.random.default_rng(seed)
    state.live("type")[:] = np.arange(state.n) % len(plan.types)
    levels = np.array([max(f.reference, 1e-3) for f in plan.model.factors])
    signals = state.live("signals")
    signals[:] = dice.random(signals.shape)
    signals[: len(levels)] = levels[:, None] * dice.lognormal(0.0, 2.0, (len(levels), state.n))
    if "pH" in plan.signals:
        signals[plan.signals["pH"]] = dice.uniform(6.2, 7.6, state.n)
    state["read_scale"][:] = dice.choice([0.1, 1.0], state["read_scale"].shape)
    state["node_shift"][:] = dice.normal(0.0, 1.0, state["node_shift"].shape)


def chosen(plan: Plan, state: State, kind: str) -> list[tuple[Drive, Array]]:
    """Drives of real cells, each with the places of the cells that it moves."""
    return [
        (d, np.flatnonzero(state.live("type") == plan.types[d.cell]))
        for d in plan.model.drives
        if d.kind == kind and d.cell in plan.types
    ]


def reader(
    plan: Plan, state: State, cell: str, places: Array, signals: Array
) -> Callable[[str], Array]:
    """What the cells at `places` read of a signal, genotype included."""
    scale = state["read_scale"][plan.types[cell]]

    def read(name: str) -> Array:
        if name in plan.model.genotype:
            return np.full(len(places), plan.model.genotype[name])
        row = plan.signals[name]
        return signals[row, places].astype(np.float64) * scale[row]

    return read


@pytest.mark.parametrize("seed", [1, 2])
def test_behaviours_follow_the_combination_law(
    seed: int, tissue: tuple[Plan, State], k: Backend
) -> None:
    plan, state = tissue
    scrambled(plan, state, seed)
    next(p for p in plan.processes if p.name == "behaviours").run(state, moment(state), k)
    for drive, places in chosen(plan, state, "behaviour"):
        if drive.target not in plan.behaviours:
            continue
        found = state.live("behaviours")[plan.behaviours[drive.target], places]
        read = reader(plan, state, drive.cell, places, state.live("signals"))
        wanted = np.broadcast_to(drives.value(drive, read), found.shape)
        np.testing.assert_allclose(found, wanted, rtol=TOLERANCE, err_msg=str(drive))


@pytest.mark.parametrize("seed", [1, 2])
def test_nodes_relax_to_their_drives(seed: int, tissue: tuple[Plan, State], k: Backend) -> None:
    plan, state = tissue
    scrambled(plan, state, seed)
    before = state.live("signals").copy()
    next(p for p in plan.processes if p.name == "signalling").run(state, moment(state), k)
    tau = {n.id: n.tau for n in plan.model.nodes}
    for drive, places in chosen(plan, state, "node"):
        row, cell = plan.signals[drive.target], plan.types[drive.cell]
        read = reader(plan, state, drive.cell, places, before)
        push = drives.exponent(drive, read) + state["node_shift"][cell, plan.nodes[drive.target]]
        target = 1.0 / (1.0 + np.exp(-push))
        kept = np.exp(-SENSE_S / 60.0 / tau[drive.target])
        wanted = target + (before[row, places] - target) * kept
        found = state.live("signals")[row, places]
        np.testing.assert_allclose(found, wanted, rtol=TOLERANCE, atol=1e-7, err_msg=str(drive))


def test_a_behaviour_without_rules_is_its_trait(tissue: tuple[Plan, State], k: Backend) -> None:
    plan, state = tissue
    scrambled(plan, state, 3)
    next(p for p in plan.processes if p.name == "behaviours").run(state, moment(state), k)
    for cell in plan.cell_types:
        mine = state.live("type") == plan.types[cell.id]
        for name in plan.behaviours.names:
            if (cell.id, name) not in plan.drives:
                found = state.live("behaviours")[plan.behaviours[name], mine]
                np.testing.assert_allclose(found, cell.traits.get(name, 0.0), rtol=1e-5, atol=1e-30)


def test_at_the_references_every_node_rests_at_its_baseline() -> None:
    """The constant of a drive is set so, with all rows on and no altered gene."""
    plan = assemble(load_scenario("breast_quick"), 1).plan
    baselines = {n.id: n.baseline for n in plan.model.nodes}
    for drive in plan.model.drives:
        if drive.kind == "node":
            push = drive.constant + sum(
                g.push(prod(float(drives.term_value(t, np.array(t.reference))) for t in g.terms))
                for g in drive.groups
            )
            assert 1 / (1 + exp(-push)) == pytest.approx(baselines[drive.target], rel=1e-6), drive
