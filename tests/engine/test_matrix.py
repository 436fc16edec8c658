"""What lies between cells: levels at rest, reactions, stiffness, hindrance, and the medium."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.processes.matrix import MATRIX_S, rest_levels
from stemniche.engine.state import State
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.run.measures import measure
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]
Walk = Callable[..., tuple[Plan, State]]
FREE = {"tumour.cells": 0, "prepare": {"days": 0.1}, "tissue.CAF": 0}
HOSTS = ("MSC", "fibroblast", "CAF", "monocyte", "macrophage", "CD4", "Treg", "CD8", "EPC")
EMPTY = dict.fromkeys((*HOSTS, "vessels"), 0)
BLOCK = {
    "environment.boundary": "medium",
    "environment.oxygen": "140 mmHg",
    "domain": {"size": ["0.3 mm", "0.3 mm"], "depth": "300 um"},
    "tumour.layout": "ball",
    "tissue": EMPTY,
}


def act(plan: Plan, s: State, k: Backend, *names: str, times: int = 1) -> None:
    """Let some processes act in the plan's order, each at its own times."""
    for _ in range(times):
        for process in plan.processes:
            if process.name in names:
                process.run(s, moment(s), k)
        s.tick += MATRIX_S // 360


def level(plan: Plan, s: State, name: str) -> np.ndarray:
    found: np.ndarray = s["fields"][plan.factors[name]]
    return found


def test_tissue_without_a_tumour_keeps_its_matrix_and_what_it_holds(
    walk: Walk, small: Make
) -> None:
    plan, s = walk(small(FREE), 3 * 240)
    rest = {f.id: f.baseline for f in plan.model.factors}
    mean = {name: float(level(plan, s, name).mean(dtype=np.float64)) for name in rest}
    bound = {r.product: r.reactants[0] for r in plan.model.reactions if r.backward > 0.0}
    parts = [f.id for f in plan.model.factors if f.form == "matrix"]
    assert len(parts) >= 9
    for name in parts:
        free = bound.get(name)
        share = mean[free] / rest[free] if free else 1.0
        assert mean[name] == pytest.approx(rest[name] * share, rel=0.1), name


def test_what_macrophages_cut_in_resting_tissue_is_made_good(walk: Walk, small: Make) -> None:
    """Their MMP9 would take a twentieth of the latent TGFB1 and more in two days; it stays."""
    crowd = {"tissue.macrophage": 60, "tissue.monocyte": 5}
    plan, s = walk(small(FREE | crowd), 2 * 240)
    rest = rest_levels(plan)
    for name, within in (("MMP9", 0.15), ("TGFB1_latent", 0.015), ("COL1A1", 0.005)):
        mean = float(level(plan, s, name).mean(dtype=np.float64))
        assert mean == pytest.approx(rest[plan.factors[name]], rel=within), name
    cut = plan.parameter("matrix.release") * rest[plan.factors["MMP9"]]
    assert 1.0 - np.exp(-2.0 * 1440.0 * cut) > 0.05


def test_reversible_reactions_are_in_balance_in_resting_tissue(small: Make) -> None:
    model = assemble(small(FREE), 1).model
    rest = {f.id: f.baseline for f in model.factors}
    reversible = [r for r in model.reactions if r.backward > 0.0]
    assert reversible
    for r in reversible:
        on = r.forward * np.prod([rest[name] for name in r.reactants])
        on *= sum(rest[name] for name in r.enzymes) if r.enzymes else 1.0
        assert r.product is not None
        assert on == pytest.approx(r.backward * rest[r.product], rel=0.02), r.row


def test_collagen_is_lost_in_proportion_to_the_enzymes(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small(FREE))
    s["fields"][:] = 0.0
    level(plan, s, "COL1A1")[:] = 100.0
    level(plan, s, "MMP2")[..., :5] = 2.0
    level(plan, s, "MMP9")[..., 3:5] = 1.0
    act(plan, s, k, "reactions", times=7)
    rate = plan.parameter("matrix.degradation")
    found = level(plan, s, "COL1A1")[0, 0]
    minutes = 7 * MATRIX_S / 60
    assert found[0] == pytest.approx(100 * np.exp(-rate * 2 * minutes), rel=1e-4)
    assert found[4] == pytest.approx(100 * np.exp(-rate * 3 * minutes), rel=1e-4)
    assert found[9] == 100.0


