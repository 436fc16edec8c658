"""Make docs/vesicles.md: ``python benchmarks/cargo_gain.py``, some minutes of two processors.

What the cargo of vesicles does in the recipient is one assumed gain per class of cargo. So every
number that hangs on it is shown beside the one without: a week of two quick presets, the same
seeds, with both gains as they are and at 0, where vesicles travel and are read without effect.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import stemniche as sn
from stemniche.experiment.runner import Failure, Runner

PAGE = Path(__file__).resolve().parent.parent / "docs" / "vesicles.md"
PRESETS = ("breast_quick", "pancreatic_quick")
SEEDS = (1, 2, 3)
WITHOUT = {"parameters.cargo_gain.mirna": 0, "parameters.cargo_gain.protein": 0}
SHOWN = {
    "tumour_cells": "living tumour cells",
    "csc_fraction": "share of stem cells",
    "emt_score": "EMT of tumour cells",
    "node.MIR21.stroma": "MIR21 in stroma",
    "node.STAT3.DC": "STAT3 in dendritic cells",
    "activity.CD8": "active CD8 cells",
    "primed_t_cells": "primed T cells",
    "vessel_permeability": "permeability of vessels",
    "niche_readiness": "readiness of the distant organ",
}
"""Measures on the last day."""


def last_day(preset: str, seed: int, gain: bool) -> pd.Series:
    """The measures of one run."""
    scenario = sn.load_scenario(preset).change({} if gain else WITHOUT)
    return sn.simulate(scenario, seed, threads=1).table.iloc[-1][list(SHOWN)].astype(float)


def main() -> None:
    """Run, write."""
    jobs = {
        (preset, seed, gain): partial(last_day, preset, seed, gain)
        for preset in PRESETS
        for seed in SEEDS
        for gain in (True, False)
    }
    with Runner(None) as runner:
        found = runner.run(jobs, lambda share: print(f"{share:.0%}", flush=True))
    for fault in found.values():
        if isinstance(fault, Failure):
            raise SystemExit(fault.reason)
    parts = [__doc__.split("\n\n", 1)[1], *(_table(preset, found) for preset in PRESETS)]
    head = "# Vesicles with and without effect\n\nMade by `python benchmarks/cargo_gain.py`."
    PAGE.write_text("\n\n".join([head, *(part.strip() for part in parts)]) + "\n", encoding="utf-8")


def _table(preset: str, found: dict[tuple[str, int, bool], pd.Series]) -> str:
    lines = [
        f"## {preset}",
        "",
        f"Mean (standard deviation) of {len(SEEDS)} seeds on the last day.",
        "",
        "| | with cargo | gain 0 |",
        "|---|---|---|",
    ]
    for column, name in SHOWN.items():
        cells = []
        for gain in (True, False):
            values = np.array([found[preset, seed, gain][column] for seed in SEEDS])
            cells.append(f"{values.mean():.3g} ({values.std(ddof=1):.2g})")
        lines.append(f"| {name} (`{column}`) | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
