"""Effects of replicates, their interval, and how many replicates are run.

`verdict` calls it with the two sides of a contrast. Arms of one replicate share their random
numbers, so what is judged is the difference within replicates: a paired t interval of the relative
effect. Nothing here knows arms or measures.

How many replicates
    With a number asked for, exactly that many. Else looks are taken after 4, 12, 24 and 48: the
    first is for effects that are plain to see, 12 is the usual number. A look ends the experiment
    when its verdict stands even at that look's own, stricter confidence (99.9, 99, 99 %); the last
    takes what 95 % say. The interval that is reported is always the 95 % one. Looking four times at
    95 % would call a null real in about one of eight cases; with these levels the chance of any
    wrong call is at most 0.1 + 1 + 1 + 5 %, and in practice below 6 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

Sense = Literal[">", "<", "~=", "!="]
Call = Literal["reproduced", "opposite", "no effect", "inconclusive"]

LEVEL = 0.95
FEWEST = 4
"""Replicates below which no interval is trusted."""

LOOKS = ((4, 0.999), (12, 0.99), (24, 0.99), (48, LEVEL))
"""Replicates at each look, and the confidence at which its verdict must stand to end there."""


@final
@dataclass(frozen=True, slots=True)
class Interval:
    """Mean of the relative effect over replicates and its confidence limits."""

    mean: float
    low: float
    high: float


def relative_effects(
    left: "Sequence[float] | Numbers", right: "Sequence[float] | Numbers"
) -> "Numbers":
    """``(left - right) / max(|left|, |right|)`` of every replicate; 0 where both are 0."""
    import numpy as np

    a, b = np.asarray(left, np.float64), np.asarray(right, np.float64)
    size = np.maximum(np.abs(a), np.abs(b))
    return np.divide(a - b, size, out=np.zeros_like(size), where=size != 0.0)


def interval(effects: "Sequence[float] | Numbers", level: float = LEVEL) -> Interval:
    """Student's t interval of the mean; limits are nan for a single replicate."""
    import numpy as np
    from scipy.special import stdtrit

    values = np.asarray(effects, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, float("nan"), float("nan"))
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    half = float(stdtrit(len(values) - 1, 0.5 + 0.5 * level)) * error
    return Interval(mean, mean - half, mean + half)


def judge(sense: Sense, found: Interval, *, margin: float, min_effect: float) -> Call:
    """What an interval says about an expected direction.

    ``>`` and ``<``: reproduced if the interval lies on the expected side of 0 and the mean is at
    least `min_effect`; opposite if so on the other side; no effect if inside ± `min_effect`.
    ``~=``: reproduced inside ± `margin`, opposite outside. ``!=``: reproduced beside 0 with a mean
    of at least `min_effect`, opposite if inside ± `min_effect`. Else inconclusive.
    """
    if sense == "<":
        mirrored = Interval(-found.mean, -found.high, -found.low)
        return judge(">", mirrored, margin=margin, min_effect=min_effect)
    if sense == "~=":
        if -margin <= found.low and found.high <= margin:
            return "reproduced"
        return "opposite" if found.low > margin or found.high < -margin else "inconclusive"
    null = -min_effect <= found.low and found.high <= min_effect
    above = found.low > 0.0 and found.mean >= min_effect
    below = found.high < 0.0 and found.mean <= -min_effect
    if sense == "!=":
        if above or below:
            return "reproduced"
        return "opposite" if null else "inconclusive"
    if above:
        return "reproduced"
    if below:
        return "opposite"
    return "no effect" if null else "inconclusive"


def next_look(done: int, asked: int | None) -> tuple[int, float] | None:
    """Replicates to run in all before the next look, and its level; None after the last.

    Args:
        done: Replicates already looked at.
        asked: Exact number wanted; None for the adaptive rule.
    """
    if asked is not None:
        return (asked, LEVEL) if done < asked else None
    return next(((n, level) for n, level in LOOKS if n > done), None)
