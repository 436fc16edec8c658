"""What a cytotoxic drug and damage do to cells."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, APOPTOTIC, NECROTIC, Array, State
from stemniche.kernels.cpu import Backend


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
    signal: int
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
        outside = s["signals"][self.signal, :n]
        exchange = self.uptake[s.live("type")]
        out = exchange + s["behaviours"][self.efflux_row, :n]
        taken = exchange * outside * (s.live("state") <= APOPTOTIC)
        level = self.accumulation * taken / np.maximum(out, 1e-12)
        inside[:] = level + (inside - level) * np.exp(-out * TICK_MIN)
        if not inside.any():
            return
        power = np.power(np.maximum(inside, 0.0), self.hill)
        effect = power / (power + self.half_max**self.hill)
        sensitive = s["behaviours"][self.sensitivity_row, :n] * s.live("sensitivity")
        struck = (self.phases[s.live("phase")] == 1) & (s.live("state") == ALIVE)
        strength = np.where(struck, effect * sensitive, 0.0)
        s["hazards"][self.hazard, :n] += self.kill * strength
        s["clock"][:n] += np.where(struck, effect * TICK_MIN, 0.0)
        s["damage"][:n] += self.strain * strength * TICK_MIN


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
