"""A scenario that reads well is planned and forecast, or refused in words: never a traceback."""

import math
import random
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stemniche.core.errors import InputError
from stemniche.run.forecast import forecast
from stemniche.spec.scenario import load_scenario
from stemniche.spec.schema import SCHEMA_KEYS

VALUES: tuple[Any, ...] = (
    0, 1, 3, 0.001, 0.5, 1e6, -1, "0 mm", "20 um", "1 mm", "3 m", "1 s", "6 min", "1 d", "3650 d",
    "0 mmHg", "760 mmHg", "1 M", "0 nM", "4 kPa", "1e9 mm^3", "1 um^3", "closed", "open", "no_flux",
    "fixed", "far_field", "medium", "tissue", "disc", "ball", "single", "scattered", "sheet",
    "breast", "colorectal", "strict", "mouse", "human", "1 kg", "1 g", "2 m^2", "5 %",
    ["20 um", "20 um"], ["1 mm", "3 mm"], ["0.1 mm", "0.1 mm", "0.1 mm"], {}, [], None,
)  # fmt: skip
PATHS = sorted(
    {key.path for key in SCHEMA_KEYS}
    | {"tissue.MSC", "tissue.macrophage", "tissue.vessels", "tissue.CD8", "tumour.genotype.TP53"}
    | {
        f"parameters.{name}"
        for name in ("network.gain", "CSC.volume", "IL6.half_life", "MSC.entry")
    }
)
ITEMS = (
    "drug paclitaxel 80 mg/m^2 every 7 d", "drug paclitaxel 1e30 mg over 1 s", "block CXCR2 0",
    "neutralise IL6 0.999 until 1 s", "overexpress MIR155 1e30", "knock_out IL6 from birth",
    "silence secretome in MSC", "add CXCL8 concentration 1e30 M", "deplete CD8 fraction 0.999",
    "transfer CD8 cells 1e9", "set environment.oxygen to 0 mmHg", "inhibit STAT3 from 3650 d",
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(PATHS), st.sampled_from(VALUES), max_size=3),
    st.lists(st.sampled_from(ITEMS), max_size=2),
    st.integers(0, 2**32),
)
def test_any_readable_scenario_is_planned_or_refused(
    changes: dict[str, Any], items: list[str], seed: int
) -> None:
    with suppress(InputError):
        chosen = load_scenario("breast_quick")
        for path in random.Random(seed).sample(sorted(changes), len(changes)):
            with suppress(InputError):
                chosen = chosen.change({path: changes[path]})
        found = forecast(chosen.treat(items))
        assert all(math.isfinite(value) for _, value, unit in found.rows if unit)
