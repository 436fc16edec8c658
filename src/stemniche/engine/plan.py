"""Plan: a Model on a grid, as index tables, variables and an ordered list of processes.

`engine.build` makes it; `engine.step` moves a State by it. A Plan is frozen and the same for equal
Model, scenario and seed, so everything that changes during a run lives in the State.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from stemniche.engine.controls import Control
from stemniche.engine.grid import Grid
from stemniche.engine.occupancy import Binding, Held
from stemniche.engine.process import Process
from stemniche.engine.state import CELL_VARIABLES, Array, Variable
from stemniche.spec.model import CellType, Drive, Factor, Model, Uptake

STEM, TRANSIT, END = "CSC", "progenitor", "differentiated"
"""The three labels of the tumour lineage, as the measures name them."""

MARROW, VESSEL = "marrow", "vessel"
"""Pseudo cells of rules: release into the blood, and entry from it."""


@dataclass(frozen=True, slots=True)
class Index:
    """Names in a fixed order, with their places."""

    names: tuple[str, ...]
    place: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str]) -> "Index":
        """Index the names, in order."""
        ordered = tuple(names)
        return cls(ordered, {name: i for i, name in enumerate(ordered)})

    def __getitem__(self, name: str) -> int:
        return self.place[name]

    def __contains__(self, name: object) -> bool:
        return name in self.place

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The scenario's world around the cells, in engine units.

    Args:
        medium: Whether the walls border a culture medium instead of host tissue.
        stirred: Whether gases, metabolites and drugs have the medium's level where no cell is near.
        far_field, fixed: Wall condition of the factors; neither means no flux.
        closed: Whether cells stay inside.
        blood_scale: How many slices like this one the represented tumour volume holds.
        environment: oxygen (mmHg), glucose (mM), pH.
        plasma_volume: um^3 of the host's plasma.
        antigenicity: 0 to 1.
        distant: Whether there is a distant organ to which tumour cells may spread.
        host_counts: Fold of the host's immune state on the number of each type.
    """

    medium: bool
    far_field: bool
    fixed: bool
    closed: bool
    blood_scale: float
    environment: dict[str, float]
    plasma_volume: float
    antigenicity: float
    distant: bool = False
    host_counts: dict[str, float] = field(default_factory=dict)
    stirred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is placed at the start: tumour, tissue around it, vessels, stiffness in kPa if given.

    `origin` is the type of all tumour cells; empty for `stem_fraction` stem cells among others.
    """

    tumour_cells: int
    stem_fraction: float
    shape: str
    tissue: dict[str, int]
    vessel_density: float
    origin: str = ""
    stiffness: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What therapy adds to a Plan: knobs, drug fields, cell columns, hazards and processes.

    Args:
        permeability: Of the vessel wall for each drug field, um/min.
        held: Targets that drugs hold, in the order of ``occupancy``.
        bindings: Factors that drugs bind.
        notes: What of the therapy reaches nothing in the model.
        sensed: Processes that stand between sensing and signalling; called like `processes`.
        processes: Called once with the finished index tables.
    """

    controls: tuple[Control, ...] = ()
    factors: tuple[Factor, ...] = ()
    permeability: dict[str, float] = field(default_factory=dict)
    uptakes: tuple[Uptake, ...] = ()
    variables: tuple[Variable, ...] = ()
    hazards: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    bindings: tuple[Binding, ...] = ()
    notes: tuple[str, ...] = ()
    sensed: Callable[["Plan"], tuple[Process, ...]] = lambda plan: ()
    processes: Callable[["Plan"], tuple[Process, ...]] = lambda plan: ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Index tables of one run; see the module's docstring.

    Args:
        factors: Model factors and drug fields; row order of ``fields``.
        signals: Row order of ``signals``: model factors, nodes, cell-borne signals. What therapy
            adds stands last everywhere, so a State prepared without it fits.
        behaviours: Row order of ``behaviours``.
        hazards: Row order of ``hazards``.
        conversions: For each type the types it may turn into, by conversion slot.
        drives: Every drive of the model by (cell, target).
        controls: Knobs, in the order of ``control_ended``.
        reference: Whether fields move by tiny split steps, to compare with.
    """

    model: Model
    grid: Grid
    seed: int
    surroundings: Surroundings
    layout: Layout
    types: Index
    cell_types: tuple[CellType, ...]
    factors: Index
    factor_data: tuple[Factor, ...]
    exchange: dict[str, float]
    uptakes: tuple[Uptake, ...]
    nodes: Index
    signals: Index
    behaviours: Index
    hazards: Index
    conversions: tuple[tuple[str, ...], ...]
    drives: dict[tuple[str, str], Drive]
    controls: tuple[Control, ...]
    variables: tuple[Variable, ...]
    held: tuple[Held, ...] = ()
    bindings: tuple[Binding, ...] = ()
    reference: bool = False
    processes: tuple[Process, ...] = ()

    @property
    def per_cell(self) -> dict[str, str]:
        """Name and unit of every variable that belongs to single cells."""
        declared = (*CELL_VARIABLES, *self.variables)
        return {v.name: v.unit for v in declared if v.kind in ("cell", "cell rows")}

    def trait(self, name: str) -> Array:
        """Trait `name` of every type, float32 [T], 0 where a type has none."""
        return np.array([t.traits.get(name, 0.0) for t in self.cell_types], np.float32)

    def parameter(self, name: str) -> float:
        """A named number of the library, in engine units.

        Raises:
            KeyError: The model has no such parameter: a fault of the library's check.
        """
        return self.model.parameters[name]

    def members(self, name: str) -> tuple[int, ...]:
        """Places of the concrete types that `name` (a type, a parent or a group) stands for."""
        return tuple(
            i
            for i, t in enumerate(self.cell_types)
            if name == t.id or name in t.ancestors or name == t.group
        )

    def mask(self, names: Iterable[str]) -> Array:
        """uint8 [T], 1 for the types named (all when nothing is named)."""
        chosen = [i for name in names for i in self.members(name)]
        out = np.zeros(len(self.types), np.uint8)
        out[chosen or slice(None)] = 1
        return out
