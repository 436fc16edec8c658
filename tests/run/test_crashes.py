"""Whatever kills a run or damages its files: the store opens or says why not, and resumes."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from zlib import crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stemniche.core.errors import GuardError, StoreError
from stemniche.run import layout, objects
from stemniche.run.chunks import pack_shard, unpack_shard
from stemniche.run.records import Commit, Sum
from stemniche.run.results import open_run
from stemniche.run.store import Store, holds_run

HALF_DAY = 43200
PROGRAM = Path(__file__).with_name("made_up_run.py")
SOURCE = str(Path(objects.__file__).parents[2])


def start(folder: Path, **more: object) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder)],
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,  # type: ignore[call-overload]
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def check_whole(folder: Path, made_up: ModuleType) -> int:
    """Every committed sample is exactly what it should be; return how many there are."""
    run = open_run(folder)
    _, rows = run.store.reader.table()
    for number in range(len(run.times)):
        row, cells, fields = made_up.sample(number)
        assert list(rows[number]) == [number / 2, *row.values()]
        found = run.store.reader.cells(number)
        assert all(np.array_equal(found[name], cells[name]) for name in cells)
        assert np.array_equal(run.store.reader.field("IL6", number), fields["IL6"])
    return len(run.times)


def test_a_run_killed_again_and_again_ends_with_the_bytes_of_one_never_killed(
    tmp_path: Path, made_up: ModuleType, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    """Kills fall at random moments of writing, resuming and, early on, creating."""
    dice, seen = random.Random(3), []
    for attempt in range(5):
        process = start(tmp_path)
        while attempt and not holds_run(tmp_path):
            time.sleep(0.001)
        time.sleep(dice.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if holds_run(tmp_path):
            seen.append(check_whole(tmp_path, made_up))
    last = start(tmp_path)
    assert last.communicate()[1] == ""
    assert last.returncode == 0
    assert check_whole(tmp_path, made_up) == made_up.LAST
    assert len(seen) >= 4
    whole = Store.create(None, made_up.header())
    made_up.simulate(whole)
    assert bytes_below(tmp_path / "run.zarr") == whole.objects.content  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["table/c.3.0", "cells/000003/zarr.json", "commit.json.part"])
@pytest.mark.parametrize("room", [0, 10])
def test_a_disk_that_fills_up_stops_the_run_and_keeps_what_was_there(
    filled: Store, made_up: ModuleType, monkeypatch: pytest.MonkeyPatch, path: str, room: int
) -> None:
    write = objects._write

    def full(target: Path, data: bytes) -> None:
        if target.as_posix().endswith(path):
            target.write_bytes(data[:room])
            raise OSError(28, "No space left on device")
        write(target, data)

    with monkeypatch.context() as patch:
        patch.setattr(objects, "_write", full)
        with pytest.raises(GuardError, match="no room left") as caught:
            made_up.fill(filled, 1, start=3)
    assert "resume" in caught.value.mend
    folder = Path(filled.where).parent
    assert check_whole(folder, made_up) == 3
    again = Store.open(folder)
    assert again.resume() is not None
    made_up.fill(again, 2, start=3)
    assert check_whole(folder, made_up) == 5


def test_a_file_that_may_not_grow_is_told_as_a_lack_of_room(
    tmp_path: Path, made_up: ModuleType
) -> None:
    """The system's own limit, rather than a pretended one."""

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2200, 2200))

    process = start(tmp_path, preexec_fn=small_files)
    _, words = process.communicate()
    assert process.returncode == 1
    assert "There is no room left to write the run (File too large)" in words
    kept = check_whole(tmp_path, made_up)
    assert kept > 3
    store, following = made_up.start_or_resume(tmp_path)
    made_up.simulate(store, following, last=kept + 2)
    assert check_whole(tmp_path, made_up) == kept + 2


