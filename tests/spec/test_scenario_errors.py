"""What is wrong in a scenario is answered with file, line, key, value and remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stemniche.core.errors import InputError
from stemniche.spec.scenario import Scenario, load_scenario

Load = Callable[[str], Scenario]

SMALL = "cancer: breast\ntumour: {cells: 100}\n"

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
    ("sample_every: 3", "sample_every", "has no unit", "'3 h'"),
    ("represents: {volume: 100}", "represents.volume", "has no unit", "'100 mm^3'"),
    ("represents: {volume: 5 mg}", "represents.volume", "differ in kind", "in mm^3 or"),
    ("represents: {volume: [5]}", "represents.volume", "is a list", "'5 mm^3'"),
    ("tissue: {vessels: 50}", "tissue.vessels", "has no unit", "'50 1/mm^2'"),
    ("domain: {size: [2, 2 mm]}", "domain.size.0", "has no unit", "'2 mm'"),
    ("therapy: [knock_out IL6 from 3]", "therapy.0.from", "has no unit", "'3 d'"),
    ("therapy: [{drug: paclitaxel, over: 3}]", "therapy.0.over", "has no unit", "'3 h'"),
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
    ("tissue: {stiffness: 2}", "tissue.stiffness", "no unit", "Write"),
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
    ("distant_site: maybe", "distant_site", "'maybe'", "true or false"),
    ("without_claims: [C9999]", "without_claims.0", "no claim 'C9999'", ""),
    ("without_rows: [no.such.row]", "without_rows.0", "no row", ""),
    ("parameters: {network.gian: 2}", "parameters.network.gian", "no parameter", "network.gain"),
    ("parameters: {network.gain: 2 mm}", "parameters.network.gain", "2 mm", ""),
    ("parameters: {network.gain: [2]}", "parameters.network.gain", "a list", "number"),
    ("measures: [csc_frction]", "measures.0", "no measure", "csc_fraction"),
    ("context_policy: lax", "context_policy", "'lax'", "strict"),
    ("therapy: [{drugg: paclitaxel}]", "therapy.0", "no intervention", "'drug'"),
    (
        "therapy: [{drug: hyperthermia}]",
        "therapy.0.drug",
        "no drug of this version",
        "neutralise: COL1A1",
    ),
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
        load(SMALL).change(changes)
    assert what in caught.value.what
    assert "change" in caught.value.where
