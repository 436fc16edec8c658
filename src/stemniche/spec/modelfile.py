"""The Model as JSON text and back, so any engine or person can read what a run computed.

The text is complete: a Model read back is equal and has the same fingerprint.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from stemniche.core.errors import InputError
from stemniche.spec.model import Model

FORMAT = 1
LARGEST = 64_000_000
"""Characters; no model of ours comes near."""


def to_json(model: Model) -> str:
    """Return a model as JSON; its ``format`` says which reader it needs."""
    return json.dumps(asdict(model), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(text: str, *, where: str = "model.json") -> Model:
    """Return the model of a JSON text.

    Args:
        text: As `to_json` wrote it.
        where: Where it was read, used in errors.

    Raises:
        InputError: No JSON, no model, or of a newer format.
    """
    mend = "Read it with the version of stemniche that wrote it."
    if len(text) > LARGEST:
        raise InputError("The text is too long for a model.", where, mend)
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"This is no JSON: {fault}.", where, mend) from None
    if not isinstance(plain, Mapping) or plain.get("format") != FORMAT:
        raise InputError("This is no model of a format that this version reads.", where, mend)
    try:
        model: Model = _build(Model, plain)
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(f"The model cannot be read: {fault}.", where, mend) from None
    return model


def _build(hint: Any, plain: Any) -> Any:
    """Make a value of a type hint from what JSON gave; only the shapes that Model uses."""
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        unknown = set(plain) - set(hints)
        if unknown:
            raise ValueError(f"unknown key {sorted(unknown)[0]!r}")
        missing = [f.name for f in fields(hint) if f.name not in plain and not _has_default(f)]
        if missing:
            raise ValueError(f"it has no '{missing[0]}', so another version wrote it")
        return hint(
            **{
                f.name: _build(hints[f.name], plain[f.name])
                for f in fields(hint)
                if f.name in plain
            }
        )
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple(_build(args[0], item) for item in _expect(plain, list))
    if origin is dict:
        return {_expect(k, str): _build(args[1], v) for k, v in _expect(plain, dict).items()}
    if origin is Literal:
        if plain not in args:
            raise ValueError(f"{plain!r} is not one of {args}")
        return plain
    if origin is UnionType:
        return None if plain is None and NoneType in args else _build(args[0], plain)
    if hint is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    return _expect(plain, hint)


def _has_default(one: Field[Any]) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r:.40} is no {kind.__name__}")
    return value


@lru_cache(maxsize=32)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
