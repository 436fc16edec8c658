"""Small made-up runs: the store does not care whether the numbers mean anything.

Tests get this module as the fixture `made_up`. As a program it simulates into a folder, resuming
what is there, so that it can be killed.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from stemniche.run.header import make_header
from stemniche.run.store import Store, holds_run

FACTORS = {"oxygen": "mmHg", "CXCL8": "nM", "IL6": "nM"}
NODES = ("STAT3", "NFKB", "stemness", "HIF1A")
HALF_DAY = 43200
LAST = 60

Sample = tuple[dict[str, float], dict[str, np.ndarray], dict[str, np.ndarray]]


def header(**changes: Any) -> dict[str, Any]:
    """A header as `simulate` would make it."""
    told: dict[str, Any] = {
        "scenario": {"cancer": "breast", "days": 2.0},
        "model": '{"format": 1}',
        "fingerprints": {"model": "aa", "evidence": "bb", "library": "cc", "scenario": "dd"},
        "seed": 7,
        "types": ("CSC", "progenitor", "M1"),
        "states": ("alive", "apoptotic", "necrotic"),
        "phases": ("G0", "G1", "S", "G2M"),
        "nodes": NODES,
        "factors": FACTORS,
        "maps": {"vessels": "1"},
        "spacing_um": 20.0,
    }
    return make_header(**(told | changes))


def sample(number: int, cells: int = 20, grid: tuple[int, int, int] = (1, 5, 4)) -> Sample:
    """Row, cells and fields that depend only on the number of the sample."""
    dice = np.random.default_rng(number)
    n = cells + number if cells else 0
    columns: dict[str, np.ndarray] = {a: dice.random(n, dtype=np.float32) * 80 for a in "xyz"}
    columns |= {name: dice.random(n, dtype=np.float32) for name in ("radius", "stemness", "damage")}
    columns |= {"extra.growth": dice.random(n), "clone": np.arange(n, dtype=np.uint32)}
    columns |= {k: dice.integers(2**63, 2**64, n, np.uint64) for k in ("key", "parent")}
    columns |= {k: dice.integers(0, 3, n).astype(np.uint8) for k in ("type", "state", "phase")}
    columns["nodes"] = dice.random((len(NODES), n), dtype=np.float32)
    fields = {name: dice.random(grid, dtype=np.float32) for name in (*FACTORS, "vessels")}
    return {"tumour_cells": float(n), "csc_fraction": dice.random()}, columns, fields


def fill(store: Store, count: int, start: int = 0) -> Store:
    """Append samples every half day."""
    for number in range(start, start + count):
        store.append_sample(number * HALF_DAY, *sample(number))
    return store


def simulate(store: Store, start: int = 0, last: int = LAST) -> None:
    """Run to the end: a note and a sample every half day, a checkpoint every day and a half."""
    for number in range(start, last):
        store.log(f"step {number}", time_s=number * HALF_DAY)
        fill(store, 1, number)
        if number % 3 == 2:
            store.log(f"after step {number}", time_s=number * HALF_DAY)
            store.write_checkpoint(number * HALF_DAY, {"next": number + 1, "x": np.arange(9.0)})
    store.finish("done")


def start_or_resume(folder: Path) -> tuple[Store, int]:
    """The store of a folder and the number of the next sample."""
    if not holds_run(folder):
        return Store.create(folder, header()), 0
    store = Store.open(folder)
    found = store.resume()
    return store, 0 if found is None else int(found[1]["next"])


if __name__ == "__main__":
    simulate(Store.create(None, header()), last=3)  # what is slow only once is over before "ready"
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    simulate(*start_or_resume(Path(sys.argv[1])))
