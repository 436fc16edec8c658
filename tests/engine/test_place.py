"""The first tissue is as the scenario says, and the same for the same seed."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import ALIVE, G0, G1, G2M, S_PHASE, State
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

RATES = (
    "cycle_rate",
    "quiescence_rate",
    "awakening_rate",
    "apoptosis_rate",
    "s_duration",
    "g2m_duration",
)


@pytest.fixture(scope="module")
def large(walk: Walk, small: Make) -> tuple[Plan, State]:
    return walk(small({"tumour.cells": 400, "tumour.csc_fraction": 0.1}))


def test_every_type_is_there_in_its_number(large: tuple[Plan, State]) -> None:
    plan, state = large
    counts = np.bincount(state.live("type"), minlength=len(plan.types))
    assert counts[list(plan.members("tumour"))].sum() == 400
    for name in ("MSC", "fibroblast", "CAF", "CD4", "CD8", "Treg", "monocyte"):
        assert counts[plan.types[name]] == plan.layout.tissue[name], name
    assert counts[list(plan.members("macrophage"))].sum() == 16
    assert set(state.live("state")) == {ALIVE}


def test_the_share_of_stem_cells_is_as_asked(large: tuple[Plan, State]) -> None:
    plan, state = large
    stem = int((state.live("type") == plan.types["CSC"]).sum())
    assert stem == pytest.approx(40, abs=5 * 6)


@pytest.mark.parametrize("origin", ["CSC", "progenitor", "differentiated"])
def test_a_tumour_may_start_from_cells_of_one_type(walk: Walk, small: Make, origin: str) -> None:
    plan, state = walk(small({"tumour.origin": origin}))
    kinds = state.live("type")[plan.mask(["tumour"])[state.live("type")] == 1]
    assert set(kinds) == {plan.types[origin]}


@pytest.mark.parametrize("origin", ["CSC", "progenitor"])
def test_cells_start_anywhere_in_the_cycle(walk: Walk, small: Make, origin: str) -> None:
    """Phases hold cells as their rates and lengths say; five standard errors."""
    count = 1500
    more = {"tumour.cells": count, "domain.size": ["1 mm", "1 mm"]}
    plan, state = walk(small({**more, "tumour.origin": origin}))
    kind = plan.types[origin]
    mine = state.live("type") == kind
    phase, clock = state.live("phase")[mine], state.live("clock")[mine]
    of = {name: float(plan.trait(name)[kind]) for name in RATES}
    rest = of["quiescence_rate"] / (of["awakening_rate"] + of["apoptosis_rate"])
    long = {S_PHASE: of["s_duration"], G2M: of["g2m_duration"]}
    weight = {G0: rest, G1: 1.0, **{p: of["cycle_rate"] * long[p] for p in long}}
    for name, one in weight.items():
        share = one / sum(weight.values())
        error = np.sqrt(share * (1.0 - share) / count)
        assert (phase == name).mean() == pytest.approx(share, abs=5 * error), name
    for name, lasts in long.items():
        left = clock[phase == name]
        assert 0.0 < left.min() < left.max() <= lasts
        error = lasts / np.sqrt(12 * len(left))
        assert left.mean() == pytest.approx(lasts / 2, abs=5 * error)


def test_generations_of_progenitors_grow_by_one_ratio(walk: Walk, small: Make) -> None:
    count = 1500
    more = {"tumour.cells": count, "domain.size": ["1 mm", "1 mm"]}
    plan, state = walk(small({**more, "tumour.origin": "progenitor"}))
    kind = plan.types["progenitor"]
    limit = int(plan.trait("division_limit")[kind])
    left = state.live("left")[state.live("type") == kind]
    weight = plan.parameter("tumour.generation_ratio") ** np.arange(limit)[::-1]
    for number, share in enumerate(weight / weight.sum(), start=1):
        error = np.sqrt(share * (1.0 - share) / count)
        assert (left == number).mean() == pytest.approx(share, abs=5 * error), number


def test_stem_cells_stand_above_the_threshold_and_others_below(large: tuple[Plan, State]) -> None:
    plan, state = large
    stem = state.live("type") == plan.types["CSC"]
    mine = plan.mask(["tumour"])[state.live("type")] == 1
    assert state.live("stemness")[stem].min() > plan.parameter("stemness.high")
    assert state.live("stemness")[mine & ~stem].max() < plan.parameter("stemness.low")


def test_heritable_factors_have_mean_one_and_their_spread(walk: Walk, small: Make) -> None:
    plan, state = walk(small({"tumour.cells": 1500, "domain.size": ["1 mm", "1 mm"]}))
    mine = plan.mask(["tumour"])[state.live("type")] == 1
    spread = float(plan.trait("heritable_cv")[plan.types["CSC"]])
    for name in ("growth", "sensitivity", "receptors"):
        values = state.live(name)[mine]
        assert values.mean() == pytest.approx(1.0, abs=5 * spread / np.sqrt(1500))
        assert values.std() == pytest.approx(spread, rel=0.15)
        assert set(state.live(name)[~mine]) == {1.0}


def test_host_cells_are_thinner_inside_the_tumour(large: tuple[Plan, State]) -> None:
    """Their densities inside and outside have the ratio of the parameter; five standard errors."""
    plan, state = large
    size = np.array(plan.grid.size)[:2]
    points = np.stack([state.live("x"), state.live("y")], axis=1)
    far = np.linalg.norm(points - size / 2, axis=1)
    mine = plan.mask(["tumour"])[state.live("type")] == 1
    share = float(np.pi * far[mine].max() ** 2 / size.prod())
    inside, all_ = int((far[~mine] < far[mine].max()).sum()), int((~mine).sum())
    weight = plan.parameter("tumour.infiltration")
    wanted = weight * share / (weight * share + 1.0 - share)
    assert inside / all_ == pytest.approx(wanted, abs=5 * np.sqrt(wanted * (1 - wanted) / all_))


@pytest.mark.parametrize("layout", ["disc", "ball", "single", "scattered", "sheet"])
@pytest.mark.parametrize("depth", ["20 um", "100 um"])
def test_every_layout_lies_within_the_box(layout: str, depth: str, walk: Walk, small: Make) -> None:
    cells = 1 if layout == "single" else 60
    changes = {"tumour.layout": layout, "tumour.cells": cells, "domain.depth": depth}
    plan, state = walk(small(changes))
    for axis, length in zip("xyz", plan.grid.size, strict=True):
        assert state.live(axis).min() >= 0.0
        assert state.live(axis).max() <= length
    assert len(np.unique(state.live("key"))) == state.n


def test_packed_cells_do_not_overlap_much(large: tuple[Plan, State]) -> None:
    plan, state = large
    mine = plan.mask(["tumour"])[state.live("type")] == 1
    points = np.stack([state.live(a)[mine] for a in "xyz"], axis=1).astype(float)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 1.85 * float(state.live("radius")[mine].min())


def test_the_same_seed_gives_the_same_tissue_and_another_one_another(
    walk: Walk, small: Make
) -> None:
    one, two, three = (walk(small(), seed=seed)[1] for seed in (5, 5, 6))
    for name, array in one.snapshot().items():
        np.testing.assert_array_equal(array, two.snapshot()[name], err_msg=name)
    assert not np.array_equal(one.live("key"), three.live("key"))


def test_vessels_have_their_density(walk: Walk, small: Make) -> None:
    plan, state = walk(small({"tissue.vessels": "200 /mm^2"}))
    lx, ly, _ = plan.grid.size
    assert state["vessels"].sum() / (lx * ly * 1e-6) == pytest.approx(200.0, rel=0.15)
    assert (state["perfusion"] <= state["vessels"]).all()


def test_pericytes_cover_all_vessels_outside_and_a_share_inside(walk: Walk, small: Make) -> None:
    share = {"tumour.cells": 400, "tissue.vessels": "1500 /mm^2"}
    plan, state = walk(small({**share, "parameters": {"tumour.pericyte_coverage": "0.3"}}))
    kind, held = state.live("type"), state.live("wall")
    lx, ly, _ = plan.grid.size
    apart = np.hypot(state.live("x") - lx / 2.0, state.live("y") - ly / 2.0)
    tumour = plan.mask(["tumour"])[kind] == 1
    lines = plan.trait("lining")[kind] > 0.0
    bare = lines & ~np.isin(held, held[kind == plan.types["pericyte"]])
    reach = apart[tumour].max()
    assert not bare[apart > 1.1 * reach].any()
    inside = lines & (apart < 0.9 * reach)
    assert bare[inside].mean() == pytest.approx(0.7, abs=0.2)
