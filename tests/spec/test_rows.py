"""Reading a library: what is taken, and how every kind of fault is told."""

from pathlib import Path
from typing import Any

import pytest

from stemniche.core.errors import LibraryError
from stemniche.spec.library import Library


def fault_of(small: Any) -> LibraryError:
    with pytest.raises(LibraryError) as caught:
        small.read()
    return caught.value


def test_rows_keep_their_file_and_line(small: Any) -> None:
    library = small.read()
    assert library.mechanisms["n.PPBP"].place.at() == "network.csv:3"
    assert library.mechanisms["b.STAT3"].brake
    assert not library.mechanisms["n.STAT3"].brake


def test_lists_in_cells_are_split_and_stripped(small: Any) -> None:
    small.swap("network", "C002;C003", "C002; C003 ;")
    assert small.read().mechanisms["n.STAT3"].claims == ("C002", "C003")


def test_a_missing_table_is_named_with_its_columns(small: Any) -> None:
    (small.folder / "rules.csv").unlink()
    fault = fault_of(small)
    assert "rules.csv" in fault.what
    assert "behaviour" in fault.mend


def test_an_unknown_column_is_answered_with_the_nearest(small: Any) -> None:
    small.swap("secretion", "node,context", "nodes,context")
    fault = fault_of(small)
    assert "'nodes'" in str(fault)
    assert "secretion.csv:1" in str(fault)
    assert "node" in fault.mend


@pytest.mark.parametrize(
    ("table", "old", "new", "column", "told"),
    [
        ("network", "n.STAT3,IL6R,", "n.STAT3,IL66R,", "from", "Did you mean 'IL6R'"),
        ("network", "n.STAT3,IL6R,STAT3", "n.STAT3,IL6R,STAT33", "to", "Did you mean 'STAT3'"),
        ("network", "n.stem,STAT3,stemness,tumour", "n.stem,STAT3,stemness,tumor", "cells",
         "Did you mean 'tumour'"),
        ("rules", "STAT3,decreases,cycle_rate", "STAT3,decreases,cicle_rate", "behaviour",
         "Did you mean 'cycle_rate'"),
        ("secretion", "s.IL6,tumour,IL6", "s.IL6,tumour,IL66", "factor", "Did you mean 'IL6'"),
        ("network", "C004", "C999", "claims", "no claim 'C999'"),
        ("network", "breast,yes", "breats,yes", "context", "Did you mean 'breast'"),
        ("network", "stem.gain", "stem.gian", "weight", "stem.gian"),
        ("network", "PTENX:lost", "PTENX:gone", "from", "GENE:mutant|lost|low|high"),
        ("network", "0.05 nM,EC50", "0.05 mmHg,EC50", "half_max", "nM"),
        ("network", "0.05 nM,EC50", "0.05,EC50", "half_max", "no unit"),
        ("network", "0.05 nM,EC50", "-0.05 nM,EC50", "half_max", "not above 0"),
        ("network", "0.25,,2,stem.gain", "1.5,,2,stem.gain", "half_max", "runs from 0 to 1"),
        ("rules", "0.05 1/d", "50 1/min", "limit", "out of range"),
        ("rules", "4 fold,4 mmHg", "0.5 fold,4 mmHg", "limit", "above the base value"),
        ("rules", "0.05 1/d", "0.05 um", "limit", "1/min"),
        ("rules", "r.recruit,vessel", "r.recruit,MSC", "cell", "vessel"),
        ("nodes", "tf,0.25", "tf,1", "baseline", "no room"),
        ("nodes", "receptor,0.2,fast", "receptor,0.2,fats", "tau", "fats"),
        ("nodes", "IL6R,,tumour;MSC", "IL6R,E31,tumour;MSC", "entity", "outcome"),
        ("parameters", "0.6,0.1,2,1/d", "60,0.1,200,1/d", "value", "out of range"),
        ("parameters", "tumour.cycle_rate,0.6", "tumour.cycle_rat,0.6", "name", "cycle_rate"),
        ("parameters", "IL6.half_life,1,,,h", "IL6.half_life,1,,,mM", "unit", "min"),
        ("parameters", "stem.gain,1.5,1,3", "stem.gain,4,1,3", "value", "its own range"),
        ("cells", "CSC,E10,tumour", "CSC,E10,tumor", "parent", "Did you mean 'tumour'"),
        ("uptake", "1e-16 mol/s,0.5 mM", "1e-16 mol/s,", "km", "km above 0"),
        ("network", "stated,C005", "sated,C005", "basis", "Did you mean 'stated'"),
        ("cancers", "breast,E41,solid", "breast,E41,sollid", "is_a", "Did you mean 'solid'"),
    ],
)  # fmt: skip
def test_a_fault_names_line_column_and_remedy(
    small: Any, table: str, old: str, new: str, column: str, told: str
) -> None:
    line = small.swap(table, old, new)
    text = str(fault_of(small))
    assert f"{table}.csv:{line}, column {column}" in text
    assert told in text


