"""Cells and viruses given as products: a patient's dose becomes what the slice gets of it.

`lower` asks whether a drug is one. Cells become transfers, presenters go to the lymph node, a virus
is injected by `therapy.virus`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import final

from stemniche.core.errors import InputError
from stemniche.engine.controls import Control
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import State
from stemniche.kernels.cpu import Backend
from stemniche.spec.druglist import LYMPH_NODE, VIRUS
from stemniche.spec.interventions import GiveDrug, Intervention
from stemniche.spec.model import Drug, Model
from stemniche.spec.scenario import Scenario
from stemniche.therapy.schedule import snap

CM3 = 1e12
"""um^3 in a cubic centimetre."""

KINDS = {VIRUS: "virus", LYMPH_NODE: "vaccine"}
"""Kind of the control by what a dose brings; else a transfer."""


def product_of(item: Intervention, model: Model) -> Drug | None:
    """The product that an intervention gives, None where it gives no cells or virus."""
    if not isinstance(item, GiveDrug):
        return None
    return next((d for d in model.drugs if d.id == item.drug and d.gives), None)


def doses_of(
    item: Intervention, product: Drug, scenario: Scenario, control: Callable[..., Control]
) -> Iterable[Control]:
    """The doses of a product as controls, the first by itself where it differs.

    Args:
        control: Makes a control with the intervention's times.

    Raises:
        InputError: A dose in another unit, without an amount, or too small for the slice.
    """
    assert isinstance(item, GiveDrug)
    every, loading = item.every, item.loading.total if item.loading else None
    if every is None and (item.dose is None or item.doses is not None):
        every = product.values.get("every")
    if loading is None and item.dose is None:
        loading = product.values.get("loading")
    kind = KINDS.get(product.gives, "transfer")
    one = control(
        kind=kind,
        target=product.id if kind == VIRUS else "",
        value=_in_slice(item, product, _amount(item, product), scenario),
        cells=(product.gives,) if kind == "transfer" else (),
        every=snap(every or 0.0),
        times=item.doses,
    )
    if loading is None:
        yield one
        return
    if one.start is None:
        what = "A first dose of its own cannot be given before preparation."
        raise InputError(what, str(item), "Start at a day, such as 'from 0 d'.")
    yield replace(one, value=_in_slice(item, product, loading, scenario), every=0, times=1)
    if every is not None and item.doses != 1:
        rest = None if item.doses is None else item.doses - 1
        yield replace(one, start=one.start + snap(every), times=rest)


def _amount(item: GiveDrug, product: Drug) -> float:
    """The dose in its unit."""
    wanted = "pfu" if product.gives == VIRUS else "cells"
    unit = item.dose.unit if item.dose else product.dose_unit
    if item.dose is None and "dose" not in product.values:
        what = f"The library does not know the dose of {product.id}."
        raise InputError(what, str(item), f"Give one, such as 'dose 1e8 {wanted}'.")
    if unit != wanted:
        what = f"'{product.id}' is not given in {unit}."
        raise InputError(what, str(item), f"Write the dose in {wanted}, such as '1e8 {wanted}'.")
    return item.dose.total if item.dose else product.values["dose"]


def _in_slice(item: GiveDrug, product: Drug, dose: float, scenario: Scenario) -> float:
    """What the slice, or its share of the node, gets of a dose.

    Source:
        Cells: ``dose * homing * volume``. Presenters: ``dose * reach`` over as many slices as
        drain into the node. Virus is injected into the represented tumour evenly.
    """
    v = product.values
    if product.gives == VIRUS:
        return dose * scenario.domain.volume / scenario.represents
    if product.gives == LYMPH_NODE:
        return dose * v["reach"] * scenario.domain.volume / scenario.represents
    count = round(dose * v["homing"] / CM3 * scenario.domain.volume)
    if not count:
        what = f"A dose of {dose:.3g} cells brings less than one to this slice of tissue."
        raise InputError(what, str(item), f"Give more, or use 'transfer {product.gives}'.")
    return float(count)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Vaccination(Process):
    """Presenters that were loaded outside arrive in the lymph node.

    Args:
        vaccines: Place among all controls, and the control.
    """

    vaccines: tuple[tuple[int, Control], ...]
    name: str = "vaccination"
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S
    access: Access = Access(read={"control_ended": "1"}, add={"lymph_node": "mixed"})

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        for place, control in self.vaccines:
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                s["lymph_node"][0] += control.value


def vaccination(plan: Plan) -> tuple[Process, ...]:
    """The process that gives the plan's vaccines, if there are any."""
    vaccines = tuple((i, c) for i, c in enumerate(plan.controls) if c.kind == "vaccine")
    return (Vaccination(vaccines=vaccines),) if vaccines else ()
