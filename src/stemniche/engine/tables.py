"""Drives as flat tables for the blockwise interpreter.

A table lists, for every cell type, its targets; for every target its groups; for every group its
terms. Inputs that never change during a run (genotype) are folded into constants and weights here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stemniche.engine import drives
from stemniche.engine.plan import Index, Plan
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend
from stemniche.kernels.interpreter import DriveRow, GroupRow, TermRow, build_table
from stemniche.spec.model import Drive, Group, Term

BOUND = 80.0
"""Exponents beyond this are meant as minus or plus infinity."""


@dataclass(frozen=True, slots=True)
class Table:
    """Compiled drives; `arrays` is what the interpreter reads."""

    arrays: Any
    types: int

    def evaluate_nodes(
        self, s: State, k: Backend, tau: Array, first_node: int, minutes: float
    ) -> None:
        """Relax the node rows of ``signals`` towards their drives over `minutes`."""
        start, order = _by_type(s, self.types)
        scale, shift = s["read_scale"], s["node_shift"]
        k.evaluate_nodes(
            s["signals"], scale, start, order, self.arrays, shift, tau, minutes, first_node
        )

    def evaluate_behaviours(self, s: State, k: Backend) -> None:
        """Fill ``behaviours`` from the present signals."""
        start, order = _by_type(s, self.types)
        k.evaluate_behaviours(
            s["signals"], s["read_scale"], start, order, self.arrays, s["behaviours"]
        )


def _by_type(s: State, types: int) -> tuple[Array, Array]:
    """Cells grouped by type: int32 [T + 1] starts and int32 places in ascending order."""
    kind = s.live("type")
    start = np.zeros(types + 1, np.int32)
    np.cumsum(np.bincount(kind, minlength=types), out=start[1:])
    return start, np.argsort(kind, kind="stable").astype(np.int32)


def node_table(plan: Plan) -> Table:
    """The table of all node drives; targets are places in ``plan.nodes``."""
    chosen = {(d.cell, d.target): d for d in plan.model.drives if d.kind == "node"}
    return _table(plan, plan.nodes, chosen)


def behaviour_table(plan: Plan) -> Table:
    """The table of every behaviour of every type, those without rules as constants."""
    chosen: dict[tuple[str, str], Drive] = {}
    for cell in plan.cell_types:
        for name in plan.behaviours.names:
            found = plan.drives.get((cell.id, name))
            chosen[cell.id, name] = found or _constant(cell.id, name, cell.traits.get(name, 0.0))
    return _table(plan, plan.behaviours, chosen)


def _constant(cell: str, name: str, value: float) -> Drive:
    """A drive without inputs that always gives `value`."""
    return Drive(
        cell=cell,
        target=name,
        kind="behaviour",
        constant=float(np.log(value)) if value > 0.0 else -BOUND,
        low=value,
        high=value,
        groups=(),
    )


def _table(plan: Plan, targets: Index, chosen: dict[tuple[str, str], Drive]) -> Table:
    """Resolve names to places and flatten."""
    rows = []
    for (cell, target), d in chosen.items():
        if cell not in plan.types or target not in targets:
            continue
        constant, varying = _folded(d, plan.model.genotype)
        groups = [GroupRow(g.weight, [_term(plan, t) for t in g.terms]) for g in varying]
        bounded = float(np.clip(constant, -BOUND, BOUND))
        rows.append(
            DriveRow(plan.types[cell], targets[target], bounded, d.low, d.high, groups)
        )
    return Table(build_table(len(plan.types), rows), len(plan.types))


def _term(plan: Plan, t: Term) -> TermRow:
    return TermRow(plan.signals[t.signal], t.half_max, t.hill, t.inverted)


def _folded(drive: Drive, genotype: dict[str, float]) -> tuple[float, list[Group]]:
    """Constant and remaining groups after the genotype's inputs have their fixed values."""
    constant, varying = drive.constant, []
    for group in drive.groups:
        weight = group.weight
        rest: list[Term] = []
        for term in group.terms:
            if term.signal in genotype:
                weight *= float(drives.term_value(term, np.asarray(genotype[term.signal])))
            else:
                rest.append(term)
        if not rest:
            constant += weight
        elif weight:
            varying.append(Group(weight=weight, terms=tuple(rest)))
    return constant, varying

