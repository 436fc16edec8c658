"""The biology as data: CSV tables of cells, factors, network and rules, and the preset scenarios.

`spec` reads the tables into records and checks them; people edit them. This package holds no logic:
it only says where its files lie, and knows nothing of what reads them.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent


def table(name: str) -> Path:
    """Path of a CSV table.

    Args:
        name: Its name without suffix, such as ``"network"``.

    Raises:
        KeyError: There is no such table.
    """
    path = _FOLDER / f"{name}.csv"
    if not path.is_file():
        raise KeyError(name)
    return path


def scenario_files() -> dict[str, Path]:
    """Files of the preset scenarios by name, in alphabetical order."""
    return {path.stem: path for path in sorted((_FOLDER / "scenarios").glob("*.yaml"))}
