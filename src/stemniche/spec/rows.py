"""Reads a folder of CSV tables into a checked `Library`, with a user's own rows laid over it.

`read_library` is the only way in: what it returns has no dangling name, unit or claim. The content
(genes, factors, cell types) is never known here, only the shape of the tables.
"""

from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from stemniche.core.errors import LibraryError
from stemniche.core.identity import fingerprint_files
from stemniche.core.names import did_you_mean
from stemniche.spec.checks import check_library
from stemniche.spec.claimbook import ClaimBook, claim_book
from stemniche.spec.druglist import row_parameters
from stemniche.spec.lexicon import Lexicon
from stemniche.spec.library import Library
from stemniche.spec.ownrows import VARIABLE, own_folder
from stemniche.spec.paths import check_paths
from stemniche.spec.records import (
    Cancer,
    Cell,
    DrugClass,
    DrugRow,
    Entailed,
    FactorRow,
    Family,
    GenotypeRow,
    HostRow,
    Link,
    MarkerRow,
    NodeRow,
    NotCarried,
    Parameter,
    Part,
    Pool,
    ReactionRow,
    ReceptorRow,
    Rule,
    SecretionRow,
    TargetRow,
    UptakeRow,
    Word,
)
from stemniche.spec.tables import Faults, check_unique, read_table

R = TypeVar("R")

MECHANISMS = (Link, Rule, SecretionRow, UptakeRow, ReactionRow, TargetRow)


def read_library(folder: Path | None = None, book: ClaimBook | None = None) -> Library:
    """Read and check a library.

    Args:
        folder: Folder of the CSV tables; by default the shipped one with the rows of
            `spec.ownrows` laid over it (read once per process).
        book: Claims that rows may cite; those of the shipped evidence by default.

    Raises:
        LibraryError: Naming up to ten faults, each with file, line, column and remedy.
    """
    if folder is None and book is None:
        return _shipped(own_folder())
    return _read(shipped_folder() if folder is None else folder, book or claim_book(), None)


def shipped_folder() -> Path:
    """Folder of the library that comes with the package."""
    return Path(str(files("stemniche.library")))


@lru_cache(maxsize=2)
def _shipped(own: Path | None) -> Library:
    return _read(shipped_folder(), claim_book(), own)


def _read(folder: Path, book: ClaimBook, own: Path | None) -> Library:
    faults = Faults()
    tables = sorted(folder.glob("*.csv"))
    if own is not None:
        _check_own(own, [path.name for path in tables])
        tables += sorted(own.glob("*.csv"))

    def table(name: str, record: type[R], key: str = "id", *, optional: bool = False) -> list[R]:
        rows = read_table(folder / f"{name}.csv", record, faults, optional=optional)
        if own is not None:
            shown = f"{own.name}/{name}.csv"
            more = read_table(own / f"{name}.csv", record, faults, optional=True, shown=shown)
            check_unique(more, key, faults)
            replaced = {getattr(row, key) for row in more}
            rows = [row for row in rows if getattr(row, key) not in replaced] + more
        if record not in MECHANISMS:  # their ids are unique across tables, see below
            check_unique(rows, key, faults)
        return rows

    words = table("vocabulary", Word)
    lexicon = Lexicon(
        cells={c.id: c for c in table("cells", Cell)},
        factors={f.id: f for f in table("factors", FactorRow)},
        nodes={n.id: n for n in table("nodes", NodeRow)},
        families={f.id: f for f in table("families", Family, optional=True)},
        words=tuple(words),
    )
    drugs = table("drugs", DrugRow, optional=True)
    receptors = {r.id: r for r in table("receptors", ReceptorRow, optional=True)}
    written = table("parameters", Parameter, "name")
    parameters = row_parameters(drugs, faults)
    twice = (p for p in written if p.name in parameters)
    check_unique([*parameters.values(), *twice], "name", faults)
    library = Library(
        fingerprint=fingerprint_files(tables),
        lexicon=lexicon,
        parameters={p.name: p for p in written} | parameters,
        links=(*table("network", Link), *table("brakes", Link, optional=True)),
        rules=tuple(table("rules", Rule)),
        secretions=tuple(table("secretion", SecretionRow)),
        uptakes=tuple(table("uptake", UptakeRow)),
        reactions=tuple(table("reactions", ReactionRow, optional=True)),
        cancers={c.id: c for c in table("cancers", Cancer)},
        genotypes={g.id: g for g in table("genotypes", GenotypeRow, optional=True)},
        pools={p.id: p for p in table("pools", Pool, optional=True)},
        receptors=receptors,
        drugs={d.id: d for d in drugs},
        drug_classes={c.id: c for c in table("drug_classes", DrugClass, optional=True)},
        targets=tuple(
            _read_by(row, receptors) for row in table("drug_targets", TargetRow, optional=True)
        ),
        markers=tuple(table("markers", MarkerRow, optional=True)),
        hosts=tuple(table("hosts", HostRow, optional=True)),
        entailed=tuple(table("entailed", Entailed, "claim", optional=True)),
        parts={p.section: p.part for p in table("parts", Part, "section", optional=True)},
        not_carried=tuple(table("not_carried", NotCarried, "claim", optional=True)),
    )
    rows: list[Any] = [*library.links, *library.rules, *library.secretions, *library.uptakes]
    check_unique([*rows, *library.reactions, *library.targets], "id", faults)
    faults.stop()
    check_library(library, book, faults)
    faults.stop()
    check_paths(library, book, faults)
    faults.stop()
    return library


def _read_by(row: TargetRow, receptors: dict[str, ReceptorRow]) -> TargetRow:
    """A drug's target with what cells read by it in place of receptors that are no nodes."""
    met = [receptors[name] for name in row.acts_on if name in receptors]
    if not met:
        return row
    reads = (receptors[n].reads if n in receptors else (n,) for n in row.acts_on)
    cells = row.cells or tuple(dict.fromkeys(cell for one in met for cell in one.cells))
    return replace(row, acts_on=tuple(name for names in reads for name in names), cells=cells)


def _check_own(own: Path, known: list[str]) -> None:
    """Refuse a folder of rows that is not there, or that holds tables of another name."""
    mend = f"Name a folder with tables such as {', '.join(known[:3])} by --rows or {VARIABLE}."
    if not own.is_dir():
        raise LibraryError("There is no such folder of rows.", str(own), mend)
    for path in sorted(own.iterdir()):
        if path.suffix == ".csv" and path.name not in known:
            tables = f"Tables are {', '.join(known)}."
            raise LibraryError(
                f"The library has no table '{path.name}'.",
                str(path),
                did_you_mean(path.name, known, tables),
            )
    if not any(own.glob("*.csv")):
        raise LibraryError("The folder holds no tables.", str(own), mend)
