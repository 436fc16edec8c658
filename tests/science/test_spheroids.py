"""A spheroid in three dimensions is built as published spheroids of WM983b are (cases V1 and V2).

Over an hour of one core: ``benchmarks/spheroid_melanoma.py`` prints the same day by day.
"""

import numpy as np
import pytest
from benchmarks.spheroid_melanoma import follow, onset

pytestmark = pytest.mark.slow

ONSET = 230.0
"""Radius at which a necrotic core first appears, um."""


@pytest.fixture(scope="module")
def days() -> list[tuple[int, float, float, float]]:
    """Day, R, phi and eta of one spheroid to the 18th day."""
    return list(follow(15, 1, {}))


def test_a_core_appears_at_the_published_radius(
    days: list[tuple[int, float, float, float]],
) -> None:
    assert onset(days) == pytest.approx(ONSET, abs=0.1 * ONSET)


def test_core_and_arrested_zone_lie_inside_one_another_and_widen(
    days: list[tuple[int, float, float, float]],
) -> None:
    _, radius, phi, eta = np.array(days).T
    assert (phi[eta > 0.0] > eta[eta > 0.0]).all()
    assert (np.diff(eta[eta > 0.0]) > -0.05).all()
    assert radius[-1] > radius[0]
