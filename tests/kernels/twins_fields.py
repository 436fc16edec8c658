"""The plain twin of the field solver: a sparse matrix in float64, solved directly."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import spsolve

from stemniche.kernels.fields import FieldProblem

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Balance:
    """Amounts over the step, in unit um^3, as in the report of `advance`."""

    supplied: float
    removed: float
    walls: float
    change: float


def shares(problem: FieldProblem, s: int) -> Array:
    """Return the factor of one substance's diffusivity in every voxel."""
    kind = int(problem.given.hindered[s])
    if problem.hindrance is None or kind < 0:
        return np.ones(problem.shape)
    return np.asarray(problem.hindrance[kind], np.float64)


def faces(problem: FieldProblem, s: int) -> list[tuple[int, int, float]]:
    """Return (voxel, neighbour, factor) of every face between two voxels, once."""
    shape = problem.shape
    index = np.arange(np.prod(shape)).reshape(shape)
    hindrance = shares(problem, s)
    found = []
    for axis in range(3):
        for at in product(*(range(n) for n in shape)):
            if shape[axis] == 1 or (at[axis] == shape[axis] - 1 and not problem.periodic[axis]):
                continue
            to = list(at)
            to[axis] = (at[axis] + 1) % shape[axis]
            a, b = float(hindrance[at]), float(hindrance[tuple(to)])
            found.append((int(index[at]), int(index[tuple(to)]), 2 * a * b / max(a + b, 1e-30)))
    return found


def wall_conductance(problem: FieldProblem, s: int) -> Array:
    """Return what walls conduct per voxel, 1/min."""
    shape, given, h = problem.shape, problem.given, problem.spacing
    conductance = np.zeros(shape)
    if given.wall_kind[s] == 0:
        return conductance.ravel()
    length = given.wall_length[s] if given.wall_kind[s] == 2 else 0.0
    hindrance = shares(problem, s)
    for axis in range(3):
        if shape[axis] > 1 and not problem.periodic[axis]:
            for end in (0, -1):
                wall = [slice(None)] * 3
                wall[axis] = end
                conductance[tuple(wall)] += hindrance[tuple(wall)] / (h * (h / 2 + length))
    return (given.diffusivity[s] * conductance).ravel()


def advance_twin(
    fields: npt.NDArray[np.float32], problem: FieldProblem, minutes: float
) -> tuple[Array, list[Balance]]:
    """Return all fields after one implicit step, and the balance of each."""
    given = problem.given
    solved, balances = np.array(fields, np.float64), []
    for s in range(len(fields)):
        solved[s], balance = solve_one(solved[s], problem, s, minutes)
        balances.append(balance)
    assert given.supply.shape == fields.shape
    return solved, balances


def solve_one(old: Array, problem: FieldProblem, s: int, minutes: float) -> tuple[Array, Balance]:
    """Solve one substance; saturable uptake by Newton's method to the end."""
    given, volume = problem.given, problem.spacing**3
    rate = 0.0 if given.quasi_steady[s] else 1.0 / minutes
    coupling = given.diffusivity[s] / problem.spacing**2
    size, start = old.size, old.ravel()
    supply = given.supply[s].ravel().astype(float)
    linear = given.decay[s] + given.sink[s].ravel().astype(float)
    wall, outer = wall_conductance(problem, s), given.wall_value[s]
    rows, columns, factors = (np.array(part) for part in zip(*joined(problem, s), strict=True))
    conduct = csr_matrix((factors * coupling, (rows, columns)), (size, size))
    laplace = diags(np.asarray(conduct.sum(axis=1)).ravel()) - conduct
    held = np.zeros(size, bool)
    if given.fixed.size and not np.isnan(given.fixed_value[s]):
        held = given.fixed.ravel() > 0
    level = start.copy()
    level[held] = given.fixed_value[s]
    for _ in range(60):
        uptake, slope = saturable(level, problem, s)
        out = (laplace + diags(rate + linear + wall)) @ level + uptake
        out -= rate * start + supply + wall * outer
        matrix = (laplace + diags(rate + linear + wall + slope)).tocsr()
        free = np.flatnonzero(~held)
        if free.size == 0:
            break
        step = np.zeros(size)
        step[free] = spsolve(matrix[free][:, free].tocsc(), out[free])
        level = np.maximum(level - step, 0.0)
        if np.abs(step).max() <= 1e-13 * np.abs(level).max():
            break
    uptake, _ = saturable(level, problem, s)
    flow = -(laplace @ level)
    amount = volume * minutes
    balance = Balance(
        supplied=supply[~held].sum() * amount,
        removed=(linear * level + uptake)[~held].sum() * amount,
        walls=((wall * (outer - level))[~held].sum() - flow[held].sum()) * amount,
        change=(level - start)[~held].sum() * volume,
    )
    return level.reshape(old.shape), balance


def joined(problem: FieldProblem, s: int) -> list[tuple[int, int, float]]:
    """Return every face twice, once from each side; at least one entry."""
    once = faces(problem, s)
    return once + [(b, a, f) for a, b, f in once] or [(0, 0, 0.0)]


def saturable(level: Array, problem: FieldProblem, s: int) -> tuple[Array, Array]:
    """Return saturable uptake and its slope per voxel."""
    given = problem.given
    uptake, slope = np.zeros_like(level), np.zeros_like(level)
    for m in np.flatnonzero(given.mm_index == s):
        vmax, km = given.mm_vmax[m].ravel().astype(float), given.mm_km[m]
        uptake += vmax * level / (km + level)
        slope += vmax * km / (km + level) ** 2
    return uptake, slope
