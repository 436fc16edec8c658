"""Screens: single agents and their pairs on paired replicates, and whether pairs beat their parts.

`stemniche screen` asks for it. Every arm of a replicate shares its random numbers and the state at
day 0 with the untreated one, so effects are taken within replicates. An effect E is the share of
living cells that an arm lacks at the end, ``1 - treated / untreated``, below 0 where it has more.

Source:
    Bliss excess ``E_ab - (E_a + E_b - E_a E_b)``: Bliss 1939 Ann Appl Biol 26:585
    doi:10.1111/j.1744-7348.1939.tb06990.x. Highest single agent ``E_ab - max(E_a, E_b)``: Berenbaum
    1989 Pharmacol Rev 41:93. Loewe's combination index ``d_a / D_a(E_ab) + d_b / D_b(E_ab)``, where
    D is the dose of one agent alone with the effect of both, by its Hill curve: Loewe 1953
    Arzneimittelforschung 3:285; below 1 is synergy.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from stemniche.core.errors import GuardError, InputError
from stemniche.experiment.arms import Jobs, Laboratory, Warm
from stemniche.experiment.file import Arm
from stemniche.experiment.runner import Failure, Runner
from stemniche.experiment.statistics import interval
from stemniche.spec.compile import compile_model
from stemniche.spec.interventions import Dose, GiveDrug, Intervention
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario
from stemniche.therapy.lower import lower

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Tell = Callable[[str, float], None]

READ = {"tumour": "tumour_cells", "CSC": "cells.CSC"}
"""What is read at the end of each arm: living tumour cells and stem cells among them."""

FEWEST_DOSES = 4
"""Doses of a single agent below which its curve, and so Loewe's index, is not taken."""

FLOOR = 0.5
"""Fewer cells than this count as half a cell, as in expectations."""


@final
@dataclass(frozen=True, slots=True)
class Screen:
    """Results of a screen.

    Args:
        singles: Columns ``agent, share`` (of its dose) and the effect on tumour and CSC; every
            quantity q has columns ``q.tumour, q.tumour.low, q.tumour.high``, likewise for CSC.
        pairs: Columns ``first, second``, the effect, ``bliss`` and ``hsa`` excess, and ``loewe``
            where doses were run.
        replicates: Of every arm.
    """

    singles: "pd.DataFrame"
    pairs: "pd.DataFrame"
    replicates: int


def screen(
    scenario: Scenario,
    agents: Sequence[str],
    *,
    pairs: bool = False,
    doses: int = 1,
    replicates: int = 4,
    workers: int | None = None,
    progress: Tell | None = None,
    executor: Executor | None = None,
    ready: Callable[[], object] | None = None,
) -> Screen:
    """Give every agent, and every pair of them if asked, beside an untreated arm.

    Args:
        scenario: Its own therapy is given in all arms.
        agents: Interventions as lines, such as ``drug paclitaxel`` or ``block CXCR4 0.9``.
        doses: Of single agents, each half of the one before; at least 4 for Loewe's index, which
            needs agents that are drugs.
        replicates: Seeds 1 to this; at least 2, so that there are intervals.
        ready: Called once all is found right, before anything is run.

    Raises:
        InputError: An agent is wrong or named twice, or too few were named.
        GuardError: An arm has no result; the reason is told.
    """
    _check(agents, pairs, doses, replicates)
    plans = _arms(scenario, agents, pairs, doses)
    _refuse_repeated(agents, plans)
    _refuse_impossible(plans)
    tell = progress if progress is not None else lambda what, share: None
    with Runner(workers, executor=executor, warm=Warm(scenario)) as runner:
        if ready is not None:
            ready()
        laboratory = Laboratory(Jobs.of(plans.values()), runner)
        wanted = [pair for arm in plans.values() for pair in laboratory.pairs(arm, replicates)]
        laboratory.run(wanted, lambda what, share: tell(f"{len(plans)} arms", share))
        effects = _effects(laboratory, plans, replicates)
    return Screen(
        _singles(agents, effects, doses), _pairs(agents, effects, doses, pairs), replicates
    )


Treated = tuple[tuple[str, float], ...]
"""What an arm gives: agents with the share of their dose; nothing for the untreated one."""

Effects = Mapping[Treated, Mapping[str, Floats]]
"""Effect on each thing read, one per replicate."""


def _check(agents: Sequence[str], pairs: bool, doses: int, replicates: int) -> None:
    if len(agents) < 1 + pairs:
        what = "There is nothing to screen." if not agents else "One agent makes no pair."
        raise InputError(what, "screen", "Name at least two agents, such as --drugs A,B.")
    if replicates < 2:
        raise InputError("One replicate gives no interval.", "replicates", "Give at least 2.")
    if doses != 1 and doses < FEWEST_DOSES:
        what = f"{doses} doses do not make a curve."
        raise InputError(what, "doses", f"Give 1, or at least {FEWEST_DOSES}.")


def _arms(scenario: Scenario, agents: Sequence[str], pairs: bool, doses: int) -> dict[Treated, Arm]:
    given = [((name, 0.5**step),) for name in agents for step in range(doses)]
    together = [((a, 1.0), (b, 1.0)) for a, b in combinations(agents, 2)] if pairs else []
    arms: dict[Treated, Arm] = {}
    for treated in ((), *given, *together):
        lines = [_line(scenario, name, share) for name, share in treated]
        name = " + ".join(lines) or "untreated"
        arms[treated] = Arm(name=name, scenario=scenario.treat(lines) if lines else scenario)
    return arms