def test_enzymes_and_inhibitors_spend_each_other(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small(FREE))
    s["fields"][:] = 0.0
    level(plan, s, "MMP2")[:], level(plan, s, "TIMP2")[:] = 0.4, 1.0
    act(plan, s, k, "reactions", times=48)
    minutes, rate = 48 * MATRIX_S / 60, plan.parameter("TIMP.binding")
    assert level(plan, s, "TIMP2")[0, 0, 0] - level(plan, s, "MMP2")[0, 0, 0] == pytest.approx(0.6)
    ratio = float(level(plan, s, "TIMP2")[0, 0, 0] / level(plan, s, "MMP2")[0, 0, 0])
    assert ratio == pytest.approx(2.5 * np.exp(0.6 * rate * minutes), rel=1e-3)


def test_the_matrix_gives_off_what_it_holds_when_enzymes_come(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small(FREE))
    before = {n: level(plan, s, n).copy() for n in ("TGFB1", "TGFB1_latent", "VEGFA")}
    level(plan, s, "MMP9")[:] = 5.0
    act(plan, s, k, "reactions", times=4)
    freed = level(plan, s, "TGFB1") - before["TGFB1"]
    assert (freed > 0.01).all()
    np.testing.assert_allclose(
        freed, before["TGFB1_latent"] - level(plan, s, "TGFB1_latent"), rtol=1e-3
    )
    assert (level(plan, s, "VEGFA") > before["VEGFA"]).all()


@pytest.mark.parametrize("stiffness", [0.5, 1.0, 6.0])
def test_a_scenario_sets_the_stiffness_at_the_start(
    stiffness: float, walk: Walk, small: Make
) -> None:
    plan, s = walk(small({"tissue.stiffness": f"{stiffness} kPa"}))
    row = measure(plan, s)
    assert row["stiffness_kpa"] == pytest.approx(stiffness, rel=1e-4)
    assert (row["ecm_density"] - 1.0) * (stiffness - 1.0) >= 0.0


def test_stiff_tissue_keeps_its_stiffness(walk: Walk, small: Make) -> None:
    plan, s = walk(small(FREE | {"tissue.stiffness": "4 kPa"}), 240)
    assert measure(plan, s)["stiffness_kpa"] == pytest.approx(4.0, rel=0.05)


def test_dense_matrix_keeps_oxygen_and_drugs_out(walk: Walk, small: Make, k: Backend) -> None:
    drug = {"drug": "paclitaxel", "dose": "80 mg/m^2"}
    found = []
    for stiffness in ("1 kPa", "16 kPa"):
        plan, s = walk(small({"tissue.stiffness": stiffness}, drug), 30)
        inside = s.live("voxel")[plan.mask(["tumour"])[s.live("type")] == 1]
        found.append(
            [float(level(plan, s, n).ravel()[inside].mean()) for n in ("oxygen", "paclitaxel")]
        )
    (oxygen, taxane), (less_oxygen, less_taxane) = found
    assert less_oxygen < oxygen - 0.5
    assert less_taxane < taxane


def test_cells_feel_the_matrix_around_them(walk: Walk, small: Make) -> None:
    plan, s = walk(small({"tissue.stiffness": "3 kPa"}), 1)
    felt = s.live("signals")[plan.signals["stiffness"]]
    np.testing.assert_allclose(felt, s["stiffness"][s.live("voxel")], rtol=1e-6)


def test_a_medium_has_no_matrix_but_a_gel_has(walk: Walk, small: Make) -> None:
    bare = small({"environment.boundary": "medium", "tissue": EMPTY})
    gel = bare.change({"tissue.stiffness": "0.5 kPa"})
    (plan, empty), (_, full) = walk(bare), walk(gel)
    assert not empty["matrix_density"].any()
    assert (full["matrix_density"] > 0.5).all()
    assert level(plan, empty, "VEGFA_matrix").max() == 0.0


