"""Make docs/niche.md and docs/niche.png: ``python benchmarks/niche_statistics.py``, a few minutes.

Where the cells of a simulated tumour stand, beside what pictures of real ones show: which types
keep apart and which cluster, and whether stem cells sit where oxygen is low, at vessels or among
CAF. Nothing is fitted to these numbers.

Source of the data: one field of a lung tumour, phenoptr sample data (github akoyabio/phenoptr
@7d5dcea, 6,072 cells); signs of ten triple-negative breast tumours: Keren 2018 Cell 174:1373
doi:10.1016/j.cell.2018.08.039 as recomputed in SydneyBioX/Statial @4728159.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread
from scipy.spatial import cKDTree

import stemniche as sn
from stemniche.report.digest import digest
from stemniche.report.palette import swatch
from stemniche.report.tissue import tissue_png

PRESETS = ("lung_quick", "breast_tnbc_quick")
SEEDS = (1, 2, 3)
RADIUS_UM = 20.0
"""Two cells closer than this are a pair, as in the data."""

FIELD = {
    ("NN", "CD8", "tumour"): 14.9,
    ("NN", "tumour", "CD8"): 41.0,
    ("NN", "CD8", "Treg"): 25.0,
    ("pairs", "CD8", "tumour"): 0.52,
    ("pairs", "macrophage", "tumour"): 0.41,
    ("pairs", "tumour", "tumour"): 1.88,
    ("pairs", "CD8", "CD8"): 2.84,
    ("pairs", "Treg", "CD8"): 1.17,
    ("pairs", "macrophage", "CD8"): 1.12,
}
"""The same numbers in the field of the lung tumour."""

AVOID = ("CD8", "CD4", "Treg", "macrophage", "EC", "NK")
"""Types that keep apart from tumour cells in the mean of ten triple-negative tumours."""

GROUPS = {
    "tumour": ("CSC", "progenitor", "differentiated"),
    "macrophage": ("M1", "M2"),
}
DOCS = Path(__file__).resolve().parent.parent / "docs"

Places = Mapping[str, Any]


def main() -> None:
    """Run, measure, draw, write."""
    found: dict[str, list[dict[tuple[str, ...], float]]] = {}
    first: dict[str, Any] = {}
    for preset in PRESETS:
        runs = [sn.simulate(sn.load_scenario(preset), seed, threads=1) for seed in SEEDS]
        first[preset] = runs[0]
        found[preset] = [_statistics(run) for run in runs]
    _picture(first)
    (DOCS / "niche.md").write_text(_page(found), encoding="utf-8")


def _statistics(run: Any) -> dict[tuple[str, ...], float]:
    """Every number of one run on its last day."""
    day = float(run.times[-1])
    cells = run.cells(day)
    alive = (cells.obs["state"] == "alive").to_numpy()
    kind = cells.obs["type"].to_numpy(dtype=object)[alive]
    xy = cells.obsm["spatial"][alive][:, :2]
    near = {name: xy[np.isin(kind, GROUPS.get(name, (name,)))] for name in _names()}
    out: dict[tuple[str, ...], float] = {}
    for what, a, b in FIELD:
        if what == "NN":
            out[what, a, b] = _nearest(near[a], near[b])
        else:
            out[what, a, b] = _pairs(near[a], near[b], xy, same=a == b)
    for name in AVOID:
        out["apart", name] = _pairs(near["tumour"], near[name], xy, same=False)
    tumour = np.isin(kind, GROUPS["tumour"])
    stem = kind[tumour] == "CSC"
    oxygen = _at(run.field("oxygen", day).values[0], xy[tumour], run.header.spacing_um)
    out["CSC", "oxygen, mmHg"] = float(oxygen[stem].mean() - oxygen[~stem].mean())
    for name in ("EC", "CAF", "M2"):
        if len(near[name]):
            away = cKDTree(near[name]).query(xy[tumour])[0]
            out["CSC", f"distance to {name}, um"] = float(away[stem].mean() - away[~stem].mean())
    return out


def _names() -> set[str]:
    named = {name for key in FIELD for name in key[1:]}
    return named | set(AVOID) | {"EC", "CAF", "M2"}


def _nearest(a: Any, b: Any) -> float:
    """Median distance from a cell of one kind to the nearest of the other, um."""
    return float(np.median(cKDTree(b).query(a)[0])) if len(a) and len(b) else float("nan")


def _pairs(a: Any, b: Any, everyone: Any, *, same: bool) -> float:
    """Pairs of two kinds within `RADIUS_UM`, over those expected if labels were shuffled."""
    if not len(a) or not len(b):
        return float("nan")
    tree = cKDTree(everyone)
    n = len(everyone)
    total = tree.count_neighbors(tree, RADIUS_UM) - n
    seen = cKDTree(a).count_neighbors(cKDTree(b), RADIUS_UM) - (len(a) if same else 0)
    expected = total * len(a) * (len(b) - same) / (n * (n - 1))
    return float(seen / expected) if expected else float("nan")


def _at(field: Any, xy: Any, spacing: float) -> Any:
    """Level of a field at each place."""
    rows, columns = field.shape
    j = np.clip((xy[:, 1] / spacing).astype(int), 0, rows - 1)
    i = np.clip((xy[:, 0] / spacing).astype(int), 0, columns - 1)
    return field[j, i]


def _page(found: Mapping[str, list[dict[tuple[str, ...], float]]]) -> str:
    heads = list(found)
    lines = [
        "# Where the cells stand",
        "",
        f"Quick presets on their last day, mean (standard deviation) of {len(SEEDS)} seeds.",
        "`python benchmarks/niche_statistics.py` makes this page. Nothing is fitted to the data.",
        "",
        "![Tissue, and distances of stem cells](niche.png)",
        "",
        f"| | lung tumour, one field | {' | '.join(heads)} |",
        f"|---|---|{'---|' * len(heads)}",
    ]
    for key, real in FIELD.items():
        what, a, b = key
        label = (
            f"median distance {a} to nearest {b}, um"
            if what == "NN"
            else f"pairs {a}, {b} below {RADIUS_UM:g} um over shuffled labels"
        )
        lines.append(_line(label, f"{real:g}", [_spread(rows, key) for rows in found.values()]))
    for name in AVOID:
        label = f"pairs tumour, {name} over shuffled labels"
        cells = [_spread(rows, ("apart", name)) for rows in found.values()]
        lines.append(_line(label, "below 1 (ten breast tumours)", cells))
    lines += ["", "## Stem cells against other tumour cells", ""]
    lines += [
        f"| CSC less other tumour cells | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
    ]
    keys = dict.fromkeys(key for rows in found.values() for r in rows for key in r)
    for key in (k for k in keys if k[0] == "CSC"):
        cells = [_spread(rows, key) for rows in found.values()]
        lines.append(f"| {key[1]} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _line(label: str, real: str, cells: list[str]) -> str:
    return f"| {label} | {real} | {' | '.join(cells)} |"


def _spread(rows: list[dict[tuple[str, ...], float]], key: tuple[str, ...]) -> str:
    values = [r[key] for r in rows if np.isfinite(r.get(key, np.nan))]
    return f"{np.mean(values):.3g} ({np.std(values):.2g})" if values else "none there"


def _picture(runs: Mapping[str, Any]) -> None:
    """Tissue of the first seed of each preset, with distances of CSC and others to vessels."""
    figure = Figure(figsize=(10, 10), layout="constrained")
    axes = figure.subplots(2, len(runs))
    for column, (name, run) in enumerate(runs.items()):
        d, day = digest(run), float(run.times[-1])
        png = tissue_png(d.tissue(day), f"day {day:g}", top=60.0, limit=10.0)
        axes[0, column].imshow(imread(BytesIO(png)))
        axes[0, column].set_title(name)
        axes[0, column].set_axis_off()
        _histogram(axes[1, column], run, day)
    figure.savefig(DOCS / "niche.png", dpi=80)


def _histogram(axes: Any, run: Any, day: float) -> None:
    cells = run.cells(day)
    alive = (cells.obs["state"] == "alive").to_numpy()
    kind, xy = cells.obs["type"].to_numpy(dtype=object)[alive], cells.obsm["spatial"][alive][:, :2]
    oxygen = _at(run.field("oxygen", day).values[0], xy, run.header.spacing_um)
    edges = np.linspace(0.0, 60.0, 25)
    for name, members in (("CSC", ("CSC",)), ("other tumour cells", GROUPS["tumour"][1:])):
        values = oxygen[np.isin(kind, members)]
        colour = swatch(members[-1]).colour
        axes.hist(values, edges, density=True, alpha=0.6, label=name, color=colour)
    axes.axvline(10.0, linestyle="--", color="k", linewidth=1)
    axes.set_xlabel("oxygen, mmHg")
    axes.set_ylabel("density")
    axes.legend()


if __name__ == "__main__":
    main()
