"""An oncolytic virus: it is injected, infects what it grows in, makes its gene's product, bursts.

`lower` hands over the injections as controls of the kind ``virus``. Free virus is a field like that
of a drug; infected cells show the signal ``infection``, and rules say what follows from it. Who
holds the virus back, and who sees its antigens, is the Model's business.
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from stemniche.core.errors import InputError
from stemniche.engine.controls import Control
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_MIN, TICK_S, Access, Phase, Process, Tick
from stemniche.engine.processes.matrix import NANOMOLAR
from stemniche.engine.state import ALIVE, Array, State, Variable
from stemniche.kernels.cpu import Backend, stream
from stemniche.spec.model import Drug, Factor, Model, Uptake

SURE = 1e3
"""Hazard of a cell whose time has come, 1/min."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """What a virus adds to a Plan; nothing without any."""

    virus: Drug | None = None
    injections: tuple[tuple[int, Control], ...] = ()
    factors: tuple[Factor, ...] = ()
    permeability: dict[str, float] = field(default_factory=dict)
    uptakes: tuple[Uptake, ...] = ()
    variables: tuple[Variable, ...] = ()
    hazards: tuple[str, ...] = ()

    def processes(self, plan: Plan) -> tuple[Process, ...]:
        """Injection and infection, and the bursts of lysed cells."""
        if self.virus is None:
            return ()
        return infection(self.virus, self.injections, plan), burst(self.virus, plan)


def lower_virus(controls: tuple[Control, ...], model: Model) -> Lowered:
    """Field, uptake and columns of the virus that is injected.

    Raises:
        InputError: Two viruses at once.
    """
    injections = tuple((i, c) for i, c in enumerate(controls) if c.kind == "virus")
    named = sorted({c.target for _, c in injections})
    if not named:
        return Lowered()
    if len(named) > 1:
        what = f"Cells can hold one virus, not {' and '.join(named)}."
        raise InputError(what, "therapy", "Give one of them.")
    virus = next(d for d in model.drugs if d.id == named[0])
    v = virus.values
    return Lowered(
        virus=virus,
        injections=injections,
        factors=(
            Factor(
                id=virus.id,
                form="soluble",
                unit="nM",
                diffusivity=v["diffusivity"],
                decay=np.log(2.0) / v["half_life"],
                baseline=0.0,
                reference=0.0,
                molar_mass=None,
            ),
        ),
        permeability={virus.id: 0.0},
        uptakes=tuple(
            Uptake(
                row=f"drug.{virus.id}",
                cell=t.id,
                factor=virus.id,
                kind="first_order",
                rate=v["adsorption"],
                km=0.0,
            )
            for t in model.types
        ),
        variables=(Variable(name="incubation", unit="min", kind="cell"),),
        hazards=("virus_death",),
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Infection(Process):
    """Inject virus where tumour is, let cells take it up and catch it, count down to their lysis.

    Args:
        injections: Place among all controls, and the control.
        adsorption: 1/min, uptake of free virus by a cell of its volume.
        permissive_row: Chance that a unit taken up infects.
        latency: min from infection to lysis.
        products: Rows of the factors that infected cells make, and molecules/min of each.

    Source:
        Units met in a tick are ``adsorption * volume * level * dt``, Poisson; a cell is infected
        by the first that takes.
    """

    field: int
    injections: tuple[tuple[int, Control], ...]
    adsorption: float
    permissive_row: int
    latency: float
    products: tuple[tuple[int, float], ...]
    tumour: Array
    voxel_volume: float
    hazard: int
    seed: int
    access: Access
    name: str = "virus"
    phase: Phase = Phase.DECIDE
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        free = s["fields"][self.field].reshape(-1)
        for place, control in self.injections:
            if control.active(t) and control.strikes(t) and not s["control_ended"][place]:
                self._inject(s, free, control.value)
        ill = (s.live("infected") == 1.0) & (s.live("state") == ALIVE)
        if ill.any():
            self._ripen(s, k, ill)
        if free.any():
            self._infect(s, t, k, free)

    def _inject(self, s: State, free: Array, units: float) -> None:
        """Share the units out among the voxels that hold living tumour, or all."""
        tumour = (self.tumour[s.live("type")] == 1) & (s.live("state") == ALIVE)
        places = np.unique(s.live("voxel")[tumour]) if tumour.any() else np.arange(free.size)
        free[places] += units / (places.size * self.voxel_volume * NANOMOLAR)

    def _ripen(self, s: State, k: Backend, ill: Array) -> None:
        """Infected cells make the gene's product until they lyse."""
        s["incubation"][: s.n] -= np.where(ill, np.float32(TICK_MIN), 0.0)
        s["hazards"][self.hazard, : s.n] += SURE * (ill & (s.live("incubation") <= 0.0))
        for factor, rate in self.products:
            made = np.zeros(s.capacity, np.float32)
            made[: s.n] = rate * ill
            scale = 1.0 / (self.voxel_volume * NANOMOLAR)
            k.deposit(made, s["voxel_ptr"], s.n, scale, s["supply"][factor])

    def _infect(self, s: State, t: Tick, k: Backend, free: Array) -> None:
        """Let healthy living cells catch what they take up."""
        healthy = np.flatnonzero((s.live("infected") == 0.0) & (s.live("state") == ALIVE))
        level = free[s["voxel"][healthy]].astype(np.float64)
        volume = 4.18879 * s["radius"][healthy].astype(np.float64) ** 3
        met = self.adsorption * volume * level * NANOMOLAR * TICK_MIN
        chance = -np.expm1(-met * s["behaviours"][self.permissive_row, healthy])
        draw = k.uniform_array(self.seed, stream("virus"), s["key"][healthy], t.index, 0)
        new = healthy[draw < chance]
        s["infected"][new] = 1.0
        s["incubation"][new] = self.latency


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Burst(Process):
    """Cells that have just lysed set their virus free where they lie."""

    field: int
    units: float
    voxel_volume: float
    hazard: int
    access: Access
    name: str = "burst"
    phase: Phase = Phase.MOVE
    every_s: int = TICK_S

    def run(self, s: State, t: Tick, k: Backend) -> None:
        """See `Process.run`."""
        lysed = np.flatnonzero(s.live("fate") == self.hazard)
        free = s["fields"][self.field].reshape(-1)
        each = np.float32(self.units / (self.voxel_volume * NANOMOLAR))
        np.add.at(free, s["voxel"][lysed], each)


