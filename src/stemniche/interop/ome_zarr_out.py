"""A run's fields as OME-Zarr, for napari, Vitessce, neuroglancer and the imaging world.

`stemniche export --to ome-zarr` calls it. One image with axes t, c, z, y, x: a channel per factor
and map of vessels; lengths in micrometres, times in days. Cells go beside it as a table of places.
Format: OME-NGFF 0.5 on Zarr 3 (doi:10.1038/s41592-021-01326-w).
"""

from pathlib import Path
from typing import Any

import numpy as np

from stemniche.core.errors import InputError, writing
from stemniche.run.results import Run

VERSION = "0.5"


def write_ome_zarr(run: Run, folder: str | Path) -> Path:
    """Write the image and return its folder.

    Args:
        run: Its samples must lie at equal distances, as OME-Zarr knows one time step.
        folder: Made; one that exists is refused.

    Raises:
        InputError: The folder exists or cannot be written, or the samples are not evenly spaced.
        StoreError: The run is damaged.
    """
    import zarr

    target = Path(folder)
    days = np.asarray(run.times, float)
    if not len(days):
        raise InputError("The run has no samples to export.", run.store.where, "Resume it first.")
    steps = np.diff(days)
    if len(steps) and not np.allclose(steps, steps[0]):
        what = "The samples are not evenly spaced in time."
        raise InputError(what, run.store.where, "Export to vtk, which takes any times.")
    if target.exists():
        raise InputError("The folder is there already.", str(target), "Remove or rename it.")
    channels = list(run.header.grids)
    first = run.field(channels[0], float(days[0]))
    step = float(steps[0]) if len(steps) else 1.0
    with writing("The image", target):
        group = zarr.open_group(target, mode="w-", zarr_format=3)
        image: Any = group.create_array(
            "0",
            shape=(len(days), len(channels), *first.shape),
            chunks=(1, 1, *first.shape),
            dtype="float32",
            dimension_names=("t", "c", "z", "y", "x"),
        )
        for t, day in enumerate(days):
            for c, name in enumerate(channels):
                image[t, c] = run.field(name, float(day)).values
        spacing = run.header.spacing_um
        group.attrs["ome"] = _metadata(run, channels, step, float(days[0]), spacing)
    return target


def _metadata(
    run: Run, channels: list[str], step: float, start: float, spacing: float
) -> dict[str, Any]:
    """The attributes that OME-NGFF asks for; voxel centres lie half a voxel from the corner."""
    axes = [
        {"name": "t", "type": "time", "unit": "day"},
        {"name": "c", "type": "channel"},
        *({"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"),
    ]
    moved = [start, 0.0, *([spacing / 2] * 3)]
    dataset = {
        "path": "0",
        "coordinateTransformations": [
            {"type": "scale", "scale": [step, 1.0, *([spacing] * 3)]},
            {"type": "translation", "translation": moved},
        ],
    }
    units = run.header.grids
    return {
        "version": VERSION,
        "multiscales": [
            {"name": run.fingerprint[:12], "axes": axes, "datasets": [dataset], "type": "none"}
        ],
        "omero": {
            "channels": [
                {"label": f"{name} [{units[name]}]", "active": i == 0}
                for i, name in enumerate(channels)
            ]
        },
    }
