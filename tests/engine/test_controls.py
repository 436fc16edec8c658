"""Every kind of control does what it says, when it says, where it says."""

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from stemniche.engine.controls import Control
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Tick
from stemniche.engine.processes.transport import LONGEST_PACE_MIN
from stemniche.engine.state import ALIVE, GONE, Array, State
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

EMPTY = {
    "tumour.cells": 0,
    "tissue": {
        name: 0
        for name in (
            *("MSC", "fibroblast", "CAF", "monocyte", "macrophage"),
            *("CD4", "Treg", "CD8", "NK", "DC", "MDSC"),
        )
    }
    | {"vessels": 0},
    "walls.factors": "no_flux",
    "walls.cells": "closed",
}
"""A box with nothing in it but factors."""
HOUR = 3600 // TICK_S
ROUND = round(LONGEST_PACE_MIN / TICK_MIN)
"""Ticks within which every factor has been looked at."""
SOLVED = 0.02
"""Relative; transport asks for fields whose residual is below 1 % of their turnover."""


def applied(plan: Plan, state: State, k: Backend, tick: int | None = None) -> State:
    """The state after the controls of this tick."""
    state.tick = state.tick if tick is None else tick
    next(p for p in plan.processes if p.name == "controls").run(state, moment(state), k)
    return state


def solved(plan: Plan, state: State, k: Backend, ticks: int) -> State:
    """The state after controls and transport of some ticks, cells standing still."""
    for _ in range(ticks):
        for process in plan.processes:
            if process.name in ("controls", "blood", "transport"):
                process.run(state, moment(state), k)
        state.tick += 1
    return state


def level(plan: Plan, state: State, factor: str) -> Array:
    return state["fields"][plan.factors[factor]].astype(np.float64)


# What is multiplied, shifted, held


def test_a_blocked_receptor_is_read_less_by_the_cells_named(
    walk: Walk, small: Make, k: Backend
) -> None:
    item = {"block": "CXCR2", "fraction": 0.75, "in": "CSC"}
    plan, state = walk(small({}, item))
    scale = applied(plan, state, k)["read_scale"]
    wanted = np.ones_like(scale)
    wanted[plan.types["CSC"], plan.signals["CXCR2"]] = 0.25
    np.testing.assert_array_equal(scale, wanted)


def test_two_blocks_multiply(walk: Walk, small: Make, k: Backend) -> None:
    item = {"block": "CXCR2", "fraction": 0.5}
    plan, state = walk(small({}, item, item))
    scale = applied(plan, state, k)["read_scale"]
    assert (scale[:, plan.signals["CXCR2"]] == 0.25).all()


def test_overexpression_adds_to_the_logit(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small({}, {"overexpress": "STAT3", "fold": 4}))
    shift = applied(plan, state, k)["node_shift"]
    np.testing.assert_allclose(shift[:, plan.nodes["STAT3"]], log(4.0), rtol=1e-6)
    assert np.count_nonzero(shift) == len(plan.types)


def released(walk: Walk, scenario: Scenario, k: Backend, factor: str) -> float:
    """Amount of a factor in the closed box after a round of release into nothing."""
    plan, state = walk(scenario)
    state["fields"][:] = 0.0
    return float(level(plan, solved(plan, state, k, ROUND), factor).sum())


CLOSED = {"walls.factors": "no_flux", "tissue.vessels": 0}


@pytest.mark.parametrize(
    ("item", "factor", "share"),
    [
        ({"overexpress": "IL6", "fold": 5}, "IL6", 5.0),
        ({"knock_out": "IL6"}, "IL6", 0.0),
        ({"knock_out": "IL6"}, "CXCL8", 1.0),
        ({"inhibit": "PPBP_expression", "fraction": 0.9}, "PPBP", 0.1),
        ({"silence": "secretome", "in": "MSC"}, "PPBP", 0.0),
        ({"silence": "secretome", "in": "CD8"}, "PPBP", 1.0),
        ({"release_block": "vesicles", "fraction": 0.9}, "IL6_vesicle", 0.1),
        ({"release_block": "vesicles", "fraction": 0.9}, "IL6", 1.0),
    ],
)
def test_release_is_scaled(
    item: dict[str, Any], factor: str, share: float, walk: Walk, small: Make, k: Backend
) -> None:
    plain = released(walk, small(CLOSED), k, factor)
    assert plain > 0.0
    assert released(walk, small(CLOSED, item), k, factor) == pytest.approx(
        share * plain, rel=SOLVED
    )


def test_silence_leaves_what_others_release(walk: Walk, small: Make, k: Backend) -> None:
    """Removing the silenced cells makes no further difference."""
    item = {"silence": "secretome", "in": "fibroblast"}
    silent = released(walk, small(CLOSED, item), k, "IGF1")
    plan, state = walk(small(CLOSED))
    state.live("state")[state.live("type") == plan.types["fibroblast"]] = GONE
    state["fields"][:] = 0.0
    without = float(level(plan, solved(plan, state, k, ROUND), "IGF1").sum())
    assert silent == pytest.approx(without, rel=SOLVED)


