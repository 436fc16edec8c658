"""A thin slab whose faces meet is a piece of tissue that goes on and on."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

SLAB = {"domain.depth": "60 um", "walls.depth": "periodic", "tumour.cells": 240}


@pytest.fixture(scope="module")
def slab(walk: Walk, hasty: Make) -> tuple[Plan, State]:
    return walk(hasty(SLAB), 20)


def test_cells_stay_in_the_slab_and_touch_through_its_faces(slab: tuple[Plan, State]) -> None:
    _, state = slab
    z, ptr, idx = state.live("z"), state["touch_ptr"], state["touch_idx"]
    assert ((z >= 0.0) & (z < 60.0)).all()
    row = np.repeat(np.arange(state.n), np.diff(ptr))
    across = np.abs(z[row] - z[idx]) > 30.0
    assert across.sum() > 0.05 * len(idx)


def test_the_tumour_goes_through_the_slab(slab: tuple[Plan, State]) -> None:
    """A third of its cells in each third of the depth, within four standard errors."""
    plan, state = slab
    mine = plan.mask(["tumour"])[state.live("type")] == 1
    held = np.bincount((state.live("z")[mine] / 20.0).astype(int), minlength=3)
    assert held.sum() > 150
    np.testing.assert_allclose(held, held.sum() / 3, atol=4 * np.sqrt(held.sum() / 3))


def test_no_layer_of_the_slab_is_special(slab: tuple[Plan, State]) -> None:
    """Oxygen, drained by the tumour: layers differ by less than the tumour's dent in it."""
    plan, state = slab
    oxygen = state["fields"][plan.factors["oxygen"]]
    layers = oxygen.mean(axis=(1, 2))
    assert np.ptp(layers) < 0.1 * (oxygen.max() - oxygen.min())


def test_the_same_seed_gives_the_same_slab(
    slab: tuple[Plan, State], walk: Walk, hasty: Make
) -> None:
    _, state = slab
    _, again = walk(hasty(SLAB), 20)
    for name in ("x", "z", "key", "fields"):
        np.testing.assert_array_equal(
            state.live(name) if name != "fields" else state[name],
            again.live(name) if name != "fields" else again[name],
        )


def test_a_slice_cannot_be_periodic(small: Make) -> None:
    with pytest.raises(InputError, match="too thin|cannot be periodic"):
        small({"walls.depth": "periodic"})


def test_the_reference_solver_has_no_periodic_depth(small: Make) -> None:
    with pytest.raises(InputError, match="no periodic depth"):
        small(SLAB | {"numerics.fields": "reference"})
