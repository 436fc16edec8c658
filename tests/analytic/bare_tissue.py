"""The engine with nothing of the biology in it: cells that do only what a test gives them.

The shipped model gives the engine the parameters that it reads by name. Every trait of every cell
type is 0 except volumes and durations that have to be something, and there are no rows, until a
test says otherwise. Tests get a `Tissue` from `bare` and move it by all processes or by some.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp, log
from typing import Any

import numpy as np

from stemniche.engine.build import build_plan
from stemniche.engine.grid import Grid
from stemniche.engine.plan import Extension, Layout, Plan, Surroundings
from stemniche.engine.process import TICK_MIN
from stemniche.engine.processes.transport import Transport
from stemniche.engine.state import ALIVE, State
from stemniche.engine.step import advance, begin, moment
from stemniche.kernels.cpu import Backend, cpu
from stemniche.spec.compile import compile_model
from stemniche.spec.model import Drive, Factor, Group, Model, Term
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import load_scenario

BODY = {
    "volume": 2000.0,
    "persistence": 10.0,
    "s_duration": TICK_MIN,
    "g2m_duration": TICK_MIN,
    "apoptosis_duration": 60.0,
    "necrosis_duration": 60.0,
    "stemness_tau": 1e9,
    "division_limit": 5.0,
}
"""Traits that every cell needs; a stemness that never moves keeps the labels of the lineage."""

WELL_MIXED = ("behaviours", "hazards", "fates", "cycle", "births", "canon")
"""Processes of a lineage in a stirred vessel."""

DAY = 1440.0
PER_DAY = 1.0 / DAY


@cache
def shipped() -> Model:
    """The model of a shipped scenario, for the engine's own parameters."""
    return compile_model(read_library(), load_scenario("breast_quick"))


def bare_model(
    traits: Mapping[str, Mapping[str, float]], parameters: Mapping[str, float], **parts: Any
) -> Model:
    """A model whose types do only what `traits` says: by type, in engine units."""
    model = shipped()
    types = []
    for cell in model.types:
        kept = {name: 0.0 for name in cell.traits if not name.startswith(("conver", "chemo"))}
        own = traits.get("all", {}) | traits.get(cell.id, {})
        types.append(replace(cell, traits={**kept, **BODY, **own}))
    nodes = tuple(n for n in model.nodes if n.id == "stemness")
    numbers = {"stemness.inheritance": 1.0, "network.gain": 1.0}
    names = ("factors", "drives", "secretions", "uptakes", "reactions")
    empty: dict[str, Any] = dict.fromkeys(names, ())
    return replace(
        model,
        **{**empty, "factors": (substance("S"),), "types": tuple(types), "nodes": nodes, **parts},
        drugs=(),
        rows=(),
        genotype={},
        parameters={**model.parameters, **numbers, **parameters},
    )


def substance(name: str, diffusivity: float = 1e3, decay: float = 0.1, **more: Any) -> Factor:
    """A soluble factor that nothing supplies."""
    made: dict[str, Any] = {"form": "soluble", "unit": "nM", "baseline": 0.0, "reference": 1.0}
    made |= {"molar_mass": None, "diffusivity": diffusivity, "decay": decay, **more}
    return Factor(id=name, **made)


def rule(
    cell: str, behaviour: str, base: float, limit: float, term: tuple[str, float, float]
) -> Drive:
    """One rule: `behaviour` goes from `base` to `limit` as the signal of `term` grows."""
    signal, half, hill = term
    inside = Term(row="r", signal=signal, half_max=half, hill=hill, inverted=False, reference=0.0)
    return Drive(
        cell=cell,
        target=behaviour,
        kind="behaviour",
        constant=log(base),
        low=0.0,
        high=max(base, limit),
        groups=(Group(weight=log(limit / base), terms=(inside,)),),
    )


@dataclass
class Tissue:
    """A plan, its state, and the means to move it."""

    plan: Plan
    state: State
    k: Backend

    def run(self, ticks: int, names: Sequence[str] = (), *, stirred: bool = False) -> "Tissue":
        """Move by all processes, or by those named; `stirred` scatters the cells every hour."""
        chosen = [p for p in self.plan.processes if p.name in names]
        dice = np.random.default_rng(self.state.tick)
        for tick in range(ticks):
            if stirred and tick % 10 == 0:
                for axis, size in zip("xyz", self.plan.grid.size, strict=True):
                    self.state.live(axis)[:] = dice.random(self.state.n) * size
                next(p for p in chosen if p.name == "canon").run(self.state, self.now, self.k)
            if names:
                for process in chosen:
                    process.run(self.state, self.now, self.k)
                self.state.tick += 1
            else:
                advance(self.plan, self.state, self.k)
        return self

    @property
    def now(self) -> Any:
        """The present tick."""
        return moment(self.state)

    def are(self, name: str) -> np.ndarray:
        """Which cells are alive and of a type."""
        s = self.state
        return (s.live("type") == self.plan.types[name]) & (s.live("state") == ALIVE)

    def count(self, name: str) -> int:
        """Living cells of a type."""
        return int(self.are(name).sum())

    def points(self) -> np.ndarray:
        """Positions, um, [3, cells]."""
        return np.stack([self.state.live(a) for a in "xyz"]).astype(float)


def bare(
    traits: Mapping[str, Mapping[str, float]],
    cells: Mapping[str, int],
    *,
    shape: tuple[int, int, int] = (10, 10, 10),
    spacing: float = 100.0,
    layout: str = "scattered",
    stem_fraction: float = 1.0,
    seed: int = 1,
    parameters: Mapping[str, float] | None = None,
    tolerance: float | None = None,
    reference: bool = False,
    therapy: Extension | None = None,
    **parts: Any,
) -> Tissue:
    """Place `cells` (types, or ``tumour``) in a closed box with walls that let nothing through.

    `tolerance` is that of the fields where it is not the engine's; `reference` solves them by the
    reference mode.
    """
    around = {"far_field": False, "fixed": False, "medium": False} | parts.pop("walls", {})
    host = {name: count for name, count in cells.items() if name != "tumour"}
    plan = build_plan(
        bare_model(traits, parameters or {}, **parts),
        Grid(shape=shape, spacing=spacing),
        seed,
        Surroundings(
            closed=True,
            blood_scale=1.0,
            environment={"oxygen": 0.0, "glucose": 0.0, "pH": 7.4},
            plasma_volume=3e15,
            antigenicity=0.0,
            **around,
        ),
        Layout(
            tumour_cells=cells.get("tumour", 0),
            stem_fraction=stem_fraction,
            shape=layout,
            tissue=host,
            vessel_density=0.0,
        ),
        therapy or Extension(),
        reference=reference,
    )
    if tolerance is not None:
        closer = [
            replace(p, tolerance=tolerance) if isinstance(p, Transport) else p
            for p in plan.processes
        ]
        plan = replace(plan, processes=tuple(closer))
    k = cpu(1)
    return Tissue(plan, begin(plan, k), k)


def waiting(rate: float, ticks: int = 2) -> Any:
    """Laplace transform of the time from one division to the next, as a function of 1/min.

    A cell leaves G1 with `rate` and needs `ticks` more for S and G2M, however short they are.
    """
    leave = 1.0 - exp(-rate * TICK_MIN)

    def transform(growth: float) -> float:
        z = exp(-growth * TICK_MIN)
        return leave * z / (1.0 - (1.0 - leave) * z) * z**ticks

    return transform
