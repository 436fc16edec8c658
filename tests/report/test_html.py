"""The page is whole, safe, accessible and quick to make."""

import re
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stemniche.core.errors import InputError
from stemniche.report.html import render, write_report


@pytest.fixture(scope="module")
def page(treated: Any, tmp_path_factory: Any) -> str:
    start = time.process_time()
    path = write_report(treated, tmp_path_factory.mktemp("report") / "report.html")
    assert time.process_time() - start < 8.0
    return path.read_text(encoding="utf-8")


def test_the_page_is_one_small_file_that_asks_nothing_of_the_network(page: str) -> None:
    assert len(page.encode()) < 6e6
    asked = re.findall(r"""(?:\b(?:src|href|action)=|url\()["']?([^"'\s>)]+)""", page)
    assert len(asked) > 20
    assert all(one.startswith(("data:", "#")) for one in asked)
    assert "<script" not in page
    assert "@import" not in page


def test_every_picture_and_chart_says_in_words_what_it_shows(page: str) -> None:
    images = re.findall(r"<img [^>]*>", page)
    assert len(images) == 8
    assert all(re.search(r'alt="[^"]{40,}"', image) for image in images)
    charts = re.findall(r"<svg .*?</svg>", page, flags=re.DOTALL)
    assert len(charts) >= 16
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("role") == "img"
        assert root.get("aria-label")


def test_words_of_a_run_are_never_taken_for_markup(page: str) -> None:
    assert "Preparation ended &lt;early&gt; at 30 d." in page
    assert "<early>" not in page
    assert "&lt;half at 0.5 nM&gt;" in page


def test_the_page_tells_what_identifies_the_run(page: str) -> None:
    for fact in ("a1b2c3d4e5f6", "0a0a0a0a0a0a", "1b1b1b1b1b1b", "3.11.9", "<dd>1</dd>", "C278"):
        assert fact in page


def test_treatments_are_named_in_words_and_below_the_pictures(page: str) -> None:
    assert "CXCR4 blockade of 90 % from day 3 until day 6" in page
    assert "paclitaxel 80 mg/m² every 7 d from day 7" in page
    assert "just before paclitaxel" in page
    assert "after 1 dose of paclitaxel" in page


def test_the_page_lists_claims_loops_and_sentences(page: str) -> None:
    assert "IL6 (from CSC) induces expression of PPBP in MSC" in page
    assert "IL6 → PPBP → CXCR2 → IL6/CXCL8" in page
    assert "In CSC, PPBP raises CXCR2" in page
    assert "[doi:10.1000/x]" in page


def test_an_untreated_day_has_a_page_and_always_the_same(untreated: Any, tmp_path: Path) -> None:
    page = write_report(untreated, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "1 day without treatment" in page
    assert "It was not treated." in page
    assert "Vertical bars" not in page
    assert render(untreated) == page


def test_a_run_of_one_sample_and_a_tumour_free_tissue_have_pages(make_run: Any) -> None:
    assert "stem cells" in render(make_run(days=0.0, samples=1, treated=False))
    assert "no tumour grew" in render(make_run(days=1.0, samples=2, tumour=0, treated=False))


def test_a_run_without_samples_is_refused(make_run: Any, tmp_path: Path) -> None:
    run = make_run(days=1.0, samples=0)
    with pytest.raises(InputError, match="no samples yet"):
        write_report(run, tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_an_input_error(untreated: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_report(untreated, tmp_path / "nowhere" / "r.html")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(untreated, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
