"""The Library: every record of the biology's tables by id, as `spec.rows` read and checked it.

Compilation, coverage and sentences take it as it is. It is frozen; a scenario's overrides make a
changed copy.
"""

from dataclasses import dataclass, field

from stemniche.spec.lexicon import Lexicon
from stemniche.spec.parameters import Numbers
from stemniche.spec.records import (
    Cancer,
    DrugClass,
    DrugRow,
    Entailed,
    GenotypeRow,
    HostRow,
    Link,
    MarkerRow,
    Mechanism,
    NotCarried,
    Parameter,
    Pool,
    ReactionRow,
    ReceptorRow,
    Rule,
    SecretionRow,
    TargetRow,
    UptakeRow,
)


@dataclass(frozen=True, kw_only=True)
class Library:
    """All tables of one library.

    Args:
        fingerprint: Of the names and bytes of its tables.
        lexicon: Cells, factors, nodes, families and vocabulary, and what their names mean.
        links: Rows of the network and of its brakes.
        genotypes: States of genes that act as others, by ``gene:state``.
        parts: Part of the biology by section of the evidence.
    """

    fingerprint: str
    lexicon: Lexicon
    parameters: dict[str, Parameter]
    links: tuple[Link, ...]
    rules: tuple[Rule, ...]
    secretions: tuple[SecretionRow, ...]
    uptakes: tuple[UptakeRow, ...]
    reactions: tuple[ReactionRow, ...]
    cancers: dict[str, Cancer]
    genotypes: dict[str, GenotypeRow]
    pools: dict[str, Pool]
    receptors: dict[str, ReceptorRow]
    drugs: dict[str, DrugRow]
    drug_classes: dict[str, DrugClass]
    targets: tuple[TargetRow, ...]
    hosts: tuple[HostRow, ...]
    markers: tuple[MarkerRow, ...]
    entailed: tuple[Entailed, ...]
    not_carried: tuple[NotCarried, ...]
    parts: dict[str, str]
    numbers: Numbers = field(init=False, repr=False, compare=False)
    mechanisms: dict[str, Mechanism] = field(init=False, repr=False, compare=False)
    """Every row that claims can switch, by id."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", Numbers(self.parameters, self.lexicon))
        rows: tuple[Mechanism, ...]
        rows = (
            *self.links,
            *self.rules,
            *self.secretions,
            *self.uptakes,
            *self.reactions,
            *self.targets,
        )
        object.__setattr__(self, "mechanisms", {row.id: row for row in rows})

    def cancer_lineage(self, cancer: str) -> tuple[str, ...]:
        """Return a cancer and all it `is_a`, nearest first."""
        line: list[str] = []
        waiting = [cancer]
        while waiting:
            name = waiting.pop(0)
            if name in self.cancers and name not in line:
                line.append(name)
                waiting.extend(self.cancers[name].is_a)
        return tuple(line)

    def drug_lineage(self, drug: str) -> tuple[str, ...]:
        """Return the classes of a drug, nearest first; the first one named wins over others."""
        line: list[str] = []
        for kind in self.drugs[drug].classes:
            while kind in self.drug_classes and kind not in line:
                line.append(kind)
                kind = self.drug_classes[kind].is_a
        return tuple(line)

    def marker_rows(self, cancer: str, dropped: frozenset[str]) -> dict[str, MarkerRow]:
        """For every marker of a cancer the row nearest to it, without those whose claims are off.

        Args:
            dropped: Claims that are off.
        """
        found: dict[str, MarkerRow] = {}
        for context in (*self.cancer_lineage(cancer), "general"):
            for row in self.markers:
                off = bool(row.claims) and dropped.issuperset(row.claims)
                if context in row.context and not off:
                    found.setdefault(row.marker, row)
        return found

    def host_fold(self, immune: str, cell: str, trait: str) -> float:
        """Fold that an immune state puts on a trait, or on the ``count``, of a cell type."""
        line, fold = self.lexicon.lineage(cell), 1.0
        for row in self.hosts:
            if row.host == immune and row.cell in line and row.trait == trait:
                fold *= row.fold
        return fold

    def engine_words(self) -> tuple[str, ...]:
        """Parameters that the vocabulary says the engine reads by name."""
        return tuple(w.id for w in self.lexicon.words if w.kind == "parameter")

    def genotypes_read(self) -> frozenset[str]:
        """States of genes (``gene:state``) that rows read, as signals or in their context."""
        signals = [*(row.origin for row in self.links), *(row.signal for row in self.rules)]
        contexts = (text for row in self.mechanisms.values() for text in row.context)
        return frozenset(text for text in (*signals, *contexts) if ":" in text)

    def outcomes(self) -> frozenset[str]:
        """Entity ids that the vocabulary marks as outcomes."""
        marked = (w.entity.split(";") for w in self.lexicon.words if w.outcome)
        return frozenset(name.strip() for names in marked for name in names if name.strip())
