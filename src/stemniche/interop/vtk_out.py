"""A run as VTK files, for ParaView and everything else that reads them.

`stemniche export --to vtk` calls it. Per sample time one image of the voxels (``.vti``: factors,
vessels) and one cloud of the cells (``.vtp``: type, state, radius, nodes); two ``.pvd`` files list
them by day. Lengths are um. Format: VTK XML, version 1.0, base64 of little-endian numbers.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np

from stemniche.core.errors import writing
from stemniche.run.chunks import Array
from stemniche.run.results import Run

if TYPE_CHECKING:
    import anndata

_TYPES = {"f": "Float", "i": "Int", "u": "UInt"}


def write_vtk(run: Run, folder: str | Path, days: Iterable[float] | None = None) -> list[Path]:
    """Write ``voxels.pvd``, ``cells.pvd`` and the files they list.

    Args:
        run: What to write.
        folder: Made if it does not exist; files in it are replaced.
        days: Sample times; all by default.

    Returns:
        The two ``.pvd`` files.

    Raises:
        InputError: A day is no sample time, or the folder cannot be written.
        StoreError: The run is damaged.
    """
    target, chosen = Path(folder), list(run.times if days is None else days)
    listed: dict[str, dict[str, float]] = {"voxels": {}, "cells": {}}
    with writing("The files", target):
        target.mkdir(parents=True, exist_ok=True)
        for day in map(float, chosen):
            for kind, suffix, text in (
                ("voxels", "vti", _voxels(run, day)),
                ("cells", "vtp", _cells(run.cells(day))),
            ):
                name = f"{kind}-day-{day:.10g}.{suffix}"
                (target / name).write_text(text, encoding="ascii")
                listed[kind][name] = day
        for kind, files in listed.items():
            (target / f"{kind}.pvd").write_text(_collection(files), encoding="ascii")
    return [target / f"{kind}.pvd" for kind in listed]


def _voxels(run: Run, day: float) -> str:
    """All factors and maps of a sample time on the grid."""
    grids = {name: run.field(name, day).values for name in run.header.grids}
    nz, ny, nx = next(iter(grids.values())).shape
    extent, edge = f"0 {nx} 0 {ny} 0 {nz}", f"{run.header.spacing_um:g}"
    arrays = {f"{name} [{run.header.grids[name]}]": level.ravel() for name, level in grids.items()}
    return _file(
        "ImageData",
        f'WholeExtent="{extent}" Origin="0 0 0" Spacing="{edge} {edge} {edge}"',
        f'<Piece Extent="{extent}"><CellData>{_arrays(arrays)}</CellData></Piece>',
    )


def _cells(cells: "anndata.AnnData") -> str:
    """Cells as points with what a sample keeps of them; words become their codes."""
    count = cells.n_obs
    places = np.zeros((count, 3), np.float32)
    places[:, : cells.obsm["spatial"].shape[1]] = cells.obsm["spatial"]
    columns: dict[str, Array] = {}
    for name in cells.obs:
        column = cells.obs[name]
        if hasattr(column, "cat"):
            columns[name] = column.cat.codes.to_numpy(np.int16)
        elif column.dtype.kind in _TYPES:
            columns[name] = column.to_numpy()
    nodes = {f"node {name}": cells.X[:, i] for i, name in enumerate(cells.var_names)}
    verts = {"connectivity": np.arange(count), "offsets": np.arange(1, count + 1)}
    return _file(
        "PolyData",
        "",
        f'<Piece NumberOfPoints="{count}" NumberOfVerts="{count}">'
        f"<PointData>{_arrays(columns | nodes)}</PointData>"
        f"<Points>{_array('places', places.ravel(), 3)}</Points>"
        f"<Verts>{_arrays(verts)}</Verts></Piece>",
    )


def _arrays(named: Mapping[str, Array]) -> str:
    return "".join(_array(name, values) for name, values in named.items())


def _array(name: str, values: Any, components: int = 1) -> str:
    plain = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    kind = f"{_TYPES[plain.dtype.kind]}{8 * plain.dtype.itemsize}"
    data = b64encode(np.uint64(plain.nbytes).tobytes() + plain.tobytes()).decode()
    return (
        f'<DataArray type="{kind}" Name={quoteattr(name)} NumberOfComponents="{components}" '
        f'format="binary">{data}</DataArray>\n'
    )


def _file(kind: str, attributes: str, body: str) -> str:
    return (
        f'<?xml version="1.0"?>\n<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" '
        f'header_type="UInt64">\n<{kind} {attributes}>{body}</{kind}></VTKFile>\n'
    )


def _collection(files: Mapping[str, float]) -> str:
    sets = "".join(
        f'<DataSet timestep="{day:.10g}" file="{name}"/>\n' for name, day in files.items()
    )
    return (
        '<?xml version="1.0"?>\n<VTKFile type="Collection" version="1.0" '
        f'byte_order="LittleEndian"><Collection>\n{sets}</Collection></VTKFile>\n'
    )
