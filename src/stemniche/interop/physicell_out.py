"""A run as the output of PhysiCell (MultiCellDS), for the programs that read that.

`stemniche export --to physicell` calls it: pcdl, PhysiCell Studio and scripts written for PhysiCell
find their files, one set per sample. Lengths are um, times min. PhysiCell's own columns are filled
where stemniche has the same; nodes and other states of a cell follow as custom data under their own
names. Format: MultiCellDS 2.0 with MATLAB 4 matrices, as PhysiCell 1.14 writes it (Ghaffarizadeh
2018 PLoS Comput Biol 14:e1005991 doi:10.1371/journal.pcbi.1005991).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

import numpy as np

from stemniche.core.errors import InputError, writing
from stemniche.run.chunks import Array
from stemniche.run.results import Run

if TYPE_CHECKING:
    import anndata

CYCLE, APOPTOSIS, NECROSIS = 6, 100, 101
"""PhysiCell's codes of models: separated flow cytometry for the living, and the two deaths."""

PHASES = {"G0": 5, "G1": 6, "S": 10, "G2M": 11, "apoptotic": 100, "necrotic": 103}
"""PhysiCell's codes of the phases of the living and of the dead."""

NONE = -1.0
"""No parent, no factor that is followed."""

Columns = list[tuple[str, str, Array]]
"""Name, unit and values, ``[cells]`` or ``[3, cells]``."""


def write_physicell(run: Run, folder: str | Path) -> list[Path]:
    """Write ``output%08d.xml`` of every sample, the matrices it names and the mesh.

    Cells are numbered in the order in which they appear, from 0; `parent_ID` is -1 for founders. A
    slice lies at z = 0 in PhysiCell's manner.

    Args:
        run: What to write.
        folder: Made if it does not exist; files in it are replaced.

    Returns:
        The ``.xml`` files.

    Raises:
        InputError: The run has no samples, or the folder cannot be written.
        StoreError: The run is damaged.
    """
    target = Path(folder)
    if not len(run.times):
        raise InputError("The run has no samples to export.", run.store.where, "Resume it first.")
    mesh = _mesh(run)
    numbers: dict[str, int] = {"": int(NONE)}
    written = []
    with writing("The files", target):
        target.mkdir(parents=True, exist_ok=True)
        _matrix(target / "initial_mesh0.mat", "mesh", mesh)
        for sample, day in enumerate(map(float, run.times)):
            name = f"output{sample:08d}"
            levels = [run.field(grid, day).values.ravel() for grid in run.header.grids]
            fields = np.vstack([mesh, *levels])
            _matrix(target / f"{name}_microenvironment0.mat", "multiscale_microenvironment", fields)
            columns = _columns(run, run.cells(day), numbers)
            _matrix(target / f"{name}_cells.mat", "cells", np.vstack([c[2] for c in columns]))
            tree = _document(run, name, day, mesh, columns)
            tree.write(target / f"{name}.xml", encoding="UTF-8", xml_declaration=True)
            written.append(target / f"{name}.xml")
    return written


def _matrix(path: Path, name: str, values: Array) -> None:
    from scipy.io import savemat

    savemat(path, {name: np.asarray(values, np.float64)}, format="4")


def _mesh(run: Run) -> Array:
    """Middle and volume of every voxel, ``[4, voxels]``, x running fastest."""
    level = run.field(next(iter(run.header.grids)), float(run.times[0]))
    spacing = run.header.spacing_um
    z, y, x = np.meshgrid(*(level.coords[axis].values for axis in "zyx"), indexing="ij")
    if len(level.coords["z"]) == 1:  # a slice
        z = np.zeros_like(z)
    return np.stack([x.ravel(), y.ravel(), z.ravel(), np.full(x.size, spacing**3)])


