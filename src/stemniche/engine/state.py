"""State: every number of a running simulation, as named arrays.

Processes read and write it by name, the store writes all of it as a checkpoint, and a run continued
from that checkpoint has the same bits as one that never stopped: nothing outside survives a tick.
Arrays of kind ``cell`` share one capacity; those of one type are rows of one block, so that all
cells are copied, compacted and sorted block by block.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["cell", "cell rows", "field", "global", "growing"]
Array = np.ndarray[Any, np.dtype[Any]]

ALIVE, APOPTOTIC, NECROTIC, GONE = 0, 1, 2, 3
"""Values of the cell variable ``state``; GONE cells vanish at the end of the tick."""

G0, G1, S_PHASE, G2M = 0, 1, 2, 3
"""Values of the cell variable ``phase``."""

STATE_NAMES = ("alive", "apoptotic", "necrotic")
PHASE_NAMES = ("G0", "G1", "S", "G2M")

SPARE_SHARE = 4
"""One slot is kept free for so many cells when room is made: few copies, short rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One named array of the State.

    Args:
        name: Key in the State.
        unit: Unit as text, ``1`` for none.
        kind: ``cell`` [capacity], ``cell rows`` [rows, capacity], ``field``, ``global``, or
            ``growing``: global with a length that changes (neighbour lists, vessels).
        dtype: NumPy type.
        shape: Rows for ``cell rows``; the whole shape otherwise, at the start if it is growing.
    """

    name: str
    unit: str
    kind: Kind
    dtype: str = "float32"
    shape: tuple[int, ...] = ()


CELL_VARIABLES = tuple(
    Variable(name=name, unit=unit, kind="cell", dtype=dtype)
    for name, unit, dtype in (
        ("x", "um", "float32"),
        ("y", "um", "float32"),
        ("z", "um", "float32"),
        ("px", "1", "float32"),
        ("py", "1", "float32"),
        ("pz", "1", "float32"),
        ("radius", "um", "float32"),
        ("key", "1", "uint64"),
        ("parent", "1", "uint64"),
        ("clone", "1", "uint32"),
        ("type", "1", "uint8"),
        ("state", "1", "uint8"),
        ("phase", "1", "uint8"),
        ("fate", "1", "int8"),
        ("dividing", "1", "uint8"),
        ("awakened", "1", "uint8"),
        ("clock", "min", "float32"),
        ("stemness", "1", "float32"),
        ("divisions", "1", "uint32"),
        ("left", "1", "int16"),
        ("label", "1", "float32"),
        ("damage", "1", "float32"),
        ("engagement", "1", "float32"),
        ("antigen", "1", "float32"),
        ("infected", "1", "float32"),
        ("wall", "1", "int64"),
        ("cover", "1", "float32"),
        ("bloodflow", "1", "float32"),
        ("leaking", "1", "float32"),
        ("surface_antigen", "1", "float32"),
        ("growth", "1", "float32"),
        ("sensitivity", "1", "float32"),
        ("receptors", "1", "float32"),
        ("voxel", "1", "int32"),
        ("allowance", "um", "float32"),
    )
)


class State:
    """All arrays of a run by name, the number of cells and the tick.

    Args:
        variables: What exists; names are unique.
        capacity: Slots for cells; `reserve` makes more.
    """

    def __init__(self, variables: Iterable[Variable], capacity: int) -> None:
        self.variables = {v.name: v for v in variables}
        self.capacity = max(64, capacity)
        self.n = 0
        self.tick = 0
        self.arrays: dict[str, Array] = {
            v.name: np.zeros(v.shape, v.dtype)
            for v in self.variables.values()
            if v.kind not in ("cell", "cell rows")
        }
        self._blocks: dict[str, Array] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        """Give every cell variable its rows in a block of its type, keeping what is there."""
        old, rows = self._blocks, dict[str, int]()
        places: dict[str, tuple[str, int]] = {}
        for name in self.of_kind("cell", "cell rows"):
            v = self.variables[name]
            places[name] = v.dtype, rows.get(v.dtype, 0)
            rows[v.dtype] = places[name][1] + (v.shape[0] if v.shape else 1)
        self._blocks = {t: np.zeros((count, self.capacity), t) for t, count in rows.items()}
        for dtype, block in old.items():
            self._blocks[dtype][:, : block.shape[1]] = block
        for name, (dtype, first) in places.items():
            shape = self.variables[name].shape
            block = self._blocks[dtype]
            self.arrays[name] = block[first : first + shape[0]] if shape else block[first]

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __setitem__(self, name: str, value: Array) -> None:
        if self.variables[name].kind in ("cell", "cell rows"):
            self.arrays[name][...] = value
        else:
            self.arrays[name] = value

    def live(self, name: str) -> Array:
        """View of a cell variable without the unused slots."""
        return self.arrays[name][..., : self.n]

    def whole_cells(self) -> list[Array]:
        """Every variable of every cell: one array [rows, capacity] per type of number."""
        return list(self._blocks.values())

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Names of the variables of these kinds, in order of declaration."""
        return [v.name for v in self.variables.values() if v.kind in kinds]

    def reserve(self, needed: int) -> None:
        """Make room for `needed` cells, keeping what is there."""
        if needed <= self.capacity:
            return
        self.capacity = needed + needed // SPARE_SHARE
        self._lay_out()

    def snapshot(self) -> dict[str, Array]:
        """Copies of all arrays without unused slots, for a checkpoint."""
        cells = set(self.of_kind("cell", "cell rows"))
        return {
            name: (self.live(name) if name in cells else array).copy()
            for name, array in self.arrays.items()
        }

    def restore(self, arrays: dict[str, Array], n: int, tick: int) -> None:
        """Take over a snapshot.

        A snapshot of a plan without therapy fits one with it: what therapy adds stands last on
        every axis and keeps the value it has here.
        """
        self.n, self.tick = n, tick
        self.reserve(n)
        for name in arrays:
            value, v = arrays[name], self.variables[name]
            if v.kind in ("cell", "cell rows"):
                self.arrays[name][...] = 0
                place = (slice(0, value.shape[0]), slice(0, n)) if value.ndim == 2 else slice(0, n)
                self.arrays[name][place] = value
            elif v.kind == "growing":
                self.arrays[name] = value.astype(v.dtype).copy()
            elif v.shape and value.shape != v.shape and value.ndim == len(v.shape):
                self.arrays[name][tuple(slice(0, size) for size in value.shape)] = value
            else:
                self.arrays[name] = value.astype(v.dtype).copy()
