"""Erlotinib in lung xenografts: dose response during treatment and regrowth after it (case V9).

``python benchmarks/erlotinib_lung.py [--data FOLDER] [--seeds N] [DOSE ...]`` prints the fold of
the tumour's volume in nude mice that swallow a dose (mg/kg) daily from day 3 to day 16; with the
published control and 25 mg/kg arms (a folder that holds ``lxf_control_growth.csv`` and
``lxf_medium_erlotinib_dose.csv``) the mean of the mice beside it and the error in log-fold. `Line`
holds what may be adjusted to these two arms: how fast its cells cycle, the share of stem cells, and
how much growth leans on EGFR; the drug's volume of distribution in mice follows from plasma levels
of the treated arm. Any other dose is a prediction.

A xenograft of 120 mm^3, 6 mm across, lives on its vessels everywhere: from day 0 to day 16 its
radius grows by 170 um a day, and a rim of cells that divide cannot do that. So the slice stands for
a share of it that grows as the whole does, and the fold of the volume is that of the slice's area;
``tumour_volume_mm3`` would take the slice for the middle of a ball of its own, 0.8 mm across, and
gives the power of 1.5 of it. For the same reason it is there a week before day 0: a few hundred
cells just placed lack what a tumour secretes, and oxygen does not limit them yet, so that they
would grow ever faster for ten days, not slower. The domain of `lung` has room until day 16; in that
of `lung_quick` the control arm would lack it from day 8.

The error is taken over the days until day 21, when the first mice of the control arm were taken
out; as for irradiated cells (case V7), below 0.15 agrees. ``docs/therapy.md`` has what was found.

Data: Eigenmann 2016 Mol Cancer Ther 15:3110, DavAug/erlotinib@c661d65.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stemniche.run.simulate import simulate
from stemniche.spec.scenario import Scenario, load_scenario

DAYS = 16
EVERY = 2
LAST = 21
"""Day from which mice with large tumours are missing from the mean of the control arm."""

ARMS = {0.0: "lxf_control_growth.csv", 25.0: "lxf_medium_erlotinib_dose.csv"}


@dataclass(frozen=True)
class Line:
    """The tumour and its host.

    Args:
        cells: Placed in the slice.
        established: Days they are there before day 0.
        csc_fraction: Share of stem cells in them.
        csc_cycle, cycle: 1/d, from G1 to S of stem cells and of all others.
        egfr: Weight of EGFR in the drive to proliferate; 1 in the library.
        reach: Folds of the cycle's rate that this drive spans; 5 in the library.
        volume: L/kg, of erlotinib in mice: 3.5 to 4.3 mg/L at the peak of 25 mg/kg.
    """

    cells: int = 360
    established: float = 7.0
    csc_fraction: float = 0.08
    csc_cycle: float = 0.48
    cycle: float = 0.64
    egfr: float = 4.5
    reach: float = 7.0
    volume: float = 2.8


def scenario(line: Line, dose: float, days: int) -> Scenario:
    """A slice of a lung carcinoma in a nude mouse, treated from day 3 to day 16."""
    made = load_scenario("lung").change(
        {
            "days": days,
            "sample_every": f"{EVERY} d",
            "host": {"species": "mouse", "mass": None, "bsa": None, "immune": "nude"},
            "represents": {"volume": "120 mm^3"},
            "prepare": {"until": None, "max": None, "days": line.established},
            "tumour.cells": line.cells,
            "tumour.csc_fraction": line.csc_fraction,
            "parameters": {
                "CSC.cycle_rate": f"{line.csc_cycle} 1/d",
                "tumour.cycle_rate": f"{line.cycle} 1/d",
                "net.proliferation.EGFR.weight": line.egfr,
                "rule.tumour.cycle_rate.proliferation.limit": f"{line.reach} fold",
                "erlotinib.volume": f"{line.volume} L/kg",
            },
        }
    )
    given = f"drug erlotinib {dose} mg/kg every 1 d from 3 d until 17 d"
    return made.treat([given]) if dose else made


def folds(line: Line, dose: float, seed: int, days: int = DAYS) -> np.ndarray:
    """Fold of the tumour's volume every other day: that of the slice's area."""
    ball = simulate(scenario(line, dose, days), seed).table["tumour_volume_mm3"].to_numpy()
    return np.asarray((ball / ball[0]) ** (2.0 / 3.0))


def published(folder: Path, dose: float) -> dict[int, float]:
    """Mean volume of the mice over that of day 0, by day."""
    import pandas as pd

    rows = pd.read_csv(folder / ARMS[dose])
    mean = rows[rows.Observable == "Tumour volume"].groupby("Time").Value.mean().dropna()
    return {int(day): float(v / mean.iloc[0]) for day, v in mean.items()}


def error(found: np.ndarray, known: dict[int, float]) -> float:
    """Root mean square of the differences in log-fold on the days when mice were measured."""
    days = np.array([day for day in known if 0 < day <= min(LAST, EVERY * (len(found) - 1))])
    ours = np.interp(days, EVERY * np.arange(len(found)), np.log(found))
    return float(np.sqrt(np.mean((ours - np.log([known[day] for day in days])) ** 2)))


def main() -> None:
    """Print folds of every dose, and what was published."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("doses", nargs="*", type=float, default=[0.0, 25.0])
    reader.add_argument("--data", type=Path)
    reader.add_argument("--seeds", type=int, default=4)
    reader.add_argument("--days", type=int, default=DAYS)
    asked = reader.parse_args()
    print("day        " + " ".join(f"{day:5d}" for day in range(0, asked.days + 1, EVERY)))
    for dose in asked.doses:
        each = [folds(Line(), dose, seed + 1, asked.days) for seed in range(asked.seeds)]
        mean = np.exp(np.mean(np.log(each), axis=0))
        print(f"{dose:5g} mg/kg" + " ".join(f"{fold:5.2f}" for fold in mean), flush=True)
        if asked.data and dose in ARMS:
            known = published(asked.data, dose)
            shown = [known.get(EVERY * i) for i in range(len(mean))]
            print("published  " + " ".join("     " if f is None else f"{f:5.2f}" for f in shown))
            print(f"error of log-fold {error(mean, known):.3f}")


if __name__ == "__main__":
    main()
