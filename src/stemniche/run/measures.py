"""Measures: the columns of a run's table; unit and definition of each stand in the vocabulary.

Every value is read from the State at one moment; counts of events run from day 0 and rates carry
their own memory, so a value does not depend on when else samples were taken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stemniche.engine.gates import gate
from stemniche.engine.plan import STEM, Plan
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import ALIVE, G0, NECROTIC, Array, State
from stemniche.engine.step import seconds
from stemniche.engine.vessels import MIMICRY, Graph
from stemniche.run.guidance import guidance
from stemniche.run.spreading import SHARES, spreading
from stemniche.spec.lexicon import VESICLE
from stemniche.spec.nametables import EVENTS

HYPOXIC = 10.0
"""Oxygen below which a tumour cell counts as hypoxic, mmHg (pimonidazole binding)."""

DEATHS = tuple(event for event in EVENTS if event != "proliferation")
"""Ways to die; those that nothing in the scenario can cause have the rate 0."""

PD_L1_POSITIVE = 0.5
"""Level of the checkpoint ligand's node above which a tumour cell counts as positive."""


@dataclass(frozen=True, slots=True)
class View:
    """What many measures need, worked out once per sample.

    Args:
        inside: bool [voxels], those that hold a living tumour cell.
        within: bool [cells], cells in these voxels or beside them: what lies within the borders of
            the tumour, its stroma too, as infiltrating lymphocytes are counted (Salgado 2015 Ann
            Oncol 26:259 doi:10.1093/annonc/mdu450).
    """

    plan: Plan
    state: State
    alive: Array
    tumour: Array
    inside: Array
    within: Array
    label: Array
    counts: list[float]
    members: dict[str, list[int]]
    places: dict[str, Array]

    @classmethod
    def of(cls, plan: Plan, s: State) -> "View":
        """Look at the State now."""
        from scipy.ndimage import maximum_filter

        kind, alive = s.live("type"), s.live("state") == ALIVE
        tumour = plan.mask(["tumour"])[kind] == 1
        inside = np.zeros(plan.grid.voxels, bool)
        inside[s.live("voxel")[alive & tumour]] = True
        wider = maximum_filter(inside.reshape(plan.grid.shape), 3, mode="constant")
        within = wider.ravel()[s.live("voxel")]
        label = np.where(alive, kind, len(plan.types))
        counts = np.bincount(label, minlength=len(plan.types) + 1)[:-1].astype(float).tolist()
        members = {name: list(plan.members(name)) for name in types_and_groups(plan)}
        places = {name: alive & np.isin(kind, among) for name, among in members.items()}
        if "macrophage" in places:
            places["TAM"] = places["macrophage"] & inside[s.live("voxel")]
        return cls(plan, s, alive, tumour, inside, within, label, counts, members, places)

    def where(self, name: str) -> Array:
        """Living cells of a type or group."""
        return self.places[name]

    def means(self, values: Array, owners: set[int] | None = None) -> Iterator[tuple[str, float]]:
        """Mean of a cell variable over the living of every type and group, and over TAM.

        Args:
            values: One number per cell.
            owners: Types that have the variable; groups without any are left out.
        """
        sums = np.bincount(self.label, weights=values, minlength=len(self.counts) + 1).tolist()
        for name, among in self.members.items():
            having = among if owners is None else [i for i in among if i in owners]
            if having:
                count = sum(self.counts[i] for i in having)
                yield name, sum(sums[i] for i in having) / count if count else 0.0
        if "TAM" in self.places and (
            owners is None or owners.intersection(self.members["macrophage"])
        ):
            yield "TAM", mean(values, self.places["TAM"])

    def row(self, name: str) -> Array:
        """A behaviour of every cell."""
        return self.state["behaviours"][self.plan.behaviours[name], : self.state.n]

    def signal(self, name: str) -> Array:
        """A signal of every cell."""
        return self.state["signals"][self.plan.signals[name], : self.state.n]


def types_and_groups(plan: Plan) -> tuple[str, ...]:
    """Every type of the plan, then everything that stands for several of them."""
    groups = {a for t in plan.cell_types for a in (*t.ancestors, t.group)} - {"cell"}
    return (*plan.types.names, *sorted(groups - set(plan.types.names)))


def mean(values: Array, where: Array) -> float:
    """Mean over the chosen cells in float64, 0 where there are none."""
    chosen = values[where]
    return float(chosen.mean(dtype=np.float64)) if chosen.size else 0.0


