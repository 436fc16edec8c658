"""The first tissue: a tumour, host cells and vessels, before preparation settles them."""

from collections.abc import Callable

import numpy as np

from stemniche.engine.graft import Graft
from stemniche.engine.newcomers import OF_VESSELS, PLACED, add_cells
from stemniche.engine.plan import END, STEM, TRANSIT, Plan
from stemniche.engine.processes.matrix import rest_fold, rest_levels
from stemniche.engine.state import G0, G2M, S_PHASE, Array, State
from stemniche.engine.vessels import UNTOUCHED, Graph, deposit, host_vessels
from stemniche.engine.wellmixed import stem_start
from stemniche.kernels.cpu import Backend, stream

TINY = 1e-12
"""Least sum of rates, 1/min, that is divided by."""

SPACING = 0.95
"""Distance of packed neighbours in units of the sum of their radii, where pair forces vanish."""


def place(plan: Plan, s: State, k: Backend, graft: Graft | None = None) -> None:
    """Fill an empty State: cells with keys and heritable factors, vessels, fields at rest.

    Args:
        graft: Cells that are planted instead of a fresh tumour.
    """
    _rest(plan, s)
    draw = _dice(plan, k)
    reach = _tumour(plan, s, k, draw) if graft is None else _planted(plan, s, k, draw, graft)
    _tissue(plan, s, k, draw, reach)
    _vessels(plan, s, k, draw, reach)


def _dice(plan: Plan, k: Backend) -> Callable[[str, int, int], Array]:
    """Uniform numbers by stream name, count and draw, keyed by place in the list."""

    def draw(name: str, count: int, number: int) -> Array:
        keys = np.arange(1, count + 1, dtype=np.uint64)
        numbers = k.uniform_array(plan.seed, stream(f"place.{name}"), keys, 0, number)
        return numbers.astype(np.float64)

    return draw


def _rest(plan: Plan, s: State) -> None:
    """Put fields and blood at host level and every type's signals at its baselines."""
    around, medium, fold = plan.surroundings.environment, plan.surroundings.medium, rest_fold(plan)
    rest = rest_levels(plan)
    for f, data in enumerate(plan.factor_data):
        level = around.get(data.id, rest[f]) if medium else rest[f]
        if data.form == "matrix":
            level *= fold
        s["fields"][f] = s["far_level"][f] = level
        s["blood"][f] = around.get(data.id, data.baseline)
        if data.id in plan.signals:
            s["resting"][:, plan.signals[data.id]] = data.baseline
    first = len(plan.model.factors)
    for i, node in enumerate(plan.model.nodes):
        for name in node.cells:
            s["resting"][plan.types[name], first + i] = node.baseline
    for name in ("read_scale", "call_scale", "loss_scale", "serum_left"):
        s[name][...] = 1.0
    for name in ("synthesis", "background", "released", "pool"):
        s[name][...] = 1.0
    for name, count in plan.layout.tissue.items():
        s["beyond"][plan.types[name]] = count
    s["vessel_state"][:] = UNTOUCHED
    s["environment"][:] = list(around.values())


def _tumour(plan: Plan, s: State, k: Backend, draw: Callable[[str, int, int], Array]) -> float:
    """Place the tumour in the chosen layout; return its radius, um."""
    count = plan.layout.tumour_cells
    if not count:
        return 0.0
    points, volume, reach = _spots(plan, count, draw)
    stem, transit = _lineage(plan, count, draw)
    keys = k.site_keys(PLACED, np.arange(count, dtype=np.uint64), plan.seed)
    cells = add_cells(s, k, plan.types[END], list(points.T), keys, volume)
    s["type"][cells[stem]] = plan.types[STEM]
    s["type"][cells[transit]] = plan.types[TRANSIT]
    s["clone"][cells] = np.arange(1, count + 1)
    s["stemness"][cells] = np.where(stem, stem_start(plan), plan.parameter("stemness.reset"))
    # Of amplifying cells each generation holds so many times as many as the one before it.
    limit = float(plan.trait("division_limit")[plan.types[TRANSIT]])
    ratio = plan.parameter("tumour.generation_ratio")
    spent = np.log1p(draw("left", count, 0) * (ratio**limit - 1.0)) / np.log(ratio)
    s["left"][cells] = np.where(transit, limit - np.floor(spent), 0)
    _phases(plan, s, cells, draw)
    for name in ("growth", "sensitivity", "receptors"):
        spread = plan.trait("heritable_cv")[plan.types[STEM]]
        s[name][cells] = _lognormal(draw, name, count, float(spread))
    shown = _lognormal(draw, "surface_antigen", count, plan.parameter("antigen.cv"))
    without = draw("antigen_negative", count, 0) < plan.parameter("antigen.negative")
    s["surface_antigen"][cells] = np.where(without, 0.0, shown)
    for kind in (STEM, TRANSIT, END):
        own = cells[s["type"][cells] == plan.types[kind]]
        s["signals"][:, own] = s["resting"][plan.types[kind]][:, None]
    return reach


