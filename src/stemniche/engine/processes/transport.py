"""Factors in the tissue: release, uptake, loss, exchange with vessels and blood, diffusion."""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import SENSE_S, TICK_MIN, Access, Phase, Process, Tick
from stemniche.engine.processes.matrix import (
    NANOMOLAR,
    hindrance_of,
    proteolysis_at_rest,
    rest_levels,
)
from stemniche.engine.processes.medium import StillMedium, still_medium
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend
from stemniche.kernels.fields import REPORT

REFERENCE_STEP_MIN = 0.01
"""Step of the reference solver, min."""

PACE_SHARE, LONGEST_PACE_MIN = 0.6, 36.0
"""A factor of cells is solved at least once in its mean life, at the latest after so many min, and
not more often than cells sense it."""

INFLOW = REPORT.index("walls")

LARGE_KDA = 1.0
"""Molar mass from which a solute passes a vessel's wall by its gaps, which leakiness widens."""


MATRIX_PACE_MIN = 60.0
"""The same for what does not move."""

_WALL = {"no_flux": 0, "fixed": 1, "far_field": 2}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Transport(Process):
    """Bring every factor's diffusion, loss, uptake and supply up to date.

    A factor is looked at every `pace` min, when cells are about to sense, and solved when it is out
    of balance by `tolerance`, at the latest after `max_age`. Sources are those of that moment. What
    cells hand back (drugs that they take up) is solved in every tick; what is injected in between
    is spread over the minutes until the solution, so that none is lost or counted twice. A factor
    is lost at `rate` times the level of each drug that binds it (`bound`).

    Source:
        Backward Euler, or the steady state for gases, whose relaxation is far shorter than a tick;
        multigrid-preconditioned conjugate gradients (`kernels.fields`). With `reference` every
        factor moves by tiny steps split by axis instead (`kernels.lod`).
    """

    shape: tuple[int, int, int]
    spacing: float
    joined: bool
    names: tuple[str, ...]
    diffusivity: Array
    decay: Array
    quasi_steady: Array
    wall: int
    wall_length: Array
    exchange: Array
    leakage: Array
    secretion_pointer: Array
    secretion_factor: Array
    secretion_rate: Array
    secretion_node: Array
    secretion_cargo: Array
    uptake_pointer: Array
    uptake_column: Array
    uptake_rate: Array
    uptake_by_volume: Array
    uptake_node: Array
    uptake_carrier: Array
    saturable: Array
    saturable_km: Array
    reference: bool
    pace: Array
    drugs: Array
    bound: tuple[tuple[int, int, float], ...]
    hindered: Array
    upkept: Array
    upkeep: Array
    stirred: bool
    bathes: Array
    used: Array
    still: StillMedium
    tolerance: float = 1e-2
    max_iterations: int = 60
    max_age: float = 24.0
    name: str = "transport"
    phase: Phase = Phase.FIELDS
    every_s: int = int(TICK_MIN * 60)
    access: Access = Access(
        read={
            "type": "1",
            "state": "1",
            "radius": "um",
            "signals": "1",
            "voxel_ptr": "1",
            "perfusion": "1",
            "leak": "1",
            "blood": "factor unit",
            "far_level": "factor unit",
            "read_scale": "1",
            "synthesis": "1",
            "background": "1",
            "loss_scale": "1",
            "held": "factor unit",
            "hindrance": "1",
            "bathed": "1",
        },
        write={
            "depletion": "factor unit",
            "fields": "factor unit",
            "field_age": "min",
            "supply": "factor unit/min",
        },
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        fields, supply, age, hindrance = s["fields"], s["supply"], s["field_age"], s["hindrance"]
        bathed = s["bathed"].reshape(self.shape)
        around = np.maximum(s["far_level"] - s["depletion"], 0.0)
        if self.stirred:
            for f in np.flatnonzero(self.bathes):
                fields[f][bathed == 1] = around[f]
        factors = len(self.names)
        age += TICK_MIN
        due = t.index * TICK_MIN % self.pace == 0.0
        if not due.any():
            return
        column_due = np.concatenate([due, due[self.saturable]]).astype(np.uint8)
        sinks = k.cleared(column_due, supply.shape[1])
        for f in np.flatnonzero(due & self.drugs):
            supply[f] *= np.float32(TICK_MIN / age[f])
        self._exchange(s, k, column_due, supply, sinks)
        sink = sinks[:factors]
        self._hold(s, supply, sinks, due)
        problem = k.FieldProblem(
            spacing=self.spacing,
            diffusivity=self.diffusivity,
            decay=self.decay * s["loss_scale"],
            quasi_steady=self.quasi_steady,
            supply=supply.reshape(fields.shape),
            sink=sink.reshape(fields.shape),
            mm_vmax=sinks[factors:].reshape(-1, *self.shape),
            mm_index=self.saturable,
            mm_km=self.saturable_km,
            wall_kind=np.full(factors, self.wall),
            wall_value=s["far_level"],
            wall_length=self.wall_length,
            hindrance=None if self.reference or not hindrance.size else hindrance,
            hindered=self.hindered,
            periodic=(self.joined, False, False),
            fixed=bathed if self.stirred else None,
            fixed_value=np.where(self.bathes, around, np.nan),
        )
        if self.reference:
            k.advance_reference(fields, problem, TICK_MIN, REFERENCE_STEP_MIN)
            age[:] = 0.0
            supply[...] = 0.0
            return
        report = k.advance_fields(
            fields,
            problem,
            np.where(due, age, -1.0),
            due & (self.drugs | (age >= self.max_age - 1e-6)),
            self.tolerance,
            self.max_iterations,
            self.max_age,
        )
        solved, imbalance = report[:, 0] > 0, report[:, 2]
        if self.stirred:
            self.still.deplete(s, report[:, INFLOW] / age, solved & self.bathes)
        # A field in exact balance, above all an absent factor's, is up to date as well.
        age[due & (solved | (imbalance == 0.0))] = 0.0
        supply[due] = 0.0

    def _exchange(
        self, s: State, k: Backend, column_due: Array, supply: Array, sinks: Array
    ) -> None:
        """Add up what cells and vessels give and take in every voxel."""
        cells = s["voxel_ptr"], s["type"], s["state"]
        factors = len(self.names)
        k.secrete(
            *cells,
            s["signals"],
            self.secretion_pointer,
            self.secretion_factor,
            self.secretion_rate,
            self.secretion_node,
            self.secretion_cargo,
            s["read_scale"],
            s["synthesis"],
            column_due[:factors],
            supply,
        )
        k.take_up(
            *cells,
            s["radius"],
            self.uptake_pointer,
            self.uptake_column,
            self.uptake_rate,
            self.uptake_by_volume,
            self.uptake_node,
            self.uptake_carrier,
            s["signals"],
            s["read_scale"],
            column_due,
            sinks,
        )
        sink, loss = sinks[:factors], s["loss_scale"]
        for f in np.flatnonzero(loss != 1.0):
            sink[f] *= loss[f]
        for factor, drug, rate in self.bound:
            if column_due[factor]:
                sink[factor] += rate * s["fields"][drug].ravel()
        due = column_due[:factors]
        for field, passes in (("perfusion", self.exchange), ("leak", self.leakage)):
            k.perfuse(s[field], passes, s["blood"], due * (passes > 0.0), supply, sink)

    def _hold(self, s: State, supply: Array, sinks: Array, due: Array) -> None:
        """Add the upkeep of the matrix, and the supplies that interventions hold.

        Columns of what is held: level, and slope along x, y, z. It is held against decay; gases and
        metabolites, which hardly decay, against what cells and vessels take of the held level.
        """
        held = s["held"]
        for f in self.upkept[due[self.upkept]]:
            supply[f] += np.float32(self.upkeep[f] * s["far_level"][f] * s["background"][f])
        for f in np.flatnonzero(held.any(axis=1) & due):
            level = np.full(self.shape, held[f, 0])
            for axis, size in enumerate(reversed(self.shape)):
                if held[f, 1 + axis]:
                    ramp = 2.0 * (np.arange(size) + 0.5) / size
                    level = level + held[f, 1 + axis] * np.expand_dims(
                        ramp, tuple(a for a in range(3) if a != 2 - axis)
                    )
            added = level.astype(np.float32).ravel()
            supply[f] += np.float32(self.decay[f]) * added
            if self.used[f]:
                supply[f] += sinks[f] * added
                for column in np.flatnonzero(self.saturable == f):
                    with_it, km = s["fields"][f].ravel(), self.saturable_km[column]
                    without = np.maximum(with_it - added, 0.0)
                    taken = with_it / (km + with_it) - without / (km + without)
                    supply[f] += sinks[len(self.names) + column] * taken


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Blood(Process):
    """Factors in the host's plasma: what the represented tumour sheds, cleared by the host.

    Args:
        large: bool [F], factors that pass by the leaks of vessels.
        beyond: float64 [F], level of each in tissue at rest, which lies beyond the walls.
        dissolved: bool [F], factors of the host whose level beyond the walls supply and loss set.
        gains: float64 [F], so much more than its amount weighs what is shed.

    Source:
        One well-mixed compartment, ``dB/dt = leak - k (B - baseline)``, exact over the step with
        the leak held constant; gases and metabolites follow the environment. What a drug binds or
        an intervention neutralises is lost faster, and what nobody makes any more is not made,
        here and in the tissue beyond the walls.
    """

    exchange: Array
    large: Array
    dissolved: Array
    clearance: Array
    baseline: Array
    beyond: Array
    follows: tuple[tuple[int, int], ...]
    medium: bool
    dosed: Array
    decay: Array
    bound: tuple[tuple[int, int, float], ...]
    scale: float
    gains: Array
    voxel_volume: float
    name: str = "blood"
    phase: Phase = Phase.FIELDS
    every_s: int = SENSE_S
    access: Access = Access(
        read={
            "fields": "factor unit",
            "perfusion": "1",
            "leak": "1",
            "environment": "mixed",
            "loss_scale": "1",
            "background": "1",
        },
        write={"blood": "factor unit", "far_level": "factor unit"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        perfusion = s["perfusion"]
        places = np.flatnonzero(perfusion)
        flat = s["fields"].reshape(len(self.baseline), -1)
        blood = s["blood"]
        open_ = np.where(self.large[:, None], s["leak"][places], perfusion[places])
        excess = (flat[:, places] - blood[:, None]) * open_
        leak = self.exchange * excess.sum(axis=1, dtype=np.float64) * self.voxel_volume * self.scale
        leak *= np.where(leak > 0.0, self.gains, 1.0)
        lost = self.clearance * s["loss_scale"]
        for factor, drug, rate in self.bound:
            lost[factor] += rate * blood[drug]
        made = self.clearance * self.baseline * s["background"] + leak
        target = np.where(lost > 0, made / np.maximum(lost, 1e-30), self.baseline)
        kept = np.exp(-lost * self.every_s / 60.0)
        blood[:] = np.where(self.dosed, blood, target + (blood - target) * kept)
        np.maximum(blood, 0.0, out=blood)
        for factor, place in self.follows:
            blood[factor] = s["environment"][place]
            if self.medium:
                s["far_level"][factor] = s["environment"][place]
        if not self.medium:
            self._settle_beyond(s)

    def _settle_beyond(self, s: State) -> None:
        """Set the levels beyond the walls: what is supplied over what is lost."""
        far, gone = s["far_level"], self.decay * s["loss_scale"]
        for factor, drug, rate in self.bound:
            gone[factor] += rate * far[drug]
        made = self.beyond * s["background"]
        share = np.divide(self.decay, gone, out=np.ones_like(gone), where=gone > 0.0)
        far[:] = np.where(self.dissolved, made * share, far)


def _wall_exchange(plan: Plan) -> tuple[Array, Array]:
    """Exchange of each factor through a resting wall, 1/min, and whether it goes by the leaks."""
    factors = plan.factor_data
    large = [f.form == "vesicle" or (f.molar_mass or 0.0) >= LARGE_KDA for f in factors]
    return np.array([plan.exchange[f.id] for f in factors]), np.array(large)


def transport(plan: Plan) -> Transport:
    """Build the tables of `Transport` from the plan's secretions, uptakes and factors."""
    factors, volume = plan.factor_data, plan.grid.voxel_volume
    pointer, entries = [0], []
    for cell in plan.types.names:
        for row in plan.model.secretions:
            if row.cell == cell:
                place = plan.factors[row.factor]
                unit = 1e-6 if factors[place].unit == "mM" else 1.0
                node = plan.signals[row.node] if row.node else -1
                cargo = plan.signals[row.cargo] if row.cargo else -1
                entries.append((place, row.rate * unit / (NANOMOLAR * volume), node, cargo))
        pointer.append(len(entries))
    saturable: list[int] = []
    kms: list[float] = []
    up_pointer, taken = [0], []
    for cell in plan.types.names:
        for u in plan.uptakes:
            if u.cell != cell:
                continue
            place = plan.factors[u.factor]
            node = plan.signals[u.node] if u.node else -1
            vesicle = factors[place].form == "vesicle"
            carrier = plan.signals[u.factor] if vesicle else -1
            if u.kind == "first_order":
                taken.append((place, u.rate / volume, 1, node, carrier))
            else:
                if place not in saturable:
                    saturable.append(place)
                    kms.append(u.km)
                column = len(factors) + saturable.index(place)
                taken.append((column, u.rate / volume, 0, node, carrier))
        up_pointer.append(len(taken))
    diffusivity = np.array([f.diffusivity for f in factors])
    decay = np.array([f.decay for f in factors])
    around = plan.surroundings
    fixed_walls = around.fixed or (around.medium and not around.stirred)
    wall = "fixed" if fixed_walls else "far_field" if around.far_field else "no_flux"
    drugs = np.arange(len(factors)) >= len(plan.model.factors)
    taken_up = {u.factor for u in plan.uptakes}
    handed_back = drugs & np.array([f.id in taken_up for f in factors])
    slow = np.array([f.form not in ("gas", "metabolite") for f in factors])
    fixed = np.array([f.form == "matrix" for f in factors])
    sense = SENSE_S / 60.0
    longest = np.where(slow, LONGEST_PACE_MIN, sense)
    patience = np.clip(PACE_SHARE / np.maximum(decay, 1e-9), sense, longest) // sense * sense
    patience = np.where(fixed, MATRIX_PACE_MIN, patience)
    exchange, large = _wall_exchange(plan)
    return Transport(
        hindered=hindrance_of(plan),
        upkept=np.flatnonzero(fixed),
        upkeep=decay + proteolysis_at_rest(plan),
        stirred=around.stirred,
        bathes=~slow | drugs,
        used=~slow,
        still=still_medium(plan),
        reference=plan.reference,
        drugs=drugs,
        bound=_bound(plan),
        pace=np.where(handed_back | plan.reference, TICK_MIN, patience),
        shape=plan.grid.shape,
        spacing=plan.grid.spacing,
        joined=plan.grid.joined,
        names=plan.factors.names,
        diffusivity=diffusivity,
        decay=decay,
        quasi_steady=np.array([f.form == "gas" for f in factors]),
        wall=_WALL[wall],
        wall_length=np.sqrt(diffusivity / np.maximum(decay, 1e-4)),
        exchange=np.where(large, 0.0, exchange).astype(np.float32),
        leakage=np.where(large, exchange, 0.0).astype(np.float32),
        secretion_pointer=np.array(pointer, np.int64),
        secretion_factor=np.array([e[0] for e in entries], np.int32),
        secretion_rate=np.array([e[1] for e in entries], np.float32),
        secretion_node=np.array([e[2] for e in entries], np.int32),
        secretion_cargo=np.array([e[3] for e in entries], np.int32),
        uptake_pointer=np.array(up_pointer, np.int64),
        uptake_column=np.array([e[0] for e in taken], np.int32),
        uptake_rate=np.array([e[1] for e in taken], np.float32),
        uptake_by_volume=np.array([e[2] for e in taken], np.uint8),
        uptake_node=np.array([e[3] for e in taken], np.int32),
        uptake_carrier=np.array([e[4] for e in taken], np.int32),
        saturable=np.array(saturable, np.int32),
        saturable_km=np.array(kms, np.float32),
    )


def _bound(plan: Plan) -> tuple[tuple[int, int, float], ...]:
    """Places of factors and of the drugs that bind them, with the rates."""
    return tuple((plan.factors[b.factor], plan.factors[b.drug], b.rate) for b in plan.bindings)


def blood(plan: Plan) -> Blood:
    """Build the plasma compartment from the plan."""
    factors = plan.factor_data
    names = tuple(plan.surroundings.environment)
    exchange, large = _wall_exchange(plan)
    dosed = np.array([f.id not in {m.id for m in plan.model.factors} for f in factors])
    half_life = plan.parameter("serum.half_life")
    return Blood(
        exchange=exchange,
        large=large,
        clearance=np.full(len(factors), np.log(2.0) / half_life),
        baseline=np.array([f.baseline for f in factors], np.float64),
        beyond=rest_levels(plan),
        follows=tuple((plan.factors[n], i) for i, n in enumerate(names) if n in plan.factors),
        medium=plan.surroundings.medium,
        dosed=dosed,
        dissolved=np.array([f.form in ("soluble", "vesicle") for f in factors]),
        decay=np.array([f.decay for f in factors]),
        bound=_bound(plan),
        scale=plan.surroundings.blood_scale / plan.surroundings.plasma_volume,
        gains=np.where(
            [f.form in ("gas", "metabolite") for f in factors], 1.0, plan.parameter("serum.gain")
        ),
        voxel_volume=plan.grid.voxel_volume,
    )
