"""Sensitivity: which groups of numbers move the results most, and which numbers within them.

Morris's elementary effects in two rounds, so that some thousand numbers need only hundreds of runs:
first whole groups are moved together, then the numbers of the most influential groups one by one.
Sampling and analysis are SALib's; runs go over the same `Runner` as experiments.

Source:
    Morris 1991 Technometrics 33:161 doi:10.1080/00401706.1991.10484804; groups and mu*: Campolongo
    2007 Environ Model Softw 22:1509 doi:10.1016/j.envsoft.2006.10.004.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from stemniche.core.errors import GuardError, InputError, MissingExtra
from stemniche.core.units import parse_quantity
from stemniche.experiment.readout import Record, known_measure, recording
from stemniche.experiment.runner import Failure, Runner
from stemniche.spec.compile import compile_model
from stemniche.spec.library import Library
from stemniche.spec.records import (
    Link,
    Mechanism,
    Parameter,
    ReactionRow,
    Rule,
    SecretionRow,
    TargetRow,
)
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Tell = Callable[[str, float], None]

MEASURES = ("tumour_cells", "csc_fraction", "hypoxic_fraction")
LEVELS = 4
SPREAD = {"half_max": 3.0, "rate": 3.0, "weight": 2.0, "potency": 3.0}
"""Numbers of rows that have no range of their own are moved up and down by these factors; the
half_max of a node, which runs from 0 to 1, by its odds."""
FAINT = 0.01
"""Where a range from 0 begins, in shares of its end: rules cannot multiply a rate of 0."""
_ENGINE = ("stemness", "vessel", "tau")
LOGARITHMIC = 5.0
"""A range whose ends differ by more than this factor is moved through on a logarithmic scale."""


IN_A_ROW = "row "
"""How the basis of a number begins that comes with a row which has a source."""


@final
@dataclass(frozen=True, slots=True)
class Input:
    """A number of the library that a scenario's model depends on.

    Args:
        name: As `parameters:` of a scenario takes it.
        group: What it belongs to, in words.
        basis: Stated, hedged, inferred or assumed; with `IN_A_ROW` before it where a row has a
            source for what acts on what, and the number may be assumed.
        also: Further numbers that have to be the same, as the weights of one AND group.
    """

    name: str
    group: str
    low: float
    high: float
    unit: str
    basis: str
    also: tuple[str, ...] = ()

    def at(self, share: float) -> str:
        """The quantity at a share of the way from low to high."""
        if self.low > 0.0 and self.high > LOGARITHMIC * self.low:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        return f"{value:.6g} {self.unit}".strip()


@final
@dataclass(frozen=True, slots=True)
class Screening:
    """Results of both rounds; `influence` is mu* over the SD of the measure, mean of measures.

    Args:
        groups: Columns ``group, numbers, influence`` and mu* of each measure, strongest first.
        inputs: The same for single numbers of the groups looked into, with ``basis, low, high``.
        runs: Simulations done; those that were stopped by a guard are left out with their path.
        stopped: How many were.
    """

    groups: "pd.DataFrame"
    inputs: "pd.DataFrame"
    runs: int
    stopped: int

    @property
    def rest_on(self) -> str:
        """What the single numbers rest on, in words."""
        basis = self.inputs.basis
        rows = int(basis.str.startswith(IN_A_ROW).sum())
        sourced = len(basis) - rows - int((basis == "assumed").sum())
        return (
            f"Of the {len(basis)} strongest numbers {sourced} rest on a source, {rows} belong to "
            "rows whose source need not tell the number."
        )


def inputs_of(scenario: Scenario, library: Library | None = None) -> tuple[Input, ...]:
    """All parameters with a range, and the numbers of the rows that hold in a scenario.

    Raises:
        InputError: The scenario does not compile.
    """
    library = read_library() if library is None else library
    active = {row.id for row in compile_model(library, scenario).rows}
    given = {c for name in scenario.drugs for c in library.drug_lineage(name)}
    idle = {*library.drugs, *library.drug_classes} - {*scenario.drugs, *given}
    rows = [row for row in library.mechanisms.values() if row.id in active]
    return tuple(
        one for one in inputs_among(library, rows) if one.name.partition(".")[0] not in idle
    )


def inputs_among(library: Library, rows: Iterable[Mechanism]) -> tuple[Input, ...]:
    """All parameters with a range, and the numbers of some rows."""
    found = [
        one
        for record in library.parameters.values()
        if (one := _of_parameter(record, library)) is not None
    ]
    return (*found, *_joined([one for row in rows for one in _of_row(row, library)], library))


def sensitivity(
    scenario: Scenario,
    *,
    measures: Sequence[str] = MEASURES,
    only: Sequence[str] = (),
    trajectories: int = 8,
    top: int = 50,
    seed: int = 1,
    workers: int | None = None,
    progress: Tell | None = None,
) -> Screening:
    """Screen the numbers that a scenario depends on, first in groups, then one by one.

    The second round takes the strongest groups until they hold three times `top` numbers, with
    half as many trajectories. All runs share one seed of the simulation.

    Args:
        measures: Columns of the table or assays, read at the end; counts on a logarithmic scale.
        only: Names of numbers to look at, such as ``stemness.*``; all without it.
        trajectories: Of the first round; each costs one run more than there are groups.
        top: How many single numbers to report.
        seed: Of simulations and of the sampling.

    Raises:
        InputError: A measure does not exist, none is named, or too few trajectories were asked for.
        GuardError: No trajectory came through.
        MissingExtra: SALib is not installed.
    """
    if trajectories < 2 or top < 1:
        what = f"{trajectories} trajectories and the {top} strongest numbers cannot be."
        raise InputError(what, "sensitivity", "Ask for at least 2 trajectories and 1 number.")
    if not measures:
        mend = f"Name at least one, such as {MEASURES[0]}."
        raise InputError("There is no measure to look at.", "measures", mend)
    scenario = recording(scenario, [known_measure(name, "measures") for name in measures])
    tell = progress if progress is not None else lambda what, share: None
    inputs = _chosen(inputs_of(scenario), only)
    with Runner(workers) as runner:
        bench = _Bench(scenario, tuple(measures), seed, runner, tell)
        names = sorted({one.group for one in inputs})
        groups = bench.effects("groups", inputs, [one.group for one in inputs], names, trajectories)
        chosen = _strongest(groups, inputs, 3 * top)
        own = [one.name for one in chosen]
        single = bench.effects("single numbers", chosen, own, own, max(2, trajectories // 2))
    numbers = {name: sum(one.group == name for one in inputs) for name in names}
    groups.insert(1, "numbers", [numbers[name] for name in groups.name])
    by_name = {one.name: one for one in chosen}
    for column in ("group", "basis", "low", "high", "unit"):
        single[column] = [getattr(by_name[name], column) for name in single.name]
    return Screening(groups, single.head(top), bench.runs, bench.stopped)


def _chosen(inputs: tuple[Input, ...], only: Sequence[str]) -> tuple[Input, ...]:
    for pattern in only:
        if not any(fnmatchcase(one.name, pattern) for one in inputs):
            mend = "Take names of the library's parameters or rows, with * for any letters."
            raise InputError(f"No number of this scenario is called '{pattern}'.", "only", mend)
    return tuple(one for one in inputs if not only or any(fnmatchcase(one.name, p) for p in only))


def _of_parameter(record: Parameter, library: Library) -> Input | None:
    if record.low is None or record.high is None or record.low >= record.high:
        return None
    group = _group_of_parameter(record.name, library)
    low = record.low if record.low != 0.0 else FAINT * record.high
    return Input(record.name, group, low, record.high, record.unit, record.basis)


def _group_of_parameter(name: str, library: Library) -> str:
    head, _, number = name.partition(".")
    if head in library.drugs or head in library.drug_classes:
        return f"drug: {head}"
    if head in library.lexicon.factors:
        level = number in ("baseline", "reference")
        return "factors: levels" if level else "factors: transport"
    if head in library.lexicon.cells:
        return f"traits: {_kin(head, library)}"
    return f"engine: {head}" if head in _ENGINE else "engine: other"


def _kin(cell: str, library: Library) -> str:
    """The group of a cell type: tumour, stroma, immune; what holds for all is `cell`."""
    return library.lexicon.cells[cell].group or cell


def _of_row(row: Mechanism, library: Library) -> list[Input]:
    """Inputs of the numbers that a row states itself, not by a parameter's name."""
    found = []
    for column, factor in SPREAD.items():
        text = str(getattr(row, column, "") or "")
        if not text or text in library.parameters:
            continue
        number, _, unit = text.partition(" ")
        value = parse_quantity(number, "", where=row.id)
        if value > 0.0:
            name = f"{row.id}.{column}"
            group = _group_of_row(row, library)
            share = column == "half_max" and not unit and value < 1.0
            low, high = (_odds if share else _times)(value, factor)
            basis = row.basis if row.basis == "assumed" else f"{IN_A_ROW}{row.basis}"
            found.append(Input(name, group, low, high, unit, basis))
    return found


