"""C6 and C7 in the engine: one vessel, one cell, and the books of a factor."""

from math import pi

import numpy as np
import pytest
from scipy.special import k0

from stemniche.engine.process import TICK_MIN
from stemniche.engine.processes import transport
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.spec.model import Secretion, Uptake

from .bare_tissue import Tissue, bare, substance

FLAT, DEEP = (1, 61, 61), (41, 41, 41)


def releasing(
    shape: tuple[int, int, int], spacing: float, diffusivity: float, decay: float
) -> Tissue:
    """One cell in the middle that releases 1000 molecules/min."""
    tissue = bare(
        {"MSC": {}},
        {"MSC": 1},
        shape=shape,
        spacing=spacing,
        factors=(substance("S", diffusivity, decay),),
        secretions=(Secretion(row="s", cell="MSC", factor="S", rate=1000.0, node=None),),
    )
    for axis, size in zip("xyz", tissue.plan.grid.size, strict=True):
        tissue.state.live(axis)[:] = size / 2
    return tissue.run(1, ("canon",))


def apart(tissue: Tissue) -> np.ndarray:
    """Distance of every voxel from the middle one, um."""
    sides = (np.arange(n) - n // 2 for n in tissue.plan.grid.shape)
    axes = np.meshgrid(*sides, indexing="ij")
    return tissue.plan.grid.spacing * np.sqrt(sum(a**2 for a in axes))


@pytest.mark.parametrize(("shape", "reach"), [(FLAT, 174.0), (FLAT, 389.0), (DEEP, 174.0)])
def test_a_cell_that_releases_a_factor_makes_its_greens_function(
    shape: tuple[int, int, int], reach: float
) -> None:
    """C7: S exp(-r/L) / (4 pi D r) in 3-D, S K0(r/L) / (2 pi D) in 2-D, reached in time."""
    spacing, diffusivity = reach / 6, 6000.0
    tissue = releasing(shape, spacing, diffusivity, diffusivity / reach**2)
    tissue.run(round(12 * reach**2 / diffusivity / TICK_MIN) + 2, ("transport",))
    field, r = tissue.state["fields"][0].astype(float), apart(tissue)
    near = (r > 3 * spacing) & (r < 1.5 * reach)
    if shape is FLAT:
        exact = 1000.0 / spacing / NANOMOLAR * k0(r[near] / reach) / (2 * pi * diffusivity)
    else:
        exact = 1000.0 / NANOMOLAR * np.exp(-r[near] / reach) / (4 * pi * diffusivity * r[near])
    np.testing.assert_allclose(field[near], exact, rtol=0.04)


@pytest.mark.parametrize("shape", [FLAT, DEEP])
def test_the_content_of_the_box_is_what_was_released_less_what_decayed(
    shape: tuple[int, int, int],
) -> None:
    """C7: dM/dt = S - k M between closed walls, by backward Euler from solution to solution.

    One small source in a wide box: the residual that the solver leaves is small everywhere, but
    there is much room for it. Levels are single precision, hence 1e-6.
    """
    decay = 0.01
    tissue = releasing(shape, 20.0, 3000.0, decay)
    volume, content, minutes, solved = tissue.plan.grid.voxel_volume, 0.0, 0.0, 0
    for _ in range(120):
        tissue.run(1, ("transport",))
        minutes += TICK_MIN
        if tissue.state["field_age"][0] == 0.0:
            content = (content + 1000.0 / NANOMOLAR * minutes) / (1 + decay * minutes)
            found = tissue.state["fields"].sum(dtype=np.float64) * volume
            assert found == pytest.approx(content, rel=2e-6)
            minutes, solved = 0.0, solved + 1
    assert solved > 10


def test_a_vessel_alone_feeds_the_tissue_as_the_bessel_function_says() -> None:
    """C6: K0(r/L) from a perfused vessel by exchange with its voxel.

    The voxel has the level at a fifth of its edge (Peaceman 1978, doi:10.2118/6893-PA).
    """
    diffusivity, decay, spacing = 1e5, 10.1, 10.0
    tissue = bare(
        {},
        {},
        shape=(1, 101, 101),
        spacing=spacing,
        factors=(substance("S", diffusivity, decay, form="gas", unit="mmHg"),),
        parameters={"vessel.permeability.gas": 2000.0, "vessel.radius": 5.0},
    )
    tissue.state["perfusion"][101 * 50 + 50] = 1.0
    tissue.state["blood"][0] = 38.0
    tissue.run(4, ("transport",))
    field, r, reach = tissue.state["fields"][0].astype(float), apart(tissue), np.sqrt(1e5 / 10.1)
    rate = tissue.plan.exchange["S"]
    assert rate == pytest.approx(2 * pi * 5.0 * 2000.0 / spacing**2)
    flow = rate * spacing**2 * (38.0 - field[0, 50, 50])
    near = (r > 3 * spacing) & (r < 3 * reach)
    exact = flow * k0(r[near] / reach) / (2 * pi * diffusivity)
    np.testing.assert_allclose(field[near], exact, rtol=0.02, atol=0.01)
    at_vessel = flow * k0(0.198 * spacing / reach) / (2 * pi * diffusivity)
    assert field[0, 50, 50] == pytest.approx(at_vessel, rel=0.02)


def levels(reference: bool) -> np.ndarray:
    """Oxygen along a slice through a spheroid of cells in a medium of 38 mmHg, after an hour."""
    tissue = bare(
        {},
        {"tumour": 500},
        shape=(20, 20, 20),
        spacing=20.0,
        layout="ball",
        walls={"fixed": True},
        factors=(substance("S", 1e5, 0.1, form="gas", unit="mmHg", baseline=38.0),),
        uptakes=(Uptake(row="u", cell="CSC", factor="S", kind="first_order", rate=10.0, km=0.0),),
        reference=reference,
        tolerance=1e-5,
    )
    tissue.run(10, ("transport",))
    return tissue.state["fields"][0].astype(float)


def test_the_reference_mode_of_a_tissue_differs_by_the_first_order_of_its_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The split scheme of other programs has a bias that halves with its step of 0.01 min."""
    exact, errors = levels(False), []
    for step in (0.02, 0.01, 0.005):
        monkeypatch.setattr(transport, "REFERENCE_STEP_MIN", step)
        errors.append(np.abs(levels(True) - exact).max())
    assert 1.0 < errors[1] < 5.0
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.5)
    assert errors[1] / errors[2] == pytest.approx(2.0, abs=0.3)
