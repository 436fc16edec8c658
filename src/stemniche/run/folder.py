"""The folder a run writes to: found, made, and given back if nothing came of it.

`simulate` claims it after the scenario was checked and before the first object is written. A folder
holds ``run.zarr`` (this package's store), ``scenario.yaml``, ``table.csv``, ``report.html`` and
``run.log``.
"""

import re
from contextlib import suppress
from itertools import count
from pathlib import Path

from stemniche.core.errors import InputError
from stemniche.run.layout import STORE_NAME
from stemniche.run.store import holds_run, remove_draft

RUNS = Path("runs")
"""Where runs go that were given no folder, below the current one."""

_OURS = {f"{STORE_NAME}.part", "scenario.yaml", "run.log"}


def claim_folder(path: Path | None, scenario_name: str, seed: int, *, resume: bool = False) -> Path:
    """Make the folder of a run and return it.

    Args:
        path: Where the user wants it; by default ``runs/<scenario>-s<seed>[-n]`` with the first
            free n from 2, or with `resume` the last that exists.
        scenario_name: Of the scenario; characters unfit for a folder become ``-``.
        seed: Of the run.
        resume: Also take a folder that holds a run, or that a run was about to be begun in.

    Raises:
        InputError: The folder exists and is not to be resumed, holds something else, or cannot be
            made. Nothing is left behind.
    """
    if path is not None:
        if resume and path.is_dir():
            return _resumable(path)
        _make(path)
        return path
    name = f"{safe_name(scenario_name)}-s{seed}"
    if resume:
        taken = _taken(name)
        if taken:
            return _resumable(taken[-1])
    for n in count(1):
        folder = RUNS / (name if n == 1 else f"{name}-{n}")
        if folder.exists() or folder.is_symlink():
            continue
        try:
            _make(folder)
        except InputError:
            if folder.exists():  # another process was faster
                continue
            raise
        return folder
    raise AssertionError("count never ends")


def abandon_folder(folder: Path) -> None:
    """Remove a claimed folder in which no run was begun; others are left alone."""
    if holds_run(folder) or not folder.is_dir():
        return
    try:
        if {entry.name for entry in folder.iterdir()} - _OURS:
            return
        remove_draft(folder)
        for name in _OURS:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
        if folder.parent == RUNS:
            RUNS.rmdir()  # refused by the system while there is another run in it
    except OSError:
        return


def _resumable(folder: Path) -> Path:
    """The folder, if it holds a run or only what a run leaves that died before it began."""
    try:
        inside = {entry.name for entry in folder.iterdir()}
    except OSError as fault:
        raise _unwritable(folder, fault) from fault
    if holds_run(folder) or not inside - _OURS:
        return folder
    raise InputError(
        "The output folder exists but holds no run to resume.",
        str(folder),
        "Name the folder of the run, or another one that does not exist.",
    )


def _taken(name: str) -> list[Path]:
    """Existing default folders of a name, in order of n."""
    pattern = re.compile(rf"{re.escape(name)}(?:-(\d+))?")
    found = []
    for folder in RUNS.iterdir() if RUNS.is_dir() else ():
        fits = pattern.fullmatch(folder.name)
        if fits and folder.is_dir():
            found.append((int(fits[1] or 1), folder))
    return [folder for _, folder in sorted(found)]


def _make(folder: Path) -> None:
    """Make a folder with the ones above it, or raise having made none."""
    made: list[Path] = []
    try:
        if folder.exists() or folder.is_symlink():
            raise InputError(
                "The output folder exists already.",
                str(folder),
                "Choose another one, or continue the run in it with --resume.",
            )
        for parent in reversed(folder.parents):
            if not parent.is_dir():
                with suppress(FileExistsError):  # another process made it just now
                    parent.mkdir()
                    made.append(parent)
        folder.mkdir()
        made.append(folder)
        probe = folder / f"{STORE_NAME}.part"
        probe.mkdir()
        probe.rmdir()
    except OSError as fault:
        with suppress(OSError):  # another process has put something there
            for one in reversed(made):
                one.rmdir()
        raise _unwritable(folder, fault) from fault


def _unwritable(folder: Path, fault: OSError) -> InputError:
    return InputError(
        f"The output folder cannot be written ({fault.strerror or fault}).",
        str(folder),
        "Choose a folder below one that you may write to.",
    )


def safe_name(name: str) -> str:
    """A name that is one part of a path on every system.

    Example:
        >>> safe_name("../my run.yaml")
        'my-run.yaml'
    """
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.")[:64] or "run"
