"""A distant organ, well mixed: what the blood brings changes its factors, vessels and host cells.

It is a piece of host tissue as large as the domain, without a tumour, and follows the rows of the
library like the tissue around the primary: factors leak in through its vessels, call for cells from
the blood, move nodes and releases. What tumour cells do there is `processes.spread`'s affair.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine import drives
from stemniche.engine.occupancy import holders, left
from stemniche.engine.plan import VESSEL, Plan
from stemniche.engine.process import SUPPLY_S, Access, Phase, Process, Tick
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.engine.processes.recruitment import feeds
from stemniche.engine.state import Array, State
from stemniche.engine.wellmixed import MeanCells, mean_cells
from stemniche.kernels.cpu import Backend
from stemniche.spec.model import Drive

DENSITY, FOLD = "distant.density.", "distant.fold."
"""Beginnings of parameters: density of a type in the organ at rest, and level of a factor there in
folds of the usual tissue's."""

REST_MIN, REST_STEPS = 120.0, 360
"""Steps in which the organ comes to rest before anything reaches it."""

HELD_MIN = 1e9
"""A type without any turnover keeps the number it starts with: it is held by this weak pull."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """Ways by which types make factors: factor-unit per min and cell at level 1.

    Args:
        kind, factor: int [R].
        rate: float64 [R].
        amount: float64 [R], what one cell releases per factor-unit that the piece gains.
        nodes: int [2, R], signal rows whose product is the level, -1 for none.
    """

    kind: Array
    factor: Array
    rate: Array
    amount: Array
    nodes: Array


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DistantTissue(Process):
    """Move factors, host cells and mean cells of the distant organ.

    Args:
        baseline, plasma: Of each factor in the organ at rest, and in the blood.
        dissolved: uint8 [F], factors that follow the blood; gases and nutrients stay at rest.
        exchange: 1/min [F], between the organ's vessels and its tissue at normal permeability.
        taken: float64 [F, T], 1/min that one cell takes from the whole piece.
        entering, flow, calls: As in `Recruitment`, for the organ at rest.
        held: What drugs hold back of a factor that vessels read, by its name.
        bound: Triples (factor, drug that binds it, 1/min per level of the drug).
        turnover: 1/min [T].
        lining, leakiness: Type that lines vessels, and what makes its walls leak.
        conversions: Triples (behaviour row, from, to).
        cycle: Rows of the cycle rate and of dying, and the fixed phases of each type, min.

    Source:
        ``dC/dt = made - made at rest + k0 base + x (base + blood - plasma - C) - k C`` with the
        permeability in x, exact over the step; host cells by an implicit step of entry, turnover,
        conversion, division and death at the rates of the mean cell. At rest nothing moves.
    """

    cells: MeanCells
    baseline: Array
    plasma: Array
    decay: Array
    dissolved: Array
    exchange: Array
    taken: Array
    releases: Releases
    counts: Array
    entering: tuple[int, ...]
    flow: Array
    calls: tuple[Drive | None, ...]
    held: dict[str, tuple[tuple[int, float], ...]]
    bound: tuple[tuple[int, int, float], ...]
    lining: int
    leakiness: Drive | None
    signals: dict[str, int]
    factors: dict[str, int]
    turnover: Array
    conversions: tuple[tuple[int, int, int], ...]
    cycle_row: int
    death_rows: tuple[int, ...]
    fixed_phases: Array
    hosts: Array
    name: str = "distant_tissue"
    phase: Phase = Phase.FIELDS
    every_s: int = SUPPLY_S
    access: Access = Access(
        read={
            "blood": "factor unit",
            "pool": "1",
            "read_scale": "1",
            "call_scale": "1",
            "node_shift": "1",
            "synthesis": "1",
            "background": "1",
            "loss_scale": "1",
            "distant_held": "factor unit",
            "distant_rest": "factor unit/min",
            "distant_at_rest": "cells",
            "leakiness_at_rest": "1",
            "distant_occupancy": "1",
            "distant_withheld": "1",
            "distant_kill": "1/min",
        },
        write={
            "distant_levels": "factor unit",
            "distant_cells": "cells",
            "distant_signals": "1",
            "distant_behaviours": "1",
            "distant_permeability": "1",
        },
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        minutes = self.every_s / 60.0
        levels, counts = s["distant_levels"], s["distant_cells"]

        lumen = self._at_walls(s)

        def level(signal: str) -> Array:
            share = left(s["distant_occupancy"], self.held.get(signal, ()))
            place = self.factors[signal]
            return np.asarray(lumen[place] * share * s["call_scale"][place])

        wider = self._leakiness(s) / float(s["leakiness_at_rest"][0])
        s["distant_permeability"][0] = wider
        made = self._made(s, counts) - s["distant_rest"]
        base = self.decay + self.taken @ s["distant_at_rest"]
        loss = (self.decay + self.taken @ counts) * s["loss_scale"]
        for factor, drug, rate in self.bound:
            loss[factor] += rate * levels[drug]
        exchange = self.exchange * wider
        supply = made + base * self.baseline * s["background"] + self.decay * s["distant_held"]
        outside = np.maximum(self.baseline + s["blood"] - self.plasma, 0.0)
        rate = loss + exchange
        with np.errstate(divide="ignore", invalid="ignore"):
            target = np.where(rate > 0.0, (supply + exchange * outside) / rate, levels)
        moved = target + (levels - target) * np.exp(-rate * minutes)
        levels[:] = np.where(self.dissolved, np.maximum(moved, 0.0), levels)
        self._hosts(s, counts, level, minutes)
        self.cells.sense(s["distant_signals"], levels, counts)
        sensed = self.cells.first_node
        s["distant_signals"][:sensed, self.lining] = self._at_walls(s)[:sensed]
        self.cells.settle(
            s, k, s["distant_signals"], s["distant_behaviours"], self._read(s), minutes
        )

    def rest(self, s: State, k: Backend) -> None:
        """Bring a fresh State's organ to rest, and note its cells and what they make there.

        Cells of types that the organ itself does not keep up are gone then.
        """
        s["distant_levels"][:] = self.baseline
        s["distant_cells"][:] = self.counts
        s["distant_signals"][...] = s["resting"].T
        s["distant_permeability"][0] = 1.0
        counts, held = s["distant_cells"], np.eye(len(self.counts)) / HELD_MIN
        for step in range(REST_STEPS):
            self.cells.sense(s["distant_signals"], self.baseline, counts)
            self.cells.settle(
                s, k, s["distant_signals"], s["distant_behaviours"], s["read_scale"], REST_MIN
            )
            if step % 60 == 59:
                inflow, change = self._traffic(s, lambda name: self.baseline[self.factors[name]])
                balance = np.linalg.solve(held - change, inflow + self.counts / HELD_MIN)
                counts[:] = np.where(self.hosts, np.maximum(balance, 0.0), 0.0)
        s["distant_at_rest"][:] = counts
        s["leakiness_at_rest"][0] = self._leakiness(s)
        s["distant_rest"][:] = self._made(s, counts)

    def _at_walls(self, s: State) -> Array:
        """Levels that the walls of vessels meet, float64 [F]: blood bathes them from within."""
        within = np.where(self.dissolved, s["blood"] - self.plasma, 0.0)
        return np.maximum(s["distant_levels"] + within, 0.0)

    def _read(self, s: State) -> Array:
        """What cells of each type read of each signal, float32 [T, S]: drugs hold some back."""
        return np.asarray(s["read_scale"] * (1.0 - s["distant_withheld"]), np.float32)

    def _leakiness(self, s: State) -> float:
        """Of vessels lined by the mean cell of their walls; 1 where nothing moves it."""
        if self.leakiness is None:
            return 1.0

        def level(signal: str) -> Array:
            row = self.signals[signal]
            read = self._read(s)[self.lining, row]
            return np.asarray(s["distant_signals"][row, self.lining] * read)

        return float(drives.value(self.leakiness, level))

    def dividing(self, s: State) -> Array:
        """Divisions of the mean cell of each type, 1/min: phases of fixed length follow entry."""
        rate = s["distant_behaviours"][self.cycle_row].astype(np.float64)
        return np.asarray(rate / (1.0 + rate * self.fixed_phases))

    def secretions(self, s: State) -> list[tuple[int, Array, Array]]:
        """What the mean host cells make: factor, 1 for types that can, amount per min of each [T].

        In the units of the rows by which they make it.
        """
        r = self.releases
        each = self._releasing(s, np.ones(len(self.counts))) * r.amount
        found = []
        for factor in np.unique(r.factor):
            rows = np.flatnonzero(r.factor == factor)
            makers = np.bincount(r.kind[rows], minlength=len(self.counts)) > 0
            made = np.bincount(r.kind[rows], each[rows], len(self.counts))
            found.append((int(factor), makers.astype(np.float64), made))
        return found

    def _releasing(self, s: State, counts: Array) -> Array:
        """Release by each way of some cells into the piece, factor unit/min, float64 [R]."""
        r = self.releases
        read = s["distant_signals"].T.astype(np.float64) * self._read(s)
        one, two = (np.where(node < 0, 1.0, read[r.kind, node]) for node in r.nodes)
        return np.asarray(r.rate * (one * two) * counts[r.kind] * s["synthesis"][r.kind, r.factor])

    def _made(self, s: State, counts: Array) -> Array:
        """Release of each factor in the piece by its host cells, factor unit/min."""
        made = np.zeros(len(self.baseline))
        np.add.at(made, self.releases.factor, self._releasing(s, counts))
        return made

    def _hosts(
        self, s: State, counts: Array, level: Callable[[str], Array], minutes: float
    ) -> None:
        """Move the organ's host cells by an implicit step."""
        inflow, change = self._traffic(s, level)
        step = np.eye(len(counts)) - minutes * change
        after = np.linalg.solve(step, counts + minutes * inflow)
        counts[:] = np.where(self.hosts, np.maximum(after, 0.0), 0.0)

    def _traffic(self, s: State, level: Callable[[str], Array]) -> tuple[Array, Array]:
        """Entry of each type, cells/min, and the matrix of its change by what is there, 1/min.

        What changes the counts is turnover, conversion, division and death.
        """
        doing = s["distant_behaviours"].astype(np.float64)
        fold = np.array([1.0 if d is None else float(drives.value(d, level)) for d in self.calls])
        inflow = np.zeros(len(self.counts))
        inflow[list(self.entering)] = self.flow * s["pool"] * fold
        born = self.dividing(s)
        dying = doing[list(self.death_rows)].sum(axis=0) + s["distant_kill"][-1]
        net = born - self.turnover - dying
        change = np.diag(net)
        for row, old, new in self.conversions:
            change[old, old] -= doing[row, old]
            change[new, old] += doing[row, old]
        return inflow, change


