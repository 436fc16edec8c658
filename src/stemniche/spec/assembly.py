"""Joins rows into drives: the sum of weighted products of Hill terms behind a node or behaviour.

``node = sigmoid(constant + sum w A)`` and ``behaviour = exp(constant + sum w A)``, where A is the
product of a group's terms and the constant puts the target at its baseline at the reference inputs.
A group that divides adds ``-log(1 + k A)`` instead: the node is then synthesis over turnover.
Rows left out keep their share of the constant; `spec.context` says which those are.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from stemniche.core.errors import LibraryError
from stemniche.core.units import convert
from stemniche.spec import rownumbers
from stemniche.spec.context import Activity, Verdict
from stemniche.spec.lexicon import SITES, Signal
from stemniche.spec.library import Library
from stemniche.spec.model import Drive, Group, Term
from stemniche.spec.parameters import engine_unit
from stemniche.spec.records import Link, Rule

SITE_BASE = 1.0
"""Value at the reference of behaviours of pseudo cells: they are folds."""

FARTHEST = 700.0
"""Largest exponent that a float holds; a response beyond it is nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """One row in one cell type, read through one signal."""

    row: Link | Rule
    signal: Signal
    activity: Activity

    @property
    def raises(self) -> bool:
        """Whether the row alone would raise its target."""
        if isinstance(self.row, Link):
            return self.row.sign == "+1"
        return self.row.direction == "increases"


