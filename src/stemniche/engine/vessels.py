"""The graph of vessels: nodes and segments as arrays, their geometry, and the blood's flow.

`engine.place` lays the host's vessels, `processes.vessels` lets the graph live. Here are only
lengths, places and Poiseuille's law; which cells line a segment and what moves them is not known.
"""

from dataclasses import dataclass, fields
from typing import final

import numpy as np

from stemniche.engine.grid import Grid
from stemniche.engine.state import Array, State, Variable

NO_PORT, ARTERIAL, VENOUS = 0, 1, 2
"""Values of a node's ``port``: where the host's blood comes in, and where it goes."""

HOST, SPROUT, MIMICRY = 0, 1, 2
"""Values of a segment's ``kind``: laid by the host, grown, and lined by tumour cells."""

NORMALISE = "normalise"
VESSEL_STATE = ("pericytes", "leakiness", NORMALISE)
"""What interventions set of all vessels: fold on the cover, fold on the leakiness, and the share of
missing cover and of excess leakiness that is mended; columns of the variable ``vessel_state``."""

UNTOUCHED = (1.0, 1.0, 0.0)
"""Values of `VESSEL_STATE` without an intervention."""

SHORTEST = 1.0
"""Least length of a segment, um; a shorter one would carry a boundless flow."""

PARTS = 4
"""Pieces of a segment that are counted into voxels each by its middle."""

_ARRAYS = {
    "at": ("um", "float64", (0, 3)),
    "heading": ("1", "float64", (0, 3)),
    "port": ("1", "uint8", (0,)),
    "supply": ("mmHg", "float64", (0,)),
    "pressure": ("mmHg", "float64", (0,)),
    "ends": ("1", "int32", (0, 2)),
    "name": ("1", "int64", (0,)),
    "kind": ("1", "uint8", (0,)),
    "radius": ("um", "float64", (0,)),
    "leakiness": ("1", "float64", (0,)),
    "flow": ("um^3/min", "float64", (0,)),
    "perfused": ("1", "uint8", (0,)),
}
_OF_NODES = ("at", "heading", "port", "supply", "pressure")
_PREFIX = "vessel_"

GRAPH_UNITS = {_PREFIX + name: unit for name, (unit, _, _) in _ARRAYS.items()}
"""Variables of the State that hold the graph, with their units."""

GRAPH_VARIABLES = tuple(
    Variable(name=_PREFIX + name, unit=unit, kind="growing", dtype=dtype, shape=shape)
    for name, (unit, dtype, shape) in _ARRAYS.items()
)


