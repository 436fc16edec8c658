"""Every row does what it says: its source moves its target in the stated sense, and only with it.

Generated from the library: each link and rule in every cancer that rows name. All other inputs stay
at their references, partners of an AND group at a level at which the group is open.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np
import pytest

from stemniche import load_scenario
from stemniche.engine.drives import value
from stemniche.spec.compile import compile_model
from stemniche.spec.model import Drive, Group, Model, Term
from stemniche.spec.records import Link, Rule, SecretionRow
from stemniche.spec.rows import read_library

LIBRARY = read_library()
CANCERS = sorted(
    {name for row in LIBRARY.mechanisms.values() for name in row.context} & set(LIBRARY.cancers)
)
GENES = {
    "TP53": "mutant", "SMAD4": "lost", "RAS": "mutant", "PTEN": "lost", "VHL": "lost",
    "ERBB2": "high", "SIX1": "high", "PDGFB": "high", "DAB2": "low", "MIR106B25": "high",
}  # fmt: skip


@lru_cache(maxsize=len(CANCERS))
def model(cancer: str) -> Model:
    changes = {"cancer": cancer, "tumour.genotype": GENES}
    return compile_model(LIBRARY, load_scenario("breast").change(changes))


def target(drive: Drive, group: Group, term: Term, level: float) -> float:
    """The drive's target with one signal at `level` and its partners letting it through."""
    levels = {t.signal: t.reference for g in drive.groups for t in g.terms}
    for other in group.terms:
        levels[other.signal] = 0.0 if other.inverted else 100.0 * other.half_max
    levels[term.signal] = level
    unbounded = replace(drive, low=0.0, high=np.inf)
    return float(value(unbounded, lambda name: np.array(levels[name])))


def stated_sense(row: str) -> float:
    found = LIBRARY.mechanisms[row]
    if isinstance(found, Link):
        return float(found.sign)
    assert isinstance(found, Rule)
    return 1.0 if found.direction == "increases" else -1.0


@pytest.mark.parametrize("cancer", CANCERS)
def test_every_row_moves_its_target_in_the_stated_sense(cancer: str) -> None:
    wrong = set()
    for drive in model(cancer).drives:
        for group, term in ((g, t) for g in drive.groups for t in g.terms):
            low, high = (target(drive, group, term, k * term.half_max) for k in (0.3, 3.0))
            moved = (high - low) / max(low, high)
            if moved * stated_sense(term.row) < 1e-3:
                wrong.add((term.row, drive.cell, f"{moved:+.2%}"))
    assert not wrong


@pytest.mark.parametrize("cancer", CANCERS)
def test_every_row_of_the_model_acts(cancer: str) -> None:
    """Links and rules have a term, secretions a release above 0, in the cancer they run in."""
    found = model(cancer)
    acting = {t.row for d in found.drives for g in d.groups for t in g.terms}
    acting |= {s.row for s in found.secretions if s.rate > 0.0}
    kinds = (Link, Rule, SecretionRow)
    named = {r.id for r in found.rows if isinstance(LIBRARY.mechanisms.get(r.id), kinds)}
    assert named == acting


def test_every_row_runs_in_some_cancer() -> None:
    running = {row.id for cancer in CANCERS for row in model(cancer).rows}
    of_drugs = {row.id for row in LIBRARY.targets}
    assert set(LIBRARY.mechanisms) - running == of_drugs


@pytest.mark.parametrize(("cancer", "part"), list(product(("breast", "pancreatic"), range(3))))
def test_a_row_that_is_switched_off_moves_nothing(cancer: str, part: int) -> None:
    """A third of the rows off at a time: no input is left of them, no drive is lost."""
    scenario = load_scenario("breast").change({"cancer": cancer, "tumour.genotype": GENES})
    off = sorted(LIBRARY.mechanisms)[part::3]
    left = compile_model(LIBRARY, scenario.without_rows(off))
    acting = {t.row for d in left.drives for g in d.groups for t in g.terms}
    flows = (*left.secretions, *left.uptakes, *left.reactions)
    acting |= {flow.row for flow in flows}
    assert not acting & set(off)
    whole = {(d.cell, d.target): d.constant for d in model(cancer).drives}
    kept = {(d.cell, d.target): d.constant for d in left.drives if (d.cell, d.target) in whole}
    assert kept == pytest.approx(whole)
