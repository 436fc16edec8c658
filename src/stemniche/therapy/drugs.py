"""Drugs given: courses of doses, and all that they add to a Plan.

A drug's numbers and targets come with the Model; an effect maps to one action. What a drug does
beyond its own targets and the damage of cells is left to the network.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stemniche.core.errors import InputError
from stemniche.engine.occupancy import Binding, Held
from stemniche.engine.plan import MARROW, Plan
from stemniche.engine.process import Process
from stemniche.engine.state import Variable
from stemniche.spec.interventions import Condition, GiveDrug
from stemniche.spec.lexicon import SITES
from stemniche.spec.model import Drug, DrugTarget, Factor, Model, Uptake
from stemniche.spec.scenario import Scenario
from stemniche.therapy.action import cytotoxic, over_a_tick, release
from stemniche.therapy.distant import distant_drugs
from stemniche.therapy.plasma import CENTRAL, DEPOT, Body, body, dosing
from stemniche.therapy.schedule import Infusion, check_pump, infusions, snap
from stemniche.therapy.targeting import (
    depletion,
    hold,
    in_blood,
    scaled_signals,
    targeting,
    withheld_rows,
    withholding,
)

ADULT_M2 = 1.8
"""Body surface of the adult for whom doses are told."""

ABSORBED = ("oral", "ip", "sc")
"""Routes by way of a depot."""

NEEDED = ("volume", "clearance", "dose", "every")
"""Numbers without which nobody knows what to give."""

EXPONENT = "pk.clearance_exponent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All doses of one drug."""

    drug: Drug
    doses: tuple[Infusion, ...]
    host: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """What the drugs of a scenario add to a Plan."""

    courses: tuple[Course, ...] = ()
    factors: tuple[Factor, ...] = ()
    permeability: dict[str, float] = field(default_factory=dict)
    uptakes: tuple[Uptake, ...] = ()
    variables: tuple[Variable, ...] = ()
    hazards: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    bindings: tuple[Binding, ...] = ()
    targets: tuple[tuple[str, DrugTarget], ...] = ()

    def sensed(self, plan: Plan) -> tuple[Process, ...]:
        """What stands between sensing and signalling: drugs take hold of their targets."""
        return (targeting(self.targets, plan),) if self.targets else ()

    def processes(self, plan: Plan) -> tuple[Process, ...]:
        """Dosing and action of every course."""
        found: list[Process] = []
        poisons = []
        for c in self.courses:
            found.append(dosing(c.drug, c.doses, c.host, plan))
            poison = _poison(c.drug)
            if poison is not None:
                poisons.append(cytotoxic(c.drug, poison, plan))
                found += [release(c.drug, poison, plan), poisons[-1]]
        if withheld_rows(self.targets, plan):
            found.append(withholding(self.targets, plan))
        if any(e.sites and MARROW in e.sites for e in self.held):
            found.append(in_blood(self.targets, plan))
        marked = None
        if any(target.effect == "depleter" for _, target in self.targets):
            marked = depletion(self.targets, plan)
            found.append(marked)
        if plan.surroundings.distant and (self.targets or poisons):
            holds = tuple(hold(drug, target, plan) for drug, target in self.targets)
            scaled = tuple(scaled_signals(self.targets, plan))
            found.append(distant_drugs(holds, scaled, tuple(poisons), marked, plan))
        return tuple(found)


def course(item: GiveDrug, scenario: Scenario, model: Model, gate: int | None) -> Course:
    """The doses that an intervention stands for; those after control `gate` ended are not given.

    Raises:
        InputError: The drug is given in another way, or its regimen is impossible.
    """
    drug = next(d for d in model.drugs if d.id == item.drug)
    where = str(item)
    if drug.instead:
        raise InputError(f"'{drug.id}' is no drug with a level in plasma.", where, drug.instead)
    lacking = [name for name in NEEDED if name not in drug.values]
    if lacking:
        what = f"The library does not know the {' and '.join(lacking)} of {drug.id}."
        raise InputError(what, where, f"Set 'parameters: {{{drug.id}.{lacking[0]}: …}}'.")
    v = drug.values
    host = body(drug, scenario.host.mass, model.parameters[EXPONENT])
    every, cycle = item.every, item.cycle
    if every is None and (item.dose is None or item.doses is not None):
        every = v["every"]
        if cycle is None and "on" in v and "off" in v:
            cycle = (v["on"], v["off"])
    route = item.route or drug.route
    early, end = item.start == "birth", item.until
    until = None if end is None or isinstance(end, Condition) else float(end)
    whole = scenario.days * 1440.0 + (scenario.prepare.length if early else 0.0)
    mg = _regular(drug, "dose", scenario, host, where)
    loading = None
    if item.dose is None and "loading" in v:
        loading = _regular(drug, "loading", scenario, host, where)
    if item.dose is not None:
        mg = _mg(drug, item.dose.total, item.dose.unit, host, where)
    if item.loading is not None:
        loading = _mg(drug, item.loading.total, item.loading.unit, host, where)
    doses = infusions(
        start=0.0 if item.start == "birth" else float(item.start),
        stop=whole if until is None or early else until,
        every=every,
        doses=item.doses,
        over=_over(drug, route, item.over),
        mg=mg,
        loading=loading,
        cycle=cycle,
        where=where,
    )
    given: dict[str, Any] = {
        "route": route,
        "share": v["bioavailability"] if route in ABSORBED else 1.0,
        "compartment": DEPOT if route in ABSORBED else CENTRAL,
        "early": early,
        "until": None if until is None else snap(until),
        "gate": gate,
    }
    return Course(drug=drug, doses=tuple(replace(dose, **given) for dose in doses), host=host)