def test_an_inhibited_node_does_not_draw_stemness(walk: Walk, small: Make, k: Backend) -> None:
    item = {"inhibit": "stemness", "fraction": 0.999}
    means = []
    for therapy in ((), (item,)):
        changes = {"parameters": {"tumour.stemness_noise": 0.001, "cell.stemness_tau": "60 min"}}
        plan, state = walk(small(changes, *therapy))
        state["signals"][plan.signals["stemness"], : state.n] = 0.5
        applied(plan, state, k)
        stemness = next(p for p in plan.processes if p.name == "stemness")
        for _ in range(100):
            stemness.run(state, moment(state), k)
        means.append(state.live("stemness")[plan.mask(["tumour"])[state.live("type")] == 1].mean())
    assert means[0] == pytest.approx(0.5, abs=0.01)
    assert means[1] < 0.02


# What is held in the tissue


def test_an_added_factor_settles_at_its_concentration(walk: Walk, small: Make, k: Backend) -> None:
    item = {"add": "IL6", "concentration": "2 nM"}
    plan, state = walk(small(EMPTY, item))
    np.testing.assert_allclose(level(plan, solved(plan, state, k, 100), "IL6"), 2.0, rtol=SOLVED)


@pytest.mark.parametrize(
    ("factor", "amount", "unit"),
    [("lactate", 10.0, "mM"), ("glucose", 5.0, "mM"), ("oxygen", 40.0, "mmHg")],
)
def test_added_metabolites_and_gases_come_on_top_of_what_cells_and_vessels_leave(
    factor: str, amount: float, unit: str, walk: Walk, small: Make, k: Backend
) -> None:
    levels = []
    for therapy in ((), ({"add": factor, "concentration": f"{amount} {unit}"},)):
        plan, state = walk(small({"walls.factors": "no_flux"}, *therapy))
        levels.append(level(plan, solved(plan, state, k, 200), factor).astype(float))
    np.testing.assert_allclose((levels[1] - levels[0]).mean(), amount, rtol=0.05)


def test_neutralising_half_doubles_the_loss_and_halves_the_level(
    walk: Walk, small: Make, k: Backend
) -> None:
    items = ({"add": "IL6", "concentration": "2 nM"}, {"neutralise": "IL6", "fraction": 0.5})
    plan, state = walk(small(EMPTY, *items))
    solved(plan, state, k, 100)
    assert state["loss_scale"][plan.factors["IL6"]] == pytest.approx(2.0)
    np.testing.assert_allclose(level(plan, state, "IL6"), 1.0, rtol=SOLVED)


def test_neutralising_leaves_its_share_also_where_cells_take_the_factor_up(
    walk: Walk, small: Make, k: Backend
) -> None:
    """Nearly: what is lost sooner also spreads less far."""
    levels = []
    for therapy in ((), ({"neutralise": "IL6", "fraction": 0.8},)):
        plan, state = walk(small(CLOSED, *therapy))
        levels.append(level(plan, solved(plan, state, k, 200), "IL6").sum())
    assert levels[1] == pytest.approx(0.2 * levels[0], rel=0.1)


def test_a_gradient_is_the_steady_state_of_a_linear_supply(
    walk: Walk, small: Make, k: Backend
) -> None:
    """D c'' - k c + 2 k c0 x / L = 0 between closed walls."""
    item = {"add": "IL6", "concentration": "2 nM", "where": {"gradient": "x"}}
    plan, state = walk(small(EMPTY, item))
    found = level(plan, solved(plan, state, k, 200), "IL6")[0]
    data = plan.factor_data[plan.factors["IL6"]]
    size, width = plan.grid.size[0], sqrt(data.diffusivity / data.decay)
    x = (np.arange(found.shape[1]) + 0.5) * plan.grid.spacing
    slope, e = 2.0 * 2.0 / size, exp(size / width)
    matrix = np.array([[1.0, -1.0], [e, -1.0 / e]]) / width
    a, b = np.linalg.solve(matrix, [-slope, -slope])
    wanted = slope * x + a * np.exp(x / width) + b * np.exp(-x / width)
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), rtol=SOLVED)
    assert found.mean() == pytest.approx(2.0, rel=SOLVED)


def test_the_environment_changes_and_comes_back(walk: Walk, small: Make, k: Backend) -> None:
    item = {"set": "environment.oxygen", "to": "20 mmHg", "from": "1 h", "until": "2 h"}
    plan, state = walk(small({}, item))
    levels = []
    for _ in range(3 * HOUR):
        solved(plan, state, k, 1)
        levels.append(float(state["blood"][plan.factors["oxygen"]]))
    before, during, after = levels[:HOUR], levels[HOUR : 2 * HOUR], levels[2 * HOUR :]
    assert set(before) == set(after) == {60.0}
    assert set(during) == {20.0}


