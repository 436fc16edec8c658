"""Records on disk, so that a study that was stopped, or is asked again, repeats no run.

`arms` looks here before it simulates; the worker that has simulated puts its record here at once.
What results depend on, the package's biology and numerics, names a folder of its own, so a changed
library is never answered with old records.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, final
from zipfile import BadZipFile

from stemniche.core.errors import InputError
from stemniche.core.identity import fingerprint_files
from stemniche.experiment.readout import EPSILON, Record
from stemniche.spec.ownrows import own_tables
from stemniche.spec.scenario import Scenario

DECIDING = ("core", "library", "evidence", "spec", "kernels", "engine", "therapy", "run")
"""Parts of the package that a record depends on."""

_MEND = "Name a folder that you may write to and whose disk has room."


@final
@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with one file per run.

    Args:
        folder: Where the records of this state of the package lie.
    """

    folder: Path

    @classmethod
    def at(cls, folder: str | Path) -> "Shelf":
        """The shelf in `folder`, which is made if need be.

        Raises:
            InputError: It cannot be made or written to.
        """
        own = Path(folder) / _state_of_the_package(own_tables())
        try:
            own.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=own).close()
        except OSError as fault:
            raise _unusable(own, fault) from fault
        return cls(own)

    def take(self, job: str, seed: int, days: float) -> Record | None:
        """The record of a run of at least `days`; None where there is none that can be read."""
        import numpy as np

        try:
            with np.load(self._file(job, seed), allow_pickle=False) as kept:
                record = Record(tuple(map(str, kept["columns"])), kept["days"], kept["values"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None
        sound = record.values.shape == (len(record.days), len(record.columns))
        return record if sound and record.days[-1] >= days - EPSILON else None

    def put(self, job: str, seed: int, record: Record) -> None:
        """Keep a record; whoever is stopped half-way leaves what was there before.

        Raises:
            InputError: The folder cannot be written to any more.
        """
        import numpy as np

        try:
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as new:
                columns = np.array(record.columns)
                np.savez_compressed(new, columns=columns, days=record.days, values=record.values)
            os.replace(new.name, self._file(job, seed))
        except OSError as fault:
            raise _unusable(self.folder, fault) from fault

    def _file(self, job: str, seed: int) -> Path:
        return self.folder / f"{job}-s{seed}.npz"


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """Simulates and puts the record on the shelf, in a worker process."""

    simulate: Callable[[Scenario, int, Any], Record]
    shelf: Shelf
    job: str

    def __call__(self, scenario: Scenario, seed: int, prepared: Any) -> Record:
        """Make the record of one run."""
        record = self.simulate(scenario, seed, prepared)
        self.shelf.put(self.job, seed, record)
        return record


@cache
def _state_of_the_package(own_rows: tuple[Path, ...]) -> str:
    """Name of all that the results of a run depend on, apart from its scenario."""
    package = Path(__file__).resolve().parents[1]
    files = [file for part in DECIDING for file in (package / part).rglob("*") if file.is_file()]
    shipped = (file for file in files if "__pycache__" not in file.parts)
    return fingerprint_files((*shipped, *own_rows))


def _unusable(folder: Path, fault: OSError) -> InputError:
    return InputError(f"Records cannot be kept ({fault.strerror}).", str(folder), _MEND)
