"""Facts about records that outlive the study that made them."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from stemniche.core.errors import InputError
from stemniche.experiment.arms import Jobs, Laboratory, job_of
from stemniche.experiment.file import Experiment
from stemniche.experiment.readout import Record
from stemniche.experiment.reproduce import judged
from stemniche.experiment.runner import Runner
from stemniche.experiment.shelf import Shelf
from stemniche.experiment.verdict import Verdict

Read = Callable[[str], tuple[Experiment, ...]]


def judge(
    shelf: Shelf, fake: Any, experiments: tuple[Experiment, ...], number: int
) -> list[Verdict]:
    jobs = Jobs.of(arm for one in experiments for arm in one.arms)
    laboratory = Laboratory(jobs, Runner(1), fake.prepare, fake.simulate, fake.columns, shelf)
    return judged(experiments, laboratory, number)


def test_what_is_on_the_shelf_is_not_simulated_again(
    tmp_path: Path, read: Read, made_up: ModuleType
) -> None:
    experiments = read(made_up.two_arms("treated < control"))
    shelf = Shelf.at(tmp_path)
    first = made_up.MadeUp()
    verdicts = judge(shelf, first, experiments, 4)
    again = made_up.MadeUp()
    assert judge(shelf, again, experiments, 4) == verdicts
    assert first.simulated
    assert not again.simulated
    assert not again.prepared
    more = made_up.MadeUp()
    judge(shelf, more, experiments, 5)
    assert {seed for _, seed, _ in more.simulated} == {5}


def test_a_damaged_or_shorter_record_is_simulated_again(
    tmp_path: Path, read: Read, made_up: ModuleType
) -> None:
    experiments = read(made_up.two_arms("treated < control"))
    shelf = Shelf.at(tmp_path)
    whole = judge(shelf, made_up.MadeUp(), experiments, 4)
    arm = experiments[0].arms[0]
    file = shelf.folder / f"{job_of(arm.scenario)}-s2.npz"
    file.write_bytes(file.read_bytes()[:100])
    assert shelf.take(job_of(arm.scenario), 2, arm.scenario.days) is None
    assert shelf.take(job_of(arm.scenario), 3, arm.scenario.days + 1.0) is None
    fake = made_up.MadeUp()
    assert judge(shelf, fake, experiments, 4) == whole
    assert [seed for _, seed, _ in fake.simulated] == [2]


def test_a_record_comes_back_as_it_was_put(tmp_path: Path) -> None:
    shelf = Shelf.at(tmp_path / "new")
    values = np.array([[0.0, 1.0, np.nan], [1.0, 1.0 / 3.0, np.inf]])
    shelf.put("job", 1, Record(("time_d", "tumour_cells", "x"), values[:, 0], values))
    record = shelf.take("job", 1, 1.0)
    assert record is not None
    assert record.columns == ("time_d", "tumour_cells", "x")
    assert np.array_equal(record.values, values, equal_nan=True)


def test_a_file_in_the_way_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "shelf").write_text("")
    with pytest.raises(InputError, match="Records cannot be kept"):
        Shelf.at(tmp_path / "shelf")
