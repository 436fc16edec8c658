"""Experiment files written on the spot, and the made-up simulator."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from stemniche.experiment.file import Experiment, read_experiments


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module of made-up arms beside this file."""
    name = "made_up_arms"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write the experiments of a file and return its path."""

    def written(items: str) -> Path:
        path = tmp_path / "experiments.yaml"
        path.write_text("experiments:\n" + items, encoding="utf-8")
        return path

    return written


@pytest.fixture
def read(write: Callable[[str], Path]) -> Callable[[str], tuple[Experiment, ...]]:
    """Read experiments from text."""
    return lambda items: read_experiments(write(items))
