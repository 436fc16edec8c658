"""Make docs/slab.md: ``python benchmarks/slab.py``, some minutes.

Five short experiments in a 2-D slice and in a thin slab of the same tissue whose faces meet: the
same radius of the tumour, and as many host cells per volume and vessels per area. A slice of
spheres has fewer neighbours and emptier gaps than tissue, so effects in it need not be those of
three dimensions; here they are compared. What is read of each was chosen before the first run.
"""

from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from stemniche.run.simulate import prepare, simulate
from stemniche.spec.scenario import Scenario, load_scenario

SEEDS = (1, 2, 3)
SIDE, LAYERS, TUMOUR = "0.6 mm", 3, 250
DENSER = 1.53
"""Cells per volume of a packing in space over those of a packed plane one voxel deep."""

HOST = {
    "MSC": 10,
    "fibroblast": 38,
    "monocyte": 1,
    "macrophage": 26,
    "CD4": 13,
    "Treg": 2,
    "CD8": 19,
    "NK": 10,
    "DC": 6,
    "MDSC": 6,
    "EPC": 1,
}
EXPERIMENTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("IL6 neutralised", {"neutralise": "IL6"}, "node.STAT3.tumour"),
    ("paclitaxel", {"drug": "paclitaxel", "dose": "80 mg/m^2"}, "tumour_cells"),
    ("blood at 20 mmHg", {"set": "environment.oxygen", "to": "20 mmHg"}, "node.HIF1A.tumour"),
    ("CXCR4 blocked", {"block": "CXCR4"}, "node.AKT.tumour"),
    ("TGFB1 neutralised", {"neutralise": "TGFB1"}, "node.SNAI1.tumour"),
)
DAYS, FROM = 3, 1.0
WITHIN, NOTHING = 1.5, 0.05
"""Folds agree within this factor; a change of less than this share is none."""

PAGE = Path(__file__).resolve().parent.parent / "docs" / "slab.md"


def main() -> None:
    """Run all, compare, write the page."""
    folds = {name: _folds(tissue) for name, tissue in (("slice", slice_()), ("slab", slab()))}
    lines = [
        "# A slice of tissue against a thin slab",
        "",
        fill(
            f"Measured by `python benchmarks/slab.py`: {SIDE} of the quick breast preset, a slice "
            f"of {TUMOUR} tumour cells against a slab of {round(TUMOUR * DENSER * LAYERS)}, 60 um "
            "deep, whose faces meet (`walls: {depth: periodic}`). Treated from day 0, means of "
            f"days {FROM:g} to {DAYS} over untreated of the same seed; means of {len(SEEDS)} "
            "seeds (geometric), with their range. They agree where both go one way and differ by "
            f"a factor of at most {WITHIN:g}.",
            100,
        ),
        "",
        "| experiment | read | slice | slab | ratio | agree |",
        "|---|---|---|---|---|---|",
    ]
    for i, (name, _, measure) in enumerate(EXPERIMENTS):
        flat, deep = (folds[kind][:, i] for kind in ("slice", "slab"))
        a, b = (float(np.exp(np.log(f).mean())) for f in (flat, deep))
        lines.append(
            f"| {name} | {measure} | {_shown(flat, a)} | {_shown(deep, b)} | {b / a:.2f} | "
            f"{'yes' if agree(a, b) else 'no'} |"
        )
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines))


def slice_() -> Scenario:
    """The tissue one voxel deep."""
    return _tissue(TUMOUR, 1, {"domain.depth": "20 um"})


def slab() -> Scenario:
    """The tissue three voxels deep, without faces."""
    deep = {"domain.depth": f"{20 * LAYERS} um", "walls.depth": "periodic"}
    return _tissue(round(TUMOUR * DENSER * LAYERS), LAYERS, deep)


def _tissue(tumour: int, layers: int, domain: dict[str, str]) -> Scenario:
    return load_scenario("breast_quick").change(
        {
            "days": DAYS,
            "sample_every": "12 h",
            "domain.size": [SIDE, SIDE],
            "tumour.cells": tumour,
            **{f"tissue.{name}": count * layers for name, count in HOST.items()},
            **domain,
        }
    )


def _folds(tissue: Scenario) -> "np.ndarray[Any, Any]":
    """Treated over untreated [seeds, experiments]."""
    found = np.zeros((len(SEEDS), len(EXPERIMENTS)))
    for row, seed in enumerate(SEEDS):
        kept = prepare(tissue, seed)
        without = _read(tissue, seed, kept)
        for i, (_, item, measure) in enumerate(EXPERIMENTS):
            found[row, i] = _read(tissue.treat([item]), seed, kept)[measure] / without[measure]
    return found


def _read(scenario: Scenario, seed: int, kept: dict[str, Any]) -> dict[str, float]:
    """Means of some columns over the later days."""
    table = simulate(scenario, seed, prepared=kept).table
    late = table[table["time_d"] >= FROM]
    return {measure: float(late[measure].mean()) for _, _, measure in EXPERIMENTS}


def _shown(folds: "np.ndarray[Any, Any]", mean: float) -> str:
    return f"{mean:.2f} ({folds.min():.2f} to {folds.max():.2f})"


def agree(one: float, other: float) -> bool:
    """Whether two folds go the same way and differ by a factor of at most `WITHIN`."""
    ways = {0 if abs(fold - 1.0) < NOTHING else int(np.sign(fold - 1.0)) for fold in (one, other)}
    near = max(one / other, other / one) <= WITHIN
    return near and not {-1, 1} <= ways


if __name__ == "__main__":
    main()
