"""Costs of whole simulations: a preset, the packed ball, memory, threads, start-up times."""

import subprocess
import sys
import time
from collections.abc import Iterator

from stemniche.bench.ball import ball
from stemniche.bench.measure import Figure
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.state import State
from stemniche.engine.step import advance
from stemniche.kernels import jit
from stemniche.kernels.cpu import Backend
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import load_scenario

BALL_CELLS = 100_000
HOUR, SCALING = 3600 // TICK_S, 3
"""Ticks in a simulated hour, and ticks for which threads are compared."""


def run_figures() -> Iterator[Figure]:
    """All figures of whole runs."""
    yield from _start()
    yield from _preset()
    yield from _ball()


def _start() -> Iterator[Figure]:
    """Wall time until the command line answers and the package is imported."""
    for what, budget, arguments in (
        ("--help", 0.5, ["-m", "stemniche", "--help"]),
        ("import stemniche", 1.0, ["-c", "import stemniche"]),
    ):
        spans = []
        for _ in range(3):
            begin = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            spans.append(time.perf_counter() - begin)
        yield Figure(part="start", what=what, value=min(spans), unit="s", budget=budget)


def _preset() -> Iterator[Figure]:
    """Two days of the small breast preset in memory, sampled as it comes."""
    scenario = load_scenario("breast_quick").change({"prepare": {"days": 0.1}, "days": 0.1})
    begin = time.perf_counter()
    simulate(scenario, 1, None, 1)
    yield Figure(
        part="start",
        what="first run (assemble, load or compile kernels, 48 ticks)",
        value=time.perf_counter() - begin,
        unit="s",
    )
    begin = time.process_time()
    simulate(scenario.change({"prepare": {"days": 1}, "days": 1.0}), 1, None, 1)
    spent = time.process_time() - begin
    yield Figure(part="run", what="breast_quick", value=spent / 2, unit="s CPU/day", budget=1.0)


def _ball() -> Iterator[Figure]:
    """CPU time per simulated hour, memory and scaling of the ball."""
    plan, state, k = ball(BALL_CELLS, 1)
    _ticks(plan, state, k, 1)
    begin = time.process_time()
    _ticks(plan, state, k, HOUR)
    yield Figure(
        part="run",
        what=f"packed ball of {BALL_CELLS} cells",
        value=time.process_time() - begin,
        unit="s CPU/hour",
        budget=5.56,
    )
    yield _memory(state)
    spans = {}
    for count in (1, 2):
        jit.set_threads(count)
        _ticks(plan, state, k, 1)
        begin = time.perf_counter()
        _ticks(plan, state, k, SCALING)
        spans[count] = time.perf_counter() - begin
    jit.set_threads(1)
    yield Figure(
        part="threads",
        what="packed ball, two threads over one",
        value=spans[1] / spans[2],
        unit="times",
        budget=1.7,
        at_least=True,
    )


def _ticks(plan: Plan, state: State, k: Backend, count: int) -> None:
    for _ in range(count):
        advance(plan, state, k)


def _memory(state: State) -> Figure:
    """What the State holds per cell, capacity in reserve and neighbour list included."""
    kept = sum(state[name].nbytes for name in state.of_kind("cell", "cell rows", "growing"))
    return Figure(
        part="memory",
        what="state and neighbour list, packed ball",
        value=kept / state.n,
        unit="bytes/cell",
        budget=1000.0,
    )
