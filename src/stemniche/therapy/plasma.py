"""A drug in the body: doses into blood, gut, skin or tumour, and its level in plasma.

Two compartments and a depot, linear, exact over a tick. What the library says of an adult of 70 kg
is scaled to the host by the usual allometry; nothing here knows what the drug does.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, Array, State
from stemniche.kernels.cpu import Backend
from stemniche.spec.druglist import ADULT_KG
from stemniche.spec.model import Drug
from stemniche.therapy.schedule import Infusion

DEPOT, CENTRAL, PERIPHERAL = 0, 1, 2
"""Compartments of the variable ``pk.<drug>``."""

LITRE = 1e15
"""um^3 in a litre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A drug's volumes (L), clearances (L/min) and absorption (1/min) in one host."""

    central: float
    peripheral: float
    clearance: float
    exchange: float
    absorption: float

    def rates(self) -> Array:
        """Matrix M of ``dA/dt = M A``, 1/min, for depot, central and peripheral amounts."""
        out, swap = self.clearance / self.central, self.exchange / self.central
        back = self.exchange / self.peripheral if self.peripheral else 0.0
        a = self.absorption
        return np.array([[-a, 0.0, 0.0], [a, -out - swap, back], [0.0, swap, -back]])


def body(drug: Drug, mass_kg: float, exponent: float) -> Body:
    """Scale a drug's numbers to a host.

    Source:
        Volumes grow with body mass, clearances with its power `exponent`, so that times grow with
        mass to one less the exponent: Boxenbaum 1982 J Pharmacokinet Biopharm 10:201.
    """
    v = drug.values
    relative = mass_kg / ADULT_KG
    slower = relative ** (1.0 - exponent)
    volume = v["volume"] * mass_kg
    central = v["central_share"] * volume
    peripheral = volume - central
    exchange = 0.0
    if peripheral > 0.0:
        exchange = np.log(2.0) / (v["distribution_half_life"] * slower)
        exchange /= 1.0 / central + 1.0 / peripheral
    return Body(
        central=central,
        peripheral=peripheral,
        clearance=1e-3 * v["clearance"] * ADULT_KG * relative**exponent,
        exchange=exchange,
        absorption=float(np.log(2.0) / (v["absorption"] * slower)),
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dosing(Process):
    """Pharmacokinetics, exact over a tick with constant infusions.

    Source:
        ``dA/dt = M A + r``; over a tick ``A <- E A + F r`` with ``E = exp(M dt)`` and
        ``F = int exp(M s) ds``. A bolus is there at the start of its tick. The free plasma
        concentration is ``fu * A_1 / V_1``. A medium has it at its walls, as in a hollow-fibre
        culture; the tissue beyond them follows ``dC/dt = exchange (plasma - C) - loss C`` with the
        vessels that the slice has at the start. What goes into the tumour is spread evenly over
        the voxels of its living cells; they hold the slice's share of the tumour that it stands
        for.

    Args:
        nmol_per_mg: Of the drug.
        tumour: uint8 [T], tumour cells.
        litres: Of the tumour that the slice stands for, per voxel of the slice.
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
    tumour: Array
    litres: float
    access: Access
    name: str
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        amount = s[f"pk.{self.drug}"]
        rate = np.zeros(len(amount))
        for dose in self.doses:
            shut = dose.gate is not None and s["control_ended"][dose.gate]
            if shut or not dose.runs(t):
                continue
            nmol = dose.mg * dose.share * self.nmol_per_mg
            if dose.route == "it":
                self._inject(s, nmol * TICK_S / max(dose.length, TICK_S))
            else:
                _pour(dose, nmol, amount, rate)
        amount[:] = self.decay @ amount + self.inflow @ rate
        plasma, far = amount[CENTRAL] * self.free_per_nmol, s["far_level"]
        s["blood"][self.factor] = plasma
        if self.medium:
            far[self.factor] = plasma
            return
        exchange = self.exchange * float(s["vessels_at_start"][0])
        gone = exchange + self.loss
        level = exchange * plasma / gone
        far[self.factor] = level + (far[self.factor] - level) * np.exp(-gone * TICK_MIN)

    def _inject(self, s: State, nmol: float) -> None:
        """Spread an amount over the tumour's voxels."""
        inside = (self.tumour[s.live("type")] == 1) & (s.live("state") == ALIVE)
        voxels = np.unique(s.live("voxel")[inside])
        if not voxels.size:
            return
        supply = s["supply"][self.factor]
        supply[voxels] += nmol / (self.litres * len(voxels)) / TICK_MIN


def _pour(dose: Infusion, nmol: float, amount: Array, rate: Array) -> None:
    """Add a dose to a compartment at once, or to what flows into it (nmol/min)."""
    if dose.length:
        rate[dose.compartment] += nmol / (dose.length / 60.0)
    else:
        amount[dose.compartment] += nmol


def tick_matrices(host: Body) -> tuple[Array, Array]:
    """Matrices E and F of `Dosing`: what a tick leaves of amounts, and makes of a steady inflow."""
    from scipy.linalg import expm

    rates = host.rates()
    size = len(rates)
    joined = np.zeros((2 * size, 2 * size))
    joined[:size, :size], joined[:size, size:] = rates, np.eye(size)
    stepped = expm(joined * TICK_MIN)
    return stepped[:size, :size], stepped[:size, size:]


def plasma_levels(drug: Drug, doses: tuple[Infusion, ...], host: Body, days: float) -> Array:
    """Unbound level in plasma at the end of each tick from day 0, nM; no dose is held back."""
    decay, inflow = tick_matrices(host)
    amount, levels = np.zeros(len(decay)), np.zeros(round(days * 1440.0 / TICK_MIN))
    for i in range(len(levels)):
        rate = np.zeros(len(decay))
        for dose in doses:
            if dose.route != "it" and dose.runs(Tick(i, 0)):
                _pour(dose, dose.mg * dose.share * 1e6 / drug.molar_mass, amount, rate)
        amount = decay @ amount + inflow @ rate
        levels[i] = amount[CENTRAL]
    return levels * drug.values["fraction_unbound"] / host.central


def dosing(drug: Drug, doses: tuple[Infusion, ...], host: Body, plan: Plan) -> Dosing:
    """Build a drug's compartments in a host."""
    decay, inflow = tick_matrices(host)
    medium = plan.surroundings.medium
    injected = any(dose.route == "it" for dose in doses)
    cells = {"type": "1", "state": "1", "voxel": "1"} if injected else {}
    return Dosing(
        drug=drug.id,
        factor=plan.factors[drug.id],
        doses=doses,
        nmol_per_mg=1e6 / drug.molar_mass,
        free_per_nmol=drug.values["fraction_unbound"] / host.central,
        decay=decay,
        inflow=inflow,
        medium=medium,
        exchange=plan.exchange[drug.id] / plan.grid.voxels,
        loss=float(np.log(2.0) / drug.values["half_life"]),
        tumour=plan.mask(["tumour"]),
        litres=plan.surroundings.blood_scale * plan.grid.voxel_volume / LITRE,
        access=Access(
            read={
                **({"control_ended": "1"} if any(d.gate is not None for d in doses) else {}),
                **({} if medium else {"vessels_at_start": "1"}),
                **cells,
            },
            write={f"pk.{drug.id}": "nmol", "blood": "factor unit", "far_level": "factor unit"},
            add={"supply": "factor unit/min"} if injected else {},
        ),
        name=f"dosing.{drug.id}",
    )
