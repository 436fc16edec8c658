"""Stores to test with, of either kind."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from stemniche.run.store import Store


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module of made-up runs beside this file."""
    spec = importlib.util.spec_from_file_location(
        "made_up_run", Path(__file__).with_name("made_up_run.py")
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["folder", "memory"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, made_up: ModuleType) -> Store:
    """An empty store of either kind."""
    return Store.create(tmp_path if request.param == "folder" else None, made_up.header())


@pytest.fixture
def filled(tmp_path: Path, made_up: ModuleType) -> Store:
    """A folder store with three samples, a checkpoint and notes."""
    store = Store.create(tmp_path, made_up.header())
    store.log("80 mg/m^2 of a drug were given.", kind="therapy", time_s=3600)
    made_up.fill(store, 3)
    store.write_checkpoint(2 * made_up.HALF_DAY, {"level": np.arange(5.0), "tick": 240})
    store.finish("done")
    return store


@pytest.fixture(scope="session")
def bytes_below() -> Callable[[Path], dict[str, bytes]]:
    """Content of every file below a folder, by relative path."""

    def read(folder: Path) -> dict[str, bytes]:
        files = (f for f in folder.rglob("*") if f.is_file())
        return {f.relative_to(folder).as_posix(): f.read_bytes() for f in files}

    return read
