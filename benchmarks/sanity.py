"""Make docs/sanity.md: ``python benchmarks/sanity.py [PART ...]``, hours of two processors.

What must hold for every cancer that has a preset: tissue without a tumour stays as it is for 30
days (part ``bare``), the tumour of reference is hypoxic in part (``reference``), and no tumour
becomes stem cells only, or loses them, within 60 days (``grown``). Parts that are not named stay on
the page as they are. Tables of runs are kept in ``runs/sanity`` under the fingerprint of their
model: stopped and started again it goes on where it was. ``tests/science/test_sanity.py`` asks the
same, and for whole tumours.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import stemniche as sn
from stemniche.core.errors import StemnicheError
from stemniche.core.identity import fingerprint
from stemniche.experiment.runner import Failure, Runner
from stemniche.spec.compile import compile_model, model_fingerprint
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "sanity.md"
TABLES = HERE / "runs" / "sanity"

PRESETS = [
    name
    for name in sn.list_scenarios()
    if name.endswith("_quick") and sn.load_scenario(name).environment.boundary == "tissue"
]
"""The quick variants: they are the presets on less area."""

SEEDS, MORE = tuple(range(1, 13)), tuple(range(1, 37))
"""Twelve are asked. Where they find a type of a few cells beyond its bound, three dozen tell drift
from scatter: that of four cells has a standard error of .12 to .19 with twelve (resampled)."""

FEW = 200.0
"""Cells of a type; of fewer, a fifth may be gained or lost, of others and of factors a tenth."""

ROOM_UM = 3200.0
"""Edge of the box in which tumours grow for 60 days."""

HYPOXIC = (0.1, 0.35)
"""Share of the tumour of reference that may be hypoxic."""

CELLS = 400
"""Tumour cells at its start."""

SHOWN = (0.0, 15.0, 30.0, 45.0, 60.0)
"""Days of which the page shows the tumour."""


def without_tumour(preset: str) -> Scenario:
    """30 days of a tissue without a tumour after 3 days of preparation."""
    nothing = {"tumour.cells": 0, "prepare": {"days": 3, "until": None, "max": None}}
    return sn.load_scenario(preset).change({**nothing, "days": 30, "sample_every": "1 d"})


def roomy(preset: str, room: float = ROOM_UM) -> Scenario:
    """60 days of a preset in a wide box, with host cells as dense as in its own."""
    scenario = sn.load_scenario(preset)
    more = (room / scenario.domain.size[0]) ** 2
    counts = {
        f"tissue.{name}": round(count * more) for name, count in scenario.tissue.cells.items()
    }
    wide = {"domain.size": [f"{room} um"] * 2, "days": 60, "sample_every": "5 d"}
    return scenario.change({**counts, **wide})


def small(preset: str, room: float = ROOM_UM) -> Scenario:
    """A small tumour in the wide box."""
    return roomy(preset, room).change({"tumour.cells": CELLS})


def drifts(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Mean of the last 5 days over day 0 less 1, by column, and what is allowed.

    Args:
        tables: Of runs of one scenario with different seeds, 30 days each.
    """
    start = pd.concat([table.iloc[:1] for table in tables]).mean()
    end = pd.concat([table[table.time_d >= 25.0].mean().to_frame().T for table in tables]).mean()
    kept = [c for c in start.index if c.startswith(("cells.", "factor.")) and start[c] > 0.0]
    few = [c.startswith("cells.") and start[c] < FEW for c in kept]
    return pd.DataFrame(
        {"drift": (end / start - 1.0)[kept], "allowed": [0.2 if rare else 0.1 for rare in few]}
    )


def _rare_beyond(tables: "Sequence[pd.DataFrame | Failure]") -> bool:
    """Whether nothing but rare types is beyond its bound, in tables that are all there."""
    known = [table for table in tables if isinstance(table, pd.DataFrame)]
    if len(known) < len(tables):
        return False
    found = drifts(known)
    beyond = found[found.drift.abs() >= found.allowed]
    return len(beyond) > 0 and bool((beyond.allowed > 0.1).all())


def simulated(scenario: Scenario, seed: int) -> pd.DataFrame:
    """Table of a run, from the disk if it was done before."""
    kept = TABLES / f"{_name(scenario)}-s{seed}.csv"
    if not kept.exists():
        table = sn.simulate(scenario, seed=seed, threads=1).table
        TABLES.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        table.to_csv(part, index=False)
        part.replace(kept)
    return pd.read_csv(kept)


