"""Rival models: the same experiments where signs are shuffled, or assumed numbers drawn anew.

What a score is worth shows beside that of a model with the same rows whose signs are dealt out at
random (what would come out anyway), and beside those of models whose assumed numbers lie anywhere
in their ranges (what hangs on the values chosen). `reproduce` takes one by its name. Only overrides
of numbers are made here; nothing is simulated.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stemniche.core.errors import InputError
from stemniche.experiment.file import Experiment
from stemniche.experiment.sensitivity import inputs_among
from stemniche.spec.library import Library
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

Overrides = dict[str, str | float]

NAME = re.compile(r"(signs|draw):([1-9][0-9]{0,5})")


def rival(name: str, library: Library | None = None) -> Overrides:
    """Overrides of the library that make a rival: ``signs:SEED`` or ``draw:SEED``.

    Raises:
        InputError: There is no such rival.
    """
    library = read_library() if library is None else library
    asked = NAME.fullmatch(name)
    if asked is None:
        mend = "Write signs:1 for shuffled signs, draw:1 for drawn numbers; 1 is any seed."
        raise InputError(f"There is no rival model '{name}'.", "rival", mend)
    dice = np.random.Generator(np.random.Philox(int(asked[2])))
    return shuffled_signs(library, dice) if asked[1] == "signs" else drawn_numbers(library, dice)


def shuffled_signs(library: Library, dice: np.random.Generator) -> Overrides:
    """Deal the signs of the network's inputs out anew: as many raise and lower as before.

    Brakes keep theirs, as a model without them runs away; so do rows that divide, which cannot
    raise, and those of an AND group, which mean something only together.
    """
    rows = [r for r in library.links if not (r.brake or r.and_group) and r.law == "adds"]
    dealt = dice.permutation([row.sign for row in rows])
    return {
        f"{row.id}.sign": str(sign)
        for row, sign in zip(rows, dealt, strict=True)
        if sign != row.sign
    }


def drawn_numbers(library: Library, dice: np.random.Generator) -> Overrides:
    """Draw every assumed number evenly from its range, wide ranges on a logarithmic scale."""
    found: Overrides = {}
    for one in inputs_among(library, library.mechanisms.values()):
        share = float(dice.random())
        if one.basis == "assumed":
            found |= dict.fromkeys((one.name, *one.also), one.at(share))
    return found


def under(experiments: Sequence[Experiment], overrides: Overrides) -> tuple[Experiment, ...]:
    """The experiments with these numbers in every arm; what an arm sets itself stays as it is."""
    return tuple(
        replace(
            one,
            arms=tuple(replace(arm, scenario=_set(arm.scenario, overrides)) for arm in one.arms),
        )
        for one in experiments
    )


def _set(scenario: Scenario, overrides: Overrides) -> Scenario:
    changed = scenario.change({"parameters": overrides | scenario.parameters})
    if scenario.origin is None:
        return changed
    return changed.planted_from(_set(scenario.origin, overrides))
