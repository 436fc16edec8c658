"""Verdicts on made-up arms: the rule of replicates, shared runs, failures."""

from collections import Counter
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from stemniche.core.errors import GuardError
from stemniche.experiment.arms import Jobs, before_day_0, job_of
from stemniche.experiment.file import Experiment
from stemniche.experiment.readout import Record
from stemniche.experiment.verdict import verdict

Read = Callable[[str], tuple[Experiment, ...]]


def test_a_plain_effect_is_reproduced_with_4_replicates(read: Read, made_up: ModuleType) -> None:
    (v,) = made_up.verdicts(made_up.MadeUp(gain=0.5), read(made_up.two_arms("treated < control")))
    assert (v.word, v.replicates, v.reason) == ("reproduced", 4, "")
    assert v.low < v.effect < v.high
    assert v.effect == pytest.approx(-0.5, abs=0.02)
    assert v.left == pytest.approx(v.means["treated"])
    assert v.right == pytest.approx(v.means["control"])


def test_a_plain_effect_the_other_way_is_opposite(read: Read, made_up: ModuleType) -> None:
    (v,) = made_up.verdicts(made_up.MadeUp(gain=0.5), read(made_up.two_arms("treated > control")))
    assert (v.word, v.replicates) == ("opposite", 4)


def test_a_plain_null_is_no_effect_with_4_replicates(read: Read, made_up: ModuleType) -> None:
    fake = made_up.MadeUp(noise=0.001)
    (v,) = made_up.verdicts(fake, read(made_up.two_arms("treated > control")))
    assert (v.word, v.replicates) == ("no effect", 4)
    (v,) = made_up.verdicts(fake, read(made_up.two_arms("treated ~= control")))
    assert (v.word, v.replicates) == ("reproduced", 4)


def test_a_doubtful_effect_takes_more_replicates_up_to_48(read: Read, made_up: ModuleType) -> None:
    text = made_up.two_arms("treated > control")
    (v,) = made_up.verdicts(made_up.MadeUp(gain=1.6, noise=0.25), read(text))
    assert (v.word, v.replicates) == ("reproduced", 12)
    (v,) = made_up.verdicts(made_up.MadeUp(gain=1.1, noise=0.5), read(text))
    assert (v.word, v.replicates) == ("inconclusive", 48)


@pytest.mark.parametrize("replicates", [1, 3, 5, 9])
def test_a_number_of_replicates_is_exact(replicates: int, read: Read, made_up: ModuleType) -> None:
    fake = made_up.MadeUp(gain=0.5)
    (v,) = made_up.verdicts(fake, read(made_up.two_arms("treated < control")), replicates)
    assert v.replicates == replicates
    assert sorted({seed for _, seed, _ in fake.simulated}) == list(range(1, replicates + 1))
    assert (v.word, v.reason) == (
        ("reproduced", "") if replicates >= 4 else ("inconclusive", "fewer than 4 replicates")
    )


def test_the_weakest_contrast_speaks_for_all(read: Read, made_up: ModuleType) -> None:
    fake = made_up.MadeUp(gain=0.5)
    text = "treated < control and treated > control and treated@1d < control"
    (v,) = made_up.verdicts(fake, read(made_up.two_arms(text)))
    assert (v.word, v.reason) == ("opposite", "decided by treated > control")
    text = "treated < control and treated < 4 * control"
    (v,) = made_up.verdicts(fake, read(made_up.two_arms(text)))
    assert (v.word, v.reason) == ("reproduced", "decided by treated < control")


def test_a_trend_reports_its_smallest_step(read: Read, made_up: ModuleType) -> None:
    item = """
- id: A
  scenario: breast_quick
  set: {days: 4}
  arms: {none: [], one: [{block: CXCR4}], two: [{block: CXCR4}, {block: CXCR1}]}
  measure: csc_fraction
  expect: trend(none, one, two)
"""
    (v,) = made_up.verdicts(made_up.MadeUp(gain=1.5), read(item))
    assert v.word == "reproduced"
    assert v.effect == pytest.approx(1 / 3, abs=0.02)
    (v,) = made_up.verdicts(made_up.MadeUp(gain=0.7), read(item))
    assert v.word == "opposite"


def test_a_measure_that_runs_do_not_have_fails_alone(read: Read, made_up: ModuleType) -> None:
    text = made_up.two_arms("treated < control", name="A", measure="hypoxic_fraction")
    both = read(text + made_up.two_arms("treated < control", name="B"))
    a, b = made_up.verdicts(made_up.MadeUp(gain=0.5), both)
    assert a.word == "failed"
    assert "no measure 'hypoxic_fraction'" in a.reason
    assert "csc_fraction" in a.reason
    assert (b.word, b.replicates) == ("reproduced", 4)


