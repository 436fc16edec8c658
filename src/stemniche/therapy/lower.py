"""Lower a scenario's interventions to the engine's controls and a drug's processes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from math import log

from stemniche.core.errors import InputError
from stemniche.engine.controls import Control
from stemniche.engine.plan import Extension, Plan
from stemniche.engine.process import Process
from stemniche.engine.vessels import VESSEL_STATE
from stemniche.spec import interventions as given
from stemniche.spec.model import Model
from stemniche.spec.scenario import Scenario
from stemniche.therapy.action import repair
from stemniche.therapy.distant import distant_rays
from stemniche.therapy.drugs import Course, course, lower_drugs
from stemniche.therapy.products import doses_of, product_of, vaccination
from stemniche.therapy.radiation import lower_radiation
from stemniche.therapy.reach import reaching
from stemniche.therapy.receptors import stand_ins
from stemniche.therapy.schedule import snap
from stemniche.therapy.virus import lower_virus

ABSENT = 1e-9
"""Odds of a node whose gene is knocked out: none to speak of, and with a logarithm."""


def lower(scenario: Scenario, model: Model) -> Extension:
    """What the scenario's therapy adds to a Plan of `model`.

    Raises:
        InputError: An intervention asks for what this model or version cannot do.
    """
    controls: list[Control] = []
    courses: list[Course] = []
    notes: list[str] = []
    # What starts before preparation comes first: its places are the same in the arms that branch.
    for item in sorted(scenario.therapy, key=lambda item: item.start != "birth"):
        product = product_of(item, model)
        if product is not None:
            controls.extend(doses_of(item, product, scenario, _timed(item)))
        elif isinstance(item, given.GiveDrug):
            gate = None
            if isinstance(item.until, given.Condition) or item.pause is not None:
                gate = len(controls)
                controls.append(_timed(item)(kind="gate", target="", value=0.0))
            courses.append(course(item, scenario, model, gate))
        else:
            item, idle = reaching(item, model)
            notes.extend(idle)
            controls.extend(_controls(item, model))
    drugs = lower_drugs(tuple(courses), model)
    rays = lower_radiation(tuple(controls))
    virus = lower_virus(tuple(controls), model)

    def processes(plan: Plan) -> tuple[Process, ...]:
        given_cells = (*virus.processes(plan), *vaccination(plan))
        afar = (distant_rays(rays.distant, plan),) if rays.distant else ()
        found = (*drugs.processes(plan), *rays.processes(plan), *afar, *given_cells)
        strains = bool(drugs.uptakes) or bool(rays.variables)
        return (*found, repair(plan)) if strains else found

    return Extension(
        controls=tuple(controls),
        factors=(*drugs.factors, *virus.factors),
        permeability=drugs.permeability | virus.permeability,
        uptakes=(*drugs.uptakes, *virus.uptakes),
        variables=(*drugs.variables, *rays.variables, *virus.variables),
        hazards=(*drugs.hazards, *rays.hazards, *virus.hazards),
        held=drugs.held,
        bindings=drugs.bindings,
        notes=tuple(notes),
        sensed=drugs.sensed,
        processes=processes,
    )


def _controls(item: given.Intervention, model: Model) -> Iterable[Control]:
    """Controls of one intervention."""
    factors, nodes = {f.id for f in model.factors}, {n.id for n in model.nodes}
    control = _timed(item)
    if isinstance(item, OnReceptors):
        item, read = _without_receptors(item, model)
        for name in read:
            yield from _stand_ins(control, name, _fold(item), item.cells, model)
    match item:
        case given.Neutralise():
            for name in item.targets:
                yield control(kind="scale_loss", target=name, value=1 / (1 - item.fraction))
        case given.Block() | given.Inhibit():
            for name in item.targets:
                yield control(
                    kind="scale_signal",
                    target=name,
                    value=1.0 - item.fraction,
                    cells=item.cells,
                )
                if isinstance(item, given.Block):
                    yield from _stand_ins(control, name, _fold(item), item.cells, model)
        case given.Overexpress():
            for name in item.targets:
                made = name in factors
                yield control(
                    kind="scale_synthesis" if made else "shift_node",
                    target=name,
                    value=item.fold if made else log(item.fold),
                    cells=item.cells,
                )
        case given.KnockOut():
            for name in item.targets:
                kind = "scale_synthesis" if name in factors else "scale_signal"
                yield control(kind=kind, target=name, value=0.0, cells=item.cells)
                if name in nodes:
                    # What cells hold of it goes as well, at the node's own pace.
                    yield control(
                        kind="shift_node", target=name, value=log(ABSENT), cells=item.cells
                    )
                yield from _stand_ins(control, name, _fold(item), item.cells, model)
        case given.Silence():
            yield control(kind="scale_synthesis", target="", value=0.0, cells=item.cells)
        case given.ReleaseBlock() | given.UptakeBlock():
            kind = "scale_synthesis" if isinstance(item, given.ReleaseBlock) else "scale_signal"
            for name in (f.id for f in model.factors if f.form == "vesicle"):
                yield control(kind=kind, target=name, value=1.0 - item.fraction, cells=item.cells)
        case given.Add():
            for name in item.targets:
                yield control(
                    kind="supply",
                    target=name,
                    value=item.concentration,
                    where=item.where,
                )
        case given.Deplete():
            yield control(
                kind="deplete",
                target="",
                value=item.fraction,
                cells=item.cells,
                among=item.among,
                every=snap(item.every or 0.0),
                times=item.doses,
            )
        case given.Sort():
            _check_marker(item, model)
            yield control(
                kind="sort",
                target=item.marker,
                value=float(item.inside),
                cells=item.cells,
                every=snap(item.keep_every or 0.0),
            )
        case given.Vessels():
            for name in VESSEL_STATE:
                yield control(kind="vessels", target=name, value=getattr(item, name))
        case given.Transfer():
            yield control(
                kind="transfer",
                target="",
                value=float(item.count),
                cells=(item.cell,),
                every=snap(item.every or 0.0),
                times=item.doses,
            )
        case given.Radiate():
            yield control(
                kind="radiation",
                target="",
                value=item.dose,
                where=item.where,
                every=snap(item.every or 0.0),
                times=item.doses,
            )
        case given.Inject():
            yield control(
                kind="inject",
                target=item.route,
                value=float(item.count),
                cells=(item.cell,),
                every=snap(item.every or 0.0),
                times=item.doses,
            )
        case given.Replant():
            return
        case given.SetValue():
            place = item.path.removeprefix("environment.")
            yield control(kind="environment", target=place, value=item.to)
        case _:
            raise InputError(
                f"'{item.key}' cannot be carried out by this version.",
                str(item),
                "Take the intervention out of the therapy.",
            )


OnReceptors = given.Block | given.Overexpress | given.KnockOut
"""Interventions on receptors, which need not be nodes."""


def _without_receptors(item: OnReceptors, model: Model) -> tuple[OnReceptors, list[str]]:
    """The intervention on what is no mere reading of a ligand, and the receptors that are."""
    known = {row.id for row in model.receptors}
    rest = tuple(name for name in item.targets if name not in known)
    return replace(item, targets=rest), [name for name in item.targets if name in known]


def _fold(item: OnReceptors) -> float:
    """What is left of a receptor, or how much more there is of it."""
    match item:
        case given.Block():
            return 1.0 - item.fraction
        case given.Overexpress():
            return item.fold
    return 0.0


def _stand_ins(
    control: Callable[..., Control], receptor: str, left: float, chosen: tuple[str, ...], m: Model
) -> Iterable[Control]:
    """Controls of a blocked receptor where its ligand is read in its stead."""
    factors = {f.id for f in m.factors}
    for ligand, lacking in stand_ins(receptor, m):
        cells = tuple(c for c in lacking if not chosen or c in chosen)
        if cells:
            yield control(kind="scale_signal", target=ligand, value=left, cells=cells)
        if not chosen and ligand in factors:
            yield control(kind="scale_call", target=ligand, value=left)


def _check_marker(item: given.Sort, model: Model) -> None:
    """Refuse a gate on a marker that tells nothing in this cancer, or not yet."""
    known = [marker.id for marker in model.markers]
    if item.marker and item.marker not in known:
        what = f"'{item.marker}' is no marker of {model.cancer} cancer in the library."
        raise InputError(what, str(item), f"Use one of: {', '.join(known)}.")
    if item.marker and item.start == "birth":
        what = "Cells show their markers a day after placement, not at birth."
        raise InputError(what, str(item), "Sort 'from: 0 d', or by type, such as 'gate: CSC'.")


def _timed(item: given.Intervention) -> Callable[..., Control]:
    """A Control with the intervention's times already set."""
    condition = item.until if isinstance(item.until, given.Condition) else None
    stop = None if item.until is None or condition else snap(float(item.until))  # type: ignore[arg-type]
    return partial(
        Control,
        start=None if item.start == "birth" else snap(float(item.start)),
        stop=stop,
        until=condition.tree if condition else None,
        pause=item.pause.tree if item.pause else None,
        resume=item.resume.tree if item.resume else None,
        cycle=None if item.cycle is None else (snap(item.cycle[0]), snap(item.cycle[1])),
        label=str(item),
    )
