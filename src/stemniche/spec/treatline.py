"""The forms a person types on a command line: ``--treat TEXT`` and ``--set path=value``.

A treatment line ``key name? quantity? (word value)*`` becomes the mapping that a scenario file
would hold, so one reader serves both forms and gives equal records. Nothing here resolves a name.
"""

import re

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.spec.treatment import FORMS, YAML_ONLY
from stemniche.spec.yamlfile import Mark, Node, parse_yaml, plain_scalar

WORDS = (
    "from", "until", "pause", "resume", "dose", "every", "doses", "over", "loading", "cycle",
    "route", "in", "to",
    "fold", "cells", "fraction", "concentration", "where",
)  # fmt: skip
"""Words that start a value in a treatment line."""

LONGEST_LINE = 500
EXAMPLE = "Write it as in 'drug paclitaxel 80 mg/m^2 every 7 d from 7 d'."

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
# A number by itself or with its unit behind it; names such as 5-FU are none.
_QUANTITY = re.compile(rf"{_NUMBER}(?:[A-Za-zµμ%/][A-Za-z0-9µμ%/^*]*)?")
_QUANTITIES = re.compile(rf"{_NUMBER}\s*[A-Za-z]+")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_:-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_:-]*)*")


def parse_treat_line(text: str, *, mark: Mark | None = None) -> Node:
    """Turn a treatment line into the mapping a scenario file would hold.

    Args:
        text: For example ``"block CXCR4 0.9 from 3 d"``.
        mark: Where it was written; the line itself by default.

    Raises:
        InputError: The line does not have the form ``key name? quantity? (word value)*``.

    Example:
        >>> parse_treat_line("block CXCR4 0.9 from 3 d").plain
        {'block': 'CXCR4', 'fraction': 0.9, 'from': '3 d'}
    """
    mark = mark or Mark(f"--treat '{_shown(text)}'")
    if len(text) > LONGEST_LINE:
        what = f"The treatment has {len(text)} characters."
        raise InputError(what, str(mark), f"Use at most {LONGEST_LINE}.")
    tokens = text.split()
    if not tokens:
        raise InputError("The treatment is empty.", str(mark), EXAMPLE)
    key, *rest = tokens
    if key not in FORMS:
        what = f"'{_shown(key)}' is no intervention."
        listed = f"Start with one of: {', '.join(FORMS)}."
        raise InputError(what, str(mark), did_you_mean(key, FORMS, listed))
    if key in YAML_ONLY:
        what = f"'{key}' cannot be written in a line."
        raise InputError(what, str(mark), "Write it as a mapping in a scenario file.")
    name, quantity, rest = _head(key, rest)
    if not name:
        raise InputError(f"What to {key} is missing.", str(mark), EXAMPLE)
    found = {key: name}
    if quantity:
        bare = FORMS[key].bare
        if not bare:
            what = f"'{_shown(quantity)}' is too much: '{key}' takes no number."
            raise InputError(what, str(mark), f"Leave it out. {EXAMPLE}")
        found[bare] = quantity
    _words(key, rest, found, mark)
    return Node({word: _value(word, written, mark) for word, written in found.items()}, mark)


def parse_setting(text: str) -> tuple[str, object]:
    """Take a ``path=value`` of the command line apart; the value is YAML.

    Raises:
        InputError: No ``=``, a path that cannot be one, or a value that is not YAML.

    Example:
        >>> parse_setting("domain.size=[1 mm, 1 mm]")
        ('domain.size', ['1 mm', '1 mm'])
    """
    mark = Mark(f"--set '{_shown(text)}'")
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not _PATH.fullmatch(path) or len(path) > 200:
        what = f"'{_shown(text)}' is no setting."
        raise InputError(what, str(mark), "Write path=value, such as tumour.csc_fraction=0.05.")
    if not value.strip():
        mend = "Write a value after '=', or 'null' to remove what is there."
        raise InputError(f"'{path}' has no value.", str(mark), mend)
    return path, parse_yaml(value.strip(), source=str(mark), lines=False).plain


def _word(key: str, tokens: list[str]) -> int:
    """Place of the first word; ``cells`` behind a number is a unit where the key has no such word.

    >>> _word("drug", "car_t 1e8 cells from 2 d".split())
    3
    """
    for i, token in enumerate(tokens):
        unit = token == "cells" and "cells" not in FORMS[key].words
        if token in WORDS and not (unit and i and _QUANTITY.fullmatch(tokens[i - 1])):
            return i
    return len(tokens)


def _head(key: str, tokens: list[str]) -> tuple[str, str, list[str]]:
    """Split off the name and the bare quantity; both may be empty."""
    end = _word(key, tokens)
    head, rest = tokens[:end], tokens[end:]
    cut = next((i for i, t in enumerate(head) if i and _QUANTITY.fullmatch(t)), len(head))
    return " ".join(head[:cut]), " ".join(head[cut:]), rest


def _words(key: str, tokens: list[str], found: dict[str, str], mark: Mark) -> None:
    """Add every word and its value; what the key does not take is refused."""
    while tokens:
        word, *tokens = tokens
        end = _word(key, tokens)
        value, tokens = " ".join(tokens[:end]), tokens[end:]
        if word not in FORMS[key].words:
            listed = ", ".join(w for w in WORDS if w in FORMS[key].words)
            mend = f"Words of '{key}': {listed}." if listed else f"'{key}' takes no words."
            raise InputError(f"'{word}' does not fit '{key}'.", str(mark), mend)
        if word in found:
            what = f"The '{word}' of '{key}' is given twice."
            raise InputError(what, str(mark), "Keep one of the two.")
        if not value:
            raise InputError(f"'{word}' has no value.", str(mark), EXAMPLE)
        found[word] = value


def _value(word: str, text: str, mark: Mark) -> Node:
    """A value as a scenario file would hold it; lists and mappings may be written in brackets."""
    if text[0] in "[{":
        return _remarked(parse_yaml(text, source=str(mark), lines=False), mark)
    number = plain_scalar(text)
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return Node(number, mark)
    if word == "cycle":
        parts = [part.strip() for part in text.split(",")]
        if len(parts) == 1:
            parts = _QUANTITIES.findall(text) or parts
        return Node(tuple(Node(part, mark) for part in parts), mark)
    return Node(text, mark)


def _remarked(node: Node, mark: Mark) -> Node:
    if isinstance(node.value, dict):
        return Node({key: _remarked(child, mark) for key, child in node.value.items()}, mark)
    if isinstance(node.value, tuple):
        return Node(tuple(_remarked(child, mark) for child in node.value), mark)
    return Node(node.value, mark)


def _shown(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= 80 else plain[:77] + "…"
