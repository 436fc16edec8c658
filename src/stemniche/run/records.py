"""The small JSON records of the store: header, samples, checkpoints and the commit above them.

Each record names the size and checksum of what it stands for, and the commit is checked against
its own, so a reader that starts at ``commit.json`` never takes a damaged or half-written object for
a whole one. `Store` writes and reads them; they know nothing about files, arrays or units.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from hashlib import sha256
from itertools import pairwise
from typing import Any, Literal, TypeVar
from zlib import crc32

from stemniche.core.errors import StoreError

FORMAT = 1
MOST_RECORD = 64 * 2**20
"""Bytes a record may have at most; the largest real one, a header, has some hundred kB."""

MOST_SECONDS = 10**12
"""Bound on a simulated time, 30,000 years."""

Status = Literal["running", "done", "interrupted", "stopped"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sum:
    """Size in bytes and CRC-32 of an object."""

    size: int
    crc: int

    @staticmethod
    def of(data: bytes) -> "Sum":
        """Sum of these bytes."""
        return Sum(len(data), crc32(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that happened in a run.

    Args:
        time_s: Simulated second, None for what holds for the whole run.
        kind: A word such as ``therapy`` or ``warning``.
        text: One sentence.
    """

    time_s: int | None
    kind: str
    text: str

    def __post_init__(self) -> None:
        if self.time_s is not None and abs(self.time_s) > MOST_SECONDS:
            raise ValueError(f"a note at {self.time_s} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a run is, written once. Contains no host name and no clock time.

    Args:
        name: Of the scenario.
        scenario: The resolved scenario as JSON data.
        model: The Model as JSON text, as `spec.modelfile` writes it.
        fingerprints: At least ``model``, ``evidence``, ``library`` and ``scenario``.
        seed: Seed of the run.
        types: Names behind the cell column ``type``.
        states: Names behind the cell column ``state``.
        phases: Names behind the cell column ``phase``.
        nodes: Names of the network nodes, in the order of the cells' ``nodes`` array.
        factors: Unit per field, in the order they are stored.
        maps: Unit per other quantity of the voxels, such as vessels; they stand after the factors.
        spacing_um: Edge of a voxel.
        versions: Of Python and the libraries the bits depend on.
        cpu: Machine type and instruction sets found.
        created_with: Program and version.
        format: Of the store.
    """

    name: str
    scenario: dict[str, Any]
    model: str
    fingerprints: dict[str, str]
    seed: int
    types: tuple[str, ...]
    states: tuple[str, ...]
    phases: tuple[str, ...]
    nodes: tuple[str, ...]
    factors: dict[str, str]
    spacing_um: float
    versions: dict[str, str]
    cpu: tuple[str, ...]
    created_with: str
    maps: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def grids(self) -> dict[str, str]:
        """Unit of everything that is stored per voxel: factors, then maps."""
        return self.factors | self.maps


@dataclass(frozen=True, slots=True, kw_only=True)
class CellArray:
    """One array ``[columns, cells]`` of a sample."""

    dtype: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was recorded at one time.

    Args:
        time_s: Simulated second.
        cells: Number of cells.
        grid: Voxels ``(z, y, x)``.
        columns: Names of the table row.
        arrays: Arrays of the cells by name.
        objects: Every object of the sample by path.
        notes: What happened since the sample before.
    """

    time_s: int
    cells: int
    grid: tuple[int, int, int]
    columns: tuple[str, ...]
    arrays: dict[str, CellArray]
    objects: dict[str, Sum]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One entry of a checkpoint: where its bytes are and how they are read."""

    name: str
    kind: Literal["array", "bytes", "json"]
    start: int
    size: int
    dtype: str = "uint8"
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A state to continue from.

    Args:
        time_s: Simulated second.
        samples: How many there were; resuming keeps these.
        parts: What lies where in the bytes.
        length: Bytes before compression.
        blob: Sum of the object that holds them.
        notes: Those not yet part of a sample.
    """

    time_s: int
    samples: int
    parts: tuple[Part, ...]
    length: int
    blob: Sum
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The one record readers trust.

    Args:
        header: Sum of the root document.
        status: ``running`` until `Store.finish`.
        reason: Why the run ended, in words.
        samples: Time and sum of the record of each sample, in order of time.
        checkpoints: Serial number, time and sum of the record of each kept checkpoint.
        notes: What happened after the last sample.
        scenario: The scenario in force where a resumed run was lengthened.
        format: Of the store.
    """

    header: Sum
    status: Status = "running"
    reason: str = ""
    samples: tuple[tuple[int, Sum], ...] = ()
    checkpoints: tuple[tuple[int, int, Sum], ...] = ()
    notes: tuple[Note, ...] = ()
    scenario: dict[str, Any] | None = field(default=None)
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """The commit with its own checksum, as JSON."""
        body = {item.name: getattr(self, item.name) for item in fields(self)}
        whole = {**body, "checksum": _checksum(body)}
        return json.dumps(whole, separators=(",", ":"), default=as_json).encode()


def read_commit(data: bytes, where: str) -> Commit:
    """Read `Commit.to_bytes`.

    Raises:
        StoreError: It is damaged or from a newer format.
    """
    body = read_json(data, where)
    if body.get("format") not in (None, FORMAT):
        raise StoreError(
            f"The run store has format {body['format']}, this program reads {FORMAT}.",
            where,
            "Open it with the stemniche version that wrote it, or a newer one.",
        )
    if body.pop("checksum", "") != _checksum(body):
        raise damaged(where, "its checksum does not fit")
    commit = parse(Commit, body, where)
    times = [time for time, _ in commit.samples]
    if any(a >= b for a, b in pairwise(times)) or any(abs(t) > MOST_SECONDS for t in times):
        raise damaged(where, "its sample times are impossible")
    return commit


def read_json(data: bytes, where: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        StoreError: It is none.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise damaged(where, "it is not JSON") from fault
    if not isinstance(found, dict):
        raise damaged(where, "it is not a JSON object")
    return found


def parse(kind: type[T], data: Any, where: str) -> T:
    """Build a record, or any frozen dataclass or pydantic model, from untrusted JSON data.

    Raises:
        StoreError: A field is missing, or has another type.
    """
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_python(data)  # type: ignore[arg-type]
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise damaged(where, f"{place or kind.__name__}: {first['msg']}") from fault
    except RecursionError as fault:
        raise damaged(where, "it is nested too deeply") from fault


def plain(value: Any) -> Any:
    """Turn dataclass dictionaries and NumPy scalars into strict JSON data.

    Tuples become lists, and floats that are not finite become ``"inf"``, ``"-inf"`` or ``"nan"``.

    Raises:
        TypeError: There is no JSON for a value.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain(one) for one in ordered]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} cannot be written to the store: {value!r}")


def as_json(record: Any) -> dict[str, Any]:
    """Return a record's fields by name, for `json.dumps` to ask for the records within.

    Raises:
        TypeError: It is no record.
    """
    if not is_dataclass(record):
        raise TypeError(f"{type(record).__name__} cannot be written to the store: {record!r}")
    return {item.name: getattr(record, item.name) for item in fields(record)}


def damaged(where: str, why: str) -> StoreError:
    """The error for a record that cannot be what we wrote."""
    return StoreError(
        f"The run store is damaged: {why}.",
        where,
        "Restore the run folder from a copy, or run the scenario again into a new folder.",
    )


def _checksum(body: Mapping[str, Any]) -> str | None:
    try:
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=as_json)
    except RecursionError:
        return None  # nested too deeply to be ours
    return sha256(text.encode()).hexdigest()


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
