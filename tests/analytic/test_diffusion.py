"""Exact solutions of steady diffusion with removal, and the order at which they are approached.

Unless said otherwise D = 1e5 um^2/min, removal 10.1/min, hence a length of 99.504 um, and 38 mmHg
at the boundary: oxygen in dense tissue.
"""

from typing import Any

import numpy as np
import pytest
from scipy.special import i0, i1, k0, k1

from stemniche.kernels.fields import FieldProblem, advance

D, LOSS, P0 = 1e5, 10.1, 38.0
LENGTH = np.sqrt(D / LOSS)
Shape = tuple[int, int, int]


def steady(shape: Shape, spacing: float, *, calls: int = 2, **given: Any) -> np.ndarray:
    """Return the steady level of one substance; `calls` solutions in a row."""
    zero = np.zeros((1, *shape), np.float32)
    settings: dict[str, Any] = {
        "diffusivity": [D],
        "decay": [LOSS],
        "supply": zero,
        "sink": zero,
        "quasi_steady": [True],
    }
    problem = FieldProblem(spacing=spacing, **(settings | given))
    levels = np.full((1, *shape), P0, np.float32)
    for _ in range(calls):
        advance(levels, problem, 6.0, True, 1e-6, 300)
    return levels[0].astype(float)


def centres(count: int, spacing: float) -> np.ndarray:
    return (np.arange(count) + 0.5) * spacing


def depth_of(level: float, levels: np.ndarray, at: np.ndarray) -> float:
    """Return where a monotonic profile crosses a level."""
    order = np.argsort(levels)
    return float(np.interp(level, levels[order], at[order]))


