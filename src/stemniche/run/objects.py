"""Bytes by path, made durable: the only code of a run that touches files of the store.

`Store` calls it with relative paths such as ``table/c.0.0``; a run without an output folder uses
`MemoryObjects` and otherwise the same code. It knows nothing about zarr, samples or cells.
An object is written once with `put`, is on the disk after `sync`, and a small one is exchanged as
a whole with `replace`. Nothing outside the root is ever read, written or removed.
"""

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn, Protocol, final

from stemniche.core.errors import GuardError, StoreError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""System errors that mean there is no room: disk, quota, size of a file."""

AT_ONCE = 8
"""Files that wait for the disk at the same time."""


class Objects(Protocol):
    """A place for bytes by path."""

    where: str
    """How the place is called in an error."""

    def put(self, path: str, data: bytes) -> None:
        """Write a new object.

        Raises:
            GuardError: The disk is full, or the object exists or cannot be written.
        """

    def sync(self) -> None:
        """Return when everything `put` so far would survive a loss of power."""

    def replace(self, path: str, data: bytes, *, durably: bool = True) -> None:
        """Exchange a whole object: a reader sees the old bytes or the new ones.

        Args:
            path: Of the object.
            data: What it is from now on.
            durably: Return when this would survive a loss of power.

        Raises:
            GuardError: The disk is full or cannot be written; the old bytes are kept.
        """

    def get(self, path: str, limit: int) -> bytes:
        """Read an object of at most `limit` bytes.

        Raises:
            StoreError: It is missing, unreadable, too large or not a plain file.
        """

    def remove(self, path: str) -> None:
        """Remove an object or everything below a path; one that is missing is no error."""

    def names(self, path: str) -> list[str]:
        """Names right below a path, sorted; none where it is missing."""


def _missing(where: str, path: str, why: str) -> StoreError:
    return StoreError(
        f"The run store cannot be read: {path} {why}.",
        where,
        "Restore the run folder from a copy, or run the scenario again into a new folder.",
    )


@final
class MemoryObjects:
    """Objects in a dictionary, for runs without an output folder.

    Args:
        content: Where the bytes live; the same shape as the dictionary of a zarr memory store.
    """

    def __init__(self, content: dict[str, bytes] | None = None) -> None:
        self.content: dict[str, bytes] = {} if content is None else content
        self.where = "memory"

    def put(self, path: str, data: bytes) -> None:
        """See `Objects.put`."""
        if path in self.content:
            raise GuardError(
                f"The object {path} exists already.", self.where, "Open the store again and resume."
            )
        self.content[path] = data

    def sync(self) -> None:
        """See `Objects.sync`; memory has nothing to wait for."""

    def replace(self, path: str, data: bytes, *, durably: bool = True) -> None:
        """See `Objects.replace`."""
        self.content[path] = data

    def get(self, path: str, limit: int) -> bytes:
        """See `Objects.get`."""
        data = self.content.get(path)
        if data is None:
            raise _missing(self.where, path, "is missing")
        if len(data) > limit:
            raise _missing(self.where, path, f"has {len(data)} bytes, at most {limit} expected")
        return data

    def remove(self, path: str) -> None:
        """See `Objects.remove`."""
        for name in [n for n in self.content if n == path or n.startswith(f"{path}/")]:
            del self.content[name]

    def names(self, path: str) -> list[str]:
        """See `Objects.names`."""
        start = f"{path}/" if path else ""
        return sorted({n[len(start) :].split("/")[0] for n in self.content if n.startswith(start)})


@final
class FolderObjects:
    """Objects as files below a folder that exists."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.where = str(root)
        self._changed: set[Path] = set()
        self._fresh: list[Path] = []

    def put(self, path: str, data: bytes) -> None:
        """See `Objects.put`."""
        try:
            target = self._inside(path)
            self._make_folders(target.parent)
            self._fresh.append(target)
            _write(target, data)
        except OSError as fault:
            self._stop(path, fault)

    def sync(self) -> None:
        """See `Objects.sync`: side by side, as the disk takes many in the time of one."""
        try:
            with ThreadPoolExecutor(AT_ONCE) as waiting:
                list(waiting.map(_flush, self._fresh))
                list(waiting.map(_flush_folder, sorted(self._changed)))
        except OSError as fault:
            self._stop("", fault)
        self._fresh.clear()
        self._changed.clear()

    def replace(self, path: str, data: bytes, *, durably: bool = True) -> None:
        """See `Objects.replace`."""
        draft = f"{path}.part"
        try:
            target, written = self._inside(path), self._inside(draft)
            self._make_folders(target.parent)
            written.unlink(missing_ok=True)
            _write(written, data)
            if durably:
                _flush(written)
            os.replace(written, target)
            if durably:
                _flush_folder(target.parent)
        except OSError as fault:
            self.remove(draft)
            self._stop(path, fault)

    def get(self, path: str, limit: int) -> bytes:
        """See `Objects.get`."""
        try:
            target = self._inside(path)
            if not target.is_file() or target.is_symlink():
                raise _missing(self.where, path, "is missing or not a plain file")
            # Of the open file, because another may take its place at any moment.
            with target.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > limit:
                    raise _missing(self.where, path, f"has {size} bytes, at most {limit} expected")
                return file.read(size)
        except OSError as fault:
            raise _missing(self.where, path, f"failed with '{fault.strerror}'") from fault
        except MemoryError as fault:
            raise _missing(self.where, path, "is larger than the memory") from fault

    def remove(self, path: str) -> None:
        """See `Objects.remove`."""
        target = self._inside(path)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target, ignore_errors=True)
        else:
            try:
                target.unlink(missing_ok=True)
            except OSError as fault:
                self._stop(path, fault)
        # A folder that was being filled may be gone now; its parent has changed instead.
        self._changed = {f for f in self._changed if f.is_dir()}
        self._fresh = [f for f in self._fresh if f.is_file()]

    def names(self, path: str) -> list[str]:
        """See `Objects.names`."""
        target = self._inside(path)
        try:
            return sorted(os.listdir(target)) if target.is_dir() else []
        except OSError as fault:
            raise _missing(self.where, path, f"failed with '{fault.strerror}'") from fault

    def make_folder(self, path: str) -> None:
        """Make a folder that does not exist.

        Raises:
            GuardError: It exists or cannot be made.
        """
        try:
            self._inside(path).mkdir()
        except OSError as fault:
            self._stop(path, fault)

    def rename(self, old: str, new: str) -> None:
        """Rename an object or folder, durably.

        Raises:
            GuardError: The system refuses.
        """
        try:
            self._inside(old).rename(self._inside(new))
            _flush_folder(self.root)
        except OSError as fault:
            self._stop(new, fault)

    def _inside(self, path: str) -> Path:
        """The file of a path, refusing one that leads out of the root, by a link for example."""
        target = self.root / path
        parent = os.path.realpath(target.parent)
        if not Path(parent).is_relative_to(self.root):
            raise StoreError(
                f"The run store is refused: {path} leads out of its folder.",
                self.where,
                "Only open run folders whose content you trust; remove the link.",
            )
        return Path(parent) / target.name

    def _make_folders(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        self._changed.add(missing[0] if missing else folder)
        for one in reversed(missing):
            one.mkdir()
            self._changed |= {one, one.parent}

    def _stop(self, path: str, fault: OSError) -> NoReturn:
        place = f"{self.where}/{path}" if path else self.where
        if fault.errno in FULL:
            raise GuardError(
                f"There is no room left to write the run ({fault.strerror}).",
                place,
                "Free some space, then resume: everything up to the last sample is kept.",
            ) from fault
        if isinstance(fault, FileExistsError):
            raise GuardError(
                "Another process writes to this run, or it was not resumed properly.",
                place,
                "Stop the other process, then resume this one.",
            ) from fault
        raise GuardError(
            f"The run cannot be written ({fault.strerror or fault}).",
            place,
            "Check the disk and its rights, then resume: all up to the last sample is kept.",
        ) from fault


def _write(path: Path, data: bytes) -> None:
    """Create a file and write all of it."""
    with path.open("xb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]


def _flush(path: Path) -> None:
    """Wait until the disk has a file."""
    with path.open("rb+", buffering=0) as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make names of files in a folder durable (systems that cannot do it need not)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
