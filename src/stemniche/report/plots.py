"""Which charts a report shows, made from a `Digest` with the drawing functions of `charts`.

`html` puts them on the page in the order given here. Types and factors come from the model, so a
new one appears by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stemniche.report import charts, story
from stemniche.report.charts import Line
from stemniche.report.digest import HYPOXIC, STEM, Digest
from stemniche.report.palette import INK, line_colour, swatch

CAUSE_COLOURS = {
    "symmetric": "#0072b2",
    "dedifferentiation": "#d55e00",
    "awakening": "#56b4e9",
    "differentiation": "#9a9a9a",
    "death": "#4a4a4a",
    "traffic": "#cfcfcf",
}
FACTOR_COLOUR = "#2f5d8a"
DRUG_COLOUR = "#7a5c00"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart with its heading, an explanation, and the keys of its colours."""

    heading: str
    note: str
    svg: str
    keys: tuple[tuple[str, str], ...] = ()


def tumour_charts(d: Digest) -> Iterator[Chart]:
    """Tumour cells by type, stem cell fraction, what changed it, state of the tumour."""
    tumour = d.groups.get("tumour", [])
    lines = [Line(name, line_colour(name), d[f"cells.{name}"], name == STEM) for name in tumour]
    lines.append(Line("all", INK, d["tumour_cells"], True))
    yield Chart(
        "Tumour cells",
        "Living tumour cells by type.",
        charts.curves(
            d.days, lines, d.marks, title=_says("Living tumour cells", d["tumour_cells"]),
            unit="living cells",
        ),
    )  # fmt: skip
    share = Line("", swatch(STEM).colour, d["csc_fraction"], True)
    yield Chart(
        "Stem cell fraction",
        "Living cancer stem cells among the living tumour cells.",
        charts.curves(
            d.days, [share], d.marks, percent=True, unit="% of living tumour cells",
            title=_says("Stem cells in percent", 100 * d["csc_fraction"]),
        ),
    )  # fmt: skip
    if len(d.days) > 1 and any(f"csc_flux.{cause}" in d for cause in CAUSE_COLOURS):
        yield _flux(d)
    shares = [
        Line(label, colour, d[f"{label}_fraction"])
        for label, colour in (
            ("hypoxic", "#5d6b80"), ("quiescent", "#b8860b"), ("necrotic", "#4a4a4a"),
        )
        if f"{label}_fraction" in d
    ]  # fmt: skip
    yield Chart(
        "State of the tumour",
        f"Hypoxic: below {HYPOXIC:g} mmHg oxygen. Quiescent: resting in G0.",
        charts.curves(
            d.days, shares, d.marks, percent=True, unit="% of tumour cells",
            title="Hypoxic, quiescent and necrotic tumour cells in percent",
        ),
    )  # fmt: skip


def _flux(d: Digest) -> Chart:
    steps = np.diff(d.days)
    gains = {
        story.CAUSES[cause]: (colour, np.diff(d[f"csc_flux.{cause}"]) / steps)
        for cause, colour in CAUSE_COLOURS.items()
        if d[f"csc_flux.{cause}"].any()
    }
    keys = tuple((label, colour) for label, (colour, _) in gains.items())
    return Chart(
        "What changed the number of stem cells",
        "Above the line what added stem cells, below it what removed them; the dots are the sum.",
        charts.causes(
            d.days, gains, d.marks, unit="stem cells per day",
            title="Gains and losses of cancer stem cells per day, by cause",
        ),
        (*keys, ("sum", INK)),
    )  # fmt: skip


def niche_charts(d: Digest) -> Iterator[Chart]:
    """Immune cells and stroma by type; a group without cells is left out."""
    for group, heading in (("immune", "Immune cells"), ("stroma", "Stroma")):
        names = [n for n in d.groups.get(group, []) if d[f"cells.{n}"].any()]
        if not names:
            continue
        lines = [Line(n, swatch(n).colour, d[f"cells.{n}"]) for n in reversed(names)]
        yield Chart(
            heading,
            "Living cells in the whole tissue, on top of each other.",
            charts.stacked(
                d.days, lines, d.marks, unit="living cells",
                title=f"{heading} by type, stacked, over time",
            ),
        )  # fmt: skip


def factor_charts(d: Digest) -> Iterator[Chart]:
    """Drugs, then factors in the order of the model; those that stay at zero are left out."""
    for drug in d.model.drugs:
        for column, place in ((f"drug.{drug.id}", "tumour"), (f"plasma.{drug.id}", "plasma")):
            if d[column].any():
                yield _spark(d, column, drug.id, f"nM, {place}", DRUG_COLOUR)
    for factor in d.model.factors:
        if d[f"factor.{factor.id}"].any():
            yield _spark(d, f"factor.{factor.id}", factor.id, factor.unit, FACTOR_COLOUR)


def _spark(d: Digest, column: str, heading: str, unit: str, colour: str) -> Chart:
    values = d[column]
    svg = charts.spark(d.days, values, d.marks, title=_says(heading, values), colour=colour)
    return Chart(heading, unit, svg)


def _says(what: str, values: Any) -> str:
    """The course of a curve in a sentence, for readers who cannot see it."""
    first, last, low, high = (
        charts.short(float(v)) for v in (values[0], values[-1], values.min(), values.max())
    )
    return f"{what}: {first} at the start, {last} at the end, between {low} and {high}"
