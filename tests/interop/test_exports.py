"""What leaves for other programs is what the run holds."""

import json
import sys
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import anndata
import numpy as np
import pandas as pd
import pytest
import zarr
from scipy.io import loadmat

from stemniche.core.errors import InputError, MissingExtra
from stemniche.interop.anndata_out import all_cells, write_anndata
from stemniche.interop.export import export_run
from stemniche.interop.ome_zarr_out import write_ome_zarr
from stemniche.interop.physicell_out import write_physicell
from stemniche.interop.simularium_out import write_simularium
from stemniche.interop.tables import write_tables
from stemniche.interop.vtk_out import write_vtk
from stemniche.run.header import make_header
from stemniche.run.results import Run
from stemniche.run.store import Store
from stemniche.spec.compile import compile_model
from stemniche.spec.modelfile import to_json
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario


@pytest.fixture(scope="module")
def model() -> str:
    """The biology of a preset."""
    return to_json(compile_model(read_library(), load_scenario("breast_quick")))


@pytest.fixture
def run(model: str) -> Run:
    """Two samples of three and four cells in memory."""
    store = Store.create(
        None,
        make_header(
            scenario={}, model=model, seed=2**63,
            fingerprints=dict.fromkeys(("model", "evidence", "library", "scenario"), "x"),
            types=("CSC", "M1"), states=("alive",), phases=("G0", "G1"), nodes=("STAT3", "HIF1A"),
            factors={"oxygen": "mmHg"}, maps={}, spacing_um=20.0,
        ),
    )  # fmt: skip
    store.log('A drug, "quoted", was given.', kind="therapy", time_s=0)
    for number, n in enumerate((3, 4)):
        ramp = np.arange(n, dtype=np.float32)
        codes = np.zeros(n, np.uint8)
        cells = {"x": ramp, "y": ramp + 1, "z": ramp * 0 + 10, "radius": ramp + 5}
        cells |= {"type": codes + np.uint8(number), "state": codes, "phase": codes}
        cells |= {"key": np.arange(1, n + 1, dtype=np.uint64), "parent": np.zeros(n, np.uint64)}
        cells |= {"nodes": np.stack([ramp, ramp / 10])}
        field = {"oxygen": np.full((1, 2, 2), 30, np.float32)}
        store.append_sample(number * 86400, {"tumour_cells": n / 3}, cells, field)
    return Run(store)


def test_tables_can_be_read_back(run: Run, tmp_path: Path) -> None:
    files = write_tables(run, tmp_path / "csv")
    names = [file.name for file in files]
    assert names == ["table.csv", "events.csv", "cells-day-0.csv", "cells-day-1.csv"]
    read = pd.read_csv(files[0], float_precision="round_trip")
    pd.testing.assert_frame_equal(read, run.table, check_exact=True)
    assert pd.read_csv(files[1])["text"][0] == 'A drug, "quoted", was given.'
    cells = pd.read_csv(files[3], index_col="key", dtype={"key": str})
    assert list(cells["type"]) == ["M1"] * 4
    np.testing.assert_allclose(cells["node.HIF1A"], [0, 0.1, 0.2, 0.3])
    assert list(cells["x_um"]) == [0, 1, 2, 3]


def test_tables_of_chosen_days_only(run: Run, tmp_path: Path) -> None:
    assert len(write_tables(run, tmp_path, days=[1])) == 3
    with pytest.raises(InputError, match="no sample"):
        write_tables(run, tmp_path, days=[7])


def test_an_h5ad_file_holds_the_cells_of_all_times(run: Run, tmp_path: Path) -> None:
    read = anndata.read_h5ad(write_anndata(run, tmp_path / "cells.h5ad"))
    assert read.shape == (7, 2)
    assert list(read.obs["time_d"]) == [0.0] * 3 + [1.0] * 4
    assert read.obs_names.is_unique
    assert set(read.obs["type"]) == {"CSC", "M1"}
    assert read.obsm["spatial"].shape == (7, 2)
    assert read.uns["stemniche"]["run"] == run.fingerprint
    np.testing.assert_array_equal(read[read.obs["time_d"] == 1.0].X, run.cells(day=1).X)


def test_one_day_is_what_the_run_gives(run: Run) -> None:
    np.testing.assert_array_equal(all_cells(run, [1]).X, run.cells(day=1).X)


