"""The State as a checkpoint: what is restored is what was written, also under a longer plan."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.build import new_state
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.engine.step import advance, begin
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

NEW = {"drug_in.paclitaxel", "pk.paclitaxel"}
"""Variables that only a plan with the drug has."""


@pytest.fixture(scope="module")
def plain(walk: Walk, hasty: Make) -> tuple[Plan, State]:
    return walk(hasty(), 25, prepared=25)


@pytest.fixture(scope="module")
def treated(hasty: Make) -> Plan:
    therapy = ({"drug": "paclitaxel", "dose": "100 mg"}, {"block": "CXCR2"}, {"knock_out": "IL6"})
    return assemble(hasty({}, *therapy), 1).plan


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    """Names whose arrays differ."""
    return [name for name in a if not np.array_equal(a[name], b[name])]


def test_a_restored_state_is_the_same(plain: tuple[Plan, State]) -> None:
    plan, state = plain
    copy = new_state(plan, 64)
    copy.restore(state.snapshot(), state.n, state.tick)
    assert (copy.n, copy.tick) == (state.n, state.tick)
    assert equal(state.snapshot(), copy.snapshot()) == []


def test_a_restored_state_goes_on_to_the_same_bits(plain: tuple[Plan, State], k: Backend) -> None:
    plan, state = plain
    copies = []
    for capacity in (64, 5000):
        copy = new_state(plan, capacity)
        copy.restore(state.snapshot(), state.n, state.tick)
        for _ in range(5):
            advance(plan, copy, k)
        copies.append(copy.snapshot())
    assert equal(*copies) == []


def test_a_snapshot_is_no_view(plain: tuple[Plan, State]) -> None:
    _, state = plain
    shot = state.snapshot()
    assert [name for name, array in shot.items() if np.shares_memory(array, state[name])] == []


def test_cell_variables_of_one_type_are_rows_of_one_block(plain: tuple[Plan, State]) -> None:
    _, state = plain
    names = state.of_kind("cell", "cell rows")
    for name in names:
        (block,) = (b for b in state.whole_cells() if b.dtype == state[name].dtype)
        assert np.shares_memory(state[name], block), name
    rows = sum(block.shape[0] for block in state.whole_cells())
    assert rows == sum(state[name].size for name in names) / state.capacity
    positions = state["x"]
    state["x"] = positions + 1.0
    assert state["x"] is positions


def test_room_grows_without_a_change(plain: tuple[Plan, State]) -> None:
    plan, state = plain
    copy = new_state(plan, 64)
    copy.restore(state.snapshot(), state.n, state.tick)
    copy.reserve(10 * copy.capacity)
    assert equal(state.snapshot(), copy.snapshot()) == []


def test_a_state_prepared_without_therapy_fits_a_plan_with_it(
    plain: tuple[Plan, State], treated: Plan, k: Backend
) -> None:
    """Every value stands under its own name, and what therapy adds is as at placement."""
    plan, state = plain
    fresh = begin(treated, k)
    copy = begin(treated, k)
    copy.restore(state.snapshot(), state.n, state.tick)
    assert set(copy.arrays) - set(state.arrays) == NEW
    rows = {
        "signals": (plan.signals.names, treated.signals.place),
        "behaviours": (plan.behaviours.names, treated.behaviours.place),
        "hazards": (plan.hazards.names, treated.hazards.place),
        "fields": (plan.factors.names, treated.factors.place),
        "blood": (plan.factors.names, treated.factors.place),
        "deaths": (plan.hazards.names, treated.hazards.place),
    }
    for variable, (names, places) in rows.items():
        for i, name in enumerate(names):
            old, new = state[variable][i], copy[variable][places[name]]
            if variable in ("signals", "behaviours", "hazards"):
                old, new = old[: state.n], new[: state.n]
            assert np.array_equal(old, new), (variable, name)
    drug = treated.factors["paclitaxel"]
    for variable in ("fields", "blood", "supply"):
        assert np.array_equal(copy[variable][drug], fresh[variable][drug]), variable
    assert not copy.live("drug_in.paclitaxel").any()
    assert not copy["pk.paclitaxel"].any()


def test_a_run_under_a_drug_that_is_not_given_yet_is_the_run_without_it(
    plain: tuple[Plan, State], hasty: Make, k: Backend
) -> None:
    plan, state = plain
    later = {"drug": "paclitaxel", "dose": "100 mg", "from": "12 h"}
    waiting = assemble(hasty({}, later), 1).plan
    ends = []
    for p in (plan, waiting):
        copy = begin(p, k)
        copy.restore(state.snapshot(), state.n, state.tick)
        for _ in range(40):
            advance(p, copy, k)
        ends.append(copy)
    names = (*(v for v in state.variables if state.variables[v].kind == "cell"), "born", "flux")
    assert ends[0].n == ends[1].n
    for name in names:
        n = ends[0].n if name not in ("born", "flux") else None
        assert np.array_equal(ends[0][name][:n], ends[1][name][:n]), name
