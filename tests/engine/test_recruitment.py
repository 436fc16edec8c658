"""Host cells come in as often as others go, where vessels call them and walls are open."""

from collections.abc import Callable
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pytest

from stemniche.engine import drives
from stemniche.engine.build import build_plan, new_state
from stemniche.engine.plan import VESSEL, Extension, Plan
from stemniche.engine.process import SUPPLY_S
from stemniche.engine.state import Array, State
from stemniche.engine.step import begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.model import Drive
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

TICKS = 400
TISSUE = {
    "tumour.cells": 0,
    "prepare": {"days": 0.25},
    "tissue": {
        "macrophage": 200,
        "monocyte": 20,
        "CD8": 100,
        "fibroblast": 50,
        "vessels": "400 /mm^2",
    },
    "parameters": {
        "macrophage.turnover": "0.3 1/d",
        "CD8.turnover": "0.5 1/d",
        "fibroblast.turnover": "0.4 1/d",
    },
}


def entered(plan: Plan, state: State, k: Backend, ticks: int = TICKS) -> Array:
    """Cells of each type that came through vessels, nothing else happening."""
    recruitment = next(p for p in plan.processes if p.name == "recruitment")
    for _ in range(ticks):
        state.n = 0
        recruitment.run(state, moment(state), k)
        state.tick += 1
    return state["recruited"]


@pytest.fixture(scope="module")
def resting(walk: Walk, small: Make, k: Backend) -> tuple[Plan, Array]:
    plan, state = walk(small(TISSUE))
    return plan, entered(plan, state, k)


def lost(plan: Plan, *names: str) -> float:
    """Cells of these types that turnover takes over the time, at their first counts."""
    turnover = plan.trait("turnover").astype(float)
    counts = [plan.layout.tissue.get(name, 0) for name in names]
    rate = sum(turnover[plan.types[n]] * c for n, c in zip(names, counts, strict=True))
    return rate * TICKS * SUPPLY_S / 60.0


def test_at_rest_entry_balances_turnover(resting: tuple[Plan, Array]) -> None:
    """Monocytes make up for the macrophages that they become; Poisson, five standard errors."""
    plan, came = resting
    balance = {
        "CD8": lost(plan, "CD8"),
        "fibroblast": lost(plan, "fibroblast", "CAF"),
        "monocyte": lost(plan, "monocyte", "M1", "M2"),
    }
    for name, wanted in balance.items():
        assert wanted > 20.0
        assert came[plan.types[name]] == pytest.approx(wanted, abs=5.0 * sqrt(wanted)), name


