"""What a run will need, before it starts: how full the domain gets, memory, disk, time."""

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemniche.core.errors import InputError
from stemniche.engine.guard import FULL, capacity
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.state import CELL_VARIABLES
from stemniche.run.allowance import free_memory
from stemniche.run.assemble import Assembled, assemble
from stemniche.spec.model import Model
from stemniche.spec.scenario import Scenario
from stemniche.therapy.engagement import BARELY, engagements

NS_PER_CELL_TICK = 3_000.0
NS_PER_VOXEL_TICK, NS_PER_VOXEL_TICK_REFERENCE = 10.0, 1_500.0
"""Costs of one tick per cell, and per voxel and factor, on the machine of the benchmarks."""

BASE_MEMORY = 340 * 2**20
"""Bytes of Python, libraries, library tables and compiled kernels, measured."""

DOUBLING_D = 10.0
"""Days in which a tumour in tissue doubles: 4 to 15 in the presets (docs/sanity.md). Cultures are
taken to double once, as supply slows them down."""

CELL_COLUMNS = 16
"""Numbers that a sample keeps of a cell beside its nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a run takes.

    Args:
        cells: At placement.
        most: At the end, or when the domain is too full.
        room: Cells that the domain holds when packed.
        memory: Bytes.
        disk: Bytes of the run's folder.
        seconds: On one core of the machine of the benchmarks.
        full: Day on which a tumour in tissue makes the domain too full, if before the end.
    """

    cells: int
    most: float
    room: float
    memory: float
    disk: float
    seconds: float
    full: float | None = None

    @property
    def remarks(self) -> list[str]:
        """What is likely to go wrong later."""
        if self.full is None:
            return []
        return [
            f"A tumour that doubles every {DOUBLING_D:.0f} days fills the domain about day "
            f"{self.full:.0f}, where the run stops; the presets double in 4 to 15 days. Enlarge "
            "domain.size, or simulate fewer days."
        ]

    def __str__(self) -> str:
        """Time, memory and disk in words."""
        return (
            f"about {_spoken_time(self.seconds)} on one core, {self.memory / 2**20:.0f} MiB of "
            f"memory, at most {self.disk / 2**20:.0f} MiB on disk"
        )

    def check(self, scenario: Scenario, folder: Path | None = None) -> None:
        """Stop before anything is written if the run cannot work on this machine.

        Args:
            scenario: For the places of errors.
            folder: Where the run is to be written, if anywhere.

        Raises:
            InputError: The cells do not fit into the domain, or the run into memory or disk.
        """
        if self.cells > self.room:
            raise InputError(
                f"{self.cells} cells do not fit into a domain that holds {self.room:.0f}.",
                scenario.where("tumour.cells"),
                "Enlarge domain.size or place fewer cells.",
            )
        free = free_memory()
        if self.memory > 0.9 * free:
            raise InputError(
                f"The run needs about {_size(self.memory)} of memory, {_size(free)} are free.",
                scenario.where("domain"),
                "Make the domain smaller, or its voxels larger.",
            )
        room = None if folder is None else _disk_left(folder)
        if room is not None and 0.2 * self.disk > room:  # numbers shrink well
            raise InputError(
                f"The run writes up to {_size(self.disk)}, {_size(room)} are free.",
                str(folder),
                "Choose another disk with --out, or a longer sample_every.",
            )


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
    from stemniche.core.identity import fingerprint

    run = assemble(scenario, 1)
    needs = needs_of(run)
    needs.check(scenario)
    plan = run.plan
    rows: list[tuple[Any, ...]] = [
        ("cells at placement", needs.cells, "cells"),
        ("packed capacity of the domain", round(needs.room), "cells"),
        ("share filled at placement", round(needs.cells / needs.room, 3), "1"),
        ("cells at the end", round(needs.most), "cells"),
        ("voxels", plan.grid.voxels, "voxels"),
        ("factors", len(plan.factors), ""),
        ("network nodes", len(plan.nodes), ""),
        ("active rows", len(run.model.rows), ""),
        ("memory", round(needs.memory / 2**20), "MiB"),
        ("disk, at most", round(needs.disk / 2**20), "MiB"),
        ("time, one core", round(needs.seconds), "s"),
        ("model fingerprint", fingerprint(run.model), ""),
    ]
    held = tuple(dict.fromkeys(engagements(scenario, run.model)))
    for one in held:
        share = f"share of {one.target} that {one.drug} holds by plasma"
        rows += [(f"{share}, mean", round(one.mean, 3), "1")]
        rows += [(f"{share}, peak", round(one.peak, 3), "1")]
    barely = [
        f"{one.drug} holds {one.mean:.1%} of {one.target} in this regimen: expect no effect by it."
        for one in held
        if one.mean < BARELY
    ]
    lines = [*needs.remarks, *run.model.notes, *scenario.notes, *barely]
    return Forecast(rows, lines, run.model)


def needs_of(run: Assembled) -> Needs:
    """Estimate what a run takes, by a tumour that doubles every `DOUBLING_D` days."""
    plan, scenario = run.plan, run.scenario
    tumour, others = plan.layout.tumour_cells, sum(plan.layout.tissue.values())
    room = capacity(plan)
    days = scenario.duration_s / 86400.0
    doublings = filled = 0.0
    culture = plan.surroundings.medium
    if tumour:
        doublings = 1.0 if culture else days / DOUBLING_D
        filled = math.log2(max(FULL * room - others, tumour) / tumour)
    last = min(doublings, filled)
    most = others + tumour * 2.0**last
    mean = others + tumour * ((2.0**last - 1.0) / (last * math.log(2.0)) if last > 0.0 else 1.0)
    ticks = (scenario.duration_s + scenario.prepare.length * 60.0) / TICK_S
    per_voxel = NS_PER_VOXEL_TICK_REFERENCE if plan.reference else NS_PER_VOXEL_TICK
    per_tick = mean * NS_PER_CELL_TICK + plan.grid.voxels * len(plan.factors) * per_voxel
    samples = 1 + scenario.duration_s // scenario.sample_every_s
    sample = 4.0 * plan.grid.voxels * (len(plan.factors) + 2) + 4.0 * mean * (
        len(plan.nodes) + CELL_COLUMNS
    )
    state = memory_bytes(plan, round(most))
    return Needs(
        cells=tumour + others,
        most=most,
        room=room,
        memory=BASE_MEMORY + state,
        disk=samples * sample + 2.0 * state,
        seconds=ticks * 1e-9 * per_tick,
        full=days * filled / doublings if filled < doublings and not culture else None,
    )


def memory_bytes(plan: Plan, cells: int) -> float:
    """Memory of a State with that many cells, working copies included."""
    rows = len(plan.signals) + len(plan.behaviours) + len(plan.hazards) + len(CELL_VARIABLES)
    per_cell = 4.0 * rows + 4.0 * 60.0
    return 1.5 * cells * per_cell + 4.0 * plan.grid.voxels * (4.0 * len(plan.factors) + 8.0)


def _disk_left(folder: Path) -> int | None:
    """Bytes free where a folder is or will be; None where the system does not say."""
    for place in (folder, *folder.absolute().parents):
        if place.is_dir():
            try:
                return shutil.disk_usage(place).free
            except OSError:
                return None
    return None


def _spoken_time(seconds: float) -> str:
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
