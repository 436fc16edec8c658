"""Ferroptosis: lipid peroxides kill where GPX4 fails, and inducers only hit the pathway's nodes."""

from collections.abc import Callable

import numpy as np
import pytest

from stemniche.engine.plan import Plan
from stemniche.engine.state import ALIVE, NECROTIC, State
from stemniche.engine.step import moment
from stemniche.kernels.cpu import Backend
from stemniche.run.measures import measure
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

Walk = Callable[..., tuple[Plan, State]]
Make = Callable[..., Scenario]


def tumour(plan: Plan, s: State) -> np.ndarray:
    return np.asarray(plan.mask(["tumour"])[s.live("type")] == 1)


@pytest.mark.parametrize("node", ["GPX4", "SLC7A11"])
def test_cells_die_of_peroxides_without_the_peroxidase_or_its_cystine(
    node: str, walk: Walk, small: Make, k: Backend
) -> None:
    found = []
    for therapy in ((), ({"inhibit": node, "fraction": 0.99},)):
        plan, s = walk(small({"tumour.cells": 300}, *therapy), 240)
        deaths = s["deaths"][plan.hazards["ferroptosis"]]
        host = [i for i in range(len(plan.types)) if i not in plan.members("tumour")]
        assert not deaths[host].any()
        found.append((measure(plan, s)["node.lipid_peroxides.tumour"], deaths.sum()))
    assert found[1][0] > 2.5 * found[0][0]
    assert found[0][1] < 3 < 10 < found[1][1]


def test_the_ferroptotic_burst_open(walk: Walk, small: Make, k: Backend) -> None:
    plan, s = walk(small({"tumour.cells": 300}), 1)
    s.live("hazards")[:] = 0.0
    living = tumour(plan, s) & (s.live("state") == ALIVE)
    s.live("hazards")[plan.hazards["ferroptosis"], living] = 1e3
    next(p for p in plan.processes if p.name == "fates").run(s, moment(s), k)
    assert (s.live("state")[living] == NECROTIC).all()


def test_inducers_hit_nodes_of_the_pathway_alone() -> None:
    library = read_library()
    inducers = {d for d in library.drugs if "ferroptosis_inducer" in library.drug_lineage(d)}
    hit = {name for row in library.targets if row.drug in inducers for name in row.named}
    assert {"GPX4", "SLC7A11", "iron"} <= hit <= {"GPX4", "SLC7A11", "iron", "ROS"}
