"""How fast T and NK cells go: who stops at targets, and what holds T cells back in the stroma."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine import drives
from stemniche.engine.plan import Plan
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

REST = {
    "engagement": 0.0,
    "activity": 0.3,
    "contact.macrophage": 0.0,
    "matrix_density": 1.0,
}


@pytest.fixture(scope="module")
def plan(small: Callable[..., Scenario]) -> Plan:
    """A tissue with T cells, NK cells and macrophages."""
    return assemble(small({"tissue": {"CD4": 5, "CD8": 5, "NK": 5, "macrophage": 5}}), 1).plan


def speed(plan: Plan, cell: str, **signals: float) -> float:
    """Migration speed, um/min, of a cell that senses this; all else as at rest."""
    sensed = REST | {name.replace("__", "."): value for name, value in signals.items()}
    drive = plan.drives[cell, "migration_speed"]
    return float(drives.value(drive, lambda name: np.float64(sensed[name])))


def test_t_cells_stop_at_targets_while_they_are_active(plan: Plan) -> None:
    assert speed(plan, "CD8") == pytest.approx(4.0)
    assert speed(plan, "CD8", engagement=1.0) < 0.3 * speed(plan, "CD8")
    assert speed(plan, "CD8", engagement=1.0, activity=0.03) > 0.8 * speed(plan, "CD8")


def test_nk_cells_attack_in_passing(plan: Plan) -> None:
    assert plan.trait("kill_rate")[plan.types["NK"]] > 0.0
    assert ("NK", "migration_speed") not in plan.drives


def test_macrophages_and_dense_matrix_hold_t_cells(plan: Plan) -> None:
    assert speed(plan, "CD8", contact__macrophage=2.0) < 0.6 * speed(plan, "CD8")
    for cell in ("CD4", "CD8", "Treg"):
        assert speed(plan, cell, matrix_density=4.0) < 0.6 * speed(plan, cell)
