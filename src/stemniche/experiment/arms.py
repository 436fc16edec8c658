"""What has to be simulated for some arms, each thing once.

Arms whose scenarios do the same share one run, also across experiments; those that are equal up to
day 0 branch from one prepared state per seed. `runner` carries the work out wherever it likes,
`reproduce` and `screen` decide how many seeds there are. Nothing here compares or judges.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

from stemniche.core.errors import StemnicheError
from stemniche.core.identity import fingerprint
from stemniche.experiment.file import Arm
from stemniche.experiment.readout import Record
from stemniche.experiment.runner import Failure, Runner
from stemniche.experiment.shelf import Kept, Shelf
from stemniche.spec.scenario import Scenario

Prepared = dict[str, Any]
Prepare = Callable[[Scenario, int], Prepared]
Simulate = Callable[[Scenario, int, Prepared | None], Record]
Columns = Callable[[Scenario], tuple[str, ...]]

SEEDS_AT_ONCE = 4
"""Prepared states are kept for this many seeds, so memory does not grow with replicates."""


def prepare_arm(scenario: Scenario, seed: int) -> Prepared:
    """The state at day 0 of a scenario; in a worker process."""
    from stemniche.run.simulate import prepare

    return prepare(scenario, seed, threads=1)


def simulate_arm(scenario: Scenario, seed: int, prepared: Prepared | None) -> Record:
    """The table of one run, kept in memory only; in a worker process."""
    from stemniche.run.simulate import simulate

    return Record.of(simulate(scenario, seed, threads=1, prepared=prepared).table)


def columns_of_arm(scenario: Scenario) -> tuple[str, ...]:
    """The names that the table of a run will have; in a worker process."""
    from stemniche.run.simulate import columns

    return columns(scenario)


def job_of(scenario: Scenario) -> str:
    """Name of the run of a scenario: equal where runs are, apart from their length."""
    return fingerprint((scenario.fingerprint, scenario.sample_every, scenario.measures))


@final
@dataclass(frozen=True, slots=True)
class Warm:
    """Compiles in this process what workers will load: a scenario, for a moment."""

    scenario: Scenario

    def __call__(self) -> None:
        """Run it; whatever is wrong with the scenario is told by its own run."""
        moment = {"days": 0.025, "sample_every": "36 min", "prepare": {"days": 0.025}}
        with suppress(StemnicheError):
            simulate_arm(self.scenario.change(moment), 1, None)


@final
@dataclass(frozen=True)
class Jobs:
    """The different runs of some experiments.

    Args:
        scenarios: Scenario of each run; the longest that shares it.
        roots: For each run that branches from a shared preparation, its name.
        preparations: Scenario of each shared preparation.
    """

    scenarios: Mapping[str, Scenario]
    roots: Mapping[str, str]
    preparations: Mapping[str, Scenario]

    @classmethod
    def of(cls, arms: Iterable[Arm]) -> "Jobs":
        """Find what these arms have in common."""
        scenarios: dict[str, Scenario] = {}
        for arm in arms:
            job = job_of(arm.scenario)
            if job not in scenarios or scenarios[job].days < arm.scenario.days:
                scenarios[job] = arm.scenario
        alike: dict[str, list[str]] = {}
        for job, scenario in scenarios.items():
            alike.setdefault(scenario.prepared_fingerprint, []).append(job)
        shared = {root: jobs for root, jobs in alike.items() if len(jobs) > 1}
        return cls(
            scenarios,
            {job: root for root, jobs in shared.items() for job in jobs},
            {root: before_day_0(scenarios[jobs[0]]) for root, jobs in shared.items()},
        )


def before_day_0(scenario: Scenario) -> Scenario:
    """The scenario without what acts only after day 0."""
    written = scenario.resolved().get("therapy", [])
    pairs = zip(scenario.therapy, written, strict=True)
    early = scenario.change(
        {"therapy": [item for record, item in pairs if record.start == "birth"]}
    )
    return early if scenario.origin is None else early.planted_from(scenario.origin)


@final
@dataclass
class Laboratory:
    """Runs the arms of experiments and keeps their records.

    Args:
        jobs: What may be asked for.
        runner: Where work is done.
        prepare: Makes a state at day 0.
        simulate: Makes a record.
        columns: Tells the names of a record that is not made yet.
        shelf: Where records are kept and looked for; None to keep them in memory alone.
    """

    jobs: Jobs
    runner: Runner
    prepare: Prepare = prepare_arm
    simulate: Simulate = simulate_arm
    columns: Columns = columns_of_arm
    shelf: Shelf | None = None
    _done: dict[tuple[str, int], Record | Failure] = field(default_factory=dict)
    _columns: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def look(
        self, arms: Iterable[Arm], tell: Callable[[float], None]
    ) -> dict[str, tuple[str, ...]]:
        """Names of the columns that arms have, or will have, by job.

        A scenario that cannot be planned is left out: its run tells what is wrong with it.
        """
        jobs = dict.fromkeys(job_of(arm.scenario) for arm in arms)
        there = {job: self._done[job, 1] for job in jobs if self._found(job, 1)}
        new = {
            job: partial(self.columns, self.jobs.scenarios[job]) for job in jobs if job not in there
        }
        found = self.runner.run(new, tell)
        known = {job: record.columns for job, record in there.items() if isinstance(record, Record)}
        return known | {job: c for job, c in found.items() if not isinstance(c, Failure)}

    def run(self, wanted: Iterable[tuple[str, int]], tell: Callable[[str, float], None]) -> None:
        """Simulate pairs of job and seed that are not done yet, a few seeds at a time."""
        new = {pair for pair in wanted if pair not in self._done}
        todo = sorted((pair for pair in new if not self._found(*pair)), key=lambda pair: pair[1])
        seeds = list(dict.fromkeys(seed for _, seed in todo))
        batch = max(SEEDS_AT_ONCE, self.runner.workers)
        finished = 0
        for first in range(0, len(seeds), batch):
            among = set(seeds[first : first + batch])
            now = [pair for pair in todo if pair[1] in among]

            def count(share: float, before: int = finished, size: int = len(now)) -> None:
                tell("simulating arms", (before + share * size) / len(todo))

            self._batch(now, count)
            finished += len(now)

    def pairs(self, arm: Arm, replicates: int) -> list[tuple[str, int]]:
        """The job of an arm with the seeds of its replicates."""
        job = job_of(arm.scenario)
        return [(job, seed) for seed in range(1, replicates + 1)]

    def result(self, arm: Arm, seed: int) -> Record | Failure:
        """What was found for an arm, up to its own end; it must have been run."""
        found = self._done[job_of(arm.scenario), seed]
        return found if isinstance(found, Failure) else found.until(arm.scenario.days)

    def _found(self, job: str, seed: int) -> bool:
        """Whether the shelf has the record of a run; it is taken over."""
        days = self.jobs.scenarios[job].days
        record = None if self.shelf is None else self.shelf.take(job, seed, days)
        if record is not None:
            self._done[job, seed] = self._kept(record)
        return record is not None

    def _batch(self, pairs: list[tuple[str, int]], tell: Callable[[float], None]) -> None:
        roots = {(self.jobs.roots[job], seed) for job, seed in pairs if job in self.jobs.roots}
        states: dict[tuple[str, int], Prepared | Failure] = self.runner.run(
            {
                (root, seed): partial(self.prepare, self.jobs.preparations[root], seed)
                for root, seed in sorted(roots)
            },
            lambda share: None,
        )
        tasks = {}
        for job, seed in pairs:
            root = self.jobs.roots.get(job)
            state = None if root is None else states[root, seed]
            if isinstance(state, Failure):
                self._done[job, seed] = state
                continue
            simulate = self.simulate if self.shelf is None else Kept(self.simulate, self.shelf, job)
            tasks[job, seed] = partial(simulate, self.jobs.scenarios[job], seed, state)
        for pair, record in self.runner.run(tasks, tell).items():
            self._done[pair] = self._kept(record)

    def _kept(self, record: Record | Failure) -> Record | Failure:
        """The record with the names of its columns shared, as they are the same in most."""
        if isinstance(record, Failure):
            return record
        columns = self._columns.setdefault(record.columns, record.columns)
        return Record(columns, record.days, record.values)
