"""The experiment file: its records, and reading with the line of every mistake.

`reproduce` reads a file into `Experiment`s, each with complete, checked scenarios of its arms; so
whatever is wrong in a file is said before anything is simulated. What an expectation means is known
to `expect`, what is measured and when to `readout`; nothing here simulates or judges.
"""

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from stemniche.core.errors import InputError
from stemniche.core.expressions import Node as Expression
from stemniche.core.names import did_you_mean
from stemniche.experiment.expect import measures_of, read_expectation
from stemniche.experiment.readout import (
    Window,
    known_measure,
    last_day,
    read_window,
    recording,
)
from stemniche.spec.interventions import Replant
from stemniche.spec.presets import find_scenario
from stemniche.spec.reading import DAY, Field, Fields
from stemniche.spec.scenario import Scenario, load_scenario
from stemniche.spec.treatment import FORMS
from stemniche.spec.yamlfile import Node, read_yaml

TOP_KEYS = ("format", "experiments")
KEYS = (
    "id", "scenario", "set", "arms", "measure", "at", "expect", "margin", "min_effect", "blind",
)  # fmt: skip
ARM_KEYS = ("scenario", "set", "prepare", "therapy", "without_claims")
MARGIN = 0.10
MIN_EFFECT = 0.10
MOST_ARMS = 20
LONGEST_ID = 64
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("and", "log", "trend", "time_to")

FILE = Path(__file__).with_name("evidence.yaml")
"""The experiments that come with the package."""

UNTESTED = Path(__file__).with_name("untested.csv")
"""Rows of the evidence that are not among them, and why."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One side of a contrast: a name and the scenario that is simulated under it."""

    name: str
    scenario: Scenario


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One perturbation or contrast, and what is expected of it.

    Args:
        id: An id of the evidence, or any name.
        where: File and line, for reasons of failure.
        arms: In the order of the file.
        measure: Column of a run's table for terms that name none; empty if all do.
        at: When it is read, for terms that name no time.
        expect: Expectation as written.
        tree: The same, parsed and checked.
        margin: Relative difference that ``~=`` lets pass.
        min_effect: Relative difference below which there is no effect.
        blind: Whether the file says that nobody looked at it while the model was made.
    """

    id: str
    where: str
    arms: tuple[Arm, ...]
    measure: str
    at: Window
    expect: str
    tree: Expression
    margin: float
    min_effect: float
    blind: bool = False

    def arm(self, name: str) -> Arm:
        """The arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    @property
    def days(self) -> float:
        """Length of the shortest arm, days."""
        return min(arm.scenario.days for arm in self.arms)


def read_experiments(path: Path | None = None) -> tuple[Experiment, ...]:
    """Read an experiment file (the shipped one by default).

    Raises:
        InputError: Anything wrong, with file, line, key and remedy.
    """
    file = FILE if path is None else path
    top = Field("", read_yaml(file)).mapping(TOP_KEYS)
    if top.get("format") is not None and top["format"].count() != 1:
        what = f"The format {top['format'].shown} is not the one that this version reads."
        raise top["format"].error(what, "Write 'format: 1', or install a newer stemniche.")
    items = top["experiments"].items()
    if not items:
        raise top["experiments"].error("There is no experiment.", "Add '- id: …' below.")
    load = _loader(file.parent)
    found: dict[str, Experiment] = {}
    for item in items:
        experiment = _experiment(item.mapping(KEYS), load)
        if experiment.id in found:
            what = f"The id '{experiment.id}' stands twice (first at {found[experiment.id].where})."
            raise item.error(what, "Give each experiment its own id, such as E108 and E108.late.")
        found[experiment.id] = experiment
    return tuple(found.values())


def read_untested() -> dict[str, str]:
    """Ids of the evidence that the shipped file cannot put to the test, with the reason."""
    with UNTESTED.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}


def chosen(experiments: tuple[Experiment, ...], only: tuple[str, ...]) -> tuple[Experiment, ...]:
    """The experiments whose ids are in `only`, in the order of the file; all if it is empty.

    Raises:
        InputError: An id is not in the file.
    """
    ids = [experiment.id for experiment in experiments]
    for wanted in only:
        if wanted not in ids:
            mend = did_you_mean(wanted, ids, f"The file has: {', '.join(ids[:30])}.")
            raise InputError(f"There is no experiment '{wanted[:LONGEST_ID]}'.", "only", mend)
    return tuple(e for e in experiments if not only or e.id in only)


Load = Callable[[Field], Scenario]


def _loader(folder: Path) -> Load:
    """Read each scenario that a file names once."""
    known: dict[str, Scenario] = {}

    def load(written: Field) -> Scenario:
        text = written.text()
        if text not in known:
            path = find_scenario(text, where=written.where, beside=folder)
            known[text] = load_scenario(path)
        return known[text]

    return load


