"""The Model: biology compiled for one cancer context, ready for any engine.

`spec.compile` makes it from library rows and a scenario; the engine's plan turns it into tables,
`explain` into sentences. It is plain data in engine units (um, min, nM, mmHg) without grid, time
step, dtype or arrays, so it can be written as JSON and fingerprinted.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

FactorForm = Literal["gas", "metabolite", "soluble", "vesicle", "matrix"]
Basis = Literal["stated", "hedged", "inferred", "assumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One active library row and what it rests on, kept for sentences and coverage.

    Args:
        id: Row id, for example ``"net.STAT3.IL6R"``.
        kind: Which table the row is from.
        sentence: The row in words, generated, without the claim ids.
        source_id: Signal, cell or ligand at the start of the arrow.
        target_id: Node, behaviour, factor or cell type at its end.
        cells: Concrete cell types in which it acts.
        sign: +1 or -1.
        claims: Claims that switch the row and are on.
        supports: Claims that are only cited.
        basis: How firmly it is said; ``assumed`` too where a claim is generalised to this cancer.
        source: Reference of a row without a claim.
        note: Remark of the library on this row.
    """

    id: str
    kind: Literal["network", "brake", "rule", "secretion", "uptake", "reaction", "trait", "drug"]
    sentence: str
    source_id: str
    target_id: str
    cells: tuple[str, ...]
    sign: int
    claims: tuple[str, ...]
    supports: tuple[str, ...]
    basis: Basis
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A dissolved substance, a cargo as vesicles carry it, or a part of the matrix.

    Args:
        carries: Node or factor that is the cargo of a vesicle; empty for other forms.
        unit: ``nM``, ``mM`` or ``mmHg``; every level below is in it.
        diffusivity: um^2/min.
        decay: 1/min.
        baseline: Level of the host tissue far away.
        reference: Level at which networks sit at their baselines.
        molar_mass: kDa, None for gases.
        density_share: What it is of the matrix of normal tissue; 0 for what is no part of it.
        stiffness_power: Power of its level, over that of normal tissue, in the stiffness.
    """

    id: str
    form: FactorForm
    unit: str
    diffusivity: float
    decay: float
    baseline: float
    reference: float
    molar_mass: float | None
    carries: str = ""
    density_share: float = 0.0
    stiffness_power: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellType:
    """A kind of cell with its traits in engine units (every trait of the vocabulary is present)."""

    id: str
    group: Literal["tumour", "stroma", "immune"]
    ancestors: tuple[str, ...]
    traits: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A variable of the signalling network, 0 to 1, in the cell types of `cells`."""

    id: str
    kind: Literal["receptor", "signal", "tf", "expression", "state"]
    cells: tuple[str, ...]
    baseline: float
    tau: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One Hill input: ``H(x)``, or ``1 - H(x)`` when `inverted`."""

    row: str
    signal: str
    half_max: float
    hill: float
    inverted: bool
    reference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Inputs that act only together: weight times the product of its terms.

    A group that `divides` is a rate of loss ``1 + (exp(|weight|) - 1) * A`` below what is made; it
    takes the logarithm of that rate from the drive.
    """

    weight: float
    terms: tuple[Term, ...]
    divides: bool = False

    def push(self, product: float) -> float:
        """What the group adds to the drive when the product of its terms is `product`."""
        if self.divides:
            return -math.log1p(math.expm1(abs(self.weight)) * product)
        return self.weight * product


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """All that moves one target in one cell type.

    A node relaxes to ``sigmoid(constant + sum weight * A)``; a behaviour equals
    ``clip(exp(constant + sum weight * A), low, high)``. With groups that divide, a node is
    ``made / (made + k0 + k * A)``: synthesis over turnover.
    """

    cell: str
    target: str
    kind: Literal["node", "behaviour"]
    constant: float
    low: float
    high: float
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secretion:
    """Release of a factor: `rate` molecules/min per cell, times `node` and `cargo` where named.

    `cargo` is the node that a vesicle carries, where the cell has it.
    """

    row: str
    cell: str
    factor: str
    rate: float
    node: str | None
    cargo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """Removal of a factor by a cell.

    ``first_order``: `rate` 1/min of the cell's volume. ``michaelis``: `rate` factor-unit um^3/min
    per cell at saturation, `km` in the factor's unit. Both times `node` where one is named.
    """

    row: str
    cell: str
    factor: str
    kind: Literal["first_order", "michaelis"]
    rate: float
    km: float
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One or two reactants turn into `product`, or into nothing that matters.

    Its rate is `forward` times the levels of the reactants, and of the `enzymes` together where
    there are any, less `backward` (1/min) times the level of the product. Levels are in the
    factors' unit, times in min.
    """

    row: str
    reactants: tuple[str, ...]
    product: str | None
    enzymes: tuple[str, ...]
    forward: float
    backward: float


Effect = Literal[
    "antagonist", "inhibitor", "agonist", "neutraliser", "mimic", "depleter", "poison", "enzyme",
    "gene",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugTarget:
    """What a drug does to one target of this Model.

    With the drug's free level C the share of the target that it occupies is
    ``x / (1 + x + sum L/K_L)``, ``x = (C / potency)^hill``, L being the `ligands` that compete. It
    leaves what it occupied with a half-life of `residence`.

    Args:
        name: The target as people call it.
        acts_on: Names by which the Model has it: factors, nodes, other signals, cell types.
        cells: Concrete types and sites in which it acts; empty for all.
        potency: nM.
        maximum: Share of the target held back when all of it is occupied; the 1/min of a depleter,
            or of an enzyme at a level equal to its potency.
        ligands: Competing factors with their half-maxima, in their units.
        residence: min; 0 for a drug that follows its level at once.
    """

    row: str
    name: str
    effect: Effect
    acts_on: tuple[str, ...]
    cells: tuple[str, ...]
    potency: float
    hill: float
    maximum: float
    ligands: dict[str, float] = field(default_factory=dict)
    residence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """A drug that the scenario gives.

    Args:
        kind: Its class.
        molar_mass: g/mol.
        values: Its numbers in engine units, by name; for an adult of 70 kg, clearance in
            mL/min/kg and volume in L/kg. The dose is in `dose_unit`.
        gives: What a dose brings where it is no molecule: a cell type, ``virus``, or
            ``lymph_node`` for presenters in it; else empty.
        instead: How it is given where it is no drug with plasma levels; else empty.
        phases: Phases of the cycle in which a poison strikes.
    """

    id: str
    kind: str
    molar_mass: float
    values: dict[str, float]
    dose_unit: str = "mg"
    route: str = "iv"
    gives: str = ""
    instead: str = ""
    phases: tuple[str, ...] = ()
    targets: tuple[DrugTarget, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receptor:
    """A receptor that is no node: `cells`, all where empty, read the signals `reads` by it."""

    id: str
    reads: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A marker of tumour cells: high where ``signal`` (or one less it) + error exceeds `gate`."""

    id: str
    signal: str
    sign: int
    gate: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Everything biological that a run needs; see the module's docstring.

    `genotype` holds the value (0 or 1) of every genotype signal used by a term, such as
    ``{"TP53:mutant": 1.0}``. `parameters` are the remaining named numbers in engine units.
    """

    format: int
    cancer: str
    context_policy: str
    species: str
    evidence_fingerprint: str
    library_fingerprint: str
    factors: tuple[Factor, ...]
    types: tuple[CellType, ...]
    nodes: tuple[Node, ...]
    drives: tuple[Drive, ...]
    secretions: tuple[Secretion, ...]
    uptakes: tuple[Uptake, ...]
    reactions: tuple[Reaction, ...]
    drugs: tuple[Drug, ...]
    markers: tuple[Marker, ...]
    genotype: dict[str, float]
    parameters: dict[str, float]
    rows: tuple[Row, ...]
    receptors: tuple[Receptor, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """Warnings of the compilation: claims switched off in vain, rows kept by other claims."""