def measure(plan: Plan, s: State) -> dict[str, float]:
    """All columns of the table at this moment, in a fixed order."""
    view = View.of(plan, s)
    row: dict[str, float] = {"time_d": seconds(s) / 86400.0}
    for part in PARTS:
        row.update(part(view))
    return row


def look_up(plan: Plan, s: State) -> Callable[[str], float]:
    """Single columns of `measure` at this moment; only what is asked for is worked out."""
    view = View.of(plan, s)
    row: dict[str, float] = {"time_d": seconds(s) / 86400.0}
    parts = iter(PARTS)

    def value(column: str) -> float:
        while column not in row:
            row.update(next(parts)(view))
        return row[column]

    return value


def _populations(v: View) -> Iterator[tuple[str, float]]:
    s, types = v.state, v.plan.types
    for name, where in v.places.items():
        yield f"cells.{name}", float(where.sum())
    live = float((v.alive & v.tumour).sum())
    yield "tumour_cells", live
    yield "dead_cells", float((~v.alive).sum())
    yield "csc_fraction", float(v.where(STEM).sum()) / live if live else 0.0
    for a, targets in enumerate(v.plan.conversions):
        for target in targets:
            name, place = f"conversion.{types.names[a]}.{target}", (a, types[target])
            yield name, float(s["converted"][place])
            yield f"expected_{name}", float(s["expected_converted"][place])
    for cause, count in zip(FLUX, s["flux"], strict=True):
        yield f"csc_flux.{cause}", float(count)
    yield "expected_dedifferentiation", float(s["expected_converted"][:, types[STEM]].sum())
    tumour = v.alive & v.tumour
    for marker in v.plan.model.markers:
        yield f"cells.{marker.id}_high", float((gate(v.plan, marker).high(s) & tumour).sum())
    yield "symmetric_fraction", mean(v.row("symmetric_probability"), v.where(STEM))


def _size(v: View) -> Iterator[tuple[str, float]]:
    grid, voxels = v.plan.grid, int(v.inside.sum())
    if grid.flat:
        radius = np.sqrt(voxels * grid.spacing**2 / np.pi)
        volume = 4.0 / 3.0 * np.pi * radius**3
    else:
        volume = voxels * grid.voxel_volume
        radius = (volume * 0.75 / np.pi) ** (1.0 / 3.0)
    live = v.alive & v.tumour
    count = int(live.sum())
    yield "tumour_diameter_um", float(2.0 * radius)
    yield "tumour_volume_mm3", float(volume * 1e-9)
    oxygen = v.plan.signals["oxygen"]
    low = v.state["signals"][oxygen, : v.state.n] < HYPOXIC
    yield "hypoxic_fraction", float((low & live).sum() / count) if count else 0.0
    size = v.state.live("radius").astype(np.float64) ** 3
    dead = float(size[(v.state.live("state") == NECROTIC) & v.tumour].sum())
    whole = dead + float(size[live].sum())
    yield "necrotic_fraction", dead / whole if whole else 0.0
    resting = int(((v.state.live("phase") == G0) & live).sum())
    yield "quiescent_fraction", resting / count if count else 0.0
    yield from _spread(v, live, float(radius))


def _spread(v: View, live: Array, radius: float) -> Iterator[tuple[str, float]]:
    if "EMT" in v.plan.signals:
        yield "emt_score", mean(v.signal("EMT"), live)
    s = v.state
    points = np.stack([s.live("x"), s.live("y"), s.live("z")], axis=1).astype(np.float64)
    middle = points[live].mean(axis=0) if live.any() else np.zeros(3)
    beyond = np.sqrt(((points - middle) ** 2).sum(axis=1)) - radius

    def far(where: Array) -> float:
        return max(0.0, float(np.percentile(beyond[where], 95.0))) if where.any() else 0.0

    yield "invasion_um", far(live)
    for name, where in v.places.items():
        yield f"invasion_um.{name}", far(where)
    for name, speed in v.means(v.row("migration_speed")):
        yield f"speed.{name}", speed


def _rates(v: View) -> Iterator[tuple[str, float]]:
    s, plan = v.state, v.plan
    for name, among in v.members.items():
        days = max(float(s["recent_cells"][among].sum()), 1e-9) / 1440.0
        deaths = s["recent_deaths"][:, among].sum(axis=1) / days
        yield f"rate.proliferation.{name}", float(s["recent_born"][among].sum() / days)
        for event in DEATHS:
            rate = float(deaths[plan.hazards[event]]) if event in plan.hazards else 0.0
            yield f"rate.{event}.{name}", rate
        lived = s["exposure"][among]
        share = lived / max(float(lived.sum()), 1e-9)
        yield f"survival.{name}", float(np.exp(-(s["cumulative_hazard"][among] @ share)))
        yield f"spared.{name}", float(np.exp(-(s["treatment_hazard"][among] @ share)))
        yield f"divisions.{name}", float(s["born"][among].sum())


