"""What a host's immune system lacks is neither placed nor comes in, and what is weak acts less."""

from collections.abc import Callable

import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import State
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]

CROWD = {"tissue.NK": 10, "tissue.CD8": 30, "tissue.CD4": 20, "prepare": {"days": 0.25}}
LACKING = {"intact": set(), "nude": {"CD4", "CD8"}, "NSG": {"CD4", "CD8", "NK"}}


@pytest.mark.parametrize("immune", LACKING)
def test_hosts_lack_what_their_table_says(immune: str, walk: Walk, hasty: Make) -> None:
    plan, state = walk(hasty(CROWD | {"host.immune": immune}), 40)
    present = {plan.types.names[kind] for kind in set(state.live("type").tolist())}
    came = {n for n in plan.types.names if state["recruited"][plan.types[n]] > 0}
    wanted = {"CD4", "CD8", "NK"} - LACKING[immune]
    assert wanted <= present
    assert not LACKING[immune] & (present | came)
    assert "M1" in present


def test_phagocytes_of_nsg_hosts_are_weak(small: Make) -> None:
    def rate(immune: str) -> float:
        plan = assemble(small({"host.immune": immune}), 1).plan
        return float(plan.trait("phagocytosis_rate")[plan.types["M1"]])

    assert rate("NSG") == pytest.approx(0.5 * rate("intact"))
