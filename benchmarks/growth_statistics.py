"""Make docs/growth.md and docs/growth.png: ``python benchmarks/growth_statistics.py``, 10 minutes.

Does growth slow down, and is it supply that slows it? Thirty small balls of tumour cells grow in
three dimensions under little oxygen, each with hosts and lines of its own, and a Gompertz curve is
fitted to each. Three of them grow again in a box twice as wide, and under plenty of oxygen. No
capacity is written anywhere. Only the shape is compared with the published curves: subcutaneous and
orthotopic tumours start otherwise and grow far larger.

Published: fits to 20 mice with LLC and 66 with LM2-4LUC+ cells, data of Benzekry 2014 PLoS Comput
Biol 10:e1003800 doi:10.1371/journal.pcbi.1003800, and Vaghi 2020 PLoS Comput Biol 16:e1007178
doi:10.1371/journal.pcbi.1007178.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import curve_fit

import stemniche as sn

SEEDS = range(1, 31)
AGAIN = (1, 2, 3)
"""Seeds that are run in the other two surroundings as well."""

SPREAD = 0.2
"""Standard deviation of the logarithms of what differs between hosts and lines."""

DRAWN = {
    "environment.oxygen": (30.0, "mmHg"),
    "parameters.oxygen.respiration": (930.0, "mmHg/min"),
    "parameters.tumour.cycle_rate": (1.18, "1/d"),
}
"""What differs, and its median: oxygen round the ball, respiration, rate of the cycle."""

SCENARIO: dict[str, Any] = {
    "days": 8,
    "sample_every": "12 h",
    "tumour.cells": 150,
    "measures": ["tumour_cells", "hypoxic_fraction"],
}
NARROW, WIDE = "360 um", "720 um"
PLENTY = {"environment.oxygen": "150 mmHg", "parameters.medium.resistance": 0}
PUBLISHED = (("LLC in mice", 0.743, 0.079, 0.97), ("LM2-4LUC+ in mice", 0.544, 0.069, 0.97))
DOCS = Path(__file__).resolve().parent.parent / "docs"

Curve = tuple[Any, Any]
"""Days, live tumour cells."""


def host(seed: int) -> dict[str, str]:
    """Draw the host and the line of one seed."""
    fold = np.exp(SPREAD * np.random.default_rng(seed).standard_normal(len(DRAWN)))
    return {
        path: f"{median * f:.4g} {unit}"
        for (path, (median, unit)), f in zip(DRAWN.items(), fold, strict=True)
    }


def grow(seed: int, box: str, changes: Mapping[str, Any]) -> Curve:
    """Grow one ball."""
    domain = {"domain.size": [box, box], "domain.depth": box}
    scenario = sn.load_scenario("spheroid").change(SCENARIO | domain | host(seed))
    table = sn.simulate(scenario.change(dict(changes)), seed, threads=1).table
    return table["time_d"].to_numpy(), table["tumour_cells"].to_numpy(dtype=float)


def gompertz(days: Any, alpha: float, beta: float, start: float) -> Any:
    """Logarithm of the size: ``start + alpha / beta (1 - exp(-beta t))``."""
    return start - alpha * np.expm1(-beta * days) / beta


def fitted(curve: Curve) -> tuple[float, float]:
    """Return alpha and beta, 1/d, of the curve from the first day on: cells settle before."""
    days, log = curve[0] - 1.0, np.log(curve[1])
    settled = days >= 0.0
    begin = (0.4, 0.05, float(log[settled][0]))
    found, _ = curve_fit(gompertz, days[settled], log[settled], begin)
    return float(found[0]), float(found[1])


def main() -> None:
    """Run, fit, draw, write."""
    curves = {seed: grow(seed, NARROW, {}) for seed in SEEDS}
    wide = {seed: grow(seed, WIDE, {}) for seed in AGAIN}
    plenty = {seed: grow(seed, NARROW, PLENTY) for seed in AGAIN}
    fits = np.array([fitted(curve) for curve in curves.values()])
    _picture(curves, wide, plenty, fits)
    (DOCS / "growth.md").write_text(_page(curves, wide, plenty, fits), encoding="utf-8")


def _interval(fits: Any, statistic: Callable[[Any], float]) -> tuple[float, float]:
    """Percentile interval (95 %) over tumours drawn anew."""
    rng = np.random.default_rng(1)
    draws = [statistic(fits[rng.integers(0, len(fits), len(fits))]) for _ in range(2000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def _together(fits: Any) -> float:
    return float(np.corrcoef(fits[:, 0], fits[:, 1])[0, 1])


def _rates(curve: Curve) -> tuple[float, float]:
    """Growth, 1/d, over the second and over the last day."""
    days, cells = curve
    log = np.log(cells)
    early = np.interp(2.0, days, log) - np.interp(1.0, days, log)
    return float(early), float(log[-1] - np.interp(days[-1] - 1.0, days, log))


def _page(
    curves: Mapping[int, Curve],
    wide: Mapping[int, Curve],
    plenty: Mapping[int, Curve],
    fits: Any,
) -> str:
    """The page as Markdown."""
    beta = fits[:, 1]
    low, high = _interval(fits, lambda f: float(f[:, 1].mean()))
    last = max(cells[-1] for _, cells in curves.values())
    rows = [
        f"| {len(fits)} simulated balls | {_quartiles(fits[:, 0])} | {_quartiles(beta)} | "
        f"{_together(fits):.2f} ({', '.join(f'{x:.2f}' for x in _interval(fits, _together))}) |",
        *(f"| {name} | {a} | {b} | {c} |" for name, a, b, c in PUBLISHED),
    ]
    again = [_again(seed, curves[seed], wide[seed], plenty[seed]) for seed in AGAIN]
    return "\n".join(
        (
            "# Growth slows because of supply",
            "",
            "`python benchmarks/growth_statistics.py` makes this page: "
            f"{len(fits)} balls of tumour cells in three dimensions, at most {last:.0f} cells, in "
            "still medium with little oxygen. Cells differ in heritable factors; oxygen, "
            f"respiration and the rate of the cycle differ between balls (log-normal, {SPREAD}). "
            "No capacity is written anywhere. Only the shape is compared: the published tumours "
            "are thousands of times larger.",
            "",
            "![Growth curves, and the two rates of each](growth.png)",
            "",
            "Gompertz rates, median (quartiles), and their correlation (95 % interval):",
            "",
            "| | alpha, 1/d | beta, 1/d | correlation of alpha and beta |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Mean beta {beta.mean():.3f} 1/d (95 % interval {low:.3f} to {high:.3f}); beta is "
            f"above 0 in {int((beta > 0).sum())} of {len(beta)}. A fit of two rates to one curve "
            "ties them to each other by itself: their correlation, weaker here than between mice, "
            "says less than the sign of beta.",
            "",
            "## Supply, not the box",
            "",
            "| seed | cells on the last day | in a box twice as wide | growth over the second day, "
            "1/d | over the last day | the same two with plenty of oxygen |",
            "|---|---|---|---|---|---|",
            *again,
            "",
        )
    )


def _quartiles(values: Any) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.3f} ({low:.3f}, {high:.3f})"


def _again(seed: int, curve: Curve, wide: Curve, plenty: Curve) -> str:
    """Row of one seed in three surroundings."""
    early, late = _rates(curve)
    first, then = _rates(plenty)
    return (
        f"| {seed} | {curve[1][-1]:.0f} | {wide[1][-1]:.0f} | {early:.2f} | {late:.2f} | "
        f"{first:.2f}, {then:.2f} |"
    )


def _picture(
    curves: Mapping[int, Curve],
    wide: Mapping[int, Curve],
    plenty: Mapping[int, Curve],
    fits: Any,
) -> None:
    """Draw the curves and the rates."""
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    growth, rates = figure.subplots(1, 2)
    drawn: Sequence[tuple[Mapping[int, Curve], Any, str]] = (
        (curves, {"color": "0.75", "linewidth": 0.8}, "little oxygen"),
        (wide, {"color": "tab:blue", "linestyle": "--"}, "box twice as wide"),
        (plenty, {"color": "tab:red"}, "plenty of oxygen"),
    )
    for group, style, label in drawn:
        for number, (days, cells) in enumerate(group.values()):
            growth.plot(days, cells, label=label if number == 0 else None, **style)
    growth.set(yscale="log", xlabel="time, d", ylabel="live tumour cells")
    growth.legend(frameon=False)
    rates.plot(fits[:, 0], fits[:, 1], "o", color="0.4", label="simulated")
    for name, alpha, beta, _ in PUBLISHED:
        rates.plot(alpha, beta, "*", markersize=12, label=name)
    rates.axhline(0.0, color="0.8", linewidth=0.8)
    rates.set(xlabel="alpha, 1/d", ylabel="beta, 1/d")
    rates.legend(frameon=False)
    figure.savefig(DOCS / "growth.png", dpi=110)


if __name__ == "__main__":
    main()
