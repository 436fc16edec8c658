"""Expressions: which tree comes out, which value it has, and where a wrong text is marked."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.core.expressions import (
    And,
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    Value,
    evaluate,
    is_condition,
    names,
    parse,
)

VALUES = {"a": 2.0, "b": 8.0, "zero": 0.0, "cells.CSC": 5.0}


def tree(text: str) -> Node:
    return parse(text, where="here")


def value(text: str, **options: Value) -> Value:
    return evaluate(tree(text), lambda name: VALUES[name.text], **options)


def test_a_condition_is_a_comparison_of_a_name_and_a_number() -> None:
    assert tree("hypoxic_fraction > 0.1") == Compare(">", Name(("hypoxic_fraction",)), Number(0.1))


def test_a_name_may_carry_dots_and_a_time_in_days() -> None:
    assert tree("treated.tumour_cells@12d") == Name(("treated", "tumour_cells"), 12.0)
    assert tree("treated@36h") == Name(("treated",), 1.5)
    assert tree("x@90min") == Name(("x",), 0.0625)


def test_products_bind_closer_than_sums_and_sums_closer_than_comparisons() -> None:
    a, b = Name(("a",)), Name(("b",))
    assert tree("a + b * 2 < -a") == Compare(
        "<", Binary("+", a, Binary("*", b, Number(2.0))), Negate(a)
    )
    assert tree("a - b - a") == Binary("-", Binary("-", a, b), a)
    assert tree("a - (b - a)") == Binary("-", a, Binary("-", b, a))


def test_and_joins_comparisons_and_calls() -> None:
    joined = tree("a < b and b != 3 and trend(a, b, c)")
    assert isinstance(joined, And)
    assert [type(part) for part in joined.parts] == [Compare, Compare, Call]


def test_a_call_takes_values_and_conditions() -> None:
    call = tree("time_to(treated, csc_fraction > 0.2)")
    assert isinstance(call, Call)
    assert call.function == "time_to"
    assert [is_condition(argument) for argument in call.arguments] == [False, True]


def test_names_are_listed_once_in_order_without_functions() -> None:
    found = names(tree("log(b) + a@2d * a < b and trend(c, a)"))
    assert [(name.text, name.at) for name in found] == [
        ("b", None), ("a", 2.0), ("a", None), ("c", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3", 7.0),
        ("-(a + b) / 4", -2.5),
        ("b / a / a", 2.0),
        ("a < b and b <= 8", True),
        ("a < b and a > b", False),
        ("cells.CSC >= 5", True),
        ("log(1)", 0.0),
        ("1 / zero > 1e300", True),
        ("zero / zero < 1", False),
        ("zero / zero != 1", False),
        ("a ~= 2", True),
        ("a != b", True),
    ],
)
def test_an_expression_has_the_value_of_its_arithmetic(text: str, result: object) -> None:
    found = value(text)
    assert found == result
    assert type(found) is type(result)


def test_about_equal_means_within_the_margin_of_the_larger() -> None:
    assert value("b ~= 9", margin=0.12)
    assert not value("b ~= 9", margin=0.1)
    assert not value("1 / zero ~= 5", margin=0.5)


def test_arrays_are_evaluated_element_by_element() -> None:
    series = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([3.0, 2.0, 1.0])}
    found = evaluate(tree("x < y and x * 2 > 1"), lambda name: series[name.text])
    assert found.tolist() == [True, False, False]


def test_functions_are_the_callers_and_log_is_always_there() -> None:
    assert value("twice(a) + log(1)", functions={"twice": lambda x: 2 * x}) == 4.0
    with pytest.raises(InputError, match="no function 'sqrt'"):
        value("sqrt(a)")
    with pytest.raises(InputError, match="does not take 2"):
        value("log(a, b)")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 0),
        ("a >> 1", 3),
        ("a > ", 4),
        ("a < b < c", 6),
        ("(a + b", 0),
        ("a b", 2),
        ("a = b", 2),
        ("a and b", 0),
        ("a < b and c", 10),
        ("(a < b) + 1", 0),
        ("a.b(1)", 3),
        ("f()", 2),
        ("f(a,)", 4),
        ("a@12", 1),
        ("a@1.2.3d", 0),
        ("a@12y", 0),
        ("12d", 0),
        ("1e999 < a", 0),
        ("a.and", 0),
        ("é > 1", 0),
        ("__import__('os')", 11),
        ("a" * 65, 0),
        ("9**9**9", 2),
    ],
)
def test_a_wrong_text_is_marked_at_the_place(text: str, column: int) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, where="file.yaml:7")
    *_, shown, caret = caught.value.what.split("\n")
    assert shown == f"    {text}"
    assert caret == f"    {' ' * column}^"
    assert caught.value.where == "file.yaml:7"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 501,
        "(" * 33 + "a" + ")" * 33,
        "-" * 40 + "a",
        "+".join("a" * 40),
        "f(" * 40,
        "(" * 400,
    ],
)
def test_length_and_depth_are_bounded(text: str) -> None:
    with pytest.raises(InputError, match="long|deep"):
        tree(text)


def test_a_tree_survives_the_trip_between_workers() -> None:
    node = tree("a.b@2d < log(c) and trend(a, b)")
    assert pickle.loads(pickle.dumps(node)) == node  # noqa: S301


words = st.sampled_from(
    [
        "a",
        "b.c",
        "x@3d",
        "log",
        "and",
        "(",
        ")",
        "<",
        "~=",
        "!=",
        "+",
        "-",
        "*",
        "/",
        ",",
        "1",
        "2.5",
    ]
)


@given(st.text(max_size=600) | st.lists(words, max_size=60).map(" ".join))
def test_any_text_is_a_tree_or_a_clean_error(text: str) -> None:
    try:
        node = tree(text)
    except InputError:
        return
    names(node)
    try:
        evaluate(node, lambda name: 1.0)
    except InputError:
        return


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_arithmetic_agrees_with_python(numbers: list[float]) -> None:
    given_values = dict(zip("xyz", numbers, strict=True))
    x, y, z = numbers
    found = evaluate(tree("x - y * z + -x - (y - z)"), lambda name: given_values[name.text])
    assert found == x - y * z + -x - (y - z)
