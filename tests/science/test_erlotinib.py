"""Xenografts under erlotinib: the regimen of the published arm and its level in plasma."""

from typing import Any

import numpy as np
from benchmarks.erlotinib_lung import Line, scenario

from stemniche.run.assemble import assemble
from stemniche.therapy.plasma import CENTRAL, DEPOT


def test_mice_that_swallow_25_mg_per_kg_have_the_measured_peak() -> None:
    """3.5 to 4.3 mg/L: Eigenmann 2016 Mol Cancer Ther 15:3110."""
    plan = assemble(scenario(Line(), 25.0, 20), 1).plan
    dosing: Any = next(p for p in plan.processes if p.name == "dosing.erlotinib")
    assert len(dosing.doses) == 14
    dose = dosing.doses[0]
    amount, peak = np.zeros(3), 0.0
    amount[DEPOT] = dose.mg * dose.share * dosing.nmol_per_mg
    for _ in range(240):
        amount = dosing.decay @ amount
        peak = max(peak, amount[CENTRAL] * dosing.free_per_nmol)
    milligrams = peak / 0.07 * 393.44e-6
    assert 3.0 < milligrams < 5.0
