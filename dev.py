"""Set stemniche up in ``.venv`` and run one job: ``python3 dev.py demo`` or ``... test``.

Needs Python 3.11 or newer with pip, nothing else. The virtual environment lives in this folder and
is made again when ``pyproject.toml`` changes.
"""

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
DEMO = ["run", "breast", "--days", "14", "--treat", "drug paclitaxel 80 mg/m^2 every 7 d from 7 d"]
CHECKS = (
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types", ["mypy"]),
    ("layers", ["lint-imports"]),
    ("kernels", ["stemniche", "warmup"]),
    ("tests", ["pytest", "-q", "-m", "not slow", "-n", "2"]),
)


def call(*command: str) -> None:
    """Run a command in this folder; stop with its code if it fails."""
    code = subprocess.run(command, cwd=HERE, check=False).returncode
    if code:
        sys.exit(code)


def install() -> None:
    """Make the virtual environment unless it is there and up to date."""
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes()).hexdigest()
    stamp = ENVIRONMENT / "stemniche-installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    venv.EnvBuilder(with_pip=True, upgrade_deps=False).create(ENVIRONMENT)
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call(*pip, "--upgrade", "pip>=25.1")
    call(*pip, "--editable", ".", "--group", "dev")
    stamp.write_text(wanted)
    sys.stdout.write(f"installed in {time.monotonic() - started:.0f} s\n")


def main() -> None:
    """Install, then run what was asked for."""
    jobs = ("demo", "test")
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("stemniche needs Python 3.11 or newer: run this file with such a python3.")
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(f"usage: python3 dev.py {'|'.join(jobs)}")
    install()
    started = time.monotonic()
    if sys.argv[1] == "demo":
        call(str(BIN / "stemniche"), "warmup")
        call(str(BIN / "stemniche"), *DEMO)
    else:
        for title, command in CHECKS:
            sys.stdout.write(f"== {title}\n")
            sys.stdout.flush()
            call(str(BIN / command[0]), *command[1:])
    sys.stdout.write(f"{sys.argv[1]} took {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
