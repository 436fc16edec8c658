"""What the public functions say to a caller who gives them the wrong thing."""

from pathlib import Path
from typing import Any

import pytest

import stemniche as sn
from stemniche.core.errors import InputError


@pytest.mark.parametrize("given", ["breast", Path("breast"), None, 3])
def test_a_name_is_no_scenario_and_the_remedy_loads_it(given: Any) -> None:
    for call in (sn.simulate, sn.check):
        with pytest.raises(InputError, match="is no scenario") as caught:
            call(given)
        assert "load_scenario('breast')" in caught.value.mend


def test_export_takes_a_run_or_its_folder(tmp_path: Path) -> None:
    small = sn.load_scenario("breast_quick").change(
        {"tumour.cells": 40, "days": 0.05, "sample_every": "0.05 d", "prepare": {"days": 0.05}}
    )
    run = sn.simulate(small, out=tmp_path / "run", threads=1)
    assert sn.export(run, "csv") == sn.export(tmp_path / "run", "csv")
    with pytest.raises(InputError, match="neither a run nor a folder"):
        sn.export(small, "csv")  # type: ignore[arg-type]
