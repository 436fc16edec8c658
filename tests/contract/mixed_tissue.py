"""A well-mixed tumour in which loops can turn: mean cells, factors, stemness and numbers of cells.

It starts at the state of reference and stays there: what would move it is met by removal in
proportion to the number, of cells as of molecules. What is asked is how it answers a push. There
is no space and no chance in it, so one row more or less is all that differs between two answers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stemniche import load_scenario
from stemniche.engine import drives
from stemniche.engine.plan import STEM, VESSEL, Plan
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.engine.state import Array, State
from stemniche.engine.step import begin
from stemniche.engine.wellmixed import MeanCells, mean_cells
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble

HOURS, DAYS = 60.0, 1440.0
STEP, LENGTH = 2.0 * HOURS, 5.0 * DAYS
RECRUITED = 10.0 * DAYS
"""As long as recruits take to change the number of slow cells such as MSC."""
REST = 30.0 * DAYS
BOX: dict[str, Any] = {
    "domain.size": ["0.2 mm", "0.2 mm"],
    "tumour.cells": 80,
    "tumour.csc_fraction": 0.1,
    "prepare": {"days": 0.1, "until": None, "max": None},
}
HOSTS = {
    "MSC": 5, "fibroblast": 8, "CAF": 8, "M1": 4, "M2": 4, "monocyte": 2, "CD4": 4, "Treg": 2,
    "CD8": 4, "NK": 2, "DC": 2, "MDSC": 2, "BMDC": 1,
}  # fmt: skip
TUMOUR = {"CSC": 8, "progenitor": 24, "differentiated": 48}


@dataclass
class MixedTissue:
    """A tissue of one cancer and genotype, with some library rows left out."""

    plan: Plan
    state: State
    backend: Backend
    cells: MeanCells

    @classmethod
    def of(
        cls, cancer: str, genotype: dict[str, str], without: tuple[str, ...], k: Backend
    ) -> "MixedTissue":
        """Make it and let its nodes come to rest at the reference levels."""
        changes = {"cancer": cancer, "tumour.genotype": genotype, **BOX}
        scenario = load_scenario("breast").change(changes).without_rows(without)
        plan = assemble(scenario, 1).plan
        made = cls(plan, begin(plan, k), k, mean_cells(plan))
        made._rest()
        return made

    def answer(
        self, push: tuple[str, str] | None, watch: tuple[str, str, str], length: float = LENGTH
    ) -> float:
        """Value of `watch` after a push has lasted `length` minutes.

        Args:
            push: ("factor", id) raises its level by a half, ("node", id) and ("own", "damage") are
                raised in tumour cells; None for no push.
            watch: ("made", factor, cell), ("node", id, cell) or ("behaviour", id, cell).
        """
        plan, s = self.plan, self.state
        s["node_shift"][...] = 0.0
        self._begin()
        kind, name = push or ("", "")
        tumour = list(plan.members("tumour"))
        if kind == "node":
            s["node_shift"][tumour, plan.nodes[name]] += 0.5
        if (kind, name) == ("own", "damage"):
            self.damage[tumour] = 0.5
        for _ in range(round(length / STEP)):
            self._step(name if kind == "factor" else "")
        return self._read(watch)

    def _begin(self) -> None:
        """Go back to the state of rest."""
        self.counts, self.levels = self.start.copy(), self.reference.copy()
        self.signals, self.doings = self.rest[0].copy(), self.rest[1].copy()
        self.stemness, self.damage = self.stem_start.copy(), np.zeros_like(self.damage)

    def _rest(self) -> None:
        plan = self.plan
        self.start = np.zeros(len(plan.types))
        for name, count in (HOSTS | TUMOUR).items():
            if name in plan.types:
                self.start[plan.types[name]] = count
        self.counts = self.start.copy()
        self.levels = np.array([f.reference for f in plan.factor_data], np.float64)
        self.reference = self.levels.copy()
        self.signals = self.state["resting"].T.copy()
        self.doings = np.zeros((len(plan.behaviours), len(plan.types)), np.float32)
        self.damage = np.zeros(len(plan.types), np.float32)
        self.stemness = plan.mask(["tumour"]) * np.float32(plan.parameter("stemness.reset"))
        self.stemness[plan.types[STEM]] = 0.8
        for _ in range(round(REST / STEP)):
            self._sense()
        self.stem_drive = self.signals[plan.signals["stemness"]].copy()
        self.stem_start = self.stemness.copy()
        self.made0, self.loss0 = self._made(), self._loss()
        self.rates0 = self._rates(self.start)
        self.rest = self.signals.copy(), self.doings.copy()

    def _sense(self) -> None:
        rows = self.plan.signals
        self.cells.sense(self.signals, self.levels, self.counts)
        for name, value in (("stemness_state", self.stemness), ("damage", self.damage)):
            if name in rows:
                self.signals[rows[name]] = value
        self.cells.settle(
            self.state, self.backend, self.signals, self.doings, self.state["read_scale"], STEP
        )

    def _step(self, pushed: str) -> None:
        plan = self.plan
        self._sense()
        drive = self.signals[plan.signals["stemness"]]
        tau = plan.trait("stemness_tau")
        wanted = self.stem_start + drive - self.stem_drive
        tumour = plan.mask(["tumour"]) == 1
        moved = wanted + (self.stemness - wanted) * np.exp(-STEP / tau)
        self.stemness = np.where(tumour, np.clip(moved, 0, 1), self.stemness).astype(np.float32)
        made = self._made() / np.where(self.made0 > 0.0, self.made0, 1.0)
        supply = self.loss0 * self.reference * np.where(self.made0 > 0.0, made, 1.0)
        if pushed:
            place = plan.factors[pushed]
            floor = 1e-6 if self.reference[place] == 0.0 else self.reference[place]
            supply[place] += 0.5 * self.loss0[place] * floor
        loss = np.maximum(self._loss(), 1e-12)
        target = supply / loss
        level = target + (self.levels - target) * np.exp(-loss * STEP)
        self.levels = np.where(self.made0 + self.loss0 > 0, np.maximum(level, 0.0), self.levels)
        grown = np.where(self.start > 0.0, self.counts / np.maximum(self.start, 1.0), 1.0)
        change = self._rates(self.counts) - grown * self.rates0
        self.counts = np.maximum(self.counts + STEP * change, 0.0)

    def _made(self) -> Array:
        """Release of each factor per min and volume, by all cells."""
        made = np.zeros(len(self.levels))
        for row in self.plan.model.secretions:
            if row.cell in self.plan.types:
                made[self.plan.factors[row.factor]] += self._release(row)
        return made

    def _release(self, row: Any) -> float:
        plan, kind = self.plan, self.plan.types[row.cell]
        unit = 1e-6 if plan.factor_data[plan.factors[row.factor]].unit == "mM" else 1.0
        level = 1.0
        for node in (row.node, row.cargo):
            level *= float(self.signals[plan.signals[node], kind]) if node else 1.0
        return row.rate * unit * level * self.counts[kind] / (NANOMOLAR * plan.grid.volume)

    def _loss(self) -> Array:
        """Loss of each factor, 1/min, by decay and into cells."""
        plan = self.plan
        loss = np.array([f.decay for f in plan.factor_data])
        volume = plan.trait("volume")
        for u in plan.uptakes:
            if u.kind == "first_order":
                kind = plan.types[u.cell]
                share = self.counts[kind] * volume[kind] / plan.grid.volume
                loss[plan.factors[u.factor]] += u.rate * share
        return loss

    def _rates(self, counts: Array) -> Array:
        """Change of the number of each type, cells/min: division, death, conversion, entry."""
        plan, b, doing = self.plan, self.plan.behaviours, self.doings.astype(np.float64)
        fixed = (plan.trait("s_duration") + plan.trait("g2m_duration")).astype(np.float64)
        cycle = doing[b["cycle_rate"]]
        born = cycle / (1.0 + cycle * fixed)
        born[plan.types[STEM]] *= doing[b["symmetric_probability"], plan.types[STEM]]
        dying = doing[b["apoptosis_rate"]] + doing[b["necrosis_rate"]]
        change = counts * (born - dying - plan.trait("turnover"))
        for old, targets in enumerate(plan.conversions):
            for name in targets:
                turned = doing[b[f"conversion.{plan.types.names[old]}.{name}"], old] * counts[old]
                change[old] -= turned
                change[plan.types[name]] += turned
        for kind in np.flatnonzero(plan.trait("entry")):
            call = plan.drives.get((VESSEL, f"recruitment.{plan.types.names[kind]}"))
            if call is not None:
                fold = drives.value(call, lambda n: np.array(self.levels[plan.factors[n]]))
                change[kind] += float(fold) * plan.trait("turnover")[kind] * self.start[kind]
        return np.asarray(change)

    def _read(self, watch: tuple[str, str, str]) -> float:
        kind, name, cell = watch
        plan = self.plan
        if kind == "made":
            rows = (r for r in plan.model.secretions if (r.factor, r.cell) == (name, cell))
            return float(sum(self._release(row) for row in rows))
        place = plan.types[cell]
        if kind == "node":
            return float(self.signals[plan.signals[name], place])
        return float(self.doings[plan.behaviours[name], place])
