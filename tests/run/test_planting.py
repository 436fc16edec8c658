"""Replanted cells are those of the source: kind, state, heritable factors, lineage; all paired."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.experiment.arms import before_day_0, job_of
from stemniche.experiment.file import Experiment
from stemniche.run.output import simulate_to
from stemniche.run.simulate import prepare, simulate
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]
Read = Callable[[str], tuple[Experiment, ...]]
SOURCE = {"days": 0.5, "tumour.csc_fraction": 0.3}


def test_replanted_cells_keep_what_is_theirs(small: Make) -> None:
    source = simulate(small(SOURCE, {"sort": {"gate": "CSC"}}), 1)
    there = source.cell_columns(0.5)
    arm = small({}, {"replant": {"source": "sorted@0.5 d"}})
    planted = simulate(arm.planted_from(small(SOURCE, {"sort": {"gate": "CSC"}})), 1)
    begun = planted.cell_columns(0.0)
    old = dict(zip(there["key"].tolist(), there["extra.growth"].tolist(), strict=True))
    shared = [i for i, key in enumerate(begun["key"].tolist()) if key in old]
    assert len(shared) > 10
    for i in shared:
        assert begun["extra.growth"][i] == old[begun["key"][i]]
    assert planted.table["csc_fraction"].iloc[0] > 0.5


def test_a_folder_and_an_arm_give_the_same_run(small: Make, tmp_path: Path) -> None:
    source = small(SOURCE)
    simulate_to(source, tmp_path / "a", seed=1)
    item = {"replant": {"source": f"{tmp_path / 'a'}@0.5 d"}}
    by_folder = simulate(small({}, item), 1).table
    by_arm = simulate(small({}, item).planted_from(source), 1).table
    np.testing.assert_array_equal(by_folder.to_numpy(), by_arm.to_numpy())


def test_a_replanted_run_branches_from_its_preparation(small: Make) -> None:
    arm = small({}, {"replant": {"source": "x@0.25 d"}}, {"block": "CXCR4", "from": "6 h"})
    arm = arm.planted_from(small(SOURCE))
    early = before_day_0(arm)
    assert early.prepared_fingerprint == arm.prepared_fingerprint
    branched = simulate(arm, 2, prepared=prepare(early, 2)).table
    np.testing.assert_array_equal(branched.to_numpy(), simulate(arm, 2).table.to_numpy())


def test_a_resumed_run_needs_no_source(small: Make, tmp_path: Path) -> None:
    item = {"replant": {"source": "gone@0.25 d"}}
    planted = small({"days": 0.5}, item).planted_from(small(SOURCE))
    simulate_to(planted, tmp_path / "b", seed=1)
    again = small({"days": 0.5}, item).planted_from(small(SOURCE))
    simulate_to(again, tmp_path / "b", seed=1, resume=True)


def test_other_sources_are_other_jobs(small: Make) -> None:
    arm = small({}, {"replant": {"source": "x@0.25 d"}})
    jobs = {job_of(arm.planted_from(small({"tumour.csc_fraction": f}))) for f in (0.1, 0.2)}
    assert len(jobs) == 2
    assert job_of(arm) not in jobs


@pytest.mark.parametrize(
    ("source", "what"),
    [("nowhere@1 d", "no run to take cells from"), ("treated", "no source"), ("@1 d", "no source")],
)
def test_a_source_that_is_not_there_is_said_before_anything_is_kept(
    source: str, what: str, small: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=what):
        simulate_to(small({}, {"replant": {"source": source}}), tmp_path / "c", seed=1)
    assert not (tmp_path / "c").exists()


def test_a_source_without_living_tumour_cells_is_refused(small: Make) -> None:
    empty = small({"tumour.cells": 0, "days": 0.25})
    arm = small({}, {"replant": {"source": "empty@0.25 d"}}).planted_from(empty)
    with pytest.raises(InputError, match="No tumour cell lives"):
        simulate(arm, 1)


def test_two_sources_are_refused(small: Make) -> None:
    with pytest.raises(InputError, match="two sources"):
        small({}, {"replant": {"source": "a@1 d"}}, {"replant": {"source": "b@1 d"}})


def test_daughters_of_replanted_cells_have_keys_of_their_own(hasty: Make) -> None:
    """A mother goes on counting its divisions, so a key that it gave before is not given again."""
    source = hasty({"days": 0.25, "tumour.cells": 40})
    arm = hasty({"days": 0.25, "tumour.cells": 2000}, {"replant": {"source": "a@0.25 d"}})
    run = simulate(arm.planted_from(source), 1)
    keys = run.cell_columns(0.25)["key"]
    assert len(set(keys.tolist())) == len(keys)
