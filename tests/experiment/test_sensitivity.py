"""Which numbers matter: the design runs, and what moves the result comes out on top."""

import numpy as np
import pytest

import stemniche as sn
from stemniche.core.errors import InputError
from stemniche.experiment.sensitivity import Input, inputs_of, sensitivity
from stemniche.spec.compile import compile_model
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

TINY = {
    "domain": {"size": ["300 um", "300 um"]},
    "tumour.cells": 60,
    "tissue": {"MSC": 2, "fibroblast": 4, "macrophage": 4, "CD4": 2, "Treg": 0, "CD8": 4},
    "prepare": {"days": 0.05},
    "days": 1,
    "sample_every": "12 h",
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return sn.load_scenario("breast_quick").change(TINY)


def test_a_range_over_decades_is_moved_through_on_a_logarithmic_scale() -> None:
    assert Input("a", "g", 0.01, 1.0, "nM", "assumed").at(0.5) == "0.1 nM"
    assert Input("a", "g", 1.0, 3.0, "", "assumed").at(0.5) == "2"


def test_every_input_has_a_range_and_is_known_to_scenarios(scenario: Scenario) -> None:
    inputs = inputs_of(scenario)
    assert len({one.name for one in inputs}) == len(inputs) > 300
    assert all(one.low < one.high and one.group for one in inputs)
    dice = np.random.default_rng(1)
    for shares in (np.zeros(len(inputs)), np.ones(len(inputs)), *dice.random((3, len(inputs)))):
        moved = {
            name: one.at(share)
            for one, share in zip(inputs, shares, strict=True)
            for name in (one.name, *one.also)
        }
        compile_model(read_library(), scenario.change({"parameters": moved}))


def test_the_rate_of_the_cycle_moves_the_tumour_and_that_of_a_drug_given_later_does_not(
    scenario: Scenario,
) -> None:
    found = sensitivity(
        scenario.treat(["drug paclitaxel from 300 d"]),
        measures=("tumour_cells",),
        only=("tumour.cycle_rate", "paclitaxel.clearance"),
        trajectories=2,
        workers=1,
    )
    assert list(found.inputs.name[:1]) == ["tumour.cycle_rate"]
    assert found.groups.influence.iloc[-1] == 0.0
    assert found.stopped == 0


@pytest.mark.parametrize(
    ("measures", "said"),
    [((), "no measure to look at"), (("tumour_cels",), "Did you mean 'tumour_cells'")],
)
def test_a_measure_that_is_not_there_is_refused_before_anything_runs(
    measures: tuple[str, ...], said: str, scenario: Scenario
) -> None:
    told: list[str] = []
    with pytest.raises(InputError, match=said):
        sensitivity(
            scenario,
            measures=measures,
            workers=1,
            progress=lambda what, share: told.append(what),
        )
    assert told == []


def test_a_number_that_is_not_there_is_an_input_error(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="nonsense"):
        sensitivity(scenario, only=("nonsense.*",), workers=1)
