"""A run's cells as one AnnData, in memory or as an .h5ad file, for the single-cell world.

`stemniche export --to anndata` calls it. One row is one cell at one time.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from stemniche.core.errors import InputError, writing
from stemniche.run.results import Run

if TYPE_CHECKING:
    import anndata


def all_cells(run: Run, days: Iterable[float] | None = None) -> "anndata.AnnData":
    """Return the cells of several sample times, with ``obs["time_d"]``.

    The index is ``<key>@<day>``; ``X``, ``obsm`` and ``uns`` are as in `Run.cells`.

    Args:
        run: Where the cells come from.
        days: Sample times; all by default.

    Raises:
        InputError: A day is no sample time, or there is none.
        StoreError: The run is damaged.
    """
    import anndata

    parts = []
    for day in run.times if days is None else days:
        part = run.cells(float(day))
        part.obs.insert(0, "time_d", float(day))
        part.obs_names = [f"{key}@{day:.10g}" for key in part.obs_names]
        parts.append(part)
    if not parts:
        raise InputError("The run has no samples to export.", run.store.where, "Resume it first.")
    whole = anndata.concat(parts, join="inner", merge="same")
    whole.uns["stemniche"] = {k: v for k, v in parts[0].uns["stemniche"].items() if k != "time_d"}
    return whole


def write_anndata(run: Run, path: str | Path, days: Iterable[float] | None = None) -> Path:
    """Write `all_cells` as an .h5ad file and return its path; a file of that name is replaced.

    Raises:
        InputError: A day is no sample time, or the file cannot be written.
        StoreError: The run is damaged.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.part")
    cells = all_cells(run, days)
    try:
        with writing("The file", target):
            cells.write_h5ad(draft, compression="gzip")
            os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target
