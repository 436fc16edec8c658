"""Tables and models are untrusted as well: whatever is in them, reading ends in a clean error."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.spec.modelfile import from_json, to_json

HERE = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ODD = (
    "", "-1", "nan", "inf", "1e999", "1e308 nM", "0", "9**9**9", "CSC", "cell;cell", ";", "IL6",
    "no such", "oxygen", "stemness", "5 fold", "0.5 nM", "1 furlong", "+1", "yes", "C001;C001", '"',
    "\n", "\0", "'", "é\u202e", "x" * 3000, "conversion.CSC.CSC", "TP53:mutant", "<A>", "a.b.c",
)  # fmt: skip
CELLS = st.sampled_from(ODD) | st.text(max_size=6)


@contextmanager
def clean() -> Iterator[None]:
    """Nothing, or an error of input that can be printed."""
    try:
        yield
    except InputError as fault:
        str(fault).encode()


@HERE
@given(seed=st.integers(0, 2**32), words=st.lists(CELLS, min_size=1, max_size=3))
def test_a_table_with_odd_cells_gives_a_model_or_a_clean_error(
    small: Any, seed: int, words: list[str]
) -> None:
    """Cells are exchanged, so that most tables stay readable and later checks are reached."""
    dice = random.Random(seed)
    path = dice.choice(sorted(Path(small.folder).glob("*.csv")))
    before = path.read_bytes()
    lines = before.decode().splitlines()
    for word in words:
        at = dice.randrange(len(lines))
        cells = lines[at].split(",")
        cells[dice.randrange(len(cells))] = word
        lines[at] = ",".join(cells)
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    try:
        with clean():
            to_json(small.compile())
    finally:
        path.write_bytes(before)


@HERE
@given(seed=st.integers(0, 2**32), junk=st.binary(max_size=12))
def test_a_table_with_other_bytes_gives_a_library_or_a_clean_error(
    small: Any, seed: int, junk: bytes
) -> None:
    dice = random.Random(seed)
    path = dice.choice(sorted(Path(small.folder).glob("*.csv")))
    before = path.read_bytes()
    at = dice.randrange(len(before))
    path.write_bytes(before[:at] + junk + before[at + dice.randrange(20) :])
    try:
        with clean():
            small.read()
    finally:
        path.write_bytes(before)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


def spoilt(found: Any, dice: random.Random, value: Any) -> Any:
    """JSON data with one place, chosen at random, holding something else."""
    if isinstance(found, dict) and found and dice.random() < 0.9:
        key = dice.choice(sorted(found))
        return {**found, key: spoilt(found[key], dice, value)}
    if isinstance(found, list) and found and dice.random() < 0.9:
        at = dice.randrange(len(found))
        return [*found[:at], spoilt(found[at], dice, value), *found[at + 1 :]]
    return value


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, made_up: Any) -> str:
    return to_json(made_up.SmallLibrary(tmp_path_factory.mktemp("model")).compile())


@HERE
@given(seed=st.integers(0, 2**32), value=JSON)
def test_a_spoilt_model_is_a_model_or_a_clean_error(text: str, seed: int, value: Any) -> None:
    with clean():
        from_json(json.dumps(spoilt(json.loads(text), random.Random(seed), value)))


@HERE
@given(seed=st.integers(0, 2**32), junk=st.text(max_size=8))
def test_a_torn_model_is_a_model_or_a_clean_error(text: str, seed: int, junk: str) -> None:
    at = random.Random(seed).randrange(len(text))
    with clean():
        from_json(text[:at] + junk)
    with clean():
        from_json(junk)
