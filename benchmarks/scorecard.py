"""Make docs/scorecard.md: ``python benchmarks/scorecard.py``, about two hours of one processor.

Runs every experiment of the evidence that can be expressed, four replicates each, and sets the
verdicts beside what the reviews say. Runs are kept in ``runs/scorecard``: stopped and started again
it goes on where it was.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

import stemniche as sn
from stemniche.experiment.file import read_experiments
from stemniche.experiment.kinds import KINDS
from stemniche.experiment.scorecard import left_out, scorecard
from stemniche.experiment.verdict import SAME_RUN

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "scorecard.md"
RECORDS = HERE / "runs" / "scorecard"
DEFAULT_REPLICATES = 4
TITLES = {
    "emergent": "two or more library rows, or opposing rows, lead to the result",
    "blind": "not from the source reviews",
    "restated": "one library row leads to the result",
    "proposed": "the reviews propose it",
    "trial": "a clinical trial, without a result",
}


def main() -> None:
    """Run, write, say the headline."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--replicates", type=int, default=DEFAULT_REPLICATES)
    asked.add_argument("--workers", type=int)
    asked.add_argument("--only", default="", help="ids, separated by commas; all without it")
    options = asked.parse_args()
    everything = {one.id for one in read_experiments()}
    only = tuple(filter(None, options.only.split(",")))
    verdicts = sn.reproduce(
        replicates=options.replicates,
        workers=options.workers,
        only=only,
        records=RECORDS,
        progress=True,
    )
    counts = scorecard(verdicts)[2]
    waiting = sorted(everything - set(verdicts["id"]))
    evidence = sn.evidence().experiments
    text = [
        "# Scorecard",
        "",
        f"{len(verdicts)} of the {len(everything)} experiments of the evidence that can be "
        f"expressed, on quick presets, {options.replicates} replicates each, made by "
        "`python benchmarks/scorecard.py`. Effects "
        "are relative, (left - right) / larger, with 95 % limits; *path* is the shortest chain of "
        "library rows from what differs between the arms to what is read: where a verdict is not "
        "*reproduced*, these are the rows to look at first.",
        "",
        "None is blind: earlier scorecards were read, and faults of rows, read-outs and set-ups "
        "that they showed were mended, most for all experiments alike, some set-ups one by one "
        "([21](decisions/0021-readouts-that-see.md), "
        "[23](decisions/0023-readouts-of-one-cause.md), "
        "[24](decisions/0024-absent-means-absent-everywhere.md)).",
        "",
        *(f"- {line}" for line in [*counts, *left_out()]),
        *([f"- not scored yet: {', '.join(waiting)}"] if waiting else []),
    ]
    for kind in KINDS:
        among = verdicts[verdicts["kind"] == kind]
        if len(among):
            text += ["", f"## {kind.capitalize()}: {TITLES[kind]}", "", *_rows(among, evidence)]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(counts) + "\n")


def _rows(verdicts: pd.DataFrame, evidence: pd.DataFrame) -> list[str]:
    lines = [
        "| id | what the source says | verdict | effect | expected | path |",
        "|---|---|---|---|---|---|",
    ]
    for row in verdicts.itertuples():
        said = evidence.loc[row.id] if row.id in evidence.index else None
        words = (
            ""
            if said is None
            else f"{said['intervention']} against {said['comparator']}: {said['readout']} "
            f"{said['direction']}"
        )
        number = (
            "" if row.effect != row.effect else f"{row.effect:.2f} ({row.low:.2f}, {row.high:.2f})"
        )
        path = str(row.path).replace("|", "/") if row.verdict != "reproduced" else ""
        why = f" ({row.reason})" if row.verdict == "failed" or SAME_RUN in row.reason else ""
        cells = (
            row.id,
            words,
            f"{row.verdict}{why}",
            number,
            f"`{row.expect}` {row.measure}",
            path,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
