"""The crash-safe store of a run: whatever happens, it opens, and it never shows half a sample.

`simulate` appends samples and checkpoints; `Run` reads them through `Store.reader`. Per sample only
new objects are written and flushed; then the small ``commit.json``, which names and checks
everything before it, is replaced. Readers trust that file alone, and resuming removes what lies
beyond it. The same code serves a folder and memory; `layout` says where things lie. The store knows
nothing of biology: names, units and meaning are in the header and with its callers.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from stemniche.core.errors import GuardError, StoreError
from stemniche.run import chunks, layout
from stemniche.run.chunks import Array
from stemniche.run.header import read_header
from stemniche.run.objects import FolderObjects, MemoryObjects, Objects
from stemniche.run.reader import Reader, read_own
from stemniche.run.records import (
    MOST_RECORD,
    Commit,
    Header,
    Note,
    Sample,
    Status,
    Sum,
    damaged,
    plain,
    read_commit,
)

KEPT_CHECKPOINTS = 2
_DRAFT = f"{layout.STORE_NAME}.part"


@final
class Store:
    """Samples, checkpoints and notes of one run; make it with `create` or `open`.

    Args:
        objects: Where the bytes live.
        commit: The last commit.
        header: What the run is.
    """

    def __init__(self, objects: Objects, commit: Commit, header: Header) -> None:
        self.objects = objects
        self.reader = Reader(objects, commit, header)
        self._header = header
        self._pending: list[Note] = list(commit.notes)
        self._known = {commit.to_bytes()}

    @classmethod
    def create(cls, folder: Path | None, header: Mapping[str, Any]) -> "Store":
        """Start an empty store, in `folder`/run.zarr or, without a folder, in memory.

        The store appears under its name only when it is complete, so that one that exists opens.

        Args:
            folder: Exists already.
            header: As made by `make_header`.

        Raises:
            StoreError: The folder holds a store already, or the header lacks something.
            GuardError: The disk is full or cannot be written; no store is left behind.
        """
        where = "memory" if folder is None else str(folder / layout.STORE_NAME)
        record = read_header(plain(header), where)
        if folder is None:
            memory = MemoryObjects()
            return cls(memory, _begin(memory, record), record)
        if (folder / layout.STORE_NAME).exists():
            raise StoreError(
                "A run is stored there already.", where, "Choose another folder, or resume the run."
            )
        outer = FolderObjects(folder)
        outer.remove(_DRAFT)
        try:
            outer.make_folder(_DRAFT)
            commit = _begin(FolderObjects(folder / _DRAFT), record)
            outer.rename(_DRAFT, layout.STORE_NAME)
        except BaseException:
            outer.remove(_DRAFT)
            raise
        return cls(FolderObjects(folder / layout.STORE_NAME), commit, record)

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open the store in a run folder, or the store itself; nothing is changed.

        Raises:
            StoreError: There is none, or it is damaged.
        """
        root = find_store(path)
        objects = FolderObjects(root)
        data = objects.get(layout.COMMIT, MOST_RECORD)
        commit = read_commit(data, f"{root}/{layout.COMMIT}")
        where = f"{root}/{layout.HEADER}"
        document = objects.get(layout.HEADER, MOST_RECORD)
        if Sum.of(document) != commit.header:
            raise damaged(where, "its checksum does not fit")
        return cls(objects, commit, read_header(read_own(document, where), where))

    @property
    def commit(self) -> Commit:
        """What is committed."""
        return self.reader.commit

    @property
    def header(self) -> Header:
        """What the run is; its scenario is the one in force."""
        scenario = self.commit.scenario
        return self._header if scenario is None else replace(self._header, scenario=scenario)

    @property
    def where(self) -> str:
        """How the store is called in messages."""
        return self.objects.where

    @property
    def times_s(self) -> tuple[int, ...]:
        """Seconds of the samples, ascending."""
        return tuple(time for time, _ in self.commit.samples)

    @property
    def notes(self) -> list[Note]:
        """What happened so far, in order."""
        kept = self.reader.notes()
        return [*kept[: len(kept) - len(self.commit.notes)], *self._pending]

    def append_sample(
        self,
        time_s: int,
        row: Mapping[str, float],
        cells: Mapping[str, Array],
        fields: Mapping[str, Array],
    ) -> None:
        """Record one time; when this returns, it is on the disk.

        Args:
            time_s: Simulated second, later than the last sample.
            row: The table's row; `time_d` is put in front. Every row has the same names.
            cells: Columns ``[cells]`` by name, and ``nodes`` ``[nodes, cells]``.
            fields: ``[z, y, x]`` by name: all factors and maps of the header, of one shape.

        Raises:
            ValueError: Times, names or shapes do not fit what is there (a fault of the caller).
            GuardError: The disk is full or cannot be written; earlier samples are kept.
        """
        number = len(self.commit.samples)
        if number and time_s <= self.times_s[-1]:
            raise ValueError(f"sample at {time_s} s, but one at {self.times_s[-1]} s exists")
        notes = tuple(self._pending)
        sample, objects = layout.encode_sample(
            self._header, number, time_s, row, cells, fields, notes
        )
        first = self.reader.sample(0) if number else sample
        _check_like_first(sample, first)
        record = chunks.group_document({layout.KEY: sample})
        self._put_all(
            {**objects, layout.record_path(number): record},
            (*objects, layout.cells_path(number)),
        )
        samples = (*self.commit.samples, (time_s, Sum.of(record)))
        self._write_commit(
            replace(self.commit, samples=samples, notes=(), status="running", reason="")
        )
        self._pending.clear()
        self._describe_series(first)

    def write_checkpoint(self, time_s: int, state: Mapping[str, Any]) -> None:
        """Keep a state to continue from; the last two are kept.

        Resuming keeps the samples that were there when the checkpoint was written, so a sample of
        the same time belongs before it. The state must be whole: never write one in mid-step.

        Args:
            time_s: Simulated second, not before the last sample or checkpoint.
            state: Arrays of plain numbers, bytes or JSON data by name.

        Raises:
            TypeError: A value is none of these.
            ValueError: The time lies before what is there.
            GuardError: The disk is full or cannot be written; the checkpoints before are kept.
        """
        earlier = self.commit.checkpoints
        last = max([*self.times_s[-1:], *(time for _, time, _ in earlier[-1:])], default=time_s)
        if time_s < last:
            raise ValueError(f"checkpoint at {time_s} s, but the run is at {last} s")
        serial = 1 + max((number for number, _, _ in earlier), default=-1)
        path = f"checkpoints/{serial}"
        samples, notes = len(self.commit.samples), tuple(self._pending)
        record, objects = layout.encode_checkpoint(path, time_s, samples, state, notes)
        self._put_all({**objects, f"{path}/zarr.json": record}, (path,))
        kept = (*earlier, (serial, time_s, Sum.of(record)))
        self._write_commit(replace(self.commit, checkpoints=kept[-KEPT_CHECKPOINTS:]))
        for number, _, _ in kept[:-KEPT_CHECKPOINTS]:
            self.objects.remove(f"checkpoints/{number}")

    def log(self, text: str, *, kind: str = "note", time_s: int | None = None) -> None:
        """Note that something happened; kept with the next sample, checkpoint or `finish`."""
        self._pending.append(Note(time_s=time_s, kind=kind, text=text))

    def finish(self, status: Status, reason: str = "") -> None:
        """Record how the run ended.

        Raises:
            GuardError: It cannot be written; the run then still counts as running.
        """
        notes = tuple(self._pending)
        self._write_commit(replace(self.commit, status=status, reason=reason, notes=notes))

    def lengthen(self, scenario: Mapping[str, Any]) -> None:
        """Put another scenario in force, one that differs in how long and how often only.

        Raises:
            GuardError: It cannot be written.
        """
        self._write_commit(replace(self.commit, scenario=plain(scenario)))

    def resume(self) -> tuple[int, dict[str, Any]] | None:
        """Return to the newest checkpoint, removing all that came after it.

        Returns:
            Its second and state, or None when there is no checkpoint: the store is empty then, and
            the run starts from the beginning.

        Raises:
            StoreError: There are checkpoints but none can be read; the store is left as it is.
            GuardError: The disk cannot be written.
        """
        found = self.reader.newest_checkpoint()
        serial, kept, notes = (
            (-1, 0, ()) if found is None else (found[0], found[1].samples, found[1].notes)
        )
        self._write_commit(
            replace(
                self.commit,
                samples=self.commit.samples[:kept],
                checkpoints=tuple(c for c in self.commit.checkpoints if c[0] <= serial),
                notes=(),
                status="running",
                reason="",
            )
        )
        self._pending = list(notes)
        self.truncate_uncommitted()
        return None if found is None else (found[1].time_s, found[2])

    def truncate_uncommitted(self) -> None:
        """Remove everything the commit does not name."""
        numbers = set(range(len(self.commit.samples)))
        serials = {number for number, _, _ in self.commit.checkpoints}
        named = {"table": numbers, "fields": numbers, "cells": numbers, "checkpoints": serials}
        for folder, kept in named.items():
            for name in self.objects.names(folder):
                number = layout.number_of(folder, name)
                if number is not None and number not in kept:
                    self.objects.remove(f"{folder}/{name}")
        for path in (layout.COMMIT, "table/zarr.json", "fields/zarr.json"):
            self.objects.remove(f"{path}.part")
        if numbers:
            self._describe_series(self.reader.sample(0))

    def _put_all(self, objects: Mapping[str, bytes], undo: tuple[str, ...]) -> None:
        """Write new objects durably, or none of them."""
        for path in undo:  # left by an append that was cut short
            self.objects.remove(path)
        try:
            for path, data in objects.items():
                self.objects.put(path, data)
            self.objects.sync()
        except BaseException:
            for path in undo:
                self.objects.remove(path)
            raise

    def _write_commit(self, commit: Commit) -> None:
        """Replace the commit, unless somebody else did so since we last read or wrote it."""
        data = commit.to_bytes()
        if self.objects.get(layout.COMMIT, MOST_RECORD) not in self._known:
            raise GuardError(
                "Another process has written to this run.",
                self.where,
                "Let only one process write to a run; open it again to see its present state.",
            )
        # Both count as ours from here on: an interrupt may come before or after the exchange.
        self._known = {self.commit.to_bytes(), data}
        self.objects.replace(layout.COMMIT, data)
        self.reader.commit = commit

    def _describe_series(self, first: Sample) -> None:
        """Bring the zarr documents of table and fields to the committed length.

        They serve other programs; nothing here reads them, so they may lag behind after a crash.
        """
        count = len(self.commit.samples)
        for path, document in layout.series_documents(self._header, first, count).items():
            self.objects.replace(path, document, durably=False)


