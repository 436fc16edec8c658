"""Drives as flat tables for the blockwise interpreter.

A table lists, for every cell type, its targets; for every target its groups; for every group its
terms. Inputs that never change during a run (genotype) are folded into constants and weights here.
"""

from dataclasses import dataclass

import numpy as np

from stemniche.engine import drives
from stemniche.engine.plan import Index, Plan
from stemniche.engine.state import Array, State
from stemniche.kernels.cpu import Backend
from stemniche.kernels.interpreter import Program, program
from stemniche.spec.model import Drive, Group, Term

BOUND = 80.0
"""Exponents beyond this are meant as minus or plus infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Drives of every type as the interpreter reads them.

    Args:
        types: How many there are.
        program: From `kernels.interpreter.program`.
    """

    types: int
    program: Program

    def evaluate_nodes(
        self, s: State, k: Backend, tau: Array, first_node: int, minutes: float
    ) -> None:
        """Relax the node rows of ``signals`` towards their drives over `minutes`."""
        cells = s["signals"], s["read_scale"], *_by_type(s, self.types)
        k.evaluate_nodes(*cells, self.program, s["node_shift"], tau, first_node, minutes)

    def evaluate_behaviours(self, s: State, k: Backend) -> None:
        """Fill ``behaviours`` from the present signals."""
        cells = s["signals"], s["read_scale"], *_by_type(s, self.types)
        k.evaluate_behaviours(*cells, self.program, s["behaviours"])


def _by_type(s: State, types: int) -> tuple[Array, Array]:
    """Cells grouped by type: int64 [T + 1] starts and int32 places in ascending order."""
    kind = s.live("type")
    start = np.zeros(types + 1, np.int64)
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
    """Flatten the drives in order of type and target."""
    rows: list[tuple[int, Drive]] = []
    target_ptr = [0]
    for cell in plan.types.names:
        own = [d for (where, _), d in chosen.items() if where == cell and d.target in targets]
        rows += sorted(((targets[d.target], d) for d in own), key=lambda row: row[0])
        target_ptr.append(len(rows))
    groups: list[Group] = []
    constants, group_ptr = [], [0]
    for _, d in rows:
        constant, varying = _folded(d, plan.model.genotype)
        constants.append(np.clip(constant, -BOUND, BOUND))
        groups += varying
        group_ptr.append(len(groups))
    terms = [t for g in groups for t in g.terms]
    term_ptr = np.cumsum([0, *(len(g.terms) for g in groups)])
    made = program(
        signals=len(plan.signals),
        target_ptr=np.array(target_ptr, np.int64),
        targets=np.array([place for place, _ in rows], np.int32),
        constant=np.array(constants, np.float32),
        low=np.array([d.low for _, d in rows], np.float32),
        high=np.array([d.high for _, d in rows], np.float32),
        group_ptr=np.array(group_ptr, np.int64),
        weight=np.array([_factor(g) for g in groups], np.float32),
        divides=np.array([g.divides for g in groups], np.uint8),
        term_ptr=np.asarray(term_ptr, np.int64),
        signal=np.array([plan.signals[t.signal] for t in terms], np.int32),
        half_max=np.array([t.half_max for t in terms], np.float32),
        hill=np.array([t.hill for t in terms], np.float32),
        inverted=np.array([t.inverted for t in terms], np.uint8),
    )
    return Table(types=len(plan.types), program=made)


def _folded(drive: Drive, genotype: dict[str, float]) -> tuple[float, list[Group]]:
    """Constant and remaining groups after the genotype's inputs have their fixed values."""
    constant, varying = drive.constant, []
    for group in drive.groups:
        share = 1.0
        rest: list[Term] = []
        for term in group.terms:
            if term.signal in genotype:
                share *= float(drives.term_value(term, np.asarray(genotype[term.signal])))
            else:
                rest.append(term)
        if not rest:
            constant += group.push(share)
        elif share:
            size = -group.push(share) if group.divides else group.push(share)
            varying.append(Group(weight=size, terms=tuple(rest), divides=group.divides))
    return constant, varying


def _factor(group: Group) -> float:
    """What multiplies the product of a group's terms."""
    return float(np.expm1(abs(group.weight))) if group.divides else group.weight
