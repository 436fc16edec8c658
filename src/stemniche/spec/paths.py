"""Causal paths of rows: does each row of an entailed claim start where the one before it ends?

`spec.rows` calls `check_paths` on reading; coverage may then say that a claim follows from it.
A row is reduced to the points it starts from and ends at: a factor, a node in some cell types, a
cell type (its number or its doings), a behaviour, a cell's own signal.
"""

from dataclasses import dataclass
from typing import Literal

from stemniche.core.names import did_you_mean
from stemniche.spec.claimbook import ClaimBook
from stemniche.spec.lexicon import MATRIX, SITES
from stemniche.spec.library import Library
from stemniche.spec.records import (
    Entailed,
    Link,
    Mechanism,
    Parameter,
    ReactionRow,
    Rule,
    SecretionRow,
    TargetRow,
)
from stemniche.spec.tables import Faults

REASONS = ("definition", "same_as", "no_direction", "clinical", "shorthand")
WAITS = "waits"
MODULES = (
    "vesicles", "immune", "vessels", "matrix", "spread", "metabolism", "drugs", "mirna", "cancers",
    "network",
)  # fmt: skip
"""Why a claim may not be carried: a plain reason, or ``waits:<module>``."""

STEMNESS_NODE, STEMNESS_STATE = "stemness", "stemness_state"
"""The node that the state of stemness follows, and the signal by which cells read that state."""

SPREADING = "diffusivity."
"""How a behaviour starts that moves the substances of one form."""

MATRIX_NUMBERS = {"density_share": "matrix_density", "stiffness_power": "stiffness"}
"""Numbers of a factor that make it part of a signal."""

SHOWN = {"leakiness": "wall_leakiness"}
"""Behaviours that a signal of the cell itself shows."""

Kind = Literal["factor", "node", "cell", "behaviour", "own"]


@dataclass(frozen=True, slots=True)
class Point:
    """One end of a row; `cells` are the types in which a node, behaviour or state is meant."""

    kind: Kind
    name: str
    cells: frozenset[str] = frozenset()

    def meets(self, other: "Point") -> bool:
        """Whether what ends here may start there."""
        if (self.kind, self.name) != (other.kind, other.name):
            return False
        return not self.cells or not other.cells or bool(self.cells & other.cells)


def check_paths(library: Library, book: ClaimBook, faults: Faults) -> None:
    """Note broken paths, unknown reasons, and claims accounted for twice."""
    carried = carried_claims(library, book)
    for entry in library.entailed:
        _known_claim(entry.claim, book, entry.place.at("claim"), faults)
        _once(entry.claim, carried, entry.place.at("claim"), faults)
        _check_path(entry, library, faults)
    entailed = {entry.claim for entry in library.entailed}
    for listed in library.not_carried:
        where = listed.place.at("claim")
        _known_claim(listed.claim, book, where, faults)
        _once(listed.claim, carried, where, faults)
        if listed.claim in entailed:
            what = f"{listed.claim} is listed as entailed too."
            faults.add(what, where, "Take it out of one of the two tables.")
        if not is_reason(listed.reason):
            choices = (*REASONS, *(f"{WAITS}:{module}" for module in MODULES))
            mend = did_you_mean(listed.reason, choices, f"Reasons are {', '.join(choices)}.")
            faults.add(f"'{listed.reason}' is no reason.", listed.place.at("reason"), mend)


def is_reason(reason: str) -> bool:
    """Whether a claim may be left out for this reason."""
    head, _, module = reason.partition(":")
    return reason in REASONS or (head == WAITS and module in MODULES)


def carried_claims(library: Library, book: ClaimBook) -> dict[str, tuple[str, ...]]:
    """Return what carries each claim: mechanisms, markers, and parameters whose source it is.

    A parameter may also cite what must follow from rows; that is a reference and carries nothing.
    """
    outcomes = library.outcomes()
    carriers: dict[str, list[str]] = {}
    for row in library.mechanisms.values():
        for claim in row.claims:
            carriers.setdefault(claim, []).append(row.id)
    for marker in library.markers:
        for claim in marker.claims:
            carriers.setdefault(claim, []).append(marker.id)
    for name, parameter in library.parameters.items():
        for claim in parameter.claims:
            if claim not in book or book.refusal(claim, outcomes):
                continue
            carriers.setdefault(claim, []).append(name)
    return {claim: tuple(rows) for claim, rows in carriers.items()}


def starts(library: Library, row: Mechanism | Parameter) -> frozenset[Point]:
    """Points from which a row acts."""
    lexicon = library.lexicon
    if isinstance(row, Parameter):
        return _trait_points(library, row)
    if isinstance(row, TargetRow):
        return frozenset({Point("own", row.drug)})
    if isinstance(row, SecretionRow):
        cells = frozenset(lexicon.expand(row.cell))
        points = {Point("cell", cell) for cell in cells}
        cargo = (lexicon.cargo(row.factor, cell) for cell in cells)
        nodes = {node for node in (row.node, *cargo) if node}
        return frozenset(points | {Point("node", node, cells) for node in nodes})
    if isinstance(row, Link | Rule):
        name = row.origin if isinstance(row, Link) else row.signal
        cells = _cells(library, row)
        members = lexicon.members(name)
        return frozenset(p for m in members for p in signal_points(library, m, cells))
    if isinstance(row, ReactionRow):
        enzymes = (member for name in row.enzymes for member in lexicon.members(name))
        return frozenset(Point("factor", name) for name in (*row.reactants, *enzymes))
    return frozenset(Point("cell", cell) for cell in lexicon.expand(row.cell))


