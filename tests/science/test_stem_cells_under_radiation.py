"""Who survives radiation, and what stem cells need to stay enriched (cases V24, V27)."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.analytic.bare_tissue import PER_DAY, WELL_MIXED, bare, substance

from stemniche.engine.controls import Control
from stemniche.engine.plan import Extension
from stemniche.therapy.radiation import lower_radiation

RESISTANT = 0.1376
"""Fold on alpha and beta of glioma stem cells: Gao 2013 Cancer Res (CAN-12-3429)."""
STEPS = (*WELL_MIXED, "radiation", "catastrophe")
DAY = 240


@dataclass(frozen=True)
class Course:
    """Stem share over time in a stirred lineage under five daily fractions of 2 Gy, or none."""

    sensitivity: float = 1.0
    symmetric: float = 0.1
    dose: float = 2.0

    def shares(self, *days: int) -> list[float]:
        """Share of stem cells among living tumour cells at the days named."""
        controls = (
            Control(kind="radiation", target="", value=self.dose, start=0, every=86400, times=5),
        )
        rays = lower_radiation(controls)
        cell = {"radiosensitivity": 1.0, "damage_repair": 1.0 / 1440.0}
        cell |= {"delayed_death": 0.3 * PER_DAY}
        tissue = bare(
            {
                "all": cell,
                "CSC": {
                    "cycle_rate": PER_DAY,
                    "symmetric_probability": self.symmetric,
                    "radiosensitivity": self.sensitivity,
                },
                "progenitor": {"cycle_rate": PER_DAY},
                "differentiated": {"apoptosis_rate": 0.3 * PER_DAY},
            },
            {"tumour": 3000},
            stem_fraction=0.08,
            factors=(substance("oxygen", baseline=1e4, decay=1e-9),),
            therapy=Extension(
                controls=controls,
                variables=rays.variables,
                hazards=rays.hazards,
                processes=rays.processes,
            ),
        )
        tissue.state["day0"][0] = 0
        found, now = [], 0
        for day in days:
            tissue.run((day - now) * DAY, STEPS)
            now = day
            found.append(tissue.count("CSC") / (np.sum([tissue.count(t) for t in TUMOUR])))
        return found


TUMOUR = ("CSC", "progenitor", "differentiated")


@pytest.mark.slow
@pytest.mark.parametrize(("sensitivity", "sign"), [(RESISTANT, 1), (1.0, 0), (2.0, -1)])
def test_stem_cells_are_enriched_if_more_of_them_survive(sensitivity: float, sign: int) -> None:
    """V27: no sign is built in; the share follows the difference in survival."""
    (before,) = Course(dose=0.0).shares(8)
    (after,) = Course(sensitivity).shares(8)
    if sign:
        assert sign * (after / before - 1.0) > 0.2
    else:
        assert after == pytest.approx(before, rel=0.35)


@pytest.mark.slow
def test_resistance_alone_does_not_keep_them_enriched() -> None:
    """V24: without more symmetric divisions the share falls back once the course is over."""
    end, later = Course(RESISTANT).shares(7, 25)
    _, shifted = Course(RESISTANT, symmetric=0.4).shares(7, 25)
    (control,) = Course(dose=0.0).shares(25)
    assert later < 0.7 * end
    assert later < 2.0 * control
    assert shifted > 2.0 * later
