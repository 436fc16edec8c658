"""What expectations mean: terms, windows, logarithms, trends and times to an event."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.core.expressions import parse
from stemniche.experiment.expect import Replicate, contrasts, measures_of, shown
from stemniche.experiment.readout import MeasureMissing, Record, Window

COLUMNS = ("tumour_cells", "csc_fraction", "cells.CSC", "factor.PPBP", "node.POU5F1.CSC")
Number = Callable[..., float]


def record(scale: float = 1.0) -> Record:
    """Five days: cells 10 to 50, a fraction 0 to 0.4, CSC 4 to 0."""
    days = np.arange(5.0)
    cells, share = 10.0 * (days + 1.0), 0.1 * days
    return Record(COLUMNS, days, scale * np.stack([cells, share, 4.0 - days, cells, cells], axis=1))


@pytest.fixture
def number() -> Number:
    """Value of a text in a replicate with the arms a, and b of twice the size."""

    def value(text: str, measure: str = "tumour_cells", at: Window | None = None) -> float:
        return Replicate(
            records={"a": record(), "b": record(2.0)},
            measure=measure,
            at=at or Window(4.0, 4.0, "at"),
            end=4.0,
            where="test",
        ).number(parse(text, where="test"))

    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", 50.0),
        ("b", 100.0),
        ("a@1d", 20.0),
        ("a@36h", 25.0),
        ("a.csc_fraction", 0.4),
        ("b.cells.CSC@1d", 6.0),
        ("(b - a) / a", 1.0),
        ("-a * 2", -100.0),
        ("a.factor.CXCL7", 50.0),
        ("a.node.OCT4.CSC", 50.0),
        ("log(b) - log(a)", np.log(2.0)),
        ("log(b / a)", np.log(2.0)),
    ],
)
def test_a_term_reads_an_arm_a_measure_and_a_time(text: str, value: float, number: Number) -> None:
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("window", "value"),
    [
        (Window(3.0, 3.0, "at"), 40.0),
        (Window(2.0, 4.0, "mean"), 40.0),
        (Window(3.9, 4.0, "mean"), 50.0),
        (Window(1.2, 1.4, "mean"), 23.0),
        (Window(0.0, 4.0, "auc"), 120.0),
        (Window(0.5, 1.5, "auc"), 20.0),
    ],
)
def test_a_window_is_a_day_a_mean_or_an_area(window: Window, value: float, number: Number) -> None:
    assert number("a", at=window) == pytest.approx(value)


def test_logarithms_floor_counts_at_half_a_cell_and_fractions_at_one_in_a_million(
    number: Number,
) -> None:
    assert number("log(a.cells.CSC)") == pytest.approx(np.log(0.5))
    assert number("log(a.csc_fraction@0d)") == pytest.approx(np.log(1e-6))
    assert number("log(a.cells.CSC / b.tumour_cells@0d)") == pytest.approx(np.log(0.5 / 20.0))


def test_the_time_to_an_event_is_the_first_sample_and_at_most_the_end(number: Number) -> None:
    assert number("time_to(a, tumour_cells > 25)") == 2.0
    assert number("time_to(b, tumour_cells > 25 and csc_fraction > 0.5)") == 3.0
    assert number("time_to(a, tumour_cells > 1000)") == 4.0
    assert number("time_to(a, tumour_cells > 1000) - time_to(b, tumour_cells > 50)") == 2.0


def test_a_trend_is_one_contrast_per_step_each_term_above_the_last() -> None:
    parts = contrasts(parse("trend(low, middle, high)", where="test"))
    assert list(map(str, parts)) == ["middle > low", "high > middle"]


def test_conditions_joined_by_and_are_contrasts_of_their_own() -> None:
    text = "a.cells.CSC@2d < b and trend(a, b) and log(a) ~= -b"
    parts = contrasts(parse(text, where="test"))
    assert list(map(str, parts)) == ["a.cells.CSC@2d < b", "b > a", "log(a) ~= -b"]


def test_the_measures_of_a_side_are_known() -> None:
    node = parse("(a.x - b) / time_to(a, y.z > 2 and w > 1)", where="test")
    assert measures_of(node, "d") == ("x", "d", "y.z", "w")
    assert shown(node) == "((a.x - b) / time_to(a, y.z > 2 and w > 1))"


def test_a_measure_that_is_missing_is_answered_with_the_nearest(number: Number) -> None:
    with pytest.raises(MeasureMissing) as caught:
        number("a.csc_fration")
    assert "csc_fraction" in caught.value.mend
