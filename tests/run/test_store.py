"""What is appended is kept bit for bit, in a folder as in memory, and zarr reads it too."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from stemniche.core.errors import GuardError, StoreError
from stemniche.run.chunks import DTYPES, pack_shard
from stemniche.run.objects import MemoryObjects
from stemniche.run.state_blob import pack_state, unpack_state
from stemniche.run.store import Store

HALF_DAY = 43200


def test_a_sample_is_read_back_bit_for_bit(empty: Store, made_up: ModuleType) -> None:
    made_up.fill(empty, 3)
    for number in range(3):
        _, cells, fields = made_up.sample(number)
        found = empty.reader.cells(number)
        assert found.keys() == cells.keys()
        for name, column in cells.items():
            np.testing.assert_array_equal(found[name], column, strict=True)
        for name, field in fields.items():
            np.testing.assert_array_equal(empty.reader.field(name, number), field, strict=True)


def test_the_table_has_one_row_per_sample_and_time_comes_first(
    empty: Store, made_up: ModuleType
) -> None:
    columns, rows = made_up.fill(empty, 4).reader.table()
    assert columns == ("time_d", "tumour_cells", "csc_fraction")
    np.testing.assert_array_equal(rows[:, 0], [0, 0.5, 1, 1.5])
    np.testing.assert_array_equal(
        rows[:, 2], [made_up.sample(i)[0]["csc_fraction"] for i in range(4)]
    )


def test_a_run_without_a_folder_writes_the_same_bytes(
    tmp_path: Path, made_up: ModuleType, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    on_disk, in_memory = (
        Store.create(tmp_path, made_up.header()),
        Store.create(None, made_up.header()),
    )
    for store in (on_disk, in_memory):
        made_up.simulate(store, last=5)
    assert isinstance(in_memory.objects, MemoryObjects)
    assert bytes_below(tmp_path / "run.zarr") == in_memory.objects.content


def test_zarr_reads_table_fields_and_cells(filled: Store, made_up: ModuleType) -> None:
    root = zarr.open_group(filled.where, mode="r")
    rows, fields = root["table"], root["fields"]
    np.testing.assert_array_equal(rows[:], filled.reader.table()[1])
    assert rows.attrs["columns"] == ["time_d", "tumour_cells", "csc_fraction"]
    assert fields.metadata.dimension_names == ("time", "factor", "z", "y", "x")
    where = fields.attrs["factors"].index("IL6")
    np.testing.assert_array_equal(fields[2, where], made_up.sample(2)[2]["IL6"])
    for name in ("nodes", "float32", "float64", "uint8", "uint32", "uint64"):
        array = root[f"cells/000001/{name}"]
        expected = made_up.sample(1)[1]
        for i, column in enumerate(array.attrs["columns"]):
            wanted = expected["nodes"][i] if name == "nodes" else expected[column]
            np.testing.assert_array_equal(array[i], wanted)
    assert root.attrs["stemniche"]["seed"] == 7
    assert len(root["checkpoints/0/state"][:]) == len(
        pack_state({"level": np.arange(5.0), "tick": 240})[0]
    )


def test_zarr_reads_a_store_in_memory(made_up: ModuleType) -> None:
    store = made_up.fill(Store.create(None, made_up.header()), 2)
    assert isinstance(store.objects, MemoryObjects)
    from zarr.core.buffer.cpu import Buffer

    content = {path: Buffer.from_bytes(data) for path, data in store.objects.content.items()}
    root = zarr.open_group(zarr.storage.MemoryStore(content), mode="r")
    np.testing.assert_array_equal(root["table"][:], store.reader.table()[1])


def test_a_tissue_may_lose_all_its_cells(empty: Store, made_up: ModuleType) -> None:
    empty.append_sample(0, *made_up.sample(0, cells=0))
    cells = empty.reader.cells(0)
    assert cells["nodes"].shape == (4, 0)
    assert cells["key"].dtype == np.uint64


def test_an_opened_store_says_what_the_run_is(filled: Store) -> None:
    store = Store.open(Path(filled.where).parent)
    assert store.header == filled.header
    assert store.header.types == ("CSC", "progenitor", "M1")
    assert "numpy" in store.header.versions
    assert len(store.header.cpu) > 1
    assert store.times_s == (0, HALF_DAY, 2 * HALF_DAY)
    assert store.commit.status == "done"


def test_a_header_without_a_fingerprint_is_refused(made_up: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="evidence"):
        Store.create(
            tmp_path, made_up.header(fingerprints={"model": "a", "library": "b", "scenario": "c"})
        )
    assert not list(tmp_path.iterdir())


def test_a_store_is_never_written_over(filled: Store, made_up: ModuleType) -> None:
    with pytest.raises(StoreError, match="stored there already"):
        Store.create(Path(filled.where).parent, made_up.header())


def test_a_row_with_other_columns_is_a_fault_of_the_caller(
    empty: Store, made_up: ModuleType
) -> None:
    made_up.fill(empty, 1)
    row, cells, fields = made_up.sample(1)
    with pytest.raises(ValueError, match="m2_fraction"):
        empty.append_sample(HALF_DAY, {**row, "m2_fraction": 0.1}, cells, fields)
    with pytest.raises(ValueError, match="exists"):
        empty.append_sample(0, row, cells, fields)
    assert empty.times_s == (0,)
    made_up.fill(empty, 1, start=1)
    assert empty.times_s == (0, HALF_DAY)


def test_notes_stay_in_order_through_samples_checkpoints_and_the_end(
    empty: Store, made_up: ModuleType
) -> None:
    empty.log("first")
    made_up.fill(empty, 1)
    empty.log("second", kind="therapy", time_s=9)
    empty.write_checkpoint(0, {})
    made_up.fill(empty, 1, start=1)
    empty.log("third")
    empty.finish("stopped", "the domain is full")
    assert [note.text for note in empty.notes] == ["first", "second", "third"]
    assert empty.notes == empty.reader.notes()
    assert empty.commit.reason == "the domain is full"


def test_a_checkpoint_keeps_types_and_bits_and_the_last_two_are_kept(empty: Store) -> None:
    dice = np.random.default_rng(0)
    state = {t: np.frombuffer(dice.bytes(24), t).reshape(1, -1) for t in DTYPES - {"bool"}}
    state["bool"] = np.array([True, False])
    state["empty"] = np.empty((0, 3), np.int16)
    state["plan"] = {"doses": [1.5, 2**63], "name": "x", "none": None}
    state["raw"] = b"\x00\xff"
    for time in (0, 60, 120):
        empty.write_checkpoint(time, {"time": time, **state})
    assert len(empty.commit.checkpoints) == 2
    assert len(empty.objects.names("checkpoints")) == 3  # two of them and the document
    found = empty.resume()
    assert found is not None
    assert found[0] == found[1].pop("time") == 120
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            assert found[1][name].tobytes() == value.tobytes()
            assert (found[1][name].dtype, found[1][name].shape) == (value.dtype, value.shape)
        else:
            assert found[1][name] == value


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5),
        npst.arrays(st.sampled_from(sorted(DTYPES)), npst.array_shapes(max_side=3, min_side=0))
        | st.binary(max_size=9)
        | st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=4),
    )
)
def test_any_state_survives_the_trip_through_bytes(state: dict[str, object]) -> None:
    blob, parts = pack_state(state)
    for name, value in unpack_state(blob, parts, "here").items():
        np.testing.assert_equal(value, state[name])


def test_a_state_that_would_need_pickle_is_refused(empty: Store) -> None:
    for value in (np.array([object()]), object(), {1, 2}):
        with pytest.raises(TypeError):
            empty.write_checkpoint(0, {"bad": value})


def test_resuming_drops_what_came_after_the_checkpoint(filled: Store, made_up: ModuleType) -> None:
    made_up.fill(filled, 2, start=3)
    filled.log("too late")
    again = Store.open(Path(filled.where))
    found = again.resume()
    assert found is not None
    assert found[0] == 2 * HALF_DAY
    np.testing.assert_array_equal(found[1]["level"], np.arange(5.0))
    assert again.times_s == (0, HALF_DAY, 2 * HALF_DAY)
    assert again.commit.status == "running"
    assert "000003" not in again.objects.names("cells")
    assert zarr.open_group(again.where, mode="r")["table"].shape == (3, 3)


def test_a_sample_of_the_checkpoints_time_but_after_it_is_dropped(
    empty: Store, made_up: ModuleType
) -> None:
    """Preparation is checkpointed at day 0, before the first sample."""
    empty.write_checkpoint(0, {"prepared": False})
    made_up.fill(empty, 1)
    assert empty.resume() == (0, {"prepared": False})
    assert empty.times_s == ()


def test_without_a_checkpoint_a_resumed_run_starts_from_nothing(
    empty: Store, made_up: ModuleType
) -> None:
    made_up.fill(empty, 2)
    assert empty.resume() is None
    assert empty.times_s == ()
    made_up.fill(empty, 1)
    assert empty.times_s == (0,)


def test_a_longer_scenario_replaces_the_one_in_force(filled: Store) -> None:
    filled.lengthen({"cancer": "breast", "days": 30.0})
    store = Store.open(Path(filled.where))
    assert store.header.scenario["days"] == 30.0
    assert store.header.fingerprints == filled.header.fingerprints


def test_two_writers_of_one_run_are_noticed(filled: Store, made_up: ModuleType) -> None:
    other = Store.open(Path(filled.where))
    other.finish("interrupted")
    with pytest.raises(GuardError, match="Another process"):
        made_up.fill(filled, 1, start=3)
    assert len(Store.open(Path(filled.where)).times_s) == 3


def test_equal_arrays_have_equal_bytes() -> None:
    """A compressor with several threads would write its blocks in the order they finish."""
    dice = np.random.default_rng(2)
    state = np.concatenate([dice.integers(0, 5, 200_000), np.zeros(50_000, np.int64)])
    assert len({pack_shard([state]) for _ in range(50)}) == 1
