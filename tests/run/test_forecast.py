"""What a run is said to need before it starts."""

from typing import Any

import pytest

from stemniche.run.forecast import DOUBLING_D, forecast
from stemniche.spec.scenario import Scenario, load_scenario


def rows(scenario: Scenario) -> dict[str, float]:
    """The forecast, by quantity."""
    return {name: value for name, value, _ in forecast(scenario).rows}


def test_a_tumour_that_will_fill_its_domain_is_told_of_with_the_day() -> None:
    breast = load_scenario("breast_quick")
    assert not [line for line in forecast(breast).lines if "fills the domain" in line]
    (said,) = [
        line for line in forecast(breast.change({"days": 60})).lines if "fills the domain" in line
    ]
    # 1000 cells among 530 others where 1.35 times 6508 are too many: 3.05 doublings.
    assert f"about day {3.05 * DOUBLING_D:.0f}" in said
    roomy = breast.change({"days": 60, "domain.size": ["6 mm", "6 mm"]})
    assert not [line for line in forecast(roomy).lines if "fills the domain" in line]


def test_time_and_memory_grow_with_the_tumour() -> None:
    large = {"domain.size": ["6 mm", "6 mm"], "tumour.cells": 8000}
    roomy = load_scenario("breast_quick").change(large)
    short, long = rows(roomy.change({"days": 10})), rows(roomy.change({"days": 20}))
    assert long["cells at the end"] - short["cells at the end"] == pytest.approx(16000, abs=1)
    assert long["time, one core"] > 2.0 * short["time, one core"]
    assert long["memory"] > short["memory"]


@pytest.mark.parametrize("changes", [{"tumour.cells": 0, "prepare": {"days": 1}}, {}])
def test_long_runs_without_a_tumour_and_short_cultures_fill_nothing(
    changes: dict[str, Any],
) -> None:
    scenario = load_scenario("breast_quick" if changes else "monolayer").change(changes)
    assert not [line for line in forecast(scenario.change({"days": 3000})).lines if "fills" in line]


def test_a_crowded_culture_is_not_told_of_tumours() -> None:
    crowded = load_scenario("monolayer").change({"tumour.cells": 4000})
    assert not [line for line in forecast(crowded).lines if "fills" in line]
