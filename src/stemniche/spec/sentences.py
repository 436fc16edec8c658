"""Rows in words: one generated sentence per row, so text can never drift from the model.

`spec.compile` stores the sentence with each active row; `spec.explain` adds what it rests on. Names
come from the evidence's entities where that is unambiguous, numbers as they stand on the row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stemniche.spec.lexicon import MARROW, MATRIX, VESICLE, VESSEL, Lexicon
from stemniche.spec.library import Library
from stemniche.spec.model import Model
from stemniche.spec.parameters import Numbers
from stemniche.spec.records import (
    Link,
    Mechanism,
    Parameter,
    ReactionRow,
    Rule,
    SecretionRow,
    TargetRow,
    UptakeRow,
)

VERBS = {
    "expression": ("increases expression of", "decreases expression of"),
    "receptor": ("activates", "inhibits"),
    "signal": ("activates", "inhibits"),
    "tf": ("activates", "inhibits"),
    "state": ("promotes", "suppresses"),
}
"""How a sentence says that a node of some kind goes up or down."""

EFFECTS = {
    "antagonist": "competes for {}",
    "inhibitor": "inhibits {}",
    "agonist": "activates {}",
    "neutraliser": "binds free {}",
    "mimic": "acts like {}",
    "depleter": "kills {}",
    "poison": "kills and damages cells by way of {}",
    "enzyme": "breaks down {}",
    "gene": "makes infected cells release {}",
}
"""How a sentence says what a drug does to a target."""

STATES = {"mutant": "mutant {}", "lost": "loss of {}", "low": "low {}", "high": "high {}"}


@dataclass(frozen=True)
class Writer:
    """Writes the sentences of one library.

    Args:
        entity_name: Canonical names of entities by id.
        on: Rows that run; only they are named as partners of others.
    """

    library: Library
    entity_name: dict[str, str]
    on: frozenset[str]
    _nodes_of: Counter[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        nodes = self.library.lexicon.nodes.values()
        object.__setattr__(self, "_nodes_of", Counter(node.entity for node in nodes))

    @property
    def _lexicon(self) -> Lexicon:
        return self.library.lexicon

    @property
    def _numbers(self) -> Numbers:
        return self.library.numbers

    def sentence(self, row: Mechanism | Parameter, cells: Iterable[str]) -> str:
        """Return one row in words, without its claims and full stop."""
        among = tuple(cells)
        place = cell_label(self._lexicon.parents(), len(self._lexicon.types), among)
        if isinstance(row, Link):
            return f"{place}, {self._link(row)}"
        if isinstance(row, Rule):
            return f"{place}, {self._rule(row)}"
        if isinstance(row, SecretionRow):
            rate = f"{'up to ' if row.node else ''}{self._numbers.shown(row.rate)}"
            text = f"{place}, {_verb(self.name(row.factor), 'is')} secreted at {rate}"
            cargo = {self._lexicon.cargo(row.factor, cell) for cell in among}
            levels = [self._level(node) for node in (row.node, *cargo) if node]
            return f"{text} in proportion to {_listed(levels)}" if levels else text
        if isinstance(row, UptakeRow):
            rate = self._numbers.shown(row.rate)
            node = f" in proportion to {self._level(row.node)}" if row.node else ""
            text = f"{place}, {_verb(row.factor, 'is')} taken up at"
            if row.kind == "first_order":
                return f"{text} {rate} of the cell's volume{node}"
            return f"{text} up to {rate} (half at {self._numbers.shown(row.km)}){node}"
        if isinstance(row, ReactionRow):
            return f"{place}, {self._reaction(row)}"
        if isinstance(row, TargetRow):
            return f"{place}, {self._target(row)}"
        head, _, trait = row.name.partition(".")
        value = self._numbers.shown(row.name)
        if head in self._lexicon.cells:
            return f"{place}, {_behaviour(trait)} is {value}"
        return f"{row.name} is {value}"

    def name(self, signal: str) -> str:
        """Return a signal's or node's name in words."""
        lexicon = self._lexicon
        if signal in lexicon.nodes:
            node = lexicon.nodes[signal]
            alone = self._nodes_of[node.entity] == 1 or node.kind == "expression"
            known = self.entity_name.get(node.entity, "") if alone else ""
            return known or _spoken(signal)
        gene, colon, state = signal.partition(":")
        if colon:
            return STATES[state].format(gene)
        head, _, rest = signal.partition(".")
        if head == "serum" and rest in lexicon.factors:
            return f"{rest} in the blood"
        if head == "neighbour" and rest in lexicon.nodes:
            return f"{self.name(rest)} of touching tumour cells"
        if head == "contact" and rest in lexicon.cells:
            return f"contact with {plural(rest)}"
        if signal in lexicon.factors and signal.endswith(VESICLE):
            return f"vesicles with {signal.removesuffix(VESICLE)}"
        return signal if signal in lexicon.factors else _spoken(signal)

    def _level(self, node: str) -> str:
        kind = self._lexicon.nodes[node].kind
        return f"expression of {self.name(node)}" if kind == "expression" else self.name(node)

    def _link(self, row: Link) -> str:
        target = self._lexicon.members(row.to)[0]
        kind = self._lexicon.nodes[target].kind
        shown = self.name(row.to)
        partners = [
            r
            for r in self.library.links
            if r.to == row.to and self._partners(row, r) and self._share_cells(row, r)
        ]
        together = [self.name(r.origin) for r in partners if r.sign == "+1"]
        if row.sign == "-1" and together:
            held = _listed(together)
            start = f"{_verb(self.name(row.origin), 'holds')} back the effect of {held}"
            return f"{start} on {shown} {self._hill(row)}"
        verb, _, rest = VERBS[kind][0 if row.sign == "+1" else 1].partition(" ")
        if row.law == "divides":
            verb, rest = "speeds", "the loss of"
        start = " ".join(filter(None, (_verb(self.name(row.origin), verb), rest)))
        same = [self.name(r.origin) for r in partners if r.sign == row.sign]
        joint = f", only together with {_listed(same)}" if same else ""
        return f"{start} {shown} {self._hill(row)}{joint}"

    def _rule(self, row: Rule) -> str:
        shown = _behaviour(row.behaviour)
        partners = [
            r
            for r in self.library.rules
            if r.behaviour == row.behaviour
            and self._partners(row, r)
            and set(self._lexicon.expand(r.cell)) & set(self._lexicon.expand(row.cell))
        ]
        together = [self.name(r.signal) for r in partners if r.direction == "increases"]
        if row.direction == "decreases" and together:
            held = _listed(together)
            start = f"{_verb(self.name(row.signal), 'holds')} back the effect of {held}"
            return f"{start} on {shown} {self._hill(row)}"
        same = [self.name(r.signal) for r in partners if r.direction == row.direction]
        joint = f", only together with {_listed(same)}" if same else ""
        limits = (r.limit for r in (row, *partners) if r.limit)
        limit = self._numbers.shown(next(limits, ""))
        fold = limit.removesuffix("fold").strip()
        towards = f"{fold} times its base value" if limit.endswith("fold") else limit
        text = f"{_verb(self.name(row.signal), row.direction)} {shown} towards {towards}"
        return f"{text} {self._hill(row)}{joint}"

    def _target(self, row: TargetRow) -> str:
        shown = _listed([self.name(name) for name in row.named])
        target = row.target if row.target in row.named else f"{shown} ({row.target})"
        target = shown if row.target in row.named else target
        text = f"{_spoken(row.drug)} {EFFECTS[row.effect].format(target)}"
        power = "" if row.hill == "1" else f", Hill {self._numbers.shown(row.hill)}"
        if row.potency:
            text = f"{text} (half at {self._numbers.shown(row.potency)}{power})"
        slow = f", which it leaves with a half-life of {self._numbers.shown(row.residence)}"
        return text + slow if row.residence else text

    def _reaction(self, row: ReactionRow) -> str:
        first, *others = (self.name(name) for name in row.reactants)
        rate = self._numbers.shown(row.rate)
        made = self.name(row.product) if row.product else ""
        if others:
            text = f"{_verb(first, 'binds')} {others[0]} at {rate}"
            text += f" to form {made}" if made else ", and both are spent"
        else:
            verb = (
                f"{_verb(first, 'turns')} into {made}" if made else _verb(first, "breaks") + " down"
            )
            text = f"{verb} at {rate}"
        if row.enzymes:
            text += f" in proportion to {_listed([self.name(name) for name in row.enzymes])}"
        return text + (
            f", and comes back at {self._numbers.shown(row.reverse)}" if row.reverse else ""
        )

    def _partners(self, row: Link | Rule, other: Link | Rule) -> bool:
        return (
            bool(row.and_group)
            and row.and_group == other.and_group
            and (other.id != row.id and other.id in self.on)
        )

    def _share_cells(self, row: Link, other: Link) -> bool:
        if not row.cells or not other.cells:
            return True
        return bool(set(self._lexicon.expand(row.cells)) & set(self._lexicon.expand(other.cells)))

    def _hill(self, row: Link | Rule) -> str:
        half, power = self._numbers.shown(row.half_max), self._numbers.shown(row.hill)
        return f"(half at {half}, Hill {power})"


def cell_label(parents: Mapping[str, tuple[str, ...]], types: int, cells: Iterable[str]) -> str:
    """Return where a row acts: ``In MSC``, ``In tumour cells``, ``At vessels``.

    Args:
        parents: Concrete types of each abstract parent; types that make one up go by its name.
        types: Number of all concrete types.
        cells: Concrete types, or a pseudo cell.
    """
    left = list(dict.fromkeys(cells))
    if VESSEL in left:
        return "At vessels"
    if MARROW in left:
        return "In the marrow"
    if MATRIX in left:
        return "Between cells"
    if not left or len(left) == types > 1:
        return "In every cell"
    names: list[str] = []
    for parent, members in sorted(parents.items(), key=lambda item: -len(item[1])):
        if len(members) > 1 and set(members) <= set(left):
            names.append(plural(parent))
            left = [c for c in left if c not in members]
    return f"In {_listed([*names, *(plural(c) for c in left)])}"


def model_parents(model: Model) -> dict[str, tuple[str, ...]]:
    """Concrete types of each abstract parent of a model's cell types."""
    parents: dict[str, list[str]] = {}
    for kind in model.types:
        for ancestor in kind.ancestors:
            parents.setdefault(ancestor, []).append(kind.id)
    return {parent: tuple(types) for parent, types in parents.items()}


