"""New vessels feed a tumour, and a drug against VEGFR starves it of them.

Four runs, some minutes of one core.
"""

import pandas as pd
import pytest

import stemniche as sn

pytestmark = pytest.mark.slow

SEEDS = (2, 3)
DAYS = 20.0


def course(*therapy: dict[str, str]) -> pd.DataFrame:
    """Mean of the seeds on the first and the last day."""
    scenario = sn.load_scenario("breast_quick").change({"days": DAYS, "sample_every": "20 d"})
    tables = [sn.simulate(scenario.treat(list(therapy)), seed=s, threads=1).table for s in SEEDS]
    means = pd.concat(tables).groupby("time_d").mean()
    return means.assign(blood=means.vessel_density * means.perfused_fraction)


def test_sprouts_bring_blood_unless_their_receptor_is_held() -> None:
    """Fewer vessels and a smaller tumour: Inai 2004 Am J Pathol 165:35; and less oxygen, more
    HIF1A: Paez-Ribes 2009 Cancer Cell 15:220."""
    free, held = course(), course({"drug": "sunitinib"})
    host = free.blood[0.0]
    assert held.blood[DAYS] < host < free.blood[DAYS]
    free, held = free.loc[DAYS], held.loc[DAYS]
    assert held.tumour_cells < 0.9 * free.tumour_cells
    assert held.hypoxic_fraction > 1.2 * free.hypoxic_fraction
    assert held["node.HIF1A.tumour"] > free["node.HIF1A.tumour"]
