"""Judges the rows that claims switch: names, cell types, numbers, claims and contexts.

`spec.checks` calls it for every row of a library; `spec.overrides` asks again after a scenario has
replaced a number. Faults are collected, never raised.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.spec import rownumbers
from stemniche.spec.claimbook import GENERAL, ClaimBook, ClaimFacts
from stemniche.spec.druglist import (
    target_hill,
    target_maximum,
    target_potency,
    target_residence,
)
from stemniche.spec.lexicon import GENE_STATES, MARROW, MATRIX, SITES, VESSEL, Signal
from stemniche.spec.library import Library
from stemniche.spec.records import (
    Link,
    MarkerRow,
    Mechanism,
    ReactionRow,
    Rule,
    SecretionRow,
    TargetRow,
    UptakeRow,
)
from stemniche.spec.tables import Faults

PLACES_OF_BEHAVIOURS = {"recruitment": VESSEL, "egress": MARROW, "diffusivity": MATRIX}
"""Behaviours that belong to a pseudo cell."""


@dataclass(frozen=True)
class RowCheck:
    """Checks rows of one library against one book of claims."""

    library: Library
    book: ClaimBook
    faults: Faults

    def row(self, row: Mechanism) -> None:
        """Note every fault of one row."""
        if isinstance(row, Link):
            self._link(row)
        elif isinstance(row, Rule):
            self._rule(row)
        elif isinstance(row, SecretionRow):
            self._secretion(row)
        elif isinstance(row, ReactionRow):
            self._reaction(row)
        elif isinstance(row, UptakeRow):
            self._uptake(row)
        self.support(row)
        self.context(row.context, row.place.at("context"))

    def numbers(self, row: Mechanism) -> None:
        """Note the faults of a row's numbers alone; its names must be good."""
        numbers, lexicon = self.library.numbers, self.library.lexicon
        if isinstance(row, Link | Rule):
            origin = row.origin if isinstance(row, Link) else row.signal
            for member in lexicon.members(origin):
                signal = lexicon.signal(member)
                if signal is not None:
                    self._try(partial(rownumbers.half_max, numbers, row, signal))
                    self._try(partial(rownumbers.reference, numbers, row, signal))
            self._try(lambda: rownumbers.hill(numbers, row))
            if isinstance(row, Link):
                self._try(lambda: rownumbers.weight(numbers, row))
                self._sign(row)
            else:
                self._limit(row)
        elif isinstance(row, SecretionRow):
            self._try(lambda: rownumbers.secretion_rate(numbers, row))
        elif isinstance(row, ReactionRow):
            self._try(lambda: rownumbers.reaction_rates(numbers, row, lexicon))
        elif isinstance(row, UptakeRow):
            self._try(lambda: rownumbers.uptake_numbers(numbers, row, lexicon, 1.0))
        else:
            drug = self.library.drugs[row.drug]
            self._try(lambda: target_potency(numbers, row, drug.molar_mass_g_mol))
            self._try(lambda: target_maximum(numbers, row))
            self._try(lambda: target_hill(numbers, row))
            self._try(lambda: target_residence(numbers, row))

    def claim(self, claim: str, where: str) -> ClaimFacts | None:
        """Return a claim by id; an unknown one is a fault."""
        if claim not in self.book:
            mend = did_you_mean(claim, self.book.claims, "Ids are those of claims.csv.")
            self.faults.add(f"There is no claim '{claim}'.", where, mend)
            return None
        return self.book.claims[claim]

    def cells(self, names: Iterable[str], where: str, sites: bool = False) -> bool:
        """Note unknown cell names; return whether all are known."""
        known = [*self.library.lexicon.cells, *(SITES if sites else ())]
        unknown = [name for name in names if name not in known]
        for name in unknown:
            mend = did_you_mean(name, known, f"Cell names are {', '.join(known)}.")
            self.faults.add(f"There is no cell type '{name}'.", where, mend)
        return not unknown

    def _link(self, row: Link) -> None:
        lexicon, faults = self.library.lexicon, self.faults
        good = self.cells(row.cells, row.place.at("cells"))
        signals = self._signals(row.origin, row, "from")
        if row.to not in lexicon.nodes and not self._family_of_nodes(row.to):
            self._no_target(row.to, lexicon.nodes, "node", row.place.at("to"))
            good = False
        if row.and_group and len(lexicon.members(row.origin)) > 1:
            what = f"The family '{row.origin}' cannot be part of an AND group."
            faults.add(what, row.place.at("and_group"), "Write one row per member.")
        if not good or not signals:
            return
        for target in lexicon.members(row.to):
            has_node = lexicon.node_types(target)
            self._concrete_cells_have(row, target, has_node)
            for signal in signals:
                wanted = lexicon.expand(row.cells) if row.cells else has_node
                readable = lexicon.signal_types(signal)
                if not any(t in has_node and t in readable for t in wanted):
                    what = f"No cell type of this row has both '{signal.name}' and '{target}'."
                    mend = "Widen the cells of a node, or the row's."
                    faults.add(what, row.place.at("cells"), mend)
        self.numbers(row)

    def _sign(self, row: Link) -> None:
        if row.sign not in ("+1", "-1"):
            what = f"'{row.sign}' is no sign."
            self.faults.add(what, row.place.at("sign"), "Write +1 or -1.")
        elif row.law == "divides" and row.sign == "+1":
            mend = "Write sign -1: what divides is a loss."
            self.faults.add("A row that divides cannot raise its node.", row.place.at("law"), mend)

    def _rule(self, row: Rule) -> None:
        lexicon, faults = self.library.lexicon, self.faults
        good = self.cells(row.cell, row.place.at("cell"), sites=True)
        signals = self._signals(row.signal, row, "signal")
        behaviour = lexicon.behaviour(row.behaviour)
        if behaviour is None:
            where = row.place.at("behaviour")
            self._no_target(row.behaviour, lexicon.behaviour_names(), "behaviour", where)
            return
        if row.and_group and len(lexicon.members(row.signal)) > 1:
            what = f"The family '{row.signal}' cannot be part of an AND group."
            faults.add(what, row.place.at("and_group"), "Write one row per member.")
        if not good or not signals:
            return
        types = lexicon.expand(row.cell)
        self._behaviour_place(row, behaviour.head, behaviour.parts, types)
        for signal in signals:
            if not any(t in lexicon.signal_types(signal) for t in types):
                what = f"No cell type of this row can read '{signal.name}'."
                faults.add(what, row.place.at("cell"), "Choose cells that have this signal.")
        self.numbers(row)

    def _secretion(self, row: SecretionRow) -> None:
        lexicon = self.library.lexicon
        good = self.cells(row.cell, row.place.at("cell"))
        if row.factor not in lexicon.factors:
            self._no_target(row.factor, lexicon.factors, "factor", row.place.at("factor"))
        self._node(row, good)
        self.numbers(row)

    def _node(self, row: SecretionRow | UptakeRow, good: bool) -> None:
        """Note a node that is not there, or not in all cells of a row whose cells are `good`."""
        lexicon = self.library.lexicon
        if row.node and row.node not in lexicon.nodes:
            mend = did_you_mean(row.node, lexicon.nodes, "Add the node to nodes.csv.")
            self.faults.add(f"There is no node '{row.node}'.", row.place.at("node"), mend)
        elif row.node and good:
            missing = set(lexicon.expand(row.cell)) - set(lexicon.node_types(row.node))
            if missing:
                what = f"Node '{row.node}' does not exist in {', '.join(sorted(missing))}."
                mend = "Widen the node's cells, or name fewer cells here."
                self.faults.add(what, row.place.at("cell"), mend)

    def _uptake(self, row: UptakeRow) -> None:
        lexicon = self.library.lexicon
        self._node(row, self.cells(row.cell, row.place.at("cell")))
        if all(member in lexicon.factors for member in lexicon.members(row.factor)):
            self.numbers(row)
        else:
            self._no_target(row.factor, lexicon.factors, "factor", row.place.at("factor"))

    def _reaction(self, row: ReactionRow) -> None:
        lexicon, drugs = self.library.lexicon, self.library.drugs
        known = {**lexicon.factors, **drugs}
        enzymes = [m for name in row.enzymes for m in lexicon.members(name)]
        columns = {"reactants": row.reactants, "enzymes": enzymes, "product": (row.product,)}
        good = True
        for column, names in columns.items():
            for name in names:
                if name and name not in known:
                    self._no_target(name, known, "factor", row.place.at(column))
                    good = False
        if len(row.reactants) > 2 or len(set(row.reactants)) != len(row.reactants):
            what = f"'{row.id}' needs one reactant, or two that differ."
            self.faults.add(what, row.place.at("reactants"), "Write it as several rows.")
            good = False
        names = [n for n in (*row.reactants, *enzymes, row.product) if n in lexicon.factors]
        if good and len({lexicon.factors[name].unit for name in names}) > 1:
            what = f"The substances of '{row.id}' are not in the same unit."
            self.faults.add(what, row.place.at("reactants"), "Only levels in one unit add up.")
            good = False
        if good:
            self.numbers(row)

    def _signals(self, name: str, row: Link | Rule, column: str) -> list[Signal]:
        lexicon, where = self.library.lexicon, row.place.at(column)
        if name in lexicon.families and not lexicon.members(name):
            what = f"No member of the family '{name}' is a factor or a node."
            self.faults.add(what, where, "Add a member, or leave the row out.")
            return []
        signals = [lexicon.signal(member) for member in lexicon.members(name)]
        if None in signals:
            if ":" in name:
                mend = f"Genotype signals are GENE:{'|'.join(GENE_STATES)}."
            else:
                mend = did_you_mean(name, lexicon.signal_names(), "Add a factor or a node.")
            self.faults.add(f"There is no signal '{name}'.", where, mend)
        return [s for s in signals if s is not None] if None not in signals else []

    def _family_of_nodes(self, name: str) -> bool:
        lexicon = self.library.lexicon
        members = lexicon.members(name) if name in lexicon.families else ()
        return bool(members) and all(m in lexicon.nodes for m in members)

    def _no_target(self, name: str, choices: Iterable[str], kind: str, where: str) -> None:
        if any(w.outcome and w.id == name for w in self.library.lexicon.words):
            what = f"'{name}' is an outcome: it must follow from rows and cannot be one's target."
            mend = "End the row at the mediator, or list the claim as entailed."
            self.faults.add(what, where, mend)
            return
        mend = did_you_mean(name, choices, f"Add the {kind} to its table.")
        self.faults.add(f"There is no {kind} '{name}'.", where, mend)

    def _concrete_cells_have(self, row: Link, node: str, has_node: tuple[str, ...]) -> None:
        types = self.library.lexicon.types
        for cell in row.cells:
            if cell in types and cell not in has_node:
                what = f"Node '{node}' does not exist in {cell}."
                mend = "Add the type to the node's cells, or take it out here."
                self.faults.add(what, row.place.at("cells"), mend)

    def _behaviour_place(
        self, row: Rule, head: str, parts: tuple[str, ...], types: tuple[str, ...]
    ) -> None:
        place = PLACES_OF_BEHAVIOURS.get(head)
        where = row.place.at("cell")
        if (place is not None) != any(t in SITES for t in types):
            what = f"'{row.behaviour}' does not belong to {', '.join(row.cell)}."
            self.faults.add(what, where, f"Write '{place}'." if place else "Name cell types.")
        elif place is not None and types != (place,):
            self.faults.add(f"'{row.behaviour}' belongs to '{place}'.", where, f"Write '{place}'.")
        elif head == "conversion" and types != parts[:1]:
            what = f"'{row.behaviour}' is a conversion of {parts[0]}."
            self.faults.add(what, where, f"Write '{parts[0]}'.")

    def _limit(self, row: Rule) -> None:
        """Judge a limit by itself; its side of the base value is known per type only."""
        where, numbers = row.place.at("limit"), self.library.numbers
        if not row.limit:
            if not row.and_group:
                mend = "Write the value at saturation, or '3 fold'."
                self.faults.add("The rule has no limit.", where, mend)
            return
        behaviour = self.library.lexicon.behaviour(row.behaviour)
        if behaviour is None:
            return
        if rownumbers.is_fold(numbers, row.limit):
            self._try(lambda: rownumbers.limit(numbers, row, "", 1.0))
            return
        word = behaviour.word
        before = len(self.faults.found)
        value = self._try(lambda: numbers.read(row.limit, word.unit, where=where))
        if len(self.faults.found) > before:
            return
        low, high = word.low or 0.0, word.high
        if value < low or (high is not None and value > high):
            mend = rownumbers.allowed(word, word.unit)
            self.faults.add(f"The limit {row.limit} is out of range.", where, mend)

    def support(self, row: Mechanism | MarkerRow) -> None:
        """Note what is wrong with the claims that a row cites."""
        if not row.claims and not row.source:
            what = f"'{row.id}' cites nothing."
            self.faults.add(what, row.place.at("claims"), "Give a claim id, or a source.")
        for claim in row.supports:
            self.claim(claim, row.place.at("supports"))
        where = row.place.at("claims")
        for claim in row.claims:
            facts = self.claim(claim, where)
            if facts is None:
                continue
            reason = self.book.refusal(claim, self.library.outcomes(), self._targets(row))
            if reason:
                mend = "Move it to entailed.csv, or to 'supports'."
                if facts.restates:
                    mend = f"Cite {facts.restates}, which it restates, or move it to 'supports'."
                self.faults.add(f"{reason}: never a row.", where, mend)

    def _targets(self, row: Mechanism | MarkerRow) -> frozenset[str]:
        """Entities at the end of a row: a claim's mediator may be one of them."""
        if isinstance(row, MarkerRow):
            return frozenset((row.entity,))
        lexicon = self.library.lexicon
        if isinstance(row, TargetRow):
            return frozenset()
        if isinstance(row, Link):
            nodes = (lexicon.nodes[m] for m in lexicon.members(row.to) if m in lexicon.nodes)
            return frozenset(node.entity for node in nodes)
        if isinstance(row, Rule):
            behaviour = lexicon.behaviour(row.behaviour)
            return frozenset(behaviour.word.entity.split(";")) if behaviour else frozenset()
        if isinstance(row, ReactionRow):
            ends = (lexicon.factors.get(name) for name in (row.product, *row.reactants))
            return frozenset(factor.entity for factor in ends if factor)
        factor = lexicon.factors.get(row.factor)
        if factor is not None and factor.form == "vesicle":
            kinds = self.book.entity_class
            return frozenset(name for name, kind in kinds.items() if kind == "vesicle")
        return frozenset((factor.entity,)) if factor else frozenset()

    def context(self, names: Iterable[str], where: str) -> None:
        """Note unknown cancers and states of genes."""
        cancers = self.library.cancers
        for name in names:
            if ":" in name:
                if name.partition(":")[2] not in GENE_STATES:
                    mend = f"Write GENE:{'|'.join(GENE_STATES)}."
                    self.faults.add(f"'{name}' is no genotype.", where, mend)
            elif name != GENERAL and name not in cancers:
                mend = did_you_mean(name, [GENERAL, *cancers], "Take an id of cancers.csv.")
                self.faults.add(f"There is no cancer '{name}'.", where, mend)

    def _try(self, read: Callable[[], float | tuple[float, float]]) -> float:
        """Read a number; an error becomes a fault and the number 0."""
        try:
            value = read()
        except InputError as fault:
            self.faults.add(fault.what, fault.where, fault.mend)
            return 0.0
        return value[0] if isinstance(value, tuple) else value
