"""Interventions: what is done to the tumour, as one frozen record per key.

`spec.scenario` reads a list of them, `therapy` lowers them to what the engine turns. Numbers are in
engine units and do not depend on the time step. How an item is written is read by `spec.treatment`;
nothing here reads text.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from stemniche.core.expressions import Node as Expression
from stemniche.spec.reading import days_text

Start = float | Literal["birth"]
DoseUnit = Literal["mg", "mg/m^2", "mg/kg", "IU", "IU/m^2", "IU/kg", "pfu", "cells", "AUC"]
Place = Literal["", "x", "y", "z", "distant"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of measures; `tree` is evaluated by `stemniche.core.expressions`."""

    text: str
    tree: Expression


@dataclass(frozen=True, slots=True)
class Dose:
    """An amount of drug: as written (`amount` in `unit`) and in all (`total`) for this host.

    `total` is in the unit without what it is related to: mg, IU, pfu, cells or AUC.
    """

    amount: float
    unit: DoseUnit
    total: float

    def __str__(self) -> str:
        return f"{self.amount:.12g} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """What all interventions share.

    Args:
        start: Minutes after day 0, or ``birth``: from placement, before preparation.
        until: Minutes after day 0 at which it ends, the condition that ends it for good, or None
            for the end of the run.
        cycle: Minutes on and minutes off, repeated from `start`; None for always on.
        pause: Condition that interrupts it, until `resume` holds.
        resume: Condition that ends a pause; None for as soon as `pause` no longer holds.
    """

    key: ClassVar[str] = ""
    start: Start = 0.0
    until: float | Condition | None = None
    cycle: tuple[float, float] | None = None
    pause: Condition | None = None
    resume: Condition | None = None

    def __str__(self) -> str:
        """The intervention as a line that `--treat` reads back to an equal record."""
        parts = [self.key, *self._head(), *self._span()]
        return " ".join(part for part in parts if part)

    def _head(self) -> list[str]:
        return []

    def _span(self) -> list[str]:
        parts = []
        if self.cycle is not None:
            on, off = (days_text(t) for t in self.cycle)
            parts.append(f"cycle {on} {off}")
        if self.start == "birth":
            parts.append("from birth")
        elif self.start:
            parts.append(f"from {days_text(self.start)}")
        if isinstance(self.until, Condition):
            parts.append(f"until {self.until.text}")
        elif self.until is not None:
            parts.append(f"until {days_text(self.until)}")
        for word, condition in (("pause", self.pause), ("resume", self.resume)):
            if condition is not None:
                parts.append(f"{word} {condition.text}")
        return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeted(Intervention):
    """An intervention on molecules.

    Args:
        targets: Ids of factors or nodes; the members, where a family was named.
        cells: Concrete cell types in which it acts; empty for all.
    """

    targets: tuple[str, ...]
    cells: tuple[str, ...] = ()

    def _where(self) -> str:
        return f"in {','.join(self.cells)}" if self.cells else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveDrug(Intervention):
    """Give a library drug.

    With neither `dose` nor `every` the library's regimen is meant; a dose without `every` is one
    dose, unless the library's interval is asked for by `doses`.

    Args:
        drug: Id of the drug.
        dose: Amount of each dose, None for the library's.
        every: Minutes between doses.
        doses: Number of doses, None for as many as fit.
        over: Minutes of each infusion, None for the library's.
        loading: Amount of the first dose, None for `dose`.
        route: ``iv``, ``oral``, ``ip``, ``sc`` or ``it`` (into the tumour); None for the
            library's.
    """

    key: ClassVar[str] = "drug"
    drug: str
    dose: Dose | None = None
    every: float | None = None
    doses: int | None = None
    over: float | None = None
    loading: Dose | None = None
    route: str | None = None

    def _head(self) -> list[str]:
        return [
            self.drug,
            "" if self.dose is None else str(self.dose),
            *_repeats(self.every, self.doses),
            "" if self.over is None else f"over {days_text(self.over)}",
            "" if self.loading is None else f"loading {self.loading}",
            "" if self.route is None else f"route {self.route}",
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutralise(Intervention):
    """Remove the free factors `targets`: their loss rate k becomes k / (1 - fraction)."""

    key: ClassVar[str] = "neutralise"
    targets: tuple[str, ...]
    fraction: float = 0.9

    def _head(self) -> list[str]:
        return [_names(self.targets), f"{self.fraction:.12g}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Targeted):
    """Block receptors: their number is multiplied by 1 - fraction."""

    key: ClassVar[str] = "block"
    fraction: float = 0.9

    def _head(self) -> list[str]:
        return [_names(self.targets), f"{self.fraction:.12g}", self._where()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibit(Targeted):
    """Inhibit nodes: their output is multiplied by 1 - fraction; their input may rise."""

    key: ClassVar[str] = "inhibit"
    fraction: float = 0.9

    def _head(self) -> list[str]:
        return [_names(self.targets), f"{self.fraction:.12g}", self._where()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overexpress(Targeted):
    """Add ln(fold) to the logit of nodes; multiply the synthesis of factors by `fold`."""

    key: ClassVar[str] = "overexpress"
    fold: float = 10.0

    def _head(self) -> list[str]:
        return [_names(self.targets), f"{self.fold:.12g}", self._where()]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnockOut(Targeted):
    """Take nodes, or the synthesis of factors, away."""

    key: ClassVar[str] = "knock_out"

    def _head(self) -> list[str]:
        return [_names(self.targets), self._where()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Intervention):
    """Switch off all secretion of the cell types `cells`."""

    key: ClassVar[str] = "silence"
    cells: tuple[str, ...]

    def _head(self) -> list[str]:
        return ["secretome", f"in {','.join(self.cells)}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VesicleBlock(Intervention):
    """Hold back the traffic of vesicles: 1 - fraction of it goes on.

    Args:
        cells: Concrete cell types in which it acts; empty for all.
    """

    cells: tuple[str, ...] = ()
    fraction: float = 0.9

    def _head(self) -> list[str]:
        where = f"in {','.join(self.cells)}" if self.cells else ""
        return ["vesicles", f"{self.fraction:.12g}", where]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseBlock(VesicleBlock):
    """Cells release fewer vesicles."""

    key: ClassVar[str] = "release_block"


@dataclass(frozen=True, slots=True, kw_only=True)
class UptakeBlock(VesicleBlock):
    """Cells take fewer vesicles in; those that are held back are cleared all the same."""

    key: ClassVar[str] = "uptake_block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Intervention):
    """Hold a supply of factors in the tissue.

    Args:
        targets: Ids of factors.
        concentration: Level that the supply alone would hold, in `unit`: against decay, and for
            gases and metabolites against what cells and vessels take of it.
        unit: Unit of the factors' level.
        where: Axis along which the supply rises, or ``distant`` for the distant organ; empty for
            everywhere in the tissue alike.
    """

    key: ClassVar[str] = "add"
    targets: tuple[str, ...]
    concentration: float
    unit: str
    where: Place = ""

    def _head(self) -> list[str]:
        where = f"where {{gradient: {self.where}}}" if self.where else ""
        if self.where == "distant":
            where = "where distant"
        return [_names(self.targets), f"{self.concentration:.12g} {self.unit}".strip(), where]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deplete(Intervention):
    """Remove the share `fraction` of the cell types `cells`, once or `every` so many minutes.

    Args:
        group: Family that the cells were named by, if it is meant only in some place.
        among: Types among whose living cells they lie; empty for everywhere.
    """

    key: ClassVar[str] = "deplete"
    cells: tuple[str, ...]
    fraction: float = 0.9
    every: float | None = None
    doses: int | None = None
    group: str = ""
    among: tuple[str, ...] = ()

    def _head(self) -> list[str]:
        named = self.group or _names(self.cells)
        return [named, f"{self.fraction:.12g}", *_repeats(self.every, self.doses)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort(Intervention):
    """Keep only the tumour cells of a gate, at `start` and every `keep_every` minutes.

    Args:
        gate: As written, such as ``CD44_high``, ``not CSC``.
        marker: Marker of the gate, empty where cell types are named.
        cells: Concrete cell types of the gate, empty for a marker.
        inside: Whether the cells inside are kept; else those outside.
    """

    key: ClassVar[str] = "sort"
    gate: str
    marker: str = ""
    cells: tuple[str, ...] = ()
    inside: bool = True
    keep_every: float | None = None

    def _head(self) -> list[str]:
        again = "" if self.keep_every is None else f"keep_every {days_text(self.keep_every)}"
        return [f"{{gate: {self.gate}}}", again]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vessels(Intervention):
    """Set the state of all vessels.

    Args:
        pericytes: Fold on the cover of their walls, which ends at one pericyte per cell.
        leakiness: Fold on what walls let through of large molecules.
        normalise: Share of the missing cover, and of leakiness above that at rest, that is mended.
    """

    key: ClassVar[str] = "vessels"
    pericytes: float = 1.0
    leakiness: float = 1.0
    normalise: float = 0.0

    def _head(self) -> list[str]:
        plain = (("pericytes", 1.0), ("leakiness", 1.0), ("normalise", 0.0))
        parts = [f"{n}: {getattr(self, n):.12g}" for n, rest in plain if getattr(self, n) != rest]
        return [f"{{{', '.join(parts) or 'pericytes: 1'}}}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Intervention):
    """Add `count` cells of a type to the tissue, once or `every` so many minutes."""

    key: ClassVar[str] = "transfer"
    cell: str
    count: int
    every: float | None = None
    doses: int | None = None

    def _head(self) -> list[str]:
        return [self.cell, str(self.count), *_repeats(self.every, self.doses)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Radiate(Intervention):
    """Irradiate the tissue with `dose` Gy, once or `every` so many minutes.

    With `doses` that many fractions are given; those that fall in the off part of a cycle are not
    counted.

    Args:
        where: ``distant`` for the distant organ, empty for the tissue.
    """

    key: ClassVar[str] = "radiation"
    dose: float
    every: float | None = None
    doses: int | None = None
    where: Literal["", "distant"] = ""

    def _head(self) -> list[str]:
        where = f"where {self.where}" if self.where else ""
        return [f"{self.dose:.12g} Gy", *_repeats(self.every, self.doses), where]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inject(Intervention):
    """Put `count` tumour cells into the host's blood or its distant organ.

    Args:
        route: ``circulation`` (as by a tail vein) or ``distant``.
    """

    key: ClassVar[str] = "inject"
    cell: str
    count: int
    route: Literal["circulation", "distant"] = "circulation"
    every: float | None = None
    doses: int | None = None

    def _head(self) -> list[str]:
        repeats = _repeats(self.every, self.doses)
        return [self.cell, str(self.count), f"route {self.route}", *repeats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replant(Intervention):
    """Plant living tumour cells of another run instead of a fresh tumour.

    Args:
        source: A run's folder, or in an experiment the name of another arm.
        day: Minutes after day 0 of that run at which the cells are taken.
        origin: Fingerprint of the other arm's scenario, empty for a folder.
    """

    key: ClassVar[str] = "replant"
    start: Start = "birth"
    source: str
    day: float
    origin: str = ""

    def _head(self) -> list[str]:
        return [f"{{source: {self.source}@{days_text(self.day)}}}"]

    def _span(self) -> list[str]:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class SetValue(Intervention):
    """Change the value of the scenario at `path` to `to` (in `unit`) while it is on."""

    key: ClassVar[str] = "set"
    path: str
    to: float
    unit: str

    def _head(self) -> list[str]:
        return [self.path, "to", f"{self.to:.12g} {self.unit}".strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutClaim(Intervention):
    """Switch the mechanism of `claims` off from birth; the scenario moves it to `claims_off`."""

    key: ClassVar[str] = "without_claim"
    start: Start = "birth"
    claims: tuple[str, ...]

    def _head(self) -> list[str]:
        return [_names(self.claims)]

    def _span(self) -> list[str]:
        return []


def _names(ids: tuple[str, ...]) -> str:
    return ",".join(ids)


def _repeats(every: float | None, doses: int | None) -> list[str]:
    return [
        "" if every is None else f"every {days_text(every)}",
        "" if doses is None else f"doses {doses}",
    ]
