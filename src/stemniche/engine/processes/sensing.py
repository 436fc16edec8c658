"""What cells sense: factors in their voxel, neighbours they touch, and then their network."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.process import SENSE_S, Access, Phase, Process, Tick
from stemniche.engine.state import ALIVE, Array, State
from stemniche.engine.tables import Table, node_table
from stemniche.kernels.cpu import Backend

TOUCH = 1.1
"""Cells touch when their centres are nearer than this multiple of their radii's sum."""

BORNE = (
    "stemness_state",
    "damage",
    "engagement",
    "infection",
    "pericyte_cover",
    "blood_flow",
    "wall_leakiness",
    "crowding",
    "compression",
    "pH",
)
"""Signals that a cell carries itself."""

PLACES = ("matrix_density", "stiffness")
"""Signals of the voxel a cell is in, and the variables that hold them."""

CARRIED = {
    "stemness_state": "stemness",
    "damage": "damage",
    "engagement": "engagement",
    "infection": "infected",
    "pericyte_cover": "cover",
    "blood_flow": "bloodflow",
    "wall_leakiness": "leaking",
}
"""Variable of the cell that such a signal shows as it is."""

LIGANDS = ("soluble", "vesicle", "matrix")
"""Forms of factors that cells sense by receptors."""

CONTACTS = {"touch_ptr": "1", "touch_idx": "1"}
"""What tells which cells touch, with units."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing(Process):
    """Fill the cell-borne rows of ``signals``: factors, state, damage, pH, contacts, neighbours.

    Args:
        factors: How many of the fields cells sense; those of drugs stand behind them.
        ligands: Those that receptors bind, of which a cell senses the more the more it has.
        period: Depth at which the faces of a slab meet, um; infinite where they do not.
        contact_rows, contact_groups: Signal rows of ``contact.X`` and uint8 [T, G] membership.
        neighbour_rows: Pairs (signal row, node row) of ``neighbour.X``.
        neighbour_types: uint8 [T], the types whose nodes neighbours see.
    """

    factors: int
    ligands: Array
    rows: dict[str, int]
    lactate: int
    lactate_baseline: float
    ph_slope: float
    ph_place: int
    contact_rows: tuple[int, ...]
    contact_groups: Array
    neighbour_rows: tuple[tuple[int, int], ...]
    neighbour_types: Array
    flat: bool
    period: float
    name: str = "sensing"
    phase: Phase = Phase.SENSE
    every_s: int = SENSE_S
    access: Access = Access(
        read={
            "fields": "factor unit",
            "matrix_density": "1",
            "stiffness": "kPa",
            "voxel": "1",
            "type": "1",
            "state": "1",
            "stemness": "1",
            "damage": "1",
            "engagement": "1",
            "infected": "1",
            "cover": "1",
            "bloodflow": "1",
            "leaking": "1",
            "receptors": "1",
            "x": "um",
            "y": "um",
            "z": "um",
            "radius": "um",
            **CONTACTS,
            "environment": "mixed",
            "read_scale": "1",
        },
        write={"signals": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        n, signals = s.n, s["signals"]
        own = self.factors
        flat = s["fields"].reshape(len(s["fields"]), -1)
        k.gather(flat[:own], s["voxel"], n, signals[:own])
        for row in self.ligands:
            signals[row, :n] *= s.live("receptors")
        rows = self.rows
        for signal, variable in CARRIED.items():
            if signal in rows:
                signals[rows[signal], :n] = s.live(variable)
        for signal in PLACES:
            if signal in rows:
                k.gather(s[signal][None], s["voxel"], n, signals[rows[signal] : rows[signal] + 1])
        if "pH" in rows:
            excess = np.maximum(signals[self.lactate, :n] - self.lactate_baseline, 0.0)
            signals[rows["pH"], :n] = s["environment"][self.ph_place] - self.ph_slope * excess
        self._neighbours(s, k)

    def _neighbours(self, s: State, k: Backend) -> None:
        """Count contacts; crowding, compression and the neighbours' mean nodes."""
        n, signals = s.n, s["signals"]
        kind, live = s.live("type"), s.live("state") == ALIVE
        places = np.zeros((max(1, len(self.contact_rows)), n), np.float32)
        crowding, alive = np.zeros(n, np.float32), live.astype(np.uint8)
        touching = s["touch_ptr"], s["touch_idx"], n
        k.count_contacts(self.contact_groups, kind, alive, *touching, self.flat, places, crowding)
        for g, row in enumerate(self.contact_rows):
            signals[row, :n] = places[g]
        if "crowding" in self.rows:
            signals[self.rows["crowding"], :n] = crowding
        if "compression" in self.rows:
            at = s["x"], s["y"], s["z"], s["radius"]
            k.compression(*at, *touching, self.flat, self.period, signals[self.rows["compression"]])
        seen = self.neighbour_types[kind] * alive
        for row, node in self.neighbour_rows:
            shown = signals[node, :n] * s["read_scale"][:, node].take(kind)
            k.neighbour_mean(shown, seen, *touching, signals[row])


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Signalling(Process):
    """Relax every node of every cell, until it senses anew, with the inputs it has just sensed."""

    table: Table
    tau: Array
    first_node: int
    name: str = "signalling"
    phase: Phase = Phase.SENSE
    every_s: int = SENSE_S
    access: Access = Access(
        read={"type": "1", "read_scale": "1", "node_shift": "1"},
        write={"signals": "1"},
    )

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        self.table.evaluate_nodes(s, k, self.tau, self.first_node, self.every_s / 60.0)


def sensing(plan: Plan) -> Sensing:
    """Find out which cell-borne signals the model reads."""
    names = plan.signals.names
    contacts = [n for n in names if n.startswith("contact.")]
    groups = np.zeros((len(plan.types), max(1, len(contacts))), np.uint8)
    for g, name in enumerate(contacts):
        groups[list(plan.members(name.removeprefix("contact."))), g] = 1
    environment = tuple(plan.surroundings.environment)
    lactate: dict[str, Any] = {"lactate": 0, "lactate_baseline": 0.0, "ph_slope": 0.0}
    if "pH" in plan.signals:
        place = plan.factors["lactate"]
        lactate = {
            "lactate": place,
            "lactate_baseline": plan.factor_data[place].baseline,
            "ph_slope": plan.parameter("pH.per_lactate"),
        }
    return Sensing(
        factors=len(plan.model.factors),
        ligands=np.flatnonzero([f.form in LIGANDS for f in plan.model.factors]),
        rows={n: plan.signals[n] for n in (*BORNE, *PLACES) if n in plan.signals},
        ph_place=environment.index("pH"),
        contact_rows=tuple(plan.signals[n] for n in contacts),
        contact_groups=groups,
        neighbour_rows=tuple(
            (plan.signals[n], plan.signals[n.removeprefix("neighbour.")])
            for n in names
            if n.startswith("neighbour.")
        ),
        neighbour_types=plan.mask(["tumour"]),
        flat=plan.grid.flat,
        period=plan.grid.size[2] if plan.grid.joined else np.inf,
        **lactate,
    )


def signalling(plan: Plan) -> Signalling:
    """Compile the node drives into the interpreter's table."""
    tau = np.array([n.tau for n in plan.model.nodes], np.float32)
    return Signalling(table=node_table(plan), tau=tau, first_node=len(plan.model.factors))
