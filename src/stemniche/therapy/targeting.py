"""Targeted drugs at their targets: who holds how much of what, and what cells still get of it.

Built by `therapy.drugs` from the targets of the drugs given. A drug scales what cells read of a
signal, voxel by voxel, and nothing else; what follows is the network's business.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from stemniche.engine.plan import MARROW, Plan
from stemniche.engine.process import SENSE_S, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend
from stemniche.spec.model import DrugTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One drug at one target: how its level becomes occupancy.

    Args:
        drug: Row of the drug in ``fields``.
        ligands: Rows of competing factors and their half-maxima.
        residence: Half-life of the drug on the target, min; 0 if it follows its level at once.
    """

    drug: int
    potency: float
    hill: float
    ligands: tuple[tuple[int, float], ...]
    residence: float = 0.0

    def occupancy(self, level: Array) -> Array:
        """Share of the target that is held, from the levels of all factors (rows).

        Source:
            Gaddum's equation, ``x / (1 + x + sum L / K_L)`` with ``x = (C / potency)^hill``.
        """
        drug = np.maximum(level[self.drug], 0.0)
        x = (drug / self.potency) ** self.hill
        rest = 1.0 + x
        for ligand, half in self.ligands:
            rest = rest + np.maximum(level[ligand], 0.0) / half
        return np.asarray(x / rest)

    def after(self, minutes: float, held: Array, level: Array) -> Array:
        """The share that is held some minutes after `held`, at these levels.

        Binding is fast; what leaves slowly outlasts its level in plasma: Copeland 2006 Nat Rev Drug
        Discov 5:730 doi:10.1038/nrd2082. For a covalent drug it is the target that is made anew.
        """
        now = self.occupancy(level)
        if not self.residence:
            return now
        return np.maximum(now, held * 0.5 ** (minutes / self.residence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """What a held target does to one signal of some cells.

    Args:
        target: Row of ``occupancy``.
        row: Row of ``signals``.
        kinds: uint8 [T], the types in which it acts.
        maximum: Share of the signal that goes, or of what it lacks to 1 that comes.
        raises: Whether the drug activates.
        adds: Row in ``fields`` of a drug that acts like the factor, and its potency relative to
            it; None for a drug that does not.
    """

    target: int
    row: int
    kinds: Array
    maximum: float = 1.0
    raises: bool = False
    adds: tuple[int, float] | None = None

    def apply(self, s: State, value: Array) -> Array:
        """The signal `value` of every cell as the drug leaves it."""
        voxel, here = s.live("voxel"), self.kinds[s.live("type")] == 1
        if self.adds is not None:
            drug, relative = self.adds
            level = s["fields"][drug].ravel()[voxel]
            return np.where(here, value + relative * level, value)
        held = np.where(here, np.float32(self.maximum) * s["occupancy"][self.target, voxel], 0.0)
        return np.asarray(value + held * (1.0 - value) if self.raises else value * (1.0 - held))

    def share_left(self, value: Array, held: float, level: Array) -> Array:
        """What is left of a signal, or comes on top, over its `value` in a cell of each type.

        Args:
            held: Share of the target that is held.
            level: Of all factors; a signal that is not there at all stays so.
        """
        some = np.where(value > 0.0, value, 1.0).astype(np.float64)
        fold = np.full(len(value), 1.0 - self.maximum * held)
        if self.adds is not None:
            drug, relative = self.adds
            fold = 1.0 + relative * level[drug] / some
        elif self.raises:
            fold = 1.0 + self.maximum * held * (1.0 - some) / some
        return np.where((self.kinds == 1) & (value > 0.0), fold, 1.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Targeting(Process):
    """Find the occupancy of every target, and scale the signals that cells have just sensed."""

    holds: tuple[Hold, ...]
    sensed: tuple[Scaled, ...]
    access: Access
    name: str = "targeting"
    phase: Phase = Phase.SENSE
    every_s: int = SENSE_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        fields = s["fields"]
        level = fields.reshape(len(fields), -1)
        for row, hold in enumerate(self.holds):
            s["occupancy"][row] = hold.after(SENSE_S / 60.0, s["occupancy"][row], level)
        for scaled in self.sensed:
            signal = s["signals"][scaled.row, : s.n]
            signal[:] = scaled.apply(s, signal)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Withholding(Process):
    """Hold back the output of targeted nodes, for whoever reads them, without touching their state.

    A node relaxes from what it would be without the drug. As relaxation is linear in where it
    starts, that is what the interpreter left plus what is still to be relaxed of the part withheld:
    ``full = node + (1 - share) withheld``.

    Args:
        nodes: For each node: its row in ``signals``, and the share it relaxes in a step.
        scaled: For each node, what drugs do to it.
    """

    nodes: tuple[tuple[int, float], ...]
    scaled: tuple[tuple[Scaled, ...], ...]
    access: Access
    name: str = "withholding"
    phase: Phase = Phase.SENSE
    every_s: int = SENSE_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        withheld = s.live("withheld")
        for place, (row, share) in enumerate(self.nodes):
            node = s["signals"][row, : s.n]
            full = node + np.float32(1.0 - share) * withheld[place]
            left = full
            for scaled in self.scaled[place]:
                left = scaled.apply(s, left)
            withheld[place] = full - left
            node[:] = left


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InBlood(Process):
    """What marrow still reads of factors in the serum, under drugs at their plasma levels.

    Args:
        held: For each target: row of the factor, maximum, and how occupancy follows.
    """

    held: tuple[tuple[int, float, Hold], ...]
    name: str = "in_blood"
    phase: Phase = Phase.EVENTS
    every_s: int = TICK_S
    access: Access = Access(read={"blood": "factor unit"}, write={"serum_left": "1"})

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        s["serum_left"][:] = 1.0
        for factor, maximum, hold in self.held:
            s["serum_left"][factor] *= 1.0 - maximum * float(hold.occupancy(s["blood"]))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Depletion(Process):
    """Antibodies that mark cells for killing: a hazard in proportion to the target that is held."""

    kills: tuple[tuple[int, Array, float], ...]
    hazard: int
    name: str = "depletion"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S
    access: Access = Access(
        read={"occupancy": "1", "voxel": "1", "type": "1"}, add={"hazards": "1/min"}
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        kind, voxel = s.live("type"), s.live("voxel")
        for row, kinds, rate in self.kills:
            held = s["occupancy"][row, voxel]
            s["hazards"][self.hazard, : s.n] += np.where(kinds[kind] == 1, rate * held, 0.0)


def hold(drug: str, target: DrugTarget, plan: Plan) -> Hold:
    """How a target's occupancy follows from the fields."""
    ligands = tuple((plan.factors[name], half) for name, half in target.ligands.items())
    return Hold(
        drug=plan.factors[drug],
        potency=target.potency,
        hill=target.hill,
        ligands=ligands,
        residence=target.residence,
    )


def targeting(targets: tuple[tuple[str, DrugTarget], ...], plan: Plan) -> Targeting:
    """Build the occupancy of all targets, in the order of the plan's `held`."""
    holds = tuple(hold(drug, target, plan) for drug, target in targets)
    first, last = len(plan.model.factors), len(plan.model.factors) + len(plan.nodes)
    sensed = tuple(s for s in scaled_signals(targets, plan) if not first <= s.row < last)
    touched = {"signals": "1"} if sensed else {}
    read = {"voxel": "1", "type": "1"} if sensed else {}
    return Targeting(
        holds=holds,
        sensed=sensed,
        access=Access(read={"fields": "factor unit", **read}, write={"occupancy": "1", **touched}),
    )


def withholding(targets: tuple[tuple[str, DrugTarget], ...], plan: Plan) -> Withholding:
    """Build what drugs hold back of nodes."""
    first = len(plan.model.factors)
    rows = withheld_rows(targets, plan)
    scaled = scaled_signals(targets, plan)
    tau = [plan.model.nodes[row - first].tau for row in rows]
    shares = [1.0 - float(np.exp(-SENSE_S / 60.0 / t)) for t in tau]
    adds = any(s.adds is not None for s in scaled if s.row in rows)
    return Withholding(
        nodes=tuple(zip(rows, shares, strict=True)),
        scaled=tuple(tuple(s for s in scaled if s.row == row) for row in rows),
        access=Access(
            read={
                "occupancy": "1",
                "voxel": "1",
                "type": "1",
                **({"fields": "factor unit"} if adds else {}),
            },
            write={"signals": "1", "withheld": "1"},
        ),
    )


def withheld_rows(targets: tuple[tuple[str, DrugTarget], ...], plan: Plan) -> tuple[int, ...]:
    """Rows in ``signals`` of the nodes that drugs act on."""
    first, last = len(plan.model.factors), len(plan.model.factors) + len(plan.nodes)
    return tuple(sorted({s.row for s in scaled_signals(targets, plan) if first <= s.row < last}))


def in_blood(targets: tuple[tuple[str, DrugTarget], ...], plan: Plan) -> InBlood:
    """Build what drugs leave of serum factors to marrow."""
    held = tuple(
        (plan.factors[name], target.maximum, hold(drug, target, plan))
        for drug, target in targets
        if MARROW in target.cells
        for name in target.acts_on
        if name in plan.factors
    )
    return InBlood(held=held)


def depletion(targets: tuple[tuple[str, DrugTarget], ...], plan: Plan) -> Depletion:
    """Build the hazards of cells that drugs mark."""
    kills = tuple(
        (row, plan.mask(target.acts_on), target.maximum)
        for row, (_, target) in enumerate(targets)
        if target.effect == "depleter"
    )
    return Depletion(kills=kills, hazard=plan.hazards["drug_death"])


def scaled_signals(targets: tuple[tuple[str, DrugTarget], ...], plan: Plan) -> list[Scaled]:
    """What targets do to the signals of cells."""
    found = []
    for row, (drug, target) in enumerate(targets):
        if target.effect == "depleter":
            continue
        cells = [name for name in target.cells if name in plan.types]
        if target.cells and not cells:
            continue
        adds = (plan.factors[drug], target.potency) if target.effect == "mimic" else None
        found += [
            Scaled(
                target=row,
                row=plan.signals[name],
                kinds=plan.mask(cells),
                maximum=target.maximum,
                raises=target.effect == "agonist",
                adds=adds,
            )
            for name in target.acts_on
            if name in plan.signals
        ]
    return found
