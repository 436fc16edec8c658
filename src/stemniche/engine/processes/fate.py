"""Behaviours from rules, hazards from behaviours, and one draw per cell over competing fates."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import STEM, Plan
from stemniche.engine.process import SENSE_S, TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.intravasation import HAZARD
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import ALIVE, APOPTOTIC, G1, GONE, NECROTIC, Array, State
from stemniche.engine.tables import Table, behaviour_table
from stemniche.kernels.cpu import Backend

BASIC_HAZARDS = ("apoptosis", "necrosis", "ferroptosis", "turnover", "drainage")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviours(Process):
    """Evaluate every behaviour of every cell by the rules' combination law."""

    table: Table
    name: str = "behaviours"
    phase: Phase = Phase.DECIDE
    every_s: int = SENSE_S
    access: Access = Access(
        read={"signals": "1", "type": "1", "read_scale": "1"},
        write={"behaviours": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        self.table.evaluate_behaviours(s, k)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards(Process):
    """Hazards of dying, leaving and turning into another type.

    Args:
        sources: int32 [T, H], behaviour row that is the hazard of a type, -1 for none.
        turnover: float32 [T], 1/min, and its hazard row.
    """

    sources: Array
    turnover_row: int
    turnover: Array
    name: str = "hazards"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(read={"behaviours": "1", "type": "1"}, write={"hazards": "1/min"})

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        k.pick(s["behaviours"], self.sources, s["type"], s.n, s["hazards"])
        s["hazards"][self.turnover_row, : s.n] = self.turnover[s.live("type")]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fates(Process):
    """Draw each living cell's fate once and carry it out; count every one, and what to expect.

    Source:
        Of competing risks h_1, h_2, ... with the sum h, the k-th strikes within dt with the chance
        ``h_k / h (1 - exp(-h dt))``; summed over cells that is the expectation of a count.

    Args:
        outcome: int8 [H], the cell state a hazard leads to; ALIVE marks a conversion slot.
        converts_to: int16 [T, slots].
        apoptosis_duration, necrosis_duration: float32 [T], min.
        leaving: Hazard of leaving for the blood, -1 where there is none.
    """

    outcome: Array
    first_conversion: int
    converts_to: Array
    apoptosis_duration: Array
    necrosis_duration: Array
    stem: int
    leaving: int
    seed: int
    name: str = "fates"
    phase: Phase = Phase.RESOLVE
    every_s: int = TICK_S
    access: Access = Access(
        read={"key": "1"},
        write={
            "hazards": "1/min",
            "fate": "1",
            "state": "1",
            "type": "1",
            "clock": "min",
            "phase": "1",
        },
        add={
            "deaths": "cells",
            "expected_deaths": "cells",
            "converted": "cells",
            "expected_converted": "cells",
            "flux": "cells",
        },
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n = s.n
        s["hazards"][:, np.flatnonzero(s.live("state") != ALIVE)] = 0.0
        self._expect(s, k)
        k.resolve(
            s["hazards"],
            n,
            self.seed,
            s["key"],
            t.index,
            TICK_MIN,
            s["fate"],
        )
        chosen = np.flatnonzero(s.live("fate") >= 0)
        if not chosen.size:
            return
        fate, kind = s["fate"][chosen].astype(int), s["type"][chosen].astype(int)
        np.add.at(s["deaths"], (fate, kind), 1.0)
        result = self.outcome[fate]
        dies = result != ALIVE
        cells = chosen[dies]
        s["state"][cells] = result[dies]
        lasts = np.where(
            result[dies] == NECROTIC,
            self.necrosis_duration[kind[dies]],
            self.apoptosis_duration[kind[dies]],
        )
        s["clock"][cells] = lasts
        stem, leaves = kind == self.stem, fate == self.leaving
        s["flux"][FLUX.index("death")] -= int((stem & dies & ~leaves).sum())
        s["flux"][FLUX.index("traffic")] -= int((stem & leaves).sum())
        turns = chosen[~dies]
        if turns.size:
            old = kind[~dies]
            new = self.converts_to[old, fate[~dies] - self.first_conversion]
            np.add.at(s["converted"], (old, new), 1.0)
            s["flux"][FLUX.index("differentiation")] -= int((old == self.stem).sum())
            s["flux"][FLUX.index("dedifferentiation")] += int((new == self.stem).sum())
            s["type"][turns] = new
            s["phase"][turns] = G1

    def _expect(self, s: State, k: Backend) -> None:
        """Add up what the hazards lead one to expect of this tick."""
        events = np.zeros_like(s["expected_deaths"])
        k.expected_events(s["hazards"], s["type"], s.n, TICK_MIN, events)
        s["expected_deaths"] += events
        old = np.arange(events.shape[1])
        for row in np.flatnonzero((self.outcome == ALIVE) & events.any(axis=1)):
            targets = self.converts_to[:, row - self.first_conversion]
            s["expected_converted"][old, targets] += events[row]


def behaviours(plan: Plan) -> Behaviours:
    """Compile the behaviour drives and base values into the interpreter's table."""
    return Behaviours(table=behaviour_table(plan))


def hazards(plan: Plan) -> Hazards:
    """Wire behaviours to hazard rows."""
    sources = np.full((len(plan.types), len(plan.hazards)), -1, np.int32)
    for death in ("apoptosis", "necrosis", "ferroptosis"):
        sources[:, plan.hazards[death]] = plan.behaviours[f"{death}_rate"]
    for i, targets in enumerate(plan.conversions):
        for slot, target in enumerate(targets):
            name = f"conversion.{plan.types.names[i]}.{target}"
            sources[i, plan.hazards["conversion.0"] + slot] = plan.behaviours[name]
    return Hazards(
        sources=sources,
        turnover_row=plan.hazards["turnover"],
        turnover=plan.trait("turnover"),
    )


def fates(plan: Plan) -> Fates:
    """Say what each hazard leads to."""
    leads_to = {"turnover": GONE, "drainage": GONE, HAZARD: GONE}
    leads_to |= dict.fromkeys(("necrosis", "ferroptosis", "virus_death"), NECROTIC)
    outcome = np.array(
        [
            ALIVE if name.startswith("conversion.") else leads_to.get(name, APOPTOTIC)
            for name in plan.hazards.names
        ],
        np.uint8,
    )
    slots = max(1, max(len(c) for c in plan.conversions))
    targets = np.zeros((len(plan.types), slots), np.int16)
    for i, names in enumerate(plan.conversions):
        for slot, name in enumerate(names):
            targets[i, slot] = plan.types[name]
    return Fates(
        outcome=outcome,
        first_conversion=plan.hazards["conversion.0"],
        converts_to=targets,
        apoptosis_duration=plan.trait("apoptosis_duration"),
        necrosis_duration=plan.trait("necrosis_duration"),
        stem=plan.types[STEM],
        leaving=plan.hazards[HAZARD] if HAZARD in plan.hazards else -1,
        seed=plan.seed,
    )
