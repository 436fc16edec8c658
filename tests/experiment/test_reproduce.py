"""The whole way, from a file to a table of verdicts, on a very small tumour."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from stemniche import api
from stemniche.core.errors import InputError
from stemniche.experiment.reproduce import COLUMNS, reproduce
from stemniche.experiment.scorecard import refuse_unwritable
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import load_scenario

SMALL = {
    "domain.size": ["0.2 mm", "0.2 mm"],
    "tumour.cells": 40,
    "tissue": {"MSC": 6, "fibroblast": 6, "macrophage": 6, "CD4": 2, "Treg": 1, "CD8": 2},
    "prepare": {"days": 0.1},
    "days": 0.1,
    "sample_every": "2.4 h",
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experiments on a small scenario: one that can be judged and one that cannot."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text(load_scenario("breast_quick").change(SMALL).to_yaml())
    path = folder / "experiments.yaml"
    path.write_text("""
format: 1
experiments:
- id: E019
  scenario: small.yaml
  arms:
    il6: []
    none: [{knock_out: IL-6}]
  measure: secretion.CXCL7.MSC
  expect: il6 > none
- id: E031
  scenario: small.yaml
  arms: {il6: [], none: [{knock_out: IL-6}]}
  measure: drug.paclitaxel
  expect: il6 > none
""")
    return path


@pytest.fixture(scope="module")
def table(file: Path) -> pd.DataFrame:
    """The verdicts of that file."""
    return reproduce(file, replicates=4, workers=1)


def test_a_file_becomes_one_row_per_experiment(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == COLUMNS
    assert list(table["id"]) == ["E019", "E031"]
    good, bad = table.to_dict("records")
    assert (good["verdict"], good["replicates"], good["kind"]) == ("reproduced", 4, "restated")
    assert 0 < good["low"] < good["effect"] < good["high"]
    assert good["means"] == {"il6": good["left"], "none": good["right"]}
    assert bad["verdict"] == "failed"
    assert "no measure 'drug.paclitaxel'" in bad["reason"]


def test_arms_that_branch_give_the_numbers_of_a_run_of_their_own(
    file: Path, table: pd.DataFrame
) -> None:
    scenario = load_scenario(file.with_name("small.yaml")).treat([{"knock_out": "IL6"}])
    own = [simulate(scenario, seed, threads=1).table for seed in (1, 2, 3, 4)]
    mean = sum(one["secretion.PPBP.MSC"].iloc[-1] for one in own) / 4
    assert table["right"].iloc[0] == pytest.approx(mean, rel=1e-12)


def test_verdicts_are_counted_by_kind_and_written_as_json(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    columns, rows, lines = api.scorecard(table)
    assert len(rows) == 2
    assert columns[:3] == ("id", "verdict", "kind")
    assert lines == [
        "emergent: 0 of 1 reproduced (1 failed)",
        "restated: 1 of 1 reproduced",
        "emergent or blind (0 blind), the headline: 0 of 1 reproduced (1 failed)",
    ]
    written = json.loads(api.write_verdicts(table, tmp_path / "v.json").read_text())
    assert {"id", "verdict", "effect", "low", "high", "replicates"} <= set(written[0])
    assert written[1]["effect"] is None
    assert math.isclose(written[0]["effect"], table["effect"].iloc[0])
    with pytest.raises(InputError, match="cannot be written"):
        api.write_verdicts(table, tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"replicates": 0}, "0 replicates"),
        ({"workers": 0}, "0 workers"),
        ({"only": ("E20",)}, "no experiment 'E20'"),
    ],
)
def test_impossible_wishes_are_refused(change: dict[str, object], said: str, file: Path) -> None:
    ask: Callable[..., pd.DataFrame] = reproduce
    with pytest.raises(InputError, match=said):
        ask(file, **change)


def test_an_assay_that_an_experiment_names_has_a_verdict(file: Path) -> None:
    assay = file.with_name("assay.yaml")
    assay.write_text(
        "experiments:\n- {id: A, scenario: small.yaml, arms: {a: []}, measure: tic_frequency,"
        " at: 0.1 d, expect: a > 0}\n"
    )
    (row,) = reproduce(assay, replicates=2, workers=1).to_dict("records")
    assert row["verdict"] != "failed", row["reason"]
    assert 0.0 < row["means"]["a"] < 1.0


def test_a_file_for_verdicts_is_tried_without_a_trace(tmp_path: Path) -> None:
    refuse_unwritable(tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old.json"
    old.write_text("[]")
    refuse_unwritable(old)
    assert old.read_text() == "[]"
    for bad in (tmp_path, tmp_path / "none" / "v.json"):
        with pytest.raises(InputError, match="cannot be written"):
            refuse_unwritable(bad)


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        reproduce(tmp_path / "none.yaml")
