"""What carried a run: how hard each row worked, which claims were on, which loops were closed.

The share of its largest effect at which a row stood is worked out from the Model's own Hill terms
and the run's mean levels, so it needs no second simulation. `html` prints the tables; what a claim
says is taken from the evidence, what a row does from its sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stemniche.report.digest import Digest
from stemniche.spec.model import Term

if TYPE_CHECKING:
    from stemniche.evidence import Evidence
    from stemniche.spec.library import Library

Array = np.ndarray[Any, np.dtype[Any]]

NOTABLE = 0.01
"""Change of a share below which a row is not told of."""

IDLE = 0.05
"""A loop whose weakest link stays below this share hardly turns."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """How hard a row worked: share of its largest effect, 0 to 1, at each sample.

    `signal` is what drives the row.
    """

    row: str
    signal: str
    sentence: str
    claims: tuple[str, ...]
    shares: Array

    @property
    def first(self) -> float:
        """Share at the first sample."""
        return float(self.shares[0])

    @property
    def last(self) -> float:
        """Share at the last sample."""
        return float(self.shares[-1])

    @property
    def farthest(self) -> float:
        """The share that lies farthest from the first."""
        return float(self.shares[np.argmax(np.abs(self.shares - self.shares[0]))])

    @property
    def change(self) -> float:
        """How far it went from the first share."""
        return abs(self.farthest - self.first)

    @property
    def low(self) -> float:
        """Lowest share."""
        return float(self.shares.min())

    @property
    def high(self) -> float:
        """Highest share."""
        return float(self.shares.max())


@dataclass(frozen=True, slots=True)
class Mover:
    """Rows that one signal moved alike: the one told in words, how many more, all their claims."""

    work: Work
    more: int
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A claim that was on: its words, how firmly it is said, and the rows that carried it."""

    id: str
    text: str
    basis: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Circle:
    """A feedback loop and how it turned.

    Args:
        id: The claim that names it.
        title: The loop in the claim's words.
        lacking: Rows of its path that did not run; empty when it was closed.
        weakest: The row that held it back most at the loop's best moment; empty if not recorded.
        share: Of its largest effect, at which that row worked then.
        day: That moment.
        levels: How its factors changed, as text.
    """

    id: str
    title: str
    lacking: tuple[str, ...]
    weakest: str
    share: float
    day: float
    levels: tuple[str, ...]

    @property
    def state(self) -> str:
        """``open``, ``idle`` or ``closed``."""
        if self.lacking:
            return "open"
        return "idle" if self.weakest and self.share < IDLE else "closed"


def works(d: Digest) -> list[Work]:
    """Rows with a level to judge them by, those that went farthest first."""
    shares: dict[str, list[Array]] = {}
    for drive in d.model.drives:
        for group in drive.groups:
            for term in group.terms:
                level = _level(d, term.signal, drive.cell)
                if level is not None:
                    shares.setdefault(term.row, []).append(_hill(term, level))
    for secretion in d.model.secretions:
        if secretion.node and (level := _level(d, secretion.node, secretion.cell)) is not None:
            shares.setdefault(secretion.row, []).append(level)
    found = [
        Work(row.id, row.source_id, row.sentence, row.claims, np.mean(shares[row.id], axis=0))
        for row in d.model.rows
        if row.id in shares
    ]
    return sorted(found, key=lambda work: (-work.change, work.row))


def movers(done: list[Work], most: int) -> list[Mover]:
    """Signals whose rows changed most, each with its rows together; small changes are left out."""
    alike: dict[tuple[str, int, int, int], list[Work]] = {}
    for work in done:
        if work.change >= NOTABLE:
            first, far, last = (round(100 * x) for x in (work.first, work.farthest, work.last))
            key = work.signal, first, far, last
            alike.setdefault(key, []).append(work)
    found = []
    for group in list(alike.values())[:most]:
        told = next((work for work in group if work.claims), group[0])
        cited = sorted({claim for work in group for claim in work.claims})
        found.append(Mover(told, len(group) - 1, tuple(cited)))
    return found


