"""Stemness as a stochastic state, and the labels of the tumour lineage that follow from it."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import END, STEM, TRANSIT, Plan
from stemniche.engine.process import SENSE_S, Access, Phase, Process, Tick
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend

FLUX = ("symmetric", "dedifferentiation", "awakening", "differentiation", "death", "traffic")
"""Causes of a change of the stem cell count, in the order of the variable ``flux``."""

NEVER = 9.0
"""Standard deviations beyond which the chance of a normal step is 0 in double precision."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stemness(Process):
    """Move the stemness of tumour cells and relabel those that cross a threshold.

    Source:
        ``ds = (F - s)/tau dt + noise``, exact over the step with F (node ``stemness``) held;
        labels by hysteresis: up at `high`, down at `low`. Reflected at 0 and 1, a normal step ends
        above `high` where it lies between that and its mirror image, and likewise below `low`.
    """

    drive: int
    tau: Array
    noise: Array
    tumour: Array
    stem: int
    transit: int
    end: int
    high: float
    low: float
    division_limit: int
    seed: int
    name: str = "stemness"
    phase: Phase = Phase.SENSE
    every_s: int = SENSE_S
    access: Access = Access(
        read={"key": "1", "signals": "1", "state": "1", "read_scale": "1"},
        write={"stemness": "1", "type": "1", "left": "1"},
        add={"flux": "cells", "converted": "cells", "expected_converted": "cells"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n, kind = s.n, s.live("type")
        mask = (self.tumour[kind] * (s.live("state") == 0)).astype(np.uint8)
        self._expect(s, np.flatnonzero(mask))
        k.stemness_step(
            s["stemness"],
            drawn_to(s, self.drive, slice(n)),
            self.tau[kind],
            self.noise[kind],
            s["key"],
            self.seed,
            t.index,
            n,
            mask,
            self.every_s / 60.0,
        )
        level, live = s.live("stemness"), mask == 1
        up = np.flatnonzero(live & (level >= self.high) & (kind != self.stem))
        down = np.flatnonzero(live & (level <= self.low) & (kind == self.stem))
        np.add.at(s["converted"][:, self.stem], kind[up], 1.0)
        s["converted"][self.stem, self.transit] += len(down)
        s["flux"][FLUX.index("dedifferentiation")] += len(up)
        s["flux"][FLUX.index("differentiation")] -= len(down)
        kind[up] = self.stem
        kind[down] = self.transit
        s["left"][down] = self.division_limit

    def _expect(self, s: State, cells: Array) -> None:
        """Add up the chances of some cells to be relabelled in this step."""
        from scipy.special import ndtr

        kind = s["type"][cells]
        drive, kept = drawn_to(s, self.drive, cells), np.exp(-self.every_s / 60.0 / self.tau[kind])
        middle = drive + (s["stemness"][cells] - drive) * kept
        spread = np.maximum(self.noise[kind] * np.sqrt(1.0 - kept**2), 1e-9)
        stem, expected = kind == self.stem, s["expected_converted"]
        near = ~stem & (self.high - middle < NEVER * spread)
        at, wide = middle[near], spread[near]
        over = ndtr((2.0 - self.high - at) / wide) - ndtr((self.high - at) / wide)
        up = np.bincount(kind[near], weights=over, minlength=len(expected))
        expected[:, self.stem] += up
        at, wide = middle[stem], spread[stem]
        under = ndtr((self.low - at) / wide) - ndtr((-self.low - at) / wide)
        expected[self.stem, self.transit] += under.sum()


def drawn_to(s: State, drive: int, cells: Array | slice) -> Array:
    """Level to which the network draws the stemness of some cells."""
    return s["signals"][drive, cells] * s["read_scale"][s["type"][cells], drive]


def stemness(plan: Plan) -> Stemness:
    """Build the lineage's thresholds from the library."""
    transit = plan.types[TRANSIT]
    return Stemness(
        drive=plan.signals["stemness"],
        tau=plan.trait("stemness_tau"),
        noise=plan.trait("stemness_noise"),
        tumour=plan.mask(["tumour"]),
        stem=plan.types[STEM],
        transit=transit,
        end=plan.types[END],
        high=plan.parameter("stemness.high"),
        low=plan.parameter("stemness.low"),
        division_limit=int(plan.trait("division_limit")[transit]),
        seed=plan.seed,
    )
