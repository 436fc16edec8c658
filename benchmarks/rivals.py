"""Make docs/rivals.md: ``python benchmarks/rivals.py [--number N] [RIVAL ...]``, an hour or less.

What is the score worth? Judges the N experiments that need the fewest simulated days by the model
itself and by rivals: without the rows of each experiment's own path (does the result come by
them?), with the signs of the network dealt out anew (what comes out whatever the mechanisms say),
and with assumed numbers drawn from their ranges (what hangs on the values chosen). Experiments are
chosen by their cost alone. Runs are kept in ``runs/rivals``: stopped and started again it goes on
where it was.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import stemniche as sn
from stemniche.experiment.arms import Jobs, job_of
from stemniche.experiment.file import Experiment, read_experiments
from stemniche.experiment.rivals import ABLATED

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "rivals.md"
RECORDS = HERE / "runs" / "rivals"
REPLICATES = 4
OWN = "the model"
HALF = 0.5
"""Share of an effect that must go with the rows of its path to say that it comes by them."""


def main() -> None:
    """Run all models, write the page."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("rivals", nargs="*", default=[ABLATED, "signs:1", "draw:1"])
    asked.add_argument("--number", type=int, default=30)
    asked.add_argument("--workers", type=int)
    options = asked.parse_args()
    ids = cheapest(read_experiments(), options.number)
    found = {
        name: sn.reproduce(
            replicates=REPLICATES,
            workers=options.workers,
            only=ids,
            records=RECORDS,
            rival=None if name == OWN else name,
            progress=True,
        ).set_index("id")
        for name in (OWN, *options.rivals)
    }
    PAGE.write_text("\n".join(page(found)) + "\n", encoding="utf-8")


def cheapest(experiments: tuple[Experiment, ...], number: int) -> list[str]:
    """Ids of the experiments with the fewest days; a run that several share counts in parts."""
    jobs = Jobs.of(arm for one in experiments for arm in one.arms)
    own = {one.id: {job_of(arm.scenario) for arm in one.arms} for one in experiments}
    shared = {job: sum(job in mine for mine in own.values()) for job in jobs.scenarios}
    cost = {
        id_: sum(jobs.scenarios[job].days / shared[job] for job in mine)
        for id_, mine in own.items()
    }
    return sorted(cost, key=lambda id_: (cost[id_], id_))[:number]


def page(found: dict[str, pd.DataFrame]) -> list[str]:
    """The page, line by line."""
    own = found[OWN]
    names = list(found)
    lines = [
        "# The score beside rival models",
        "",
        f"The {len(own)} experiments of the evidence that need the fewest simulated days, "
        f"{REPLICATES} replicates each, made by `python benchmarks/rivals.py --number {len(own)}`. "
        "*ablated*: without the rows of the path that leads from what differs to what is read. "
        "*signs*: the same rows with the signs of the signalling network's inputs dealt out anew, "
        "brakes apart; what it reproduces says little for the mechanisms. *draw*: every assumed "
        "number drawn from its range; what it does not reproduce hangs on the values chosen. The "
        "number is the seed.",
        "",
        f"| reproduced | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for kind in sorted(set(own.kind)):
        among = own.index[own.kind == kind]
        counts = [int((one.verdict[among] == "reproduced").sum()) for one in found.values()]
        lines.append(f"| {kind}, of {len(among)} | {' | '.join(map(str, counts))} |")
    if ABLATED in found:
        lines += ["", because(own, found[ABLATED])]
    lines += ["", f"| id | kind | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for id_, row in own.iterrows():
        words = [f"{one.verdict[id_]} {one.effect[id_]:.2f}" for one in found.values()]
        lines.append(f"| {id_} | {row.kind} | {' | '.join(words)} |")
    return lines


def because(own: pd.DataFrame, ablated: pd.DataFrame) -> str:
    """How many results that come out lose at least half of their effect with their path."""
    out = own[(own.verdict == "reproduced") & (own.path != "") & ~own.expect.str.contains("~=")]
    kept = ablated.effect[out.index] * np.sign(out.effect) / out.effect.abs()
    lost = out.index[kept <= 1.0 - HALF]
    named = f" ({', '.join(lost)})" if len(lost) else ""
    return (
        f"Of {len(out)} that are reproduced and have a path, {len(lost)} lose at least half of "
        f"their effect with its rows{named}: of these alone it may be said that they come out "
        "because of those rows."
    )


if __name__ == "__main__":
    main()
