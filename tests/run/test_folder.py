"""Folders of runs: found, refused, resumed, and not left behind."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from stemniche.core.errors import InputError
from stemniche.run.folder import abandon_folder, claim_folder
from stemniche.run.store import Store


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_path_the_first_free_name_below_runs_is_taken() -> None:
    names = [claim_folder(None, "breast", 1).as_posix() for _ in range(3)]
    assert names == ["runs/breast-s1", "runs/breast-s1-2", "runs/breast-s1-3"]
    assert claim_folder(None, "breast", 2).as_posix() == "runs/breast-s2"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "", "x" * 500, "\n;"])
def test_no_scenario_name_leads_out_of_runs(name: str, tmp_path: Path) -> None:
    assert claim_folder(None, name, 1).resolve().parent == tmp_path / "runs"


def test_an_existing_folder_is_refused_even_if_empty(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("")
    (tmp_path / "c").symlink_to("nowhere")
    for name in "abc":
        with pytest.raises(InputError, match="exists already") as caught:
            claim_folder(Path(name), "breast", 1)
        assert "--resume" in caught.value.mend


def test_a_folder_that_cannot_be_made_leaves_no_part_of_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("new/er/" + "x" * 300, "file/below"):
        with pytest.raises(InputError, match="cannot be written"):
            claim_folder(Path(path), "breast", 1)
    assert os.listdir(tmp_path) == ["file"]


def test_resuming_takes_a_folder_with_a_run_and_starts_where_there_is_none(
    made_up: ModuleType, tmp_path: Path
) -> None:
    folder = claim_folder(Path("a"), "breast", 1, resume=True)
    assert folder == Path("a")
    assert claim_folder(folder, "breast", 1, resume=True) == folder
    Store.create(folder, made_up.header())
    (folder / "report.html").write_text("")
    assert claim_folder(folder, "breast", 1, resume=True) == folder
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="holds no run"):
        claim_folder(Path("mine"), "breast", 1, resume=True)


def test_resuming_without_a_path_takes_the_last_folder_of_that_name() -> None:
    assert claim_folder(None, "breast", 1, resume=True).as_posix() == "runs/breast-s1"
    for _ in range(10):
        last = claim_folder(None, "breast", 1)
    assert claim_folder(None, "breast", 1, resume=True) == last == Path("runs/breast-s1-11")


def test_an_abandoned_folder_vanishes_unless_it_holds_something(
    made_up: ModuleType, tmp_path: Path
) -> None:
    empty, begun, other = (claim_folder(Path(name), "breast", 1) for name in "abc")
    (empty / "run.zarr.part").mkdir()
    (empty / "run.log").write_text("")
    Store.create(begun, made_up.header())
    (other / "thesis.tex").write_text("")
    for folder in (empty, begun, other):
        abandon_folder(folder)
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]
