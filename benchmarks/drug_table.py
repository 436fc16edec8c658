"""Every approved drug of the evidence in its first cancer with a preset: does it reach its target?

``python benchmarks/drug_table.py [--days N] [--out docs/drug_table.md]`` gives each
drug of Table 2 with one line to the quick variant of that preset and writes, beside an untreated
run from the same prepared tissue, how much of each target is held, what that does to the node that
the target is or feeds, and the tumour's volume and its share of stem cells.
"""

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemniche.core.errors import StemnicheError
from stemniche.evidence import load
from stemniche.experiment.trials import preset_of
from stemniche.run.assemble import assemble
from stemniche.run.simulate import prepare, simulate
from stemniche.spec.model import DrugTarget, Model
from stemniche.spec.nametables import library_names
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario, load_scenario

HEAD = """# Approved drugs at their targets

Written by `python benchmarks/drug_table.py`: one line per drug (`drug NAME`, the library's regimen)
in the quick variant of the first cancer of its row that has a preset, {days:g} days, one seed, from
the same prepared tissue as the untreated run. *Held* is the mean share of the target that the drug
holds in the tumour at the end (for a drug that binds a factor: of the factor). *Pathway* is the
mean over tumour cells of the node that the target is or feeds, or the level of the factor, without
and with the drug. Volume and share of stem cells are with over without the drug; a single short run
does not tell whether a drug helps.

| drug | scenario | target | held | pathway | volume | stem cells | plasma, nM |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Line:
    """One drug of the table."""

    drug: str
    scenario: str
    preset: bool


def lines() -> list[Line]:
    """Drugs of Table 2 with their scenarios."""
    library, names, found = read_library(), library_names(), []
    for row in load().drugs.to_dict("records"):
        name, preset = preset_of(library, row["cancer_ids"])
        (drug,) = names.resolve("drug", row["drug"])
        found.append(Line(drug, name, preset))
    return found


def pathway(model: Model, target: DrugTarget) -> str:
    """Column that tells what holding the target does, in tumour cells where they have it."""
    nodes = {node.id: node for node in model.nodes}
    for name in target.acts_on:
        if name in nodes:
            tumour = "CSC" in nodes[name].cells
            return f"node.{name}.{'tumour' if tumour else nodes[name].cells[0]}"
    if target.effect in ("neutraliser", "mimic"):
        return f"factor.{target.acts_on[0]}"
    if target.effect == "depleter":
        return f"cells.{target.acts_on[0]}"
    for cell in ("CSC", *(t.id for t in model.types)):
        for drive in model.drives:
            read = {term.signal for group in drive.groups for term in group.terms}
            if drive.kind == "node" and drive.cell == cell and read & set(target.acts_on):
                return f"node.{drive.target}.{'tumour' if cell == 'CSC' else cell}"
    return ""


def treated(line: Line, scenario: Scenario, prepared: dict[str, Any], before: Any) -> list[str]:
    """Rows of one drug."""
    shown = line.scenario if line.preset else f"{line.scenario} (*no preset*)"
    try:
        given = scenario.treat([f"drug {line.drug}"])
        model = assemble(given, 1).model
        after = simulate(given, 1, prepared=prepared).table.iloc[-1]
    except StemnicheError as fault:
        return [f"| {line.drug} | {shown} | *{fault.what}* | | | | | |"]
    volume = after["tumour_volume_mm3"] / before["tumour_volume_mm3"]
    stem = after["csc_fraction"] / before["csc_fraction"]
    rows, last = [], f"{volume:.3f} | {stem:.2f} | {after[f'plasma.{line.drug}']:.3g}"
    for target in (t for t in model.drugs[0].targets if not set(t.cells) & {"vessel", "marrow"}):
        held, column = f"occupancy.{line.drug}.{target.name}", pathway(model, target)
        share = f"{after[held]:.2f}" if held in after else ""
        moved = ""
        if column in after and column in before:
            moved = f"{column}: {before[column]:.3g} → {after[column]:.3g}"
        rows.append(f"| {line.drug} | {shown} | {target.name} | {share} | {moved} | {last} |")
        shown = last = ""
        last = " | | "
    lacking = [n for n in model.notes if n.startswith(f"{line.drug}: this model has no")]
    if lacking:
        names = ", ".join(n.split("has no ")[1].split(";")[0] for n in lacking)
        ends = last if rows else f"{volume:.3f} | {stem:.2f} | {after[f'plasma.{line.drug}']:.3g}"
        rows.append(f"| {line.drug} | {shown} | {names} (*not in the model*) | | | {ends} |")
    return rows


def table(days: float) -> str:
    """The whole table; one scenario at a time, prepared once."""
    by_scenario: dict[str, list[Line]] = defaultdict(list)
    for line in lines():
        by_scenario[line.scenario].append(line)
    rows: dict[str, list[str]] = {}
    for name, group in by_scenario.items():
        scenario = load_scenario(f"{name}_quick").change({"days": days, "sample_every": "1 d"})
        prepared = prepare(scenario, 1)
        before = simulate(scenario, 1, prepared=prepared).table.iloc[-1]
        for line in group:
            rows[line.drug] = treated(line, scenario, prepared, before)
    order = [row for line in lines() for row in rows[line.drug]]
    return HEAD.format(days=days) + "\n".join(order) + "\n"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--out", type=Path, default=Path("docs/drug_table.md"))
    asked = parser.parse_args()
    started = time.monotonic()
    asked.out.write_text(table(asked.days), encoding="utf-8")
    print(f"{asked.out}: {time.monotonic() - started:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
