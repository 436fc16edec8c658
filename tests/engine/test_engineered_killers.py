"""Engineered T cells: they strike what bears their antigen, multiply on it and select its loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import ALIVE, State
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

MIXED: dict[str, Any] = {
    "tumour.layout": "scattered",
    "domain.size": ["0.3 mm", "0.3 mm"],
    "tissue.CD8": 0,
    "tissue.CAR_T": 60,
    "walls.cells": "closed",
    "tumour.antigenicity": 0,
}
FAST = {"CAR_T.kill_rate": "250 1/d", "killing.hits": 2, "killing.fastest": "3 1/h"}


def test_only_cells_with_the_antigen_are_hit_presented_or_not(
    walk: Walk, hasty: Make, k: Backend
) -> None:
    plan, s = walk(hasty(MIXED), 3)
    s.live("surface_antigen")[:] = np.arange(s.n) % 2
    s.live("hits")[:] = 0.0
    s.live("behaviours")[plan.behaviours["visibility"]] = 0.0
    next(p for p in plan.processes if p.name == "killing").run(s, moment(s), k)
    hit = s.live("hits").sum(axis=0) > 0.0
    assert hit.sum() > 10
    assert (s.live("surface_antigen")[hit] == 1.0).all()
    mine = (s.live("type") == plan.types["CAR_T"]) & (s.live("state") == ALIVE)
    assert s.live("engagement")[mine].max() > 0.9


def test_the_antigen_is_inherited_and_its_loss_selected(walk: Walk, hasty: Make) -> None:
    found = []
    for killers in (0, 60):
        numbers = FAST | {"antigen.negative": 0.2, "antigen.loss": 0}
        wide = {"domain.size": ["0.4 mm", "0.4 mm"], "tumour.cells": 300}
        made = hasty(MIXED | wide | {"tissue.CAR_T": killers})
        plan, s = walk(made.change({"parameters": numbers}), 100)
        tumour = (plan.mask(["tumour"])[s.live("type")] == 1) & (s.live("state") == ALIVE)
        found.append(float((s.live("surface_antigen")[tumour] == 0.0).mean()))
    assert found[0] == pytest.approx(0.2, abs=0.1)
    assert found[1] > 1.5 * found[0]


def test_daughters_lose_the_antigen_at_the_rate_of_loss(walk: Walk, hasty: Make) -> None:
    made = hasty({"tumour.cells": 200}).change(
        {"parameters": {"antigen.negative": 0, "antigen.loss": 0.001}}
    )
    plan, s = walk(made, 1)
    births = next(p for p in plan.processes if p.name == "births")
    object.__setattr__(births, "antigen_loss", 0.25)
    mothers = (plan.mask(["tumour"])[s.live("type")] == 1) & (s.live("state") == ALIVE)
    first = s.n
    s.live("dividing")[:] = mothers
    births.run(s, moment(s), Backend())
    lost = s.live("surface_antigen")[first:] == 0.0
    assert s.n - first == mothers.sum()
    assert lost.mean() == pytest.approx(0.25, abs=0.12)
    assert (s.live("surface_antigen")[:first][mothers] > 0.0).all()


def test_they_multiply_on_their_antigen_and_exhaust(walk: Walk, small: Make, k: Backend) -> None:
    """Two days among cells with and without the antigen."""
    numbers = {"antigen.loss": 0, "CAR_T.kill_rate": "0.1 1/d", "CAR_T.turnover": "0.001 1/d"}
    found = []
    for negative in (0.0, 1.0):
        plan, s = walk(small(MIXED | {"parameters": numbers}), 1)
        s.live("surface_antigen")[:] = 1.0 - negative
        for _ in range(480):
            advance(plan, s, k)
        mine = (s.live("type") == plan.types["CAR_T"]) & (s.live("state") == ALIVE)
        exhausted = s.live("signals")[plan.signals["exhaustion"]][mine].mean()
        found.append((int(mine.sum()), float(exhausted)))
    assert found[0][0] > 1.2 * found[1][0]
    assert found[0][1] > 1.3 * found[1][1]
