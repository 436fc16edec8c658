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
    """``chemotaxis_index.<TYPE>`` along all cues, ``chemotaxis_index.<FACTOR>.<TYPE>`` along one.

    The mean over cells that have such a cue, 0 where none has.
    """
    plan, s, k = v.plan, v.state, Backend()
    motion = next(p for p in plan.processes if isinstance(p, Motion))
    heading = np.stack([s.live(axis) for axis in ("px", "py", "pz")])
    ways = {"": motion.cues(s, k)}
    ways |= {f"{f.id}.": motion.rise(s, k, f.id) for f in plan.model.factors if f.id in motion.led}
    for way, cues in ways.items():
        along, led = (cues * heading).sum(axis=0), (cues != 0.0).any(axis=0)
        for name, where in v.places.items():
            if name in v.members:
                chosen = along[where & led]
                found = float(chosen.mean(dtype=np.float64)) if chosen.size else 0.0
                yield f"chemotaxis_index.{way}{name}", found
