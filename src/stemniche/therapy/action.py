"""What a cytotoxic drug and damage do to cells."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, APOPTOTIC, NECROTIC, PHASE_NAMES, Array, State
from stemniche.kernels.cpu import Backend
from stemniche.spec.model import Drug, DrugTarget


def over_a_tick(rate: Array | float) -> Array:
    """Mean rate, 1/min, over a tick in which what is left keeps leaving at `rate`."""
    return np.asarray(-np.expm1(-rate * TICK_MIN) / TICK_MIN)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cytotoxic(Process):
    """A poison of some phases of the cycle: enters cells, holds, kills and damages those in them.

    Args:
        uptake: float32 [T], 1/min, passive exchange; active efflux comes on top.
        accumulation: Drug inside per free drug outside at balance, without efflux.
        half_max, hill: Of the effect, in nM inside the cell.
        phases: uint8, 1 for every phase in which cells are sensitive.
        kill: 1/min in those phases at full effect.
        strain: 1/min, damage in those phases at full effect.

    Source:
        ``dC_in/dt = uptake (accumulation * C_out - C_in) - efflux * C_in``, exact over a tick;
        necrotic cells only lose drug.
    """

    drug: str
    factor: int
    uptake: Array
    accumulation: float
    half_max: float
    hill: float
    phases: Array
    kill: float
    strain: float
    hazard: int
    efflux_row: int
    sensitivity_row: int
    access: Access
    name: str
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n = s.n
        inside = s[f"drug_in.{self.drug}"][:n]
        outside = s["fields"][self.factor].ravel()[s.live("voxel")]
        exchange = self.uptake[s.live("type")]
        out = exchange + s["behaviours"][self.efflux_row, :n]
        taken = exchange * outside * (s.live("state") <= APOPTOTIC)
        level = self.accumulation * taken / np.maximum(out, 1e-12)
        inside[:] = level + (inside - level) * np.exp(-out * TICK_MIN)
        if not inside.any():
            return
        effect = self.effect(inside)
        sensitive = s["behaviours"][self.sensitivity_row, :n] * s.live("sensitivity")
        struck = (self.phases[s.live("phase")] == 1) & (s.live("state") == ALIVE)
        strength = np.where(struck, effect * sensitive, 0.0)
        s["hazards"][self.hazard, :n] += self.kill * strength
        s["clock"][:n] += np.where(struck, effect * TICK_MIN, 0.0)
        s["damage"][:n] += self.strain * strength * TICK_MIN

    def effect(self, inside: Array) -> Array:
        """Share of the full effect at some level inside, nM."""
        power = np.power(np.maximum(inside, 0.0), self.hill)
        return np.asarray(power / (power + self.half_max**self.hill))

    def balance(self, outside: float, efflux: Array) -> Array:
        """Level inside a cell of each type that has long been in a level outside, nM."""
        out = np.maximum(self.uptake + efflux, 1e-12)
        return np.asarray(self.accumulation * self.uptake * outside / out)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Process):
    """Drug that leaves cells, passively or pumped, is back in the tissue."""

    drug: str
    factor: int
    uptake: Array
    efflux_row: int
    voxel_volume: float
    access: Access
    name: str
    phase: Phase = Phase.FIELDS
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n = s.n
        inside = s[f"drug_in.{self.drug}"]
        if not inside[:n].any():
            return
        out = over_a_tick(self.uptake[s["type"]] + s["behaviours"][self.efflux_row])
        volume = 4.18879 * s["radius"].astype(np.float32) ** 3
        amount = (out * inside * volume * (s["state"] <= NECROTIC)).astype(np.float32)
        k.deposit(amount, s["voxel_ptr"], n, 1.0 / self.voxel_volume, s["supply"][self.factor])


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Repair(Process):
    """Damage decays at each cell's rate of repair, whatever made it."""

    row: int
    name: str = "repair"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(read={"behaviours": "1"}, write={"damage": "1"})

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        s["damage"][: s.n] *= np.exp(-s["behaviours"][self.row, : s.n] * TICK_MIN)


def repair(plan: Plan) -> Repair:
    """Build the repair of damage."""
    return Repair(row=plan.behaviours["damage_repair"])


def entry(poison: DrugTarget, plan: Plan) -> Array:
    """Exchange of each type with the drug around it; 0 where a carrier does not bring it."""
    return np.asarray(plan.trait("drug_uptake") * plan.mask(poison.cells))


def release(drug: Drug, poison: DrugTarget, plan: Plan) -> Release:
    """Build the way of a drug out of the cells."""
    return Release(
        drug=drug.id,
        factor=plan.factors[drug.id],
        uptake=entry(poison, plan),
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


def cytotoxic(drug: Drug, poison: DrugTarget, plan: Plan) -> Cytotoxic:
    """Build a cytotoxic drug's action on cells."""
    v = drug.values
    return Cytotoxic(
        drug=drug.id,
        factor=plan.factors[drug.id],
        uptake=entry(poison, plan),
        accumulation=v["accumulation"],
        half_max=v["accumulation"] * poison.potency,
        hill=poison.hill,
        phases=np.array([name in drug.phases for name in PHASE_NAMES], np.uint8),
        kill=v["kill"],
        strain=v["damage"],
        hazard=plan.hazards["drug_death"],
        efflux_row=plan.behaviours["drug_efflux"],
        sensitivity_row=plan.behaviours["drug_sensitivity"],
        access=Access(
            read={
                "fields": "factor unit",
                "voxel": "1",
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