def find_store(path: Path) -> Path:
    """Return the store of a run folder, or the path itself if it is one.

    Raises:
        StoreError: There is none.
    """
    for root in (path / layout.STORE_NAME, path):
        if (root / layout.COMMIT).is_file():
            return root
    raise StoreError(
        "There is no run to open.",
        str(path),
        f"Give the folder that contains {layout.STORE_NAME}.",
    )


def holds_run(folder: Path) -> bool:
    """Whether a run was begun in a folder."""
    return (folder / layout.STORE_NAME / layout.COMMIT).is_file()


def remove_draft(folder: Path) -> None:
    """Remove a store that was never finished being created, if there is one."""
    FolderObjects(folder).remove(_DRAFT)


def _begin(objects: Objects, header: Header) -> Commit:
    """Write an empty store: documents first, then its first commit."""
    root = chunks.group_document({layout.KEY: header})
    objects.put(layout.HEADER, root)
    for name in ("cells", "checkpoints"):
        objects.put(f"{name}/zarr.json", chunks.group_document({}))
    objects.sync()
    commit = Commit(header=Sum.of(root))
    objects.replace(layout.COMMIT, commit.to_bytes())
    return commit


def _check_like_first(sample: Sample, first: Sample) -> None:
    """Refuse a sample whose table or grid differs from the first sample's."""
    if sample.columns != first.columns:
        odd = sorted(set(first.columns).symmetric_difference(sample.columns))
        raise ValueError(f"table columns changed: {odd or 'another order'}")
    if sample.grid != first.grid:
        raise ValueError(f"fields of shape {sample.grid}, but the run has {first.grid}")
