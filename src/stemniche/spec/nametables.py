"""Builds the names a user may write from the shipped library and the spellings of the evidence.

`spec.scenario` takes them by default. What the names are comes from the tables; this module only
says which table answers for which kind of name.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from stemniche.core.names import fold
from stemniche.spec.lexicon import VESICLE
from stemniche.spec.library import Library
from stemniche.spec.naming import Kind, Names, spell
from stemniche.spec.ownrows import own_folder
from stemniche.spec.records import (
    Cancer,
    Cell,
    DrugClass,
    DrugRow,
    FactorRow,
    NodeRow,
    ReceptorRow,
)

if TYPE_CHECKING:
    from stemniche.evidence import Entity, Evidence

Named = Cell | FactorRow | NodeRow | ReceptorRow | Cancer | DrugRow
"""Records that name an entity of the evidence."""

CSC_CAUSES = ("symmetric", "dedifferentiation", "awakening", "differentiation", "death", "traffic")
EVENTS = (
    "proliferation",
    "apoptosis",
    "necrosis",
    "ferroptosis",
    "drug_death",
    "radiation_death",
    "virus_death",
)
"""What stands for ``<CAUSE>`` and ``<EVENT>`` in the ids of measures."""

Expand = Callable[[Iterable[str]], tuple[str, ...]]
Meaning = tuple[str, tuple[str, ...]]
"""A spelling and the ids it stands for."""


def library_names() -> Names:
    """Names of the library, own rows among them, and of the evidence; made once per process."""
    return _library_names(own_folder())


@lru_cache(maxsize=2)
def _library_names(own: Path | None) -> Names:
    from stemniche.evidence import load
    from stemniche.spec.rows import read_library

    return names_of(read_library(), load())


def names_of(library: Library, evidence: "Evidence") -> Names:
    """The names that a library and the evidence's spellings allow."""
    from stemniche.spec.claimbook import claim_book
    from stemniche.spec.overrides import overridden

    book = claim_book()
    entities = evidence.records.entities
    factors, nodes = library.lexicon.factors, library.lexicon.nodes
    states = _genotypes(library)
    symbols = _genes(states, entities.values())
    tables = _Tables(library, entities)
    tables.add("factor", _entity_of(factors))
    spelled = {n: r for n, r in nodes.items() if r.kind == "receptor"}
    read = library.receptors
    aliases = [(a, (name,)) for name, row in read.items() for a in row.aliases]
    tables.add("receptor", _entity_of(spelled) | _entity_of(read), more=aliases)
    tables.add("node", _entity_of(nodes))
    tables.add("gene", _entity_of(factors) | _entity_of(nodes) | _entity_of(read), more=aliases)
    tables.add("cell", _entity_of(library.lexicon.cells), library.lexicon.expand)
    tables.add("tissue", _placeable(library), lambda found: tuple(found)[:1])
    tables.add("cancer", _entity_of(library.cancers))
    brands = ((a, (name,)) for name, row in library.drugs.items() for a in row.aliases)
    classes = _drug_classes(library, entities)
    tables.add("drug", _entity_of(library.drugs), more=(*brands, *classes))
    tables.plain("target", (), _aims(library, entities, tables.spellings["gene"]))
    tables.plain("genotype", symbols.values(), ((t, (s,)) for t, s in symbols.items()))
    tables.plain("claim", evidence.records.claims)
    tables.plain("row", library.mechanisms)
    tables.add("marker", {row.marker: row.entity for row in library.markers})
    tables.plain("measure", _measures(library))
    masses = {name: row.molar_mass_kda for name, row in factors.items()}
    return Names(
        ids=tables.ids,
        spellings=tables.spellings,
        brands=tuple(a for row in library.drugs.values() for a in row.aliases if " " not in a),
        units={name: row.unit for name, row in factors.items()},
        molar_masses={name: mass for name, mass in masses.items() if mass is not None},
        entities=frozenset(fold(text) for e in entities.values() for text in _texts(e)),
        among=_among(library, entities),
        genotypes=states,
        elsewhere=dict(_elsewhere(library, entities, symbols, tables.spellings["gene"])),
        check=lambda changes, where: overridden(library, changes, book, where),
    )


