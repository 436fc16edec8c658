"""Drugs: courses of doses, their pharmacokinetics, their field in the tissue, their action.

A drug's row in the library gives its kind and numbers; a kind maps to one action. What a drug does
beyond its own targets and the damage of cells is left to the network.
"""

from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from stemniche.core.errors import InputError
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import PHASE_NAMES, Array, State, Variable
from stemniche.kernels.cpu import Backend
from stemniche.spec.interventions import Condition, GiveDrug
from stemniche.spec.model import Drug, Factor, Model, Uptake
from stemniche.spec.scenario import Scenario
from stemniche.therapy.action import Cytotoxic, Release, over_a_tick
from stemniche.therapy.schedule import Infusion, infusions, snap


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All doses of one drug."""

    drug: Drug
    doses: tuple[Infusion, ...]
    mass_kg: float
    bsa_m2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """What the drugs of a scenario add to a Plan."""

    courses: tuple[Course, ...] = ()
    factors: tuple[Factor, ...] = ()
    permeability: dict[str, float] = field(default_factory=dict)
    uptakes: tuple[Uptake, ...] = ()
    variables: tuple[Variable, ...] = ()
    hazards: tuple[str, ...] = ()

    def processes(self, plan: Plan) -> tuple[Process, ...]:
        """Dosing and action of every course."""
        found: list[Process] = []
        for c in self.courses:
            found += [dosing(c, plan), release(c.drug, plan), cytotoxic(c.drug, plan)]
        return tuple(found)


def course(item: GiveDrug, scenario: Scenario, model: Model, gate: int | None) -> Course:
    """The doses that an intervention stands for; those after control `gate` ended are not given.

    Raises:
        InputError: The drug is not in the model, or its regimen is impossible.
    """
    drug = next((d for d in model.drugs if d.id == item.drug), None)
    if drug is None:
        known = ", ".join(d.id for d in model.drugs)
        raise InputError(f"'{item.drug}' is not in the library.", str(item), f"Known: {known}.")
    v = drug.values
    host = scenario.host
    regular = v["dose"] * host.bsa
    mg = regular if item.dose is None else item.dose.mg
    every = item.every
    if every is None and (item.dose is None or item.doses is not None):
        every = v["every"]
    early, end = item.start == "birth", item.until
    until = None if end is None or isinstance(end, Condition) else float(end)
    whole = scenario.days * 1440.0 + (scenario.prepare.length if early else 0.0)
    doses = infusions(
        start=0.0 if item.start == "birth" else float(item.start),
        stop=whole if until is None or early else until,
        every=every,
        doses=item.doses,
        over=v["over"] if item.over is None else item.over,
        mg=mg,
        loading=None if item.loading is None else item.loading.mg,
        cycle=item.cycle,
        where=str(item),
    )
    last = None if until is None else snap(until)
    doses = tuple(replace(dose, early=early, until=last, gate=gate) for dose in doses)
    return Course(drug=drug, doses=doses, mass_kg=host.mass, bsa_m2=host.bsa)


def lower_drugs(courses: tuple[Course, ...], model: Model) -> Lowered:
    """Fields, uptake and columns that the drugs given need."""
    merged: dict[str, Course] = {}
    for c in courses:
        old = merged.get(c.drug.id)
        doses = (
            c.doses if old is None else tuple(sorted((*old.doses, *c.doses), key=lambda d: d.start))
        )
        merged[c.drug.id] = Course(drug=c.drug, doses=doses, mass_kg=c.mass_kg, bsa_m2=c.bsa_m2)
    drugs = [c.drug for c in merged.values()]
    return Lowered(
        courses=tuple(merged.values()),
        factors=tuple(_field(d) for d in drugs),
        permeability={d.id: d.values["permeability"] for d in drugs},
        uptakes=tuple(
            Uptake(
                row=f"drug.{d.id}",
                cell=t.id,
                factor=d.id,
                kind="first_order",
                rate=d.values["accumulation"] * float(over_a_tick(t.traits["drug_uptake"])),
                km=0.0,
            )
            for d in drugs
            for t in model.types
        ),
        variables=tuple(
            v
            for d in drugs
            for v in (
                Variable(name=f"drug_in.{d.id}", unit="nM", kind="cell"),
                Variable(
                    name=f"pk.{d.id}", unit="nmol", kind="global", dtype="float64", shape=(2,)
                ),
            )
        ),
        hazards=("drug_death",) if drugs else (),
    )


def _field(drug: Drug) -> Factor:
    """The drug as a dissolved substance."""
    return Factor(
        id=drug.id,
        form="soluble",
        unit="nM",
        diffusivity=drug.values["diffusivity"],
        decay=np.log(2.0) / drug.values["half_life"],
        baseline=0.0,
        reference=0.0,
        molar_mass=drug.molar_mass / 1000.0,
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dosing(Process):
    """Two-compartment pharmacokinetics, exact over a tick with a constant infusion.

    Source:
        ``dA/dt = M A + (rate, 0)``; over a tick ``A <- E A + F rate`` with ``E = exp(M dt)`` and
        ``F = M^-1 (E - 1)``. The free plasma concentration is ``fu * A_1 / V_1``. A medium has it
        at its walls, as in a hollow-fibre culture; the tissue beyond them follows
        ``dC/dt = exchange (plasma - C) - loss C`` with the vessels that the slice has at the start.
    """

    drug: str
    factor: int
    doses: tuple[Infusion, ...]
    nmol_per_mg: float
    free_per_nmol: float
    decay: Array
    inflow: Array
    medium: bool
    exchange: float
    loss: float
    access: Access
    name: str
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        amount = s[f"pk.{self.drug}"]
        rate = 0.0
        for dose in self.doses:
            shut = dose.gate is not None and s["control_ended"][dose.gate]
            if dose.runs(t) and not shut:
                rate += dose.mg * self.nmol_per_mg / (dose.length / 60.0)
        amount[:] = self.decay @ amount + self.inflow * rate
        s["blood"][self.factor] = amount[0] * self.free_per_nmol
        plasma, far = s["blood"][self.factor], s["far_level"]
        if self.medium:
            far[self.factor] = plasma
            return
        exchange = self.exchange * float(s["vessels_at_start"][0])
        gone = exchange + self.loss
        level = exchange * plasma / gone
        far[self.factor] = level + (far[self.factor] - level) * np.exp(-gone * TICK_MIN)


def dosing(c: Course, plan: Plan) -> Dosing:
    """Build a drug's compartments, scaled to the host's mass."""
    from scipy.linalg import expm

    v = c.drug.values
    total = v["volume"] * c.mass_kg
    v1, v2 = v["central_share"] * total, (1.0 - v["central_share"]) * total
    out = 1e-3 * v["clearance"] * c.mass_kg / v1
    q = np.log(2.0) / v["distribution_half_life"] / (1.0 / v1 + 1.0 / v2)
    m = np.array([[-out - q / v1, q / v2], [q / v1, -q / v2]])
    decay = expm(m * TICK_MIN)
    inflow = np.linalg.solve(m, (decay - np.eye(2)) @ np.array([1.0, 0.0]))
    return Dosing(
        drug=c.drug.id,
        factor=plan.factors[c.drug.id],
        doses=c.doses,
        nmol_per_mg=1e6 / c.drug.molar_mass,
        free_per_nmol=v["fraction_unbound"] / v1,
        decay=decay,
        inflow=inflow,
        medium=plan.surroundings.medium,
        exchange=plan.exchange[c.drug.id] / plan.grid.voxels,
        loss=float(np.log(2.0) / v["half_life"]),
        access=Access(
            read={
                "control_ended": "1",
                **({} if plan.surroundings.medium else {"vessels_at_start": "1"}),
            },
            write={
                f"pk.{c.drug.id}": "nmol",
                "blood": "factor unit",
                "far_level": "factor unit",
            },
        ),
        name=f"dosing.{c.drug.id}",
    )


def release(drug: Drug, plan: Plan) -> Release:
    """Build the way of a drug out of the cells."""
    return Release(
        drug=drug.id,
        factor=plan.factors[drug.id],
        uptake=plan.trait("drug_uptake"),
        efflux_row=plan.behaviours["drug_efflux"],
        voxel_volume=plan.grid.voxel_volume,
        access=Access(
            read={
                f"drug_in.{drug.id}": "nM",
                "behaviours": "1",
                "type": "1",
                "state": "1",
                "radius": "um",
                "voxel_ptr": "1",
            },
            add={"supply": "factor unit/min"},
        ),
        name=f"release.{drug.id}",
    )


def cytotoxic(drug: Drug, plan: Plan) -> Cytotoxic:
    """Build a cytotoxic drug's action on cells."""
    v = drug.values
    return Cytotoxic(
        drug=drug.id,
        signal=plan.signals[drug.id],
        uptake=plan.trait("drug_uptake"),
        accumulation=v["accumulation"],
        half_max=v["accumulation"] * v["potency"],
        hill=v["hill"],
        phases=np.array([name in drug.phases for name in PHASE_NAMES], np.uint8),
        kill=v["kill"],
        strain=v["damage"],
        hazard=plan.hazards["drug_death"],
        efflux_row=plan.behaviours["drug_efflux"],
        sensitivity_row=plan.behaviours["drug_sensitivity"],
        access=Access(
            read={
                "signals": "1",
                "behaviours": "1",
                "type": "1",
                "state": "1",
                "phase": "1",
                "sensitivity": "1",
            },
            write={f"drug_in.{drug.id}": "nM", "clock": "min"},
            add={"hazards": "1/min", "damage": "1"},
        ),
        name=f"action.{drug.id}",
    )
