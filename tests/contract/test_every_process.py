"""What holds for every process: it touches what it declares, all of it and nothing else.

A State that notes who asked for which variable is moved through two scenarios in which everything
happens that can: a slab of hasty tissue under treatment, and cells in a medium.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from stemniche.core.units import parse_quantity
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S, Process
from stemniche.engine.state import CELL_VARIABLES, Array, State
from stemniche.engine.step import begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

THERAPY = (
    {"drug": "paclitaxel", "dose": "30 mg", "until": "dead_cells > 1000"},
    {"drug": "mogamulizumab"},
    {"drug": "plerixafor"},
    {"drug": "bevacizumab"},
    {"drug": "pf_04136309"},
    {"drug": "gemcitabine", "route": "it", "dose": "1e-6 mg"},
    {"drug": "gemcitabine", "dose": "1e-6 mg", "from": "2 h"},
    {"block": "CXCR2"},
    {"overexpress": "STAT3"},
    {"overexpress": "IL6"},
    {"neutralise": "IL6"},
    {"add": "CXCL8", "concentration": "1 nM"},
    {"set": "environment.oxygen", "to": "30 mmHg", "from": "1 h"},
    {"deplete": "tumour", "fraction": 0.05, "every": "1 h"},
    {"deplete": "CD8", "fraction": 0.1, "every": "2 h"},
    {"transfer": "CSC", "cells": 2, "every": "3 h"},
    {"transfer": "CD8", "cells": 2, "every": "3 h"},
    {"sort": {"gate": "CD44_low"}, "from": "7.5 h"},
    {"vessels": {"pericytes": 0.5, "leakiness": 2, "normalise": 0.1}, "from": "1 h"},
    {"deplete": "TAM", "fraction": 0.1, "every": "2 h"},
    {"radiation": "1 Gy", "from": "3 h"},
    {"radiation": "1 Gy", "from": "2 h", "every": "1 h", "where": "distant"},
    {"drug": "talimogene_laherparepvec", "dose": "1e6 pfu", "from": "2 h"},
    {"drug": "dc_vaccine", "from": "1 h"},
    {"inject": "CSC", "cells": 1000, "every": "3 h"},
    {"inject": "CSC", "cells": 100, "route": "distant"},
    {"add": "CXCL12", "concentration": "1 nM", "where": "distant"},
)
CULTURE = {
    "environment.boundary": "medium",
    "domain.depth": "60 um",
    "tissue": {"MSC": 8, "vessels": 0},
    "tumour.layout": "scattered",
    "parameters.medium.resistance": 1,
}
OF_PHYSICS = {"factor unit", "factor unit/min", "cells min", "tick", "mixed"}
"""Units that differ from row to row of an array, or count steps."""


class Watched(State):
    """A State that notes which variables are asked for."""

    asked = set[str]()

    def __getitem__(self, name: str) -> Array:
        self.asked.add(name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: Array) -> None:
        self.asked.add(name)
        super().__setitem__(name, value)

    def live(self, name: str) -> Array:
        self.asked.add(name)
        return super().live(name)

    def whole_cells(self) -> list[Array]:
        self.asked |= set(self.of_kind("cell", "cell rows"))
        return super().whole_cells()


def watched(state: State) -> Watched:
    """The same state, watched."""
    made = Watched(state.variables.values(), state.capacity)
    made.restore(state.snapshot(), state.n, state.tick)
    made.asked = set()
    return made


@dataclass
class Notes:
    """What a process did over all ticks of all scenarios."""

    process: Process
    plan: Plan
    asked: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    @property
    def declared(self) -> dict[str, str]:
        """Every variable it declares, with its unit."""
        access = self.process.access
        return {**access.read, **access.write, **access.add}


def watch(scenario: Scenario, ticks: int, k: Backend, notes: dict[str, Notes]) -> None:
    """Move the scenario's tissue and write down what every process does."""
    plan = assemble(scenario, 1).plan
    state = watched(begin(plan, k))
    state["day0"][0] = 0
    for _ in range(ticks):
        now = moment(state)
        for process in plan.processes:
            before = {name: array.copy() for name, array in state.arrays.items()}
            state.asked = set()
            process.run(state, now, k)
            note = notes.setdefault(process.name, Notes(process, plan))
            note.asked |= state.asked
            note.changed |= {
                name
                for name, array in state.arrays.items()
                if not np.array_equal(array, before[name])
            }
        state.tick += 1


