"""Running rates of birth and death, so that a measure does not depend on when it is taken."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, State
from stemniche.kernels.cpu import Backend

WINDOW_MIN = 1440.0
"""Memory of the running rates, min."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rates(Process):
    """Exponentially weighted events and exposure of the last day, per type."""

    name: str = "rates"
    phase: Phase = Phase.OBSERVE
    every_s: int = TICK_S
    access: Access = Access(
        read={"born": "cells", "deaths": "cells", "type": "1", "state": "1"},
        write={
            "born_seen": "cells",
            "deaths_seen": "cells",
            "recent_born": "cells",
            "recent_deaths": "cells",
            "recent_cells": "cells min",
        },
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        kept = np.exp(-TICK_MIN / WINDOW_MIN)
        alive = s.live("type")[s.live("state") == ALIVE]
        counts = np.bincount(alive, minlength=len(s["born"]))
        s["recent_cells"][:] = s["recent_cells"] * kept + counts * TICK_MIN
        for name in ("born", "deaths"):
            recent, seen = s[f"recent_{name}"], s[f"{name}_seen"]
            recent[...] = recent * kept + (s[name] - seen)
            seen[...] = s[name]


def rates(plan: Plan) -> Rates:
    """The observer of births and deaths."""
    return Rates()
