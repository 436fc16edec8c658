"""Library rows as they are written: one frozen record per line of a CSV table.

`spec.tables` fills them, `spec.checks` judges them, `spec.compile` turns them into the Model.
Numbers that carry a unit, or may name a parameter, stay text here; no unit is known here.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

Basis = Literal["stated", "hedged", "inferred", "assumed"]
FactorForm = Literal["gas", "metabolite", "soluble", "vesicle", "matrix"]
Sign = Literal["+1", "-1"]
Law = Literal["adds", "divides"]
_CLAIM = re.compile(r"\bC[0-9]{3}\b")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: file and line, or `instead`, the scenario's key that replaced it."""

    file: str
    line: int
    instead: str = ""

    def at(self, column: str = "") -> str:
        """The place in words, for an error."""
        if self.instead:
            return self.instead
        return f"{self.file}:{self.line}" + (f", column {column}" if column else "")


def required(column: str = "") -> Any:
    """Declare a column whose cells may not be empty; `column` if its name is no Python name."""
    return field(metadata={"required": True, "column": column})


def optional(default: Any, column: str = "") -> Any:
    """Declare a column that may be empty or absent."""
    return field(default=default, metadata={"required": False, "column": column})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A named number; `low` and `high` bound what is plausible, for sampling."""

    place: Place
    name: str = required()
    value: float = required()
    low: float | None = optional(None)
    high: float | None = optional(None)
    unit: str = optional("")
    basis: Basis = required()
    source: str = required()
    description: str = optional("")

    @property
    def claims(self) -> tuple[str, ...]:
        """Claims named in the source; they carry the number."""
        return tuple(dict.fromkeys(_CLAIM.findall(self.source)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One entry of the vocabulary; `<TYPE>`, `<FACTOR>` and the like in its id stand for names."""

    place: Place
    id: str = required()
    kind: str = required()
    unit: str = optional("")
    low: float | None = optional(None)
    high: float | None = optional(None)
    scope: str = optional("")
    well_mixed: str = optional("")
    outcome: bool = optional(False)
    entity: str = optional("")
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell type, or an abstract parent of cell types."""

    place: Place
    id: str = required()
    entity: str = optional("")
    parent: str = optional("")
    group: str = optional("")
    cl_id: str = optional("")
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """A dissolved substance, a cargo as vesicles carry it, or what the matrix is made of or holds.

    `carries` names the cargo of a vesicle: a node of the cells that release it, or a factor. A
    factor has the numbers of its form (``vesicle.diffusivity``) where it has none of its own.
    """

    place: Place
    id: str = required()
    entity: str = optional("")
    form: FactorForm = required()
    unit: str = required()
    molar_mass_kda: float | None = optional(None)
    carries: str = optional("")
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A variable of the network inside cells."""

    place: Place
    id: str = required()
    entity: str = optional("")
    cells: tuple[str, ...] = required()
    kind: Literal["receptor", "signal", "tf", "expression", "state"] = required()
    baseline: str = required()
    tau: str = required()
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """What all rows have that claims switch on and off: where they hold, what they stand on."""

    place: Place
    id: str = required()
    context: tuple[str, ...] = optional(("general",))
    generalises: bool = optional(False)
    basis: Basis = required()
    claims: tuple[str, ...] = optional(())
    supports: tuple[str, ...] = optional(())
    source: str = optional("")
    note: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Cited):
    """A row of the network or of its brakes: a signal moves a node.

    `law` says how: it ``adds`` its weight to the drive, or it ``divides`` what is made by the rate
    of loss that it sets (turnover), down to a share of exp(-weight).
    """

    origin: str = required("from")
    to: str = required()
    cells: tuple[str, ...] = optional(())
    sign: Sign = required()
    and_group: str = optional("")
    half_max: str = required()
    quantity: str = optional("")
    hill: str = optional("1")
    weight: str = optional("")
    law: Law = optional("adds")
    ref: str = optional("")
    species: str = optional("")

    @property
    def brake(self) -> bool:
        """Whether the row is from the table of brakes."""
        return self.place.file.rpartition("/")[2] == "brakes.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Cited):
    """A signal moves a behaviour of a cell type."""

    cell: tuple[str, ...] = required()
    signal: str = required()
    direction: Literal["increases", "decreases"] = required()
    behaviour: str = required()
    limit: str = optional("")
    half_max: str = required()
    hill: str = optional("1")
    and_group: str = optional("")
    ref: str = optional("")
    species: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretionRow(Cited):
    """A cell type releases a factor, in proportion to a node where one is named."""

    cell: tuple[str, ...] = required()
    factor: str = required()
    rate: str = required()
    node: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class UptakeRow(Cited):
    """A cell type removes a factor, in proportion to a node where one is named."""

    cell: tuple[str, ...] = required()
    factor: str = required()
    kind: Literal["first_order", "michaelis"] = required()
    rate: str = required()
    km: str = optional("")
    node: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRow(Cited):
    """Substances outside cells turn into another, or are lost where no `product` is named.

    One or two reactants meet by mass action, with `enzymes` in proportion to the sum of their
    levels; these stay as they are. `reverse` is the rate at which the product falls apart. Drugs
    may be reactants and enzymes.
    """

    reactants: tuple[str, ...] = required()
    product: str = optional("")
    enzymes: tuple[str, ...] = optional(())
    rate: str = required()
    reverse: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancer:
    """A cancer context; what holds in `is_a` holds here."""

    place: Place
    id: str = required()
    entity: str = required()
    is_a: tuple[str, ...] = optional(())
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A name that stands for each of its members.

    A family of cells may be meant only where it lies among cells of other types (`among`).
    """

    place: Place
    id: str = required()
    entity: str = optional("")
    members: tuple[str, ...] = required()
    among: tuple[str, ...] = optional(())


@dataclass(frozen=True, slots=True, kw_only=True)
class GenotypeRow:
    """A state of a gene (``gene:state``) that acts as another one, which rows read."""

    place: Place
    id: str = required()
    counts_as: str = required()
    source: str = required()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Cells outside the tissue (blood, marrow)."""

    place: Place
    id: str = required()
    cell: str = required()
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRow:
    """What a marker shows of a cell in some cancers, and the gate that calls it high.

    `signal` is a node or a signal that the cell carries; `sign` -1 shows one less its level;
    `error` is the standard deviation of a reading.
    """

    place: Place
    id: str = required()
    marker: str = required()
    entity: str = optional("")
    signal: str = required()
    sign: Sign = required()
    gate: float = required()
    error: float = required()
    context: tuple[str, ...] = optional(("general",))
    basis: Basis = required()
    claims: tuple[str, ...] = optional(())
    supports: tuple[str, ...] = optional(())
    source: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptorRow:
    """A receptor that is no node: cells read its ligands themselves.

    A block of it takes from what the `cells`, all without any, read of the signals `reads`; so does
    a drug that acts on it.
    """

    place: Place
    id: str = required()
    entity: str = optional("")
    aliases: tuple[str, ...] = optional(())
    reads: tuple[str, ...] = required()
    cells: tuple[str, ...] = optional(())
    basis: Basis = required()
    source: str = required()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """A fold on a trait, or on the number (``count``), of a cell type in an immune state."""

    place: Place
    id: str = required()
    host: str = required()
    cell: str = required()
    trait: str = required()
    fold: float = required()
    basis: Basis = required()
    source: str = required()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugClass:
    """A class of drugs; a drug without a number of its own has that of its nearest class.

    `phases` are those of the cell cycle in which a poison of the class strikes. What is no drug
    with plasma levels says in `gives` what a dose brings (a cell type, ``virus``, or ``lymph_node``
    for presenters in it), or in `instead` how it is given. `aliases` is what else it is called.
    """

    place: Place
    id: str = required()
    is_a: str = optional("")
    entity: str = optional("")
    aliases: tuple[str, ...] = optional(())
    phases: tuple[str, ...] = optional(())
    gives: str = optional("")
    instead: str = optional("")
    description: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugRow:
    """A drug: what it is, how it is given, how the body handles it; for an adult of 70 kg.

    Its numbers become parameters ``<drug>.<column>``; each may be `fold` times larger or smaller.
    """

    place: Place
    id: str = required()
    entity: str = optional("")
    aliases: tuple[str, ...] = optional(())
    classes: tuple[str, ...] = required("class")
    molar_mass_g_mol: float = required()
    phases: tuple[str, ...] = optional(())
    route: Literal["iv", "oral", "ip", "sc", "it"] = required()
    dose: str = optional("")
    every: str = optional("")
    over: str = optional("")
    loading: str = optional("")
    on: str = optional("")
    off: str = optional("")
    bioavailability: str = optional("")
    absorption: str = optional("")
    clearance: str = optional("")
    volume: str = optional("")
    fraction_unbound: str = optional("")
    fold: float = optional(2.0)
    basis: Basis = required()
    source: str = required()
    description: str = optional("")