def plural(cell: str) -> str:
    """Return the cells of a type in words: ``fibroblasts``, ``tumour cells``, ``CAF``."""
    name = _spoken(cell)
    if name.endswith("cell"):
        return f"{name}s"
    if not name.islower():
        return name
    noun = name.endswith(("t", "r", "e", "l")) and name not in ("tumour", "immune")
    return f"{name}s" if noun else f"{name} cells"


def _verb(subject: str, verb: str) -> str:
    """A subject with a verb in the third person, in the number of the subject's head.

    Example:
        >>> _verb("SMADs", "suppresses"), _verb("contact with CAF cells", "is")
        ('SMADs suppress', 'contact with CAF cells is')
    """
    head = subject.partition(" of ")[0].partition(" with ")[0]
    if not head.endswith("s") or head.endswith(("ss", "is", "us")):
        return f"{subject} {verb}"
    plain = "are" if verb == "is" else verb.removesuffix("es" if verb.endswith("sses") else "s")
    return f"{subject} {plain}"


def _behaviour(name: str) -> str:
    head, _, rest = name.partition(".")
    if head == "conversion":
        start, _, end = rest.partition(".")
        return f"conversion of {plural(start)} to {plural(end)}"
    words = {
        "chemotaxis": "chemotaxis towards {}",
        "recruitment": "entry of {} from the blood",
        "egress": "release of {} from the marrow",
        "diffusivity": "diffusion of {} substances",
    }
    shown = rest if head in ("chemotaxis", "diffusivity") else plural(rest)
    return words[head].format(shown) if head in words and rest else _spoken(name)


def _spoken(name: str) -> str:
    """Return an id with its underscores as spaces."""
    return name.replace("_", " ")


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
