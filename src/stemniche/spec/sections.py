"""The parts of a scenario (domain, walls, tumour, host …) as frozen records in engine units.

`spec.scenario` reads each section of a file through the function of the same name here. Lengths are
um, times min, oxygen mmHg; what is written and what it may be stands in `spec.schema`.
"""

from dataclasses import dataclass, field
from typing import Literal

from stemniche.spec import schema
from stemniche.spec.interventions import Condition
from stemniche.spec.itemparts import Setting, read_condition, snapped
from stemniche.spec.naming import Names
from stemniche.spec.reading import DAY, Field, Fields
from stemniche.spec.yamlfile import Node

MOST_VOXELS = 50_000_000
DIVIDES = 1e-6
LEAST_PERIOD = 60.0
"""Least depth of a periodic slab, um: no cell reaches itself or both images of another."""
"""Largest relative remainder of a side divided by the voxel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The box: edges along x, y and z and the edge of a voxel, um. Flat means one voxel deep."""

    size: tuple[float, float]
    depth: float
    voxel: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        x, y = self.size
        return (
            round(self.depth / self.voxel),
            round(y / self.voxel),
            round(x / self.voxel),
        )

    @property
    def flat(self) -> bool:
        """Whether the box is a 2-D slice."""
        return self.shape[0] == 1

    @property
    def area(self) -> float:
        """Area of the x-y face, um^2."""
        return self.size[0] * self.size[1]

    @property
    def volume(self) -> float:
        """Volume, um^3."""
        return self.area * self.depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """What cells and factors meet at the faces of the box; those along the depth may be joined."""

    cells: Literal["open", "closed"]
    depth: Literal["walled", "periodic"]
    factors: Literal["far_field", "no_flux", "fixed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Preparation before day 0: for `length` minutes, or until a condition, `length` at most."""

    length: float
    until: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tumour:
    """Tumour cells at placement; `genotype` gives the state of altered genes.

    `origin` is the type of all of them, or ``settled``: the lineage of a grown tumour, with
    `csc_fraction` stem cells.
    """

    cells: int
    csc_fraction: float
    origin: Literal["settled", "CSC", "progenitor", "differentiated"]
    layout: Literal["disc", "ball", "single", "scattered", "sheet"]
    antigenicity: float
    genotype: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """Stroma and immune cells at placement, vessels per um^2 of the x-y face, stiffness in kPa.

    Without a stiffness it is that of normal tissue; a medium then holds no matrix.
    """

    cells: dict[str, int]
    vessels: float
    stiffness: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The host: body mass in kg and body surface in m^2."""

    species: Literal["human", "mouse"]
    mass: float
    bsa: float
    immune: Literal["intact", "nude", "NSG"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Oxygen (mmHg), glucose (mM) and pH of the blood in tissue, or of the medium."""

    boundary: Literal["tissue", "medium"]
    oxygen: float
    glucose: float
    pH: float  # noqa: N815 - the key of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """How equations are solved, where there is a choice."""

    fields: Literal["implicit", "reference"]


def read_domain(fields: Fields) -> Domain:
    """Read `domain`; every side is a whole number of voxels, at most 50 million in all.

    Raises:
        InputError: It is not.
    """
    voxel = fields["voxel"].quantity("um", low=1.0, high=1000.0)
    size = fields["size"].items()
    if len(size) != 2:
        mend = "Write two lengths: [1.5 mm, 1.5 mm]; the third is 'depth'."
        raise fields["size"].error(f"{fields['size'].shown} is no size.", mend)
    x, y = (_side(side, voxel) for side in size)
    domain = Domain(size=(x, y), depth=_side(fields["depth"], voxel), voxel=voxel)
    voxels = domain.shape[0] * domain.shape[1] * domain.shape[2]
    if voxels > MOST_VOXELS:
        shape = " x ".join(str(n) for n in reversed(domain.shape))
        what = f"The domain has {voxels:,} voxels ({shape}), more than {MOST_VOXELS:,}."
        raise fields.owner.error(what, "Make the domain smaller or its voxel larger.")
    return domain


def _side(written: Field, voxel: float) -> float:
    side = written.quantity("um", low=voxel * (1 - DIVIDES), high=1e6)
    steps = round(side / voxel)
    if abs(side / voxel - steps) > DIVIDES * max(1.0, steps):
        below, above = int(side // voxel) * voxel, (int(side // voxel) + 1) * voxel
        what = f"{written.shown} is no whole number of voxels of {voxel:g} um."
        raise written.error(what, f"Write {below:.10g} um or {above:.10g} um.")
    return float(f"{steps * voxel:.12g}")


def read_walls(fields: Fields, domain: Domain) -> Walls:
    """Read `walls`.

    Raises:
        InputError: The faces of a slab meet that is too thin for its cells.
    """
    if fields["depth"].choice(schema.DEPTHS) == "periodic" and domain.depth < LEAST_PERIOD:
        what = f"A slab {domain.depth:g} um deep cannot be periodic: cells would touch themselves."
        raise fields["depth"].error(what, f"Write domain.depth: {LEAST_PERIOD:g} um or more.")
    return Walls(
        cells=fields["cells"].choice(schema.CELL_WALLS),  # type: ignore[arg-type]
        depth=fields["depth"].choice(schema.DEPTHS),  # type: ignore[arg-type]
        factors=fields["factors"].choice(schema.FACTOR_WALLS),  # type: ignore[arg-type]
    )


def read_numerics(fields: Fields, walls: Walls) -> Numerics:
    """Read `numerics`.

    Raises:
        InputError: The reference solver, which knows no periodic slab.
    """
    if fields["fields"].choice(schema.FIELD_SOLVERS) == "reference" and walls.depth == "periodic":
        what = "The reference solver has no periodic depth."
        raise fields["fields"].error(what, "Write numerics: {fields: implicit}.")
    return Numerics(fields=fields["fields"].choice(schema.FIELD_SOLVERS))  # type: ignore[arg-type]


def read_prepare(fields: Fields, tumour: Tumour, setting: Setting) -> Prepare:
    """Read `prepare`; a tumour-free tissue needs `days`.

    Raises:
        InputError: Both forms, neither where one is needed, or a limit without a condition.
    """
    days, until, longest = fields.get("days"), fields.get("until"), fields.get("max")
    if days is not None and (until is not None or longest is not None):
        what = "A preparation has either 'days' or 'until', not both."
        raise days.error(what, "Remove 'days', or 'until' and 'max'.")
    if until is None and longest is not None:
        raise longest.error("'max' limits a preparation with 'until'.", "Use 'days' instead.")
    if tumour.cells == 0 and days is None:
        what = "Without tumour cells the preparation has to have a length."
        raise fields.owner.error(what, "Write prepare: {days: 10}.")
    if until is not None:
        length = DEFAULT_MAX
        if longest is not None:
            length = snapped(longest, longest.minutes(bare="d"), setting)
        return Prepare(length=length, until=read_condition(until, setting.names))
    return Prepare(length=0.0 if days is None else snapped(days, days.minutes(bare="d"), setting))


DEFAULT_MAX = 30 * DAY
"""Minutes that a preparation with a condition takes at most, if nothing is said."""


def read_tumour(fields: Fields, names: Names, notes: list[str]) -> Tumour:
    """Read `tumour`.

    Raises:
        InputError: A single cell that is several, an unknown gene or state.
    """
    cells, layout = fields["cells"].count(), fields["layout"].choice(schema.LAYOUTS)
    if layout == "single" and cells > 1:
        what = f"The layout 'single' places one cell, not {cells}."
        raise fields["layout"].error(what, "Write 'cells: 1', or another layout.")
    genotype: dict[str, str] = {}
    for key, written in fields["genotype"].open_mapping("genes: {TP53: mutant}").items():
        gene = names.read_one("genotype", name_of(key, written))
        state = written.choice(schema.GENOTYPE_STATES)
        _once(gene, genotype, written)
        genotype[gene] = state
        if state != "wild_type" and f"{gene}:{state}" not in names.genotypes:
            notes.append(f"{written.path}: no row of the library reads {gene}:{state}.")
    return Tumour(
        cells=cells,
        csc_fraction=fields["csc_fraction"].fraction(),
        origin=fields["origin"].choice(schema.ORIGINS),  # type: ignore[arg-type]
        layout=layout,  # type: ignore[arg-type]
        antigenicity=fields["antigenicity"].fraction(),
        genotype=dict(sorted(genotype.items())),
    )


def read_tissue(written: Field, names: Names) -> Tissue:
    """Read `tissue`: counts by cell type, the density of vessels, the stiffness.

    Raises:
        InputError: An unknown cell type, or one of the tumour.
    """
    vessels, stiffness = 0.0, None
    counts: dict[str, int] = {}
    for key, value in written.open_mapping("cell types: {MSC: 60, vessels: 50 /mm^2}").items():
        if key == "vessels":
            vessels = value.quantity("1/um^2", low=0.0, high=0.01)
            continue
        if key == "stiffness":
            stiffness = value.quantity("kPa", low=0.05, high=100.0)
            continue
        name = names.read_one("tissue", name_of(key, value))
        _once(name, counts, value)
        counts[name] = value.count()
    order = {name: place for place, name in enumerate(names.ids.get("tissue", ()))}
    placed = sorted(counts.items(), key=lambda item: order.get(item[0], len(order)))
    return Tissue(cells=dict(placed), vessels=vessels, stiffness=stiffness)


def name_of(key: str, written: Field) -> Field:
    """The key of a value as a value itself, so that it can be read as a name."""
    return Field(written.path, Node(key, written.node.mark))


def _once(name: str, found: dict[str, str] | dict[str, int], written: Field) -> None:
    if name in found:
        raise written.error(f"'{name}' is given twice, in two spellings.", "Keep one of the two.")


def read_host(fields: Fields) -> Host:
    """Read `host`; mass and body surface default to those of the species.

    Raises:
        InputError: A body that no host of this species has.
    """
    species = fields["species"].choice(tuple(schema.HOSTS))
    immune = fields["immune"].choice(schema.IMMUNE_STATES)
    return Host(
        species=species,  # type: ignore[arg-type]
        mass=_body(fields, "mass", "kg", BODIES[species][0]),
        bsa=_body(fields, "bsa", "m^2", BODIES[species][1]),
        immune=immune,  # type: ignore[arg-type]
    )


BODIES = {"human": ((1.0, 300.0), (0.1, 4.0)), "mouse": ((0.005, 0.1), (0.001, 0.05))}
"""Plausible masses (kg) and body surfaces (m^2): a mouse of 70 kg is a forgotten key."""


def _body(fields: Fields, key: str, unit: str, limits: tuple[float, float]) -> float:
    size = fields[key].quantity(unit, low=0.0)
    if not limits[0] <= size <= limits[1]:
        what = f"{fields[key].shown} is not the size of a {fields['species'].text()}."
        mend = f"Give {limits[0]:g} to {limits[1]:g} {unit}, or null for the usual size."
        raise fields[key].error(what, mend)
    return size


def read_environment(fields: Fields) -> Environment:
    """Read `environment`."""
    level = {
        name: fields[name].quantity(unit, low=low, high=high)
        for name, (unit, low, high) in schema.ENVIRONMENT.items()
    }
    boundary = fields["boundary"].choice(schema.BOUNDARIES)
    return Environment(boundary=boundary, **level)  # type: ignore[arg-type]
