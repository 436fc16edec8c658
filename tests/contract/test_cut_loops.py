"""Every loop that rows can turn is weaker when one of its edges is cut.

A well-mixed tumour at rest gets a push somewhere on the ring, and what comes back to the same place
(or where the loop is read) is compared with and without one row of the loop's path. `PLAIN` names
the fast ones; the others run with the slow tests. The sources state fifteen of them.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stemniche import evidence
from stemniche.kernels.cpu import Backend
from stemniche.spec.rows import read_library

Push = tuple[str, str]
Watch = tuple[str, str, str]

PATHS = {entry.claim: entry.path for entry in read_library().entailed}
"""Rows of each loop."""

MUTANT = {"TP53": "mutant"}
"""Where TGFB1's cytostatic arm does not hide its other one."""

IL6 = (("factor", "IL6"), ("made", "IL6", "CSC"))
LOOPS: dict[str, tuple[str, dict[str, str], Push, Watch, str]] = {
    "C008": ("breast", {}, *IL6, "net.PPBP_expression.IL6R"),
    "C009": ("breast", {}, ("factor", "PPBP"), ("made", "PPBP", "MSC"), "net.IL6_expression.CXCR2"),
    "C109": (
        "breast", MUTANT, ("factor", "TGFB1"), ("made", "TGFB1", "M2"),
        "rule.M1.conversion.M1.M2.IL4",
    ),
    "C249": ("breast", {}, *IL6, "net.IL6R.IL6.MSC"),
    "C264": ("breast", {}, *IL6, "net.CXCR2.PPBP"),
    "C284": (
        "glioma", MUTANT, ("factor", "CXCL12"), ("made", "CXCL12", "CSC"),
        "rule.vessel.recruitment.MSC.CXCL12",
    ),
    "C301": ("breast", MUTANT, ("factor", "CCL2"), ("made", "CCL2", "CAF"), "net.NOTCH1.CCL2"),
    "C313": (
        "breast", MUTANT, ("factor", "SHH"), ("made", "SHH", "CSC"), "net.INHBA_expression.HH"
    ),
    "C333": ("breast", {}, ("factor", "TGFB1"), ("made", "TGFB1", "Treg"), "net.FOXP3.TGFB1"),
    "C376": ("breast", {}, ("factor", "VEGFA"), ("made", "VEGFA", "CSC"), "net.NRP1.VEGFA"),
    "C426": ("breast", MUTANT, ("node", "HIF1A"), ("node", "HIF1A", "CSC"), "net.VHL.MIR155"),
    "C441": (
        "breast", MUTANT, ("factor", "TGFB1"), ("made", "TGFB1", "CSC"), "net.self_renewal.TGFBR1"
    ),
    "C503": ("ovarian", {}, ("factor", "CCL5"), ("made", "CCL5", "CSC"), "net.CCR1.CCL5"),
    "C641": ("breast", {"PTEN": "lost"}, *IL6, "net.STAT3.IL6R"),
    "C651": ("breast", MUTANT, ("own", "damage"), ("node", "stemness", "CSC"), "net.ROS.damage"),
    "C702": (
        "breast", MUTANT, ("own", "damage"), ("behaviour", "damage_repair", "CSC"),
        "net.stemness.ONECUT2",
    ),
    "C836": ("breast", {}, *IL6, "sec.MSC.PPBP"),
    "C853": ("breast", {}, ("factor", "IL6"), ("node", "STAT3", "CSC"), "net.STAT3.MIR155"),
    "C855": ("breast", {}, ("factor", "IL4"), ("node", "BCL2", "CSC"), "net.BCL2.IL4"),
    "C856": (
        "breast", {}, ("factor", "CXCL8"), ("made", "CXCL8", "CSC"), "net.self_renewal.CXCR1"
    ),
    "C857": (
        "pancreatic", MUTANT, ("factor", "CSC_exosomes"), ("made", "CSC_exosomes", "CSC"),
        "net.stemness.CSC_exosomes",
    ),
    "C858": (
        "breast", {}, ("factor", "IL6"), ("node", "stemness", "differentiated"),
        "net.stemness.STAT3",
    ),
    "C873": (
        "breast", MUTANT, ("own", "damage"), ("node", "stemness", "CSC"), "net.stemness.CXCR1"
    ),
    "C874": (
        "breast", {}, ("factor", "IGF1"), ("made", "IGF1", "CSC"), "net.self_renewal.IGF1R"
    ),
}  # fmt: skip
"""Cancer, genotype, push, where the answer is read, and the row that is cut."""

BRAKES = {"C425": ("breast", {}, ("node", "HIF1A"), ("node", "HIF1A", "CSC"), "net.HIF1A.MIR155")}
"""Loops that hold themselves back: without the edge the answer is greater."""

PLAIN = ("C264", "C425", "C856")
WEAKER = 0.95


@pytest.fixture(scope="module")
def mixed() -> ModuleType:
    """The module of the well-mixed tumour beside this file."""
    name = "mixed_tissue"
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def marked(loops: dict[str, Any]) -> list[Any]:
    return [pytest.param(n, marks=[] if n in PLAIN else [pytest.mark.slow]) for n in loops]


def answers(mixed: ModuleType, k: Backend, name: str) -> tuple[float, float]:
    """What a push adds to the answer of the whole loop, and of the cut one."""
    cancer, genotype, push, watch, row = (LOOPS | BRAKES)[name]
    slow = any(part.startswith("rule.vessel.recruitment") for part in PATHS[name])
    length = mixed.RECRUITED if slow else mixed.LENGTH
    found = []
    for without in ((), (row,)):
        tissue = mixed.MixedTissue.of(cancer, genotype, without, k)
        found.append(tissue.answer(push, watch, length) - tissue.answer(None, watch, length))
    return found[0], found[1]


@pytest.mark.parametrize("name", marked(LOOPS))
def test_a_loop_is_weaker_without_one_of_its_edges(
    name: str, mixed: ModuleType, k: Backend
) -> None:
    whole, cut = answers(mixed, k, name)
    assert whole != 0.0
    assert cut / whole < WEAKER


@pytest.mark.parametrize("name", marked(BRAKES))
def test_a_loop_that_holds_itself_back_holds_less_without_one_of_its_edges(
    name: str, mixed: ModuleType, k: Backend
) -> None:
    whole, cut = answers(mixed, k, name)
    assert cut / whole > 1.0 / WEAKER


def test_the_edge_that_is_cut_is_on_the_path_of_the_loop() -> None:
    assert [n for n, (*_, row) in (LOOPS | BRAKES).items() if row not in PATHS[n]] == []


def test_every_loop_that_the_sources_state_is_cut() -> None:
    stated = {loop.id for loop in evidence().loops() if loop.basis == "stated"}
    assert len(stated) >= 15
    assert stated <= {*LOOPS, *BRAKES}


@pytest.mark.slow
def test_a_tissue_without_a_push_stays_at_rest(mixed: ModuleType, k: Backend) -> None:
    tissue = mixed.MixedTissue.of("breast", {}, (), k)
    tissue.answer(None, IL6[1])
    assert abs(tissue.counts - tissue.start).max() < 0.005 * tissue.start.max()
