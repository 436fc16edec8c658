"""Controls: what an intervention turns, in the engine's terms, and when.

Therapy lowers interventions to these records; the engine applies the active ones at the start of a
tick. They scale or shift numbers that the processes read, so no process knows an intervention.
"""

from dataclasses import dataclass
from typing import Literal

from stemniche.core.expressions import Node as Expression
from stemniche.engine.process import TICK_S, Tick

Kind = Literal[
    "scale_signal",
    "scale_call",
    "shift_node",
    "scale_synthesis",
    "scale_loss",
    "supply",
    "environment",
    "vessels",
    "deplete",
    "sort",
    "transfer",
    "radiation",
    "inject",
    "virus",
    "vaccine",
    "gate",
]


ON, ENDED, PAUSED = 0, 1, 2
"""Values of ``control_ended``; whatever is not 0 is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One knob turned from `start` until `stop`.

    Args:
        kind: ``scale_signal`` multiplies what cells of `cells` read of `target`, ``scale_call``
            what vessels and marrow read of factor `target`; ``shift_node`` adds `value` to the
            logit of node `target`; ``scale_synthesis`` multiplies release of factor `target` (every
            factor when empty) by `cells`, of all cells also by the host around and far away;
            ``scale_loss`` multiplies the loss of the free factor, by decay and into cells;
            ``supply`` adds a supply that alone would hold `value` (factor's unit) against decay;
            ``environment`` sets the scenario value `target` to `value`; ``vessels`` puts a fold on
            `target` of ``vessel_state``, or for ``normalise`` mends the share `value` of what is
            left; ``deplete`` removes the share `value` of `cells` at `start` and every `every`
            seconds, at most `times` times; ``sort`` removes, then, the tumour cells outside a gate
            (marker `target`, or `cells`; the inside where `value` is 0); ``transfer`` adds `value`
            cells of the type `cells`; ``inject`` puts them into the place `target` outside the
            tissue; ``radiation`` is a fraction of `value` Gy, ``virus`` an injection of `value`
            units of `target`, ``vaccine`` of `value` presenters into the lymph node, ``gate`` turns
            nothing itself: their ends stop a process that watches them.
        cells: Concrete cell types, empty for all.
        among: Concrete cell types in whose voxels alone it strikes, empty for everywhere.
        start: Seconds from day 0; None = from placement.
        stop: Seconds from day 0; None = to the end.
        until: Condition over measures that, looked at from day 0, ends it for good.
        pause: Condition that, looked at likewise, interrupts it until `resume` holds; without one,
            until it no longer holds itself.
        cycle: Seconds on and seconds off, repeated from `start`; None for always on.
        where: Of a supply: the axis along which it rises from 0 to twice its value, ``distant``
            for the distant organ, or empty for the tissue.
        label: The intervention in words, for logs.
    """

    kind: Kind
    target: str
    value: float
    cells: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    start: int | None = 0
    stop: int | None = None
    until: Expression | None = None
    pause: Expression | None = None
    resume: Expression | None = None
    every: int = 0
    times: int | None = None
    cycle: tuple[int, int] | None = None
    where: str = ""
    label: str = ""

    def since(self, t: Tick) -> int | None:
        """Seconds since it was first turned, None before."""
        if self.start is None:
            return t.index * TICK_S
        return t.seconds - self.start if t.prepared and t.seconds >= self.start else None

    def active(self, t: Tick) -> bool:
        """Whether the knob is turned at this time, apart from its condition."""
        since = self.since(t)
        if since is None or (self.stop is not None and t.prepared and t.seconds >= self.stop):
            return False
        return self.cycle is None or since % sum(self.cycle) < self.cycle[0]

    def strikes(self, t: Tick) -> bool:
        """Whether one of its repeated acts falls on this tick."""
        since = self.since(t)
        if since is None or not self.every:
            return since == 0
        number, rest = divmod(since, self.every)
        if rest or self.times is None:
            return not rest
        if self.cycle is not None:
            on, period = self.cycle[0], sum(self.cycle)
            number = sum(n * self.every % period < on for n in range(number))
        return number < self.times
