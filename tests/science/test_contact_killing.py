"""Killers in a culture: how many cells each kills in a day, and that several at once kill (V22)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import ALIVE, State
from stemniche.engine.step import advance
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario, load_scenario

Walk = Callable[..., tuple[Plan, State]]

WINDOW = 20
"""Ticks, two hours, over which contacts are looked at."""


def culture(killers: int) -> Scenario:
    """Tumour cells that present all their antigen, with activated T cells (IL2) among them."""
    preset = load_scenario("breast_quick")
    hosts = dict.fromkeys([*preset.tissue.cells, "vessels"], 0)
    changes: dict[str, Any] = {
        "environment.boundary": "medium",
        "environment.oxygen": "140 mmHg",
        "tissue": {**hosts, "CD8": killers},
        "walls.cells": "closed",
        "prepare": {"days": 0.1, "until": None, "max": None},
        "domain.size": ["0.5 mm", "0.5 mm"],
        "tumour.layout": "scattered",
        "tumour.cells": 400,
        "tumour.csc_fraction": 0.01,
        "tumour.antigenicity": 1.0,
        "parameters": {"tumour.visibility": 1.0},
    }
    return preset.change(changes).treat([{"add": "IL2", "concentration": "0.1 nM"}])


def followed(plan: Plan, s: State, k: Backend, ticks: int) -> tuple[float, dict[int, list[bool]]]:
    """Kills per killer and day; by the most killers touching a cell at once, whether it died."""
    killer, row = plan.types["CD8"], plan.hazards["kill.CD8"]
    tumour = plan.mask(["tumour"]) == 1
    met: dict[int, list[int]] = {}
    fates: dict[int, list[bool]] = {}
    before, days = float(s["deaths"][row].sum()), 0.0
    for _ in range(ticks):
        kind, alive = s.live("type"), s.live("state") == ALIVE
        killing = ((kind == killer) & alive).astype(np.int64)
        days += killing.sum() / 240.0
        sums = np.concatenate([[0], np.cumsum(killing[s["touch_idx"]])])
        touching = np.diff(sums[s["touch_ptr"]])
        cells = np.flatnonzero(tumour[kind] & alive)
        for key, count in zip(s["key"][cells].tolist(), touching[cells].tolist(), strict=True):
            met.setdefault(key, []).append(count)
        advance(plan, s, k)
        left = set(s.live("key")[s.live("state") == ALIVE].tolist())
        for key in [key for key in met if key not in left]:
            fates.setdefault(max(met.pop(key)[-WINDOW:]), []).append(True)
        for counts in met.values():
            if len(counts) % WINDOW == 0:
                fates.setdefault(max(counts[-WINDOW:]), []).append(False)
    return (float(s["deaths"][row].sum()) - before) / days, fates


@pytest.mark.slow
def test_activated_killers_kill_some_cells_a_day_and_several_at_once_kill_more(
    walk: Walk, k: Backend
) -> None:
    """Halle 2016: 2 to 16 kills a day in vivo, death likelier beyond two contacts; 1 to 20 in all.

    Halle doi:10.1016/j.immuni.2016.01.010, Weigelin 2021 doi:10.1038/s41467-021-25282-3.
    """
    plan, s = walk(culture(120), 0)
    s["day0"][0] = 0
    kills, fates = followed(plan, s, k, 240)
    assert 1.0 < kills < 20.0
    dying = {
        "none": np.mean(fates[0]),
        "up to two": np.mean(fates[1] + fates[2]),
        "more": np.mean([x for m, found in fates.items() if m > 2 for x in found]),
    }
    assert dying["none"] < dying["up to two"]
    assert dying["more"] > 2.0 * dying["up to two"]
