"""Reproduce: run the arms of an experiment file in replicates and say what came of them.

The one function that the API and the command line call. It goes round by round: all experiments
that need more replicates get them together, so that every worker is busy, then each is looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from stemniche.core.errors import InputError
from stemniche.experiment.arms import Jobs, Laboratory, Warm, job_of
from stemniche.experiment.file import FILE, Experiment, chosen, read_experiments
from stemniche.experiment.kinds import Kind, classify
from stemniche.experiment.rivals import as_rival
from stemniche.experiment.runner import Runner
from stemniche.experiment.shelf import Shelf
from stemniche.experiment.statistics import next_look
from stemniche.experiment.verdict import Verdict, unreadable, verdict

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, float], None]

COLUMNS = (
    "id", "verdict", "kind", "effect", "low", "high", "replicates", "left", "right", "expect",
    "measure", "at", "reason", "path", "means",
)  # fmt: skip
MOST_REPLICATES = 1000


def reproduce(
    file: str | Path | None = None,
    *,
    replicates: int | None = None,
    workers: int | None = None,
    only: Sequence[str] = (),
    records: str | Path | None = None,
    rival: str | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> "pd.DataFrame":
    """Run an experiment file and return one row per experiment.

    Replicate k has seed k in all arms. Without `replicates` their number follows the rule of
    `stemniche.experiment.statistics`. With more than one worker, a script that calls this needs the
    usual ``if __name__ == "__main__":``.

    Args:
        file: Experiment file; the shipped one by default.
        replicates: Exactly this many; None for the adaptive rule.
        workers: Processes of one thread each; None for what this process may use.
        only: Ids of the experiments to run; empty for all.
        records: Folder in which the table of every run is kept as soon as it is done; what lies
            there already is not run again.
        rival: A model to judge instead, as `stemniche.experiment.rivals.as_rival` names it.
        progress: Called with what is going on and the share done.
        executor: Where to run instead of processes on this machine.

    Returns:
        Columns ``id, verdict, kind, effect, low, high, replicates, left, right, expect, measure,
        at, reason, path, means``: effect and its 95 % limits are of the weakest contrast of the
        expectation, `left` and `right` the means of its two sides, `means` the mean of the measure
        in each arm, `path` the shortest chain of library rows from what differs to what is read.

    Raises:
        InputError: The file, or an id, is wrong, or the folder cannot be written to.
    """
    if replicates is not None and not 1 <= replicates <= MOST_REPLICATES:
        what = f"{replicates} replicates cannot be run."
        raise InputError(what, "replicates", f"Give 1 to {MOST_REPLICATES}.")
    experiments = chosen(read_experiments(FILE if file is None else Path(file)), tuple(only))
    if rival is not None:
        experiments = as_rival(experiments, rival)
    jobs = Jobs.of(arm for one in experiments for arm in one.arms)
    shelf = None if records is None else Shelf.at(records)
    with Runner(workers, executor=executor, warm=Warm(experiments[0].arms[0].scenario)) as runner:
        laboratory = Laboratory(jobs, runner, shelf=shelf)
        return frame(experiments, judged(experiments, laboratory, replicates, progress))


def judged(
    experiments: Sequence[Experiment],
    laboratory: Laboratory,
    replicates: int | None = None,
    progress: Progress | None = None,
) -> list[Verdict]:
    """Run all rounds and return the verdicts, in the order of the experiments."""
    tell: Progress = progress if progress is not None else lambda what, share: None
    verdicts = _unreadable(experiments, laboratory, tell)
    waiting = {one.id: one for one in experiments if one.id not in verdicts}
    done = 0
    while waiting and (look := next_look(done, replicates)) is not None:
        number, level = look
        wanted = [
            pair
            for experiment in waiting.values()
            for arm in experiment.arms
            for pair in laboratory.pairs(arm, number)
        ]

        def told(what: str, share: float, n: int = number, left: int = len(waiting)) -> None:
            tell(f"{left} experiments, {n} replicates", share)

        laboratory.run(wanted, told)
        for experiment in list(waiting.values()):
            found = [
                {arm.name: laboratory.result(arm, seed) for arm in experiment.arms}
                for seed in range(1, number + 1)
            ]
            verdicts[experiment.id] = verdict(experiment, found, level)
            if verdicts[experiment.id].word != "inconclusive":
                del waiting[experiment.id]
        done = number
    return [verdicts[experiment.id] for experiment in experiments]


def _unreadable(
    experiments: Sequence[Experiment], laboratory: Laboratory, tell: Progress
) -> dict[str, Verdict]:
    """Verdicts on experiments that read what their runs will not have: nothing is run for them."""
    arms = (arm for one in experiments for arm in one.arms)
    columns = laboratory.look(arms, lambda share: tell("looking at what arms measure", share))
    found = {}
    for one in experiments:
        jobs = {arm.name: job_of(arm.scenario) for arm in one.arms}
        has = {name: columns[job] for name, job in jobs.items() if job in columns}
        if (fault := unreadable(one, has)) is not None:
            found[one.id] = fault
    return found


def frame(experiments: Sequence[Experiment], verdicts: Sequence[Verdict]) -> "pd.DataFrame":
    """The verdicts as a table."""
    import pandas as pd

    rows = list(_rows(experiments, verdicts, classify(experiments)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
    experiments: Sequence[Experiment], verdicts: Sequence[Verdict], kinds: Sequence[Kind]
) -> Iterator[tuple[object, ...]]:
    for e, v, kind in zip(experiments, verdicts, kinds, strict=True):
        yield (
            e.id, v.word, kind.name, v.effect, v.low, v.high, v.replicates, v.left, v.right,
            e.expect, e.measure, str(e.at), v.reason, kind.path, dict(v.means),
        )  # fmt: skip
