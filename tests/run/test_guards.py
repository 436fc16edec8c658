"""Everything that must stop a run is provoked for real; what was computed is kept and goes on."""

import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from stemniche.core.errors import GuardError, InputError
from stemniche.engine.process import Access, Phase, Process, Tick
from stemniche.engine.state import State
from stemniche.engine.step import begin
from stemniche.kernels.cpu import Backend
from stemniche.run import simulate as loop
from stemniche.run import watch
from stemniche.run.allowance import free_memory, processors
from stemniche.run.assemble import assemble
from stemniche.run.forecast import forecast
from stemniche.run.results import Run, open_run
from stemniche.run.simulate import simulate
from stemniche.run.watch import Watch
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]

HOURLY = {"days": 0.25, "sample_every": "1 h", "prepare": {"days": 0.05}, "tumour.cells": 100}


@pytest.fixture(scope="module")
def whole(small: Make) -> Run:
    """The run that nothing stops."""
    return simulate(small(HOURLY), 1, threads=1)


def stopped(scenario: Scenario, folder: Path) -> GuardError:
    """The error of a run that a guard stops after day 0; its folder keeps what was computed."""
    with pytest.raises(GuardError) as caught:
        simulate(scenario, 1, folder, 1)
    run = open_run(folder)
    assert run.status == "stopped"
    assert run.reason == caught.value.what
    assert len(run.times) >= 1
    assert len(run.table) == len(run.times)
    assert run.store.reader.newest_checkpoint() is not None
    return caught.value


@final
@dataclass(frozen=True)
class Fault(Process):
    """Spoils one variable in the last tick before a guard looks; no kernel of ours would."""

    spoil: Callable[[State], None]
    name: str = "fault"
    phase: Phase = Phase.OBSERVE
    every_s: int = 360
    access: Access = Access()

    def run(self, s: State, t: Tick, k: Backend) -> None:
        if t.index == 41:
            self.spoil(s)


def lower_a_level(s: State) -> None:
    s["fields"][3, 0, 4, 5] = -1e-6


def blow_a_level_up(s: State) -> None:
    s["fields"][3, 0, 4, 5] = np.inf


def lose_a_signal(s: State) -> None:
    s["signals"][5, 7] = np.nan


def lose_a_cell(s: State) -> None:
    s["x"][3] = np.nan


def let_cells_pour_in(s: State) -> None:
    s["recruited"][2] += 5000.0


