"""From a scenario to everything a run is made of: Model, Plan, names for the store."""

from dataclasses import dataclass, replace

from stemniche.core.errors import InputError
from stemniche.engine.build import build_plan
from stemniche.engine.grid import Grid
from stemniche.engine.plan import Layout, Plan, Surroundings
from stemniche.spec.checks import COUNT
from stemniche.spec.compile import compile_model
from stemniche.spec.library import Library
from stemniche.spec.model import Model
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario
from stemniche.therapy.lower import lower

MACROPHAGES = ("macrophage", "M1", "M2")
"""A count of the first is placed as a mixture of the other two."""

SETTLED = "settled"
"""Origin of a tumour that is placed as a grown one."""

LITRE = 1e15
"""um^3 in a litre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """One run before it starts."""

    scenario: Scenario
    model: Model
    plan: Plan


def assemble(scenario: Scenario, seed: int) -> Assembled:
    """Compile the scenario and plan its run.

    Raises:
        InputError: Scenario, library, therapy or seed are wrong.
    """
    if not isinstance(seed, int) or not 0 <= seed < 2**63:
        mend = "Give a whole number from 0 to 9223372036854775807."
        raise InputError(f"{seed!r:.40} is no seed.", "seed", mend)
    library = read_library()
    model = compile_model(library, scenario)
    try:
        extension = lower(scenario, model)
    except InputError as fault:
        raise _placed(fault, scenario) from fault
    model = replace(model, notes=(*model.notes, *extension.notes))
    plan = build_plan(
        model,
        grid_of(scenario),
        seed,
        _surroundings(scenario, library, model),
        _layout(scenario, library, model),
        extension,
        reference=scenario.numerics.fields == "reference",
    )
    return Assembled(scenario=scenario, model=model, plan=plan)


def _placed(fault: InputError, scenario: Scenario) -> InputError:
    """The fault with the place where the intervention that it names was written."""
    for i, item in enumerate(scenario.therapy):
        if fault.where == str(item):
            where = f"{scenario.where(f'therapy.{i}')}: {item}"
            return type(fault)(fault.what, where, fault.mend)
    return fault


def grid_of(scenario: Scenario) -> Grid:
    """The voxel grid of the scenario's domain."""
    joined = scenario.walls.depth == "periodic"
    return Grid(shape=scenario.domain.shape, spacing=scenario.domain.voxel, joined=joined)


def _surroundings(scenario: Scenario, library: Library, model: Model) -> Surroundings:
    e = scenario.environment
    medium = e.boundary == "medium"
    immune = scenario.host.immune
    return Surroundings(
        medium=medium,
        stirred=medium,
        far_field=scenario.walls.factors == "far_field",
        fixed=scenario.walls.factors == "fixed",
        closed=scenario.walls.cells == "closed",
        blood_scale=scenario.represents / scenario.domain.volume,
        environment={"oxygen": e.oxygen, "glucose": e.glucose, "pH": e.pH},
        plasma_volume=model.parameters["plasma.volume_per_kg"] * scenario.host.mass * LITRE,
        antigenicity=scenario.tumour.antigenicity,
        distant=scenario.distant_site,
        host_counts={t.id: library.host_fold(immune, t.id, COUNT) for t in model.types},
    )


def _layout(scenario: Scenario, library: Library, model: Model) -> Layout:
    counts = dict(scenario.tissue.cells)
    group, first, second = MACROPHAGES
    mixed = counts.pop(group, 0)
    if mixed:
        share = round(mixed * model.parameters["macrophage.m2_fraction"])
        counts[second] = counts.get(second, 0) + share
        counts[first] = counts.get(first, 0) + mixed - share
    counts = {
        name: round(count * library.host_fold(scenario.host.immune, name, COUNT))
        for name, count in counts.items()
    }
    return Layout(
        tumour_cells=scenario.tumour.cells,
        stem_fraction=scenario.tumour.csc_fraction,
        shape=scenario.tumour.layout,
        tissue=counts,
        vessel_density=scenario.tissue.vessels * 1e6,
        origin="" if scenario.tumour.origin == SETTLED else scenario.tumour.origin,
        stiffness=scenario.tissue.stiffness,
    )
