"""Untrusted files: whatever is written, reading gives a scenario or one clean error."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.spec.interventions import Intervention
from stemniche.spec.reading import Field
from stemniche.spec.scenario import Scenario, load_scenario
from stemniche.spec.schema import SCHEMA_KEYS
from stemniche.spec.treatline import WORDS
from stemniche.spec.treatment import FORMS
from stemniche.spec.yamlfile import Mark, Node, node_from, parse_yaml, write_yaml

GOOD = """\
cancer: breast   # context
days: 3
domain: {size: [1 mm, 1 mm], depth: 20 µm, voxel: 20 um}
prepare: {until: hypoxic_fraction > 0.1, max: 3 d}
tumour: {cells: 150, csc_fraction: 0.05, genotype: {TP53: mutant}}
tissue:
  MSC: &few 60
  CD8: *few
therapy:
- {drug: paclitaxel, dose: 80 mg/m^2, every: 7 d, from: 1 d}
- block CXCR4 0.9 in CSC from 3 d
without_claims: ["C257"]
"""

ODD = (
    "", "~", "-", "[", "{", "&a ", "*a", "!!binary ", "|", "? ", "\t", "%", "'", '"', "\\x", "\0",
    "---\n", "1e999", "9**9**9", "nan", ".inf", "µ", "\u202e", "\U0001f9ec", ": ", "#", "0x1F",
    "<<: *a", "@", "`", "-1", "é",
)  # fmt: skip

EDITS = st.tuples(
    st.integers(0, len(GOOD)), st.integers(0, 8), st.sampled_from(ODD) | st.text(max_size=4)
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["7 d", "birth", "CSC", "IL6", "CXCR4", "1 mm", "20 um", "C257", "breast"])
)
WORDS_OF_FILES = [key.path.rsplit(".", 1)[-1] for key in SCHEMA_KEYS] + [
    *FORMS,
    *WORDS,
    "MSC",
    "NK",
]
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS_OF_FILES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
HERE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("good") / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return load_scenario(path)


def load(path: Path, data: bytes) -> Scenario | None:
    path.write_bytes(data)
    try:
        return load_scenario(path)
    except InputError as error:
        str(error).encode()
        return None


@HERE
@given(st.lists(EDITS, min_size=1, max_size=4))
def test_a_file_with_typing_errors_gives_a_scenario_or_a_clean_error(
    tmp_path: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = GOOD
    for place, length, new in edits:
        text = text[:place] + new + text[place + length :]
    found = load(tmp_path / "case.yaml", text.encode("utf-8", errors="replace"))
    if found is not None:
        again = load(tmp_path / "again.yaml", found.to_yaml().encode())
        assert again is not None
        assert again.fingerprint == found.fingerprint


@HERE
@given(st.binary(max_size=200))
@example(b"\xff\xfe\x00a")
@example(b"a: \xc3")
def test_any_bytes_give_a_clean_error(tmp_path: Path, data: bytes) -> None:
    assert load(tmp_path / "case.yaml", data) is None


@HERE
@given(VALUES)
def test_any_structure_of_known_words_gives_a_scenario_or_a_clean_error(
    good: Scenario, value: Any
) -> None:
    changes = value if isinstance(value, dict) else {"therapy": value}
    with contextlib.suppress(InputError):
        good.change(changes).to_yaml()


@HERE
@given(st.sampled_from([key.path for key in SCHEMA_KEYS]), VALUES)
def test_any_value_of_any_key_gives_a_scenario_or_a_clean_error(
    good: Scenario, path: str, value: Any
) -> None:
    with contextlib.suppress(InputError):
        changed = good.change({path: value})
        assert changed.change({}).fingerprint == changed.fingerprint


@HERE
@given(st.lists(st.dictionaries(st.sampled_from([*FORMS, *WORDS]), VALUES, max_size=4), max_size=3))
def test_any_list_of_interventions_gives_records_or_a_clean_error(
    good: Scenario, items: list[dict[str, Any]]
) -> None:
    with contextlib.suppress(InputError):
        treated = good.treat(items)
        assert all(isinstance(item, Intervention) for item in treated.therapy)


@HERE
@given(VALUES)
def test_plain_data_survives_being_written_and_read(value: Any) -> None:
    if "nan" in repr(value):
        return
    try:
        plain = node_from({"key": value}, Mark("test")).plain
        text = write_yaml(plain)
        again = parse_yaml(text, source="test").plain
    except InputError:
        return  # text that YAML cannot hold, such as a control character
    assert again == plain


@given(
    st.text(max_size=60) | st.integers() | st.floats(), st.sampled_from(["um", "", "d", "mg/m^2"])
)
def test_any_quantity_is_a_finite_number_or_a_clean_error(value: Any, unit: str) -> None:
    written = Field("key", Node(value, Mark("test")))
    with contextlib.suppress(InputError):
        assert abs(written.quantity(unit)) < float("inf")
    with contextlib.suppress(InputError):
        assert written.count() >= 0
    with contextlib.suppress(InputError):
        assert written.minutes(bare="d") >= 0.0


@pytest.mark.parametrize(
    "text",
    [
        "a: '" + "x" * 10_000 + "'",
        "[" * 100_000,
        "- " * 50_000,
        "? " * 50_000,
        "{a: " * 50_000,
        "!!map " * 1000 + "{}",
        "&a " * 1000 + "b",
        "\n".join(f"k{n}: [1, 2]" for n in range(10_000)),
        "a: " + "9" * 5000,
        "x" * 200_000 + ": 1",
        "%YAML 1.1\n---\na: no\n",
        "%TAG ! tag:x,2000:\n---\n!y a\n",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_files_are_answered_soon(text: str, tmp_path: Path) -> None:
    assert load(tmp_path / "case.yaml", text.encode()) is None
