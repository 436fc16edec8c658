"""Laboratory assays on a copy of the tumour: worked out at a sample, only when they are named.

Each plates cells of the moment into another world and follows their lineages there by the rules of
the model's own lineage, without space. They read the State, draw from random streams of their own
and never change what happens.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from stemniche.engine.chance import died_out
from stemniche.engine.plan import END, STEM, TRANSIT, Plan
from stemniche.engine.state import ALIVE, Array, State
from stemniche.kernels.cpu import stream

PLATED = 300
"""Cells of the tumour that are plated singly for spheres."""

DOSES, WELLS = (1, 10, 100, 1000), 240
"""Cells per graft of a limiting dilution, and grafts of each dose: ten times what animals allow, as
an estimate from two dozen scatters by a third."""

INVADING_MIN, FARTHEST = 1440.0, 0.05
"""How long cells invade a gel, min, and the share of them whose depth is told."""

STEP_MIN = 240.0
"""Step in which plated lineages are followed, min."""


@dataclass(frozen=True, slots=True)
class Founders:
    """The living tumour cells from which an assay draws.

    Args:
        cells: Their places in the State.
        stem: Whether each is a stem cell.
        division: 1/min, rate of whole divisions (the cycle's fixed phases included).
        symmetric, death: Share of symmetric divisions, and 1/min, apoptosis.
    """

    cells: Array
    stem: Array
    division: Array
    symmetric: Array
    death: Array

    @classmethod
    def of(cls, plan: Plan, s: State) -> "Founders":
        """Find them and what they do just now."""
        kind = s.live("type")
        cells = np.flatnonzero((plan.mask(["tumour"])[kind] == 1) & (s.live("state") == ALIVE))
        own = kind[cells]

        def row(name: str) -> Array:
            return s["behaviours"][plan.behaviours[name], cells].astype(np.float64)

        fixed = (plan.trait("s_duration") + plan.trait("g2m_duration"))[own]
        rate = row("cycle_rate") * s["growth"][cells]
        return cls(
            cells=cells,
            stem=own == plan.types[STEM],
            division=rate / (1.0 + rate * fixed),
            symmetric=row("symmetric_probability"),
            death=row("apoptosis_rate"),
        )


def assays(plan: Plan, s: State, names: Iterable[str]) -> Iterator[tuple[str, float]]:
    """The named assays at this moment."""
    wanted = tuple(names)
    if not wanted:
        return
    founders = Founders.of(plan, s)
    for name in wanted:
        head, _, rest = name.partition(".")
        if head in OF_A_TYPE:
            yield name, OF_A_TYPE[head](plan, s, rest)
        elif name in ASSAYS:
            yield name, ASSAYS[name](plan, s, founders)


def _dice(plan: Plan, s: State, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[plan.seed, stream(name) << 32 | s.tick]))


def _sphere_fraction(plan: Plan, s: State, f: Founders) -> float:
    """Share of tumour cells plated singly, unable to attach, that grow into a sphere.

    A clone without a stem cell cannot do without attachment (anoikis). Progenitors and their like
    act as at rest; a stem cell as its founder did in the tissue.
    """
    if not len(f.cells):
        return 0.0
    dice = _dice(plan, s, "assay.spheres")
    chosen = dice.integers(len(f.cells), size=PLATED)
    limit = int(plan.trait("division_limit")[plan.types[TRANSIT]])
    left = np.clip(s["left"][f.cells[chosen]], 0, limit)
    stem = f.stem[chosen].astype(np.int64)
    others = np.zeros((PLATED, limit + 1), np.int64)
    others[np.arange(PLATED), left] = 1 - stem
    resting, ended = _at_rest(plan, TRANSIT), _at_rest(plan, END)
    dying = np.array([ended[1], *[resting[1]] * limit])
    anoikis = plan.parameter("assay.anoikis")
    for _ in range(round(plan.parameter("assay.sphere_time") / STEP_MIN)):
        stem -= dice.binomial(stem, _chance(f.death[chosen]))
        born = dice.binomial(stem, _chance(f.division[chosen]))
        both = dice.binomial(born, np.clip(f.symmetric[chosen], 0.0, 1.0))
        alone = anoikis * (stem == 0)
        others -= dice.binomial(others, _chance(dying + alone[:, None]))
        split = dice.binomial(others[:, 1:], _chance(resting[0]))
        others[:, 1:] -= split
        others[:, :-1] += 2 * split
        stem += both
        others[:, limit] += born - both
    size = stem + others.sum(axis=1)
    return float((size >= plan.parameter("assay.sphere_cells")).mean())


def _chance(rate: Array | float) -> Array:
    return np.asarray(-np.expm1(-np.asarray(rate) * STEP_MIN))


def _at_rest(plan: Plan, kind: str) -> tuple[float, float]:
    """Rates of division and death of a type by its traits alone, 1/min."""
    traits = plan.cell_types[plan.types[kind]].traits
    fixed = traits["s_duration"] + traits["g2m_duration"]
    return traits["cycle_rate"] / (1.0 + traits["cycle_rate"] * fixed), traits["apoptosis_rate"]


def _tic_frequency(plan: Plan, s: State, f: Founders) -> float:
    """Share of tumour cells that found a tumour, estimated from a limiting dilution.

    A graft takes when a stem cell in it survives the injection and its line of stem cells does not
    die out: ``1 - q`` of the linear birth and death process at the time of reading. How many grafts
    with such cells in them take is expected, not drawn.
    """
    if not len(f.cells):
        return 0.0
    dice = _dice(plan, s, "assay.grafts")
    lost = died_out(f.symmetric * f.division, f.death, plan.parameter("assay.graft_time"))
    take = f.stem * plan.parameter("assay.take") * (1.0 - lost)
    positive = []
    for dose in DOSES:
        wells = dice.integers(len(f.cells), size=(WELLS, dose))
        missed = np.log1p(-np.minimum(take[wells], 1.0 - 1e-12)).sum(axis=1)
        positive.append(float(-np.expm1(missed).sum()))
    return single_hit(DOSES, (WELLS,) * len(DOSES), positive)


def single_hit(doses: Iterable[int], grafts: Iterable[int], positive: Iterable[float]) -> float:
    """Frequency of founders by maximum likelihood of the single-hit Poisson model.

    Where no graft takes it is 0; where all do, the data give no upper end and it is 1.

    Source:
        Hu & Smyth 2009 J Immunol Methods 347:70 doi:10.1016/j.jim.2009.06.008: a graft of d cells
        fails with probability ``exp(-f d)``.

    Example:
        >>> round(single_hit((10, 100), (20, 20), (2, 13)), 4)
        0.0105
    """
    from scipy.optimize import brentq

    d, n, r = (np.array(list(v), np.float64) for v in (doses, grafts, positive))
    if not r.any():
        return 0.0
    if (r == n).all():
        return 1.0

    def slope(log_f: float) -> float:
        """Derivative of the log likelihood by the frequency."""
        x = np.exp(log_f) * d
        return float((r * d / np.expm1(np.minimum(x, 500.0)) - (n - r) * d).sum())

    low, high = np.log(1e-12), 0.0
    if slope(high) > 0.0:
        return 1.0
    return float(np.exp(brentq(slope, low, high)))


def _living(plan: Plan, s: State, name: str) -> Array:
    """Places of the living cells of a type or group."""
    of_type = np.isin(s.live("type"), plan.members(name))
    return np.flatnonzero(of_type & (s.live("state") == ALIVE))


def _label(plan: Plan, s: State, name: str) -> float:
    """Mean share of the label of day 0 that the living cells of a type still hold."""
    cells = _living(plan, s, name)
    return float(s["label"][cells].mean(dtype=np.float64)) if cells.size else 0.0


def _invasion(plan: Plan, s: State, name: str) -> float:
    """Depth that the farthest twentieth of a type's cells pass in a gel within a day, um.

    Neither growth, which pushes the edge of a tumour, nor death, which thins it, nor the number of
    cells comes in, as in a chamber that is seeded with equal numbers for a day.

    Source:
        Albini 1987 Cancer Res 47:3239. Along one axis a persistent walk in d dimensions has the
        variance ``2 S^2 P (t - P (1 - exp(-t/P))) / d`` (Fuerth 1920 doi:10.1007/BF01328731); who
        starts at the surface and cannot leave it is deeper than x with the chance
        ``erfc(x / sqrt(2 variance))``.
    """
    from scipy.optimize import brentq
    from scipy.special import erfc

    cells = _living(plan, s, name)
    speed = s["behaviours"][plan.behaviours["migration_speed"], cells].astype(np.float64)
    if not (speed > 0.0).any():
        return 0.0
    keeps = plan.trait("persistence")[s["type"][cells]].astype(np.float64)
    walked = keeps * (INVADING_MIN + keeps * np.expm1(-INVADING_MIN / keeps))
    wide = speed * np.sqrt(4.0 * walked / (2.0 if plan.grid.flat else 3.0))

    def missing(depth: float) -> float:
        """By how much the share of cells below a depth exceeds a twentieth."""
        return float(erfc(depth / np.maximum(wide, 1e-12)).mean()) - FARTHEST

    return float(brentq(missing, 0.0, 4.0 * float(wide.max())))


ASSAYS: dict[str, Callable[[Plan, State, Founders], float]] = {
    "sphere_fraction": _sphere_fraction,
    "tic_frequency": _tic_frequency,
}
"""Assays by the name of their column."""

OF_A_TYPE: dict[str, Callable[[Plan, State, str], float]] = {
    "label_retention": _label,
    "invasion_assay": _invasion,
}
"""Assays of one type or group of cells, by the beginning of their columns."""
