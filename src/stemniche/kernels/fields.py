"""Substances that diffuse, decay, are supplied and removed: one compiled call per tick.

The engine gathers sources and sinks of the cells per voxel, wraps them in a `FieldProblem` and
calls `advance`. Nothing here knows about cells, vessels or the names of substances. Each substance
is one step of

    dc/dt = div(D hindrance grad c) - (decay + sink) c - sum_m vmax c / (km + c) + supply

by backward Euler over the minutes since it was last solved, or without the time derivative if it
is quasi-steady. Space is discretised with cell-centred finite volumes (second order; faces conduct
with the harmonic mean of the hindrance on both sides), the system is solved by `multigrid`.
Saturable uptake is linearised by its tangent: as it is concave and the operator an M-matrix, the
steps after the first rise monotonically to the solution and stay non-negative. First order in
time; the matrix is an M-matrix, so the exact solution is non-negative and what the finite
tolerance leaves below zero is clipped and reported.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from stemniche.kernels import multigrid as mg_
