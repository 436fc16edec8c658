"""Sorted tissue holds what its gate lets through, with the gate's error; cells put in are there."""

from collections.abc import Callable
from math import erf, sqrt

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.engine.gates import gate
from stemniche.engine.plan import Plan
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import ALIVE, APOPTOTIC, State
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.run.measures import measure
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

SETTLED = 50
MANY = {"tumour.cells": 800, "tumour.csc_fraction": 0.3, "domain.size": ["0.7 mm", "0.7 mm"]}


def sorted_by(walk: Walk, small: Make, k: Backend, text: str) -> tuple[Plan, State, np.ndarray]:
    """A settled tissue after one sort, and which of its cells are stem cells."""
    plan, s = walk(small(MANY, {"sort": {"gate": text}}), SETTLED, prepared=SETTLED)
    tumour = np.flatnonzero(plan.mask(["tumour"])[s.live("type")] == 1)
    s["state"][tumour[::9]] = APOPTOTIC
    next(p for p in plan.processes if p.name == "sorting").run(s, moment(s), k)
    return plan, s, s.live("type") == plan.types["CSC"]


@pytest.mark.parametrize(("text", "stem"), [("CSC", True), ("not CSC", False)])
def test_a_gate_of_types_keeps_them_alone(
    text: str, stem: bool, walk: Walk, small: Make, k: Backend
) -> None:
    plan, s, was_stem = sorted_by(walk, small, k, text)
    kept = s.live("state") == ALIVE
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    assert kept[~tumour].all()
    assert set(was_stem[kept & tumour]) == {stem}
    assert not (s.live("state")[tumour] == APOPTOTIC).any()


def test_a_marker_gate_errs_as_often_as_its_row_says(walk: Walk, small: Make, k: Backend) -> None:
    plan, s, was_stem = sorted_by(walk, small, k, "CD44_high")
    marker = next(m for m in plan.model.markers if m.id == "CD44")
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    alive = s.live("state") == ALIVE
    before = tumour.copy()
    before[np.flatnonzero(tumour)[::9]] = False
    for of in (was_stem, ~was_stem):
        level = s.live("signals")[plan.signals["CD44"]][before & of].astype(float)
        right = 0.5 * (1.0 + np.vectorize(erf)((level - marker.gate) / marker.error / sqrt(2.0)))
        wanted, spread = right.mean(), sqrt((right * (1 - right)).sum()) / len(level)
        assert alive[before & of].mean() == pytest.approx(wanted, abs=5 * spread + 1e-9)


def test_high_and_low_part_the_tumour(walk: Walk, small: Make, k: Backend) -> None:
    kept = [
        set(s.live("key")[s.live("state") == ALIVE].tolist())
        for _, s, _ in (sorted_by(walk, small, k, t) for t in ("ALDH_high", "ALDH_low", "tumour"))
    ]
    hosts = kept[0] & kept[1]
    assert kept[0] | kept[1] == kept[2]
    assert len(hosts) < len(kept[2])


def test_what_is_sorted_out_is_counted(walk: Walk, small: Make, k: Backend) -> None:
    plan, s, was_stem = sorted_by(walk, small, k, "not CSC")
    gone = s["depleted"][plan.types["CSC"]]
    assert gone > 100
    assert s["flux"][FLUX.index("traffic")] == -gone


def test_sorting_again_and_again_keeps_the_gate_shut(walk: Walk, small: Make, k: Backend) -> None:
    item = {"sort": {"gate": "not CSC"}, "keep_every": "12 min"}
    plan, s = walk(small(MANY, item), 0)
    for _ in range(5):
        advance(plan, s, k)
    assert not (s.live("type") == plan.types["CSC"]).any()


def test_a_marker_of_another_cancer_is_refused(small: Make) -> None:
    with pytest.raises(InputError, match="no marker of breast"):
        assemble(small({}, {"sort": {"gate": "THY1_high"}}), 1)


def test_a_gate_on_a_marker_before_cells_show_it_is_refused(small: Make) -> None:
    with pytest.raises(InputError, match="a day after placement"):
        assemble(small({}, {"sort": {"gate": "CD44_high"}, "from": "birth"}), 1)
    assemble(small({}, {"sort": {"gate": "CSC"}, "from": "birth"}), 1)


def test_measured_marker_cells_are_those_of_the_gate(walk: Walk, small: Make) -> None:
    plan, s = walk(small(MANY), SETTLED)
    row = measure(plan, s)
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    for marker in plan.model.markers:
        high = gate(plan, marker).high(s)
        alive = s.live("state") == ALIVE
        assert row[f"cells.{marker.id}_high"] == float((high & tumour & alive).sum())
    stem = row["cells.CSC"]
    assert stem > 100
    assert row["cells.CD44_high"] == pytest.approx(stem, rel=0.3)
    for name in ("PROM1", "ALDH", "side_population"):
        assert 0.2 * stem < row[f"cells.{name}_high"] < 3.0 * stem, name


def test_cells_put_in_are_there_and_counted(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small({}, {"transfer": "CSC", "cells": 40}), 0)
    stem = plan.types["CSC"]
    before, flux = int((s.live("type") == stem).sum()), s["flux"].copy()
    next(p for p in plan.processes if p.name == "transfer").run(s, moment(s), k)
    mine = np.flatnonzero(s.live("type") == stem)
    assert len(mine) == before + 40
    assert s["transferred"][stem] == s["flux"][FLUX.index("traffic")] - flux[-1] == 40
    assert s["stemness"][mine].min() > plan.parameter("stemness.high")
    assert len(set(s["key"][mine].tolist())) == len(mine)
    box = np.array(plan.grid.size)
    for axis, length in zip("xyz", box, strict=True):
        assert (s[axis][mine] > 0).all()
        assert (s[axis][mine] < length).all()
