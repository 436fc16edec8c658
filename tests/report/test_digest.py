"""What a report reads off a run: days worth a picture, treatments, cuts through a block."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stemniche.report.digest import HYPOXIC, STEM, digest, oxygen_top
from stemniche.report.treatments import treatments

MODEL: Any = SimpleNamespace(drugs=[SimpleNamespace(id="paclitaxel", values={"every": 10080.0})])


def one(**item: Any) -> Any:
    return treatments({"therapy": [item]}, MODEL, 28.0)[0]


def test_pictures_show_the_ends_and_the_days_around_treatments(treated: Any) -> None:
    days = digest(treated).picture_days()
    assert len(days) == 6
    assert {0.0, 3.0, 5.0, 7.0, 9.0, 14.0} == set(days)


def test_pictures_of_an_untreated_run_are_spread_evenly(make_run: Any) -> None:
    days = digest(make_run(samples=15, treated=False)).picture_days()
    assert len(days) == 6
    assert max(np.diff(days)) <= 4.0


def test_a_close_up_lies_in_the_tissue_and_holds_stem_cells(treated: Any) -> None:
    d = digest(treated)
    window, tissue = d.close_up(14.0), d.tissue(14.0)
    assert 0 <= window.left <= tissue.width - window.width
    assert 0 <= window.bottom <= tissue.height - window.height
    stem = tissue.kinds == "CSC"
    inside = (np.abs(tissue.x - window.left - window.width / 2) < window.width / 2) & (
        np.abs(tissue.y - window.bottom - window.height / 2) < window.height / 2
    )
    assert (stem & inside).sum() > 0.1 * stem.sum()


def test_dead_cells_are_dead_whatever_their_type(treated: Any) -> None:
    cells, tissue = treated.cells(14.0), digest(treated).tissue(14.0)
    assert (tissue.kinds == "dead").sum() == (cells.obs["state"] != "alive").sum()


def test_a_block_is_cut_in_its_middle_plane(treated: Any) -> None:
    d = digest(treated)
    flat = treated.cells(14.0)
    deep = flat.copy()
    offsets = np.zeros(flat.n_obs)
    offsets[: flat.n_obs // 2] = 500.0
    offsets[-1] = 3.0
    deep.obsm["spatial"] = np.column_stack([flat.obsm["spatial"], 50.0 + offsets])
    for name, half in (("radius", 4.0), ("flow", 1.0), ("x", 0.0), ("y", 6.0), ("z", 0.0)):
        deep.obs[f"vessel.{name}"] = np.where(np.arange(flat.n_obs) == flat.n_obs - 2, half, 0.0)
    level = SimpleNamespace(shape=(5, 75, 75), values=np.zeros((5, 75, 75)))
    run = SimpleNamespace(
        cells=lambda day: deep, field=lambda name, day: level, header=treated.header
    )
    cut = type(d)(**{**d.__dict__, "run": run, "_seen": {}}).tissue(14.0)
    assert len(cut.kinds) == flat.n_obs - flat.n_obs // 2 - 1
    full = float(flat.obs["radius"].iloc[-1])
    assert cut.radius[-1] == pytest.approx(np.sqrt(full**2 - 9.0))
    x, y = flat.obsm["spatial"][-2, :2]
    np.testing.assert_allclose(cut.vessels, [[x, y, 1.0, 0.0, 6.0, 4.0]], rtol=1e-6)


def test_the_oxygen_scale_ends_at_a_round_level_above_all_seen(treated: Any) -> None:
    d = digest(treated)
    assert oxygen_top([d.tissue(0.0)]) == 50.0
    assert oxygen_top([]) == 20.0


def test_doses_are_counted_as_the_drug_is_given() -> None:
    weekly = one(drug="paclitaxel", dose="80 mg/m^2", every="7 d", **{"from": "7 d"})
    assert weekly.mark.doses == (7.0, 14.0, 21.0)
    assert one(drug="paclitaxel", dose="80 mg/m^2").mark.doses == (0.0,)
    assert one(drug="paclitaxel").mark.doses == (0.0, 7.0, 14.0, 21.0)
    assert one(drug="paclitaxel", doses=2).mark.doses == (0.0, 7.0)


@pytest.mark.parametrize(
    ("item", "words", "span"),
    [
        ({"block": "CXCR4", "from": "3 d"}, "CXCR4 blockade from day 3", (3.0, 28.0)),
        ({"inhibit": "STAT3", "fraction": 0.5, "in": ["CSC", "MSC"]},
         "STAT3 inhibition of 50 % in CSC, MSC from day 0", (0.0, 28.0)),
        ({"neutralise": "IL6", "until": "csc_fraction > 0.2"},
         "IL6 neutralisation from day 0 until csc_fraction > 0.2", (0.0, 28.0)),
        ({"set": "environment.oxygen", "to": "10 mmHg", "from": "36 h", "until": "4 d"},
         "environment.oxygen to 10 mmHg from day 1.5 until day 4", (1.5, 4.0)),
        ({"knock_out": "IL6", "from": "birth"}, "IL6 knock-out from the very start", (0.0, 28.0)),
    ],
)  # fmt: skip
def test_interventions_are_told_in_words(
    item: dict[str, Any], words: str, span: tuple[float, float]
) -> None:
    found = one(**item)
    assert found.words == words
    assert (found.mark.start, found.mark.end) == span


def test_fractions_of_a_cycle_are_marked_where_they_are_given() -> None:
    found = one(radiation="2 Gy", every="1 d", doses=7, cycle=["5 d", "2 d"])
    assert found.words == "radiation 2 Gy every 1 d from day 0"
    assert found.mark.doses == (0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 8.0)


def test_what_is_no_treatment_in_time_is_left_out() -> None:
    assert treatments({"therapy": [{"without_claim": "C257"}]}, MODEL, 3.0) == []
    assert treatments({}, MODEL, 3.0) == []


def test_a_report_means_by_its_words_what_the_measures_mean() -> None:
    from stemniche.engine import plan
    from stemniche.run import measures

    assert (STEM, HYPOXIC) == (plan.STEM, measures.HYPOXIC)


def test_reading_a_run_needs_no_engine() -> None:
    script = "import sys, stemniche.report.html as h; sys.exit('stemniche.engine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
