"""Cells that eat dead tumour carry antigen to the node, which sends T cells after a delay."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.drives import value
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, Process
from stemniche.engine.state import ALIVE, APOPTOTIC, State
from stemniche.engine.step import begin, moment
from stemniche.kernels.cpu import Backend
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

MIXED = {"tumour.layout": "scattered", "domain.size": ["0.3 mm", "0.3 mm"], "tissue.DC": 30}
WEEK = 1680


def process(plan: Plan, name: str) -> Process:
    return next(p for p in plan.processes if p.name == name)


def fed(walk: Walk, hasty: Make, k: Backend, **changes: object) -> tuple[Plan, State]:
    """A tissue where half the tumour has just died, after one tick of eating."""
    plan, s = walk(hasty(MIXED | {"tumour.antigenicity": 0.8} | changes), 2)
    tumour = plan.mask(["tumour"])[s.live("type")] == 1
    s.live("state")[np.flatnonzero(tumour)[::2]] = APOPTOTIC
    s.live("antigen")[:] = 0.0
    s.live("hazards")[:] = 0.0
    process(plan, "presentation").run(s, moment(s), k)
    return plan, s


def test_only_presenters_take_up_antigen_and_only_of_the_dead(
    walk: Walk, hasty: Make, k: Backend
) -> None:
    plan, s = fed(walk, hasty, k)
    laden = s.live("antigen") > 0.0
    assert laden.sum() > 3
    assert set(s.live("type")[laden].tolist()) == {plan.types["DC"]}
    one = -np.expm1(-0.8 * s.live("behaviours")[plan.behaviours["phagocytosis_rate"]] * TICK_MIN)
    share = s.live("antigen")[laden] / one[laden]
    assert share.min() == pytest.approx(1.0, abs=0.01)  # those that touch a single dead cell
    ripe = s.live("behaviours")[plan.behaviours["maturation_rate"]] * s.live("antigen")
    np.testing.assert_allclose(s.live("hazards")[plan.hazards["drainage"]], ripe, rtol=1e-5)


def test_cells_without_antigen_do_not_prime(walk: Walk, hasty: Make, k: Backend) -> None:
    _, s = fed(walk, hasty, k, **{"tumour.antigenicity": 0})
    assert not s.live("antigen").any()


def responded(
    small: Make, k: Backend, volume: str, ticks: int, second: float = 0.5
) -> tuple[Plan, State]:
    """A node into which ten full presenters, as at rest, of the slice came at once."""
    plan = assemble(small({"represents.volume": volume, "tissue.DC": 10}), 1).plan
    s = begin(plan, k)
    node = process(plan, "lymph_node")
    mine = s.live("type") == plan.types["DC"]
    s.live("antigen")[mine], s.live("fate")[mine] = 1.0, plan.hazards["drainage"]
    s.live("signals")[plan.signals["costimulation"], mine] = second
    for _ in range(ticks):
        node.run(s, moment(s), k)
        s.live("fate")[:] = -1
        s.tick += 1
    return plan, s


def test_the_node_follows_its_equations(small: Make, k: Backend) -> None:
    """Compared with small explicit steps."""
    plan, s = responded(small, k, "100 mm^3", WEEK)
    presenters, activated, effectors = 10.0, 0.0, 0.0
    scale, decay, step = plan.surroundings.blood_scale, np.log(2.0) / 2880.0, 2.0 / 7200.0
    for _ in range((WEEK - 1) * 6):
        wanted = scale * presenters / (scale * presenters + 1e4)
        effectors += step * (activated - effectors)
        activated += step * (wanted - activated)
        presenters -= decay * presenters
    wanted_state = [presenters, presenters, activated, effectors]
    np.testing.assert_allclose(s["lymph_node"], wanted_state, rtol=0.01)


def test_presenters_without_costimulation_make_tolerant(small: Make, k: Backend) -> None:
    level = [
        responded(small, k, "100 mm^3", WEEK, second)[1]["lymph_node"][-1]
        for second in (0.05, 0.2, 0.5, 0.9)
    ]
    assert level[0] < 0.3 * level[2]
    assert level[0] < level[1] < level[2] < level[3] < 2.0 * level[2]


def test_effectors_come_days_after_antigen_and_go(small: Make, k: Backend) -> None:
    day = 240
    level = [responded(small, k, "100 mm^3", d * day)[1]["lymph_node"][-1] for d in (1, 6, 40)]
    assert level[1] > 5.0 * level[0]
    assert level[1] > 5.0 * level[2]


def test_a_larger_tumour_primes_more(small: Make, k: Backend) -> None:
    little, much = (responded(small, k, v, WEEK)[1]["lymph_node"][-1] for v in ("1 mm^3", "1 cm^3"))
    assert much > 3.0 * little > 0.0


def test_primed_t_cells_fill_the_blood(small: Make, k: Backend) -> None:
    plan = assemble(small(), 1).plan
    s = begin(plan, k)
    marrow = process(plan, "marrow")
    s["lymph_node"][-1] = 1.0
    for _ in range(4 * WEEK):
        marrow.run(s, moment(s), k)
    entering = [n for n in plan.types.names if plan.trait("entry")[plan.types[n]]]
    pool = dict(zip(entering, s["pool"].tolist(), strict=True))
    for name in ("CD8", "CD4", "NK"):
        wanted = 1.0 + float(plan.trait("priming")[plan.types[name]])
        assert pool[name] == pytest.approx(wanted, rel=1e-3), name


def test_a_laden_presenter_leaves_and_is_gone(walk: Walk, hasty: Make, k: Backend) -> None:
    plan, s = walk(hasty(MIXED), 1)
    mine = np.flatnonzero((s.live("type") == plan.types["DC"]) & (s.live("state") == ALIVE))
    s.live("hazards")[:] = 0.0
    s.live("antigen")[mine] = 0.5
    s["hazards"][plan.hazards["drainage"], mine] = 10.0
    process(plan, "fates").run(s, moment(s), k)
    process(plan, "lymph_node").run(s, moment(s), k)
    second = s["signals"][plan.signals["costimulation"], mine].astype(float)
    both = 0.5 * np.array([second.sum() / 0.5, (1.0 - second).sum() / 0.5])
    np.testing.assert_allclose(s["lymph_node"][:2], both, rtol=1e-5)
    assert s["deaths"][plan.hazards["drainage"]].sum() == len(mine)


def test_il10_takes_costimulation_from_presenters(walk: Walk, small: Make) -> None:
    changes = {"tissue.DC": 20}
    found = []
    for therapy in ([], [{"add": "IL10", "concentration": "0.1 nM"}]):
        plan, s = walk(small(changes, *therapy), 120, prepared=0)
        mine = s.live("type") == plan.types["DC"]
        found.append(float(s.live("signals")[plan.signals["costimulation"], mine].mean()))
    assert found[1] < 0.8 * found[0]


def test_antigen_alone_makes_t_cells_anergic_and_a_second_signal_does_not(
    small: Make, k: Backend
) -> None:
    """The steady level of the node by its rows."""
    plan = assemble(small(), 1).plan
    drive = plan.drives["CD8", "anergy"]

    def level(**signals: float) -> float:
        rest = {t.signal: t.reference for g in drive.groups for t in g.terms}
        return float(value(drive, lambda name: np.array((rest | signals)[name])))

    assert level(engagement=1.0) > 3.0 * level()
    assert level(engagement=1.0, **{"contact.DC": 2.0}) < 1.3 * level()
    assert level(engagement=1.0, IL2=0.05) < 0.7 * level(engagement=1.0)
