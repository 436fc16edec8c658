"""A blocked receptor is blocked wherever its ligand is read in its stead."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.controls import Control
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.run.assemble import assemble
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario
from stemniche.therapy.receptors import stand_ins

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]


def ligand_controls(plan: Plan, ligand: str) -> dict[str, Control]:
    return {c.kind: c for c in plan.controls if c.target == ligand}


def test_vessels_marrow_and_cells_without_the_node_lose_the_only_receptor_too(small: Make) -> None:
    plan = assemble(small({}, "block CCR2 0.8"), 1).plan
    found = ligand_controls(plan, "CCL2")
    assert found["scale_call"].value == pytest.approx(0.2)
    lacking = found["scale_signal"].cells
    assert "CD8" in lacking
    assert "monocyte" not in lacking


def test_a_block_in_chosen_cells_stays_there(small: Make) -> None:
    plan = assemble(small({}, "block IL6R in DC"), 1).plan
    found = ligand_controls(plan, "IL6")
    assert found["scale_signal"].cells == ("DC",)
    assert "scale_call" not in found


def test_a_ligand_of_several_receptors_is_read_by_the_others(small: Make) -> None:
    model = assemble(small({}), 1).plan.model
    assert not list(stand_ins("KDR", model))
    assert [ligand for ligand, _ in stand_ins("CXCR2", model)] == ["PPBP"]


def test_what_raises_the_amount_of_a_receptor_is_not_its_ligand(small: Make) -> None:
    model = assemble(small({}), 1).plan.model
    assert not list(stand_ins("NOTCH1", model))
    assert [ligand for ligand, _ in stand_ins("CCR2", model)] == ["CCL2"]


def test_monocytes_stay_in_the_marrow_as_if_their_ligand_were_gone(walk: Walk, small: Make) -> None:
    """As in mice without CCR2 (Tsou 2007 J Clin Invest 117:902 doi:10.1172/JCI29919)."""
    days = {"days": 2, "tumour.cells": 0, "prepare": {"days": 0.1}}
    left = {}
    for line in ("block CCR2 0.999", "block CXCR4 0.999"):
        plan, state = walk(small(days, line), 480, prepared=0)
        entering = [n for n in plan.types.names if plan.trait("entry")[plan.types[n]]]
        left[line] = state["released"][entering.index("monocyte")]
    assert left["block CCR2 0.999"] < 0.35 * left["block CXCR4 0.999"]


@pytest.mark.parametrize(
    ("line", "ligand", "left"),
    [
        ("block MET 0.8", "HGF", 0.2),
        ("block 'PDGFR family' 0.5", "PDGFB", 0.5),
        ("knock_out IL1R1", "IL1B", 0.0),
        ("overexpress c-MET 5", "HGF", 5.0),
    ],
)
def test_a_receptor_that_is_no_node_is_its_ligand_as_cells_read_it(
    line: str, ligand: str, left: float, small: Make
) -> None:
    plan = assemble(small({}, line), 1).plan
    found = ligand_controls(plan, ligand)
    assert found.keys() == {"scale_signal", "scale_call"}
    assert set(found["scale_signal"].cells) == set(plan.types.names)
    assert [control.value for control in found.values()] == pytest.approx([left, left])


def test_a_receptor_is_blocked_in_the_cells_that_have_it(small: Make) -> None:
    found = ligand_controls(assemble(small({}, "block PD-1"), 1).plan, "neighbour.CD274")
    assert found.keys() == {"scale_signal"}
    assert set(found["scale_signal"].cells) == {"CD8", "NK", "CAR_T"}
    chosen = assemble(small({}, "block PDCD1 in CAR_T"), 1).plan
    assert ligand_controls(chosen, "neighbour.CD274")["scale_signal"].cells == ("CAR_T",)


def test_antibodies_reach_every_cell_with_the_checkpoint() -> None:
    library = read_library()
    readers = {c for row in library.links if row.origin == "neighbour.CD274" for c in row.cells}
    drugs = [row for row in library.targets if "neighbour.CD274" in row.acts_on]
    assert len(drugs) == 4
    assert all(readers <= set(row.cells) for row in drugs)
    assert readers <= set(library.receptors["PDCD1"].cells)


def test_blocked_is_like_taking_the_ligand_away_but_leaves_it_there(
    walk: Walk, small: Make
) -> None:
    """Growth of cells by HGF ends either way; what is in the tissue differs."""
    read, there = {}, {}
    for line in ("block MET 0.999", "neutralise HGF 0.999", "deplete EPC 0"):
        plan, state = walk(small({}, line), 40, prepared=0)
        places = [plan.types[name] for name in ("progenitor", "differentiated")]
        tumour = np.isin(state.live("type"), places)
        place = plan.signals["HGF"]
        scale = state["read_scale"][state.live("type"), place]
        read[line] = float((state.live("signals")[place] * scale)[tumour].mean())
        there[line] = float(state["fields"][plan.factors["HGF"]].mean())
    block, neutralised, untouched = read
    assert read[block] < 0.01 * read[untouched]
    assert read[neutralised] < 0.05 * read[untouched]
    assert there[block] == pytest.approx(there[untouched], rel=0.05)
    assert there[neutralised] < 0.05 * there[untouched]
