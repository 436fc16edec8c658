"""Where the time of a preset goes: CPU time per tick of each process, output, and threads.

`benchmarks/performance_page.py` writes what it finds into ``docs/performance.md``.
"""

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stemniche.bench.ball import ball
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.state import State
from stemniche.engine.step import advance, begin, moment
from stemniche.kernels import jit
from stemniche.kernels.cpu import Backend, cpu
from stemniche.run.assemble import assemble
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import load_scenario

DAY = 86400 // TICK_S


@dataclass(frozen=True, slots=True)
class Profile:
    """Mean CPU time per tick, ms, of every process that counts; cells and factors at the end."""

    per_tick: dict[str, float]
    cells: int
    factors: int


def profile(preset: str, days: float, seed: int = 1) -> Profile:
    """Run a preset for half a day, then watch its processes for `days`, on one thread."""
    plan, k = assemble(load_scenario(preset), seed).plan, cpu(1)
    state = begin(plan, k)
    for _ in range(DAY // 2):
        advance(plan, state, k)
    ticks = round(days * DAY)
    spent: dict[str, float] = defaultdict(float)
    for _ in range(ticks):
        _watched(plan, state, k, spent)
    order = sorted(spent, key=lambda name: -spent[name])
    return Profile({n: spent[n] / ticks * 1e3 for n in order}, state.n, len(plan.factors))


def _watched(plan: Plan, state: State, k: Backend, spent: dict[str, float]) -> None:
    """`step.advance` with a clock."""
    now = moment(state)
    for process in plan.processes:
        if now.index * TICK_S % process.every_s == 0:
            start = time.process_time()
            process.run(state, now, k)
            spent[process.name] += time.process_time() - start
    state.tick += 1


def output_share(preset: str, samples: int = 24) -> float:
    """Share of the wall time that writing samples takes, at the preset's own sampling."""
    scenario = load_scenario(preset).change({"prepare": {"days": 0.1}, "days": 1.0})
    own = 86400 / scenario.sample_every_s
    walls = []
    for every in (scenario.sample_every_s, 86400 // samples):
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            often = scenario.change({"sample_every": f"{every} s"})
            simulate(often, 1, Path(folder), 1)
            walls.append(time.perf_counter() - start)
    each = max(walls[1] - walls[0], 0.0) / (samples - own)
    return each * own / walls[0]


def two_threads(cells: int, ticks: int = 3) -> float:
    """How many times faster two threads are than one on a packed ball of that size.

    They take turns by two ticks, as much is done in every second one alone.
    """
    plan, state, k = ball(cells, 1)
    spans = {1: 0.0, 2: 0.0}
    for turn in range(ticks + 1):
        for count in spans:
            jit.set_threads(count)
            start = time.perf_counter()
            advance(plan, state, k)
            advance(plan, state, k)
            spans[count] += time.perf_counter() - start if turn else 0.0
    jit.set_threads(1)
    return spans[1] / spans[2]
