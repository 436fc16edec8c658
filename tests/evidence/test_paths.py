"""Routes: simple, shortest first, bounded, and signed by the claims they walk on."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import EvidenceError
from stemniche.evidence import Route, Step, load
from stemniche.evidence.graph import Arrow, Arrows
from stemniche.evidence.paths import routes

EVIDENCE = load()


def test_a_direct_effect_comes_first() -> None:
    first, *others = EVIDENCE.paths("IL-6", "stemness")
    assert first.steps == (Step("IL6", "stemness", ("C460",), 1),)
    assert all(len(route.steps) > 1 for route in others)


def test_a_route_shows_the_claims_in_words() -> None:
    texts = [str(route) for route in EVIDENCE.paths("IL6", "HIF1A")]
    assert "IL6 -> miR-155 -| HIF1A  [C429; C422, C427]" in texts


def test_two_brakes_in_a_row_promote() -> None:
    route = next(
        route
        for route in EVIDENCE.paths("miR-155", "HIF")
        if [step.target for step in route.steps] == ["VHL", "HIF"]
    )
    assert [step.sign for step in route.steps] == [-1, -1]
    assert route.sign == 1


def test_one_open_step_leaves_the_route_open() -> None:
    steps = (Step("a", "b", ("C001",), -1), Step("b", "c", ("C002",), None))
    assert Route(steps).sign is None
    assert Route(steps[:1]).sign == -1


def test_a_cell_reaches_out_by_what_it_makes_and_is_reached_by_what_acts_in_it() -> None:
    out = EVIDENCE.paths("CSC", "FOXP3", max_length=2)
    assert ("CSC", "TGFB1", "FOXP3") in [_names(route) for route in out]
    back = EVIDENCE.paths("NOTCH1", "CSC", max_length=1)
    assert back[0].steps[0].claims == ("C300",)
    assert back[0].sign is None


def test_no_route_leads_through_a_therapy_or_a_nameless_umbrella() -> None:
    classes = {e.name: e.kind for e in EVIDENCE.records.entities.values()}
    for start, end in (("IL6", "stemness"), ("CSC", "metastasis"), ("paclitaxel", "CSC")):
        for route in EVIDENCE.paths(start, end, limit=200):
            inside = _names(route)[1:-1]
            assert not {classes[name] for name in inside} & {"drug", "therapy", "collective"}
            assert not {"cytokines", "chemokines", "growth factors"} & set(inside)


@pytest.mark.parametrize(
    ("start", "end"), [("CSC", "metastasis"), ("IL6", "CSC"), ("MSC", "drug resistance")]
)
def test_routes_are_simple_short_first_bounded_and_distinct(start: str, end: str) -> None:
    found = EVIDENCE.paths(start, end, max_length=4, limit=50)
    assert 0 < len(found) <= 50
    lengths = [len(route.steps) for route in found]
    assert lengths == sorted(lengths)
    assert max(lengths) <= 4
    assert len({_names(route) for route in found}) == len(found)
    for route in found:
        names = _names(route)
        assert len(set(names)) == len(names)
        assert (names[0], names[-1]) == (start, end)
        assert all(a.target == b.source for a, b in pairwise(route.steps))


def test_the_longest_search_of_the_busiest_pair_is_fast() -> None:
    start = time.perf_counter()
    assert len(EVIDENCE.paths("CSC", "metastasis", max_length=8, limit=500)) == 500
    assert time.perf_counter() - start < 1.0


def test_wrong_questions_are_answered_cleanly() -> None:
    with pytest.raises(EvidenceError, match="one entity"):
        EVIDENCE.paths("IL6", "IL-6")
    with pytest.raises(EvidenceError, match="one entity"):
        EVIDENCE.paths("PTEN", "PTEN loss")
    with pytest.raises(EvidenceError, match="no entity"):
        EVIDENCE.paths("IL6", "zork")
    for numbers in ({"max_length": 0}, {"max_length": 99}, {"limit": 0}):
        with pytest.raises(EvidenceError, match="out of range"):
            EVIDENCE.paths("IL6", "stemness", **numbers)


def test_where_nothing_leads_there_is_no_route() -> None:
    assert EVIDENCE.paths("metastasis", "IL6") == []


def _names(route: Route) -> tuple[str, ...]:
    return (route.steps[0].source, *(step.target for step in route.steps))


edges = st.sets(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=20)


@given(edges, st.integers(1, 5), st.integers(1, 30))
def test_the_search_finds_what_networkx_finds(
    pairs: set[tuple[str, str]], longest: int, limit: int
) -> None:
    import networkx as nx

    arrows: Arrows = {}
    for source, target in pairs:
        arrows.setdefault(source, {})[target] = Arrow(source, target)
    graph = nx.DiGraph(sorted(pairs))
    graph.add_nodes_from("af")
    expected = {tuple(path) for path in nx.all_simple_paths(graph, "a", "f", cutoff=longest)}
    found = [
        ("a", *(arrow.target for arrow in route))
        for route in routes(arrows, "a", "f", max_length=longest, limit=limit)
    ]
    assert len(found) == min(limit, len(expected))
    assert set(found) <= expected
