"""A checkpoint's state as one run of bytes and a list of its parts, without pickle.

`Store` calls it. Arrays keep type, shape and bits; bytes stay bytes; everything else must be JSON.
"""

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from stemniche.run.chunks import DTYPES
from stemniche.run.records import Part, damaged


def pack_state(state: Mapping[str, Any]) -> tuple[bytes, tuple[Part, ...]]:
    """Return the bytes of a state and where each entry lies.

    Raises:
        TypeError: An entry is neither an array of a plain number type, bytes nor JSON.
    """
    pieces: list[bytes] = []
    parts: list[Part] = []
    at = 0
    for name, value in state.items():
        part, data = _pack(name, value, at)
        pieces.append(data)
        parts.append(part)
        at += len(data)
    return b"".join(pieces), tuple(parts)


def unpack_state(blob: bytes, parts: tuple[Part, ...], where: str) -> dict[str, Any]:
    """Undo `pack_state`; arrays are writable copies.

    Raises:
        StoreError: The list of parts does not fit the bytes.
    """
    state: dict[str, Any] = {}
    for part in parts:
        data = blob[part.start : part.start + part.size] if part.start >= 0 else b""
        if len(data) != part.size:
            raise damaged(where, f"{part.name} lies outside the checkpoint")
        state[part.name] = _unpack(part, data, where)
    return state


def _pack(name: str, value: Any, at: int) -> tuple[Part, bytes]:
    if isinstance(value, np.ndarray):
        dtype = value.dtype.name
        if dtype not in DTYPES:
            raise TypeError(f"The array {name} of type {dtype} cannot be part of a checkpoint.")
        data = np.asarray(value, value.dtype.newbyteorder("<")).tobytes()
        return Part(
            name=name, kind="array", start=at, size=len(data), dtype=dtype, shape=value.shape
        ), data
    if isinstance(value, bytes):
        return Part(name=name, kind="bytes", start=at, size=len(value)), value
    data = json.dumps(value).encode()
    return Part(name=name, kind="json", start=at, size=len(data)), data


def _unpack(part: Part, data: bytes, where: str) -> Any:
    if part.kind == "bytes":
        return data
    if part.kind == "json":
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as fault:
            raise damaged(where, f"{part.name} is not JSON") from fault
    if part.dtype not in DTYPES or any(n < 0 for n in part.shape):
        raise damaged(where, f"{part.name} has the unknown type or shape {part.dtype}")
    dtype = np.dtype(part.dtype)
    if prod(part.shape) * dtype.itemsize != len(data):
        raise damaged(where, f"{part.name} has another size than its shape says")
    flat = np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=True)
    try:
        return flat.reshape(part.shape)
    except (ValueError, OverflowError) as fault:
        raise damaged(where, f"{part.name} has an impossible shape") from fault
