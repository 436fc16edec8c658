"""Every drug of the library can be given, reaches what it should, and says what the model lacks."""

from collections.abc import Callable

import pytest

from stemniche.core.errors import InputError
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.engine.step import advance, begin
from stemniche.evidence import load
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.run.measures import measure
from stemniche.spec.drugtables import drug_table
from stemniche.spec.nametables import library_names
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]

LIBRARY = read_library()
BARE = {
    "domain.size": ["0.16 mm", "0.16 mm"],
    "tumour.cells": 12,
    "tissue": {
        "MSC": 0, "fibroblast": 2, "CAF": 0, "macrophage": 2, "CD4": 0, "CD8": 1, "NK": 0,
        "DC": 0, "MDSC": 0, "vessels": "200 /mm^2",
    },
}  # fmt: skip


def tissue(make: Make, *therapy: str) -> Scenario:
    """A patch of tissue that is cheap to move."""
    return make(BARE, *therapy)


def given_otherwise(drug: str) -> bool:
    """Whether the drug is cells, a virus or several drugs."""
    kinds = [LIBRARY.drug_classes[c] for c in LIBRARY.drug_lineage(drug)]
    return any(kind.instead or kind.gives for kind in kinds)


DRUGS = [d for d in LIBRARY.drugs if not given_otherwise(d)]


@pytest.mark.parametrize("first", range(0, len(DRUGS), 10))
def test_one_dose_reaches_the_tumour_or_says_what_is_missing(
    first: int, small: Make, k: Backend
) -> None:
    """Ten drugs in one tissue, each for itself."""
    drugs = DRUGS[first : first + 10]
    run = assemble(tissue(small, *(f"drug {drug}" for drug in drugs)), 1)
    state = begin(run.plan, k)
    state["day0"][0] = 0
    for _ in range(8):
        advance(run.plan, state, k)
    found = measure(run.plan, state)
    assert [drug for drug in drugs if not found[f"drug.{drug}"] > 0.0] == []
    rows = {row.id for row in LIBRARY.targets if row.drug in drugs}
    acting = {target.row for drug in run.model.drugs for target in drug.targets}
    told = {row for row in rows for note in run.model.notes if f"{row} " in note}
    assert acting | told == rows
    assert not acting & told


def gives(drug: str) -> bool:
    """Whether a dose brings cells or a virus."""
    return any(LIBRARY.drug_classes[c].gives for c in LIBRARY.drug_lineage(drug))


@pytest.mark.parametrize("drug", [d for d in LIBRARY.drugs if gives(d)])
def test_cells_and_viruses_are_given_by_their_regimen(drug: str, small: Make) -> None:
    controls = assemble(small({}, f"drug {drug}"), 1).plan.controls
    assert [c.value > 0.0 for c in controls] == [True] * len(controls) != []


@pytest.mark.parametrize("drug", [d for d in LIBRARY.drugs if given_otherwise(d) and not gives(d)])
def test_what_is_no_drug_says_how_it_is_given(drug: str, small: Make) -> None:
    with pytest.raises(InputError, match="no drug with a level") as caught:
        assemble(tissue(small, f"drug {drug}"), 1)
    assert caught.value.mend


def test_every_drug_of_the_evidence_is_in_the_library() -> None:
    """Approved drugs, those of trials with their partners, and named therapies."""
    evidence, names = load(), library_names()
    tables = (*evidence.drugs.drug, *(d for row in evidence.trials.drug_ids for d in row))
    tables += tuple(d for row in evidence.trials.partner_ids for d in row)
    of_classes = {row.entity for row in LIBRARY.drug_classes.values()}
    missing = []
    for name in dict.fromkeys(tables):
        entity = evidence.records.entities.get(name)
        if entity is not None and (entity.id in of_classes or entity.kind != "drug"):
            continue
        text = name if entity is None else entity.name
        if len(names.resolve("drug", text)) != 1:
            missing.append(text)
    assert missing == []


def test_separators_and_codes_do_not_matter() -> None:
    names = library_names()
    for text in ("T-VEC", "talimogene laherparepvec", "Talimogene_Laherparepvec"):
        assert names.resolve("drug", text) == ("talimogene_laherparepvec",)
    for text, drug in (
        ("AG-013736", "axitinib"),
        ("pt 2977", "belzutifan"),
        ("5FU", "fluorouracil"),
    ):
        assert names.resolve("drug", text) == (drug,)


def test_every_name_of_a_table_of_therapies_is_a_drug_or_answered_with_what_to_write() -> None:
    """Only what is no treatment at all has no answer."""
    evidence, names = load(), library_names()
    given = [name for row in evidence.trials.drug for name in row]
    texts = [*evidence.therapies.name, *evidence.drugs.drug, *given]
    lost = [
        text
        for text in texts
        if text
        and not names.resolve("drug", text)
        and "stemniche drugs" in names.lacking("drug", text, "it")[1]
    ]
    assert [text for text in lost if "biomarker" not in text] == []


@pytest.mark.parametrize(
    ("text", "drugs"),
    [
        ("anti-PD-1", ["pembrolizumab", "nivolumab"]),
        ("PD-L1 blockade", ["durvalumab", "atezolizumab"]),
        ("anti-VEGF", ["bevacizumab", "aflibercept"]),
        ("ADT", ["abiraterone", "enzalutamide"]),
        ("aromatase inhibitors", ["anastrozole", "letrozole"]),
        ("taxanes", ["paclitaxel", "docetaxel"]),
        ("CXCR1", ["reparixin", "navarixin"]),
    ],
)
def test_a_class_or_a_target_lists_its_drugs(text: str, drugs: list[str]) -> None:
    _, rows = drug_table(LIBRARY, text)
    assert [row[0] for row in rows] == drugs


def test_a_class_without_drugs_is_answered_with_what_to_write() -> None:
    with pytest.raises(InputError, match="radiation: 2 Gy"):
        drug_table(LIBRARY, "radiotherapy")


def test_no_drug_writes_an_outcome_or_a_node_beside_its_targets() -> None:
    outcomes = {word.id for word in LIBRARY.lexicon.words if word.outcome}
    for row in LIBRARY.targets:
        assert not outcomes & set(row.named)
        assert row.effect != "poison" or row.named == ("damage",)


def test_a_number_that_a_drug_has_from_its_class_can_be_set(
    small: Make, walk: Callable[..., tuple[Plan, State]]
) -> None:
    changes = {"parameters": {"erlotinib.diffusivity": "1234 um^2/min"}}
    plan, _ = walk(small(BARE | changes, "drug erlotinib"))
    assert plan.model.drugs[0].values["diffusivity"] == 1234.0
    assert plan.factor_data[plan.factors["erlotinib"]].diffusivity == 1234.0


def test_a_claim_that_is_off_takes_the_drug_from_its_target(small: Make) -> None:
    scenario = tissue(small, "drug erlotinib").without_claims(["C808"])
    model = assemble(scenario, 1).model
    assert model.drugs[0].targets == ()