def _phases(plan: Plan, s: State, cells: Array, draw: Callable[[str, int, int], Array]) -> None:
    """Spread cells over the phases of the cycle as their type's rates at rest would.

    Per cell in G1, ``quiescence / (awakening + death)`` are in G0 and ``cycle rate * duration`` in
    S, G2 and M, anywhere in them.
    """
    kind = s["type"][cells]
    resting = plan.trait("quiescence_rate") / np.maximum(
        plan.trait("awakening_rate") + plan.trait("apoptosis_rate"), TINY
    )
    first, second = plan.trait("s_duration"), plan.trait("g2m_duration")
    cycling = plan.trait("cycle_rate") * (first + second)
    whole = 1.0 + resting + cycling
    mark = draw("phase", len(cells), 0)
    s["phase"][cells[mark < (resting / whole)[kind]]] = G0
    divides = mark >= (1.0 - cycling / whole)[kind]
    cells, kind = cells[divides], kind[divides]
    left = draw("clock", len(mark), 0)[divides] * (first + second)[kind]
    late = left <= second[kind]
    s["phase"][cells] = np.where(late, G2M, S_PHASE)
    s["clock"][cells] = np.where(late, left, left - second[kind])


def _spots(
    plan: Plan, count: int, draw: Callable[[str, int, int], Array]
) -> tuple[Array, float, float]:
    """Where tumour cells go, the volume of each, and the radius of them all, um."""
    volume = float(plan.trait("volume")[plan.types[STEM]])
    loose = 1.0 if plan.surroundings.medium else plan.parameter("tumour.looseness")
    step = 2.0 * SPACING * loose * (volume * 0.238732414637843) ** (1.0 / 3.0)
    points = _layout(plan, count, step, draw)
    apart = _apart(plan, points)
    reach = float(np.sqrt((apart**2).sum(axis=1)).max()) + step / 2
    return points, volume, reach


def _planted(
    plan: Plan, s: State, k: Backend, draw: Callable[[str, int, int], Array], graft: Graft
) -> float:
    """Place the cells of a graft in the chosen layout; return its radius, um."""
    chosen = graft.chosen(plan, k)
    if not chosen.size:
        return 0.0
    points, volume, reach = _spots(plan, len(chosen), draw)
    keys = np.ascontiguousarray(graft.kept["key"][chosen], np.uint64)
    cells = add_cells(s, k, plan.types[END], list(points.T), keys, volume)
    graft.fill(plan, s, cells, chosen)
    return reach


def _lineage(plan: Plan, count: int, draw: Callable[[str, int, int], Array]) -> tuple[Array, Array]:
    """Which of the tumour cells are stem cells, and which progenitors; the others are mature."""
    stems, share = plan.layout.stem_fraction, plan.parameter("tumour.progenitor_share")
    if plan.layout.origin:
        stems, share = float(plan.layout.origin == STEM), float(plan.layout.origin == TRANSIT)
    draws = draw("lineage", count, 0)
    stem = draws < stems
    return stem, ~stem & (draws < stems + (1.0 - stems) * share)


def _lognormal(
    draw: Callable[[str, int, int], Array], name: str, count: int, spread: float
) -> Array:
    """Log-normal factors of mean 1 by Box and Muller."""
    sigma = np.sqrt(np.log1p(spread**2))
    radius = np.sqrt(-2.0 * np.log(draw(name, count, 0)))
    normal = radius * np.cos(2.0 * np.pi * draw(name, count, 1))
    return np.exp(sigma * normal - 0.5 * sigma**2)


def _layout(plan: Plan, count: int, step: float, draw: Callable[[str, int, int], Array]) -> Array:
    """Points [count, 3] of the layout: packed round the middle, or spread over the box."""
    size = np.array(plan.grid.size)
    middle = size / 2.0
    shape = plan.layout.shape
    if shape == "scattered" or shape == "sheet":
        points = np.stack([draw(shape, count, d) for d in range(3)], axis=1) * size
        if plan.grid.flat:
            points[:, 2] = middle[2]
        elif shape == "sheet":
            points[:, 2] = step / 2
        return points
    if plan.grid.joined and shape == "disc":
        return _column(count, step, float(size[2])) + middle
    lattice = _packed(count, step, flat=plan.grid.flat or shape == "disc")
    return lattice + middle


def _apart(plan: Plan, points: Array) -> Array:
    """From the middle of the box to some points, um, without the depth that a disc goes through."""
    through = plan.grid.flat or plan.grid.joined
    return np.asarray((points - np.array(plan.grid.size) / 2.0)[:, : 2 if through else 3])


