"""A scenario file becomes engine units, or one error that names file, line, key and remedy."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from stemniche.core.errors import InputError
from stemniche.spec.interventions import Block, GiveDrug
from stemniche.spec.presets import list_scenarios
from stemniche.spec.scenario import SCHEMA_KEYS, Scenario, load_scenario
from stemniche.spec.schema import SECTIONS, defaults, keys_of
from stemniche.spec.treatline import parse_setting

WHOLE = """\
cancer: breast
days: 10
sample_every: 6 h
domain: {size: [1.5 mm, 600 um], depth: 20 µm, voxel: 20 um}
walls: {cells: closed, factors: no_flux}
represents: {volume: 50 mm^3}
prepare: {until: hypoxic_fraction > 0.1, max: 20 d}
tumour: {cells: 1500, csc_fraction: 5 %, genotype: {TP53: mutant}, antigenicity: 0.25}
tissue: {MSC: 60, CD8: 120, vessels: 50 /mm^2}
host: {species: human, mass: 80 kg, bsa: 2 m^2, immune: intact}
environment: {boundary: tissue, oxygen: 8 kPa, glucose: 5 mM, pH: 7.3}
therapy:
- {drug: paclitaxel, dose: 80 mg/m^2, every: 7 d, from: 7 d}
- block CXCR4 0.5 in CSC from 3 d
without_claims: [C257]
parameters: {network.gain: 1.5}
measures: [csc_fraction]
distant_site: false
"""

SMALL = "cancer: breast\ntumour: {cells: 100}\n"

Load = Callable[[str], Scenario]


def test_every_key_arrives_in_engine_units(load: Load) -> None:
    s = load(WHOLE)
    assert (s.cancer, s.days, s.sample_every) == ("breast", 10.0, 360.0)
    assert (s.duration_s, s.sample_every_s) == (864_000, 21_600)
    assert (s.domain.size, s.domain.depth, s.domain.voxel) == ((1500.0, 600.0), 20.0, 20.0)
    assert (s.domain.shape, s.domain.flat) == ((1, 30, 75), True)
    assert s.represents == 50e9
    assert s.prepare.length == 20 * 1440
    assert s.prepare.until is not None
    assert s.prepare.until.text == "hypoxic_fraction > 0.1"
    assert (s.tumour.cells, s.tumour.csc_fraction) == (1500, 0.05)
    assert s.tumour.genotype == {"TP53": "mutant"}
    assert s.tissue.cells == {"MSC": 60, "CD8": 120}
    assert s.tissue.vessels == pytest.approx(50e-6)
    assert (s.host.mass, s.host.bsa) == (80.0, 2.0)
    assert s.environment.oxygen == pytest.approx(60.0049, abs=1e-3)
    assert s.parameters == {"network.gain": 1.5}
    assert s.measures == ("csc_fraction",)
    drug, block = s.therapy
    assert isinstance(drug, GiveDrug)
    assert drug.dose is not None
    assert drug.dose.total == 160.0
    assert isinstance(block, Block)
    assert s.claims_off == ("C257",)


def test_a_file_with_a_cancer_and_a_tumour_is_enough(load: Load) -> None:
    s = load(SMALL)
    assert s.days == 21.0
    assert s.prepare.length == 0.0
    assert s.tissue.cells == {}
    assert (s.host.mass, s.host.bsa) == (70.0, 1.8)
    assert s.name == "case"


def test_a_mouse_has_the_size_of_a_mouse(load: Load) -> None:
    host = load(SMALL + "host: {species: mouse}\n").host
    assert (host.mass, host.bsa) == (0.025, 0.007)


def test_the_resolved_file_gives_an_equal_scenario(load: Load) -> None:
    s = load(WHOLE)
    again = load(s.to_yaml())
    assert again == s
    assert again.fingerprint == s.fingerprint
    assert again.to_yaml() == s.to_yaml()
    assert list(s.resolved())[:2] == ["format", "cancer"]


def test_a_scenario_travels_between_workers(load: Load) -> None:
    s = load(WHOLE)
    assert pickle.loads(pickle.dumps(s)) == s  # noqa: S301


def test_spellings_of_the_evidence_are_accepted(load: Load) -> None:
    s = load(
        "cancer: TNBC\ntumour: {cells: 10, genotype: {p53: mutant}}\ntissue: {macrophages: 4}\n"
        "without_claims: [c257]\n"
    )
    assert s.cancer == "breast_tnbc"
    assert s.tumour.genotype == {"TP53": "mutant"}
    assert s.tissue.cells == {"macrophage": 4}
    assert s.claims_off == ("C257",)


# Fingerprints


def test_measures_are_named_in_any_spelling() -> None:
    scenario = load_scenario("breast_quick").change({"measures": ["factor.CXCL7", "factor.PPBP"]})
    assert scenario.measures == ("factor.PPBP",)


@pytest.mark.parametrize("path", ["days", "sample_every", "measures"])
def test_length_and_sampling_do_not_enter_the_fingerprint(load: Load, path: str) -> None:
    s = load(WHOLE)
    value = {"days": 5, "sample_every": "1 d", "measures": []}[path]
    assert s.change({path: value}).fingerprint == s.fingerprint


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tumour.csc_fraction", 0.06),
        ("tissue.CD8", 119),
        ("environment.pH", 7.2),
        ("parameters", {"network.gain": 1.6}),
        ("without_claims", []),
        ("therapy.0.dose", "81 mg/m^2"),
    ],
)
def test_what_matters_biologically_enters_the_fingerprint(
    load: Load, path: str, value: object
) -> None:
    s = load(WHOLE)
    assert s.change({path: value}).fingerprint != s.fingerprint


def test_equal_amounts_in_other_units_have_one_fingerprint(load: Load) -> None:
    s = load(WHOLE)
    other = s.change({"domain.size": ["1500 um", "0.6 mm"], "tumour.csc_fraction": 0.05})
    assert other.fingerprint == s.fingerprint


def test_later_treatment_leaves_the_prepared_state_as_it_is(load: Load) -> None:
    s = load(SMALL)
    late, early = s.treat("knock_out IL6 from 2 d"), s.treat("knock_out IL6 from birth")
    assert late.fingerprint != s.fingerprint
    assert late.prepared_fingerprint == s.prepared_fingerprint
    assert early.prepared_fingerprint != s.prepared_fingerprint


def test_a_claim_may_be_left_out_in_three_ways(load: Load) -> None:
    s = load(SMALL)
    ways = [
        s.without_claims(["C257"]),
        s.treat([{"without_claim": "C257"}]),
        s.change({"without_claims": ["C257"]}),
    ]
    assert len({way.fingerprint for way in ways}) == 1
    assert all(way.claims_off == ("C257",) and way.therapy == () for way in ways)


# Changes


def test_a_change_leaves_the_first_scenario_alone(load: Load) -> None:
    s = load(WHOLE)
    t = s.change({"tumour.csc_fraction": 0.1, "therapy.0.dose": "60 mg/m^2", "tissue.MSCs": 7})
    assert s.tumour.csc_fraction == 0.05
    assert (t.tumour.csc_fraction, t.tissue.cells["MSC"]) == (0.1, 7)
    assert isinstance(t.therapy[0], GiveDrug)
    assert t.therapy[0].dose is not None
    assert t.therapy[0].dose.amount == 60.0


def test_none_removes_and_mappings_merge(load: Load) -> None:
    s = load(WHOLE).change({"tissue": {"MSC": None, "CD4": 5}, "therapy.1": None})
    assert s.tissue.cells == {"CD4": 5, "CD8": 120}
    assert len(s.therapy) == 1


def test_one_form_of_preparation_replaces_the_other(load: Load) -> None:
    s = load(WHOLE).change({"prepare.days": 3})
    assert (s.prepare.length, s.prepare.until) == (3 * 1440.0, None)
    back = s.change({"prepare": {"until": "tumour_cells > 10"}})
    assert back.prepare.until is not None
    assert back.prepare.length == 30 * 1440.0


def test_dotted_names_of_parameters_are_one_key(load: Load) -> None:
    s = load(SMALL).change({"parameters.network.gain": 2})
    assert s.parameters == {"network.gain": 2.0}


def test_treating_adds_to_what_is_there(load: Load) -> None:
    s = load(WHOLE)
    assert len(s.treat(["silence secretome in CAF", {"neutralise": "IL6"}]).therapy) == 4
    assert s.treat([]) == s


def test_leaving_claims_out_adds_to_those_that_are_out(load: Load) -> None:
    s = load(WHOLE).without_claims(["C100", "C257"])
    assert s.claims_off == ("C257", "C100")


def test_times_between_ticks_move_to_the_nearest_with_a_note(load: Load) -> None:
    s = load(SMALL).treat("neutralise IL6 from 100 min")
    assert s.therapy[0].start == 102.0
    assert "between ticks" in s.notes[0]


def test_a_treatment_after_the_last_day_is_noted(load: Load) -> None:
    s = load(SMALL + "days: 5\n").treat("block CXCR4 from 7 d")
    assert s.notes == ("'block CXCR4 0.9 from 7 d' starts after the last day, 5.",)


def test_a_gene_state_that_no_row_reads_is_noted(load: Load) -> None:
    s = load(SMALL).change({"tumour.genotype": {"TP53": "high"}})
    assert "no row of the library reads TP53:high" in s.notes[0]


def test_a_culture_that_extends_a_preset_has_no_distant_organ() -> None:
    s = load_scenario("breast_quick").change({"environment.boundary": "medium"})
    assert load_scenario("breast_quick").distant_site
    assert not s.distant_site
    assert "no distant organ" in s.notes[0]


def test_the_place_of_a_value_is_known_later(load: Load) -> None:
    s = load(WHOLE)
    assert s.where("tumour.csc_fraction").endswith("case.yaml:8, key tumour.csc_fraction")
    assert s.where("therapy.0.dose").endswith("case.yaml:13, key therapy.0.dose")
    assert s.where("environment.none").endswith("case.yaml:11, key environment.none")


def test_a_setting_of_the_command_line_is_path_and_yaml() -> None:
    assert parse_setting("tumour.cells=12") == ("tumour.cells", 12)
    assert parse_setting("prepare.until=a > 0.1") == ("prepare.until", "a > 0.1")
    assert parse_setting("a.b={c: [1, 2 um]}") == ("a.b", {"c": [1, "2 um"]})
    assert parse_setting("a=null") == ("a", None)


@pytest.mark.parametrize("text", ["", "=", "a", "a=", "=3", "a b=3", "a..b=1", "a=[1", "a=1\0"])
def test_a_bad_setting_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_setting(text)
    assert caught.value.where.startswith("--set")


# Files that extend others


def test_layers_merge_lists_replace_null_removes(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(WHOLE)
    (tmp_path / "mid.yaml").write_text(
        "extends: base.yaml\ntissue: {MSC: null, CD4: 3}\ntherapy: [{neutralise: IL6}]\n"
    )
    (tmp_path / "top.yaml").write_text("extends: ./mid.yaml\ndays: 3\ntherapy: null\n")
    mid, top = load_scenario(tmp_path / "mid.yaml"), load_scenario(str(tmp_path / "top.yaml"))
    assert mid.tissue.cells == {"CD4": 3, "CD8": 120}
    assert [item.key for item in mid.therapy] == ["neutralise"]
    assert (top.days, top.therapy) == (3.0, ())
    assert "extends" not in top.resolved()


def test_an_error_points_into_the_layer_that_made_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("cancer: breast\n\ntumour: {cells: -4}\n")
    (tmp_path / "top.yaml").write_text("extends: base.yaml\ndays: 3\n")
    with pytest.raises(InputError) as caught:
        load_scenario(tmp_path / "top.yaml")
    assert caught.value.where == f"{tmp_path}/base.yaml:3, key tumour.cells"


def test_scenarios_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("days: 1\nextends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: ./a.yaml\n")
    with pytest.raises(InputError) as caught:
        load_scenario(tmp_path / "a.yaml")
    assert "circle: a.yaml -> b.yaml -> a.yaml" in caught.value.what
    assert "b.yaml:1, key extends" in caught.value.where


def test_a_long_chain_of_layers_is_refused(tmp_path: Path) -> None:
    for step in range(12):
        (tmp_path / f"{step}.yaml").write_text(f"extends: {step + 1}.yaml\n")
    with pytest.raises(InputError, match="More than 8 scenarios"):
        load_scenario(tmp_path / "0.yaml")


def test_a_missing_layer_is_named_with_its_line(load: Load) -> None:
    with pytest.raises(InputError) as caught:
        load("cancer: breast\nextends: nothing.yaml\n")
    assert "case.yaml:2, key extends" in caught.value.where


# Presets


@pytest.mark.parametrize("name", list_scenarios())
def test_every_preset_loads_and_can_be_written(name: str, load: Load) -> None:
    s = load_scenario(name)
    assert s.name == name
    assert not s.notes
    assert load(s.to_yaml()).fingerprint == s.fingerprint


def test_a_wrong_name_of_a_preset_is_answered_with_the_presets() -> None:
    with pytest.raises(InputError) as caught:
        load_scenario("no_such_tumour_anywhere")
    assert "There is no scenario 'no_such_tumour_anywhere'" in caught.value.what


@pytest.mark.parametrize("name", ["", "missing.yaml", "/dev/zero", "a\0b", "x" * 5000, ".", "/tmp"])
def test_what_is_no_file_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        load_scenario(name)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("#" * 1_000_001)
    with pytest.raises(InputError, match="1000001 bytes"):
        load_scenario(path)


# The table of keys


def test_the_table_of_keys_covers_sections_and_defaults() -> None:
    paths = [key.path for key in SCHEMA_KEYS]
    assert len(set(paths)) == len(paths)
    assert all(key.meaning.endswith(".") and key.form for key in SCHEMA_KEYS)
    assert set(SECTIONS) < set(keys_of())
    assert isinstance(defaults().value, dict)
    assert set(defaults().value) <= set(keys_of())
