"""Sixteen comparisons at once, as a word of bits: the inner step of the neighbour search.

Compilers do not find this by themselves: a loop that compares and collects is turned into scalar
code. The function below is written in the compiler's vector form, which every processor runs (in
smaller pieces where its registers are shorter). It uses exact arithmetic in a fixed order, so cell
i finds j if and only if j finds i, on any processor.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["LANES", "bit_count", "lowest_bit", "near_bits"]

LANES = 16

_INT = ir.IntType(64)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)


def _splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(
        ir.Constant(_FLOATS, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_FLOATS, ir.Undefined), zeros)


@intrinsic
def near_bits(
    _context: Any, places: Any, row: Any, first: Any, x: Any, y: Any, z: Any, reach: Any
) -> Any:
    """Bit c is set when place ``first + c`` lies within reach of (x, y, z).

    Args:
        places: float32[rows, m], C order: x, y, z in rows 0 to 2, reaches in `row`. Sixteen
            columns from `first` on must exist.
        row: Which row holds the reaches to compare with; NaN there is never near.
        first: First of the sixteen places.
        x, y, z, reach: The cell that searches, float32. Near means that the distance is smaller
            than the sum of the two reaches.
    """
    one = types.float32
    signature = types.uint64(places, types.intp, types.intp, one, one, one, one)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        width = builder.extract_value(array.shape, 1)

        def sixteen(line: Any) -> Any:
            at = builder.add(builder.mul(line, width), arguments[2])
            pointer = builder.gep(array.data, [at])
            return builder.load(builder.bitcast(pointer, _FLOATS.as_pointer()), align=4)

        squares = []
        for axis in range(3):
            line = sixteen(ir.Constant(_INT, axis))
            gap = builder.fsub(line, _splat(builder, arguments[3 + axis]))
            squares.append(builder.fmul(gap, gap))
        distance = builder.fadd(builder.fadd(squares[0], squares[1]), squares[2])
        both = builder.fadd(sixteen(arguments[1]), _splat(builder, arguments[6]))
        near = builder.fcmp_ordered("<", distance, builder.fmul(both, both))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), _INT)

    return signature, generate


@intrinsic
def lowest_bit(_context: Any, _bits: Any) -> Any:
    """Place of the lowest bit that is set, 64 when none is."""

    def generate(_inner: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def bit_count(_context: Any, _bits: Any) -> Any:
    """How many bits are set."""

    def generate(_inner: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate
