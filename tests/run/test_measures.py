"""Measures follow their definitions, on tissues made by hand."""

from collections.abc import Callable
from math import exp, pi

import numpy as np
import pytest

from stemniche.engine.newcomers import add_cells
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import APOPTOTIC, G0, NECROTIC, Array, State
from stemniche.engine.step import begin, moment
from stemniche.engine.vessels import HOST, MIMICRY, Graph
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.run.measures import HYPOXIC, look_up, measure
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]


class Tissue:
    """An empty tissue to put cells into; `row` measures it."""

    def __init__(self, plan: Plan, k: Backend) -> None:
        self.plan, self.k, self.state = plan, k, begin(plan, k)
        self.state.n, self.state["day0"][0] = 0, 0

    def put(self, kind: str, places: Array | list[tuple[float, float]]) -> Array:
        """Add cells of a type at some x and y; return their places in the columns."""
        points = np.asarray(places, float).reshape(-1, 2)
        first = 1 + self.state.n
        keys = np.arange(first, first + len(points), dtype=np.uint64)
        depth = np.full(len(points), self.plan.grid.spacing / 2)
        position = [points[:, 0], points[:, 1], depth]
        return add_cells(self.state, self.k, self.plan.types[kind], position, keys, 2500.0)

    @property
    def row(self) -> dict[str, float]:
        """All measures, with every cell in its voxel."""
        s, grid = self.state, self.plan.grid
        s.live("voxel")[:] = self.k.voxel_index(
            s["x"], s["y"], s["z"], s.n, grid.spacing, grid.shape
        )
        return measure(self.plan, s)


@pytest.fixture(scope="module")
def plan(small: Make) -> Plan:
    return assemble(small({}, {"drug": "paclitaxel", "dose": "100 mg"}), 1).plan


@pytest.fixture
def tissue(plan: Plan, k: Backend) -> Tissue:
    return Tissue(plan, k)


SPOT = [(250.0, 250.0)]


@pytest.fixture
def mixed(tissue: Tissue) -> Tissue:
    """Two CSC, three progenitors and five differentiated cells, and some of the niche."""
    for kind, count in (
        ("CSC", 2), ("progenitor", 3), ("differentiated", 5), ("M1", 3), ("M2", 1), ("CD4", 6),
        ("Treg", 2), ("CD8", 4), ("MSC", 1),
    ):  # fmt: skip
        tissue.put(kind, SPOT * count)
    return tissue


def of(tissue: Tissue, kind: str) -> Array:
    return np.flatnonzero(tissue.state.live("type") == tissue.plan.types[kind])


def test_living_cells_are_counted_by_type_and_group(mixed: Tissue) -> None:
    mixed.state["state"][of(mixed, "differentiated")[:2]] = [APOPTOTIC, NECROTIC]
    row = mixed.row
    assert row["cells.differentiated"] == 3.0
    assert row["cells.tumour"] == row["tumour_cells"] == 8.0
    assert row["cells.macrophage"] == row["cells.TAM"] == 4.0
    assert row["cells.T_cell"] == 12.0
    assert row["dead_cells"] == 2.0


def test_the_csc_fraction_is_of_living_tumour_cells(mixed: Tissue) -> None:
    assert mixed.row["csc_fraction"] == pytest.approx(0.2)
    mixed.state["state"][of(mixed, "CSC")[:1]] = APOPTOTIC
    assert mixed.row["csc_fraction"] == pytest.approx(1.0 / 9.0)


def test_shares_of_the_immune_system(mixed: Tissue) -> None:
    row = mixed.row
    assert row["m2_fraction"] == 0.25
    assert row["treg_fraction"] == 0.25
    assert row["cd8_infiltration"] == pytest.approx(100.0 * 4 / 10)


def test_macrophages_and_cd8_outside_the_tumour_do_not_count_as_inside(mixed: Tissue) -> None:
    mixed.put("M2", [(30.0, 30.0)])
    mixed.put("CD8", [(30.0, 30.0)])
    row = mixed.row
    assert row["cells.macrophage"] == 5.0
    assert row["cells.TAM"] == 4.0
    assert row["cd8_infiltration"] == pytest.approx(40.0)


def test_hypoxic_is_below_ten_mmhg(mixed: Tissue) -> None:
    oxygen = mixed.state.live("signals")[mixed.plan.signals["oxygen"]]
    oxygen[:] = HYPOXIC
    assert mixed.row["hypoxic_fraction"] == 0.0
    oxygen[of(mixed, "progenitor")] = 9.99
    oxygen[of(mixed, "CD8")] = 1.0
    assert mixed.row["hypoxic_fraction"] == pytest.approx(0.3)
    assert HYPOXIC == 10.0