def infection(virus: Drug, injections: tuple[tuple[int, Control], ...], plan: Plan) -> Infection:
    """Build injection and infection."""
    v = virus.values
    products = tuple(
        (plan.factors[name], v["gene_rate"])
        for target in virus.targets
        if target.effect == "gene"
        for name in target.acts_on
    )
    return Infection(
        field=plan.factors[virus.id],
        injections=injections,
        adsorption=v["adsorption"],
        permissive_row=plan.behaviours["permissiveness"],
        latency=v["latency"],
        products=products,
        tumour=plan.mask(["tumour"]),
        voxel_volume=plan.grid.voxel_volume,
        hazard=plan.hazards["virus_death"],
        seed=plan.seed,
        access=Access(
            read={
                "control_ended": "1",
                "behaviours": "1",
                "type": "1",
                "state": "1",
                "radius": "um",
                "key": "1",
                "voxel": "1",
                **({"voxel_ptr": "1"} if products else {}),
            },
            write={"fields": "factor unit", "infected": "1", "incubation": "min"},
            add={"hazards": "1/min", **({"supply": "factor unit/min"} if products else {})},
        ),
    )


def burst(virus: Drug, plan: Plan) -> Burst:
    """Build the release at lysis."""
    return Burst(
        field=plan.factors[virus.id],
        units=virus.values["burst"],
        voxel_volume=plan.grid.voxel_volume,
        hazard=plan.hazards["virus_death"],
        access=Access(
            read={"fate": "1", "voxel": "1"},
            write={"fields": "factor unit"},
        ),
    )