def _joined(inputs: list[Input], library: Library) -> list[Input]:
    """One input for all weights of an AND group, in the place of the first."""
    found: dict[tuple[str, ...], Input] = {}
    for one in inputs:
        row_id, _, column = one.name.rpartition(".")
        row = library.mechanisms[row_id]
        key: tuple[str, ...] = (one.name,)
        if isinstance(row, Link) and row.and_group and column == "weight":
            key = (row.to, row.and_group)
        first = found.get(key)
        found[key] = one if first is None else replace(first, also=(*first.also, one.name))
    return list(found.values())


def _times(value: float, factor: float) -> tuple[float, float]:
    return value / factor, value * factor


def _odds(share: float, factor: float) -> tuple[float, float]:
    """A share of 1 with its odds moved: a node above 1 would never be met."""
    return share / (share + factor * (1.0 - share)), share / (share + (1.0 - share) / factor)


def _group_of_row(row: Mechanism, library: Library) -> str:
    if isinstance(row, Link):
        kin = ", ".join(sorted({_kin(name, library) for name in row.cells or ("cell",)}))
        if row.brake:
            return f"brakes: {kin}"
        return f"network: {library.lexicon.nodes[row.to].kind} of {kin}"
    if isinstance(row, Rule):
        return f"rules: {row.behaviour.partition('.')[0]}"
    if isinstance(row, TargetRow):
        return f"drug: {row.drug}"
    if isinstance(row, ReactionRow):
        return "reactions"
    kind = "secretion" if isinstance(row, SecretionRow) else "uptake"
    return f"{kind}: {', '.join(sorted({_kin(name, library) for name in row.cell}))}"


