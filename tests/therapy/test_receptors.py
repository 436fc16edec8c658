"""A blocked receptor is blocked wherever its ligand is read in its stead."""

from collections.abc import Callable

import pytest

from stemniche.engine.controls import Control
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.run.assemble import assemble
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
