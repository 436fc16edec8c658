"""The evidence object: names are understood, tables are typed, wrong names are answered."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import EvidenceError
from stemniche.evidence import load

EVIDENCE = load()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("OCT4", "POU5F1"),
        ("il-6", "IL6"),
        ("Interleukin 6", "IL6"),
        ("n037", "IL6"),
        ("TGF-β", "TGFB1"),
        ("TGFB1", "TGFB1"),
        ("latent tgfb1", "latent TGFB1"),
        ("CXCL7", "PPBP"),
        ("INHBA", "INHBA"),
        ("MIR21", "miR-21"),
        ("HIF-2α", "EPAS1"),
        ("cancer_stem_cell", "CSC"),
        ("vascular mimicry", "vascular mimicry"),
    ],
)
def test_a_spelling_finds_its_entity(typed: str, name: str) -> None:
    assert EVIDENCE.entity(typed).name == name


def test_every_id_and_name_finds_its_own_entity() -> None:
    for ident, entity in EVIDENCE.records.entities.items():
        assert EVIDENCE.entity(ident) is entity
        assert EVIDENCE.entity(entity.name) is entity


def test_a_word_for_two_things_is_answered_with_both() -> None:
    with pytest.raises(EvidenceError, match="'angiogenesis' or 'blood vessels'"):
        EVIDENCE.entity("vasculature")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(EvidenceError, match="Did you mean .*'CXCL12'"):
        EVIDENCE.entity("CXCL1 2b")
    with pytest.raises(EvidenceError, match="no entity"):
        EVIDENCE.entity("x" * 10_000)


@given(st.text(max_size=100))
def test_any_name_is_an_entity_or_a_clean_error(text: str) -> None:
    try:
        entity = EVIDENCE.entity(text)
    except EvidenceError:
        return
    assert entity.id in EVIDENCE.records.entities


def test_a_claim_is_found_by_its_id_and_nothing_else() -> None:
    claim = EVIDENCE.claim("c257")
    assert (claim.relation, claim.object_norm, claim.cells) == (
        "induces_expression", ("PPBP",), ("MSC",),
    )  # fmt: skip
    for wrong in ("C9999", "257", "", "E108"):
        with pytest.raises(EvidenceError, match="no claim"):
            EVIDENCE.claim(wrong)


def test_dropping_one_statement_drops_its_near_duplicates_and_restatements() -> None:
    assert EVIDENCE.same_statement("C616") == ("C006", "C126", "C156", "C616")
    assert EVIDENCE.same_statement("C257") == ("C257",)
    for ident in EVIDENCE.records.claims:
        group = EVIDENCE.same_statement(ident)
        assert ident in group
        assert all(EVIDENCE.same_statement(other) == group for other in group)


def test_tables_are_frames_with_tuples_in_list_columns() -> None:
    claims = EVIDENCE.claims
    assert claims.loc["C262", "object_ids"] == ("N037",)
    assert claims.loc["C079", "joint"]
    assert not claims.loc["C262", "joint"]
    assert EVIDENCE.experiments.loc["E001", "status"] == "observed"
    assert EVIDENCE.entities.loc["N118", "spellings"] == ("OCT4",)
    assert EVIDENCE.drugs["table_row"].dtype.kind == "i"
    lengths = [len(t) for t in (EVIDENCE.therapies, EVIDENCE.mirnas, EVIDENCE.trials)]
    assert lengths == [77, 24, 35]


def test_a_changed_frame_does_not_change_the_evidence() -> None:
    frame = EVIDENCE.claims
    frame.loc["C262", "note"] = "changed"
    assert EVIDENCE.claims.loc["C262", "note"] != "changed"


def test_the_summary_counts_every_claim_once_per_column() -> None:
    summary = EVIDENCE.summary()
    assert summary["tables"]["claims"] == 915
    assert summary["level"] == {"atomic": 827, "summary": 72, "restated": 16}
    assert all(sum(summary[c].values()) == 915 for c in ("kind", "basis", "review", "sign"))


def test_the_evidence_is_read_once_and_fast() -> None:
    assert load() is EVIDENCE
    load.cache_clear()
    start = time.process_time()
    load()
    assert time.process_time() - start < 0.3


def test_loading_needs_neither_pandas_nor_networkx() -> None:
    code = (
        "import sys; from stemniche.evidence import load; e = load(); e.entity('OCT4');"
        "e.loops(); e.paths('IL6', 'stemness');"
        "assert not {'pandas', 'networkx', 'pint', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_the_public_function_is_there_once_the_package_is_imported() -> None:
    import stemniche
    import stemniche.evidence

    assert stemniche.evidence().claims is not None
