"""Fingerprints: short names made from content, so equal things have equal names.

Models, evidence tables and runs carry the fingerprint of what they were made from. Times, host
names and folders never enter. What cannot be written canonically is refused: a fingerprint that
depended on a memory address would be worse than none.
"""

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Protocol

DIGITS = 12


class Readable(Protocol):
    """A file as a path or as a resource of a package."""

    @property
    def name(self) -> str:
        """Last part of the path."""
        ...

    def read_bytes(self) -> bytes:
        """Whole content."""
        ...


def fingerprint(thing: object) -> str:
    """Return 12 hexadecimal digits that depend only on the content of `thing`.

    Takes dataclasses, mappings, sequences, sets, enums, numbers, text, bytes, None, and NumPy
    scalars and arrays, nested at will. A dataclass counts with its class name and the fields that
    count for its equality; a tuple equals a list; the order of a mapping or set does not matter.

    Raises:
        TypeError: Something else is inside.

    Example:
        >>> fingerprint({"b": (1, 2.5), "a": None}) == fingerprint({"a": None, "b": [1, 2.5]})
        True
    """
    return sha256(canonical_json(thing).encode()).hexdigest()[:DIGITS]


def canonical_json(thing: object) -> str:
    """Return the one JSON text of `thing`: sorted keys, shortest floats, no spaces."""
    return json.dumps(_plain(thing), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def fingerprint_files(files: Iterable[Readable]) -> str:
    """Return 12 hexadecimal digits of the names and bytes of some files, in whatever order.

    Only the last part of each path counts, so a copy in another folder is the same.
    """
    return fingerprint(sorted((f.name, sha256(f.read_bytes()).hexdigest()) for f in files))


def _plain(thing: Any) -> Any:
    """Reduce to what JSON knows; kinds that JSON would mix up get a label."""
    if isinstance(thing, Enum):
        return _plain(thing.value)
    if thing is None or isinstance(thing, bool):
        return thing
    if isinstance(thing, str):
        return str(thing)
    if isinstance(thing, int):
        return int(thing)
    if isinstance(thing, float):
        return float(thing)
    if isinstance(thing, Mapping):
        return _mapping(thing)
    if isinstance(thing, list | tuple):
        return [_plain(item) for item in thing]
    if isinstance(thing, Set):
        return sorted((_plain(item) for item in thing), key=canonical_json)
    if isinstance(thing, bytes):
        return {"__bytes__": thing.hex()}
    if is_dataclass(thing) and not isinstance(thing, type):
        counted = {f.name: _plain(getattr(thing, f.name)) for f in fields(thing) if f.compare}
        return {"__class__": type(thing).__name__} | counted
    if hasattr(thing, "dtype") and hasattr(thing, "tobytes"):
        return _array(thing)
    what = f"{type(thing).__module__}.{type(thing).__name__}"
    raise TypeError(f"{what} has no canonical form; turn it into a mapping first")


def _mapping(thing: Mapping[Any, Any]) -> Any:
    if all(isinstance(key, str) for key in thing):
        return {str(key): _plain(value) for key, value in thing.items()}
    pairs = [[_plain(key), _plain(value)] for key, value in thing.items()]
    return {"__pairs__": sorted(pairs, key=canonical_json)}


def _array(thing: Any) -> Any:
    """Return a NumPy scalar as a number, an array as type, shape and hash of its bytes."""
    if thing.shape == ():
        return _plain(thing.item())
    if thing.dtype.hasobject:
        raise TypeError("an array of objects has no canonical form; turn it into a list first")
    digest = sha256(thing.tobytes()).hexdigest()
    return {"__array__": [thing.dtype.str, list(thing.shape), digest]}
