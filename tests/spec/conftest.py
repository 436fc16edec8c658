"""The small made-up library, the shipped one, and scenarios from text, to test with."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stemniche.spec.library import Library
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario, load_scenario


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The module of the made-up library beside this file."""
    name = "small_library"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(tmp_path: Path, made_up: ModuleType) -> Any:
    """A `SmallLibrary` in a folder of its own."""
    return made_up.SmallLibrary(tmp_path)


@pytest.fixture(scope="session")
def shipped() -> Library:
    """The library that comes with the package."""
    return read_library()


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Scenario]:
    """Load a scenario from text, as a file named case.yaml."""

    def read(text: str) -> Scenario:
        path = tmp_path / "case.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path)

    return read
