"""How an expression is written: its grammar, its parser and the tree that comes out.

Used through `stemniche.core.expressions`. The parser is written by hand and bounded, so any text
gives a small tree or an `InputError` with a caret; Python's own parser is never involved. What a
name or a function means is not known here.

Grammar, loosest first::

    and         comparison ("and" comparison)*
    comparison  sum [("<" | ">" | "<=" | ">=" | "~=" | "!=") sum]
    sum         product (("+" | "-") product)*
    product     value (("*" | "/") value)*
    value       "-" value | number | name | name "(" and ("," and)* ")" | "(" and ")"
    name        word ("." word)* ["@" time], time such as 12d, 12h or 30min
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from stemniche.core.errors import InputError

LONGEST_TEXT = 500
LONGEST_NAME = 64
DEEPEST = 32

ArithmeticSign = Literal["+", "-", "*", "/"]
ComparisonSign = Literal["<", ">", "<=", ">=", "~=", "!="]


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name, such as ``treated.tumour_cells@12d``.

    Args:
        parts: The words between the dots.
        at: Days after ``@``, None without.
        column: Where it starts in the text, from 0; does not count for equality.
    """

    parts: tuple[str, ...]
    at: float | None = None
    column: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The words joined by dots, without the time."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Negate:
    """Minus `operand`."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic of two numbers."""

    sign: ArithmeticSign
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison, true or false; ``~=`` is equality within a margin."""

    sign: ComparisonSign
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """True where all of `parts` are."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the caller's, such as ``log(x)`` or ``time_to(treated, x > 0.2)``."""

    function: str
    arguments: tuple["Node", ...]
    column: int = field(default=0, compare=False)


Node = Number | Name | Negate | Binary | Compare | And | Call


def parse(text: str, *, where: str) -> Node:
    """Read an expression.

    Args:
        text: At most 500 characters, nested at most 32 deep, names of at most 64 characters.
        where: File and line, or dotted path of the text, used in errors.

    Raises:
        InputError: The text is no expression; the message shows the place with a caret.

    Example:
        >>> parse("hypoxic_fraction > 0.1", where="prepare.until").sign
        '>'
    """
    if len(text) > LONGEST_TEXT:
        what = f"An expression of {len(text)} characters is too long."
        raise InputError(what, where, f"Use at most {LONGEST_TEXT} characters.")
    return _Parser(text, where).whole()


def names(node: Node) -> tuple[Name, ...]:
    """Return every different name in `node` in order of appearance, functions left out."""
    return tuple(dict.fromkeys(n for n in walk(node) if isinstance(n, Name)))


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def is_condition(node: Node) -> bool:
    """Whether `node` is a comparison or several, so that its value is true or false."""
    return isinstance(node, Compare | And)