def test_necrotic_and_quiescent_shares(mixed: Tissue) -> None:
    mixed.state["state"][of(mixed, "differentiated")[:2]] = NECROTIC
    mixed.state["phase"][of(mixed, "CSC")] = G0
    mixed.state["phase"][of(mixed, "MSC")] = G0
    row = mixed.row
    assert row["necrotic_fraction"] == pytest.approx(2 / 10)
    assert row["quiescent_fraction"] == pytest.approx(2 / 8)


@pytest.mark.parametrize("radius", [60.0, 110.0, 200.0])
def test_the_diameter_of_a_disc_is_right_within_a_voxel(radius: float, tissue: Tissue) -> None:
    step = np.arange(5.0, 500.0, 5.0)
    x, y = (axis.ravel() for axis in np.meshgrid(step, step))
    disc = (x - 250.0) ** 2 + (y - 250.0) ** 2 < radius**2
    tissue.put("differentiated", np.stack([x[disc], y[disc]], axis=1))
    row, spacing = tissue.row, tissue.plan.grid.spacing
    assert row["tumour_diameter_um"] == pytest.approx(2.0 * radius, abs=1.5 * spacing)
    ball = pi / 6.0 * row["tumour_diameter_um"] ** 3 * 1e-9
    assert row["tumour_volume_mm3"] == pytest.approx(ball, rel=1e-6)


def test_in_three_dimensions_the_volume_is_that_of_the_voxels(small: Make, k: Backend) -> None:
    made = small({"domain": {"size": ["0.2 mm", "0.2 mm"], "depth": "0.2 mm"}, "tumour.cells": 40})
    tissue = Tissue(assemble(made, 1).plan, k)
    tissue.put("CSC", [(30.0, 30.0), (30.0, 50.0), (90.0, 30.0)])
    row = tissue.row
    assert row["tumour_volume_mm3"] == pytest.approx(3 * 20.0**3 * 1e-9)
    assert row["tumour_diameter_um"] == pytest.approx(2.0 * (3 * 8000 * 0.75 / pi) ** (1 / 3))


def test_invasion_is_the_distance_of_the_outermost_beyond_the_bulk(tissue: Tissue) -> None:
    step = np.arange(5.0, 500.0, 5.0)
    x, y = (axis.ravel() for axis in np.meshgrid(step, step))
    disc = (x - 250.0) ** 2 + (y - 250.0) ** 2 < 100.0**2
    tissue.put("differentiated", np.stack([x[disc], y[disc]], axis=1))
    tissue.put("CSC", [(50.0, 250.0), (450.0, 250.0), (250.0, 50.0), (250.0, 450.0)])
    tissue.put("MSC", [(250.0, 480.0)])
    row = tissue.row
    assert row["invasion_um.CSC"] == pytest.approx(100.0, abs=tissue.plan.grid.spacing)
    assert row["invasion_um"] < 5.0
    assert row["invasion_um.progenitor"] == 0.0
    assert row["invasion_um.MSC"] == pytest.approx(130.0, abs=tissue.plan.grid.spacing)


def test_means_are_over_the_living_of_the_type(mixed: Tissue) -> None:
    s, plan = mixed.state, mixed.plan
    s.live("signals")[plan.signals["STAT3"]] = np.arange(s.n)
    s.live("damage")[:] = np.arange(s.n)
    s.live("drug_in.paclitaxel")[:] = 2.0 * np.arange(s.n)
    s.live("behaviours")[plan.behaviours["migration_speed"]] = 3.0 * np.arange(s.n)
    s["state"][of(mixed, "progenitor")[-1]] = APOPTOTIC
    row, mean = mixed.row, of(mixed, "progenitor")[:2].mean()
    assert row["node.STAT3.progenitor"] == pytest.approx(mean)
    assert row["damage.progenitor"] == pytest.approx(mean)
    assert row["drug_in.paclitaxel.progenitor"] == pytest.approx(2 * mean)
    assert row["speed.progenitor"] == pytest.approx(3 * mean)


def test_the_mean_of_a_node_over_a_group_leaves_out_types_without_it(mixed: Tissue) -> None:
    s, plan = mixed.state, mixed.plan
    owners = next(n.cells for n in plan.model.nodes if n.id == "PPBP_expression")
    assert owners == ("MSC",)
    mixed.put("fibroblast", SPOT * 3)
    s.live("signals")[plan.signals["PPBP_expression"]] = np.where(
        s.live("type") == plan.types["MSC"], 0.6, 0.0
    )
    assert mixed.row["node.PPBP_expression.stroma"] == pytest.approx(0.6)


