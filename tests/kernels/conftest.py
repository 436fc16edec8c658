"""Lets the tests of kernels import the twins beside them, and runs them on one thread."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stemniche.kernels import jit

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small arrays gain nothing from threads, and busy machines make them wait for each other."""
    before = jit.threads()
    jit.set_threads(1)
    yield
    jit.set_threads(before)
