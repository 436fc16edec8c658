"""Facts about where compiled kernels are kept."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from llvmlite.binding import Linkage

from stemniche.kernels import jit, maths

KERNELS = Path(jit.__file__).parent


def fresh_folder(monkeypatch: pytest.MonkeyPatch, wanted: Path) -> Path:
    monkeypatch.setenv("STEMNICHE_CACHE", str(wanted))
    return jit.cache_folder.__wrapped__()


def test_the_cache_is_open_to_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loose = tmp_path / "cache"
    loose.mkdir(mode=0o755)
    folder = fresh_folder(monkeypatch, loose)
    assert folder == loose
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_is_not_trusted_and_a_private_folder_serves_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folder = fresh_folder(monkeypatch, tmp_path / "link")
    assert folder.parent != tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.environ["STEMNICHE_CACHE"] == str(folder)


def test_a_file_in_the_way_leads_to_a_private_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert fresh_folder(monkeypatch, tmp_path / "file").is_dir()


def test_an_edit_to_an_imported_kernel_file_makes_old_code_invalid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "top.py").write_text("from stemniche.kernels.middle import a\n")
    (tmp_path / "middle.py").write_text("from stemniche.kernels import (\n    bottom,\n)\n")
    (tmp_path / "bottom.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    monkeypatch.setattr(jit, "_KERNELS", tmp_path)
    names = [source.name for source in jit._sources(tmp_path / "top.py")]
    assert names == ["bottom.py", "middle.py", "top.py"]
    before = jit._stamp.__wrapped__(tmp_path / "top.py")
    (tmp_path / "other.py").write_text("x = 2\n")
    assert jit._stamp.__wrapped__(tmp_path / "top.py") == before
    (tmp_path / "bottom.py").write_text("x = 2\n")
    assert jit._stamp.__wrapped__(tmp_path / "top.py") != before


def test_folders_out_of_use_are_dropped(tmp_path: Path) -> None:
    for name, age in (("old", 1e7), ("young", 0.0)):
        folder = tmp_path / name
        folder.mkdir()
        stamp = folder.stat().st_mtime - age
        os.utime(folder, (stamp, stamp))
    jit._forget_old(tmp_path)
    assert [folder.name for folder in tmp_path.iterdir()] == ["young"]


def test_our_kernels_are_kept_in_our_folder_and_nobody_elses() -> None:
    ours = jit._KernelCache.from_function(maths._numbers.py_func, str(KERNELS / "maths.py"))
    assert ours is not None
    assert Path(ours.get_cache_path()).parent == jit.cache_folder()
    assert jit._KernelCache.from_function(os.path.join, os.__file__) is None


def test_a_full_cache_folder_stops_no_run(tmp_path: Path) -> None:
    """No file may grow in the child, so the machine code cannot be kept; the kernel works."""
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from stemniche.kernels.maths import hill; print(hill(1.0, 1.0, 2.0))"
    )
    place = {"STEMNICHE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0.5\n", "")
    assert not [f for f in (tmp_path / "cache").rglob("*.nbc") if f.stat().st_size]


def numpy_sort_twice(values: np.ndarray) -> float:
    """Calls what is too long to be inlined."""
    return float(np.sort(np.sort(values)[::-1])[0])


numpy_sort_twice.__module__ = "stemniche.kernels.trial"


def test_machine_code_calls_its_own_copies_of_callees() -> None:
    fresh = numba.njit(numpy_sort_twice)
    fresh(np.array([3.0, 1.0, 2.0]))
    library = next(iter(fresh.overloads.values())).library
    bound = {f.linkage for f in library._final_module.functions if not f.is_declaration}
    assert Linkage.linkonce_odr not in bound
    assert Linkage.internal in bound
    shared = {f.linkage for f in library._shared_module.functions if not f.is_declaration}
    assert Linkage.linkonce_odr in shared
    assert Linkage.external not in shared


def numpy_sort_rows(values: np.ndarray, out: np.ndarray) -> None:
    for row in numba.prange(values.shape[0]):
        out[row] = np.sort(values[row])[0]


numpy_sort_rows.__module__ = "stemniche.kernels.trial"


def test_machine_code_runs_its_own_copies_of_parallel_loops() -> None:
    """The loader knows the loop's body by name already from when it was compiled."""
    fresh = numba.njit(numpy_sort_rows, parallel=True)
    rows, out = np.array([[3.0, 1.0], [2.0, 0.5]]), np.empty(2)
    fresh(rows, out)
    assert out.tolist() == [1.0, 0.5]
    library = next(iter(fresh.overloads.values())).library
    bodies = {
        f.linkage
        for f in library._final_module.functions
        if not f.is_declaration and f.name.startswith("__gufunc__")
    }
    assert bodies == {Linkage.internal}