def test_nothing_is_run_for_a_measure_that_runs_will_not_have(
    read: Read, made_up: ModuleType
) -> None:
    fake = made_up.MadeUp()
    (v,) = made_up.verdicts(
        fake, read(made_up.two_arms("treated.hypoxic_fraction < control.hypoxic_fraction"))
    )
    assert (v.word, v.replicates) == ("failed", 0)
    assert "arm treated" in v.reason
    assert not fake.simulated
    assert not fake.prepared


def test_a_measure_that_records_lack_after_all_fails_alone(read: Read, made_up: ModuleType) -> None:
    """Nobody could look before, as where a worker was lost: other verdicts are kept."""
    fake = made_up.MadeUp()
    fake.columns = lambda scenario: (*made_up.COLUMNS, "hypoxic_fraction")
    text = made_up.two_arms("treated < control", name="A", measure="hypoxic_fraction")
    a, b = made_up.verdicts(fake, read(text + made_up.two_arms("treated < control", name="B")), 4)
    assert (a.word, a.replicates) == ("failed", 4)
    assert b.word != "failed"


def test_a_drug_that_an_arm_is_not_given_has_a_level_of_0_in_it(
    read: Read, made_up: ModuleType
) -> None:
    days = np.arange(0.0, 5.0)
    without = Record(("time_d", "tumour_cells"), days, np.stack([days, days], axis=1))
    treated = Record(
        (*without.columns, "drug.paclitaxel"), days, np.stack([days, days, 0 * days + 5], axis=1)
    )
    found = [{"control": without, "treated": treated}] * 4
    text = made_up.two_arms("treated.drug.paclitaxel > control.drug.paclitaxel", name="A")
    neither = made_up.two_arms("treated.drug.cisplatin > control.drug.cisplatin", name="B")
    a, b = (verdict(experiment, found) for experiment in read(text + neither))
    assert (a.word, a.left, a.right) == ("reproduced", 5.0, 0.0)
    assert b.word == "failed"
    assert "no measure 'drug.cisplatin'" in b.reason


def test_a_number_that_is_none_fails_with_its_replicate(read: Read, made_up: ModuleType) -> None:
    text = made_up.two_arms("treated / (treated - treated) < control")
    (v,) = made_up.verdicts(made_up.MadeUp(), read(text))
    assert v.word == "failed"
    assert "replicate 1" in v.reason


def test_identical_arms_are_simulated_once_also_across_experiments(
    read: Read, made_up: ModuleType
) -> None:
    sham = made_up.two_arms("sham ~= control").replace("treated:", "sham: []\n    treated:")
    late = made_up.two_arms("treated < control", name="B").replace("days: 4", "days: 2")
    fake = made_up.MadeUp(gain=0.5)
    a, b = made_up.verdicts(fake, read(sham + late), 4)
    counts = Counter((job, seed) for job, seed, _ in fake.simulated)
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * 4
    assert (a.word, a.effect) == ("reproduced", 0.0)
    assert "acts on nothing in the model" in a.reason
    # The shorter experiment reads the longer run only up to its own end.
    assert b.means["control"] == pytest.approx(a.means["control"] * 2.5 / 4.5)


def test_arms_equal_up_to_day_0_branch_from_one_prepared_state_per_seed(
    read: Read, made_up: ModuleType
) -> None:
    fake = made_up.MadeUp()
    made_up.verdicts(fake, read(made_up.two_arms("treated < control")), 5)
    assert sorted(fake.prepared) == [1, 2, 3, 4, 5]
    assert all(branched for *_, branched in fake.simulated)


def test_what_acts_before_day_0_prepares_for_itself(read: Read, made_up: ModuleType) -> None:
    text = made_up.two_arms("treated < control").replace("from: 1 d", "from: birth")
    experiments = read(text)
    jobs = Jobs.of(arm for one in experiments for arm in one.arms)
    assert (len(jobs.scenarios), jobs.roots) == (2, {})
    early = experiments[0].arm("treated").scenario
    assert before_day_0(early).prepared_fingerprint == early.prepared_fingerprint
    assert job_of(early) != job_of(experiments[0].arm("control").scenario)


def test_a_failed_replicate_is_tried_again_and_then_reported(
    read: Read, made_up: ModuleType
) -> None:
    class Fragile(made_up.MadeUp):  # type: ignore[name-defined,misc]
        tries = 0

        def simulate(self, scenario, seed, prepared):  # type: ignore[no-untyped-def]
            if scenario.therapy and seed == 3:
                self.tries += 1
                raise GuardError("The domain is full.", "day 2", "Use a larger domain.")
            return super().simulate(scenario, seed, prepared)

    fake = Fragile(gain=0.5)
    (v,) = made_up.verdicts(fake, read(made_up.two_arms("treated < control")))
    assert fake.tries == 2
    assert (v.word, v.replicates) == ("failed", 4)
    assert v.reason == "arm treated, 1 of 4 replicates (seed 3): The domain is full. (day 2)"
