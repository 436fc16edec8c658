"""The Model in sentences, each with the claims or the source that it rests on.

`stemniche explain` and the report print them. A row that is off has no sentence.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean, fold
from stemniche.spec.lexicon import SITES
from stemniche.spec.model import Basis, Model, Row
from stemniche.spec.nametables import library_names
from stemniche.spec.sentences import cell_label, model_parents

ASSUMED_HERE = "(assumed here)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One active row in words.

    Args:
        cell: Heading under which it stands, such as ``In tumour cells``.
        text: The whole sentence with its claims or source.
        row: Row id.
        kind: Table of the row.
        claims: Claims that switch it and are on.
    """

    cell: str
    text: str
    row: str
    kind: str
    basis: Basis
    claims: tuple[str, ...]


def explain(model: Model, cell: str | None = None) -> list[Sentence]:
    """Return one sentence per active row, those of one heading together.

    Args:
        model: As compiled.
        cell: A cell type or parent by any spelling, ``vessel`` or ``marrow``: only what acts there.

    Raises:
        InputError: The model has no such cell.
    """
    parents = model_parents(model)
    wanted = None if cell is None else _chosen(model, parents, cell)
    rows = [row for row in model.rows if wanted is None or wanted & set(row.cells)]
    found: dict[str, list[Sentence]] = {}
    for row in sorted(rows, key=lambda row: _order(model, row.cells)):
        label = cell_label(parents, len(model.types), row.cells)
        sentence = Sentence(
            cell=label,
            text=sentence_text(row),
            row=row.id,
            kind=row.kind,
            basis=row.basis,
            claims=row.claims,
        )
        found.setdefault(label, []).append(sentence)
    return [sentence for group in found.values() for sentence in group]


def sentence_text(row: Row) -> str:
    """Return a row's sentence with its claims, or its source where it has none.

    Example:
        In MSC, IL6 increases expression of PPBP (half at 0.05 nM, Hill 1) [C257].
    """
    cited = ", ".join(row.claims) or row.source
    mark = f" {ASSUMED_HERE}" if row.basis == "assumed" else ""
    return f"{row.sentence}{mark} [{cited}]."


def _chosen(model: Model, parents: dict[str, tuple[str, ...]], cell: str) -> set[str]:
    types = [kind.id for kind in model.types]
    choices = [*types, *parents, *SITES]
    for name in choices:
        if fold(name) == fold(cell):
            return set(parents.get(name, (name,)))
    for spelling in (cell, f"{cell}s"):
        meant = set(library_names().resolve("cell", spelling)) & set(types)
        if meant:
            return meant
    listed = f"Cells are {', '.join(choices)}."
    mend = f"{did_you_mean(cell, choices, '')} {listed}".strip()
    raise InputError(f"The model has no cell '{cell}'.", "cell", mend)


def _order(model: Model, cells: Iterable[str]) -> tuple[int, int]:
    """Sort by the first cell type, the widest rows of it first."""
    places = {kind.id: i for i, kind in enumerate(model.types)}
    found = [places.get(cell, len(places)) for cell in cells]
    return (min(found, default=-1), -len(found))
