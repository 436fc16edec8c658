"""Spheroids of melanoma cells (WM983b) in three dimensions: size and inner structure in time.

``python benchmarks/spheroid_melanoma.py [--data FOLDER] [--days N] [--seed N] [--set PATH=VALUE]``
runs the preset `spheroid` and prints, day by day after seeding, the radius R, the radius inside
which cells no longer cycle (phi) and that of the necrotic core (eta), both over R; with the
published radii (a folder that holds ``AllConfocalData.csv``) their means beside it, and the errors
at the end. The preset begins on the third day after 5000 cells were seeded, with the ball that they
are then. What was fitted to these spheroids stands in the preset; cases V1 and V2.

Data: Browning, Sharp, Murphy and others 2021, eLife 10:e73020, doi:10.7554/eLife.73020.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stemniche.engine.plan import Plan
from stemniche.engine.state import ALIVE, G2M, S_PHASE, State
from stemniche.engine.step import advance, begin
from stemniche.kernels.cpu import cpu
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import load_scenario

FIRST_DAY = 3
"""Day after seeding on which the preset begins."""

SHELL = 15.0
"""Thickness of the shells in which cells are counted, um."""

TICKS_A_DAY = 240


def structure(plan: Plan, s: State) -> tuple[float, float, float]:
    """Return R, um, and phi and eta: radii within which half of a shell's cells are arrested, dead.

    R is that of the ball of the voxels that hold cells, less half a voxel of rim. A shell is
    arrested where fewer cells are in S, G2 or M than half of those in the outermost full one.
    """
    points = np.stack([s.live(axis) for axis in "xyz"], axis=1).astype(float)
    alive = s.live("state") == ALIVE
    apart = np.sqrt(((points - points[alive].mean(axis=0)) ** 2).sum(axis=1))
    voxels = np.zeros(plan.grid.voxels, bool)
    voxels[s.live("voxel")] = True
    radius = (voxels.sum() * plan.grid.voxel_volume * 0.75 / np.pi) ** (1 / 3)
    radius -= 0.5 * plan.grid.spacing / 2
    shell = (apart / SHELL).astype(int)
    count = int(radius / SHELL)
    size = s.live("radius").astype(float) ** 3
    cycling = np.isin(s.live("phase"), (S_PHASE, G2M)) & alive
    inside = shell < count
    whole = np.bincount(shell[inside], size[inside], count)
    living = np.bincount(shell[inside], (size * alive)[inside], count)
    busy = np.bincount(shell[inside], cycling[inside].astype(float), count)
    cells = np.bincount(shell[inside], alive[inside].astype(float), count)
    share = busy / np.maximum(cells, 1.0)
    arrested = within(share < 0.5 * share[-2:].mean())
    dead = within(living < 0.5 * whole)
    return radius, arrested * SHELL / radius, dead * SHELL / radius


def within(shells: np.ndarray) -> int:
    """Return the number of the shells from the middle up to the last that says yes."""
    found = np.flatnonzero(shells)
    return int(found[-1]) + 1 if found.size else 0


def follow(
    days: int, seed: int, changes: dict[str, str]
) -> Iterator[tuple[int, float, float, float]]:
    """Yield day, R, phi and eta of one spheroid."""
    plan = assemble(load_scenario("spheroid").change({"days": days, **changes}), seed).plan
    k = cpu(1)
    s = begin(plan, k)
    s["day0"][0] = 0
    yield (FIRST_DAY, *structure(plan, s))
    for day in range(1, days + 1):
        for _ in range(TICKS_A_DAY):
            advance(plan, s, k)
        yield (FIRST_DAY + day, *structure(plan, s))


def published(folder: Path) -> dict[int, np.ndarray]:
    """Return the means of R, phi and eta by day."""
    found = defaultdict(list)
    with (folder / "AllConfocalData.csv").open(encoding="utf-8") as file:
        for row in csv.reader(file):
            if row[:2] == ["983b", "5000"]:
                found[round(float(row[2]))].append([float(x) for x in row[3:6]])
    return {day: np.nanmean(rows, axis=0) for day, rows in found.items()}


def onset(rows: list[tuple[int, float, float, float]]) -> float:
    """Return the radius at which a necrotic core appears: that of zero-order consumption, um."""
    for _, radius, _, eta in rows:
        if eta > 0.0:
            return float(radius * np.sqrt(1.0 - 3.0 * eta**2 + 2.0 * eta**3))
    return float("nan")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--days", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    given = parser.parse_args()
    known = published(given.data) if given.data else {}
    rows, errors = [], []
    print("day    R  phi  eta   published")
    for row in follow(given.days, given.seed, dict(s.split("=", 1) for s in given.set)):
        rows.append(row)
        day, radius, phi, eta = row
        beside = ""
        if day in known:
            errors.append(np.array(row[1:]) - known[day])
            beside = "   {:4.0f} {:4.2f} {:4.2f}".format(*known[day])
        print(f"{day:3d} {radius:4.0f} {phi:4.2f} {eta:4.2f}{beside}", flush=True)
    print(f"radius at the onset of necrosis: {onset(rows):.0f} um (published 230 +/- 9)")
    if errors:
        off = np.sqrt(np.mean(np.square(errors), axis=0))
        print("RMSE: R {:.0f} um, phi {:.2f}, eta {:.2f}".format(*off))
        print("that of replicates: 16 um, 0.05-0.11, 0.03-0.07")


if __name__ == "__main__":
    main()
