"""Pictures of the tissue: every cell as a disc of its true size over the oxygen it lives in.

`html` calls `tissue_png` once per chosen day. Cells are coloured by type as `palette` says, stem
cells lie on top, dead cells are grey, a dashed line marks where oxygen falls below the hypoxic
limit. Only arrays come in; runs, days and files are not known here.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from stemniche.report.palette import INK, MUTED, OXYGEN, VESSEL, swatch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

Array = np.ndarray[Any, np.dtype[Any]]

DPI = 200
"""Dots per inch of a picture; pages show it at half that, so it stays crisp on fine screens."""

LEAST_RING_UM = 5.0
"""Radius with which even a closed vessel is drawn."""

_BARS_UM = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """What is to be seen at one time.

    Args:
        kinds: Cell type of each cell, or ``dead``; text ``[cells]``.
        x: Position, um ``[cells]``.
        y: Position, um ``[cells]``.
        radius: Of the disc that is seen, um ``[cells]``.
        oxygen: mmHg ``[y, x]``.
        vessels: Pieces ``[vessels, 6]``: middle x, y, perfused (1) or not (0), from the middle to
            the end along x, y (0 for one that passes through the picture), radius; um.
        width: Of the domain, um.
        height: Of the domain, um.
    """

    kinds: Array
    x: Array
    y: Array
    radius: Array
    oxygen: Array
    vessels: Array
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Window:
    """The rectangle of tissue that a picture shows, um."""

    left: float
    bottom: float
    width: float
    height: float


def tissue_png(
    tissue: Tissue,
    label: str,
    *,
    top: float,
    limit: float,
    window: Window | None = None,
    inches: float = 3.4,
) -> bytes:
    """Draw the tissue as a PNG.

    Args:
        tissue: What to draw.
        label: Written into the corner, such as ``day 7``.
        top: Oxygen level with the brightest colour, mmHg.
        limit: Oxygen level of the dashed line, mmHg.
        window: What to show, the whole domain by default.
        inches: Width of the picture at `DPI`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seen = window or Window(0.0, 0.0, tissue.width, tissue.height)
    figure = Figure(figsize=(inches, inches * seen.height / seen.width), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(seen.left, seen.left + seen.width)
    axes.set_ylim(seen.bottom, seen.bottom + seen.height)
    close = inches * DPI / seen.width > 1.0
    _draw_oxygen(axes, tissue, top)
    _draw_vessels(axes, tissue, outline=1.3 if close else 0.8)
    _draw_cells(axes, tissue, outline=0.5 if close else 0.18)
    _draw_limit(axes, tissue, limit)
    _draw_scale(axes, seen)
    _write(axes, 0.025, 0.972, label, weight="bold", size=10, va="top", ha="left")
    return _small_png(figure)


def oxygen_colours() -> "LinearSegmentedColormap":
    """The muted scale of the oxygen field, dark where there is none."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("oxygen", list(OXYGEN))


def _draw_oxygen(axes: "Axes", tissue: Tissue, top: float) -> None:
    axes.imshow(
        tissue.oxygen,
        origin="lower",
        extent=(0.0, tissue.width, 0.0, tissue.height),
        cmap=oxygen_colours(),
        vmin=0.0,
        vmax=top,
        interpolation="bilinear",
        aspect="auto",
    )


def _draw_cells(axes: "Axes", tissue: Tissue, outline: float) -> None:
    """Discs type by type, dead cells first and the first of the legend last, so it lies on top."""
    from matplotlib.collections import EllipseCollection

    names = sorted(set(tissue.kinds.tolist()), key=lambda name: -swatch(name).order)
    for name in names:
        look = swatch(name)
        of = tissue.kinds == name
        axes.add_collection(
            EllipseCollection(
                2.0 * tissue.radius[of],
                2.0 * tissue.radius[of],
                np.zeros(int(of.sum())),
                units="xy",
                offsets=np.column_stack([tissue.x[of], tissue.y[of]]),
                offset_transform=axes.transData,
                facecolors=look.colour,
                edgecolors=look.edge,
                linewidths=outline * (1.6 if look.order == 1 else 1.0),
            )
        )


def _draw_vessels(axes: "Axes", tissue: Tissue, outline: float) -> None:
    """Rings around a pale lumen, and lines along the picture; without blood they are grey."""
    from matplotlib.collections import EllipseCollection, LineCollection

    for perfused, face, edge in ((0, "#ffffff", MUTED), (1, "#ffd9d2", swatch(VESSEL).colour)):
        pieces = tissue.vessels[tissue.vessels[:, 2] == perfused]
        along = np.abs(pieces[:, 3:5]).max(axis=1, initial=0.0) > pieces[:, 5]
        at, half = pieces[along, :2], pieces[along, 3:5]
        lines = list(np.stack([at - half, at + half], axis=1))
        axes.add_collection(
            LineCollection(lines, colors=edge, linewidths=3.0 * outline, zorder=3, capstyle="round")
        )
        at, size = pieces[~along, :2], 2.0 * np.maximum(pieces[~along, 5], LEAST_RING_UM)
        axes.add_collection(
            EllipseCollection(
                size,
                size,
                np.zeros(len(at)),
                units="xy",
                offsets=at,
                offset_transform=axes.transData,
                facecolors=face,
                edgecolors=edge,
                linewidths=outline,
                zorder=3,
            )
        )


def _draw_limit(axes: "Axes", tissue: Tissue, limit: float) -> None:
    field = tissue.oxygen
    if min(field.shape) < 2 or not field.min() < limit < field.max():
        return
    rows, columns = field.shape
    dx, dy = tissue.width / columns, tissue.height / rows
    x = (np.arange(columns) + 0.5) * dx
    y = (np.arange(rows) + 0.5) * dy
    for colour, width, style in (("#ffffff", 1.8, "solid"), (INK, 0.9, (0, (4, 2.5)))):
        axes.contour(
            x, y, field, [limit], colors=colour, linewidths=width, linestyles=[style], zorder=4
        )


def _draw_scale(axes: "Axes", seen: Window) -> None:
    from matplotlib.patches import Rectangle

    fitting = [bar for bar in _BARS_UM if bar <= 0.3 * seen.width]
    length = fitting[-1] if fitting else seen.width / 5.0
    right, low = seen.left + 0.965 * seen.width, seen.bottom + 0.035 * seen.height
    thick = 0.009 * seen.height
    bar = Rectangle((right - length, low), length, thick, facecolor=INK, edgecolor="#ffffff")
    bar.set_linewidth(0.8)
    bar.set_zorder(6)
    axes.add_patch(bar)
    middle = (right - 0.5 * length - seen.left) / seen.width
    text = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
    _write(axes, middle, 0.056, text, size=8, va="bottom", ha="center")


def _write(axes: "Axes", x: float, y: float, text: str, **style: Any) -> None:
    """Text in a light halo, placed in shares of the picture."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.6, foreground="#ffffff")]
    axes.text(x, y, text, transform=axes.transAxes, color=INK, path_effects=halo, zorder=7, **style)


def _small_png(figure: Any) -> bytes:
    """PNG with a palette of 256 colours: a third of the size, no difference to be seen."""
    from PIL import Image

    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    data = BytesIO()
    small = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(data, "png", compress_level=9)
    return data.getvalue()
