"""Treatments in words and on the time axis, read from a run's resolved scenario.

`digest` calls `treatments`. The scenario was checked before the run, so nothing is judged here; an
end that is a condition cannot be put on a time axis and is taken to be the end of the run.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stemniche.core.errors import StemnicheError
from stemniche.core.units import parse_time
from stemniche.report.charts import Mark

if TYPE_CHECKING:
    from stemniche.spec.model import Model

DAY_MIN = 1440.0

_NAMES = {
    "drug": "{}",
    "neutralise": "{} neutralisation",
    "block": "{} blockade",
    "inhibit": "{} inhibition",
    "overexpress": "{} overexpression",
    "knock_out": "{} knock-out",
    "silence": "silenced {}",
    "add": "added {}",
    "deplete": "{} depletion",
    "radiation": "radiation {}",
    "vessels": "vessels with {}",
    "set": "{}",
}
"""What an intervention is called, by its key; the blank is what it acts on."""


_FURTHER = (
    ("dose", "{}"), ("fraction", "of {}"), ("fold", "{}-fold"), ("to", "to {}"),
    ("concentration", "at {}"), ("in", "in {}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Treatment:
    """One intervention: in words, what it is called for short, and when."""

    words: str
    name: str
    mark: Mark


def treatments(scenario: dict[str, Any], model: "Model", last: float) -> list[Treatment]:
    """Return what was done, in order of its start.

    Args:
        scenario: Resolved, as a run's header has it.
        model: For the library's interval between doses.
        last: Day at which the run ended.
    """
    items = scenario.get("therapy") or []
    found = [_treatment(item, model, last) for item in items if isinstance(item, dict)]
    return sorted((t for t in found if t is not None), key=lambda t: t.mark.start)


def _treatment(item: dict[str, Any], model: "Model", last: float) -> Treatment | None:
    """Read one intervention of a resolved scenario; None for what is no treatment in time."""
    head = next((key for key in _NAMES if key in item), None)
    if head is None:
        return None
    target = _listed(item[head])
    name = _NAMES[head].format(target)
    words = [name]
    for key, text in _FURTHER:
        if key in item:
            say = _percent if key == "fraction" else _listed
            words.append(text.format(say(item[key])))
    born = item.get("from") == "birth"
    start = 0.0 if born else _days(item.get("from", 0), 0.0)
    end = _days(item.get("until"), last)
    every = _every(item, head, target, model)
    if every:
        words.append(f"every {every:g} d")
    words.append("from the very start" if born else f"from day {start:g}")
    if "until" in item:
        words.append(f"until day {end:g}" if end < last else f"until {item['until']}")
    doses: tuple[float, ...] = ()
    if head in ("drug", "deplete", "radiation"):
        most = int(item.get("doses") or 10_000)
        count = 1 + int(max(0.0, end - start - 1e-9) / every) if every else 1
        given = [i * every for i in range(min(count, 10_000)) if _on(i * every, item)]
        doses = tuple(start + since for since in given[:most])
    return Treatment(_tidy(" ".join(words)), name, Mark(start, end, doses))


def _on(since: float, item: dict[str, Any]) -> bool:
    """Whether a time since the start, in days, lies in the on part of the item's cycle."""
    cycle = item.get("cycle")
    if not isinstance(cycle, list | tuple) or len(cycle) != 2:
        return True
    on, off = (_days(part, 0.0) for part in cycle)
    return on + off <= 0.0 or since % (on + off) < on - 1e-9


def _every(item: dict[str, Any], head: str, target: str, model: "Model") -> float:
    """Days between doses; the library's interval where a drug's regimen is left to it."""
    if "every" in item:
        return _days(item["every"], 0.0)
    if head != "drug" or ("dose" in item and "doses" not in item):
        return 0.0
    usual = next((drug.values.get("every", 0.0) for drug in model.drugs if drug.id == target), 0.0)
    return usual / DAY_MIN


def _days(written: Any, default: float) -> float:
    """A time as days; `default` for none and for a condition."""
    if written is None:
        return default
    try:
        return parse_time(written, where="therapy") / DAY_MIN
    except StemnicheError:
        return default


def _percent(fraction: Any) -> str:
    """A share as people say it, whether it was written as a number or in percent."""
    return str(fraction) if isinstance(fraction, str) else f"{100 * fraction:g} %"


def _tidy(words: str) -> str:
    """Units as they are printed."""
    return words.replace("^2", "²").replace("^3", "³")


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
