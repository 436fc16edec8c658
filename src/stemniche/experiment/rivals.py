"""Rival models: the same experiments with shuffled signs, drawn numbers, or without the mechanism.

What a score is worth shows beside that of a model with the same rows whose signs are dealt out at
random (what would come out anyway), and beside those of models whose assumed numbers lie anywhere
in their ranges (what hangs on the values chosen). That a result comes out because of a mechanism
may be said where most of it goes when the rows of its path are taken out (``ablated``). `reproduce`
takes a rival by its name. Scenarios are changed here; nothing is simulated.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from stemniche.core.errors import InputError
from stemniche.experiment.file import Experiment
from stemniche.experiment.kinds import classify
from stemniche.experiment.sensitivity import inputs_among
from stemniche.spec.library import Library
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario

Overrides = dict[str, str | float]

NAME = re.compile(r"(signs|draw):([1-9][0-9]{0,5})")

ABLATED = "ablated"
"""The rival that is another one for every experiment: its own path is taken out of all arms."""


def as_rival(experiments: Sequence[Experiment], name: str) -> tuple[Experiment, ...]:
    """The experiments in a rival model: ``signs:SEED``, ``draw:SEED`` or ``ablated``.

    Raises:
        InputError: There is no such rival.
    """
    return ablated(experiments) if name == ABLATED else under(experiments, rival(name))


def ablated(experiments: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """The experiments without the rows of the path that leads from what differs to what is read.

    One whose effect comes by space and numbers has no path, and loses none.
    """
    return tuple(
        _everywhere(one, partial(Scenario.without_rows, rows=kind.rows))
        for one, kind in zip(experiments, classify(experiments), strict=True)
    )


def rival(name: str, library: Library | None = None) -> Overrides:
    """Overrides of the library that make a rival: ``signs:SEED`` or ``draw:SEED``.

    Raises:
        InputError: There is no such rival.
    """
    library = read_library() if library is None else library
    asked = NAME.fullmatch(name)
    if asked is None:
        mend = "Write signs:1 for shuffled signs, draw:1 for drawn numbers; 1 is any seed."
        mend += f" Or '{ABLATED}'."
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

    def change(scenario: Scenario) -> Scenario:
        return scenario.change({"parameters": overrides | scenario.parameters})

    return tuple(_everywhere(one, change) for one in experiments)


def _everywhere(experiment: Experiment, change: Callable[[Scenario], Scenario]) -> Experiment:
    """The experiment with every arm changed, and the arms that cells are taken from."""

    def changed(scenario: Scenario) -> Scenario:
        new = change(scenario)
        return new if scenario.origin is None else new.planted_from(changed(scenario.origin))

    arms = (replace(arm, scenario=changed(arm.scenario)) for arm in experiment.arms)
    return replace(experiment, arms=tuple(arms))
