"""Vessels: Poiseuille's flow in a network, and walls that grow, join, carry blood and vanish."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from stemniche.engine.grid import Grid
from stemniche.engine.newcomers import add_cells
from stemniche.engine.plan import Plan
from stemniche.engine.processes.vessels import VESSEL_BEHAVIOURS, Vessels
from stemniche.engine.state import APOPTOTIC, Array, State
from stemniche.engine.step import advance, begin, moment
from stemniche.engine.vessels import (
    ARTERIAL,
    MIMICRY,
    SPROUT,
    VENOUS,
    Graph,
    conductance,
    deposit,
    host_vessels,
    pressures,
)
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.run.measures import measure
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]


def test_a_tube_carries_what_poiseuille_says() -> None:
    """pi r^4 dp / (8 mu L): twice the radius carries sixteen times as much."""
    thin, wide = conductance(np.array([5.0, 10.0]), np.array([100.0, 100.0]), 1e-6)
    assert thin == pytest.approx(np.pi * 625.0 / (8e-6 * 100.0))
    assert wide == pytest.approx(16.0 * thin)


def test_a_bridge_of_tubes_has_the_pressures_worked_out_by_hand() -> None:
    """Wheatstone's bridge between 10 and 0 mmHg with arms 1, 2 | 3, 4 and a bridge of 5."""
    ends = np.array([[0, 1], [0, 2], [1, 3], [2, 3], [1, 2]])
    weight = np.array([1.0, 3.0, 2.0, 4.0, 5.0])
    fixed = np.array([True, False, False, True])
    found = pressures(ends, weight, np.array([10.0, 0.0, 0.0, 0.0]), fixed)
    # (1 + 2 + 5) p1 - 5 p2 = 10 and (3 + 4 + 5) p2 - 5 p1 = 30.
    assert found == pytest.approx([10.0, 270.0 / 71.0, 290.0 / 71.0, 0.0])


def test_blood_is_kept_at_every_junction() -> None:
    """In a random network as much leaves as comes, to rounding, but at the ports."""
    dice = np.random.default_rng(3)
    ends = np.array([[i, j] for i in range(30) for j in range(i) if dice.random() < 0.15])
    weight = dice.lognormal(size=len(ends))
    fixed = np.zeros(30, bool)
    fixed[[0, 5, 11]] = True
    found = pressures(ends, weight, np.linspace(20.0, 30.0, 30), fixed)
    flow = weight * (found[ends[:, 0]] - found[ends[:, 1]])
    balance = np.bincount(ends[:, 0], flow, 30) - np.bincount(ends[:, 1], flow, 30)
    assert np.abs(balance[~fixed]).max() < 1e-9 * np.abs(flow).max()
    assert np.abs(balance[fixed]).max() > 1e-3 * np.abs(flow).max()


def test_dead_ends_and_islands_carry_nothing() -> None:
    ends = np.array([[0, 1], [1, 2], [1, 3], [4, 5]])
    fixed = np.array([True, False, True, False, False, False])
    level = np.array([30.0, 0.0, 10.0, 0.0, 0.0, 0.0])
    found = pressures(ends, np.ones(4), level, fixed)
    assert found == pytest.approx([30.0, 20.0, 10.0, 20.0, 0.0, 0.0])


def test_the_length_of_a_segment_is_shared_among_its_voxels() -> None:
    grid = Grid(shape=(1, 4, 6), spacing=20.0)
    at = np.array([[10.0, 10.0, 10.0], [90.0, 10.0, 10.0]])
    found = deposit(grid, at, np.array([[0, 1]]), np.array([80.0]), np.array([0.5]))
    assert found.sum() == pytest.approx(0.5 * 80.0 / 20.0)
    assert np.flatnonzero(found).tolist() == [1, 2, 3] or np.flatnonzero(found).size == 4
    assert found.reshape(4, 6)[1:].sum() == 0.0