def _experiment(fields: Fields, load: Load) -> Experiment:
    name = _id(fields["id"])
    written = _written_arms(fields["arms"])
    scenarios = {arm: _arm(own, fields, load) for arm, own in written.items()}
    measure = _measure(fields.get("measure"))
    days = min(scenario.days for scenario in scenarios.values())
    at = fields.get("at")
    expect = fields["expect"]
    text = " ".join(expect.text(most=500).split())
    tree = read_expectation(
        text,
        where=expect.where,
        arms={arm: scenario.days for arm, scenario in scenarios.items()},
        has_measure=bool(measure),
    )
    read = [known_measure(m, expect.where) for m in (measure, *measures_of(tree, measure)) if m]
    recorded = {arm: recording(scenario, read) for arm, scenario in scenarios.items()}
    margin, effect = fields.get("margin"), fields.get("min_effect")
    blind = fields.get("blind")
    return Experiment(
        id=name,
        where=str(fields.owner.node.mark),
        arms=tuple(Arm(name=a, scenario=_planted(a, recorded, written, ())) for a in recorded),
        measure=measure,
        at=last_day(days) if at is None else read_window(at, days),
        expect=text,
        tree=tree,
        margin=MARGIN if margin is None else _relative(margin),
        min_effect=MIN_EFFECT if effect is None else _relative(effect),
        blind=blind is not None and blind.flag(),
    )


def _id(written: Field) -> str:
    name = written.text(most=LONGEST_ID)
    if not name.isprintable() or "," in name:
        mend = "Use letters, digits, dots and dashes; commas separate ids in --only."
        raise written.error(f"{written.shown} is no id.", mend)
    return name


def _measure(written: Field | None) -> str:
    if written is None:
        return ""
    measure = written.text(most=100)
    known_measure(measure, written.where)
    return measure


def _relative(written: Field) -> float:
    size = written.fraction()
    if size <= 0.0:
        raise written.error(f"{written.shown} leaves no room.", "Give a share above 0, such as 0.1")
    return size


def _written_arms(written: Field) -> Mapping[str, Field]:
    found = written.open_mapping("arms: {control: [], treated: [{block: CXCR4}]}")
    if not 1 <= len(found) <= MOST_ARMS:
        raise written.error(f"There are {len(found)} arms.", f"Give 1 to {MOST_ARMS} arms.")
    return {_word(name, own): own for name, own in found.items()}


def _planted(
    name: str,
    scenarios: Mapping[str, Scenario],
    written: Mapping[str, Field],
    seen: tuple[str, ...],
) -> Scenario:
    """The scenario of an arm, with that of the arm whose cells it replants if it does."""
    scenario = scenarios[name]
    wanted = next((item for item in scenario.therapy if isinstance(item, Replant)), None)
    if wanted is None:
        return scenario
    if wanted.source not in scenarios:
        mend = did_you_mean(wanted.source, scenarios, f"Arms are {', '.join(scenarios)}.")
        raise written[name].error(
            f"There is no arm '{wanted.source[:40]}' to take cells from.", mend
        )
    source = scenarios[wanted.source]
    if wanted.day > source.days * DAY:
        what = f"The arm '{wanted.source}' ends at day {source.days:g}."
        raise written[name].error(what, "Take its cells earlier.")
    if wanted.source in (*seen, name):
        mend = "Let one arm start with a fresh tumour."
        raise written[name].error("Arms take their cells from each other in a circle.", mend)
    return scenario.planted_from(_planted(wanted.source, scenarios, written, (*seen, name)))


def _word(name: str, written: Field) -> str:
    if len(name) > 40 or not _WORD.fullmatch(name) or name in _RESERVED:
        mend = f"Use letters, digits and _, but none of: {', '.join(_RESERVED)}."
        raise written.error(f"'{name[:40]}' cannot be the name of an arm.", mend)
    return name


def _arm(written: Field, fields: Fields, load: Load) -> Scenario:
    """The scenario of one arm: the experiment's, as the arm changes it."""
    own = _parts(written)
    scenario = load(own.get("scenario") or fields["scenario"])
    for changes in (fields.get("set"), own.get("set")):
        if changes is not None:
            scenario = _changed(scenario, changes)
    if "prepare" in own:
        scenario = scenario.change({"prepare": own["prepare"].node}, source=own["prepare"].where)
    if "therapy" in own:
        scenario = scenario.treat([item.node for item in own["therapy"].items()])
    if "without_claims" in own:
        claims = [item.node for item in own["without_claims"].items()]
        scenario = scenario.without_claims(claims)  # type: ignore[arg-type]
    return scenario


def _parts(written: Field) -> Fields:
    """The keys of an arm; a plain list of interventions is its therapy."""
    if isinstance(written.node.value, dict):
        mend = "Interventions stand in a list: 'treated: [{block: CXCR4}]'."
        return written.mapping(ARM_KEYS, elsewhere={key: mend for key in FORMS})
    node = Node((), written.node.mark) if written.node.value is None else written.node
    return Fields(written, {"therapy": Field(written.path, node)})


def _changed(scenario: Scenario, changes: Field) -> Scenario:
    """The scenario with all ``path: value`` pairs laid over it at once; lines stay known."""
    values: Mapping[str, Field] = changes.open_mapping("set: {days: 7, tumour.cells: 400}")
    nodes = {path: value.node for path, value in values.items()}
    return scenario.change(nodes, source=changes.where)
