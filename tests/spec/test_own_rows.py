"""Rows of one's own lie over the shipped library: new ids come on top, known ones are replaced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import stemniche as sn
from stemniche.core.errors import InputError, LibraryError
from stemniche.experiment.shelf import Shelf
from stemniche.spec.compile import compile_model
from stemniche.spec.ownrows import VARIABLE, own_tables, use_rows
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario

DRUGS = """id,aliases,class,molar_mass_g_mol,route,dose,every,clearance,volume,basis,source
mystat,MY-1,kinase_inhibitor,450,oral,100 mg,1 d,10 L/h,120 L,assumed,our own assay
"""
TARGETS = """id,drug,target,effect,potency,context,basis,source
drug.mystat.STAT3,mystat,STAT3,inhibitor,5 nM,general,assumed,our own assay
"""
PARAMETERS = """name,value,low,high,unit,basis,source,description
serum.half_life,30,10,300,min,assumed,our own,half-life of factors in plasma
"""


@pytest.fixture(autouse=True)
def _taken_off() -> Iterator[None]:
    yield
    use_rows(None)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "drugs.csv").write_text(DRUGS)
    (folder / "drug_targets.csv").write_text(TARGETS)
    (folder / "parameters.csv").write_text(PARAMETERS)
    return folder


def test_a_drug_of_ones_own_is_given_by_any_of_its_names(mine: Path) -> None:
    sn.use_rows(mine)
    scenario = load_scenario("breast_quick").treat(["drug my-1"])
    (drug,) = compile_model(read_library(), scenario).drugs
    assert drug.id == "mystat"
    assert [target.potency for target in drug.targets] == [5.0]


def test_a_row_with_a_known_id_replaces_the_shipped_one_and_no_other(mine: Path) -> None:
    shipped = read_library()
    sn.use_rows(mine)
    library = read_library()
    assert library.numbers.value("serum.half_life") == 30.0
    assert shipped.numbers.value("serum.half_life") == 60.0
    assert library.links == shipped.links
    assert len(library.parameters) - len(shipped.parameters) == len(
        [name for name in library.parameters if name.startswith("mystat.")]
    )


def test_without_them_all_is_as_shipped_again(mine: Path) -> None:
    before = read_library().fingerprint
    sn.use_rows(mine)
    assert read_library().fingerprint != before
    sn.use_rows(None)
    assert own_tables() == ()
    assert read_library().fingerprint == before
    with pytest.raises(InputError, match="There is no drug 'mystat'"):
        load_scenario("breast_quick").treat(["drug mystat"])


def test_records_of_other_rows_are_never_taken(mine: Path, tmp_path: Path) -> None:
    plain = Shelf.at(tmp_path / "records").folder
    sn.use_rows(mine)
    assert Shelf.at(tmp_path / "records").folder != plain


def test_a_brake_of_ones_own_is_a_brake(mine: Path) -> None:
    shipped = next(row for row in read_library().links if row.brake)
    names = ("id", "from", "to", "sign", "half_max", "weight", "context", "basis", "source")
    values = (
        *("net.mine.brake", shipped.origin, shipped.to, "-1"),
        *("0.5", "1", "general", "assumed", "our own"),
    )
    (mine / "brakes.csv").write_text(f"{','.join(names)}\n{','.join(values)}\n")
    sn.use_rows(mine)
    assert next(row for row in read_library().links if row.id == "net.mine.brake").brake


def test_what_is_wrong_is_told_with_the_folder_file_and_line(mine: Path) -> None:
    (mine / "drug_targets.csv").write_text(TARGETS.replace("5 nM", "5 parsec"))
    sn.use_rows(mine)
    with pytest.raises(LibraryError) as told:
        read_library()
    assert told.value.where.startswith("mine/drug_targets.csv:2")


def test_a_table_of_another_name_is_refused_with_the_nearest(mine: Path) -> None:
    (mine / "drugs.csv").rename(mine / "drug.csv")
    sn.use_rows(mine)
    with pytest.raises(LibraryError, match=r"no table 'drug.csv'") as told:
        read_library()
    assert "drugs.csv" in told.value.mend


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_tables_is_refused(make: bool, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    if make:
        folder.mkdir()
    sn.use_rows(folder)
    with pytest.raises(LibraryError) as told:
        read_library()
    assert VARIABLE in told.value.mend