def test_vessels_of_a_block_run_between_opposite_ports() -> None:
    grid = Grid(shape=(5, 4, 4), spacing=20.0)
    x = np.array([30.0, 50.0])
    graph = host_vessels(grid, x, x, np.array([0.9, 0.1]), (25.0, 20.0), 5.0)
    assert graph.lengths(20.0).sum() == pytest.approx(2 * 100.0)
    low, high = graph.at[:, 2] == 0.0, graph.at[:, 2] == 100.0
    assert graph.port[low].tolist() == [ARTERIAL, VENOUS]
    assert graph.port[high].tolist() == [VENOUS, ARTERIAL]
    assert graph.supply[high].tolist() == [20.0, 25.0]


# Living vessels: the process alone on a slice without a tumour.


@pytest.fixture
def bare(small: Make, k: Backend) -> tuple[Plan, State, Vessels]:
    """A slice with vessels, nothing else, and its process."""
    tissue = {"tissue": {"vessels": "100 /mm^2"}, "tumour.cells": 0, "prepare": {"days": 1}}
    plan = assemble(small(tissue), 1).plan
    process = next(p for p in plan.processes if isinstance(p, Vessels))
    return plan, begin(plan, k), process


def two_ports(plan: Plan, s: State, gap: float) -> Graph:
    """Keep two ports, of different pressure, in a row along x; their walls look along x."""
    graph = Graph.of(s)
    first, second = (int(np.flatnonzero(graph.port == kind)[0]) for kind in (ARTERIAL, VENOUS))
    keep = np.zeros(len(graph.name), bool)
    keep[[first, second]] = True
    names = graph.name[[first, second]]
    graph.supply[[first, second]] = 25.0, 20.0
    graph.at[first], graph.at[second] = (60.0, 100.0, 10.0), (60.0 + gap, 100.0, 10.0)
    graph.keep(keep)
    graph.put(s)
    gone = ~np.isin(s.live("wall"), names)
    s.live("wall")[gone] = 0
    s.live("state")[gone] = APOPTOTIC
    return graph


def driven(process: Vessels, s: State, k: Backend, steps: int) -> None:
    """Let vessels live; every tip looks along x and goes 10 um in a step."""
    for _ in range(steps):
        s["behaviours"][process.speed_row] = 10.0 / (process.every_s / 60.0)
        s["px"][:], s["py"][:], s["pz"][:] = 1.0, 0.0, 0.0
        process.run(s, moment(s), k)
        s.tick += 10


def sprouting(process: Vessels, rate: float) -> Vessels:
    """The process with walls that sprout at this rate, 1/min, and do nothing else."""
    return replace(process, base=(rate, 1.0, 1.0, 0.0), calls=(None, None, None, None))