def _refuse_repeated(agents: Sequence[str], arms: Mapping[Treated, Arm]) -> None:
    """Refuse agents that are one and the same, in whatever spelling."""
    seen: dict[str, str] = {}
    for name in agents:
        done = arms[((name, 1.0),)].scenario.fingerprint
        if done in seen:
            both = f"'{name}'" if name == seen[done] else f"'{seen[done]}' and '{name}'"
            raise InputError(f"An agent is named twice: {both}.", "screen", "Name each once.")
        seen[done] = name


def _refuse_impossible(arms: Mapping[Treated, Arm]) -> None:
    """Refuse what cannot be given together, such as overlapping infusions of one drug."""
    library = read_library()
    for arm in arms.values():
        lower(arm.scenario, compile_model(library, arm.scenario))


def _line(scenario: Scenario, agent: str, share: float) -> str:
    """An agent at a share of its dose, as a line; its schedule stays."""
    if share == 1.0:
        return agent
    item: Intervention = scenario.treat([agent]).therapy[-1]
    if not isinstance(item, GiveDrug):
        what = f"'{agent}' has no dose to be lowered."
        raise InputError(what, "doses", "Screen drugs, or leave the doses out.")
    if item.dose is None:
        return f"{agent} {_regimen(item, share)}"
    return str(replace(item, dose=_lower(item.dose, share), loading=_lower(item.loading, share)))


def _lower(dose: Dose | None, share: float) -> Dose | None:
    return dose and replace(dose, amount=dose.amount * share, total=dose.total * share)


def _regimen(item: GiveDrug, share: float) -> str:
    """The library's regimen of a drug at a share of its dose, in words of a treatment line."""
    row = read_library().drugs[item.drug]
    if not row.dose or not row.every:
        what = f"The library does not know the dose of {item.drug}."
        raise InputError(what, "doses", f"Give it: --also 'drug {item.drug} 10 mg every 1 d'.")
    parts = [f"dose {_times(row.dose, share)}"]
    if item.every is None:
        parts.append(f"every {row.every}")
    if item.loading is None and row.loading:
        parts.append(f"loading {_times(row.loading, share)}")
    if item.cycle is None and row.on:
        parts.append(f"cycle {row.on} {row.off}")
    return " ".join(parts)


def _times(dose: str, share: float) -> str:
    amount, _, unit = dose.partition(" ")
    return f"{float(amount) * share:.12g} {unit}"


def _effects(laboratory: Laboratory, arms: Mapping[Treated, Arm], replicates: int) -> Effects:
    counts: dict[Treated, dict[str, Floats]] = {}
    for treated, arm in arms.items():
        ends: dict[str, list[float]] = {what: [] for what in READ}
        for seed in range(1, replicates + 1):
            found = laboratory.result(arm, seed)
            if isinstance(found, Failure):
                mend = "Shorten the scenario, or leave this agent out."
                raise GuardError(f"'{arm.name}' failed: {found.reason}", f"seed {seed}", mend)
            for what, measure in READ.items():
                ends[what].append(max(FLOOR, float(found.values[-1, found.columns.index(measure)])))
        counts[treated] = {what: np.array(values) for what, values in ends.items()}
    return {
        treated: {what: 1.0 - own[what] / counts[()][what] for what in READ}
        for treated, own in counts.items()
    }


def _singles(agents: Sequence[str], effects: Effects, doses: int) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for name in agents:
        for step in range(doses):
            share = 0.5**step
            own = effects[((name, share),)]
            row: dict[str, object] = {"agent": name, "share": share}
            for what in READ:
                row |= _limits(f"effect.{what}", own[what])
            rows.append(row)
    return pd.DataFrame(rows)


def _pairs(agents: Sequence[str], effects: Effects, doses: int, pairs: bool) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for a, b in combinations(agents, 2) if pairs else ():
        both = effects[(a, 1.0), (b, 1.0)]
        row: dict[str, object] = {"first": a, "second": b}
        for what in READ:
            one, other = effects[((a, 1.0),)][what], effects[((b, 1.0),)][what]
            row |= _limits(f"effect.{what}", both[what])
            row |= _limits(f"bliss.{what}", both[what] - (one + other - one * other))
            row |= _limits(f"hsa.{what}", both[what] - np.maximum(one, other))
            if doses >= FEWEST_DOSES:
                index = sum(_dose_share(effects, name, doses, what, both[what]) for name in (a, b))
                row |= _limits(f"loewe.{what}", np.asarray(index))
        rows.append(row)
    return pd.DataFrame(rows)


def _limits(name: str, values: Floats) -> dict[str, object]:
    found = interval(values)
    return {name: found.mean, f"{name}.low": found.low, f"{name}.high": found.high}


def _dose_share(effects: Effects, agent: str, doses: int, what: str, wanted: Floats) -> Floats:
    """Full dose over the dose of one agent alone that has the effects `wanted`, per replicate.

    nan where the agent alone never has such an effect, so that an index with it is not given.
    """
    shares = np.array([0.5**step for step in range(doses)])
    found = np.empty(len(wanted))
    for k, target in enumerate(wanted):
        seen = np.array([effects[((agent, share),)][what][k] for share in shares])
        found[k] = 1.0 / _needed(shares, seen, float(target))
    return found


def _needed(shares: Floats, seen: Floats, target: float) -> float:
    """Share of the dose at which a Hill curve through what was seen reaches `target`, or nan."""
    from scipy.optimize import curve_fit

    def hill(x: Floats, top: float, half: float, power: float) -> Floats:
        return top * x**power / (half**power + x**power)

    try:
        start = (max(float(seen.max()), 0.01), 0.5, 1.0)
        bounds = ((1e-6, 1e-4, 0.3), (1.0, 1e3, 6.0))
        (top, half, power), _ = curve_fit(hill, shares, seen, start, bounds=bounds)
    except RuntimeError:
        return float("nan")
    if not 0.0 < target < top:
        return float("nan")
    return float(half * (target / (top - target)) ** (1.0 / power))
