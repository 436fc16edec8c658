"""The shipped experiments: every row of the evidence is put to the test, or says why not."""

import pytest

from stemniche.evidence import load
from stemniche.experiment.expect import contrasts, measures_of
from stemniche.experiment.file import Experiment, read_experiments, read_untested
from stemniche.experiment.readout import canonical
from stemniche.experiment.scorecard import left_out
from stemniche.spec.nametables import library_names


@pytest.fixture(scope="module")
def shipped() -> tuple[Experiment, ...]:
    return read_experiments()


@pytest.fixture(scope="module")
def direction() -> dict[str, str]:
    rows = load().experiments.reset_index().to_dict("records")
    return {row["id"]: row["direction"].split()[0] for row in rows}


def row(experiment: Experiment) -> str:
    return experiment.id.partition(".")[0]


def test_every_row_of_the_evidence_is_tested_or_says_why_not(
    shipped: tuple[Experiment, ...], direction: dict[str, str]
) -> None:
    tested, untested = {row(e) for e in shipped}, read_untested()
    assert tested | set(untested) == set(direction)
    assert tested & set(untested) == set()
    assert all(len(reason) > 10 for reason in untested.values())


def test_no_row_is_lost_between_the_scorecard_and_the_list() -> None:
    printed = " ".join(left_out())
    assert all(name in printed for name in read_untested())


def test_experiments_run_on_quick_variants(shipped: tuple[Experiment, ...]) -> None:
    arms = [arm.scenario for e in shipped for arm in e.arms]
    assert all(s.name.endswith("_quick") for s in arms)
    assert max(s.days for s in arms) <= 14.0


def test_every_read_out_is_a_measure(shipped: tuple[Experiment, ...]) -> None:
    names = library_names()
    for e in shipped:
        for contrast in contrasts(e.tree):
            for side in (contrast.left, contrast.right):
                for measure in measures_of(side, e.measure):
                    assert names.resolve("measure", canonical(measure)), (e.id, measure)


def test_no_effect_is_asked_for_where_the_source_saw_none_and_only_there(
    shipped: tuple[Experiment, ...], direction: dict[str, str]
) -> None:
    for e in shipped:
        assert ("~=" in e.expect) == (direction[row(e)] == "none"), e.id


def test_nothing_is_left_to_chance_names_or_notes(shipped: tuple[Experiment, ...]) -> None:
    """No time was moved, no gene is one that no row reads."""
    notes = {e.id: arm.scenario.notes for e in shipped for arm in e.arms if arm.scenario.notes}
    assert notes == {}


def test_effect_sizes_are_the_same_for_all(shipped: tuple[Experiment, ...]) -> None:
    assert {e.min_effect for e in shipped} == {0.1}
    assert {e.margin for e in shipped} <= {0.1, 0.2}
