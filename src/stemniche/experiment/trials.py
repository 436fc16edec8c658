"""Trials of the evidence as arms that run: a scenario, what is given, and the trial as metadata.

`stemniche trials` prints them. The scenario is the preset of the first cancer that has one; what
the trial does not name is given as ``library/trial_items.csv`` says, and the first of partners
between which it chooses. A study of biomarkers alone has an arm without treatment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.evidence import load
from stemniche.experiment.file import Arm
from stemniche.spec.library import Library
from stemniche.spec.nametables import library_names
from stemniche.spec.records import Place, optional, required
from stemniche.spec.rows import read_library, shipped_folder
from stemniche.spec.scenario import list_scenarios, load_scenario
from stemniche.spec.tables import Faults, read_table

WITHOUT_PRESET = "breast"
"""Scenario of a cancer that has no preset."""

QUICK = "_quick"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """What stands for a partner that the evidence names by its kind only, as treatment lines."""

    place: Place
    entity: str = required()
    lines: tuple[str, ...] = required()
    note: str = optional("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One row of the evidence's table of trials.

    Args:
        number: NCT number.
        kind: ``treatment``, or ``biomarkers`` where nothing is given.
        scenario: Name of a preset.
        preset: Whether it is one of the trial's cancer, or only stands in.
        therapy: Treatment lines.
        phase, recruitment: As the evidence has them; may be empty.
        cancers, target: In the words of the evidence.
        notes: Remarks of the evidence and on stand-ins.
    """

    id: str
    number: str
    kind: str
    scenario: str
    preset: bool
    therapy: tuple[str, ...]
    phase: str
    recruitment: str
    cancers: str
    target: str
    notes: tuple[str, ...]

    def arm(self, *, quick: bool = False) -> Arm:
        """The arm that is run; with `quick` in the short variant of the preset."""
        scenario = load_scenario(self.scenario + (QUICK if quick else ""))
        treated = scenario.treat(list(self.therapy)) if self.therapy else scenario
        return Arm(name=self.id, scenario=treated)

    @property
    def command(self) -> str:
        """The arm as a command."""
        treat = "".join(f" --treat '{line}'" for line in self.therapy)
        return f"stemniche run {self.scenario}{treat}"


@lru_cache(maxsize=1)
def trials() -> tuple[Trial, ...]:
    """All trials of the shipped evidence, in its order."""
    library, stand_ins = read_library(), _stand_ins()
    found = []
    for row in load().trials.to_dict("records"):
        lines: dict[str, str] = {}
        notes = [row["note"]] if row["note"] else []
        partners = row["partner_ids"]
        if any(" or " in text for text in row["combined_therapy"]):
            partners = partners[:1]
        for entity in (*row["drug_ids"], *partners):
            item = stand_ins.get(entity)
            if item is not None:
                lines |= dict.fromkeys(item.lines, entity)
                notes.append(item.note)
            else:
                lines[f"drug {_drug(entity)}"] = entity
        scenario, preset = preset_of(library, row["cancer_ids"])
        found.append(
            Trial(
                id=row["id"],
                number=row["nct_number"],
                kind="treatment" if lines else "biomarkers",
                scenario=scenario,
                preset=preset,
                therapy=tuple(lines),
                phase=row["phase"],
                recruitment=row["recruitment"],
                cancers="; ".join(row["cancer_type"]),
                target=row["target"],
                notes=tuple(notes),
            )
        )
    return tuple(found)


def trial(name: str) -> Trial:
    """A trial by its id or NCT number; the first row where a number stands twice.

    Raises:
        InputError: There is none.
    """
    for one in trials():
        if name.upper() in (one.id, one.number):
            return one
    choices = [text for one in trials() for text in (one.id, one.number)]
    mend = did_you_mean(name, choices, "`stemniche trials` lists them.")
    raise InputError(f"There is no trial '{name[:64]}'.", "trials", mend)


def preset_of(library: Library, entities: Sequence[str]) -> tuple[str, bool]:
    """The preset of the first of some cancers that has one, and whether there is one.

    A preset fits a cancer if it is of that cancer, of one that the cancer `is_a`, or, where both
    fail, of one that is_a it.
    """
    presets = _presets()
    by_entity = {row.entity: name for name, row in library.cancers.items()}
    known = [by_entity[entity] for entity in entities if entity in by_entity]
    for cancer in known:
        line = library.cancer_lineage(cancer)
        below = [own for own in presets if cancer in library.cancer_lineage(own)]
        for name in (*line, *below):
            if name in presets:
                return presets[name], True
    return WITHOUT_PRESET, False


@lru_cache(maxsize=1)
def _presets() -> dict[str, str]:
    """The first tissue preset of each cancer; cultures are none."""
    found: dict[str, str] = {}
    for name in list_scenarios():
        scenario = load_scenario(name)
        if not name.endswith(QUICK) and scenario.environment.boundary == "tissue":
            found.setdefault(scenario.cancer, name)
    return found


def _drug(entity: str) -> str:
    """The library's drug of an entity."""
    found = [name for name, row in read_library().drugs.items() if row.entity == entity]
    return found[0] if found else library_names().resolve("drug", entity)[0]


def _stand_ins() -> dict[str, ItemRow]:
    faults = Faults()
    rows = read_table(shipped_folder() / "trial_items.csv", ItemRow, faults)
    faults.stop()
    return {row.entity: row for row in rows}
