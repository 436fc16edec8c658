"""The keys of a scenario file: one table that readers, defaults and documentation share.

`spec.scenario` fills what a file leaves out from here and refuses what is not here. A key marked
``open`` is a mapping whose keys are names of the library.
"""

from dataclasses import dataclass
from typing import Any

from stemniche.core.units import split_quantity
from stemniche.spec.yamlfile import NOWHERE, Node, node_from

LAYOUTS = ("disc", "ball", "single", "scattered", "sheet")
ORIGINS = ("settled", "CSC", "progenitor", "differentiated")
GENOTYPE_STATES = ("mutant", "lost", "low", "high", "wild_type")
CELL_WALLS = ("open", "closed")
DEPTHS = ("walled", "periodic")
FACTOR_WALLS = ("far_field", "no_flux", "fixed")
BOUNDARIES = ("tissue", "medium")
FIELD_SOLVERS = ("implicit", "reference")
POLICIES = ("generalised", "strict")
HOSTS = {"human": ("70 kg", "1.8 m^2"), "mouse": ("25 g", "0.007 m^2")}
"""Species with the mass and body surface of a host that gives none."""

IMMUNE_STATES = ("intact", "nude", "NSG")

USUAL_UNITS = {"min": "d", "um^3": "mm^3", "1/um^2": "1/mm^2"}
"""Unit in which people write what the engine keeps in another one."""

SHORT_TIMES = ("over",)
"""Keys of an intervention whose times are usually hours."""

ENVIRONMENT = {"oxygen": ("mmHg", 0.0, 760.0), "glucose": ("mM", 0.0, 100.0), "pH": ("", 5.0, 9.0)}
"""Unit, lowest and highest value of what a scenario gives the environment and `set` may change."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a scenario file.

    Args:
        path: Dotted path.
        form: What may be written.
        default: Taken when the key is absent; None where there is none.
        meaning: One line for the documentation.
        open: Whether the keys below are names of the library.
    """

    path: str
    form: str
    default: Any
    meaning: str
    open: bool = False


SCHEMA_KEYS: tuple[Key, ...] = (
    Key("format", "1", 1, "Version of this file format."),
    Key("extends", "preset or path", None, "Scenario to start from, changed by what is here."),
    Key("cancer", "cancer type", None, "Context that selects claims."),
    Key("context_policy", " | ".join(POLICIES), "generalised",
        "Whether core mechanisms stated for one cancer run in others."),
    Key("days", "days", 21, "Length of the run after day 0; a multiple of 6 min."),
    Key("sample_every", "time", "12 h", "Interval of samples; a multiple of 6 min."),
    Key("domain.size", "[x, y], lengths", ["1.5 mm", "1.5 mm"], "Edges of the box."),
    Key("domain.depth", "length", "20 um", "Third edge; equal to the voxel for a 2-D slice."),
    Key("domain.voxel", "length", "20 um", "Edge of a voxel of the fields."),
    Key("walls.cells", " | ".join(CELL_WALLS), "open", "Whether cells may leave (counted)."),
    Key("walls.depth", " | ".join(DEPTHS), "walled",
        "Whether the faces along the depth of a slab are walls like the others or meet."),
    Key("walls.factors", " | ".join(FACTOR_WALLS), "far_field", "What factors meet at the walls."),
    Key("represents.volume", "volume", "100 mm^3", "Tissue the box stands for; scales the blood."),
    Key("prepare.days", "days", None, "Length of the preparation before day 0."),
    Key("prepare.until", "condition", None, "Or: end of preparation, a comparison of measures."),
    Key("prepare.max", "time", None, "Longest preparation with `until` (30 d)."),
    Key("tumour.cells", "count", None, "Tumour cells at placement; 0 for tumour-free tissue."),
    Key("tumour.csc_fraction", "0 to 1", 0.05, "Share of cancer stem cells at placement."),
    Key("tumour.origin", " | ".join(ORIGINS), "settled",
        "Lineage at placement: that of a grown tumour, or all cells of one type."),
    Key("tumour.layout", " | ".join(LAYOUTS), "disc", "How tumour cells are placed."),
    Key("tumour.genotype", "gene: " + " | ".join(GENOTYPE_STATES), {}, "Altered genes.", open=True),
    Key("tumour.antigenicity", "0 to 1", 0.5, "How well tumour cells are seen by T cells."),
    Key("tissue", "cell type: count", {}, "Stroma and immune cells at placement.", open=True),
    Key("tissue.vessels", "number per area", "0 /mm^2", "Density of vessels at placement."),
    Key("host.species", " | ".join(HOSTS), "human", "Species of the host."),
    Key("host.mass", "mass", None, "Body mass (human 70 kg, mouse 25 g); scales doses per kg."),
    Key("host.bsa", "area", None, "Body surface (human 1.8 m^2, mouse 0.007 m^2)."),
    Key("host.immune", " | ".join(IMMUNE_STATES), "intact", "Immune state of the host."),
    Key("environment.boundary", " | ".join(BOUNDARIES), "tissue", "Tissue, or culture medium."),
    Key("environment.oxygen", "mmHg", "60 mmHg", "In perfused vessels, or in the medium."),
    Key("environment.glucose", "mM", "5 mM", "In blood, or in the medium."),
    Key("environment.pH", "pH", 7.4, "Of blood, or of the medium."),
    Key("numerics.fields", " | ".join(FIELD_SOLVERS), "implicit",
        "Solver of the factors; reference: split by axis in steps of 0.01 min, to compare with."),
    Key("therapy", "list of interventions", [], "What is done to the tumour, and when."),
    Key("without_claims", "list of claim ids", [], "Claims that are switched off from birth."),
    Key("without_rows", "list of row ids", [], "Library rows that are switched off from birth."),
    Key("parameters", "name: quantity", {}, "Parameters of the library set to other values.",
        open=True),
    Key("measures", "list of measures", [], "Assays to be recorded beside the usual measures."),
    Key("distant_site", "true | false", False,
        "Whether tumour cells may spread by the blood to a distant organ."),
)  # fmt: skip