def _drug_classes(library: Library, entities: "Mapping[str, Entity]") -> Iterator[Meaning]:
    """Spellings of classes of drugs, each with its drugs."""
    for name, row in library.drug_classes.items():
        members = tuple(drug for drug in library.drugs if name in library.drug_lineage(drug))
        if members:
            yield from ((text, members) for text in _class_texts(row, entities))


def _class_texts(kind: DrugClass, entities: "Mapping[str, Entity]") -> tuple[str, ...]:
    own = _texts(entities[kind.entity]) if kind.entity in entities else ()
    return (kind.id, *kind.aliases, *own)


def _aims(
    library: Library,
    entities: "Mapping[str, Entity]",
    genes: Mapping[str, tuple[str, ...]],
) -> Iterator[Meaning]:
    """Spellings of the targets of drugs, each with the drugs that are aimed at it."""
    drugs: dict[str, dict[str, None]] = {}
    for row in library.targets:
        drugs.setdefault(row.target, {})[row.drug] = None
    for target, aimed in drugs.items():
        yield from ((text, tuple(aimed)) for text in _target_texts(target, library, entities))
    for spelling, names in genes.items():
        found = tuple(dict.fromkeys(drug for name in names for drug in drugs.get(name, ())))
        if found:
            yield spelling, found
    for family in library.lexicon.families.values():
        found = tuple(dict.fromkeys(d for m in family.members for d in drugs.get(m, ())))
        own = _texts(entities[family.entity]) if family.entity in entities else ()
        if found:
            yield from ((text, found) for text in (family.id, *own))


def _target_texts(
    target: str, library: Library, entities: "Mapping[str, Entity]"
) -> tuple[str, ...]:
    """Spellings of a target of drugs; those of its members where it is a family."""
    same = (f for f in library.lexicon.families.values() if fold(f.id) == fold(target))
    names = {target, *(member for family in same for member in family.members)}
    own = (e for e in entities.values() if e.name in names or e.symbol in names)
    return (*sorted(names), *(text for entity in own for text in _texts(entity)))


def _elsewhere(
    library: Library,
    entities: "Mapping[str, Entity]",
    symbols: Mapping[str, str],
    genes: Mapping[str, tuple[str, ...]],
) -> Iterator[tuple[str, str]]:
    """What to write for a class without drugs, a gene that only has states, a ligand's receptor."""
    for kind in library.drug_classes.values():
        if kind.instead:
            yield from ((fold(text), kind.instead) for text in _class_texts(kind, entities))
    states = {state.partition(":")[0]: state for state in sorted(_genotypes(library))}
    for text, symbol in symbols.items():
        if symbol in states and fold(text) not in genes:
            state = states[symbol].partition(":")[2]
            yield (
                fold(text),
                f"It is a state of the tumour: 'tumour.genotype: {{{symbol}: {state}}}'.",
            )
    for row in library.targets:
        read = [name for name in row.acts_on if name in library.lexicon.factors]
        if read and not row.cells:
            mend = f"Its ligand is read directly: use 'neutralise: {read[0]}'."
            for text in _target_texts(row.target, library, entities):
                if fold(text) not in genes:
                    yield fold(text), mend


