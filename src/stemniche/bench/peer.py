"""A Plan and a Backend that step as PhysiCell does, for comparison with it.

Mechanics every 0.1 min, all factors by the locally one-dimensional scheme every 0.01 min, the
outermost voxels being held at the level outside, before and after each sweep, as BioFVM does.
"""

from dataclasses import replace
from typing import Any, final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN
from stemniche.engine.processes.motion import Motion
from stemniche.engine.processes.transport import Transport
from stemniche.engine.state import Array
from stemniche.kernels.cpu import Backend
from stemniche.kernels.fields import REPORT, FieldProblem
from stemniche.kernels.lod import advance_lod

MECHANICS_MIN, DIFFUSION_MIN = 0.1, 0.01


def with_peer_steps(plan: Plan) -> Plan:
    """The same plan with mechanics in steps of 0.1 min and every factor due in every tick."""
    found = []
    for process in plan.processes:
        if isinstance(process, Motion):
            process = replace(process, base_step=MECHANICS_MIN)
        elif isinstance(process, Transport):
            process = replace(process, pace=np.full_like(process.pace, TICK_MIN))
        found.append(process)
    return replace(plan, processes=tuple(found))


@final
class PeerSteps:
    """A Backend whose fields move by the reference scheme, all at once and never early."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def advance_fields(self, levels: Array, problem: FieldProblem, *_rest: Any) -> Array:
        """`Backend.advance_fields` by tiny steps; every factor counts as solved."""
        edge = np.ones(problem.shape, np.uint8)
        edge[1:-1, 1:-1, 1:-1] = 0
        held = replace(problem, wall_kind=None, fixed=edge, fixed_value=problem.wall_value)
        advance_lod(levels, held, TICK_MIN, DIFFUSION_MIN)
        report = np.zeros((len(levels), len(REPORT)))
        report[:, REPORT.index("solved")] = 1.0
        return report
