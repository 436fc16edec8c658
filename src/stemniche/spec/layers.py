"""Lays one scenario tree over another: `extends`, `change` and `--set` share these rules.

Mappings merge key by key, lists and scalars replace, null removes. A preparation of fixed length
and one that waits for a condition exclude each other, so either replaces the other. Paths are
dotted; numbers index lists. Nothing else here knows which keys exist.
"""

from stemniche.core.errors import InputError
from stemniche.spec.yamlfile import MAX_DEPTH, Node

ALTERNATIVES = {"prepare": (("days",), ("until", "max"))}
"""Keys of a mapping of which one set replaces the other."""

DOTTED = ("parameters",)
"""Mappings whose own keys contain dots: the rest of a path is one key."""


def merge(below: Node | None, above: Node, key: str = "") -> Node:
    """The tree `above` laid over `below`; the marks of both stay with their values.

    Args:
        below: Nothing, or what is there already.
        above: What is laid over it.
        key: Key under which both stand.
    """
    if not isinstance(above.value, dict):
        return above
    under = below.value if below is not None and isinstance(below.value, dict) else {}
    over = {name: merge(under.get(name), child, name) for name, child in above.value.items()}
    return Node(_laid(under, over, key), above.mark)


def put(tree: Node, path: str, value: Node) -> Node:
    """The tree with the value at a dotted path changed; null removes it.

    Args:
        tree: Mapping to change; it is left as it is.
        path: For example ``tumour.csc_fraction`` or ``therapy.0.dose``.
        value: Laid over what is there by the rules of `merge`.

    Raises:
        InputError: The path leads through a scalar, or past the end of a list.
    """
    parts = split(path)
    if not all(parts) or len(parts) > MAX_DEPTH:
        mend = "Write words joined by dots, such as tumour.csc_fraction."
        raise InputError(f"'{path[:80]}' is no path.", str(value.mark), mend)
    return _put(tree, parts, 0, value)


def split(path: str) -> list[str]:
    """The keys of a dotted path.

    Example:
        >>> split("therapy.0.dose"), split("parameters.CSC.cycle_rate")
        (['therapy', '0', 'dose'], ['parameters', 'CSC.cycle_rate'])
    """
    parts = path.split(".")
    if parts[0] in DOTTED and len(parts) > 1:
        return [parts[0], path.split(".", 1)[1]]
    return parts


def _laid(under: dict[str, Node], over: dict[str, Node], key: str) -> dict[str, Node]:
    given = {name for name, child in over.items() if child.value is not None}
    first, second = ALTERNATIVES.get(key, ((), ()))
    replaced = {*(second if given & set(first) else ()), *(first if given & set(second) else ())}
    laid = {name: child for name, child in under.items() if name not in replaced} | over
    return {name: child for name, child in laid.items() if child.value is not None}


def _put(tree: Node | None, parts: list[str], depth: int, value: Node) -> Node:
    key = parts[depth - 1] if depth else ""
    if depth == len(parts):
        return merge(tree, value, key)
    tree = Node({}, value.mark) if tree is None else tree
    name = parts[depth]
    if isinstance(tree.value, tuple):
        return _put_in_list(tree, parts, depth, value)
    if not isinstance(tree.value, dict):
        path = ".".join(parts[:depth])
        what = f"'{path}' is {tree.kind} and has no '{name[:40]}' below it."
        raise InputError(what, str(value.mark), f"Change '{path}' itself.")
    over = {name: _put(tree.value.get(name), parts, depth + 1, value)}
    return Node(_laid(tree.value, over, key), tree.mark)


def _put_in_list(tree: Node, parts: list[str], depth: int, value: Node) -> Node:
    items: list[Node] = list(tree.value)  # type: ignore[arg-type]
    path, name = ".".join(parts[:depth]), parts[depth]
    if not (name.isascii() and name.isdigit() and len(name) < 6 and int(name) < len(items)):
        last = f"Items are {path}.0 to {path}.{len(items) - 1}." if items else "The list is empty."
        raise InputError(f"'{path}' has no item '{name[:40]}'.", str(value.mark), last)
    items[int(name)] = _put(items[int(name)], parts, depth + 1, value)
    return Node(tuple(item for item in items if item.value is not None), tree.mark)