def test_the_medium_reaches_all_but_the_cells_and_what_they_enclose(
    walk: Walk, small: Make, k: Backend
) -> None:
    plan, s = walk(small(BLOCK | {"tumour.cells": 400}))
    act(plan, s, k, "medium")
    bathed = s["bathed"].reshape(plan.grid.shape)
    assert not bathed.ravel()[s.live("voxel")].any()
    assert bathed[0].all()
    middle = tuple(n // 2 for n in plan.grid.shape)
    apart = np.linalg.norm([s.live(a) - plan.grid.size[0] / 2 for a in "xyz"], axis=0)
    shell = apart > 30.0
    assert shell.sum() > 300
    s["voxel"][: s.n][~shell] = s.live("voxel")[shell][0]
    act(plan, s, k, "medium")
    assert not s["bathed"].reshape(plan.grid.shape)[middle]


def test_a_ball_in_a_medium_has_its_oxygen_at_the_surface_in_any_box(
    walk: Walk, small: Make, k: Backend
) -> None:
    lowest = []
    for side in ("0.3 mm", "0.4 mm"):
        wide = {"domain": {"size": [side, side], "depth": side}, "tumour.cells": 400}
        plan, s = walk(small(BLOCK | wide), 3)
        oxygen = level(plan, s, "oxygen")
        assert oxygen.max() == pytest.approx(140.0)
        lowest.append(float(oxygen.min()))
    assert lowest[0] == pytest.approx(lowest[1], rel=0.02)
    assert lowest[0] < 139.0


def test_cells_without_oxygen_last_longer_with_glucose(walk: Walk, small: Make) -> None:
    """Energy falls with both; the rate of necrosis follows it."""
    rates = {}
    for oxygen, glucose in ((0.0, 5.0), (0.0, 0.01), (1.0, 0.01), (40.0, 5.0)):
        culture = {
            "environment.boundary": "medium",
            "environment.oxygen": f"{oxygen} mmHg",
            "environment.glucose": f"{glucose} mM",
            "tissue": EMPTY,
        }
        plan, s = walk(small(culture), 20)
        rates[oxygen, glucose] = float(
            np.median(s.live("behaviours")[plan.behaviours["necrosis_rate"]])
        )
    assert rates[0.0, 0.01] > 2.0 * rates[0.0, 5.0] > 0.0
    assert rates[0.0, 0.01] > 3.0 * rates[1.0, 0.01]
    assert rates[40.0, 5.0] < 1e-7


def test_a_ball_at_rest_in_still_medium_uses_it_up_around_itself(
    walk: Walk, small: Make, k: Backend
) -> None:
    """The fall at its surface is Q / (4 pi D R), with Q summed cell by cell."""
    culture = BLOCK | {"tumour.cells": 400, "parameters": {"medium.resistance": 1.0}}
    plan, s = walk(small(culture), 40)
    oxygen = plan.factors["oxygen"]
    here = s["fields"][oxygen].ravel()[s.live("voxel")].astype(float)
    volume = 4.0 / 3.0 * np.pi * s.live("radius").astype(float) ** 3
    rate, km = next((u.rate, u.km) for u in plan.uptakes if u.factor == "oxygen")
    taken = float((rate * volume / plan.trait("volume")[0] * here / (km + here)).sum())
    reach = (0.75 / np.pi * (s["bathed"] == 0).sum() * plan.grid.voxel_volume) ** (1 / 3)
    free = plan.parameter("medium.diffusivity.gas")
    fall = s["depletion"][oxygen]
    assert fall == pytest.approx(taken / (4.0 * np.pi * free * reach), rel=0.1)
    assert s["fields"][oxygen].max() == pytest.approx(140.0 - fall, rel=1e-3)
    assert s["depletion"][plan.factors["glucose"]] > 0.0 > s["depletion"][plan.factors["lactate"]]
    assert not walk(small(BLOCK | {"tumour.cells": 400}), 3)[1]["depletion"].any()
