"""Interventions as turned knobs: applied at the start of a tick, before anything acts."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.controls import Control
from stemniche.engine.plan import STEM, Plan
from stemniche.engine.process import TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import ALIVE, GONE, Array, State
from stemniche.engine.vessels import NORMALISE, UNTOUCHED, VESSEL_STATE
from stemniche.kernels.cpu import Backend, stream

_AXES = {"x": 1, "y": 2, "z": 3}
DISTANT = "distant"
"""Where a supply is held that is not held in the tissue."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Controls(Process):
    """Set the multipliers, shifts, supplies and environment that the active controls ask for.

    Args:
        masks: uint8 [T] of each control, the types it acts in.
        among: uint8 [T] of each control, the types in whose voxels alone it strikes.
        places: Row of each control's target.
        repeats: How many controls before each one are called the same: with that name it picks
            its random numbers, so that other controls do not change them.
        entering: Types that come from the blood, in the order of its pools.
        environment: Values of the scenario.
    """

    controls: tuple[Control, ...]
    masks: tuple[Array, ...]
    among: tuple[Array, ...]
    places: tuple[int, ...]
    repeats: tuple[int, ...]
    entering: Array
    environment: Array
    stem: int
    distant: bool
    seed: int
    access: Access
    name: str = "controls"
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        on = [i for i, c in enumerate(self.controls) if c.active(t) and not s["control_ended"][i]]
        for name in ("read_scale", "call_scale", "synthesis", "background", "loss_scale"):
            s[name][...] = 1.0
        s["node_shift"][...] = 0.0
        s["held"][...] = 0.0
        if self.distant:
            s["distant_held"][:] = 0.0
        s["environment"][:] = self.environment
        s["vessel_state"][:] = UNTOUCHED
        for i in on:
            self._apply(s, t, k, i)

    def _apply(self, s: State, t: Tick, k: Backend, i: int) -> None:
        """Turn one knob."""
        c, mask, place = self.controls[i], self.masks[i] == 1, self.places[i]
        if c.kind == "scale_signal":
            s["read_scale"][mask, place] *= c.value
        elif c.kind == "scale_call":
            s["call_scale"][place] *= c.value
        elif c.kind == "shift_node":
            s["node_shift"][mask, place] += c.value
        elif c.kind == "scale_synthesis":
            columns = slice(None) if place < 0 else slice(place, place + 1)
            s["synthesis"][mask, columns] *= c.value
            if place >= 0 and not c.cells:
                s["background"][place] *= c.value
        elif c.kind == "scale_loss":
            s["loss_scale"][place] *= c.value
        elif c.kind == "supply":
            if c.where == DISTANT:
                s["distant_held"][place] += c.value
            else:
                s["held"][place, _AXES.get(c.where, 0)] += c.value
        elif c.kind == "environment":
            s["environment"][place] = c.value
        elif c.kind == "vessels" and c.target == NORMALISE:
            s["vessel_state"][place] = 1.0 - (1.0 - s["vessel_state"][place]) * (1.0 - c.value)
        elif c.kind == "vessels":
            s["vessel_state"][place] *= c.value
        elif c.kind == "deplete" and c.strikes(t):
            self._deplete(s, t, k, i, mask)

    def _deplete(self, s: State, t: Tick, k: Backend, i: int, mask: Array) -> None:
        """Remove a share of the living cells of some types.

        If it strikes everywhere, so does it in the tissue beyond the walls, in the blood with what
        marrow is about to release, and in the distant organ.
        """
        alive = s.live("state") == ALIVE
        cells = np.flatnonzero(mask[s.live("type")] & alive)
        if self.controls[i].among:
            near = s.live("voxel")[alive & (self.among[i][s.live("type")] == 1)]
            cells = cells[np.isin(s["voxel"][cells], near)]
        else:
            left, coming = 1.0 - self.controls[i].value, mask[self.entering]
            s["beyond"][mask] *= left
            s["released"][coming] *= left
            s["pool"][coming] *= left
            if self.distant:
                s["distant_cells"][mask] *= left
        name, number = stream(f"deplete.{self.controls[i].label}"), self.repeats[i]
        draw = k.uniform_array(self.seed, name, s["key"][cells], t.index, number)
        struck = cells[draw < self.controls[i].value]
        s["state"][struck] = GONE
        np.add.at(s["depleted"], s["type"][struck], 1.0)
        s["flux"][FLUX.index("traffic")] -= int((s["type"][struck] == self.stem).sum())


def controls(plan: Plan) -> Controls:
    """Resolve the names in the plan's controls to places in its tables."""
    environment = plan.surroundings.environment
    places = []
    for c in plan.controls:
        if c.kind == "scale_signal":
            places.append(plan.signals[c.target])
        elif c.kind == "shift_node":
            places.append(plan.nodes[c.target])
        elif c.kind == "vessels":
            places.append(VESSEL_STATE.index(c.target))
        elif c.kind == "environment":
            places.append(list(environment).index(c.target))
        else:
            places.append(plan.factors[c.target] if c.target in plan.factors else -1)
    return Controls(
        controls=plan.controls,
        masks=tuple(plan.mask(c.cells) for c in plan.controls),
        among=tuple(plan.mask(c.among) for c in plan.controls),
        places=tuple(places),
        repeats=tuple(
            sum(c.label == other.label for other in plan.controls[:i])
            for i, c in enumerate(plan.controls)
        ),
        entering=np.flatnonzero(plan.trait("entry")),
        environment=np.array(list(environment.values())),
        stem=plan.types[STEM],
        distant=plan.surroundings.distant,
        seed=plan.seed,
        access=Access(
            read={"type": "1", "key": "1", "voxel": "1", "control_ended": "1"},
            write={
                "read_scale": "1",
                "call_scale": "1",
                "node_shift": "1",
                "synthesis": "1",
                "background": "1",
                "loss_scale": "1",
                "held": "factor unit",
                "environment": "mixed",
                "vessel_state": "1",
                "state": "1",
                "beyond": "cells",
                "released": "1",
                "pool": "1",
                **(
                    {"distant_held": "factor unit", "distant_cells": "cells"}
                    if plan.surroundings.distant
                    else {}
                ),
            },
            add={"depleted": "cells", "flux": "cells"},
        ),
    )
