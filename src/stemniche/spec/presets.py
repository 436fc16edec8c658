"""Finds scenario files, by the name of a preset or by path, and follows `extends`.

`load_scenario` asks for the merged tree of a scenario; `list_scenarios` is public. Presets are YAML
files of the library, whose first line says what they are. A chain of `extends` is bounded and must
not close on itself.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean
from stemniche.spec.layers import merge
from stemniche.spec.yamlfile import Node, read_yaml

MAX_CHAIN = 8
SUFFIXES = (".yaml", ".yml")


def list_scenarios() -> list[str]:
    """Names of the scenarios that come with the package, in alphabetical order."""
    folder = preset_folder()
    return sorted(p.stem for p in folder.glob("*.yaml")) if folder.is_dir() else []


def preset_folder() -> Path:
    """Folder of the presets."""
    return Path(str(files("stemniche.library"))) / "scenarios"


def describe_scenario(name: str) -> str:
    """The first line of a preset's file, which says in one sentence what it is.

    Raises:
        InputError: There is no such preset.
    """
    with find_scenario(name, where=f"scenario '{name[:80]}'").open(encoding="utf-8") as file:
        return file.readline().lstrip("#").strip()


def read_layers(path: Path, tidy: Callable[[Node], Node]) -> Node:
    """Read a scenario file and everything it extends, merged; the key `extends` is gone.

    Args:
        path: The file.
        tidy: Brings the names of one file to their ids, before it is merged.

    Raises:
        InputError: A file of the chain cannot be read, is missing, or extends itself.
    """
    chain: list[Path] = []
    layers: list[Node] = []
    following: Path | None = path
    while following is not None:
        layer = read_yaml(following)
        body = top_level(layer)
        chain.append(following.resolve())
        extends = body.pop("extends", None)
        layers.append(tidy(Node(body, layer.mark)))
        following = None if extends is None else _next(extends, following, chain)
    merged = layers.pop()
    while layers:
        merged = merge(merged, layers.pop())
    return merge(None, merged)


def top_level(layer: Node) -> dict[str, Node]:
    """The keys of a scenario.

    Raises:
        InputError: It is no mapping.
    """
    if not isinstance(layer.value, dict):
        what = f"A scenario is a mapping, but this is {layer.kind}."
        raise InputError(what, str(layer.mark), "Write 'key: value' pairs.")
    return dict(layer.value)


def _next(extends: Node, file: Path, chain: list[Path]) -> Path | None:
    where = f"{extends.mark}, key extends"
    if extends.value is None:
        return None
    if not isinstance(extends.value, str) or not extends.value.strip():
        what = f"'extends' is {extends.kind}, not a scenario."
        raise InputError(what, where, "Name a preset, or give the path of a scenario file.")
    found = find_scenario(extends.value, where=where, beside=file.parent)
    if found.resolve() in chain:
        circle = [*chain[chain.index(found.resolve()) :], found.resolve()]
        names = " -> ".join(path.name for path in circle)
        mend = "Remove one 'extends'; a preset is named without '.yaml'."
        raise InputError(f"The scenarios extend each other in a circle: {names}.", where, mend)
    if len(chain) >= MAX_CHAIN:
        what = f"More than {MAX_CHAIN} scenarios extend each other."
        raise InputError(what, where, "Merge some of the files into one.")
    return found


def find_scenario(name: str | Path, *, where: str, beside: Path | None = None) -> Path:
    """The file of a scenario given by the name of a preset or by path.

    Args:
        name: What has a suffix ``.yaml`` or a folder in it is a path; other text names a preset,
            or a file of just that name.
        where: Where `name` was written, for errors.
        beside: Folder that relative paths start from; the current one by default.

    Raises:
        InputError: There is none; the remedy gives the nearest presets.
    """
    text = str(name).strip()
    if not text or len(text) > 1000 or "\0" in text:
        raise InputError("This is no name of a scenario.", where, _presets())
    path = (beside or Path()) / text
    known = list_scenarios()
    is_path = isinstance(name, Path) or path.suffix.lower() in SUFFIXES or path.name != text
    if not is_path and text in known:
        return preset_folder() / f"{text}.yaml"
    try:
        if path.is_file() or (is_path and path.exists()):
            return path
    except OSError as fault:
        raise InputError(f"'{text[:80]}' cannot be read: {fault}.", where, _presets()) from fault
    if is_path:
        raise InputError(f"There is no file '{path}'.", where, f"Check the path. {_presets()}")
    what = f"There is no scenario '{text[:80]}'."
    raise InputError(what, where, did_you_mean(text, known, _presets()))


def _presets() -> str:
    names = ", ".join(list_scenarios()) or "none"
    return f"Name a preset ({names}) or give the path of a YAML file."
