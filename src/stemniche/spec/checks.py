"""Judges a library as a whole: names that hang in the air, units, ranges, numbers nobody reads.

`spec.rows` calls `check_library` after reading. Rows that claims switch are judged one by one in
`spec.rowchecks`; here stand the tables they refer to.
"""

from dataclasses import dataclass

from stemniche.core.errors import InputError, UnitError
from stemniche.core.names import did_you_mean
from stemniche.core.units import check_unit, convert
from stemniche.spec import rownumbers
from stemniche.spec.claimbook import ClaimBook
from stemniche.spec.druglist import DRUG_NUMBERS, check_drugs
from stemniche.spec.lexicon import TUMOUR
from stemniche.spec.library import Library
from stemniche.spec.parameters import (
    ENGINE_PARAMETERS,
    FACTOR_NUMBERS,
    ROW_NUMBERS,
    is_engine_parameter,
)
from stemniche.spec.records import (
    DrugClass,
    DrugRow,
    HostRow,
    MarkerRow,
    Parameter,
    ReceptorRow,
    Word,
)
from stemniche.spec.rowchecks import RowCheck
from stemniche.spec.schema import IMMUNE_STATES
from stemniche.spec.tables import Faults

GROUPS = ("tumour", "stroma", "immune")
KINDS = ("signal", "behaviour", "trait", "process", "measure", "outcome", "parameter")
COUNT, MOST_FOLD = "count", 100.0
"""What a host's row may scale beside traits, and by how much at most."""

PHASES = ("G0", "G1", "S", "G2M")
NEEDED_OF_FACTORS = ("diffusivity", "baseline")


def check_library(library: Library, book: ClaimBook, faults: Faults) -> None:
    """Note everything that is wrong with a library that has been read."""
    check = RowCheck(library, book, faults)
    tables = _Tables(library, book, faults, check)
    tables.vocabulary()
    tables.cells()
    tables.factors()
    tables.nodes()
    tables.contexts()
    before = len(faults.found)
    for parameter in library.parameters.values():
        tables.parameter(parameter)
    if len(faults.found) > before:  # numbers of rows may rest on a broken parameter
        return
    for row in library.mechanisms.values():
        check.row(row)
    check_drugs(library, frozenset(book.entity_name.values()), faults)
    tables.unread_parameters()


