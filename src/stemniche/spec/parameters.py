"""Named numbers of the library: who reads them, in which unit, and what a scenario may override.

`spec.checks` refuses a parameter that nothing reads; `spec.compile` asks `Numbers` for values. The
engine's plan imports `ENGINE_PARAMETERS` to know which names it may ask a Model for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stemniche.core.units import convert, parse_quantity
from stemniche.spec.lexicon import Lexicon
from stemniche.spec.records import Parameter

ENGINE_PARAMETERS: tuple[str, ...] = (
    "network.gain",
    "stemness.high",
    "stemness.low",
    "stemness.inheritance",
    "stemness.reset",
    "tumour.generation_ratio",
    "tumour.looseness",
    "tumour.progenitor_share",
    "tumour.infiltration",
    "macrophage.m2_fraction",
    "blood.half_life",
    "marrow.half_life",
    "serum.half_life",
    "serum.gain",
    "plasma.volume_per_kg",
    "pH.per_lactate",
    "dead.clearance",
    "medium.resistance",
    "medium.diffusivity.gas",
    "medium.diffusivity.metabolite",
    "mechanics.adhesion_reach",
    "vessel.radius",
    "vessel.permeability.gas",
    "vessel.permeability.metabolite",
    "vessel.permeability.soluble",
    "vessel.permeability.vesicle",
    "pk.clearance_exponent",
)
"""Parameters that the code reads by name: every library must have them."""

FACTOR_NUMBERS: dict[str, str | None] = {
    "diffusivity": "um^2/min",
    "half_life": "min",
    "baseline": None,
    "reference": None,
    "density_share": "",
    "stiffness_power": "",
}
"""Numbers of a factor and their engine units; None means the unit of the factor itself."""

ROW_NUMBERS = (
    "half_max",
    "hill",
    "weight",
    "limit",
    "ref",
    "rate",
    "km",
    "reverse",
    "potency",
    "maximum",
    "residence",
    "sign",
)
"""Numbers of a row that a scenario may override as ``ROW.half_max`` and the like."""

_TIMES = frozenset(("s", "min", "h", "d", "week"))
_LENGTHS = frozenset(("m", "cm", "mm", "um", "nm"))
_CONCENTRATIONS = {"pM": "nM", "uM": "nM"}


def is_engine_parameter(name: str, also: tuple[str, ...] = ()) -> bool:
    """Whether the engine reads this parameter by name; `also` are names the vocabulary adds."""
    return name in ENGINE_PARAMETERS or name in also


def engine_unit(unit: str) -> str:
    """Return the engine's unit for numbers written in `unit`.

    Times become minutes everywhere; lengths become micrometres where the unit has only lengths and
    times (so mg/m^2 stays); pM and uM become nM; everything else stays as written.

    Example:
        >>> engine_unit("mm/h"), engine_unit("mg/m^2"), engine_unit("L/h"), engine_unit("1/d")
        ('um/min', 'mg/m^2', 'L/min', '1/min')
    """
    names = set(re.findall(r"[A-Za-z]+", unit))
    spatial = names <= _TIMES | _LENGTHS

    def renamed(match: re.Match[str]) -> str:
        name = match[0]
        if name in _TIMES:
            return "min"
        if name in _LENGTHS and spatial:
            return "um"
        return _CONCENTRATIONS.get(name, name)

    return re.sub(r"[A-Za-z]+", renamed, unit)


@dataclass(frozen=True)
class Numbers:
    """Values of parameters by name, with inheritance of traits along the parents of a cell type."""

    records: Mapping[str, Parameter]
    lexicon: Lexicon

    def value(self, name: str, unit: str | None = None) -> float:
        """Return a parameter in `unit`, by default in its engine unit."""
        record = self.records[name]
        wanted = engine_unit(record.unit) if unit is None else unit
        return convert(record.value, record.unit, wanted, where=record.place.at("value"))

    def read(self, text: str, unit: str, *, where: str, molar_mass: float | None = None) -> float:
        """Return a number written on a row: a parameter's name, or a quantity.

        Raises:
            UnitError: Neither, or of another dimension than `unit`.
        """
        if text in self.records:
            record = self.records[text]
            return convert(
                record.value, record.unit, unit, where=f"{where} ({text})", molar_mass=molar_mass
            )
        return parse_quantity(text, unit, where=where, molar_mass=molar_mass)

    def shown(self, text: str) -> str:
        """Return a number written on a row as people read it: names become their values."""
        if text not in self.records:
            return text
        record = self.records[text]
        return f"{record.value:g} {record.unit}".strip()

    def trait_record(self, cell: str, trait: str) -> Parameter | None:
        """Return the parameter that gives a type's trait: its own or its nearest ancestor's."""
        names = (f"{ancestor}.{trait}" for ancestor in self.lexicon.lineage(cell))
        return next((self.records[name] for name in names if name in self.records), None)

    def factor_record(self, factor: str, number: str) -> Parameter | None:
        """Return the parameter that gives a factor's number: its own, or its form's."""
        names = (f"{factor}.{number}", f"{self.lexicon.factors[factor].form}.{number}")
        return next((self.records[name] for name in names if name in self.records), None)

    def reference(self, signal: str, factor: str = "") -> str:
        """Return the name of the parameter that says where a signal is balanced, or ``0``.

        A factor is balanced at its reference, else at its baseline; any other signal of a cell at
        ``<signal>.reference``, else at nothing.
        """
        if not factor:
            return f"{signal}.reference" if f"{signal}.reference" in self.records else "0"
        records = (self.factor_record(factor, number) for number in ("reference", "baseline"))
        return next((record.name for record in records if record is not None), "0")
