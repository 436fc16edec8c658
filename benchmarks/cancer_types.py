"""Make docs/cancers.md and docs/cancers.png: ``python benchmarks/cancer_types.py``, some minutes.

Runs the quick presets of four cancer types on three seeds each, and sets what came out beside what
went in. Everything that the page says is read from presets, models and runs; nothing is typed in.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import imread

import stemniche as sn
from stemniche.report.digest import digest
from stemniche.report.tissue import tissue_png
from stemniche.spec.compile import compile_model
from stemniche.spec.presets import describe_scenario
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

REFERENCE = "breast"
CANCERS = (REFERENCE, "glioblastoma", "liver", "melanoma")
SEEDS = (1, 2, 3)
DOCS = Path(__file__).resolve().parent.parent / "docs"

MEASURES = {
    "tumour_cells": "living tumour cells",
    "csc_fraction": "share of CSC",
    "hypoxic_fraction": "share of hypoxic tumour cells",
    "emt_score": "mean EMT",
    "cd8_infiltration": "CD8 per 100 tumour cells",
    "kills.CD8.tumour": "tumour cells killed by CD8 T cells",
    "kills.NK.tumour": "tumour cells killed by NK cells",
    "cells.TAM": "macrophages in the tumour",
    "cells.CAF": "CAF",
    "vessel_density": "vessels per mm²",
    "node.MIR10B.CSC": "miR-10b of CSC",
    "node.THY1.CSC": "CD90 of CSC",
}
"""Columns of the page, read on the last day; a dash where the model has no such thing."""


def main() -> None:
    """Run, draw, write."""
    runs = {name: [_run(name, seed) for seed in SEEDS] for name in CANCERS}
    _picture({name: found[0] for name, found in runs.items()})
    tables = {name: [run.table.iloc[-1] for run in found] for name, found in runs.items()}
    scenario = sn.load_scenario(f"{REFERENCE}_quick")
    text = "\n".join(
        [
            "# Cancer types",
            "",
            f"Quick presets after {scenario.days:g} days, mean (standard deviation) of "
            f"{len(SEEDS)} seeds. `python benchmarks/cancer_types.py` makes this page.",
            "",
            "![Tissue of the four cancer types](cancers.png)",
            "",
            *_outcomes(tables),
            "",
            "## What differs in what goes in",
            "",
            f"Against `{REFERENCE}`, which is: {describe_scenario(REFERENCE)}",
            "",
            *(line for name in CANCERS[1:] for line in _reasons(name)),
        ]
    )
    (DOCS / "cancers.md").write_text(text, encoding="utf-8")
    print(DOCS / "cancers.md")


def _run(name: str, seed: int) -> "sn.Run":
    print(name, seed, flush=True)
    return sn.simulate(sn.load_scenario(f"{name}_quick"), seed=seed)


def _picture(runs: Mapping[str, "sn.Run"]) -> None:
    """The last day of each run, side by side."""
    width = 1 / len(runs)
    figure = Figure(figsize=(3.0 * len(runs), 3.0), dpi=110)
    for i, (name, run) in enumerate(runs.items()):
        found = digest(run)
        image = tissue_png(found.tissue(run.times[-1]), name, top=60.0, limit=10.0)
        axes = figure.add_axes((i * width + 0.003, 0.0, width - 0.006, 1.0))
        axes.imshow(imread(BytesIO(image)))
        axes.set_axis_off()
    figure.savefig(DOCS / "cancers.png")


def _outcomes(tables: Mapping[str, list[pd.Series]]) -> list[str]:
    """What came out: one line per measure."""
    lines = [f"| | {' | '.join(tables)} |", "|---|" + "---:|" * len(tables)]
    for column, words in MEASURES.items():
        cells = [_cell([row.get(column) for row in rows]) for rows in tables.values()]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return lines


def _cell(values: list[float | None]) -> str:
    found = pd.Series(values, dtype=float)
    if found.isna().any():
        return "–"
    return f"{_shown(found.mean())} ({_shown(found.std())})"


def _shown(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2g}"


def _reasons(name: str) -> list[str]:
    """How a preset differs from the reference: genotype, tissue, surroundings, rows with claims."""
    mine, other = sn.load_scenario(name), sn.load_scenario(REFERENCE)
    genes = ", ".join(f"{gene} {state}" for gene, state in mine.tumour.genotype.items())
    tissue = [
        f"{cell} {other.tissue.cells.get(cell, 0)} → {count}"
        for cell, count in mine.tissue.cells.items()
        if count != other.tissue.cells.get(cell, 0)
    ]
    more, fewer = _rows(mine) - _rows(other), _rows(other) - _rows(mine)
    return [
        f"**{name}**: {describe_scenario(name)}",
        "",
        f"- genotype: {genes or 'no altered gene'}",
        f"- share of CSC at placement {other.tumour.csc_fraction:g} → {mine.tumour.csc_fraction:g},"
        f" antigenicity {other.tumour.antigenicity:g} → {mine.tumour.antigenicity:g}",
        f"- cells: {', '.join(tissue)}",
        f"- vessels {other.tissue.vessels * 1e6:g} → {mine.tissue.vessels * 1e6:g} per mm²,"
        f" oxygen in them {other.environment.oxygen:g} → {mine.environment.oxygen:g} mmHg,"
        f" matrix {_stiffness(other)} → {_stiffness(mine)}",
        f"- {len(more)} rows that `{REFERENCE}` does not have: {_listed(more)}",
        f"- without {len(fewer)} rows that hold in `{REFERENCE}` alone",
        "",
    ]


def _stiffness(scenario: Scenario) -> str:
    stiffness = scenario.tissue.stiffness
    return "as in normal tissue" if stiffness is None else f"{stiffness:g} kPa"


def _rows(scenario: Scenario) -> set[str]:
    return {row.id for row in compile_model(read_library(), scenario).rows}


def _listed(rows: set[str]) -> str:
    return ", ".join(f"`{row}`" for row in sorted(rows)) or "none"


if __name__ == "__main__":
    main()
