"""Coverage: for every claim of the evidence, how the library carries it, or why not.

A claim is *carried* when a row cites it in `claims`, or one that says the same; *entailed* when it
must follow from a path of rows, or restates what is carried; *not carried* for a listed reason. A
claim in none of these is *unaccounted*, which the library's tests do not allow.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stemniche.spec.claimbook import ClaimBook, claim_book
from stemniche.spec.library import Library
from stemniche.spec.paths import carried_claims

if TYPE_CHECKING:
    import pandas as pd

    from stemniche.evidence import Evidence

CARRIED, ENTAILED, NOT_CARRIED = "carried", "entailed", "not carried"
UNACCOUNTED = "unaccounted"
CORE_KINDS = ("mechanism", "feedback_loop", "mirna", "phenotype_marker")
"""Kinds of claims that say how something works; the others tell of therapies, tests, terms."""

ALL, OTHER = "all", "other"
STATUSES = (CARRIED, ENTAILED, NOT_CARRIED, UNACCOUNTED)


@dataclass(frozen=True, slots=True)
class Account:
    """How one claim is accounted for; `by` are row ids, a path, or a reason."""

    claim: str
    kind: str
    level: str
    status: str
    by: str


def accounts(library: Library, evidence: "Evidence | ClaimBook | None" = None) -> list[Account]:
    """Return the account of every claim, in the order of the evidence."""
    book = evidence if isinstance(evidence, ClaimBook) else claim_book(evidence)
    carriers = carried_claims(library, book)
    paths = {entry.claim: " > ".join(entry.path) for entry in library.entailed}
    reasons = {entry.claim: entry.reason for entry in library.not_carried}
    found = []
    for facts in book.claims.values():
        status, by = _account(facts.id, book, carriers, paths, reasons)
        found.append(Account(facts.id, facts.kind, facts.level, status, by))
    return found


def coverage(library: Library, evidence: "Evidence | ClaimBook | None" = None) -> "pd.DataFrame":
    """Return one row per claim: claim, kind, level, status, by.

    Args:
        library: As read.
        evidence: The claims to account for; the shipped ones by default.
    """
    import pandas as pd

    columns = ["claim", "kind", "level", "status", "by"]
    rows = [[getattr(a, c) for c in columns] for a in accounts(library, evidence)]
    return pd.DataFrame(rows, columns=columns)


def coverage_summary(
    library: Library, evidence: "Evidence | ClaimBook | None" = None
) -> "pd.DataFrame":
    """Return the number of claims by kind (rows) and status (columns), with totals."""
    import pandas as pd

    table = coverage(library, evidence)
    counts = pd.crosstab(table["kind"], table["status"]).reindex(columns=list(STATUSES))
    counts = counts.fillna(0).astype(int)
    counts["all"] = counts.sum(axis=1)
    counts.loc["all"] = counts.sum(axis=0)
    return counts


def coverage_by_part(
    library: Library, evidence: "Evidence | ClaimBook | None" = None
) -> "pd.DataFrame":
    """Return how the single mechanisms, loops and markers of each part of the biology are kept.

    Columns: part, kind, carried, entailed, not carried, unaccounted, all, share (carried or
    entailed over all). Only atomic claims of `CORE_KINDS` count; the last row adds all parts up.
    """
    import pandas as pd

    book = evidence if isinstance(evidence, ClaimBook) else claim_book(evidence)
    core = [a for a in accounts(library, book) if a.level == "atomic" and a.kind in CORE_KINDS]
    parts = [library.parts.get(book.claims[a.claim].section, OTHER) for a in core]
    frame = pd.DataFrame(
        {"part": parts, "kind": [a.kind for a in core], "status": [a.status for a in core]}
    )
    whole = pd.concat([frame, frame.assign(kind=ALL), frame.assign(part=ALL, kind=ALL)])
    counts = pd.crosstab([whole["part"], whole["kind"]], whole["status"])
    counts = counts.reindex(columns=list(STATUSES), fill_value=0)
    order = [*dict.fromkeys(library.parts.values()), OTHER, ALL]
    counts["all"] = counts.sum(axis=1)
    counts["share"] = ((counts[CARRIED] + counts[ENTAILED]) / counts["all"]).round(3)
    table = counts.reset_index().rename_axis(columns=None)
    return table.sort_values("part", key=lambda names: names.map(order.index), kind="stable")


def _account(
    claim: str,
    book: ClaimBook,
    carriers: dict[str, tuple[str, ...]],
    paths: dict[str, str],
    reasons: dict[str, str],
) -> tuple[str, str]:
    if claim in carriers:
        return CARRIED, "; ".join(carriers[claim])
    if claim in paths:
        return ENTAILED, paths[claim]
    if claim in reasons:
        return NOT_CARRIED, reasons[claim]
    for other in sorted(book.group(claim) - {claim}):
        status = ENTAILED if book.claims[claim].level == "restated" else CARRIED
        if other in carriers:
            return status, f"{'; '.join(carriers[other])} (says the same as {other})"
        if other in paths:
            return ENTAILED, f"{paths[other]} (says the same as {other})"
        if other in reasons:
            return NOT_CARRIED, f"{reasons[other]} (says the same as {other})"
    return UNACCOUNTED, ""
