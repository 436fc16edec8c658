"""How hard mechanisms worked is worked out from the model's own terms."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stemniche.evidence import load
from stemniche.report import claims
from stemniche.report.claims import Circle, Work
from stemniche.report.digest import digest
from stemniche.spec.rows import read_library


def test_a_rows_share_is_its_hill_term_at_the_mean_level(treated: Any) -> None:
    d = digest(treated)
    work = next(w for w in claims.works(d) if w.row == "net.CXCR2.PPBP")
    first, last = (float(d["factor.PPBP"][i]) for i in (0, -1))
    assert work.first == pytest.approx(first / (first + 0.15))
    assert work.last == pytest.approx(last / (last + 0.15))


def test_rows_of_one_signal_are_told_together_with_all_their_claims() -> None:
    rows = [
        Work("a", "NFKB", "first", (), np.array([0.1, 0.9, 0.2])),
        Work("b", "NFKB", "second", ("C2",), np.array([0.1, 0.9, 0.2])),
        Work("c", "STAT3", "third", ("C3",), np.array([0.2, 0.3, 0.5])),
        Work("d", "SMAD", "still", ("C4",), np.array([0.2, 0.2, 0.2])),
    ]
    found = claims.movers(rows, 5)
    assert [(m.work.row, m.more, m.claims) for m in found] == [("b", 1, ("C2",)), ("c", 0, ("C3",))]


def test_every_claim_of_a_row_is_listed_with_its_rows(treated: Any) -> None:
    found = {one.id: one for one in claims.said(digest(treated), load())}
    assert found["C257"].rows == ("net.IL6R.IL6", "sec.MSC.PPBP")
    assert found["C257"].text == "IL6 (from CSC) induces expression of PPBP in MSC"
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("C927", "CSC secretes CCL2 for macrophage"),
        ("C298", "CAF overexpresses CCL2 in CAF"),
        ("C325", "GDF15 (from CSC) suppresses phagocytosis in macrophage"),
    ],
)
def test_a_claim_is_put_in_words(claim: str, words: str) -> None:
    assert claims.claim_text(load().claim(claim)) == words


def test_a_loop_is_open_where_a_row_of_its_path_did_not_run(treated: Any) -> None:
    loops = {one.id: one for one in claims.circles(digest(treated), load(), read_library())}
    assert loops["C264"].state == "open"
    assert loops["C264"].lacking


def test_a_loop_is_closed_when_all_its_rows_ran(treated: Any) -> None:
    library, d = read_library(), digest(treated)
    path = next(e.path for e in library.entailed if e.claim == "C264")
    rows = tuple(replace(d.model.rows[0], id=name) for name in path)
    whole = replace(d, model=replace(d.model, rows=rows))
    loop = next(one for one in claims.circles(whole, load(), library) if one.id == "C264")
    assert loop.lacking == ()
    assert loop.levels[0].startswith("IL6 ×")


def test_a_row_that_worked_for_a_while_only_is_seen_to_have_worked() -> None:
    work = Work("a", "damage", "", (), np.array([0.0, 0.6, 0.05]))
    assert (work.first, work.farthest, work.last) == (0.0, 0.6, 0.05)
    assert work.change == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("share", "lacking", "state"),
    [(0.2, (), "closed"), (0.01, (), "idle"), (0.0, ("x",), "open")],
)
def test_a_loop_with_a_link_that_hardly_works_is_idle(
    share: float, lacking: tuple[str, ...], state: str
) -> None:
    assert Circle("C1", "", lacking, "a", share, 3.0, ()).state == state


def test_every_named_loop_is_followed_or_explained(untreated: Any) -> None:
    evidence, library = load(), read_library()
    empty = digest(untreated)
    followed = {one.id for one in claims.circles(empty, evidence, library)}
    waiting = {name.split()[0] for name, _ in claims.other_loops(evidence, library)}
    named = {c.id for c in evidence.records.claims.values() if c.kind == "feedback_loop"}
    assert followed | waiting == named
    assert not followed & waiting
