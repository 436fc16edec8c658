"""Cells and viruses as products: a patient's dose becomes what the slice gets of it."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.engine.state import ALIVE, NECROTIC, State
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.run.measures import measure
from stemniche.spec.scenario import Scenario
from stemniche.therapy.lower import lower

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

VIRUS = "talimogene_laherparepvec"
STILL = {
    "walls.factors": "no_flux",
    "walls.cells": "closed",
    "parameters": {
        "oncolytic_virus.half_life": "1e8 min",
        "oncolytic_virus.adsorption": "1e-9 1/min",
        "oncolytic_virus.burst": 50,
    },
}


def controls(scenario: Scenario) -> tuple[tuple[str, float, int, int, int | None], ...]:
    extension = lower(scenario, assemble(scenario, 1).model)
    return tuple((c.kind, c.value, c.start or 0, c.every, c.times) for c in extension.controls)


def run(plan: Plan, s: State, k: Backend, *names: str) -> None:
    for process in plan.processes:
        if process.name in names:
            process.run(s, moment(s), k)


def units(plan: Plan, s: State) -> float:
    """Free virus in the box."""
    level = s["fields"][plan.factors[VIRUS]].sum(dtype=np.float64)
    return float(level * plan.grid.voxel_volume * NANOMOLAR)


def test_a_dose_of_engineered_cells_is_scaled_to_the_slice(small: Make) -> None:
    scenario = small({}, "drug car_t 1e10 cells from 1 d")
    cells = 1e10 * 0.005 * scenario.domain.volume / 1e12
    assert controls(scenario) == (("transfer", round(cells), 86400, 0, None),)
    assert round(cells) > 100


def test_they_come_into_the_tissue(walk: Walk, small: Make) -> None:
    plan, s = walk(small({}, "drug car_t 1e10 cells"), 2)
    count = int((s.live("type") == plan.types["CAR_T"]).sum())
    assert count == pytest.approx(1e10 * 0.005 * 0.5e-1 * 0.5e-1 * 20e-4, abs=3)


def test_presenters_go_to_the_lymph_node_and_prime(walk: Walk, small: Make) -> None:
    """What reaches the node, over all slices that drain into it, is the dose times reach."""
    plan, s = walk(small({}, "drug dc_vaccine"), 1)
    laden = s["lymph_node"][0] * plan.surroundings.blood_scale
    assert laden == pytest.approx(1e7 * 0.02, rel=0.01)
    for _ in range(120):
        advance(plan, s, Backend())
    assert measure(plan, s)["primed_t_cells"] > 0.01


def test_the_virus_is_dosed_by_its_label(small: Make) -> None:
    """First 1e5 pfu, then 1e7 every two weeks into a lesion of 5 mm, shared out by its volume."""
    scenario = small({"days": 30}, "drug T-VEC doses 3")
    share = scenario.domain.volume / scenario.represents
    first, later = controls(scenario)
    assert first == ("virus", pytest.approx(1e5 * share), 0, 0, 1)
    assert later == ("virus", pytest.approx(1e7 * share), 14 * 86400, 14 * 86400, 2)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("drug car_t 80 mg", "not given in mg"),
        ("drug T-VEC 1e6 cells", "not given in cells"),
        ("drug car_t 10 cells", "less than one"),
        ("drug T-VEC from birth", "first dose"),
    ],
)
def test_an_impossible_dose_is_refused(line: str, what: str, small: Make) -> None:
    with pytest.raises(InputError, match=what) as caught:
        assemble(small({}, line), 1)
    assert caught.value.mend


def test_every_unit_that_is_injected_or_set_free_is_there(
    walk: Walk, small: Make, k: Backend
) -> None:
    """In a closed box without loss: the dose, and a burst for every cell that lyses."""
    plan, s = walk(small(STILL, f"drug {VIRUS} 1e7 pfu from 1 h"), 11)
    dose = 1e7 * plan.grid.voxels * plan.grid.voxel_volume / 65e9
    assert units(plan, s) == pytest.approx(dose, rel=1e-3)
    tumour = np.flatnonzero(plan.mask(["tumour"])[s.live("type")] & (s.live("state") == ALIVE))
    s["infected"][tumour[:40]], s["incubation"][tumour[:40]] = 1.0, 18.0
    for _ in range(6):
        advance(plan, s, k)
    assert s["deaths"][plan.hazards["virus_death"]].sum() == 40
    assert units(plan, s) == pytest.approx(dose + 40 * 50, rel=5e-3)


def test_infection_is_the_poisson_chance_of_what_is_taken_up(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small({"tumour.cells": 400}, f"drug {VIRUS} 1 pfu from 5 d"), 1)
    s["fields"][plan.factors[VIRUS]] = level = 0.02
    s.live("behaviours")[plan.behaviours["permissiveness"]] = 0.5
    run(plan, s, k, "virus")
    volume = 4.0 / 3.0 * np.pi * s.live("radius").astype(float) ** 3
    chance = 1.0 - np.exp(-0.5 * 0.01 * volume * level * NANOMOLAR * TICK_S / 60.0)
    caught = s.live("infected").sum()
    spread = np.sqrt((chance * (1.0 - chance)).sum())
    assert caught == pytest.approx(chance.sum(), abs=4.0 * spread)
    assert caught > 50


def test_it_grows_in_tumour_cells_alone_and_spreads(walk: Walk, small: Make, k: Backend) -> None:
    quick = {"oncolytic_virus.latency": "6 h"}
    plan, s = walk(small({"parameters": quick}, f"drug {VIRUS} 3e5 pfu"), 1)
    first = None
    for _ in range(150):
        advance(plan, s, k)
        ill = (s.live("infected") == 1.0) & (s.live("state") == ALIVE)
        assert (plan.mask(["tumour"])[s.live("type")[ill]] == 1).all()
        first = int(ill.sum()) if first is None and ill.any() else first
    dead = s["deaths"][plan.hazards["virus_death"]].sum()
    assert first is not None
    assert dead > 2 * first
    assert (s.live("state") == NECROTIC).any()


def test_infected_cells_make_the_gene_s_product_and_show_antigen(
    walk: Walk, small: Make, k: Backend
) -> None:
    found = []
    for infected in (0.0, 1.0):
        plan, s = walk(small({}, f"drug {VIRUS} 1 pfu from 5 d"), 1)
        s.live("infected")[:] = infected
        s.live("incubation")[:] = 1e4
        for _ in range(20):
            advance(plan, s, k)
        row = measure(plan, s)
        visible = s.live("behaviours")[plan.behaviours["visibility"]]
        tumour = plan.mask(["tumour"])[s.live("type")] == 1
        found.append((row["factor.CSF2"], float(visible[tumour].mean())))
    assert found[1][0] > 3.0 * found[0][0]
    assert found[1][1] > 1.3 * found[0][1]
