"""Entry point: runs the commands and turns what goes wrong into messages and exit codes.

0 done, 2 wrong input, 3 stopped by a guard or a failed verdict, 130 interrupted, 1 a fault of ours.
"""

import signal
import sys
from types import FrameType

from stemniche.cli.commands import app
from stemniche.core.errors import StemnicheError

INTERRUPTED = 130


def _terminate(number: int, frame: FrameType | None) -> None:
    """Treat SIGTERM like Ctrl-C; while ticks run, `run.interrupt` catches both."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = app(standalone_mode=False)
    except StemnicheError as fault:
        sys.stderr.write(f"error: {fault}\n")
        sys.exit(fault.exit_code)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit:
        raise
    except Exception as fault:
        _usage(fault)
        raise
    if code == INTERRUPTED:
        sys.stderr.write(
            "interrupted; what was written is kept: go on with --resume or the same --records\n"
        )
    sys.exit(code if isinstance(code, int) else 0)


def _usage(fault: Exception) -> None:
    """Print a usage error as the parser words it and leave with code 2."""
    show = getattr(fault, "show", None)
    if show is not None:
        show()
        sys.exit(getattr(fault, "exit_code", 2))
    if type(fault).__name__ in ("Exit", "Abort"):
        sys.exit(getattr(fault, "exit_code", 1))


if __name__ == "__main__":
    main()
