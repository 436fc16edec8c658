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


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a scenario from text, as a file named case.yaml."""

    def read(text: str) -> Scenario:
        path = tmp_path / "case.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path)

    return read


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
    assert drug.dose.mg == 160.0
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


# Errors

BROKEN = [
    ("tumor: {cells: 3}", "tumor", "no key 'tumor'", "Did you mean 'tumour'?"),
    ("csc_fraction: 0.1", "csc_fraction", "no key", "'tumour.csc_fraction'"),
    ("format: 2", "format", "'2'", "format: 1"),
    ("cancer: brest", "cancer", "no cancer type 'brest'", "'breast'"),
    ("days: 0", "days", "'0'", "Give"),
    ("days: 3.0001", "days", "no multiple of 6 min", "Write 3."),
    ("days: .nan", "days", "finite", "d"),
    ("days: 9**9**9", "days", "9**9**9", "Write"),
    ("days: [1]", "days", "is a list", "Write"),
    ("sample_every: 10 min", "sample_every", "no multiple", "12 min"),
    ("sample_every: 3", "sample_every", "has no unit", "3 min"),
    ("domain: {size: [1 mm, 1.01 mm]}", "domain.size.1", "voxels of 20", "1000 um or 1020 um"),
    ("domain: {size: [1 mm]}", "domain.size", "no size", "two lengths"),
    ("domain: {voxel: 9**9**9}", "domain.voxel", "9**9**9", "unit"),
    ("domain: {size: [900 mm, 900 mm]}", "domain", "2,025,000,000 voxels", "smaller"),
    ("domain: {depth: 5 mM}", "domain.depth", "5 mM", "um"),
    ("walls: {cells: opne}", "walls.cells", "'opne'", "'open'"),
    ("tumour: {cells: -3}", "tumour.cells", "'-3'", "0 to"),
    ("tumour: {cells: .nan}", "tumour.cells", "finite", "Write"),
    ("tumour: {cells: 2.5}", "tumour.cells", "no whole number", "Write 2"),
    ("tumour: {cells: 2 um}", "tumour.cells", "2 um", "cells"),
    ("tumour: {cells: yes}", "tumour.cells", "'yes'", "Write"),
    ("tumour: {cells: true}", "tumour.cells", "true/false", "5 cells"),
    ("tumour: {csc_fraction: 1.5}", "tumour.csc_fraction", "outside", "0 to 1"),
    ("tumour: {layout: disk}", "tumour.layout", "'disk'", "'disc'"),
    ("tumour: {layout: single}", "tumour.layout", "not 100", "cells: 1"),
    ("tumour: {genotype: {TP35: lost}}", "tumour.genotype.TP35", "no gene", "'TP53'"),
    ("tumour: {genotype: {TP53: gone}}", "tumour.genotype.TP53", "'gone'", "mutant, lost"),
    (
        "tissue: {hepatocyte: 3}",
        "tissue.hepatocyte",
        "known to the evidence",
        "This version has: MSC",
    ),
    ("tissue: {CSC: 3}", "tissue.CSC", "'CSC'", "This version has: MSC"),
    ("tissue: {MSC: -1}", "tissue.MSC", "'-1'", "0 to"),
    ("tissue: {MSC: 2, MSCs: 3}", "", "twice", "one of the two"),
    ("tissue: {stiffness: 2 kPa}", "tissue.stiffness", "not in this version", "Remove"),
    ("tissue: {vessels: 50}", "tissue.vessels", "no unit", "Write"),
    ("tissue: 7", "tissue", "not a mapping", "MSC: 60"),
    ("tissue: {MSC: 6000000}", "tissue.MSC", "outside", "5000000"),
    ("host: {species: mouse, mass: 70 kg}", "host.mass", "not the size of a mouse", "0.1 kg"),
    ("host: {immune: nud}", "host.immune", "'nud'", "'nude'"),
    ("environment: {oxygen: 5 nM}", "environment.oxygen", "5 nM", "mmHg"),
    ("environment: {oxygen: 900 mmHg}", "environment.oxygen", "outside", "0 to 760 mmHg"),
    ("environment: {pH: 12}", "environment.pH", "outside", "5 to 9"),
    ("prepare: {days: 2, until: tumour_cells > 3}", "prepare.days", "not both", "Remove"),
    ("prepare: {max: 2 d}", "prepare.max", "'until'", "days"),
    ("prepare: {until: hypoxic_fractoin > 0}", "prepare.until", "no measure", "hypoxic_fraction"),
    ("prepare: {until: hypoxic_fraction}", "prepare.until", "no condition", "comparison"),
    ("prepare: {until: 'import(x) > 1'}", "prepare.until", "import", "log"),
    ("prepare: {until: csc_fraction@3d > 1}", "prepare.until", "time", "@"),
    ("distant_site: true", "distant_site", "no distant site", "Remove"),
    ("distant_site: maybe", "distant_site", "'maybe'", "true or false"),
    ("without_claims: [C9999]", "without_claims.0", "no claim 'C9999'", ""),
    ("without_rows: [no.such.row]", "without_rows.0", "no row", ""),
    ("parameters: {network.gian: 2}", "parameters.network.gian", "no parameter", "network.gain"),
    ("parameters: {network.gain: 2 mm}", "parameters.network.gain", "2 mm", ""),
    ("parameters: {network.gain: [2]}", "parameters.network.gain", "a list", "number"),
    ("measures: [csc_frction]", "measures.0", "no measure", "csc_fraction"),
    ("context_policy: lax", "context_policy", "'lax'", "strict"),
    ("therapy: [{drugg: paclitaxel}]", "therapy.0", "no intervention", "'drug'"),
    ("therapy: [{drug: sunitinib}]", "therapy.0.drug", "known to the evidence", "paclitaxel"),
    ("therapy: [drug paclitaxl 80 mg/m^2]", "therapy.0.drug", "no drug", "'paclitaxel'"),
    ("therapy: [7]", "therapy.0", "not a mapping", "block"),
]


@pytest.mark.parametrize(("text", "key", "what", "mend"), BROKEN, ids=[b[0] for b in BROKEN])
def test_a_wrong_value_is_answered_with_line_key_value_and_remedy(
    text: str, key: str, what: str, mend: str, load: Load
) -> None:
    lines = SMALL.splitlines()
    kept = [line for line in lines if line.split(":")[0] != text.split(":")[0]]
    if text.startswith("tumour: {") and "cells" not in text:
        text = text.replace("tumour: {", "tumour: {cells: 100, ")
    with pytest.raises(InputError) as caught:
        load("\n".join([*kept, text, ""]))
    error = caught.value
    assert f"case.yaml:{len(kept) + 1}" in error.where
    assert not key or error.where.endswith(f", key {key}")
    assert what in error.what
    assert mend in error.mend
    assert error.mend
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("cancer: breast\ntumour: {cells: 3\n", 3, "not YAML"),
        ("cancer: breast\n\tdays: 3\n", 2, "not YAML"),
        ("cancer: breast\ndays: 3\ndays: 4\n", 3, "twice"),
        ("cancer: breast\n---\ncancer: breast\n", 2, "second"),
        ("cancer: !!python/object:os.system ls\n", 1, "tag"),
        ("? [a]\n: 1\n", 1, "not a word"),
        ("7: 1\n", 1, "not a word"),
        ("- cancer\n", 1, "is a list"),
        ("cancer: *nothing\n", 1, "alias"),
        ("", 1, "nothing in it"),
        ("just words\n", 1, "is text"),
        ("a: \x07\n", 1, "not YAML"),
        ("a: &x [*x]\n", 1, "alias"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", 1, "nested deeper"),
        ("a: " + "x" * 3000 + "\n", 1, "3000 characters"),
        ("{\n" + "".join(f"k{i}: 1,\n" for i in range(2_600)) + "}\n", 2_501, "more than 5000"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(
    text: str, line: int, what: str, load: Load
) -> None:
    with pytest.raises(InputError) as caught:
        load(text)
    assert what in caught.value.what
    assert caught.value.where.endswith(f"case.yaml:{line}")


def test_aliases_cannot_blow_a_file_up(load: Load) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    with pytest.raises(InputError, match="aliases count in full"):
        load(bomb)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("cancer: breast\ndepth: 20 µm\n".encode("latin-1"))
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert caught.value.where.endswith("latin.yaml:2")


def test_tumour_free_tissue_needs_a_length_of_preparation(load: Load) -> None:
    free = "cancer: breast\ntumour: {cells: 0}\ntissue: {MSC: 5}\n"
    with pytest.raises(InputError, match="preparation has to have a length"):
        load(free)
    with pytest.raises(InputError, match="preparation has to have a length"):
        load(free + "prepare: {until: cells.MSC > 3}\n")
    assert load(free + "prepare: {days: 5}\n").prepare.length == 5 * 1440.0


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tumor.cells": 3}, "no key 'tumor'"),
        ({"tumour.cell": 3}, "no key 'cell'"),
        ({"days.x": 3}, "'days' is a number"),
        ({"therapy.7.dose": 3}, "no item '7'"),
        ({"domain.size.x": 3}, "no item 'x'"),
        ({"": 3}, "no path"),
        ({"a..b": 3}, "no path"),
        ({"extends": "breast"}, "cannot be changed"),
        ({"tumour": 3}, "not a mapping"),
        ({"tumour.cells": object()}, "of type object"),
        ({"tumour": {3: 4}}, "not text"),
        ({3: 4}, "no path"),
    ],
)
def test_a_change_that_no_file_could_hold_is_refused(
    changes: dict[str, object], what: str, load: Load
) -> None:
    with pytest.raises(InputError) as caught:
        load(WHOLE).change(changes)
    assert what in caught.value.what
    assert "change" in caught.value.where


def test_the_table_of_keys_covers_sections_and_defaults() -> None:
    paths = [key.path for key in SCHEMA_KEYS]
    assert len(set(paths)) == len(paths)
    assert all(key.meaning.endswith(".") and key.form for key in SCHEMA_KEYS)
    assert set(SECTIONS) < set(keys_of())
    assert isinstance(defaults().value, dict)
    assert set(defaults().value) <= set(keys_of())
