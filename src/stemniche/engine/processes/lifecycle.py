"""Cell cycle, dying, births and newcomers, and the canonical order that ends a tick."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import END, STEM, TRANSIT, Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.sensing import CONTACTS
from stemniche.engine.processes.stemness import FLUX, drawn_to
from stemniche.engine.state import ALIVE, APOPTOTIC, G1, GONE, NECROTIC, Array, State
from stemniche.kernels.cpu import Backend, stream

DIVISIONS = ("symmetric", "asymmetric", "amplifying")
"""Kinds of tumour division, in the order of the variable ``divisions_done``'s columns."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle(Process):
    """Move living cells through G0, G1, S, G2M and dead ones towards removal."""

    rate_row: int
    quiescence_row: int
    awakening_row: int
    phagocytosis_row: int
    s_duration: Array
    g2m_duration: Array
    volume: Array
    apoptosis_duration: Array
    clearance: float
    seed: int
    name: str = "cycle"
    phase: Phase = Phase.RESOLVE
    every_s: int = TICK_S
    access: Access = Access(
        read={"behaviours": "1", "type": "1", "key": "1", "growth": "1", **CONTACTS},
        write={
            "state": "1",
            "phase": "1",
            "clock": "min",
            "radius": "um",
            "dividing": "1",
            "awakened": "1",
        },
        add={"engulfed": "cells", "expected_engulfed": "cells", "expected_born": "cells"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        b, n, kind = s["behaviours"], s.n, s["type"]
        time = (self.seed, stream("cycle"), t.index, TICK_MIN)
        k.expected_entries(
            kind,
            s["state"],
            s["phase"],
            s["growth"],
            b[self.rate_row],
            b[self.quiescence_row],
            n,
            TICK_MIN,
            s["expected_born"],
        )
        k.advance_cycle(
            kind,
            s["state"],
            s["phase"],
            s["clock"],
            s["dividing"],
            s["awakened"],
            s["radius"],
            s["growth"],
            s["key"],
            b[self.rate_row],
            b[self.quiescence_row],
            b[self.awakening_row],
            self.s_duration,
            self.g2m_duration,
            self.volume,
            n,
            *time,
        )
        self._dead(s, t, k)

    def _dead(self, s: State, t: Tick, k: Backend) -> None:
        """Shrink, clear and engulf dead cells."""
        n = s.n
        if not (s.live("state") != ALIVE).any():
            return
        alive = (s.live("state") == ALIVE).astype(np.uint8)
        engulfing = np.zeros(n, np.float32)
        taken = np.zeros(n, np.uint8)
        touching = s["touch_ptr"], s["touch_idx"], n
        k.neighbour_sum(s["behaviours"][self.phagocytosis_row], alive, *touching, engulfing)
        k.advance_dead(
            s["type"],
            s["state"],
            s["clock"],
            s["radius"],
            s["key"],
            engulfing,
            taken,
            self.apoptosis_duration,
            self.volume,
            self.clearance,
            n,
            self.seed,
            stream("clearance"),
            t.index,
            TICK_MIN,
        )
        s["engulfed"][0] += int(taken.sum())
        state = s.live("state")
        exposed = (taken == 1) | (state == APOPTOTIC) | (state == NECROTIC)
        s["expected_engulfed"][0] -= np.expm1(-engulfing[exposed] * TICK_MIN).sum()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Births(Process):
    """Split the cells at the end of G2M.

    A stem cell gives two stem cells with probability ``symmetric_probability``, else a stem cell
    and a progenitor; a progenitor spends one of its divisions and ends differentiated; other types
    give two of their own kind. A daughter may lose the surface antigen, and all of her line with
    her.
    """

    stem: int
    transit: int
    end: int
    symmetric_row: int
    drive: int
    tumour: Array
    division_limit: int
    reset: float
    inheritance: float
    antigen_loss: float
    volume: Array
    flat: bool
    seed: int
    access: Access
    name: str = "births"
    phase: Phase = Phase.CANON
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        mothers = np.flatnonzero((s.live("dividing") == 1) & (s.live("state") == ALIVE))
        if not mothers.size:
            return
        first, born = s.n, len(mothers)
        s.reserve(first + born)
        daughters = np.arange(first, first + born)
        for block in s.whole_cells():
            block[:, daughters] = block[:, mothers]
        s.n = first + born
        s["divisions"][mothers] += 1
        keys = s["key"][mothers]
        s["divisions"][daughters] = 0
        s["parent"][daughters] = keys
        s["key"][daughters] = k.child_keys(keys, s["divisions"][mothers])
        dice = (self.seed, stream("birth"))
        draw = [k.uniform_array(*dice, keys, t.index, d).astype(np.float64) for d in range(4)]
        s["surface_antigen"][daughters[draw[3] < self.antigen_loss]] = 0.0
        both = np.concatenate([mothers, daughters])
        drive = drawn_to(s, self.drive, both)
        inherited = drive + self.inheritance * (s["stemness"][both] - drive)
        s["stemness"][both] = inherited * self.tumour[s["type"][both]]
        s["label"][both] *= np.float32(0.5)
        self._place(s, mothers, daughters, draw)
        self._decide(s, mothers, daughters, draw[2])
        s["phase"][both] = G1
        s["clock"][both] = 0.0
        s["dividing"][both] = 0
        s["awakened"][both] = 0

    def _place(self, s: State, mothers: Array, daughters: Array, draw: list[Array]) -> None:
        """Put the daughters side by side along a random axis."""
        kind = s["type"][mothers]
        radius = (self.volume[kind] * 0.238732414637843) ** (1.0 / 3.0)
        angle = 2.0 * np.pi * draw[0]
        height = np.zeros_like(angle) if self.flat else 2.0 * draw[1] - 1.0
        flat = np.sqrt(1.0 - height**2)
        step = 0.4 * radius
        for axis, share in (
            ("x", flat * np.cos(angle)),
            ("y", flat * np.sin(angle)),
            ("z", height),
        ):
            shift = (step * share).astype(np.float32)
            s[axis][daughters] += shift
            s[axis][mothers] -= shift
        s["radius"][mothers] = radius
        s["radius"][daughters] = radius

    def _decide(self, s: State, mothers: Array, daughters: Array, draw: Array) -> None:
        """Set the daughters' kinds and count what happened."""
        kind = s["type"][mothers]
        stem = kind == self.stem
        symmetric = stem & (draw < s["behaviours"][self.symmetric_row, mothers])
        committed = daughters[stem & ~symmetric]
        s["type"][committed] = self.transit
        s["stemness"][committed] = self.reset
        s["left"][committed] = self.division_limit
        woken = int((symmetric & (s["awakened"][mothers] == 1)).sum())
        s["flux"][FLUX.index("awakening")] += woken
        s["flux"][FLUX.index("symmetric")] += int(symmetric.sum()) - woken
        amplifying = np.flatnonzero(kind == self.transit)
        both = np.concatenate([mothers[amplifying], daughters[amplifying]])
        s["left"][both] -= 1
        spent = both[s["left"][both] <= 0]
        s["type"][spent] = self.end
        done = s["divisions_done"]
        done[0] += int(symmetric.sum())
        done[1] += int((stem & ~symmetric).sum())
        done[2] += len(amplifying)
        np.add.at(s["born"], kind, 1.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Canon(Process):
    """Drop the cells that are gone, sort the rest by voxel and key, list the neighbours."""

    shape: tuple[int, int, int]
    spacing: float
    size: Array
    joined: bool
    reach: float
    skin: float
    touch: float
    speed_row: int
    access: Access
    name: str = "canon"
    phase: Phase = Phase.CANON
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        if self.joined:
            s.live("z")[:] = k.wrapped(s.live("z"), float(self.size[2]))
        place = k.voxel_index(s["x"], s["y"], s["z"], s.n, self.spacing, self.shape)
        voxels = self.shape[0] * self.shape[1] * self.shape[2]
        kept = s.live("state") != GONE
        order, s["voxel_ptr"] = k.canonical_order(place, s["key"], kept, voxels)
        s["voxel"][: s.n] = place
        for block in s.whole_cells():
            k.apply_order(block, order)
        s.n = len(order)
        self._list(s, k)

    def _list(self, s: State, k: Backend) -> None:
        """List who may meet in the next tick, and who touches now.

        In a slab whose faces meet, motion makes lists of its own.
        """
        at = s["x"], s["y"], s["z"], s["radius"]
        if self.joined:
            found = k.touching_round(*at, s.n, self.size, self.touch)
            s["list_ptr"], s["list_idx"] = s["touch_ptr"], s["touch_idx"] = found
            return
        speed = s["behaviours"][self.speed_row, : s.n] * (s.live("state") == ALIVE)
        s.live("allowance")[:] = k.list_allowance(speed, self.skin, TICK_MIN)
        found = k.build_list(*at, s.n, self.size, self.reach, s["allowance"])
        s["list_ptr"], s["list_idx"] = found
        s["touch_ptr"], s["touch_idx"] = k.touching(*at, *found, s.n, self.touch)


def cycle(plan: Plan) -> Cycle:
    """Build the cycle's durations and rows."""
    return Cycle(
        rate_row=plan.behaviours["cycle_rate"],
        quiescence_row=plan.behaviours["quiescence_rate"],
        awakening_row=plan.behaviours["awakening_rate"],
        phagocytosis_row=plan.behaviours["phagocytosis_rate"],
        s_duration=plan.trait("s_duration"),
        g2m_duration=plan.trait("g2m_duration"),
        volume=plan.trait("volume"),
        apoptosis_duration=plan.trait("apoptosis_duration"),
        clearance=plan.parameter("dead.clearance"),
        seed=plan.seed,
    )


def births(plan: Plan) -> Births:
    """Build the lineage rules of division."""
    transit = plan.types[TRANSIT]
    return Births(
        stem=plan.types[STEM],
        transit=transit,
        end=plan.types[END],
        symmetric_row=plan.behaviours["symmetric_probability"],
        drive=plan.signals["stemness"],
        tumour=plan.mask(["tumour"]),
        division_limit=int(plan.trait("division_limit")[transit]),
        reset=plan.parameter("stemness.reset"),
        inheritance=plan.parameter("stemness.inheritance"),
        antigen_loss=plan.parameter("antigen.loss"),
        volume=plan.trait("volume"),
        flat=plan.grid.flat,
        seed=plan.seed,
        access=Access(
            read={"read_scale": "1"},
            write=plan.per_cell,
            add={"flux": "cells", "divisions_done": "cells", "born": "cells"},
        ),
    )


def canon(plan: Plan, reach: float, skin: float, touch: float) -> Canon:
    """Build the sorter for the plan's grid."""
    return Canon(
        shape=plan.grid.shape,
        spacing=plan.grid.spacing,
        size=np.array(plan.grid.size, np.float32),
        joined=plan.grid.joined,
        reach=reach,
        skin=skin,
        touch=touch,
        speed_row=plan.behaviours["migration_speed"],
        access=Access(
            write={
                **plan.per_cell,
                "voxel_ptr": "1",
                "list_ptr": "1",
                "list_idx": "1",
                **CONTACTS,
            }
        ),
    )