@dataclass
class _Tables:
    """Ids and spellings of each kind while they are put together."""

    library: Library
    entities: "Mapping[str, Entity]"
    ids: dict[Kind, tuple[str, ...]] = field(default_factory=dict)
    spellings: dict[Kind, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def plain(self, kind: Kind, ids: Iterable[str], more: Iterable[Meaning] = ()) -> None:
        """Take ids as they are."""
        self.ids[kind] = tuple(dict.fromkeys(ids))
        self.spellings[kind] = spell(self.ids[kind], *more)

    def add(
        self,
        kind: Kind,
        members: Mapping[str, str],
        expand: Expand = tuple,
        more: Iterable[Meaning] = (),
    ) -> None:
        """Take ids with their entities; families and spellings of entities are added."""
        meanings = (
            *((name, (name,)) for name in members),
            *more,
            *self._families(members),
            *_spellings(members, self.entities),
        )
        self.ids[kind] = tuple(members)
        self.spellings[kind] = spell((), *((text, expand(found)) for text, found in meanings))

    def _families(self, members: Mapping[str, str]) -> Iterator[Meaning]:
        families = self.library.lexicon.families
        for name, row in families.items():
            parts = (
                p for m in row.members for p in (families[m].members if m in families else [m])
            )
            found = tuple(dict.fromkeys(member for member in parts if member in members))
            if not found:
                continue
            yield name, found
            if row.entity in self.entities:
                for text in _texts(self.entities[row.entity]):
                    yield text, found


def _entity_of(rows: Mapping[str, Named]) -> dict[str, str]:
    return {name: row.entity for name, row in rows.items()}


def _genes(states: frozenset[str], entities: "Iterable[Entity]") -> dict[str, str]:
    """Spellings of genes: those whose states rows read, then every entity with a symbol."""
    found = {gene: gene for gene in sorted({state.partition(":")[0] for state in states})}
    for entity in entities:
        if entity.symbol:
            for text in (entity.symbol, *_texts(entity)):
                found.setdefault(text, entity.symbol)
    return found


def _texts(entity: "Entity") -> tuple[str, ...]:
    return (entity.name, *entity.spellings)


def _spellings(
    members: Mapping[str, str], entities: "Mapping[str, Entity]"
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Spellings of the entities that some ids have, with those ids.

    An id that is called like its entity stands alone for it: IL-6 is IL6, not its synthesis too.
    """
    by_entity: dict[str, list[str]] = {}
    for name, entity in members.items():
        for part in (p.strip() for p in entity.split(";")):
            if part in entities:
                by_entity.setdefault(part, []).append(name)
    for entity, names in by_entity.items():
        own = fold(entities[entity].name)
        found = [name for name in names if fold(name) == own] or names
        for text in _texts(entities[entity]):
            yield text, tuple(found)


def _placeable(library: Library) -> dict[str, str]:
    """Cell types that a scenario may place in the tissue.

    An abstract type is among them where a parameter says how it is divided.
    """
    lexicon = library.lexicon
    divided = {name.split(".")[0] for name in library.parameters if name.endswith("_fraction")}
    return {
        name: row.entity
        for name, row in lexicon.cells.items()
        if row.group and row.group != "tumour" and (name in lexicon.types or name in divided)
    }


def _among(
    library: Library, entities: "Mapping[str, Entity]"
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Spellings of the families that are meant only among cells of other types."""
    found = {}
    for name, row in library.lexicon.families.items():
        if not row.among:
            continue
        texts = _texts(entities[row.entity]) if row.entity in entities else ()
        for text in (name, *texts):
            found[fold(text)] = (name, library.lexicon.expand(row.among))
    return found


def _genotypes(library: Library) -> frozenset[str]:
    """States of genes that rows read, as signals or in their context, or that count as such."""
    return library.genotypes_read() | library.genotypes.keys()


def _measures(library: Library) -> Iterator[str]:
    """Every measure by name: placeholders of the vocabulary are filled in."""
    lexicon = library.lexicon
    groups = (
        name for name, row in lexicon.families.items() if set(row.members) <= set(lexicon.cells)
    )
    cells = tuple(dict.fromkeys((*lexicon.cells, *groups)))
    fill: dict[str, Iterable[str]] = {
        "FACTOR": lexicon.factors, "FACTOR_LEVEL": lexicon.factors, "NODE": lexicon.nodes,
        "CARGO": [f.removesuffix(VESICLE) for f, r in lexicon.factors.items() if r.carries],
        "MARKER": dict.fromkeys(row.marker for row in library.markers),
        "HELD": dict.fromkeys(f"{row.drug}.{row.label}" for row in library.targets),
        "DRUG": library.drugs, "CAUSE": CSC_CAUSES, "EVENT": EVENTS,
    }  # fmt: skip
    for word in lexicon.words:
        if word.kind != "measure":
            continue
        labels = re.findall(r"<([A-Z_]+)>", word.id)
        pattern = re.sub(r"<[A-Z_]+>", "{}", word.id)
        for names in product(*(fill.get(label, cells) for label in labels)):
            yield pattern.format(*names)
