"""Tasks on worker processes: nothing is lost, whatever workers do."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from stemniche.core.errors import GuardError, InputError
from stemniche.experiment.runner import LOST, Failure, Runner


def quiet(share: float) -> None:
    """Take no notice of progress."""


def double(x: int) -> int:
    return 2 * x


def threads() -> str:
    return os.environ["NUMBA_NUM_THREADS"]


def fail(kind: type[Exception], *parts: str) -> None:
    raise kind(*parts)


def die() -> None:
    time.sleep(0.2)
    os._exit(9)


def fail_once(mark: Path) -> str:
    if mark.exists():
        return "done"
    mark.touch()
    raise RuntimeError("first time")


def die_once(mark: Path) -> str:
    if mark.exists():
        return "done"
    mark.touch()
    os._exit(9)


def test_one_worker_works_in_this_process() -> None:
    with Runner(1) as runner:
        assert runner.run({"pid": os.getpid}, quiet) == {"pid": os.getpid()}


def test_results_have_the_names_of_their_tasks_and_progress_ends_at_1() -> None:
    shares: list[float] = []
    with Runner(1) as runner:
        found = runner.run({x: partial(double, x) for x in (3, 1, 2)}, shares.append)
    assert found == {3: 6, 1: 2, 2: 4}
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_an_executor_of_the_caller_is_used_and_left_open() -> None:
    with ThreadPoolExecutor(2) as executor:
        with Runner(2, executor=executor) as runner:
            assert runner.run({1: partial(double, 1)}, quiet) == {1: 2}
        assert executor.submit(double, 2).result() == 4


def test_a_task_that_fails_once_is_done_the_second_time(tmp_path: Path) -> None:
    with Runner(1) as runner:
        assert runner.run({"a": partial(fail_once, tmp_path / "a")}, quiet) == {"a": "done"}


def test_a_task_that_fails_twice_has_a_reason() -> None:
    with Runner(1) as runner:
        found = runner.run(
            {
                "ours": partial(fail, ValueError, "no such thing"),
                "guard": partial(fail, GuardError, "Too full.", "day 3", "Wait."),
                "good": partial(double, 1),
            },
            quiet,
        )
    assert found["ours"] == Failure("ValueError: no such thing")
    assert found["guard"] == Failure("Too full. (day 3)")
    assert found["good"] == 2


def test_wrong_input_is_not_tried_again() -> None:
    calls: list[int] = []

    def wrong() -> None:
        calls.append(1)
        raise InputError("wrong", "here", "mend")

    with Runner(1) as runner:
        assert runner.run({"a": wrong}, quiet) == {"a": Failure("wrong (here)", final=True)}
    assert calls == [1]


def test_a_worker_that_dies_costs_only_the_task_that_kills_it(tmp_path: Path) -> None:
    warmed: list[bool] = []
    with Runner(2, warm=lambda: warmed.append(True)) as runner:
        found = runner.run(
            {
                "killer": die,
                "once": partial(die_once, tmp_path / "once"),
                "threads": threads,
                **{x: partial(double, x) for x in range(4)},
            },
            quiet,
        )
    assert found == {
        "killer": Failure(LOST, lost=True),
        "once": "done",
        "threads": "1",
        0: 0,
        1: 2,
        2: 4,
        3: 6,
    }
    assert warmed == [True]


def test_the_number_of_workers_is_bounded() -> None:
    assert 1 <= Runner(None).workers <= (os.cpu_count() or 1)
    for wrong in (0, -1, 10_000):
        with pytest.raises(InputError):
            Runner(wrong)


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text("""
import os
import subprocess
import sys
from functools import partial
from stemniche.experiment.runner import Runner
if __name__ == "__main__":
    with Runner(2) as runner:
        pids = runner.run({"pid": os.getpid}, lambda share: None)
        print(pids["pid"], flush=True)
        os._exit(9)
""")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    worker = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the worker is still there")
