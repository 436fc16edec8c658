"""The rows a Model rests on, with sentences: what `explain`, reports and coverage show of it.

`spec.compile` calls `model_rows` with the finished drives; a row is active where one of its terms,
secretions or uptakes made it into the model.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from stemniche.spec.context import Activity, Context, Verdict
from stemniche.spec.lexicon import MATRIX, SITES
from stemniche.spec.library import Library
from stemniche.spec.model import Drive, Drug, Reaction, Row, Secretion, Uptake
from stemniche.spec.paths import carried_claims
from stemniche.spec.records import (
    Link,
    Mechanism,
    ReactionRow,
    Rule,
    SecretionRow,
    TargetRow,
)
from stemniche.spec.sentences import Writer

Kind = Literal["network", "brake", "rule", "secretion", "uptake", "reaction", "trait", "drug"]


def model_rows(
    library: Library,
    context: Context,
    verdicts: Mapping[str, Verdict],
    drives: Iterable[Drive],
    secretions: Iterable[Secretion],
    uptakes: Iterable[Uptake],
    reactions: Iterable[Reaction],
    drugs: Iterable[Drug] = (),
) -> tuple[tuple[Row, ...], list[str]]:
    """Return the active rows in library order, and notes on rows that are on but cannot act."""
    acting = _acting(drives, secretions, uptakes)
    acting.update({reaction.row: {MATRIX} for reaction in reactions})
    for target in (target for drug in drugs for target in drug.targets):
        acting[target.row] = set(target.cells or library.lexicon.types)
    on = frozenset(row for row, v in verdicts.items() if v.activity is Activity.IN)
    writer = Writer(library, context.book.entity_name, on)
    rows, notes = [], []
    for row in library.mechanisms.values():
        verdict = verdicts[row.id]
        if verdict.activity is not Activity.IN:
            continue
        cells = tuple(c for c in _order(library) if c in acting.get(row.id, ()))
        if cells:
            rows.append(_row(row, verdict, cells, writer))
        elif not isinstance(row, TargetRow):
            why = "a row it acts together with does not run"
            notes.append(f"Row {row.id} does nothing here: {why}.")
    return (*rows, *_traits(library, context, writer)), notes


def kind_of(row: Mechanism) -> Kind:
    """Return the table a row is from."""
    if isinstance(row, Link):
        return "brake" if row.brake else "network"
    if isinstance(row, Rule):
        return "rule"
    if isinstance(row, TargetRow):
        return "drug"
    if isinstance(row, ReactionRow):
        return "reaction"
    return "secretion" if isinstance(row, SecretionRow) else "uptake"


def _row(row: Mechanism, verdict: Verdict, cells: tuple[str, ...], writer: Writer) -> Row:
    if isinstance(row, Link):
        start, end, sign = row.origin, row.to, int(row.sign)
    elif isinstance(row, Rule):
        start, end, sign = row.signal, row.behaviour, 1 if row.direction == "increases" else -1
    elif isinstance(row, SecretionRow):
        start, end, sign = row.node or ";".join(row.cell), row.factor, 1
    elif isinstance(row, TargetRow):
        start, end = row.drug, ";".join(row.named)
        sign = 1 if row.effect in ("agonist", "mimic", "poison", "gene") else -1
    elif isinstance(row, ReactionRow):
        start = ";".join((*row.reactants, *row.enzymes))
        end, sign = (row.product, 1) if row.product else (row.reactants[0], -1)
    else:
        start, end, sign = ";".join(row.cell), row.factor, -1
    return Row(
        id=row.id,
        kind=kind_of(row),
        sentence=writer.sentence(row, cells),
        source_id=start,
        target_id=end,
        cells=cells,
        sign=sign,
        claims=verdict.claims,
        supports=row.supports,
        basis=verdict.basis,
        source=row.source,
        note=row.note,
    )


def _traits(library: Library, context: Context, writer: Writer) -> Iterable[Row]:
    """Numbers that carry claims are rows too: they can be left out like any other."""
    carried = carried_claims(library, context.book)
    for name, parameter in library.parameters.items():
        claims = tuple(c for c in parameter.claims if name in carried.get(c, ()))
        on = tuple(c for c in claims if c not in context.dropped)
        if not on:
            continue
        head, _, trait = name.partition(".")
        cells = library.lexicon.expand((head,))
        yield Row(
            id=name,
            kind="trait",
            sentence=writer.sentence(parameter, cells),
            source_id=head,
            target_id=trait,
            cells=cells,
            sign=1,
            claims=on,
            supports=(),
            basis=parameter.basis,
            source=parameter.source,
        )


def _acting(
    drives: Iterable[Drive], secretions: Iterable[Secretion], uptakes: Iterable[Uptake]
) -> dict[str, set[str]]:
    """Return the cell types in which each row acts."""
    acting: dict[str, set[str]] = {}
    for drive in drives:
        for group in drive.groups:
            for term in group.terms:
                acting.setdefault(term.row, set()).add(drive.cell)
    flows: tuple[Secretion | Uptake, ...] = (*secretions, *uptakes)
    for flow in flows:
        acting.setdefault(flow.row, set()).add(flow.cell)
    return acting


def _order(library: Library) -> tuple[str, ...]:
    return (*library.lexicon.types, *SITES)
