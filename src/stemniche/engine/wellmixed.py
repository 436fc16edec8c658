"""A well-mixed tissue: one mean cell of every type, by the same tables as single cells.

What a type does where no space is resolved: its nodes relax and its behaviours follow from the
levels around it by the library's rows, and a ``contact.X`` is the density of X times the volume in
which two cells touch. `processes.distant` uses it for a distant organ; it draws no random numbers.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from stemniche.engine.plan import STEM, Plan
from stemniche.engine.processes.sensing import BORNE
from stemniche.engine.state import Array, State
from stemniche.engine.tables import Table, behaviour_table, node_table
from stemniche.kernels.cpu import Backend

SPHERE = 4.0 / 3.0 * np.pi


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanCells:
    """The mean cell of every type in a well-mixed tissue of `volume` um^3.

    Args:
        nodes, behaviours, tau, first_node: As the tissue's own cells have them.
        borne: Pairs (signal row, float32 [T]) of what a mean cell carries itself: its stemness,
            what the tissue of reference has of the rest; nothing damages or engages it.
        acidity: Rows of pH and lactate, pH of the blood, its loss per mM and lactate at rest.
        contacts: Pairs (signal row, uint8 [T]), the types that ``contact.X`` counts.
        neighbours: Pairs (signal row, node row) of ``neighbour.X``, which shows a tumour cell its
            own node: its daughters are its neighbours.
        tumour: uint8 [T].
        reach: float64 [T, T], volume in which cells of two types touch, um^3.
    """

    nodes: Table
    behaviours: Table
    tau: Array
    first_node: int
    borne: tuple[tuple[int, Array], ...]
    acidity: tuple[int, int, float, float, float] | None
    contacts: tuple[tuple[int, Array], ...]
    neighbours: tuple[tuple[int, int], ...]
    tumour: Array
    reach: Array
    volume: float

    def sense(self, signals: Array, levels: Array, counts: Array) -> None:
        """Fill what mean cells sense.

        Args:
            signals: float32 [S, T], changed in place.
            levels: Of the factors of the model, in their units.
            counts: float64 [T], cells of each type in the volume.
        """
        signals[: self.first_node] = levels[: self.first_node, None]
        for row, value in self.borne:
            signals[row] = value
        if self.acidity is not None:
            row, lactate, ph, slope, rest = self.acidity
            signals[row] = ph - slope * max(float(levels[lactate]) - rest, 0.0)
        for row, among in self.contacts:
            signals[row] = self.touching(among, counts)
        for row, node in self.neighbours:
            signals[row] = signals[node] * self.tumour

    def touching(self, among: Array, counts: Array) -> Array:
        """Mean number of cells of some types that touch a cell of each type, float64 [T]."""
        return np.asarray(self.reach @ (among * counts) / self.volume)

    def settle(
        self, s: State, k: Backend, signals: Array, doings: Array, read: Array, minutes: float
    ) -> None:
        """Relax the nodes over some minutes with what was sensed; set the behaviours.

        Interventions act on them as on every cell: what `s` says of shifts holds, and what `read`
        (float32 [T, S]) says of reading.
        """
        cells = State((), 0)
        cells.arrays = {
            "signals": signals,
            "behaviours": doings,
            "type": np.arange(signals.shape[1]),
            "read_scale": read,
            "node_shift": s["node_shift"],
        }
        cells.n = signals.shape[1]
        self.nodes.evaluate_nodes(cells, k, self.tau, self.first_node, minutes)
        self.behaviours.evaluate_behaviours(cells, k)


def mean_cells(plan: Plan) -> MeanCells:
    """The mean cells of a tissue as large as the domain.

    A stem cell has the stemness with which it is placed, any other tumour cell that of the
    committed; the organ is as crowded as the tissue of reference.
    """
    names, rows = plan.signals.names, plan.signals
    tumour = plan.mask(["tumour"])
    stemness = tumour * np.float32(plan.parameter("stemness.reset"))
    stemness[plan.types[STEM]] = stem_start(plan)
    own: dict[str, Array] = {"stemness_state": stemness}
    nothing = np.zeros(len(plan.types), np.float32)
    for name in BORNE:
        rest = plan.model.parameters.get(f"{name}.reference", 0.0)
        own.setdefault(name, nothing + np.float32(rest))
    around = plan.surroundings.environment
    radius = (plan.trait("volume").astype(np.float64) / SPHERE) ** (1.0 / 3.0)
    acidity: Any = None
    if "pH" in rows:
        lactate = plan.factors["lactate"]
        slope, rest = plan.parameter("pH.per_lactate"), plan.factor_data[lactate].baseline
        acidity = (rows["pH"], lactate, around["pH"], slope, rest)
    return MeanCells(
        nodes=node_table(plan),
        behaviours=behaviour_table(plan),
        tau=np.array([n.tau for n in plan.model.nodes], np.float32),
        first_node=len(plan.model.factors),
        borne=tuple((rows[n], own[n]) for n in BORNE if n in rows and n != "pH"),
        acidity=acidity,
        contacts=tuple(
            (rows[n], plan.mask([n.removeprefix("contact.")]))
            for n in names
            if n.startswith("contact.")
        ),
        neighbours=tuple(
            (rows[n], rows[n.removeprefix("neighbour.")])
            for n in names
            if n.startswith("neighbour.")
        ),
        tumour=tumour,
        reach=SPHERE * (radius[:, None] + radius[None, :]) ** 3,
        volume=plan.grid.volume,
    )


def stem_start(plan: Plan) -> float:
    """Stemness of a stem cell that is placed: half-way between the threshold and the greatest."""
    return 0.5 * (1.0 + plan.parameter("stemness.high"))
