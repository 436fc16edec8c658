"""The CPU backend: every kernel under the name by which the processes call it.

Processes get a Backend and do their array arithmetic only through it, so that another device can
take its place. It keeps scratch memory between calls, never a result.
"""

from typing import Any, final
from zlib import crc32

import numpy as np

from stemniche.kernels import (
    attack,
    cycle,
    exchange,
    fields,
    interpreter,
    jit,
    lifecycle,
    lod,
    maths,
    mechanics,
    motility,
    neighbours,
    reactions,
    sensing,
    slab,
)

Array = np.ndarray[Any, np.dtype[Any]]


def stream(name: str) -> int:
    """Number of a named random stream.

    Example:
        >>> stream("birth") == stream("birth") != stream("entry")
        True
    """
    return crc32(name.encode())


@final
class Backend:
    """Kernels for the CPU; see the module of each for arguments and units."""

    FieldProblem = fields.FieldProblem
    advance_reference = staticmethod(lod.advance_lod)
    secrete = staticmethod(exchange.secrete)
    take_up = staticmethod(exchange.take_up)
    perfuse = staticmethod(exchange.perfuse)
    react = staticmethod(reactions.react)
    deposit = staticmethod(sensing.deposit)
    voxel_index = staticmethod(sensing.voxel_index)
    gather = staticmethod(sensing.gather)
    cue_direction = staticmethod(sensing.cue_direction)
    count_contacts = staticmethod(sensing.count_contacts)
    compression = staticmethod(sensing.compression)
    neighbour_mean = staticmethod(sensing.neighbour_mean)
    neighbour_sum = staticmethod(sensing.neighbour_sum)
    strike = staticmethod(attack.strike)
    evaluate_nodes = staticmethod(interpreter.evaluate_nodes)
    evaluate_behaviours = staticmethod(interpreter.evaluate_behaviours)
    stemness_step = staticmethod(lifecycle.stemness_step)
    pick = staticmethod(lifecycle.pick)
    resolve = staticmethod(lifecycle.resolve)
    expected_events = staticmethod(lifecycle.expected_events)
    canonical_order = staticmethod(lifecycle.canonical_order)
    apply_order = staticmethod(lifecycle.apply_order)
    advance_cycle = staticmethod(cycle.advance_cycle)
    expected_entries = staticmethod(cycle.expected_entries)
    advance_dead = staticmethod(cycle.advance_dead)
    build_list = staticmethod(neighbours.build_list)
    touching = staticmethod(neighbours.touching)
    list_allowance = staticmethod(mechanics.list_allowance)
    move_tick = staticmethod(mechanics.move_tick)
    wrapped = staticmethod(slab.wrapped)
    touching_round = staticmethod(slab.touching_round)
    move_round = staticmethod(slab.move_round)
    polarise = staticmethod(motility.polarise)
    uniform_array = staticmethod(maths.uniform_array)
    child_keys = staticmethod(maths.child_keys)
    site_keys = staticmethod(maths.site_keys)

    def __init__(self) -> None:
        self._workspace: dict[tuple[int, ...], fields.Workspace] = {}
        self._cleared = np.zeros((0, 0), np.float32)

    def cleared(self, due: Array, width: int) -> Array:
        """Scratch memory float32 [len(due), width], 0 in the rows that are due."""
        if self._cleared.shape != (len(due), width):
            self._cleared = np.zeros((len(due), width), np.float32)
        self._cleared[due != 0] = 0.0
        return self._cleared

    def advance_fields(
        self,
        levels: Array,
        problem: fields.FieldProblem,
        elapsed: Array,
        force: Array,
        tolerance: float,
        max_iterations: int,
        max_age: float,
    ) -> Array:
        """`fields.advance` with a workspace that is made once per grid."""
        shape = levels.shape
        if shape not in self._workspace:
            self._workspace[shape] = fields.make_workspace(problem.shape, shape[0])
        return fields.advance(
            levels,
            problem,
            elapsed,
            force,
            tolerance=tolerance,
            max_iterations=max_iterations,
            max_age=max_age,
            workspace=self._workspace[shape],
        )


def cpu(threads: int) -> Backend:
    """The CPU backend with that many threads; results do not depend on their number."""
    jit.set_threads(threads)
    return Backend()