@dataclass(frozen=True)
class _Tables:
    library: Library
    book: ClaimBook
    faults: Faults
    check: RowCheck

    def vocabulary(self) -> None:
        for word in self.library.lexicon.words:
            if word.kind not in KINDS:
                mend = did_you_mean(word.kind, KINDS, f"Kinds are {', '.join(KINDS)}.")
                self.faults.add(f"'{word.kind}' is no kind.", word.place.at("kind"), mend)
            self._unit(word.unit, word.place.at("unit"))
            self._entity(word.entity, word.place.at("entity"))
            if word.kind == "behaviour" and (word.low is None or word.high is None):
                what = f"Behaviour '{word.id}' has no range."
                self.faults.add(what, word.place.at("low"), "Give its lowest and highest value.")

    def cells(self) -> None:
        lexicon = self.library.lexicon
        for cell in lexicon.cells.values():
            self._entity(cell.entity, cell.place.at("entity"))
            if cell.parent and cell.parent not in lexicon.cells:
                mend = did_you_mean(cell.parent, lexicon.cells, "Add the parent as a row.")
                where = cell.place.at("parent")
                self.faults.add(f"There is no cell '{cell.parent}'.", where, mend)
            if cell.id in lexicon.types and cell.group not in GROUPS:
                what = f"'{cell.group}' is no group of cells."
                self.faults.add(what, cell.place.at("group"), f"Write one of {', '.join(GROUPS)}.")
            if lexicon.cells.get(lexicon.lineage(cell.id)[-1], cell).parent:
                what = f"The parents of '{cell.id}' form a circle."
                self.faults.add(what, cell.place.at("parent"), "Leave one parent empty.")

    def factors(self) -> None:
        lexicon = self.library.lexicon
        for factor in lexicon.factors.values():
            self._entity(factor.entity, factor.place.at("entity"))
            self._unit(factor.unit, factor.place.at("unit"))
            if factor.molar_mass_kda is not None and factor.molar_mass_kda <= 0.0:
                where = factor.place.at("molar_mass_kda")
                self.faults.add("A molar mass is above 0.", where, "Write it in kDa.")
            lasting = factor.form in ("soluble", "vesicle", "matrix")
            for name in (*NEEDED_OF_FACTORS, *(["half_life"] if lasting else [])):
                if self.library.numbers.factor_record(factor.id, name) is None:
                    what = f"Factor '{factor.id}' has no {name}."
                    mend = f"Add '{factor.id}.{name}' to parameters.csv."
                    self.faults.add(what, factor.place.at("id"), mend)
            if (factor.form == "vesicle") != bool(factor.carries):
                what = f"'{factor.id}' is a vesicle without a cargo, or a cargo without one."
                self.faults.add(what, factor.place.at("carries"), "Vesicles carry something.")
            elif factor.carries and factor.carries not in {**lexicon.nodes, **lexicon.factors}:
                mend = did_you_mean(factor.carries, lexicon.nodes, "Name a node or a factor.")
                what = f"There is no cargo '{factor.carries}'."
                self.faults.add(what, factor.place.at("carries"), mend)

    def nodes(self) -> None:
        lexicon, numbers = self.library.lexicon, self.library.numbers
        outcomes = self.library.outcomes()
        for node in lexicon.nodes.values():
            self._entity(node.entity, node.place.at("entity"))
            self.check.cells(node.cells, node.place.at("cells"))
            if self.book.is_outcome(node.entity, outcomes):
                what = f"Node '{node.id}' stands for an outcome: outcomes must follow from rows."
                self.faults.add(what, node.place.at("entity"), "Name the mediator instead.")
            if node.id in lexicon.factors:
                what = f"'{node.id}' is a factor too, so a row could not tell them apart."
                self.faults.add(what, node.place.at("id"), "Give the node another id.")
            for read in (rownumbers.baseline, rownumbers.relaxation):
                try:
                    read(numbers, node)
                except InputError as fault:
                    self.faults.add(fault.what, fault.where, fault.mend)

    def contexts(self) -> None:
        library = self.library
        for cancer in library.cancers.values():
            self._entity(cancer.entity, cancer.place.at("entity"))
            for parent in cancer.is_a:
                if parent not in library.cancers:
                    mend = did_you_mean(parent, library.cancers, "Add it as a row.")
                    where = cancer.place.at("is_a")
                    self.faults.add(f"There is no cancer '{parent}'.", where, mend)
        for family in library.lexicon.families.values():
            self.check.cells(family.among, family.place.at("among"))
            self._entity(family.entity, family.place.at("entity"))
        read = library.genotypes_read()
        for genotype in library.genotypes.values():
            if genotype.counts_as not in read:
                mend = did_you_mean(genotype.counts_as, read, "Name a state that a row reads.")
                where = genotype.place.at("counts_as")
                self.faults.add(f"No row reads '{genotype.counts_as}'.", where, mend)
        for pool in library.pools.values():
            self.check.cells((pool.cell,), pool.place.at("cell"), sites=True)
        for receptor in library.receptors.values():
            self._receptor(receptor)
        for host in library.hosts:
            self._host(host)
        for marker in library.markers:
            self._marker(marker)
        named: list[DrugRow | DrugClass] = [*library.drugs.values()]
        named += library.drug_classes.values()
        for drug in named:
            self._entity(drug.entity, drug.place.at("entity"))
            for phase in set(drug.phases) - set(PHASES):
                mend = f"Phases are {', '.join(PHASES)}."
                self.faults.add(f"'{phase}' is no phase.", drug.place.at("phases"), mend)

    def _host(self, row: HostRow) -> None:
        if row.host not in IMMUNE_STATES[1:]:
            mend = did_you_mean(row.host, IMMUNE_STATES[1:], "Take one of the format's.")
            self.faults.add(f"'{row.host}' is no immune state.", row.place.at("host"), mend)
        self.check.cells((row.cell,), row.place.at("cell"))
        known = self.library.lexicon.word(row.trait, ("behaviour", "trait"))
        if row.trait != COUNT and known is None:
            names = [COUNT, *self.library.lexicon.trait_names()]
            mend = did_you_mean(row.trait, names, "Name a trait, or 'count'.")
            self.faults.add(f"There is no trait '{row.trait}'.", row.place.at("trait"), mend)
        if not 0.0 <= row.fold <= MOST_FOLD:
            what = f"A fold of {row.fold:g} makes no sense."
            self.faults.add(what, row.place.at("fold"), f"Write a number from 0 to {MOST_FOLD:g}.")

    def _receptor(self, row: ReceptorRow) -> None:
        lexicon = self.library.lexicon
        self._entity(row.entity, row.place.at("entity"))
        self.check.cells(row.cells, row.place.at("cells"))
        if row.id in lexicon.nodes or row.id in lexicon.factors:
            what = f"'{row.id}' is a node or a factor too, so a block could not tell them apart."
            self.faults.add(what, row.place.at("id"), "Leave it to the node, or rename it.")
        for name in row.reads:
            signal = lexicon.signal(name)
            if signal is None or signal.form not in ("factor", "neighbour"):
                mend = did_you_mean(name, lexicon.signal_names(), "Name a factor.")
                self.faults.add(f"No receptor reads '{name}'.", row.place.at("reads"), mend)

    def _marker(self, row: MarkerRow) -> None:
        lexicon, where = self.library.lexicon, row.place.at("signal")
        self._entity(row.entity, row.place.at("entity"))
        self.check.support(row)
        self.check.context(row.context, row.place.at("context"))
        signal = lexicon.signal(row.signal)
        if signal is None or signal.form not in ("node", "own"):
            mend = did_you_mean(row.signal, lexicon.signal_names(), "Name a node.")
            self.faults.add(f"A cell does not show '{row.signal}'.", where, mend)
        elif not set(lexicon.expand((TUMOUR,))) <= set(lexicon.signal_types(signal)):
            what = f"Not every tumour cell has '{row.signal}'."
            self.faults.add(what, where, "Name a signal of all tumour cells.")
        if row.error < 0.0:
            self.faults.add("An error is not negative.", row.place.at("error"), "Write 0 or more.")

    def parameter(self, p: Parameter) -> None:
        """Judge one parameter: its unit, its own range, the vocabulary's range of a trait."""
        for claim in p.claims:
            self.check.claim(claim, p.place.at("source"))
        if not self._unit(p.unit, p.place.at("unit")):
            return
        low = p.value if p.low is None else p.low
        high = p.value if p.high is None else p.high
        if not low <= p.value <= high:
            what = f"{p.name} = {p.value:g} lies outside its own range {low:g} to {high:g}."
            self.faults.add(what, p.place.at("value"), "Mend the value or its range.")
        lexicon = self.library.lexicon
        head, _, rest = p.name.partition(".")
        if is_engine_parameter(p.name, self.library.engine_words()):
            return
        if head in lexicon.cells:
            word = lexicon.word(rest, ("behaviour", "trait"))
            if word is None:
                mend = did_you_mean(rest, lexicon.trait_names(), "Add it to the vocabulary.")
                self.faults.add(f"There is no trait '{rest}'.", p.place.at("name"), mend)
            else:
                self._in_range(p, word)
        elif head in lexicon.factors and rest in FACTOR_NUMBERS:
            own = FACTOR_NUMBERS[rest]
            unit = lexicon.factors[head].unit if own is None else own
            self._convertible(p, unit, lexicon.factors[head].molar_mass_kda)
            if p.value < 0.0 or (p.value == 0.0 and rest == "half_life"):
                what = f"{p.name} = {p.value:g} makes no sense."
                self.faults.add(what, p.place.at("value"), "Write a positive number.")

    def unread_parameters(self) -> None:
        """Refuse numbers that nothing in the library or the engine reads, and the reverse."""
        for name in (*ENGINE_PARAMETERS, *self.library.engine_words()):
            if name not in self.library.parameters:
                what = f"The parameter '{name}' is missing."
                self.faults.add(what, "parameters.csv", "Add it: the engine reads it by name.")
        read = self._names_on_rows()
        lexicon = self.library.lexicon
        forms = {factor.form for factor in lexicon.factors.values()}
        drugs = {*self.library.drugs, *self.library.drug_classes}
        for p in self.library.parameters.values():
            head, _, rest = p.name.partition(".")
            if (
                p.name in read
                or is_engine_parameter(p.name, self.library.engine_words())
                or head in lexicon.cells
                or (head in (*lexicon.factors, *forms) and rest in FACTOR_NUMBERS)
                or (bool(rest) and head in self.library.pools)
                or (head in drugs and rest in DRUG_NUMBERS)
                or (p.name.endswith(".reference") and lexicon.signal(p.name[:-10]) is not None)
            ):
                continue
            mend = "Use it on a row, or take it out."
            self.faults.add(f"Nothing reads the parameter '{p.name}'.", p.place.at("name"), mend)

    def _names_on_rows(self) -> set[str]:
        nodes = self.library.lexicon.nodes.values()
        read = {text for n in nodes for text in (n.baseline, n.tau, f"tau.{n.tau}")}
        for row in self.library.mechanisms.values():
            read |= {getattr(row, column, "") for column in ROW_NUMBERS}
        return read

    def _in_range(self, p: Parameter, word: Word) -> None:
        if not self._convertible(p, word.unit):
            return
        value = convert(p.value, p.unit, word.unit, where=p.place.at("value"))
        low, high = word.low, word.high
        if (low is not None and value < low) or (high is not None and value > high):
            what = f"{p.name} = {p.value:g} {p.unit}".rstrip() + " is out of range."
            self.faults.add(what, p.place.at("value"), rownumbers.allowed(word, p.unit))

    def _convertible(self, p: Parameter, unit: str, molar_mass: float | None = None) -> bool:
        try:
            convert(p.value, p.unit, unit, where=p.place.at("unit"), molar_mass=molar_mass)
        except UnitError as fault:
            self.faults.add(fault.what, fault.where, fault.mend)
            return False
        return True

    def _unit(self, unit: str, where: str) -> bool:
        try:
            check_unit(unit, where=where)
        except UnitError as fault:
            self.faults.add(fault.what, fault.where, fault.mend)
            return False
        return True

    def _entity(self, entity: str, where: str) -> None:
        for name in (part.strip() for part in entity.split(";")):
            if name and name not in self.book.entity_class:
                mend = "Take an id of evidence/tables/entities.csv, or leave it empty."
                self.faults.add(f"There is no entity '{name}'.", where, mend)