def _name(scenario: Scenario) -> str:
    model = model_fingerprint(compile_model(read_library(), scenario))
    return fingerprint([scenario.fingerprint, scenario.days, model])


def main() -> None:
    """Run, write."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parts", nargs="*", help=f"{' or '.join(PARTS)}; all without it")
    asked.add_argument("--workers", type=int)
    asked.add_argument("--room", type=float, default=ROOM_UM, help="um, for the part grown")
    asked.add_argument("--only", default="", help="presets, separated by commas; all without it")
    options = asked.parse_args()
    presets = options.only.split(",") if options.only else PRESETS
    for what, named, known in (("part", options.parts, PARTS), ("preset", presets, PRESETS)):
        for name in named:
            if name not in known:
                asked.error(f"There is no {what} {name!r}; there are {', '.join(known)}.")
    old = PAGE.read_text(encoding="utf-8").split("\n## ")[1:] if PAGE.exists() else []
    sections = {section.partition("\n")[0]: section.rstrip() for section in old}
    with Runner(options.workers) as runner:
        for part, (title, make) in PARTS.items():
            if part in (options.parts or PARTS):
                sections[title] = "\n".join([title, "", *make(runner, presets, options)])
    parts = [sections[title] for title, _ in PARTS.values() if title in sections]
    PAGE.write_text("\n\n## ".join([HEAD, *parts]) + "\n", encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")


def bare(runner: Runner, presets: Sequence[str], _asked: argparse.Namespace) -> list[str]:
    """Tissue of presets without a tumour."""
    found = _run(runner, map(without_tumour, presets), presets, SEEDS, "without a tumour")
    unsure = [name for name in presets if _rare_beyond(found[name])]
    more = _run(runner, map(without_tumour, unsure), unsure, MORE, "more seeds")
    return [
        f"Mean of days 25 to 30 over day 0, mean of {len(SEEDS)} seeds. A tenth is allowed to "
        f"factors and to types of cells, a fifth to types of fewer than {FEW:g} cells; in "
        f"parentheses the cells of the type at day 0. Where {len(SEEDS)} seeds find such a rare "
        f"type beyond its fifth, a second line has {len(MORE)}, to tell drift from scatter: of "
        f"four cells it has a standard error of 12 to 19 % with {len(SEEDS)} seeds, resampled.",
        "",
        "| preset | seeds | rare type that drifts most | other type | factor | kept |",
        "|---|---|---|---|---|---|",
        *(
            _bare_row(name, runs[name])
            for name in presets
            for runs in (found, more)
            if name in runs
        ),
        *_missing(presets),
    ]


def reference(runner: Runner, presets: Sequence[str], _asked: argparse.Namespace) -> list[str]:
    """The tumours of the presets as they are at day 0, and a week later."""
    seeds = SEEDS[:6]
    week = (sn.load_scenario(name).change({"days": 7}) for name in presets)
    found = _run(runner, week, presets, seeds, "tumours of reference")
    return [
        f"Presets as they are, mean (standard deviation) of {len(seeds)} seeds: living tumour "
        f"cells and the share of them below 10 mmHg; at day 0, {HYPOXIC[0]:g} to {HYPOXIC[1]:g} "
        "is asked.",
        "",
        "| preset | cells, day 0 | hypoxic, day 0 | cells, day 7 | hypoxic, day 7 | kept |",
        "|---|---|---|---|---|---|",
        *(_reference_row(name, found[name]) for name in presets),
        *_missing(presets),
    ]


def grown(runner: Runner, presets: Sequence[str], asked: argparse.Namespace) -> list[str]:
    """A small tumour of presets for 60 days."""
    room = asked.room
    found = _run(runner, (small(name, room) for name in presets), presets, (1,), "with a tumour")
    days = " | ".join(f"day {day:g}" for day in SHOWN)
    return [
        f"{CELLS} cells in a box of {room / 1000:g} mm, left alone, one seed: living tumour "
        "cells and share of CSC among them; growth, 1/d, from day 15 to 30 and over the last 15 "
        "days; at the end, the share that is hypoxic, and how many tumour cells have left over "
        "the open walls.",
        "",
        f"| preset | {days} | growth | hypoxic | left | kept |",
        f"|---|{'---|' * len(SHOWN)}---|---|---|---|",
        *(_grown_row(name, found[name][0]) for name in presets),
        *_missing(presets),
    ]


PARTS: dict[str, tuple[str, Callable[[Runner, Sequence[str], argparse.Namespace], list[str]]]] = {
    "bare": ("Tissue without a tumour stays as it is", bare),
    "reference": ("The tumour of reference has hypoxic parts", reference),
    "grown": ("A tumour keeps a mixture, and slows down", grown),
}
"""Title of each section of the page and what makes it, by the name of the part."""
HEAD = (
    "# What must hold for every cancer\n\n`python benchmarks/sanity.py` makes this page, on the "
    "quick variants: the presets on less area. `pytest -m slow tests/science/test_sanity.py` asks "
    "the same, and of whole tumours too."
)


def _run(
    runner: Runner,
    scenarios: Iterable[Scenario],
    presets: Sequence[str],
    seeds: Sequence[int],
    what: str,
) -> "dict[str, list[pd.DataFrame | Failure]]":
    """Tables of the scenarios of some presets, one per seed."""
    jobs = {
        (name, seed): partial(simulated, scenario, seed)
        for name, scenario in zip(presets, scenarios, strict=True)
        for seed in seeds
    }
    found = runner.run(jobs, partial(_tell, what))
    return {name: [found[name, seed] for seed in seeds] for name in presets}


def _missing(presets: Sequence[str]) -> list[str]:
    others = [name for name in PRESETS if name not in presets]
    return ["", f"Not run: {', '.join(others)}."] if others else []


def _tell(what: str, share: float) -> None:
    sys.stdout.write(f"{what}: {share:.0%}\n")
    sys.stdout.flush()


def _bare_row(name: str, runs: Sequence["pd.DataFrame | Failure"]) -> str:
    tables = [run for run in runs if isinstance(run, pd.DataFrame)]
    if len(tables) < len(runs):
        return f"| {name} | {len(runs)} | stopped | | | no |"
    found = drifts(tables)
    start = pd.concat([table.iloc[:1] for table in tables]).mean()
    factor = found.index.str.startswith("factor.")
    rare = ~factor & (found.allowed > 0.1)
    cells = [_worst(found[which], start) for which in (rare, ~factor & ~rare, factor)]
    kept = bool((found.drift.abs() < found.allowed).all())
    return f"| {' | '.join([name, str(len(runs)), *cells])} | {'yes' if kept else 'no'} |"


def _worst(found: pd.DataFrame, start: pd.Series) -> str:
    if not len(found):
        return "none"
    column = found.drift.abs().idxmax()
    kind, name = str(column).split(".", 1)
    count = f" ({start[column]:.0f})" if kind == "cells" else ""
    return f"{name}{count} {100.0 * found.drift[column]:+.1f} %"


def _reference_row(name: str, runs: Sequence["pd.DataFrame | Failure"]) -> str:
    tables = [run for run in runs if isinstance(run, pd.DataFrame)]
    if len(tables) < len(runs):
        return f"| {name} | stopped | | | | no |"
    cells, shares = [], []
    for place in (0, -1):
        share = [table.hypoxic_fraction.iloc[place] for table in tables]
        cells.append(f"{np.mean([table.tumour_cells.iloc[place] for table in tables]):,.0f}")
        cells.append(f"{np.mean(share):.2f} ({np.std(share, ddof=1):.2f})")
        shares.append(float(np.mean(share)))
    kept = HYPOXIC[0] <= shares[0] <= HYPOXIC[1]
    return f"| {' | '.join([name, *cells])} | {'yes' if kept else 'no'} |"


def _grown_row(name: str, run: "pd.DataFrame | Failure") -> str:
    if isinstance(run, Failure):
        return f"| {name} | {run.reason} |{' |' * (len(SHOWN) + 2)} no |"
    table = run.set_index("time_d")
    cells = [f"{table.tumour_cells[d]:,.0f}, {table.csc_fraction[d]:.3f}" for d in SHOWN]
    kept = 0.0 < table.csc_fraction[SHOWN[-1]] < 0.5
    log = np.log(table.tumour_cells)
    first, last = ((log[d + 15.0] - log[d]) / 15.0 for d in (15.0, 45.0))
    end = table.iloc[-1]
    cells += [
        f"{first:.3f}, {last:.3f}",
        f"{end.hypoxic_fraction:.2f}",
        f"{end['left.tumour']:,.0f}",
    ]
    return f"| {name} | {' | '.join(cells)} | {'yes' if kept else 'no'} |"


if __name__ == "__main__":
    try:
        main()
    except StemnicheError as fault:
        sys.exit(str(fault))
