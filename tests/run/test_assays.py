"""Assays find the stem cells that are there, cost nothing unless named, and change nothing."""

from collections.abc import Callable
from math import exp

import numpy as np
import pytest

from stemniche.engine.chance import died_out
from stemniche.engine.plan import Plan
from stemniche.engine.state import APOPTOTIC, State
from stemniche.run.assays import assays, single_hit
from stemniche.run.measures import measure
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]
NAMED = ("sphere_fraction", "tic_frequency", "label_retention.CSC", "invasion_assay.CSC")


def assayed(walk: Walk, small: Make, stem: float, take: float = 0.1) -> dict[str, float]:
    plan, s = walk(
        small(
            {"tumour.csc_fraction": stem, "parameters": {"assay.take": take}, "tumour.cells": 400}
        ),
        1,
    )
    return dict(assays(plan, s, NAMED))


def test_spheres_and_grafts_rise_with_the_stem_cells(walk: Walk, small: Make) -> None:
    none, some, many = (assayed(walk, small, stem) for stem in (0.0, 0.1, 0.8))
    for name in ("sphere_fraction", "tic_frequency"):
        assert none[name] < some[name] < many[name], name
    assert none["tic_frequency"] == 0.0


def test_the_frequency_of_founders_is_that_of_stem_cells_that_take(walk: Walk, small: Make) -> None:
    """0.3 stem cells, all of which survive the injection; some lines die out later."""
    assert assayed(walk, small, 0.3, 1.0)["tic_frequency"] == pytest.approx(0.25, rel=0.5)


def test_limiting_dilution_finds_the_frequency_it_was_made_with() -> None:
    dice = np.random.default_rng(3)
    doses, wells = (10, 100, 1000), 96
    for wanted in (0.2, 0.01, 0.0005):
        taken = [int((dice.random(wells) > exp(-wanted * d)).sum()) for d in doses]
        assert single_hit(doses, (wells,) * 3, taken) == pytest.approx(wanted, rel=0.4)


def test_dilutions_without_an_answer_have_the_nearest() -> None:
    assert single_hit((1, 10), (6, 6), (0, 0)) == 0.0
    assert single_hit((1, 10), (6, 6), (6, 6)) == 1.0


def test_lines_die_out_as_in_the_exact_solution() -> None:
    """Case C13: 0.7 births against 0.5 deaths end in 0.714; equal rates in t / (1 + t)."""
    assert died_out(0.7, 0.5, 1e3) == pytest.approx(5 / 7, abs=1e-6)
    assert died_out(1.0, 1.0, 4.0) == pytest.approx(0.8, rel=1e-3)
    assert died_out(0.0, 0.5, 2.0) == pytest.approx(1 - exp(-1.0), rel=1e-6)


def test_an_assay_is_in_the_table_only_where_it_is_named(small: Make) -> None:
    short = {"days": 0.2, "sample_every": "0.1 d"}
    plain = simulate(small(short), 1, threads=1).table
    named = simulate(small(short | {"measures": list(NAMED)}), 1, threads=1).table
    assert not {*NAMED} & {*plain.columns}
    assert {*NAMED} <= {*named.columns}
    assert plain.equals(named[plain.columns])
    assert named["label_retention.CSC"].iloc[0] == 1.0


def test_a_label_halves_with_each_division(walk: Walk, hasty: Make) -> None:
    plan, s = walk(hasty(), 20)
    s.live("label")[:] = 1.0
    births = next(p for p in plan.processes if p.name == "births")
    from stemniche.engine.step import moment
    from stemniche.kernels.cpu import cpu

    s["dividing"][: s.n] = 0
    s["dividing"][:5] = 1
    n = s.n
    births.run(s, moment(s), cpu(1))
    born = s.n - n
    assert 0 < born <= 5
    assert sorted(s.live("label").tolist())[: 2 * born] == [0.5] * 2 * born


def test_depth_of_invasion_is_that_of_the_persistent_walk(walk: Walk, small: Make) -> None:
    """Against walkers that turn at random moments: the depth that a twentieth of them pass."""
    plan, s = walk(small(), 1)
    speed, keeps = 0.3, float(plan.trait("persistence")[plan.types["CSC"]])
    s["behaviours"][plan.behaviours["migration_speed"]] = speed
    dice, walkers = np.random.default_rng(5), 4000
    depth, left = np.zeros(walkers), np.full(walkers, 1440.0)
    while (left > 0.0).any():
        lasts = np.minimum(dice.exponential(keeps, walkers), left)
        depth += speed * lasts * np.cos(dice.uniform(0.0, 2.0 * np.pi, walkers))
        left -= lasts
    found = dict(assays(plan, s, ("invasion_assay.CSC", "invasion_assay.tumour")))
    assert found["invasion_assay.CSC"] == pytest.approx(np.percentile(abs(depth), 95.0), rel=0.05)
    s["behaviours"][plan.behaviours["migration_speed"]] = 2.0 * speed
    (faster,) = dict(assays(plan, s, ("invasion_assay.CSC",))).values()
    assert faster == pytest.approx(2.0 * found["invasion_assay.CSC"], rel=1e-6)
    s.live("state")[:] = APOPTOTIC
    assert dict(assays(plan, s, ("invasion_assay.CSC",))) == {"invasion_assay.CSC": 0.0}


def test_assays_leave_the_state_alone(walk: Walk, small: Make) -> None:
    plan, s = walk(small(), 1)
    before = s.snapshot()
    first, again = (dict(assays(plan, s, NAMED)) for _ in range(2))
    assert first == again
    assert not {*NAMED} & {*measure(plan, s)}
    assert [n for n, v in s.snapshot().items() if not np.array_equal(v, before[n])] == []
