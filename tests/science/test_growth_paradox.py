"""Death that frees space lets a tumour of stem cells and short-lived progeny grow larger (V23).

Enderling 2009 and Hillen 2013: without death and migration a tumour's own progeny walls its stem
cells in; with both it holds more of them and overtakes.
"""

import pandas as pd
import pytest

from stemniche.run.simulate import simulate
from stemniche.spec.scenario import load_scenario

NEVER = "1e-6 1/d"


def grown(death: str, speed: str) -> pd.DataFrame:
    """A tumour from one stem cell in a rich medium: strict contact inhibition, no plasticity.

    Args:
        death: Rate of death of progenitors and differentiated cells; stem cells do not die.
        speed: Of all tumour cells.
    """
    preset = load_scenario("breast_quick")
    hosts = dict.fromkeys([*preset.tissue.cells, "vessels"], 0)
    numbers = {
        "tumour.stemness_noise": 1e-4,
        "stemness.low": 1e-6,
        "stemness.inheritance": 1,
        "rule.tumour.cycle_rate.crowding.limit": "1e-8 fold",
        "rule.tumour.cycle_rate.crowding.half_max": 0.8,
        "crowding.reference": 1e-3,
        "tumour.cycle_rate": "4 1/d",
        "CSC.cycle_rate": "4 1/d",
        "differentiated.cycle_rate": NEVER,
        "CSC.symmetric_probability": 0.2,
        "progenitor.division_limit": 5,
        "tumour.quiescence_rate": NEVER,
        "CSC.quiescence_rate": NEVER,
        "differentiated.quiescence_rate": NEVER,
        "CSC.apoptosis_rate": NEVER,
        "progenitor.apoptosis_rate": death,
        "differentiated.apoptosis_rate": death,
        "tumour.migration_speed": speed,
        "tumour.heritable_cv": 1e-3,
    }
    changes = {
        "environment.boundary": "medium",
        "environment.oxygen": "140 mmHg",
        "environment.glucose": "25 mM",
        "tissue": hosts,
        "walls.cells": "closed",
        "prepare": {"days": 0.1, "until": None, "max": None},
        "domain.size": ["0.8 mm", "0.8 mm"],
        "tumour.layout": "single",
        "tumour.cells": 1,
        "tumour.csc_fraction": 1.0,
        "days": 84,
        "sample_every": "4 d",
        "parameters": numbers,
    }
    return simulate(preset.change(changes), 1, threads=1).table.set_index("time_d")


@pytest.mark.slow
def test_death_and_migration_make_the_larger_tumour_in_the_end() -> None:
    walled, freed = grown("1e-4 1/d", "1e-4 um/min"), grown("0.3 1/d", "0.2 um/min")
    assert freed.tumour_cells[12.0] < walled.tumour_cells[12.0]
    assert freed.tumour_cells[84.0] > 1.5 * walled.tumour_cells[84.0]
    assert freed["cells.CSC"][84.0] > 5.0 * walled["cells.CSC"][84.0]
