"""A run's cells as a Simularium trajectory, to be shown in a browser without installing anything.

`stemniche export --to simularium` calls it; the file is written by simulariumio. A cell is a sphere
of its true size, dead cells are a type of their own; lengths in um, times
in days. The built-in `stemniche view` needs neither.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from stemniche.core.errors import InputError, MissingExtra, writing
from stemniche.run.results import Run

SPHERE = 1000.0
"""Simularium's code of an agent without a shape of its own."""

DEAD = "dead"

SCALE = 0.1
"""Simularium likes boxes of some hundred units: what it draws is a tenth of the size in um."""


def write_simularium(run: Run, path: str | Path) -> Path:
    """Write all samples and return the file.

    Raises:
        InputError: The run has no samples, or the file cannot be written.
        MissingExtra: simulariumio is not installed.
        StoreError: The run is damaged.
    """
    try:
        import simulariumio as sim
    except ImportError as fault:
        what = "The Simularium format needs simulariumio, which is not installed."
        mend = "Install it with: pip install 'stemniche[viewer]'"
        raise MissingExtra(what, "export", mend) from fault
    target = Path(path)
    if not len(run.times):
        raise InputError("The run has no samples to export.", run.store.where, "Resume it first.")
    first = run.field(next(iter(run.header.grids)), float(run.times[0]))
    box = np.array(first.shape[::-1], float) * run.header.spacing_um
    agents = _agents(run, box, sim)
    data = sim.TrajectoryData(
        meta_data=sim.MetaData(
            box_size=box, scale_factor=SCALE, trajectory_title=f"stemniche {run.fingerprint[:12]}"
        ),
        agent_data=agents,
        time_units=sim.UnitData("d"),
        spatial_units=sim.UnitData("um"),
    )
    draft = target.with_name(f".{target.name}.part")
    with writing("The file", target):
        sim.TrajectoryConverter(data).save(str(draft), binary=False, validate_ids=False)
        os.replace(draft.with_name(f"{draft.name}.simularium"), target)
    return target


def _agents(run: Run, box: Any, sim: Any) -> Any:
    """Cells of all samples, padded to the most there are, as Simularium takes them."""
    samples = [run.cells(float(day)) for day in run.times]
    most = max(cells.n_obs for cells in samples)
    shape = (len(samples), most)
    places, radii, ids = np.zeros((*shape, 3)), np.zeros(shape), np.zeros(shape, int)
    numbers: dict[str, int] = {}
    types = []
    for t, cells in enumerate(samples):
        n, width = cells.n_obs, cells.obsm["spatial"].shape[1]
        places[t, :n, :width] = cells.obsm["spatial"]
        places[t, :n] -= box / 2 if width == 3 else [box[0] / 2, box[1] / 2, 0.0]
        radii[t, :n] = cells.obs["radius"]
        ids[t, :n] = [numbers.setdefault(key, len(numbers)) for key in cells.obs_names]
        alive = cells.obs["state"].to_numpy() == "alive"
        types.append(list(np.where(alive, cells.obs["type"].to_numpy(dtype=object), DEAD)))
    names = dict.fromkeys(name for kinds in types for name in kinds)
    return sim.AgentData(
        times=np.asarray(run.times, float),
        n_agents=np.array([cells.n_obs for cells in samples]),
        viz_types=np.full(shape, SPHERE),
        unique_ids=ids,
        types=types,
        positions=places,
        radii=radii,
        display_data={
            name: sim.DisplayData(name=name, display_type=sim.DISPLAY_TYPE.SPHERE) for name in names
        },
    )