def _strongest(groups: "pd.DataFrame", inputs: Iterable[Input], most: int) -> list[Input]:
    """Inputs of the most influential groups: as many whole groups as hold `most` numbers."""
    chosen: list[Input] = []
    for name in groups.name:
        own = [one for one in inputs if one.group == name]
        if chosen and len(chosen) + len(own) > most:
            continue
        chosen.extend(own)
    return chosen


def _ends(scenario: Scenario, seed: int, measures: tuple[str, ...]) -> list[float]:
    """Measures at the end of one run; in a worker process."""
    from stemniche.run.simulate import simulate

    record = Record.of(simulate(scenario, seed, threads=1).table)
    return [float(record.series(name)[-1]) for name in measures]


@final
@dataclass
class _Bench:
    """Runs one design after the other and turns what comes out into effects."""

    scenario: Scenario
    measures: tuple[str, ...]
    seed: int
    runner: Runner
    tell: Tell
    runs: int = 0
    stopped: int = 0

    def effects(
        self,
        title: str,
        inputs: Sequence[Input],
        member: Sequence[str],
        names: Sequence[str],
        trajectories: int,
    ) -> "pd.DataFrame":
        """Columns name, influence and mu* of each measure; strongest first."""
        import pandas as pd

        sample, analyse = _salib()
        problem = {
            "num_vars": len(inputs),
            "names": [one.name for one in inputs],
            "groups": list(member),
            "bounds": [[0.0, 1.0]] * len(inputs),
        }
        design = sample(problem, trajectories, num_levels=LEVELS, seed=self.seed)
        design, values = self._run(title, inputs, design, len(names) + 1)
        table = pd.DataFrame({"name": list(names)})
        influence = np.zeros(len(names))
        for m, measure in enumerate(self.measures):
            y = values[:, m]
            found = analyse(problem, design, y, num_levels=LEVELS, seed=self.seed)
            effect = dict(zip(found["names"], np.asarray(found["mu_star"], float), strict=True))
            table[measure] = [effect[name] for name in names]
            spread = float(y.std())
            if spread > 0.0:
                influence += table[measure].to_numpy() / spread / len(self.measures)
        table.insert(1, "influence", influence)
        return table.sort_values("influence", ascending=False, ignore_index=True)

    def _run(
        self, title: str, inputs: Sequence[Input], design: Floats, length: int
    ) -> tuple[Floats, Floats]:
        """Simulate a design; trajectories of which a run was stopped are left out."""
        tasks = {
            i: partial(_ends, self._scenario(inputs, point), self.seed, self.measures)
            for i, point in enumerate(design)
        }
        results: Mapping[int, list[float] | Failure] = self.runner.run(
            tasks, lambda share: self.tell(f"{title}: {len(tasks)} runs", share)
        )
        self.runs += len(tasks)
        faults = [found for found in results.values() if isinstance(found, Failure)]
        self.stopped += len(faults)
        whole = [
            first
            for first in range(0, len(design), length)
            if not any(isinstance(results[first + i], Failure) for i in range(length))
        ]
        if not whole:
            mend = "Narrow the ranges, or shorten the run."
            raise GuardError(f"No trajectory came through: {faults[0].reason}", title, mend)
        kept = np.concatenate([np.arange(first, first + length) for first in whole])
        values = np.array([results[i] for i in kept], float)
        counts = [i for i, name in enumerate(self.measures) if "cells" in name]
        values[:, counts] = np.log(np.maximum(values[:, counts], 0.5))
        return design[kept], values

    def _scenario(self, inputs: Sequence[Input], point: Floats) -> Scenario:
        moved = {
            name: one.at(float(x))
            for one, x in zip(inputs, point, strict=True)
            for name in (one.name, *one.also)
        }
        return self.scenario.change({"parameters": {**self.scenario.parameters, **moved}})


def _salib() -> tuple[Callable[..., Any], Callable[..., Any]]:
    try:
        from SALib.analyze.morris import analyze
        from SALib.sample.morris import sample
    except ImportError as fault:
        what = "Sensitivity analysis needs SALib, which is not installed."
        mend = "Install it with: pip install 'stemniche[inference]'"
        raise MissingExtra(what, "sensitivity", mend) from fault
    return sample, analyze
