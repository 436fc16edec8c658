"""Killers hit what they touch and see; hits add up, are repaired, and kill at measured rates."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.newcomers import add_cells
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, Process
from stemniche.engine.processes.sensing import TOUCH
from stemniche.engine.state import ALIVE, APOPTOTIC, Array, State
from stemniche.engine.step import begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

MIXED = {
    "tumour.layout": "scattered",
    "domain.size": ["0.3 mm", "0.3 mm"],
    "tissue.CD8": 60,
    "tissue.NK": 40,
    "tumour.antigenicity": 0.7,
}
SEEN = {"tumour.antigenicity": 1, "parameters": {"tumour.visibility": 1.0}}
EMPTY = {
    "domain.size": ["1 mm", "1 mm"],
    "tumour.cells": 0,
    "prepare": {"days": 0.25},
    "tissue": dict.fromkeys(("MSC", "fibroblast", "CAF", "macrophage", "CD4", "CD8"), 0),
}
DAY = 240


def process(plan: Plan, name: str) -> Process:
    return next(p for p in plan.processes if p.name == name)


def touching(s: State) -> Array:
    """Who touches whom, from all pairs."""
    points = np.stack([s.live(a) for a in "xyz"], axis=1).astype(np.float64)
    radius = s.live("radius").astype(np.float64)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    touch = apart < TOUCH * (radius[:, None] + radius[None])
    np.fill_diagonal(touch, False)
    return touch


def test_hits_and_hazards_are_those_of_plain_arrays(walk: Walk, hasty: Make, k: Backend) -> None:
    plan, s = walk(hasty(MIXED), 3)
    s.live("state")[::7] = APOPTOTIC
    s.live("hazards")[:] = 0.0
    before = s.live("hits").astype(np.float64)
    process(plan, "killing").run(s, moment(s), k)
    touch, alive, kind = touching(s), s.live("state") == ALIVE, s.live("type")
    b = s.live("behaviours").astype(np.float64)
    victim, visible = plan.mask(["tumour"])[kind] * alive, b[plan.behaviours["visibility"]]
    rate, repair = b[plan.behaviours["kill_rate"]], np.log(2.0) / 50.0
    kept, hits = np.exp(-repair * TICK_MIN), []
    killers = [n for n in plan.hazards.names if n.startswith("kill.")]
    for row, name in enumerate(killers):
        mine = alive & (kind == plan.types[name.removeprefix("kill.")])
        seen = victim * (0.7 * visible if name == "kill.CD8" else 1.0 - visible)
        each = rate * mine / np.maximum(touch @ seen, 1.0)
        steady = seen * (touch @ each) / repair
        hits.append(steady + (before[row] - steady) * kept)
    np.testing.assert_allclose(s.live("hits"), hits, rtol=1e-4, atol=1e-7)
    total = sum(hits)
    share = victim * plan.parameter("killing.fastest") * total
    share /= plan.parameter("killing.hits") ** 2 + total**2
    assert (share > 0).sum() > 10
    for name, mine in zip(killers, hits, strict=True):
        found = s.live("hazards")[plan.hazards[name]]
        np.testing.assert_allclose(found, share * mine, rtol=1e-3, atol=1e-12)


def test_without_antigen_t_cells_kill_nobody(walk: Walk, hasty: Make) -> None:
    mixed = {"tumour.layout": "scattered", "tissue.CD8": 60, "tumour.antigenicity": 0}
    plan, state = walk(hasty(mixed), 20)
    assert state["deaths"][plan.hazards["kill.CD8"]].sum() == 0.0


def test_nk_cells_strike_those_that_present_little(walk: Walk, hasty: Make, k: Backend) -> None:
    plan, s = walk(hasty(MIXED | {"tissue.CD8": 0}), 1)
    row = plan.behaviours["visibility"]
    found = []
    for level in (0.9, 0.1):
        s.live("hits")[:] = 0.0
        s.live("behaviours")[row] = level
        process(plan, "killing").run(s, moment(s), k)
        found.append(float(s.live("hits").sum()))
    assert found[1] > 2.0 * found[0] > 0.0


def arena(small: Make, k: Backend, killers: int, victims: int) -> tuple[Plan, State]:
    """Groups of that many CD8 round so many visible victims, apart from each other, held still."""
    changes = SEEN | EMPTY
    plan = assemble(small(changes), 1).plan
    s = begin(plan, k)
    grid = np.arange(50.0, 950.0, 70.0)
    x, y = (c.ravel() for c in np.meshgrid(grid, grid))
    z = np.full(x.size, plan.grid.size[2] / 2)
    volume = plan.trait("volume")
    target, hunter = plan.types["differentiated"], plan.types["CD8"]
    keys = np.arange(1, 40 * x.size, dtype=np.uint64)
    size = (3 * volume[target] / 4 / np.pi) ** (1 / 3)
    spots = [(0.0, 0.0)] + [
        (2.0 * size * np.cos(a), 2.0 * size * np.sin(a))
        for a in np.linspace(0, 2 * np.pi, 6, endpoint=False)
    ]
    used = 0
    for n in range(victims):
        dx, dy = spots[n]
        mine = keys[used : used + x.size]
        add_cells(s, k, target, [x + dx, y + dy, z], mine, float(volume[target]))
        used += x.size
    for n in range(killers):
        angle = 2.0 * np.pi * (n + 0.5) / 6
        reach = size * 1.15 + 2.0
        mine = keys[used : used + x.size]
        at = [x + reach * np.cos(angle), y + reach * np.sin(angle), z]
        add_cells(s, k, hunter, at, mine, float(volume[hunter]))
        used += x.size
    s["behaviours"][:, : s.n] = 0.0
    kind = s.live("type")
    s["behaviours"][plan.behaviours["kill_rate"], : s.n] = plan.trait("kill_rate")[kind]
    s["behaviours"][plan.behaviours["visibility"], : s.n] = plan.trait("visibility")[kind]
    process(plan, "canon").run(s, moment(s), k)
    return plan, s


def killed(
    small: Make, k: Backend, killers: int, victims: int, ticks: int, *, fresh: bool = False
) -> tuple[float, float]:
    """Share of victims killed, and kills per killer and day; `fresh` ones may take their place."""
    plan, s = arena(small, k, killers, victims)
    groups = float((s.live("type") == plan.types["CD8"]).sum()) / killers
    for _ in range(ticks):
        s["hazards"][:, : s.n] = 0.0
        for name in ("killing", "fates"):
            process(plan, name).run(s, moment(s), k)
        if fresh:
            dead = np.flatnonzero(s.live("state") != ALIVE)
            s["state"][dead] = ALIVE
            s["hits"][:, dead] = 0.0
        s.tick += 1
    number = float(s["deaths"][plan.hazards["kill.CD8"]].sum())
    return number / (groups * victims), number / (groups * killers) * DAY / ticks


def test_a_ctl_among_visible_targets_kills_two_to_sixteen_a_day(small: Make, k: Backend) -> None:
    """Halle 2016 doi:10.1016/j.immuni.2016.01.010: 2-16 per CTL and day."""
    for killers, victims in ((1, 1), (1, 3), (3, 3), (3, 1)):
        _, each = killed(small, k, killers, victims, DAY, fresh=True)
        assert 2.0 < each < 16.0, (killers, victims)


def test_death_takes_off_beyond_two_ctl(small: Make, k: Backend) -> None:
    """Halle 2016: the chance of dying within hours rises steeply with more than two contacts."""
    chance = [killed(small, k, n, 1, 10)[0] for n in (1, 2, 3, 5)]
    assert chance == sorted(chance)
    assert chance[2] > 3.0 * chance[0]


def test_hits_apart_in_time_do_not_kill(small: Make, k: Backend) -> None:
    """A touch of one tick leaves hits that are repaired before they matter."""
    plan, s = arena(small, k, killers=1, victims=1)
    killing = process(plan, "killing")
    killing.run(s, moment(s), k)
    first = s.live("hits").copy()
    s.live("state")[s.live("type") == plan.types["CD8"]] = APOPTOTIC
    for _ in range(25):
        s["hazards"][:, : s.n] = 0.0
        killing.run(s, moment(s), k)
    assert s.live("hits").sum() == pytest.approx(first.sum() * 2.0 ** (-25 * 6 / 50), rel=1e-3)
    assert not s.live("engagement").any()