def _vessels(v: View) -> Iterator[tuple[str, float]]:
    graph, spacing = Graph.of(v.state), v.plan.grid.spacing
    length = graph.lengths(spacing)
    open_ = length * graph.perfused
    total, perfused = float(length.sum()), float(open_.sum())
    yield "vessel_density", total / (v.plan.grid.volume * 1e-6)
    yield "perfused_fraction", perfused / total if total else 0.0
    leaky = float((open_ * graph.leakiness).sum())
    yield "vessel_permeability", leaky / perfused if perfused else 0.0
    of_tumour = float(length[graph.kind == MIMICRY].sum())
    yield "expected_sprouts", float(v.state["expected_sprouts"][0])
    yield "mimicry_fraction", of_tumour / total if total else 0.0
    lined = v.alive & (v.state.live("wall") > 0)
    lines = lined & (v.plan.trait("lining")[v.state.live("type")] > 0.0)
    yield "pericyte_coverage", mean(v.state.live("cover"), lines)


def _immune(v: View) -> Iterator[tuple[str, float]]:
    s, plan = v.state, v.plan
    live = max(1, int((v.alive & v.tumour).sum()))
    for name, part, whole in SHARES:
        if part in plan.types and whole in plan.types:
            some, rest = int(v.where(part).sum()), int(v.where(whole).sum())
            yield name, some / (some + rest) if some + rest else 0.0
    if "CD8" in plan.types:
        among = v.where("CD8") & v.inside[s.live("voxel")]
        yield "cd8_infiltration", 100.0 * float(among.sum()) / live
    for row, hazard in enumerate(plan.hazards.names):
        if hazard.startswith("kill."):
            killer = hazard.removeprefix("kill.")
            for i in plan.members("tumour"):
                victim = f"{killer}.{plan.types.names[i]}"
                yield f"kills.{victim}", float(s["deaths"][row, i])
                yield f"expected_kills.{victim}", float(s["expected_deaths"][row, i])
            yield f"kills.{killer}.tumour", float(s["deaths"][row].sum())
            yield f"expected_kills.{killer}.tumour", float(s["expected_deaths"][row].sum())
            strikes, among = 1440.0 * v.row("kill_rate"), v.where(killer)
            yield f"activity.{killer}", mean(strikes, among)
            yield f"activity.{killer}.tumour", mean(strikes, among & v.within)
    for t in plan.cell_types:
        if t.traits["maturation_rate"] > 0.0:
            yield f"activity.{t.id}", 1440.0 * mean(v.row("maturation_rate"), v.where(t.id))
    yield "primed_t_cells", float(plan.trait("priming").max() * s["lymph_node"][-1])
    yield "phagocytosis", float(s["engulfed"][0])
    yield "expected_phagocytosis", float(s["expected_engulfed"][0])
    shown = s.live("surface_antigen")[v.alive & v.tumour]
    yield "antigen_low_fraction", int((shown < plan.parameter("antigen.half")).sum()) / live
    ill = s.live("infected")[v.alive & v.tumour]
    yield "infected_fraction", float(np.count_nonzero(ill)) / live
    if "CD274" in plan.signals:
        positive = v.signal("CD274") > PD_L1_POSITIVE
        yield "pdl1_positive_fraction", float((positive & v.alive & v.tumour).sum()) / live


def _molecules(v: View) -> Iterator[tuple[str, float]]:
    s, plan = v.state, v.plan
    flat = s["fields"].reshape(len(plan.factors), -1)
    inside = v.inside if v.inside.any() else np.ones_like(v.inside)
    drugs = set(plan.factors.names) - {f.id for f in plan.model.factors}
    for f, name in enumerate(plan.factors.names):
        level = float(flat[f, inside].mean(dtype=np.float64))
        yield (f"drug.{name}" if name in drugs else f"factor.{name}"), level
        yield (f"plasma.{name}" if name in drugs else f"serum.{name}"), float(s["blood"][f])
    if "pH" in plan.signals:
        acid = plan.factors["lactate"]
        excess = np.maximum(flat[acid, inside] - plan.factor_data[acid].baseline, 0.0)
        rest = float(s["environment"][list(plan.surroundings.environment).index("pH")])
        fall = plan.parameter("pH.per_lactate") * float(excess.mean(dtype=np.float64))
        yield "factor.pH", rest - fall
    for drug in sorted(drugs):
        if f"drug_in.{drug}" in s.variables:
            for name, level in v.means(s.live(f"drug_in.{drug}")):
                yield f"drug_in.{drug}.{name}", level
    for row, held in enumerate(plan.held):
        yield f"occupancy.{held.name}", float(s["occupancy"][row, inside].mean())
    if drugs:
        yield "drug_penetration", _penetration(v, [flat[plan.factors[d]] for d in sorted(drugs)])
    for name, level in v.means(s.live("damage")):
        yield f"damage.{name}", level


