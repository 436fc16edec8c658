"""Contact killing: killers hit what they touch and recognise; hits that are not repaired kill.

Runs before fates are drawn and only adds hazards. Which types kill, how fast they hit and what they
recognise are traits of the library; what exhausts or blinds them are its rows.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.sensing import CONTACTS
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Killing(Process):
    """Sublethal hits by touching killers, which add up and are repaired.

    A killer shares its hits among the victims it touches, so many of them at once do not make it
    faster (handling time), and a fresh victim has to collect hits anew (contact time). How much of
    a killer's attack is in use is its ``engagement``.

    Args:
        killers: int8 [T], row of ``hits`` of every type with a kill rate, else -1.
        hazard_rows: int32, of each killer.
        share, blind: float32, of each killer: how much of its attack strikes cells that present
            antigen, and cells that present little (missing self).
        direct: float32, of each killer: how much of it reads the surface antigen instead.
        antigen_half: Surface antigen at which a killer that reads it recognises half.
        repair: 1/min, decay of hits.
        half, hill: Hits at half the greatest hazard, and the power.
        fastest: 1/min, hazard of a victim with very many hits.

    Source:
        Three hits in sequence, each within 50 min of the last, part death from recovery: Weigelin
        2021 doi:10.1038/s41467-021-25282-3. ``dH/dt = hits - repair H``, exact over the tick;
        hazard ``fastest H^p / (half^p + H^p)``, shared among killers by their part in H. Missing
        self: Karre 1986 doi:10.1038/319675a0.
    """

    killers: Array
    hazard_rows: Array
    share: Array
    blind: Array
    direct: Array
    antigen_half: float
    rate_row: int
    visibility_row: int
    victims: Array
    repair: float
    half: float
    hill: float
    fastest: float
    name: str = "killing"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(
        read={
            "behaviours": "1",
            "type": "1",
            "state": "1",
            "surface_antigen": "1",
            **CONTACTS,
        },
        write={"hits": "1", "engagement": "1"},
        add={"hazards": "1/min"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        b = s["behaviours"]
        antigen = s.live("surface_antigen") ** 2
        shown = (antigen / (antigen + self.antigen_half**2)).astype(np.float32)
        k.strike(
            s["type"],
            s["state"],
            self.killers,
            self.victims,
            b[self.rate_row],
            b[self.visibility_row],
            shown,
            self.share,
            self.blind,
            self.direct,
            s["touch_ptr"],
            s["touch_idx"],
            s.n,
            self.repair,
            TICK_MIN,
            self.half,
            self.hill,
            self.fastest,
            s["hits"],
            self.hazard_rows,
            s["hazards"],
            s["engagement"],
        )


def killing(plan: Plan) -> Killing:
    """Wire every type with a kill rate to its hazard row."""
    names = [name for name in plan.hazards.names if name.startswith("kill.")]
    types = [plan.types[name.removeprefix("kill.")] for name in names]
    specific, direct = plan.trait("antigen_specific")[types], plan.trait("antigen_direct")[types]
    killers = np.full(len(plan.types), -1, np.int8)
    killers[types] = np.arange(len(types))
    return Killing(
        killers=killers,
        hazard_rows=np.array([plan.hazards[name] for name in names], np.int32),
        share=(plan.surroundings.antigenicity * specific * (1.0 - direct)).astype(np.float32),
        blind=((1.0 - specific) * (1.0 - direct)).astype(np.float32),
        direct=direct.astype(np.float32),
        antigen_half=plan.parameter("antigen.half"),
        rate_row=plan.behaviours["kill_rate"],
        visibility_row=plan.behaviours["visibility"],
        victims=plan.mask(["tumour"]),
        repair=float(np.log(2.0) / plan.parameter("killing.recovery")),
        half=plan.parameter("killing.hits"),
        hill=plan.parameter("killing.hill"),
        fastest=plan.parameter("killing.fastest"),
    )
