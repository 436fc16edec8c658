"""Receptors that are blocked where the Model does not spell them out.

Many cells read a ligand itself: vessels and marrow, T cells, dendritic cells. A block of its only
receptor must reach them too, or blocking a receptor and taking its ligand away would differ for no
reason but how rows are written. `lower` asks here; what it finds is turned like any other knob.
"""

from collections.abc import Iterator

from stemniche.spec.model import Model

OCCUPIED_WITHIN = 60.0
"""Minutes in which a ligand occupies its receptor; what raises a receptor's amount takes hours."""


def stand_ins(receptor: str, model: Model) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Signals that are read in place of a receptor, and the cell types that do.

    They are what the library says of a receptor that is no node; and the ligands that only one
    receptor reads, in the types that have no node for it. A ligand with several receptors in the
    Model is left alone: which of them a cell uses when it reads the ligand itself is not known.
    """
    for row in model.receptors:
        if row.id == receptor:
            yield from ((name, row.cells or tuple(t.id for t in model.types)) for name in row.reads)
    node = next((n for n in model.nodes if n.id == receptor), None)
    if node is None:
        return
    ligands = _ligands(model)
    lacking = tuple(t.id for t in model.types if t.id not in node.cells)
    for ligand, receptors in ligands.items():
        if receptors == {receptor}:
            yield ligand, lacking


def _ligands(model: Model) -> dict[str, set[str]]:
    """Receptors that each dissolved factor occupies."""
    occupied = {n.id for n in model.nodes if n.kind == "receptor" and n.tau <= OCCUPIED_WITHIN}
    dissolved = {f.id for f in model.factors if f.form == "soluble"}
    found: dict[str, set[str]] = {}
    for drive in model.drives:
        if drive.kind == "node" and drive.target in occupied:
            for group in drive.groups:
                for term in group.terms:
                    if group.weight > 0.0 and not term.inverted and term.signal in dissolved:
                        found.setdefault(term.signal, set()).add(drive.target)
    return found
