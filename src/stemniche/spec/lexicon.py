"""Names that rows may use, and what each of them means: cells, signals, behaviours.

Built from the tables of one library. `spec.checks` asks whether a name exists, `spec.compile` in
which cell types it holds and in which unit it is. Closed names come from the vocabulary; ids such
as ``chemotaxis.<FACTOR>`` there stand for one name per factor.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from stemniche.spec.records import Cell, FactorForm, FactorRow, Family, NodeRow, Word

VESSEL, MARROW, MATRIX = "vessel", "marrow", "matrix"
SITES = (VESSEL, MARROW, MATRIX)
"""Pseudo cells of rules: entry from the blood, release into it, and what lies between cells."""

FIELD = "field"
"""Scope of a signal that belongs to a place instead of a cell."""

VESICLE = "_vesicle"
"""How the id of a factor ends that is a named cargo in vesicles; measures name the cargo alone."""

DRUG, ANTIBODY = "drug", "antibody"
"""Forms of drugs, small ones and proteins, beside those of factors."""

GENE_STATES = ("mutant", "lost", "low", "high")
TUMOUR = "tumour"

Form = Literal["factor", "node", "serum", "neighbour", "contact", "genotype", "own"]
_PLACEHOLDER = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something a row may read.

    Args:
        about: Factor, node, cell or gene that it is about; empty for a cell's own signals.
        molar_mass: kDa, where a mass concentration may be written.
    """

    name: str
    form: Form
    about: str
    unit: str
    molar_mass: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Something a rule may move; `parts` are the names its id contains (types, a factor)."""

    name: str
    head: str
    parts: tuple[str, ...]
    word: Word


@dataclass(frozen=True)
class Lexicon:
    """All names of one library."""

    cells: dict[str, Cell]
    factors: dict[str, FactorRow]
    nodes: dict[str, NodeRow]
    families: dict[str, Family]
    words: tuple[Word, ...]
    types: tuple[str, ...] = field(init=False)
    """Concrete cell types in the order of the table: those that are nobody's parent."""
    _members: dict[str, tuple[str, ...]] = field(init=False, repr=False)
    _patterns: tuple[tuple[re.Pattern[str], Word], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parents = {cell.parent for cell in self.cells.values()}
        types = tuple(name for name in self.cells if name not in parents)
        object.__setattr__(self, "types", types)
        members = {name: tuple(t for t in types if name in self.lineage(t)) for name in self.cells}
        object.__setattr__(self, "_members", members)
        patterns = ((_pattern(w.id), w) for w in self.words if "<" in w.id)
        object.__setattr__(self, "_patterns", tuple(patterns))

    def lineage(self, cell: str) -> tuple[str, ...]:
        """Return a cell and its ancestors, nearest first; a circle of parents ends it."""
        line: list[str] = []
        while cell in self.cells and cell not in line:
            line.append(cell)
            cell = self.cells[cell].parent
        return tuple(line)

    def parents(self) -> dict[str, tuple[str, ...]]:
        """Concrete types of each abstract parent."""
        return {c: self.expand((c,)) for c in self.cells if c not in self.types}

    def expand(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the concrete types (and sites) that some cell names stand for, in table order."""
        wanted = set(names)
        chosen = {t for name in wanted for t in self._members.get(name, ())}
        sites = tuple(site for site in SITES if site in wanted)
        return tuple(t for t in self.types if t in chosen) + sites

    def node_types(self, node: str) -> tuple[str, ...]:
        """Concrete types that have a node."""
        return self.expand(self.nodes[node].cells)

    def members(self, name: str) -> tuple[str, ...]:
        """Return the members of a family that the library has, or the name itself."""
        if name in self.factors or name in self.nodes or name not in self.families:
            return (name,)
        return tuple(m for m in self.families[name].members if m in self.factors or m in self.nodes)

    def cargo(self, factor: str, cell: str) -> str | None:
        """Return the node that a vesicle carries, None if a cell type does not have it."""
        node = self.factors[factor].carries
        return node if node in self.nodes and cell in self.node_types(node) else None

    def signal(self, name: str) -> Signal | None:
        """Return what a signal's name means, None if there is no such signal."""
        if name in self.factors:
            row = self.factors[name]
            mass = row.molar_mass_kda
            return Signal(name=name, form="factor", about=name, unit=row.unit, molar_mass=mass)
        if name in self.nodes:
            return Signal(name=name, form="node", about=name, unit="")
        gene, colon, state = name.partition(":")
        if colon:
            known = bool(gene) and state in GENE_STATES
            return Signal(name=name, form="genotype", about=gene, unit="") if known else None
        head, _, rest = name.partition(".")
        if head == "serum" and rest in self.factors:
            row = self.factors[rest]
            mass = row.molar_mass_kda
            return Signal(name=name, form="serum", about=rest, unit=row.unit, molar_mass=mass)
        if head == "neighbour" and rest in self.nodes:
            return Signal(name=name, form="neighbour", about=rest, unit="")
        if head == "contact" and rest in self.cells:
            return Signal(name=name, form="contact", about=rest, unit="")
        word = self.word(name, ("signal",))
        return None if word is None else Signal(name=name, form="own", about="", unit=word.unit)

    def signal_types(self, signal: Signal) -> tuple[str, ...]:
        """Concrete types and sites that can read a signal."""
        if signal.form == "factor":
            return (*self.types, VESSEL, MATRIX)
        if signal.form == "node":
            return self.node_types(signal.about)
        if signal.form == "serum":
            return (MARROW,)
        if signal.form == "genotype":
            return self.expand((TUMOUR,))
        word = self.word(signal.name, ("signal",))
        return (*self.types, MATRIX) if word and word.scope == FIELD else self.types

    def behaviour(self, name: str) -> Behaviour | None:
        """Return what a behaviour's name means, None if there is no such behaviour."""
        word = self.word(name, ("behaviour",))
        if word is None:
            return None
        head, *parts = name.split(".")
        return Behaviour(name=name, head=head, parts=tuple(parts), word=word)

    def word(self, name: str, kinds: Sequence[str]) -> Word | None:
        """Return the vocabulary's entry of one of the kinds that covers a name."""
        for word in self.words:
            if word.id == name and word.kind in kinds:
                return word
        for pattern, word in self._patterns:
            if word.kind not in kinds:
                continue
            match = pattern.fullmatch(name)
            if match and all(self._fits(*item) for item in match.groupdict().items()):
                return word
        return None

    def signal_names(self) -> list[str]:
        """Names to choose from when a signal is unknown."""
        own = [w.id for w in self.words if w.kind == "signal" and "<" not in w.id]
        neighbours = [f"neighbour.{node}" for node in self.nodes]
        contacts = [f"contact.{cell}" for cell in self.cells]
        serum = [f"serum.{factor}" for factor in self.factors]
        return [*self.factors, *self.nodes, *self.families, *own, *neighbours, *contacts, *serum]

    def behaviour_names(self) -> list[str]:
        """Names to choose from when a behaviour is unknown."""
        return [w.id for w in self.words if w.kind == "behaviour"]

    def trait_names(self) -> list[str]:
        """Names to choose from when a trait is unknown."""
        return [w.id for w in self.words if w.kind in ("behaviour", "trait")]

    def _fits(self, label: str, name: str) -> bool:
        kind = label.rstrip("0123456789").rstrip("_")
        if kind.startswith("FACTOR"):
            return name in self.factors
        if kind.startswith("NODE"):
            return name in self.nodes
        if kind.startswith("FORM"):
            return name in (DRUG, ANTIBODY, *get_args(FactorForm))
        if kind.startswith("GENE"):
            return bool(name)
        return name in self.cells


def _pattern(text: str) -> re.Pattern[str]:
    """Turn an id with ``<LABEL>`` parts into a pattern with one named group per part."""
    parts = _PLACEHOLDER.split(text)
    made = [
        re.escape(part) if i % 2 == 0 else f"(?P<{_label(part)}_{i}>[^.]+)"
        for i, part in enumerate(parts)
    ]
    return re.compile("".join(made))


def _label(text: str) -> str:
    return re.sub(r"\W.*", "", text) or "TYPE"
