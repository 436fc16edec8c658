"""What a run will need, before it starts: how full the domain gets, memory, time."""

from dataclasses import dataclass
from typing import Any

from stemniche.core.errors import InputError
from stemniche.engine.guard import capacity
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.state import CELL_VARIABLES
from stemniche.run.assemble import Assembled, assemble
from stemniche.spec.model import Model
from stemniche.spec.scenario import Scenario

NS_PER_CELL_TICK = 6_000.0
NS_PER_VOXEL_TICK, NS_PER_VOXEL_TICK_REFERENCE = 150.0, 1_500.0
"""Costs of one tick per cell, and per voxel and factor, on the machine of the benchmarks."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Rows of quantity, value and unit; remarks; the compiled model."""

    rows: list[tuple[Any, ...]]
    lines: list[str]
    model: Model


def forecast(scenario: Scenario) -> Forecast:
    """Plan the scenario and say what a run of it needs.

    Raises:
        InputError: The scenario is wrong or cannot fit.
    """
    run = assemble(scenario, 1)
    refuse_what_cannot_fit(run)
    plan = run.plan
    cells = placed(plan)
    ticks = (scenario.duration_s + scenario.prepare.length * 60.0) / TICK_S
    per_voxel = NS_PER_VOXEL_TICK_REFERENCE if plan.reference else NS_PER_VOXEL_TICK
    seconds = (
        ticks
        * 1e-9
        * (2.0 * cells * NS_PER_CELL_TICK + plan.grid.voxels * len(plan.factors) * per_voxel)
    )
    rows: list[tuple[Any, ...]] = [
        ("cells at placement", cells, "cells"),
        ("packed capacity of the domain", round(capacity(plan)), "cells"),
        ("share filled at placement", round(cells / capacity(plan), 3), "1"),
        ("voxels", plan.grid.voxels, "voxels"),
        ("factors", len(plan.factors), ""),
        ("network nodes", len(plan.nodes), ""),
        ("active rows", len(run.model.rows), ""),
        ("memory", round(memory_bytes(plan, 2 * cells) / 2**20), "MiB"),
        ("time, one core", round(seconds), "s"),
        ("model fingerprint", _print(run), ""),
    ]
    return Forecast(rows, [*run.model.notes, *scenario.notes], run.model)


def placed(plan: Plan) -> int:
    """Cells at placement."""
    return plan.layout.tumour_cells + sum(plan.layout.tissue.values())


def memory_bytes(plan: Plan, cells: int) -> float:
    """Memory of a State with that many cells, working copies included."""
    rows = len(plan.signals) + len(plan.behaviours) + len(plan.hazards) + len(CELL_VARIABLES)
    per_cell = 4.0 * rows + 4.0 * 60.0
    return 1.5 * cells * per_cell + 4.0 * plan.grid.voxels * (4.0 * len(plan.factors) + 8.0)


def refuse_what_cannot_fit(run: Assembled) -> None:
    """Stop before anything is written if the run cannot work on this machine.

    Raises:
        InputError: The cells do not fit into the domain, or the run into memory.
    """
    import psutil

    plan, cells = run.plan, placed(run.plan)
    room = capacity(plan)
    if cells > room:
        raise InputError(
            f"{cells} cells do not fit into a domain that holds {room:.0f}.",
            run.scenario.where("tumour.cells"),
            "Enlarge domain.size or place fewer cells.",
        )
    needed, free = memory_bytes(plan, 2 * cells), psutil.virtual_memory().available
    if needed > 0.9 * free:
        raise InputError(
            f"The run needs about {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free.",
            run.scenario.where("domain"),
            "Make the domain smaller, or its voxels larger.",
        )


def _print(run: Assembled) -> str:
    from stemniche.core.identity import fingerprint

    return fingerprint(run.model)
