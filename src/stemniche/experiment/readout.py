"""What is read from a simulated arm: a measure, at a day, over a window, or until a condition.

`arms` turns a run's table into a `Record`, `expect` asks it for numbers. Names of measures may be
written in any spelling the evidence knows. What no run can have is refused on reading, and what the
record of a run lacks is answered with the nearest.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

from stemniche.core.errors import InputError
from stemniche.core.expressions import Name, evaluate
from stemniche.core.expressions import Node as Expression
from stemniche.core.names import did_you_mean, nearest
from stemniche.core.units import parse_time
from stemniche.spec.nametables import library_names
from stemniche.spec.reading import DAY, Field
from stemniche.spec.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COUNTS = (
    "cells.", "tumour_cells", "dead_cells", "conversion.", "csc_flux.", "kills.", "phagocytosis",
    "circulating_tumour_cells", "distant_cells", "primed_t_cells", "left.", "recruited.",
    "expected_",
)  # fmt: skip
"""Beginnings of measures that count cells or events."""

OF_DRUGS = ("drug.", "drug_in.", "plasma.", "occupancy.", "distant.drug.")
"""Beginnings of measures of a drug; a run has those of the drugs that it was given."""

COUNT_FLOOR, FRACTION_FLOOR = 0.5, 1e-6
"""Least values of which a logarithm is taken: half a cell, and one in a million."""

EPSILON = 1e-9
_LAST = re.compile(r"last\s+(.+)")
_AUC = re.compile(r"auc\s+([0-9.]+)\s*\.\.\s*([0-9.]+)\s*([a-z]+)")


class MeasureMissing(InputError):
    """The runs of a study do not have a measure that it asks for."""


@final
@dataclass(frozen=True, slots=True)
class Window:
    """When a measure is read: at a day, as a mean, or as an area under the curve; days."""

    start: float
    end: float
    how: Literal["at", "mean", "auc"]

    def __str__(self) -> str:
        """The window as an experiment file has it."""
        if self.how == "at":
            return f"{self.end:g} d"
        if self.how == "mean":
            return f"last {self.end - self.start:g} d"
        return f"auc {self.start:g}..{self.end:g} d"


def read_window(written: Field, days: float) -> Window:
    """Read ``12 d``, a number of days, ``last 3 d`` or ``auc 2..10 d``.

    Raises:
        InputError: None of these, or outside the `days` that are simulated.
    """
    text = " ".join(written.text().split())
    if last := _LAST.fullmatch(text):
        length = parse_time(last[1], where=written.where) / DAY
        window = Window(days - length, days, "mean")
    elif auc := _AUC.fullmatch(text):
        start, end = (parse_time(f"{auc[i]} {auc[3]}", where=written.where) / DAY for i in (1, 2))
        window = Window(start, end, "auc")
    else:
        day = written.quantity("d", low=0.0, bare="d")
        window = Window(day, day, "at")
    if window.start < -EPSILON or window.end > days + EPSILON:
        what = f"{written.shown} lies outside the {days:g} d that are simulated."
        raise written.error(what, "Give a later end with 'set: {days: …}', or an earlier time.")
    if window.how != "at" and window.start >= window.end:
        raise written.error(f"{written.shown} has no length.", "Write 'last 3 d' or 'auc 2..10 d'.")
    return window


def last_day(days: float) -> Window:
    """The window of who asks for none: the mean of the last day, or the end of less than two.

    One sample of a few dozen cells scatters; the day that ends with it says the same with less.
    """
    if days < 2.0:
        return Window(days, days, "at")
    return Window(days - 1.0, days, "mean")


@final
@dataclass(frozen=True)
class Record:
    """The table of one simulated arm.

    Args:
        columns: Names of the measures.
        days: Times of the samples, float64, ascending.
        values: Float64 ``[samples, measures]``.
    """

    columns: tuple[str, ...]
    days: "NDArray[np.float64]"
    values: "NDArray[np.float64]"

    @classmethod
    def of(cls, table: Any) -> "Record":
        """Take a run's table, a DataFrame with the column ``time_d``."""
        import numpy as np

        days = table["time_d"].to_numpy(np.float64)
        return cls(tuple(map(str, table.columns)), days, table.to_numpy(np.float64))

    def beside(self, others: Iterable[Sequence[str]]) -> "Record":
        """The record with 0 for the drugs of which only others have measures."""
        import numpy as np

        more = drug_columns(others, self.columns)
        if not more:
            return self
        none = np.zeros((len(self.days), len(more)))
        return Record((*self.columns, *more), self.days, np.hstack([self.values, none]))

    def until(self, days: float) -> "Record":
        """The record without what lies after `days`."""
        keep = self.days <= days + EPSILON
        return self if keep.all() else Record(self.columns, self.days[keep], self.values[keep])

    def series(self, measure: str) -> "NDArray[np.float64]":
        """All samples of a measure."""
        return self.values[:, self.columns.index(column_of(measure, self.columns))]

    def value(self, measure: str, window: Window) -> float:
        """A measure at a time (linear between samples), its mean, or its area in unit times days.

        The mean is that of the samples in the window.
        """
        import numpy as np

        samples = self.series(measure)
        if window.how == "at":
            return float(np.interp(window.end, self.days, samples))
        inside = (self.days >= window.start - EPSILON) & (self.days <= window.end + EPSILON)
        if window.how == "mean":
            middle = 0.5 * (window.start + window.end)
            among = samples[inside] if inside.any() else np.interp([middle], self.days, samples)
            return float(among.mean())
        days = np.union1d(self.days[inside], [window.start, window.end])
        return float(np.trapezoid(np.interp(days, self.days, samples), days))

    def time_to(self, condition: Expression, end: float, where: str) -> float:
        """Day of the first sample at which a condition holds, or `end` if none does by then.

        Its mean over replicates is the restricted mean time: whoever was not seen to reach the
        condition counts with the whole length.
        """
        import numpy as np

        def samples(name: Name) -> Any:
            return self.series(name.text)

        holds = np.broadcast_to(evaluate(condition, samples, where=where), self.days.shape)
        reached = self.days[holds & (self.days <= end + EPSILON)]
        return float(min(reached[0], end)) if reached.size else end


