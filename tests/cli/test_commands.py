"""The commands do what the README says, end to end, on a small tumour."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.command import stemniche

SMALL = (
    "--set", "tumour.cells=120", "--set", "domain.size=[600 um, 600 um]",
    "--set", "tissue={MSC: 8, fibroblast: 30, macrophage: 20, CD4: 8, CD8: 12}",
    "--set", "prepare={days: 0.1, until: null, max: null}",
    "--set", "sample_every=6 h", "-q",
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    treat = ("--treat", "drug paclitaxel 80 mg/m^2 from 0.25 d")
    done = stemniche("run", "breast_quick", "--days", "0.5", *treat, *SMALL, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "runs/breast_quick-s1"
    return folder


def test_a_run_makes_its_folder_with_table_scenario_and_report(finished: Path) -> None:
    folder = finished / "runs" / "breast_quick-s1"
    names = {p.name for p in folder.iterdir()}
    assert {"run.zarr", "table.csv", "scenario.yaml", "report.html"} <= names
    header = (folder / "table.csv").read_text().splitlines()[0].split(",")
    assert header[0] == "time_d"
    assert {"tumour_cells", "csc_fraction", "factor.IL6", "plasma.paclitaxel"} <= set(header)
    report = (folder / "report.html").read_text()
    assert "paclitaxel" in report
    assert 'src="http' not in report


def test_a_finished_run_resumes_to_itself_and_a_longer_one_goes_on(finished: Path) -> None:
    out = ("--out", "runs/breast_quick-s1", "--resume", "--no-report")
    treat = ("--treat", "drug paclitaxel 80 mg/m^2 from 0.25 d")
    table = finished / "runs" / "breast_quick-s1" / "table.csv"
    before = table.read_text()
    same = stemniche("run", "breast_quick", "--days", "0.5", *treat, *SMALL, *out, cwd=finished)
    assert same.returncode == 0, same.stderr
    assert table.read_text() == before
    other = stemniche("run", "breast_quick", "--days", "0.5", *SMALL, *out, cwd=finished)
    assert other.returncode == 2, other.stderr
    assert table.read_text() == before
    longer = stemniche("run", "breast_quick", "--days", "0.75", *treat, *SMALL, *out, cwd=finished)
    assert longer.returncode == 0, longer.stderr
    assert table.read_text().startswith(before)


def test_the_version_is_told(tmp_path: Path) -> None:
    told = stemniche("--version", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, f"stemniche {version('stemniche')}\n")


def test_explain_loses_the_sentence_of_a_claim_that_is_off(tmp_path: Path) -> None:
    on = stemniche("explain", "breast", "--cell", "MSC", cwd=tmp_path).stdout
    off = stemniche("explain", "breast", "--cell", "MSC", "--without", "C257", cwd=tmp_path).stdout
    assert "[C257]" in on
    assert "[C257]" not in off


def test_every_listing_speaks_json(tmp_path: Path) -> None:
    listings = (
        ["scenarios"],
        ["check", "breast_quick"],
        ["evidence", "loops"],
        ["drugs"],
        ["drugs", "AMD3100"],
        ["trials"],
        ["trials", "T002"],
    )
    for command in listings:
        done = stemniche(*command, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout), list)


def test_a_screen_with_pairs_is_one_json_list(tmp_path: Path) -> None:
    agents = ("--also", "block CXCR4 0.9", "--also", "knock_out IL6", "--pairs")
    size = ("--days", "0.1", "--replicates", "2", "--workers", "1", "--json")
    done = stemniche("screen", "breast_quick", *agents, *size, *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row.get("agent") for row in rows] == ["block CXCR4 0.9", "knock_out IL6", None]
    assert {rows[2]["first"], rows[2]["second"]} == {"block CXCR4 0.9", "knock_out IL6"}


def test_a_run_says_what_it_needs_and_keeps_a_log(tmp_path: Path) -> None:
    words = ("run", "breast_quick", "--days", "0.05", *SMALL[:-1], "--set", "sample_every=36 min")
    done = stemniche(*words, "-v", "--out", "a", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert "breast_quick, seed 1: about" in said[0]
    assert "MiB of memory" in said[0]
    assert [line for line in said if line.startswith("day 0.025, ")]
    log = (tmp_path / "a" / "run.log").read_text().splitlines()
    assert len(log) == 5
    assert all(" INFO " in line for line in log)
    late = ("--treat", "block CXCR4 0.9 from 3 d", "--out", "c", "--no-report")
    warned = stemniche(*words, *late, cwd=tmp_path).stderr.splitlines()
    assert warned[0].startswith("warning: 'block CXCR4 0.9 from 3 d' starts after the last day")
    silent = stemniche(*words, "-q", "--out", "b", "--no-report", cwd=tmp_path)
    assert (silent.stdout, silent.stderr) == ("b\n", "")


def test_rows_of_ones_own_reach_a_run_are_kept_with_it_and_repeat_it(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "drugs.csv").write_text(
        "id,class,molar_mass_g_mol,route,dose,every,clearance,volume,basis,source\n"
        "mystat,kinase_inhibitor,450,oral,100 mg,1 d,10 L/h,120 L,assumed,our own assay\n"
    )
    (mine / "drug_targets.csv").write_text(
        "id,drug,target,effect,potency,context,basis,source\n"
        "drug.mystat.STAT3,mystat,STAT3,inhibitor,5 nM,general,assumed,our own assay\n"
    )
    run = ("run", "breast_quick", "--days", "0.25", "--treat", "drug mystat", *SMALL)
    done = stemniche("--rows", "mine", *run, "--out", "a", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "a" / "table.csv").read_text()
    assert "occupancy.mystat.STAT3" in table.splitlines()[0]
    assert (tmp_path / "a" / "rows" / "drugs.csv").read_text() == (mine / "drugs.csv").read_text()
    again = ("--rows", "a/rows", "run", "a/scenario.yaml", "--out", "b", "-q")
    assert stemniche(*again, cwd=tmp_path).returncode == 0
    assert (tmp_path / "b" / "table.csv").read_text() == table
    without = stemniche(*run, "--out", "c", cwd=tmp_path)
    assert (without.returncode, (tmp_path / "c").exists()) == (2, False)
    assert "There is no drug 'mystat'" in without.stderr
