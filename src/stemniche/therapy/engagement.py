"""What a therapy holds of its targets by its levels in plasma alone, told before anything runs.

`run.forecast` says it, so that nobody waits for a tumour under a regimen that reaches nothing. It
is what the tissue near vessels may see: without ligands that compete, uptake and distance.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from stemniche.engine.process import TICK_MIN
from stemniche.engine.state import Array
from stemniche.spec.interventions import GiveDrug
from stemniche.spec.model import DrugTarget, Model
from stemniche.spec.scenario import Scenario
from stemniche.therapy.drugs import Course, course
from stemniche.therapy.plasma import plasma_levels
from stemniche.therapy.products import product_of
from stemniche.therapy.targeting import Hold

BARELY = 0.05
"""Mean share of a target below which a regimen does nothing that could be seen."""

HELD = ("inhibitor", "antagonist", "agonist", "depleter", "neutraliser")
"""Effects that follow from the share of the target that is held."""


@final
@dataclass(frozen=True, slots=True)
class Engagement:
    """Mean and highest share of a target that a drug holds, from its first dose to the end."""

    drug: str
    target: str
    mean: float
    peak: float


def engagements(scenario: Scenario, model: Model) -> Iterator[Engagement]:
    """Every target of every drug that has a level in plasma; conditions that end it are not met."""
    courses: dict[str, list[Course]] = defaultdict(list)
    for item in scenario.therapy:
        if isinstance(item, GiveDrug) and product_of(item, model) is None:
            courses[item.drug].append(course(item, scenario, model, None))
    for name, own in courses.items():
        drug = own[0].drug
        doses = tuple(replace(dose, early=False) for one in own for dose in one.doses)
        if not doses or all(dose.route == "it" for dose in doses):
            continue
        first = min(dose.start for dose in doses) / 60.0
        levels = plasma_levels(drug, doses, own[0].host, scenario.days)[int(first / TICK_MIN) :]
        for target in drug.targets:
            if target.effect in HELD and len(levels):
                held = _held(target, levels)
                yield Engagement(name, target.name, float(held.mean()), float(held.max()))


def _held(target: DrugTarget, levels: Array) -> Array:
    """Share of a target that is held at the end of each tick, from the levels at it."""
    hold = Hold(
        drug=0,
        potency=target.potency,
        hill=target.hill,
        ligands=(),
        residence=target.residence,
    )
    share = hold.occupancy(levels[None])
    if target.residence:
        for i in range(1, len(share)):
            share[i] = hold.after(TICK_MIN, share[i - 1], levels[None, i])
    return share
