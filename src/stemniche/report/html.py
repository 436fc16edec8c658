"""The report: one HTML file with everything in it, ready to be forwarded.

`write_report` puts together what `digest`, `story`, `claims`, `plots` and `tissue` make and fills
the template. The page asks nothing of the network: pictures are inline, style is in the file. All
text goes through the template's escaping; only charts, which we draw ourselves, go in as they are.
"""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stemniche.core.errors import InputError
from stemniche.report import claims, plots, story
from stemniche.report.charts import short
from stemniche.report.digest import HYPOXIC, STEM, Digest, digest, oxygen_top
from stemniche.report.page import check_place, fill, write_page
from stemniche.report.palette import DEAD, OXYGEN, VESSEL, Swatch, in_order, swatch
from stemniche.report.tissue import tissue_png

if TYPE_CHECKING:
    from stemniche.run.results import Run

TEMPLATE = "template.html.j2"

MOVERS = 12
"""Lines in the table of mechanisms that moved most."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the tissue: day, data URI, what it shows in words, a caption, width in CSS px."""

    day: float
    source: str
    alt: str
    caption: str
    pixels: int


def write_report(run: "Run", path: str | Path) -> Path:
    """Write a run's report as one self-contained HTML file and return its path.

    Args:
        run: A run with at least one sample, finished or not.
        path: File to write; an existing one is replaced.

    Raises:
        InputError: The run has no samples yet, or the file cannot be written.
    """
    target = Path(path)
    if not len(run.times):
        raise InputError(
            "The run has no samples yet, so there is nothing to report.",
            str(target),
            "Let it run to day 0 at least, or resume it.",
        )
    check_place(target)
    return write_page(render(run), target)


def render(run: "Run") -> str:
    """Return the report as text."""
    from stemniche.evidence import load
    from stemniche.spec.explain import explain
    from stemniche.spec.rows import read_library

    d, evidence, library = digest(run), load(), read_library()
    headings: dict[str, list[Any]] = {}
    for sentence in explain(d.model):
        headings.setdefault(sentence.cell, []).append(sentence)
    return fill(
        TEMPLATE,
        title=story.title(d, _name(d, evidence, library)),
        summary=story.summary(d),
        figures=story.key_figures(d),
        treatments=d.treatments,
        pictures=_pictures(d),
        legend=_legend(d),
        stem=STEM,
        oxygen={"colours": OXYGEN, "top": _top(d), "limit": HYPOXIC},
        tumour_charts=list(plots.tumour_charts(d)),
        niche_charts=list(plots.niche_charts(d)),
        factor_charts=list(plots.factor_charts(d)),
        absent=[f.id for f in d.model.factors if not d[f"factor.{f.id}"].any()],
        movers=claims.movers(claims.works(d), MOVERS),
        claims=claims.said(d, evidence),
        loops=claims.circles(d, evidence, library),
        other_loops=claims.other_loops(evidence, library),
        headings=headings,
        warnings=[note.text for note in run.events if note.kind == "warning"],
        facts=_facts(d),
        assumed=_assumed(d, library),
        scenario=_scenario_text(d),
        run=run,
    )


def _name(d: Digest, evidence: Any, library: Any) -> str:
    """What was simulated, such as ``Breast cancer niche``."""
    cancer = library.cancers.get(d.model.cancer)
    known = evidence.records.entities.get(cancer.entity) if cancer else None
    name = known.name if known else d.model.cancer
    return f"{name[:1].upper()}{name[1:]} niche"


