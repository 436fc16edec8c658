"""Write docs/performance.md from measurements: ``python benchmarks/performance_page.py``.

Takes two minutes. CPU times come out longer, and the gain of threads means nothing, while others
use the machine; the page says how busy it was.
"""

import os
import platform
from pathlib import Path

from stemniche.bench.kernels import kernel_figures
from stemniche.bench.measure import Figure
from stemniche.bench.profile import Profile, output_share, profile, two_threads
from stemniche.bench.runs import run_figures

PRESETS = {"breast_quick": 2.0, "breast": 0.5}
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
BOUNDS = """
What keeps figures from their budgets, as far as it was taken apart:

* **Fields of the presets.** In a flat box of 60 x 60 voxels an iteration costs 19 us: 10 in the
  finest grid, 9 in six coarser ones, mostly that of starting 25 passes. Filling the system and
  reading the balance cost 15 us more per solution, as loops over rows of 60 end in a scalar rest.
  What helps is to solve less often (docs/decisions/0008).
* **Motion of the presets.** A base step costs 70 ns per cell; the tenth of the cells that are fast
  take a third of it, in sub-steps. In every second tick a list is made anew (0.2 ms), since fast
  cells have pushed others to where they may touch what their rows lack.
* **Python.** Between kernels a tick spends 1.2 ms in NumPy and Python, whatever the number of
  cells: a quarter of a tick of 1,650 cells.
* **The other's steps.** With PhysiCell's steps 600 sweep sets of four substances on 125,000 voxels
  cost 0.7 s per tick of the ball at the budget of 2.5 ns, and 60 base steps of 100,000 cells 0.4 s.
  Thirty times would need 0.75 s in all.
* **pyphysicell.** `python benchmarks/versus_pyphysicell.py --cells 100000 --minutes 18`, twice: 349
  and 411 s of CPU per simulated hour against 2.02 and 1.97 with our steps and 20.4 and 18.4 with
  the other's; over 6 minutes 317 against 2.22 and 15.0. With compiled PhysiCell 1.3 times as fast
  as pyphysicell, that is 133, 161 and 110 times less with our steps, 13, 17 and 16 times less with
  the other's. Live cells, radius and oxygen agree within 0.4, 0.1 and 1.8 %.
* **Whole runs.** `breast` took 55 s for 21 days, in which its tumour doubled to 3,044 cells (budget
  30), `breast_quick` 14 s for 7 days (budget 8), start and store included.
* **Output.** A sample with its checkpoint takes 40 ms of CPU time (measures 12, packing 14, state
  15) for 1,650 cells, 7 % of a day at two a day; the rest is waiting for the disk.
* **Order.** Putting 285 rows of 1,800 cells in order moves 4 MB per tick, which is 0.3 ms at the
  speed of the memory; cells change places so often that few stretches of a row stay together.
* **Two threads.** Sorting cells into bins, entering pairs into rows and births run on one thread.
  On two processors that share their execution units even the walk of the cells, wholly
  independent, gains 1.77 times. Of a tick of 30,000 cells 5 % are kernels on one thread (4 %
  entering pairs) and about 12 % NumPy: at 1.77 for the rest two threads can give 1.57 times.
"""


def main() -> None:
    """Measure and write."""
    parts = [
        "# Performance\n",
        f"Measured by `python benchmarks/performance_page.py` on {os.cpu_count()} processors "
        f"({platform.machine()}); load {os.getloadavg()[0]:.1f} when it began. `stemniche bench` "
        "prints the first table.\n",
        budgets([*kernel_figures(), *run_figures()]),
        *(table(name, profile(name, days)) for name, days in PRESETS.items()),
        f"## Output\n\nSamples and checkpoints take {output_share('breast_quick'):.1%} of the wall "
        "time of `breast_quick` (budget 10 %).\n",
        threads(),
        "## Bounds\n" + BOUNDS,
    ]
    page = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    print(page)


def budgets(figures: list[Figure]) -> str:
    """The figures beside their budgets."""
    lines = ["## Budgets\n", "| part | what | measured | budget | kept |", "|---|---|---|---|---|"]
    for f in figures:
        limit = "" if f.budget is None else f"{'>=' if f.at_least else '<='} {f.budget:g}"
        kept = {True: "yes", False: "no", None: ""}[f.within]
        lines.append(f"| {f.part} | {f.what} | {f.value:.3g} {f.unit} | {limit} | {kept} |")
    return "\n".join(lines) + "\n"


def table(name: str, found: Profile) -> str:
    """CPU time per tick of one preset, process by process."""
    whole = sum(found.per_tick.values())
    lines = [
        f"## `{name}`: {found.cells} cells, {found.factors} factors\n",
        f"{whole:.2f} ms per tick, {whole * 0.24:.2f} s CPU per simulated day, one thread.\n",
        "| process | ms per tick | share |",
        "|---|---|---|",
    ]
    for process, spent in found.per_tick.items():
        if spent > 0.01 * whole:
            lines.append(f"| {process} | {spent:.3f} | {spent / whole:.0%} |")
    return "\n".join(lines) + "\n"


def threads() -> str:
    """Gain of a second thread by size of the ball."""
    lines = ["## Two threads over one, packed ball\n", "| cells | times faster |", "|---|---|"]
    lines += [f"| {size:,} | {two_threads(size):.2f} |" for size in SIZES]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
