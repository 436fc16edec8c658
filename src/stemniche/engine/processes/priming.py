"""Priming: cells that eat dead tumour carry antigen to the lymph node, which sends T cells.

`Presentation` loads the presenters in the tissue and lets the ripe ones leave; `LymphNode` turns
those that left into a response, which the blood's pools follow (`recruitment.Marrow`). Who presents
and whose numbers rise are traits of the library; what ripens or blocks presenters are its rules.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.sensing import CONTACTS
from stemniche.engine.state import ALIVE, APOPTOTIC, NECROTIC, Array, State
from stemniche.kernels.cpu import Backend

NODE = ("presenters", "tolerogenic", "activated", "effectors")
"""What the variable ``lymph_node`` holds: antigen-laden presenters that costimulate and that do not
(cells per slice, each as if all did at rest), and the response on its way and in the blood, 0 to 1
of the greatest."""

COSTIMULATION = "costimulation"
"""Node of a presenter: how much it gives of the second signal that T cells need."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation(Process):
    """Load presenters with antigen of touching dead tumour cells; the laden ones ripen and leave.

    Args:
        presenters: uint8 [T], types with a rate of maturation.
        victims: uint8 [T], types whose dead carry antigen.
        hazard: Row of leaving for the lymph node.

    Source:
        ``dA/dt = uptake (1 - A)`` with uptake = phagocytosis rate * touching dead * antigenicity,
        exact over the tick; hazard = maturation rate * A.
    """

    presenters: Array
    victims: Array
    antigenicity: float
    eating_row: int
    maturation_row: int
    hazard: int
    name: str = "presentation"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(
        read={"behaviours": "1", "type": "1", "state": "1", **CONTACTS},
        write={"antigen": "1"},
        add={"hazards": "1/min"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        kind, state = s.live("type"), s.live("state")
        mine = np.flatnonzero(self.presenters[kind] & (state == ALIVE))
        if not mine.size:
            return
        dead = self.victims[kind] * ((state == APOPTOTIC) | (state == NECROTIC))
        met = np.zeros(s.n, np.float32)
        touching = s["touch_ptr"], s["touch_idx"], s.n
        if dead.any():
            k.neighbour_sum(np.ones(s.n, np.float32), dead, *touching, met)
        eaten = self.antigenicity * s["behaviours"][self.eating_row, mine] * met[mine] * TICK_MIN
        s["antigen"][mine] += (1.0 - s["antigen"][mine]) * -np.expm1(-eaten)
        ripe = s["behaviours"][self.maturation_row, mine] * s["antigen"][mine]
        s["hazards"][self.hazard, mine] += ripe


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LymphNode(Process):
    """The node that drains the tissue: presenters arrive, T cells respond after a delay.

    Presenters without costimulation make T cells tolerant instead.

    Args:
        hazard: Row of leaving for the node.
        second: Signal row of costimulation; `rest` its level at rest.
        scale: How many slices like this one drain into it.
        half: Antigen-laden presenters in the node at half the greatest response.
        decay: 1/min, loss of presenters.
        step: 1/min, rate of each of the two steps from contact to effectors in the blood.

    Source:
        With c of the arrivals' costimulation and c0 at rest: ``dD/dt = arrivals c/c0 - decay D``,
        ``dT/dt = arrivals (1 - c)/(1 - c0) - decay T``; ``dA/dt = step (r - A)`` with
        ``r = scale D / (scale D + half) * min(1, 2 D / (D + T))``; ``dE/dt = step (A - E)``; each
        exact over the tick with the others held. Anergy by lone antigen: Schwartz 2003
        doi:10.1146/annurev.immunol.21.120601.141110.
    """

    hazard: int
    second: int
    rest: float
    scale: float
    half: float
    decay: float
    step: float
    name: str = "lymph_node"
    phase: Phase = Phase.RESOLVE
    every_s: int = TICK_S
    access: Access = Access(
        read={"fate": "1", "antigen": "1", "signals": "1"},
        write={"lymph_node": "mixed"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        node = s["lymph_node"]
        left = s.live("fate") == self.hazard
        antigen = s.live("antigen")[left].astype(np.float64)
        second = s.live("signals")[self.second][left].astype(np.float64)
        if not (antigen.any() or node.any()):
            return
        presenters, tolerogenic, activated, effectors = node
        laden = self.scale * presenters
        kept = np.exp(-self.step * TICK_MIN)
        node[3] = activated + (effectors - activated) * kept
        stimulates = min(1.0, 2.0 * presenters / max(presenters + tolerogenic, 1e-30))
        wanted = laden / (laden + self.half) * stimulates
        node[2] = wanted + (activated - wanted) * kept
        stays = np.exp(-self.decay * TICK_MIN)
        node[0] = presenters * stays + float((antigen * second).sum()) / self.rest
        lone = float((antigen * (1.0 - second)).sum()) / (1.0 - self.rest)
        node[1] = tolerogenic * stays + lone


def presentation(plan: Plan) -> Presentation:
    """Wire the types that ripen to the hazard of leaving for the lymph node."""
    return Presentation(
        presenters=np.array([t.traits["maturation_rate"] > 0.0 for t in plan.cell_types], np.uint8),
        victims=plan.mask(["tumour"]),
        antigenicity=plan.surroundings.antigenicity,
        eating_row=plan.behaviours["phagocytosis_rate"],
        maturation_row=plan.behaviours["maturation_rate"],
        hazard=plan.hazards["drainage"],
    )


def lymph_node(plan: Plan) -> LymphNode:
    """Build the node for the tissue that the slice stands for."""
    rest = next(n.baseline for n in plan.model.nodes if n.id == COSTIMULATION)
    return LymphNode(
        hazard=plan.hazards["drainage"],
        second=plan.signals[COSTIMULATION],
        rest=rest,
        scale=plan.surroundings.blood_scale,
        half=plan.parameter("lymph_node.half"),
        decay=float(np.log(2.0) / plan.parameter("lymph_node.half_life")),
        step=2.0 / plan.parameter("lymph_node.delay"),
    )