def test_a_row_that_cites_nothing_is_refused(small: Any) -> None:
    small.swap("network", "stated,C005,,", "stated,,,")
    assert "'n.AKT.lost' cites nothing" in fault_of(small).what


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("C014", "is a therapy_effect"),
        ("C016", "is of level summary"),
        ("C013", "Cite C001, which it restates"),
        ("C015", "ends at an outcome (metastasis)"),
    ],
)
def test_claims_that_must_follow_are_no_row_claims(small: Any, claim: str, why: str) -> None:
    small.swap("network", "stated,C005,,", f"stated,{claim},,")
    assert why in str(fault_of(small))


def test_a_row_may_end_at_the_mediator_of_a_claim_about_an_outcome(small: Any) -> None:
    small.swap("network", "C002;C003", "C002;C017")
    assert small.read().mechanisms["n.STAT3"].claims == ("C002", "C017")


def test_supports_may_cite_any_claim(small: Any) -> None:
    small.swap("network", "stated,C005,,", "stated,C005,C014,")
    assert small.read().mechanisms["n.AKT.lost"].supports == ("C014",)


def test_an_outcome_is_no_target(small: Any) -> None:
    small.swap("rules", "STAT3,decreases,cycle_rate", "STAT3,decreases,metastasis")
    assert "'metastasis' is an outcome" in fault_of(small).what


def test_an_id_used_twice_points_at_both_places(small: Any) -> None:
    line = small.add(
        "rules", "n.PPBP,CSC,IL6R,increases,cycle_rate,2 fold,0.2,1,,,,,,stated,C003,,,"
    )
    fault = fault_of(small)
    assert "network.csv:3" in fault.what
    assert fault.where == f"rules.csv:{line}, column id"


def test_a_parameter_that_nothing_reads_is_refused(small: Any) -> None:
    small.add("parameters", "lonely.number,1,,,1,assumed,assumed,")
    assert fault_of(small).what == "Nothing reads the parameter 'lonely.number'."


def test_a_parameter_that_the_engine_reads_must_be_there(small: Any) -> None:
    small.swap("parameters", "stemness.high,2,,,1,assumed,assumed,\n", "")
    assert fault_of(small).what == "The parameter 'stemness.high' is missing."


def test_many_faults_are_told_at_once_but_not_more_than_ten(small: Any) -> None:
    for i in range(12):
        small.add("secretion", f"s.{i},MSC,nothing{i},1 molecules/s,,,,stated,C002,,")
    text = str(fault_of(small))
    assert "12 faults" in text
    assert text.count("There is no factor") == 10
    assert "and 2 more" in text


def test_a_genotype_that_counts_as_one_no_row_reads_is_a_fault(small: Any) -> None:
    small.add("genotypes", "PTENX:high,PTENX:lots,Somebody 2005")
    text = str(fault_of(small))
    assert "No row reads 'PTENX:lots'." in text
    assert "PTENX:lost" in text


def test_a_family_expands_to_its_members(small: Any) -> None:
    small.add("families", "cytokines,,IL6;PPBP;TNF")
    small.swap("network", "n.AKT,IL6,AKT", "n.AKT,cytokines,AKT")
    drives = {(d.cell, d.target): d for d in small.compile().drives}
    signals = [t.signal for g in drives["CSC", "AKT"].groups for t in g.terms]
    assert signals == ["IL6", "PPBP", "PTENX:lost"]


@pytest.mark.parametrize("junk", [b"\xff\xfe\x00", b"", b"id\n\x00\n", b'id,"\nx', b"id,id,id\n1"])
@pytest.mark.parametrize("table", ["network", "cells", "parameters"])
def test_a_damaged_table_is_a_clean_error(small: Any, table: str, junk: bytes) -> None:
    (small.folder / f"{table}.csv").write_bytes(junk)
    assert f"{table}.csv" in str(fault_of(small))


def test_a_circle_of_parents_is_found(small: Any) -> None:
    small.swap("cells", "cell,,,,,", "cell,,tumour,,,")
    assert "circle" in str(fault_of(small))


def test_the_fingerprint_follows_the_content_not_the_folder(
    small: Any, made_up: Any, tmp_path: Path
) -> None:
    other = tmp_path / "copy"
    other.mkdir()
    copy = made_up.SmallLibrary(other)
    first = small.read().fingerprint
    assert copy.read().fingerprint == first
    copy.swap("parameters", "monocyte.volume,500", "monocyte.volume,501")
    assert copy.read().fingerprint != first


def test_the_shipped_library_is_whole(shipped: Library) -> None:
    assert len(shipped.lexicon.factors) >= 11
    assert len(shipped.mechanisms) > 200
    assert any(row.brake for row in shipped.links)
