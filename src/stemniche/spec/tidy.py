"""Brings a scenario's tree into one form before it is read: names, lines and defaults.

Keys of open mappings become ids, so that layers merge by id whatever the spelling; treatment lines
become mappings; what is absent gets its default. Nothing is judged here: an unknown name stays as
it was written and is refused by the reader.
"""

from stemniche.core.errors import InputError
from stemniche.spec.layers import merge, split
from stemniche.spec.naming import Kind, Names
from stemniche.spec.schema import HOSTS, defaults
from stemniche.spec.treatline import parse_treat_line
from stemniche.spec.yamlfile import NOWHERE, Node, node_from

OPEN_MAPPINGS: dict[str, Kind] = {"tissue": "tissue", "tumour.genotype": "genotype"}
"""Mappings whose keys are names; spellings there become ids before layers are merged."""


def replaced(tree: Node, **lists: tuple[Node, ...]) -> Node:
    """The tree with some of its lists replaced; their marks stay."""
    top: dict[str, Node] = dict(tree.value) if isinstance(tree.value, dict) else {}
    for key, items in lists.items():
        top[key] = Node(items, top[key].mark)
    return Node(top, tree.mark)


def completed(tree: Node) -> Node:
    """Defaults under the tree; the size of the host depends on its species."""
    whole = merge(defaults(), tree)
    host = whole.value.get("host") if isinstance(whole.value, dict) else None
    species = host.value.get("species") if host and isinstance(host.value, dict) else None
    if species is None or not isinstance(species.value, str) or species.value not in HOSTS:
        return whole
    mass, bsa = HOSTS[species.value]
    return merge(node_from({"host": {"mass": mass, "bsa": bsa}}, NOWHERE), whole)


def lines_read(tree: Node) -> Node:
    """Turn treatment lines in the list of interventions into mappings."""
    listed = tree.value.get("therapy") if isinstance(tree.value, dict) else None
    if listed is None or listed.value is None:
        return tree
    items = listed.value if isinstance(listed.value, tuple) else (listed,)
    return replaced(tree, therapy=tuple(_line_read(item) for item in items))


def _line_read(item: Node) -> Node:
    if not isinstance(item.value, str):
        return item
    return parse_treat_line(item.value, mark=item.mark if item.mark.line else None)


def tidy(layer: Node, names: Names) -> Node:
    """Bring one layer to the form in which layers are merged: ids as keys, lists of mappings."""
    for path, kind in OPEN_MAPPINGS.items():
        layer = _renamed(layer, split(path), kind, names)
    return lines_read(layer)


def _renamed(node: Node, parts: list[str], kind: Kind, names: Names) -> Node:
    if not isinstance(node.value, dict):
        return node
    if parts:
        name, *rest = parts
        if name not in node.value:
            return node
        below = _renamed(node.value[name], rest, kind, names)
        return Node({**node.value, name: below}, node.mark)
    renamed: dict[str, Node] = {}
    for key, child in node.value.items():
        name = _id_of(kind, key, names)
        if name in renamed:
            mend = "Keep one of the two."
            raise InputError(f"'{name}' is given twice, in two spellings.", str(child.mark), mend)
        renamed[name] = child
    return Node(renamed, node.mark)


def respelt(path: str, node: Node, names: Names) -> tuple[str, Node]:
    """A changed path and value with the keys of open mappings as ids."""
    for prefix, kind in OPEN_MAPPINGS.items():
        if path.startswith(prefix + "."):
            return f"{prefix}.{_id_of(kind, path.removeprefix(prefix + '.'), names)}", node
        if f"{prefix}.".startswith(path + "."):
            node = _renamed(node, split(prefix)[len(split(path)) :], kind, names)
    return path, node


def _id_of(kind: Kind, key: str, names: Names) -> str:
    found = names.resolve(kind, key)
    return found[0] if len(found) == 1 else key
