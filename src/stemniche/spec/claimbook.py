"""What the spec layer needs to know of the evidence: one small record per claim.

`spec.checks` asks whether a claim may be a row's claim, `spec.compile` which claims fall together
when one is left out, `spec.coverage` what is accounted for. The tables themselves stay in
`stemniche.evidence`; nothing here reads a file.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

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
        restates: Id of the claim it says again, or empty.
        section: Review and heading under which it stands.
    """

    id: str
    kind: str
    level: str
    objects: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    cancers: tuple[str, ...] = (GENERAL,)
    restates: str = ""
    section: str = ""


@dataclass(frozen=True, kw_only=True)
class ClaimBook:
    """All claims by id, with the classes and names of the entities they speak of.

    Args:
        groups: For claims that are said more than once, all that say the same.
    """

    claims: dict[str, ClaimFacts]
    entity_class: dict[str, str]
    entity_name: dict[str, str]
    fingerprint: str
    groups: dict[str, frozenset[str]] = field(default_factory=dict)

    def __contains__(self, claim: object) -> bool:
        return claim in self.claims

    def group(self, claim: str) -> frozenset[str]:
        """Return the claims that say the same: linked by same_as or restates, itself included."""
        return self.groups.get(claim, frozenset((claim,)))

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


def _from(evidence: "Evidence") -> ClaimBook:
    entities = evidence.records.entities.values()
    by_name = {entity.name: entity.id for entity in entities}
    claims = {
        claim.id: ClaimFacts(
            id=claim.id,
            kind=claim.kind,
            level=claim.level,
            objects=claim.object_ids,
            via=claim.via_ids,
            cancers=tuple(by_name.get(name, name) for name in claim.cancer_types),
            restates=claim.restates,
            section=f"{claim.review} {claim.section}",
        )
        for claim in evidence.records.claims.values()
    }
    groups = {claim: frozenset(evidence.same_statement(claim)) for claim in claims}
    return ClaimBook(
        claims=claims,
        entity_class={entity.id: entity.kind for entity in entities},
        entity_name={entity.id: entity.name for entity in entities},
        fingerprint=evidence.fingerprint,
        groups=groups,
    )
