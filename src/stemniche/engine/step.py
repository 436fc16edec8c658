"""The clock: move a State tick by tick through a Plan's processes."""

from stemniche.engine.build import new_state
from stemniche.engine.graft import Graft
from stemniche.engine.place import place
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S, Tick
from stemniche.engine.processes.distant import DistantTissue
from stemniche.engine.processes.spread import Spread
from stemniche.engine.state import State
from stemniche.kernels.cpu import Backend


def begin(plan: Plan, k: Backend, graft: Graft | None = None) -> State:
    """Place the tissue and bring it into canonical order; day 0 has not come yet.

    Args:
        graft: Cells that are planted instead of a fresh tumour.
    """
    cells = plan.layout.tumour_cells + sum(plan.layout.tissue.values())
    s = new_state(plan, cells)
    s["day0"][0] = -1
    place(plan, s, k, graft)
    _settle(plan, s, k)
    for process in plan.processes:
        if isinstance(process, DistantTissue):
            process.rest(s, k)
        elif isinstance(process, Spread):
            s["chance_at_rest"][0] = process.chance(s)
    return s


def _settle(plan: Plan, s: State, k: Backend) -> None:
    """Sort and list the freshly placed cells; tell what matrix is like and vessels reach."""
    for process in plan.processes:
        if process.name in ("matrix", "reach", "canon"):
            process.run(s, Tick(0, -1), k)


def advance(plan: Plan, s: State, k: Backend) -> None:
    """Move `s` by one tick."""
    now = moment(s)
    for process in plan.processes:
        if now.index * TICK_S % process.every_s == 0:
            process.run(s, now, k)
    s.tick += 1


def moment(s: State) -> Tick:
    """The tick at whose start `s` is."""
    return Tick(s.tick, int(s["day0"][0]))


def seconds(s: State) -> int:
    """Seconds since day 0, 0 while preparation lasts."""
    day0 = int(s["day0"][0])
    return 0 if day0 < 0 else (s.tick - day0) * TICK_S