def test_factors_are_averaged_over_tumour_voxels(mixed: Tissue) -> None:
    field = mixed.state["fields"][mixed.plan.factors["IL6"], 0]
    field[:] = 1.0
    field[12, 12] = 5.0
    assert mixed.row["factor.IL6"] == pytest.approx(5.0)


def test_without_a_tumour_factors_are_averaged_over_the_domain(tissue: Tissue) -> None:
    tissue.put("CD8", SPOT)
    field = tissue.state["fields"][tissue.plan.factors["IL6"], 0]
    field[:] = 1.0
    field[12, 12] = 626.0
    assert tissue.row["factor.IL6"] == pytest.approx(2.0)


def test_plasma_serum_and_tissue_levels_of_a_drug_have_their_columns(mixed: Tissue) -> None:
    s, plan = mixed.state, mixed.plan
    s["blood"][plan.factors["paclitaxel"]] = 7.0
    s["blood"][plan.factors["CCL2"]] = 0.5
    s["fields"][plan.factors["paclitaxel"]] = 3.0
    row = mixed.row
    assert row["plasma.paclitaxel"] == 7.0
    assert row["drug.paclitaxel"] == pytest.approx(3.0)
    assert row["serum.CCL2"] == 0.5
    assert "factor.paclitaxel" not in row


def test_release_per_cell_is_rate_times_node_times_what_therapy_leaves(mixed: Tissue) -> None:
    s, plan = mixed.state, mixed.plan
    rows = [r for r in plan.model.secretions if (r.factor, r.cell) == ("PPBP", "MSC")]
    s.live("signals")[plan.signals["PPBP_expression"]] = 0.5
    rate = sum(r.rate for r in rows)
    assert mixed.row["secretion.PPBP.MSC"] == pytest.approx(0.5 * rate)
    s["synthesis"][plan.types["MSC"], plan.factors["PPBP"]] = 3.0
    s["read_scale"][plan.types["MSC"], plan.signals["PPBP_expression"]] = 0.1
    assert mixed.row["secretion.PPBP.MSC"] == pytest.approx(0.15 * rate)
    mixed.put("fibroblast", SPOT * 3)
    assert mixed.row["secretion.PPBP.stroma"] == pytest.approx(0.15 * rate / 4.0)


def test_rates_are_events_per_cell_and_day(mixed: Tissue, k: Backend) -> None:
    """A steady course of events shows as itself, whatever the window."""
    s, plan = mixed.state, mixed.plan
    rates = next(p for p in plan.processes if p.name == "rates")
    stem, row = plan.types["CSC"], plan.hazards["apoptosis"]
    for _ in range(3000):
        s["expected_born"][stem] += 0.1
        s["expected_deaths"][row, stem] += 0.02
        s["expected_deaths"][plan.hazards["drug_death"], stem] += 0.01
        s["expected_deaths"][plan.hazards["turnover"], stem] += 0.5
        rates.run(s, moment(s), k)
    found, days = mixed.row, TICK_MIN / 1440.0
    assert found["rate.proliferation.CSC"] == pytest.approx(0.1 / (2 * days), rel=1e-3)
    assert found["rate.apoptosis.CSC"] == pytest.approx(0.02 / (2 * days), rel=1e-3)
    assert found["rate.proliferation.tumour"] == pytest.approx(0.1 / (10 * days), rel=1e-3)
    assert found["survival.CSC"] == pytest.approx(exp(-3000 * 0.03 / 2), rel=1e-3)
    assert found["spared.CSC"] == pytest.approx(exp(-3000 * 0.01 / 2), rel=1e-3)
    assert found["survival.progenitor"] == found["spared.progenitor"] == 1.0


def test_deaths_that_nothing_can_cause_have_the_rate_zero(small: Make, k: Backend) -> None:
    """So that an arm with a drug can be compared with one without."""
    row = Tissue(assemble(small({}), 1).plan, k).row
    for event in ("drug_death", "radiation_death", "virus_death"):
        assert row[f"rate.{event}.CSC"] == 0.0


