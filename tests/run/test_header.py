"""A header is strict JSON, and tells when a run would be continued under other conditions."""

import json
from dataclasses import replace
from types import ModuleType

import pytest

from stemniche.core.errors import StoreError
from stemniche.run.header import machine_notes, read_header, same_run


def test_a_header_is_strict_json(made_up: ModuleType) -> None:
    text = json.dumps(made_up.header(), allow_nan=False)
    assert read_header(json.loads(text), "here").factors == made_up.FACTORS


def test_a_value_without_json_is_a_fault_of_the_caller(made_up: ModuleType) -> None:
    with pytest.raises(TypeError, match="cannot be written to the store"):
        made_up.header(scenario={"bad": object()})


def test_the_same_machine_has_nothing_to_note(made_up: ModuleType) -> None:
    header = read_header(made_up.header(), "here")
    assert machine_notes(header) == []
    other = replace(header, versions={**header.versions, "numpy": "1.0"}, cpu=("z80",))
    assert len(machine_notes(other)) == 2


def test_only_the_same_model_and_seed_may_continue_a_run(made_up: ModuleType) -> None:
    header = read_header(made_up.header(), "here")
    same_run(header, header.fingerprints, 7, "here")
    with pytest.raises(StoreError, match="another model, seed"):
        same_run(header, {**header.fingerprints, "model": "zz"}, 8, "here")


@pytest.mark.parametrize("spacing", [0, -1.0, "nan", "inf"])
def test_a_spacing_that_is_no_length_is_refused(made_up: ModuleType, spacing: object) -> None:
    with pytest.raises(StoreError, match="spacing_um"):
        read_header(made_up.header(spacing_um=spacing), "here")
