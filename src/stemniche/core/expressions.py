"""Expressions a person writes: ``hypoxic_fraction > 0.1``, ``treated@12d < control and a ~= b``.

Scenarios use them for conditions, experiments for expectations. This is the one door: it offers the
parser and the tree of `stemniche.core.syntax` and evaluates trees. What a name or a function means
is not known here: the caller's lookup decides.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from stemniche.core.errors import InputError
from stemniche.core.syntax import (
    And,
    ArithmeticSign,
    Binary,
    Call,
    Compare,
    ComparisonSign,
    Name,
    Negate,
    Node,
    Number,
    is_condition,
    names,
    parse,
    point_at,
    walk,
)

__all__ = [
    "And",
    "Binary",
    "Call",
    "Compare",
    "Name",
    "Negate",
    "Node",
    "Number",
    "Value",
    "evaluate",
    "is_condition",
    "names",
    "parse",
    "point_at",
    "walk",
]

Value = Any
"""A float, a bool, or a NumPy array of either."""

_ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
_ORDER: dict[str, Callable[[Value, Value], Value]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def evaluate(
    node: Node,
    lookup: Callable[[Name], Value],
    *,
    functions: Mapping[str, Callable[..., Value]] | None = None,
    margin: float = 0.0,
    where: str = "expression",
) -> Value:
    """Return the value of `node`: a float or bool, or arrays where the lookup gives arrays.

    Division by zero gives inf or nan, and no comparison with nan is true.

    Args:
        node: A parsed expression.
        lookup: Value of a name; raises what it likes for an unknown one.
        functions: Value of a call from the values of its arguments; ``log`` is always there.
        margin: Largest relative difference (of the larger size) that ``~=`` lets pass.
        where: Where the text was written, used in errors.

    Raises:
        InputError: A function that nobody offers, or with the wrong number of arguments.

    Example:
        >>> evaluate(parse("log(a) + 2 * 3", where="x"), lambda name: 1.0)
        6.0
    """
    import numpy as np

    offered = {"log": _log, **(functions or {})}
    with np.errstate(all="ignore"):
        value = _Evaluator(lookup, offered, margin, where).value(node)
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True, slots=True)
class _Evaluator:
    """Walks a tree once; NumPy's division and logic serve scalars and arrays alike."""

    lookup: Callable[[Name], Value]
    functions: Mapping[str, Callable[..., Value]]
    margin: float
    where: str

    def value(self, node: Node) -> Value:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Name):
            return self.lookup(node)
        if isinstance(node, Negate):
            return -self.value(node.operand)
        if isinstance(node, Binary):
            return self._arithmetic(node.sign, self.value(node.left), self.value(node.right))
        if isinstance(node, Compare):
            return self._comparison(node.sign, self.value(node.left), self.value(node.right))
        if isinstance(node, And):
            return self._all([self.value(part) for part in node.parts])
        return self._call(node)

    def _arithmetic(self, sign: ArithmeticSign, left: Value, right: Value) -> Value:
        import numpy as np

        return np.divide(left, right) if sign == "/" else _ARITHMETIC[sign](left, right)

    def _comparison(self, sign: ComparisonSign, left: Value, right: Value) -> Value:
        import numpy as np

        if sign in _ORDER:
            return _ORDER[sign](left, right)
        if sign == "!=":
            return (np.less(left, right)) | (np.greater(left, right))
        size = np.maximum(np.abs(left), np.abs(right))
        near = np.abs(np.subtract(left, right)) <= self.margin * size
        return np.equal(left, right) | (near & np.isfinite(size))

    def _all(self, parts: list[Value]) -> Value:
        import numpy as np

        result = parts[0]
        for part in parts[1:]:
            result = np.logical_and(result, part)
        return result

    def _call(self, node: Call) -> Value:
        if node.function not in self.functions:
            known = ", ".join(sorted(self.functions))
            what = f"There is no function '{node.function}' here."
            raise InputError(what, self.where, f"Functions are: {known}.")
        function = self.functions[node.function]
        try:
            signature(function).bind(*node.arguments)
        except TypeError as fault:
            what = f"'{node.function}' does not take {len(node.arguments)} values."
            raise InputError(what, self.where, f"Check its arguments: {fault}.") from fault
        return function(*(self.value(argument) for argument in node.arguments))


def _log(value: Value) -> Value:
    """Natural logarithm; -inf at 0 and nan below."""
    import numpy as np

    return np.log(value)
