"""Drugs and rays in the distant organ: what they hold, kill and sterilise among its mean cells.

Drugs get there by the blood, like every dissolved factor; `processes.distant` follows their levels.
Here a level becomes held targets, and hazards for host and settled cells, by the same records and
numbers as in the tissue. Cells there carry no damage: what damage does to signalling is not felt.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.chance import binomial, fine_uniform
from stemniche.engine.controls import Control
from stemniche.engine.plan import END, STEM, TRANSIT, Plan
from stemniche.engine.process import SUPPLY_S, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.spread import DRAWN, EXPECTED, settled_columns
from stemniche.engine.state import G0, G1, G2M, S_PHASE, Array, State
from stemniche.kernels.cpu import Backend, stream
from stemniche.therapy.action import Cytotoxic
from stemniche.therapy.radiation import enhancement, lethal
from stemniche.therapy.targeting import Depletion, Hold, Scaled

RESTS, CYCLES = 0, 1
"""Rows of ``distant_kill``: hazards of cells at rest, and of those in the cycle."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DistantDrugs(Process):
    """Find what drugs hold back of signals in the distant organ, and at which rates they kill.

    Args:
        holds: How the targets' occupancy follows from levels, in the order of the plan's `held`.
        scaled: What the targets do to signals of cells.
        poisons: Actions of cytotoxic drugs; a mean cell holds drug at balance.
        depletion: Hazards of cells that drugs mark.
        durations: float64 [2, T], min that S and G2M take.
        cycle_row: Row of the rate at which G1 ends.

    Source:
        A cycling cell is in a phase for that phase's share of its cycle.
    """

    holds: tuple[Hold, ...]
    scaled: tuple[Scaled, ...]
    poisons: tuple[Cytotoxic, ...]
    depletion: Depletion | None
    durations: Array
    cycle_row: int
    access: Access
    name: str = "distant_drugs"
    phase: Phase = Phase.FIELDS
    every_s: int = SUPPLY_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        level = s["distant_levels"]
        pairs = zip(self.holds, s["distant_occupancy"], strict=False)
        held = np.array([hold.after(SUPPLY_S / 60.0, old, level) for hold, old in pairs])
        if self.holds:
            s["distant_occupancy"][:] = held
        if self.scaled:
            left = np.ones_like(s["distant_withheld"])
            for one in self.scaled:
                value = s["distant_signals"][one.row]
                left[:, one.row] *= one.share_left(value, held[one.target], level)
            s["distant_withheld"][:] = 1.0 - left
        if not self.poisons and self.depletion is None:
            return
        kill = s["distant_kill"]
        kill[:] = 0.0
        for poison in self.poisons:
            self._poison(s, poison, float(level[poison.factor]))
        if self.depletion is not None:
            for row, kinds, rate in self.depletion.kills:
                kill += rate * held[row] * kinds

    def _poison(self, s: State, poison: Cytotoxic, level: float) -> None:
        """Add the hazards of one poison at some level around cells."""
        doing = s["distant_behaviours"].astype(np.float64)
        hazard = poison.kill * poison.effect(poison.balance(level, doing[poison.efflux_row]))
        hazard *= doing[poison.sensitivity_row]
        first = 1.0 / np.maximum(doing[self.cycle_row], 1e-12)
        spent = {G1: first, S_PHASE: self.durations[0], G2M: self.durations[1]}
        share = sum(poison.phases[p] * minutes for p, minutes in spent.items())
        s["distant_kill"][RESTS] += hazard * poison.phases[G0]
        s["distant_kill"][CYCLES] += hazard * share / sum(spent.values())


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DistantRays(Process):
    """Irradiate the distant organ: settled cells whose line a fraction ends are gone at once.

    Args:
        fractions: Place among all controls, and the control.
        types: int64, type of the cells in each column of ``settled``.
        sensitivity_row: Fold on the lethal lesions of a type.

    Source:
        Survival ``exp(-lesions)`` of the linear-quadratic model, at the organ's oxygen; fractions
        a day apart are repaired in between.
    """

    fractions: tuple[tuple[int, Control], ...]
    types: Array
    oxygen: int
    alpha: float
    beta: float
    oer: float
    oer_half: float
    sensitivity_row: int
    seed: int
    name: str = "distant_rays"
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S
    access: Access = Access(
        read={
            "control_ended": "1",
            "distant_levels": "factor unit",
            "distant_behaviours": "1",
        },
        write={"settled": "cells"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        for place, control in self.fractions:
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                self._hit(s, t, k, place, control.value)

    def _hit(self, s: State, t: Tick, k: Backend, place: int, dose: float) -> None:
        """One fraction: thin out the expected counts, draw the others."""
        oxygen = s["distant_levels"][self.oxygen : self.oxygen + 1]
        felt = dose * enhancement(oxygen, self.oer, self.oer_half) / self.oer
        fold = s["distant_behaviours"][self.sensitivity_row, self.types].astype(np.float64)
        chance = np.exp(-fold * lethal(felt, np.zeros(1), self.alpha, self.beta))
        keys = np.arange(len(self.types), dtype=np.uint64) + np.uint64(1000 * place)
        draw = fine_uniform(self.seed, stream("distant_rays"), keys, t.index, k)
        s["settled"][EXPECTED] *= chance
        s["settled"][DRAWN] = binomial(s["settled"][DRAWN], chance, draw)


def distant_drugs(
    holds: tuple[Hold, ...],
    scaled: tuple[Scaled, ...],
    poisons: tuple[Cytotoxic, ...],
    depletion: Depletion | None,
    plan: Plan,
) -> DistantDrugs:
    """Build what drugs do in the distant organ."""
    kills = bool(poisons) or depletion is not None
    durations = [plan.trait("s_duration"), plan.trait("g2m_duration")]
    return DistantDrugs(
        holds=holds,
        scaled=scaled,
        poisons=poisons,
        depletion=depletion,
        durations=np.array(durations, np.float64),
        cycle_row=plan.behaviours["cycle_rate"],
        access=Access(
            read={
                "distant_levels": "factor unit",
                **({"distant_signals": "1"} if scaled else {}),
                **({"distant_behaviours": "1"} if poisons else {}),
            },
            write={
                **({"distant_occupancy": "1"} if holds else {}),
                **({"distant_withheld": "1"} if scaled else {}),
                **({"distant_kill": "1/min"} if kills else {}),
            },
        ),
    )


def distant_rays(fractions: tuple[tuple[int, Control], ...], plan: Plan) -> DistantRays:
    """Build the irradiation of the distant organ."""
    count = settled_columns(plan)
    types = np.full(count, plan.types[TRANSIT], np.int64)
    types[:2] = plan.types[STEM]
    types[-1] = plan.types[END]
    return DistantRays(
        fractions=fractions,
        types=types,
        oxygen=plan.factors["oxygen"],
        alpha=plan.parameter("radiation.alpha"),
        beta=plan.parameter("radiation.beta"),
        oer=plan.parameter("radiation.oer"),
        oer_half=plan.parameter("radiation.oer_half"),
        sensitivity_row=plan.behaviours["radiosensitivity"],
        seed=plan.seed,
    )
