"""The browser view: one HTML file in which a run is played, turned over and asked about.

`stemniche view` calls it. The page needs no network and no server: cells and fields of every sample
lie in it as packed numbers, a canvas draws them. Cells have the colours of `palette`, or those of a
quantity; behind them lies the level of a factor. In 3-D a slider goes through the depth.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stemniche.core.errors import InputError
from stemniche.core.names import did_you_mean, fold
from stemniche.report.page import check_place, fill, write_page
from stemniche.report.palette import DEAD, INK, VESSEL, in_order, swatch
from stemniche.spec.nametables import library_names
from stemniche.spec.naming import Kind

if TYPE_CHECKING:
    from stemniche.run.results import Run

TEMPLATE = "view.html.j2"

FINEST = 65535
"""Steps of a position across the domain: a hundredth of a cell in a box of 6 mm."""

SHADES = 255
"""Steps of a level from its least to its greatest value in the run."""

RADIUS_STEP = 0.1
"""um; radii up to 25 um."""

PERFUSION = "perfusion"
"""The map of vessels with blood flow."""

CURVES = ("tumour_cells", "csc_fraction", "hypoxic_fraction")
"""Measures drawn below the tissue."""


def write_view(
    run: "Run",
    path: str | Path,
    *,
    fields: Sequence[str] = (),
    nodes: Sequence[str] = (),
) -> Path:
    """Write the browser view of a run and return its path.

    Args:
        fields: Factors to take along, by any spelling; without it all but vesicles.
        nodes: Network nodes to colour cells by, likewise; stemness is always there.

    Raises:
        InputError: A factor or node is not in the run, it has no samples, or the file cannot be
            written.
        StoreError: The run is damaged.
    """
    target = Path(path)
    check_place(target)
    if not len(run.times):
        what = "The run has no samples yet, so there is nothing to see."
        raise InputError(what, str(target), "Resume it first.")
    known = [f.id for f in run.model.factors]
    chosen = _known(fields, known, "factor") or [
        f.id for f in run.model.factors if f.form != "vesicle"
    ]
    wanted = _known(nodes, [n.id for n in run.model.nodes], "node")
    page = fill(
        TEMPLATE,
        title=f"{run.model.cancer.replace('_', ' ').capitalize()}, run {run.fingerprint[:12]}",
        ink=INK,
        data=_embedded(_data(run, chosen, wanted)),
    )
    return write_page(page, target)


def _known(named: Sequence[str], there: Iterable[str], kind: Kind) -> list[str]:
    """Ids of the run that names or spellings stand for; a family stands for its members."""
    listed, found = list(there), list[str]()
    for name in named:
        alike = [one for one in listed if fold(one) == fold(name)]
        meant = [one for one in library_names().resolve(kind, name) if one in listed]
        if not (alike or meant):
            mend = did_you_mean(name, listed, f"The run has {', '.join(listed[:20]) or 'none'}.")
            raise InputError(f"The run has no {kind} '{name}'.", "view", mend)
        found += alike or meant
    return list(dict.fromkeys(found))


def _embedded(data: dict[str, Any]) -> Any:
    """JSON that cannot end the script it stands in."""
    from markupsafe import Markup

    return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))


def _data(run: "Run", fields: Sequence[str], nodes: Sequence[str]) -> dict[str, Any]:
    kinds = [*in_order([t.id for t in run.model.types]), DEAD]
    edge = run.header.spacing_um
    days = [float(day) for day in run.times]
    shape = run.field(PERFUSION, days[0]).shape
    samples: list[Any] = []
    vessels: list[str] = []
    levels: dict[str, list[Any]] = {name: [] for name in fields}
    size = [n * edge for n in shape[::-1]]
    for day in days:
        samples.append(_cells(run.cells(day), kinds, size, nodes))
        for name in fields:
            levels[name].append(run.field(name, day).values)
        vessels.append(
            _packed(np.minimum(run.field(PERFUSION, day).values, SHADES).astype(np.uint8))
        )
    units = {f.id: f.unit for f in run.model.factors}
    table = run.table
    return {
        "days": days,
        "size": size,
        "shape": list(shape),
        "radius": RADIUS_STEP,
        "kinds": [[k, swatch(k).label, swatch(k).colour] for k in kinds],
        "vessel": swatch(VESSEL).colour,
        "samples": samples,
        "colourings": ["stemness", *nodes],
        "fields": {name: _levels(values, units[name]) for name, values in levels.items()},
        "perfusion": vessels,
        "curves": {name: [float(v) for v in table[name]] for name in CURVES if name in table},
    }


def _cells(cells: Any, kinds: Sequence[str], size: Sequence[float], nodes: Sequence[str]) -> Any:
    """Cells of a sample as packed columns, those of the first kinds on top."""
    places = np.zeros((cells.n_obs, 3))
    places[:, : cells.obsm["spatial"].shape[1]] = cells.obsm["spatial"]
    alive = cells.obs["state"].to_numpy() == "alive"
    kind = np.where(alive, cells.obs["type"].to_numpy(dtype=object), DEAD)
    place = {name: i for i, name in enumerate(kinds)}
    codes = np.array([place[name] for name in kind], np.uint8)
    order = np.argsort(codes, kind="stable")[::-1]
    steps = np.clip(places / np.array(size) * FINEST, 0, FINEST).round().astype("<u2")
    colours = [cells.obs["stemness"].to_numpy(float)] if "stemness" in cells.obs else []
    colours += [np.asarray(cells[:, name].X, float).ravel() for name in nodes]
    shades = np.array([np.clip(c, 0, 1)[order] * SHADES for c in colours]).round().astype(np.uint8)
    radius = np.clip(cells.obs["radius"].to_numpy(float) / RADIUS_STEP, 0, 255)
    return {
        "n": int(cells.n_obs),
        "xyz": _packed(steps[order]),
        "kind": _packed(codes[order]),
        "radius": _packed(radius.round().astype(np.uint8)[order]),
        "shades": _packed(shades),
    }


def _levels(values: Sequence[Any], unit: str) -> dict[str, Any]:
    """A field over the run in steps between its least and greatest level."""
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    scale = SHADES / (high - low) if high > low else 0.0
    steps = [_packed(((v - low) * scale).round().astype(np.uint8)) for v in values]
    return {"unit": unit, "low": low, "high": high, "levels": steps}


def _packed(values: Any) -> str:
    return b64encode(np.ascontiguousarray(values).tobytes()).decode()