def _columns(run: Run, cells: "anndata.AnnData", numbers: dict[str, int]) -> Columns:
    """What PhysiCell calls cell data, in its order; custom data after it.

    Args:
        numbers: Number of each cell by its key; new ones are added.
    """
    obs, count = cells.obs, cells.n_obs
    places = np.zeros((3, count))
    places[: cells.obsm["spatial"].shape[1]] = cells.obsm["spatial"].T
    radius = obs["radius"].to_numpy(np.float64)
    kind = np.array([run.header.types.index(name) for name in obs["type"]], float)
    state = obs["state"].to_numpy(dtype=object)
    phase = np.where(state == "alive", obs["phase"].to_numpy(dtype=object), state)
    model = np.select([state == "apoptotic", state == "necrotic"], [APOPTOSIS, NECROSIS], CYCLE)
    key = [numbers.setdefault(name, len(numbers) - 1) for name in obs.index]
    parent = [numbers.setdefault(name, len(numbers) - 1) for name in obs["parent"]]
    columns: Columns = [
        ("ID", "none", np.array(key, float)),
        ("position", "microns", places),
        ("total_volume", "cubic microns", 4.0 / 3.0 * np.pi * radius**3),
        ("cell_type", "none", kind),
        ("cycle_model", "none", model.astype(float)),
        ("current_phase", "none", np.array([PHASES[name] for name in phase], float)),
        ("dead", "none", (state != "alive").astype(float)),
        ("radius", "microns", radius),
        ("chemotaxis_index", "none", np.full(count, NONE)),
        ("parent_ID", "none", np.array(parent, float)),
    ]
    # A cell's own oxygen would bear the name of the substrate.
    taken = {"type", "state", "phase", "parent", "radius", "oxygen"}
    columns += [(name, "none", obs[name].to_numpy(np.float64)) for name in obs if name not in taken]
    nodes = zip(cells.var_names, np.asarray(cells.X, np.float64).T, strict=True)
    return [*columns, *((f"node.{name}", "none", level) for name, level in nodes)]


def _document(
    run: Run, name: str, day: float, mesh: Array, columns: Columns
) -> "Xml.ElementTree[Xml.Element]":
    """The file that says what the matrices hold."""
    root = Xml.Element("MultiCellDS", version="2.0", type="snapshot/simulation")
    about = Xml.SubElement(root, "metadata")
    software = Xml.SubElement(about, "software")
    _text(software, "name", "stemniche")
    _text(software, "version", run.header.versions["stemniche"])
    _text(about, "current_time", f"{day * 1440.0:.10g}", units="min")
    _text(about, "current_runtime", "0", units="sec")
    _text(about, "created", datetime.now(UTC).isoformat(timespec="seconds"))
    domain = Xml.SubElement(
        Xml.SubElement(root, "microenvironment"), "domain", name="microenvironment"
    )
    _describe_mesh(domain, run, mesh)
    _describe_factors(domain, run)
    _file(Xml.SubElement(domain, "data", type="matlab"), f"{name}_microenvironment0.mat")
    place = root
    for tag, attributes in (
        ("cellular_information", {}),
        ("cell_populations", {}),
        ("cell_population", {"type": "individual"}),
        ("custom", {}),
        ("simplified_data", {"type": "matlab", "source": "PhysiCell", "data_version": "2"}),
    ):
        place = Xml.SubElement(place, tag, attributes)
    types = Xml.SubElement(place, "cell_types")
    for number, kind in enumerate(run.header.types):
        _text(types, "type", kind, ID=str(number), type=str(number))
    labels, index = Xml.SubElement(place, "labels"), 0
    for label, units, values in columns:
        size = 1 if values.ndim == 1 else len(values)
        _text(labels, "label", label, index=str(index), size=str(size), units=units)
        index += size
    _file(place, f"{name}_cells.mat")
    return Xml.ElementTree(root)


def _describe_mesh(domain: Xml.Element, run: Run, mesh: Array) -> None:
    axes = [np.unique(row) for row in mesh[:3]]
    half = run.header.spacing_um / 2.0
    place = Xml.SubElement(
        domain, "mesh", type="Cartesian", uniform="true", regular="true", units="micron"
    )
    ends = [*(axis[0] - half for axis in axes), *(axis[-1] + half for axis in axes)]
    _text(place, "bounding_box", _numbers(ends), type="axis-aligned", delimiter=" ")
    for letter, axis in zip("xyz", axes, strict=True):
        _text(place, f"{letter}_coordinates", _numbers(axis), delimiter=" ")
    _file(Xml.SubElement(place, "voxels", type="matlab"), "initial_mesh0.mat")


def _describe_factors(domain: Xml.Element, run: Run) -> None:
    known = {factor.id: factor for factor in run.model.factors}
    variables = Xml.SubElement(domain, "variables")
    for number, (name, unit) in enumerate(run.header.grids.items()):
        one = Xml.SubElement(variables, "variable", name=name, units=unit, ID=str(number))
        numbers = Xml.SubElement(one, "physical_parameter_set")
        factor = known.get(name)
        spreads, decays = (0.0, 0.0) if factor is None else (factor.diffusivity, factor.decay)
        _text(numbers, "diffusion_coefficient", f"{spreads:.10g}", units="micron^2/min")
        _text(numbers, "decay_rate", f"{decays:.10g}", units="1/min")


def _numbers(values: Sequence[float] | Array) -> str:
    return " ".join(f"{value:.10g}" for value in values)


def _file(place: Xml.Element, name: str) -> None:
    _text(place, "filename", name)


def _text(place: Xml.Element, tag: str, text: str, **attributes: str) -> None:
    Xml.SubElement(place, tag, attributes).text = text
