"""Living vessels: the cells of their walls decide how they sprout, join, open, leak and vanish.

A segment of the graph is lined by one cell, which lies on it and carries its name. That cell
senses, signals and dies as every cell does; here its behaviours become geometry, and flow becomes
the fields ``perfusion`` and ``leak`` through which tissue and blood exchange.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine import drives
from stemniche.engine.grid import Grid
from stemniche.engine.newcomers import add_cells
from stemniche.engine.plan import Plan
from stemniche.engine.process import Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, Array, State
from stemniche.engine.vessels import (
    GRAPH_UNITS,
    HOST,
    MIMICRY,
    NO_PORT,
    SHORTEST,
    SPROUT,
    Graph,
    conductance,
    deposit,
    pressures,
)
from stemniche.kernels.cpu import Backend, stream
from stemniche.spec.model import Drive

VESSELS_S = 3600
"""How often vessels live a step; sprouts grow about a cell's width in that time."""

VESSEL_BEHAVIOURS = ("sprouting_rate", "leakiness", "lumen", "cover_rate")
"""Behaviours of the cells of a vessel's wall that only this process asks for."""

LEAST_FALL = 0.01
"""Difference of pressure, mmHg, above which a bond within a network carries blood."""

PASCAL = 133.322
"""Pascals in 1 mmHg."""

LEAST_CRAWL = 1e-6
"""Speed of walls, um/min, below which they close no gap."""

