"""What the spec layer needs to know of the evidence: one small record per claim.

`spec.checks` asks whether a claim may be a row's claim, `spec.compile` which claims fall together
when one is left out, `spec.coverage` what is accounted for. The tables themselves stay in
`stemniche.evidence`; nothing here reads a file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stemniche.core.errors import EvidenceError
from stemniche.core.names import did_you_mean

if TYPE_CHECKING:
    from stemniche.evidence import Evidence

GENERAL = "general"
OUTCOME_CLASSES = ("outcome", "compartment")
"""Entity classes that are outcomes as a whole; single outcomes are marked in the vocabulary."""

UNEXECUTABLE_KINDS = ("therapy_effect", "trial_outcome")
UNEXECUTABLE_LEVELS = ("summary", "restated")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """One claim, reduced to what decides how it may be carried.

    Args:
        cancers: Entity ids of its cancers, and ``general`` where it holds everywhere.
        same_as: Lowest id of its group of near-duplicates, or empty.
        restates: Id of the claim it says again, or empty.
    """

    id: str
    kind: str
    level: str
    objects: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    cancers: tuple[str, ...] = (GENERAL,)
    same_as: str = ""
    restates: str = ""


@dataclass(frozen=True, kw_only=True)
class ClaimBook:
    """All claims by id, with the classes and names of the entities they speak of."""

    claims: dict[str, ClaimFacts]
    entity_class: dict[str, str]
    entity_name: dict[str, str]
    fingerprint: str
    _groups: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_groups", _groups(self.claims.values()))

    def __contains__(self, claim: object) -> bool:
        return claim in self.claims

    def group(self, claim: str) -> frozenset[str]:
        """Return the claims that say the same: linked by same_as or restates, itself included."""
        return self._groups[claim]

    def expect(self, claim: str, where: str) -> ClaimFacts:
        """Return a claim a person named.

        Raises:
            EvidenceError: There is none of that id.
        """
        if claim in self.claims:
            return self.claims[claim]
        mend = did_you_mean(claim, self.claims, "`stemniche evidence claims` lists the claims.")
        raise EvidenceError(f"There is no claim '{claim}'.", where, mend)

    def refusal(
        self, claim: str, outcomes: frozenset[str], targets: frozenset[str] = frozenset()
    ) -> str:
        """Return why a claim may never be a row's claim; empty if it may.

        Args:
            claim: A known id.
            outcomes: Entities that the vocabulary marks as outcomes.
            targets: Entities at the end of the row; one that the claim names as its mediator
                lets the row end there, though the claim itself ends at an outcome.
        """
        facts = self.claims[claim]
        if facts.kind in UNEXECUTABLE_KINDS:
            return f"{claim} is a {facts.kind}"
        if facts.level in UNEXECUTABLE_LEVELS:
            return f"{claim} is of level {facts.level}"
        ends_at_outcome = facts.objects and all(self.is_outcome(o, outcomes) for o in facts.objects)
        if ends_at_outcome and not targets & set(facts.via):
            names = ", ".join(self.entity_name.get(o, o) for o in facts.objects)
            return f"{claim} ends at an outcome ({names})"
        return ""

    def is_outcome(self, entity: str, marked: frozenset[str]) -> bool:
        """Whether an entity is an outcome: by its class, or `marked` so in the vocabulary."""
        return entity in marked or self.entity_class.get(entity) in OUTCOME_CLASSES


def claim_book(evidence: "Evidence | None" = None) -> ClaimBook:
    """Return the claim book of some evidence; of the shipped tables by default (cached)."""
    return _shipped() if evidence is None else _from(evidence)


@lru_cache(maxsize=1)
def _shipped() -> ClaimBook:
    from stemniche.evidence import load

    return _from(load())


def _from(evidence: Any) -> ClaimBook:
    entities = evidence.entities.to_dict("records")
    by_name = {str(e["name"]): str(e["id"]) for e in entities}
    rows = evidence.claims.to_dict("records")
    claims = {
        str(r["id"]): ClaimFacts(
            id=str(r["id"]),
            kind=str(r["kind"]),
            level=str(r["level"]),
            objects=_listed(r["object_ids"]),
            via=_listed(r["via_ids"]),
            cancers=tuple(by_name.get(c, c) for c in _listed(r["cancer_types"])),
            same_as=_text(r["same_as"]),
            restates=_text(r["restates"]),
        )
        for r in rows
    }
    return ClaimBook(
        claims=claims,
        entity_class={str(e["id"]): str(e["class"]) for e in entities},
        entity_name={str(e["id"]): str(e["name"]) for e in entities},
        fingerprint=str(evidence.fingerprint),
    )


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _listed(value: Any) -> tuple[str, ...]:
    """Return a list cell as a tuple, whether the table has split it already or not."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return tuple(str(part) for part in value) if isinstance(value, Iterable) else ()


def _groups(claims: Iterable[ClaimFacts]) -> dict[str, frozenset[str]]:
    """Join claims linked by same_as or restates, by merging the smaller group into the larger."""
    groups: dict[str, set[str]] = {}
    for claim in claims:
        groups.setdefault(claim.id, {claim.id})
        for other in (claim.same_as, claim.restates):
            if not other:
                continue
            ours, theirs = groups[claim.id], groups.setdefault(other, {other})
            if ours is theirs:
                continue
            small, large = sorted((ours, theirs), key=len)
            large |= small
            for member in small:
                groups[member] = large
    return {claim: frozenset(members) for claim, members in groups.items()}
