"""The crosstalk graph draws each claim once and turns causes the right way round."""

import pytest

from stemniche.evidence import load
from stemniche.evidence.graph import base_of, causal, causal_claims

EVIDENCE = load()
RECORDS = EVIDENCE.records
ARROWS = causal(RECORDS)


def ident(name: str) -> str:
    return EVIDENCE.entity(name).id


def test_every_first_claim_with_both_ends_is_drawn_and_no_other() -> None:
    drawn = {claim for *_, claim in EVIDENCE.graph.edges(keys=True)}
    assert drawn == {
        c.id for c in RECORDS.claims.values() if c.is_first and c.subject_ids and c.object_ids
    }


def test_an_edge_tells_sign_cells_context_and_its_near_duplicates() -> None:
    edge = EVIDENCE.graph.edges["IL6", "PPBP", "C257"]
    assert (edge["sign"], edge["cells"], edge["context"]) == (1, ("MSC",), ("general",))
    assert EVIDENCE.graph.edges["CSC", "relapse", "C006"]["also"] == ("C126", "C156", "C616")
    assert EVIDENCE.graph.edges["CSC", "TME", "C184"]["sign"] is None


def test_the_graph_cannot_be_changed() -> None:
    import networkx as nx

    with pytest.raises(nx.NetworkXError):
        EVIDENCE.graph.add_edge("a", "b")


def test_a_lost_suppressor_that_promotes_is_a_suppressor() -> None:
    lost = EVIDENCE.entity("PTEN loss")
    assert base_of(RECORDS, lost.id) == (ident("PTEN"), -1)
    assert ARROWS[ident("PTEN")][ident("drug resistance")].sign == -1
    assert ident("PTEN loss") not in ARROWS


def test_evading_apoptosis_is_less_apoptosis() -> None:
    assert ARROWS[ident("IL4")][ident("apoptosis")].sign == -1


def test_a_mutant_stays_an_entity_of_its_own() -> None:
    mutant = ident("TP53 mutation")
    assert base_of(RECORDS, mutant) == (mutant, 1)


def test_what_is_required_is_the_cause() -> None:
    claim = EVIDENCE.claim("C586")
    assert claim.relation == "requires"
    for needed in claim.object_ids:
        assert claim.id in ARROWS[needed][claim.subject_ids[0]].claims


def test_opposite_claims_are_both_kept_and_leave_the_sign_open() -> None:
    disputed = [a for targets in ARROWS.values() for a in targets.values() if len(a.signs) == 2]
    assert disputed
    for arrow in disputed:
        assert arrow.sign is None
        assert {EVIDENCE.claim(claim).sign for claim in arrow.claims} >= {"+1", "-1"}


def test_only_atomic_claims_of_cause_and_effect_are_walked() -> None:
    walked = list(causal_claims(RECORDS))
    assert {claim.level for claim in walked} == {"atomic"}
    assert not {claim.kind for claim in walked} & {"feedback_loop", "definition"}
    groups = {RECORDS.vocabulary["relation"][claim.relation][0] for claim in walked}
    assert groups == {"cause", "matter", "cells", "output"}
    assert all(claim.sign != "0" for claim in walked)
