"""The verdict on one experiment from the records of its replicates.

`reproduce` calls it after each look. The expectation is split into contrasts, each gets its effect,
interval and call; the weakest contrast speaks for all. Nothing here simulates.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, final

from stemniche.experiment.expect import Contrast, Replicate, contrasts, terms_of
from stemniche.experiment.file import Experiment
from stemniche.experiment.readout import MeasureMissing, Record, column_of, drug_columns
from stemniche.experiment.runner import Failure
from stemniche.experiment.statistics import (
    FEWEST,
    LEVEL,
    Call,
    Interval,
    interval,
    judge,
    relative_effects,
)

Word = Literal["reproduced", "opposite", "no effect", "inconclusive", "failed"]

WEAKEST_FIRST: tuple[Word, ...] = (
    "failed", "opposite", "no effect", "inconclusive", "reproduced",
)  # fmt: skip
"""Which of several contrasts speaks for all: one that is refuted outweighs one that is open."""

SAME_RUN = "equal to the last bit: what differs between the arms acts on nothing in the model"
"""Said of a null that could not have come out otherwise."""

NAN = float("nan")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of an experiment.

    Args:
        word: The verdict.
        effect: Mean relative effect of the weakest contrast, left against right.
        low: Lower 95 % limit of it.
        high: Upper limit.
        replicates: Number of replicates behind them.
        left: Mean of the left side of that contrast.
        right: Mean of the right side.
        means: Mean of the experiment's measure in each arm.
        reason: Why it failed, or which contrast decided.
    """

    word: Word
    effect: float = NAN
    low: float = NAN
    high: float = NAN
    replicates: int = 0
    left: float = NAN
    right: float = NAN
    means: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


Found = Mapping[str, Record | Failure]
"""What was found for each arm of one replicate."""


def unreadable(experiment: Experiment, columns: Mapping[str, Sequence[str]]) -> Verdict | None:
    """The verdict on an experiment that reads what an arm does not have; None where all is there.

    Args:
        columns: Names of the measures that each arm's table has, or will have. A drug that only
            other arms are given has a level of 0.
    """
    drugs = drug_columns(columns.values())
    terms = [(arm.name, experiment.measure) for arm in experiment.arms if experiment.measure]
    for arm, measure in (*terms, *terms_of(experiment.tree, experiment.measure)):
        try:
            column_of(measure, (*columns.get(arm, (measure,)), *drugs))
        except MeasureMissing as fault:
            return Verdict(word="failed", reason=f"arm {arm}: {fault.what} {fault.mend}")
    return None


def verdict(experiment: Experiment, found: Sequence[Found], level: float = LEVEL) -> Verdict:
    """Judge an experiment; replicate k of `found` has seed k + 1.

    Args:
        level: Confidence at which the word is found; the limits that are told are 95 % ones.
    """
    broken = _failures(found)
    if broken:
        return Verdict(word="failed", replicates=len(found), reason=broken)
    replicates = [_replicate(experiment, one) for one in found]
    columns = {arm: record.columns for arm, record in replicates[0].records.items()}
    if (lacking := unreadable(experiment, columns)) is not None:
        return replace(lacking, replicates=len(found))
    parts = contrasts(experiment.tree)
    judged = [_judged(part, replicates, experiment, level) for part in parts]
    weakest = min(judged, key=lambda j: (WEAKEST_FIRST.index(j.word), j.strength))
    few = "" if len(found) >= FEWEST else f"fewer than {FEWEST} replicates"
    decided = f"decided by {weakest.contrast}" if len(parts) > 1 else ""
    reasons = (weakest.reason, few, decided)
    return Verdict(
        word=weakest.word,
        effect=weakest.told.mean,
        low=weakest.told.low,
        high=weakest.told.high,
        replicates=len(found),
        left=weakest.left,
        right=weakest.right,
        means=_means(experiment, replicates),
        reason="; ".join(reason for reason in reasons if reason),
    )


def _failures(found: Sequence[Found]) -> str:
    """What went wrong in which arms and replicates; empty if nothing did."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for seed, one in enumerate(found, start=1):
        for arm, record in one.items():
            if isinstance(record, Failure):
                seeds.setdefault((arm, record.reason), []).append(seed)
    told = []
    for (arm, reason), which in seeds.items():
        listed = ", ".join(map(str, which[:6])) + (", …" if len(which) > 6 else "")
        told.append(f"arm {arm}, {len(which)} of {len(found)} replicates (seed {listed}): {reason}")
    return "; ".join(told)


def _replicate(experiment: Experiment, found: Found) -> Replicate:
    records = {arm: record for arm, record in found.items() if isinstance(record, Record)}
    columns = [record.columns for record in records.values()]
    return Replicate(
        records={arm: record.beside(columns) for arm, record in records.items()},
        measure=experiment.measure,
        at=experiment.at,
        end=experiment.days,
        where=experiment.where,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """One contrast; `strength` is larger where it is fulfilled better."""

    contrast: Contrast
    word: Word
    told: Interval
    left: float = NAN
    right: float = NAN
    strength: float = 0.0
    reason: str = ""


def _judged(
    contrast: Contrast, replicates: Sequence[Replicate], experiment: Experiment, level: float
) -> _Judged:
    left = [one.number(contrast.left) for one in replicates]
    right = [one.number(contrast.right) for one in replicates]
    for seed, sides in enumerate(zip(left, right, strict=True), start=1):
        if not all(map(math.isfinite, sides)):
            reason = f"{contrast} is no number in replicate {seed}"
            told = Interval(NAN, NAN, NAN)
            return _Judged(contrast=contrast, word="failed", told=told, reason=reason)
    effects = relative_effects(left, right)
    word: Call = "inconclusive"
    if len(replicates) >= FEWEST:
        word = judge(
            contrast.sense,
            interval(effects, level),
            margin=experiment.margin,
            min_effect=experiment.min_effect,
        )
    told = interval(effects)
    return _Judged(
        contrast=contrast,
        word=word,
        told=told,
        left=math.fsum(left) / len(left),
        right=math.fsum(right) / len(right),
        strength=_strength(contrast, told.mean),
        reason=SAME_RUN if contrast.sense == "~=" and left == right and any(left) else "",
    )


def _strength(contrast: Contrast, effect: float) -> float:
    if contrast.sense == "~=":
        return -abs(effect)
    if contrast.sense == "!=":
        return abs(effect)
    return effect if contrast.sense == ">" else -effect


def _means(experiment: Experiment, replicates: Sequence[Replicate]) -> dict[str, float]:
    """Mean of the experiment's measure in each arm; empty if every term has its own."""
    if not experiment.measure:
        return {}
    n = len(replicates)
    return {
        arm.name: math.fsum(
            one.records[arm.name].value(experiment.measure, experiment.at) for one in replicates
        )
        / n
        for arm in experiment.arms
    }
