"""Safe reading of YAML 1.2: plain data in which every value knows the line it was written on.

Scenario, experiment and `--set` readers call `read_yaml` or `parse_yaml` and walk the `Node` they
get. Input is untrusted: size, depth and the number of values after aliases are expanded are
bounded, tags that make objects and duplicate keys are refused. Nothing here knows what a key means.
"""

import math
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from stemniche.core.errors import InputError

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_VALUES = 5_000
MAX_TEXT = 2_000

type_names = {dict: "a mapping", tuple: "a list", str: "text", bool: "true/false"}

# The core schema of YAML 1.2: `no`, `1:30`, `1_000` and dates stay text.
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {t: v for v, w in ((True, "true"), (False, "false")) for t in (w, w.title(), w.upper())}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ODD_FLOAT = {
    sign + word: (-math.inf if sign == "-" else math.inf)
    for sign in ("", "+", "-")
    for word in (".inf", ".Inf", ".INF")
} | {word: math.nan for word in (".nan", ".NaN", ".NAN")}
# Control characters, line separators and lone surrogates: no name or quantity has one, and a
# terminal might obey them. Tabs and line ends stay.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")
_PLAIN_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value was written: a file or another source, and the line (0 where there is none)."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


NOWHERE = Mark("default")
"""Mark of values that nobody wrote."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a file: a scalar, a tuple of nodes or a mapping of words to nodes."""

    value: "str | int | float | bool | None | tuple[Node, ...] | dict[str, Node]"
    mark: Mark

    @property
    def plain(self) -> Any:
        """The value without marks: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain for key, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain for child in self.value]
        return self.value

    @property
    def kind(self) -> str:
        """What sort of value this is, in words for errors."""
        if self.value is None:
            return "nothing"
        return type_names.get(type(self.value), "a number")


def read_yaml(path: Path) -> Node:
    """Read a YAML file.

    Raises:
        InputError: The file is missing, no regular file, larger than 1 MB, not UTF-8 or not the
            YAML that `parse_yaml` accepts.
    """
    where = str(path)
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise InputError(f"'{path}' is not a file.", where, "Give the path of a YAML file.")
        if state.st_size > MAX_BYTES:
            what = f"'{path}' has {state.st_size} bytes, more than the {MAX_BYTES} that are read."
            raise InputError(what, where, "Give a YAML file below 1 MB.")
        data = path.read_bytes()[: MAX_BYTES + 1]
    except (OSError, ValueError) as fault:
        if isinstance(fault, InputError):
            raise
        reason = getattr(fault, "strerror", None) or str(fault)
        what = f"The file '{path}' cannot be read: {reason}."
        raise InputError(what, where, "Check the path and its permissions.") from fault
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        what = f"'{path}' is not UTF-8 text (byte {fault.start})."
        raise InputError(what, f"{path}:{line}", "Save the file as UTF-8 text.") from fault
    return parse_yaml(text, source=where)


def parse_yaml(text: str, *, source: str, lines: bool = True) -> Node:
    """Read YAML 1.2 text into marked plain data.

    Args:
        text: One YAML document.
        source: Name of the text in errors, usually the path of the file.
        lines: Whether line numbers mean something to the user (not in a one-line setting).

    Raises:
        InputError: Not YAML, or more than the bounds of this module allow.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    builder = _Builder(source=source, lines=lines)
    if len(text) > MAX_BYTES:
        raise builder.error("The text is longer than 1 MB.", 0, "Shorten it.")
    try:
        return builder.build(YAML(typ="safe", pure=True).parse(text))
    except InputError:
        raise
    except YAMLError as fault:
        mark = getattr(fault, "problem_mark", None) if isinstance(fault, MarkedYAMLError) else None
        at = mark.line if mark is not None else text.count("\n", 0, getattr(fault, "position", 0))
        problem = getattr(fault, "problem", None) or getattr(fault, "reason", None) or "bad syntax"
        raise _not_yaml(builder, str(problem), at) from fault
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as fault:
        # The scanner of the library trips over some malformed escapes and directives.
        raise _not_yaml(builder, "bad syntax", builder.line) from fault


def _not_yaml(builder: "_Builder", problem: str, line: int) -> InputError:
    problem = " ".join(problem.split())[:200]
    mend = "Correct the line; a scenario is 'key: value' pairs, indented with spaces."
    return builder.error(f"This is not YAML: {problem}.", line, mend)


def node_from(value: object, mark: Mark, depth: int = 0) -> Node:
    """Turn plain Python data (of `change` or `treat`) into a node.

    Raises:
        InputError: It holds something that a YAML file could not hold, or is nested too deeply.
    """
    if depth > MAX_DEPTH:
        what = f"The value is nested deeper than {MAX_DEPTH} levels."
        raise InputError(what, str(mark), "Give a flatter value.")
    if isinstance(value, Node):
        return value
    if isinstance(value, str):
        return Node(_without_controls(value, mark), mark)
    if value is None or isinstance(value, bool):
        return Node(value, mark)
    if isinstance(value, Integral):
        return Node(int(value), mark)
    if isinstance(value, Real):
        return Node(float(value), mark)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            key = next(key for key in value if not isinstance(key, str))
            raise InputError(f"The key {key!r} is not text.", str(mark), "Write keys as text.")
        return Node(
            {
                _without_controls(key, mark): node_from(child, mark, depth + 1)
                for key, child in value.items()
            },
            mark,
        )
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return Node(tuple(node_from(item, mark, depth + 1) for item in value), mark)
    what = f"{value!r:.80} is of type {type(value).__name__}, which a scenario cannot hold."
    raise InputError(what, str(mark), "Give text, a number, true/false, a list or a mapping.")


