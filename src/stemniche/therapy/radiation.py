"""Radiation: lethal lesions by dose and oxygen, repair between fractions, deaths that come late.

`lower` hands over the fractions as controls of the kind ``radiation``. A hit cell does not die at
once: it waits in G2 while breaks are open, then divides a few times with both daughters inheriting
the lesions, until a mitosis fails; what is held grows on into a giant cell, and what has failed or
rests dies slowly. What damage does to signalling is the Model's business.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.controls import Control
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, G2M, S_PHASE, Array, State, Variable
from stemniche.kernels.cpu import Backend, stream

MOST_LESIONS = 255

DISTANT = "distant"
"""Where fractions strike that leave the tissue alone; `therapy.distant` carries them out."""


def enhancement(oxygen: Array, greatest: float, half: float) -> Array:
    """Effect of a dose at `oxygen` (mmHg) over that without oxygen.

    Source:
        ``(m p + K) / (p + K)``: Alper & Howard-Flanders 1956 Nature 178:978 doi:10.1038/178978a0.
    """
    p = np.maximum(oxygen, 0.0)
    return np.asarray((greatest * p + half) / (p + half))


def lethal(dose: Array, unrepaired: Array, alpha: float, beta: float) -> Array:
    """Expected lethal lesions by an acute fraction, with `unrepaired` Gy left of earlier ones.

    Source:
        ``alpha d + beta d (d + 2 u)`` with ``u = sum_j d_j exp(-mu (t - t_j))``, which summed over
        the fractions is the incomplete repair model: Thames 1985 Int J Radiat Biol 47:319
        doi:10.1080/09553008514550461.
    """
    return np.asarray(alpha * dose + beta * dose * (dose + 2.0 * unrepaired))


def poisson(mean: Array, draw: Array) -> Array:
    """Numbers of events, at most `MOST_LESIONS`, from uniform draws by inversion."""
    count = np.zeros(len(mean), np.uint8)
    chance = np.exp(-mean.astype(np.float64))
    below = chance.copy()
    for n in range(1, MOST_LESIONS + 1):
        more = draw >= below
        if not more.any():
            break
        count[more] = n
        chance *= mean / n
        below += chance
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """What the fractions of a scenario add to a Plan; nothing without any."""

    fractions: tuple[tuple[int, Control], ...] = ()
    distant: tuple[tuple[int, Control], ...] = ()
    variables: tuple[Variable, ...] = ()
    hazards: tuple[str, ...] = ()

    def processes(self, plan: Plan) -> tuple[Process, ...]:
        """Hits with their aftermath, and mitoses that fail."""
        return (radiation(self.fractions, plan), catastrophe(plan)) if self.fractions else ()


def lower_radiation(controls: tuple[Control, ...]) -> Lowered:
    """Find the fractions among the controls."""
    rays = [(i, c) for i, c in enumerate(controls) if c.kind == "radiation"]
    distant = tuple((i, c) for i, c in rays if c.where == DISTANT)
    fractions = tuple((i, c) for i, c in rays if c.where != DISTANT)
    if not fractions:
        return Lowered(distant=distant)
    return Lowered(
        fractions=fractions,
        distant=distant,
        variables=(
            Variable(name="unrepaired", unit="Gy", kind="cell"),
            Variable(name="lesions", unit="1", kind="cell", dtype="uint8"),
            Variable(name="abortive", unit="1", kind="cell", dtype="uint8"),
            Variable(name="failed", unit="1", kind="cell", dtype="uint8"),
            Variable(name="swollen", unit="1", kind="cell"),
        ),
        hazards=("radiation_death",),
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Radiation(Process):
    """Lesions by every fraction that strikes; repair, arrest in G2 and slow death between them.

    Cells that are held grow on at the pace of S and G2: ``swollen`` is what they have too much, in
    volumes of a newborn cell.

    Args:
        fractions: Place among all controls, and the control.
        alpha, beta: Lethal lesions per Gy and per Gy^2 at full oxygen.
        oer, oer_half: Greatest effect of oxygen, and mmHg at half of it.
        phases: float32, fold on the lesions for every phase of the cycle.
        repair_fold: Rate of the repair of sublethal lesions over ``damage_repair``.
        checkpoint: Gy unrepaired above which cells are held in G2.
        growth: float32 [T], share of a newborn cell's volume that a held one gains in a tick.
        giant: Most that it gains.
        delayed_death: float32 [T], 1/min, death of cells with lethal lesions outside mitosis.

    Source:
        Linear-quadratic; cells are held in G2 by more than 10 to 20 open breaks, and go on with
        those: Deckbar 2007 J Cell Biol 176:749 doi:10.1083/jcb.200612047. `damage` is 1 for a
        dose that would kill half: ``lesions / ln 2``.
    """

    fractions: tuple[tuple[int, Control], ...]
    oxygen: int
    alpha: float
    beta: float
    oer: float
    oer_half: float
    phases: Array
    repair_fold: float
    checkpoint: float
    growth: Array
    giant: float
    delayed_death: Array
    sensitivity_row: int
    repair_row: int
    hazard: int
    seed: int
    name: str = "radiation"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(
        read={
            "control_ended": "1",
            "fields": "factor unit",
            "voxel": "1",
            "behaviours": "1",
            "type": "1",
            "state": "1",
            "phase": "1",
            "key": "1",
            "failed": "1",
        },
        write={"unrepaired": "Gy", "lesions": "1", "clock": "min", "swollen": "1"},
        add={"hazards": "1/min", "damage": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        for place, control in self.fractions:
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                self._hit(s, t, k, place, control.value)
        n, open_, failed = s.n, s.live("unrepaired"), s.live("failed")
        held = (open_ > self.checkpoint) | (failed == 1)
        held &= (s.live("state") == ALIVE) & (s.live("phase") == G2M)
        s["clock"][:n] += np.where(held, np.float32(TICK_MIN), np.float32(0.0))
        grown = s.live("swollen") + self.growth[s.live("type")]
        s["swollen"][:n] = np.where(held, np.minimum(grown, self.giant), s.live("swollen"))
        doomed = s.live("lesions") > 0
        s["hazards"][self.hazard, :n] += self.delayed_death[s.live("type")] * doomed
        open_ *= np.exp(-self.repair_fold * s["behaviours"][self.repair_row, :n] * TICK_MIN)

    def _hit(self, s: State, t: Tick, k: Backend, place: int, dose: float) -> None:
        """One acute fraction for all living cells."""
        cells = np.flatnonzero(s.live("state") == ALIVE)
        oxygen = s["fields"][self.oxygen].ravel()[s["voxel"][cells]]
        felt = dose * enhancement(oxygen, self.oer, self.oer_half) / self.oer
        fold = s["behaviours"][self.sensitivity_row, cells] * self.phases[s["phase"][cells]]
        mean = fold * lethal(felt, s["unrepaired"][cells], self.alpha, self.beta)
        draw = k.uniform_array(self.seed, stream("radiation"), s["key"][cells], t.index, place)
        new = poisson(mean, draw).astype(np.int64)
        s["lesions"][cells] = np.minimum(s["lesions"][cells] + new, MOST_LESIONS)
        s["unrepaired"][cells] += felt
        s["damage"][cells] += mean / np.log(2.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Catastrophe(Process):
    """Every mitosis of a cell with lethal lesions fails or passes; what failed stays held.

    Daughters share what their mother had too much.

    Args:
        chance: That one lesion makes a mitosis fail.
        most: Divisions after the hit beyond which all mitoses fail.
        volume: float32 [T], um^3, of a newborn cell.

    Source:
        Hit cells divide, some several times, before most of their line disintegrates or is held
        for good at a mitosis: Hurwitz & Tolmach 1969 Biophys J 9:607. Each lesion may break the
        mitosis by itself: ``1 - (1 - chance)^lesions``.
    """

    chance: float
    most: int
    volume: Array
    seed: int
    name: str = "catastrophe"
    phase: Phase = Phase.MOVE
    every_s: int = TICK_S
    access: Access = Access(
        read={"state": "1", "key": "1", "lesions": "1", "type": "1"},
        write={
            "dividing": "1",
            "clock": "min",
            "abortive": "1",
            "failed": "1",
            "swollen": "1",
            "radius": "um",
        },
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        alive = s.live("state") == ALIVE
        self._divide(s, t, k, np.flatnonzero(alive & (s.live("dividing") == 1)))
        giants = np.flatnonzero(alive & (s.live("swollen") > 0.0))
        extra = self.volume[s["type"][giants]] * s["swollen"][giants] * 0.238732414637843
        s["radius"][giants] = np.cbrt(s["radius"][giants] ** 3 + extra)

    def _divide(self, s: State, t: Tick, k: Backend, cells: Array) -> None:
        """Let the mitoses of this tick fail or pass."""
        draw = k.uniform_array(self.seed, stream("catastrophe"), s["key"][cells], t.index, 0)
        passes = draw < (1.0 - self.chance) ** s["lesions"][cells].astype(np.float64)
        spent = (s["abortive"][cells] >= self.most) | (s["failed"][cells] == 1)
        passes &= ~(spent & (s["lesions"][cells] > 0))
        s["abortive"][cells[passes]] += s["lesions"][cells[passes]] > 0
        s["swollen"][cells[passes]] *= np.float32(0.5)
        stuck = cells[~passes]
        s["failed"][stuck] = 1
        s["dividing"][stuck] = 0
        s["clock"][stuck] = TICK_MIN


def radiation(fractions: tuple[tuple[int, Control], ...], plan: Plan) -> Radiation:
    """Build the fractions' effect on cells."""
    phases = np.ones(4, np.float32)
    phases[S_PHASE] = plan.parameter("radiation.s_phase")
    phases[G2M] = plan.parameter("radiation.g2m_phase")
    return Radiation(
        fractions=fractions,
        oxygen=plan.factors["oxygen"],
        alpha=plan.parameter("radiation.alpha"),
        beta=plan.parameter("radiation.beta"),
        oer=plan.parameter("radiation.oer"),
        oer_half=plan.parameter("radiation.oer_half"),
        phases=phases,
        repair_fold=plan.parameter("radiation.repair_fold"),
        checkpoint=plan.parameter("radiation.checkpoint"),
        growth=TICK_MIN / np.maximum(plan.trait("s_duration") + plan.trait("g2m_duration"), 1.0),
        giant=plan.parameter("radiation.giant"),
        delayed_death=plan.trait("delayed_death"),
        sensitivity_row=plan.behaviours["radiosensitivity"],
        repair_row=plan.behaviours["damage_repair"],
        hazard=plan.hazards["radiation_death"],
        seed=plan.seed,
    )


def catastrophe(plan: Plan) -> Catastrophe:
    """Build the fate of mitoses after a hit."""
    return Catastrophe(
        chance=plan.parameter("radiation.mitotic_death"),
        most=round(plan.parameter("radiation.abortive_divisions")),
        volume=plan.trait("volume"),
        seed=plan.seed,
    )
