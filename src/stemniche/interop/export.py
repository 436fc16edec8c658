"""The list of formats a run can leave in; `api.export` and the command line call it."""

from collections.abc import Callable
from pathlib import Path

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.interop.anndata_out import write_anndata
from stemniche.interop.ome_zarr_out import write_ome_zarr
from stemniche.interop.physicell_out import write_physicell
from stemniche.interop.simularium_out import write_simularium
from stemniche.interop.tables import write_tables
from stemniche.interop.vtk_out import write_vtk
from stemniche.run.results import Run

FORMATS: dict[str, Callable[[Run, Path], list[Path]]] = {
    "csv": lambda run, folder: write_tables(run, folder / "csv"),
    "vtk": lambda run, folder: write_vtk(run, folder / "vtk"),
    "physicell": lambda run, folder: write_physicell(run, folder / "physicell"),
    "ome-zarr": lambda run, folder: [write_ome_zarr(run, folder / "fields.ome.zarr")],
    "simularium": lambda run, folder: [write_simularium(run, folder / "cells.simularium")],
    "anndata": lambda run, folder: [write_anndata(run, folder / "cells.h5ad")],
}
"""Writers by the name a user gives, into a folder that exists."""


def export_run(run: Run, to: str) -> list[Path]:
    """Write a run in another format into its own folder and return the files.

    Args:
        run: A run with a folder.
        to: A key of `FORMATS`.

    Raises:
        InputError: The format is unknown, the run is in memory, or the folder cannot be written.
        StoreError: The run is damaged.
    """
    if to not in FORMATS:
        listed = f"This version writes {', '.join(FORMATS)}."
        raise InputError(f"A run cannot be exported to '{to}'.", "export",
                         did_you_mean(to, FORMATS, listed))  # fmt: skip
    if run.folder is None:
        raise InputError(
            "The run is in memory, so its export has no place.",
            "export",
            "Use write_tables(run, folder) or write_anndata(run, file).",
        )
    return FORMATS[to](run, run.folder)
