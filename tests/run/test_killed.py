"""Real processes killed at random moments: resumed, they end with the bits of one left in peace.

The tissue has everything that a State can hold: divisions, deaths and conversions at a high rate, a
drug with its plasma level, networks, vessels, recruitment. The fast test stops one run again and
again; the slow one kills at twenty moments, each resumed on its own.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stemniche.run.results import open_run
from stemniche.run.store import holds_run
from stemniche.spec.scenario import Scenario

Make = Callable[..., Scenario]
Bytes = Callable[[Path], dict[str, bytes]]

DRUG = {"drug": "paclitaxel", "dose": "80 mg/m^2", "from": "0.1 d", "every": "0.25 d"}
SHORT = {
    "days": 0.5,
    "sample_every": "30 min",
    "prepare": {"days": 0.25},
    "tumour.cells": 100,
    "tissue.vessels": "50 /mm^2",
}
PATIENCE = 300.0
"""Seconds that a machine without compiled kernels may take."""


def start(file: Path, out: Path, largest: int | None = None) -> subprocess.Popen[str]:
    """Begin the run, or go on with it; no file of it may outgrow `largest` bytes."""

    def no_room() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    words = ("run", str(file), "--out", str(out), "--resume", "--no-report", "-q")
    return subprocess.Popen(
        [sys.executable, "-m", "stemniche.cli.main", *words, "--seed", "3", "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"NUMBA_NUM_THREADS": "1"},
        preexec_fn=no_room,
    )


def finish(file: Path, out: Path) -> None:
    process = start(file, out)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors


def kill(file: Path, out: Path, after: float, by: signal.Signals = signal.SIGKILL) -> int:
    """Send a run a signal some seconds after its store is there; how the process ended."""
    process = start(file, out)
    deadline = time.monotonic() + PATIENCE
    while not holds_run(out) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(by)
    _, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors
    assert open_run(out).status in ("running", "interrupted", "done")
    return process.returncode


def results(out: Path, bytes_below: Bytes) -> dict[str, bytes]:
    """Table, cells, fields and the last state, byte for byte."""
    return bytes_below(out / "run.zarr") | {"table.csv": (out / "table.csv").read_bytes()}


@pytest.fixture(scope="module")
def file(hasty: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("killed") / "hasty.yaml"
    path.write_text(hasty(SHORT, DRUG).to_yaml(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(file: Path) -> tuple[Path, float]:
    """A run that nobody disturbed, and the seconds from its store's first to its last moment."""
    out = file.parent / "whole"
    process = start(file, out)
    deadline = time.monotonic() + PATIENCE
    while not holds_run(out) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    began = time.monotonic()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert open_run(out).table["plasma.paclitaxel"].max() > 0.0
    return out, time.monotonic() - began


def test_a_run_killed_again_and_again_ends_as_one_left_in_peace(
    file: Path, whole: tuple[Path, float], tmp_path: Path, bytes_below: Bytes
) -> None:
    peaceful, seconds = whole
    dice, ends = random.Random(5), []
    for by in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        ends.append(kill(file, tmp_path / "out", dice.uniform(0.1, 0.4) * seconds, by))
    assert set(ends) <= {-signal.SIGKILL, 130, 0}
    assert len(set(ends[:2]) - {0}) == 2
    finish(file, tmp_path / "out")
    assert results(tmp_path / "out", bytes_below) == results(peaceful, bytes_below)


def test_a_run_without_room_stops_in_words_and_goes_on_when_there_is(
    file: Path, whole: tuple[Path, float], tmp_path: Path, bytes_below: Bytes
) -> None:
    """The system's own limit on files, so low that a later checkpoint does not fit."""
    peaceful, _ = whole
    last = max(len(data) for data in bytes_below(peaceful / "run.zarr").values())
    process = start(file, tmp_path / "out", largest=round(0.9 * last))
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, errors
    assert errors.startswith("error: There is no room left to write the run")
    assert "where: " in errors
    assert "resume" in errors
    assert 1 <= len(open_run(tmp_path / "out").times) < len(open_run(peaceful).times)
    finish(file, tmp_path / "out")
    assert results(tmp_path / "out", bytes_below) == results(peaceful, bytes_below)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_killed_at_a_random_moment_a_run_ends_as_one_left_in_peace(
    number: int, file: Path, whole: tuple[Path, float], tmp_path: Path, bytes_below: Bytes
) -> None:
    """One moment in each twentieth of the time in which there is a store."""
    peaceful, seconds = whole
    share = (number + random.Random(number).random()) / 20.0
    end = kill(file, tmp_path / "out", share * seconds)
    print(f"killed after {share * seconds:.2f} of {seconds:.2f} s, ended with {end}")
    finish(file, tmp_path / "out")
    assert results(tmp_path / "out", bytes_below) == results(peaceful, bytes_below)
