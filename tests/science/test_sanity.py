"""What must hold for every cancer, at full length: ``pytest -m slow``, some hours."""

import pytest
from benchmarks.sanity import PRESETS, SEEDS, drifts, with_room, without_tumour

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
def test_no_tumour_becomes_stem_cells_only_or_loses_them(preset: str) -> None:
    """In a box that 60 days of growth do not fill."""
    table = sn.simulate(with_room(preset), seed=1, threads=1).table
    assert 0.0 < table.csc_fraction.iloc[-1] < 0.5
    assert table.tumour_cells.iloc[-1] > 0
