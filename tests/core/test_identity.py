"""Equal content, equal name; different content, different name."""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemniche.core.identity import canonical_json, fingerprint, fingerprint_files


@dataclass(frozen=True, slots=True)
class Dose:
    drug: str
    minutes: float
    parts: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    drug: str
    minutes: float
    parts: tuple[str, ...] = ()


class Phase(IntEnum):
    EVENTS = 0


DOSE = Dose("paclitaxel", 60.0, ("a", "b"))


def test_a_copy_has_the_same_name() -> None:
    assert fingerprint(replace(DOSE)) == fingerprint(DOSE)


def test_one_changed_number_changes_the_name() -> None:
    assert fingerprint(replace(DOSE, minutes=60.000000001)) != fingerprint(DOSE)


def test_a_field_that_does_not_count_for_equality_does_not_count() -> None:
    assert fingerprint(replace(DOSE, line=7)) == fingerprint(DOSE)


def test_two_kinds_of_thing_with_equal_fields_differ() -> None:
    assert fingerprint(Block("paclitaxel", 60.0, ("a", "b"))) != fingerprint(DOSE)


def test_the_name_is_twelve_hexadecimal_digits_and_the_same_for_ever() -> None:
    assert fingerprint({"a": [1, 2.5, None, True], "b": "µm"}) == "9ad2ec22630e"


def test_order_of_keys_and_members_and_kind_of_list_do_not_matter() -> None:
    assert fingerprint({"a": (1, 2), "b": {"x", "y"}}) == fingerprint(
        {"b": frozenset({"y", "x"}), "a": [1, 2]}
    )


def test_numpy_numbers_are_numbers() -> None:
    assert fingerprint([np.float64(0.1), np.int32(3), np.bool_(True)]) == fingerprint(
        [0.1, 3, True]
    )


def test_arrays_count_with_shape_type_and_content() -> None:
    grid = np.arange(6.0)
    other = [grid + 1, grid.reshape(2, 3), grid.astype(np.float32), grid.tolist()]
    assert fingerprint(grid) == fingerprint(grid.copy())
    assert all(fingerprint(thing) != fingerprint(grid) for thing in other)


def test_keys_that_look_alike_stay_apart() -> None:
    assert fingerprint({1: "a"}) != fingerprint({"1": "a"})
    assert fingerprint({Phase.EVENTS: 1}) == fingerprint({0: 1})


def test_what_has_no_content_is_refused() -> None:
    for thing in (object(), Dose, lambda: 0, Path("/somewhere"), np.array([object()])):
        with pytest.raises(TypeError):
            fingerprint([thing])


def test_files_count_by_name_and_content_but_not_by_folder(tmp_path: Path) -> None:
    def write(folder: str, **contents: str) -> list[Path]:
        (tmp_path / folder).mkdir()
        paths = [tmp_path / folder / name for name in contents]
        for path in paths:
            path.write_text(contents[path.name])
        return paths

    first = write("one", a="1", b="2")
    same = write("two", b="2", a="1")
    swapped = write("three", a="2", b="1")
    assert fingerprint_files(first) == fingerprint_files(same)
    assert fingerprint_files(first) != fingerprint_files(swapped)
    assert fingerprint_files(first) != fingerprint_files(first[:1])


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(plain)
def test_a_trip_through_json_keeps_the_name(thing: object) -> None:
    import json

    assert canonical_json(json.loads(canonical_json(thing))) == canonical_json(thing)