@final
@dataclass(slots=True, kw_only=True)
class Graph:
    """Nodes ``[n]`` and segments ``[m]``; a segment from a node to itself passes the plane there.

    Args:
        at: float64 [n, 3], um.
        heading: float64 [n, 3], where a tip grows, a unit vector; 0 for other nodes.
        port: uint8 [n].
        supply: float64 [n], pressure at which the host holds a port, mmHg.
        pressure: float64 [n], mmHg.
        ends: int32 [m, 2], nodes; a sprout grows from the first to the second.
        name: int64 [m], ascending, never used again; the cells of the wall carry it.
        kind: uint8 [m].
        radius: float64 [m], um.
        leakiness: float64 [m], fold on the permeability for large molecules.
        flow: float64 [m], um^3/min.
        perfused: uint8 [m].
    """

    at: Array
    heading: Array
    port: Array
    supply: Array
    pressure: Array
    ends: Array
    name: Array
    kind: Array
    radius: Array
    leakiness: Array
    flow: Array
    perfused: Array

    @classmethod
    def of(cls, s: State) -> "Graph":
        """The graph in a State; changes in it are kept by `put`."""
        return cls(**{name: s[_PREFIX + name] for name in _ARRAYS})

    def put(self, s: State) -> None:
        """Write the graph back into the State."""
        for item in fields(self):
            s[_PREFIX + item.name] = getattr(self, item.name)

    @property
    def passes(self) -> Array:
        """bool [m]: segments that cross a slice at one node."""
        return np.asarray(self.ends[:, 0] == self.ends[:, 1])

    @property
    def tips(self) -> Array:
        """Nodes that grow."""
        return np.flatnonzero(self.heading.any(axis=1))

    def parts(self) -> Array:
        """Number of the connected part to which each node belongs."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        count, links = len(self.at), np.ones(len(self.ends), np.uint8)
        matrix = coo_matrix((links, (self.ends[:, 0], self.ends[:, 1])), (count, count))
        return np.asarray(connected_components(matrix, directed=False)[1])

    def lengths(self, depth: float) -> Array:
        """Length of each segment, um; one that crosses a slice is as long as the slice is deep."""
        apart = self.at[self.ends[:, 1]] - self.at[self.ends[:, 0]]
        length = np.maximum(np.sqrt((apart**2).sum(axis=1)), SHORTEST)
        return np.where(self.passes, depth, length)

    def middles(self) -> Array:
        """Middle of each segment, um ``[m, 3]``."""
        return 0.5 * (self.at[self.ends[:, 0]] + self.at[self.ends[:, 1]])

    def places(self, names: Array) -> Array:
        """Segments of these names; -1 for names that are gone."""
        if not len(self.name):
            return np.full(len(names), -1, np.int64)
        found = np.minimum(np.searchsorted(self.name, names), len(self.name) - 1)
        return np.where(self.name[found] == names, found, -1)

    def add_nodes(
        self,
        at: Array,
        heading: Array | None = None,
        port: Array | int = NO_PORT,
        supply: Array | float = 0.0,
    ) -> Array:
        """Append nodes; return their places."""
        first, count = len(self.at), len(at)
        fresh = {
            "at": at,
            "heading": np.zeros((count, 3)) if heading is None else heading,
            "port": np.broadcast_to(port, count),
            "supply": np.broadcast_to(supply, count),
            "pressure": np.zeros(count),
        }
        self._append(fresh)
        return np.arange(first, first + count, dtype=np.int32)

    def add_segments(
        self, start: Array, end: Array, kind: Array | int, radius: float, first_name: int
    ) -> Array:
        """Append segments named from `first_name` on; return their names."""
        count = len(start)
        names = np.arange(first_name, first_name + count)
        fresh = {
            "ends": np.stack([start, end], axis=1),
            "name": names,
            "kind": np.broadcast_to(kind, count),
            "radius": np.full(count, radius),
            "leakiness": np.ones(count),
            "flow": np.zeros(count),
            "perfused": np.zeros(count),
        }
        self._append(fresh)
        return names

    def _append(self, fresh: dict[str, Array]) -> None:
        for name, values in fresh.items():
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, values.astype(old.dtype)]))

    def keep(self, segments: Array) -> None:
        """Drop all other segments, and nodes without any.

        Args:
            segments: bool [m].
        """
        for name in (n for n in _ARRAYS if n not in _OF_NODES):
            setattr(self, name, getattr(self, name)[segments])
        used = np.zeros(len(self.at), bool)
        used[self.ends.ravel()] = True
        if used.all():
            return
        new = np.cumsum(used) - 1
        for name in _OF_NODES:
            setattr(self, name, getattr(self, name)[used])
        self.ends = new[self.ends].astype(np.int32).reshape(-1, 2)


def lined(s: State, lining: Array) -> dict[str, Array]:
    """The piece of vessel that each cell lines, float32 [n] each; 0 for all other cells.

    ``radius`` um, ``flow`` 1 where blood flows, and ``x``, ``y``, ``z`` from the middle of the
    piece to its end, um: nothing but 0 where it passes through a slice.

    Args:
        lining: [T], above 0 for the types that line vessels.
    """
    graph, wall = Graph.of(s), s.live("wall")
    found = {name: np.zeros(s.n, np.float32) for name in ("radius", "flow", "x", "y", "z")}
    cells = np.flatnonzero((wall > 0) & (lining[s.live("type")] > 0))
    place = graph.places(wall[cells])
    cells, place = cells[place >= 0], place[place >= 0]
    found["radius"][cells] = graph.radius[place]
    found["flow"][cells] = graph.perfused[place]
    half = 0.5 * (graph.at[graph.ends[place, 1]] - graph.at[graph.ends[place, 0]])
    for d, axis in enumerate("xyz"):
        found[axis][cells] = half[:, d]
    return found


def conductance(radius: Array, length: Array, viscosity: float) -> Array:
    """Flow per pressure difference of tubes, um^3/(min mmHg).

    Args:
        radius, length: um.
        viscosity: mmHg min.

    Source:
        Poiseuille's law: ``pi r^4 / (8 mu L)``.
    """
    return np.asarray(np.pi * radius**4 / (8.0 * viscosity * length))


def pressures(ends: Array, weight: Array, level: Array, fixed: Array) -> Array:
    """Pressure at every node of a network of tubes, mmHg.

    Kirchhoff's law at nodes that are not fixed; what no fixed node feeds keeps 0.

    Args:
        ends: int [m, 2], nodes of each tube, never the same.
        weight: float64 [m], conductances.
        level: float64 [n], pressure where it is fixed.
        fixed: bool [n].
    """
    from scipy.sparse import csc_matrix, csr_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import spsolve

    found = np.where(fixed, level, 0.0)
    count = len(level)
    if not len(ends) or not fixed.any():
        return found
    i, j = ends[:, 0], ends[:, 1]
    _, part = connected_components(csr_matrix((weight, (i, j)), (count, count)), directed=False)
    free = ~fixed & np.isin(part, part[fixed])
    unknowns = int(free.sum())
    if not unknowns:
        return found
    place = np.cumsum(free) - 1
    one, other, both = np.concatenate([i, j]), np.concatenate([j, i]), np.tile(weight, 2)
    met = np.bincount(one, both, count)[free]
    given = np.bincount(one, both * found[other], count)[free]
    inner = free[one] & free[other]
    row, column = place[one[inner]], place[other[inner]]
    diagonal = np.arange(unknowns)
    matrix = csc_matrix(
        (
            np.concatenate([met, -both[inner]]),
            (np.concatenate([diagonal, row]), np.concatenate([diagonal, column])),
        ),
        (unknowns, unknowns),
    )
    found[free] = spsolve(matrix, given)
    return found


def deposit(grid: Grid, at: Array, ends: Array, length: Array, share: Array) -> Array:
    """Sum of ``share * length`` of segments in every voxel, in voxel edges, float32 [V].

    Each segment counts in `PARTS` pieces, each in the voxel of its middle.
    """
    step = (np.arange(PARTS) + 0.5) / PARTS
    a, b = at[ends[:, 0]], at[ends[:, 1]]
    points = a[:, None, :] + step[None, :, None] * (b - a)[:, None, :]
    nz, ny, nx = grid.shape
    cell = (points / grid.spacing).astype(np.int64)
    x, y, z = (np.clip(cell[..., d], 0, n - 1) for d, n in enumerate((nx, ny, nz)))
    voxel = (z * ny + y) * nx + x
    weight = np.broadcast_to((share * length / (PARTS * grid.spacing))[:, None], voxel.shape)
    return np.bincount(voxel.ravel(), weight.ravel(), grid.voxels).astype(np.float32)


def host_vessels(
    grid: Grid, x: Array, y: Array, share: Array, pressure: tuple[float, float], radius: float
) -> Graph:
    """Straight vessels along z through the box, in a fresh graph.

    A slice has them as ports, each passing at one node, cut anywhere on its way from artery to
    vein. In a block each is a chain of segments, one per layer of voxels, between an arterial port
    on one face and a venous one on the other.

    Args:
        x, y: um [n].
        share: 0 to 1 for each: how near the artery the slice cuts it; in a block blood runs up
            above one half, else down.
        pressure: At the arterial and at the venous end, mmHg.
        radius: um.
    """
    graph = Graph(**{n: np.zeros(shape, dtype) for n, (_, dtype, shape) in _ARRAYS.items()})
    layers, count = grid.shape[0], len(x)
    up, (arterial, venous) = share >= 0.5, pressure
    if grid.flat:
        at = np.stack([x, y, np.full(count, 0.5 * grid.spacing)], axis=1)
        supply = venous + share * (arterial - venous)
        nodes = graph.add_nodes(at, port=np.where(up, ARTERIAL, VENOUS), supply=supply)
        graph.add_segments(nodes, nodes, HOST, radius, 1)
        return graph
    levels = np.arange(layers + 1) * grid.spacing
    at = np.stack(
        [np.repeat(x, layers + 1), np.repeat(y, layers + 1), np.tile(levels, count)], axis=1
    )
    port = np.zeros((count, layers + 1), np.uint8)
    port[:, 0] = np.where(up, ARTERIAL, VENOUS)
    port[:, -1] = np.where(up, VENOUS, ARTERIAL)
    supply = np.choose(port.ravel(), (0.0, arterial, venous))
    nodes = graph.add_nodes(at, port=port.ravel(), supply=supply).reshape(count, layers + 1)
    graph.add_segments(nodes[:, :-1].ravel(), nodes[:, 1:].ravel(), HOST, radius, 1)
    return graph