@pytest.mark.parametrize(
    ("spoil", "what", "where"),
    [
        (lower_a_level, "became -1e-06 in one place", "day 0.12, tick 42, voxel z=0 y=4 x=5"),
        (blow_a_level_up, "became inf in one place", "day 0.12, tick 42, voxel z=0 y=4 x=5"),
        (lose_a_signal, "became nan in one place", "day 0.12, tick 42, signals of cell 7"),
        (lose_a_cell, "position of 1 cells", "day 0.12, tick 42"),
        (let_cells_pour_in, "new cells within an hour", "day 0.12, tick 42"),
    ],
)
def test_a_fault_is_told_with_time_place_and_variable_and_the_run_goes_on_without_it(
    spoil: Callable[[State], None],
    what: str,
    where: str,
    small: Make,
    whole: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assemble = loop.assemble

    def faulty(scenario: Scenario, seed: int) -> Any:
        run = assemble(scenario, seed)
        processes = (*run.plan.processes, Fault(spoil))
        return replace(run, plan=replace(run.plan, processes=processes))

    with monkeypatch.context() as patch:
        patch.setattr(loop, "assemble", faulty)
        fault = stopped(small(HOURLY), tmp_path)
    assert what in fault.what
    assert fault.where.startswith(where)
    assert simulate(small(HOURLY), 1, tmp_path, 1, resume=True).table.equals(whole.table)


def test_a_tissue_that_outgrows_its_box_is_told_with_both_numbers(
    hasty: Make, tmp_path: Path
) -> None:
    tight = {"domain.size": ["0.3 mm", "0.3 mm"], "walls.cells": "closed", "tumour.cells": 250}
    fault = stopped(hasty(HOURLY | tight | {"tissue.vessels": "400 /mm^2"}), tmp_path)
    assert "more than the domain can hold" in fault.what
    assert "domain.size" in fault.mend


SHORT_OF_MEMORY = """
import resource, sys, psutil
from stemniche.core.errors import GuardError
from stemniche.run.simulate import simulate
from stemniche.spec.scenario import load_scenario

def tell(what, share):
    if what == "simulating" and share > 0.2:
        now = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (now + 2**20, resource.RLIM_INFINITY))

try:
    simulate(load_scenario(sys.argv[1]), 1, sys.argv[2], 1, tell)
except GuardError as fault:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    sys.exit(str(fault))
"""


def test_memory_about_to_run_out_stops_the_run_and_more_memory_lets_it_go_on(
    small: Make, whole: Run, tmp_path: Path
) -> None:
    """The address space of a real process is cut off in the middle of its run."""
    file, folder = tmp_path / "small.yaml", tmp_path / "out"
    folder.mkdir()
    file.write_text(small(HOURLY).to_yaml(), encoding="utf-8")
    words = [sys.executable, "-c", SHORT_OF_MEMORY, str(file), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "Memory is running out" in done.stderr
    assert "where: day 0." in done.stderr
    assert "Traceback" not in done.stderr
    kept = open_run(folder)
    assert kept.status == "stopped"
    assert len(kept.times) >= 3
    assert simulate(small(HOURLY), 1, folder, 1, resume=True).table.equals(whole.table)


def test_a_run_that_cannot_fit_into_memory_is_refused_before_it_starts(small: Make) -> None:
    huge = {"domain": {"size": ["7 mm", "7 mm"], "depth": "7 mm", "voxel": "20 um"}}
    huge |= {"tumour.cells": 4_000_000}
    with pytest.raises(InputError, match="GiB"):
        forecast(small(huge))


def test_threads_below_one_are_refused(small: Make) -> None:
    with pytest.raises(InputError, match="0 threads"):
        simulate(small(HOURLY), 1, threads=0)


# What the process may use


@pytest.fixture
def groups(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write a control group of this process, in the form of either version."""

    def write(line: str, folder: str, **files: str) -> tuple[Path, Path]:
        (tmp_path / "groups" / folder).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / "groups" / folder / name.replace("__", ".")).write_text(text)
        (tmp_path / "own").write_text(line)
        return tmp_path / "groups", tmp_path / "own"

    return write


def test_processors_are_bounded_by_the_quota_of_a_group_above(
    groups: Callable[..., tuple[Path, Path]],
) -> None:
    free = processors(Path("/nowhere"), Path("/nowhere"))
    assert free >= 1
    place = groups("0::/above/mine\n", "above", cpu__max="50000 100000")
    assert processors(*place) == 1
    (place[0] / "above" / "cpu.max").write_text("max 100000")
    assert processors(*place) == free


def test_processors_are_bounded_by_the_quota_of_the_older_version(
    groups: Callable[..., tuple[Path, Path]],
) -> None:
    files = {"cpu__cfs_quota_us": "100000", "cpu__cfs_period_us": "100000"}
    assert processors(*groups("1:cpu:/hidden\n", "cpu", **files)) == 1


def test_memory_is_bounded_by_the_group_and_cached_files_count_as_free(
    groups: Callable[..., tuple[Path, Path]],
) -> None:
    files = {"memory__max": "5000", "memory__current": "4000"}
    place = groups("0::/mine\n", "mine", **files, memory__stat="anon 7\ninactive_file 500\n")
    assert free_memory(*place) == 1500
    (place[0] / "mine" / "memory.max").write_text("max")
    assert free_memory(*place) > 2**20


def test_memory_is_bounded_by_the_address_space() -> None:
    code = (
        "import resource, psutil; from stemniche.run.allowance import free_memory; free_memory();"
        "now = psutil.Process().memory_info().vms;"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 2**24, resource.RLIM_INFINITY));"
        "assert 0 < free_memory() <= 2**24"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert np.isfinite(resource.getrlimit(resource.RLIMIT_AS)[0])


@pytest.mark.parametrize("grown", [True, False])
def test_memory_is_asked_for_when_the_state_has_grown_or_is_to_be_written(
    grown: bool, small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other looks within the same second rely on the answer of the first."""
    run = assemble(small(HOURLY), 1)
    state, look = begin(run.plan, Backend()), Watch(run.plan).look
    monkeypatch.setattr(watch, "monotonic", lambda: 0.0)
    look(state)
    monkeypatch.setattr(watch, "free_memory", lambda: 0)
    look(state)
    if grown:
        state.reserve(2 * state.capacity)
    with pytest.raises(GuardError, match="Memory is running out"):
        look(state, sampled=not grown)
