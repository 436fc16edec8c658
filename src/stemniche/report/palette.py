"""Colours and names of cell types in every figure, read from ``palette.csv``.

One colour per type, the same in each picture and legend, chosen to stay apart for colour-blind
readers too; the stem cells alone are red. A type without a line in
the file gets one of the spare colours. Figures and the page ask here; nothing here draws.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from zlib import crc32

INK = "#1f2328"
"""Text and the heaviest line."""

MUTED = "#68707a"
"""Axes, captions and marks that must not compete with data."""

FAINT = "#d9dde2"
"""Grid lines."""

TREATMENT = "#7a5c00"
"""Bars and bands that mark a treatment."""

OXYGEN = ("#5d6b80", "#8f9bab", "#bcc5ce", "#dfe4e6", "#f6f6f1")
"""Stops of the oxygen colours from none to the level of the vessels: dark is low."""

DEAD, VESSEL = "dead", "vessel"

_SPARE = ("#8c564b", "#17becf", "#bcbd22", "#7f7f7f", "#c49c94")


@dataclass(frozen=True, slots=True)
class Swatch:
    """How one cell type looks: fill and outline as hex colours, a name for legends, its place."""

    id: str
    label: str
    colour: str
    edge: str
    order: int


def swatch(name: str) -> Swatch:
    """Return the look of a cell type, ``dead`` or ``vessel``.

    Example:
        >>> swatch("CSC").colour
        '#fa085a'
    """
    known = _table().get(name)
    if known is not None:
        return known
    return Swatch(name, name, _SPARE[crc32(name.encode()) % len(_SPARE)], MUTED, 50)


def line_colour(name: str) -> str:
    """Colour of a curve: the fill, or the outline where the fill is too pale for a thin line."""
    look = swatch(name)
    red, green, blue = (int(look.colour[i : i + 2], 16) for i in (1, 3, 5))
    return look.edge if 0.3 * red + 0.59 * green + 0.11 * blue > 190 else look.colour


def in_order(names: list[str]) -> list[str]:
    """Sort cell types as they stand in legends."""
    return sorted(names, key=lambda name: (swatch(name).order, name))


@cache
def _table() -> dict[str, Swatch]:
    text = files("stemniche.report").joinpath("palette.csv").read_text(encoding="utf-8")
    return {
        line["id"]: Swatch(
            line["id"], line["label"], line["colour"], line["edge"], int(line["order"])
        )
        for line in csv.DictReader(text.splitlines())
    }
