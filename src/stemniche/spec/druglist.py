"""Drugs of the library: their numbers by name, their classes, and what they do in one Model.

`spec.rows` turns the columns of a drug's row into parameters, `spec.compile` asks for the drugs
that a scenario gives, `spec.checks` for the faults of the tables. Numbers are for an adult of
`ADULT_KG`; what another host makes of them is left to therapy.
"""

from collections.abc import Iterable, Mapping

from stemniche.core.errors import InputError, LibraryError, UnitError
from stemniche.core.units import convert, split_quantity
from stemniche.spec.lexicon import SITES, Lexicon
from stemniche.spec.library import Library
from stemniche.spec.model import Drive, Drug, DrugTarget
from stemniche.spec.parameters import Numbers
from stemniche.spec.records import DrugRow, Parameter, Place, TargetRow
from stemniche.spec.tables import Faults

ADULT_KG = 70.0
"""Mass of the adult for whom clearances and volumes are told."""

DOSE_UNITS = ("mg", "mg/m^2", "mg/kg", "IU", "IU/m^2", "IU/kg", "pfu", "cells", "AUC")
"""Units of doses; AUC is the wanted area under the plasma level, mg min/mL."""

IN_COLUMNS = {
    "dose": "", "loading": "", "every": "min", "over": "min", "on": "min", "off": "min",
    "bioavailability": "", "absorption": "min", "clearance": "mL/min/kg", "volume": "L/kg",
    "fraction_unbound": "",
}  # fmt: skip
"""Numbers that have a column in drugs.csv, with their engine units; doses keep their own."""

VIRUS, LYMPH_NODE = "virus", "lymph_node"
"""What a dose may bring beside molecules and cells."""

ALSO = {
    "central_share": "", "distribution_half_life": "min", "diffusivity": "um^2/min",
    "half_life": "min", "permeability": "um/min", "complex_half_life": "min",
    "accumulation": "", "kill": "1/min", "damage": "1/min", "units_per_mg": "IU/mg",
    "homing": "/cm^3", "reach": "", "adsorption": "1/min", "latency": "min", "burst": "",
    "gene_rate": "molecules/min",
}  # fmt: skip
"""Numbers of drugs or classes in parameters.csv, with their engine units."""

DRUG_NUMBERS = IN_COLUMNS | ALSO
UNCERTAIN = ("bioavailability", "absorption", "clearance", "volume", "fraction_unbound")
"""Columns that a fold applies to; how a drug is given is known."""

SHARES = ("bioavailability", "fraction_unbound", "central_share")
TAKEN_OUT = ("neutraliser", "mimic", "enzyme", "gene")
"""Effects on factors alone."""

ABSENT = "not modelled"
"""How the note of a target begins that neither model nor evidence knows."""

_WHOLE_BODY = {"clearance": ("L/min", 1000.0 / ADULT_KG), "volume": ("L", 1.0 / ADULT_KG)}
"""Numbers that may be written for the whole adult: their unit, and what makes them per kg."""


def row_parameters(rows: Iterable[DrugRow], faults: Faults) -> dict[str, Parameter]:
    """The numbers in the columns of drugs.csv as parameters ``<drug>.<column>``."""
    found = {}
    for row in rows:
        for name in IN_COLUMNS:
            text, where = getattr(row, name), row.place.at(name)
            if not text:
                continue
            try:
                value, unit = split_quantity(text, where=where)
            except UnitError as fault:
                faults.add(fault.what, fault.where, fault.mend)
                continue
            most = 1.0 if name in SHARES else float("inf")
            uncertain = name in UNCERTAIN
            found[f"{row.id}.{name}"] = Parameter(
                place=Place(row.place.file, row.place.line, instead=where),
                name=f"{row.id}.{name}",
                value=value,
                low=value / row.fold if uncertain else None,
                high=max(value, min(value * row.fold, most)) if uncertain else None,
                unit=unit,
                basis=row.basis,
                source=row.source,
            )
    return found


def drug_record(
    records: Mapping[str, Parameter], library: Library, drug: str, name: str
) -> Parameter | None:
    """The parameter that gives a number of a drug: its own, or that of its nearest class."""
    heads = (drug, *library.drug_lineage(drug))
    return next((records[f"{h}.{name}"] for h in heads if f"{h}.{name}" in records), None)


def drug_value(record: Parameter, name: str) -> float:
    """A drug's number in its engine unit; doses stay in their own.

    Raises:
        UnitError: It has another dimension.
    """
    where = record.place.at("unit")
    if name in ("dose", "loading"):
        return record.value
    if name in _WHOLE_BODY and "/kg" not in record.unit:
        unit, per_kg = _WHOLE_BODY[name]
        return convert(record.value, record.unit, unit, where=where) * per_kg
    return convert(record.value, record.unit, DRUG_NUMBERS[name], where=where)


