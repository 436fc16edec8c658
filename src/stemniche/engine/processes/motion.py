"""Cells crawl along cues and push each other."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import STEM, Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import ALIVE, GONE, Array, State
from stemniche.kernels.cpu import Backend

BASE_STEP_MIN, BASE_STEP_FLAT_MIN = 1.0, 2.0
"""Longest step of the contact mechanics, min; faster cells take shorter ones. In a flat tissue
cells have half the neighbours, and contacts are half as stiff."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Motion(Process):
    """One tick of crawling and contact mechanics; cells of a vessel's wall push but stay.

    Crawling is a persistent random walk biased along the weighted sum of chemotactic cues.
    Cells whose centre leaves an open domain are counted and gone; of host types, newcomers from
    the tissue beyond replace them (`Recruitment`).

    Args:
        led: Factors X of the behaviours ``chemotaxis.X``.
        cue_factors, cue_rows: Their places among the factors and the behaviours.
        cue_scale: Level added to the denominator of each relative gradient, factor unit.
    """

    shape: tuple[int, int, int]
    size: Array
    spacing: float
    flat: bool
    joined: bool
    closed: bool
    factors: int
    led: tuple[str, ...]
    cue_factors: Array
    cue_rows: tuple[int, ...]
    cue_scale: Array
    speed_row: int
    bias_row: int
    adhesion_row: int
    persistence: Array
    repulsion: Array
    reach: float
    skin: float
    base_step: float
    stem: int
    seed: int
    name: str = "motion"
    phase: Phase = Phase.MOVE
    every_s: int = TICK_S
    access: Access = Access(
        read={
            "behaviours": "1",
            "fields": "factor unit",
            "key": "1",
            "radius": "um",
            "type": "1",
            "voxel": "1",
            "list_ptr": "1",
            "list_idx": "1",
            "allowance": "um",
            "wall": "1",
        },
        write={
            "x": "um",
            "y": "um",
            "z": "um",
            "px": "1",
            "py": "1",
            "pz": "1",
            "state": "1",
        },
        add={"left_domain": "cells", "flux": "cells"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n, kind = s.n, s.live("type")
        cells = (
            *(s["x"], s["y"], s["z"], s["radius"]),
            self.repulsion[kind],
            s["behaviours"][self.adhesion_row],
            *self._crawl(s, t, k),
            (s.live("wall") == 0).astype(np.uint8),
        )
        listed = s["list_ptr"], s["list_idx"], s["allowance"]
        steps, wall = (TICK_MIN, self.base_step), 1 if self.closed else 0
        if self.joined:
            k.move_round(*cells, n, *steps, self.size, wall, self.reach, self.skin)
        else:
            k.move_tick(
                *cells, *listed, n, *steps, self.size, wall, self.reach, self.skin, self.flat
            )
        self._leavers(s)

    def cues(self, s: State, k: Backend) -> Array:
        """Direction in which the cues of each cell grow: unit vectors [3, cells], or 0."""
        return self._uphill(s, k, slice(None), s.live("behaviours")[list(self.cue_rows)])

    def rise(self, s: State, k: Backend, factor: str) -> Array:
        """Direction in which one cue of the cells that heed it grows, as `cues` gives it."""
        one = self.led.index(factor)
        heeded = s.live("behaviours")[[self.cue_rows[one]]] != 0.0
        return self._uphill(s, k, slice(one, one + 1), heeded.astype(np.float32))

    def _uphill(self, s: State, k: Backend, which: slice, weights: Array) -> Array:
        direction = np.zeros((3, s.n), np.float32)
        if len(weights):
            k.cue_direction(
                s["fields"].reshape(self.factors, -1),
                self.cue_factors[which],
                np.ascontiguousarray(weights),
                self.cue_scale[which],
                s["voxel"],
                s.n,
                self.shape,
                self.spacing,
                self.joined,
                *direction,
            )
        return direction

    def _crawl(self, s: State, t: Tick, k: Backend) -> tuple[Array, Array, Array]:
        """Active velocities, um/min."""
        n, b = s.n, s["behaviours"]
        cx, cy, cz = self.cues(s, k)
        vx, vy, vz = np.zeros((3, n), np.float32)
        speed = b[self.speed_row, :n] * (s.live("state") == ALIVE)
        k.polarise(
            s["px"],
            s["py"],
            s["pz"],
            s["key"],
            n,
            speed,
            self.persistence[s.live("type")],
            b[self.bias_row],
            cx,
            cy,
            cz,
            self.seed,
            t.index,
            self.flat,
            TICK_MIN,
            vx,
            vy,
            vz,
        )
        return vx, vy, vz

    def _leavers(self, s: State) -> None:
        """Mark the cells outside the box as gone and count them."""
        if self.closed:
            return
        outside = np.zeros(s.n, bool)
        for axis, length in zip("xyz", self.size, strict=True):
            outside |= (s.live(axis) < 0.0) | (s.live(axis) >= length)
        cells = np.flatnonzero(outside & (s.live("state") != GONE))
        if not cells.size:
            return
        live = cells[s["state"][cells] == ALIVE]
        np.add.at(s["left_domain"], s["type"][live], 1.0)
        s["flux"][FLUX.index("traffic")] -= int((s["type"][live] == self.stem).sum())
        s["state"][cells] = GONE


def motion(plan: Plan, reach: float, skin: float) -> Motion:
    """Build the cues and mechanical constants from the plan."""
    cues = [b for b in plan.behaviours.names if b.startswith("chemotaxis.")]
    led = tuple(c.removeprefix("chemotaxis.") for c in cues)
    places = [plan.factors[factor] for factor in led]
    return Motion(
        shape=plan.grid.shape,
        size=np.array(plan.grid.size, np.float32),
        spacing=plan.grid.spacing,
        flat=plan.grid.flat,
        joined=plan.grid.joined,
        closed=plan.surroundings.closed,
        factors=len(plan.factors),
        led=led,
        cue_factors=np.array(places, np.int32),
        cue_rows=tuple(plan.behaviours[c] for c in cues),
        cue_scale=np.array([plan.factor_data[p].reference for p in places], np.float32),
        speed_row=plan.behaviours["migration_speed"],
        bias_row=plan.behaviours["migration_bias"],
        adhesion_row=plan.behaviours["adhesion"],
        persistence=plan.trait("persistence"),
        repulsion=plan.trait("repulsion"),
        reach=reach,
        skin=skin,
        base_step=BASE_STEP_FLAT_MIN if plan.grid.flat else BASE_STEP_MIN,
        stem=plan.types[STEM],
        seed=plan.seed,
    )
