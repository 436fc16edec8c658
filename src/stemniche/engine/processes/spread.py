"""Spread: tumour cells circulate in the blood, settle in a distant organ, rest and grow there.

The blood gets what all slices of the represented tumour shed (`processes.intravasation`) and what
is injected. Cells are counts: expected ones by rates, and drawn ones by the same rates and named
random streams. Every rate is a behaviour of a cell (`rates` by the library's rows) or a parameter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.chance import binomial, died_out, fine_uniform, poisson
from stemniche.engine.controls import Control
from stemniche.engine.plan import END, STEM, TRANSIT, Plan
from stemniche.engine.process import SUPPLY_S, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import Array, State
from stemniche.engine.wellmixed import SPHERE
from stemniche.kernels.cpu import Backend, stream

EXPECTED, DRAWN = 0, 1
"""Rows of every count outside the tissue."""

TALLY = ("entered", "settled", "colonies")
"""Columns of ``spread_tally``: cells that entered the blood, that settled, and lines that last."""

Law = Callable[[Array, Array], Array]
"""How many of some counts meet something that has a chance: the mean, or a draw."""

AT_ONCE = 64
"""Random numbers that are drawn at once: a step takes some sixty."""

RESTING, ACTIVE = 0, 1
"""Columns of ``settled`` that hold stem cells; progenitors by divisions left follow,
and the differentiated."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Injection(Process):
    """Put tumour cells into the blood or the distant organ by hand.

    Args:
        controls: Place among all controls, and the control.
    """

    controls: tuple[tuple[int, Control], ...]
    types: tuple[int, ...]
    seats: Array
    name: str = "injection"
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S
    access: Access = Access(
        read={"control_ended": "1"}, add={"circulating": "cells", "settled": "cells"}
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        for (place, control), kind in zip(self.controls, self.types, strict=True):
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                if control.target == "circulation":
                    s["circulating"][:, kind] += control.value
                else:
                    s["settled"][:, self.seats[kind]] += control.value


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Killer:
    """A type that kills: its place, its place among the blood's pools, and what it recognises.

    Args:
        specific: Share of its attack that needs presented antigen.
        direct: Share that reads the surface antigen instead, of which it sees `shown`.
        host: Fold of the host's immune state on its number.
    """

    kind: int
    pool: int
    specific: float
    direct: float
    shown: float
    host: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Spread(Process):
    """Counts of tumour cells in the blood and in the distant organ, expected and drawn.

    Args:
        seats: int [T], column of ``settled`` in which cells of a type arrive, -1 for no tumour.
        cleared: 1/min, loss of circulating cells by shear and filtering.
        touched: Killers of a kind that touch a circulating cell at their normal number.
        contact: float64 [T, T], volume in which cells of two types touch, um^3.
        lasting: min, a line of stem cells that lasts so long counts as a colony.

    Source:
        Cells leave the blood at `cleared`, by killers, and into the organ at ``extravasation_rate``
        times its permeability; those that come within a step have been there for half of it on
        average, exactly. In the organ they rest, wake, divide and die at the rates of the mean cell
        there; killers strike at hits per touching killer over `hits`. A colony is a waking stem
        cell whose line lasts (`died_out`).
    """

    tumour: tuple[int, ...]
    stem: int
    transit: int
    end: int
    seats: Array
    killers: tuple[Killer, ...]
    contact: Array
    volume: float
    antigenicity: float
    hits: float
    cleared: float
    touched: float
    lasting: float
    fixed_phases: Array
    rows: dict[str, int]
    seed: int
    name: str = "spread"
    phase: Phase = Phase.RESOLVE
    every_s: int = SUPPLY_S
    access: Access = Access(
        read={
            "pool": "1",
            "distant_behaviours": "1",
            "distant_cells": "cells",
            "distant_permeability": "1",
            "distant_kill": "1/min",
        },
        write={"shedding": "cells", "circulating": "cells", "settled": "cells"},
        add={"spread_tally": "cells"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        if not (s["shedding"].any() or s["circulating"].any() or s["settled"].any()):
            return
        draw = _Draw(self.seed, t.index, k)
        arrived = self._circulate(s, draw)
        self._grow(s, draw)
        for row in (EXPECTED, DRAWN):
            for place, kind in enumerate(self.tumour):
                s["settled"][row, self.seats[kind]] += arrived[row][place]

    def rates_in_blood(self, s: State) -> tuple[Array, Array]:
        """Rates at which cells of each tumour type leave the blood, and settle; 1/min."""
        doing, own = s["distant_behaviours"], list(self.tumour)
        settle = doing[self.rows["extravasation_rate"], own] * s["distant_permeability"][0]
        strikes = self._strikes(s)
        killed = sum(
            self.touched * c.host * float(s["pool"][c.pool]) * strike
            for c, strike in zip(self.killers, strikes, strict=True)
            if c.pool >= 0
        )
        return self.cleared + settle + killed, np.asarray(settle, np.float64)

    def rates_settled(self, s: State) -> dict[str, Array]:
        """Rates of the mean tumour cells in the organ, 1/min, by type in the order of `tumour`."""
        own = list(self.tumour)
        doing = s["distant_behaviours"][:, own].astype(np.float64)
        found = {name: doing[row] for name, row in self.rows.items()}
        rate = found["cycle_rate"]
        killed = sum(
            s["distant_cells"][c.kind] * self.contact[c.kind, own] / self.volume * strike
            for c, strike in zip(self.killers, self._strikes(s), strict=True)
        )
        die = found["apoptosis_rate"] + found["necrosis_rate"] + killed
        resting, cycling = s["distant_kill"][:, own]
        return {
            "divide": rate / (1.0 + rate * self.fixed_phases[own]),
            "die": die + cycling,
            "die_resting": die + resting,
            "wake": found["awakening_rate"],
            "rest": found["quiescence_rate"],
            "symmetric": found["symmetric_probability"],
        }

    def lasts(self, found: dict[str, Array]) -> float:
        """Chance that the line of a waking stem cell lasts at some rates in the organ."""
        stem = self.tumour.index(self.stem)
        birth = found["divide"][stem] * found["symmetric"][stem]
        return 1.0 - float(died_out(birth, found["die"][stem], self.lasting))

    def chance(self, s: State) -> float:
        """Chance that a stem cell in the blood founds a colony, at the rates of the moment."""
        out, settle = self.rates_in_blood(s)
        found, stem = self.rates_settled(s), self.tumour.index(self.stem)
        wake, die = found["wake"][stem], found["die_resting"][stem]
        return float(settle[stem] / out[stem] * wake / max(wake + die, 1e-30)) * self.lasts(found)

    def _strikes(self, s: State) -> list[Array]:
        """Hazard of a tumour cell of each type that touches one killer of a kind, 1/min."""
        doing, own = s["distant_behaviours"], list(self.tumour)
        seen = doing[self.rows["visibility"], own].astype(np.float64)
        strikes = []
        for c in self.killers:
            known = c.specific * self.antigenicity * seen + (1.0 - c.specific) * (1.0 - seen)
            known = (1.0 - c.direct) * known + c.direct * c.shown
            strikes.append(float(doing[self.rows["kill_rate"], c.kind]) * known / self.hits)
        return strikes

    def _circulate(self, s: State, draw: "_Draw") -> Array:
        """Move cells through the blood; return those that settle, float64 [2, tumour types]."""
        minutes, own = self.every_s / 60.0, list(self.tumour)
        out, settle = self.rates_in_blood(s)
        gone = -np.expm1(-out * minutes)
        gone_of_new = 1.0 - gone / (out * minutes)
        coming = s["shedding"][own]
        arrived = np.zeros((2, len(own)))
        for row, law in ((EXPECTED, _mean), (DRAWN, draw.some)):
            here = s["circulating"][row, own]
            entered = coming if row == EXPECTED else draw.events(coming)
            left, left_new = law(here, gone), law(entered, gone_of_new)
            arrived[row] = law(left + left_new, settle / out)
            s["circulating"][row, own] = here + entered - left - left_new
            s["spread_tally"][row, :2] += entered.sum(), arrived[row].sum()
        s["shedding"][:] = 0.0
        return arrived

    def _grow(self, s: State, draw: "_Draw") -> None:
        """Let settled cells rest, wake, divide and die over a step."""
        found, minutes = self.rates_settled(s), self.every_s / 60.0
        lasts = self.lasts(found)
        for row, law in ((EXPECTED, _mean), (DRAWN, draw.some)):
            before = s["settled"][row]
            after, woken = self._step(before, found, minutes, law)
            s["spread_tally"][row, 2] += float(law(np.array([woken]), np.array([lasts]))[0])
            before[:] = after

    def _step(
        self, z: Array, found: dict[str, Array], minutes: float, law: Law
    ) -> tuple[Array, float]:
        """Counts after a step, and stem cells that woke in it."""
        stem, transit, end = (self.tumour.index(k) for k in (self.stem, self.transit, self.end))
        after, last = z.copy(), len(z) - 1
        busy = found["wake"] / np.maximum(found["wake"] + found["rest"], 1e-30)

        def exits(count: Array, *rates: float) -> list[Array]:
            """How many leave by each of some competing rates."""
            total = sum(rates)
            left = law(count, np.full_like(count, -np.expm1(-total * minutes)))
            parts = []
            for rate in rates[:-1]:
                part = law(left, np.full_like(count, rate / total if total > 0.0 else 0.0))
                parts.append(part)
                left, total = left - part, total - rate
            return [*parts, left]

        dead, woken = exits(z[RESTING:ACTIVE], found["die_resting"][stem], found["wake"][stem])
        after[RESTING] -= dead[0] + woken[0]
        dead, slept, split = exits(
            z[ACTIVE : ACTIVE + 1], found["die"][stem], found["rest"][stem], found["divide"][stem]
        )
        both = law(split, np.full_like(split, min(1.0, float(found["symmetric"][stem]))))
        after[ACTIVE] += woken[0] + both[0] - dead[0] - slept[0]
        after[RESTING] += slept[0]
        after[ACTIVE + 1] += split[0] - both[0]
        young = slice(ACTIVE + 1, last)
        young_die = busy * found["die"] + (1.0 - busy) * found["die_resting"]
        dead, split = exits(z[young], young_die[transit], found["divide"][transit] * busy[transit])
        after[young] -= dead + split
        after[ACTIVE + 2 :] += 2.0 * split
        (dead,) = exits(z[last:], found["die"][end])
        after[last] -= dead[0]
        return after, float(woken[0])


def _mean(count: Array, chance: Array) -> Array:
    """Expected number of `count` that meet something."""
    return np.asarray(count * chance)


class _Draw:
    """Draws of one step, each from its own place in the stream ``spread``."""

    def __init__(self, seed: int, tick: int, k: Backend) -> None:
        self.seed, self.tick, self.k, self.made = seed, tick, k, 0
        self.drawn = np.zeros(0)

    def _uniform(self, count: int) -> Array:
        first, self.made = self.made, self.made + count
        while self.made > len(self.drawn):
            keys = np.arange(len(self.drawn), len(self.drawn) + AT_ONCE, dtype=np.uint64)
            more = fine_uniform(self.seed, stream("spread"), keys, self.tick, self.k)
            self.drawn = np.concatenate([self.drawn, more])
        return self.drawn[first : self.made]

    def events(self, mean: Array) -> Array:
        """Numbers of rare events with some means."""
        return poisson(mean, self._uniform(len(mean)))

    def some(self, count: Array, chance: Array) -> Array:
        """How many of some counts meet something that has a chance; of none, none."""
        if not count.any():
            self.made += len(count)
            return np.zeros(len(count))
        return binomial(count, np.asarray(chance, np.float64), self._uniform(len(count)))


def injection(plan: Plan) -> tuple[Process, ...]:
    """The process that injections need, if there are any."""
    chosen = tuple((i, c) for i, c in enumerate(plan.controls) if c.kind == "inject")
    if not chosen:
        return ()
    kinds = tuple(plan.types[c.cells[0]] for _, c in chosen)
    return (Injection(controls=chosen, types=kinds, seats=seats(plan)),)


def seats(plan: Plan) -> Array:
    """Column of ``settled`` in which a newcomer of each type is counted, -1 for host types."""
    found = np.full(len(plan.types), -1, np.int64)
    found[list(plan.members("tumour"))] = settled_columns(plan) - 1
    found[plan.types[STEM]] = RESTING
    found[plan.types[TRANSIT]] = ACTIVE + 1
    return found


def settled_columns(plan: Plan) -> int:
    """Columns of ``settled``: stem cells at rest and active, progenitors, differentiated."""
    return 3 + int(plan.trait("division_limit")[plan.types[TRANSIT]])


def spread(plan: Plan) -> Spread:
    """Build the way from the blood to colonies."""
    radius = (plan.trait("volume").astype(np.float64) / SPHERE) ** (1.0 / 3.0)
    entering = [int(i) for i in np.flatnonzero(plan.trait("entry"))]
    specific, direct = plan.trait("antigen_specific"), plan.trait("antigen_direct")
    killers = [plan.types[h[5:]] for h in plan.hazards.names if h.startswith("kill.")]
    wanted = (
        "extravasation_rate", "cycle_rate", "apoptosis_rate", "necrosis_rate", "awakening_rate",
        "quiescence_rate", "symmetric_probability", "visibility", "kill_rate",
    )  # fmt: skip
    return Spread(
        tumour=plan.members("tumour"),
        stem=plan.types[STEM],
        transit=plan.types[TRANSIT],
        end=plan.types[END],
        seats=seats(plan),
        killers=tuple(
            Killer(
                kind=i,
                pool=entering.index(i) if i in entering else -1,
                specific=float(specific[i]),
                direct=float(direct[i]),
                shown=1.0 / (1.0 + plan.parameter("antigen.half") ** 2),
                host=plan.surroundings.host_counts.get(plan.types.names[i], 1.0),
            )
            for i in killers
        ),
        contact=SPHERE * (radius[:, None] + radius[None, :]) ** 3,
        volume=plan.grid.volume,
        antigenicity=plan.surroundings.antigenicity,
        hits=plan.parameter("killing.hits"),
        cleared=float(np.log(2.0) / plan.parameter("circulation.half_life")),
        touched=plan.parameter("circulation.contact"),
        lasting=plan.parameter("distant.lasting"),
        fixed_phases=(plan.trait("s_duration") + plan.trait("g2m_duration")).astype(np.float64),
        rows={name: plan.behaviours[name] for name in wanted},
        seed=plan.seed,
    )