def test_a_store_that_cannot_be_begun_leaves_nothing(
    tmp_path: Path, made_up: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(objects, "_write", full)
    with pytest.raises(GuardError):
        Store.create(tmp_path, made_up.header())
    assert not list(tmp_path.iterdir())


def test_a_half_written_sample_is_invisible_and_truncated(
    filled: Store, made_up: ModuleType, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    root = Path(filled.where)
    filled.resume()
    before = bytes_below(root)
    (root / "cells/000003/nodes").mkdir(parents=True)
    for path in ("table/c.3.0", "fields/c.3.0.0.0.0", "cells/000003/nodes/c.0.0",
                 "commit.json.part", "checkpoints/9"):  # fmt: skip
        (root / path).write_bytes(b"half")
    store = Store.open(root)
    assert check_whole(root, made_up) == 3
    store.truncate_uncommitted()
    assert bytes_below(root) == before


def test_the_checkpoint_before_serves_when_the_last_is_damaged(
    filled: Store, made_up: ModuleType
) -> None:
    made_up.fill(filled, 1, start=3)
    filled.write_checkpoint(3 * HALF_DAY, {"tick": 360})
    root = Path(filled.where)
    (root / "checkpoints/1/state/c.0").write_bytes(b"")
    found = Store.open(root).resume()
    assert found is not None
    assert (found[0], found[1]["tick"]) == (2 * HALF_DAY, 240)
    (root / "checkpoints/0/zarr.json").unlink()
    with pytest.raises(StoreError):
        Store.open(root).resume()
    assert check_whole(root, made_up) == 3


def read_everything(path: Path) -> None:
    """All that a user can ask of a run."""
    run = open_run(path)
    assert run.table.shape[0] == len(run.times)
    assert repr(run)
    assert run.fingerprint
    run.events  # noqa: B018
    for day in run.times:
        run.cells(day)
        for factor in run.header.factors:
            run.field(factor, day)
    run.store.reader.newest_checkpoint()


def test_a_damaged_store_is_read_as_it_was_or_refused_in_words(
    filled: Store, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    """Flipped, cut off, lengthened, emptied and removed files, anywhere."""
    root, dice = Path(filled.where), random.Random(1)
    read_everything(root)
    faults = []
    for path, data in sorted(bytes_below(root).items()):
        at = dice.randrange(max(1, len(data)))
        flipped = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
        for bad in dice.sample([flipped, data[:at], data + b"x", b"", None], 3):
            (root / path).unlink() if bad is None else (root / path).write_bytes(bad)
            try:
                read_everything(root)
            except StoreError as fault:
                faults.append(fault)
            (root / path).write_bytes(data)
    assert len(faults) > 50
    assert all(fault.where and fault.mend for fault in faults)
    read_everything(root)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def spoil(found: object, dice: random.Random, value: object) -> object:
    """A copy of JSON data with one place, chosen at random, holding something else."""
    if isinstance(found, dict) and found and dice.random() < 0.9:
        key = dice.choice(sorted(found))
        return {**found, key: spoil(found[key], dice, value)}
    if isinstance(found, list) and found and dice.random() < 0.9:
        at = dice.randrange(len(found))
        return [*found[:at], spoil(found[at], dice, value), *found[at + 1 :]]
    return value


def forge(root: Path, kind: str, dice: random.Random, value: object) -> None:
    """Spoil a record and mend all sums above it, as somebody hostile would."""
    store = Store.open(root)
    commit = store.commit
    path = {"header": "zarr.json", "sample": layout.record_path(1),
            "checkpoint": "checkpoints/0/zarr.json", "commit": "commit.json"}[kind]  # fmt: skip
    found = json.loads((root / path).read_bytes())
    if kind == "commit":
        found.pop("checksum")
        body = spoil(found, dice, value)
        if isinstance(body, dict):
            from stemniche.run.records import _checksum

            body["checksum"] = _checksum(body)
        (root / path).write_text(json.dumps(body))
        return
    found["attributes"]["stemniche"] = spoil(found["attributes"]["stemniche"], dice, value)
    data = json.dumps(found).encode()
    (root / path).write_bytes(data)
    if kind == "header":
        commit = replace(commit, header=Sum.of(data))
    elif kind == "sample":
        first, (second, _), *rest = commit.samples
        commit = replace(commit, samples=(first, (second, Sum.of(data)), *rest))
    else:
        ((serial, second, _),) = commit.checkpoints
        commit = replace(commit, checkpoints=((serial, second, Sum.of(data)),))
    (root / "commit.json").write_bytes(commit.to_bytes())


@pytest.mark.parametrize("kind", ["header", "sample", "checkpoint", "commit"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), value=JSON)
def test_a_forged_record_never_gives_more_than_a_clean_error(
    filled: Store, kind: str, seed: int, value: object
) -> None:
    root = Path(filled.where)
    records = ("zarr.json", "commit.json", layout.record_path(1), "checkpoints/0/zarr.json")
    keep = {path: (root / path).read_bytes() for path in records}
    try:
        forge(root, kind, random.Random(seed), value)
        with suppress(StoreError):
            read_everything(root)
    finally:
        for path, data in keep.items():
            (root / path).write_bytes(data)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 8))
def test_a_forged_shard_never_gives_more_than_a_clean_error(seed: int, changes: int) -> None:
    dice = random.Random(seed)
    data = bytearray(pack_shard([np.arange(50, dtype=np.float32)] * 3))
    for _ in range(changes):
        data[dice.randrange(len(data))] = dice.randrange(256)
    cut = bytes(data[: dice.choice([len(data), dice.randrange(len(data))])])
    with suppress(StoreError):
        assert unpack_shard(cut, 3, (50,), "float32", where="here").shape == (3, 50)


def test_a_small_file_that_would_fill_the_memory_is_refused(filled: Store) -> None:
    """A record that claims a trillion cells costs nothing to refuse."""
    root = Path(filled.where)
    path = root / layout.record_path(1)
    found = json.loads(path.read_bytes())
    found["attributes"]["stemniche"]["cells"] = 10**12
    path.write_text(json.dumps(found))
    commit = filled.commit
    samples = list(commit.samples)
    samples[1] = (samples[1][0], Sum.of(path.read_bytes()))
    (root / "commit.json").write_bytes(replace(commit, samples=tuple(samples)).to_bytes())
    with pytest.raises(StoreError, match="another size"):
        open_run(root).cells(0.5)


def test_a_link_that_leads_out_of_the_store_is_neither_read_nor_removed(
    filled: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "000007").mkdir()
    (outside / "000007" / "precious").write_text("keep")
    root = Path(filled.where)
    (root / "cells").rename(outside / "cells")
    (root / "cells").symlink_to(outside, target_is_directory=True)
    with pytest.raises(StoreError, match="leads out"):
        open_run(root).cells(0)
    store = Store.open(root)
    with pytest.raises(StoreError, match="leads out"):
        store.resume()
    assert (outside / "000007" / "precious").read_text() == "keep"


def test_a_store_of_a_newer_format_says_so(filled: Store) -> None:
    root = Path(filled.where)
    (root / "commit.json").write_bytes(replace(filled.commit, format=2).to_bytes())
    with pytest.raises(StoreError, match="format 2, this program reads 1"):
        Store.open(root)


def test_a_commit_is_small() -> None:
    """A year of samples every six hours still fits a few disk blocks."""
    marks = tuple((i * 21600, Sum(5000, crc32(bytes(i)))) for i in range(1460))
    assert len(Commit(header=Sum(1, 1), samples=marks).to_bytes()) < 100_000
