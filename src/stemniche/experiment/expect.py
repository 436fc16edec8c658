"""What an expectation says, and how far one replicate fulfils it.

`file` checks expectations on reading with `read_expectation`; `verdict` asks for the contrasts of
one and for both sides of each in every replicate. A condition joined by ``and`` or a ``trend`` is
several contrasts; the weakest of them decides. How numbers are judged is not known here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, final

from stemniche.core.errors import InputError
from stemniche.core.expressions import (
    And,
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    evaluate,
    is_condition,
    names,
    parse,
    point_at,
    walk,
)
from stemniche.core.names import did_you_mean
from stemniche.experiment.readout import (
    Record,
    Window,
    floor_of,
    known_measure,
    refuse_unknown_time,
)

Sense = Literal[">", "<", "~=", "!="]
SENSES: tuple[Sense, ...] = (">", "<", "~=", "!=")
FUNCTIONS = ("log", "trend", "time_to")


@final
@dataclass(frozen=True, slots=True)
class Contrast:
    """Two numbers of every replicate, and how the left one should lie to the right one."""

    sense: Sense
    left: Node
    right: Node

    def __str__(self) -> str:
        """The contrast as it could be written."""
        return f"{shown(self.left)} {self.sense} {shown(self.right)}"


def read_expectation(
    text: str, *, where: str, arms: Mapping[str, float], has_measure: bool
) -> Node:
    """Parse and check an expectation.

    Args:
        arms: Days that each arm is simulated, by name.
        has_measure: Whether terms without a measure of their own have one.

    Raises:
        InputError: It cannot be read, is no condition, or names an arm or a measure that does not
            exist.
    """
    tree = parse(text, where=where)
    reader = _Reader(text, where, arms, has_measure)
    if not is_condition(tree) and not (isinstance(tree, Call) and tree.function == "trend"):
        reader.refuse("it is no comparison", "Write 'treated > control', or 'trend(a, b, c)'.", 0)
    for part in tree.parts if isinstance(tree, And) else (tree,):
        reader.condition(part)
    return tree


@dataclass(frozen=True, slots=True)
class _Reader:
    """Checks the parts of one expectation."""

    text: str
    where: str
    arms: Mapping[str, float]
    has_measure: bool

    def refuse(self, what: str, mend: str, column: int) -> None:
        message = f"The expectation cannot be used: {what}.\n{point_at(self.text, column)}"
        raise InputError(message, self.where, mend)

    def condition(self, node: Node) -> None:
        if isinstance(node, And):
            for part in node.parts:
                self.condition(part)
        elif isinstance(node, Compare):
            if node.sign not in SENSES:
                mend = "Write '>' or '<'; 'min_effect' says how small a difference counts."
                self.refuse(f"'{node.sign}' is not judged", mend, _column(node))
            self.number(node.left)
            self.number(node.right)
        elif isinstance(node, Call) and node.function == "trend":
            if len(node.arguments) < 2:
                self.refuse("a trend needs two terms", "Write 'trend(a, b, c)'.", node.column)
            for argument in node.arguments:
                self.number(argument)
        else:
            mend = "Join comparisons, such as 'a > b and c ~= d'."
            self.refuse("a part of it is no comparison", mend, _column(node))

    def number(self, node: Node) -> None:
        if isinstance(node, Name):
            self.term(node)
        elif isinstance(node, Negate):
            self.number(node.operand)
        elif isinstance(node, Binary):
            self.number(node.left)
            self.number(node.right)
        elif isinstance(node, Call):
            self.call(node)
        elif not isinstance(node, Number):
            self.refuse("a comparison is no number", "Join conditions with 'and'.", _column(node))

    def call(self, node: Call) -> None:
        if node.function == "time_to":
            self.time_to(node)
        elif node.function == "log":
            if len(node.arguments) != 1:
                self.refuse("'log' takes one number", "Write 'log(treated)'.", node.column)
            self.number(node.arguments[0])
        elif node.function == "trend":
            mend = "Let it stand alone, or join it with 'and'."
            self.refuse("a trend is no number", mend, node.column)
        else:
            mend = did_you_mean(node.function, FUNCTIONS, f"Functions: {', '.join(FUNCTIONS)}.")
            self.refuse(f"there is no function '{node.function}'", mend, node.column)

    def time_to(self, node: Call) -> None:
        mend = "Write 'time_to(treated, csc_fraction > 0.2)'."
        if len(node.arguments) != 2:
            self.refuse("'time_to' takes an arm and a condition", mend, node.column)
        arm, condition = node.arguments
        if not isinstance(arm, Name) or len(arm.parts) > 1 or arm.at is not None:
            self.refuse("the first value of 'time_to' is an arm", mend, node.column)
        assert isinstance(arm, Name)
        self.known(arm)
        if not is_condition(condition):
            self.refuse("the second value of 'time_to' is a condition", mend, node.column)
        for part in walk(condition):
            if isinstance(part, Name) and part.at is not None:
                self.refuse("a time has no place in 'time_to'", mend, part.column)
            if isinstance(part, Call) and part.function != "log":
                self.refuse(f"'{part.function}' has no place in 'time_to'", mend, part.column)
            if isinstance(part, Name):
                known_measure(part.text, self.where)

    def term(self, name: Name) -> None:
        self.known(name)
        if len(name.parts) == 1 and not self.has_measure:
            mend = f"Add 'measure: …', or write '{name.parts[0]}.csc_fraction'."
            self.refuse(f"it is not said what is measured in '{name.text}'", mend, name.column)
        if len(name.parts) > 1:
            known_measure(".".join(name.parts[1:]), self.where)
        if name.at is not None:
            refuse_unknown_time(name.at, self.arms[name.parts[0]], self.where)

    def known(self, name: Name) -> None:
        arm = name.parts[0]
        if arm not in self.arms:
            mend = did_you_mean(arm, self.arms, f"The arms are: {', '.join(self.arms)}.")
            self.refuse(f"there is no arm '{arm}'", mend, name.column)


def _column(node: Node) -> int:
    """Where a part of an expectation starts, as far as it is known."""
    places = [n.column for n in walk(node) if isinstance(n, Name | Call)]
    return min(places, default=0)


def contrasts(tree: Node) -> tuple[Contrast, ...]:
    """The comparisons of an expectation; a trend is one per step, each term above the last."""
    if isinstance(tree, And):
        return tuple(contrast for part in tree.parts for contrast in contrasts(part))
    if isinstance(tree, Call):
        steps = zip(tree.arguments[1:], tree.arguments, strict=False)
        return tuple(Contrast(">", after, before) for after, before in steps)
    assert isinstance(tree, Compare)
    return (Contrast(tree.sign, tree.left, tree.right),)  # type: ignore[arg-type]


def arms_of(node: Node) -> tuple[str, ...]:
    """Names of the arms that a part of an expectation reads."""
    if isinstance(node, Call) and node.function == "time_to":
        return arms_of(node.arguments[0])
    if isinstance(node, Call):
        found = [arm for argument in node.arguments for arm in arms_of(argument)]
    elif isinstance(node, Binary):
        found = [*arms_of(node.left), *arms_of(node.right)]
    elif isinstance(node, Negate):
        found = list(arms_of(node.operand))
    else:
        found = [name.parts[0] for name in names(node)]
    return tuple(dict.fromkeys(found))


def terms_of(node: Node, default: str) -> tuple[tuple[str, str], ...]:
    """Arm and measure of every term that a part of an expectation reads."""
    if isinstance(node, Call) and node.function == "time_to":
        arm, condition = node.arguments
        return tuple((a, name.text) for a in arms_of(arm) for name in names(condition))
    if isinstance(node, Name):
        return ((node.parts[0], ".".join(node.parts[1:]) or default),)
    below: tuple[Node, ...] = ()
    if isinstance(node, Call):
        below = node.arguments
    elif isinstance(node, And):
        below = node.parts
    elif isinstance(node, Binary | Compare):
        below = (node.left, node.right)
    elif isinstance(node, Negate):
        below = (node.operand,)
    return tuple(dict.fromkeys(term for part in below for term in terms_of(part, default)))


def measures_of(node: Node, default: str) -> tuple[str, ...]:
    """Measures that a part of an expectation reads."""
    return tuple(dict.fromkeys(measure for _, measure in terms_of(node, default)))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Replicate:
    """The records of all arms of one replicate, and how its numbers are read.

    Args:
        records: By name of the arm.
        measure: Column for terms that name none.
        at: Time for terms that name none.
        end: Day up to which ``time_to`` waits.
        where: File and line, for errors.
    """

    records: Mapping[str, Record]
    measure: str
    at: Window
    end: float
    where: str

    def number(self, node: Node) -> float:
        """The value of one side of a contrast.

        Raises:
            MeasureMissing: A measure is not in the records.
        """
        return self._value(node, lambda name, value: value)

    def _value(self, node: Node, adjust: Callable[[str, float], float]) -> float:
        if isinstance(node, Name):
            return self._term(node, adjust)
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Negate):
            return -self._value(node.operand, adjust)
        if isinstance(node, Binary):
            sides = (Number(self._value(side, adjust)) for side in (node.left, node.right))
            return float(evaluate(Binary(node.sign, *sides), self._no_name))
        assert isinstance(node, Call)
        if node.function == "time_to":
            arm, condition = node.arguments
            assert isinstance(arm, Name)
            return self.records[arm.text].time_to(condition, self.end, self.where)
        inner = self._value(node.arguments[0], _floored)
        return float(evaluate(Call("log", (Number(inner),)), self._no_name))

    def _term(self, name: Name, adjust: Callable[[str, float], float]) -> float:
        arm, *rest = name.parts
        measure = ".".join(rest) or self.measure
        window = self.at if name.at is None else Window(name.at, name.at, "at")
        return adjust(measure, self.records[arm].value(measure, window))

    def _no_name(self, name: Name) -> float:
        raise AssertionError(name)


def _floored(measure: str, value: float) -> float:
    return max(value, floor_of(measure))


def shown(node: Node) -> str:
    """A part of an expectation as text."""
    if isinstance(node, Number):
        return f"{node.value:g}"
    if isinstance(node, Name):
        return node.text if node.at is None else f"{node.text}@{node.at:g}d"
    if isinstance(node, Negate):
        return f"-{shown(node.operand)}"
    if isinstance(node, Binary | Compare):
        text = f"{shown(node.left)} {node.sign} {shown(node.right)}"
        return f"({text})" if isinstance(node, Binary) else text
    if isinstance(node, And):
        return " and ".join(shown(part) for part in node.parts)
    return f"{node.function}({', '.join(shown(argument) for argument in node.arguments)})"
