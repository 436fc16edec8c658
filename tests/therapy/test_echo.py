"""The echo of therapy: damage speaks to the secretome with one gain, apart from whom it selects."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.engine.step import advance
from stemniche.kernels.cpu import Backend
from stemniche.run.measures import measure
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

OFF = {"parameters": {"damage.gain": 0}}


def damaged(make: Make, walk: Walk, k: Backend, level: float, changes: dict[str, Any]) -> Any:
    """Measures of a tissue a day after all cells got so much damage."""
    plan, s = walk(make({"tumour.cells": 300} | changes), 1)
    s.live("damage")[:] = level
    for _ in range(200):
        advance(plan, s, k)
    return measure(plan, s)


def test_all_that_damage_does_to_signals_has_one_weight() -> None:
    rows = [row for row in read_library().links if row.origin == "damage"]
    assert {row.to for row in rows} >= {"NFKB", "ROS", "vesicle_release"}
    assert {row.weight for row in rows} == {"damage.gain"}


def test_damage_rises_through_nfkb_and_ros_to_hif_tgfb1_and_cxcl8(
    walk: Walk, small: Make, k: Backend
) -> None:
    quiet, loud = (damaged(small, walk, k, level, {}) for level in (0.0, 5.0))
    for node in ("NFKB", "ROS", "HIF1A", "TGFB1_release", "CXCL8_expression", "vesicle_release"):
        assert loud[f"node.{node}.tumour"] > 1.05 * quiet[f"node.{node}.tumour"], node
    for factor in ("CXCL8", "TGFB1"):
        assert loud[f"factor.{factor}"] > 1.02 * quiet[f"factor.{factor}"], factor


def test_without_the_gain_damage_tells_nobody(walk: Walk, small: Make, k: Backend) -> None:
    quiet, loud = (damaged(small, walk, k, level, OFF) for level in (0.0, 5.0))
    assert {name for name in quiet if quiet[name] != loud[name]} <= {
        name for name in quiet if name.startswith("damage.")
    }


def test_selection_by_radiation_goes_on_without_the_gain(
    walk: Walk, small: Make, k: Backend
) -> None:
    """The same cells are hit as hard; only what the hit tell others is gone."""
    item = {"radiation": "3 Gy", "from": "6 min"}
    found = []
    for changes in ({}, OFF):
        plan, s = walk(small({"tumour.cells": 300} | changes, item), 2, prepared=0)
        order = np.argsort(s.live("key"))
        found.append(s.live("lesions")[order])
    np.testing.assert_array_equal(*found)
    assert found[0].any()


@pytest.mark.parametrize(("gain", "rises"), [(2, True), (0, False)])
def test_renewal_after_radiation_needs_the_gain(
    gain: int, rises: bool, walk: Walk, small: Make
) -> None:
    """Hit stem cells divide more symmetrically by way of NF-kB, the shift that enrichment needs."""
    shares = []
    for therapy in ((), ({"radiation": "4 Gy", "from": "1 h"},)):
        changes = {"tumour.cells": 300, "tumour.csc_fraction": 0.2}
        changes |= {"parameters": {"damage.gain": gain}}
        plan, s = walk(small(changes, *therapy), 150, prepared=0)
        shares.append(measure(plan, s)["symmetric_fraction"])
    assert (shares[1] > 1.05 * shares[0]) is rises