@pytest.fixture(scope="module")
def notes(hasty: Callable[..., Scenario], k: Backend) -> dict[str, Notes]:
    found: dict[str, Notes] = {}
    slab = {
        "domain": {"size": ["0.3 mm", "0.3 mm"], "depth": "60 um"},
        "tumour.layout": "scattered",
        "tissue.CAF": 30,
        "tissue.DC": 30,
        "tissue.NK": 5,
        "tissue.vessels": "150 /mm^2",
        "tumour.csc_fraction": 0.2,
        "distant_site": True,
    }
    watch(hasty(slab, *THERAPY), 80, k, found)
    watch(hasty(CULTURE, {"set": "environment.glucose", "to": "1 mM"}), 10, k, found)
    return found


@pytest.fixture(scope="module")
def plan(notes: dict[str, Notes]) -> Plan:
    return notes["controls"].plan


def by_process(notes: dict[str, Notes], judge: Callable[[Notes], set[str]]) -> dict[str, set[str]]:
    """What each process has to answer for, without those that have nothing."""
    return {name: found for name, note in notes.items() if (found := judge(note))}


def test_names_are_unique(plan: Plan) -> None:
    names = [p.name for p in plan.processes]
    assert len(names) == len(set(names))


def test_every_drug_process_is_watched(notes: dict[str, Notes]) -> None:
    kinds = {"dosing.paclitaxel", "release.paclitaxel", "action.paclitaxel", "repair"}
    assert kinds <= set(notes)


def test_periods_are_multiples_of_the_tick(plan: Plan) -> None:
    assert [p.name for p in plan.processes if p.every_s < 1 or p.every_s % TICK_S] == []


def test_processes_stand_in_the_order_of_their_phases(plan: Plan) -> None:
    phases = [p.phase for p in plan.processes]
    assert phases == sorted(phases)


def test_what_is_declared_exists_in_the_unit_of_the_state(notes: dict[str, Notes]) -> None:
    def wrong(note: Notes) -> set[str]:
        units = {v.name: v.unit for v in (*CELL_VARIABLES, *note.plan.variables)}
        return {name for name, unit in note.declared.items() if units.get(name) != unit}

    assert by_process(notes, wrong) == {}


def test_units_can_be_read(plan: Plan) -> None:
    units = {v.unit for v in (*CELL_VARIABLES, *plan.variables)} - OF_PHYSICS
    for unit in units - {"1"}:
        assert parse_quantity(f"1 {unit}", unit, where="test") == 1.0


def test_a_process_changes_only_what_it_declares(notes: dict[str, Notes]) -> None:
    def undeclared(note: Notes) -> set[str]:
        return note.changed - {*note.process.access.write, *note.process.access.add}

    assert by_process(notes, undeclared) == {}


def test_a_process_looks_only_at_what_it_declares(notes: dict[str, Notes]) -> None:
    assert by_process(notes, lambda note: note.asked - set(note.declared)) == {}


def test_what_is_declared_is_used(notes: dict[str, Notes]) -> None:
    assert by_process(notes, lambda note: set(note.declared) - note.asked) == {}


def test_what_is_declared_as_written_is_written(notes: dict[str, Notes]) -> None:
    """Processes that copy whole cells may copy a value over an equal one."""

    def idle(note: Notes) -> set[str]:
        access = note.process.access
        wholly = set(note.plan.per_cell) <= set(access.write)
        written = {*access.write, *access.add} - (set(note.plan.per_cell) if wholly else set())
        return written - note.changed

    assert by_process(notes, idle) == {}


def test_accumulators_are_not_overwritten(notes: dict[str, Notes]) -> None:
    """What a process adds to, it does not also declare as its own."""
    assert (
        by_process(notes, lambda n: set(n.process.access.add) & set(n.process.access.write)) == {}
    )