def _over(drug: Drug, route: str, asked: float | None) -> float:
    """Minutes of each dose; what is swallowed or injected beside the blood is there at once."""
    if asked is not None:
        return asked
    return drug.values.get("over", 0.0) if route == drug.route else 0.0


def _regular(drug: Drug, name: str, scenario: Scenario, host: Body, where: str) -> float:
    """The library's dose in mg; a fixed dose goes with the surface of a host of another species."""
    sizes = {"m^2": scenario.host.bsa, "kg": scenario.host.mass}
    relative = sizes.get(drug.dose_unit.partition("/")[2], 1.0)
    if drug.dose_unit in ("mg", "IU") and scenario.host.species != "human":
        relative = scenario.host.bsa / ADULT_M2
    return _mg(drug, drug.values[name] * relative, drug.dose_unit, host, where)


def _mg(drug: Drug, total: float, unit: str, host: Body, where: str) -> float:
    """An amount in mg, from one in mg, IU or as the area under the curve.

    Raises:
        InputError: The drug is not measured in this unit.
    """
    base = unit.partition("/")[0]
    if base == "mg":
        return total
    if base == "AUC":
        return total * host.clearance * 1000.0
    if base == "IU" and "units_per_mg" in drug.values:
        return total / drug.values["units_per_mg"]
    what = f"{drug.id} is not dosed in {base}."
    raise InputError(what, where, f"Write the dose in {drug.dose_unit or 'mg'}.")


def lower_drugs(courses: tuple[Course, ...], model: Model) -> Lowered:
    """Fields, uptake, targets and columns that the drugs given need.

    Raises:
        InputError: Infusions of one drug overlap.
    """
    merged: dict[str, Course] = {}
    for c in courses:
        old = merged.get(c.drug.id)
        doses = c.doses if old is None else (*old.doses, *c.doses)
        check_pump(doses, f"drug {c.drug.id}")
        merged[c.drug.id] = replace(c, doses=tuple(sorted(doses, key=lambda d: d.start)))
    drugs = [c.drug for c in merged.values()]
    poisons = [d for d in drugs if _poison(d) is not None]
    targets = tuple(
        (d.id, t) for d in drugs for t in d.targets if t.effect not in ("poison", "enzyme")
    )
    deadly = bool(poisons) or any(t.effect == "depleter" for _, t in targets)
    return Lowered(
        courses=tuple(merged.values()),
        factors=tuple(_field(d) for d in drugs),
        permeability={d.id: d.values["permeability"] for d in drugs},
        uptakes=tuple(_uptakes(poisons, model)),
        variables=(*_variables(drugs, poisons), *_withheld(targets, model)),
        hazards=("drug_death",) if deadly else (),
        held=tuple(_held(drug, target) for drug, target in targets),
        bindings=tuple(_bindings(drugs)),
        targets=targets,
    )


def _poison(drug: Drug) -> DrugTarget | None:
    """How the drug kills cells, None if it does not."""
    return next((t for t in drug.targets if t.effect == "poison"), None)


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


def _uptakes(poisons: Iterable[Drug], model: Model) -> Iterable[Uptake]:
    """What cells take up of the drugs that act inside them."""
    for d in poisons:
        poison = _poison(d)
        cells = poison.cells if poison else ()
        for t in (t for t in model.types if not cells or t.id in cells):
            rate = d.values["accumulation"] * float(over_a_tick(t.traits["drug_uptake"]))
            row = f"drug.{d.id}"
            yield Uptake(row=row, cell=t.id, factor=d.id, kind="first_order", rate=rate, km=0.0)


def _variables(drugs: Iterable[Drug], poisons: Iterable[Drug]) -> Iterable[Variable]:
    for d in poisons:
        yield Variable(name=f"drug_in.{d.id}", unit="nM", kind="cell")
    for d in drugs:
        name = f"pk.{d.id}"
        yield Variable(name=name, unit="nmol", kind="global", dtype="float64", shape=(3,))


def _withheld(targets: Iterable[tuple[str, DrugTarget]], model: Model) -> Iterable[Variable]:
    """Room for what drugs hold back of nodes."""
    nodes = {n.id for n in model.nodes}
    held = {name for _, t in targets if t.effect != "depleter" for name in t.acts_on} & nodes
    if held:
        yield Variable(name="withheld", unit="1", kind="cell rows", shape=(len(held),))


def _held(drug: str, target: DrugTarget) -> Held:
    """A target as the engine's pseudo cells see it."""
    cells = set(target.cells)
    sites = tuple(site for site in SITES if site in cells)
    holds_back = target.effect in ("antagonist", "inhibitor")
    return Held(
        name=f"{drug}.{target.name}",
        signals=target.acts_on if holds_back else (),
        sites=sites,
        maximum=target.maximum,
    )


def _bindings(drugs: Iterable[Drug]) -> Iterable[Binding]:
    """Factors that drugs bind or break down, with the loss per level of the drug."""
    for d in drugs:
        for t in d.targets:
            if t.effect in ("neutraliser", "enzyme"):
                bound = float(np.log(2.0) / d.values["complex_half_life"])
                rate = (t.maximum if t.effect == "enzyme" else bound) / t.potency
                for factor in t.acts_on:
                    yield Binding(factor=factor, drug=d.id, rate=rate)