def _without_controls(text: str, mark: Mark) -> str:
    found = _CONTROL.search(text)
    if found is None:
        return text
    what = f"A text holds the control character U+{ord(found[0]):04X}."
    raise InputError(what, str(mark), "Remove it, or write the text anew.")


def write_yaml(data: Mapping[str, Any]) -> str:
    """Write plain data as YAML 1.2 that `parse_yaml` reads back to the same data."""
    from io import StringIO

    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.allow_unicode = True
    writer.width = 100
    stream = StringIO()
    writer.dump(dict(data), stream)
    return stream.getvalue()


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being filled."""

    mark: Mark
    anchor: str | None
    is_map: bool
    first: int
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Builds the node tree from parser events, so that no bound is found out too late."""

    source: str
    lines: bool
    values: int = 0
    line: int = 0
    documents: int = 0
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    root: Node | None = None

    def error(self, what: str, line: int, mend: str) -> InputError:
        return InputError(what, str(self.mark(line)), mend)

    def mark(self, line: int) -> Mark:
        return Mark(self.source, line + 1 if self.lines else 0)

    def build(self, events: Iterator[Any]) -> Node:
        for event in events:
            self.line = event.start_mark.line if event.start_mark is not None else self.line
            self.take(event, type(event).__name__)
        if self.root is None:
            raise self.error("There is nothing in it.", 0, "Write 'key: value' pairs.")
        return self.root

    def take(self, event: Any, name: str) -> None:
        if name == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                what = "A second YAML document starts here."
                raise self.error(what, self.line, "Keep one document: remove '---'.")
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            self.check_tag(event)
            if len(self.open) >= MAX_DEPTH:
                what = f"The value is nested deeper than {MAX_DEPTH} levels."
                raise self.error(what, self.line, "Write a flatter structure.")
            start = self.mark(self.line)
            is_map = name == "MappingStartEvent"
            self.open.append(_Open(start, event.anchor, is_map, self.values))
            self.count(1)
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            done = self.open.pop()
            value = done.entries if done.is_map else tuple(done.items)
            self.put(Node(value, done.mark), done.anchor, self.values - done.first)
        elif name == "ScalarEvent":
            self.check_tag(event)
            self.count(1)
            self.put(Node(self.scalar(event), self.mark(self.line)), event.anchor, 1)
        elif name == "AliasEvent":
            if event.anchor not in self.anchors:
                what = f"The alias '*{event.anchor}' points at nothing that is complete."
                raise self.error(what, self.line, f"Mark a value above with '&{event.anchor}'.")
            node, size = self.anchors[event.anchor]
            self.count(size)
            self.put(node, None, size)

    def count(self, more: int) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            what = f"It holds more than {MAX_VALUES} values (aliases count in full)."
            raise self.error(what, self.line, "Shorten it.")

    def check_tag(self, event: Any) -> None:
        tag = str(event.tag) if event.tag is not None else ""
        if tag and tag != "!" and tag not in _PLAIN_TAGS:
            what = f"The tag '{tag[:60]}' is not allowed: only plain data is read."
            raise self.error(what, self.line, "Remove the tag.")

    def scalar(self, event: Any) -> str | int | float | bool | None:
        text = _without_controls(event.value, self.mark(self.line))
        if len(text) > MAX_TEXT:
            what = f"A text of {len(text)} characters is longer than {MAX_TEXT}."
            raise self.error(what, self.line, "Shorten it.")
        if event.style is not None or event.tag:
            return str(text)
        return plain_scalar(text)

    def put(self, node: Node, anchor: str | None, size: int) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)
        if not self.open:
            self.root = node
            return
        top = self.open[-1]
        if not top.is_map:
            top.items.append(node)
        elif top.key is None:
            top.key = self.key(node, top)
        else:
            top.entries[top.key] = node
            top.key = None

    def key(self, node: Node, top: _Open) -> str:
        if not isinstance(node.value, str):
            what = f"The key '{node.plain!s:.60}' is {node.kind}, not a word."
            raise self.error(what, self.line, "Write keys as words.")
        if node.value in top.entries:
            first = top.entries[node.value].mark
            what = f"The key '{node.value:.60}' stands twice in one mapping (first at {first})."
            raise self.error(what, self.line, "Keep one of the two.")
        return node.value


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Value of an unquoted scalar by the core schema of YAML 1.2.

    Example:
        >>> [plain_scalar(t) for t in ("12", "1e3", "true", "no", "20 um", "~")]
        [12, 1000.0, True, 'no', '20 um', None]
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text in _ODD_FLOAT:
        return _ODD_FLOAT[text]
    if len(text) <= 64 and _INT.fullmatch(text):
        return int(text)
    if len(text) <= 64 and _FLOAT.fullmatch(text):
        return float(text)
    return text
