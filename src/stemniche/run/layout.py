"""Where the objects of a store lie and how samples and checkpoints become their bytes.

Pure: names, arrays and records in, bytes by path out. `Store` writes them, `Reader` reads them.

    run.zarr/zarr.json            attributes: the header
    run.zarr/commit.json          samples, checkpoints, status, checksum
    run.zarr/table                float64 [time, column]
    run.zarr/fields               float32 [time, factor or map, z, y, x]
    run.zarr/cells/000007/...     one group per sample: arrays [column, cell], one per number type
    run.zarr/checkpoints/12/state the bytes of a state to continue from
"""

import re
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from stemniche.run import chunks
from stemniche.run.chunks import Array
from stemniche.run.records import CellArray, Checkpoint, Header, Note, Sample, Sum
from stemniche.run.state_blob import pack_state

STORE_NAME = "run.zarr"
COMMIT = "commit.json"
HEADER = "zarr.json"
KEY = "stemniche"
"""Attribute of a zarr group that holds our record."""

_BLOB_CHUNK = 2**26


def cells_path(number: int) -> str:
    """Folder of the cells of a sample."""
    return f"cells/{number:06d}"


def record_path(number: int) -> str:
    """Object with the record of a sample."""
    return f"{cells_path(number)}/zarr.json"


def cells_shard(number: int, name: str) -> str:
    """Object with one array of cells."""
    return f"{cells_path(number)}/{name}/{chunks.chunk_key(0, 2)}"


def row_shard(number: int) -> str:
    """Object with one row of the table."""
    return f"table/{chunks.chunk_key(number, 2)}"


def fields_shard(number: int) -> str:
    """Object with the fields of a sample."""
    return f"fields/{chunks.chunk_key(number, 5)}"


def number_of(folder: str, name: str) -> int | None:
    """Number of the sample or checkpoint an object right below a folder belongs to.

    Example:
        >>> number_of("table", "c.12.0"), number_of("cells", "000007"), number_of("cells", "x")
        (12, 7, None)
    """
    pattern = r"c\.(\d{1,12})(?:\.0)+" if folder in ("table", "fields") else r"(\d{1,12})"
    found = re.fullmatch(pattern, name)
    return int(found[1]) if found else None


