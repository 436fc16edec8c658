"""What may be asked of a run that goes on: to be longer, or sampled at other times from now.

`simulate` asks before it changes anything in a store, so what the store says of a run stays true of
its table.
"""

from stemniche.core.errors import InputError
from stemniche.run.results import Run
from stemniche.run.store import Store
from stemniche.spec.reading import days_text
from stemniche.spec.scenario import Scenario

DAY = 86400


def going_on(store: Store, scenario: Scenario) -> str:
    """Check how a stored run is to go on, and say how its rest differs.

    Args:
        store: Of the run; it is not changed.
        scenario: As it is now asked for, biologically that of the run.

    Returns:
        A sentence on samples that are taken at another interval from now on, else nothing.

    Raises:
        InputError: The run is longer already, nothing of it is left to be sampled otherwise, or
            other measures are asked for than its table has.
    """
    before, reached = Run(store).scenario, _reached(store)
    if scenario.duration_s < reached:
        raise InputError(
            f"The run already has {reached / DAY:g} d, and {scenario.days:g} d are asked for.",
            store.where,
            f"Ask for {reached / DAY:.10g} d or more, read its table up to day {scenario.days:g},"
            " or simulate into a new folder.",
        )
    if scenario.measures != before.measures and store.times_s:
        raise InputError(
            f"The run records {_listed(before.measures)}, and not {_listed(scenario.measures)}.",
            f"{store.where}, measures",
            "Resume with the measures of the run, or simulate into a new folder.",
        )
    if scenario.sample_every_s == before.sample_every_s or not store.times_s:
        return ""
    then, now = days_text(before.sample_every), days_text(scenario.sample_every)
    if scenario.duration_s == reached:
        raise InputError(
            f"The run is complete, sampled every {then}: none of it is left to sample every {now}.",
            f"{store.where}, sample_every",
            f"Resume with sample_every: {then}, ask for more days, or simulate into a new folder.",
        )
    return f"From here on a sample is taken every {now}, and no longer every {then}."


def _reached(store: Store) -> int:
    """The second up to which a run was computed and kept."""
    kept = (time for _, time, _ in store.commit.checkpoints)
    return max((*store.times_s, *kept), default=0)


def _listed(measures: tuple[str, ...]) -> str:
    return ", ".join(measures) or "no assay"
