"""What must hold for every cancer, at full length: ``pytest -m slow``, some hours."""

import pytest
from benchmarks.sanity import PRESETS, SEEDS, drifts, with_room, without_tumour

import stemniche as sn
from stemniche.spec.scenario import Scenario

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("preset", PRESETS)
def test_tissue_without_a_tumour_stays_as_it_is(preset: str) -> None:
    """Mean of 12 seeds: 10 % for counts and factors, 20 % for types of fewer than 200 cells."""
    scenario = without_tumour(preset)
    found = drifts([sn.simulate(scenario, seed=seed, threads=1).table for seed in SEEDS])
    assert len(found) > 20
    assert not found[found.drift.abs() >= found.allowed].to_dict("index")


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


@pytest.mark.parametrize("preset", PRESETS)
def test_a_small_tumour_keeps_a_mixture(preset: str) -> None:
    """From 400 cells, left alone."""
    table = sn.simulate(with_room(preset), seed=1, threads=1).table
    assert 0.0 < table.csc_fraction.iloc[-1] < 0.5
    assert table.tumour_cells.iloc[-1] > 0
