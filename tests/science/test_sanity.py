"""What must hold for every cancer, at full length: ``pytest -m slow``, some hours."""

import pytest
from benchmarks.sanity import PRESETS, SEEDS, drifts, roomy, small, without_tumour

import stemniche as sn

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("preset", PRESETS)
def test_tissue_without_a_tumour_stays_as_it_is(preset: str) -> None:
    """Mean of 12 seeds: 10 % for counts and factors, 20 % for types of fewer than 200 cells."""
    scenario = without_tumour(preset)
    found = drifts([sn.simulate(scenario, seed=seed, threads=1).table for seed in SEEDS])
    assert len(found) > 20
    assert not found[found.drift.abs() >= found.allowed].to_dict("index")


@pytest.mark.parametrize("preset", PRESETS)
def test_no_tumour_runs_away_to_stem_cells_only(preset: str) -> None:
    """In a box that 60 days of growth do not fill."""
    table = sn.simulate(roomy(preset), seed=1, threads=1).table
    assert 0.0 < table.csc_fraction.iloc[-1] < 0.5
    assert table.tumour_cells.iloc[-1] > 0


@pytest.mark.parametrize("preset", PRESETS)
def test_a_small_tumour_keeps_a_mixture(preset: str) -> None:
    """From 400 cells, left alone."""
    table = sn.simulate(small(preset), seed=1, threads=1).table
    assert 0.0 < table.csc_fraction.iloc[-1] < 0.5
    assert table.tumour_cells.iloc[-1] > 0
