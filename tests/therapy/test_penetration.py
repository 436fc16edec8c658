"""How far a drug gets from its vessels, and into cells, against closed profiles and data."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

EMPTY = {
    "tumour.cells": 1, "tumour.layout": "single", "walls.factors": "no_flux",
    "tissue": {"vessels": 0},
}  # fmt: skip


def run(plan: Plan, state: State, k: Backend, *names: str) -> None:
    for process in plan.processes:
        if process.name in names:
            process.run(state, moment(state), k)
    state.tick += 1


@pytest.mark.parametrize("length", [60.0, 150.0])
def test_beside_a_row_of_vessels_a_drug_falls_as_in_a_slab(
    length: float, walk: Walk, small: Make, k: Backend
) -> None:
    """C ~ cosh((L - x) / l) with l = sqrt(D / k) away from the vessels, in steady state."""
    loss = 0.05
    changes = EMPTY | {
        "parameters": {
            "sunitinib.diffusivity": f"{loss * length**2} um^2/min",
            "sunitinib.half_life": f"{np.log(2) / loss} min",
        }
    }
    plan, state = walk(small(changes, "drug sunitinib"))
    drug, shape, step = plan.factors["sunitinib"], plan.grid.shape, plan.grid.spacing
    vessels = np.zeros(shape, np.float32)
    vessels[:, :, 0] = 1.0
    state["perfusion"][:] = vessels.ravel()
    for _ in range(80):
        state["blood"][drug] = 10.0
        run(plan, state, k, "transport")
    found = state["fields"][drug, 0].mean(axis=0).astype(float)
    x = step * (np.arange(shape[2]) + 0.5)
    whole = step * shape[2]
    profile = np.cosh((whole - x) / length)
    np.testing.assert_allclose(found / found[0], profile / profile[0], rtol=0.02, atol=2e-4)
    # What comes in by the vessels is what is lost: the level at them follows.
    exchange = plan.exchange["sunitinib"]
    assert exchange * (10.0 - found[0]) == pytest.approx(loss * found.sum(), rel=0.02)


def test_a_faster_loss_brings_less_to_what_lies_far(walk: Walk, small: Make, k: Backend) -> None:
    reached = []
    for half_life in ("600 min", "6 min"):
        changes = EMPTY | {"parameters": {"sunitinib.half_life": half_life}}
        plan, state = walk(small(changes, "drug sunitinib"))
        drug, shape = plan.factors["sunitinib"], plan.grid.shape
        vessels = np.zeros(shape, np.float32)
        vessels[:, :, 0] = 1.0
        state["perfusion"][:] = vessels.ravel()
        for _ in range(60):
            state["blood"][drug] = 10.0
            run(plan, state, k, "transport")
        field = state["fields"][drug, 0].mean(axis=0)
        reached.append(field[-1] / field[0])
    assert reached[1] < 0.5 * reached[0]


def test_cells_reach_their_plateau_within_hours_and_deplete_the_medium(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Paclitaxel in culture: 9/10 of the plateau by 4 h, the medium down about threefold."""
    changes = EMPTY | {
        "tumour.cells": 25,
        "domain.size": ["0.9 mm", "0.9 mm"],
        "tumour.layout": "scattered",
        "walls.cells": "closed",
        "parameters": {"paclitaxel.half_life": "1e9 min"},
    }
    plan, state = walk(small(changes, "drug paclitaxel"))
    drug = plan.factors["paclitaxel"]
    state["fields"][drug] = 20.0
    state.live("behaviours")[plan.behaviours["drug_efflux"]] = 0.0
    inside, outside = [], []
    for _ in range(120):
        run(plan, state, k, "release.paclitaxel", "transport", "action.paclitaxel")
        inside.append(float(state.live("drug_in.paclitaxel").mean()))
        outside.append(float(state["fields"][drug].mean()))
    assert inside[39] > 0.9 * inside[-1]
    assert 2.0 < 20.0 / outside[-1] < 6.0
    assert inside[-1] > 50.0 * outside[-1]
