"""Replanting: the living tumour cells of another run at a day, as a graft for this one.

`run.simulate` asks before it places a tumour. Within an experiment the other run is that of another
arm with the same seed, which is simulated up to that day; otherwise it is a folder.
"""

from collections.abc import Callable

import numpy as np

from stemniche.core.errors import InputError
from stemniche.engine.graft import KEPT, Graft
from stemniche.engine.state import ALIVE
from stemniche.run.results import Run, open_run
from stemniche.spec.interventions import Replant
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

RECORDED = {
    name: f"extra.{name}"
    for name in ("divisions", "left", "growth", "sensitivity", "receptors", "surface_antigen")
}
"""Columns of a sample under which some of `KEPT` are recorded."""


def planting(scenario: Scenario, seed: int, run: Callable[[Scenario, int], Run]) -> Graft | None:
    """The graft that a scenario asks for, None if it starts with a fresh tumour.

    Args:
        run: Simulates the scenario of another arm in memory.

    Raises:
        InputError: There is no such run or day, or no living tumour cell in it.
    """
    wanted = next((item for item in scenario.therapy if isinstance(item, Replant)), None)
    if wanted is None:
        return None
    if scenario.origin is not None:
        return graft_of(run(scenario.origin, seed), wanted)
    try:
        found = open_run(wanted.source)
    except InputError as fault:
        what = f"'{wanted.source}' is no run to take cells from."
        mend = "Name a run's folder; arms can be named in an experiment file."
        raise InputError(what, str(wanted), mend) from fault
    return graft_of(found, wanted)


def graft_of(run: Run, wanted: Replant) -> Graft:
    """The living tumour cells of a run at the wanted day.

    Raises:
        InputError: There is no sample at that day, or nothing lives in it.
    """
    columns = run.cell_columns(wanted.day / 1440.0)
    names = np.array(run.header.types)
    tumour = [n for n in names if n in read_library().lexicon.expand(("tumour",))]
    types = names[columns["type"]]
    alive = np.isin(types, tumour) & (columns["state"] == ALIVE)
    if not alive.any():
        what = f"No tumour cell lives in '{wanted.source}' at day {wanted.day / 1440.0:g}."
        raise InputError(what, str(wanted), "Take an earlier day, or another source.")
    missing = [name for name in KEPT if RECORDED.get(name, name) not in columns]
    if missing:
        what = f"'{wanted.source}' was made by an older version and lacks {', '.join(missing)}."
        raise InputError(what, str(wanted), "Simulate it again.")
    nodes = dict(zip(run.header.nodes, columns["nodes"][:, alive], strict=True))
    kept = {name: columns[RECORDED.get(name, name)][alive] for name in KEPT}
    return Graft(types=types[alive], kept=kept, nodes=nodes)