@dataclass(frozen=True)
class Assembly:
    """Builds the drives of one library under one set of verdicts."""

    library: Library
    verdicts: Mapping[str, Verdict]

    def node_drives(self) -> Iterable[Drive]:
        """One drive per node and cell type that has it, with or without inputs."""
        lexicon, numbers = self.library.lexicon, self.library.numbers
        parts = self._link_parts()
        for node in lexicon.nodes.values():
            level = rownumbers.baseline(numbers, node)
            for cell in lexicon.node_types(node.id):
                found = parts.get((cell, node.id), [])
                start = math.log(level / (1.0 - level))
                constant, groups = self._sum(found, start, self._link_weight)
                yield Drive(
                    cell=cell, target=node.id, kind="node", constant=constant, low=0.0, high=1.0,
                    groups=groups,
                )  # fmt: skip

    def behaviour_drives(self, traits: Mapping[str, Mapping[str, float]]) -> Iterable[Drive]:
        """One drive per behaviour and cell type that has rules.

        Args:
            traits: Base values in engine units, by cell type and behaviour.

        Raises:
            LibraryError: Rules on a behaviour whose base value is 0, or limits that disagree.
        """
        for (cell, name), parts in self._rule_parts().items():
            behaviour = self.library.lexicon.behaviour(name)
            if behaviour is None:
                continue
            word = behaviour.word
            base = SITE_BASE if cell in SITES else traits[cell].get(name, 0.0)
            if base <= 0.0:
                row = parts[0].row
                what = f"'{row.id}' moves {name} of {cell}, which is 0: folds of 0 are 0."
                mend = f"Give '{cell}.{name}' a value above 0 in parameters.csv, or narrow the row."
                raise LibraryError(what, row.place.at(), mend)
            unit = engine_unit(word.unit)

            def fold(group: list[Part], base: float = base, unit: str = unit) -> float:
                return self._rule_weight(group, unit, base)

            constant, groups = self._sum(parts, math.log(base), fold)
            yield Drive(
                cell=cell, target=name, kind="behaviour", constant=constant,
                low=self._bound(word.low, word.unit), high=self._bound(word.high, word.unit),
                groups=groups,
            )  # fmt: skip

    def _link_parts(self) -> dict[tuple[str, str], list[Part]]:
        lexicon = self.library.lexicon
        parts: dict[tuple[str, str], list[Part]] = {}
        for row in self.library.links:
            for target in lexicon.members(row.to):
                has_node = lexicon.node_types(target)
                wanted = lexicon.expand(row.cells) if row.cells else has_node
                for part in self._parts(row, row.origin):
                    readable = lexicon.signal_types(part.signal)
                    for cell in wanted:
                        if cell in has_node and cell in readable:
                            parts.setdefault((cell, target), []).append(part)
        return parts

    def _rule_parts(self) -> dict[tuple[str, str], list[Part]]:
        lexicon = self.library.lexicon
        parts: dict[tuple[str, str], list[Part]] = {}
        for row in self.library.rules:
            for part in self._parts(row, row.signal):
                readable = lexicon.signal_types(part.signal)
                for cell in lexicon.expand(row.cell):
                    if cell in readable:
                        parts.setdefault((cell, row.behaviour), []).append(part)
        return parts

    def _parts(self, row: Link | Rule, origin: str) -> list[Part]:
        lexicon, activity = self.library.lexicon, self.verdicts[row.id].activity
        signals = (lexicon.signal(member) for member in lexicon.members(origin))
        return [Part(row, signal, activity) for signal in signals if signal is not None]

    def _sum(
        self, parts: list[Part], start: float, weigh: Callable[[list[Part]], float]
    ) -> tuple[float, tuple[Group, ...]]:
        """Return the constant and the groups that run.

        A group needs all its drivers: without one by context it never was, without one left out it
        stays silent. A gate left out stands open.
        """
        constant, groups = start, []
        for members in _grouped(parts):
            raising = [part for part in members if part.raises]
            drivers = raising or members
            if any(part.activity is Activity.OUT for part in drivers):
                continue
            sign = 1.0 if raising else -1.0
            size = sign * abs(weigh(drivers))
            present = [part for part in members if part.activity is not Activity.OUT]
            terms = {id(p): self._term(p, inverted=bool(raising) and not p.raises) for p in present}
            divides = any(isinstance(p.row, Link) and p.row.law == "divides" for p in members)
            whole = Group(weight=size, terms=tuple(terms[id(p)] for p in present), divides=divides)
            constant -= whole.push(math.prod(map(at_reference, whole.terms)))
            if all(part.activity is Activity.IN for part in drivers):
                live = tuple(terms[id(p)] for p in present if p.activity is Activity.IN)
                groups.append(replace(whole, terms=live))
        return constant, tuple(groups)

    def _term(self, part: Part, inverted: bool) -> Term:
        numbers, row, signal = self.library.numbers, part.row, part.signal
        return Term(
            row=row.id,
            signal=signal.name,
            half_max=rownumbers.half_max(numbers, row, signal),
            hill=rownumbers.hill(numbers, row),
            inverted=inverted,
            reference=rownumbers.reference(numbers, row, signal),
        )

    def _link_weight(self, drivers: list[Part]) -> float:
        rows = [part.row for part in drivers if isinstance(part.row, Link)]
        written = [row for row in rows if row.weight] or rows
        sizes = {rownumbers.weight(self.library.numbers, row) for row in written}
        return _agreed(sizes, written, "weight")

    def _rule_weight(self, drivers: list[Part], unit: str, base: float) -> float:
        rows = [part.row for part in drivers if isinstance(part.row, Rule)]
        written = [row for row in rows if row.limit]
        if not written:
            row = rows[0]
            what = f"No row of the group '{row.and_group}' has a limit."
            raise LibraryError(what, row.place.at("limit"), "Write the value at saturation on one.")
        numbers = self.library.numbers
        limits = {rownumbers.limit(numbers, row, unit, base) for row in written}
        return math.log(_agreed(limits, written, "limit") / base)

    def _bound(self, value: float | None, unit: str) -> float:
        return convert(value or 0.0, unit, engine_unit(unit), where="vocabulary.csv")


def at_reference(term: Term) -> float:
    """Value of a term at its reference input."""
    return response(term, term.reference)


def response(term: Term, level: float) -> float:
    """Value of a term at some level of its signal."""
    share = 0.0
    if level > 0.0:
        distance = term.hill * math.log(term.half_max / level)
        share = 1.0 / (1.0 + math.exp(min(distance, FARTHEST)))
    return 1.0 - share if term.inverted else share


def _grouped(parts: list[Part]) -> list[list[Part]]:
    """Put the parts of one AND group together; every other part stands alone."""
    groups: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        label = part.row.and_group
        key = ("and", label) if label else (part.row.id, part.signal.name)
        groups.setdefault(key, []).append(part)
    return list(groups.values())


def _agreed(sizes: set[float], rows: list[Link] | list[Rule], column: str) -> float:
    if len(sizes) > 1:
        row = rows[-1]
        what = f"The rows of the group '{row.and_group}' disagree about their {column}."
        raise LibraryError(what, row.place.at(column), "Write it on one of the rows only.")
    return sizes.pop()
