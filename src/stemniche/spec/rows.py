"""Reads a folder of CSV tables into a checked `Library`.

`read_library` is the only way in: what it returns has no dangling name, unit or claim. The content
(genes, factors, cell types) is never known here, only the shape of the tables.
"""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from stemniche.core.identity import fingerprint_files
from stemniche.spec.checks import check_library
from stemniche.spec.claimbook import ClaimBook, claim_book
from stemniche.spec.druglist import row_parameters
from stemniche.spec.lexicon import Lexicon
from stemniche.spec.library import Library
from stemniche.spec.paths import check_paths
from stemniche.spec.records import (
    Cancer,
    Cell,
    DrugClass,
    DrugRow,
    Entailed,
    FactorRow,
    Family,
    HostRow,
    Link,
    MarkerRow,
    NodeRow,
    NotCarried,
    Parameter,
    Part,
    Pool,
    ReactionRow,
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
        folder: Folder of the CSV tables; the shipped one by default (read once per process).
        book: Claims that rows may cite; those of the shipped evidence by default.

    Raises:
        LibraryError: Naming up to ten faults, each with file, line, column and remedy.
    """
    if folder is None and book is None:
        return _shipped()
    return _read(shipped_folder() if folder is None else folder, book or claim_book())


def shipped_folder() -> Path:
    """Folder of the library that comes with the package."""
    return Path(str(files("stemniche.library")))


@lru_cache(maxsize=1)
def _shipped() -> Library:
    return _read(shipped_folder(), claim_book())


def _read(folder: Path, book: ClaimBook) -> Library:
    faults = Faults()

    def table(name: str, record: type[R], key: str = "id", *, optional: bool = False) -> list[R]:
        rows = read_table(folder / f"{name}.csv", record, faults, optional=optional)
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
    written = table("parameters", Parameter, "name")
    parameters = row_parameters(drugs, faults)
    twice = (p for p in written if p.name in parameters)
    check_unique([*parameters.values(), *twice], "name", faults)
    library = Library(
        fingerprint=fingerprint_files(sorted(folder.glob("*.csv"))),
        lexicon=lexicon,
        parameters={p.name: p for p in written} | parameters,
        links=(*table("network", Link), *table("brakes", Link, optional=True)),
        rules=tuple(table("rules", Rule)),
        secretions=tuple(table("secretion", SecretionRow)),
        uptakes=tuple(table("uptake", UptakeRow)),
        reactions=tuple(table("reactions", ReactionRow, optional=True)),
        cancers={c.id: c for c in table("cancers", Cancer)},
        pools={p.id: p for p in table("pools", Pool, optional=True)},
        drugs={d.id: d for d in drugs},
        drug_classes={c.id: c for c in table("drug_classes", DrugClass, optional=True)},
        targets=tuple(table("drug_targets", TargetRow, optional=True)),
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
