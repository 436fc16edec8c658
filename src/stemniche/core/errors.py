"""Errors that say what was wrong, where it was written, and how to mend it.

Every layer raises one of these for what a person can mend; a fault of ours stays a plain Python
error, so the two are never confused. The command line turns the class into an exit code. The three
parts stay in ``args`` so that an error survives the trip between worker processes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StemnicheError(Exception):
    """Base of all errors a user can mend.

    Args:
        what: The fault in one sentence, with the offending value.
        where: Where it was written: file and line, a dotted path, or a time and voxel.
        mend: One thing to do next.
    """

    exit_code = 1

    def __init__(self, what: str, where: str, mend: str) -> None:
        super().__init__(what, where, mend)
        self.what, self.where, self.mend = what, where, mend

    def __str__(self) -> str:
        """Three lines, ready for a terminal."""
        return f"{self.what}\n  where: {self.where}\n  mend:  {self.mend}"


class InputError(StemnicheError, ValueError):
    """What the user gave is wrong: a file, a key, a name, a number."""

    exit_code = 2


class UnitError(InputError):
    """A quantity cannot be read, or has the wrong dimension."""


class EvidenceError(InputError):
    """A claim or entity does not exist, or does not say what it rests on."""


class LibraryError(InputError):
    """A library row is wrong: a dangling name, a missing source, a number outside its range."""


class StoreError(InputError):
    """A run folder cannot be written or read."""


class GuardError(StemnicheError, RuntimeError):
    """The run was stopped because going on would be wrong or impossible; what exists is kept."""

    exit_code = 3


class MissingExtra(StemnicheError, ImportError):
    """An optional library is not installed."""

    exit_code = 2


@contextmanager
def writing(what: str, target: Path) -> Iterator[None]:
    """Say of a fault of the disk what could not be written and where.

    Args:
        what: What is written, as a sentence begins: ``"The table"``.
        target: File or folder.

    Raises:
        InputError: The disk refused.
    """
    try:
        yield
    except OSError as fault:
        raise InputError(
            f"{what} cannot be written ({fault.strerror or fault}).",
            str(target),
            "Choose a place in a folder that is there and that you may write to.",
        ) from fault
