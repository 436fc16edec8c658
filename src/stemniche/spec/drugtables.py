"""The drug library as tables: all drugs, one class, or one drug with all that is known of it.

The command line and the API print them; everything comes from the library's rows.
"""

from typing import Any

from stemniche.core.errors import InputError
from stemniche.spec.druglist import DRUG_NUMBERS, drug_record
from stemniche.spec.library import Library
from stemniche.spec.nametables import library_names
from stemniche.spec.records import DrugRow, Parameter, TargetRow

Table = tuple[list[str], list[list[Any]]]

COLUMNS = ["drug", "class", "route", "regimen", "targets", "also called"]
DETAILS = ["what", "value", "range", "basis", "source"]


def drug_table(library: Library, text: str = "") -> Table:
    """All drugs, those of a class or aimed at a target, or what is known of one drug.

    Args:
        text: A drug by id, alias or trial code, or a class or a target by any of its names.

    Raises:
        InputError: There is none of that name.
    """
    if not text:
        return COLUMNS, [_line(library, row) for row in library.drugs.values()]
    names = library_names()
    found = names.resolve("drug", text) or names.resolve("target", text)
    if not found:
        what, mend = names.lacking("drug", text, f"'{text[:64]}'")
        raise InputError(what, "drugs", mend)
    if len(found) == 1:
        return DETAILS, _details(library, library.drugs[found[0]])
    return COLUMNS, [_line(library, library.drugs[drug]) for drug in found]


def regimen(library: Library, drug: str) -> str:
    """The usual regimen as a treatment line writes it."""

    def said(name: str, words: str) -> str:
        record = drug_record(library.parameters, library, drug, name)
        return words.format(_quantity(record)) if record and record.value else ""

    dose = said("dose", "{}")
    if not dose:
        return ""
    parts = [dose, said("every", "every {}"), said("over", "over {}")]
    parts += [said("loading", "loading {}"), " ".join((said("on", "cycle {}"), said("off", "{}")))]
    return " ".join(part for part in parts if part.strip())


def _targets(library: Library, drug: str) -> list[TargetRow]:
    return [row for row in library.targets if row.drug == drug]


def _line(library: Library, row: DrugRow) -> list[Any]:
    targets = dict.fromkeys(t.target for t in _targets(library, row.id))
    also = ", ".join(row.aliases)
    usual = regimen(library, row.id)
    return [row.id, ", ".join(row.classes), row.route, usual, ", ".join(targets), also]


def _details(library: Library, row: DrugRow) -> list[list[Any]]:
    classes = library.drug_lineage(row.id)
    rows: list[list[Any]] = [
        ["drug", row.id, "", "", row.description],
        ["also called", ", ".join(row.aliases), "", "", ""],
        ["class", ", ".join(classes), "", "", ""],
        ["route", row.route, "", row.basis, row.source],
        ["regimen", regimen(library, row.id), "", row.basis, row.source],
        ["molar_mass", f"{row.molar_mass_g_mol:g} g/mol", "", "", ""],
    ]
    instead = next((i for c in classes if (i := library.drug_classes[c].instead)), "")
    if instead:
        rows.append(["given", instead, "", "", ""])
    for name in DRUG_NUMBERS:
        record = drug_record(library.parameters, library, row.id, name)
        if record is not None:
            rows.append([name, _quantity(record), _range(record), record.basis, record.source])
    for target in _targets(library, row.id):
        said = f"{target.effect} {target.quantity} {target.potency}".strip()
        where = f" in {', '.join(target.cells)}" if target.cells else ""
        said += f", leaves it with a half-life of {target.residence}" if target.residence else ""
        acts = f" on {', '.join(target.acts_on)}" if target.acts_on else ""
        cited = "; ".join(filter(None, [", ".join(target.claims), target.source, target.note]))
        rows.append([f"target {target.target}", said + acts + where, "", target.basis, cited])
    return rows


def _quantity(record: Parameter) -> str:
    return f"{record.value:g} {record.unit}".strip()


def _range(record: Parameter) -> str:
    if record.low is None or record.high is None:
        return ""
    return f"{record.low:g} to {record.high:g}"
