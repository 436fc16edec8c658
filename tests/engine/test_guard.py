"""A run that went wrong is stopped with when, where, what and what to do."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.core.errors import GuardError
from stemniche.engine import guard
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]


@pytest.fixture
def tissue(walk: Walk, small: Make) -> tuple[Plan, State]:
    return walk(small(), 2)


def test_a_healthy_tissue_passes(tissue: tuple[Plan, State]) -> None:
    guard.check(*tissue)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_field_that_cannot_be_names_factor_voxel_and_time(
    value: float, tissue: tuple[Plan, State]
) -> None:
    plan, state = tissue
    state["fields"][plan.factors["IL6"], 0, 3, 7] = value
    with pytest.raises(GuardError) as caught:
        guard.check(plan, state)
    assert "'IL6'" in caught.value.what
    assert "y=3 x=7" in caught.value.where
    assert "tick 2" in caught.value.where


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_lost_cell_stops_the_run(axis: str, tissue: tuple[Plan, State]) -> None:
    plan, state = tissue
    state.live(axis)[5] = np.nan
    with pytest.raises(GuardError, match="position"):
        guard.check(plan, state)


def test_a_domain_too_full_stops_the_run(tissue: tuple[Plan, State]) -> None:
    plan, state = tissue
    most = int(guard.FULL * guard.capacity(plan))
    state.reserve(most + 1)
    state.n = most
    guard.check(plan, state)
    state.n = most + 1
    with pytest.raises(GuardError, match=str(most + 1)) as caught:
        guard.check(plan, state)
    assert "domain.size" in caught.value.mend


def test_numbers_whose_sum_alone_overflows_pass(tissue: tuple[Plan, State]) -> None:
    plan, state = tissue
    state["fields"][plan.factors["IL6"], 0, :2, :2] = 3e38
    guard.check(plan, state)
