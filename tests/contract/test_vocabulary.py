"""The vocabulary is closed on both sides: the engine has all of it and nothing else."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from stemniche.engine.build import ENGINE_BEHAVIOURS, build_plan, new_state
from stemniche.engine.place import place
from stemniche.engine.plan import MARROW, VESSEL, Extension, Plan
from stemniche.engine.processes.matrix import Matrix
from stemniche.engine.processes.sensing import BORNE
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.processes.vessels import VESSEL_BEHAVIOURS
from stemniche.engine.state import ALIVE, G2M, NECROTIC, State
from stemniche.engine.step import advance, begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assays import ASSAYS, OF_A_TYPE, assays
from stemniche.run.assemble import Assembled, assemble
from stemniche.run.measures import measure, types_and_groups
from stemniche.spec.lexicon import VESICLE, Lexicon
from stemniche.spec.model import Drive, Group, Model, Term
from stemniche.spec.nametables import EVENTS, library_names
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

DRUGS = (
    {"drug": "paclitaxel", "dose": "500 mg"},
    "drug plerixafor",
    "drug mogamulizumab",
    "drug PF-04136309",
)
VIRUS = {"drug": "talimogene_laherparepvec", "dose": "2e7 pfu"}
VACCINE = {"drug": "dc_vaccine"}
RAYS = {"radiation": "1 Gy", "from": "3.3 h"}
HUMORAL = ("recruitment", "egress")
"""Heads of behaviours that belong to vessels and marrow."""

ELSEWHERE = (*HUMORAL, *VESSEL_BEHAVIOURS, "diffusivity")
"""Heads of behaviours that are worked out outside the table of all cells."""


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return read_library().lexicon


@pytest.fixture(scope="module")
def treated(hasty: Callable[..., Scenario]) -> Assembled:
    mixed = {
        "tumour.layout": "scattered",
        "domain.size": ["0.3 mm", "0.3 mm"],
        "tissue.DC": 20,
        "tissue.vessels": "800 /mm^2",
        "distant_site": True,
    }
    afar = {**RAYS, "where": "distant"}
    given = (*DRUGS, RAYS, afar, VIRUS, VACCINE, {"inject": "CSC", "cells": 10})
    return assemble(hasty(mixed, *given), 1)


@pytest.fixture(scope="module")
def busy(treated: Assembled, k: Backend) -> State:
    """A treated tissue in which everything has begun."""
    state = begin(treated.plan, k)
    state["day0"][0] = 0
    for _ in range(30):
        advance(treated.plan, state, k)
    return state


def ids(lexicon: Lexicon, kind: str) -> list[str]:
    return [w.id for w in lexicon.words if w.kind == kind]


# Signals


def reading(model: Model, names: list[str]) -> Model:
    """A model whose CSC read these signals in their cycle."""
    terms = [
        Term(row="test", signal=n, half_max=1.0, hill=1.0, inverted=False, reference=0.0)
        for n in names
    ]
    drive = Drive(
        cell="CSC",
        target="cycle_rate",
        kind="behaviour",
        constant=-5.0,
        low=0.0,
        high=1.0,
        groups=tuple(Group(weight=0.1, terms=(t,)) for t in terms),
    )
    genotype = model.genotype | {n: 1.0 for n in names if ":" in n}
    return replace(model, drives=(*model.drives, drive), genotype=genotype)


def replanned(run: Assembled, model: Model) -> Plan:
    p = run.plan
    return build_plan(model, p.grid, p.seed, p.surroundings, p.layout, Extension())


def test_every_signal_can_be_read(
    lexicon: Lexicon, small: Callable[..., Scenario], k: Backend
) -> None:
    """Each signal of the vocabulary gets a place, and a value in some cell."""
    examples = {
        "<FACTOR>": "IL6",
        "<NODE>": "STAT3",
        "contact.<TYPE>": "contact.tumour",
        "neighbour.<NODE>": "neighbour.STAT3",
    }
    wanted = [examples.get(i, i.replace("<GENE>", "TP53")) for i in ids(lexicon, "signal")]
    wanted.remove("serum.<FACTOR>")
    run = assemble(small(), 1)
    plan = replanned(run, reading(run.model, wanted))
    state = begin(plan, k)
    state["damage"][: state.n] = 0.5
    state["infected"][: state.n] = 1.0
    for _ in range(3):
        advance(plan, state, k)
    dissolved = [n for n in wanted if ":" not in n]
    assert [n for n in dissolved if not (state.live("signals")[plan.signals[n]] > 0).any()] == []
    assert [n for n in wanted if ":" in n and n in plan.signals] == []


def test_marrow_reads_serum(treated: Assembled, k: Backend) -> None:
    state = begin(treated.plan, k)
    marrow = next(p for p in treated.plan.processes if p.name == "marrow")
    levels = []
    for level in (0.0, 10.0):
        state["released"][:] = 1.0
        state["blood"][treated.plan.factors["CCL2"]] = level
        marrow.run(state, moment(state), k)
        levels.append(state["released"].copy())
    assert (levels[1] >= levels[0]).all()
    assert (levels[1] > levels[0]).any()


def test_every_signal_of_the_engine_is_in_the_vocabulary(
    lexicon: Lexicon, treated: Assembled
) -> None:
    drugs = {f.id for f in treated.plan.factor_data} - {f.id for f in treated.model.factors}
    names = {*treated.plan.signals.names, *BORNE} - drugs
    assert [n for n in names if lexicon.signal(n) is None] == []


# Behaviours


def examples_of(pattern: str, plan: Plan) -> list[str]:
    """Behaviours of the plan that a pattern of the vocabulary stands for."""
    shape = re.compile(re.sub(r"<\w+>", r"[^.]+", re.escape(pattern)))
    return [name for name in plan.behaviours.names if shape.fullmatch(name)]


def test_every_behaviour_of_the_engine_is_in_the_vocabulary(
    lexicon: Lexicon, treated: Assembled
) -> None:
    names = {*treated.plan.behaviours.names, *ENGINE_BEHAVIOURS}
    assert [n for n in names if lexicon.behaviour(n) is None] == []


def test_every_behaviour_of_the_vocabulary_has_a_place(
    lexicon: Lexicon, treated: Assembled
) -> None:
    patterns = [i for i in ids(lexicon, "behaviour") if not i.startswith(ELSEWHERE)]
    assert [p for p in patterns if not examples_of(p, treated.plan)] == []


@pytest.mark.parametrize(
    "pattern",
    [i for i in ids(read_library().lexicon, "behaviour") if not i.startswith(ELSEWHERE)],
)
def test_moving_a_behaviour_moves_the_tissue(
    pattern: str, treated: Assembled, busy: State, k: Backend
) -> None:
    """Whatever value the rules give a behaviour, some process acts on it."""
    plan = treated.plan
    rows = [plan.behaviours[name] for name in examples_of(pattern, plan)]

    def moved(shift: float) -> dict[str, np.ndarray]:
        state = new_state(plan, busy.capacity)
        state.restore(busy.snapshot(), busy.n, busy.tick)
        state.live("state")[: state.n // 4] = NECROTIC
        stem = state.live("type") == plan.types["CSC"]
        state.live("phase")[stem], state.live("clock")[stem] = G2M, 1.0
        for _ in range(6):
            for process in plan.processes:
                process.run(state, moment(state), k)
                if process.name == "behaviours":
                    state.live("behaviours")[rows] += shift
                elif process.name == "distant_tissue":
                    state["distant_behaviours"][rows] += shift
            state.tick += 1
        after = state.snapshot()
        del after["behaviours"], after["distant_behaviours"]
        return after

    plain, shifted = moved(0.0), moved(1.0)
    assert [n for n in plain if not np.array_equal(plain[n], shifted[n])] != []


def test_moving_the_diffusivity_moves_the_tissue(
    treated: Assembled, busy: State, k: Backend
) -> None:
    plan = treated.plan
    matrix = next(p for p in plan.processes if isinstance(p, Matrix))
    transport = next(p for p in plan.processes if p.name == "transport")

    def oxygen(constant: float) -> np.ndarray:
        state = new_state(plan, busy.capacity)
        state.restore(busy.snapshot(), busy.n, busy.tick)
        state["perfusion"][:] = 0.0
        moved = tuple(replace(d, constant=constant, groups=()) for d in matrix.hinders)
        replace(matrix, hinders=moved).run(state, moment(state), k)
        transport.run(state, moment(state), k)
        return state["fields"][plan.factors["oxygen"]]

    assert np.abs(oxygen(-1.0) - oxygen(0.0)).max() > 0.1


@pytest.mark.parametrize("head", HUMORAL)
def test_moving_entry_and_egress_moves_the_tissue(
    head: str, lexicon: Lexicon, small: Callable[..., Scenario], k: Backend
) -> None:
    assert f"{head}.<TYPE>" in ids(lexicon, "behaviour")
    run = assemble(small(), 1)
    cell, target = (VESSEL if head == "recruitment" else MARROW), f"{head}.monocyte"
    drive = Drive(
        cell=cell, target=target, kind="behaviour", constant=5.0, low=0.0, high=1e3, groups=()
    )
    others = tuple(d for d in run.model.drives if d.target != target)
    plan = replanned(run, replace(run.model, drives=(*others, drive)))
    counts = []
    for p in (run.plan, plan):
        state = begin(p, k)
        for _ in range(240 if head == "egress" else 20):
            for process in p.processes:
                if process.name in ("marrow", "recruitment"):
                    process.run(state, moment(state), k)
            state.tick += 1
        counts.append(float(state["recruited"][p.types["monocyte"]]))
    assert counts[1] > 3.0 * max(counts[0], 1.0)


@pytest.mark.parametrize("name", VESSEL_BEHAVIOURS)
def test_moving_a_behaviour_of_the_wall_moves_the_vessels(
    name: str, lexicon: Lexicon, small: Callable[..., Scenario], k: Backend
) -> None:
    assert name in ids(lexicon, "behaviour")
    run = assemble(small({"tissue.vessels": "400 /mm^2"}), 1)
    others = tuple(d for d in run.model.drives if (d.cell, d.target) != ("EC", name))
    found = []
    for value in (0.5, 0.0005):
        drive = Drive(
            cell="EC",
            target=name,
            kind="behaviour",
            constant=float(np.log(value)),
            low=0.0,
            high=1.0,
            groups=(),
        )
        plan = replanned(run, replace(run.model, drives=(*others, drive)))
        state = begin(plan, k)
        state["wall"][state["type"] == plan.types["pericyte"]] = 0
        state["px"][: state.n] = 1.0
        process = next(p for p in plan.processes if p.name == "vessels")
        process.run(state, moment(state), k)
        found.append((state.n, state["leak"].sum(), state["perfusion"].sum()))
    assert found[0] != found[1]


# Traits


def test_the_engine_reads_every_trait_of_the_vocabulary(
    lexicon: Lexicon, small: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    answer = Plan.trait

    def noting(self: Plan, name: str) -> np.ndarray:
        asked.add(name)
        return answer(self, name)

    monkeypatch.setattr(Plan, "trait", noting)
    run = assemble(small({"distant_site": True}, *DRUGS, RAYS, VIRUS, VACCINE), 1)
    place(run.plan, new_state(run.plan, 1000), Backend())
    assert asked - set(ENGINE_BEHAVIOURS) == set(ids(lexicon, "trait"))


def test_every_cell_type_has_every_trait(lexicon: Lexicon, treated: Assembled) -> None:
    wanted = {*ids(lexicon, "trait"), *ENGINE_BEHAVIOURS}
    lacking = {t.id: wanted - set(t.traits) for t in treated.model.types}
    assert {name: traits for name, traits in lacking.items() if traits} == {}


# Measures


@pytest.fixture(scope="module")
def columns(treated: Assembled, busy: State) -> set[str]:
    groups = types_and_groups(treated.plan)
    named = [*ASSAYS, *(f"{assay}.{name}" for assay in OF_A_TYPE for name in groups)]
    return {*measure(treated.plan, busy), *dict(assays(treated.plan, busy, named))}


def test_every_column_is_a_measure_that_may_be_named(columns: set[str]) -> None:
    assert sorted(columns - set(library_names().ids["measure"])) == []


def in_the_model(pattern: str, run: Assembled) -> Iterator[str]:
    """Measures that a pattern stands for in this model."""
    plan, cells = run.plan, types_and_groups(run.plan)
    head = pattern.split(".")[0]
    secreted = {(r.factor, r.cell) for r in run.model.secretions}
    owners = {n.id: n.cells for n in run.model.nodes}

    def among(name: str) -> list[str]:
        return [plan.types.names[i] for i in plan.members(name)]

    fill: dict[str, tuple[str, ...]] = {
        "TYPE": (*cells, "TAM") if head == "cells" else cells,
        "FACTOR": tuple(f.id for f in run.model.factors),
        "FACTOR_LEVEL": tuple(f.id for f in run.model.factors),
        "NODE": tuple(owners),
        "CARGO": tuple(
            f.id.removesuffix(VESICLE) for f in run.model.factors if f.form == "vesicle"
        ),
        "DRUG": ("paclitaxel",),
        "HELD": ("plerixafor.CXCR4",),
        "CAUSE": FLUX,
        "EVENT": EVENTS,
        "KILLER": ("CD8",),
        "MARKER": tuple(m.id for m in run.model.markers),
        "VICTIM": ("CSC", "progenitor", "differentiated", "tumour"),
        "FROM": plan.types.names,
        "TO": plan.types.names,
    }
    made = [pattern]
    for label in re.findall(r"<(\w+)>", pattern):
        made = [m.replace(f"<{label}>", name, 1) for m in made for name in fill[label]]
    hosts = set(plan.types.names) - set(among("tumour"))
    for name in made:
        what, *parts = name.removeprefix("distant.").split(".")
        makers = hosts if head == "distant" else set(plan.types.names)
        if head == "chemotaxis_index" and len(parts) > 1:
            cues = [b for b in plan.behaviours.names if b.startswith("chemotaxis.")]
            if f"chemotaxis.{parts[0]}" not in cues:
                continue
        if what == "node" and not set(owners[parts[0]]) & set(among(parts[1])):
            continue
        if what == "secretion" and not any(
            (parts[0], t) in secreted for t in makers.intersection(among(parts[1]))
        ):
            continue
        if head.endswith("conversion") and parts[1] not in plan.conversions[plan.types[parts[0]]]:
            continue
        yield name


@pytest.mark.parametrize("pattern", ids(read_library().lexicon, "measure"))
def test_a_measure_is_recorded_where_its_entities_are_in_the_model(
    pattern: str, treated: Assembled, columns: set[str]
) -> None:
    wanted = set(in_the_model(pattern, treated))
    assert wanted
    assert sorted(wanted - columns) == []


def test_every_measure_is_finite(treated: Assembled, busy: State) -> None:
    row = measure(treated.plan, busy)
    assert [name for name, value in row.items() if not np.isfinite(value)] == []


def test_measures_of_an_empty_tissue_are_finite(treated: Assembled, busy: State) -> None:
    empty = new_state(treated.plan, 64)
    empty.restore(busy.snapshot(), busy.n, busy.tick)
    empty.live("state")[:] = ALIVE + 1
    row = measure(treated.plan, empty)
    assert [name for name, value in row.items() if not np.isfinite(value)] == []


# Processes


def test_the_vocabulary_lists_the_processes_of_the_plan(
    lexicon: Lexicon, treated: Assembled
) -> None:
    names = {p.name.split(".")[0] for p in treated.plan.processes}
    assert sorted(names) == sorted(ids(lexicon, "process"))
