"""Make docs/sensitivity.md: ``python benchmarks/sensitivity_page.py``, half an hour or more.

Grouped Morris screening of the quick breast tumour, as `stemniche sensitivity` does it: first all
numbers of a group together, then one by one those of the most influential groups.
"""

import argparse
import time
from datetime import date
from pathlib import Path

import pandas as pd

import stemniche as sn
from stemniche.experiment.sensitivity import Screening
from stemniche.run.allowance import processors

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "sensitivity.md"

LEAST = 0.05
"""Influence from which a group is shown."""

DAYS, TRAJECTORIES, TOP = 1, 3, 50

FIRST = 8
"""Assumed numbers that the page names as those to measure."""


def main() -> None:
    """Screen, write."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--workers", type=int)
    options = asked.parse_args()
    workers = options.workers or processors()
    scenario = sn.load_scenario("breast_quick").change({"days": DAYS})
    start = time.perf_counter()
    found = sn.sensitivity(
        scenario, trajectories=TRAJECTORIES, top=TOP, workers=workers, progress=True
    )
    minutes = (time.perf_counter() - start) / 60.0
    PAGE.write_text(page(found, told(found, minutes, workers)), encoding="utf-8")
    print(PAGE)


def told(found: Screening, minutes: float, workers: int) -> str:
    """What was done, and what it took."""
    stopped = found.stopped or "none"
    what = f"{found.runs} runs, {stopped} stopped by a guard"
    return f"{date.today()}: {what}, {minutes:.0f} minutes of {workers} processors"


def page(found: Screening, what: str) -> str:
    """The page as Markdown."""
    groups, inputs = found.groups, found.inputs
    assumed = inputs[inputs.basis == "assumed"].name
    first = ", ".join(f"`{name}`" for name in assumed[:FIRST])
    strong = groups[groups.influence >= LEAST]
    shown = inputs.drop(columns=["low", "high", "unit"])
    order = [c for c in shown if c not in ("group", "basis")]
    return f"""# What the results are most sensitive to

Grouped Morris screening of the quick breast tumour, {DAYS} day, {TRAJECTORIES} trajectories, made
by `python benchmarks/sensitivity_page.py` (`stemniche sensitivity breast_quick --set days={DAYS}
--trajectories {TRAJECTORIES}` prints the same). {what}.

All numbers of a group move together over their ranges in the first round; numbers of the most
influential groups move one by one in the second. The columns of measures hold mu*, the mean
absolute elementary effect of going through the range (of the logarithm for counts); *influence* is
mu* over the spread of the measure, mean of the measures. One day and three trajectories tell strong
from weak, not the order of neighbours.

{found.rest_on} The others are assumed within a stated range. To be measured first: {first}.

## Groups with an influence of {LEAST:g} or more

{markdown(strong)}

## The {len(inputs)} strongest numbers

{markdown(shown[[*order, "group", "basis"]])}
"""


def markdown(table: pd.DataFrame) -> str:
    """A table with four digits."""
    head = [f"| {' | '.join(table.columns)} |", "|" + "---|" * len(table.columns)]
    rows = (
        " | ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row)
        for row in table.itertuples(index=False)
    )
    return "\n".join([*head, *(f"| {row} |" for row in rows)])


if __name__ == "__main__":
    main()
