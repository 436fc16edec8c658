"""Run: what a simulation gave, read back from its store whenever it is asked for.

`simulate` and `resume` return one, `open_run` makes one from a folder; report and exporters take
it. It holds no results itself, so a run of any size costs nothing until it is looked at, and it
never changes what is stored.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from stemniche.core.errors import EvidenceError, InputError, StoreError, writing
from stemniche.core.identity import fingerprint
from stemniche.core.names import did_you_mean, fold
from stemniche.run.chunks import Array
from stemniche.run.records import Header, Note, Status, damaged
from stemniche.run.store import Store
from stemniche.spec.model import Model
from stemniche.spec.modelfile import from_json
from stemniche.spec.scenario import Scenario, scenario_from

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    import xarray as xr

DAY = 86400
TOLERANCE = 1e-6
"""How far a `day` may be from a sample, days."""


@final
class Run:
    """A simulation's results.

    Args:
        store: What was recorded.
        folder: The run's folder, None for a run in memory.

    Example:
        ``run = open_run("runs/breast-s1"); run.table.plot(x="time_d", y="csc_fraction")``
    """

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self.store = store
        self.folder = folder

    def __repr__(self) -> str:
        """One line with what identifies the run."""
        times = self.times
        span = f"{len(times)} samples, {times[-1]:g} d" if len(times) else "no samples"
        return f"Run({self.folder or 'in memory'}: {self.status}, {span}, seed {self.seed})"

    @property
    def header(self) -> Header:
        """What the run is made of: names, units, versions."""
        return self.store.header

    @property
    def times(self) -> Array:
        """Days of the samples, float64."""
        return np.array(self.store.times_s, np.float64) / DAY

    @property
    def seed(self) -> int:
        """Seed of the random numbers."""
        return self.header.seed

    @property
    def status(self) -> Status:
        """``done``, ``interrupted``, ``stopped`` by a guard, or ``running`` (also if it died)."""
        return self.store.commit.status

    @property
    def reason(self) -> str:
        """Why the run ended early, in words; empty when it did not."""
        return self.store.commit.reason

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of model, evidence, library, scenario and seed."""
        return fingerprint({**self.header.fingerprints, "seed": self.seed})

    @property
    def events(self) -> list[Note]:
        """What happened, in order: interventions that acted, and warnings."""
        return self.store.notes

    @cached_property
    def model(self) -> Model:
        """The compiled biology the run was made with.

        Raises:
            InputError: It is damaged, or from another version of the format.
        """
        return from_json(self.header.model, where=f"{self.store.where}, model")

    @cached_property
    def scenario(self) -> Scenario:
        """The resolved scenario the run was made with, read and checked like a file.

        Raises:
            InputError: It is damaged, or names what this version does not have.
        """
        where = f"{self.store.where}, scenario"
        return scenario_from(self.header.scenario, name=self.header.name, source=where)

    @property
    def table(self) -> "pd.DataFrame":
        """One row per sample; columns are the measures, `time_d` first (see `measures`).

        Raises:
            StoreError: It is damaged.
        """
        import pandas as pd

        columns, rows = self.store.reader.table()
        return pd.DataFrame(rows, columns=list(columns))

    def cells(self, day: float) -> "anndata.AnnData":
        """All cells at a sample time, one row per cell.

        ``X`` is float32 ``[cells, nodes]``, 0 to 1; ``obs`` has type, state, phase, clone, parent
        and the other columns recorded, index is the cell's key in hexadecimal (the parent of a
        founder is empty); ``obsm["spatial"]`` is in um, ``[cells, 2]`` for a 2-D slice and else
        ``[cells, 3]``; ``uns`` says which run.

        Raises:
            InputError: There is no sample at that time.
            StoreError: The cells are damaged.
        """
        import anndata
        import pandas as pd

        number, columns = self._sample_at(day), self.cell_columns(day)
        flat = self.store.reader.sample(number).grid[0] <= 1
        try:
            nodes = columns.pop("nodes").T
            space = [columns.pop(axis) for axis in ("x", "y")]
            depth = columns.pop("z")
            names = _hexadecimal(columns.pop("key"))
            obs = _observed(columns, self.header)
        except (KeyError, ValueError) as fault:
            raise damaged(self.store.where, f"cells at day {day:g}: {fault}") from fault
        return anndata.AnnData(
            X=np.ascontiguousarray(nodes),
            obs=pd.DataFrame(obs, index=pd.Index(names, name="key", dtype=object)),
            var=pd.DataFrame(index=pd.Index(self.header.nodes, name="node", dtype=object)),
            obsm={"spatial": np.stack(space if flat else [*space, depth], axis=1)},
            uns={"stemniche": self._origin(number)},
        )

    def cell_columns(self, day: float) -> dict[str, Array]:
        """Everything recorded of all cells at a sample time, by column; ``nodes`` [nodes, cells].

        Raises:
            InputError: There is no sample at that time.
            StoreError: The cells are damaged.
        """
        return self.store.reader.cells(self._sample_at(day))

    def field(self, factor: str, day: float) -> "xr.DataArray":
        """Level of a factor in every voxel at a sample time.

        Args:
            factor: Id or a spelling of it the evidence knows, such as ``IL-8``; or ``vessels`` and
                ``perfusion``, the number of vessels in a voxel and of those with blood flow.
            day: A sample time.

        Returns:
            Float32 ``(z, y, x)``; coordinates are voxel centres in um, ``attrs["units"]`` the unit.

        Raises:
            InputError: There is no such factor, or no sample at that time.
            StoreError: The field is damaged.
        """
        import xarray as xr

        name = self._factor_named(factor)
        number = self._sample_at(day)
        levels = self.store.reader.field(name, number)
        spacing = self.header.spacing_um
        axes = {
            axis: (axis, (np.arange(count) + 0.5) * spacing, {"units": "um"})
            for axis, count in zip("zyx", levels.shape, strict=True)
        }
        attributes = {
            "units": self.header.grids[name],
            "time_d": self.store.times_s[number] / DAY,
            "run": self.fingerprint,
        }
        return xr.DataArray(levels, coords=axes, dims=("z", "y", "x"), name=name, attrs=attributes)

    def table_text(self) -> str:
        """The table as CSV; numbers keep all their digits."""
        return self.table.to_csv(index=False, lineterminator="\n")

    def save_table(self, path: str | Path) -> Path:
        """Write `table_text` to a file and return its path.

        Raises:
            InputError: The file cannot be written.
        """
        target = Path(path)
        with writing("The table", target):
            target.write_text(self.table_text(), encoding="utf-8")
        return target

    def _origin(self, number: int) -> dict[str, Any]:
        """What says where a piece of this run came from."""
        return {
            "time_d": self.store.times_s[number] / DAY,
            "run": self.fingerprint,
            "seed": str(self.seed),
            "fingerprints": dict(self.header.fingerprints),
            "created_with": self.header.created_with,
        }

    def _sample_at(self, day: float) -> int:
        """Number of the sample at a time."""
        times = self.times
        if not len(times):
            raise InputError(
                "The run has no samples yet.", self.store.where, "Resume it, or look again later."
            )
        try:
            away = np.abs(times - float(day))
        except (TypeError, ValueError):
            away = np.full(len(times), np.nan)
        number = int(np.argmin(away))
        if away[number] <= TOLERANCE:
            return number
        known = np.isfinite(away[number])
        raise InputError(
            f"There is no sample at day {day!r}.",
            self.store.where,
            f"The nearest sample is at day {times[number]:.10g}."
            if known
            else f"Give a day from {times[0]:.10g} to {times[-1]:.10g}.",
        )

    def _factor_named(self, text: str) -> str:
        """Id of a factor of this run by id or spelling."""
        factors = self.header.grids
        alike = [name for name in factors if fold(name) == fold(str(text))]
        found = alike or [name for name in _meant_by(str(text)) if name in factors]
        if found:
            return found[0]
        raise InputError(
            f"The run has no factor {text!r}.",
            self.store.where,
            did_you_mean(str(text), factors, f"It has: {', '.join(factors)}."),
        )


