"""The evidence tables as they are read: claims and entities as records, the rest as rows.

Reads the package's own files once, splits list columns, and checks that ids point somewhere. What a
claim means for a simulation is not known here; `graph` and `loops` build on these records.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, TypeVar

from stemniche.core.errors import EvidenceError

Sign = Literal["+1", "-1", "0", "context"]
Row = dict[str, str | tuple[str, ...]]

TABLES = (
    "claims", "experiments", "entities", "therapies", "mirna_table1", "fda_drugs_table2",
    "trials_table3",
)  # fmt: skip

LISTS = {
    "claims": {
        "source_cell", "target_cell", "cancer_types", "refs", "object_norm", "subject_ids",
        "object_ids", "cells", "via_ids",
    },
    "experiments": {"cancer_type", "refs"},
    "entities": {"spellings", "reviews"},
    "therapies": {"cancer_types", "refs", "review", "also_in", "target_ids"},
    "mirna_table1": {"functions", "refs", "function_ids", "cancer_ids"},
    "fda_drugs_table2": {"target_genes", "cancer_type", "refs", "target_ids", "cancer_ids"},
    "trials_table3": {
        "target_canonical", "drug", "combined_therapy", "cancer_type", "drug_ids", "partner_ids",
        "target_ids", "cancer_ids",
    },
}  # fmt: skip
"""Columns of each table that hold a list, separated by semicolons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement of a source; the columns of ``claims.csv`` with lists as tuples.

    Ids are permanent. `sign` says what happens to the object. `same_as` is the lowest id of a group
    of near-duplicates, empty outside such groups; `restates` the claim that this one says again.
    """

    id: str
    review: str
    section: str
    kind: str
    subject: str
    source_cell: tuple[str, ...]
    relation: str
    object: str
    target_cell: tuple[str, ...]
    via: str
    sign: Sign
    cancer_types: tuple[str, ...]
    refs: tuple[str, ...]
    note: str
    review_lines: str
    level: Literal["atomic", "summary", "restated"]
    restates: str
    basis: Literal["stated", "hedged", "inferred"]
    object_norm: tuple[str, ...]
    subject_ids: tuple[str, ...]
    object_ids: tuple[str, ...]
    cells: tuple[str, ...]
    via_ids: tuple[str, ...]
    joint: str
    same_as: str

    @property
    def is_first(self) -> bool:
        """Whether this claim stands for its group of near-duplicates, or has none."""
        return self.same_as in ("", self.id)

    @property
    def acts_jointly(self) -> bool:
        """Whether the subjects act only together."""
        return self.joint == "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A thing that claims speak of; the columns of ``entities.csv`` with `class` as `kind`.

    `state_of` names a base entity and a state (``"N136:lost"``) where this is no thing of its own.
    """

    id: str
    name: str
    spellings: tuple[str, ...]
    kind: str
    standard_id: str
    role: str
    reviews: tuple[str, ...]
    state_of: str

    @property
    def symbol(self) -> str:
        """HGNC symbol, or empty."""
        space, _, symbol = self.standard_id.partition(":")
        return symbol if space == "hgnc.symbol" else ""


Thing = TypeVar("Thing", Claim, Entity)


@dataclass(frozen=True, eq=False)
class Records:
    """All tables: claims and entities by id, every table as plain rows, the closed vocabularies."""

    claims: dict[str, Claim]
    entities: dict[str, Entity]
    rows: dict[str, tuple[Row, ...]]

    @cached_property
    def vocabulary(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Closed lists of the tables' README: heading to value to the other cells of its line."""
        lists: dict[str, dict[str, tuple[str, ...]]] = {}
        heading = ""
        for line in (folder() / "README.md").read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                heading = line.lstrip("# ").strip()
            elif line.startswith("| `"):
                value, *rest = (cell.strip() for cell in line.strip().strip("|").split("|"))
                lists.setdefault(heading, {})[value.strip("`")] = tuple(rest)
        return lists


def folder() -> Traversable:
    """Return the folder of the tables inside the package."""
    return files("stemniche.evidence") / "tables"


def table_files() -> list[Traversable]:
    """Return the files that make the evidence, for fingerprints."""
    return [folder() / f"{name}.csv" for name in TABLES]


def read() -> Records:
    """Read every table.

    Raises:
        EvidenceError: A table is damaged: a ragged line, an id twice, an id that points nowhere.
    """
    rows = {name: tuple(_rows(name)) for name in TABLES}
    known = {field.name for field in fields(Claim)}
    claims = [Claim(**{k: v for k, v in row.items() if k in known}) for row in rows["claims"]]  # type: ignore[arg-type]
    entities = [
        Entity(**{"kind" if k == "class" else k: v for k, v in row.items()})  # type: ignore[arg-type]
        for row in rows["entities"]
    ]
    records = Records(_by_id(claims), _by_id(entities), rows)
    _check(records)
    return records


def rows_of(table: Traversable) -> list[dict[str, str]]:
    """Return the rows of one CSV file as text, by column.

    Raises:
        EvidenceError: A row has too many or too few cells.
    """
    reader = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")), strict=True)
    rows = []
    for number, row in enumerate(reader, start=1):
        if None in row or None in row.values():
            raise _damaged(f"Row {number} has too many or too few cells.", table.name)
        rows.append(row)
    return rows


def _rows(name: str) -> Iterable[Row]:
    """Yield the rows of one table with its list columns split."""
    lists = LISTS[name]
    for row in rows_of(folder() / f"{name}.csv"):
        yield {key: _split(cell) if key in lists else cell for key, cell in row.items()}


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in cell.split(";")) if part)


def _by_id(things: list[Thing]) -> dict[str, Thing]:
    found = {thing.id: thing for thing in things}
    if len(found) < len(things):
        raise _damaged("An id is used twice.", f"of {type(things[0]).__name__}")
    return found


def _check(records: Records) -> None:
    """Every id of a claim must exist; loops, graph and library rows rely on it."""
    for claim in records.claims.values():
        for ident in (*claim.subject_ids, *claim.object_ids, *claim.via_ids):
            if ident not in records.entities:
                raise _damaged(f"{claim.id} names the unknown entity '{ident}'.", "claims.csv")
        for other in (claim.restates, claim.same_as):
            if other and other not in records.claims:
                raise _damaged(f"{claim.id} names the unknown claim '{other}'.", "claims.csv")


def _damaged(what: str, table: str) -> EvidenceError:
    mend = "Install the package again: its evidence tables must be as they were shipped."
    return EvidenceError(what, f"evidence/tables: {table}", mend)
