"""Experiment files: what is read, and that every mistake is told with file, line and remedy."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.experiment.file import Experiment, chosen, read_experiments
from stemniche.experiment.readout import last_day

Read = Callable[[str], tuple[Experiment, ...]]


def test_an_experiment_has_complete_scenarios_of_its_arms(read: Read) -> None:
    (e,) = read("""
- id: E067
  scenario: breast_quick
  set: {days: 5, tumour.cells: 300}
  arms:
    wild: []
    treated: ["block CXCR4 0.8 from 2 d"]
    mutant:
      scenario: colorectal_quick
      set: {tumour.genotype: {TP53: mutant}}
      prepare: {days: 0.5}
      therapy: [{neutralise: IL-6}]
      without_claims: [C257]
  measure: csc_fraction
  at: last 2 d
  expect: mutant > wild
  margin: 0.2
  min_effect: 5 %
""")
    wild, treated, mutant = (arm.scenario for arm in e.arms)
    assert [arm.name for arm in e.arms] == ["wild", "treated", "mutant"]
    assert wild.days == treated.days == mutant.days == e.days == 5.0
    assert wild.tumour.cells == mutant.tumour.cells == 300
    assert [str(item) for item in treated.therapy] == ["block CXCR4 0.8 from 2 d"]
    assert (mutant.cancer, mutant.tumour.genotype) == ("colorectal", {"TP53": "mutant"})
    assert mutant.prepare.length == 720.0
    assert mutant.claims_off == ("C257",)
    assert [str(item) for item in mutant.therapy] == ["neutralise IL6 0.9"]
    assert (str(e.at), e.margin, e.min_effect, e.blind) == ("last 2 d", 0.2, 0.05, False)


def test_a_scenario_is_looked_for_beside_the_experiment_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: breast_quick\ndays: 3\n")
    file = tmp_path / "e.yaml"
    file.write_text(
        "experiments:\n- {id: A, scenario: mine.yaml, arms: {a: []}, expect: a.tumour_cells > 1}\n"
    )
    (e,) = read_experiments(file)
    assert e.arms[0].scenario.days == 3.0
    assert str(e.at) == "last 1 d"


def test_who_names_no_time_gets_the_last_day_or_the_end_of_a_short_run() -> None:
    assert (last_day(6.0).start, last_day(6.0).end, last_day(6.0).how) == (5.0, 6.0, "mean")
    assert (last_day(0.5).end, last_day(0.5).how) == (0.5, "at")


GOOD = {
    "id": "A",
    "scenario": "breast_quick",
    "set": "{days: 4}",
    "arms": "{control: [], treated: [{block: CXCR4}]}",
    "measure": "csc_fraction",
    "at": "4 d",
    "expect": "treated < control",
}


def experiment(**changes: str | None) -> str:
    """A good experiment with some keys changed, one key per line from line 2 on."""
    lines = [f"{k}: {v}" for k, v in (GOOD | changes).items() if v is not None]
    return "- " + "\n  ".join(lines) + "\n"


def test_the_good_experiment_is_good(read: Read) -> None:
    assert len(read(experiment())) == 1


@pytest.mark.parametrize(
    ("changes", "line", "said"),
    [
        ({"expct": "a > b"}, 9, "Did you mean 'expect'?"),
        ({"scenario": "brest_quick"}, 3, "Did you mean 'breast_quick'"),
        ({"set": "{dayz: 4}"}, 4, "days"),
        ({"set": "[days]"}, 4, "not a mapping"),
        ({"set": "\n    days: 4\n    tumour.cels: 3"}, 6, "tumour.cels"),
        ({"set": "\n    days: 4\n    tumour..cells: 3"}, 6, "'tumour..cells' is no path"),
        ({"arms": "{control: [], treated: [{blok: CXCR4}]}"}, 5, "block"),
        ({"arms": "{control: [], treated: [{block: CXCR9}]}"}, 5, "CXCR4"),
        ({"arms": "{control: [], treated: {block: CXCR4}}"}, 5, "stand in a list"),
        ({"arms": "{control: [], 'time to': []}"}, 5, "cannot be the name of an arm"),
        ({"arms": "{}"}, 5, "0 arms"),
        ({"arms": "{treated: {without_claims: [C999]}, control: []}"}, 5, "C999"),
        ({"at": "12 d"}, 7, "outside the 4 d"),
        ({"at": "last 9 d"}, 7, "outside the 4 d"),
        ({"at": "auc 3..2 d"}, 7, "no length"),
        ({"at": "soon"}, 7, "soon"),
        ({"expect": "treated << control"}, 8, "cannot be read"),
        ({"expect": "treated"}, 8, "no comparison"),
        ({"expect": "treated >= control"}, 8, "not judged"),
        ({"expect": "treaded < control"}, 8, "Did you mean 'treated'?"),
        ({"expect": "treated@5d < control"}, 8, "after the 4 d"),
        ({"expect": "mean(treated) < control"}, 8, "there is no function 'mean'"),
        ({"expect": "log(treated, control) < 1"}, 8, "'log' takes one number"),
        ({"expect": "trend(treated)"}, 8, "two terms"),
        ({"expect": "trend(control, treated) > 1"}, 8, "a trend is no number"),
        ({"expect": "time_to(treated, 3) > 1"}, 8, "is a condition"),
        ({"expect": "time_to(treated, csc_fraction@2d > 3) > 1"}, 8, "no place"),
        ({"expect": "treated < control and treated"}, 8, "joins comparisons"),
        ({"expect": "treated.csc_fractoin < control"}, 8, "Did you mean 'csc_fraction'"),
        ({"expect": "time_to(treated, foo > 1) > 1"}, 8, "no measure 'foo'"),
        ({"measure": "csc_fractoin"}, 6, "Did you mean 'csc_fraction'"),
        ({"measure": None}, 7, "not said what is measured"),
        ({"margin": "0"}, 9, "leaves no room"),
        ({"min_effect": "2"}, 9, "outside its range"),
        ({"id": "E1,E2"}, 2, "no id"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    changes: dict[str, str | None], line: int, said: str, read: Read
) -> None:
    with pytest.raises(InputError) as caught:
        read(experiment(**changes))
    assert f"experiments.yaml:{line}" in caught.value.where
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "experiments:\n", "experiments: [1]\n", "a: 1\n"])
def test_a_file_without_experiments_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(text)
    with pytest.raises(InputError):
        read_experiments(file)


def test_an_id_may_stand_once(read: Read) -> None:
    with pytest.raises(InputError, match="stands twice"):
        read(experiment() + experiment())


def test_experiments_are_chosen_by_id(read: Read, made_up: ModuleType) -> None:
    both = read(experiment() + experiment(id="B.late"))
    assert [e.id for e in chosen(both, ("B.late",))] == ["B.late"]
    assert chosen(both, ()) == both
    with pytest.raises(InputError, match=r"B\.late"):
        chosen(both, ("B-late",))


def test_an_assay_that_only_the_experiment_names_is_recorded_in_its_arms(read: Read) -> None:
    expect = "treated < control and time_to(treated, invasion_assay.CSC > 2) > 1"
    (e,) = read(experiment(measure="tic_frequency", expect=expect))
    for arm in e.arms:
        assert arm.scenario.measures == ("tic_frequency", "invasion_assay.CSC")
    named = "{days: 4, measures: [sphere_fraction]}"
    (own,) = read(experiment(set=named, measure="sphere_fraction"))
    assert own.arms[0].scenario.measures == ("sphere_fraction",)
    (none,) = read(experiment())
    assert none.arms[0].scenario.measures == ()


def test_all_values_of_set_are_changed_together(read: Read) -> None:
    together = "{domain.voxel: 30 um, domain.depth: 30 um}"
    (e,) = read(experiment(set=together))
    assert e.arms[0].scenario.domain.voxel == 30.0
    (own,) = read(experiment(arms=f"{{control: [], treated: {{set: {together}}}}}"))
    assert [arm.scenario.domain.voxel for arm in own.arms] == [20.0, 30.0]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(alphabet="control treated<>=~!@.d()+-*/,logandtime_1 2", max_size=40))
def test_any_expectation_is_read_or_refused_cleanly(text: str, read: Read) -> None:
    with suppress(InputError):
        read(experiment(expect=repr(text) if text.strip() else "''"))
