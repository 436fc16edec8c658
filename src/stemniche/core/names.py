"""Names a person types: how two spellings are compared, and what was probably meant.

Every reader of user input (scenarios, units, entities, the command line) asks here for the nearest
valid names. This module holds no list of names itself; the caller brings the choices.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

LONGEST_NAME = 64
"""A name longer than this many characters is a mistake and is not compared at all."""

_GREEK = str.maketrans(
    {"α": "a", "β": "b", "ß": "b", "γ": "g", "δ": "d", "κ": "k", "µ": "u", "μ": "u"}
)
_SPELLED = re.compile("alpha|beta|gamma|delta|kappa")
_SEPARATORS = str.maketrans("", "", " _-–—'’")


@lru_cache(maxsize=8192)
def fold(name: str) -> str:
    """Reduce a spelling to what people agree on: no case, separators or Greek letters.

    Example:
        >>> fold("TGF-β") == fold("tgf_b") == fold("TGF-beta")
        True
    """
    plain = name.translate(_GREEK).casefold().translate(_GREEK).translate(_SEPARATORS)
    return _SPELLED.sub(lambda letter: letter[0][0], plain)


def nearest(name: str, choices: Iterable[str], limit: int = 3) -> list[str]:
    """Return at most `limit` of the `choices` that `name` probably meant, best first.

    Choices that differ only in case or separators are the answer where there are any; else
    choices that begin alike and small typing errors. An empty list means that nothing is near.

    Example:
        >>> nearest("cxcl-8", ["CXCL8", "CCL2", "CXCL12"], limit=1)
        ['CXCL8']
    """
    wanted = fold(name) if len(name) <= LONGEST_NAME else ""
    if not wanted:
        return []
    by_fold: dict[str, list[str]] = {}
    for choice in dict.fromkeys(choices):
        by_fold.setdefault(fold(choice), []).append(choice)
    if wanted in by_fold:
        return by_fold[wanted][:limit]
    begins = sorted((c for c in by_fold if len(wanted) > 1 and c.startswith(wanted)), key=len)
    close = get_close_matches(wanted, by_fold, n=limit, cutoff=0.6 if len(wanted) > 3 else 0.5)
    ordered = dict.fromkeys([*close[:1], *begins, *close[1:]])
    return [choice for found in ordered for choice in by_fold[found]][:limit]


def did_you_mean(name: str, choices: Iterable[str], otherwise: str) -> str:
    """Return the remedy of an error about an unknown name: the nearest ones, or `otherwise`.

    Example:
        >>> did_you_mean("tumor", ["tumour", "tissue"], "See the docs.")
        "Did you mean 'tumour'?"
    """
    found = nearest(name, choices)
    if not found:
        return otherwise
    *others, last = [f"'{choice}'" for choice in found]
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"
