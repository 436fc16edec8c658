"""A trajectory depends on model, scenario and seed, and on nothing else, to the last bit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stemniche.core.errors import GuardError, InputError
from stemniche.kernels.jit import set_threads
from stemniche.run.interrupt import between_ticks
from stemniche.run.output import resume_in, simulate_to
from stemniche.run.results import Run, open_run
from stemniche.run.simulate import prepare, simulate
from stemniche.spec.scenario import Scenario, load_scenario

Make = Callable[..., Scenario]

SHORT = {
    "days": 0.25,
    "sample_every": "90 min",
    "prepare": {"days": 0.05},
    "tumour.cells": 80,
    "domain.size": ["0.4 mm", "0.4 mm"],
}

COMPILED = 300.0
"""Seconds within which even a machine that has compiled no kernel yet takes the first sample."""


class Died(Exception):
    """Stands for the end of a process at any moment."""


def end_of(run: Run) -> dict[str, Any]:
    """Every array of the newest checkpoint."""
    found = run.store.reader.newest_checkpoint()
    assert found is not None
    return found[2]


def differing(one: Run, two: Run) -> list[str]:
    """Columns of the table and arrays of the last state that are not equal to the last bit."""
    a, b = end_of(one), end_of(two)
    left, right = one.table, two.table
    columns = [
        c
        for c in {*left, *right}
        if c not in left or c not in right or not left[c].equals(right[c])
    ]
    arrays = [n for n in {*a, *b} if n not in a or n not in b or not np.array_equal(a[n], b[n])]
    return sorted(columns + arrays)


@pytest.fixture(scope="module")
def short(hasty: Make) -> Make:
    """A quarter of a day of the hasty tissue."""

    def make(changes: dict[str, Any] | None = None, *therapy: Any) -> Scenario:
        return hasty(SHORT | dict(changes or {}), *therapy)

    return make


@pytest.fixture(scope="module")
def plain(short: Make) -> Run:
    """The uninterrupted run that others must equal."""
    return simulate(short(), seed=3, threads=1)


def test_a_run_has_a_row_per_sample_and_is_done(plain: Run) -> None:
    assert plain.status == "done"
    np.testing.assert_allclose(plain.times, [0.0, 0.0625, 0.125, 0.1875, 0.25])
    assert plain.table["time_d"].tolist() == plain.times.tolist()


def test_two_threads_give_the_bits_of_one(short: Make) -> None:
    brief = short({"days": 0.0625})
    alone = simulate(brief, seed=3, threads=1)
    try:
        assert differing(alone, simulate(brief, seed=3, threads=2)) == []
    finally:
        set_threads(1)


def test_another_seed_gives_another_run(plain: Run, short: Make) -> None:
    assert len(differing(plain, simulate(short(), seed=4, threads=1))) > 20


def test_when_samples_are_taken_does_not_matter(plain: Run, short: Make) -> None:
    rare = simulate(short({"sample_every": "6 h"}), seed=3, threads=1)
    assert rare.times.tolist() == [0.0, 0.25]
    a, b = end_of(plain), end_of(rare)
    assert [name for name in a if not np.array_equal(a[name], b[name])] == []
    pd.testing.assert_frame_equal(
        plain.table.iloc[[0, -1]].reset_index(drop=True), rare.table, check_exact=True
    )


def test_a_folder_holds_what_memory_holds(plain: Run, short: Make, tmp_path: Path) -> None:
    simulate(short(), seed=3, out=tmp_path, threads=1)
    assert differing(plain, open_run(tmp_path)) == []


def dying_at(what: str, number: int) -> Callable[[str, float], None]:
    """Progress that ends the process at the `number`-th report of a kind."""
    seen = []

    def tell(told: str, share: float) -> None:
        seen.append(told)
        if seen.count(what) == number:
            raise Died

    return tell


@pytest.mark.parametrize(
    ("what", "number"), [("preparing", 1), ("simulating", 1), ("simulating", 4)]
)
def test_a_run_that_died_goes_on_to_the_same_bits(
    what: str, number: int, plain: Run, short: Make, tmp_path: Path
) -> None:
    with pytest.raises(Died):
        simulate(short(), 3, tmp_path, 1, dying_at(what, number))
    assert open_run(tmp_path).status == "running"
    assert differing(plain, simulate(short(), 3, tmp_path, 1, resume=True)) == []


def test_a_run_that_died_before_its_first_checkpoint_still_tells_what_was_done(
    short: Make, tmp_path: Path
) -> None:
    scenario = short({"days": 0.0625}, "drug paclitaxel 80 mg/m^2 from 0 d")
    with pytest.raises(Died):
        simulate(scenario, 3, tmp_path, 1, dying_at("preparing", 1))
    events = simulate(scenario, 3, tmp_path, 1, resume=True).events
    assert events == simulate(scenario, 3, threads=1).events
    assert [e for e in events if "paclitaxel" in e.text]


def test_a_run_may_be_made_longer(plain: Run, short: Make, tmp_path: Path) -> None:
    simulate(short({"days": 0.125}), 3, tmp_path, 1)
    longer = simulate(short(), 3, tmp_path, 1, resume=True)
    assert differing(plain, longer) == []
    assert longer.scenario.days == 0.25


def test_a_run_is_not_made_shorter_or_sampled_anew(
    short: Make, tmp_path: Path, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    folder = tmp_path / "run"
    simulate_to(short({"days": 0.125}), folder, seed=3, threads=1)
    before = bytes_below(folder)
    del before["run.log"]
    with pytest.raises(InputError, match="already has 0.125 d[\\s\\S]*Ask for 0.125 d or more"):
        resume_in(folder, 0.0625)
    for changes, words in (
        ({"sample_every": "30 min"}, "none of it is left to sample every 30 min"),
        ({"measures": ["sphere_fraction"]}, "records no assay"),
        ({"measures": ["sphere_fraction"], "days": 0.25}, "records no assay"),
    ):
        with pytest.raises(InputError, match=words):
            simulate_to(short({"days": 0.125} | changes), folder, seed=3, resume=True)
    kept = bytes_below(folder)
    assert {name: kept[name] for name in before} == before


def test_the_rest_of_a_run_may_be_sampled_at_other_times(
    plain: Run, short: Make, tmp_path: Path
) -> None:
    simulate(short({"days": 0.125}), 3, tmp_path, 1)
    rest = simulate(short({"sample_every": "180 min"}), 3, tmp_path, 1, resume=True)
    assert rest.times.tolist() == [0.0, 0.0625, 0.125, 0.25]
    assert rest.table.iloc[-1].equals(plain.table.iloc[-1].rename(3))
    told = [(e.time_s, e.text) for e in rest.events if "sample" in e.text]
    assert told == [
        (10800, "From here on a sample is taken every 3 h, and no longer every 90 min.")
    ]


def test_an_intervention_of_many_controls_is_told_once(short: Make) -> None:
    run = simulate(short({"days": 0.0625}, "release_block vesicles"), 3, threads=1)
    assert [e.kind for e in run.events if "vesicles" in e.text] == ["therapy"]


def test_another_seed_or_scenario_is_not_a_resumption(short: Make, tmp_path: Path) -> None:
    simulate(short({"days": 0.0625}), 3, tmp_path, 1)
    with pytest.raises(InputError, match="another seed"):
        simulate(short(), 4, tmp_path, 1, resume=True)
    with pytest.raises(InputError, match="another scenario .*: tumour.cells was 80, now 90"):
        simulate(short({"tumour.cells": 90}), 3, tmp_path, 1, resume=True)


# Arms


@pytest.mark.parametrize(
    "therapy",
    [
        (),
        ({"block": "CXCR2"},),
        ({"drug": "paclitaxel", "dose": "200 mg"}, {"add": "IL6", "concentration": "1 nM"}),
    ],
)
def test_an_arm_that_branches_off_equals_one_that_prepared_itself(
    therapy: tuple[Any, ...], short: Make
) -> None:
    prepared = prepare(short(), 3, threads=1)
    branched = simulate(short({}, *therapy), 3, threads=1, prepared=prepared)
    assert differing(simulate(short({}, *therapy), 3, threads=1), branched) == []


def common(one: Run, two: Run, rows: slice) -> list[str]:
    """Columns that both have and that differ in some of the rows."""
    left, right = one.table.iloc[rows], two.table.iloc[rows]
    shared = [c for c in left if c in right]
    assert len(shared) > 100
    return [c for c in shared if not left[c].equals(right[c])]


def test_a_drug_without_a_dose_reshuffles_nothing(plain: Run, short: Make) -> None:
    nothing = simulate(short({}, {"drug": "paclitaxel", "dose": "0 mg"}), 3, threads=1)
    assert common(plain, nothing, slice(None)) == []


def test_before_a_drug_is_given_the_arms_are_one(plain: Run, short: Make) -> None:
    late = {"drug": "paclitaxel", "dose": "800 mg", "from": "270 min"}
    treated = simulate(short({}, late), 3, threads=1)
    assert common(plain, treated, slice(0, 4)) == []
    assert treated.table["plasma.paclitaxel"].iloc[-1] > 0.0


# Conditions


def test_a_condition_ends_a_control_for_good(small: Make) -> None:
    """It becomes false again, and the control stays off."""
    item = {
        "add": "CXCL8",
        "concentration": "50 nM",
        "until": "time_d >= 0.25 and time_d < 0.3",
    }
    run = simulate(small({"days": 0.75, "sample_every": "3 h"}, item), 1, threads=1)
    level = run.table["factor.CXCL8"].to_numpy()
    assert level[2] > 5.0
    assert (level[3:] < 0.1 * level[2]).all()


def test_an_adaptive_rule_interrupts_a_control_and_lets_it_go_on(small: Make) -> None:
    """Paused at 6 h; a rule without an end of its own goes on when it no longer holds."""
    levels = {}
    for name, rule in {
        "alone": {"pause": "time_d >= 0.25 and time_d < 0.5"},
        "resumed": {"pause": "time_d >= 0.25 and time_d < 0.3", "resume": "time_d >= 0.5"},
        "held": {"pause": "time_d >= 0.25 and time_d < 0.3", "resume": "time_d >= 9"},
    }.items():
        item = {"add": "CXCL8", "concentration": "50 nM", **rule}
        run = simulate(small({"days": 0.75, "sample_every": "3 h"}, item), 1, threads=1)
        levels[name] = run.table["factor.CXCL8"].to_numpy()
        assert levels[name][2] > 3.0
        assert levels[name][4] < 0.5 * levels[name][2]
    np.testing.assert_allclose(levels["alone"], levels["resumed"])
    assert levels["alone"][6] > 3.0
    assert levels["held"][6] < levels["held"][4]


def test_a_condition_is_judged_during_preparation_too(small: Make) -> None:
    """What ended before day 0 stays off in the arms that branch from the prepared state."""
    item = {"add": "CXCL8", "concentration": "50 nM", "from": "birth"}
    short = {"days": 0.1, "sample_every": "0.1 d"}
    held = small(short, item)
    ended = small(short, item | {"until": "tumour_cells > 0"})
    levels = [
        simulate(s, 1, threads=1, prepared=ready).table["factor.CXCL8"]
        for s, ready in ((held, None), (ended, None), (ended, prepare(ended, 1, threads=1)))
    ]
    assert levels[1].iloc[-1] < 0.5 * levels[0].iloc[-1]
    assert levels[1].tolist() == levels[2].tolist()


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({}, {"block": "CXCR2", "until": "drug.paclitaxel > 5"}),
        (
            {"prepare": {"days": None, "until": "drug.paclitaxel > 5", "max": "2 h"}},
            {"block": "CXCR2"},
        ),
    ],
)
def test_a_condition_on_what_is_not_in_the_run_is_refused_at_once(
    changes: dict[str, Any], item: Any, small: Make, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match="'drug.paclitaxel' is not a measure of this run"
    ) as caught:
        simulate(small(changes, item), 1, tmp_path, 1)
    assert "until" in caught.value.where
    assert list(tmp_path.iterdir()) == []


def test_preparation_ends_when_its_condition_holds(small: Make) -> None:
    until = {"until": "tumour_cells < 119.5", "max": "20 h"}
    run = simulate(small({"days": 0.25, "prepare": {"days": None} | until}), 1, threads=1)
    day0 = int(end_of(run)["day0"][0])
    assert 0 < day0 < 200
    assert run.table["tumour_cells"].iloc[0] < 119.5
    assert not [e for e in run.events if "longest time" in e.text]


def test_preparation_that_takes_too_long_ends_with_a_warning(small: Make) -> None:
    until = {"until": "tumour_cells > 1e6", "max": "2 h"}
    run = simulate(small({"days": 0.25, "prepare": {"days": None} | until}), 1, threads=1)
    assert int(end_of(run)["day0"][0]) == 20
    assert [e.kind for e in run.events if "longest time" in e.text] == ["warning"]


# Ends


def test_a_guard_stops_a_run_and_keeps_what_was_computed(
    short: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stemniche.engine import guard

    seen = []
    check = guard.check

    def failing(plan: Any, state: Any) -> None:
        seen.append(state.tick)
        if len(seen) == 5:
            raise GuardError("Something is wrong.", "here", "Do something.")
        check(plan, state)

    monkeypatch.setattr(guard, "check", failing)
    with pytest.raises(GuardError, match="Something"):
        simulate(short(), 3, tmp_path, 1)
    stopped = open_run(tmp_path)
    assert stopped.status == "stopped"
    assert "Something is wrong" in stopped.reason
    assert len(stopped.times) >= 1


def stemniche(*words: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "stemniche.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"NUMBA_NUM_THREADS": "1"},
    )


def samples_in(folder: Path) -> int:
    """Samples that a run has committed so far."""
    try:
        return len(open_run(folder).times)
    except InputError:
        return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_answered_between_ticks(
    number: signal.Signals, plain: Run, short: Make, tmp_path: Path
) -> None:
    """Whatever the tick is doing; what was computed goes on to the same bits."""

    def tell(what: str, share: float) -> None:
        if what == "simulating" and share > 0.2:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        simulate(short(), 3, tmp_path, 1, tell)
    assert signal.getsignal(number) is before
    kept = open_run(tmp_path)
    assert kept.status == "interrupted"
    assert kept.times.tolist() == [0.0, 0.0625]
    assert differing(plain, simulate(short(), 3, tmp_path, 1, resume=True)) == []


def test_a_second_request_stops_at_once() -> None:
    with between_ticks() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_outside_the_main_thread_a_run_goes_on_undisturbed() -> None:
    answers: list[bool] = []

    def work() -> None:
        with between_ticks() as asked:
            answers.append(asked())

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False]


def test_sigterm_ends_the_command_with_130_and_it_can_be_resumed(
    small: Make, tmp_path: Path
) -> None:
    file, folder = tmp_path / "small.yaml", tmp_path / "out"
    day = {"days": 1, "sample_every": "3 h", "prepare": {"days": 0.05}, "tumour.cells": 60}
    file.write_text(small(day).to_yaml(), encoding="utf-8")
    words = ("run", str(file), "--seed", "3", "--out", str(folder), "--no-report", "-q")
    process = stemniche(*words)
    deadline = time.monotonic() + COMPILED
    while samples_in(folder) < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=COMPILED)
    assert open_run(folder).status == "interrupted"
    assert "Traceback" not in errors
    assert process.returncode == 130
    again = stemniche(*words, "--resume")
    _, errors = again.communicate(timeout=COMPILED)
    assert again.returncode == 0, errors
    assert differing(simulate(load_scenario(file), 3, threads=1), open_run(folder)) == []


# A mechanism


def test_without_its_claim_il6_no_longer_makes_msc_release_cxcl7(small: Make) -> None:
    """C257: the loop IL6 - CXCL7 - CXCR2 weakens where IL6 is high and its first edge is cut."""
    changes = {"days": 1, "tissue.MSC": 40, "tissue.vessels": "50 /mm^2"}
    item = {"add": "IL6", "concentration": "1 nM"}
    loops = {}
    for claims in ((), ("C257",)):
        scenario = small(changes, item).without_claims(list(claims))
        loops[claims] = simulate(scenario, 1, threads=1).table.iloc[-1]
    intact, cut = loops[()], loops["C257",]
    assert cut["node.PPBP_expression.MSC"] < 0.5 * intact["node.PPBP_expression.MSC"]
    assert cut["factor.PPBP"] < 0.7 * intact["factor.PPBP"]
    assert cut["node.CXCR2.tumour"] < 0.9 * intact["node.CXCR2.tumour"]
