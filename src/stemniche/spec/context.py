"""Which rows run in one scenario: cancer, genotype, claims and rows left out.

`spec.compile` asks here before it builds anything. A row is *in* when its context matches, *off*
when it matches but was left out (its target keeps the constant it had with the row), and *out* when
the context does not match, as if it had never been written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.spec.claimbook import GENERAL, ClaimBook
from stemniche.spec.library import Library
from stemniche.spec.paths import carried_claims
from stemniche.spec.records import Basis, Mechanism, Parameter, TargetRow

STRICT = "strict"


class Host(Protocol):
    """What the compilation needs to know of the host."""

    @property
    def species(self) -> str:
        """``human`` or ``mouse``."""
        ...

    @property
    def immune(self) -> str:
        """``intact``, or the name of what the host's immune system lacks."""
        ...


class Tumour(Protocol):
    """What the compilation needs to know of the tumour."""

    @property
    def genotype(self) -> Mapping[str, str]:
        """State of genes that differ from wild type."""
        ...


class Setting(Protocol):
    """What the compilation needs to know of a scenario."""

    @property
    def cancer(self) -> str:
        """Id of the cancer context."""
        ...

    @property
    def context_policy(self) -> str:
        """``strict`` or ``generalised``."""
        ...

    @property
    def tumour(self) -> Tumour:
        """The tumour."""
        ...

    @property
    def host(self) -> Host:
        """The host."""
        ...

    @property
    def claims_off(self) -> tuple[str, ...]:
        """Claims left out."""
        ...

    @property
    def drugs(self) -> tuple[str, ...]:
        """Drugs that are given, by id."""
        ...

    @property
    def rows_off(self) -> tuple[str, ...]:
        """Rows left out."""
        ...

    @property
    def parameters(self) -> Mapping[str, str | float]:
        """Numbers overridden, by name."""
        ...

    def where(self, path: str) -> str:
        """Where the value at a dotted path was written."""
        ...


class Activity(Enum):
    """Whether a row runs."""

    IN = "in"
    OFF = "off"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scenario makes of one row: whether it runs, on which claims, how firmly."""

    activity: Activity
    claims: tuple[str, ...]
    basis: Basis


@dataclass(frozen=True)
class Context:
    """The scenario seen from the rows.

    Args:
        silenced: Rows whose weight the scenario sets to 0.

    Raises:
        InputError: An unknown cancer, claim or row.
    """

    library: Library
    setting: Setting
    book: ClaimBook
    silenced: frozenset[str] = frozenset()
    lineage: tuple[str, ...] = field(init=False)
    dropped: frozenset[str] = field(init=False)
    """Claims that are off: those left out and all that say the same."""

    def __post_init__(self) -> None:
        library, setting = self.library, self.setting
        if setting.cancer not in library.cancers:
            mend = did_you_mean(setting.cancer, library.cancers, "See the library's cancers.csv.")
            what = f"There is no cancer '{setting.cancer}'."
            raise InputError(what, setting.where("cancer"), mend)
        for row in setting.rows_off:
            if row not in library.mechanisms:
                mend = did_you_mean(row, library.mechanisms, "`stemniche explain` lists the rows.")
                raise InputError(f"There is no row '{row}'.", setting.where("without_rows"), mend)
        object.__setattr__(self, "lineage", library.cancer_lineage(setting.cancer))
        dropped: set[str] = set()
        for claim in setting.claims_off:
            self.book.expect(claim, setting.where("without_claims"))
            dropped |= self.book.group(claim)
        object.__setattr__(self, "dropped", frozenset(dropped))

    def verdict(self, row: Mechanism) -> Verdict:
        """Judge one row."""
        claims = tuple(c for c in row.claims if c not in self.dropped)
        held, basis = self._holds(row)
        if isinstance(row, TargetRow) and row.drug not in self.setting.drugs:
            held = False
        if not held:
            return Verdict(Activity.OUT, claims, basis)
        off = row.id in self.setting.rows_off or row.id in self.silenced
        off |= bool(row.claims) and not claims
        return Verdict(Activity.OFF if off else Activity.IN, claims, basis)

    def parameter_is_off(self, parameter: Parameter) -> bool:
        """Whether all claims a number rests on are left out."""
        return bool(parameter.claims) and all(c in self.dropped for c in parameter.claims)

    def has_genotype(self, signal: str) -> bool:
        """Whether a genotype such as ``PTEN:lost`` is the tumour's, or what its own counts as."""
        gene = signal.partition(":")[0]
        own = f"{gene}:{self.setting.tumour.genotype.get(gene)}"
        row = self.library.genotypes.get(own)
        return signal == own or (row is not None and signal == row.counts_as)

    def _holds(self, row: Mechanism) -> tuple[bool, Basis]:
        """Whether a row's context matches, and its basis here.

        A row marked `generalises` runs in other cancers too, as assumed; so does a row that says it
        is general while none of its claims is. The strict policy leaves both out.
        """
        genes = [name for name in row.context if ":" in name]
        cancers = [name for name in row.context if ":" not in name]
        if not all(self.has_genotype(gene) for gene in genes):
            return False, row.basis
        named = any(name in self.lineage for name in cancers)
        general = not cancers or GENERAL in cancers
        if named or (general and self._claims_hold(row)):
            return True, row.basis
        if self.setting.context_policy != STRICT and (general or row.generalises):
            return True, "assumed"
        return False, row.basis

    def _claims_hold(self, row: Mechanism) -> bool:
        """Whether a row rests on no claim, or on one that holds in this cancer."""
        entities = {self.library.cancers[name].entity for name in self.lineage} | {GENERAL}
        cancers = (self.book.claims[claim].cancers for claim in row.claims)
        return not row.claims or any(entities & set(names) for names in cancers)


def switch_notes(context: Context, verdicts: Mapping[str, Verdict]) -> list[str]:
    """Say what leaving out claims did not do: nothing carried them, or other claims keep a row."""
    library, notes = context.library, []
    carriers = carried_claims(library, context.book)
    entailed = {entry.claim for entry in library.entailed}
    for claim in context.setting.claims_off:
        group = context.book.group(claim)
        rows = dict.fromkeys(row for c in sorted(group) for row in carriers.get(c, ()))
        if not rows:
            why = " It must follow from other rows." if group & entailed else ""
            notes.append(f"{claim} is carried by no row: leaving it out changes nothing.{why}")
            continue
        judged = {row: verdicts[row] for row in rows if row in verdicts}
        if judged and all(v.activity is Activity.OUT for v in judged.values()):
            notes.append(
                f"{claim} is inactive in {context.setting.cancer}: leaving it out changes nothing."
            )
        for row, verdict in judged.items():
            if verdict.activity is Activity.IN:
                kept = ", ".join(verdict.claims)
                notes.append(f"{claim} is off, but row {row} stays on because of {kept}.")
    return notes
