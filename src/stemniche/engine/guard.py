"""Look at a State and stop with an explanation if going on would be wrong or impossible."""

import numpy as np

from stemniche.core.errors import GuardError
from stemniche.engine.plan import STEM, Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.state import Array, State
from stemniche.engine.step import seconds

FULL = 1.35
"""Share of the domain's packed capacity above which it counts as too full."""


def check(plan: Plan, s: State) -> None:
    """Stop a run that has gone wrong.

    Raises:
        GuardError: A number is not finite, a level is negative, a cell has no position, or the
            domain is too full.
    """
    lost = int((~np.isfinite(s.live("x") + s.live("y") + s.live("z"))).sum())
    if lost:
        raise GuardError(
            f"The position of {lost} cells is not a finite number.",
            when(s),
            "Lower migration speeds or repulsion; resume from the last sample.",
        )
    with np.errstate(invalid="ignore", over="ignore"):
        blocks = [block[:, : s.n] for block in s.whole_cells() if block.dtype.kind == "f"]
        cells_fine = all(np.isfinite(block.sum()) for block in blocks)
        for variable in s.variables.values():
            if cells_fine and "cell" in variable.kind:
                continue
            values = s.live(variable.name) if "cell" in variable.kind else s[variable.name]
            # A sum is finite only if all of its terms are; if it is not, it may just be too large.
            if values.dtype.kind == "f" and not np.isfinite(values.sum()):
                bad = ~np.isfinite(values)
                if bad.any():
                    _explain(plan, s, variable.name, bad)
    if s["fields"].min() < 0.0:
        _explain(plan, s, "fields", s["fields"] < 0.0)
    _check_fullness(plan, s)


def capacity(plan: Plan) -> float:
    """Cells of the lineage's size that fit into the domain when packed."""
    volume = float(plan.trait("volume")[plan.types[STEM]])
    radius = (volume * 0.238732414637843) ** (1.0 / 3.0)
    lx, ly, _ = plan.grid.size
    if plan.grid.flat:
        return lx * ly / (2.0 * np.sqrt(3.0) * (0.95 * radius) ** 2)
    return plan.grid.volume * 0.74 / (4.18879 * (0.95 * radius) ** 3)


def _check_fullness(plan: Plan, s: State) -> None:
    most = FULL * capacity(plan)
    if s.n > most:
        raise GuardError(
            f"{s.n} cells are more than the domain can hold ({most:.0f}).",
            when(s),
            "Enlarge domain.size, start with fewer cells, or simulate fewer days.",
        )


def _explain(plan: Plan, s: State, name: str, bad: Array) -> None:
    """Name the first of the bad places of a variable: its row, and the cell or voxel."""
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    kind = s.variables[name].kind
    value = (s.live(name) if "cell" in kind else s[name])[first]
    rows = {
        "fields": plan.factors,
        "signals": plan.signals,
        "behaviours": plan.behaviours,
        "hazards": plan.hazards,
    }
    row = f"'{rows[name].names[first[0]]}'" if name in rows else f"'{name}'"
    where, mend = when(s), "Check the parameters of the rows and treatments that act on it."
    if name == "fields":
        where += ", voxel z={} y={} x={}".format(*first[1:])
        mend = "Check what adds or removes it there: secretion, uptake, treatments, half-life."
    elif "cell" in kind:
        where += f", {name} of cell {first[-1]} ({plan.types.names[int(s['type'][first[-1]])]})"
    count = int(bad.sum())
    places = "one place" if count == 1 else f"{count} places"
    raise GuardError(f"{row} became {value:g} in {places}.", where, mend)


def when(s: State) -> str:
    """The moment a State is at, in words."""
    day0 = int(s["day0"][0])
    hours = s.tick * TICK_S / 3600.0
    if day0 < 0:
        return f"hour {hours:.1f} of the preparation, tick {s.tick}"
    return f"day {seconds(s) / 86400.0:.2f}, tick {s.tick}"
