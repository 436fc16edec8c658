"""Irradiated 9L glioma cells in culture: time-resolved growth and clonogenic survival (case V7).

``python benchmarks/radiation_glioma.py [--data FOLDER] [--seeds N] [DOSE ...]`` prints the fold of
the living cells' volume after single doses; with the published confluence (a folder that holds
``confluence_calibration.csv.gz``) the error in log-fold beside it. Alpha and beta are those of the
clonogenic assay and the half-time of repair is that of gamma-H2AX; growth was fitted to the control
arm. How mitoses fail, giants grow and die comes from the library, where it was fitted to 4 and 12
Gy of these cells. Any other dose is a prediction.

Data: Liu, Hormuth, Yankeelov and others 2021-2022, JunyanReplica/gliomaRadiationModel@da9387f.
"""

import argparse
from dataclasses import dataclass
from math import exp, log, pi, sqrt
from pathlib import Path

import numpy as np
from tests.analytic.bare_tissue import PER_DAY, Tissue, bare, rule, shipped, substance

from stemniche.engine.controls import Control
from stemniche.engine.plan import Extension
from stemniche.engine.state import ALIVE
from stemniche.therapy.radiation import lower_radiation

ALPHA, BETA = 0.0835, 0.0446
HOUR = 10
"""Ticks per hour."""

SIDE = 30
SPACING = 20.0


@dataclass(frozen=True)
class Line:
    """A cell line in culture.

    Args:
        cycle: 1/d, rate from G1 to S without contact.
        crowding: Share of the contact places taken at which that rate is halved.
        power: Of that response.
        speed: um/min, of crawling.
        repair: h, half-time of sublethal repair.
        cells: Plated, so many that they cover a twentieth of the dish.
    """

    cycle: float = 3.03
    crowding: float = 0.6
    power: float = 4.0
    speed: float = 0.5
    repair: float = 2.3
    cells: int = 60


def culture(line: Line, fractions: tuple[tuple[float, float], ...], seed: int) -> Tissue:
    """A dish a day after plating; `fractions` are pairs of hour and dose."""
    controls = tuple(
        Control(kind="radiation", target="", value=dose, start=round(hour * 3600))
        for hour, dose in fractions
    )
    rays = lower_radiation(controls)
    rate = line.cycle * PER_DAY
    known = next(t.traits for t in shipped().types if t.id == "CSC")
    tissue = bare(
        {
            "CSC": {
                "cycle_rate": rate,
                "symmetric_probability": 1.0,
                "s_duration": known["s_duration"],
                "g2m_duration": known["g2m_duration"],
                "migration_speed": line.speed,
                "repulsion": 10.0,
                "radiosensitivity": 1.0,
                "damage_repair": 1e-3,
                "delayed_death": known["delayed_death"],
                "apoptosis_duration": known["apoptosis_duration"],
            }
        },
        {"tumour": line.cells},
        shape=(1, SIDE, SIDE),
        spacing=SPACING,
        seed=seed,
        parameters={
            "radiation.alpha": ALPHA,
            "radiation.beta": BETA,
            "radiation.repair_fold": 1e3 * log(2.0) / (line.repair * 60.0),
            "radiation.s_phase": 1.0,
            "radiation.g2m_phase": 1.0,
        },
        factors=(substance("oxygen", baseline=1e4, decay=1e-9),),
        drives=(
            rule("CSC", "cycle_rate", rate, 1e-3 * rate, ("crowding", line.crowding, line.power)),
        ),
        therapy=Extension(
            controls=controls,
            variables=rays.variables,
            hazards=rays.hazards,
            processes=rays.processes,
        ),
    )
    tissue.run(24 * HOUR)
    tissue.state["day0"][0] = tissue.state.tick
    return tissue


def volume(tissue: Tissue) -> float:
    """Volume of the living cells, um^3."""
    s = tissue.state
    alive = s.live("state") == ALIVE
    return float(4.0 / 3.0 * pi * (s.live("radius")[alive].astype(float) ** 3).sum())


def folds(
    line: Line, fractions: tuple[tuple[float, float], ...], hours: int, seed: int, every: int = 12
) -> np.ndarray:
    """Fold of the cells' volume every `every` hours, from 0 to `hours`."""
    tissue = culture(line, fractions, seed)
    found = [volume(tissue)]
    for _ in range(hours // every):
        tissue.run(every * HOUR)
        found.append(volume(tissue))
    return np.array(found) / found[0]


def survival(dose: float, seeds: int = 8) -> float:
    """Share of cells without a lethal lesion: those whose colonies grow."""
    clean = total = 0
    for seed in range(1, seeds + 1):
        tissue = culture(Line(cells=300), ((0.0, dose),), seed)
        tissue.run(1)
        alive = tissue.state.live("state") == ALIVE
        clean += int((tissue.state.live("lesions")[alive] == 0).sum())
        total += int(alive.sum())
    return clean / total


def published(folder: Path, dose: float) -> dict[int, float]:
    """Median fold of the wells that were less than a tenth full, by hour."""
    import pandas as pd

    wells = pd.read_csv(folder / "confluence_calibration.csv.gz")
    wells = wells[(wells.cell_line == "9L") & (wells.dose_per_fraction_Gy == dose)]
    first = wells.groupby("well_id").confluence.transform("first")
    sparse = wells[first < 0.1].assign(fold=wells.confluence / first)
    median = sparse.groupby("time_h").fold.median()
    return {int(t): float(f) for t, f in median.items()}


def main() -> None:
    """Print folds, errors and survival."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("doses", nargs="*", type=float, default=[0, 2, 4, 6, 8, 10, 12, 16])
    reader.add_argument("--data", type=Path)
    reader.add_argument("--seeds", type=int, default=4)
    reader.add_argument("--hours", type=int, default=96)
    asked = reader.parse_args()
    for dose in asked.doses:
        fractions = ((0.0, dose),) if dose else ()
        each = [folds(Line(), fractions, asked.hours, n + 1) for n in range(asked.seeds)]
        mean = np.exp(np.mean(np.log(each), axis=0))
        known = published(asked.data, dose) if asked.data else {}
        cells = [f"{mean[i]:6.2f}" for i in range(len(mean))]
        print(f"{dose:5g} Gy  " + " ".join(cells))
        shared = [i for i in range(1, len(mean)) if 12 * i in known]
        if shared:
            error = [log(mean[i] / known[12 * i]) for i in shared]
            print("published" + " " * 8 + " ".join(f"{known[12 * i]:6.2f}" for i in shared))
            print(f"          RMSE of log-fold {sqrt(np.mean(np.square(error))):.3f}")
    for dose, wanted in ((2.0, 0.661), (4.0, 0.376), (6.0, 0.119)):
        lq = exp(-ALPHA * dose - BETA * dose**2)
        print(f"SF({dose:g} Gy) {survival(dose):.3f}, closed form {lq:.3f}, published {wanted}")


if __name__ == "__main__":
    main()
