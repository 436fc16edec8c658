"""The summary says what the numbers say."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stemniche.report import story
from stemniche.report.charts import Mark
from stemniche.report.digest import Digest
from stemniche.report.treatments import Treatment


def told(cells: list[float], stem: list[float], **extra: Any) -> str:
    """Summary of a run with one sample a day; `start` of a drug and further columns at will."""
    start = extra.pop("start", None)
    days = np.arange(len(cells), dtype=float)
    columns = {"tumour_cells": np.array(cells), "cells.CSC": np.array(stem)}
    columns["csc_fraction"] = np.array(stem) / np.maximum(columns["tumour_cells"], 1)
    columns |= {name.replace("__", "."): np.array(values) for name, values in extra.items()}
    drug = Treatment("drug X", "X", Mark(start or 0.0, days[-1], (start or 0.0,)))
    digest = Digest(
        run=SimpleNamespace(),  # type: ignore[arg-type]
        model=SimpleNamespace(factors=()),  # type: ignore[arg-type]
        days=days,
        columns=columns,
        groups={},
        treatments=[] if start is None else [drug],
    )
    return " ".join(story.summary(digest))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([100.0, 150.0, 230.0], "grew from 100 to 230 living cells (2.3-fold)"),
        ([200.0, 150.0, 100.0], "shrank from 200 to 100 living cells (0.5-fold)"),
        ([200.0, 210.0, 201.0], "kept its size"),
        ([200.0, 20.0, 0.0], "the tumour of 200 cells disappeared"),
        ([0.0, 0.0, 0.0], "no tumour grew"),
    ],
)
def test_growth_is_told_as_it_went(cells: list[float], words: str) -> None:
    assert words in told(cells, [10.0, 10.0, 10.0])


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            [100, 120, 60, 80, 130],
            "fell by 50 % until day 2 and was back at its old level by day 4",
        ),
        ([100, 120, 60, 80, 90], "fell by 50 % until day 2, then grew again to 90"),
        ([100, 120, 90, 70, 60], "fell by 50 % until day 4 and did not recover"),
        ([100, 120, 130, 140, 150], "went on growing, slower than before"),
    ],
)
def test_the_response_to_a_drug_is_measured_from_its_first_dose(
    cells: list[float], words: str
) -> None:
    assert words in told([float(c) for c in cells], [50.0] * 5, start=1.0)


def test_a_drug_given_on_the_last_day_is_said_to_be_too_late() -> None:
    assert "ended before the effect of X could be seen" in told(
        [100.0, 120.0], [9.0, 9.0], start=1.0
    )


def test_a_rising_share_of_stem_cells_is_told_with_its_counts() -> None:
    text = told([1000.0, 1000.0], [50.0, 100.0])
    assert "stem cells rose from 5.0 % to 10.0 %; their number went from 50 to 100." in text


def test_a_share_that_falls_while_the_number_rises_is_not_left_unexplained() -> None:
    text = told([1000.0, 4000.0], [50.0, 100.0])
    assert "fell from 5.0 % to 2.5 %, although their number rose from 50 to 100." in text


def test_what_the_share_did_under_treatment_is_told_apart() -> None:
    text = told([1000.0] * 4, [60.0, 30.0, 40.0, 50.0], start=1.0)
    assert "fell from 6.0 % to 5.0 %, after a low of 3.0 % on day 1" in text
    assert "From the start of X it rose from 3.0 % to 5.0 %." in text


def test_a_peak_between_the_ends_is_told() -> None:
    assert "after a peak of 20.0 % on day 1" in told([1000.0] * 3, [50.0, 200.0, 60.0])


@pytest.mark.parametrize(
    ("share", "words"),
    [([0.0, 0.001], "Hardly a tumour cell was short of oxygen."),
     ([0.1, 0.25], "At the end 25 % of the tumour cells were short of oxygen (10 % on day 0).")],
)  # fmt: skip
def test_lack_of_oxygen_is_told(share: list[float], words: str) -> None:
    assert words in told([1e3, 1e3], [50.0, 50.0], hypoxic_fraction=share)


def test_few_stem_cells_are_called_few() -> None:
    assert "single cells decide" in told([1000.0, 1000.0], [50.0, 12.0])
    assert "single cells decide" not in told([1000.0, 1000.0], [50.0, 40.0])


def test_causes_are_told_once_enough_stem_cells_moved() -> None:
    some = told([1e3, 1e3], [50.0, 80.0], csc_flux__symmetric=[0, 30], csc_flux__death=[0, -20])
    assert "All new stem cells came from symmetric divisions (100 %)" in some
    assert "most were lost by death (100 %)" in some
    assert "came from" not in told([1e3, 1e3], [50.0, 52.0], csc_flux__symmetric=[0, 2])