def distant_tissue(plan: Plan) -> DistantTissue:
    """A piece of the organ, as large as the domain and with the host cells of its tissue."""
    cells, grid, factors = mean_cells(plan), plan.grid, plan.factor_data
    types = plan.types
    plasma = np.array([f.baseline for f in factors], np.float64)
    counts = np.zeros(len(types))
    for name, count in plan.layout.tissue.items():
        counts[types[name]] = count
    for name, density in plan.model.parameters.items():
        if name.startswith(DENSITY):
            counts[types[name.removeprefix(DENSITY)]] = density * grid.volume
    entering = tuple(int(i) for i in np.flatnonzero(plan.trait("entry")))
    turnover = plan.trait("turnover").astype(np.float64)
    flow = [
        sum(turnover[j] * counts[j] for j in sorted(feeds(plan, i, entering))) for i in entering
    ]
    density = plan.layout.vessel_density * 1e-6 * grid.spacing**2
    density *= plan.parameter("distant.vessel_surface")
    dissolved = np.array([f.form not in ("gas", "metabolite") for f in factors])
    taken = np.zeros((len(factors), len(types)))
    volumes = plan.trait("volume").astype(np.float64)
    # A drug that cells take up is given back: at balance nothing goes.
    for u in plan.model.uptakes:
        if u.kind == "first_order" and u.cell in types:
            kind = types[u.cell]
            taken[plan.factors[u.factor], kind] += u.rate * volumes[kind] / grid.volume
    lining = int(np.argmax(plan.trait("lining")))
    kinds, b = range(len(types)), plan.behaviours
    return DistantTissue(
        cells=cells,
        baseline=plasma * _folds(plan, FOLD, plan.factors.place, len(factors)),
        plasma=plasma,
        decay=np.array([f.decay for f in factors], np.float64),
        dissolved=dissolved,
        exchange=np.array([plan.exchange[f.id] for f in factors]) * density,
        taken=taken,
        releases=_releases(plan),
        counts=counts,
        entering=entering,
        flow=np.array(flow),
        calls=tuple(plan.drives.get((VESSEL, f"recruitment.{types.names[i]}")) for i in entering),
        held={name: holders(plan.held, VESSEL, name) for name in plan.factors.names},
        bound=tuple((plan.factors[b.factor], plan.factors[b.drug], b.rate) for b in plan.bindings),
        lining=lining,
        leakiness=plan.drives.get((types.names[lining], "leakiness")),
        signals=plan.signals.place,
        factors=plan.factors.place,
        turnover=turnover,
        conversions=tuple(
            (b[f"conversion.{types.names[i]}.{name}"], i, types[name])
            for i in kinds
            for name in plan.conversions[i]
        ),
        cycle_row=b["cycle_rate"],
        death_rows=(b["apoptosis_rate"], b["necrosis_rate"]),
        fixed_phases=(plan.trait("s_duration") + plan.trait("g2m_duration")).astype(np.float64),
        hosts=plan.mask(["tumour"]) == 0,
    )


def _folds(plan: Plan, start: str, places: dict[str, int], size: int) -> Array:
    """Folds that parameters give some names, 1 for the others."""
    found = np.ones(size)
    for name, value in plan.model.parameters.items():
        if name.startswith(start):
            found[places[name.removeprefix(start)]] = value
    return found


def _releases(plan: Plan) -> Releases:
    """Releases of host cells, for the whole piece."""
    tumour = plan.mask(["tumour"])
    rows = [r for r in plan.model.secretions if r.cell in plan.types]
    rows = [r for r in rows if not tumour[plan.types[r.cell]]]
    factor = np.array([plan.factors[r.factor] for r in rows], np.int64)
    unit = np.array([1e-6 if f.unit == "mM" else 1.0 for f in plan.factor_data])[factor]
    return Releases(
        kind=np.array([plan.types[r.cell] for r in rows], np.int64),
        factor=factor,
        rate=np.array([r.rate for r in rows]) * unit / (NANOMOLAR * plan.grid.volume),
        amount=NANOMOLAR * plan.grid.volume / unit,
        nodes=np.array(
            [
                [plan.signals[name] if name else -1 for name in names]
                for names in ([r.node for r in rows], [r.cargo for r in rows])
            ],
            np.int64,
        ),
    )
