"""What holds for every field, whatever the grid, the sources and the sinks."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stemniche.kernels import jit
from stemniche.kernels.fields import REPORT, FieldProblem, advance

from .twins_fields import advance_twin

SUPPLIED, REMOVED, WALLS, CHANGE, CLIPPED = (REPORT.index(name) for name in REPORT[3:])
SETTINGS = settings(max_examples=40, deadline=None)
TURNS: list[tuple[int, ...]] = [(0, 1, 2, 3), (0, 1, 3, 2), (0, 3, 2, 1), (0, 2, 3, 1)]


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any]]:
    """Draw start levels and the arguments of a problem for one substance."""
    side = st.integers(1, 14)
    shape = (draw(st.sampled_from([1, 1, 2, 5, 9])), draw(side), draw(side))
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    some = draw(st.floats(0.0, 1.0))
    size = (1, *shape)
    arguments: dict[str, Any] = {
        "spacing": draw(st.sampled_from([5.0, 20.0, 50.0])),
        "diffusivity": [10 ** draw(st.floats(0.0, 5.0))],
        "decay": [draw(st.floats(0.01, 1.0))],
        "supply": (dice.random(size) * (dice.random(size) < some)).astype(np.float32),
        "sink": (20 * dice.random(size) * (dice.random(size) < some)).astype(np.float32),
        "quasi_steady": [draw(st.booleans())],
        "wall_kind": [draw(st.integers(0, 2))],
        "wall_length": [draw(st.floats(1.0, 1000.0))],
        "wall_value": [draw(st.floats(0.0, 100.0))],
    }
    if draw(st.booleans()):
        arguments["hindrance"] = dice.uniform(0.05, 1.0, shape).astype(np.float32)
    if draw(st.booleans()):
        arguments["mm_index"], arguments["mm_km"] = [0], [draw(st.floats(0.1, 10.0))]
        arguments["mm_vmax"] = (30 * dice.random(size)).astype(np.float32)
    if draw(st.booleans()):
        arguments["fixed"] = (dice.random(shape) < 0.1).astype(np.uint8)
        arguments["fixed_value"] = [draw(st.floats(0.0, 100.0))]
    return (40 * dice.random(size)).astype(np.float32), arguments


@SETTINGS
@given(problems(), st.floats(0.1, 60.0), st.sampled_from([1e-2, 1e-4]))
def test_no_level_is_negative(
    drawn: tuple[np.ndarray, dict[str, Any]], minutes: float, tolerance: float
) -> None:
    levels, arguments = drawn
    before = levels.sum(dtype=float)
    report = advance(levels, FieldProblem(**arguments), minutes, True, tolerance)
    assert np.all(levels >= 0.0)
    assert report[0, CLIPPED] >= 0.0
    content = (before + levels.sum(dtype=float)) * arguments["spacing"] ** 3
    assert report[0, CLIPPED] <= tolerance * max(content, report[0, REMOVED])


@SETTINGS
@given(problems(), st.floats(0.1, 60.0))
def test_what_enters_leaves_or_stays(
    drawn: tuple[np.ndarray, dict[str, Any]], minutes: float
) -> None:
    levels, arguments = drawn
    before = levels.astype(float)
    problem = FieldProblem(**arguments)
    row = advance(levels, problem, minutes, True, 1e-6, 200)[0]
    free = np.ones(before.shape[1:], bool) if problem.fixed is None else problem.given.fixed == 0
    volume = problem.spacing**3
    change = (levels.astype(float) - before)[:, free].sum() * volume
    content = (levels.astype(float) + before)[:, free].sum() * volume
    assert abs(row[CHANGE] - change) <= 1e-9 * content
    stored = 0.0 if arguments["quasi_steady"][0] else row[CHANGE]
    off = row[SUPPLIED] - row[REMOVED] + row[WALLS] - stored
    turnover = row[SUPPLIED] + row[REMOVED] + abs(row[WALLS])
    exchanged = content * arguments["diffusivity"][0] / problem.spacing**2 * minutes
    assert abs(off) <= 2e-5 * (turnover + content) + 1e-6 * exchanged


@SETTINGS
@given(problems(), st.floats(0.1, 60.0))
def test_books_close_at_a_loose_tolerance_too_and_near_the_balance(
    drawn: tuple[np.ndarray, dict[str, Any]], minutes: float
) -> None:
    """At most half of the tolerance is out of balance.

    Mostly it is single precision; levels clipped at 0 cannot take their share of the rest.
    """
    levels, arguments = drawn
    problem = FieldProblem(**arguments)
    volume = problem.spacing**3
    first = levels.sum(dtype=float) * volume
    for _ in range(3):
        content = levels.sum(dtype=float) * volume
        row = advance(levels, problem, minutes, True, 1e-2)[0]
        content += levels.sum(dtype=float) * volume
        stored = 0.0 if arguments["quasi_steady"][0] else row[CHANGE]
        off = row[SUPPLIED] - row[REMOVED] + row[WALLS] - stored
        total = row[SUPPLIED] + row[REMOVED] + abs(row[WALLS]) + content
        exchanged = content * arguments["diffusivity"][0] / problem.spacing**2 * minutes
        assert abs(off) <= 5e-3 * total + 1e-6 * exchanged + 1e-9 * first


@SETTINGS
@given(problems(), st.floats(0.1, 60.0))
def test_levels_equal_those_of_the_plain_twin(
    drawn: tuple[np.ndarray, dict[str, Any]], minutes: float
) -> None:
    levels, arguments = drawn
    problem = FieldProblem(**arguments)
    exact, _ = advance_twin(levels, problem, minutes)
    start = levels.max()
    advance(levels, problem, minutes, True, 1e-6, 300)
    np.testing.assert_allclose(levels, exact, rtol=1e-3, atol=2e-4 * exact.max() + 1e-7 * start)


@SETTINGS
@given(problems(), st.floats(0.1, 60.0))
def test_threads_solve_to_the_same_bits(
    drawn: tuple[np.ndarray, dict[str, Any]], minutes: float
) -> None:
    levels, arguments = drawn
    results = []
    for count in (1, 2):
        jit.set_threads(count)
        found = levels.copy()
        report = advance(found, FieldProblem(**arguments), minutes, True)
        results.append(found.tobytes() + report.tobytes())
    jit.set_threads(1)
    assert results[0] == results[1]


@SETTINGS
@given(problems(), st.sampled_from(TURNS), st.tuples(*[st.sampled_from([1, -1])] * 3))
def test_turning_or_mirroring_the_domain_turns_or_mirrors_the_result(
    drawn: tuple[np.ndarray, dict[str, Any]], order: tuple[int, ...], signs: tuple[int, int, int]
) -> None:
    levels, arguments = drawn

    def turn(array: np.ndarray) -> np.ndarray:
        full = array if array.ndim == 4 else array[None]
        turned = np.transpose(full, order)[:, :: signs[0], :: signs[1], :: signs[2]]
        return np.ascontiguousarray(turned if array.ndim == 4 else turned[0])

    turned = {k: turn(v) if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    other, scale = turn(levels), levels.max()
    advance(levels, FieldProblem(**arguments), 6.0, True, 1e-6, 200)
    advance(other, FieldProblem(**turned), 6.0, True, 1e-6, 200)
    np.testing.assert_allclose(turn(levels), other, rtol=1e-3, atol=1e-4 * max(scale, levels.max()))


@SETTINGS
@given(problems(), st.floats(1.0, 30.0))
def test_a_level_stays_between_what_feeds_it_where_nothing_is_supplied(
    drawn: tuple[np.ndarray, dict[str, Any]], minutes: float
) -> None:
    levels, arguments = drawn
    arguments["supply"] = np.zeros_like(levels)
    highest = max(levels.max(), arguments["wall_value"][0], arguments.get("fixed_value", [0.0])[0])
    advance(levels, FieldProblem(**arguments), minutes, True, 1e-4)
    assert levels.max() <= highest * (1 + 1e-4)


@SETTINGS
@given(problems())
def test_more_supply_raises_and_more_removal_lowers_the_level_everywhere(
    drawn: tuple[np.ndarray, dict[str, Any]],
) -> None:
    levels, arguments = drawn
    more = arguments | {"supply": arguments["supply"] + 0.5}
    less = arguments | {"sink": arguments["sink"] + 0.5}
    results = []
    for each in (less, arguments, more):
        found = levels.copy()
        advance(found, FieldProblem(**each), 6.0, True, 1e-6, 200)
        results.append(found)
    slack = 1e-4 * max(levels.max(), results[2].max())
    assert np.all(results[0] <= results[1] + slack)
    assert np.all(results[1] <= results[2] + slack)
