"""What a regimen holds by plasma is told ahead, and a regimen that holds nothing is named."""

import math

import numpy as np
import pytest

from stemniche.run.forecast import forecast
from stemniche.spec.compile import compile_model
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario, load_scenario
from stemniche.therapy.drugs import course
from stemniche.therapy.engagement import Engagement, engagements
from stemniche.therapy.plasma import plasma_levels

DAYS = 8.0


def given(*therapy: str, **parameters: str) -> Scenario:
    changed = load_scenario("breast_quick").change({"days": DAYS, "parameters": parameters})
    return changed.treat(list(therapy))


def of(scenario: Scenario) -> dict[tuple[str, str], Engagement]:
    model = compile_model(read_library(), scenario)
    return {(one.drug, one.target): one for one in engagements(scenario, model)}


def test_the_level_of_one_dose_falls_as_clearance_over_volume_says() -> None:
    whole = {"ganetespib.central_share": "1"}
    scenario = given("drug ganetespib 100 mg over 0 min doses 1", **whole)
    drug, *_ = compile_model(read_library(), scenario).drugs
    (item,) = scenario.therapy
    own = course(item, scenario, compile_model(read_library(), scenario), None)  # type: ignore[arg-type]
    levels = plasma_levels(drug, own.doses, own.host, DAYS)
    minutes = np.arange(1, len(levels) + 1) * DAYS * 1440.0 / len(levels)
    start = 100.0e6 / drug.molar_mass * drug.values["fraction_unbound"] / own.host.central
    expected = start * np.exp(-own.host.clearance / own.host.central * minutes)
    np.testing.assert_allclose(levels, expected, rtol=1e-9)


def test_an_antibody_holds_its_factor_throughout() -> None:
    one = of(given("drug bevacizumab"))["bevacizumab", "VEGFA"]
    assert one.peak > one.mean > 0.95


def test_a_drug_that_leaves_slowly_holds_more_on_average_and_no_more_at_its_peak() -> None:
    row = "drug.ganetespib.HSP90.residence"
    long, short = (
        of(given("drug ganetespib", **{row: half_life}))["ganetespib", "HSP90"]
        for half_life in ("58 h", "1 min")
    )
    assert long.mean > 2.0 * short.mean
    assert math.isclose(long.peak, short.peak)


def test_days_before_the_first_dose_do_not_count() -> None:
    early, late = (
        of(given(f"drug bevacizumab from {start} d"))["bevacizumab", "VEGFA"].mean
        for start in (0, 4)
    )
    assert late == pytest.approx(early, abs=0.02)


def test_a_regimen_that_holds_nothing_is_named_and_one_that_does_is_not() -> None:
    said = " ".join(forecast(given("drug salinomycin", "drug sunitinib")).lines)
    assert "salinomycin holds 0.4% of WNT in this regimen" in said
    assert "sunitinib holds" not in said


def test_what_is_injected_into_the_tumour_is_not_judged_by_plasma() -> None:
    assert of(given("drug rsl3")) == {}