def _penetration(v: View, levels: Sequence[Array]) -> float:
    """Drug at living tumour cells over drug at perfused vessels, in the mean over drugs."""
    supplied = v.state["perfusion"] > 0.0
    cells = v.state.live("voxel")[v.alive & v.tumour]
    if not cells.size or not supplied.any():
        return 0.0
    near = [max(float(level[supplied].mean(dtype=np.float64)), 1e-30) for level in levels]
    reached = [float(level[cells].mean(dtype=np.float64)) for level in levels]
    return float(np.mean([a / b for a, b in zip(reached, near, strict=True)]))


def _matrix(v: View) -> Iterator[tuple[str, float]]:
    s, inside = v.state, v.inside if v.inside.any() else np.ones_like(v.inside)
    yield "ecm_density", float(s["matrix_density"][inside].mean(dtype=np.float64))
    yield "stiffness_kpa", float(s["stiffness"][inside].mean(dtype=np.float64))


def _vesicles(v: View) -> Iterator[tuple[str, float]]:
    s, plan = v.state, v.plan
    flat = s["fields"].reshape(len(plan.factors), -1)
    inside = v.inside if v.inside.any() else np.ones_like(v.inside)
    volume = 4.0 / 3.0 * np.pi * s.live("radius").astype(np.float64) ** 3
    rates = {(u.factor, u.cell): u.rate for u in plan.uptakes if u.kind == "first_order"}
    for factor in plan.model.factors:
        if factor.form != "vesicle":
            continue
        cargo, levels = factor.id.removesuffix(VESICLE), flat[plan.factors[factor.id]]
        yield f"vesicle.{cargo}", float(levels[inside].mean(dtype=np.float64))
        rate = np.array([rates.get((factor.id, name), 0.0) for name in plan.types.names])
        rate = rate * s["read_scale"][:, plan.signals[factor.id]]
        taken = rate[s.live("type")] * volume * levels[s.live("voxel")] * NANOMOLAR
        for name, mean_taken in v.means(taken):
            yield f"delivered.{cargo}.{name}", mean_taken


def _network(v: View) -> Iterator[tuple[str, float]]:
    for node in v.plan.model.nodes:
        owners = {v.plan.types[name] for name in node.cells}
        for name, level in v.means(v.signal(node.id), owners):
            yield f"node.{node.id}.{name}", level


def _release(v: View) -> Iterator[tuple[str, float]]:
    plan = v.plan
    total: dict[str, Array] = {}
    makers: dict[str, set[int]] = {}
    for row in plan.model.secretions:
        if row.cell not in plan.types:
            continue
        kind, level = plan.types[row.cell], 1.0
        makers.setdefault(row.factor, set()).add(kind)
        nodes = [node for node in (row.node, row.cargo) if node]
        if nodes:
            read = v.state["read_scale"][kind, [plan.signals[node] for node in nodes]]
            product = np.prod([v.signal(node) for node in nodes], axis=0)
            level = float(read.prod()) * mean(product, v.where(row.cell))
        scale = float(v.state["synthesis"][kind, plan.factors[row.factor]])
        each = total.setdefault(row.factor, np.zeros(len(plan.types)))
        each[kind] += row.rate * level * scale
    counts = np.array(v.counts)
    for factor, each in total.items():
        for name, among in v.members.items():
            if makers[factor].intersection(among):
                share = counts[among] / max(counts[among].sum(), 1.0)
                yield f"secretion.{factor}.{name}", float((each[among] * share).sum())


def _traffic(v: View) -> Iterator[tuple[str, float]]:
    for name, among in v.members.items():
        yield f"left.{name}", float(v.state["left_domain"][among].sum())
        yield f"recruited.{name}", float(v.state["recruited"][among].sum())
        yield f"expected_recruited.{name}", float(v.state["expected_recruited"][among].sum())


PARTS: tuple[Callable[[View], Iterator[tuple[str, float]]], ...] = (
    _populations,
    _size,
    guidance,
    _rates,
    _vessels,
    _immune,
    _molecules,
    _matrix,
    _vesicles,
    _network,
    _release,
    _traffic,
    spreading,
)
