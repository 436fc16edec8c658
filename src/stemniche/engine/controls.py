"""Controls: what an intervention turns, in the engine's terms, and when.

Therapy lowers interventions to these records; the engine applies the active ones at the start of a
tick. They scale or shift numbers that the processes read, so no process knows an intervention.
"""

from dataclasses import dataclass
from typing import Literal

from stemniche.core.expressions import Node as Expression

Kind = Literal[
    "scale_signal",
    "shift_node",
    "scale_synthesis",
    "scale_loss",
    "supply",
    "environment",
    "deplete",
    "gate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One knob turned from `start` until `stop`.

    Args:
        kind: ``scale_signal`` multiplies what cells of `cells` read of `target`; ``shift_node``
            adds `value` to the logit of node `target`; ``scale_synthesis`` multiplies release of
            factor `target` (every factor when empty) by `cells`; ``scale_loss`` multiplies the free
            factor's own loss rate; ``supply`` adds a supply that alone would hold `value` (factor's
            unit); ``environment`` sets the scenario value `target` to `value`; ``deplete`` removes
            the share `value` of `cells` at `start` and every `every` seconds; ``gate`` turns
            nothing itself, its end stops a process that watches it.
        cells: Concrete cell types, empty for all.
        start: Seconds from day 0; None = from placement.
        stop: Seconds from day 0; None = to the end.
        until: Condition over measures that ends it for good, None for none.
        cycle: Seconds on and seconds off, repeated from `start`; None for always on.
        gradient: Axis along which a supply rises from 0 to twice its value, or empty.
        label: The intervention in words, for logs.
    """

    kind: Kind
    target: str
    value: float
    cells: tuple[str, ...] = ()
    start: int | None = 0
    stop: int | None = None
    until: Expression | None = None
    every: int = 0
    cycle: tuple[int, int] | None = None
    gradient: str = ""
    label: str = ""

    def active(self, seconds: int, prepared: bool) -> bool:
        """Whether the knob is turned at this time, apart from its condition."""
        if self.start is None:
            return not prepared or self.stop is None or seconds < self.stop
        if not prepared or seconds < self.start:
            return False
        if self.stop is not None and seconds >= self.stop:
            return False
        return self.cycle is None or (seconds - self.start) % sum(self.cycle) < self.cycle[0]