AHEAD = 0.5
"""Least cosine between a tip's heading and what it joins."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Vessels(Process):
    """One step in the life of the vessels.

    In order: neighbours close the gaps that dead walls leave, or the vessel breaks there; loose
    cells of the wall's kind join a vessel nearby, tips grow and join others ahead of them, walls
    sprout, cover comes, blood flows.

    Args:
        lining, covering: Places of the types that line and that cover vessels.
        base: Value of each of `VESSEL_BEHAVIOURS` without rules; `calls` holds the drives.
        radius: Of a resting capillary, um.
        cell_length: Length of wall that one cell lines, um.
        tip_spacing: Least distance of two growing tips, um.
        reach: How far a tip feels another vessel, um.
        supply: Pressure of arterial and venous ports, mmHg.
        viscosity: mmHg min.
        path: Length over which the host's pressure falls in a vessel through a slice, um.
        least_speed: Mean speed of blood below which a vessel is not perfused, um/min.
    """

    grid: Grid
    lining: Array
    covering: int
    base: tuple[float, ...]
    calls: tuple[Drive | None, ...]
    signals: dict[str, int]
    speed_row: int
    apoptosis_row: int
    volume: Array
    radius: float
    cell_length: float
    tip_spacing: float
    reach: float
    supply: tuple[float, float]
    viscosity: float
    path: float
    least_speed: float
    seed: int
    access: Access
    name: str = "vessels"
    phase: Phase = Phase.CANON
    every_s: int = VESSELS_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        graph = Graph.of(s)
        self._prune(s, graph, self._mend(s, t, k, graph))
        self._join(s, graph, t)
        self._grow(s, t, k, graph)
        wall = self._wall(s)
        if len(wall):
            behaviours = [self._behaviour(s, i, wall) for i in range(len(VESSEL_BEHAVIOURS))]
            sprouting, leakiness, lumen, cover_rate = behaviours
            place = graph.places(s["wall"][wall])
            graph.radius[place] = self.radius * lumen
            graph.leakiness[place] = self._leakiness(s, leakiness)
            likely = -np.expm1(-sprouting * (self.every_s / 60.0))
            s["expected_sprouts"][0] += likely.sum(dtype=np.float64)
            self._sprout(s, t, k, graph, wall[self._drawn(s, t, k, "sprout", wall, sprouting)])
            bare = self._covers(s, graph, wall) == 0
            coming = bare & self._drawn(s, t, k, "cover", wall, cover_rate)
            if self.covering >= 0:
                likely = -np.expm1(-cover_rate[bare] * (self.every_s / 60.0))
                s["expected_recruited"][self.covering] += likely.sum()
            self._cover(s, k, graph, wall[coming])
        self._flow(graph)
        self._settle(s, graph)
        graph.put(s)

    def _wall(self, s: State) -> Array:
        """Living cells that line a segment, one for each."""
        lines = self.lining[s.live("type")] & (s.live("state") == ALIVE) & (s.live("wall") > 0)
        return np.flatnonzero(lines)

    def _behaviour(self, s: State, number: int, cells: Array) -> Array:
        """Value of a behaviour in some cells of the wall."""
        drive = self.calls[number]
        if drive is None:
            return np.full(len(cells), self.base[number])

        def level(signal: str) -> Array:
            row = self.signals[signal]
            return s["signals"][row, cells] * s["read_scale"][s["type"][cells], row]

        return np.broadcast_to(drives.value(drive, level), len(cells))

    def _drawn(self, s: State, t: Tick, k: Backend, name: str, cells: Array, rate: Array) -> Array:
        """bool: the cells to which something of this rate happens in this step."""
        draw = k.uniform_array(self.seed, stream(f"vessel.{name}"), s["key"][cells], t.index, 0)
        return np.asarray(draw < 1.0 - np.exp(-rate * (self.every_s / 60.0)))

    def _leakiness(self, s: State, leakiness: Array) -> Array:
        """Leakiness after what interventions do to it."""
        _, fold, mended = s["vessel_state"]
        leaky = leakiness * fold
        return leaky - np.maximum(leaky - 1.0, 0.0) * mended

    def _mend(self, s: State, t: Tick, k: Backend, graph: Graph) -> Array:
        """Let walls beside a gap close it, by a daughter of the one that lives on most surely.

        It must live for as long as it takes to crawl over the gap. So a death among many that live
        leaves a vessel whole, and walls that die one after the other take it with them.

        Returns:
            bool: segments with a living wall.
        """
        wall, lined = self._wall(s), np.zeros(len(graph.name), bool)
        place = graph.places(s["wall"][wall])
        lined[place] = True
        if lined.all() or not wall.size:
            return lined
        ends, middle = graph.ends[place], graph.middles()
        speed = np.maximum(s["behaviours"][self.speed_row, wall], LEAST_CRAWL)
        risk = s["behaviours"][self.apoptosis_row, wall] * self.cell_length / speed
        for gap in np.flatnonzero(~lined):
            beside = np.flatnonzero(np.isin(ends, graph.ends[gap]).any(axis=1))
            if not beside.size:
                continue
            likeliest = beside[[np.argmin(risk[beside])]]
            mother, dice = wall[likeliest], (self.seed, stream("vessel.mend"))
            draw = k.uniform_array(*dice, s["key"][mother], t.index, int(graph.name[gap]))
            if draw[0] < np.exp(-risk[likeliest[0]]):
                self._divide(s, k, mother, middle[[gap]], graph.name[[gap]])
                lined[gap] = True
                if graph.kind[gap] != HOST:
                    graph.kind[gap] = self._kind(s, mother)[0]
        return lined

    def _prune(self, s: State, graph: Graph, lined: Array) -> None:
        """Drop segments without a living wall, and let go of the cells on them."""
        if not lined.all():
            graph.keep(lined)
        held = np.flatnonzero(s.live("wall"))
        loose = held[(graph.places(s["wall"][held]) < 0) | (s["state"][held] != ALIVE)]
        s["wall"][loose] = 0
        if self.grid.flat:
            passed = np.zeros(len(graph.at), bool)
            passed[graph.ends[graph.passes, 0]] = True
            graph.port[~passed] = NO_PORT

    def _name(self, s: State, count: int) -> int:
        """First of `count` new names of segments."""
        first = int(s["vessel_names"][0])
        s["vessel_names"][0] += count
        return first

    def _kind(self, s: State, cells: Array) -> Array:
        """Kind of the segments that some cells line: those of tumour clones are mimicry."""
        return np.where(s["clone"][cells] > 0, MIMICRY, SPROUT)

    def _join(self, s: State, graph: Graph, t: Tick) -> None:
        """Let loose cells of the wall's kind become the tips of new branches where they are."""
        lines = self.lining[s.live("type")] & (s.live("state") == ALIVE) & (s.live("wall") == 0)
        loose = np.flatnonzero(lines)
        if not loose.size or not len(graph.at):
            return
        from scipy.spatial import cKDTree

        at = np.stack([s[axis][loose] for axis in "xyz"], axis=1).astype(np.float64)
        distance, nearest = cKDTree(graph.at).query(at)
        near = (distance < self.reach) & (distance > SHORTEST)
        cells, at, nearest = loose[near], at[near], nearest[near]
        away = (at - graph.at[nearest]) / distance[near, None]
        tips = graph.add_nodes(at, heading=away)
        first = self._name(s, len(cells))
        kind = self._kind(s, cells)
        s["wall"][cells] = graph.add_segments(nearest, tips, kind, self.radius, first)

    def _grow(self, s: State, t: Tick, k: Backend, graph: Graph) -> None:
        """Move the tips along their cells' headings; join what lies ahead.

        A tip of tumour cells only joins: more of them must turn for it to grow.
        """
        tips = graph.tips
        if not tips.size:
            return
        segment = np.full(len(graph.at), -1)
        segment[graph.ends[:, 1]] = np.arange(len(graph.ends))
        own = segment[tips]
        order = np.argsort(s["wall"][self._wall(s)], kind="stable")
        wall = self._wall(s)[order]
        cells = wall[np.searchsorted(s["wall"][wall], graph.name[own])]
        heading = np.stack([s[axis][cells] for axis in ("px", "py", "pz")], axis=1)
        graph.heading[tips] = _unit(graph.heading[tips] + heading)
        met = self._meet(graph, tips)
        graph.ends[own[met >= 0], 1] = met[met >= 0]
        graph.heading[met[met >= 0]] = 0.0
        graph.heading[tips[met >= 0]] = 0.0
        goes = (met < 0) & (graph.kind[own] != MIMICRY)
        tips, own, cells = tips[goes], own[goes], cells[goes]
        step = s["behaviours"][self.speed_row, cells] * (self.every_s / 60.0)
        goal = graph.at[tips] + graph.heading[tips] * np.maximum(step, SHORTEST)[:, None]
        edge = 0.25 * self.grid.spacing
        size = np.array(self.grid.size)
        if self.grid.flat:
            goal[:, 2] = 0.5 * self.grid.spacing
        stops = ((goal < edge) | (goal > size - edge)).any(axis=1)
        graph.heading[tips[stops]] = 0.0
        full = ~stops & (graph.lengths(self.grid.spacing)[own] >= self.cell_length)
        moves = ~stops & ~full
        graph.at[tips[moves]] = goal[moves]
        self._extend(s, k, graph, tips[full], goal[full], cells[full])
        graph.keep(np.ones(len(graph.name), bool))

    def _meet(self, graph: Graph, tips: Array) -> Array:
        """Node that each tip joins: the nearest ahead within reach, -1 for none.

        A tip passes by its own sprout where no blood would flow to or from it.
        """
        from scipy.spatial import cKDTree

        met = np.full(len(tips), -1, np.int64)
        near = cKDTree(graph.at).query_ball_point(graph.at[tips], self.reach)
        part = graph.parts()
        for i, (tip, found) in enumerate(zip(tips, near, strict=True)):
            others = np.array(sorted(found), np.int64)
            falls = np.abs(graph.pressure[others] - graph.pressure[tip]) > LEAST_FALL
            others = others[(part[others] != part[tip]) | falls]
            if not others.size:
                continue
            apart = graph.at[others] - graph.at[tip]
            distance = np.sqrt((apart**2).sum(axis=1))
            ahead = apart @ graph.heading[tip] >= AHEAD * distance
            if ahead.any():
                met[i] = others[ahead][int(np.argmin(distance[ahead]))]
        # Of two tips that meet each other one goes on to the other; chains of tips do not join.
        places = {int(tip): i for i, tip in enumerate(tips)}
        for i, target in enumerate(met):
            other = places.get(int(target), -1)
            if other > i or (other >= 0 and met[other] >= 0):
                met[i] = -1
        return met

    def _sprout(self, s: State, t: Tick, k: Backend, graph: Graph, mothers: Array) -> None:
        """Start a branch beside the wall of each mother, unless a tip is near: it holds back."""
        if not mothers.size:
            return
        place = graph.places(s["wall"][mothers])
        root = graph.ends[place, 1]
        heading = _unit(np.stack([s[axis][mothers] for axis in ("px", "py", "pz")], axis=1))
        goal = graph.at[root] + heading * self.cell_length * 0.5
        edge = 0.25 * self.grid.spacing
        if self.grid.flat:
            goal[:, 2] = 0.5 * self.grid.spacing
        inside = ((goal > edge) & (goal < np.array(self.grid.size) - edge)).all(axis=1)
        tips = [*graph.at[graph.tips]]
        chosen = []
        for i in np.flatnonzero(inside & heading.any(axis=1)):
            apart = np.array([goal[i] - tip for tip in tips]).reshape(-1, 3)
            if ((apart**2).sum(axis=1) >= self.tip_spacing**2).all():
                chosen.append(i)
                tips.append(goal[i])
        if chosen:
            self._extend(s, k, graph, root[chosen], goal[chosen], mothers[chosen], heading[chosen])

    def _extend(
        self,
        s: State,
        k: Backend,
        graph: Graph,
        roots: Array,
        goal: Array,
        mothers: Array,
        heading: Array | None = None,
    ) -> None:
        """Grow a segment from each root to its goal, lined by a daughter of the mother."""
        if not len(roots):
            return
        headings = graph.heading[roots].copy() if heading is None else heading
        if heading is None:
            graph.heading[roots] = 0.0
        tips = graph.add_nodes(goal, heading=headings)
        first = self._name(s, len(roots))
        names = graph.add_segments(roots, tips, self._kind(s, mothers), self.radius, first)
        self._divide(s, k, mothers, goal, names)

    def _divide(self, s: State, k: Backend, mothers: Array, at: Array, names: Array) -> None:
        """Line segments with a daughter of each mother."""
        s["divisions"][mothers] += 1
        keys = k.child_keys(s["key"][mothers], s["divisions"][mothers])
        kind = s["type"][mothers]
        new = add_cells(s, k, kind, list(at.T), keys, self.volume[kind])
        for name in ("signals", "behaviours"):
            s[name][:, new] = s[name][:, mothers]
        for name in ("clone", "px", "py", "pz", "growth", "sensitivity", "receptors"):
            s[name][new] = s[name][mothers]
        s["parent"][new] = s["key"][mothers]
        s["wall"][new] = names
        for count in ("born", "expected_born"):
            np.add.at(s[count], kind, 1.0)

    def _covers(self, s: State, graph: Graph, wall: Array) -> Array:
        """Number of covering cells beside each cell of the wall."""
        held = self._covering(s)
        count = np.zeros(len(graph.name) + 1)
        np.add.at(count, graph.places(s["wall"][held]), 1.0)
        return count[graph.places(s["wall"][wall])]

    def _covering(self, s: State) -> Array:
        """Living cells that cover a segment."""
        covers = (s.live("type") == self.covering) & (s.live("wall") > 0)
        return np.flatnonzero(covers & (s.live("state") == ALIVE))

    def _cover(self, s: State, k: Backend, graph: Graph, wall: Array) -> None:
        """Give each of these cells of the wall a covering cell at its side."""
        if self.covering < 0 or not wall.size:
            return
        s["divisions"][wall] += 1
        keys = k.child_keys(s["key"][wall], s["divisions"][wall])
        at = [s[axis][wall].copy() for axis in "xyz"]
        new = add_cells(s, k, self.covering, at, keys, float(self.volume[self.covering]))
        s["wall"][new] = s["wall"][wall]
        s["recruited"][self.covering] += len(new)

    def _flow(self, graph: Graph) -> None:
        """Pressures, flows, and which segments carry blood."""
        passes = graph.passes
        length = graph.lengths(self.path)
        weight = conductance(graph.radius, length, self.viscosity)
        arterial, venous = self.supply
        speed = 1.0 / (np.pi * graph.radius**2)
        graph.flow[passes] = weight[passes] * (arterial - venous)
        fixed = graph.port != NO_PORT
        if passes.any():
            # What a host vessel does not carry it cannot give to its branches.
            fixed[:] = False
            open_ = passes & (np.abs(graph.flow) * speed >= self.least_speed)
            fixed[graph.ends[open_, 0]] = True
            fixed &= graph.port != NO_PORT
        ends = graph.ends[~passes]
        graph.pressure[:] = pressures(ends, weight[~passes], graph.supply, fixed)
        fall = graph.pressure[ends[:, 0]] - graph.pressure[ends[:, 1]]
        graph.flow[~passes] = weight[~passes] * fall
        graph.perfused[:] = np.abs(graph.flow) * speed >= self.least_speed

    def _settle(self, s: State, graph: Graph) -> None:
        """Tell the cells of the wall what they cover and carry, put them there; fill the fields."""
        wall = self._wall(s)
        folds, _, mended = s["vessel_state"]
        cover = np.minimum(1.0, self._covers(s, graph, wall) * folds)
        s.live("cover")[:] = 0.0
        s.live("bloodflow")[:] = 0.0
        s.live("leaking")[:] = 0.0
        s["cover"][wall] = cover + (1.0 - cover) * mended
        middle = graph.middles()
        held = self._covering(s)
        for cells, beside in ((wall, False), (held, True)):
            place = graph.places(s["wall"][cells])
            s["bloodflow"][cells] = graph.perfused[place]
            s["leaking"][cells] = graph.leakiness[place]
            at = middle[place]
            if beside:
                s["cover"][cells] = 1.0
                at = at + self._beside(s, cells)
            for d, axis in enumerate("xyz"):
                high = np.float32(self.grid.size[d])
                s[axis][cells] = np.clip(at[:, d], 0.0, np.nextafter(high, np.float32(0.0)))
        length = graph.lengths(self.grid.spacing)
        carried = graph.perfused * graph.radius / self.radius
        each = self.grid, graph.at, graph.ends, length
        s["vessels"][:] = deposit(*each, np.ones(len(length)))
        s["perfusion"][:] = deposit(*each, carried)
        s["leak"][:] = deposit(*each, carried * graph.leakiness)

    def _beside(self, s: State, cells: Array) -> Array:
        """From the middle of a segment to the cell that covers it, um ``[n, 3]``."""
        angle = 2.0 * np.pi * (s["key"][cells] % np.uint64(1024)).astype(np.float64) / 1024.0
        away = self.radius + s["radius"][cells].astype(np.float64)
        return np.stack([away * np.cos(angle), away * np.sin(angle), 0.0 * away], axis=1)