def test_the_expected_entry_is_what_draws_scatter_about(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, state = walk(small(TISSUE))
    for name in ("recruited", "expected_recruited"):
        state[name][:] = 0.0
    came = entered(plan, state, k)[plan.types["CD8"]]
    expected = state["expected_recruited"][plan.types["CD8"]]
    assert expected == pytest.approx(lost(plan, "CD8"), rel=0.05)
    assert came == pytest.approx(expected, abs=5.0 * sqrt(expected))


def test_only_types_of_the_blood_come_from_it(resting: tuple[Plan, Array]) -> None:
    plan, came = resting
    assert set(np.flatnonzero(came)) <= set(np.flatnonzero(plan.trait("entry")))


def test_without_vessels_nobody_comes(walk: Walk, small: Make, k: Backend) -> None:
    tissue = TISSUE["tissue"] | {"vessels": 0}
    plan, state = walk(small(TISSUE | {"tissue": tissue}))
    assert not entered(plan, state, k, 50).any()


def test_fewer_perfused_vessels_bring_fewer_cells(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small(TISSUE))
    open_ = np.flatnonzero(state["perfusion"])
    state["perfusion"][open_[::2]] = 0.0
    share = state["perfusion"].sum() / state["vessels_at_start"][0]
    came = entered(plan, state, k)[plan.types["CD8"]]
    wanted = share * lost(plan, "CD8")
    assert came == pytest.approx(wanted, abs=5.0 * sqrt(wanted))


def called(plan: Plan, fold: float, kind: str) -> Plan:
    """The plan with vessels that call a type `fold` times as loud, wherever they are."""
    drive = Drive(
        cell=VESSEL,
        target=f"recruitment.{kind}",
        kind="behaviour",
        constant=log(fold),
        low=0.0,
        high=100.0,
        groups=(),
    )
    others = (d for d in plan.model.drives if d.target != drive.target)
    model = replace(plan.model, drives=(*others, drive))
    return build_plan(model, plan.grid, plan.seed, plan.surroundings, plan.layout, Extension())


def test_entry_follows_the_call_of_the_vessels(small: Make, k: Backend) -> None:
    plan = called(assemble(small(TISSUE), 1).plan, 4.0, "CD8")
    came = entered(plan, begin(plan, k), k)[plan.types["CD8"]]
    wanted = 4.0 * lost(plan, "CD8")
    assert came == pytest.approx(wanted, abs=5.0 * sqrt(wanted))


def test_cells_enter_in_voxels_with_perfused_vessels(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small(TISSUE))
    recruitment = next(p for p in plan.processes if p.name == "recruitment")
    recruitment.flow[:] = 1e3
    first = state.n
    recruitment.run(state, moment(state), k)
    voxel = k.voxel_index(
        state["x"], state["y"], state["z"], state.n, plan.grid.spacing, plan.grid.shape
    )[first:]
    assert len(voxel) > 20
    assert (state["perfusion"][voxel] > 0).all()
    signals = state["signals"][:, first : state.n]
    rest = state["resting"][state["type"][first : state.n]].T
    np.testing.assert_array_equal(signals, rest)


def test_blood_pools_follow_marrow_with_a_delay(walk: Walk, small: Make, k: Backend) -> None:
    """dR/dt = k_m (egress - R) and dP/dt = k_b (R - P), against their closed solutions."""
    plan, state = walk(small(TISSUE))
    marrow = next(p for p in plan.processes if p.name == "marrow")
    place = [plan.types.names[i] for i in np.flatnonzero(plan.trait("entry"))].index("monocyte")
    state["blood"][plan.factors["CCL2"]] = 1.0
    egress = float(
        drives.value(
            plan.drives["marrow", "egress.monocyte"],
            lambda name: state["blood"][plan.factors[name.removeprefix("serum.")]],
        )
    )
    assert egress > 1.2
    out, into = marrow.marrow_rate, marrow.blood_rate
    minutes = 0.0
    for _ in range(75):
        marrow.run(state, moment(state), k)
        minutes += marrow.every_s / 60.0
    released = egress + (1.0 - egress) * exp(-out * minutes)
    slow = (out * exp(-into * minutes) - into * exp(-out * minutes)) / (out - into)
    assert state["released"][place] == pytest.approx(released, rel=1e-9)
    assert state["pool"][place] == pytest.approx(egress + (1.0 - egress) * slow, rel=5e-3)


def test_open_walls_exchange_without_a_drift(walk: Walk, small: Make, k: Backend) -> None:
    """With as many cells inside as beyond, on average as many arrive as have left."""
    plan, state = walk(small(TISSUE))
    recruitment = next(p for p in plan.processes if p.name == "recruitment")
    recruitment.flow[:] = 0.0
    kind, first = plan.types["fibroblast"], state.snapshot()
    arrived, leaving = 0.0, 10
    copy = new_state(plan, 400)
    for tick in range(60):
        copy.restore(first, state.n, tick)
        copy["left_domain"][kind] += leaving
        recruitment.run(copy, moment(copy), k)
        arrived += copy["arrived"][kind]
    wanted = 60.0 * leaving
    assert arrived == pytest.approx(wanted, abs=5.0 * sqrt(wanted))


def test_open_walls_add_no_scatter_to_a_count_that_is_as_beyond(
    walk: Walk, small: Make, k: Backend
) -> None:
    """As many arrive as have left, each time; a count 3 % off leaves one cell to chance at most."""
    plan, state = walk(small(TISSUE))
    recruitment = next(p for p in plan.processes if p.name == "recruitment")
    recruitment.flow[:] = 0.0
    kind, first, leaving = plan.types["CD8"], state.snapshot(), 30
    count = int((state.live("type") == kind).sum())
    copy = new_state(plan, 400)
    for beyond, allowed in ((count, 0.0), (1.03 * count, 1.0)):
        for tick in range(20):
            copy.restore(first, state.n, tick)
            copy["beyond"][kind] = beyond
            copy["left_domain"][kind] += leaving
            recruitment.run(copy, moment(copy), k)
            assert abs(copy["arrived"][kind] - leaving * beyond / count) <= allowed


def test_what_is_put_in_or_taken_out_stays_so_at_open_walls(walk: Walk, small: Make) -> None:
    """T cells cross half a millimetre in hours; the tissue beyond has been treated alike."""
    counts = []
    for lines in ((), ("transfer CD8 40",), ("deplete CD8 0.9",), ("transfer CAR_T 40",)):
        plan, state = walk(small({}, *lines), 200, prepared=1)
        kinds = np.bincount(state.live("type"), minlength=len(plan.types))
        counts.append(int(kinds[plan.types["CD8"]] + kinds[plan.types["CAR_T"]]))
        assert state["left_domain"].sum() > 40
    alone, more, fewer, strange = counts
    assert alone >= 6
    assert more > alone + 20
    assert fewer < alone / 2
    assert strange > alone + 20


def test_who_arrives_stands_at_a_wall(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small(TISSUE))
    recruitment = next(p for p in plan.processes if p.name == "recruitment")
    recruitment.flow[:] = 0.0
    state["left_domain"][plan.types["CD8"]] = 200
    first = state.n
    recruitment.run(state, moment(state), k)
    assert state.n > first + 100
    lx, ly, lz = plan.grid.size
    x, y, z = (state[a][first : state.n] for a in "xyz")
    nearest = np.minimum.reduce([x, lx - x, y, ly - y])
    assert (nearest >= 0.0).all()
    assert (nearest <= plan.grid.spacing).all()
    assert set(z) == {lz / 2}


def test_behind_closed_walls_nobody_leaves_or_arrives(walk: Walk, hasty: Make) -> None:
    changes = {"walls.cells": "closed", "tumour.layout": "scattered"}
    _, state = walk(hasty(changes), 40)
    assert not state["left_domain"].any()
    assert not state["arrived"].any()
