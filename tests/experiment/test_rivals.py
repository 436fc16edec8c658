"""Rival models have the library's rows, and differ in signs or assumed numbers alone."""

from collections import Counter
from dataclasses import replace

import pytest

from stemniche.core.errors import InputError
from stemniche.experiment.file import FILE, read_experiments
from stemniche.experiment.kinds import classify
from stemniche.experiment.rivals import ablated, as_rival, rival, under
from stemniche.experiment.sensitivity import inputs_among
from stemniche.spec.compile import compile_model
from stemniche.spec.library import Library
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario


@pytest.fixture(scope="module")
def library() -> Library:
    return read_library()


def test_shuffled_signs_are_as_many_of_each_and_a_seed_gives_the_same(library: Library) -> None:
    changed = {name.removesuffix(".sign"): sign for name, sign in rival("signs:1").items()}
    assert rival("signs:1") == rival("signs:1") != rival("signs:2")
    assert len(changed) > 40
    assert Counter(changed.values())["+1"] == Counter(changed.values())["-1"]
    for row in library.links:
        if row.id in changed:
            assert changed[row.id] != row.sign
            assert not row.brake


def test_drawn_numbers_are_assumed_ones_within_their_ranges(library: Library) -> None:
    drawn = rival("draw:1")
    inputs = {one.name: one for one in inputs_among(library, library.mechanisms.values())}
    named = [inputs[name] for name in drawn if name in inputs]
    assert len(named) > 500
    for one in named:
        assert one.basis == "assumed"
        value = float(str(drawn[one.name]).split()[0])
        assert one.low * (1 - 1e-5) <= value <= one.high * (1 + 1e-5)


@pytest.mark.parametrize("name", ["signs:1", "draw:1"])
def test_a_rival_compiles_and_differs(name: str, library: Library) -> None:
    scenario = load_scenario("breast_quick")
    changed = scenario.change({"parameters": rival(name)})
    own, other = (compile_model(library, s) for s in (scenario, changed))
    assert len(own.rows) == len(other.rows)
    assert own.drives != other.drives


def test_a_number_that_an_arm_sets_itself_stays(library: Library) -> None:
    (first, *_) = read_experiments(FILE)
    arm = first.arms[0]
    own = {"parameters": {"serum.gain": "1"}}
    mine = replace(first, arms=(replace(arm, scenario=arm.scenario.change(own)),))
    (set_,) = under([mine], {"serum.gain": "7", "serum.half_life": "9 min"})
    assert set_.arms[0].scenario.parameters == {"serum.gain": "1", "serum.half_life": "9 min"}


def test_the_cells_that_are_replanted_grew_in_the_rival_too() -> None:
    planted = next(
        one for one in read_experiments(FILE) if any(a.scenario.origin for a in one.arms)
    )
    (other,) = under([planted], {"serum.gain": "1"})
    origins = [arm.scenario.origin for arm in other.arms if arm.scenario.origin is not None]
    assert origins
    assert all(origin.parameters["serum.gain"] == "1" for origin in origins)


def test_without_its_path_an_experiment_is_led_by_other_rows_or_none() -> None:
    whole = [one for one in read_experiments(FILE) if one.id in ("E017", "E030", "E038", "E120")]
    before, after = classify(whole), classify(ablated(whole))
    assert all(kind.rows for kind in before)
    for one, own, left in zip(ablated(whole), before, after, strict=True):
        assert not set(own.rows) & set(left.rows)
        assert all(set(own.rows) <= set(arm.scenario.rows_off) for arm in one.arms)


def test_an_ablated_experiment_compiles(library: Library) -> None:
    (one,) = as_rival([e for e in read_experiments(FILE) if e.id == "E120"], "ablated")
    off = set(one.arms[0].scenario.rows_off)
    assert off
    assert not off & {row.id for row in compile_model(library, one.arms[0].scenario).rows}


def test_a_sign_is_plus_or_minus_one(library: Library) -> None:
    row = next(row for row in library.links if row.law == "adds" and not row.brake)
    scenario = load_scenario("breast_quick")
    compile_model(library, scenario.change({"parameters": {f"{row.id}.sign": "-1"}}))
    with pytest.raises(InputError, match="is no sign"):
        compile_model(library, scenario.change({"parameters": {f"{row.id}.sign": "0.5"}}))


@pytest.mark.parametrize("name", ["", "signs", "signs:0", "prior:1", "ablated:1"])
def test_an_unknown_rival_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(InputError, match="no rival model") as told:
        rival(name)
    assert "signs:1" in told.value.mend
