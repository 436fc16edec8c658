"""Every trial of the evidence is an arm that runs, in the cancer it is about."""

from stemniche.evidence import load
from stemniche.experiment.trials import preset_of, trial, trials
from stemniche.run.assemble import assemble
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario


def test_every_row_is_there_once_with_its_phase_and_status() -> None:
    rows = load().trials
    assert [one.id for one in trials()] == rows["id"].tolist()
    assert [one.phase for one in trials()] == rows["phase"].tolist()
    assert [one.recruitment for one in trials()] == rows["recruitment"].tolist()


def test_every_arm_of_a_trial_compiles_with_what_is_given() -> None:
    """All that is given to one cancer at once, so that each cancer compiles once."""
    of_cancer: dict[str, dict[str, None]] = {}
    for one in trials():
        of_cancer.setdefault(one.scenario, {}).update(dict.fromkeys(one.therapy))
    for scenario, lines in of_cancer.items():
        run = assemble(load_scenario(f"{scenario}_quick").treat(list(lines)), 1)
        given = [line.split()[1] for line in lines if line.startswith("drug ")]
        assert [drug.id for drug in run.model.drugs] == given


def test_the_arm_of_a_trial_is_its_preset_with_its_treatment() -> None:
    arm = trial("T018").arm(quick=True)
    assert arm.name == "T018"
    assert [str(item) for item in arm.scenario.therapy] == list(trial("T018").therapy)
    assert arm.scenario.cancer == "glioblastoma"


def test_studies_of_biomarkers_give_nothing() -> None:
    without = {one.id for one in trials() if one.kind == "biomarkers"}
    rows = load().trials
    assert without == set(rows.loc[rows["drug"].map(lambda d: "none" in d[0]), "id"])
    assert all(not trial(name).therapy for name in without)


def test_a_trial_is_found_by_either_number() -> None:
    assert trial("T002").therapy == ("drug reparixin", "drug paclitaxel")
    assert trial("nct02001974").id == "T002"
    assert trial("T016").therapy == ("drug azd4547", "drug anastrozole")


def test_a_cancer_has_the_preset_of_its_kind() -> None:
    library = read_library()
    entity = {name: row.entity for name, row in library.cancers.items()}
    assert preset_of(library, [entity["colon"]]) == ("colorectal", True)
    assert preset_of(library, [entity["renal"]]) == ("renal", True)
    assert preset_of(library, [entity["melanoma"]]) == ("melanoma", True)
    assert preset_of(library, [entity["thyroid"]]) == ("breast", False)
    assert preset_of(library, [entity["thyroid"], entity["ovarian"]]) == ("ovarian", True)
