"""The page of a screen: what each agent does alone, and heat maps of what pairs add.

The API calls `write_screen` with the result of `experiment.screen`. A colour is a number between
its ends; the number stands in the cell, and is bold where its 95 % interval leaves out no effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemniche.report.page import fill, write_page

if TYPE_CHECKING:
    from stemniche.experiment.screen import Screen

TEMPLATE = "screen.html.j2"

MORE, LESS = (0, 114, 178), (213, 94, 0)
"""Blue for more effect, vermilion for less: told apart with every kind of colour vision."""

MAPS = (
    ("effect", "Effect", "Share of the living cells of the untreated arm that are missing.", 1.0),
    ("bliss", "Bliss excess", "Effect of the pair beyond two independent agents.", 0.5),
    ("hsa", "Excess over the better agent", "Effect of the pair beyond its stronger part.", 0.5),
)
"""Quantity, heading, what it says, and the value of the deepest colour."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a heat map: text, colours, whether it is sure, and what it says on hovering."""

    text: str
    background: str
    ink: str
    sure: bool
    title: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A square of cells; `rows` are in the order of the agents, None where nothing was run."""

    heading: str
    note: str
    rows: list[tuple[str, list[Cell | None]]]


def write_screen(found: "Screen", title: str, path: Path) -> Path:
    """Write the page of a screen and return its path.

    Raises:
        InputError: It cannot be written.
    """
    agents = list(dict.fromkeys(found.singles["agent"]))
    singles = found.singles.to_dict("records")
    page = fill(
        TEMPLATE,
        title=title,
        agents=agents,
        replicates=found.replicates,
        singles=[
            (
                r["agent"],
                r["share"],
                *(_cell(r, f"effect.{what}", 1.0) for what in ("tumour", "CSC")),
            )
            for r in singles
        ],
        maps=list(_maps(found, agents)) if len(found.pairs) else [],
        loewe=_loewe(found),
    )
    return write_page(page, path)


def _maps(found: "Screen", agents: Sequence[str]) -> "list[HeatMap]":
    pairs = {(r["first"], r["second"]): r for r in found.pairs.to_dict("records")}
    maps = []
    for what, population in (("tumour", "tumour cells"), ("CSC", "cancer stem cells")):
        for quantity, heading, note, deepest in MAPS:
            rows = []
            for b in agents:
                cells = [
                    _cell(pairs[a, b], f"{quantity}.{what}", deepest) if (a, b) in pairs else None
                    for a in agents
                ]
                rows.append((b, cells))
            maps.append(HeatMap(f"{heading}, {population}", note, rows))
    return maps


def _loewe(found: "Screen") -> list[tuple[str, str, str, str]]:
    """Pair, and Loewe's index on tumour and stem cells, where doses were run."""
    if "loewe.tumour" not in found.pairs:
        return []
    return [
        (r["first"], r["second"], *(_index(r, f"loewe.{what}") for what in ("tumour", "CSC")))
        for r in found.pairs.to_dict("records")
    ]


def _index(row: Any, name: str) -> str:
    value, low, high = (row[key] for key in (name, f"{name}.low", f"{name}.high"))
    return f"{value:.2f} [{low:.2f}, {high:.2f}]" if value == value else "beyond one agent's reach"


def _cell(row: Any, name: str, deepest: float) -> Cell:
    value, low, high = (float(row[key]) for key in (name, f"{name}.low", f"{name}.high"))
    depth = min(1.0, abs(value) / deepest)
    shade = [round(255 - depth * (255 - c)) for c in (MORE if value > 0 else LESS)]
    return Cell(
        text=f"{100 * value:+.0f} %",
        background=f"rgb({shade[0]}, {shade[1]}, {shade[2]})",
        ink="#fff" if depth > 0.6 else "#1f2328",
        sure=low > 0.0 or high < 0.0,
        title=f"95 % interval {100 * low:+.0f} to {100 * high:+.0f} %",
    )
