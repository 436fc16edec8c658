"""What a report reads off a run, gathered once: curves, treatments, the days to picture, tissue.

`story`, `claims` and `html` work from a `Digest`; only this module asks the run itself, so that a
figure never opens a store and each sample is read at most once.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stemniche.report.charts import Mark
from stemniche.report.palette import DEAD, in_order
from stemniche.report.tissue import Tissue, Window
from stemniche.report.treatments import Treatment, treatments

if TYPE_CHECKING:
    from stemniche.run.results import Run
    from stemniche.spec.model import Model

Array = np.ndarray[Any, np.dtype[Any]]

STEM = "CSC"
"""The cell type that the measures ``csc_fraction`` and ``csc_flux.*`` count."""

HYPOXIC = 10.0
"""Oxygen below which ``hypoxic_fraction`` counts a cell, mmHg.

Both are the engine's; they are written again here so that reading a run needs no engine.
"""


PIECE = ("x", "y", "z", "radius", "flow")
"""Columns ``vessel.*`` of the cells: half the piece of vessel that a cell lines, um, and flow."""


@dataclass(frozen=True)
class Digest:
    """A run as a report needs it.

    Args:
        run: The run; asked for cells and fields only.
        days: Sample times ``[n]``.
        columns: The table by column name, each ``[n]``.
        groups: Cell types of the model by group, in legend order.
        treatments: In order of their start.
    """

    run: "Run"
    model: "Model"
    days: Array
    columns: dict[str, Array]
    groups: dict[str, list[str]]
    treatments: list[Treatment]
    _seen: dict[float, Tissue] = field(default_factory=dict, repr=False)

    def __getitem__(self, column: str) -> Array:
        """A column of the table; zeros where this run does not have it."""
        return self.columns.get(column, np.zeros(len(self.days)))

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    @property
    def marks(self) -> list[Mark]:
        """Where charts mark treatments."""
        return [treatment.mark for treatment in self.treatments]

    @property
    def scenario(self) -> dict[str, Any]:
        """The scenario as one mapping."""
        return self.run.header.scenario

    def tissue(self, day: float) -> Tissue:
        """Cells, oxygen and vessels at a sample time, as seen in the middle plane."""
        if day not in self._seen:
            self._seen[day] = _tissue(self.run, day)
        return self._seen[day]

    def picture_days(self, most: int = 6) -> list[float]:
        """Sample times worth a picture: first, last, around the first treatment, between."""
        chosen = {0, len(self.days) - 1}
        for treatment in self.treatments:
            start = treatment.mark.start
            before = np.flatnonzero(self.days <= start + 1e-6)
            after = np.flatnonzero(self.days >= start + 2.0)
            for found in (before[-1:], after[:1]):
                if len(chosen) < most:
                    chosen |= set(found.tolist())
        while len(chosen) < min(most, len(self.days)):
            order = sorted(chosen)
            pairs = [(a, b) for a, b in zip(order, order[1:], strict=False) if b - a > 1]
            a, b = max(pairs, key=lambda pair: self.days[pair[1]] - self.days[pair[0]])
            middle = 0.5 * (self.days[a] + self.days[b])
            chosen.add(a + 1 + int(np.argmin(np.abs(self.days[a + 1 : b] - middle))))
        return [float(self.days[i]) for i in sorted(chosen)]

    def close_up(self, day: float) -> Window:
        """The part of the tissue where most stem cells lie together, about 350 um wide."""
        tissue = self.tissue(day)
        width = min(350.0, tissue.width)
        height = min(0.6 * width, tissue.height)
        stem = tissue.kinds == STEM
        among = stem if stem.any() else np.ones_like(stem)
        if not among.any():
            return Window(0.0, 0.0, width, height)
        bins = [max(1, int(tissue.width / 60.0)), max(1, int(tissue.height / 60.0))]
        span = [[0.0, tissue.width], [0.0, tissue.height]]
        counts, xs, ys = np.histogram2d(tissue.x[among], tissue.y[among], bins=bins, range=span)
        i, j = np.unravel_index(int(counts.argmax()), counts.shape)
        left = np.clip(0.5 * (xs[i] + xs[i + 1] - width), 0.0, tissue.width - width)
        bottom = np.clip(0.5 * (ys[j] + ys[j + 1] - height), 0.0, tissue.height - height)
        return Window(float(left), float(bottom), width, height)


def digest(run: "Run") -> Digest:
    """Gather what a report needs from a run."""
    model, table = run.model, run.table
    days = np.asarray(run.times, np.float64)
    groups: dict[str, list[str]] = {}
    for kind in model.types:
        groups.setdefault(kind.group, []).append(kind.id)
    last = float(days[-1]) if len(days) else 0.0
    return Digest(
        run=run,
        model=model,
        days=days,
        columns={name: table[name].to_numpy(np.float64) for name in table.columns},
        groups={group: in_order(names) for group, names in groups.items()},
        treatments=treatments(run.header.scenario, model, last),
    )


def _tissue(run: "Run", day: float) -> Tissue:
    cells, oxygen = run.cells(day), run.field("oxygen", day)
    space = np.asarray(cells.obsm["spatial"], np.float64)
    radius = cells.obs["radius"].to_numpy(np.float64)
    kinds = cells.obs["type"].astype(object).to_numpy()
    kinds = np.where(cells.obs["state"].to_numpy() == "alive", kinds, DEAD)
    spacing = run.header.spacing_um
    depth, rows, columns = oxygen.shape
    plane = depth // 2
    obs = {name: _column(cells.obs, f"vessel.{name}") for name in PIECE}
    lines = obs["radius"] > 0.0
    wall, pieces = space[lines], np.column_stack([obs[name][lines] for name in PIECE])
    space, kinds, radius = space[~lines], kinds[~lines], radius[~lines]
    if depth > 1:
        middle = (plane + 0.5) * spacing
        away = space[:, 2] - middle
        cut = np.abs(away) < radius
        space, kinds = space[cut], kinds[cut]
        radius = np.sqrt(radius[cut] ** 2 - away[cut] ** 2)
        crosses = np.abs(wall[:, 2] - middle) < np.abs(pieces[:, 2]) + pieces[:, 3]
        wall, pieces = wall[crosses], pieces[crosses]
    return Tissue(
        kinds=kinds,
        x=space[:, 0],
        y=space[:, 1],
        radius=radius,
        oxygen=oxygen.values[plane],
        vessels=np.column_stack([wall[:, :2], pieces[:, [4, 0, 1, 3]]]),
        width=columns * spacing,
        height=rows * spacing,
    )


def _column(obs: Any, name: str) -> Array:
    """A column of the cells; zeros in runs that were written before there was one."""
    return np.asarray(obs[name] if name in obs else np.zeros(len(obs)), np.float64)


def oxygen_top(tissues: list[Tissue]) -> float:
    """Brightest level of the oxygen colours: the highest seen, rounded up to tens."""
    highest = max((float(t.oxygen.max()) for t in tissues), default=0.0)
    return max(2.0 * HYPOXIC, 10.0 * np.ceil(highest / 10.0))
