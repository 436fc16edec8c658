"""What of an intervention reaches nothing is left out with a note; the rest is carried out."""

from collections.abc import Callable
from typing import Any

import pytest

from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"block": "AR"}, "breast cancer has no AR here"),
        ({"inhibit": "MIR146A"}, "breast cancer has no MIR146A here"),
        ({"knock_out": "MIR155_vesicle"}, "breast cancer has no MIR155_vesicle here"),
        ({"overexpress": "MIR146A"}, "breast cancer has no MIR146A here"),
        ({"neutralise": "MIR155_vesicle"}, "breast cancer has no MIR155_vesicle here"),
        ({"overexpress": "MIR34A", "in": "fibroblast"}, "fibroblast have no MIR34A"),
        ({"knock_out": "IL6", "in": "CD8"}, "CD8 have no IL6"),
        ({"block": "PDCD1", "in": "fibroblast"}, "fibroblast have no PDCD1"),
    ],
)
def test_what_is_absent_is_told(item: dict[str, Any], told: str, small: Make) -> None:
    notes = assemble(small({}, item), 1).model.notes
    assert [told in note for note in notes if "does nothing:" in note] == [True]


@pytest.mark.parametrize(
    "item",
    [
        {"block": "CXCR4"},
        {"knock_out": "IL6"},
        {"knock_out": "PPBP", "in": "MSC"},
        {"block": "CCR2"},
        {"block": "MET"},
    ],
)
def test_what_is_there_is_not_told(item: dict[str, Any], small: Make) -> None:
    run = assemble(small({}, item), 1)
    assert not [note for note in run.model.notes if "does nothing:" in note]
    assert run.plan.controls


def test_present_targets_of_a_list_are_carried_out(small: Make) -> None:
    run = assemble(small({}, {"inhibit": ["MIR146A", "STAT3"]}), 1)
    assert [control.target for control in run.plan.controls] == ["STAT3"]
    assert any("MIR146A" in note for note in run.model.notes)
