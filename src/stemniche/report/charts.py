"""Curves and bars of a report as SVG text: populations, causes, composition, small multiples.

`html` calls these with plain arrays and puts the text straight into the page, which sets the font.
Every chart has the same time axis, marks treatments the same way, and carries a title for readers
who cannot see it. Runs and models are not known here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from stemniche.report.palette import FAINT, INK, MUTED, TREATMENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = np.ndarray[Any, np.dtype[Any]]

WIDE = (5.6, 3.1)
SMALL = (2.3, 1.5)
INCH_PER_LETTER = 0.072
"""Room for labels right of a chart, at their font size in a wide sans serif."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stemniche",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: label, colour and a value per day; `heavy` for the one that matters most."""

    label: str
    colour: str
    values: Array
    heavy: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A treatment on the time axis, days: single doses, or a span from `start` to `end`."""

    start: float
    end: float
    doses: tuple[float, ...] = ()


def curves(
    days: Array,
    lines: Sequence[Line],
    marks: Sequence[Mark],
    *,
    title: str,
    unit: str,
    percent: bool = False,
    size: tuple[float, float] = WIDE,
) -> str:
    """Lines over time, each named at its end."""
    names = [line.label for line in lines] if len(lines) > 1 else []
    with _chart(size, title, _margins(names)) as (axes, done):
        _mark(axes, marks, days)
        for line in lines:
            values = line.values * (100.0 if percent else 1.0)
            width = 2.4 if line.heavy else 1.6
            axes.plot(days, values, color=line.colour, lw=width, zorder=4 if line.heavy else 3)
        _axes(axes, days, unit)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        if names:
            ends = [float(line.values[-1]) * (100.0 if percent else 1.0) for line in lines]
            _name_ends(axes, days, lines, ends)
    return done[0]


def stacked(
    days: Array,
    lines: Sequence[Line],
    marks: Sequence[Mark],
    *,
    title: str,
    unit: str,
    size: tuple[float, float] = WIDE,
) -> str:
    """Areas on top of each other, thick ones named at their end."""
    with _chart(size, title, _margins([line.label for line in lines])) as (axes, done):
        base = np.zeros(len(days))
        middles = []
        for line in lines:
            top = base + line.values
            axes.fill_between(days, base, top, color=line.colour, lw=0.6, ec="#ffffff", zorder=2)
            middles.append(float(base[-1] + top[-1]) / 2.0)
            base = top
        _mark(axes, marks, days, over=True)
        _axes(axes, days, unit)
        axes.set_ylim(0.0, max(float(base.max()) * 1.06, 1e-9))
        _name_ends(axes, days, lines, middles)
    return done[0]


def causes(
    days: Array,
    gains: Mapping[str, tuple[str, Array]],
    marks: Sequence[Mark],
    *,
    title: str,
    unit: str,
    size: tuple[float, float] = WIDE,
) -> str:
    """Bars per interval: what added above the line, what took away below, the sum as a line.

    Args:
        days: Sample times ``[n]``.
        gains: Colour and rate ``[n - 1]`` per cause, positive or negative.
        marks: Treatments.
        title: For readers who cannot see it.
        unit: Of the rates.
        size: Inches.
    """
    with _chart(size, title, _margins([])) as (axes, done):
        left, width = days[:-1], np.diff(days)
        up, down = np.zeros(len(left)), np.zeros(len(left))
        for label, (colour, values) in gains.items():
            for sign, base in ((1.0, up), (-1.0, down)):
                part = np.where(values * sign > 0, values, 0.0)
                axes.bar(
                    left, part, width * 0.92, bottom=base, align="edge", color=colour, zorder=2,
                    label=label if sign > 0 else None,
                )  # fmt: skip
                base += part
        net = sum((values for _, values in gains.values()), np.zeros(len(left)))
        axes.plot(left + width * 0.46, net, "o-", color=INK, lw=1.3, ms=2.6, label="net", zorder=4)
        axes.axhline(0.0, color=INK, lw=0.8, zorder=3)
        _mark(axes, marks, days, over=True)
        _axes(axes, days, unit)
        low, high = min(0.0, float(down.min(initial=0.0))), max(0.0, float(up.max(initial=0.0)))
        room = (high - low or 1.0) * 0.08
        axes.set_ylim(low - room, high + room)
    return done[0]


def spark(
    days: Array,
    values: Array,
    marks: Sequence[Mark],
    *,
    title: str,
    colour: str,
    size: tuple[float, float] = SMALL,
) -> str:
    """One small curve whose axes carry the extremes only."""
    with _chart(size, title, (0.62, 0.27, 0.18, 0.07)) as (axes, done):
        _mark(axes, marks, days, label=False)
        axes.plot(days, values, color=colour, lw=1.8, zorder=3)
        low, high = float(values.min()), float(values.max())
        room = max(high - low, 0.08 * abs(high), 1e-12)
        axes.set_ylim(low - 0.12 * room if low > 0.12 * room else -0.02 * room, high + 0.18 * room)
        axes.set_xlim(days[0], days[-1] if days[-1] > days[0] else days[0] + 1.0)
        axes.set_yticks([low, high] if high - low > 0.02 * abs(high) else [high])
        axes.set_yticklabels([short(v) for v in axes.get_yticks()])
        axes.set_xticks([float(days[0]), float(days[-1])])
        axes.set_xticklabels([f"{days[0]:g}", f"{days[-1]:g} d"])
        axes.tick_params(length=2, labelsize=9.5)
    return done[0]


