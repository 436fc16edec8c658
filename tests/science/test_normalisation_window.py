"""An antibody against VEGFA first mends the vessels of a tumour, then leaves it with too few.

Six runs, a minute and a half of one core.
"""

import pandas as pd
import pytest

import stemniche as sn

pytestmark = pytest.mark.slow

SEEDS = (41, 42, 43)
GIVEN, OPEN, CLOSED = 2.0, 3.0, 7.0
"""Days on which the drug starts, on which vessels are mended, and on which they are too few."""


def course(*therapy: dict[str, str]) -> pd.DataFrame:
    """Mean of the seeds, by day."""
    scenario = sn.load_scenario("colorectal_quick").change({"days": CLOSED, "sample_every": "1 d"})
    tables = [sn.simulate(scenario.treat(list(therapy)), seed=s, threads=1).table for s in SEEDS]
    return pd.concat(tables).groupby("time_d").mean()


def test_without_vegfa_vessels_work_better_for_days_and_are_then_too_few() -> None:
    """The window of normalisation: Jain 2005 Science 307:58, Winkler 2004 Cancer Cell 6:553."""
    treated = course({"drug": "bevacizumab", "from": f"{GIVEN} d"})
    control = course()
    assert treated.hypoxic_fraction[GIVEN] == control.hypoxic_fraction[GIVEN]
    early, late = treated.loc[OPEN], treated.loc[CLOSED]
    assert early.vessel_permeability < 0.5 * control.vessel_permeability[OPEN]
    assert early.pericyte_coverage > control.pericyte_coverage[OPEN]
    assert early.perfused_fraction > control.perfused_fraction[OPEN]
    assert early.hypoxic_fraction < control.hypoxic_fraction[OPEN]
    assert late.vessel_density < 0.8 * control.vessel_density[CLOSED]
    assert late.hypoxic_fraction > control.hypoxic_fraction[CLOSED]
