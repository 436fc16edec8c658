"""The evidence as plain tables of columns and rows, for the command line and reports."""

import re
from collections.abc import Callable
from typing import Any

from stemniche.core.errors import EvidenceError, InputError
from stemniche.core.names import LONGEST_NAME, did_you_mean
from stemniche.evidence import Evidence
from stemniche.evidence.records import Row

Tabled = tuple[list[str], list[list[Any]]]

_ID = re.compile(r"[A-Z][0-9]+")
"""Ids of rows: a letter for the table, and a number."""


def tabulate(evidence: Evidence, what: str, names: tuple[str, ...]) -> Tabled:
    """One view of the evidence.

    Args:
        what: ``summary``, ``claims``, ``loops``, ``paths`` (two names) or ``show`` (ids of
            any table, or names of entities).

    Raises:
        InputError: An unknown view, or the wrong number of names.
    """
    views: dict[str, Callable[[Evidence, tuple[str, ...]], Tabled]] = {
        "summary": _summary,
        "claims": _claims,
        "loops": _loops,
        "paths": _paths,
        "show": _show,
    }
    if what not in views:
        raise InputError(
            f"'{what}' is not a view of the evidence.",
            "evidence",
            did_you_mean(
                what, views, "Use summary, claims, loops, paths A B, coverage or show ID."
            ),
        )
    return views[what](evidence, names)


def _summary(evidence: Evidence, names: tuple[str, ...]) -> Tabled:
    rows = []
    for group, counts in evidence.summary().items():
        rows += [[group, name, count] for name, count in counts.items()]
    return ["group", "of", "count"], rows


def _claims(evidence: Evidence, names: tuple[str, ...]) -> Tabled:
    columns = ["id", "kind", "subject", "relation", "object", "cancers", "basis"]
    rows = [
        [c.id, c.kind, c.subject, c.relation, c.object, "; ".join(c.cancer_types), c.basis]
        for c in evidence.records.claims.values()
    ]
    return columns, rows


def _loops(evidence: Evidence, names: tuple[str, ...]) -> Tabled:
    rows = [
        [loop.id, loop.title, "closed" if loop.closed else "open", _edges(loop)]
        for loop in evidence.loops()
    ]
    return ["claim", "loop", "state", "edges"], rows


def _edges(loop: Any) -> str:
    links = [f"{e.source} > {e.target} [{', '.join(e.claims)}]" for e in loop.edges]
    missing = [f"{a} > {b} [no claim]" for a, b in loop.missing]
    return "; ".join([*links, *missing])


def _paths(evidence: Evidence, names: tuple[str, ...]) -> Tabled:
    if len(names) != 2:
        raise InputError(
            f"paths needs two names, not {len(names)}.",
            "evidence paths",
            "Write: stemniche evidence paths IL6 NOTCH1",
        )
    signs = {1: "+", -1: "-", None: "?"}
    rows = []
    for number, route in enumerate(evidence.paths(*names), 1):
        for step in route.steps:
            claims = ", ".join(step.claims)
            rows.append([number, step.source, signs[step.sign], step.target, claims])
    return ["path", "from", "sign", "to", "claims"], rows


def _show(evidence: Evidence, names: tuple[str, ...]) -> Tabled:
    if not names:
        raise InputError(
            "show needs an id or a name.",
            "evidence show",
            "Write: stemniche evidence show C257 E108 IL-8",
        )
    rows: list[list[Any]] = []
    for name in names:
        for key, value in _row(evidence, name).items():
            text = "; ".join(value) if isinstance(value, tuple) else value
            if text:
                rows.append([key, text])
    return ["column", "value"], rows


def _row(evidence: Evidence, name: str) -> Row:
    """The row of an id of any table, or of an entity by one of its names.

    Raises:
        InputError: No table has this id.
        EvidenceError: Nothing is called so, or several entities are.
    """
    tables = evidence.records.rows
    by_id = {row["id"]: row for rows in tables.values() for row in rows}
    wanted = name.strip().upper()
    if wanted in by_id:
        return by_id[wanted]
    try:
        return by_id[evidence.entity(name).id]
    except EvidenceError as fault:
        if not _ID.fullmatch(wanted):
            raise
        listed = ", ".join(f"{rows[0]['id']} ({table})" for table, rows in tables.items())
        what = f"No table of the evidence has the id '{wanted[:LONGEST_NAME]}'."
        raise InputError(what, "evidence show", f"Ids begin with {listed}.") from fault
