"""Operating points: where Hill inputs sit at the reference state."""

from typing import Any

import pytest

from stemniche.spec.compile import compile_model
from stemniche.spec.library import Library
from stemniche.spec.operating import OperatingPoint, operating_points


def point(small: Any, row: str) -> OperatingPoint:
    return next(p for p in operating_points(small.compile()) if p.row == row)


def test_an_input_at_its_half_maximum_sits_at_ec50(small: Any) -> None:
    found = point(small, "n.PPBP")
    assert found.position == pytest.approx(50.0)
    assert found.flag == ""
    assert (found.cell, found.signal, found.target) == ("In MSC", "IL6R", "PPBP_expression")


def test_an_input_far_below_its_half_maximum_is_dead(small: Any) -> None:
    found = point(small, "n.stem.memory")
    assert found.position == pytest.approx(100 * 0.2**4 / (0.2**4 + 0.5**4))
    assert found.flag == "dead"


def test_an_input_far_above_its_half_maximum_is_saturated(small: Any) -> None:
    found = point(small, "r.cycle.oxygen")
    assert found.value == 20.0
    assert found.flag == "saturated"


def test_a_gate_is_judged_by_its_signal_not_by_its_complement(small: Any) -> None:
    small.swap("network", "-1,dual,20 mmHg", "-1,dual,1 mmHg")
    assert point(small, "n.stem.gate").flag == "saturated"


def test_only_the_flagged_can_be_listed(small: Any) -> None:
    model = small.compile()
    every, flagged = operating_points(model), operating_points(model, flagged=True)
    assert flagged == [p for p in every if p.flag]
    assert 0 < len(flagged) < len(every)


def test_every_term_of_the_shipped_model_has_a_point(shipped: Library, made_up: Any) -> None:
    model = compile_model(shipped, made_up.setting())
    rows = {t.row for d in model.drives for g in d.groups for t in g.terms}
    assert {p.row for p in operating_points(model)} == rows
