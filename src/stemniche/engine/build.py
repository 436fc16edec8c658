"""From Model, scenario and therapy's extension to a Plan and its first State."""

import numpy as np

from stemniche.core.errors import InputError
from stemniche.engine.grid import Grid
from stemniche.engine.plan import Extension, Index, Layout, Plan, Surroundings
from stemniche.engine.process import Process
from stemniche.engine.processes.controls import controls
from stemniche.engine.processes.distant import distant_tissue
from stemniche.engine.processes.fate import BASIC_HAZARDS, behaviours, fates, hazards
from stemniche.engine.processes.handling import handling
from stemniche.engine.processes.intravasation import HAZARD, intravasation, reach
from stemniche.engine.processes.killing import killing
from stemniche.engine.processes.lifecycle import DIVISIONS, births, canon, cycle
from stemniche.engine.processes.matrix import hindered, matrix, reactions
from stemniche.engine.processes.medium import medium
from stemniche.engine.processes.motion import motion
from stemniche.engine.processes.priming import COSTIMULATION, NODE, lymph_node, presentation
from stemniche.engine.processes.rates import rates
from stemniche.engine.processes.recruitment import marrow, recruitment
from stemniche.engine.processes.sensing import CARRIED, TOUCH, sensing, signalling
from stemniche.engine.processes.spread import TALLY, injection, settled_columns, spread
from stemniche.engine.processes.stemness import FLUX, stemness
from stemniche.engine.processes.transport import blood, transport
from stemniche.engine.processes.vessels import vessels
from stemniche.engine.state import CELL_VARIABLES, State, Variable
from stemniche.engine.vessels import GRAPH_VARIABLES, VESSEL_STATE
from stemniche.spec.model import Model

SKIN = 4.0
"""Extra distance in neighbour lists, um; only speed depends on it."""

ENGINE_BEHAVIOURS = (
    "cycle_rate",
    "quiescence_rate",
    "awakening_rate",
    "symmetric_probability",
    "apoptosis_rate",
    "necrosis_rate",
    "ferroptosis_rate",
    "migration_speed",
    "migration_bias",
    "adhesion",
    "kill_rate",
    "visibility",
    "phagocytosis_rate",
    "maturation_rate",
    "drug_efflux",
    "drug_sensitivity",
    "damage_repair",
    "radiosensitivity",
    "permissiveness",
)

SPREAD_BEHAVIOURS = ("intravasation_rate", "extravasation_rate")
"""Behaviours that matter only where there is a distant organ."""


def build_plan(
    model: Model,
    grid: Grid,
    seed: int,
    surroundings: Surroundings,
    layout: Layout,
    extension: Extension,
    *,
    reference: bool = False,
) -> Plan:
    """Make the Plan; with the `reference` solver of the fields for comparison.

    Raises:
        InputError: The layout names a cell type that the model lacks.
    """
    types = Index.of(t.id for t in model.types)
    for name in layout.tissue:
        if name not in types:
            known = ", ".join(types.names)
            raise InputError(
                f"'{name}' is not a cell type of this model.", f"tissue.{name}", f"Use: {known}."
            )
    factor_data = (*model.factors, *extension.factors)
    factors = Index.of(f.id for f in factor_data)
    nodes = Index.of(n.id for n in model.nodes)
    drives = {(d.cell, d.target): d for d in model.drives}
    dissolved = [f.id for f in model.factors]
    borne = _borne(model, factors, nodes, types)
    signals = Index.of([*dissolved, *nodes.names, *borne])
    moved = {d.target for d in model.drives if d.kind == "behaviour" and d.cell in types}
    traits = {name for t in model.types for name in t.traits}
    wanted = [
        name
        for name in sorted(moved | traits)
        if name in ENGINE_BEHAVIOURS or name.startswith(("chemotaxis.", "conversion."))
    ]
    always = (*ENGINE_BEHAVIOURS, *(SPREAD_BEHAVIOURS if surroundings.distant else ()))
    names = Index.of([*always, *(w for w in wanted if w not in always)])
    conversions = tuple(
        tuple(
            target
            for target in types.names
            if f"conversion.{t.id}.{target}" in names
            and t.traits.get(f"conversion.{t.id}.{target}", 0.0) > 0.0
        )
        for t in model.types
    )
    killers = [t.id for t in model.types if t.traits.get("kill_rate", 0.0) > 0.0]
    slots = max(1, max(len(c) for c in conversions))
    hazard_names = Index.of(
        [
            *BASIC_HAZARDS,
            *([HAZARD] if surroundings.distant else []),
            *(f"kill.{name}" for name in killers),
            *(f"conversion.{i}" for i in range(slots)),
            *extension.hazards,
        ]
    )
    plan = Plan(
        model=model,
        grid=grid,
        seed=seed,
        surroundings=surroundings,
        layout=layout,
        types=types,
        cell_types=model.types,
        factors=factors,
        factor_data=factor_data,
        exchange=_exchange(model, grid, extension.permeability),
        uptakes=(*model.uptakes, *extension.uptakes),
        nodes=nodes,
        signals=signals,
        behaviours=names,
        hazards=hazard_names,
        conversions=conversions,
        drives=drives,
        controls=extension.controls,
        variables=(),
        held=extension.held,
        bindings=extension.bindings,
        reference=reference,
    )
    object.__setattr__(plan, "variables", (*_variables(plan), *extension.variables))
    object.__setattr__(plan, "processes", _processes(plan, extension))
    return plan