def _unit(vectors: Array) -> Array:
    """Vectors of length 1; 0 stays 0."""
    length = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    return np.asarray(vectors / np.where(length > 0.0, length, 1.0))


def vessels(plan: Plan) -> tuple[Process, ...]:
    """The process, if the model has a type that lines vessels."""
    lining = plan.trait("lining") > 0.0
    if not lining.any():
        return ()
    covering = np.flatnonzero(plan.trait("covering") > 0.0)
    first = plan.cell_types[int(np.flatnonzero(lining)[0])]
    number = plan.parameter
    process = Vessels(
        grid=plan.grid,
        lining=lining,
        covering=int(covering[0]) if covering.size else -1,
        base=tuple(first.traits.get(name, 0.0) for name in VESSEL_BEHAVIOURS),
        calls=tuple(plan.drives.get((first.id, name)) for name in VESSEL_BEHAVIOURS),
        signals=plan.signals.place,
        speed_row=plan.behaviours["migration_speed"],
        apoptosis_row=plan.behaviours["apoptosis_rate"],
        volume=plan.trait("volume"),
        radius=number("vessel.radius"),
        cell_length=number("vessel.cell_length"),
        tip_spacing=number("vessel.tip_spacing"),
        reach=number("vessel.reach"),
        supply=(number("vessel.arterial_pressure"), number("vessel.venous_pressure")),
        viscosity=number("vessel.viscosity") / PASCAL,
        path=number("vessel.path"),
        least_speed=number("vessel.least_speed"),
        seed=plan.seed,
        access=Access(
            read={"resting": "1", "vessel_state": "1", "read_scale": "1"},
            write={
                **plan.per_cell,
                **GRAPH_UNITS,
                "vessel_names": "1",
                "vessels": "1",
                "perfusion": "1",
                "leak": "1",
            },
            add={
                "born": "cells",
                "expected_born": "cells",
                "recruited": "cells",
                "expected_recruited": "cells",
                "expected_sprouts": "1",
            },
        ),
    )
    return (process,)
