"""Make docs/tissue.png from a finished run: ``python benchmarks/readme_picture.py runs/breast-s1``.

Shows the tissue at the start, before treatment and at its smallest after it.
"""

import sys
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.image import imread

import stemniche as sn
from stemniche.report.digest import digest
from stemniche.report.tissue import tissue_png

DAYS = (0.0, 7.0, 14.0)


def main(folder: str) -> None:
    """Draw the days side by side."""
    found = digest(sn.open_run(folder))
    figure = Figure(figsize=(3 * 3.4 + 0.2, 3.4), dpi=110)
    for i, day in enumerate(DAYS):
        image = tissue_png(found.tissue(day), f"day {day:g}", top=60.0, limit=10.0)
        axes = figure.add_axes((i / 3 + 0.003, 0.0, 1 / 3 - 0.006, 1.0))
        axes.imshow(imread(BytesIO(image)))
        axes.set_axis_off()
    target = Path(__file__).resolve().parent.parent / "docs" / "tissue.png"
    figure.savefig(target)
    print(target)


if __name__ == "__main__":
    main(sys.argv[1])
