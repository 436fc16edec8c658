"""The presets: one per cancer type, each with a small variant, all sound before they run."""

import pytest

from stemniche.spec.compile import compile_model
from stemniche.spec.library import Library
from stemniche.spec.model import Model
from stemniche.spec.operating import operating_points
from stemniche.spec.presets import describe_scenario
from stemniche.spec.scenario import list_scenarios, load_scenario

CANCERS = (
    "breast", "breast_tnbc", "breast_her2_pten", "colorectal", "pancreatic", "liver",
    "glioblastoma", "ovarian", "prostate", "lung", "melanoma", "oral", "renal", "gastric",
)  # fmt: skip

FROM_ELSEWHERE = {"oxygen", "glucose", "CSF2", "CCL5", "HDGF"}
"""Blood brings two, a virus CSF2; stem cells make CCL5 in the ovary, HDGF in glioblastoma alone."""


@pytest.fixture(scope="module", params=CANCERS)
def preset(request: pytest.FixtureRequest) -> str:
    """The name of each cancer type."""
    return str(request.param)


@pytest.fixture(scope="module")
def model(preset: str, shipped: Library) -> Model:
    """Its model."""
    return compile_model(shipped, load_scenario(preset))


def test_every_cancer_type_has_a_preset_and_its_quick_variant() -> None:
    names = set(list_scenarios())
    assert {f"{name}{size}" for name in CANCERS for size in ("", "_quick")} <= names


@pytest.mark.parametrize("name", list_scenarios())
def test_every_preset_says_in_one_line_what_it_is(name: str) -> None:
    assert 20 < len(describe_scenario(name)) <= 100
    assert describe_scenario(name).endswith(".")


def test_few_inputs_are_dead_or_saturated_and_each_says_why(model: Model) -> None:
    found = [p for p in operating_points(model) if p.flag != "absent"]
    outside = [p for p in found if p.flag]
    assert len(outside) < 0.05 * len(found)
    assert [p.row for p in outside if not p.reason] == []


def test_the_quick_variant_is_the_same_tissue_on_less_area(preset: str) -> None:
    whole, quick = load_scenario(preset), load_scenario(f"{preset}_quick")
    share = (quick.domain.size[0] * quick.domain.size[1]) / (
        whole.domain.size[0] * whole.domain.size[1]
    )
    for name, count in whole.tissue.cells.items():
        assert abs(quick.tissue.cells[name] - count * share) <= 1.0, name
    assert quick.tissue.vessels == whole.tissue.vessels
    assert (quick.cancer, quick.tumour.genotype) == (whole.cancer, whole.tumour.genotype)
    assert 7 <= quick.days <= 14
    assert 1.6 * quick.tumour.cells + sum(quick.tissue.cells.values()) < 2500


@pytest.mark.parametrize("size", ["", "_quick"])
def test_monocytes_keep_up_the_macrophages_of_resting_tissue(
    preset: str, size: str, model: Model
) -> None:
    """Else one of both drifts towards the ratio of their rates; a tenth is rounding to cells."""
    counts = load_scenario(f"{preset}{size}").tissue.cells
    traits = {t.id: t.traits for t in model.types}
    lost = traits["M1"]["turnover"] * counts["macrophage"]
    come = traits["monocyte"]["conversion.monocyte.M1"] * counts["monocyte"]
    assert come == pytest.approx(lost, rel=0.1)


def test_every_node_that_something_reads_is_moved_by_something(
    model: Model, shipped: Library
) -> None:
    """A node without input would stay at its baseline; cargo may, and what only drugs move."""
    moved = {(d.cell, d.target) for d in model.drives if d.kind == "node" and d.groups}
    cargo = {s.cargo for s in model.secretions}
    held = {name for row in shipped.targets for name in (row.target, *row.acts_on)}
    still = {n.id for n in model.nodes for t in n.cells if (t, n.id) not in moved}
    assert still <= cargo | held


def test_receptors_find_their_ligands(model: Model) -> None:
    made = {s.factor for s in model.secretions} | {r.product for r in model.reactions}
    read = {t.signal for d in model.drives for g in d.groups for t in g.terms}
    factors = {f.id for f in model.factors}
    assert (factors & read) - made <= FROM_ELSEWHERE


def test_every_altered_gene_of_a_preset_is_read(preset: str, model: Model) -> None:
    genes = load_scenario(preset).tumour.genotype.items()
    assert {f"{gene}:{state}" for gene, state in genes} <= set(model.genotype)