def test_a_sprout_carries_blood_once_it_has_joined_a_port_of_another_pressure(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    plan, s, process = bare
    two_ports(plan, s, 100.0)
    driven(sprouting(process, 10.0), s, k, 1)
    carried = []
    for _ in range(14):
        driven(sprouting(process, 0.0), s, k, 1)
        graph = Graph.of(s)
        grown = (graph.kind == SPROUT) & (graph.middles()[:, 0] < 160.0)
        carried.append(bool(grown.any()) and bool(graph.perfused[grown].all()))
    assert not carried[0]
    assert carried[-1]
    flow = graph.flow[grown]
    assert flow == pytest.approx(np.full(len(flow), flow[0]), rel=1e-9)
    assert s["perfusion"].sum() > 2.0


def test_a_sprout_that_joins_a_port_of_equal_pressure_carries_none(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    plan, s, process = bare
    graph = two_ports(plan, s, 100.0)
    graph.supply[:] = 25.0
    driven(sprouting(process, 10.0), s, k, 1)
    driven(sprouting(process, 0.0), s, k, 14)
    graph = Graph.of(s)
    assert len(graph.tips) <= 1
    assert not graph.perfused[graph.kind == SPROUT].any()


def test_tips_hold_others_back(bare: tuple[Plan, State, Vessels], k: Backend) -> None:
    _, s, process = bare
    driven(sprouting(process, 10.0), s, k, 1)
    graph = Graph.of(s)
    at = graph.at[graph.tips]
    apart = np.sqrt(((at[:, None] - at[None]) ** 2).sum(axis=2))
    assert len(at) > 1
    assert apart[np.triu_indices(len(at), 1)].min() >= process.tip_spacing


def test_expected_sprouts_are_the_chances_of_the_walls_before_tips_hold_each_other_back(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    plan, s, process = bare
    walls = int(np.count_nonzero(s.live("type") == plan.types["EC"]))
    before, tips = float(s["expected_sprouts"][0]), len(Graph.of(s).tips)
    driven(sprouting(process, 10.0), s, k, 1)
    assert s["expected_sprouts"][0] - before == pytest.approx(walls, rel=1e-6)
    assert 0 < len(Graph.of(s).tips) - tips < walls


def test_every_segment_is_lined_by_a_living_cell_and_vanishes_with_it(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    plan, s, process = bare
    driven(sprouting(process, 10.0), s, k, 4)
    names = Graph.of(s).name
    lining = s.live("type") == plan.types["EC"]
    assert sorted(s.live("wall")[lining]) == names.tolist()
    dies = np.flatnonzero(lining)[::3]
    lost = set(s["wall"][dies].tolist())
    s["state"][dies] = APOPTOTIC
    s["behaviours"][process.apoptosis_row] = 1000.0 / 1440.0  # no neighbour lives to close a gap
    driven(sprouting(process, 0.0), s, k, 1)
    assert not lost & set(Graph.of(s).name.tolist())


def joined(bare: tuple[Plan, State, Vessels], k: Backend) -> Array:
    """A sprout between two ports that carries blood: the cells of its wall, along x."""
    plan, s, process = bare
    two_ports(plan, s, 100.0)
    driven(sprouting(process, 10.0), s, k, 1)
    driven(sprouting(process, 0.0), s, k, 14)
    graph, wall = Graph.of(s), process._wall(s)
    place = graph.places(s["wall"][wall])
    lines = wall[(graph.kind[place] == SPROUT) & graph.perfused[place].astype(bool)]
    assert len(lines) > 2
    return lines[np.argsort(s["x"][lines])]


def test_a_vessel_stays_whole_where_one_wall_dies_among_many_that_live(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    """Neighbours crawl over the gap: one divides, its daughter lines it, and blood flows on."""
    _, s, process = bare
    lines = joined(bare, k)
    dies, name = int(lines[1]), int(s["wall"][lines[1]])
    beside = s["key"][lines[[0, 2]]].tolist()
    carrying = int(Graph.of(s).perfused.sum())
    s["behaviours"][process.apoptosis_row] = 0.1 / 1440.0
    s["state"][dies] = APOPTOTIC
    driven(sprouting(process, 0.0), s, k, 1)
    (new,) = np.flatnonzero((s.live("wall") == name) & (s.live("state") == 0))
    assert s["parent"][new] in beside
    assert int(Graph.of(s).perfused.sum()) == carrying
    assert s["wall"][dies] == 0


def test_a_vessel_breaks_where_walls_die_sooner_than_they_could_close_a_gap(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    _, s, process = bare
    dies = int(joined(bare, k)[1])
    name = int(s["wall"][dies])
    s["behaviours"][process.apoptosis_row] = 1000.0 / 1440.0
    s["state"][dies] = APOPTOTIC
    driven(sprouting(process, 0.0), s, k, 1)
    graph = Graph.of(s)
    assert name not in graph.name
    assert not graph.perfused[graph.kind == SPROUT].any()


def test_a_piece_of_wall_that_tumour_cells_line_does_not_grow_by_itself(
    bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    """It takes more tumour cells that turn, where a sprout of the same age has grown."""
    plan, s, process = bare
    two_ports(plan, s, 100.0)
    for clone in (0, 1):
        at = [np.array([70.0]), np.array([100.0 + 15.0 * clone]), np.array([10.0])]
        key = np.array([1000 + clone], np.uint64)
        (new,) = add_cells(s, k, plan.types["EC"], at, key, float(process.volume[0]))
        s["clone"][new] = clone
    driven(sprouting(process, 0.0), s, k, 6)
    graph = Graph.of(s)
    grown = [int((graph.kind == kind).sum()) for kind in (SPROUT, MIMICRY)]
    assert grown[0] > 2
    assert grown[1] == 1


def test_a_narrow_vessel_closes(bare: tuple[Plan, State, Vessels], k: Backend) -> None:
    """Speed goes with the square of the radius."""
    _, s, process = bare
    narrow = np.sqrt(process.least_speed / (process.supply[0] - process.supply[1]))
    narrow *= np.sqrt(8.0 * process.viscosity * process.path) / process.radius
    found = []
    for fold in (0.98 * narrow, 1.02 * narrow):
        held = replace(process, base=(0.0, 1.0, float(fold), 0.0), calls=(None,) * 4)
        driven(held, s, k, 1)
        found.append(bool(Graph.of(s).perfused.any()))
    assert found == [False, True]


@pytest.mark.parametrize(
    ("signal", "levels"), [("wall_leakiness", (1.0, 3.0, 9.0)), ("matrix_density", (1.0, 2.0, 4.0))]
)
def test_leaks_and_a_dense_matrix_narrow_vessels(
    signal: str, levels: tuple[float, ...], bare: tuple[Plan, State, Vessels], k: Backend
) -> None:
    """Without any intervention on flow: by the library's rows alone."""
    _, s, process = bare
    wall = process._wall(s)
    found = []
    for level in levels:
        s["signals"][process.signals[signal], wall] = level
        found.append(float(process._behaviour(s, VESSEL_BEHAVIOURS.index("lumen"), wall).mean()))
    assert found[0] > found[1] > found[2]
    assert found[2] > 0.3 * found[0]


def test_walls_feel_what_an_intervention_makes_of_their_leaks(small: Make, k: Backend) -> None:
    """So leaky vessels carry less, whatever made them leak."""
    still = {"tissue": {"vessels": "100 /mm^2"}, "tumour.cells": 0, "prepare": {"days": 1}}
    carried = []
    for therapy in ((), ({"vessels": {"leakiness": 10.0}, "from": "birth"},)):
        plan = assemble(small(still, *therapy), 1).plan
        s = begin(plan, k)
        process = next(p for p in plan.processes if isinstance(p, Vessels))
        for _ in range(3):
            for _ in range(10):
                advance(plan, s, k)
        wall = process._wall(s)
        assert s["leaking"][wall] == pytest.approx(
            Graph.of(s).leakiness[Graph.of(s).places(s["wall"][wall])]
        )
        carried.append(float(s["perfusion"].sum()))
    assert carried[1] < 0.9 * carried[0]


def test_pericytes_cover_bare_walls(bare: tuple[Plan, State, Vessels], k: Backend) -> None:
    plan, s, process = bare
    mural = s.live("type") == plan.types["pericyte"]
    s.live("state")[mural] = APOPTOTIC
    driven(sprouting(process, 0.0), s, k, 1)
    wall = process._wall(s)
    assert not s["cover"][wall].any()
    covering = replace(process, base=(0.0, 1.0, 1.0, 0.01), calls=(None,) * 4)
    driven(covering, s, k, 20)
    assert s["cover"][process._wall(s)].all()


def test_an_intervention_changes_cover_and_leaks_of_all_vessels(small: Make, k: Backend) -> None:
    """Half the pericytes count, walls leak thrice as much, half of both faults is mended."""
    loose = {"pericytes": 0.5, "leakiness": 3.0, "normalise": 0.5}
    still = {"tissue": {"vessels": "100 /mm^2"}, "tumour.cells": 0, "prepare": {"days": 1}}
    found = []
    for therapy in ((), ({"vessels": loose, "from": "birth"},)):
        plan = assemble(small(still, *therapy), 1).plan
        s = begin(plan, k)
        for _ in range(2):
            advance(plan, s, k)
            s.tick = 0
        process = next(p for p in plan.processes if isinstance(p, Vessels))
        found.append((s["cover"][process._wall(s)].mean(), Graph.of(s).leakiness.mean()))
    assert found[0][0] == 1.0
    assert found[1][0] == 0.75
    assert found[1][1] > 1.5 * found[0][1]


def graph_bits(s: State) -> dict[str, Array]:
    return {name: s[name].copy() for name in s.arrays if name.startswith("vessel")}


def test_vessels_go_on_alike_from_a_snapshot(small: Make, k: Backend) -> None:
    """A tissue full of VEGFA, left for a while in one go or in two."""
    loud = {
        "tissue.vessels": "400 /mm^2",
        "parameters": {"EC.sprouting_rate": "0.009 1/d"},
    }
    plan = assemble(small(loud, {"add": "VEGFA", "concentration": "0.5 nM"}), 1).plan
    whole = begin(plan, k)
    whole["day0"][0] = 0
    for _ in range(60):
        advance(plan, whole, k)
    halves = begin(plan, k)
    halves["day0"][0] = 0
    for _ in range(33):
        advance(plan, halves, k)
    again = begin(plan, k)
    again.restore(halves.snapshot(), halves.n, halves.tick)
    for _ in range(27):
        advance(plan, again, k)
    assert (Graph.of(whole).kind == SPROUT).any()
    for name, value in graph_bits(whole).items():
        np.testing.assert_array_equal(value, again[name])


# What the rows of the library make of it: nothing is set but the level of VEGFA.

EMPTY = dict.fromkeys(
    ("MSC", "fibroblast", "monocyte", "macrophage", "CD4", "Treg", "CD8", "NK", "DC", "MDSC"), 0
)


@pytest.fixture(scope="module")
def withdrawn(small: Make, k: Backend) -> dict[float, dict[str, float]]:
    """Measures by day of host tissue that gets VEGFA for four days and none from then on."""
    tissue = {
        "tumour.cells": 0,
        "domain.size": ["0.3 mm", "0.3 mm"],
        "prepare": {"days": 1},
        "tissue": EMPTY | {"EPC": 0, "vessels": "700 /mm^2"},
    }
    therapy = {"add": "VEGFA", "concentration": "0.5 nM", "until": "4 d"}
    run = assemble(small(tissue, therapy, {"neutralise": "VEGFA", "from": "4 d"}), 1)
    s = begin(run.plan, k)
    s["day0"][0] = 0
    found = {}
    for tick in range(8 * 240 + 1):
        if tick % 120 == 0:
            found[tick / 240.0] = measure(run.plan, s)
        advance(run.plan, s, k)
    return found


def test_vegfa_makes_vessels_sprout_leak_and_lose_their_pericytes(
    withdrawn: dict[float, dict[str, float]],
) -> None:
    before, after = withdrawn[0.0], withdrawn[4.0]
    assert after["vessel_density"] > before["vessel_density"]
    assert after["vessel_permeability"] > 2.5
    assert after["pericyte_coverage"] < 0.8


def test_without_vegfa_vessels_first_tighten_and_then_bare_ones_go(
    withdrawn: dict[float, dict[str, float]],
) -> None:
    """The leaks close within a day, while most vessels are still there; pruning takes days."""
    last, soon, late = (withdrawn[day] for day in (4.0, 5.0, 8.0))
    closed = last["vessel_permeability"] - soon["vessel_permeability"]
    assert closed > 0.5 * (last["vessel_permeability"] - 1.0)
    pruned = last["vessel_density"] - late["vessel_density"]
    assert pruned > 0.1 * last["vessel_density"]
    assert last["vessel_density"] - soon["vessel_density"] < 0.6 * pruned
    assert late["perfused_fraction"] >= last["perfused_fraction"]
    assert late["pericyte_coverage"] > last["pericyte_coverage"]


def test_a_sprout_grows_towards_the_source_of_vegfa(small: Make, k: Backend) -> None:
    """In a gradient along x tips end up farther along it than where they set out."""
    tissue = {
        "tumour.cells": 0,
        "domain.size": ["0.5 mm", "0.3 mm"],
        "walls.factors": "no_flux",
        "prepare": {"days": 1},
        "tissue": EMPTY | {"EPC": 0, "vessels": "100 /mm^2"},
        "parameters": {"EC.sprouting_rate": "0.1 1/d"},
    }
    uphill = {"add": "VEGFA", "concentration": "0.2 nM", "where": {"gradient": "x"}}
    found = []
    for seed in (1, 2, 3):
        plan = assemble(small(tissue, uphill), seed).plan
        s = begin(plan, k)
        s["day0"][0] = 0
        for _ in range(240):
            advance(plan, s, k)
        graph = Graph.of(s)
        grown = graph.kind == SPROUT
        found.append(np.diff(graph.at[graph.ends[grown], 0], axis=1).ravel())
    steps = np.concatenate(found)
    assert len(steps) > 10
    assert steps.mean() > 3.0 * steps.std() / np.sqrt(len(steps))
