"""A packed ball in the engine: the tissue on which speed is compared with other programs.

``ball.yaml`` says what is in it. The Model is made of the same records that the library compiles
to, so it runs through the same Plan and processes as any scenario.
"""

from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from stemniche.bench.peer import PeerSteps, with_peer_steps
from stemniche.engine.build import build_plan
from stemniche.engine.grid import Grid
from stemniche.engine.plan import Extension, Layout, Plan, Surroundings
from stemniche.engine.state import State
from stemniche.engine.step import begin
from stemniche.kernels.cpu import Backend, cpu
from stemniche.run.assemble import assemble
from stemniche.spec.model import (
    CellType,
    Drive,
    Factor,
    Group,
    Model,
    Node,
    Secretion,
    Term,
    Uptake,
)
from stemniche.spec.scenario import load_scenario

LIBRARY_CONTEXT = "breast_quick"
"""Preset whose compiled model lends traits and parameters."""

SPACING = 20.0


def ball(cells: int, threads: int, *, peer: bool = False) -> tuple[Plan, State, Backend]:
    """The benchmark's tissue, placed and in order.

    Args:
        cells: In the ball; 100,000 fill the box of 1 mm as far as wanted.
        threads: Of the kernels.
        peer: Use the steps and the field scheme of PhysiCell (0.1 and 0.01 min, `kernels.lod`).
    """
    given = read_ball()
    model = _model(given)
    voxels = int(given["voxels"])
    plan = build_plan(
        model,
        Grid(shape=(voxels, voxels, voxels), spacing=SPACING),
        1,
        Surroundings(
            medium=True,
            far_field=False,
            fixed=True,
            closed=True,
            blood_scale=1.0,
            environment={"oxygen": given["oxygen"]["outside"], "glucose": 5.0, "pH": 7.4},
            plasma_volume=1e18,
            antigenicity=0.5,
        ),
        Layout(
            tumour_cells=cells, stem_fraction=0.05, shape="sphere", tissue={}, vessel_density=0.0
        ),
        Extension(),
    )
    k: Any = cpu(threads)
    if peer:
        plan, k = with_peer_steps(plan), PeerSteps(k)
    state = begin(plan, k)
    _deal_types(plan, state, given["types"])
    return plan, state, k


def read_ball() -> dict[str, Any]:
    """The contents of ``ball.yaml``."""
    from ruamel.yaml import YAML

    return dict(YAML(typ="safe").load(Path(__file__).with_name("ball.yaml").read_text("utf-8")))


def _model(given: dict[str, Any]) -> Model:
    """The Model: the ball's own rules between types and factors of the library."""
    whole = assemble(load_scenario(LIBRARY_CONTEXT), 1).model
    names = tuple(given["types"])
    types = tuple(_typed(t, given["motile"]) for t in whole.types if t.id in names)
    traits = {t.id: t.traits for t in types}
    tumour = tuple(t.id for t in types if t.group == "tumour")
    state = Node(id="stemness", kind="state", cells=tumour, baseline=0.3, tau=4320.0)
    return replace(
        whole,
        factors=tuple(
            _factor(f, given["oxygen"]) for f in whole.factors if f.id in given["factors"]
        ),
        types=types,
        nodes=(state,),
        drives=_drives(given["rules"], traits),
        secretions=tuple(
            Secretion(row="", cell=cell, factor=factor, rate=rate, node=None)
            for cell, factor, rate in given["secretion"]
        ),
        uptakes=tuple(
            Uptake(
                row="",
                cell=name,
                factor="oxygen",
                kind="first_order",
                rate=given["oxygen"]["uptake"],
                km=0.0,
            )
            for name in names
        ),
        drugs=(),
        genotype={},
        rows=(),
    )


def _typed(cell: CellType, motile: dict[str, dict[str, float]]) -> CellType:
    """A type of the library that walks as the benchmark says and turns into nothing else."""
    own = {
        name: value
        for name, value in cell.traits.items()
        if not name.startswith(("conversion.", "chemotaxis."))
    }
    own |= {"migration_speed": 0.0, "entry": 0.0, "turnover": 0.0}
    return replace(cell, traits=own | motile.get(cell.id, {}))


def _factor(factor: Factor, oxygen: dict[str, float]) -> Factor:
    """A factor of the library; oxygen as the benchmark says, the others absent outside."""
    if factor.form == "gas":
        return replace(factor, decay=oxygen["decay"], baseline=oxygen["outside"])
    return replace(factor, baseline=0.0)


def _drives(rules: list[list[Any]], traits: dict[str, dict[str, float]]) -> tuple[Drive, ...]:
    """One drive per cell and behaviour, a group per rule."""
    groups: dict[tuple[str, str], list[Group]] = {}
    for number, (cell, signal, behaviour, fold, half, power) in enumerate(rules):
        term = Term(
            row=str(number),
            signal=signal,
            half_max=float(half),
            hill=float(power),
            inverted=False,
            reference=0.0,
        )
        own = groups.setdefault((cell, behaviour), [])
        own.append(Group(weight=log(fold), terms=(term,)))
    return tuple(
        Drive(
            cell=cell,
            target=behaviour,
            kind="behaviour",
            constant=log(max(traits[cell].get(behaviour, 0.0), 1e-12)),
            low=0.0,
            high=100.0,
            groups=tuple(own),
        )
        for (cell, behaviour), own in groups.items()
    )


def _deal_types(plan: Plan, state: State, shares: dict[str, float]) -> None:
    """Mix the types through the ball in the wanted shares; drawn from the cells' keys."""
    draw = (state.live("key") >> np.uint64(11)).astype(np.float64) * 2.0**-53
    edges = np.cumsum(list(shares.values()))
    places = np.array([plan.types[name] for name in shares])
    kind = places[np.minimum(np.searchsorted(edges, draw), len(places) - 1)]
    state.live("type")[:] = kind
    radius = (plan.trait("volume")[kind] * 0.238732414637843) ** (1.0 / 3.0)
    state.live("radius")[:] = radius