def floor_of(measure: str) -> float:
    """The least value of a measure under a logarithm."""
    return COUNT_FLOOR if measure.startswith(COUNTS) else FRACTION_FLOOR


def column_of(measure: str, columns: Sequence[str]) -> str:
    """The column that a measure in any spelling means.

    Raises:
        MeasureMissing: There is none; the remedy gives the nearest.
    """
    if measure in columns:
        return measure
    for meant in library_names().measures_meant(measure):
        if meant in columns:
            return meant
    near = nearest(measure, columns)
    mend = f"Nearest: {', '.join(near)}." if near else "`stemniche.measures()` lists them."
    raise MeasureMissing(f"The runs have no measure '{measure}'.", "measure", mend)


def drug_columns(arms: Iterable[Sequence[str]], own: Sequence[str] = ()) -> tuple[str, ...]:
    """Measures of drugs that some arms have, without an arm's `own`."""
    found = dict.fromkeys(c for columns in arms for c in columns if c.startswith(OF_DRUGS))
    return tuple(name for name in found if name not in own)


def canonical(measure: str) -> str:
    """The measure with the parts of its name as ids, where they are known."""
    return next(library_names().measures_meant(measure), measure)


def known_measure(measure: str, where: str) -> str:
    """The id of a measure in any spelling.

    Raises:
        InputError: There is no such measure; the remedy gives the nearest.
    """
    names = library_names()
    found = names.resolve("measure", measure)
    if found:
        return found[0]
    mend = did_you_mean(measure, names.ids["measure"], "`stemniche.measures()` lists them.")
    raise InputError(f"There is no measure '{measure[:100]}'.", where, mend)


def recording(scenario: Scenario, measures: Iterable[str]) -> Scenario:
    """The scenario with the assays among some measures recorded; itself where they are already.

    Args:
        measures: Their ids.
    """
    # Heavy: assays work on the state of the engine, with its kernels.
    from stemniche.run.assays import ASSAYS, OF_A_TYPE

    assays = [m for m in measures if m in ASSAYS or m.partition(".")[0] in OF_A_TYPE]
    new = [m for m in dict.fromkeys(assays) if m not in scenario.measures]
    return scenario.change({"measures": [*scenario.measures, *new]}) if new else scenario


def refuse_unknown_time(day: float, end: float, where: str) -> None:
    """Refuse ``@12d`` where fewer days are simulated.

    Raises:
        InputError: `day` lies after `end`.
    """
    if day > end + EPSILON:
        what = f"'@{day:g}d' lies after the {end:g} d that are simulated."
        raise InputError(what, where, "Give more days with 'set: {days: …}', or an earlier time.")