def octant(radius: float, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return distances from the centre in one octant, and the voxels outside the sphere."""
    x = centres(int(radius / spacing) + 2, spacing)
    distance = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    return distance, distance > radius


def ratios(errors: list[float]) -> np.ndarray:
    return np.array(errors[:-1]) / np.array(errors[1:])


def test_oxygen_falls_off_exponentially_behind_a_flat_surface() -> None:
    """C1: p = p0 exp(-x/L) in a half space; depths of 15, 10, 5 and 2.5 mmHg."""
    h = 4.0
    levels = steady((1, 1, 500), h, wall_kind=[1], wall_value=[P0])[0, 0, :250]
    x = centres(250, h)
    for level, depth in [(15, 92.49), (10, 132.84), (5, 201.81), (2.5, 270.78)]:
        at = np.exp(depth_of(np.log(level), np.log(levels), np.log(x)))
        assert at == pytest.approx(depth, rel=5e-3)


@pytest.mark.parametrize(
    ("half", "middle"), [(100, 24.533), (200, 10.004), (300, 3.719), (400, 1.364)]
)
def test_the_middle_of_a_slab_has_the_level_of_the_hyperbolic_cosine(
    half: float, middle: float
) -> None:
    """C2: p = p0 cosh(x/L) / cosh(h/L) in a slab of half thickness h."""
    count = 81
    levels = steady((1, 1, count), 2 * half / count, wall_kind=[1], wall_value=[P0])
    assert levels[0, 0, count // 2] == pytest.approx(middle, rel=2e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_fixed_walls_are_approached_with_second_order_along_each_axis(axis: int) -> None:
    """C2, order: a quarter of the voxel's error with half its edge."""
    errors = []
    for count in (20, 40, 80, 160):
        h = 400.0 / count
        shape = [1, 1, 1]
        shape[axis] = count
        levels = steady((shape[0], shape[1], shape[2]), h, wall_kind=[1], wall_value=[P0]).ravel()
        exact = P0 * np.cosh((centres(count, h) - 200) / LENGTH) / np.cosh(200 / LENGTH)
        errors.append(np.sqrt(np.mean((levels - exact) ** 2)))
    assert ratios(errors) == pytest.approx(4.0, rel=0.1)


def test_far_field_walls_are_approached_with_second_order() -> None:
    """C2 with walls that relax to the level beyond, order."""
    far, errors = 150.0, []
    for count in (20, 40, 80, 160):
        h = 400.0 / count
        levels = steady((1, 1, count), h, wall_kind=[2], wall_value=[P0], wall_length=[far])
        rise = np.cosh(200 / LENGTH) + far / LENGTH * np.sinh(200 / LENGTH)
        exact = P0 * np.cosh((centres(count, h) - 200) / LENGTH) / rise
        errors.append(np.sqrt(np.mean((levels[0, 0] - exact) ** 2)))
    assert ratios(errors) == pytest.approx(4.0, rel=0.1)


def test_smoothly_varying_hindrance_is_approached_with_second_order() -> None:
    """Order where the diffusivity varies."""
    width, errors = 400.0, []
    for count in (20, 40, 80):
        x = centres(count, width / count)
        wave = np.pi * x / width
        share = 0.6 + 0.3 * np.cos(wave)
        exact = 20 + 10 * np.cos(wave)
        slope, bend = -10 * np.pi / width * np.sin(wave), -10 * (np.pi / width) ** 2 * np.cos(wave)
        supply = LOSS * exact - D * (share * bend - 0.3 * np.pi / width * np.sin(wave) * slope)
        levels = steady(
            (1, 1, count),
            width / count,
            supply=supply.reshape(1, 1, 1, count),
            hindrance=share.reshape(1, 1, count),
        )
        errors.append(np.abs(levels[0, 0] - exact).max())
    assert ratios(errors) == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("share", [0.1, 0.4, 1.4])
def test_two_layers_of_unlike_diffusivity_share_level_and_flux_where_they_meet(
    share: float,
) -> None:
    """A slab with a hindered layer of 100 um below a free one of 100 um, fixed level on top."""
    count, h = 200, 1.0
    x = centres(count, h)
    below = x > 100.0
    levels = steady(
        (1, 1, 2 * count),
        h,
        hindrance=np.concatenate(
            [np.where(below, share, 1.0), np.where(below, share, 1.0)[::-1]]
        ).reshape(1, 1, -1),
        wall_kind=[1],
        wall_value=[P0],
    )[0, 0, :count]
    near, far = LENGTH, LENGTH * np.sqrt(share)
    # a cosh(x/near) + b sinh(x/near) above, c cosh((200 - x)/far) below.
    cosh, sinh, inner = np.cosh(100 / near), np.sinh(100 / near), np.tanh(100 / far)
    falls = share * near / far * inner
    b = -P0 * (sinh + falls * cosh) / (cosh + falls * sinh)
    meet = P0 * cosh + b * sinh
    exact = np.where(
        below,
        meet * np.cosh((200 - x) / far) / np.cosh(100 / far),
        P0 * np.cosh(x / near) + b * np.sinh(x / near),
    )
    np.testing.assert_allclose(levels, exact, rtol=2e-3)


@pytest.mark.parametrize("shape", [(1, 1, 1), (0, 1, 1), (1, 1, 0)])
def test_a_cosine_between_no_flux_walls_is_approached_with_second_order(shape: Shape) -> None:
    """C7, order in 1-D, 2-D and 3-D."""
    errors = []
    for count in (8, 16, 32):
        h = 300.0 / count
        x = centres(count, h)
        size = tuple(count if used else 1 for used in shape)
        exact, modes = np.ones(size), 0
        for axis, used in enumerate(shape):
            if used:
                line = [1, 1, 1]
                line[axis] = count
                exact = exact * np.cos(np.pi * (axis + 1) * x / 300.0).reshape(line)
                modes += (axis + 1) ** 2
        supply = LOSS * 50 + (LOSS + D * modes * (np.pi / 300) ** 2) * 20 * exact
        levels = steady((size[0], size[1], size[2]), h, supply=supply[None])
        errors.append(np.abs(levels - 50 - 20 * exact).max())
    assert ratios(errors) == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize(("radius", "centre"), [(150, 26.682), (250, 15.582), (400, 5.487)])
def test_a_sphere_with_linear_uptake_has_the_level_of_the_hyperbolic_sine(
    radius: float, centre: float
) -> None:
    """C3: p = p0 R sinh(r/L) / (r sinh(R/L)); the surface is a staircase of voxels."""
    h = 10.0
    distance, outside = octant(radius, h)
    levels = steady(outside.shape, h, fixed=outside, fixed_value=[P0])
    exact = P0 * radius * np.sinh(distance / LENGTH) / (distance * np.sinh(radius / LENGTH))
    assert levels[0, 0, 0] == pytest.approx(centre, rel=0.03)
    inside = distance < radius - 2 * h
    np.testing.assert_allclose(levels[inside], exact[inside], rtol=0.04)


def test_a_staircase_sphere_converges_with_its_voxels() -> None:
    """C3, order: first, as the surface is off by a share of a voxel."""
    errors = []
    for parts in (8, 16, 32):
        distance, outside = octant(250.0, 250.0 / parts)
        levels = steady(outside.shape, 250.0 / parts, fixed=outside, fixed_value=[P0], calls=1)
        exact = P0 * 250 * np.sinh(distance / LENGTH) / (distance * np.sinh(250 / LENGTH))
        inside = distance < 150
        errors.append(np.sqrt(np.mean((levels - exact)[inside] ** 2)))
    assert errors[2] < 0.35
    assert errors[0] > 1.5 * errors[1] > 2.25 * errors[2]


ZERO_ORDER = {"diffusivity": [1.2e5], "decay": [0.0], "mm_index": [0]}
RATE = 1326.1


def saturable(shape: Shape, rate: float, half: float) -> dict[str, Any]:
    return ZERO_ORDER | {"mm_vmax": np.full((1, *shape), rate), "mm_km": [half]}


@pytest.mark.parametrize(("level", "depth"), [(100, 134.53), (160, 170.17), (15.2, 52.45)])
def test_uptake_of_zero_order_exhausts_a_slab_at_the_parabolic_depth(
    level: float, depth: float
) -> None:
    """C4: p = p0 (1 - x/d)^2 with d = sqrt(2 D p0 / q)."""
    h = depth / 80
    shape = (1, 1, 400)
    given = saturable(shape, RATE, 1e-3 * level)
    levels = steady(shape, h, wall_kind=[1], wall_value=[level], calls=4, **given)[0, 0, :200]
    x = centres(200, h)
    exact = level * np.clip(1 - x / depth, 0, None) ** 2
    np.testing.assert_allclose(levels, exact, atol=5e-3 * level)
    assert depth_of(0.04 * level, levels, x) == pytest.approx(0.8 * depth, rel=0.015)


def test_a_sphere_of_zero_order_empties_at_the_critical_radius() -> None:
    """C4: no core up to R = sqrt(6 D p0 / q) = 233 um, p = p0 - (q/6D)(R^2 - r^2)."""
    for radius, empty in [(200.0, False), (260.0, True)]:
        distance, outside = octant(radius, radius / 25)
        given = saturable(outside.shape, RATE, 0.05)
        levels = steady(
            outside.shape, radius / 25, fixed=outside, fixed_value=[100.0], calls=4, **given
        )
        if empty:
            assert levels[0, 0, 0] < 1.0
        else:
            exact = 100 - RATE / 7.2e5 * (radius**2 - distance**2)
            inside = distance < radius - 2 * radius / 25
            np.testing.assert_allclose(levels[inside], exact[inside], atol=3.0)


@pytest.mark.parametrize(("radius", "core"), [(300.0, 129.2), (400.0, 243.5)])
def test_beyond_the_critical_radius_the_core_is_empty_and_the_rim_parabolic(
    radius: float, core: float
) -> None:
    """C4: p = p0 - (q/6D)(R^2 - r^2) + (q/3D) Rn^3 (1/r - 1/R), Rn from p = p' = 0 there.

    The surface of the voxels is off by up to half of one, and with it the level.
    """
    h = radius / 40
    distance, outside = octant(radius, h)
    given = saturable(outside.shape, RATE, 0.05)
    levels = steady(outside.shape, h, fixed=outside, fixed_value=[100.0], calls=4, **given)
    curve, r = RATE / 7.2e5, np.maximum(distance, core)
    exact = 100 - curve * (radius**2 - r**2) + 2 * curve * core**3 * (1 / r - 1 / radius)
    slope = 2 * curve * (radius - core**3 / radius**2)
    inside = distance < radius - 2 * h
    np.testing.assert_allclose(levels[inside], exact[inside], atol=0.5 * h * slope)
    empty = (6.0 / np.pi * (levels < 0.2).sum()) ** (1 / 3) * h
    assert empty == pytest.approx(core, abs=h)


@pytest.mark.parametrize(("radius", "half", "centre"), [(200.0, 1.0, 27.94), (250.0, 1.0, 0.168)])
def test_the_centre_of_a_sphere_with_saturable_uptake_has_its_exact_level(
    radius: float, half: float, centre: float
) -> None:
    """C5: the boundary of the voxels is off by less than half of one, 2 (p0 - p) / R each."""
    h = radius / 40
    distance, outside = octant(radius, h)
    given = saturable(outside.shape, RATE, half)
    levels = steady(outside.shape, h, fixed=outside, fixed_value=[100.0], calls=4, **given)
    assert levels[0, 0, 0] == pytest.approx(centre, abs=0.5 * h * 2 * (100 - centre) / radius)


@pytest.mark.parametrize(
    ("radius", "surface", "half", "level", "at"),
    [
        (300, 100.0, 1.0, 2.5, 137.2),
        (300, 100.0, 1.0, 10.0, 168.4),
        (300, 38.0, 1.0, 10.0, 247.9),
        (300, 100.0, 2.5, 2.5, 120.8),
    ],
)
def test_a_sphere_with_saturable_uptake_has_its_isobars_where_the_exact_solution_has_them(
    radius: float, surface: float, half: float, level: float, at: float
) -> None:
    """C5: uptake q p / (Km + p); radii of isobars from the solved boundary value problem."""
    h = radius / 30
    distance, outside = octant(radius, h)
    given = saturable(outside.shape, RATE, half)
    levels = steady(outside.shape, h, fixed=outside, fixed_value=[surface], calls=4, **given)
    near = (distance > at - 2.5 * h) & (distance < at + 2.5 * h)
    line = np.polyfit(distance[near], np.log(levels[near]), 2)
    radii = np.linspace(at - 2 * h, at + 2 * h, 400)
    found = radii[np.argmin(np.abs(np.polyval(line, radii) - np.log(level)))]
    assert found == pytest.approx(at, abs=0.6 * h)


@pytest.mark.parametrize(("outer", "corner"), [(50, 30.83), (100, 15.99), (150, 7.53)])
def test_a_vessel_feeds_its_cylinder_as_krogh_and_bessel_say(outer: float, corner: float) -> None:
    """C6: linear uptake round a vessel of 5 um, no flux at Rt: I0 K1(Rt) + K0 I1(Rt)."""
    h = 1.25
    x = centres(int(outer / h) + 1, h)
    distance = np.sqrt(x[:, None] ** 2 + x**2)[None]
    levels = steady(
        distance.shape,
        h,
        fixed=distance < 5.0,
        fixed_value=[P0],
        hindrance=np.where(distance < outer, 1.0, 0.0),
    )
    radius, a = np.clip(distance, 5.0, outer) / LENGTH, outer / LENGTH
    falling = i0(radius) * k1(a) + k0(radius) * i1(a)
    exact = P0 * falling / (i0(5 / LENGTH) * k1(a) + k0(5 / LENGTH) * i1(a))
    inside = (distance > 8) & (distance < outer)
    np.testing.assert_allclose(levels[inside], exact[inside], rtol=0.03)
    rim = (distance > outer - 2 * h) & (distance < outer)
    assert levels[rim].mean() == pytest.approx(corner, rel=0.03)


@pytest.mark.parametrize(("inside", "lethal"), [(40, 60.27), (70, 75.58), (100, 87.50)])
def test_a_vessel_whose_cylinder_consumes_at_zero_order_leaves_its_corner_empty(
    inside: float, lethal: float
) -> None:
    """C6, Krogh and Erlang: P = Pc + (q/4D)(r^2 - Rc^2) - (q Rt^2/2D) ln(r/Rc), 0 at its Rt."""
    h = 0.625
    x = centres(int(lethal / h) + 1, h)
    distance = np.sqrt(x[:, None] ** 2 + x**2)[None]
    levels = steady(
        distance.shape,
        h,
        fixed=distance < 5.0,
        fixed_value=[inside],
        hindrance=np.where(distance < lethal, 1.0, 0.0),
        calls=4,
        **saturable(distance.shape, RATE, 0.02),
    )
    r = np.clip(distance, 5.0, lethal)
    exact = inside + RATE / 4.8e5 * (r**2 - 25.0)
    exact -= RATE * lethal**2 / 2.4e5 * np.log(r / 5.0)
    tissue = (distance > 7.0) & (distance < lethal - 2 * h)
    np.testing.assert_allclose(levels[tissue], exact[tissue], rtol=0.03, atol=0.01 * inside)
    corner = (distance > lethal - 3 * h) & (distance < lethal)
    assert levels[corner].mean() < 0.02 * inside


def test_a_vessel_alone_reaches_as_far_as_the_bessel_function() -> None:
    """C6: p = p0 K0(r/L) / K0(Rc/L) round a vessel in endless tissue."""
    h = 0.625
    x = centres(640, h)
    distance = np.sqrt(x[:, None] ** 2 + x**2)[None]
    levels = steady(distance.shape, h, fixed=distance < 5.0, fixed_value=[P0])[0]
    order = np.argsort(distance.ravel())
    for level, at in [(15, 35.0), (5, 101.5)]:
        found = np.interp(-level, -levels.ravel()[order], distance.ravel()[order])
        assert found == pytest.approx(at, rel=0.03)


@pytest.mark.parametrize(("dimensions", "reach"), [(2, 174.0), (3, 174.0), (2, 390.0)])
def test_a_steady_point_source_has_the_profile_of_its_greens_function(
    dimensions: int, reach: float
) -> None:
    """C7: S exp(-r/L) / (4 pi D r) in 3-D, S K0(r/L) / (2 pi D) in 2-D."""
    h, count = reach / 8, 61 if dimensions == 3 else 121
    diffusivity = 5e3
    shape = (count if dimensions == 3 else 1, count, count)
    middle = tuple(n // 2 for n in shape)
    supply = np.zeros((1, *shape), np.float32)
    supply[(0, *middle)] = 100.0
    levels = steady(
        shape, h, diffusivity=[diffusivity], decay=[diffusivity / reach**2], supply=supply
    )
    axes = np.meshgrid(*[(np.arange(n) - m) * h for n, m in zip(shape, middle, strict=True)],
                       indexing="ij")  # fmt: skip
    distance = np.sqrt(sum(a**2 for a in axes))
    strength = 100.0 * h ** (3 if dimensions == 3 else 2)
    near = (distance > 5 * h) & (distance < 1.8 * reach)
    r = distance[near]
    if dimensions == 3:
        exact = strength * np.exp(-r / reach) / (4 * np.pi * diffusivity * r)
    else:
        exact = strength * k0(r / reach) / (2 * np.pi * diffusivity)
    np.testing.assert_allclose(levels[near], exact, rtol=0.02)
