"""Operating points: where each Hill input of a Model sits at the reference state.

``stemniche check --operating-points`` prints them. An input below EC10 is dead (its signal must
grow a lot before anything happens), one above EC90 is saturated (only a loss can be felt). A
signal that is not there at all at the reference (a genotype, damage, a contact, what only tumours
make) has no operating point: its input is listed apart, as absent.
"""

from dataclasses import dataclass
from typing import Literal

from stemniche.spec.assembly import response
from stemniche.spec.model import Model, Term
from stemniche.spec.sentences import cell_label, model_parents

Flag = Literal["dead", "saturated", "absent", ""]

DEAD, SATURATED = 0.1, 0.9
ABSENT = "not there at the reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """One Hill input in the cell types that share it.

    Args:
        row: Row id.
        signal: What is read.
        target: Node or behaviour that it moves.
        cell: Cell types in which it acts, in words.
        value: Level of the signal at the reference state, in its unit.
        half_max: Level at half effect.
        position: Share of the full effect at that level in per cent: 50 is EC50.
        flag: ``dead`` below EC10, ``saturated`` above EC90, ``absent`` where the signal is 0 at
            the reference by nature, else empty.
        reason: Why a flagged input is as it is: the note of its row.
    """

    row: str
    signal: str
    target: str
    cell: str
    value: float
    half_max: float
    hill: float
    position: float
    flag: Flag
    reason: str = ""


def operating_points(model: Model, *, flagged: bool = False) -> list[OperatingPoint]:
    """Return every Hill input of a model, in the order of its drives.

    Args:
        model: As compiled.
        flagged: Only inputs that are dead, saturated or absent.
    """
    cells: dict[tuple[Term, str], list[str]] = {}
    for drive in model.drives:
        for group in drive.groups:
            for term in group.terms:
                cells.setdefault((term, drive.target), []).append(drive.cell)
    parents, types = model_parents(model), len(model.types)
    notes = {row.id: row.note for row in model.rows}
    points = [
        _point(term, target, cell_label(parents, types, found), notes.get(term.row, ""))
        for (term, target), found in cells.items()
    ]
    return [point for point in points if point.flag or not flagged]


def _point(term: Term, target: str, cell: str, note: str) -> OperatingPoint:
    share = response(term, term.reference)
    share = 1.0 - share if term.inverted else share
    flag: Flag = "dead" if share < DEAD else "saturated" if share > SATURATED else ""
    if term.reference == 0.0:
        flag, note = "absent", ABSENT
    return OperatingPoint(
        row=term.row,
        signal=term.signal,
        target=target,
        cell=cell,
        value=term.reference,
        half_max=term.half_max,
        hill=term.hill,
        position=100.0 * share,
        flag=flag,
        reason=note if flag else "",
    )
