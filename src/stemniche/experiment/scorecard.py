"""The scorecard: verdicts as a short table, counted by kind, and as a JSON file.

The command line prints what it makes. Restated experiments stand apart from emergent ones, so that
nobody counts what was put in as something that came out. Nothing here runs or judges.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemniche.core.errors import InputError
from stemniche.experiment.file import read_untested
from stemniche.experiment.kinds import KINDS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "verdict", "kind", "effect", "low", "high", "replicates", "expect", "reason")
HEADLINE = ("emergent", "blind")


def scorecard(verdicts: "pd.DataFrame") -> tuple[tuple[str, ...], list[tuple[Any, ...]], list[str]]:
    """Columns and rows to print, and lines that count them by kind."""
    rows = [tuple(row) for row in verdicts[list(COLUMNS)].itertuples(index=False)]
    lines = [line for kind in KINDS if (line := _line(verdicts, (kind,), kind))]
    blind = int((verdicts["kind"] == "blind").sum())
    headline = _line(verdicts, HEADLINE, f"emergent or blind ({blind} blind), the headline")
    return COLUMNS, rows, [*lines, headline] if headline else lines


def left_out() -> list[str]:
    """Lines that name the rows of the evidence without an experiment, by reason."""
    by_reason: dict[str, list[str]] = {}
    for row, reason in read_untested().items():
        by_reason.setdefault(reason, []).append(row)
    return [f"not tested: {', '.join(rows)} ({reason})" for reason, rows in by_reason.items()]


def _line(verdicts: "pd.DataFrame", kinds: tuple[str, ...], label: str) -> str:
    among = verdicts[verdicts["kind"].isin(kinds)]
    if among.empty:
        return ""
    counts = among["verdict"].value_counts()
    others = ", ".join(f"{n} {word}" for word, n in counts.items() if word != "reproduced")
    text = f"{label}: {counts.get('reproduced', 0)} of {len(among)} reproduced"
    return f"{text} ({others})" if others else text


def write_verdicts(verdicts: "pd.DataFrame", path: str | Path) -> Path:
    """Write the verdicts as a JSON list of objects, one per experiment; what is no number is null.

    Raises:
        InputError: The file cannot be written.
    """
    target = Path(path)
    rows = [{k: _plain(v) for k, v in row.items()} for row in verdicts.to_dict("records")]
    text = json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise _unwritable(target, fault) from fault
    return target


def refuse_unwritable(path: Path) -> None:
    """Refuse a file that the verdicts could not be written to, before time is spent on them.

    Raises:
        InputError: It cannot be written. What is there stays as it is, and nothing is left behind.
    """
    try:
        if not path.exists():
            path.open("x").close()
            path.unlink()
        elif not path.is_fifo():  # whoever reads a pipe would take this for the end
            path.open("a").close()
    except OSError as fault:
        raise _unwritable(path, fault) from fault


def _unwritable(target: Path, fault: OSError) -> InputError:
    return InputError(
        f"The verdicts cannot be written ({fault.strerror}).",
        str(target),
        "Choose a file in a folder that you may write to.",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
