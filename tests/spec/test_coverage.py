"""Coverage: how each claim is carried, entailed or not, and that paths hold together."""

from dataclasses import replace
from typing import Any

import pytest

from stemniche.core.errors import LibraryError
from stemniche.spec.coverage import accounts, coverage, coverage_by_part, coverage_summary
from stemniche.spec.library import Library


def account(small: Any, claim: str) -> tuple[str, str]:
    found = next(a for a in accounts(small.read(), small.book) if a.claim == claim)
    return found.status, found.by


def test_a_claim_is_carried_by_the_rows_that_cite_it(small: Any) -> None:
    assert account(small, "C001") == ("carried", "n.PPBP; s.PPBP")
    assert account(small, "C010") == ("carried", "CSC.cycle_rate")


def test_a_restated_claim_follows_from_the_rows_of_the_claim_it_restates(small: Any) -> None:
    assert account(small, "C013") == ("entailed", "n.PPBP; s.PPBP (says the same as C001)")


def test_an_entailed_claim_names_its_path(small: Any) -> None:
    assert account(small, "C020") == ("entailed", "s.IL6 > n.IL6R > n.PPBP > s.PPBP")


def test_a_claim_that_is_not_carried_has_a_reason(small: Any) -> None:
    assert account(small, "C021") == ("not carried", "definition")


def test_a_claim_that_is_only_cited_is_not_carried(small: Any) -> None:
    small.swap("network", "stated,C005,,", "stated,C005,C015,")
    assert account(small, "C015") == ("unaccounted", "")


def test_a_parameter_that_cites_an_outcome_does_not_carry_it(small: Any) -> None:
    small.swap("parameters", "2,1/d,hedged,C010", "2,1/d,hedged,C010 and C014")
    assert account(small, "C010")[0] == "carried"
    assert account(small, "C014")[0] == "unaccounted"


def test_every_claim_has_one_line(small: Any) -> None:
    table = coverage(small.read(), small.book)
    assert list(table.columns) == ["claim", "kind", "level", "status", "by"]
    assert list(table["claim"]) == list(small.book.claims)


def test_the_summary_counts_by_kind(small: Any) -> None:
    counts = coverage_summary(small.read(), small.book)
    assert counts.loc["definition", "not carried"] == 1
    assert counts.loc["all", "all"] == len(small.book.claims)


@pytest.mark.parametrize(
    "path",
    [
        "s.PPBP",
        "n.STAT3;n.stem;n.stem.memory",
        "n.STAT3;r.cycle.STAT3;s.IL6",
        "s.IL6;r.recruit;s.PPBP",
        "s.IL6;r.release",
        "taxol.damage",
        "CSC.cycle_rate;s.IL6;n.AKT",
    ],
)
def test_a_path_may_run_through_nodes_factors_and_cells(small: Any, path: str) -> None:
    small.swap("entailed", "s.IL6;n.IL6R;n.PPBP;s.PPBP", path)
    assert account(small, "C020") == ("entailed", path.replace(";", " > "))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("n.PPBP;n.STAT3", "'n.STAT3' does not start where 'n.PPBP' ends"),
        ("s.IL6;n.PPBP", "starts from IL6R"),
        ("n.PPBP;r.cycle.STAT3", "breaks"),
        ("r.recruit;n.stem", "breaks"),
        ("n.PPPB", "Did you mean 'n.PPBP'"),
    ],
)
def test_a_broken_path_is_a_fault(small: Any, path: str, told: str) -> None:
    small.swap("entailed", "s.IL6;n.IL6R;n.PPBP;s.PPBP", path)
    with pytest.raises(LibraryError, match=r"entailed.csv:2, column path") as caught:
        small.read()
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("table", "line", "told"),
    [
        ("not_carried", "C005,definition,", "carried by n.AKT.lost already"),
        ("not_carried", "C020,definition,", "listed as entailed too"),
        ("not_carried", "C015,because,", "'because' is no reason"),
        ("not_carried", "C015,waits:magic,", "'waits:magic' is no reason"),
        ("not_carried", "C777,definition,", "no claim 'C777'"),
        ("entailed", "C001,n.PPBP,", "carried by n.PPBP, s.PPBP already"),
        ("not_carried", "C021,clinical,", "already used"),
    ],
)
def test_a_claim_is_accounted_for_once_and_for_a_listed_reason(
    small: Any, table: str, line: str, told: str
) -> None:
    number = small.add(table, line)
    with pytest.raises(LibraryError) as caught:
        small.read()
    assert told in str(caught.value)
    assert f"{table}.csv:{number}" in str(caught.value)


def test_a_claim_may_wait_for_a_module(small: Any) -> None:
    small.add("not_carried", "C015,waits:spread,")
    assert account(small, "C015") == ("not carried", "waits:spread")


def test_the_shipped_library_accounts_for_every_claim(shipped: Library) -> None:
    found = accounts(shipped)
    left = [a.claim for a in found if a.status == "unaccounted"]
    assert not left
    assert sum(a.status in ("carried", "entailed") for a in found) >= 120


def test_parts_count_atomic_mechanisms_by_part(small: Any) -> None:
    small.book = replace(
        small.book,
        claims={
            name: replace(facts, section="S0 first" if name < "C005" else "S0 second")
            for name, facts in small.book.claims.items()
        },
    )
    table = coverage_by_part(small.read(), small.book).set_index(["part", "kind"])
    assert table.loc[("lineage", "mechanism"), "all"] == 4
    assert table.loc[("lineage", "all"), "carried"] == 4
    assert table.loc[("all", "all"), "all"] == table.loc[(["lineage", "other"], "all"), "all"].sum()
    assert not {"definition", "therapy_effect"} & set(table.index.get_level_values("kind"))


def test_every_part_of_the_niche_keeps_three_quarters_of_its_mechanisms(shipped: Library) -> None:
    table = coverage_by_part(shipped).set_index(["part", "kind"])["share"]
    for part in ("lineage", "signalling", "secretome", "stroma", "immune", "all"):
        assert table[part, "all"] >= 0.75