def short(value: float) -> str:
    """A number in at most three figures, for ticks and sentences.

    Example:
        >>> short(0.01234), short(1534.2), short(0.0), short(2.0)
        ('0.0123', '1,534', '0', '2')
    """
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        power = int(np.floor(np.log10(abs(value))))
        return f"{value / 10.0**power:.1f}e{power}"
    return f"{value:.3g}"


@contextmanager
def _chart(
    size: tuple[float, float], title: str, margins: tuple[float, float, float, float]
) -> Iterator[tuple["Axes", list[str]]]:
    """Axes to draw into; the SVG text is in the list when the block ends.

    Margins (left, bottom, right, top, inches) are fixed: finding them out takes half the time.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    done: list[str] = []
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size)
        FigureCanvasSVG(figure)
        left, bottom, right, top = margins
        wide, high = size
        box = (left / wide, bottom / high, 1 - (left + right) / wide, 1 - (bottom + top) / high)
        axes = figure.add_axes(box)
        yield axes, done
        text = StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        done.append(_inline(text.getvalue(), title))


def _margins(names: Sequence[str]) -> tuple[float, float, float, float]:
    """Room around a chart whose curves are named at their ends."""
    longest = max((len(name) for name in names), default=0)
    return 0.55, 0.46, 0.14 + INCH_PER_LETTER * longest, 0.36


def _inline(text: str, title: str) -> str:
    """Cut an SVG file down to the element that a page can hold."""
    from xml.sax.saxutils import escape, quoteattr

    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    width, height = re.findall(r'(?:width|height)="([\d.]+)pt"', body[: body.index(">")])[:2]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-label={quoteattr(title)} viewBox="0 0 {width} {height}">'
        f"<title>{escape(title)}</title>"
    )
    return re.sub(r"\s*\n\s*", "\n", head + body[body.index(">") + 1 :])


def _axes(axes: "Axes", days: Array, unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(days[0], days[-1] if days[-1] > days[0] else days[0] + 1.0)
    whole = bool(days[-1] >= 4)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 7, 10], integer=whole))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(float(value))))
    axes.set_xlabel("days")
    axes.set_title(unit, loc="left", fontsize=9, color=MUTED, pad=12)
    axes.grid(axis="y", color=FAINT, lw=0.7, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(length=3)


def _mark(
    axes: "Axes", marks: Sequence[Mark], days: Array, *, over: bool = False, label: bool = True
) -> None:
    """Vertical bars at doses, a band over a span; a small triangle points at each."""
    z = 5 if over else 1
    for mark in marks:
        if not mark.doses:
            axes.axvspan(mark.start, mark.end, color=TREATMENT, alpha=0.10, lw=0, zorder=z)
        for day in mark.doses or (mark.start,):
            if not days[0] <= day <= days[-1]:
                continue
            axes.axvline(day, color=TREATMENT, lw=1.4 if mark.doses else 0.8, alpha=0.75, zorder=z)
            if label:
                axes.plot(
                    [day], [1.03], marker="v", ms=5, color=TREATMENT, clip_on=False,
                    transform=axes.get_xaxis_transform(),
                )  # fmt: skip


def _name_ends(axes: "Axes", days: Array, lines: Sequence[Line], ends: Sequence[float]) -> None:
    """Write each label right of the curve's end, pushed apart where they would touch."""
    low, high = axes.get_ylim()
    gap = 0.075 * (high - low)
    at = spread(ends, gap, low, high)
    x = float(days[-1]) if days[-1] > days[0] else float(days[0]) + 1.0
    for line, y in zip(lines, at, strict=True):
        axes.annotate(
            line.label, (x, y), xytext=(5, 0), textcoords="offset points", va="center",
            color=darker(line.colour), fontsize=8.5, annotation_clip=False,
            fontweight="bold" if line.heavy else "normal",
        )  # fmt: skip


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart to at least `gap`, keeping their order and staying near.

    Example:
        >>> spread([0.0, 0.1, 5.0], 1.0, 0.0, 10.0)
        [0.0, 1.0, 5.0]
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    at = list(wanted)
    floor = low
    for i in order:
        at[i] = max(at[i], floor)
        floor = at[i] + gap
    ceiling = high
    for i in reversed(order):
        at[i] = min(at[i], ceiling)
        ceiling = at[i] - gap
    return at


def darker(colour: str) -> str:
    """A colour dark enough for text on white: contrast of at least 4.5 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    while _luminance(red, green, blue) > 0.17:
        red, green, blue = (int(0.92 * part) for part in (red, green, blue))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _luminance(*parts: int) -> float:
    linear = [(c / 255) / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
