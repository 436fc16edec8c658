"""A run as CSV files that any spreadsheet, R or Julia can read.

`stemniche export --to csv` calls it. Units of the columns are those of `measures`; um for places.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stemniche.core.errors import writing
from stemniche.run.results import Run

if TYPE_CHECKING:
    import pandas as pd


def write_tables(run: Run, folder: str | Path, days: Iterable[float] | None = None) -> list[Path]:
    """Write ``table.csv``, ``events.csv`` and ``cells-day-<day>.csv`` per sample time.

    Args:
        run: What to write.
        folder: Made if it does not exist; files in it are replaced.
        days: Sample times whose cells are written; all by default.

    Returns:
        The files.

    Raises:
        InputError: A day is no sample time, or the folder cannot be written.
        StoreError: The run is damaged.
    """
    import pandas as pd

    target = Path(folder)
    with writing("The tables", target):
        target.mkdir(parents=True, exist_ok=True)
        events = [(n.time_s and n.time_s / 86400, n.kind, n.text) for n in run.events]
        events_file = target / "events.csv"
        pd.DataFrame(events, columns=["time_d", "kind", "text"]).to_csv(events_file, index=False)
        files = [run.save_table(target / "table.csv"), events_file]
        for day in run.times if days is None else days:
            files.append(target / f"cells-day-{day:.10g}.csv")
            _cells_frame(run, float(day)).to_csv(files[-1], float_format="%.7g")
    return files


def _cells_frame(run: Run, day: float) -> "pd.DataFrame":
    """Cells of one time as one flat table: place, columns, nodes (named ``node.<id>``)."""
    import pandas as pd

    cells = run.cells(day)
    axes = ["x_um", "y_um", "z_um"][: cells.obsm["spatial"].shape[1]]
    place = pd.DataFrame(cells.obsm["spatial"], index=cells.obs_names, columns=axes)
    names = [f"node.{name}" for name in cells.var_names]
    nodes = pd.DataFrame(cells.X, index=cells.obs_names, columns=names)
    return pd.concat([place, cells.obs, nodes], axis=1)
