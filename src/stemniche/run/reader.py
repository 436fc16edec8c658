"""Reading a store, starting from its commit and trusting nothing else.

`Store` owns a `Reader` and moves its commit on; `Run` reads results through it. Every object is
checked against the sum in the record above it before a byte of it is used.
"""

from typing import Any, final

import numpy as np

from stemniche.core.errors import StoreError
from stemniche.run import chunks, layout
from stemniche.run.chunks import Array
from stemniche.run.objects import Objects
from stemniche.run.records import (
    FORMAT,
    Checkpoint,
    Commit,
    Header,
    Note,
    Sample,
    Sum,
    damaged,
    parse,
    read_json,
)
from stemniche.run.state_blob import unpack_state


@final
class Reader:
    """The committed content of a store; samples go by number, from 0.

    Args:
        objects: Where the bytes live.
        commit: What is committed; the owner of the store moves it on.
        header: Names of nodes and factors.
    """

    def __init__(self, objects: Objects, commit: Commit, header: Header) -> None:
        self.objects = objects
        self.commit = commit
        self._header = header
        self._records: dict[tuple[int, Sum], Sample] = {}

    def sample(self, number: int) -> Sample:
        """The record of a sample.

        Raises:
            StoreError: It is damaged.
        """
        time, mark = self.commit.samples[number]
        if (number, mark) not in self._records:
            path = layout.record_path(number)
            where = f"{self.objects.where}/{path}"
            record = parse(Sample, read_own(self._get(path, mark), where), where)
            if record.time_s != time or record.cells < 0 or min(record.grid) < 0:
                raise damaged(where, "its time, cells or grid are impossible")
            self._records[number, mark] = record
        return self._records[number, mark]

    def table(self) -> tuple[tuple[str, ...], Array]:
        """Names of the columns and float64 ``[samples, columns]``; `time_d` comes first.

        Raises:
            StoreError: It is damaged.
        """
        count = len(self.commit.samples)
        if not count:
            return ("time_d",), np.empty((0, 1))
        columns = self.sample(0).columns
        rows = []
        for number in range(count):
            path = layout.row_shard(number)
            if self.sample(number).columns != columns:
                raise damaged(f"{self.objects.where}/{path}", "its columns differ from the first")
            rows.append(self._shard(number, path, 1, (len(columns),), "float64")[0])
        return columns, np.stack(rows)

    def cells(self, number: int) -> dict[str, Array]:
        """Columns of the cells of a sample by name, and ``nodes`` ``[nodes, cells]``.

        Raises:
            StoreError: They are damaged.
        """
        sample = self.sample(number)
        found: dict[str, Array] = {}
        for name, array in sample.arrays.items():
            if array.dtype not in chunks.DTYPES:
                raise damaged(self.objects.where, f"cells have the unknown type {array.dtype}")
            path = layout.cells_shard(number, name)
            shape = (len(array.columns), sample.cells)
            if 0 in shape:
                values = np.empty(shape, array.dtype)
            else:
                values = self._shard(number, path, shape[0], shape[1:], array.dtype)
            if name == "nodes":
                if array.columns != self._header.nodes:
                    raise damaged(f"{self.objects.where}/{path}", "it has other nodes than the run")
                found["nodes"] = values
            else:
                found.update(zip(array.columns, values, strict=True))
        return found

    def field(self, factor: str, number: int) -> Array:
        """Level of a factor, or a map, float32 ``[z, y, x]``.

        Raises:
            KeyError: The run has no such factor or map.
            StoreError: It is damaged.
        """
        names = list(self._header.grids)
        if factor not in names:
            raise KeyError(factor)
        pick = names.index(factor)
        grid = self.sample(number).grid
        path = layout.fields_shard(number)
        return self._shard(number, path, len(names), grid, "float32", pick)[0]

    def notes(self) -> list[Note]:
        """What happened up to the last commit, in order.

        Raises:
            StoreError: A sample is damaged.
        """
        earlier = [n for i in range(len(self.commit.samples)) for n in self.sample(i).notes]
        return [*earlier, *self.commit.notes]

    def newest_checkpoint(self) -> tuple[int, Checkpoint, dict[str, Any]] | None:
        """Serial, record and state of the newest checkpoint that can be read; None without any.

        Raises:
            StoreError: There are some and all are damaged.
        """
        fault: StoreError | None = None
        for serial, _, mark in reversed(self.commit.checkpoints):
            try:
                return serial, *self._checkpoint(f"checkpoints/{serial}", mark)
            except StoreError as one:
                fault = fault or one
        if fault:
            raise fault
        return None

    def _checkpoint(self, path: str, mark: Sum) -> tuple[Checkpoint, dict[str, Any]]:
        where = f"{self.objects.where}/{path}"
        record = parse(Checkpoint, read_own(self._get(f"{path}/zarr.json", mark), where), where)
        if not 0 <= record.samples <= len(self.commit.samples):
            raise damaged(where, f"it follows {record.samples} samples")
        shard = self._get(f"{path}/state/c.0", record.blob)
        count, size = layout.blob_chunks(record.length)
        pieces = chunks.unpack_shard(shard, count, (size,), "uint8", where=where)
        blob = pieces.tobytes()[: max(0, record.length)]
        return record, unpack_state(blob, record.parts, where)

    def _shard(
        self,
        number: int,
        path: str,
        count: int,
        shape: tuple[int, ...],
        dtype: str,
        pick: int | None = None,
    ) -> Array:
        """Chunks of a shard that the record of a sample names."""
        where = f"{self.objects.where}/{path}"
        mark = self.sample(number).objects.get(path)
        if mark is None:
            raise damaged(where, "the sample does not name it")
        wanted = None if pick is None else [pick]
        return chunks.unpack_shard(self._get(path, mark), count, shape, dtype, wanted, where=where)

    def _get(self, path: str, mark: Sum) -> bytes:
        """The bytes of an object, checked against its sum."""
        data = self.objects.get(path, max(0, mark.size))
        if Sum.of(data) != mark:
            raise damaged(f"{self.objects.where}/{path}", "its checksum does not fit")
        return data


def read_own(data: bytes, where: str) -> dict[str, Any]:
    """Our record among the attributes of a zarr document.

    Raises:
        StoreError: There is none, or it has another format.
    """
    attributes = read_json(data, where).get("attributes")
    found = attributes.get(layout.KEY) if isinstance(attributes, dict) else None
    if not isinstance(found, dict) or found.get("format", FORMAT) != FORMAT:
        raise damaged(where, "it holds no record of this format")
    return found
