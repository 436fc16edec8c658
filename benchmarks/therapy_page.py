"""Write docs/therapy.md: ``python benchmarks/therapy_page.py --data FOLDER [SECTION ...]``.

Therapies beside the measurements that they are held to (cases V7, V9, V18 and V24), and how long a
screen takes. FOLDER holds the folders of the measurements. Sections that are not named stay as they
are. CPU minutes: ``erlotinib`` 2 per seed, ``screen`` 13 for six drugs (``--drugs`` names fewer),
all others 1.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks import erlotinib_lung, radiation_glioma
from tests.conftest import SMALL
from tests.science.test_stem_cells_under_radiation import RESISTANT, Course

from stemniche.engine.step import begin, moment
from stemniche.kernels.cpu import cpu
from stemniche.run.assemble import assemble
from stemniche.spec.scenario import load_scenario

PAGE = Path(__file__).parents[1] / "docs" / "therapy.md"
HEAD = """# Therapies against measurements

`python benchmarks/therapy_page.py --data FOLDER` makes this page; errors are root mean squares of
differences in log-fold, and below 0.15 agrees. *Fitted* arms are those that numbers of the cell
line or of the library were adjusted to.
"""
SIX = "paclitaxel,bevacizumab,tocilizumab,galunisertib,plerixafor,metformin"
HOURS = (24, 48, 72, 96)
DAYS = (2, 4, 6, 8, 10, 12, 14, 16)

Asked = argparse.Namespace


def row(*cells: object) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def head(*names: object) -> str:
    """The first two lines of a table."""
    return row(*names) + "\n|" + "---|" * len(names)


def radiation(asked: Asked) -> str:
    """Case V7: the volume of irradiated cells, and their colonies."""
    folder = asked.data / "radiation_glioma_liu2022"
    seeds = range(1, 5)
    lines = [
        "9L glioma cells in a dish, single doses, fold of the living cells' volume (four seeds; "
        "case V7). Alpha and beta are those of colonies; all three arms are fitted.\n",
        head("dose", "", *(f"{h} h" for h in HOURS), "error"),
    ]
    for dose in (0.0, 4.0, 12.0):
        fractions = ((0.0, dose),) if dose else ()
        each = [radiation_glioma.folds(radiation_glioma.Line(), fractions, 96, n) for n in seeds]
        mean = np.exp(np.mean(np.log(each), axis=0))
        known = radiation_glioma.published(folder, dose)
        shared = [i for i in range(1, len(mean)) if 12 * i in known]
        wrong = np.log([mean[i] / known[12 * i] for i in shared])
        error = f"{np.sqrt(np.mean(wrong**2)):.3f}"
        lines.append(row(f"{dose:g} Gy", "here", *(f"{mean[h // 12]:.2f}" for h in HOURS), error))
        lines.append(row("", "published", *(f"{known[h]:.2f}" for h in HOURS), ""))
    lines += ["", head("dose", "share that forms colonies", "published")]
    for dose, wanted in ((2.0, 0.661), (4.0, 0.376), (6.0, 0.119)):
        lines.append(row(f"{dose:g} Gy", f"{radiation_glioma.survival(dose):.3f}", wanted))
    return "\n".join(lines)


def erlotinib(asked: Asked) -> str:
    """Case V9: xenografts under erlotinib."""
    folder = asked.data / "erlotinib_pkpd_lxf"
    lines = [
        f"A lung carcinoma in nude mice, fold of the tumour's volume ({asked.seeds} seeds, their "
        "geometric mean, in brackets the range of single seeds; case V9), erlotinib daily from day "
        "3 to 16. Mice were also measured on days 7, 9 and 11. Both arms are fitted, see `Line` in "
        "`benchmarks/erlotinib_lung.py`.\n",
        head("dose", "", *(f"day {d}" for d in DAYS), "error"),
    ]
    for dose in erlotinib_lung.ARMS:
        line = erlotinib_lung.Line()
        each = [erlotinib_lung.folds(line, dose, n + 1) for n in range(asked.seeds)]
        mean = np.exp(np.mean(np.log(each), axis=0))
        known = erlotinib_lung.published(folder, dose)
        ends = sorted(float(one[-1]) for one in each)
        found = [f"{fold:.2f}" for fold in mean[1:]]
        found[-1] += f" ({ends[0]:.2f} to {ends[-1]:.2f})"
        alone = sorted(erlotinib_lung.error(one, known) for one in each)
        error = f"{erlotinib_lung.error(mean, known):.3f} ({alone[0]:.2f} to {alone[-1]:.2f})"
        lines.append(row(f"{dose:g} mg/kg", "here", *found, error))
        seen = (f"{known[d]:.2f}" if d in known else "" for d in DAYS)
        lines.append(row("", "published", *seen, ""))
    return "\n".join(lines)


def paclitaxel(asked: Asked) -> str:
    """Case V18: paclitaxel goes from the medium into cells."""
    changes = {
        "tumour.cells": 25,
        "tumour.layout": "scattered",
        "domain.size": ["0.9 mm", "0.9 mm"],
        "walls": {"cells": "closed", "factors": "no_flux"},
        "tissue": {"vessels": 0},
        "parameters": {"paclitaxel.half_life": "1e9 min"},
    }
    made = load_scenario("breast_quick").change(SMALL | changes).treat(["drug paclitaxel"])
    k, plan = cpu(1), assemble(made, 1).plan
    state = begin(plan, k)
    drug, start = plan.factors["paclitaxel"], 7.5
    state["fields"][drug] = start
    state.live("behaviours")[plan.behaviours["drug_efflux"]] = 0.0
    inside, outside = [0.0], [start]
    ways = ("release.paclitaxel", "transport", "action.paclitaxel")
    for _ in range(240):
        for process in plan.processes:
            if process.name in ways:
                process.run(state, moment(state), k)
        state.tick += 1
        inside.append(float(state.live("drug_in.paclitaxel").mean()))
        outside.append(float(state["fields"][drug].mean()))
    folder = asked.data / "paclitaxel_uptake"
    cells = np.loadtxt(folder / "Paclitaxel_10nm_cell_conc.csv", delimiter=",", skiprows=1)
    medium = np.loadtxt(folder / "Paclitaxel_10nm_medium_conc.csv", delimiter=",", skiprows=1)
    plateau = cells[cells[:, 0] > 3.5, 1].mean()
    lines = [
        "Cells in a small volume of medium with 7.5 nM (case V18); the level inside as a share of "
        "its plateau, after which the published one declines slowly. The first two hours are too "
        "fast here: as the medium falls threefold, a rate of uptake of 0.004/min would follow the "
        "published course, where `cell.drug_uptake` is 0.017/min.\n",
        head("hours", "inside, here", "published", "medium, nM, here", "published"),
    ]
    for hour in (1, 2, 4, 8, 24):
        taken = np.interp(hour, cells[:, 0], cells[:, 1]) / plateau
        left = np.interp(hour, medium[:, 0], medium[:, 1])
        own = inside[10 * hour] / inside[-1]
        lines.append(
            row(hour, f"{own:.2f}", f"{taken:.2f}", f"{outside[10 * hour]:.2f}", f"{left:.2f}")
        )
    return "\n".join(lines)


def stem_cells(asked: Asked) -> str:
    """Case V24: resistance alone does not keep stem cells enriched."""
    del asked
    courses = {
        "as sensitive as others": Course(),
        "resistant": Course(RESISTANT),
        "resistant, and 0.3 of divisions symmetric": Course(RESISTANT, symmetric=0.3),
    }
    lines = [
        "Share of stem cells in a stirred lineage under five daily fractions of 2 Gy (case V24): "
        "resistance enriches them for as long as others die, and without more symmetric divisions "
        "(0.1 otherwise) the share falls back.\n",
        head("stem cells", "day 6", "day 12"),
    ]
    for name, course in courses.items():
        lines.append(row(name, *(f"{share:.3f}" for share in course.shares(6, 12))))
    return "\n".join(lines)


def screen(asked: Asked) -> str:
    """How long a screen of drugs with their pairs takes, and what it finds."""
    names = asked.drugs.split(",")
    runs = 4 * (1 + len(names) * (len(names) + 1) // 2)
    words = ["screen", "breast_quick", "--drugs", asked.drugs, "--pairs"]
    with tempfile.TemporaryDirectory() as folder:
        load, start = os.getloadavg()[0], time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "stemniche", *words, "--workers", "2", "--out", "found"],
            capture_output=True, check=True, cwd=folder,
        )  # fmt: skip
        wall = time.perf_counter() - start
        pairs = pd.read_csv(Path(folder) / "found" / "pairs.csv").to_dict("records")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    whole = cpu_s / runs * 88 / 2 / 60
    lines = [
        f"`stemniche {' '.join(words)}`: {runs} runs (4 replicates) in {wall / 60:.1f} min on 2 "
        f"processors (load {load:.1f} when it began) and {cpu_s / 60:.1f} min of CPU time, "
        f"{cpu_s / runs:.1f} s a run. At that, six drugs with their pairs (88 runs) take "
        f"{whole:.1f} min on two processors of their own (budget 15).\n",
        head("pair", "effect on tumour", "Bliss excess (95 % interval)"),
    ]
    for pair in pairs:
        bliss = (f"{pair['bliss.tumour' + end]:.2f}" for end in ("", ".low", ".high"))
        lines.append(
            row(
                f"{pair['first']} + {pair['second']}",
                f"{pair['effect.tumour']:.2f}",
                "{} ({} to {})".format(*bliss),
            )
        )
    return "\n".join(lines)


SECTIONS: Mapping[str, tuple[str, Callable[[Asked], str]]] = {
    "radiation": ("Irradiated glioma cells", radiation),
    "erlotinib": ("Xenografts under erlotinib", erlotinib),
    "paclitaxel": ("Paclitaxel in cells", paclitaxel),
    "stem_cells": ("Stem cells under radiation", stem_cells),
    "screen": ("A screen of pairs", screen),
}


def main() -> None:
    """Measure what was asked for and write it into the page."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("sections", nargs="*")
    reader.add_argument("--data", type=Path, required=True)
    reader.add_argument("--seeds", type=int, default=4)
    reader.add_argument("--drugs", default=SIX)
    asked = reader.parse_args()
    parts = PAGE.read_text().split("\n## ")[1:] if PAGE.exists() else []
    bodies = dict(part.split("\n", 1) for part in parts)
    for key in asked.sections or SECTIONS:
        title, measure = SECTIONS[key]
        bodies[title] = f"\n{measure(asked)}\n"
    ordered = (title for title, _ in SECTIONS.values() if title in bodies)
    PAGE.write_text("\n".join([HEAD, *(f"## {t}\n{bodies[t]}" for t in ordered)]))


if __name__ == "__main__":
    main()