def model_drug(
    library: Library,
    drug: str,
    targets: Iterable[TargetRow],
    drives: tuple[Drive, ...],
    present: frozenset[str],
) -> tuple[Drug, list[str]]:
    """A drug as the Model has it, and notes on targets that the Model lacks.

    Args:
        targets: Rows of the drug that run.
        drives: Of the Model: they tell which ligands compete for a receptor.
        present: Factors and nodes of the Model.
    """
    row, records = library.drugs[drug], library.parameters
    values = {}
    for name in DRUG_NUMBERS:
        record = drug_record(records, library, drug, name)
        if record is not None:
            values[name] = drug_value(record, name)
    found, notes = [], []
    for target in targets:
        acts_on = _found(library.lexicon, target, present)
        if not acts_on:
            notes.append(f"{drug}: this model has no {target.target}; {target.id} does nothing.")
            continue
        found.append(_target(library, target, acts_on, drives))
    dose = drug_record(records, library, drug, "dose")
    lineage = library.drug_lineage(drug)
    classes = [library.drug_classes[name] for name in lineage]
    made = Drug(
        id=drug,
        kind=row.classes[0],
        molar_mass=row.molar_mass_g_mol,
        values=values,
        dose_unit=dose.unit if dose else "",
        route=row.route,
        gives=next(filter(None, (c.gives for c in classes)), ""),
        instead=next(filter(None, (c.instead for c in classes)), ""),
        phases=_phases(library, row),
        targets=tuple(found),
    )
    return made, notes


def target_potency(numbers: Numbers, row: TargetRow, molar_mass: float) -> float:
    """Free level of half effect, nM; 0 for an effect that has none.

    Raises:
        LibraryError: It is missing, or not above 0.
    """
    where = row.place.at("potency")
    if row.effect in ("mimic", "gene"):
        return 1.0
    if not row.potency:
        raise LibraryError(f"'{row.id}' has no potency.", where, "Write the free level, in nM.")
    value = numbers.read(row.potency, "nM", where=where, molar_mass=molar_mass / 1000.0)
    if value <= 0.0:
        raise LibraryError("A potency is above 0.", where, "Write the free level, in nM.")
    return value


def target_maximum(numbers: Numbers, row: TargetRow) -> float:
    """Share of the target that can be held back; the rate of a depleter or enzyme, 1/min."""
    where = row.place.at("maximum")
    if row.effect in ("depleter", "enzyme"):
        if not row.maximum:
            raise LibraryError("It has no rate.", where, "Write a rate, such as '0.5 1/d'.")
        value = numbers.read(row.maximum, "1/min", where=where)
        low, high = 0.0, 1.0
    else:
        value = numbers.read(row.maximum or "1", "", where=where)
        low, high = 0.0, 1.0
    if not low < value <= high:
        raise LibraryError(f"A maximum of {value:g} cannot be.", where, "It is above 0, at most 1.")
    return value


def target_hill(numbers: Numbers, row: TargetRow) -> float:
    """Steepness of the occupancy."""
    where = row.place.at("hill")
    value = numbers.read(row.hill, "", where=where)
    if not 0.0 < value <= 8.0:
        raise LibraryError(f"A hill of {value:g} cannot be.", where, "It is above 0, at most 8.")
    return value


def target_residence(numbers: Numbers, row: TargetRow) -> float:
    """Half-life of the drug on its target, min; 0 where nothing is written."""
    where = row.place.at("residence")
    if not row.residence:
        return 0.0
    value = numbers.read(row.residence, "min", where=where)
    if value <= 0.0:
        raise LibraryError("A residence is above 0.", where, "Write a half-life, such as '20 h'.")
    return value


def check_drugs(library: Library, known: frozenset[str], faults: Faults) -> None:
    """Note what is wrong with drugs, classes, their numbers and targets.

    Args:
        known: Names of entities of the evidence, which a target may have too.
    """
    for kind in library.drug_classes.values():
        if kind.gives and kind.gives not in (VIRUS, LYMPH_NODE, *library.lexicon.cells):
            mend = f"Name a cell type, '{VIRUS}' or '{LYMPH_NODE}'."
            faults.add(f"'{kind.gives}' cannot be given.", kind.place.at("gives"), mend)
    for drug in library.drugs.values():
        for name in drug.classes:
            if name not in library.drug_classes:
                mend = "Take an id of drug_classes.csv."
                faults.add(f"There is no class '{name}'.", drug.place.at("class"), mend)
        if drug.molar_mass_g_mol <= 0.0:
            where = drug.place.at("molar_mass_g_mol")
            faults.add("A molar mass is above 0.", where, "Write it in g/mol.")
        if drug.fold < 1.0:
            faults.add("A fold is 1 or more.", drug.place.at("fold"), "Write 2 for a factor of 2.")
    for record in library.parameters.values():
        head, _, name = record.name.partition(".")
        if (head in library.drugs or head in library.drug_classes) and name in DRUG_NUMBERS:
            _judge_number(record, name, faults)
    for row in library.targets:
        _judge_target(row, library, known, faults)


