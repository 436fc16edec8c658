"""Sentences: one per active row, in the words of the field, with what it rests on."""

from typing import Any

import pytest

from stemniche.core.errors import InputError
from stemniche.spec.compile import compile_model
from stemniche.spec.explain import explain
from stemniche.spec.library import Library
from stemniche.spec.model import Model


def texts(model: Model) -> dict[str, str]:
    return {sentence.row: sentence.text for sentence in explain(model)}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("n.PPBP", "In MSC, IL6R increases expression of PPBP (half at 0.2, Hill 2) [C001]."),
        ("n.IL6R", "In tumour cells and MSC, IL6 activates IL6R (half at 0.05 nM, Hill 1)"
         " [Somebody 2001]."),
        ("b.STAT3", "In tumour cells, AKT inhibits STAT3 (half at 0.3, Hill 2) [Somebody 2002]."),
        ("n.AKT.lost", "In tumour cells, loss of PTENX activates AKT (half at 0.5, Hill 2)"
         " [C005]."),
        ("n.stem", "In tumour cells, STAT3 promotes stemness (half at 0.25, Hill 2),"
         " only together with AKT [C006]."),
        ("n.stem.gate", "In tumour cells, oxygen holds back the effect of STAT3 and AKT on stemness"
         " (half at 20 mmHg, Hill 1) [C008]."),
        ("r.cycle.oxygen", "In tumour cells, oxygen increases cycle rate towards 4 times its base"
         " value (half at 4 mmHg, Hill 2) (assumed here) [assumed]."),
        ("r.cycle.STAT3", "In tumour cells, STAT3 decreases cycle rate towards 0.05 1/d"
         " (half at 0.25, Hill 2) [C009]."),
        ("r.recruit", "At vessels, IL6 increases entry of MSC from the blood towards 3 times its"
         " base value (half at 0.05 nM, Hill 1) [C011]."),
        ("r.release", "In the marrow, IL6 in the blood increases release of monocytes from the"
         " marrow towards 3 times its base value (half at 0.1 nM, Hill 1) (assumed here)"
         " [assumed]."),
        ("s.PPBP", "In MSC, PPBP is secreted at up to 20 molecules/s in proportion to expression of"
         " PPBP [C001]."),
        ("u.oxygen", "In tumour cells, oxygen is taken up at 600 1/h of the cell's volume"
         " [Somebody 2003]."),
        ("u.glucose", "In tumour cells and MSC, glucose is taken up at up to 1e-16 mol/s"
         " (half at 0.5 mM) [Somebody 2004]."),
        ("CSC.cycle_rate", "In CSC, cycle rate is 0.3 1/d [C010]."),
    ],
)  # fmt: skip
def test_a_row_reads_as_a_sentence(small: Any, row: str, text: str) -> None:
    assert texts(small.compile())[row] == text


def test_every_active_row_has_exactly_one_sentence(small: Any) -> None:
    model = small.compile()
    assert sorted(s.row for s in explain(model)) == sorted(row.id for row in model.rows)


def test_the_sentence_of_a_claim_that_is_off_disappears(small: Any) -> None:
    before, after = texts(small.compile()), texts(small.compile(claims_off=("C001",)))
    assert set(before) - set(after) == {"n.PPBP", "s.PPBP"}
    assert set(after) < set(before)


def test_a_partner_that_is_off_is_no_longer_named(small: Any) -> None:
    text = texts(small.compile(claims_off=("C008",)))["n.stem"]
    assert "only together with AKT" in text
    assert "oxygen" not in " ".join(
        t for row, t in texts(small.compile(claims_off=("C008",))).items() if row.startswith("n.")
    )


def test_what_is_carried_over_from_another_cancer_is_marked(small: Any) -> None:
    assert "(assumed here) [C004]" in texts(small.compile("colorectal"))["n.AKT"]
    assert "(assumed here)" not in texts(small.compile("breast"))["n.AKT"]


def test_a_number_that_was_set_is_the_number_printed(small: Any) -> None:
    model = small.compile(parameters={"n.PPBP.half_max": 0.4})
    assert "(half at 0.4, Hill 2)" in texts(model)["n.PPBP"]


def test_sentences_of_one_cell_can_be_picked(small: Any) -> None:
    model = small.compile()
    of_msc = explain(model, "MSC")
    assert {s.row for s in of_msc} == {"n.IL6R", "n.PPBP", "s.PPBP", "u.glucose"}
    assert {s.row for s in explain(model, "vessel")} == {"r.recruit"}
    assert {s.row for s in explain(model, "CSC")} <= {s.row for s in explain(model, "tumour")}


def test_an_unknown_cell_is_answered_with_the_nearest(small: Any) -> None:
    with pytest.raises(InputError, match="Did you mean 'CSC'"):
        explain(small.compile(), "CSCx")


def test_sentences_of_one_heading_stand_together(small: Any) -> None:
    headings = [s.cell for s in explain(small.compile())]
    changes = sum(a != b for a, b in zip(headings, headings[1:], strict=False))
    assert changes == len(set(headings)) - 1


def test_the_shipped_library_speaks_of_the_loop_and_stops_when_told(
    shipped: Library, made_up: Any
) -> None:
    model = compile_model(shipped, made_up.setting())
    cited = [s for s in explain(model, "MSC") if "C257" in s.claims]
    assert cited
    assert all(s.text.startswith("In MSC, ") and "PPBP" in s.text for s in cited)
    less = compile_model(shipped, made_up.setting(claims_off=("C257",)))
    assert all("C257" not in s.text for s in explain(less))
    assert all(s.text.endswith("].") and "[]" not in s.text for s in explain(model))


@pytest.mark.parametrize("spelling", ["msc", "mesenchymal stem cell", "mesenchymal_stem_cells"])
def test_a_cell_may_be_spelled_as_the_evidence_spells_it(small: Any, spelling: str) -> None:
    model = small.compile()
    assert explain(model, spelling) == explain(model, "MSC")
