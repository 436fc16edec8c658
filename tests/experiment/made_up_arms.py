"""A simulator that makes up its numbers, and text of small experiments.

Tests get this module as the fixture `made_up`.
"""

import numpy as np

from stemniche.experiment.arms import Jobs, Laboratory, Prepared
from stemniche.experiment.file import Experiment
from stemniche.experiment.readout import Record
from stemniche.experiment.reproduce import judged
from stemniche.experiment.runner import Runner
from stemniche.experiment.verdict import Verdict
from stemniche.spec.scenario import Scenario


def two_arms(
    expect: str, name: str = "A", measure: str = "tumour_cells", more: str = "margin: 0.1"
) -> str:
    """An experiment with the arms control and treated (CXCR4 blocked from day 1 of 4)."""
    return f"""
- id: {name}
  scenario: breast_quick
  set: {{days: 4}}
  arms:
    control: []
    treated: [{{block: CXCR4, from: 1 d}}]
  measure: {measure}
  expect: {expect}
  {more}
"""


COLUMNS = ("time_d", "tumour_cells", "csc_fraction")


class MadeUp:
    """Stands in for the simulator: numbers depend on the treatment, the seed and the day.

    Args:
        gain: Factor on every measure, once per intervention.
        noise: Relative spread of a treated arm beside its control.
        shared: Relative spread that all arms of a replicate share.
    """

    def __init__(self, gain: float = 1.0, noise: float = 0.01, shared: float = 0.5) -> None:
        self.gain, self.noise, self.shared = gain, noise, shared
        self.simulated: list[tuple[str, int, bool]] = []
        self.prepared: list[int] = []

    def prepare(self, scenario: Scenario, seed: int) -> Prepared:
        """Make a state that knows its seed."""
        assert all(item.start == "birth" for item in scenario.therapy)
        self.prepared.append(seed)
        return {"seed": seed}

    def simulate(self, scenario: Scenario, seed: int, prepared: Prepared | None) -> Record:
        """Make a record: cells grow by a first size every day, the fraction stays."""
        assert prepared is None or prepared["seed"] == seed
        treated = len(scenario.therapy)
        self.simulated.append((scenario.fingerprint, seed, prepared is not None))
        days = np.arange(0.0, scenario.days + 1e-9, 0.5)
        size = 100.0 * np.exp(self.shared * np.random.default_rng(seed).normal())
        if treated:
            dice = np.random.default_rng([seed, treated])
            size *= self.gain**treated * np.exp(self.noise * dice.normal())
        values = np.stack([days, size * (1.0 + days), size / 1e4 + 0.0 * days], axis=1)
        return Record(COLUMNS, days, values)

    def columns(self, scenario: Scenario) -> tuple[str, ...]:
        """Names of what is made up."""
        return COLUMNS


def verdicts(
    fake: MadeUp, experiments: tuple[Experiment, ...], replicates: int | None = None
) -> list[Verdict]:
    """Verdicts on what `fake` makes up, worked out in this process."""
    laboratory = Laboratory(
        Jobs.of(arm for one in experiments for arm in one.arms),
        Runner(1),
        fake.prepare,
        fake.simulate,
        fake.columns,
    )
    return judged(experiments, laboratory, replicates)