def _judge_number(record: Parameter, name: str, faults: Faults) -> None:
    where = record.place.at("value")
    if name in ("dose", "loading"):
        if record.unit not in DOSE_UNITS:
            mend = f"Write it in {', '.join(DOSE_UNITS)}."
            faults.add(f"'{record.unit}' is no unit of a dose.", where, mend)
        return
    try:
        value = drug_value(record, name)
    except InputError as fault:
        faults.add(fault.what, fault.where, fault.mend)
        return
    if value < 0.0 or (name in SHARES and value > 1.0):
        faults.add(f"{record.name} = {value:g} cannot be.", where, "Mend the number.")


def _judge_target(row: TargetRow, library: Library, known: frozenset[str], faults: Faults) -> None:
    lexicon, numbers = library.lexicon, library.numbers
    if row.drug not in library.drugs:
        mend = "Take an id of drugs.csv."
        faults.add(f"There is no drug '{row.drug}'.", row.place.at("drug"), mend)
        return
    for name in row.cells:
        if name not in lexicon.cells and name not in SITES:
            mend = "Take ids of cells.csv, vessel or marrow."
            faults.add(f"There is no cell '{name}'.", row.place.at("cells"), mend)
    for name in row.acts_on:
        if not _is_name(lexicon, name):
            mend = "Name factors, nodes or cells of the model."
            faults.add(f"There is no '{name}' to act on.", row.place.at("acts_on"), mend)
    named = row.acts_on or _is_name(lexicon, row.target) or row.target in known
    if not named and not row.note.startswith(ABSENT):
        mend = f"Name a molecule of the model or the evidence, or write '{ABSENT}' as the note."
        faults.add(f"There is no target '{row.target}'.", row.place.at("target"), mend)
    outcomes = {word.id for word in lexicon.words if word.outcome}
    if outcomes & set(row.named):
        where = row.place.at("target")
        faults.add("A drug never writes an outcome.", where, "Name its molecular target.")
    try:
        target_potency(numbers, row, library.drugs[row.drug].molar_mass_g_mol)
        target_maximum(numbers, row)
        target_hill(numbers, row)
        target_residence(numbers, row)
    except InputError as fault:
        faults.add(fault.what, fault.where, fault.mend)


def _is_name(lexicon: Lexicon, name: str) -> bool:
    return bool(lexicon.signal(name) or name in lexicon.cells or name in lexicon.families)


def _phases(library: Library, row: DrugRow) -> tuple[str, ...]:
    classes = (library.drug_classes[name].phases for name in library.drug_lineage(row.id))
    return row.phases or next(filter(None, classes), ())


def _found(lexicon: Lexicon, row: TargetRow, present: frozenset[str]) -> tuple[str, ...]:
    """Names of what the row acts on that the Model has, families by their members."""
    if row.effect == "depleter":
        return lexicon.expand(row.named)
    names = [m for name in row.named for m in lexicon.members(name)]
    found = []
    for name in dict.fromkeys(names):
        signal = lexicon.signal(name)
        if row.effect in TAKEN_OUT and (signal is None or signal.form != "factor"):
            continue
        about = signal.about if signal else ""
        if name in present or about in present or (signal and signal.form == "own"):
            found.append(name)
    return tuple(found)


def _target(
    library: Library, row: TargetRow, acts_on: tuple[str, ...], drives: tuple[Drive, ...]
) -> DrugTarget:
    lexicon, numbers = library.lexicon, library.numbers
    potency = target_potency(numbers, row, library.drugs[row.drug].molar_mass_g_mol)
    return DrugTarget(
        row=row.id,
        name=row.label,
        effect=row.effect,
        acts_on=acts_on,
        cells=lexicon.expand(row.cells) if row.cells else (),
        potency=potency,
        hill=target_hill(numbers, row),
        maximum=target_maximum(numbers, row),
        ligands=_ligands(lexicon, acts_on, drives) if row.effect == "antagonist" else {},
        residence=target_residence(numbers, row),
    )


def _ligands(
    lexicon: Lexicon, names: tuple[str, ...], drives: tuple[Drive, ...]
) -> dict[str, float]:
    """Factors that compete with an antagonist and their half-maxima, nM.

    They are those that raise the receptor or, where the receptor is no node, the factor itself.
    """
    halves: dict[str, float] = {}
    for drive in drives:
        for group in drive.groups:
            for term in group.terms:
                raises = drive.target in names and group.weight > 0.0 and not term.inverted
                if term.signal in lexicon.factors and (raises or term.signal in names):
                    half = min(term.half_max, halves.get(term.signal, term.half_max))
                    halves[term.signal] = half
    return dict(sorted(halves.items()))
