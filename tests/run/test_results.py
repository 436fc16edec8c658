"""A Run gives back what was recorded, in the objects and units people work with."""

import platform
import socket
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from stemniche.core.errors import InputError, StoreError
from stemniche.run.results import Run, open_run
from stemniche.run.store import Store
from stemniche.spec.compile import compile_model
from stemniche.spec.modelfile import to_json
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario


@pytest.fixture
def run(filled: Store) -> Run:
    return open_run(Path(filled.where).parent)


def test_a_run_opens_by_its_folder_and_by_its_store(filled: Store) -> None:
    folder = Path(filled.where).parent
    for path in (folder, str(folder), folder / "run.zarr"):
        opened = open_run(path)
        assert opened.folder == folder
        assert opened.status == "done"
        pd.testing.assert_frame_equal(opened.table, open_run(folder).table)


def test_a_folder_without_a_run_says_what_to_give(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(StoreError, match=r"There is no run to open") as caught:
            open_run(path)
        assert "run.zarr" in caught.value.mend


def test_the_table_has_a_row_per_sample_and_its_times_are_days(run: Run) -> None:
    assert list(run.table.columns) == ["time_d", "tumour_cells", "csc_fraction"]
    np.testing.assert_array_equal(run.table["time_d"], run.times)
    np.testing.assert_array_equal(run.times, [0.0, 0.5, 1.0])
    table = run.table
    table.loc[0, "tumour_cells"] = -1.0
    assert run.table.loc[0, "tumour_cells"] > 0


def test_cells_come_with_words_for_codes_and_places_in_um(run: Run, made_up: ModuleType) -> None:
    _, cells, _ = made_up.sample(1)
    found = run.cells(day=0.5)
    assert found.shape == (21, 4)
    assert list(found.var_names) == list(made_up.NODES)
    np.testing.assert_array_equal(found.X, cells["nodes"].T)
    np.testing.assert_array_equal(found.obsm["spatial"], np.stack([cells["x"], cells["y"]], 1))
    types = ["CSC", "progenitor", "M1"]
    assert list(found.obs["type"]) == [types[code] for code in cells["type"]]
    assert list(found.obs["type"].cat.categories) == types
    assert found.obs_names[0] == f"{cells['key'][0]:016x}"
    assert found.obs["parent"].iloc[0] == f"{cells['parent'][0]:016x}"
    np.testing.assert_array_equal(found.obs["growth"], cells["extra.growth"])
    assert {"state", "phase", "clone", "radius", "stemness", "damage"} <= set(found.obs)
    assert found.uns["stemniche"]["run"] == run.fingerprint
    assert found.uns["stemniche"]["fingerprints"]["scenario"] == "dd"


def test_cells_of_a_block_of_tissue_have_three_coordinates(made_up: ModuleType) -> None:
    store = Store.create(None, made_up.header())
    store.append_sample(0, *made_up.sample(0, grid=(3, 4, 5)))
    assert Run(store).cells(day=0).obsm["spatial"].shape == (20, 3)


def test_cells_may_all_be_gone(made_up: ModuleType) -> None:
    store = Store.create(None, made_up.header())
    store.append_sample(0, *made_up.sample(0, cells=0))
    assert Run(store).cells(day=0).shape == (0, 4)


def test_a_field_knows_its_unit_and_where_its_voxels_are(run: Run, made_up: ModuleType) -> None:
    field = run.field("CXCL8", day=1)
    assert field.dims == ("z", "y", "x")
    assert field.attrs["units"] == "nM"
    assert field.name == "CXCL8"
    np.testing.assert_array_equal(field.values, made_up.sample(2)[2]["CXCL8"])
    np.testing.assert_array_equal(field.coords["x"], [10, 30, 50, 70])
    assert field.coords["x"].attrs["units"] == "um"


def test_a_factor_is_found_by_other_spellings(run: Run) -> None:
    assert run.field("il-6", day=0).name == "IL6"
    assert run.field("IL-8", day=0).name == "CXCL8"


def test_an_unknown_factor_is_answered_with_the_nearest(run: Run) -> None:
    with pytest.raises(InputError, match="no factor 'CXCL88'") as caught:
        run.field("CXCL88", day=0)
    assert "CXCL8" in caught.value.mend


def test_a_day_must_be_a_sample_time(run: Run) -> None:
    assert run.cells(day=0.5 + 9e-7).n_obs == run.cells(day=0.5).n_obs
    with pytest.raises(InputError, match=r"no sample at day 0\.6") as caught:
        run.cells(day=0.6)
    assert caught.value.mend == "The nearest sample is at day 0.5."
    for odd in (float("nan"), "soon", None):
        with pytest.raises(InputError, match="Give a day from 0 to 1"):
            run.field("IL6", day=odd)  # type: ignore[arg-type]


def test_a_run_without_samples_says_so(made_up: ModuleType) -> None:
    run = Run(Store.create(None, made_up.header()))
    assert run.table.shape == (0, 1)
    assert "no samples" in repr(run)
    with pytest.raises(InputError, match="no samples yet"):
        run.cells(day=0)


def test_events_tell_what_happened_and_when(run: Run) -> None:
    assert [(e.time_s, e.kind) for e in run.events] == [(3600, "therapy")]


def test_the_fingerprint_follows_content_and_seed_not_the_place(made_up: ModuleType) -> None:
    def mark(**changes: object) -> str:
        return Run(Store.create(None, made_up.header(**changes))).fingerprint

    assert mark() == mark(scenario={"days": 9.0})
    assert len({mark(), mark(seed=8), mark(fingerprints=dict.fromkeys(
        ("model", "evidence", "library", "scenario"), "x"))}) == 3  # fmt: skip


def test_a_saved_table_keeps_every_digit(run: Run, tmp_path: Path) -> None:
    read = pd.read_csv(run.save_table(tmp_path / "table.csv"), float_precision="round_trip")
    pd.testing.assert_frame_equal(read, run.table, check_exact=True)
    with pytest.raises(InputError, match="cannot be written"):
        run.save_table(tmp_path / "absent" / "table.csv")


def test_what_is_stored_depends_neither_on_the_clock_nor_on_the_host(
    made_up: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> object:
        store = Store.create(None, made_up.header())
        made_up.simulate(store, last=4)
        return store.objects

    before = stored()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    for module, name in ((socket, "gethostname"), (platform, "node")):
        monkeypatch.setattr(module, name, lambda: "elsewhere")
    assert vars(stored()) == vars(before)


def test_model_and_scenario_come_back_equal(made_up: ModuleType) -> None:
    scenario = load_scenario("breast_quick").change({"tumour.csc_fraction": 0.1, "days": 3})
    model = compile_model(read_library(), scenario)
    header = made_up.header(name=scenario.name, scenario=scenario.resolved(), model=to_json(model))
    run = Run(Store.create(None, header))
    assert run.model == model
    assert replace(run.scenario, source=scenario.source) == scenario
    assert run.scenario.name == "breast_quick"
    assert run.scenario.fingerprint == scenario.fingerprint


def test_a_forged_model_or_scenario_is_an_input_error(made_up: ModuleType) -> None:
    for scenario in ({"extends": "breast"}, {"cancer": ["x"]}, {}):
        run = Run(Store.create(None, made_up.header(scenario=scenario)))
        with pytest.raises(InputError):
            run.scenario  # noqa: B018
        with pytest.raises(InputError):
            run.model  # noqa: B018
