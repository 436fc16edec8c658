"""The nearest names are those a person meant."""

from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.names import did_you_mean, fold, nearest

NAMES = ["CXCL8", "CXCL12", "CCL2", "TGFB1", "tumour.cells", "tumour.csc_fraction", "M1", "M2"]


def test_case_and_separators_do_not_count() -> None:
    assert nearest("cxcl-8", NAMES) == ["CXCL8"]
    assert fold("TGF-β") == fold("tgf_B")


def test_a_small_typing_error_is_forgiven() -> None:
    assert nearest("tumor.cells", NAMES)[0] == "tumour.cells"
    assert nearest("CXCL13", NAMES)[0] in {"CXCL12", "CXCL8"}


def test_a_beginning_is_enough() -> None:
    assert "tumour.csc_fraction" in nearest("tumour.csc", NAMES)


def test_nothing_near_gives_nothing() -> None:
    assert nearest("zebrafish", NAMES) == []
    assert nearest("", NAMES) == []
    assert nearest("x" * 1000, NAMES) == []


def test_the_remedy_lists_what_is_near_or_says_otherwise() -> None:
    assert did_you_mean("m-1", NAMES, "See the list.") == "Did you mean 'M1'?"
    assert did_you_mean("CCL3", ["M1", "CCL2"], "") == "Did you mean 'CCL2'?"
    assert did_you_mean("zebrafish", NAMES, "See the list.") == "See the list."


@given(st.text(max_size=100), st.lists(st.text(max_size=20), max_size=20), st.integers(1, 5))
def test_the_nearest_are_few_and_among_the_choices(
    name: str, choices: list[str], limit: int
) -> None:
    found = nearest(name, choices, limit)
    assert len(found) <= limit
    assert set(found) <= set(choices)
