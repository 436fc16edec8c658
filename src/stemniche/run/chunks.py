"""The zarr v3 format as far as a run uses it: arrays to bytes and back, nothing about files.

Every array is cut along its leading axes into one compressed chunk per name (a column of the
cells, a factor), and all chunks of a sample form one shard: one new file per sample, from which a
single name can still be read. Documents and shards are written here rather than by the zarr package
because a run needs many small objects, each durable, in milliseconds; zarr v3 readers open them.
Reading trusts nothing: sizes are checked before memory is taken.

Source: zarr v3 core specification with the codecs ``sharding_indexed``, ``bytes`` and ``blosc``.
"""

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from stemniche.core.errors import StoreError
from stemniche.run.records import as_json

Array = np.ndarray[Any, np.dtype[Any]]

DTYPES = frozenset("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split())
"""Types an array of the store may have."""

_HEAD = 16
_MOST_RATIO = 300
"""LZ4 cannot shrink anything more than 255-fold, so a chunk that claims more is a trap."""


def group_document(attributes: Mapping[str, Any]) -> bytes:
    """Return the ``zarr.json`` of a group; attributes may be or hold records."""
    return _json({"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)})


def array_document(
    *,
    shape: Sequence[int],
    shard: Sequence[int],
    chunk: Sequence[int],
    dtype: str,
    axes: Sequence[str],
    attributes: Mapping[str, Any],
) -> bytes:
    """Return the ``zarr.json`` of an array.

    Args:
        shape: Of the whole array.
        shard: What one file holds.
        chunk: What is compressed together; divides `shard`.
        dtype: One of `DTYPES`.
        axes: A name per dimension.
        attributes: Free JSON.
    """
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    squeeze = {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "blocksize": 0}
    squeeze["typesize"] = np.dtype(dtype).itemsize
    sharding = {
        "chunk_shape": [max(1, n) for n in chunk],
        "codecs": [little, {"name": "blosc", "configuration": squeeze}],
        "index_codecs": [little],
        "index_location": "end",
    }
    return _json(
        {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(shape),
            "data_type": dtype,
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": [max(1, n) for n in shard]},
            },
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": "NaN" if dtype.startswith("float") else False if dtype == "bool" else 0,
            "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
            "dimension_names": list(axes),
            "attributes": dict(attributes),
        }
    )


def chunk_key(first: int, dimensions: int) -> str:
    """Name of the shard that starts at `first` along the first axis and at 0 along the others.

    Example:
        >>> chunk_key(3, 2)
        'c.3.0'
    """
    return ".".join(["c", str(first), *["0"] * (dimensions - 1)])


def pack_shard(chunks: Sequence[Array]) -> bytes:
    """Compress arrays of one type and size into the bytes of a shard; equal arrays, equal bytes."""
    parts, index, at = [], np.empty((len(chunks), 2), "<u8"), 0
    for i, part in enumerate(_compressed(chunks)):
        index[i] = at, len(part)
        parts.append(part)
        at += len(part)
    return b"".join([*parts, index.tobytes()])


def _compressed(chunks: Sequence[Array]) -> list[bytes]:
    """One thread only: several write the blocks of a chunk in the order they finish."""
    from numcodecs import blosc  # type: ignore[import-untyped]

    codec = blosc.Blosc(cname="lz4", clevel=5, shuffle=blosc.SHUFFLE)
    threads, blosc.use_threads = blosc.use_threads, False
    try:
        return [
            codec.encode(np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")))
            for chunk in chunks
        ]
    finally:
        blosc.use_threads = threads


def unpack_shard(
    data: bytes,
    count: int,
    shape: Sequence[int],
    dtype: str,
    pick: Sequence[int] | None = None,
    *,
    where: str,
) -> Array:
    """Read chunks of a shard.

    Args:
        data: Bytes of `pack_shard`.
        count: Chunks in the shard.
        shape: Of one chunk.
        dtype: One of `DTYPES`.
        pick: Which chunks, in this order; all of them by default.
        where: Name of the object in errors.

    Returns:
        Shape ``(picked, *shape)``, writable.

    Raises:
        StoreError: The bytes do not hold what they should.
    """
    wanted = range(count) if pick is None else pick
    start = len(data) - 16 * count
    if start < 0:
        raise _damaged(where, "its index is missing")
    index = np.frombuffer(data, "<u8", offset=start).reshape(count, 2)
    size = prod(shape) * np.dtype(dtype).itemsize
    pieces = []
    for i in wanted:
        at, length = int(index[i, 0]), int(index[i, 1])
        if at + length > start:
            raise _damaged(where, f"chunk {i} lies outside it")
        pieces.append(_decompress(data[at : at + length], size, where))
    flat = np.frombuffer(b"".join(pieces), np.dtype(dtype).newbyteorder("<"))
    return flat.astype(dtype, copy=True).reshape(len(wanted), *shape)


def _decompress(part: bytes, size: int, where: str) -> bytes:
    """Undo blosc after checking what its head says about the sizes before and after."""
    from numcodecs import Blosc  # type: ignore[import-untyped]

    if len(part) < _HEAD:
        raise _damaged(where, "a chunk is cut off")
    before = int.from_bytes(part[4:8], "little")
    after = int.from_bytes(part[12:16], "little")
    if after != len(part) or before != size or size > _MOST_RATIO * len(part):
        raise _damaged(where, "a chunk has another size than it says")
    try:
        return bytes(Blosc().decode(part))
    except (RuntimeError, ValueError, MemoryError) as fault:
        raise _damaged(where, "a chunk cannot be decompressed") from fault


def _damaged(where: str, why: str) -> StoreError:
    return StoreError(
        f"The run store is damaged: {why}.",
        where,
        "Restore the run folder from a copy, or run the scenario again into a new folder.",
    )


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False, default=as_json).encode()