def test_counts_since_day_zero_are_passed_on(mixed: Tissue) -> None:
    s, plan = mixed.state, mixed.plan
    s["flux"][:] = np.arange(len(FLUX))
    s["engulfed"][0] = 9.0
    s["deaths"][plan.hazards["kill.CD8"], plan.types["progenitor"]] = 4.0
    s["left_domain"][plan.types["M1"]] = 2.0
    s["left_domain"][plan.types["M2"]] = 3.0
    s["recruited"][plan.types["monocyte"]] = 6.0
    s["converted"][plan.types["M1"], plan.types["M2"]] = 8.0
    s["expected_converted"][plan.types["M1"], plan.types["M2"]] = 7.5
    s["expected_converted"][plan.types["progenitor"], plan.types["CSC"]] = 2.5
    s["expected_recruited"][plan.types["monocyte"]] = 5.5
    s["born"][plan.types["CSC"]], s["born"][plan.types["progenitor"]] = 1.0, 2.0
    s["expected_engulfed"][0] = 8.5
    s["expected_deaths"][plan.hazards["kill.CD8"], plan.types["progenitor"]] = 3.5
    row = mixed.row
    assert [row[f"csc_flux.{cause}"] for cause in FLUX] == list(range(len(FLUX)))
    assert row["phagocytosis"] == 9.0
    assert row["kills.CD8.progenitor"] == row["kills.CD8.tumour"] == 4.0
    assert row["left.macrophage"] == 5.0
    assert row["recruited.monocyte"] == 6.0
    assert row["conversion.M1.M2"] == 8.0
    assert row["expected_conversion.M1.M2"] == 7.5
    assert row["expected_dedifferentiation"] == 2.5
    assert row["expected_recruited.monocyte"] == 5.5
    assert row["expected_phagocytosis"] == 8.5
    assert row["divisions.tumour"] == 3.0
    assert row["expected_kills.CD8.tumour"] == 3.5


def test_vessels_are_per_cross_section(mixed: Tissue) -> None:
    s = mixed.state
    graph = Graph.of(s)
    graph.keep(np.arange(len(graph.name)) < 4)
    graph.perfused[:] = [1, 1, 1, 0]
    graph.leakiness[:] = [1.0, 2.0, 3.0, 9.0]
    graph.kind[:] = [HOST, HOST, MIMICRY, HOST]
    graph.put(s)
    row = mixed.row
    assert row["vessel_density"] == pytest.approx(4 / 0.25)
    assert row["perfused_fraction"] == 0.75
    assert row["vessel_permeability"] == pytest.approx(2.0)
    assert row["mimicry_fraction"] == 0.25


def test_chemotaxis_index_is_the_cosine_between_heading_and_cue(mixed: Tissue) -> None:
    """CXCL12 rises along x; tumour cells that head up it, down it, and across."""
    s, plan = mixed.state, mixed.plan
    s["fields"][:] = s["fields"].mean(axis=(1, 2, 3), keepdims=True)
    s["fields"][plan.factors["CXCL12"]] = np.linspace(1.0, 2.0, plan.grid.shape[2])
    s["behaviours"][plan.behaviours["chemotaxis.CXCL12"]] = 1.0
    s["behaviours"][plan.behaviours["chemotaxis.CXCL12"], : s.n][of(mixed, "CD8")] = 0.0
    for name, heading in (("CSC", (1.0, 0.0)), ("progenitor", (-1.0, 0.0)), ("MSC", (0.0, 1.0))):
        s.live("px")[of(mixed, name)], s.live("py")[of(mixed, name)] = heading
    s["pz"][:] = 0.0
    row = mixed.row
    assert row["chemotaxis_index.CSC"] == pytest.approx(1.0, abs=1e-5)
    assert row["chemotaxis_index.progenitor"] == pytest.approx(-1.0, abs=1e-5)
    assert row["chemotaxis_index.MSC"] == pytest.approx(0.0, abs=1e-5)
    assert row["chemotaxis_index.CD8"] == 0.0
    assert row["chemotaxis_index.CXCL12.CSC"] == pytest.approx(1.0, abs=1e-5)
    assert row["chemotaxis_index.CXCL12.CD8"] == row["chemotaxis_index.VEGFA.CSC"] == 0.0


def test_pd_l1_counts_above_one_half(mixed: Tissue) -> None:
    node = mixed.state.live("signals")[mixed.plan.signals["CD274"]]
    node[:] = 0.5
    assert mixed.row["pdl1_positive_fraction"] == 0.0
    node[of(mixed, "CSC")] = 0.51
    node[of(mixed, "CD8")] = 0.9
    assert mixed.row["pdl1_positive_fraction"] == pytest.approx(0.2)


def test_time_is_in_days_since_day_zero(mixed: Tissue) -> None:
    mixed.state.tick, mixed.state["day0"][0] = 500, 140
    assert mixed.row["time_d"] == pytest.approx(1.5)


def test_a_single_measure_is_that_of_the_table(plan: Plan, k: Backend) -> None:
    state = begin(plan, k)
    row = measure(plan, state)
    for column in ("time_d", "hypoxic_fraction", "node.STAT3.CSC", "recruited.CD8"):
        assert look_up(plan, state)(column) == row[column]


def test_looking_changes_nothing(plan: Plan, k: Backend) -> None:
    state: State = begin(plan, k)
    before = state.snapshot()
    measure(plan, state)
    assert [n for n, a in state.snapshot().items() if not np.array_equal(a, before[n])] == []
