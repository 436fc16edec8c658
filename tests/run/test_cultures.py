"""The culture presets: dish, spheroid, migration chamber and sphere assay do what they are for."""

import numpy as np
import pytest

from stemniche.engine.state import State
from stemniche.engine.step import advance, begin
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import Assembled, assemble
from stemniche.run.measures import measure
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import Scenario, list_scenarios, load_scenario

CULTURES = ("monolayer", "spheroid", "transwell", "sphere_assay")


def moved(scenario: Scenario, ticks: int, k: Backend) -> tuple[Assembled, State]:
    run = assemble(scenario, 1)
    state = begin(run.plan, k)
    state["day0"][0] = 0
    for _ in range(ticks):
        advance(run.plan, state, k)
    return run, state


@pytest.mark.parametrize("name", CULTURES)
def test_a_culture_is_tumour_cells_in_medium_without_vessels_or_hosts(
    name: str, k: Backend
) -> None:
    for variant in (name, f"{name}_quick"):
        assert variant in list_scenarios()
        assert load_scenario(variant).environment.boundary == "medium"
    run, state = moved(load_scenario(f"{name}_quick"), 2, k)
    kinds = {run.plan.cell_types[t].group for t in state.live("type")}
    assert kinds == {"tumour"}
    assert not state["perfusion"].any()
    assert measure(run.plan, state)["ecm_density"] == 0.0


def test_the_middle_of_a_spheroid_is_short_of_oxygen_and_rests(k: Backend) -> None:
    run, state = moved(load_scenario("spheroid_quick"), 60, k)
    plan = run.plan
    apart = np.linalg.norm([state.live(a) - plan.grid.size[0] / 2 for a in "xyz"], axis=0)
    oxygen = state["fields"][plan.factors["oxygen"]].ravel()[state.live("voxel")]
    rim, core = apart > np.percentile(apart, 80), apart < np.percentile(apart, 20)
    assert oxygen[rim].mean() > 5.0 > 1.0 > oxygen[core].mean()
    rate = state.live("behaviours")[plan.behaviours["cycle_rate"]]
    assert rate[core].mean() < 0.2 * rate[rim].mean()
    hif = state.live("signals")[plan.signals["HIF1A"]]
    assert hif[core].mean() > 2.0 * hif[rim].mean()
    assert measure(plan, state)["hypoxic_fraction"] > 0.3


def test_oxygen_of_the_medium_changes_in_time(k: Backend) -> None:
    low = load_scenario("monolayer_quick").treat(
        [{"set": "environment.oxygen", "to": "7 mmHg", "from": "2 h", "until": "4 h"}]
    )
    plan = assemble(low, 1).plan
    state = begin(plan, k)
    state["day0"][0] = 0
    seen = []
    for tick in range(60):
        advance(plan, state, k)
        if tick in (15, 35, 59):
            seen.append(measure(plan, state)["hypoxic_fraction"])
    assert seen == [0.0, 1.0, 0.0]


def test_a_chamber_holds_a_gradient_and_cells_go_up_it(k: Backend) -> None:
    cells = {"tumour.cells": 300, "parameters": {"tumour.migration_speed": "1 um/min"}}
    far = []
    for therapy in ("kept", "taken away"):
        scenario = load_scenario("transwell_quick").change(cells)
        if therapy == "taken away":
            scenario = scenario.change({"therapy": []})
        run, state = moved(scenario, 100, k)
        level = state["fields"][run.plan.factors["CXCL12"], 0].mean(axis=0)
        assert (np.diff(level).mean() > 0.01) == (therapy == "kept")
        far.append(float(state.live("x").mean()))
    assert far[0] > far[1]


def test_few_single_cells_found_spheres() -> None:
    table = simulate(load_scenario("sphere_assay_quick"), 1, threads=1).table
    assert 0.0 <= table.sphere_fraction.max() < 0.2