def _observed(columns: dict[str, Array], header: Header) -> dict[str, Any]:
    """Columns of the cells as a biologist reads them: codes as words, keys in hexadecimal."""
    import pandas as pd

    words = {"type": header.types, "state": header.states, "phase": header.phases}
    observed: dict[str, Any] = {}
    for name, levels in words.items():
        codes: Any = columns[name].astype(np.int64)
        observed[name] = pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=object))
    parents = [
        key if number else ""
        for number, key in zip(
            columns["parent"].tolist(), _hexadecimal(columns["parent"]), strict=True
        )
    ]
    observed["parent"] = np.array(parents, dtype=object)
    others = {n: v for n, v in columns.items() if n not in observed}
    return observed | {name.removeprefix("extra."): values for name, values in others.items()}


def _hexadecimal(keys: Array) -> list[str]:
    return [f"{key:016x}" for key in keys.tolist()]


def _meant_by(text: str) -> tuple[str, ...]:
    """Ids that a spelling of the evidence may stand for."""
    from stemniche.evidence import load

    try:
        entity = load().entity(text)
    except EvidenceError:
        return ()
    return entity.symbol, entity.name


def open_run(path: str | Path) -> Run:
    """Open a finished, interrupted or still running run for reading.

    Args:
        path: The run's folder, or the store in it.

    Raises:
        StoreError: There is none, or it is damaged.
    """
    place = Path(path)
    try:
        store = Store.open(place)
    except OSError as fault:
        raise StoreError(
            f"The run cannot be opened ({fault.strerror}).", str(place), "Check its rights."
        ) from fault
    return Run(store, Path(store.where).parent)
