"""What the commands need beyond the public API: options made into scenarios, results into tables.

Nothing here prints. Heavy libraries are imported where they are used, so that `--help` is quick.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stemniche import api
from stemniche.core.errors import InputError
from stemniche.spec.scenario import Scenario
from stemniche.spec.treatline import parse_setting

Progress = Callable[[str, float], None]


def configure(
    scenario: str,
    days: float | None,
    settings: Sequence[str],
    treat: Sequence[str],
    without: Sequence[str],
    without_rows: Sequence[str],
    dosing: Sequence[str] = (),
) -> Scenario:
    """A scenario as the command line's options change it.

    Raises:
        InputError: An option is wrong.
    """
    chosen = api.load_scenario(scenario)
    changes: dict[str, Any] = dict(parse_setting(text) for text in settings)
    if changes:
        chosen = chosen.change(changes, source="--set")
    if days is not None:
        chosen = chosen.change({"days": days}, source="--days")
    if treat:
        chosen = chosen.treat(list(treat))
    for text in dosing:
        drug, equals, file = text.partition("=")
        if not equals:
            raise InputError(f"'{text}' names no drug.", "--dosing", "Write DRUG=FILE.csv.")
        chosen = chosen.treat(api.read_dosing(file, drug.strip()))
    if without:
        chosen = chosen.without_claims(list(without))
    return chosen.without_rows(list(without_rows)) if without_rows else chosen


def run_to_folder(
    scenario: Scenario,
    name: str,
    *,
    seed: int,
    out: Path | None,
    threads: int | None,
    progress: Progress,
    resume: bool,
    report: bool,
) -> Path:
    """Run into a folder of its own, report included; what ``stemniche run`` does."""
    from stemniche.run.output import simulate_to

    run = simulate_to(
        scenario,
        out,
        seed=seed,
        threads=threads,
        progress=progress,
        resume=resume,
        name=Path(name).stem,
    )
    assert run.folder is not None
    if report:
        progress("writing the report", 0.0)
        api.write_report(run)
    return run.folder


def headline(folder: Path) -> list[str]:
    """A few lines on how a run began and ended."""
    table = api.open_run(folder).table
    first, last = table.iloc[0], table.iloc[-1]
    return [
        f"{name:16s} {first[column]:10.4g} -> {last[column]:10.4g}"
        for name, column in (
            ("day", "time_d"),
            ("tumour cells", "tumour_cells"),
            ("CSC fraction", "csc_fraction"),
            ("hypoxic fraction", "hypoxic_fraction"),
        )
    ]


def evidence_table(what: str, names: tuple[str, ...]) -> tuple[list[str], list[list[Any]]]:
    """A view of the evidence as columns and rows; what ``stemniche evidence`` prints.

    Raises:
        InputError: An unknown view, name or id.
    """
    if what == "coverage":
        table = api.coverage()
        return list(table.columns), table.values.tolist()
    if what == "parts":
        from stemniche.spec.coverage import coverage_by_part
        from stemniche.spec.rows import read_library

        table = coverage_by_part(read_library())
        return list(table.columns), table.values.tolist()
    from stemniche.evidence.tabulate import tabulate

    return tabulate(api.evidence(), what, names)


def trials_table(name: str = "") -> tuple[list[str], list[list[Any]]]:
    """The trials of the evidence as arms that run, or one of them; what ``trials`` prints.

    Raises:
        InputError: There is no such trial.
    """
    from stemniche.experiment.trials import trial, trials

    columns = ["trial", "number", "kind", "scenario", "therapy", "phase", "recruitment", "cancer"]
    chosen = (trial(name),) if name else trials()
    rows: list[list[Any]] = [
        [
            one.id,
            one.number,
            one.kind,
            one.scenario if one.preset else f"{one.scenario} (no preset)",
            "; ".join(one.therapy),
            one.phase,
            one.recruitment,
            one.cancers,
        ]
        for one in chosen
    ]
    if name:
        columns += ["target", "command", "notes"]
        rows[0] += [chosen[0].target, chosen[0].command, " ".join(chosen[0].notes)]
        return ["what", "value"], [list(pair) for pair in zip(columns, rows[0], strict=True)]
    return columns, rows


def drugs_table(name: str = "") -> tuple[list[str], list[list[Any]]]:
    """The drug library, a class of it, or one drug; what ``stemniche drugs`` prints.

    Raises:
        InputError: There is no such drug.
    """
    from stemniche.spec.drugtables import drug_table
    from stemniche.spec.rows import read_library

    return drug_table(read_library(), name)


def warmup(progress: Progress) -> float:
    """Compile every kernel by running a tiny scenario; return the seconds it took."""
    import time

    from stemniche.run.simulate import simulate as in_memory

    started = time.monotonic()
    small = api.load_scenario("breast_quick").change(
        {"tumour.cells": 60, "days": 0.1, "sample_every": "2.4 h", "prepare": {"days": 0.1}}
    )
    in_memory(small.treat(["drug paclitaxel from 0 d"]), 1, None, None, progress)
    return time.monotonic() - started


def bench(progress: Progress) -> tuple[list[str], list[list[Any]]]:
    """Measure this machine: columns and rows of every figure with its budget."""
    from stemniche.bench.kernels import kernel_figures
    from stemniche.bench.runs import run_figures
    from stemniche.kernels.jit import set_threads

    set_threads(1)
    rows: list[list[Any]] = []
    for part in (kernel_figures(), run_figures()):
        for f in part:
            progress(f"measured {len(rows)}: {f.what}", 0.0)
            verdict = {True: "yes", False: "no", None: ""}[f.within]
            rows.append([f.part, f.what, f.value, f.unit, f.budget, verdict])
    return ["part", "what", "value", "unit", "budget", "kept"], rows
