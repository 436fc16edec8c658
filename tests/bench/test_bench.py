"""What `stemniche bench` measures, at a size that takes a moment."""

import numpy as np
import pytest

from stemniche.bench import kernels, runs
from stemniche.bench.ball import ball, read_ball
from stemniche.bench.measure import Figure
from stemniche.engine.step import advance


def test_the_ball_holds_its_types_in_their_shares_and_twenty_rules() -> None:
    plan, state, _ = ball(2000, 1)
    shares = np.bincount(state.live("type"), minlength=len(plan.types)) / state.n
    wanted = read_ball()["types"]
    for name, share in wanted.items():
        assert shares[plan.types[name]] == pytest.approx(share, abs=0.03)
    assert sum(len(d.groups) for d in plan.model.drives) == 20
    assert len(plan.factors) == 4


def test_with_the_steps_of_the_other_program_the_ball_comes_out_the_same() -> None:
    """Two splittings of the same equations: oxygen within 2 mmHg, radius within 3 %."""
    found = []
    for peer in (False, True):
        plan, state, k = ball(1000, 1, peer=peer)
        advance(plan, state, k)
        place = np.stack([state.live(axis) for axis in "xyz"])
        radius = float(np.sqrt(place.var(axis=1).sum()))
        level = state["fields"][plan.factors["oxygen"]].ravel()[state.live("voxel")]
        found.append((radius, float(level.mean())))
    (own_radius, own_level), (peer_radius, peer_level) = found
    assert peer_radius == pytest.approx(own_radius, rel=0.03)
    assert peer_level == pytest.approx(own_level, abs=2.0)
    assert own_level < 37.0


def test_every_figure_is_a_positive_number_with_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "COUNT", 1500)
    monkeypatch.setattr(kernels, "SIDE", 16)
    monkeypatch.setattr(runs, "BALL_CELLS", 500)
    found = [*kernels.kernel_figures(), *runs.run_figures()]
    assert {f.part for f in found} == {"kernel", "memory", "start", "run", "threads"}
    assert all(np.isfinite(f.value) and f.value > 0.0 and f.unit for f in found)
    assert len({(f.what, f.unit) for f in found}) == len(found)


def test_a_budget_is_an_upper_bound_unless_it_says_otherwise() -> None:
    upper = Figure(part="run", what="a", value=2.0, unit="s", budget=1.0)
    lower = Figure(part="threads", what="b", value=2.0, unit="times", budget=1.7, at_least=True)
    assert upper.within is False
    assert lower.within is True
    assert Figure(part="run", what="c", value=2.0, unit="s").within is None
