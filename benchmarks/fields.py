"""Times the field solver: `python benchmarks/fields.py [threads]`.

Best of several runs, so that other programs on the machine disturb little. Warm means that one
voxel in a hundred has lost its cells since the last solution.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from stemniche.kernels import jit
from stemniche.kernels.fields import REPORT, FieldProblem, Workspace, advance, make_workspace
from stemniche.kernels.lod import advance_lod

Shape = tuple[int, int, int]
SOLVED, ITERATIONS = REPORT.index("solved"), REPORT.index("iterations")


def tissue(shape: Shape, substances: int) -> FieldProblem:
    """Return a packed ball or disc: oxygen from the walls, then cytokines of scattered cells."""
    dice = np.random.default_rng(0)
    axes = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij")
    packed = sum(a**2 for a in axes) < (0.36 * shape[2]) ** 2
    size, gas = (substances, *shape), np.arange(substances) == 0
    cells = dice.poisson(3.35, size) / 3.35 * packed
    scattered = dice.random(size) < 0.1
    uptake = np.where(gas, 10.0, 0.01).reshape(-1, 1, 1, 1)
    return FieldProblem(
        spacing=20.0,
        diffusivity=np.where(gas, 1e5, 10 ** dice.uniform(3, 4, substances)),
        decay=np.where(gas, 0.1, 10 ** dice.uniform(-2.5, -1.5, substances)),
        quasi_steady=gas,
        supply=np.where(gas.reshape(-1, 1, 1, 1), 0.0, cells * scattered * 0.01),
        sink=cells * uptake,
        wall_kind=np.where(gas, 1, 2),
        wall_value=np.where(gas, 38.0, 0.0),
        wall_length=np.full(substances, 300.0),
    )


def thinned(problem: FieldProblem, seed: int) -> FieldProblem:
    """Return the problem after the loss of cells in one voxel of a hundred."""
    kept = np.random.default_rng(seed).random(problem.shape) > 0.01
    given = problem.given._asdict()
    given |= {"sink": problem.given.sink * kept, "supply": problem.given.supply * kept}
    del given["fixed"]
    return FieldProblem(**given)


def best(run: Callable[[], object], times: int = 7) -> float:
    """Return the shortest time of one call, seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def measure(shape: Shape, substances: int, times: int) -> None:
    """Print what solving costs on one grid."""
    problem, work = tissue(shape, substances), make_workspace(shape, substances)
    levels = np.zeros((substances, *shape), np.float32)
    levels[0] = 38.0
    cold = levels.copy()
    voxels = int(np.prod(shape)) * substances
    for _ in range(40):
        advance(levels, problem, 6.0, True, workspace=work)
    later = [thinned(problem, seed) for seed in range(times)]

    def show(name: str, seconds: float, note: str = "") -> None:
        per_voxel, per_substance = seconds / voxels * 1e9, seconds / substances * 1e3
        print(f"  {name:28}{per_voxel:8.2f} ns/voxel {per_substance:9.3f} ms/substance  {note}")

    print(f"{shape}, {substances} substances, {jit.threads()} threads")
    show("test only", best(lambda: advance(levels, problem, 6.0, workspace=work), times))
    for name, start, cases in (("warm", levels, later), ("cold", cold, [problem] * times)):
        seconds, iterations = solve_each(start, cases, work)
        show(f"{name}, all forced", seconds, f"{iterations:.1f} iterations")
    rough, fine = (solve_each(cold, [problem] * times, work, most) for most in (1e-2, 1e-5))
    steps = max(fine[1] - rough[1], 1e-9)
    show("one iteration", (fine[0] - rough[0]) / steps)


def solve_each(
    start: np.ndarray, problems: list[FieldProblem], work: Workspace, tolerance: float = 1e-3
) -> tuple[float, float]:
    """Return the best time over problems solved from the same start, and their iterations."""
    spans, iterations = [], []
    for problem in problems:
        levels = start.copy()
        begin = time.perf_counter()
        report = advance(levels, problem, 6.0, True, tolerance, workspace=work)
        spans.append(time.perf_counter() - begin)
        iterations.append(report[:, ITERATIONS].mean())
    return min(spans), float(np.mean(iterations))


def measure_reference(shape: Shape) -> None:
    """Print what one step of the reference mode costs."""
    problem, levels = tissue(shape, 1), np.full((1, *shape), 38.0, np.float32)
    seconds = best(lambda: advance_lod(levels, problem, 0.1, 0.01)) / 10
    print(f"{shape}, reference mode: {seconds / np.prod(shape) * 1e9:.2f} ns/voxel and step")


def main() -> None:
    """Measure all grids."""
    begin = time.process_time()
    advance(np.zeros((2, 1, 4, 4), np.float32), tissue((1, 4, 4), 2), 6.0)
    print(f"first call: {time.process_time() - begin:.1f} s of CPU (compiled or read from cache)")
    jit.set_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    measure((1, 75, 75), 20, 20)
    measure((64, 64, 64), 1, 10)
    measure((100, 100, 100), 1, 7)
    measure_reference((64, 64, 64))
    measure_reference((100, 100, 100))


if __name__ == "__main__":
    main()