def said(d: Digest, evidence: "Evidence") -> list[Said]:
    """Every claim that a row of the model rests on, in order of id."""
    rows: dict[str, list[str]] = {}
    for row in d.model.rows:
        for claim in row.claims:
            rows.setdefault(claim, []).append(row.id)
    known = evidence.records.claims
    return [
        Said(ident, claim_text(known[ident]), known[ident].basis, tuple(rows[ident]))
        for ident in sorted(rows)
        if ident in known
    ]


def claim_text(claim: Any) -> str:
    """A claim as one line of words, without judging its grammar."""
    middle = claim.relation.replace("_", " ")
    if claim.relation.endswith("_expression"):
        middle += " of"
    target = ", ".join(claim.object_norm) or claim.object
    towards = "for" if claim.relation == "secretes" else "in"
    place = f" {towards} {', '.join(claim.target_cell)}" if claim.target_cell else ""
    makers = ", ".join(claim.source_cell)
    maker = f" (from {makers})" if makers and makers not in claim.subject else ""
    return f"{claim.subject}{maker} {middle} {target}{place}"


def circles(d: Digest, evidence: "Evidence", library: "Library") -> list[Circle]:
    """Feedback loops whose path of rows the library gives, turning ones first."""
    on = {row.id for row in d.model.rows} | set(library.parameters)
    done = {work.row: work for work in works(d)}
    found = []
    for entry in library.entailed:
        claim = evidence.records.claims.get(entry.claim)
        if claim is None or claim.kind != "feedback_loop":
            continue
        lacking = tuple(dict.fromkeys(r for r in entry.path if r not in on))
        seen = {r: done[r].shares for r in entry.path if r in done and not lacking}
        levels = tuple(_changes(d, library, entry.path))
        best = _best(seen, d.days)
        found.append(Circle(claim.id, arrows(claim.subject), lacking, *best, levels))
    order = ("closed", "idle", "open")
    return sorted(found, key=lambda circle: (order.index(circle.state), circle.id))


def _best(seen: dict[str, Array], days: Array) -> tuple[str, float, float]:
    """Weakest row, its share and the day, at the moment when the weakest row was strongest."""
    if not seen:
        return "", 0.0, 0.0
    names, shares = list(seen), np.array(list(seen.values()))
    moment = int(shares.min(axis=0).argmax())
    row = int(shares[:, moment].argmin())
    return names[row], float(shares[row, moment]), float(days[moment])


def arrows(text: str) -> str:
    """Arrows as printed: the tables write them in plain characters."""
    return text.replace("<->", "↔").replace("->", "→").replace("-x", "⊣")


def other_loops(evidence: "Evidence", library: "Library") -> list[tuple[str, str]]:
    """Loops that the library does not follow yet: claim, and the part that is missing."""
    waiting = {entry.claim: entry for entry in library.not_carried}
    found = []
    for claim in evidence.records.claims.values():
        if claim.kind == "feedback_loop" and claim.id in waiting:
            entry = waiting[claim.id]
            why = entry.note or entry.reason
            found.append((f"{claim.id} {arrows(claim.subject)}", why))
    return found


def _changes(d: Digest, library: "Library", path: tuple[str, ...]) -> Iterator[str]:
    """Factors on a path, in order, with their change among the tumour cells."""
    rows = (library.mechanisms.get(name) for name in path)
    for factor in dict.fromkeys(f for row in rows if (f := getattr(row, "factor", ""))):
        values = d[f"factor.{factor}"]
        if values[0] > 0 and values[-1] > 0:
            yield f"{factor} ×{values[-1] / values[0]:.2g}"


def _level(d: Digest, signal: str, cell: str) -> Array | None:
    """Mean level of a signal for a cell type over the samples; None where it is not recorded."""
    for column in (f"node.{signal}.{cell}", f"factor.{signal}", f"{signal}.{cell}"):
        if column in d:
            return d[column]
    if signal.startswith("serum.") and signal in d:
        return d[signal]
    return None


def _hill(term: Term, level: Array) -> Array:
    x = np.maximum(level, 0.0) ** term.hill
    share = x / (x + term.half_max**term.hill)
    return 1.0 - share if term.inverted else share
