"""Escape routes: signs along a way, what closes all ways, and both by brute force."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche import api
from stemniche.core.errors import InputError
from stemniche.experiment.routes import Finder, _smallest_sets, blocked_by, escape_routes
from stemniche.spec.circuit import Circuit, Vertex
from stemniche.spec.compile import compile_model
from stemniche.spec.model import (
    CellType,
    Drive,
    Factor,
    Group,
    Model,
    Node,
    Secretion,
    Term,
)
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario

NODES = ("A", "B", "C", "D", "E")
GOAL = [(Vertex("tumour", "stemness"), 1)]


def model_of(*arrows: tuple[str, str, int]) -> Model:
    """A tumour cell that secretes X and whose nodes are linked as the arrows say."""
    names = dict.fromkeys(NODES)
    names["stemness"] = None
    drives = tuple(
        Drive(
            cell="CSC",
            target=target,
            kind="node",
            constant=0.0,
            low=0.0,
            high=1.0,
            groups=tuple(
                Group(
                    weight=float(sign),
                    terms=(
                        Term(
                            row=f"{a}>{b}",
                            signal=a,
                            half_max=0.5,
                            hill=1.0,
                            inverted=False,
                            reference=0.0,
                        ),
                    ),
                )
                for a, b, sign in arrows
                if b == target
            ),
        )
        for target in names
    )
    return Model(
        format=1,
        cancer="breast",
        context_policy="strict",
        species="human",
        evidence_fingerprint="",
        library_fingerprint="",
        factors=(
            Factor(
                id="X",
                form="soluble",
                unit="nM",
                diffusivity=1.0,
                decay=1.0,
                baseline=0.0,
                reference=0.0,
                molar_mass=10.0,
            ),
        ),
        types=(CellType(id="CSC", group="tumour", ancestors=("tumour",), traits={}),),
        nodes=tuple(
            Node(
                id=n,
                kind="state" if n == "stemness" else "signal",
                cells=("CSC",),
                baseline=0.1,
                tau=10.0,
            )
            for n in names
        ),
        drives=drives,
        secretions=(Secretion(row="sec", cell="CSC", factor="X", rate=1.0, node=None),),
        uptakes=(),
        reactions=(),
        drugs=(),
        markers=(),
        genotype={},
        parameters={},
        rows=(),
    )


def ways(model: Model, blocked: frozenset[str] = frozenset()) -> set[tuple[str, ...]]:
    finder = Finder(Circuit(model))
    return {
        tuple(v.name for v in route.vertices) for route in finder.routes(GOAL, blocked, longest=8)
    }


def test_a_route_needs_signs_that_multiply_to_that_of_the_goal() -> None:
    model = model_of(("X", "A", -1), ("A", "stemness", -1), ("X", "B", 1), ("B", "stemness", -1))
    assert ways(model) == {("X", "A")}


def test_a_route_does_not_turn_its_sign_by_going_round_a_brake() -> None:
    model = model_of(("X", "A", 1), ("A", "B", 1), ("B", "A", -1), ("A", "stemness", -1))
    assert ways(model) == set()


def test_a_block_takes_the_routes_through_it_away() -> None:
    model = model_of(("X", "A", 1), ("A", "stemness", 1), ("X", "B", 1), ("B", "stemness", 1))
    assert ways(model, frozenset({"A"})) == {("X", "B")}
    assert ways(model, frozenset({"X"})) == set()


def test_routes_come_shortest_first() -> None:
    model = model_of(("X", "A", 1), ("A", "B", 1), ("B", "stemness", 1), ("A", "stemness", 1))
    lengths = [len(r.edges) for r in Finder(Circuit(model)).routes(GOAL, (), longest=8)]
    assert lengths == [3, 4]


ARROWS = st.lists(
    st.tuples(st.sampled_from(("X", *NODES)), st.sampled_from((*NODES, "stemness"))),
    unique=True,
    max_size=14,
).flatmap(
    lambda pairs: st.tuples(
        st.just(pairs),
        st.lists(st.sampled_from((1, -1)), min_size=len(pairs), max_size=len(pairs)),
    )
)


@settings(max_examples=60, deadline=None)
@given(ARROWS)
def test_routes_and_smallest_sets_equal_brute_force(drawn: tuple[list[tuple[str, str]], list[int]]):
    arrows = [(a, b, sign) for (a, b), sign in zip(*drawn, strict=True) if a != b]
    model = model_of(*arrows)
    sign_of = {(a, b): sign for a, b, sign in arrows}
    expected = set()
    for count in range(len(NODES) + 1):
        for inner in itertools.permutations(NODES, count):
            chain = ("X", *inner, "stemness")
            signs = [sign_of.get(pair, 0) for pair in itertools.pairwise(chain)]
            if all(signs) and signs.count(-1) % 2 == 0:
                expected.add(chain[:-1])
    assert ways(model) == expected
    found = set(_smallest_sets(Finder(Circuit(model)), GOAL, frozenset(), 8, 100))
    for size in range(len(NODES) + 2):
        sets = set(itertools.combinations(sorted(("X", *NODES)), size))
        closing = {s for s in sets if all(set(way) & set(s) for way in expected)}
        if closing:
            break
    assert found == closing


def test_the_breast_model_has_routes_that_cite_claims_and_sets_that_close_them() -> None:
    scenario = load_scenario("breast_quick")
    model = compile_model(read_library(), scenario)
    (escape,) = escape_routes(model, wanted=["stemness"])
    assert escape.routes
    assert escape.closing
    assert any("[C" in sentence for sentence in escape.routes[0].sentences)
    (closed,) = escape_routes(model, escape.closing[0], wanted=["stemness"])
    assert not closed.routes


def test_a_drug_stands_for_the_targets_that_it_holds_back() -> None:
    scenario = load_scenario("breast_quick")
    by_drug = api.routes(scenario, ["reparixin"], goal=["stemness"])
    by_name = api.routes(scenario, ["CXCR1", "CXCR2"], goal=["stemness"])
    assert [str(r) for r in by_drug[0].routes] == [str(r) for r in by_name[0].routes]
    assert by_drug[0].closing == by_name[0].closing


def test_a_receptor_that_is_no_node_stands_for_what_is_read_by_it() -> None:
    scenario = load_scenario("breast_quick")
    model = compile_model(read_library(), scenario)
    assert blocked_by(model, ["LIFR", "c-MET"]) == {"LIF", "HGF"}


@pytest.mark.parametrize(
    ("block", "goal", "said"),
    [
        (["IL66"], [], "There is no factor or node 'IL66'"),
        ([], ["stemnes"], "There is no goal 'stemnes'"),
    ],
)
def test_wrong_names_are_answered(block: list[str], goal: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        api.routes(load_scenario("breast_quick"), block, goal=goal)
