"""The summary of a run in plain words, generated from its numbers.

`html` puts these sentences on top of the page. Every number in them is one of the table's; nothing
is said that the table does not show, and nothing here knows what a treatment is supposed to do.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stemniche.report.charts import short
from stemniche.report.digest import STEM, Digest
from stemniche.report.treatments import Treatment

Array = np.ndarray[Any, np.dtype[Any]]

NOTABLE = 0.03
"""A relative change below this is called "about the same"."""

FEW = 30
"""Stem cells below which the summary warns that single cells decide."""

ENOUGH = 10
"""Stem cells that must have come or gone before the summary speaks of causes."""

CAUSES = {
    "symmetric": "symmetric divisions",
    "dedifferentiation": "committed cells turning back",
    "awakening": "divisions of awakened stem cells",
    "differentiation": "differentiation",
    "death": "death",
    "traffic": "leaving or removal",
}
"""Causes of ``csc_flux`` in words."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A key number for the top of the page."""

    label: str
    value: str
    note: str


def title(d: Digest, name: str) -> str:
    """One line: the scenario, how long, with what."""
    what = _and(list(dict.fromkeys(t.name for t in d.treatments)))
    return f"{name}: {_span(d)} " + (f"with {what}" if what else "without treatment")


def summary(d: Digest) -> list[str]:
    """The sentences of the summary, in order."""
    return [
        text for text in (_growth(d), _treatment(d), _stem(d), _causes(d), _place(d), _caution(d))
        if text
    ]  # fmt: skip


def key_figures(d: Digest) -> list[Figure]:
    """The few numbers a reader looks for first."""
    cells, share = d["tumour_cells"], 100.0 * d["csc_fraction"]
    found = [
        Figure("living tumour cells", short(cells[-1]), f"{short(cells[0])} on day 0"),
        Figure("cancer stem cells", f"{share[-1]:.1f} %", f"{share[0]:.1f} % on day 0"),
    ]
    for column, label in (
        ("hypoxic_fraction", "cells short of oxygen"),
        ("m2_fraction", "macrophages that are M2"),
    ):
        if column in d:
            values = 100.0 * d[column]
            found.append(Figure(label, f"{values[-1]:.0f} %", f"{values[0]:.0f} % on day 0"))
    return found


def _span(d: Digest) -> str:
    return f"{d.days[-1]:g} {'day' if d.days[-1] == 1 else 'days'}"


def _growth(d: Digest) -> str:
    cells = d["tumour_cells"]
    span = f"In {_span(d)}"
    if not cells[0]:
        return f"{span} no tumour grew: the tissue was placed without tumour cells."
    if not cells[-1]:
        return f"{span} the tumour of {short(cells[0])} cells disappeared."
    fold = cells[-1] / cells[0]
    counts = f"from {short(cells[0])} to {short(cells[-1])} living cells"
    if abs(fold - 1.0) < NOTABLE:
        return f"{span} the tumour kept its size ({counts})."
    verb = "grew" if fold > 1 else "shrank"
    return f"{span} the tumour {verb} {counts} ({fold:.2g}-fold)."


def _treatment(d: Digest) -> str:
    main = _main(d)
    if main is None:
        return "It was not treated."
    listed = _and([t.words for t in d.treatments])
    return f"Treatment: {listed}. {_response(d, main)}"


def _main(d: Digest) -> Treatment | None:
    """The treatment to judge: the first one given in doses, else the first."""
    return next((t for t in d.treatments if t.mark.doses), next(iter(d.treatments), None))


def _response(d: Digest, main: Treatment) -> str:
    """How the count went after a treatment began."""
    cells, start = d["tumour_cells"], main.mark.start
    after = np.flatnonzero(d.days >= start - 1e-6)
    if len(after) < 2 or not cells[after[0]]:
        return f"The run ended before the effect of {main.name} could be seen."
    at, rest = cells[after[0]], cells[after]
    low = int(rest.argmin())
    fall = 1.0 - rest[low] / at
    if fall < NOTABLE:
        return f"Under {main.name} the tumour went on growing{_slowed(d, start)}."
    day = d.days[after[low]]
    text = f"After {main.name} began, the count fell by {100 * fall:.0f} % until day {day:g}"
    back = np.flatnonzero(rest[low:] >= at)
    if len(back):
        return f"{text} and was back at its old level by day {d.days[after[low + back[0]]]:g}."
    if rest[-1] > rest[low] * (1.0 + NOTABLE):
        return f"{text}, then grew again to {short(rest[-1])}."
    return f"{text} and did not recover by the end."


def _slowed(d: Digest, start: float) -> str:
    before, after = _rate(d, 0.0, start), _rate(d, start, d.days[-1])
    if before is None or after is None or before <= 0:
        return ""
    if after < 0.8 * before:
        return f", slower than before ({100 * after:.0f} % a day after {100 * before:.0f} %)"
    return f", as fast as before ({100 * after:.0f} % a day)" if after < 1.2 * before else ""