def _pictures(d: Digest) -> dict[str, list[Picture]]:
    """Overviews over time, and close-ups of the first and last day."""
    days = d.picture_days()
    top = _top(d)
    whole, close = [], []
    for day in days:
        tissue = d.tissue(day)
        image = tissue_png(tissue, f"day {day:g}", top=top, limit=HYPOXIC)
        whole.append(Picture(day, _uri(image), _alt(d, day), _caption(d, day), 340))
    for day in dict.fromkeys((days[0], days[-1])):
        image = tissue_png(
            d.tissue(day),
            f"day {day:g}",
            top=top,
            limit=HYPOXIC,
            window=d.close_up(day),
            inches=5.2,
        )
        text = f"Close-up of day {day:g} where stem cells are densest."
        note = "close-up of the part with most stem cells"
        close.append(Picture(day, _uri(image), text, note, 520))
    return {"whole": whole, "close": close}


def _top(d: Digest) -> float:
    return oxygen_top([d.tissue(day) for day in d.picture_days()])


def _caption(d: Digest, day: float) -> str:
    i = int(np.argmin(np.abs(d.days - day)))
    text = f"{short(d['tumour_cells'][i])} tumour cells, "
    text += f"{100 * d['csc_fraction'][i]:.1f} % stem cells"
    events = []
    for treatment in d.treatments:
        given = sum(dose < day - 1e-6 for dose in treatment.mark.doses)
        if given:
            events.append(f"after {given} {'dose' if given == 1 else 'doses'} of {treatment.name}")
        elif not treatment.mark.doses and treatment.mark.start < day <= treatment.mark.end + 1e-6:
            events.append(f"under {treatment.name}")
        elif any(abs(dose - day) < 1e-6 for dose in treatment.mark.doses):
            events.append(f"just before {treatment.name}")
    return "; ".join([text, *events])


def _alt(d: Digest, day: float) -> str:
    tissue = d.tissue(day)
    counts = {name: int((tissue.kinds == name).sum()) for name in in_order(_kinds(tissue.kinds))}
    listed = ", ".join(f"{count} {swatch(name).label}" for name, count in counts.items())
    return f"Tissue on day {day:g}, {tissue.width:g} by {tissue.height:g} µm. Cells seen: {listed}."


def _kinds(kinds: Any) -> list[str]:
    return [str(name) for name in set(kinds.tolist())]


def _legend(d: Digest) -> list[Swatch]:
    """Every kind of cell that a picture shows, then dead cells and vessels."""
    seen = {name for day in d.picture_days() for name in _kinds(d.tissue(day).kinds)}
    last = d.tissue(d.picture_days()[-1])
    extra = [DEAD] if DEAD in seen else []
    extra += [VESSEL] if len(last.vessels) else []
    return [swatch(name) for name in [*in_order(sorted(seen - {DEAD})), *extra]]


def _facts(d: Digest) -> list[tuple[str, str]]:
    """What identifies the run."""
    header = d.run.header
    facts = [
        ("seed", str(d.run.seed)),
        ("status", d.run.status + (f": {d.run.reason}" if d.run.reason else "")),
        ("run fingerprint", d.run.fingerprint),
        *((f"{name} fingerprint", mark) for name, mark in header.fingerprints.items()),
        ("made with", header.created_with),
        ("cancer context", f"{d.model.cancer} ({d.model.context_policy} claims)"),
    ]
    off = d.scenario.get("without_claims") or []
    if off:
        facts.append(("claims switched off", ", ".join(map(str, off))))
    facts += [(name, version) for name, version in header.versions.items() if name != "stemniche"]
    return facts


def _assumed(d: Digest, library: Any) -> dict[str, int]:
    """How much of the model is assumption."""
    parameters = library.parameters.values()
    return {
        "rows": len(d.model.rows),
        "rows_assumed": sum(row.basis == "assumed" for row in d.model.rows),
        "numbers": len(parameters),
        "numbers_assumed": sum(p.basis == "assumed" for p in parameters),
        "claims": len({claim for row in d.model.rows for claim in row.claims}),
    }


def _scenario_text(d: Digest) -> str:
    from stemniche.spec.yamlfile import write_yaml

    return write_yaml(d.scenario)


def _uri(image: bytes) -> str:
    return f"data:image/png;base64,{b64encode(image).decode()}"
