"""A small breast tissue that several suites look at from different sides."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import settings

from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.engine.step import advance, begin
from stemniche.kernels.cpu import Backend, cpu
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario, load_scenario

# A busy machine is no fault: examples have no time limit of their own.
settings.register_profile("stemniche", deadline=None)
settings.load_profile("stemniche")

SMALL = {
    "days": 1,
    "sample_every": "6 h",
    "domain.size": ["0.5 mm", "0.5 mm"],
    "prepare": {"until": None, "max": None, "days": 0.25},
    "tumour.cells": 120,
    "tissue.MSC": 8,
    "tissue.fibroblast": 20,
    "tissue.CAF": 4,
    "tissue.macrophage": 16,
    "tissue.CD4": 8,
    "tissue.CD8": 12,
    "tissue.NK": 0,
    "tissue.DC": 0,
    "tissue.MDSC": 0,
}

HASTY = {
    "tumour.cycle_rate": "25 1/d",
    "CSC.cycle_rate": "25 1/d",
    "cell.s_duration": "30 min",
    "cell.g2m_duration": "30 min",
    "CSC.quiescence_rate": "10 1/d",
    "CSC.awakening_rate": "12 1/d",
    "CSC.apoptosis_rate": "1 1/d",
    "progenitor.apoptosis_rate": "1 1/d",
    "differentiated.apoptosis_rate": "2 1/d",
    "tumour.stemness_noise": "0.4",
    "cell.stemness_tau": "2 h",
    "CD8.kill_rate": "250 1/d",
    "oncolytic_virus.latency": "1 h",
    "killing.hits": 2,
    "killing.fastest": "3 1/h",
    "M1.phagocytosis_rate": "60 1/d",
    "M2.phagocytosis_rate": "60 1/d",
    "DC.phagocytosis_rate": "60 1/d",
    "DC.maturation_rate": "60 1/d",
    "CAF.cycle_rate": "25 1/d",
    "CAF.conversion.CAF.fibroblast": "10 1/d",
    "M1.conversion.M1.M2": "10 1/d",
    "M2.conversion.M2.M1": "10 1/d",
    "monocyte.turnover": "2 1/d",
    "CD4.turnover": "2 1/d",
    "CD8.turnover": "2 1/d",
    "EC.sprouting_rate": "5 1/d",
    "EC.cover_rate": "5 1/d",
    "EC.apoptosis_rate": "1 1/d",
    "pericyte.apoptosis_rate": "2 1/d",
}
"""Everything that happens to cells, so fast that a few hours show all of it."""

Make = Callable[..., Scenario]


@pytest.fixture(scope="session")
def small() -> Make:
    """Make the small tissue with changes (dotted paths) and treatments."""

    def make(changes: Mapping[str, Any] | None = None, *therapy: Any) -> Scenario:
        made = load_scenario("breast_quick").change(SMALL | dict(changes or {}))
        return made.treat(list(therapy)) if therapy else made

    return make


@pytest.fixture(scope="session")
def hasty(small: Make) -> Make:
    """The same tissue with everything that happens to cells speeded up."""

    def make(changes: Mapping[str, Any] | None = None, *therapy: Any) -> Scenario:
        return small({"parameters": HASTY} | dict(changes or {}), *therapy)

    return make


@pytest.fixture(scope="session")
def k() -> Backend:
    """The CPU backend on one thread."""
    return cpu(1)


@pytest.fixture(scope="session")
def walk(k: Backend) -> Callable[..., tuple[Plan, State]]:
    """Place a scenario's tissue and move it some ticks; day 0 comes after `prepared` of them."""

    def moved(
        scenario: Scenario, ticks: int = 0, *, prepared: int = 0, seed: int = 1
    ) -> tuple[Plan, State]:
        plan = assemble(scenario, seed).plan
        state = begin(plan, k)
        for number in range(ticks):
            if number == prepared:
                state["day0"][0] = state.tick
            advance(plan, state, k)
        if prepared >= ticks:
            state["day0"][0] = state.tick
        return plan, state

    return moved
