"""What the design says of single circuits of the network holds for the compiled library."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import pytest

from stemniche import load_scenario
from stemniche.engine.drives import value
from stemniche.spec.compile import compile_model
from stemniche.spec.model import Drive, Model
from stemniche.spec.operating import operating_points
from stemniche.spec.rows import read_library


@lru_cache(maxsize=20)
def model(*genes: tuple[str, str], cancer: str = "breast") -> Model:
    changes = {"cancer": cancer, "tumour.genotype": dict(genes)}
    return compile_model(read_library(), load_scenario("breast").change(changes))


def drive(found: Model, node: str, cell: str = "differentiated") -> Drive:
    return next(d for d in found.drives if (d.cell, d.target) == (cell, node))


def settled(drives: list[Drive], levels: Mapping[str, float], steps: int = 300) -> dict[str, float]:
    """Steady state of some nodes from given levels; all other signals stay as they are."""
    now = dict(levels)
    for _ in range(steps):
        before = dict(now)
        for d in drives:
            now[d.target] += 0.3 * (float(value(d, lambda n: np.array(before[n]))) - now[d.target])  # noqa: B023
    return now


def reference(found: Model, drives: list[Drive]) -> dict[str, float]:
    """Signals of some drives at their references, nodes at their baselines."""
    levels = {t.signal: t.reference for d in drives for g in d.groups for t in g.terms}
    return levels | {n.id: n.baseline for n in found.nodes} | found.genotype


def by_oxygen(node: str) -> Callable[[float], float]:
    found = drive(model(), node)
    levels = {t.signal: t.reference for g in found.groups for t in g.terms}
    return lambda mmhg: float(
        value(found, lambda name: np.array((levels | {"oxygen": mmhg})[name]))
    )


@pytest.mark.parametrize(("node", "half"), [("HIF1A", 8.0), ("EPAS1", 25.0)])
def test_hif_is_half_of_its_maximum_at_the_oxygen_of_the_design(node: str, half: float) -> None:
    level = by_oxygen(node)
    assert level(half) == pytest.approx(0.5 * level(0.0), rel=0.15)


@pytest.mark.parametrize("node", ["HIF1A", "EPAS1"])
def test_hif_is_synthesis_over_turnover(node: str) -> None:
    """The odds are made / (k0 + k A): one over them is a straight line in the PHD's activity."""
    level, found = by_oxygen(node), drive(model(), node)
    phd = next(t for g in found.groups for t in g.terms if t.signal == "oxygen")
    oxygen = np.array([1.0, 5.0, 15.0, 40.0])
    share = oxygen**phd.hill / (oxygen**phd.hill + phd.half_max**phd.hill)
    inverse = [1.0 / level(x) for x in oxygen]
    slope = np.diff(inverse) / np.diff(share)
    np.testing.assert_allclose(slope, slope[0], rtol=1e-6)


def test_mir155_lowers_the_synthesis_of_hif1a_and_vhl_but_not_of_epas1() -> None:
    readers = {d.target for d in model().drives if "MIR155" in _inputs(d)}
    assert {"HIF1A", "VHL"} <= readers
    assert "EPAS1" not in readers


def _inputs(d: Drive) -> set[str]:
    return {t.signal for g in d.groups for t in g.terms}


def test_mir200_and_zeb1_alone_have_two_stable_states() -> None:
    pair = [drive(model(), name) for name in ("ZEB1", "MIR200")]
    ends = []
    for start in (0.05, 0.95):
        begin = reference(model(), pair) | {"ZEB1": start, "MIR200": 1.0 - start}
        end = settled(pair, begin)
        ends.append((end["ZEB1"], end["MIR200"]))
    (low, high), (up, down) = ends
    assert low < 0.2 < 0.5 < high
    assert up > 0.6
    assert down < 0.15


@pytest.mark.parametrize(
    "gene",
    [
        ("TP53", "mutant"), ("SMAD4", "lost"), ("SIX1", "high"), ("RAS", "mutant"),
        ("DAB2", "low"), ("PDGFB", "high"), ("MIR106B25", "high"),
    ],
)  # fmt: skip
def test_seven_genotypes_tip_tgfb_towards_its_promoting_arm(gene: tuple[str, str]) -> None:
    altered, plain = arms(gene), arms()
    assert altered[0] - altered[1] > plain[0] - plain[1] + 0.01


def test_both_arms_of_tgfb_are_there_in_an_unaltered_tumour() -> None:
    assert min(arms()) > 0.05


@lru_cache(maxsize=20)
def arms(*genes: tuple[str, str]) -> tuple[float, float]:
    """The promoting and the cytostatic arm of TGFB1 in a bulk cell at the reference factors."""
    found = model(*genes)
    drives = [d for d in found.drives if d.cell == "differentiated" and d.kind == "node"]
    end = settled(drives, reference(found, drives))
    return end["TGFB_promoting"], end["TGFB_cytostasis"]


def read_vesicles(found: Model) -> set[str]:
    """Vesicles that any node or behaviour reads."""
    groups = (g for d in found.drives for g in d.groups)
    signals = (t.signal for g in groups for t in g.terms if g.weight != 0.0)
    return {name for name in signals if name.endswith(("_vesicle", "exosomes"))}


@pytest.mark.parametrize("kind", ["mirna", "protein"])
def test_without_cargo_gain_vesicles_travel_and_move_nothing(kind: str) -> None:
    """What they pushed at the reference is gone too, as for rows that are left out."""
    scenario, library = load_scenario("breast"), read_library()
    with_gain = compile_model(library, scenario)
    without = compile_model(library, scenario.change({f"parameters.cargo_gain.{kind}": 0.0}))
    silent = read_vesicles(with_gain) - read_vesicles(without)
    mirna = {name for name in read_vesicles(with_gain) if name.startswith("MIR")}
    assert silent == (mirna if kind == "mirna" else read_vesicles(with_gain) - mirna)
    assert silent
    assert without.factors == with_gain.factors
    constants = {(d.cell, d.target): d.constant for d in with_gain.drives}
    assert {(d.cell, d.target): d.constant for d in without.drives} == constants


@pytest.mark.parametrize("cancer", ["breast", "colorectal"])
def test_few_inputs_are_dead_or_saturated_and_each_says_why(cancer: str) -> None:
    points = operating_points(model(cancer=cancer))
    there = [point for point in points if point.flag != "absent"]
    outside = [point for point in there if point.flag]
    assert len(outside) < 0.05 * len(there)
    assert not [point.row for point in outside if not point.reason]
