"""Whatever the user gets wrong: exit code 2, place and remedy, and nothing left behind."""

from pathlib import Path

import pytest
from tests.cli.command import stemniche

BASE = """\
format: 1
extends: breast_quick
days: 1
"""


FILES = {
    "an unknown key": (BASE + "tumor: {cells: 10}\n", ["tumor", "tumour", ":4"]),
    "a wrong unit": (BASE + "host: {mass: 70 mmHg}\n", ["70 mmHg", ":4", "kg"]),
    "a negative count": (BASE + "tumour: {cells: -5}\n", ["-5", ":4", "tumour.cells"]),
    "a count that is no number": (BASE + "tissue: {MSC: .nan}\n", ["tissue", ":4"]),
    "an unknown drug": (BASE + "therapy: [{drug: paclitaxal}]\n", ["paclitaxal", "paclitaxel"]),
    "a file that extends itself": ("extends: ./scenario.yaml\n", ["extends"]),
    "text that is no YAML": ("tumour: {cells: 10\n  days: [", ["scenario.yaml", ":2"]),
    "a huge domain": (
        BASE + "domain: {size: [80 cm, 80 cm], depth: 20 um, voxel: 20 um}\n",
        ["domain", ":4"],
    ),
    "a power in place of a number": (BASE + "host: {mass: 9**9**9}\n", ["9**9**9", ":4"]),
    "a cell type that is not modelled yet": (
        BASE + "tissue: {hepatocyte: 5}\n",
        ["hepatocyte", ":4"],
    ),
    "a length that is no whole number of ticks": (BASE + "sample_every: 7 min\n", ["7 min", ":4"]),
    "a parameter nobody knows": (BASE + "parameters: {IL6.halflife: 60 min}\n", ["IL6.half_life"]),
    "a preset nobody knows": ("extends: brest\n", ["breast"]),
    "more cells than fit": (BASE + "tumour: {cells: 400000}\n", ["do not fit", "domain", ":4"]),
}


@pytest.mark.parametrize("title", FILES)
def test_a_wrong_scenario_file_is_refused_with_place_and_remedy(title: str, tmp_path: Path) -> None:
    text, expected = FILES[title]
    (tmp_path / "scenario.yaml").write_text(text)
    done = stemniche("run", "scenario.yaml", "--out", "result", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for words in ("where:", "mend:", *expected):
        assert words in done.stderr, (words, done.stderr)
    assert [p.name for p in tmp_path.iterdir()] == ["scenario.yaml"]


LINES = {
    "a missing file": (["run", "missing.yaml"], ["missing.yaml"]),
    "an unknown claim": (["run", "breast_quick", "--without", "C99999"], ["C99999"]),
    "a drug that is none": (["drugs", "pacltaxel"], ["paclitaxel"]),
    "a trial that is none": (["trials", "T999"], ["trials"]),
    "a treatment that is none": (["run", "breast_quick", "--treat", "drugs paclitaxel"], ["drug"]),
    "a treatment with a wrong unit": (
        ["run", "breast_quick", "--treat", "drug paclitaxel 80 mmHg"],
        ["80 mmHg"],
    ),
    "a seed below zero": (["run", "breast_quick", "--seed", "-1"], ["-1 is no seed", "0 to"]),
    "no thread": (["run", "breast_quick", "--threads", "0"], ["0 threads"]),
    "a length that is none": (["run", "breast_quick", "--days", "-3"], ["--days", "-3"]),
    "a setting without a value": (["run", "breast_quick", "--set", "days"], ["days"]),
    "a setting of an unknown path": (
        ["run", "breast_quick", "--set", "tumour.cels=5"],
        ["tumour.cels", "cells"],
    ),
    "an intervention of a later version": (
        ["run", "breast_quick", "--treat", "radiation 2 mg"],
        ["Gy"],
    ),
    "verdicts in no folder": (
        ["reproduce", "--only", "E019", "--json", "/nonexistent/o.json"],
        ["/nonexistent/o.json"],
    ),
    "a screen that cannot be written": (
        ["screen", "breast_quick", "--drugs", "paclitaxel", "--out", "/proc/scr"],
        ["/proc/scr"],
    ),
    "a drug in two spellings": (
        ["screen", "breast_quick", "--drugs", "paclitaxel,Taxol", "--pairs"],
        ["named twice", "Taxol"],
    ),
    "a measure that is none": (
        ["sensitivity", "breast_quick", "--measures", "csc_fractoin"],
        ["csc_fraction"],
    ),
    "no measure": (["sensitivity", "breast_quick", "--measures", ""], ["tumour_cells"]),
    "overlapping infusions": (
        ["run", "breast_quick", "--treat", "drug paclitaxel 80 mg every 1 h over 3 h"],
        ["every"],
    ),
}


@pytest.mark.parametrize("title", LINES)
def test_a_wrong_command_line_is_refused_with_a_remedy(title: str, tmp_path: Path) -> None:
    arguments, expected = LINES[title]
    done = stemniche(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for words in ("mend:", *expected):
        assert words in done.stderr, (words, done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    done = stemniche("run", "breast_quick", "--out", "/proc/result", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "/proc/result" in done.stderr


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "precious").write_text("data")
    done = stemniche("run", "breast_quick", "--out", "result", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert (tmp_path / "result" / "precious").read_text() == "data"