def _column(count: int, step: float, depth: float) -> Array:
    """The `count` points nearest the axis of packed layers that fill the depth and go on beyond."""
    layers = max(1, round(depth / (step * np.sqrt(2.0 / 3.0))))
    layer = _packed(-(-count // layers), step, flat=True)
    offset = np.array([0.5 * step, step * np.sqrt(0.75) / 3.0, 0.0])
    height = (np.arange(layers) + 0.5) * depth / layers - depth / 2.0
    points = [layer + (h % 2) * offset + [0.0, 0.0, z] for h, z in enumerate(height)]
    return np.stack(points, axis=1).reshape(-1, 3)[:count]


def _packed(count: int, step: float, *, flat: bool) -> Array:
    """The `count` points nearest the origin of a hexagonal (flat) or face-centred lattice."""
    reach = int(np.ceil(1.2 * (count ** (0.5 if flat else 1 / 3)))) + 2
    i, j = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1), indexing="ij")
    layer = np.stack(
        [(i + 0.5 * (j % 2)).ravel() * step, j.ravel() * step * np.sqrt(0.75), np.zeros(i.size)],
        axis=1,
    )
    if flat:
        points = layer
    else:
        rise = step * np.sqrt(2.0 / 3.0)
        offset = np.array([[0.5 * step, step * np.sqrt(0.75) / 3.0, 0.0]])
        points = np.concatenate(
            [layer + (h % 2) * offset + [[0, 0, h * rise]] for h in range(-reach, reach + 1)]
        )
    distance = np.round((points**2).sum(axis=1), 6)
    angle = np.round(np.arctan2(points[:, 1], points[:, 0]), 9)
    order = np.lexsort((points[:, 2], angle, distance))
    return points[order[:count]]


def _tissue(
    plan: Plan, s: State, k: Backend, draw: Callable[[str, int, int], Array], reach: float
) -> None:
    """Scatter host cells, thinner inside the tumour, each type from its own stream."""
    depth = plan.grid.size[2]
    volumes = plan.trait("volume")
    for name in sorted(plan.layout.tissue):
        count = plan.layout.tissue[name]
        kind = plan.types[name]
        if not count:
            continue
        points = _scattered(plan, draw, name, count, reach)
        if plan.grid.flat:
            points[:, 2] = depth / 2.0
        keys = k.site_keys(PLACED + 1 + kind, np.arange(count, dtype=np.uint64), plan.seed)
        add_cells(s, k, kind, list(points.T), keys, float(volumes[kind]))


def _scattered(
    plan: Plan, draw: Callable[[str, int, int], Array], name: str, count: int, reach: float
) -> Array:
    """Random points of the box; inside the tumour only a share of them is taken."""
    size = np.array(plan.grid.size)
    tries = 8 * count + 64
    points = np.stack([draw(name, tries, d) for d in range(3)], axis=1) * size
    outside = (_apart(plan, points) ** 2).sum(axis=1) > reach**2
    taken = np.flatnonzero(outside | (draw(name, tries, 3) < plan.parameter("tumour.infiltration")))
    chosen = taken[:count] if len(taken) >= count else np.arange(count)
    return points[chosen]


def _vessels(
    plan: Plan, s: State, k: Backend, draw: Callable[[str, int, int], Array], reach: float
) -> None:
    """Spread the host's vessels evenly at random, open, with the cells of their walls.

    Those inside the tumour are host vessels that it has grown around: only a share of them, such as
    tumours of its kind have, is covered.
    """
    lx, ly, _ = plan.grid.size
    density = plan.layout.vessel_density
    if density <= 0:
        return
    count = max(1, round(density * 1e-6 * lx * ly))
    rows = max(1, round(ly * np.sqrt(density) * 1e-3))
    row = np.arange(count) * rows // count
    held = np.bincount(row, minlength=rows)
    place = np.arange(count) - (np.cumsum(held) - held)[row]
    jitter = [draw("vessel", count, d) for d in range(3)]
    x = (place + 0.1 + 0.8 * jitter[0]) * lx / held[row]
    y = (row + 0.1 + 0.8 * jitter[1]) * ly / rows
    pressure = plan.parameter("vessel.arterial_pressure"), plan.parameter("vessel.venous_pressure")
    graph = host_vessels(plan.grid, x, y, jitter[2], pressure, plan.parameter("vessel.radius"))
    graph.perfused[:] = 1
    graph.put(s)
    s["vessel_names"][0] = len(graph.name) + 1
    length = graph.lengths(plan.grid.spacing)
    filled = deposit(plan.grid, graph.at, graph.ends, length, np.ones(len(length)))
    for name in ("vessels", "perfusion", "leak"):
        s[name][:] = filled
    s["vessels_at_start"][0] = filled.sum()
    outside = (_apart(plan, graph.middles()) ** 2).sum(axis=1) > reach**2
    chance = draw("pericyte", len(length), 0)
    covered = outside | (chance < plan.parameter("tumour.pericyte_coverage"))
    for trait, where in (("lining", np.ones_like(covered)), ("covering", covered)):
        kinds = np.flatnonzero(plan.trait(trait) > 0.0)
        if kinds.size:
            _walls(plan, s, k, graph, int(kinds[0]), where)


def _walls(plan: Plan, s: State, k: Backend, graph: Graph, kind: int, where: Array) -> None:
    """Put a cell of a type on every segment that is chosen.

    Args:
        where: bool [m].
    """
    names = graph.name[where]
    keys = k.site_keys(OF_VESSELS + kind, names.astype(np.uint64), plan.seed)
    volume = float(plan.trait("volume")[kind])
    cells = add_cells(s, k, kind, list(graph.middles()[where].T), keys, volume)
    s["wall"][cells] = names
    s["bloodflow"][cells] = s["leaking"][cells] = s["cover"][cells] = 1.0