def new_state(plan: Plan, capacity: int) -> State:
    """An empty State with the plan's variables."""
    return State((*CELL_VARIABLES, *plan.variables), capacity)


def _borne(model: Model, factors: Index, nodes: Index, types: Index) -> list[str]:
    """Cell-borne signals that some drive of a real cell reads."""
    read = {
        term.signal
        for d in model.drives
        if d.cell in types
        for group in d.groups
        for term in group.terms
    }
    read |= {marker.signal for marker in model.markers} - set(CARRIED)
    named = {*factors.names, *nodes.names, *model.genotype}
    return sorted(read - named)


def _exchange(model: Model, grid: Grid, drugs: dict[str, float]) -> dict[str, float]:
    """Exchange rate of each factor between a vessel and its voxel, 1/min."""
    wall = 2.0 * np.pi * model.parameters["vessel.radius"] * grid.spacing / grid.voxel_volume
    own = {
        f.id: 0.0 if f.form == "matrix" else model.parameters[f"vessel.permeability.{f.form}"]
        for f in model.factors
    }
    return {name: value * wall for name, value in (own | drugs).items()}


def _variables(plan: Plan) -> tuple[Variable, ...]:
    """Everything in the State that depends on the model's size."""
    types, factors, voxels = len(plan.types), len(plan.factors), plan.grid.voxels

    def one(name: str, unit: str, *shape: int, dtype: str = "float64") -> Variable:
        return Variable(name=name, unit=unit, kind="global", dtype=dtype, shape=shape)

    def rows(name: str, unit: str, count: int) -> Variable:
        return Variable(name=name, unit=unit, kind="cell rows", shape=(count,))

    distant: tuple[Variable, ...] = ()
    if plan.surroundings.distant:
        distant = (
            Variable(name="leak_in_reach", unit="1", kind="field", shape=(voxels,)),
            one("distant_levels", "factor unit", factors),
            one("distant_held", "factor unit", factors),
            one("distant_rest", "factor unit/min", factors),
            one("distant_cells", "cells", types),
            one("distant_at_rest", "cells", types),
            one("distant_permeability", "1", 1),
            one("distant_occupancy", "1", max(1, len(plan.held))),
            one("distant_withheld", "1", types, len(plan.signals)),
            one("distant_kill", "1/min", 2, types),
            one("distant_signals", "1", len(plan.signals), types, dtype="float32"),
            one("distant_behaviours", "1", len(plan.behaviours), types, dtype="float32"),
            one("chance_at_rest", "1", 1),
            one("leakiness_at_rest", "1", 1),
            one("shedding", "cells", types),
            one("circulating", "cells", 2, types),
            one("settled", "cells", 2, settled_columns(plan)),
            one("spread_tally", "cells", 2, len(TALLY)),
        )
    return (
        *distant,
        rows("signals", "1", len(plan.signals)),
        rows("behaviours", "1", len(plan.behaviours)),
        rows("hazards", "1/min", len(plan.hazards)),
        rows("hits", "1", max(1, sum(h.startswith("kill.") for h in plan.hazards.names))),
        Variable(
            name="fields", unit="factor unit", kind="field", shape=(factors, *plan.grid.shape)
        ),
        Variable(name="perfusion", unit="1", kind="field", shape=(voxels,)),
        Variable(name="leak", unit="1", kind="field", shape=(voxels,)),
        Variable(name="vessels", unit="1", kind="field", shape=(voxels,)),
        Variable(name="bathed", unit="1", kind="field", dtype="uint8", shape=(voxels,)),
        Variable(name="matrix_density", unit="1", kind="field", shape=(voxels,)),
        Variable(name="stiffness", unit="kPa", kind="field", shape=(voxels,)),
        Variable(
            name="hindrance", unit="1", kind="field", shape=(len(hindered(plan)), *plan.grid.shape)
        ),
        *GRAPH_VARIABLES,
        one("vessel_names", "1", 1, dtype="int64"),
        one("vessel_state", "1", len(VESSEL_STATE)),
        one("vessels_at_start", "1", 1),
        one("field_age", "min", factors),
        one("blood", "factor unit", factors),
        one("far_level", "factor unit", factors),
        one("depletion", "factor unit", factors),
        Variable(name="supply", unit="factor unit/min", kind="field", shape=(factors, voxels)),
        one("released", "1", int(np.count_nonzero(plan.trait("entry")))),
        one("pool", "1", int(np.count_nonzero(plan.trait("entry")))),
        one("lymph_node", "mixed", len(NODE)),
        one("environment", "mixed", len(plan.surroundings.environment)),
        one("resting", "1", types, len(plan.signals), dtype="float32"),
        one("read_scale", "1", types, len(plan.signals), dtype="float32"),
        one("node_shift", "1", types, len(plan.nodes), dtype="float32"),
        one("synthesis", "1", types, factors, dtype="float32"),
        one("loss_scale", "1", factors),
        Variable(name="occupancy", unit="1", kind="field", shape=(max(1, len(plan.held)), voxels)),
        one("serum_left", "1", factors),
        one("call_scale", "1", factors),
        one("background", "1", factors),
        one("beyond", "cells", types),
        one("held", "factor unit", factors, 4),
        one("control_ended", "1", max(1, len(plan.controls)), dtype="uint8"),
        one("day0", "tick", 1, dtype="int64"),
        one("flux", "cells", len(FLUX)),
        one("divisions_done", "cells", len(DIVISIONS)),
        one("born", "cells", types),
        one("deaths", "cells", len(plan.hazards), types),
        one("expected_born", "cells", types),
        one("expected_born_seen", "cells", types),
        one("expected_deaths", "cells", len(plan.hazards), types),
        one("expected_deaths_seen", "cells", len(plan.hazards), types),
        one("recent_born", "cells", types),
        one("recent_deaths", "cells", len(plan.hazards), types),
        one("recent_cells", "cells min", types),
        one("exposure", "cells min", types),
        one("cumulative_hazard", "1", types),
        one("treatment_hazard", "1", types),
        one("converted", "cells", types, types),
        one("expected_converted", "cells", types, types),
        one("engulfed", "cells", 1),
        one("expected_engulfed", "cells", 1),
        one("recruited", "cells", types),
        one("expected_recruited", "cells", types),
        one("expected_sprouts", "1", 1),
        one("arrived", "cells", types),
        one("depleted", "cells", types),
        one("transferred", "cells", types),
        one("left_domain", "cells", types),
        one("left_replaced", "cells", types),
        Variable(name="voxel_ptr", unit="1", kind="global", dtype="int64", shape=(voxels + 1,)),
        Variable(name="list_ptr", unit="1", kind="growing", dtype="int64", shape=(1,)),
        Variable(name="list_idx", unit="1", kind="growing", dtype="int32", shape=(0,)),
        Variable(name="touch_ptr", unit="1", kind="growing", dtype="int64", shape=(1,)),
        Variable(name="touch_idx", unit="1", kind="growing", dtype="int32", shape=(0,)),
    )


def _processes(plan: Plan, extension: Extension) -> tuple[Process, ...]:
    """All processes, ordered by phase and, within a phase, as listed."""
    adhesion = plan.parameter("mechanics.adhesion_reach")
    distant = plan.surroundings.distant
    listed = (
        controls(plan),
        *(injection(plan) if distant else ()),
        blood(plan),
        marrow(plan),
        *([distant_tissue(plan)] if distant else []),
        sensing(plan),
        *extension.sensed(plan),
        signalling(plan),
        stemness(plan),
        behaviours(plan),
        hazards(plan),
        killing(plan),
        presentation(plan),
        *([intravasation(plan)] if distant else []),
        *extension.processes(plan),
        medium(plan),
        reactions(plan),
        matrix(plan),
        transport(plan),
        fates(plan),
        *([lymph_node(plan)] if COSTIMULATION in plan.signals else []),
        *([spread(plan)] if distant else []),
        cycle(plan),
        motion(plan, adhesion, SKIN),
        births(plan),
        *handling(plan),
        recruitment(plan),
        *vessels(plan),
        *([reach(plan)] if distant else []),
        canon(plan, adhesion, SKIN, TOUCH),
        rates(plan),
    )
    return tuple(sorted(listed, key=lambda p: p.phase))
