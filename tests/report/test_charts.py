"""Charts are well-formed, say what they show and never let labels touch."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.report import charts
from stemniche.report.charts import Line, Mark

DAYS = np.linspace(0.0, 14.0, 8)
MARKS = [Mark(7.0, 14.0, (7.0, 14.0)), Mark(3.0, 6.0)]


def text_of(svg: str) -> list[str]:
    return [e.text or "" for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text")]


def test_curves_are_named_at_their_ends_and_carry_their_unit() -> None:
    lines = [Line("CSC", "#e6005c", DAYS), Line("all", "#000000", 9 * DAYS, True)]
    found = text_of(charts.curves(DAYS, lines, MARKS, title="cells <all>", unit="living cells"))
    assert {"CSC", "all", "living cells", "days"} <= set(found)


def test_a_fraction_is_drawn_in_percent() -> None:
    share = [Line("", "#e6005c", DAYS / 140.0)]
    svg = charts.curves(DAYS, share, [], title="share", unit="%", percent=True)
    assert "10" in text_of(svg)


def test_titles_are_escaped() -> None:
    svg = charts.spark(DAYS, DAYS, [], title="a < b & c", colour="#000000")
    assert ElementTree.fromstring(svg).get("aria-label") == "a < b & c"


def test_gains_stand_above_the_line_and_losses_below() -> None:
    gains = {"in": ("#0072b2", np.full(7, 3.0)), "out": ("#4a4a4a", np.full(7, -5.0))}
    svg = charts.causes(DAYS, gains, MARKS, title="flux", unit="cells per day")
    ticks = [float(t.replace("−", "-")) for t in text_of(svg) if t.lstrip("−-").isdigit()]
    assert min(ticks) < 0


@pytest.mark.parametrize("values", [np.zeros(8), np.full(8, 3.2), np.full(8, 1e-7), DAYS - 5.0])
def test_flat_and_tiny_curves_can_be_drawn(values: np.ndarray) -> None:
    assert charts.spark(DAYS, values, MARKS, title="x", colour="#000000").startswith("<svg")


def test_one_sample_can_be_drawn() -> None:
    line = [Line("a", "#000000", np.array([3.0])), Line("b", "#000000", np.array([4.0]))]
    one = np.array([0.0])
    assert charts.curves(one, line, MARKS, title="x", unit="").startswith("<svg")
    assert charts.stacked(one, line, MARKS, title="x", unit="").startswith("<svg")


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_are_pushed_apart_and_keep_their_order(wanted: list[float]) -> None:
    gap, low, high = 7.0, 0.0, 100.0
    at = charts.spread(wanted, gap, low, high)
    assert max(at) <= high + 1e-9
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [at[i] for i in order]
    assert all(b - a >= gap - 1e-9 for a, b in zip(placed, placed[1:], strict=False))


@given(st.floats(1e-9, 1e9))
def test_a_short_number_is_within_one_percent(value: float) -> None:
    assert float(charts.short(value).replace(",", "")) == pytest.approx(value, rel=0.06)


@given(st.integers(0, 0xFFFFFF))
def test_text_in_a_colour_can_be_read_on_white(colour: int) -> None:
    dark = charts.darker(f"#{colour:06x}")
    parts = [int(dark[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 4.5
