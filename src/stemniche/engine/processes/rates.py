"""Running rates of birth and death, so that a measure does not depend on when it is taken.

Both are those that the rates and hazards of the cells lead one to expect, which says the same as
counts of many cells and more of few: a division by its entry into S, as labelled nucleotides show.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.intravasation import HAZARD
from stemniche.engine.state import ALIVE, Array, State
from stemniche.kernels.cpu import Backend

HARMLESS = ("conversion", "turnover", "drainage", HAZARD)
"""Beginnings of hazards by which a cell turns or leaves, or its like take its place."""

BY_TREATMENT = "_death"
"""End of hazards of death that a treatment brings: of drugs, rays and viruses."""

WINDOW_MIN = 1440.0
"""Memory of the running rates, min."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rates(Process):
    """Exponentially weighted events and exposure of the last day, per type.

    Since day 0 it also adds up exposure, the mean hazard of death, and that of death by treatment.

    Args:
        deadly: Hazards that are a death, as rows.
        treated: Those of them that a treatment brings.
    """

    deadly: Array
    treated: Array

    name: str = "rates"
    phase: Phase = Phase.OBSERVE
    every_s: int = TICK_S
    access: Access = Access(
        read={"expected_born": "cells", "expected_deaths": "cells", "type": "1", "state": "1"},
        write={
            "expected_born_seen": "cells",
            "expected_deaths_seen": "cells",
            "recent_born": "cells",
            "recent_deaths": "cells",
            "recent_cells": "cells min",
        },
        add={"exposure": "cells min", "cumulative_hazard": "1", "treatment_hazard": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        kept = np.exp(-TICK_MIN / WINDOW_MIN)
        alive = s.live("type")[s.live("state") == ALIVE]
        counts = np.bincount(alive, minlength=len(s["exposure"]))
        s["exposure"] += counts * TICK_MIN
        died = s["expected_deaths"] - s["expected_deaths_seen"]
        for name, rows in (("cumulative_hazard", self.deadly), ("treatment_hazard", self.treated)):
            s[name] += died[rows].sum(axis=0) / np.maximum(counts, 1)
        s["recent_cells"][:] = s["recent_cells"] * kept + counts * TICK_MIN
        for event in ("born", "deaths"):
            name = f"expected_{event}"
            recent, seen = s[f"recent_{event}"], s[f"{name}_seen"]
            recent[...] = recent * kept + (s[name] - seen)
            seen[...] = s[name]


def rates(plan: Plan) -> Rates:
    """The observer of births and deaths."""
    names = plan.hazards.names
    return Rates(
        deadly=np.array([i for i, h in enumerate(names) if not h.startswith(HARMLESS)]),
        treated=np.array([i for i, h in enumerate(names) if h.endswith(BY_TREATMENT)], np.intp),
    )