def _rate(d: Digest, start: float, end: float) -> float | None:
    """Growth per day between two times; None where there are no two samples."""
    at = np.flatnonzero((d.days >= start - 1e-6) & (d.days <= end + 1e-6))
    cells = d["tumour_cells"]
    if len(at) < 2 or cells[at].min() <= 0:
        return None
    return float(np.log(cells[at[-1]] / cells[at[0]]) / (d.days[at[-1]] - d.days[at[0]]))


def _stem(d: Digest) -> str:
    share, count = 100.0 * d["csc_fraction"], d[f"cells.{STEM}"]
    if not count.any():
        return ""
    change, more = share[-1] - share[0], count[-1] - count[0]
    if abs(change) < max(0.2, NOTABLE * share[0]):
        text = f"The share of cancer stem cells ended where it began, at {share[-1]:.1f} %"
    else:
        verb = "rose" if change > 0 else "fell"
        text = f"The share of cancer stem cells {verb} from {share[0]:.1f} % to {share[-1]:.1f} %"
    text += _turn(d, share)
    counts = f"from {short(count[0])} to {short(count[-1])}"
    if change * more < 0:
        text += f", although their number {'rose' if more > 0 else 'fell'} {counts}"
    elif more:
        text += f"; their number went {counts}"
    return f"{text}.{_stem_since(d, share)}"


def _turn(d: Digest, share: Array) -> str:
    """A peak or a low between the ends, where it stands out."""
    peak, low = int(share.argmax()), int(share.argmin())
    if 0 < peak < len(share) - 1 and share[peak] > 1.15 * max(share[0], share[-1]):
        return f", after a peak of {share[peak]:.1f} % on day {d.days[peak]:g}"
    if 0 < low < len(share) - 1 and share[low] < 0.85 * min(share[0], share[-1]):
        return f", after a low of {share[low]:.1f} % on day {d.days[low]:g}"
    return ""


def _stem_since(d: Digest, share: Array) -> str:
    """What the share did from the start of the main treatment."""
    main = _main(d)
    if main is None or main.mark.start <= 0:
        return ""
    since = np.flatnonzero(d.days >= main.mark.start - 1e-6)
    if len(since) < 2:
        return ""
    first, last = share[since[0]], share[-1]
    if abs(last - first) < max(0.2, NOTABLE * first):
        return f" From the start of {main.name} it stayed near {last:.1f} %."
    verb = "rose" if last > first else "fell"
    return f" From the start of {main.name} it {verb} from {first:.1f} % to {last:.1f} %."


def _causes(d: Digest) -> str:
    moved = {c: float(d[f"csc_flux.{c}"][-1] - d[f"csc_flux.{c}"][0]) for c in CAUSES}
    gains = {c: v for c, v in moved.items() if v > 0}
    losses = {c: v for c, v in moved.items() if v < 0}
    parts = []
    if sum(gains.values()) >= ENOUGH:
        most = max(gains, key=lambda c: gains[c])
        share = 100.0 * gains[most] / sum(gains.values())
        many = "all" if share > 99.5 else "most"
        parts.append(f"{many} new stem cells came from {CAUSES[most]} ({share:.0f} %)")
    if -sum(losses.values()) >= ENOUGH:
        most = min(losses, key=lambda c: losses[c])
        share = 100.0 * losses[most] / sum(losses.values())
        parts.append(f"most were lost by {CAUSES[most]} ({share:.0f} %)")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _place(d: Digest) -> str:
    """Oxygen, and the factor that changed most among the tumour cells."""
    if "hypoxic_fraction" not in d:
        return ""
    low = 100.0 * d["hypoxic_fraction"]
    if low.max() < 0.5:
        text = "Hardly a tumour cell was short of oxygen"
    else:
        text = f"At the end {low[-1]:.0f} % of the tumour cells were short of oxygen"
        text += f" ({low[0]:.0f} % on day 0)"
    changed = most_changed(d)
    if changed is not None:
        name, fold = changed
        verb = "rose" if fold > 1 else "fell"
        text += f"; of the factors among them {name} {verb} most ({fold:.2g}-fold)"
    return f"{text}."


def most_changed(d: Digest) -> tuple[str, float] | None:
    """Factor with the largest change from first to last sample, and its ratio."""
    found: dict[str, float] = {}
    for factor in d.model.factors:
        values = d[f"factor.{factor.id}"]
        if factor.unit == "nM" and values[0] > 0 and values[-1] > 0:
            found[factor.id] = float(values[-1] / values[0])
    if not found:
        return None
    name = max(found, key=lambda one: abs(np.log(found[one])))
    return (name, found[name]) if abs(np.log(found[name])) > np.log(1.1) else None


def _caution(d: Digest) -> str:
    text = "This is one simulated tumour; another seed gives another course"
    if 0 < d[f"cells.{STEM}"].min() < FEW:
        text += f", and with fewer than {FEW} stem cells at times single cells decide"
    return f"{text}."


def _and(parts: list[str]) -> str:
    return "".join(parts) if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"
