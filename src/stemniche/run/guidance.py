"""Measure of guided motion: how well cells keep to the cues that they follow.

A part of `run.measures`. It asks the process that moves cells for their cues, so that what is
measured is what steers them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stemniche.engine.processes.motion import Motion
from stemniche.kernels.cpu import Backend

if TYPE_CHECKING:
    from stemniche.run.measures import View


def guidance(v: "View") -> Iterator[tuple[str, float]]:
    """``chemotaxis_index.<TYPE>``: the mean over cells with a cue, 0 where no cell has one."""
    plan, s = v.plan, v.state
    motion = next(p for p in plan.processes if isinstance(p, Motion))
    cues = motion.cues(s, Backend())
    led = (cues != 0.0).any(axis=0)
    along = (cues * np.stack([s.live(axis) for axis in ("px", "py", "pz")])).sum(axis=0)
    for name in v.members:
        chosen = along[v.where(name) & led]
        found = float(chosen.mean(dtype=np.float64)) if chosen.size else 0.0
        yield f"chemotaxis_index.{name}", found
