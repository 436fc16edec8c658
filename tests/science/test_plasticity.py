"""Sorted tumour cells find back to one mixture, because stemness is stochastic (case V6)."""

from typing import Any

import pytest

from stemniche.run.simulate import simulate
from stemniche.spec.scenario import Scenario, load_scenario

HOSTS = (
    *("MSC", "fibroblast", "monocyte", "macrophage", "CD4", "Treg", "CD8", "NK", "DC", "MDSC"),
    "vessels",
)
CULTURE: dict[str, Any] = {
    "environment.boundary": "medium",
    "environment.oxygen": "140 mmHg",
    "tissue": dict.fromkeys(HOSTS, 0),
    "walls.cells": "closed",
    "prepare": {"days": 0.1, "until": None, "max": None},
    "domain.size": ["1.4 mm", "1.4 mm"],
    "tumour.layout": "scattered",
    "tumour.cells": 400,
    "tumour.csc_fraction": 0.15,
    "days": 10,
    "sample_every": "1 d",
}
PLASTIC = {"tumour.stemness_noise": 0.2, "cell.stemness_tau": "1 d"}
"""A line at the plastic ends of both ranges; SW620 cells relax with a half-life of 3.4 d."""


def sorted_culture(gate: str, **more: Any) -> Scenario:
    """A colorectal culture of which only one gate is kept at day 0."""
    changes = CULTURE | {"parameters": PLASTIC} | more
    return load_scenario("colorectal_quick").change(changes).treat([{"sort": {"gate": gate}}])


@pytest.mark.slow
def test_sorted_populations_return_to_one_mixture() -> None:
    """The gap between pure stem cells and none closes by nine tenths within ten days."""
    stem, others = (
        simulate(sorted_culture(gate), 1, threads=1).table["csc_fraction"]
        for gate in ("CSC", "not CSC")
    )
    assert stem.iloc[1] > 0.5
    assert others.iloc[1] < 0.1
    assert abs(stem.iloc[-1] - others.iloc[-1]) < 0.1
    assert others.iloc[-1] > 0.01


@pytest.mark.slow
def test_a_breast_line_sorted_either_way_finds_back_to_a_few_stem_cells() -> None:
    """Day 6: 4 and 5 % from stem cells, 1 and 3 % from others; Gupta 2011, SUM149 and SUM159."""
    cells = {"CSC": (150, 0.6), "not CSC": (45, 0.03)}
    found = {}
    for gate, (placed, share) in cells.items():
        start = {"tumour.cells": placed, "tumour.csc_fraction": share, "prepare": {"days": 0.1}}
        dish = load_scenario("monolayer").change({**start, "days": 6, "sample_every": "1 d"})
        run = simulate(dish.treat([{"sort": {"gate": gate}}]), 3, threads=1)
        found[gate] = run.table["csc_fraction"].iloc[-1]
    assert 0.02 < found["CSC"] < 0.08
    assert 0.008 < found["not CSC"] < 0.04


@pytest.mark.slow
def test_without_noise_stem_cells_do_not_come_back() -> None:
    """A deterministic hierarchy runs one way."""
    still = {"parameters": PLASTIC | {"tumour.stemness_noise": 0.001}, "days": 4}
    run = simulate(sorted_culture("not CSC", **still), 1, threads=1)
    assert (run.table["cells.CSC"].iloc[1:] == 0).all()


@pytest.mark.slow
def test_few_of_sorted_breast_stem_cells_are_left_after_six_days() -> None:
    """4 and 5 % in SUM159 and SUM149: Gupta 2011 doi:10.1016/j.cell.2011.07.026."""
    culture = load_scenario("breast_quick").change(CULTURE | {"days": 6})
    run = simulate(culture.treat([{"sort": {"gate": "CSC"}}]), 1, threads=1)
    assert 0.02 < run.table["csc_fraction"].iloc[-1] < 0.1
