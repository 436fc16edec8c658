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
from stemniche.engine.state import ALIVE, Array, State
from stemniche.kernels.cpu import Backend


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Killing(Process):
    """Sublethal hits by touching killers, which add up and are repaired.

    A killer shares its hits among the victims it touches, so many of them at once do not make it
    faster (handling time), and a fresh victim has to collect hits anew (contact time). How much of
    a killer's attack is in use is its ``engagement``.

    Args:
        killers: Pairs (type, hazard row), in the order of the rows of ``hits``.
        specific: For each killer, the share of its attack that needs presented antigen; the rest
            strikes cells that present little (missing self).
        repair: 1/min, decay of hits.
        half, hill: Hits at half the greatest hazard, and the power.
        fastest: 1/min, hazard of a victim with very many hits.

    Source:
        Three hits in sequence, each within 50 min of the last, part death from recovery: Weigelin
        2021 doi:10.1038/s41467-021-25282-3. ``dH/dt = hits - repair H``, exact over the tick;
        hazard ``fastest H^p / (half^p + H^p)``, shared among killers by their part in H. Missing
        self: Karre 1986 doi:10.1038/319675a0.
    """

    killers: tuple[tuple[int, int], ...]
    specific: tuple[float, ...]
    rate_row: int
    visibility_row: int
    victims: Array
    antigenicity: float
    repair: float
    half: float
    hill: float
    fastest: float
    name: str = "killing"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(
        read={"behaviours": "1", "type": "1", "state": "1", **CONTACTS},
        write={"hits": "1", "engagement": "1"},
        add={"hazards": "1/min"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n, hits = s.n, s["hits"]
        alive = s["state"] == ALIVE
        exposed = self.victims[s["type"]] * alive
        s["engagement"][:n] = 0.0
        kept = np.float32(np.exp(-self.repair * TICK_MIN))
        for row, (kind, _) in enumerate(self.killers):
            rate = self._hits(s, k, row, kind, alive, exposed)
            steady = rate / np.float32(self.repair)
            hits[row, :n] = (steady + (hits[row] - steady) * kept)[:n]
        total = hits[:, :n].sum(axis=0)
        if not total.any():
            return
        power = np.power(total, self.hill)
        hazard = self.fastest * power / (power + self.half**self.hill)
        share = hazard * exposed[:n] / np.maximum(total, np.float32(1e-12))
        for row, (_, hazard_row) in enumerate(self.killers):
            s["hazards"][hazard_row, :n] += share * hits[row, :n]

    def _seen(self, s: State, row: int) -> Array:
        """How much of each cell a killer recognises, 0 to 1."""
        specific, visible = self.specific[row], s["behaviours"][self.visibility_row]
        return specific * self.antigenicity * visible + (1.0 - specific) * (1.0 - visible)

    def _hits(
        self, s: State, k: Backend, row: int, kind: int, alive: Array, exposed: Array
    ) -> Array:
        """Hits per minute that each cell gets from killers of one type; notes their engagement."""
        n = s.n
        killing = (s["type"] == kind) & alive
        got = np.zeros(s.capacity, np.float32)
        if not killing[:n].any():
            return got
        touching = s["touch_ptr"], s["touch_idx"], n
        met = np.zeros(s.capacity, np.float32)
        seen = (exposed * self._seen(s, row)).astype(np.float32)
        k.neighbour_sum(seen, alive.astype(np.uint8), *touching, met)
        each = s["behaviours"][self.rate_row] / np.maximum(met, np.float32(1.0))
        k.neighbour_sum(each, killing.astype(np.uint8), *touching, got)
        s["engagement"][:n] += np.where(killing, np.minimum(met, np.float32(1.0)), 0.0)[:n]
        return got * seen


def killing(plan: Plan) -> Killing:
    """Wire every type with a kill rate to its hazard row."""
    specific = plan.trait("antigen_specific")
    killers = tuple(
        (plan.types[name.removeprefix("kill.")], row)
        for row, name in enumerate(plan.hazards.names)
        if name.startswith("kill.")
    )
    return Killing(
        killers=killers,
        specific=tuple(float(specific[kind]) for kind, _ in killers),
        rate_row=plan.behaviours["kill_rate"],
        visibility_row=plan.behaviours["visibility"],
        victims=plan.mask(["tumour"]),
        antigenicity=plan.surroundings.antigenicity,
        repair=float(np.log(2.0) / plan.parameter("killing.recovery")),
        half=plan.parameter("killing.hits"),
        hill=plan.parameter("killing.hill"),
        fastest=plan.parameter("killing.fastest"),
    )
