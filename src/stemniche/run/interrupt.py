"""Ctrl-C and SIGTERM, held back until a tick is complete so that what is kept can be resumed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def between_ticks() -> Iterator[Callable[[], bool]]:
    """A function that tells whether somebody asked to stop; a second request stops at once.

    Outside the main thread, where signals cannot be caught, it always says no.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    caught = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, remember) for number in caught}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