def ends(library: Library, row: Mechanism | Parameter) -> frozenset[Point]:
    """Points that a row acts on."""
    lexicon = library.lexicon
    if isinstance(row, Parameter):
        factor, _, number = row.name.rpartition(".")
        if factor in lexicon.factors and number in MATRIX_NUMBERS:
            cells = frozenset((*lexicon.types, MATRIX))
            return frozenset({Point("own", MATRIX_NUMBERS[number], cells)})
        return _trait_points(library, row)
    if isinstance(row, Link):
        cells = _cells(library, row)
        points = {Point("node", m, cells) for m in lexicon.members(row.to)}
        if row.to == STEMNESS_NODE:
            points |= {Point("own", STEMNESS_STATE, cells), *(Point("cell", c) for c in cells)}
        return frozenset(points)
    if isinstance(row, Rule):
        cells = frozenset(lexicon.expand(row.cell))
        _, *parts = row.behaviour.split(".")
        moved = {t for t in lexicon.expand(parts) if t not in SITES} | (cells - set(SITES))
        points = {Point("behaviour", row.behaviour, cells)}
        if row.behaviour in SHOWN:
            points.add(Point("own", SHOWN[row.behaviour], cells))
        if row.behaviour.startswith(SPREADING):
            form = row.behaviour.removeprefix(SPREADING)
            points |= {Point("factor", f.id) for f in lexicon.factors.values() if f.form == form}
        return frozenset(points | {Point("cell", cell) for cell in moved})
    if isinstance(row, TargetRow):
        return frozenset(p for name in row.named for p in _target_points(library, row, name))
    if isinstance(row, ReactionRow):
        made = filter(None, (row.product, *row.reactants))
        return frozenset(Point("factor", name) for name in made)
    return frozenset({Point("factor", row.factor)})


def _check_path(entry: Entailed, library: Library, faults: Faults) -> None:
    where = entry.place.at("path")
    rows: list[Mechanism | Parameter] = []
    for name in entry.path:
        row = library.mechanisms.get(name) or library.parameters.get(name)
        if row is None:
            mend = did_you_mean(name, library.mechanisms, "Name rows by their ids.")
            faults.add(f"There is no row '{name}'.", where, mend)
            return
        rows.append(row)
    for i in range(1, len(rows)):
        after, before = ends(library, rows[i - 1]), starts(library, rows[i])
        if not any(end.meets(start) for end in after for start in before):
            what = f"The path of {entry.claim} breaks: '{entry.path[i]}' does not start where "
            what += f"'{entry.path[i - 1]}' ends ({_shown(after)})."
            faults.add(what, where, f"Add the row between them; it starts from {_shown(before)}.")


def _cells(library: Library, row: Link | Rule) -> frozenset[str]:
    lexicon = library.lexicon
    if isinstance(row, Rule):
        return frozenset(lexicon.expand(row.cell))
    has_node = {t for m in lexicon.members(row.to) for t in lexicon.node_types(m)}
    return frozenset(has_node & set(lexicon.expand(row.cells)) if row.cells else has_node)


def _target_points(library: Library, row: TargetRow, name: str) -> set[Point]:
    """Points that a drug moves: nodes and factors where it acts, cells that it kills."""
    lexicon = library.lexicon
    if row.effect == "depleter":
        return {Point("cell", cell) for cell in lexicon.expand((name,))}
    cells = frozenset(lexicon.expand(row.cells) if row.cells else ())
    return {p for m in lexicon.members(name) for p in signal_points(library, m, cells)}


def signal_points(library: Library, name: str, cells: frozenset[str]) -> set[Point]:
    """Points at which a signal is what some cells read of it."""
    lexicon = library.lexicon
    signal = lexicon.signal(name)
    if signal is None:
        return set()
    if signal.form in ("factor", "serum"):
        return {Point("factor", signal.about)}
    if signal.form == "node":
        return {Point("node", name, cells)}
    if signal.form == "neighbour":
        tumour = frozenset(lexicon.expand(("tumour",)))
        return {Point("node", signal.about, tumour)}
    if signal.form == "contact":
        return {Point("cell", cell) for cell in lexicon.expand((signal.about,))}
    return {Point("own", name, cells)}


def _trait_points(library: Library, row: Parameter) -> frozenset[Point]:
    head, _, trait = row.name.partition(".")
    if head in library.lexicon.factors:
        return frozenset({Point("factor", head)})
    if head in library.drugs:
        return frozenset({Point("own", trait)})
    cells = frozenset(library.lexicon.expand((head,)))
    points = {Point("cell", cell) for cell in cells}
    return frozenset(points | {Point("behaviour", trait, cells)} if cells else points)


def _known_claim(claim: str, book: ClaimBook, where: str, faults: Faults) -> None:
    if claim not in book:
        mend = did_you_mean(claim, book.claims, "Take an id of evidence/tables/claims.csv.")
        faults.add(f"There is no claim '{claim}'.", where, mend)


def _once(claim: str, carried: dict[str, tuple[str, ...]], where: str, faults: Faults) -> None:
    if claim in carried:
        what = f"{claim} is carried by {', '.join(carried[claim])} already."
        faults.add(what, where, "Take it out here, or out of the row's claims.")


def _shown(points: frozenset[Point]) -> str:
    return ", ".join(sorted({point.name for point in points})) or "nothing"
