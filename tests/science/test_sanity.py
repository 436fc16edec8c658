"""What must hold for every cancer, at full length: ``pytest -m slow``, over an hour."""

import pandas as pd
import pytest

import stemniche as sn
from stemniche.spec.scenario import Scenario

pytestmark = pytest.mark.slow

PRESETS = [
    name
    for name in sn.list_scenarios()
    if name.endswith("_quick") and sn.load_scenario(name).environment.boundary == "tissue"
]
"""The quick variants: they are the presets on less area."""
SEEDS = 12


def tumour_free(preset: str, seed: int) -> pd.DataFrame:
    """30 days of a tissue without a tumour after 3 days of preparation."""
    nothing = {"tumour.cells": 0, "prepare": {"days": 3, "until": None, "max": None}}
    scenario = sn.load_scenario(preset).change({**nothing, "days": 30, "sample_every": "1 d"})
    return sn.simulate(scenario, seed=seed, threads=1).table


@pytest.mark.parametrize("preset", PRESETS)
def test_tissue_without_a_tumour_stays_as_it_is(preset: str) -> None:
    """Mean of 12 seeds: 10 % for counts and factors, 20 % for types of fewer than 200 cells."""
    tables = [tumour_free(preset, seed) for seed in range(1, SEEDS + 1)]
    start = pd.concat([t.iloc[:1] for t in tables]).mean()
    end = pd.concat([t[t.time_d >= 25.0].mean().to_frame().T for t in tables]).mean()
    for column in start.index:
        if not column.startswith(("cells.", "factor.")) or start[column] <= 0.0:
            continue
        few = column.startswith("cells.") and start[column] < 200.0
        drift = end[column] / start[column] - 1.0
        assert abs(drift) < (0.2 if few else 0.1), (column, drift)


def roomy(preset: str) -> Scenario:
    """A preset in a box of 2.4 mm, with host cells at the same density."""
    scenario = sn.load_scenario(preset)
    more = (2400.0 / scenario.domain.size[0]) ** 2
    counts = {
        f"tissue.{name}": round(count * more) for name, count in scenario.tissue.cells.items()
    }
    return scenario.change({"domain.size": ["2.4 mm", "2.4 mm"], **counts})


@pytest.mark.parametrize("preset", PRESETS)
def test_no_tumour_runs_away_to_stem_cells_only(preset: str) -> None:
    """In a box that 60 days of growth do not fill."""
    scenario = roomy(preset).change({"days": 60, "sample_every": "5 d"})
    table = sn.simulate(scenario, seed=1, threads=1).table
    assert 0.0 < table.csc_fraction.iloc[-1] < 0.5
    assert table.tumour_cells.iloc[-1] > 0