def point_at(text: str, column: int) -> str:
    """Return `text` and below it a caret under `column`, both indented, for an error message."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"    {plain}\n    {' ' * column}^"


_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?:@[0-9.]+[a-z]+)?)"
    r"|(?P<sign><=|>=|~=|!=|[-+*/()<>,])"
)
_SIGNS = "+ - * / ( ) , < > <= >= ~= != and"
_TIME = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(d|h|min)")
_DAYS = {"d": 1.0, "h": 1 / 24, "min": 1 / 1440}
_COMPARISONS: tuple[ComparisonSign, ...] = ("<", ">", "<=", ">=", "~=", "!=")


class _Parser:
    """Recursive descent over a list of tokens; `depth` bounds nesting, `_height` the tree."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.tokens = self._tokens()
        self.next, self.depth = 0, 0

    def whole(self) -> Node:
        node = self._and()
        if self._kind != "end":
            self._fail(f"nothing fits before '{self._word}'", "Join two conditions with 'and'.")
        if _height(node) > DEEPEST:
            self._fail("it is nested too deeply", f"Nest at most {DEEPEST} levels.", column=0)
        return node

    def _tokens(self) -> list[tuple[str, str, int]]:
        found, column = [], 0
        while column < len(self.text):
            if self.text[column].isspace():
                column += 1
                continue
            match = _TOKEN.match(self.text, column)
            if match is None:
                self._fail("this is no number, name or sign", f"Signs are {_SIGNS}.", column)
            found.append((str(match.lastgroup), match[0], column))
            column = match.end()
        return [*found, ("end", "", len(self.text))]

    @property
    def _kind(self) -> str:
        return self.tokens[self.next][0]

    @property
    def _word(self) -> str:
        return self.tokens[self.next][1]

    @property
    def _column(self) -> int:
        return self.tokens[self.next][2]

    def _take(self, *signs: str) -> str:
        """Step over the next token and return it if it is one of `signs`; '' otherwise."""
        word = self._word
        if word not in signs:
            return ""
        self.next += 1
        return word

    def _and(self) -> Node:
        column = self._column
        parts = [self._comparison()]
        while self._take("and"):
            self._must_be_condition(parts[-1], column)
            column = self._column
            parts.append(self._comparison())
            self._must_be_condition(parts[-1], column)
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _comparison(self) -> Node:
        column = self._column
        left = self._sum()
        sign = self._take(*_COMPARISONS)
        if not sign:
            return left
        self._must_be_number(left, column)
        column = self._column
        right = self._sum()
        self._must_be_number(right, column)
        if self._word in _COMPARISONS:
            self._fail("comparisons cannot be chained", "Write 'a < b and b < c'.")
        return Compare(sign, left, right)  # type: ignore[arg-type]

    def _sum(self) -> Node:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Node:
        return self._chain(self._value, "*", "/")

    def _chain(self, part: Callable[[], Node], *signs: str) -> Node:
        column = self._column
        node = part()
        while sign := self._take(*signs):
            self._must_be_number(node, column)
            column = self._column
            right = part()
            self._must_be_number(right, column)
            node = Binary(sign, node, right)  # type: ignore[arg-type]
        return node

    def _value(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            self._fail("it is nested too deeply", f"Nest at most {DEEPEST} levels.")
        node = self._inner_value()
        self.depth -= 1
        return node

    def _inner_value(self) -> Node:
        column = self._column
        if self._take("-"):
            operand = self._value()
            self._must_be_number(operand, column + 1)
            return Negate(operand)
        if self._take("("):
            node = self._and()
            self._close(column)
            return node
        if self._kind == "number":
            return self._number()
        if self._kind == "name" and self._word != "and":
            return self._name_or_call()
        found = f"'{self._word}'" if self._word else "the end"
        return self._fail(f"a value is expected, not {found}", "Write a number, a name or '('.")

    def _number(self) -> Node:
        value = float(self._word)
        if not math.isfinite(value):
            self._fail("this number is too large", "Write a smaller number.")
        self.next += 1
        return Number(value)

    def _name_or_call(self) -> Node:
        word, column = self._word, self._column
        if len(word) > LONGEST_NAME:
            self._fail("this name is too long", f"Use at most {LONGEST_NAME} characters.")
        dotted, _, time = word.partition("@")
        parts = tuple(dotted.split("."))
        if "and" in parts:
            self._fail("'and' cannot be part of a name", "Put spaces around 'and'.")
        at = self._days(time) if time else None
        self.next += 1
        if self._word != "(":
            return Name(parts, at, column)
        if len(parts) > 1 or time:
            self._fail("this name is no function", "Functions are plain words, such as log(x).")
        opened = self._column
        self.next += 1
        arguments = [self._and()]
        while self._take(","):
            arguments.append(self._and())
        self._close(opened)
        return Call(word, tuple(arguments), column)

    def _days(self, time: str) -> float:
        match = _TIME.fullmatch(time)
        if match is None:
            self._fail(f"'{time}' is no time", "Write a time as in 'treated@12d' or '@36h'.")
        return float(f"{float(match[1]) * _DAYS[match[2]]:.15g}")

    def _close(self, opened: int) -> None:
        if not self._take(")"):
            self._fail("this bracket is never closed", "Add a ')'.", opened)

    def _must_be_number(self, node: Node, column: int) -> None:
        if is_condition(node):
            self._fail("a comparison is no number", "Join conditions with 'and'.", column)

    def _must_be_condition(self, node: Node, column: int) -> None:
        if not isinstance(node, Compare | And | Call):
            self._fail("'and' joins comparisons", "Write 'a > 0 and b > 0'.", column)

    def _fail(self, what: str, mend: str, column: int | None = None) -> NoReturn:
        at = self._column if column is None else column
        message = f"The expression cannot be read: {what} (column {at + 1}).\n"
        raise InputError(message + point_at(self.text, at), self.where, mend)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below `node`."""
    if isinstance(node, Negate):
        return (node.operand,)
    if isinstance(node, Binary | Compare):
        return (node.left, node.right)
    if isinstance(node, And):
        return node.parts
    return node.arguments if isinstance(node, Call) else ()


def _height(node: Node) -> int:
    """Levels of the tree, without recursion: a chain of sums may be as long as the text."""
    height, level = 0, [node]
    while level:
        height += 1
        level = [child for parent in level for child in children(parent)]
    return height