def test_what_is_over_leaves_no_trace(walk: Walk, small: Make, k: Backend) -> None:
    items = [
        {"block": "CXCR2"},
        {"overexpress": "STAT3"},
        {"overexpress": "IL6"},
        {"neutralise": "IL6"},
        {"add": "CXCL8", "concentration": "1 nM"},
    ]
    plan, state = walk(small({}, *({**i, "until": "1 h"} for i in items)))
    bare, free = walk(small())
    names = ("read_scale", "node_shift", "synthesis", "loss_scale", "held")
    applied(bare, free, k)
    assert any(not np.array_equal(applied(plan, state, k, 0)[name], free[name]) for name in names)
    applied(plan, state, k, HOUR)
    assert [name for name in names if not np.array_equal(state[name], free[name])] == []


# Who is taken out


def taken(walk: Walk, scenario: Scenario, k: Backend, ticks: int, prepared: int = 0) -> Array:
    """Cells of each type taken out at each tick."""
    plan, state = walk(scenario, prepared=prepared)
    state["day0"][0] = -1 if prepared else 0
    found = []
    for tick in range(ticks):
        if tick == prepared:
            state["day0"][0] = tick
        before = state["depleted"].copy()
        applied(plan, state, k, tick)
        found.append(state["depleted"] - before)
    return np.array(found)


MANY = {"tumour.cells": 0, "prepare": {"days": 0.25}, "tissue.CD8": 400, "tissue.CD4": 300}


def test_depletion_takes_its_share_of_the_types_named(walk: Walk, small: Make, k: Backend) -> None:
    found = taken(walk, small(MANY, {"deplete": "CD8", "fraction": 0.7}), k, 5)
    assert not found[1:].any()
    assert found[0].sum() == pytest.approx(280, abs=5 * sqrt(400 * 0.7 * 0.3))
    plan, _ = walk(small(MANY))
    assert set(np.flatnonzero(found[0])) == {plan.types["CD8"]}


def test_depletion_reaches_the_blood_and_the_distant_organ_unless_it_strikes_in_the_tumour(
    walk: Walk, small: Make, k: Backend
) -> None:
    items = {"deplete": ["NK", "monocyte"], "fraction": 0.9}, {"deplete": "TAM", "fraction": 0.9}
    for item, left in zip(items, (0.1, 1.0), strict=True):
        plan, state = walk(small({}, item), 1)
        state["day0"][0] = state.tick
        struck = plan.mask(["NK", "monocyte"]) == 1
        pools = struck[np.flatnonzero(plan.trait("entry"))]
        assert pools.sum() == 2
        before = {name: state[name].copy() for name in ("pool", "released", "distant_cells")}
        applied(plan, state, k)
        for name, share in (("pool", pools), ("released", pools), ("distant_cells", struck)):
            expected = np.where(share, left, 1.0) * before[name]
            np.testing.assert_allclose(state[name], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("more", "ticks"),
    [
        ({"every": "1 h"}, [0, 10, 20, 30]),
        ({"every": "1 h", "doses": 2}, [0, 10]),
        ({"every": "1 h", "from": "30 min"}, [5, 15, 25, 35]),
        ({"every": "1 h", "until": "2 h"}, [0, 10]),
        ({"from": "2 h"}, [20]),
    ],
)
def test_depletion_strikes_on_time(
    more: dict[str, Any], ticks: list[int], walk: Walk, small: Make, k: Backend
) -> None:
    found = taken(walk, small(MANY, {"deplete": "CD8", "fraction": 0.3} | more), k, 40)
    assert np.flatnonzero(found.sum(axis=1)).tolist() == ticks


@pytest.mark.parametrize(("more", "ticks"), [({}, [0]), ({"every": "1 h"}, [0, 10, 20, 30])])
def test_depletion_from_birth_counts_from_placement(
    more: dict[str, Any], ticks: list[int], walk: Walk, small: Make, k: Backend
) -> None:
    item = {"deplete": "CD8", "fraction": 0.3, "from": "birth"} | more
    found = taken(walk, small(MANY, item), k, 40, prepared=15)
    assert np.flatnonzero(found.sum(axis=1)).tolist() == ticks


