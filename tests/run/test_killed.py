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
    "days": 0.625,
    "sample_every": "30 min",
    "prepare": {"days": 0.25},
    "tumour.cells": 100,
    "tissue.vessels": "50 /mm^2",
}
SAMPLES = 31
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


def samples(out: Path) -> int:
    """Samples that are committed."""
    return len(open_run(out).times)


def kill(
    file: Path, out: Path, after: int, delay: float, by: signal.Signals = signal.SIGKILL
) -> int:
    """Send a run a signal some seconds after it has so many samples; how the process ended."""
    process = start(file, out)
    deadline = time.monotonic() + PATIENCE
    while (
        not (holds_run(out) and samples(out) >= after)
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(by)
    _, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors
    assert open_run(out).status in ("running", "interrupted")
    return process.returncode


def results(out: Path, bytes_below: Bytes) -> dict[str, bytes]:
    """Table, cells, fields and the last states, byte for byte.

    Checkpoints go by their order: one more is written, and numbered, when a run is interrupted.
    """
    found = bytes_below(out / "run.zarr") | {"table.csv": (out / "table.csv").read_bytes()}
    serials = sorted(int(path.name) for path in (out / "run.zarr/checkpoints").glob("[0-9]*"))
    for place, serial in enumerate(serials):
        for name in [name for name in found if name.startswith(f"checkpoints/{serial}/")]:
            found[name.replace(f"/{serial}/", f"/last but {len(serials) - 1 - place}/")] = (
                found.pop(name)
            )
    del found["commit.json"]  # holds those numbers
    return found


@pytest.fixture(scope="module")
def file(hasty: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("killed") / "hasty.yaml"
    path.write_text(hasty(SHORT, DRUG).to_yaml(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(file: Path) -> Path:
    """A run that nobody disturbed."""
    out = file.parent / "whole"
    finish(file, out)
    run = open_run(out)
    assert len(run.times) == SAMPLES
    assert run.table["plasma.paclitaxel"].max() > 0.0
    return out


def test_a_run_stopped_again_and_again_ends_as_one_left_in_peace(
    file: Path, whole: Path, tmp_path: Path, bytes_below: Bytes
) -> None:
    out, dice = tmp_path / "out", random.Random(5)
    for after, by, code in (
        (0, signal.SIGKILL, -signal.SIGKILL),
        (8, signal.SIGINT, 130),
        (16, signal.SIGKILL, -signal.SIGKILL),
    ):
        assert kill(file, out, after, dice.uniform(0.0, 0.5), by) == code
    finish(file, out)
    assert results(out, bytes_below) == results(whole, bytes_below)


def test_a_run_without_room_stops_in_words_and_goes_on_when_there_is(
    file: Path, whole: Path, tmp_path: Path, bytes_below: Bytes
) -> None:
    """The system's own limit on files, so low that the last checkpoint does not fit."""
    last = max(len(data) for data in bytes_below(whole / "run.zarr" / "checkpoints").values())
    # The head of the store, written at the start, may be larger than any checkpoint.
    kill(file, tmp_path / "out", 2, 0.0, signal.SIGKILL)
    process = start(file, tmp_path / "out", largest=last - 1)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, errors
    assert errors.startswith("error: There is no room left to write the run")
    assert "where: " in errors
    assert "resume" in errors
    assert samples(tmp_path / "out") >= 1
    assert open_run(tmp_path / "out").status != "done"
    finish(file, tmp_path / "out")
    assert results(tmp_path / "out", bytes_below) == results(whole, bytes_below)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_killed_at_a_random_moment_a_run_ends_as_one_left_in_peace(
    number: int, file: Path, whole: Path, tmp_path: Path, bytes_below: Bytes
) -> None:
    """While it prepares, and after each of the first nineteen samples, with a random delay."""
    out, delay = tmp_path / "out", random.Random(number).uniform(0.0, 0.5)
    assert kill(file, out, number, delay) == -signal.SIGKILL
    print(f"killed after sample {samples(out)} of {SAMPLES}, {delay:.2f} s later")
    finish(file, out)
    assert results(out, bytes_below) == results(whole, bytes_below)
