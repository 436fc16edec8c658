"""What lies between cells: reactions of substances, density, stiffness, hindered diffusion.

Parts of the matrix and what they hold are factors that do not move (form ``matrix``): `Transport`
lets cells deposit them and turns them over, `Reactions` binds, frees and degrades them, `Matrix`
tells from their levels what cells feel and how much substances are hindered.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine import drives
from stemniche.engine.occupancy import holders, left
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend
from stemniche.spec.lexicon import ANTIBODY, DRUG, MATRIX
from stemniche.spec.model import Drive

MATRIX_S = 10 * TICK_S
"""How often the matrix is looked at: an hour, far shorter than its turnover."""

DENSITY, STIFFNESS = "matrix_density", "stiffness"
"""Signals of a place, and the variables that hold them."""

PROTEIN_KDA = 5.0
"""Molar mass above which a drug is a protein."""

NANOMOLAR = 0.602214076
"""Molecules in 1 um^3 of a 1 nM solution."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions(Process):
    """Let substances of one voxel bind, fall apart, and turn one another over.

    Args:
        first, second, product: int32 [R], factors; -1 for none.
        enzyme_ptr, enzyme: Factors that speed each reaction up.
        forward, backward: float64 [R], in the factors' unit and min.
        held: Factors that drugs hold, and by which rows of ``occupancy``: what is held of them
            takes no part.

    Source:
        Mass action, each reaction exact over the step (`kernels.reactions`).
    """

    first: Array
    second: Array
    product: Array
    enzyme_ptr: Array
    enzyme: Array
    forward: Array
    backward: Array
    held: tuple[tuple[int, tuple[tuple[int, float], ...]], ...]
    access: Access
    name: str = "reactions"
    phase: Phase = Phase.FIELDS
    every_s: int = MATRIX_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        flat = s["fields"].reshape(len(s["fields"]), -1)
        aside = [(f, flat[f] * (1.0 - left(s["occupancy"], by))) for f, by in self.held]
        for factor, part in aside:
            flat[factor] -= part
        k.react(
            flat,
            self.first,
            self.second,
            self.product,
            self.enzyme_ptr,
            self.enzyme,
            self.forward,
            self.backward,
            self.every_s / 60.0,
        )
        for factor, part in aside:
            flat[factor] += part


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix(Process):
    """Density, stiffness and hindrance of every voxel, from the levels of the matrix's parts.

    Args:
        share: float64 [F], what each factor is of normal matrix, per level.
        power: float64 [F], exponent of each factor's level in the stiffness.
        normal: float64 [F], level of each in normal tissue, 1 where it has none.
        stiffness: kPa of normal tissue.
        hinders: Drive of each kind of hindrance.

    Source:
        Density is the weighted mean of the parts over their normal levels. Stiffness grows with a
        power of the fibres' level: 2 to 3 in gels of collagen, Roeder 2002 J Biomech Eng 124:214
        doi:10.1115/1.1449904.
    """

    share: Array
    power: Array
    normal: Array
    stiffness: float
    hinders: tuple[Drive, ...]
    factors: dict[str, int]
    name: str = "matrix"
    phase: Phase = Phase.FIELDS
    every_s: int = MATRIX_S
    access: Access = Access(
        read={"fields": "factor unit"},
        write={"matrix_density": "1", "stiffness": "kPa", "hindrance": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        flat = s["fields"].reshape(len(self.share), -1)
        density, stiffness, hindrance = s[DENSITY], s[STIFFNESS], s["hindrance"]
        density[:], stiffness[:] = 0.0, self.stiffness
        for f in np.flatnonzero(self.share):
            density += (self.share[f] / self.normal[f]) * flat[f]
        for f in np.flatnonzero(self.power):
            stiffness *= (flat[f] / self.normal[f]) ** self.power[f]
        places = {DENSITY: density, STIFFNESS: stiffness}

        def level(signal: str) -> Array:
            return places[signal] if signal in places else flat[self.factors[signal]]

        for kind, drive in enumerate(self.hinders):
            hindrance[kind].ravel()[:] = drives.value(drive, level)


def reactions(plan: Plan) -> Reactions:
    """Build the table of reactions; one with a drug that is not given never happens."""
    known = [
        r
        for r in plan.model.reactions
        if all(name in plan.factors for name in (*r.reactants, *filter(None, (r.product,))))
    ]
    enzymes = [[plan.factors[e] for e in r.enzymes if e in plan.factors] for r in known]
    kept = [i for i, r in enumerate(known) if enzymes[i] or not r.enzymes]
    known, enzymes = [known[i] for i in kept], [enzymes[i] for i in kept]

    rows = ((plan.factors[n], holders(plan.held, MATRIX, n)) for n in plan.factors.names)
    held = tuple((place, by) for place, by in rows if by)

    def places(names: list[str | None]) -> Array:
        return np.array([-1 if name is None else plan.factors[name] for name in names], np.int32)

    return Reactions(
        first=places([r.reactants[0] for r in known]),
        second=places([r.reactants[1] if len(r.reactants) > 1 else None for r in known]),
        product=places([r.product for r in known]),
        enzyme_ptr=np.cumsum([0, *(len(e) for e in enzymes)], dtype=np.int64),
        enzyme=np.array([e for each in enzymes for e in each], np.int32),
        forward=np.array([r.forward for r in known], np.float64),
        backward=np.array([r.backward for r in known], np.float64),
        held=held,
        access=Access(read={"occupancy": "1"} if held else {}, write={"fields": "factor unit"}),
    )


def matrix(plan: Plan) -> Matrix:
    """Find the parts of the matrix and what hinders diffusion."""
    parts = plan.factor_data
    normal = np.array([f.baseline for f in parts])
    return Matrix(
        share=np.array([f.density_share for f in parts]),
        power=np.array([f.stiffness_power for f in parts]),
        normal=np.where(normal > 0.0, normal, 1.0),
        stiffness=plan.parameter("matrix.stiffness"),
        hinders=tuple(plan.drives[MATRIX, f"diffusivity.{name}"] for name in hindered(plan)),
        factors=plan.factors.place,
    )


def hindered(plan: Plan) -> tuple[str, ...]:
    """Kinds of substances that something hinders."""
    return tuple(
        target.removeprefix("diffusivity.")
        for cell, target in plan.drives
        if cell == MATRIX and target.startswith("diffusivity.")
    )


def hindrance_of(plan: Plan) -> Array:
    """Kind of hindrance of each factor, int64 [F], -1 for none."""
    kinds, own = hindered(plan), len(plan.model.factors)

    def kind(place: int) -> str:
        data = plan.factor_data[place]
        if place < own:
            return data.form
        return ANTIBODY if (data.molar_mass or 0.0) > PROTEIN_KDA else DRUG

    names = [kind(place) for place in range(len(plan.factor_data))]
    return np.array([kinds.index(name) if name in kinds else -1 for name in names], np.int64)


def rest_fold(plan: Plan) -> float:
    """Level of the matrix's parts at placement over that of normal tissue.

    That of the stiffness that the scenario asks for; without one 1, or 0 in a medium.
    """
    wanted = plan.layout.stiffness
    if wanted is None:
        return 0.0 if plan.surroundings.medium else 1.0
    power = sum(f.stiffness_power for f in plan.factor_data)
    return float((wanted / plan.parameter("matrix.stiffness")) ** (1.0 / power)) if power else 1.0


def rest_levels(plan: Plan) -> Array:
    """Level of every factor in tissue at rest, float64 [F], without the fold of `rest_fold`.

    Its baseline; of what cuts the matrix, as much as the host cells that the scenario places hold
    where that is more: release at rest over loss, alone and to what binds it.
    """
    level = np.array([f.baseline for f in plan.factor_data], np.float64)
    node = {n.id: n.baseline for n in plan.model.nodes}
    cuts = [r for r in plan.model.reactions if r.enzymes and not r.backward]
    held = dict.fromkeys((e for r in cuts for e in r.enzymes if e in plan.factors), 0.0)
    for row in plan.model.secretions:
        if row.factor in held:
            share = node[row.node] if row.node else 1.0
            held[row.factor] += plan.layout.tissue.get(row.cell, 0) * row.rate * share
    for name, made in held.items():
        if made > 0.0:
            place = plan.factors[name]
            lost = plan.factor_data[place].decay
            for r in plan.model.reactions:
                if name in r.reactants:
                    others = [
                        plan.factors[o] for o in r.reactants if o != name and o in plan.factors
                    ]
                    lost += r.forward * float(level[others].sum())
            level[place] = max(level[place], made / (NANOMOLAR * plan.grid.volume * lost))
    return level


def proteolysis_at_rest(plan: Plan) -> Array:
    """Share of each factor that the enzymes of tissue at rest take, 1/min, float64 [F]."""
    level, lost = rest_levels(plan), np.zeros(len(plan.factor_data))
    for r in plan.model.reactions:
        if r.enzymes and not r.backward and r.reactants[0] in plan.factors:
            there = [plan.factors[e] for e in r.enzymes if e in plan.factors]
            lost[plan.factors[r.reactants[0]]] += r.forward * float(level[there].sum())
    return lost