def test_depleting_tam_spares_the_macrophages_outside_the_tumour(
    walk: Walk, small: Make, k: Backend
) -> None:
    mixed = {"tumour.layout": "scattered", "tumour.cells": 60, "tissue.macrophage": 200}
    plan, state = walk(small(mixed, {"deplete": "TAM", "fraction": 0.999}), 1)
    where, kind = state.live("voxel"), state.live("type")
    alive = state.live("state") == ALIVE
    macrophage = np.isin(kind, plan.members("macrophage")) & alive
    near = np.isin(where, where[alive & (plan.mask(["tumour"])[kind] == 1)])
    before = macrophage & near
    assert before.any()
    state["day0"][0] = state.tick
    applied(plan, state, k)
    gone = state.live("state") == GONE
    assert gone[before].mean() > 0.9
    assert not gone[~before].any()


def test_depleted_cells_are_out_within_the_tick(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small({}, {"deplete": ["M1", "M2"], "fraction": 0.999}), 1)
    alive = state.live("state") == ALIVE
    assert not (plan.mask(["macrophage"])[state.live("type")[alive]] == 1).any()


def test_who_is_taken_does_not_depend_on_other_controls(
    walk: Walk, small: Make, k: Backend
) -> None:
    item = {"deplete": "CD8", "fraction": 0.3}
    left = []
    for therapy in ((item,), ({"block": "CXCR2"}, {"deplete": "CD4"}, item)):
        plan, state = walk(small(MANY, *therapy))
        gone = applied(plan, state, k).live("state") == GONE
        mine = state.live("type") == plan.types["CD8"]
        left.append(set(state.live("key")[mine & ~gone].tolist()))
    assert left[0] == left[1]


def test_the_same_depletion_twice_takes_from_what_is_left(
    walk: Walk, small: Make, k: Backend
) -> None:
    item = {"deplete": "CD8", "fraction": 0.5}
    found = taken(walk, small(MANY, item, item), k, 1)
    assert found.sum() == pytest.approx(300, abs=5 * sqrt(400 * 0.75 * 0.25))


# When


def turned(control: Control, ticks: int, day0: int = 0) -> list[int]:
    """Ticks since day 0 at which a control is on, from placement on."""
    moments = (Tick(i, day0 if i >= day0 else -1) for i in range(day0 + ticks))
    return [t.index - day0 for t in moments if control.active(t)]


def knob(**times: Any) -> Control:
    return Control(kind="environment", target="oxygen", value=1.0, **times)


def test_a_control_is_on_from_start_until_stop() -> None:
    assert turned(knob(start=2 * TICK_S, stop=5 * TICK_S), 10, day0=4) == [2, 3, 4]


def test_a_control_without_a_stop_stays_on() -> None:
    assert turned(knob(start=7 * TICK_S), 10) == [7, 8, 9]


def test_a_control_from_birth_is_on_during_preparation() -> None:
    assert turned(knob(start=None), 2, day0=3) == [-3, -2, -1, 0, 1]
    assert turned(knob(start=None, stop=TICK_S), 4, day0=3) == [-3, -2, -1, 0]


def test_a_cycle_is_on_and_off_from_its_start() -> None:
    cycle = (2 * TICK_S, 3 * TICK_S)
    assert turned(knob(start=TICK_S, cycle=cycle), 12) == [1, 2, 6, 7, 11]
    assert turned(knob(start=None, cycle=cycle), 5, day0=4) == [-4, -3, 1, 2]


def test_an_ended_control_stays_off(walk: Walk, small: Make, k: Backend) -> None:
    item = {"block": "CXCR2", "until": "dead_cells > 1000"}
    plan, state = walk(small({}, item))
    row = plan.signals["CXCR2"]
    assert (applied(plan, state, k)["read_scale"][:, row] < 1.0).all()
    state["control_ended"][0] = 1
    assert (applied(plan, state, k)["read_scale"][:, row] == 1.0).all()


def test_controls_do_not_reshuffle_the_dice(walk: Walk, hasty: Make, k: Backend) -> None:
    """A knob that turns nothing leaves every bit as it was."""
    ends = []
    for therapy in ((), ({"overexpress": "STAT3", "fold": 1.0}, {"deplete": "CAF", "fraction": 0})):
        plan, state = walk(hasty({}, *therapy))
        for _ in range(20):
            advance(plan, state, k)
        ends.append(state.snapshot())
    differing = [n for n in ends[0] if not np.array_equal(ends[0][n], ends[1][n])]
    assert set(differing) <= {"control_ended"}


def test_blocked_uptake_hides_vesicles_from_the_cells(walk: Walk, small: Make, k: Backend) -> None:
    """What cells read of every vesicle falls; soluble factors are read as before."""
    item = {"uptake_block": "vesicles", "fraction": 0.8, "in": "CD8"}
    plan, state = walk(small(CLOSED, item))
    scale = applied(plan, state, k)["read_scale"]
    for factor in plan.model.factors:
        expected = 0.2 if factor.form == "vesicle" else 1.0
        assert scale[plan.types["CD8"], plan.signals[factor.id]] == pytest.approx(expected)
        assert scale[plan.types["CSC"], plan.signals[factor.id]] == 1.0
