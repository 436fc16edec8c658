"""Tables of doses become the interventions that a scenario would hold."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.spec.dosing import read_dosing
from stemniche.spec.scenario import load_scenario

TABLE = """# weekly paclitaxel over 1 h, a bolus, an observation
ID,TIME,AMT,RATE,II,ADDL,EVID,DV
1,0,140,140,168,2,1,.
1,600,100,.,.,.,1,.
1,700,.,.,.,.,0,12.5
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "doses.csv"
    file.write_text(text)
    return file


def test_doses_become_interventions_that_a_scenario_takes(tmp_path: Path) -> None:
    items = read_dosing(write(tmp_path, TABLE), "paclitaxel")
    assert items == [
        {"drug": "paclitaxel", "dose": "140 mg", "from": "0 h", "every": "168 h", "doses": 3,
         "over": "1 h"},
        {"drug": "paclitaxel", "dose": "100 mg", "from": "600 h"},
    ]  # fmt: skip
    treated = load_scenario("breast").change({"days": 30}).treat(items)
    assert [str(item) for item in treated.therapy] == [
        "drug paclitaxel 140 mg every 7 d doses 3 over 1 h",
        "drug paclitaxel 100 mg from 25 d",
    ]


def test_one_subject_is_chosen(tmp_path: Path) -> None:
    file = write(tmp_path, "ID,TIME,AMT\n1,0,10\n2,24,20\n")
    assert [item["from"] for item in read_dosing(file, "paclitaxel", subject="2")] == ["24 h"]
    with pytest.raises(InputError, match="2 subjects"):
        read_dosing(file, "paclitaxel")


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("", "empty", 0),
        ("TIME,AMT\n", "no doses", 0),
        ("TIME\n1\n", "column AMT is missing", 1),
        ("TIME,AMT,RAET\n0,1,1\n", "no column 'RAET'", 1),
        ("TIME,AMT\n0\n", "has 1 values", 2),
        ("TIME,AMT\n0,-5\n", "'-5' is no AMT", 2),
        ("TIME,AMT\n0,nan\n", "'nan' is no AMT", 2),
        ("TIME,AMT,EVID\n0,5,4\n", "EVID 4", 2),
        ("TIME,AMT,EVID\n0,0,1\n", "no amount", 2),
        ("TIME,AMT,RATE\n0,5,-2\n", "model estimates", 2),
        ("TIME,AMT,ADDL\n0,5,2\n", "need an interval", 2),
        ("TIME,AMT,II,ADDL\n0,5,24,1.5\n", "no whole number", 2),
        ("TIME,AMT,SS\n0,5,1\n", "steady state", 2),
    ],
)
def test_a_wrong_table_is_told_with_its_line(
    text: str, said: str, line: int, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_dosing(write(tmp_path, text), "paclitaxel")
    assert not line or caught.value.where.endswith(f":{line}")


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_dosing(tmp_path / "none.csv", "paclitaxel")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_is_read_or_refused_cleanly(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("dosing") / "doses.csv"
    file.write_text("TIME,AMT\n" + text, encoding="utf-8", errors="ignore", newline="")
    try:
        items = read_dosing(file, "paclitaxel")
    except InputError:
        return
    assert items
