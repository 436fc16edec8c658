"""A claim that is switched off takes its mechanism with it, measurably."""

from collections.abc import Callable

import stemniche as sn
from stemniche.spec.scenario import Scenario


def test_without_c257_the_il6_cxcl7_loop_is_weaker(small: Callable[..., Scenario]) -> None:
    """C257: IL6 makes MSC release CXCL7 (PPBP), which drives IL6 and CXCL8 through CXCR2."""
    tissue = {"tissue.MSC": 30, "tumour.layout": "scattered", "days": 1.5}
    whole = sn.simulate(small(tissue), threads=1).table.iloc[-1]
    without = sn.simulate(small(tissue).without_claims(["C257"]), threads=1).table.iloc[-1]
    assert without["factor.PPBP"] < 0.5 * whole["factor.PPBP"]
    for column in ("node.CXCR2.differentiated", "node.CXCL8_expression.differentiated"):
        assert without[column] < 0.97 * whole[column], column
    assert without["factor.CXCL8"] < whole["factor.CXCL8"]
    assert without["factor.IL6"] < whole["factor.IL6"]
