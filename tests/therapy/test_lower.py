"""Every intervention of the format becomes something the engine can turn."""

from collections.abc import Callable
from typing import Any

import pytest

from stemniche.core.errors import InputError
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.run.assemble import assemble
from stemniche.run.measures import measure
from stemniche.spec.interventions import Intervention
from stemniche.spec.scenario import Scenario
from stemniche.spec.treatment import FORMS
from stemniche.therapy.lower import lower

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

LINES: tuple[str | dict[str, Any], ...] = (
    "drug paclitaxel",
    "drug paclitaxel 80 mg/m^2 every 7 d",
    "drug paclitaxel 2 mg/kg every 1 d doses 3 over 3 h loading 4 mg/kg",
    "drug paclitaxel 100 mg from 6 h until dead_cells > 50",
    "drug paclitaxel 100 mg every 6 h from birth",
    "neutralise IL6",
    "neutralise IL6 0.5 from 3 h until 9 h",
    "block CXCR2 0.8 in CSC",
    "block CXCR4 until tumour_cells < 10",
    "inhibit STAT3 0.9 cycle 2 h 1 h",
    "overexpress SNAI1 fold 20 in tumour",
    "overexpress IL6 3",
    "knock_out IL6 in MSC",
    "knock_out STAT3 from birth",
    "silence secretome in CAF",
    "release_block vesicles 0.5 in CSC",
    "uptake_block vesicles 0.5",
    "add IL6 1 nM",
    "add CXCL8 5 ng/mL where {gradient: x}",
    "add oxygen 20 mmHg",
    "deplete TAM 0.8",
    "deplete CD8 0.5 every 6 h doses 2",
    "deplete macrophage from birth",
    "transfer CD8 20 every 6 h",
    "radiation 2 Gy every 1 h doses 3",
    "radiation 2 Gy every 1 h where distant",
    "radiation 2 Gy every 1 h cycle 5 h 2 h from 1 h until tumour_cells < 10",
    {"sort": {"gate": "not CSC"}},
    {"vessels": {"pericytes": 1.5}},
    {"sort": {"gate": "CD44_high"}, "keep_every": "2 h"},
    "set environment.oxygen to 20 mmHg from 3 h",
    "set environment.glucose to 2 mM cycle 3 h 3 h",
    "set environment.pH to 6.9",
    "inject CSC 20 every 6 h",
    "without_claim C257",
)


def key(item: str | dict[str, Any]) -> str:
    return item.split()[0] if isinstance(item, str) else next(iter(item))


def test_every_key_of_the_format_is_tried() -> None:
    """All but replanting, which needs another arm of an experiment."""
    assert {key(item) for item in LINES} == set(FORMS) - {"replant"}


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_treatment_runs(line: str | dict[str, Any], walk: Walk, small: Make) -> None:
    scenario = small({"days": 1, "distant_site": True}, line)
    plan, state = walk(scenario, 6, prepared=2)
    assert state.tick == 6
    extension = lower(scenario, plan.model)
    turned = bool(extension.controls) or bool(extension.factors)
    assert turned or key(line) == "without_claim"


@pytest.mark.parametrize(
    "line", [line for line in LINES if key(line) not in ("drug", "without_claim")], ids=str
)
def test_a_control_carries_the_intervention_in_words(
    line: str | dict[str, Any], small: Make
) -> None:
    scenario = small({"days": 1, "distant_site": True}, line)
    controls = lower(scenario, assemble(scenario, 1).model).controls
    assert {c.label for c in controls} == {str(scenario.therapy[0])}


def test_families_are_turned_member_by_member(small: Make) -> None:
    scenario = small({}, {"neutralise": ["IL6", "CXCL8"]})
    controls = lower(scenario, assemble(scenario, 1).model).controls
    assert [c.target for c in controls] == ["IL6", "CXCL8"]


def test_two_courses_of_a_drug_are_one_field_with_all_doses(small: Make) -> None:
    early = {"drug": "paclitaxel", "dose": "50 mg", "from": "12 h"}
    late = {"drug": "paclitaxel", "dose": "80 mg"}
    plan = assemble(small({}, early, late), 1).plan
    assert plan.factors.names.count("paclitaxel") == 1
    dosing = [p for p in plan.processes if p.name.startswith("dosing")]
    assert len(dosing) == 1
    assert [(d.start, d.mg) for d in dosing[0].doses] == [(0, 80.0), (43200, 50.0)]


def test_an_infusion_that_overlaps_the_next_is_refused(small: Make) -> None:
    scenario = small({}, {"drug": "paclitaxel", "dose": "50 mg", "over": "3 h", "every": "2 h"})
    with pytest.raises(InputError, match="cannot be repeated every") as caught:
        assemble(scenario, 1)
    assert "drug paclitaxel" in caught.value.where
    assert "therapy.0" in caught.value.where


def test_cells_hold_none_of_a_gene_that_is_knocked_out(walk: Walk, small: Make) -> None:
    """Only in the cells that lack it; what they read elsewhere is as it was."""
    lines = [], ["knock_out STAT3 in tumour"]
    (plan, intact), (_, lacking) = (walk(small({}, *line), 120, prepared=20) for line in lines)
    row = plan.signals["STAT3"]
    tumour = plan.mask(["tumour"])

    def level(s: State, own: bool) -> float:
        among = (tumour[s.live("type")] == 1) == own
        return float(s["signals"][row, : s.n][among].mean())

    assert level(intact, own=True) > 0.05
    assert level(lacking, own=True) < 1e-4
    assert level(lacking, own=False) > 0.3 * level(intact, own=False) > 0.0


def test_vesicles_that_no_cell_takes_up_stay_in_the_tissue(walk: Walk, small: Make) -> None:
    """Release is as before, the sink of the cells is gone, and they get little of the cargo."""
    found = []
    for lines in ((), ("uptake_block vesicles 0.9",)):
        plan, state = walk(small({}, *lines), 120, prepared=20)
        table = measure(plan, state)
        found.append((table["vesicle.CSC_exosomes"], table["delivered.CSC_exosomes.tumour"]))
    (free, taken), (free_blocked, taken_blocked) = found
    assert free_blocked > 1.1 * free > 0.0
    assert taken_blocked / taken == pytest.approx(0.1 * free_blocked / free, rel=0.1)


def test_an_unknown_record_is_an_input_error(small: Make) -> None:
    scenario = small()
    model = assemble(scenario, 1).model
    object.__setattr__(scenario, "therapy", (Intervention(),))
    with pytest.raises(InputError, match="cannot be carried out"):
        lower(scenario, model)
