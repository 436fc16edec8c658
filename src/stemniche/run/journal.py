"""What a run says while it runs: to whoever listens to the logger ``stemniche``, and to run.log.

`simulate` and `simulate_to` speak through `LOG`; the command line listens. Nothing said here is a
result: what belongs to a run for good is noted in its store.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOG = logging.getLogger("stemniche")
LOG.addHandler(logging.NullHandler())

FILE = "run.log"


class _Journal(logging.FileHandler):
    """A log file that is worth no failure: where it cannot be written, the run goes on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing; a full disk is told by the store."""


@contextmanager
def journal(folder: Path) -> Iterator[None]:
    """Keep what is said meanwhile in the folder's run.log, after what stands there."""
    handler = _Journal(folder / FILE, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.INFO)
    level = LOG.level
    LOG.setLevel(logging.INFO)
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(level)
        handler.close()