SECTIONS = tuple(dict.fromkeys(k.path.split(".")[0] for k in SCHEMA_KEYS if "." in k.path))
"""Keys that hold mappings with fixed keys."""


def keys_of(section: str = "") -> tuple[str, ...]:
    """The keys that may be written in `section`, or at the top.

    Example:
        >>> keys_of("domain")
        ('size', 'depth', 'voxel')
    """
    if not section:
        return tuple(dict.fromkeys(key.path.split(".")[0] for key in SCHEMA_KEYS))
    start = section + "."
    return tuple(k.path.removeprefix(start) for k in SCHEMA_KEYS if k.path.startswith(start))


def usual_unit(path: str, unit: str) -> str:
    """The unit that a remedy suggests for a value: that of the key's default, else the usual one.

    Args:
        path: Dotted path of the value; numbers of list items do not count.
        unit: Engine unit, taken where nothing else is known.

    Example:
        >>> usual_unit("sample_every", "min"), usual_unit("therapy.0.from", "min")
        ('h', 'd')
    """
    keys = [key for key in path.split(".") if not key.isdecimal()]
    default = next((key.default for key in SCHEMA_KEYS if key.path == ".".join(keys)), None)
    first = default[0] if isinstance(default, list) and default else default
    if isinstance(first, str):
        return split_quantity(first, where=path)[1]
    if unit == "min" and keys[-1:] and keys[-1] in SHORT_TIMES:
        return "h"
    return USUAL_UNITS.get(unit, unit)


def homes() -> dict[str, str]:
    """For each key below a section, the remedy when it was written at the top."""
    paths = (key.path for key in SCHEMA_KEYS if "." in key.path)
    return {path.split(".")[-1]: f"It belongs lower: '{path}'." for path in paths}


def defaults() -> Node:
    """The scenario tree of all defaults."""
    tree: dict[str, Any] = {}
    for key in SCHEMA_KEYS:
        if key.default is None:
            continue
        *sections, last = key.path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place.setdefault(last, key.default)
    return node_from(tree, NOWHERE)
