"""Pictures show cells at their size, in their colour, and keep stem cells apart for every eye."""

from io import BytesIO
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stemniche.report.palette import in_order, line_colour, swatch
from stemniche.report.tissue import Tissue, Window, tissue_png

TYPES = [
    "CSC", "progenitor", "differentiated", "MSC", "fibroblast", "CAF", "monocyte", "M1", "M2",
    "CD4", "Treg", "CD8", "dead",
]  # fmt: skip

COLOUR_BLIND = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1."""


def tissue(kinds: list[str], x: list[float], radius: float, oxygen: Any = 40.0) -> Tissue:
    count = len(kinds)
    return Tissue(
        kinds=np.array(kinds, dtype=object),
        x=np.array(x),
        y=np.full(count, 200.0),
        radius=np.full(count, radius),
        oxygen=np.broadcast_to(np.asarray(oxygen, float), (20, 20)),
        vessels=np.zeros((0, 6)),
        width=400.0,
        height=400.0,
    )


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def near(image: np.ndarray, colour: str) -> np.ndarray:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(image - wanted).max(axis=2) < 12


def test_a_cell_covers_the_area_of_its_radius() -> None:
    image = pixels(tissue_png(tissue(["CSC"], [200.0], 80.0), "", top=60.0, limit=10.0))
    covered = near(image, swatch("CSC").colour).mean() * 400.0**2
    assert covered == pytest.approx(np.pi * 80.0**2, rel=0.03)


def test_a_window_shows_cells_larger() -> None:
    seen = tissue(["CSC"], [200.0], 30.0)
    whole = near(pixels(tissue_png(seen, "", top=60.0, limit=10.0)), "#fa085a").mean()
    window = Window(100.0, 100.0, 200.0, 200.0)
    close = near(
        pixels(tissue_png(seen, "", top=60.0, limit=10.0, window=window)), "#fa085a"
    ).mean()
    assert close == pytest.approx(4.0 * whole, rel=0.05)


def test_stem_cells_lie_on_top_of_dead_ones() -> None:
    both = pixels(tissue_png(tissue(["dead", "CSC"], [200.0] * 2, 60.0), "", top=60, limit=10))
    assert near(both, swatch("CSC").colour).sum() > 10_000
    assert near(both, swatch("dead").colour).sum() < 300


def test_the_hypoxic_border_is_drawn_only_where_there_is_one() -> None:
    slope = np.linspace(0.0, 40.0, 20)[None, :]
    without = pixels(tissue_png(tissue([], [], 1.0, 40.0), "", top=60.0, limit=10.0))
    border = pixels(tissue_png(tissue([], [], 1.0, slope), "", top=60.0, limit=10.0))
    middle = slice(100, 500)
    assert near(border, "#1f2328")[middle].any()
    assert not near(without, "#1f2328")[middle].any()


def test_low_oxygen_is_darker_than_high() -> None:
    low, high = (
        pixels(tissue_png(tissue([], [], 1.0, level), "", top=60.0, limit=10.0))[340, 340].sum()
        for level in (2.0, 55.0)
    )
    assert low < high - 150


def test_a_picture_of_nothing_can_be_drawn() -> None:
    assert tissue_png(tissue([], [], 1.0), "day 0", top=60.0, limit=10.0).startswith(b"\x89PNG")


@pytest.mark.parametrize("eye", COLOUR_BLIND)
def test_no_cell_type_looks_like_a_stem_cell_to_any_eye(eye: str) -> None:
    seen = {name: seen_by(swatch(name).colour, eye) for name in TYPES}
    nearest = min(np.linalg.norm(seen["CSC"] - seen[name]) for name in TYPES[1:])
    assert nearest > 30.0


@pytest.mark.parametrize("eye", COLOUR_BLIND)
def test_all_types_stay_apart_to_any_eye(eye: str) -> None:
    seen = {name: seen_by(swatch(name).colour, eye) for name in TYPES}
    pairs = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(TYPES, 2)}
    assert min(pairs.values()) > 15.0, min(pairs, key=lambda pair: pairs[pair])


def test_an_unknown_type_has_a_colour_and_comes_after_the_known() -> None:
    assert swatch("NK").colour.startswith("#")
    assert in_order(["NK", "CD8", "CSC"]) == ["CSC", "CD8", "NK"]


def test_pale_types_get_a_curve_that_shows_on_white() -> None:
    assert line_colour("differentiated") == swatch("differentiated").edge
    assert line_colour("CSC") == swatch("CSC").colour


def seen_by(colour: str, eye: str) -> np.ndarray:
    """CIE Lab of a colour as an eye sees it."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(COLOUR_BLIND[eye]) @ linear, 0.0, 1.0)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
