"""Feedback loops: their nodes, the claims that close them, and what no claim closes."""

from itertools import pairwise

import pytest

from stemniche.evidence import Loop, load

EVIDENCE = load()
LOOPS = {loop.id: loop for loop in EVIDENCE.loops()}


def claims_of(loop: Loop, source: str, target: str) -> tuple[str, ...]:
    return next(e.claims for e in loop.edges if (e.source, e.target) == (source, target))


def test_every_feedback_loop_of_the_claims_is_there() -> None:
    assert set(LOOPS) == {
        c.id for c in EVIDENCE.records.claims.values() if c.kind == "feedback_loop"
    }


def test_the_msc_loop_is_closed_by_four_claims() -> None:
    loop = LOOPS["C264"]
    assert loop.nodes == ("IL6", "PPBP", "CXCR2", "CXCL8")
    assert claims_of(loop, "IL6", "PPBP") == ("C257",)
    assert claims_of(loop, "PPBP", "CXCR2") == ("C260",)
    assert claims_of(loop, "CXCR2", "CXCL8") == ("C263",)
    assert claims_of(loop, "CXCR2", "IL6") == ("C262",)
    assert loop.closed
    assert str(loop) == "C264 IL6 -> PPBP -> CXCR2 -> CXCL8: closed"


def test_a_loop_through_cells_is_closed_by_what_they_make_and_feel() -> None:
    loop = LOOPS["C301"]
    assert loop.closed
    assert claims_of(loop, "CAF", "CCL2") == ("C298",)
    assert claims_of(loop, "NOTCH1", "CSC") == ("C300",)
    assert claims_of(loop, "CSC", "STAT3") == ("C840",)


def test_what_stands_side_by_side_is_one_stage() -> None:
    assert LOOPS["C503"].stages[1] == ("CCR1", "CCR3", "CCR5")
    assert LOOPS["C313"].stages == (("SHH",), ("CAF",), ("INHBA", "IGF1", "LIF"), ("CSC",))
    assert LOOPS["C873"].stages[2] == ("IL6", "CXCL8")


def test_a_loop_within_a_family_closes_by_membership() -> None:
    last = LOOPS["C426"].edges[-1]
    assert (last.source, last.target, last.how, last.claims) == ("HIF", "HIF1A", "member", ())


def test_both_readings_of_one_brake_are_kept() -> None:
    assert claims_of(LOOPS["C425"], "miR-155", "HIF1A") == ("C422", "C427")
    assert claims_of(LOOPS["C426"], "miR-155", "VHL") == ("C423",)


def test_a_ligand_that_returns_only_through_its_cell_is_called_autocrine() -> None:
    assert LOOPS["C503"].edges[-1].how == "autocrine"
    assert LOOPS["C376"].edges[-1].how == "state"


def test_a_therapy_starts_a_loop_but_is_not_in_its_ring() -> None:
    for loop in ("C641", "C651", "C702", "C724", "C873"):
        therapy = LOOPS[loop].nodes[0]
        assert all(edge.target != therapy for edge in LOOPS[loop].edges)


def test_what_no_claim_says_is_reported_as_missing() -> None:
    loop = LOOPS["C410"]
    assert not loop.closed
    assert ("VEGFA", "aberrant vasculature") in loop.missing
    assert "no claim for" in str(loop)


def test_loops_that_the_sources_state_are_mostly_closed() -> None:
    stated = [loop for loop in LOOPS.values() if loop.basis == "stated"]
    assert [loop.id for loop in stated if not loop.closed] == ["C641"]


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_every_pair_of_stages_is_linked_or_missing(loop: Loop) -> None:
    known = {(edge.source, edge.target) for edge in loop.edges} | set(loop.missing)
    for here, there in pairwise(loop.stages):
        assert all(any((a, b) in known for b in there) for a in here)
        assert all(any((a, b) in known for a in here) for b in there)
    for edge in loop.edges:
        assert edge.claims or edge.how == "member"
        assert all(EVIDENCE.claim(claim).kind != "feedback_loop" for claim in edge.claims)
