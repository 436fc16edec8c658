"""What is put in is told apart from what comes out."""

from collections.abc import Callable

import pytest

from stemniche.experiment.file import Experiment
from stemniche.experiment.kinds import classify

Read = Callable[[str], tuple[Experiment, ...]]


def item(treated: str, expect: str, name: str = "mine", more: str = "blind: false") -> str:
    return f"""
- id: {name}
  scenario: breast_quick
  set: {{days: 1}}
  arms: {{control: [], treated: {treated}}}
  expect: {expect}
  {more}
"""


@pytest.mark.parametrize(
    ("treated", "expect", "kind", "path"),
    [
        # One row.
        (
            "[{neutralise: IL6}]",
            "treated.recruited.MSC < control.recruited.MSC",
            "restated",
            "rule.vessel.recruitment.MSC.IL6",
        ),
        # A receptor on the way, and a row of the same claim behind it: still one statement.
        (
            "[{neutralise: IL6}]",
            "treated.secretion.CXCL7.MSC < control.secretion.CXCL7.MSC",
            "restated",
            "net.IL6R.IL6.MSC > net.PPBP_expression.IL6R",
        ),
        # A receptor that is no node: the row of its ligand.
        (
            "[{block: MET}]",
            "treated.speed.tumour < control.speed.tumour",
            "restated",
            "rule.tumour.migration_speed.HGF",
        ),
        # What is knocked out is what is read.
        ("[{knock_out: IL6}]", "treated.factor.IL6 < control.factor.IL6", "restated", ""),
        # Two rows.
        (
            "[{set: environment.oxygen, to: 10 mmHg}]",
            "treated.node.POU5F1.CSC > control.node.POU5F1.CSC",
            "emergent",
            "net.EPAS1.oxygen > net.POU5F1.EPAS1",
        ),
        # One part of it is emergent.
        (
            "[{inhibit: HIF1A}]",
            "treated.node.ALDH.CSC < control.node.ALDH.CSC"
            " and treated.node.stemness.CSC < control.node.stemness.CSC",
            "emergent",
            "net.ALDH.HIF1A > net.stemness.ALDH",
        ),
        # A claim that is off.
        (
            "{without_claims: [C257]}",
            "treated.secretion.PPBP.MSC < control.secretion.PPBP.MSC",
            "restated",
            "net.PPBP_expression.IL6R",
        ),
        # Nothing leads from one to the other.
        (
            "{set: {represents.volume: 90 mm^3}}",
            "treated.csc_fraction ~= control.csc_fraction",
            "emergent",
            "",
        ),
    ],
)
def test_restated_is_what_one_statement_says(
    treated: str, expect: str, kind: str, path: str, read: Read
) -> None:
    (found,) = classify(read(item(treated, expect)))
    assert (found.name, found.path) == (kind, path)


def test_proposals_trials_and_blind_experiments_stand_apart(read: Read) -> None:
    treated, expect = "[{block: CXCR4}]", "treated.tumour_cells < control.tumour_cells"
    text = (
        item(treated, expect, "E007")
        + item(treated, expect, "E092.early")
        + item(treated, expect, "E120")
        + item(treated, expect, "E089", "blind: true")
    )
    kinds = [kind.name for kind in classify(read(text))]
    assert kinds == ["proposed", "trial", "emergent", "blind"]


def test_cells_that_turn_into_each_other_do_not_change_their_sum(read: Read) -> None:
    treated = "[{inhibit: CXCR1}]"
    share, total = classify(
        read(
            item(treated, "treated.csc_fraction < control.csc_fraction", "a")
            + item(treated, "treated.tumour_cells < control.tumour_cells", "b")
        )
    )
    assert share.path == "net.stemness.CXCR1"
    assert total.path != share.path
