"""The header of a store: what a run is made of, and on what kind of machine.

`simulate` calls `make_header` once per run; `resume` asks `machine_notes` whether the bits can be
expected to be the same here. Neither a host name nor a clock time is ever part of a header.
"""

import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from typing import Any

from stemniche.core.errors import StoreError
from stemniche.run.records import Header, damaged, parse, plain

FINGERPRINTS = ("model", "evidence", "library", "scenario")
_MAY_DIFFER = ("days", "sample_every", "measures")
_MOST_SHOWN = 3
_BITS_DEPEND_ON = ("numpy", "numba", "llvmlite", "scipy")


def make_header(
    *,
    scenario: Mapping[str, Any],
    model: str,
    fingerprints: Mapping[str, str],
    seed: int,
    types: Sequence[str],
    states: Sequence[str],
    phases: Sequence[str],
    nodes: Sequence[str],
    factors: Mapping[str, str],
    maps: Mapping[str, str],
    spacing_um: float,
    name: str = "run",
) -> dict[str, Any]:
    """Return the header of a new store as strict JSON data; see `records.Header` for the keys.

    Adds versions and CPU features of this machine.

    Raises:
        TypeError: `scenario` contains something without JSON.
    """
    return plain(
        {
            "format": 1,
            "name": name,
            "scenario": scenario,
            "model": model,
            "fingerprints": fingerprints,
            "seed": seed,
            "types": types,
            "states": states,
            "phases": phases,
            "nodes": nodes,
            "factors": factors,
            "maps": maps,
            "spacing_um": spacing_um,
            "versions": _versions(),
            "cpu": _cpu(),
            "created_with": f"stemniche {_version('stemniche')}",
        }
    )


def read_header(data: Mapping[str, Any], where: str) -> Header:
    """Build the header record from untrusted data.

    Raises:
        StoreError: A key is missing or has an impossible value.
    """
    header = parse(Header, data, where)
    missing = [name for name in FINGERPRINTS if name not in header.fingerprints]
    if missing:
        raise damaged(where, f"the fingerprint of {', '.join(missing)} is missing")
    if not isfinite(header.spacing_um) or header.spacing_um <= 0:
        raise damaged(where, f"spacing_um is {header.spacing_um}")
    return header


def same_run(
    header: Header,
    fingerprints: Mapping[str, str],
    seed: int,
    where: str,
    scenario: Mapping[str, Any] | None = None,
) -> None:
    """Check that a run may be continued with a scenario.

    Args:
        header: Of the store.
        fingerprints: Of what would be simulated now; only the names given are compared.
        seed: Of what would be simulated now.
        where: The store, for the error.
        scenario: What would be simulated now, to tell where it differs.

    Raises:
        StoreError: Something that decides the trajectory differs.
    """
    other = [name for name, mark in fingerprints.items() if header.fingerprints.get(name) != mark]
    other += ["seed"] if seed != header.seed else []
    if other:
        differing = [] if scenario is None else list(_differences(header.scenario, plain(scenario)))
        shown = f": {'; '.join(differing[:_MOST_SHOWN])}" if differing else ""
        raise StoreError(
            f"The run was made with another {', '.join(other)} than asked for now{shown}.",
            where,
            "Resume with what the run was made with, or write to a new folder.",
        )


def _differences(then: Any, now: Any, path: str = "") -> Iterator[str]:
    """Values that differ between two trees of plain data, by dotted path."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in (*then, *(key for key in now if key not in then)):
            yield from _differences(then.get(key), now.get(key), f"{path}.{key}".lstrip("."))
    elif then != now and path not in _MAY_DIFFER:
        yield f"{path} was {then!s:.60}, now {now!s:.60}"


def machine_notes(header: Header) -> list[str]:
    """Say in sentences how this machine differs from the one that made a run; empty if alike."""
    notes = []
    for name, now in _versions().items():
        then = header.versions.get(name, "none")
        if now != then:
            notes.append(f"{name} is {now} here and was {then}: the bits may differ from now on.")
    if tuple(_cpu()) != header.cpu:
        notes.append("The processor has other features here: the bits may differ from now on.")
    return notes


def _versions() -> dict[str, str]:
    found = {name: _version(name) for name in _BITS_DEPEND_ON}
    return {"python": platform.python_version(), "stemniche": _version("stemniche"), **found}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _cpu() -> list[str]:
    """Machine type and the instruction sets NumPy found."""
    import numpy as np

    build: Any = np.show_config(mode="dicts")
    found = build.get("SIMD Extensions", {}) if isinstance(build, dict) else {}
    features = {*found.get("baseline", []), *found.get("found", [])}
    return [platform.machine(), *sorted(features)]
