"""What an intervention on molecules reaches in a Model, and notes on what it does not.

A name of the library need not be in the Model of a cancer, nor in the cells that are chosen. As
with the target of a drug, what is absent is left out with a note; the rest is carried out.
"""

from collections.abc import Iterator
from dataclasses import replace

from stemniche.spec import interventions as given
from stemniche.spec.model import Model
from stemniche.therapy.receptors import stand_ins


def reaching(item: given.Intervention, model: Model) -> tuple[given.Intervention, tuple[str, ...]]:
    """The intervention with the targets that the Model has, and notes on the others."""
    match item:
        case given.Block() | given.Inhibit() | given.Overexpress() | given.KnockOut():
            chosen = item.cells
        case given.Neutralise() | given.Add():
            chosen = ()
        case _:
            return item, ()
    kept, notes = [], []
    for name in item.targets:
        places = set(_cells_with(name, item, model))
        if not places:
            notes.append(f"'{item}' does nothing: {model.cancer} cancer has no {name} here.")
            continue
        kept.append(name)
        if chosen and places.isdisjoint(chosen):
            cells = ", ".join(chosen)
            notes.append(f"'{item}' does nothing: {cells} have no {name} in this model.")
    return replace(item, targets=tuple(kept)), tuple(notes)


def _cells_with(name: str, item: given.Intervention, model: Model) -> Iterator[str]:
    """Types whose cells have a node, or make a factor; every type where its level is acted on."""
    for node in model.nodes:
        if node.id == name:
            yield from node.cells
    if any(factor.id == name for factor in model.factors):
        if isinstance(item, given.Overexpress | given.KnockOut) and item.cells:
            yield from (s.cell for s in model.secretions if s.factor == name)
        else:
            yield from (t.id for t in model.types)
    read = any(row.id == name for row in model.receptors)
    if isinstance(item, given.Block | given.KnockOut) or read:
        for _, lacking in stand_ins(name, model):
            yield from lacking
