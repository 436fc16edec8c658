"""Host cells come in: from marrow through the blood and the vessels, and over open walls."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine import drives
from stemniche.engine.newcomers import ENTERED, OVER_WALL, add_cells
from stemniche.engine.occupancy import holders, left
from stemniche.engine.plan import MARROW, VESSEL, Plan
from stemniche.engine.process import SUPPLY_S, Access, Phase, Process, Tick
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend, stream
from stemniche.spec.model import Drive


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Marrow(Process):
    """Cells of each entering type in the blood, in folds of the normal count.

    Source:
        Release R from marrow follows the ``egress`` rules on serum factors and, by the trait
        ``priming``, the lymph node's response E; the pool P follows R:
        ``dR/dt = k_m (egress (1 + priming E) - R)``, ``dP/dt = k_b (R - P)``, each exact over the
        step.
    """

    egress: tuple[Drive | None, ...]
    priming: Array
    marrow_rate: float
    blood_rate: float
    factors: dict[str, int]
    name: str = "marrow"
    phase: Phase = Phase.FIELDS
    every_s: int = SUPPLY_S
    access: Access = Access(
        read={"blood": "factor unit", "serum_left": "1", "call_scale": "1", "lymph_node": "mixed"},
        write={"released": "1", "pool": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""

        def serum(signal: str) -> Array:
            place = self.factors[signal.removeprefix("serum.")]
            return s["blood"][place] * s["serum_left"][place] * s["call_scale"][place]

        egress = np.array(
            [1.0 if d is None else float(drives.value(d, serum)) for d in self.egress]
        )
        egress *= 1.0 + self.priming * s["lymph_node"][-1]
        released, pool, minutes = s["released"], s["pool"], self.every_s / 60.0
        pool[:] = released + (pool - released) * np.exp(-self.blood_rate * minutes)
        released[:] = egress + (released - egress) * np.exp(-self.marrow_rate * minutes)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recruitment(Process):
    """Entry through perfused vessels, and exchange with the tissue beyond open walls.

    At the reference levels entry balances the turnover of the type and of all it turns into.
    Vessels share it out by what each one's own surroundings call for.

    Args:
        entering: Types that come from the blood, as places.
        flow: Cells per min of each at the reference, over all vessels perfused at placement.
        calls: Recruitment drive of each, None when nothing moves it.
        leaving: float64 [T], 1/min, turnover of each type and what it turns into at rest.
        beyond: float64 [T], count of each host type at placement, which the tissue beyond the walls
            holds as long as the blood does, and comes back to from what was done to it.

    Source:
        In the tissue beyond, ``dN/dt = leaving (N0 pool - N)``, exact over the step; the pool is 1
        for cells that do not come from the blood.
    """

    entering: tuple[int, ...]
    flow: Array
    leaving: Array
    calls: tuple[Drive | None, ...]
    factors: dict[str, int]
    held: dict[str, tuple[tuple[int, float], ...]]
    beyond: Array
    open_walls: bool
    shape: tuple[int, int, int]
    spacing: float
    seed: int
    volume: Array
    access: Access
    name: str = "recruitment"
    phase: Phase = Phase.CANON
    every_s: int = SUPPLY_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        perfusion = s["perfusion"]
        places = np.flatnonzero(perfusion)
        flat = s["fields"].reshape(len(self.factors), -1)

        def level(signal: str) -> Array:
            place = self.factors[signal]
            held = self.held.get(signal, ())
            share = left(s["occupancy"][:, places], held) if held else 1.0
            return flat[place, places] * share * np.float32(s["call_scale"][place])

        share = perfusion[places] / max(float(s["vessels_at_start"][0]), 1.0)
        fold = np.ones((len(self.entering), len(places)))
        for i, call in enumerate(self.calls):
            if call is not None:
                fold[i] = drives.value(call, level)
        expected = (self.flow * s["pool"])[:, None] * share * fold * (self.every_s / 60.0)
        self._enter(s, t, k, places, expected)
        wanted = self.beyond.copy()
        wanted[list(self.entering)] *= s["pool"]
        kept = np.exp(-self.leaving * self.every_s / 60.0)
        s["beyond"][:] = wanted + (s["beyond"] - wanted) * kept
        if self.open_walls:
            self._over_the_walls(s, t, k)

    def _enter(self, s: State, t: Tick, k: Backend, places: Array, expected: Array) -> None:
        """Draw who enters where; at most one cell of a type per vessel and time."""
        chance = 1.0 - np.exp(-expected)
        s["expected_recruited"][list(self.entering)] += chance.sum(axis=1)
        kinds = np.repeat(np.array(self.entering, np.int64), len(places))
        spots = np.tile(places, len(self.entering))
        sites = k.site_keys(ENTERED + kinds, spots.astype(np.uint64), t.index)
        dice = (self.seed, stream("entry"))
        draw = k.uniform_array(*dice, sites, t.index, 0)
        come = np.flatnonzero(draw < chance.ravel())
        if not come.size:
            return
        kinds, sites = kinds[come], sites[come]
        nz, ny, nx = self.shape
        z, rest = np.divmod(spots[come], ny * nx)
        y, x = np.divmod(rest, nx)
        shift = [k.uniform_array(*dice, sites, t.index, d) for d in (1, 2, 3)]
        position = [(c + u) * self.spacing for c, u in zip((x, y, z), shift, strict=True)]
        if nz == 1:
            position[2] = np.full(len(come), 0.5 * self.spacing)
        add_cells(s, k, kinds, position, sites, self.volume[kinds])
        np.add.at(s["recruited"], kinds, 1.0)

    def _over_the_walls(self, s: State, t: Tick, k: Backend) -> None:
        """Let newcomers replace host cells that left, as often as the tissue beyond holds them.

        Up to two come for one that left, so that a count below that of the tissue beyond is
        filled up just as one above it drains. Only what is over whole cells is left to chance: the
        wall is there for the tissue's sake, and should not make its counts scatter.
        """
        beyond = s["beyond"]
        fresh = np.where(beyond > 0.0, s["left_domain"] - s["left_replaced"], 0.0)
        if not fresh.any():
            return
        counts = np.bincount(s.live("type"), minlength=len(beyond))
        wanted = fresh * np.minimum(2.0, beyond / np.maximum(counts, 1))
        dice, kinds = (self.seed, stream("wall")), np.arange(len(fresh))
        over = k.site_keys(OVER_WALL + kinds, np.zeros(len(fresh), np.uint64), t.index)
        come = np.floor(wanted + k.uniform_array(*dice, over, t.index, 0)).astype(int)
        kinds = np.repeat(kinds, come)
        number = np.concatenate([np.arange(count, dtype=np.uint64) for count in come])
        sites = k.site_keys(OVER_WALL + kinds, number, t.index)
        along, side = (k.uniform_array(*dice, sites, t.index, d) for d in (1, 2))
        self._at_wall(s, k, kinds, along, side, sites)
        s["left_replaced"][:] = s["left_domain"]

    def _at_wall(
        self, s: State, k: Backend, kinds: Array, along: Array, side: Array, sites: Array
    ) -> None:
        """Place newcomers just inside the walls x = 0, x = L, y = 0, y = L."""
        if not len(sites):
            return
        nz, ny, nx = self.shape
        inside = 0.25 * self.spacing
        x, y = along * nx * self.spacing, along * ny * self.spacing
        wall = (side * 4.0).astype(int)
        x = np.where(wall == 0, inside, np.where(wall == 1, nx * self.spacing - inside, x))
        y = np.where(wall == 2, inside, np.where(wall == 3, ny * self.spacing - inside, y))
        depth = (side * 4.0 - wall) * nz * self.spacing
        z = np.full(len(sites), 0.5 * self.spacing) if nz == 1 else depth
        add_cells(s, k, kinds, [x, y, z], sites, self.volume[kinds])
        np.add.at(s["arrived"], kinds, 1.0)


def feeds(plan: Plan, kind: int, entering: tuple[int, ...]) -> set[int]:
    """Types that cells of `kind` become without passing through another entering type."""
    found, todo = {kind}, [kind]
    while todo:
        for name in plan.conversions[todo.pop()]:
            place = plan.types[name]
            if place not in found and place not in entering:
                found.add(place)
                todo.append(place)
    return found


def _leaving(plan: Plan, kind: int) -> float:
    """Rate at which a cell of `kind` is lost in tissue at rest, or turns into something else."""
    name, traits = plan.types.names[kind], plan.cell_types[kind].traits
    turns = sum(traits[f"conversion.{name}.{to}"] for to in plan.conversions[kind])
    return float(traits["turnover"] + turns)


def marrow(plan: Plan) -> Marrow:
    """Build the blood pools of the entering types."""
    entering = tuple(int(i) for i in np.flatnonzero(plan.trait("entry")))
    names = [plan.types.names[i] for i in entering]
    return Marrow(
        priming=plan.trait("priming").astype(np.float64)[list(entering)],
        egress=tuple(plan.drives.get((MARROW, f"egress.{n}")) for n in names),
        marrow_rate=float(np.log(2.0) / plan.parameter("marrow.half_life")),
        blood_rate=float(np.log(2.0) / plan.parameter("blood.half_life")),
        factors=plan.factors.place,
    )


def recruitment(plan: Plan) -> Recruitment:
    """Balance entry against turnover at the reference and wire the recruitment rules."""
    entering = tuple(int(i) for i in np.flatnonzero(plan.trait("entry")))
    turnover = plan.trait("turnover").astype(np.float64)
    beyond = np.zeros(len(plan.types))
    for name, count in plan.layout.tissue.items():
        beyond[plan.types[name]] = count
    flow = [
        sum(turnover[j] * beyond[j] for j in sorted(feeds(plan, i, entering))) for i in entering
    ]
    names = [plan.types.names[i] for i in entering]
    return Recruitment(
        entering=entering,
        flow=np.array(flow),
        leaving=np.array([_leaving(plan, i) for i in range(len(plan.types))]),
        calls=tuple(plan.drives.get((VESSEL, f"recruitment.{n}")) for n in names),
        factors=plan.factors.place,
        held={name: holders(plan.held, VESSEL, name) for name in plan.factors.names},
        beyond=beyond,
        open_walls=not plan.surroundings.closed,
        shape=plan.grid.shape,
        spacing=plan.grid.spacing,
        seed=plan.seed,
        volume=plan.trait("volume"),
        access=Access(
            read={
                "fields": "factor unit",
                "perfusion": "1",
                "occupancy": "1",
                "call_scale": "1",
                "pool": "1",
                "vessels_at_start": "1",
                "resting": "1",
                "left_domain": "cells",
            },
            write={**plan.per_cell, "left_replaced": "cells", "beyond": "cells"},
            add={"recruited": "cells", "expected_recruited": "cells", "arrived": "cells"},
        ),
    )