Effect = Literal[
    "antagonist", "inhibitor", "agonist", "neutraliser", "mimic", "depleter", "poison", "enzyme",
    "gene",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow(Cited):
    """What a drug does to one target.

    `target` names the molecule or cell; where the model has it under other names, `acts_on` gives
    them. A receptor that is no node stands there for what cells read by it (`ReceptorRow`).
    `maximum` is the share of the target that can be held back, or for a depleter a rate of death.
    `residence` is the half-life of the drug on its target, of a drug that leaves it more slowly
    than plasma.
    """

    drug: str = required()
    target: str = required()
    acts_on: tuple[str, ...] = optional(())
    effect: Effect = required()
    cells: tuple[str, ...] = optional(())
    potency: str = optional("")
    quantity: Literal["Kd", "IC50", "EC50"] = optional("IC50")
    hill: str = optional("1")
    maximum: str = optional("")
    residence: str = optional("")

    @property
    def label(self) -> str:
        """The target as measures write it: letters, digits and underscores."""
        return "_".join(re.findall(r"\w+", self.target))

    @property
    def named(self) -> tuple[str, ...]:
        """Names under which the model has the target."""
        return self.acts_on or (self.target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entailed:
    """A claim that must follow from a causal path of rows."""

    place: Place
    claim: str = required()
    path: tuple[str, ...] = required()
    note: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of the biology that a section of the evidence (review and heading) tells."""

    place: Place
    section: str = required()
    part: str = required()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCarried:
    """A claim that nothing carries, and why."""

    place: Place
    claim: str = required()
    reason: str = required()
    note: str = optional("")


Mechanism = Link | Rule | SecretionRow | UptakeRow | ReactionRow | TargetRow
"""Rows that claims switch on and off."""
