"""Cells are never made, lost or relabelled without an entry in the books."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.plan import STEM, Plan
from stemniche.engine.processes.lifecycle import DIVISIONS
from stemniche.engine.processes.stemness import FLUX
from stemniche.engine.state import (
    ALIVE,
    APOPTOTIC,
    G1,
    GONE,
    NECROTIC,
    S_PHASE,
    Array,
    State,
)
from stemniche.engine.step import advance, moment
from stemniche.kernels.cpu import Backend
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

TICKS = 180
DEPLETED = {"deplete": ["CSC", "M1"], "fraction": 0.1, "every": "1 h"}


def living(plan: Plan, state: State) -> Array:
    """Living cells of each type."""
    alive = state.live("type")[state.live("state") == ALIVE]
    return np.bincount(alive, minlength=len(plan.types)).astype(float)


class Diary:
    """Books and counts after every tick."""

    def __init__(self, plan: Plan, state: State, k: Backend) -> None:
        self.plan, self.state = plan, state
        self.living, self.flux, self.keys = [living(plan, state)], [state["flux"].copy()], []
        for _ in range(TICKS):
            advance(plan, state, k)
            self.living.append(living(plan, state))
            self.flux.append(state["flux"].copy())
            self.keys.append(state.live("key").copy())


@pytest.fixture(scope="module")
def diary(walk: Walk, hasty: Make, k: Backend) -> Diary:
    """A hasty tissue, whose cells leave, enter and are taken out."""
    changes = {
        "tumour.layout": "scattered",
        "domain.size": ["0.4 mm", "0.4 mm"],
        "parameters.CSC.symmetric_probability": 0.8,
        "parameters.oxygen.respiration": "600 mmHg/min",
    }
    plan, state = walk(hasty(changes, DEPLETED))
    return Diary(plan, state, k)


def test_everything_happened(diary: Diary) -> None:
    """The other tests would say nothing if some of it had not."""
    s, hazards = diary.state, diary.plan.hazards
    assert dict(zip(FLUX, s["flux"] != 0, strict=True)) == dict.fromkeys(FLUX, True)
    assert dict(zip(DIVISIONS, s["divisions_done"] > 0, strict=True)) == dict.fromkeys(
        DIVISIONS, True
    )
    for name in ("engulfed", "recruited", "arrived", "depleted", "left_domain", "converted"):
        assert s[name].sum() > 0, name
    for name in ("apoptosis", "turnover", "kill.CD8", "conversion.0"):
        assert s["deaths"][hazards[name]].sum() > 0, name


def test_the_stem_cell_count_changes_by_its_flux(diary: Diary) -> None:
    stem = diary.plan.types[STEM]
    counts = np.array([row[stem] for row in diary.living])
    flux = np.array([row.sum() for row in diary.flux])
    np.testing.assert_array_equal(counts - counts[0], flux - flux[0])


def test_flux_has_the_sign_of_its_cause(diary: Diary) -> None:
    steps = np.diff(np.array(diary.flux), axis=0)
    for cause in ("symmetric", "dedifferentiation", "awakening"):
        assert (steps[:, FLUX.index(cause)] >= 0).all(), cause
    for cause in ("differentiation", "death", "traffic"):
        assert (steps[:, FLUX.index(cause)] <= 0).all(), cause


def test_living_cells_are_conserved(diary: Diary) -> None:
    """What was there, plus who was born or came, less who died, left or was taken."""
    s, hazards = diary.state, diary.plan.hazards
    deadly = [i for i, h in enumerate(hazards.names) if not h.startswith("conversion")]
    balance = s["born"].sum() + s["recruited"].sum() + s["arrived"].sum()
    balance -= s["deaths"][deadly].sum() + s["left_domain"].sum() + s["depleted"].sum()
    assert diary.living[-1].sum() - diary.living[0].sum() == balance


def test_types_without_a_lineage_are_conserved_one_by_one(diary: Diary) -> None:
    s, plan = diary.state, diary.plan
    deadly = [i for i, h in enumerate(plan.hazards.names) if not h.startswith("conversion")]
    for i, cell in enumerate(plan.cell_types):
        if cell.group == "tumour":
            continue
        balance = s["born"][i] + s["recruited"][i] + s["arrived"][i]
        balance -= s["deaths"][deadly, i].sum() + s["left_domain"][i] + s["depleted"][i]
        balance += s["converted"][:, i].sum() - s["converted"][i].sum()
        assert diary.living[-1][i] - diary.living[0][i] == balance, cell.id


def test_divisions_of_tumour_cells_are_counted_once(diary: Diary) -> None:
    s, plan = diary.state, diary.plan
    stem, transit = plan.types[STEM], plan.types["progenitor"]
    symmetric, asymmetric, amplifying = s["divisions_done"]
    assert s["born"][stem] == symmetric + asymmetric
    assert s["born"][transit] == amplifying
    assert s["flux"][FLUX.index("symmetric")] + s["flux"][FLUX.index("awakening")] == symmetric


def test_as_many_cells_enter_s_as_their_rates_lead_one_to_expect(
    walk: Walk, small: Make, k: Backend
) -> None:
    """A hundred times the same tick, within four Poisson errors; who is in S or gone does not."""
    plan, state = walk(small())
    cycle = next(p for p in plan.processes if p.name == "cycle")
    state["behaviours"][plan.behaviours["cycle_rate"]] = 2e-3
    state["behaviours"][plan.behaviours["quiescence_rate"]] = 1e-3
    idle = np.arange(state.n) % 5 == 0
    entered = 0
    for _ in range(100):
        state.live("phase")[:] = np.where(idle, S_PHASE, G1)
        state.live("state")[:] = np.where(np.arange(state.n) % 7 == 0, GONE, ALIVE)
        state.live("clock")[:] = 1e4
        cycle.run(state, moment(state), k)
        entered += int((state.live("phase")[~idle] == S_PHASE).sum())
        state.tick += 1
    assert entered > 100
    assert abs(entered - state["expected_born"].sum()) < 4.0 * np.sqrt(entered)


def test_keys_are_unique_at_every_tick(diary: Diary) -> None:
    assert [t for t, keys in enumerate(diary.keys) if len(np.unique(keys)) < len(keys)] == []


def test_a_key_stays_with_its_cell(walk: Walk, small: Make, k: Backend) -> None:
    """Over a quiet tick the same keys sit at nearly the same places."""
    plan, state = walk(small(), 2)
    before = {int(key): x for key, x in zip(state.live("key"), state.live("x"), strict=True)}
    advance(plan, state, k)
    moved = [
        abs(before[int(key)] - x)
        for key, x in zip(state.live("key"), state.live("x"), strict=True)
        if int(key) in before
    ]
    assert len(moved) > 0.95 * len(before)
    assert max(moved) < 60.0


def test_a_recruit_never_gets_the_key_of_a_placed_cell(walk: Walk, small: Make, k: Backend) -> None:
    """Not even when the tick has the number of the seed, and the voxel that of the cell."""
    plan, state = walk(small({"tissue.vessels": "2000 /mm^2"}), seed=3)
    recruitment = next(p for p in plan.processes if p.name == "recruitment")
    recruitment.flow[:] = 1e6
    state.tick = 3
    first = state.n

    recruitment.run(state, moment(state), k)
    assert state.n > first + 100
    assert len(np.unique(state.live("key"))) == state.n


def test_a_daughter_is_the_child_of_its_mother(walk: Walk, hasty: Make, k: Backend) -> None:
    plan, state = walk(hasty(), 12)
    children = np.flatnonzero(state.live("parent") > 0)
    assert len(children)
    clones = dict(zip(state.live("key").tolist(), state.live("clone").tolist(), strict=True))
    for child in children:
        mother = int(state.live("parent")[child])
        assert clones.get(mother, state.live("clone")[child]) == state.live("clone")[child]


def test_births_split_a_mother_in_two_halves(walk: Walk, small: Make, k: Backend) -> None:
    """Volume, and with it drug and everything per volume, is kept; the two lie side by side."""
    plan, state = walk(small())
    births = next(p for p in plan.processes if p.name == "births")
    mothers = np.flatnonzero(state.live("type") == plan.types["differentiated"])[:20]
    newborn = plan.trait("volume")[plan.types["differentiated"]]
    state["radius"][mothers] = (2.0 * newborn * 3.0 / (4.0 * np.pi)) ** (1 / 3)
    state["dividing"][mothers] = 1
    volume = (state.live("radius").astype(float) ** 3).sum()
    middle = [state[a][mothers].copy() for a in "xyz"]
    first = state.n

    births.run(state, moment(state), k)
    daughters = np.arange(first, state.n)
    assert len(daughters) == len(mothers)
    assert (state.live("radius").astype(float) ** 3).sum() == pytest.approx(volume, rel=1e-5)
    apart = np.zeros(len(mothers))
    for axis, before in zip("xyz", middle, strict=True):
        one, two = state[axis][mothers], state[axis][daughters]
        np.testing.assert_allclose((one + two) / 2, before, atol=1e-3)
        apart += (one - two).astype(float) ** 2
    np.testing.assert_allclose(np.sqrt(apart), 0.8 * state["radius"][mothers], rtol=1e-3)
    assert set(state["phase"][[*mothers, *daughters]]) == {G1}


def test_the_dead_and_the_gone_do_not_divide(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small())
    births = next(p for p in plan.processes if p.name == "births")
    state.live("dividing")[:] = 1
    state.live("state")[:] = np.resize([APOPTOTIC, NECROTIC, GONE], state.n)
    first = state.n

    births.run(state, moment(state), k)
    assert state.n == first


def test_a_progenitor_ends_after_its_divisions(walk: Walk, small: Make, k: Backend) -> None:
    plan, state = walk(small())

    births = next(p for p in plan.processes if p.name == "births")
    transit, end = plan.types["progenitor"], plan.types["differentiated"]
    state.live("type")[:] = end
    state["type"][0], state["left"][0] = transit, 3
    sizes = []
    for _ in range(4):
        state.live("dividing")[:] = state.live("type") == transit
        births.run(state, moment(state), k)
        state.tick += 1
        sizes.append(int((state.live("type") == transit).sum()))
    assert sizes == [2, 4, 0, 0]


def test_the_tissue_stays_in_canonical_order(diary: Diary) -> None:
    s = diary.state
    voxel, key = s.live("voxel").astype(np.int64), s.live("key")
    ordered = np.lexsort((key, voxel))
    np.testing.assert_array_equal(ordered, np.arange(s.n))
    np.testing.assert_array_equal(
        np.diff(s["voxel_ptr"]), np.bincount(voxel, minlength=len(s["voxel_ptr"]) - 1)
    )
    assert not (s.live("state") == GONE).any()