def blob_chunks(length: int) -> tuple[int, int]:
    """Number and size of the chunks that hold the `length` bytes of a state."""
    size = max(1, min(length, _BLOB_CHUNK))
    return max(1, -(-length // size)), size


def encode_sample(
    header: Header,
    number: int,
    time_s: int,
    row: Mapping[str, float],
    cells: Mapping[str, Array],
    fields: Mapping[str, Array],
    notes: tuple[Note, ...],
) -> tuple[Sample, dict[str, bytes]]:
    """Return the record of a sample and the bytes of its objects by path.

    Args:
        header: Names of nodes and factors.
        number: Of the sample in the run, from 0.
        time_s: Simulated second.
        row: The table's row; `time_d` is put in front.
        cells: Columns ``[cells]`` by name, and ``nodes`` ``[nodes, cells]``.
        fields: ``[z, y, x]`` by factor or map.
        notes: To keep with the sample.

    Raises:
        ValueError: Names or shapes do not fit the header or each other.
    """
    values = {"time_d": time_s / 86400, **{k: v for k, v in row.items() if k != "time_d"}}
    line = np.array([float(value) for value in values.values()])
    objects = {row_shard(number): chunks.pack_shard([line])}
    grid = _grid_of(fields, tuple(header.grids))
    if fields:
        stack = [np.asarray(fields[name], np.float32) for name in header.grids]
        objects[fields_shard(number)] = chunks.pack_shard(stack)
    count, groups = _group_cells(cells, header.nodes)
    arrays = {}
    for name, columns in groups.items():
        dtype = "float32" if name == "nodes" else name
        arrays[name] = CellArray(dtype=dtype, columns=tuple(columns))
        objects[f"{cells_path(number)}/{name}/zarr.json"] = _cells_document(arrays[name], count)
        if columns and count:
            parts = [np.asarray(column, dtype) for column in columns.values()]
            objects[cells_shard(number, name)] = chunks.pack_shard(parts)
    sample = Sample(
        time_s=time_s,
        cells=count,
        grid=grid,
        columns=tuple(values),
        arrays=arrays,
        objects={path: Sum.of(data) for path, data in objects.items()},
        notes=notes,
    )
    return sample, objects


def encode_checkpoint(
    path: str, time_s: int, samples: int, state: Mapping[str, Any], notes: tuple[Note, ...]
) -> tuple[bytes, dict[str, bytes]]:
    """Return the record of a checkpoint and the bytes of its objects by path.

    Raises:
        TypeError: A value of the state is neither a plain array, bytes nor JSON.
    """
    blob, parts = pack_state(state)
    count, size = blob_chunks(len(blob))
    padded = np.frombuffer(blob.ljust(count * size, b"\0"), np.uint8).reshape(count, size)
    shard = chunks.pack_shard(list(padded))
    document = chunks.array_document(
        shape=(len(blob),),
        shard=(count * size,),
        chunk=(size,),
        dtype="uint8",
        axes=("byte",),
        attributes={},
    )
    record = Checkpoint(
        time_s=time_s,
        samples=samples,
        parts=parts,
        length=len(blob),
        blob=Sum.of(shard),
        notes=notes,
    )
    objects = {f"{path}/state/c.0": shard, f"{path}/state/zarr.json": document}
    return chunks.group_document({KEY: record}), objects


def series_documents(header: Header, first: Sample, count: int) -> dict[str, bytes]:
    """Zarr documents of table and fields for a run of `count` samples, by path."""
    wide = len(first.columns)
    table = chunks.array_document(
        shape=(count, wide),
        shard=(1, wide),
        chunk=(1, wide),
        dtype="float64",
        axes=("time", "column"),
        attributes={"columns": first.columns},
    )
    if not header.grids:
        return {"table/zarr.json": table}
    factors = list(header.grids)
    fields = chunks.array_document(
        shape=(count, len(factors), *first.grid),
        shard=(1, len(factors), *first.grid),
        chunk=(1, 1, *first.grid),
        dtype="float32",
        axes=("time", "factor", "z", "y", "x"),
        attributes={
            "factors": factors,
            "units": list(header.grids.values()),
            "spacing_um": header.spacing_um,
        },
    )
    return {"table/zarr.json": table, "fields/zarr.json": fields}


def _group_cells(
    cells: Mapping[str, Array], nodes: tuple[str, ...]
) -> tuple[int, dict[str, dict[str, Array]]]:
    """Number of cells, and their columns by number type; the nodes are a group of their own."""
    table = np.asarray(cells["nodes"])
    if table.ndim != 2 or table.shape[0] != len(nodes):
        raise ValueError(f"nodes of shape {table.shape}, but the header names {len(nodes)}")
    count = table.shape[1]
    groups: dict[str, dict[str, Array]] = {"nodes": dict(zip(nodes, table, strict=True))}
    for name, column in cells.items():
        if name == "nodes":
            continue
        values = np.asarray(column)
        if values.shape != (count,) or values.dtype.name not in chunks.DTYPES:
            raise ValueError(f"{name}: {values.dtype} {values.shape}, but there are {count} cells")
        groups.setdefault(values.dtype.name, {})[name] = values
    return count, groups


def _grid_of(fields: Mapping[str, Array], factors: tuple[str, ...]) -> tuple[int, int, int]:
    shapes = {np.shape(value) for value in fields.values()}
    if set(fields) != set(factors) or len(shapes) > 1:
        raise ValueError(f"fields {sorted(fields)} of shapes {shapes}, the header has {factors}")
    shape = shapes.pop() if shapes else (0, 0, 0)
    if len(shape) != 3 or (fields and not prod(shape)):
        raise ValueError(f"fields must be [z, y, x], not {shape}")
    return shape


def _cells_document(array: CellArray, count: int) -> bytes:
    return chunks.array_document(
        shape=(len(array.columns), count),
        shard=(len(array.columns), count),
        chunk=(1, count),
        dtype=array.dtype,
        axes=("column", "cell"),
        attributes={"columns": array.columns},
    )
