"""Compiles a library for one scenario into the frozen Model.

``compile_model(library, scenario)`` picks the rows whose context matches and whose claims are on,
reads every number in engine units, and joins rows into drives. Engines, sentences and operating
points start from its result; nothing here knows grids, steps or arrays.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

from stemniche.core.errors import LibraryError
from stemniche.core.identity import fingerprint
from stemniche.core.units import convert
from stemniche.spec import rownumbers
from stemniche.spec.assembly import Assembly
from stemniche.spec.claimbook import ClaimBook, claim_book
from stemniche.spec.context import Activity, Context, Setting, Verdict, switch_notes
from stemniche.spec.druglist import model_drug
from stemniche.spec.lexicon import Lexicon
from stemniche.spec.library import Library
from stemniche.spec.model import (
    CellType,
    Drive,
    Drug,
    Factor,
    Marker,
    Model,
    Node,
    Reaction,
    Receptor,
    Secretion,
    Uptake,
)
from stemniche.spec.modelfile import FORMAT, from_json, to_json
from stemniche.spec.modelrows import model_rows
from stemniche.spec.overrides import overridden
from stemniche.spec.parameters import FACTOR_NUMBERS, Numbers, engine_unit, is_engine_parameter
from stemniche.spec.records import Link, Rule, SecretionRow, TargetRow, UptakeRow

if TYPE_CHECKING:
    from stemniche.evidence import Evidence

__all__ = ["compile_model", "from_json", "model_fingerprint", "to_json"]


def compile_model(
    library: Library, scenario: Setting, evidence: "Evidence | ClaimBook | None" = None
) -> Model:
    """Compile the biology of one scenario.

    Args:
        library: As `read_library` returns it.
        scenario: Gives cancer, policy, genotype, host, what is left out and overridden numbers.
        evidence: Claims to judge contexts by; the shipped ones by default.

    Raises:
        InputError: An unknown cancer, claim, row or parameter, or a number that cannot be.
        LibraryError: Rows that contradict each other in this context.
    """
    book = evidence if isinstance(evidence, ClaimBook) else claim_book(evidence)
    changed = overridden(library, scenario.parameters, book, scenario.where)
    changed, silenced = _silenced(library, changed)
    context = Context(changed, scenario, book, silenced)
    changed, notes = _without_parameters(changed, context)
    return _Compilation(changed, context, tuple(notes), library.fingerprint).model()


def _silenced(library: Library, changed: Library) -> tuple[Library, frozenset[str]]:
    """The changed library with weights set to 0 as they were, and the rows that are so silenced.

    Such a row is left out as by its claims: what it pushes at the reference goes as well. With a
    weight of 0 alone, the node would stand as if its input were at the reference everywhere.
    """
    zero = {
        name
        for name, record in changed.parameters.items()
        if record.value == 0.0 and name in library.parameters
        if library.parameters[name].value != 0.0
    }
    rows = frozenset(row.id for row in changed.links if row.weight in zero)
    weights = {row.weight for row in changed.links if row.id in rows}
    back = {name: library.parameters[name] for name in weights}
    return replace(changed, parameters={**changed.parameters, **back}), rows


def model_fingerprint(model: Model) -> str:
    """Return 12 hexadecimal digits of all that a model is; its notes do not count."""
    return fingerprint(replace(model, notes=()))


@dataclass(frozen=True)
class _Compilation:
    library: Library
    context: Context
    notes: tuple[str, ...]
    library_fingerprint: str
    verdicts: dict[str, Verdict] = field(init=False)

    def __post_init__(self) -> None:
        judged = {row.id: self.context.verdict(row) for row in self.library.mechanisms.values()}
        object.__setattr__(self, "verdicts", judged)

    @property
    def lexicon(self) -> Lexicon:
        return self.library.lexicon

    @property
    def numbers(self) -> Numbers:
        return self.library.numbers

    def model(self) -> Model:
        setting = self.context.setting
        assembly = Assembly(self.library, self.verdicts)
        types = tuple(self._type(name) for name in self.lexicon.types)
        traits = {t.id: t.traits for t in types}
        drives = (*assembly.node_drives(), *assembly.behaviour_drives(traits))
        factors, nodes = self._in_use()
        drives = tuple(d for d in drives if d.kind == "behaviour" or d.target in nodes)
        secretions, uptakes = self._secretions(), self._uptakes(traits, factors)
        reactions = self._reactions(factors)
        drugs, lacking = self._drugs(drives, frozenset((*factors, *nodes)))
        rows, silent = model_rows(
            self.library,
            self.context,
            self.verdicts,
            drives,
            secretions,
            uptakes,
            reactions,
            drugs,
        )
        notes = (*self.notes, *switch_notes(self.context, self.verdicts), *silent, *lacking)
        return Model(
            format=FORMAT,
            cancer=setting.cancer,
            context_policy=setting.context_policy,
            species=setting.host.species,
            evidence_fingerprint=self.context.book.fingerprint,
            library_fingerprint=self.library_fingerprint,
            factors=tuple(self._factor(name) for name in factors),
            types=types,
            nodes=tuple(self._node(name) for name in nodes),
            drives=drives,
            secretions=secretions,
            uptakes=uptakes,
            reactions=reactions,
            drugs=drugs,
            markers=self._markers(),
            genotype=self._genotype(drives),
            parameters=self._parameters(),
            rows=rows,
            receptors=self._receptors(frozenset((*factors, *nodes))),
            notes=notes,
        )

    def _in_use(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Factors and nodes of this context: all but vesicles and nodes of other cancers.

        A vesicle or a node that no row of the context names would cost time and say nothing. Rows
        left out by their claims count, so that leaving one out changes nothing else.
        """
        lexicon, named = self.lexicon, set[str]()
        for row in self.library.mechanisms.values():
            if self.verdicts[row.id].activity is Activity.OUT:
                continue
            names: tuple[str, ...] = ()
            if isinstance(row, TargetRow):
                continue
            if isinstance(row, Link):
                names = (row.origin, row.to)
            elif isinstance(row, Rule):
                names = (row.signal,)
            elif isinstance(row, SecretionRow):
                names = (row.factor, row.node, lexicon.factors[row.factor].carries)
            elif isinstance(row, UptakeRow):
                names = (row.node,)
            for name in (member for head in names for member in lexicon.members(head)):
                signal = lexicon.signal(name)
                named.add(signal.about if signal else name)
        kept = (n for n, row in lexicon.factors.items() if row.form != "vesicle" or n in named)
        return tuple(kept), tuple(name for name in lexicon.nodes if name in named)

    def _type(self, name: str) -> CellType:
        cell, immune = self.lexicon.cells[name], self.context.setting.host.immune
        traits = cell_traits(self.library, name)
        return CellType(
            id=name,
            group=cast(Literal["tumour", "stroma", "immune"], cell.group),
            ancestors=self.lexicon.lineage(name)[1:],
            traits={
                trait: value * self.library.host_fold(immune, name, trait)
                for trait, value in traits.items()
            },
        )

    def _factor(self, name: str) -> Factor:
        row = self.lexicon.factors[name]
        read = {
            number: self._factor_number(name, number, row.unit if unit is None else unit)
            for number, unit in FACTOR_NUMBERS.items()
        }
        half_life, baseline = read["half_life"], read["baseline"] or 0.0
        reference = baseline if read["reference"] is None else read["reference"]
        return Factor(
            id=name,
            form=row.form,
            unit=row.unit,
            diffusivity=read["diffusivity"] or 0.0,
            decay=math.log(2.0) / half_life if half_life else 0.0,
            baseline=baseline,
            reference=reference,
            molar_mass=row.molar_mass_kda,
            carries=row.carries,
            density_share=read["density_share"] or 0.0,
            stiffness_power=read["stiffness_power"] or 0.0,
        )

    def _factor_number(self, factor: str, number: str, unit: str) -> float | None:
        record = self.numbers.factor_record(factor, number)
        if record is None:
            return None
        mass = self.lexicon.factors[factor].molar_mass_kda
        where = record.place.at("value")
        return convert(record.value, record.unit, unit, where=where, molar_mass=mass)

    def _node(self, name: str) -> Node:
        row = self.lexicon.nodes[name]
        return Node(
            id=name,
            kind=row.kind,
            cells=self.lexicon.node_types(name),
            baseline=rownumbers.baseline(self.numbers, row),
            tau=rownumbers.relaxation(self.numbers, row),
        )

    def _secretions(self) -> tuple[Secretion, ...]:
        return tuple(
            Secretion(
                row=row.id,
                cell=cell,
                factor=row.factor,
                rate=rownumbers.secretion_rate(self.numbers, row),
                node=row.node or None,
                cargo=self.lexicon.cargo(row.factor, cell),
            )
            for row in self.library.secretions
            if self.verdicts[row.id].activity is Activity.IN
            for cell in self.lexicon.expand(row.cell)
        )

    def _uptakes(
        self, traits: Mapping[str, Mapping[str, float]], factors: tuple[str, ...]
    ) -> tuple[Uptake, ...]:
        made = []
        for row in self.library.uptakes:
            if self.verdicts[row.id].activity is not Activity.IN:
                continue
            for cell in self.lexicon.expand(row.cell):
                volume = traits[cell].get("volume", 0.0)
                rate, km = rownumbers.uptake_numbers(self.numbers, row, self.lexicon, volume)
                made += [
                    Uptake(
                        row=row.id,
                        cell=cell,
                        factor=factor,
                        kind=row.kind,
                        rate=rate,
                        km=km,
                        node=row.node or None,
                    )
                    for factor in self.lexicon.members(row.factor)
                    if factor in factors
                ]
        return tuple(made)

    def _reactions(self, factors: tuple[str, ...]) -> tuple[Reaction, ...]:
        """Reactions whose substances are all there; drugs come with the therapy."""
        known, made = {*factors, *self.library.drugs}, []
        for row in self.library.reactions:
            if self.verdicts[row.id].activity is not Activity.IN:
                continue
            forward, backward = rownumbers.reaction_rates(self.numbers, row, self.lexicon)
            enzymes = tuple(m for name in row.enzymes for m in self.lexicon.members(name))
            if known.issuperset((*row.reactants, *filter(None, (row.product,)))):
                made.append(
                    Reaction(
                        row=row.id,
                        reactants=row.reactants,
                        product=row.product or None,
                        enzymes=tuple(name for name in enzymes if name in known),
                        forward=forward,
                        backward=backward,
                    )
                )
        return tuple(made)

    def _drugs(
        self, drives: tuple[Drive, ...], present: frozenset[str]
    ) -> tuple[tuple[Drug, ...], list[str]]:
        """The drugs that the scenario gives, and notes on targets that this model lacks."""
        made, notes = [], []
        for name in self.context.setting.drugs:
            rows = (
                row
                for row in self.library.targets
                if row.drug == name and self.verdicts[row.id].activity is Activity.IN
            )
            drug, lacking = model_drug(self.library, name, rows, drives, present)
            made.append(drug)
            notes += lacking
        return tuple(made), notes

    def _receptors(self, present: frozenset[str]) -> tuple[Receptor, ...]:
        """Receptors with a ligand in this model."""
        lexicon, made = self.lexicon, []
        for row in self.library.receptors.values():
            signals = ((name, lexicon.signal(name)) for name in row.reads)
            reads = tuple(name for name, signal in signals if signal and signal.about in present)
            if reads:
                made.append(Receptor(id=row.id, reads=reads, cells=lexicon.expand(row.cells)))
        return tuple(made)

    def _markers(self) -> tuple[Marker, ...]:
        rows = self.library.marker_rows(self.context.setting.cancer, self.context.dropped)
        return tuple(
            Marker(id=name, signal=row.signal, sign=int(row.sign), gate=row.gate, error=row.error)
            for name, row in sorted(rows.items())
        )

    def _genotype(self, drives: tuple[Drive, ...]) -> dict[str, float]:
        signals = {t.signal for d in drives for g in d.groups for t in g.terms if ":" in t.signal}
        return {name: float(self.context.has_genotype(name)) for name in sorted(signals)}

    def _parameters(self) -> dict[str, float]:
        """Numbers that belong to no cell type, factor or drug."""
        owners = {*self.lexicon.cells, *self.library.drugs, *self.library.drug_classes}
        also = self.library.engine_words()
        left = {}
        for name in self.numbers.records:
            head, _, rest = name.partition(".")
            owned = head in owners or (head in self.lexicon.factors and rest in FACTOR_NUMBERS)
            if not owned or is_engine_parameter(name, also):
                left[name] = self.numbers.value(name)
        return left


