"""What an experimenter does to cells by hand: sort the tumour's, put others in.

Both act on the State between two ticks' behaviours; which cells a gate lets through is asked of
`engine.gates`, when it happens of the controls.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.controls import Control
from stemniche.engine.gates import Gate, gate
from stemniche.engine.newcomers import TRANSFERRED, add_cells
from stemniche.engine.plan import STEM, TRANSIT, Plan
from stemniche.engine.process import TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import ALIVE, GONE, Array, State
from stemniche.engine.wellmixed import stem_start
from stemniche.kernels.cpu import Backend, stream


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting(Process):
    """Keep the living tumour cells of a gate, or those outside it; all other tumour cells go.

    Args:
        controls: Place among all controls, the control, and its gate (None: the types it names).
        masks: uint8 [T] of each, the types it names.
    """

    controls: tuple[tuple[int, Control, Gate | None], ...]
    masks: tuple[Array, ...]
    tumour: Array
    stem: int
    access: Access
    name: str = "sorting"
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        for (place, control, gate_), mask in zip(self.controls, self.masks, strict=True):
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                inside = gate_.high(s) if gate_ else mask[s.live("type")] == 1
                self._keep(s, inside == bool(control.value))

    def _keep(self, s: State, wanted: Array) -> None:
        """Take out the tumour cells that are dead or not wanted; the living are counted."""
        kind, alive = s.live("type"), s.live("state") == ALIVE
        tumour = self.tumour[kind] == 1
        out = tumour & ~(wanted & alive)
        np.add.at(s["depleted"], kind[out & alive], 1.0)
        s["flux"][FLUX.index("traffic")] -= int((out & alive & (kind == self.stem)).sum())
        s.live("state")[out] = GONE


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Process):
    """Add the cells of every ``transfer`` control that strikes, as densely beyond the walls.

    Stem cells come with a stemness half-way between the threshold and its greatest, progenitors
    with all their divisions; all of them without heritable factors of their own.

    Args:
        controls: Place among all controls, and the control.
    """

    controls: tuple[tuple[int, Control], ...]
    types: tuple[int, ...]
    size: tuple[float, float, float]
    flat: bool
    volume: Array
    stem: int
    transit: int
    stemness: tuple[float, float]
    divisions: int
    tumour: Array
    seed: int
    access: Access
    name: str = "transfer"
    phase: Phase = Phase.CANON
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        for (place, control), kind in zip(self.controls, self.types, strict=True):
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                self._add(s, t, k, kind, place, round(control.value))

    def _add(self, s: State, t: Tick, k: Backend, kind: int, place: int, count: int) -> None:
        """Place `count` cells of one type at random."""
        sites = k.site_keys(TRANSFERRED + place, np.arange(count, dtype=np.uint64), t.index)
        draws = [
            k.uniform_array(self.seed, stream("transfer"), sites, t.index, d) for d in range(3)
        ]
        where = [side * u.astype(np.float64) for side, u in zip(self.size, draws, strict=True)]
        if self.flat:
            where[2] = np.full(count, 0.5 * self.size[2])
        cells = add_cells(s, k, kind, where, sites, float(self.volume[kind]))
        if self.tumour[kind]:
            high, low = self.stemness
            s["stemness"][cells] = high if kind == self.stem else low
            s["left"][cells] = self.divisions if kind == self.transit else 0
        else:
            s["beyond"][kind] += count
        s["transferred"][kind] += count
        s["flux"][FLUX.index("traffic")] += count * (kind == self.stem)


def handling(plan: Plan) -> tuple[Process, ...]:
    """The processes that the plan's controls need."""
    found: list[Process] = []
    if any(c.kind == "sort" for c in plan.controls):
        found.append(_sorting(plan))
    if any(c.kind == "transfer" for c in plan.controls):
        found.append(_transfer(plan))
    return tuple(found)


def _sorting(plan: Plan) -> Sorting:
    markers = {marker.id: gate(plan, marker) for marker in plan.model.markers}
    chosen = [
        (i, c, markers[c.target] if c.target else None)
        for i, c in enumerate(plan.controls)
        if c.kind == "sort"
    ]
    shown = {g.variable: "1" for _, _, g in chosen if g}
    return Sorting(
        controls=tuple(chosen),
        masks=tuple(plan.mask(c.cells) for _, c, _ in chosen),
        tumour=plan.mask(["tumour"]),
        stem=plan.types[STEM],
        access=Access(
            read={"control_ended": "1", "type": "1", **({"key": "1"} if shown else {}), **shown},
            write={"state": "1"},
            add={"depleted": "cells", "flux": "cells"},
        ),
    )


def _transfer(plan: Plan) -> Transfer:
    """Find the controls that put cells in."""
    chosen = tuple((i, c) for i, c in enumerate(plan.controls) if c.kind == "transfer")
    return Transfer(
        controls=chosen,
        types=tuple(plan.types[c.cells[0]] for _, c in chosen),
        size=plan.grid.size,
        flat=plan.grid.flat,
        volume=plan.trait("volume"),
        stem=plan.types[STEM],
        transit=plan.types[TRANSIT],
        stemness=(stem_start(plan), plan.parameter("stemness.reset")),
        divisions=int(plan.trait("division_limit")[plan.types[TRANSIT]]),
        tumour=plan.mask(["tumour"]),
        seed=plan.seed,
        access=Access(
            read={"control_ended": "1", "resting": "1"},
            write=plan.per_cell,
            add={"transferred": "cells", "flux": "cells", "beyond": "cells"},
        ),
    )