def test_a_place_that_cannot_be_written_is_an_input_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_tables(run, tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        write_anndata(run, tmp_path / "absent" / "cells.h5ad")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_export_lies_in_the_folder_of_the_run(run: Run, tmp_path: Path) -> None:
    for to, last in (("csv", "cells-day-1.csv"), ("anndata", "cells.h5ad")):
        assert export_run(Run(run.store, tmp_path), to)[-1].name == last
    with pytest.raises(InputError, match="in memory"):
        export_run(run, "csv")
    with pytest.raises(InputError, match="cannot be exported to 'h5ad'"):
        export_run(run, "h5ad")


def numbers(tree: ElementTree.Element, name: str) -> np.ndarray:
    """An array of a VTK file by its name."""
    (found,) = (a for a in tree.iter("DataArray") if a.get("Name") == name)
    data = b64decode(found.text or "")
    dtype = {"Float32": "<f4", "Int64": "<i8", "Int16": "<i2"}[found.get("type", "")]
    assert int.from_bytes(data[:8], "little") == len(data) - 8
    return np.frombuffer(data[8:], dtype)


def test_vtk_files_hold_places_cells_and_voxels(run: Run, tmp_path: Path) -> None:
    voxels, cells = write_vtk(run, tmp_path / "vtk")
    files = [d.get("file", "") for d in ElementTree.parse(cells).iter("DataSet")]
    assert files == ["cells-day-0.vtp", "cells-day-1.vtp"]
    cloud = ElementTree.parse(cells.with_name(files[1])).getroot()
    np.testing.assert_array_equal(numbers(cloud, "places")[3:6], [1, 2, 0])
    np.testing.assert_array_equal(numbers(cloud, "offsets"), [1, 2, 3, 4])
    np.testing.assert_array_equal(numbers(cloud, "type"), [1, 1, 1, 1])
    np.testing.assert_allclose(numbers(cloud, "node HIF1A"), [0, 0.1, 0.2, 0.3])
    image = ElementTree.parse(voxels.with_name("voxels-day-0.vti")).getroot()
    np.testing.assert_array_equal(numbers(image, "oxygen [mmHg]"), [30] * 4)
    assert [e.get("Extent") for e in image.iter("Piece")] == ["0 2 0 2 0 1"]


def test_fields_become_an_image_that_zarr_reads(run: Run, tmp_path: Path) -> None:
    group = zarr.open_group(write_ome_zarr(run, tmp_path / "fields.ome.zarr"), mode="r")
    image = group["0"]
    assert image.shape == (2, 1, 1, 2, 2)
    np.testing.assert_array_equal(image[:], 30)
    ome = group.attrs["ome"]
    assert ome["version"] == "0.5"
    (image_data,) = ome["multiscales"]
    assert [axis["name"] for axis in image_data["axes"]] == ["t", "c", "z", "y", "x"]
    scale, moved = image_data["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [1, 1, 20, 20, 20]
    assert moved["translation"] == [0, 0, 10, 10, 10]
    assert ome["omero"]["channels"][0]["label"] == "oxygen [mmHg]"
    with pytest.raises(InputError, match="there already"):
        write_ome_zarr(run, tmp_path / "fields.ome.zarr")


def test_cells_become_a_trajectory(run: Run, tmp_path: Path) -> None:
    path = write_simularium(run, tmp_path / "cells.simularium")
    data = json.loads(path.read_text())
    assert data["trajectoryInfo"]["spatialUnits"]["name"] == "µm"
    assert data["trajectoryInfo"]["totalSteps"] == 2
    names = {kind["name"] for kind in data["trajectoryInfo"]["typeMapping"].values()}
    assert names == {"CSC", "M1"}
    frames = data["spatialData"]["bundleData"]
    assert [len(frame["data"]) // 11 for frame in frames] == [3, 4]
    assert [p.name for p in tmp_path.iterdir()] == ["cells.simularium"]


def test_a_format_without_its_library_names_the_extra(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "simulariumio", None)
    with pytest.raises(MissingExtra) as caught:
        write_simularium(run, tmp_path / "cells.simularium")
    assert "stemniche[viewer]" in caught.value.mend


def matrix(path: Path, name: str) -> np.ndarray:
    return np.asarray(loadmat(path)[name])


def test_physicell_files_hold_what_their_labels_say(run: Run, tmp_path: Path) -> None:
    first, second = write_physicell(run, tmp_path / "physicell")
    assert [first.name, second.name] == ["output00000000.xml", "output00000001.xml"]
    tree = ElementTree.parse(second).getroot()
    assert tree.findtext("metadata/current_time") == "1440"
    (data,) = tree.iter("simplified_data")
    cells = matrix(second.with_name(data.findtext("filename", "")), "cells")
    rows, width = {}, 0
    for label in data.iter("label"):
        assert int(label.get("index", "")) == width
        size = int(label.get("size", ""))
        rows[label.text], width = cells[width : width + size], width + size
    assert cells.shape == (width, 4)
    kinds = {kind.get("ID"): kind.text for kind in data.iter("type")}
    assert [kinds[str(int(code))] for code in rows["cell_type"][0]] == ["M1"] * 4
    np.testing.assert_array_equal(rows["position"], [[0, 1, 2, 3], [1, 2, 3, 4], [0, 0, 0, 0]])
    np.testing.assert_array_equal(rows["radius"][0], [5, 6, 7, 8])
    np.testing.assert_array_equal(rows["dead"][0], 0)
    np.testing.assert_allclose(rows["node.HIF1A"][0], [0, 0.1, 0.2, 0.3], rtol=1e-6)
    assert set(rows["parent_ID"][0]) == {-1}


def test_a_cell_keeps_its_number_in_physicell_files(run: Run, tmp_path: Path) -> None:
    files = write_physicell(run, tmp_path)
    number = [matrix(f.with_name(f"{f.stem}_cells.mat"), "cells")[0] for f in files]
    np.testing.assert_array_equal(number[0], [0, 1, 2])
    np.testing.assert_array_equal(number[1], [0, 1, 2, 3])


def test_physicell_fields_lie_on_the_mesh(run: Run, tmp_path: Path) -> None:
    file = write_physicell(run, tmp_path)[0]
    tree = ElementTree.parse(file).getroot()
    (mesh,), (variable,) = tree.iter("mesh"), tree.iter("variable")
    assert (variable.get("name"), variable.get("units")) == ("oxygen", "mmHg")
    oxygen = next(factor for factor in run.model.factors if factor.id == "oxygen")
    found = variable.findtext("physical_parameter_set/diffusion_coefficient")
    assert float(found or "nan") == pytest.approx(oxygen.diffusivity)
    assert mesh.findtext("x_coordinates") == "10 30"
    assert mesh.findtext("bounding_box") == "0 0 -10 40 40 10"
    levels = matrix(
        file.with_name(f"{file.stem}_microenvironment0.mat"), "multiscale_microenvironment"
    )
    np.testing.assert_array_equal(levels[:4], matrix(tmp_path / "initial_mesh0.mat", "mesh"))
    np.testing.assert_array_equal(levels[0], [10, 30, 10, 30])
    np.testing.assert_array_equal(levels[4], 30)
