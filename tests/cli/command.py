"""The command line in a process of its own, as a user meets it."""

import subprocess
import sys
from pathlib import Path


def stemniche(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``stemniche`` with these arguments in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "stemniche.cli.main", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