def cell_traits(library: Library, cell: str) -> dict[str, float]:
    """Return every trait of a cell type in engine units.

    A trait that neither the type nor its ancestors have is 0: the type does not do this. Traits
    named after a factor or another type (``chemotaxis.CXCL12``) are present only where given.

    Raises:
        LibraryError: A trait that cannot be 0 is missing.
    """
    lexicon, numbers = library.lexicon, library.numbers
    names = [w.id for w in lexicon.words if w.kind in ("behaviour", "trait") and "<" not in w.id]
    heads = lexicon.lineage(cell)
    for key in numbers.records:
        head, _, rest = key.partition(".")
        if head in heads and rest not in names and lexicon.word(rest, ("behaviour", "trait")):
            names.append(rest)
    traits = {}
    for name in names:
        word = lexicon.word(name, ("behaviour", "trait"))
        record = numbers.trait_record(cell, name)
        if word is None:
            continue
        if record is None and word.low is not None and word.low > 0.0:
            what = f"Cell type '{cell}' has no {name}, and it cannot be 0."
            mend = f"Add '{cell}.{name}', or a value for one of its parents, to parameters.csv."
            raise LibraryError(what, lexicon.cells[cell].place.at(), mend)
        unit = engine_unit(word.unit)
        where = "" if record is None else record.place.at("value")
        value = 0.0 if record is None else convert(record.value, record.unit, unit, where=where)
        traits[name] = value
    return traits


def _without_parameters(library: Library, context: Context) -> tuple[Library, list[str]]:
    """Leave out traits whose claims are off; the value of the parent takes over."""
    kept, notes = dict(library.parameters), []
    for name, parameter in library.parameters.items():
        if not context.parameter_is_off(parameter):
            continue
        head, _, trait = name.partition(".")
        parent = library.lexicon.lineage(head)[1:2]
        claims = ", ".join(parameter.claims)
        others = {n: p for n, p in kept.items() if n != name}
        if parent and Numbers(others, library.lexicon).trait_record(parent[0], trait):
            kept = others
        else:
            notes.append(f"{claims} is off, but {name} keeps its value: no parent gives another.")
    return replace(library, parameters=kept), notes
