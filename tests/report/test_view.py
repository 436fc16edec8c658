"""The browser view holds the run, packed, and nothing of it can break out of the page."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.report.view import write_view


def data_of(path: Path) -> Any:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', path.read_text())
    assert found
    return json.loads(found[1])


@pytest.fixture
def run(make_run: Any) -> Any:
    return make_run(days=1.0, samples=2, treated=False, tumour=200)


def test_the_page_holds_cells_and_fields_of_every_sample(run: Any, tmp_path: Path) -> None:
    data = data_of(write_view(run, tmp_path / "view.html", fields=["oxygen"]))
    assert data["days"] == [0.0, 1.0]
    assert list(data["fields"]) == ["oxygen"]
    for k, day in enumerate(data["days"]):
        cells, sample = run.cells(day), data["samples"][k]
        assert sample["n"] == cells.n_obs
        xyz = np.frombuffer(b64decode(sample["xyz"]), "<u2").reshape(-1, 3)[:, :2]
        places = np.sort(xyz[:, 0] / 65535 * data["size"][0])
        real_places = np.clip(np.sort(cells.obsm["spatial"][:, 0]), 0, data["size"][0])
        assert np.abs(places - real_places).max() < 0.02
        field = data["fields"]["oxygen"]
        steps = np.frombuffer(b64decode(field["levels"][k]), np.uint8)
        level = field["low"] + (field["high"] - field["low"]) * steps / 255
        real = run.field("oxygen", day).values.ravel()
        assert np.abs(level - real).max() <= 0.51 * (field["high"] - field["low"]) / 255


def test_stem_cells_are_drawn_last(run: Any, tmp_path: Path) -> None:
    data = data_of(write_view(run, tmp_path / "view.html", fields=["oxygen"]))
    kinds = np.frombuffer(b64decode(data["samples"][0]["kind"]), np.uint8)
    assert data["kinds"][kinds[-1]][0] == "CSC"


def test_the_page_asks_nothing_of_the_network(run: Any, tmp_path: Path) -> None:
    text = write_view(run, tmp_path / "view.html").read_text()
    assert not re.search(r'(src|href)="http', text)


def test_a_spelling_stands_for_what_the_run_calls_it(run: Any, tmp_path: Path) -> None:
    view = write_view(run, tmp_path / "view.html", fields=["IL-8", "il6", "CXCL8"])
    data = data_of(view)
    assert list(data["fields"]) == ["CXCL8", "IL6"]


@pytest.mark.parametrize("wrong", [{"fields": ["oxigen"]}, {"nodes": ["NOSUCH"]}])
def test_names_that_are_not_in_the_run_are_refused(wrong: Any, run: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The run has no"):
        write_view(run, tmp_path / "view.html", **wrong)
    assert not list(tmp_path.iterdir())
