"""Carries out independent tasks on worker processes, and never loses one.

`arms` hands it tasks by name and gets a result or a `Failure` for each. It is written against
``concurrent.futures.Executor``: a pool of spawned processes by default, any other executor on
request, and with one worker the tasks run here, one after another. What tasks do is not known here.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

from stemniche.core.errors import InputError, StemnicheError
from stemniche.run.allowance import processors

Key = TypeVar("Key")
Result = TypeVar("Result")
Tell = Callable[[float], None]

THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip
LOST = "its worker process died, killed or out of memory"
MOST_WORKERS = 256
ALONE = 2
"""Times that a task which was lost with its worker is tried without company."""


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no result.

    Args:
        reason: In one line.
        lost: Whether the worker died, so that the task itself may be innocent.
        final: Whether trying again is of no use, as with wrong input.
    """

    reason: str
    lost: bool = False
    final: bool = False

    @classmethod
    def of(cls, fault: BaseException) -> "Failure":
        """The failure that an exception stands for."""
        if isinstance(fault, BrokenExecutor):
            return cls(LOST, lost=True)
        if isinstance(fault, StemnicheError):
            reason = f"{fault.what} ({fault.where})"
        else:
            reason = f"{type(fault).__name__}: {fault}"
        return cls(" ".join(reason.split())[:400], final=isinstance(fault, InputError))


@final
class InlineExecutor(Executor):
    """Runs each task at once in the calling process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run `fn` and return its finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as fault:
            future.set_exception(fault)
        return future


@final
class Runner:
    """Runs tasks by name; use it in a ``with`` block.

    Args:
        workers: Processes; None for what this process may use, 1 to work here.
        executor: Where to work instead; it is not shut down.
        warm: Done here once before processes are started, such as compiling what they will load.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        executor: Executor | None = None,
        warm: Callable[[], object] | None = None,
    ) -> None:
        if workers is not None and not 1 <= workers <= MOST_WORKERS:
            what = f"{workers} workers cannot be started."
            raise InputError(what, "workers", f"Give 1 to {MOST_WORKERS}.")
        self.workers = min(processors(), MOST_WORKERS) if workers is None else workers
        self._given = executor
        self._warm = warm
        self._pool: Executor | None = None

    def __enter__(self) -> "Runner":
        """Nothing is started before the first task."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Let go of processes; what is queued is dropped, and after a fault what is running too."""
        if isinstance(self._pool, ProcessPoolExecutor) and fault[0] is not None:
            for process in list(self._pool._processes.values()):
                process.terminate()
        self._close()

    def run(
        self, tasks: Mapping[Key, Callable[[], Result]], tell: Tell
    ) -> dict[Key, Result | Failure]:
        """Do all tasks; those that fail are tried once more, elsewhere.

        A task that was lost with its worker is tried again in a new pool, and if that dies too,
        alone, twice: others may have ended its pool before it began. Then only a task that kills
        its worker is left without a result.

        Args:
            tasks: Functions that can be pickled, by name.
            tell: Called with the share that is done.
        """
        done = _Progress[Key, Result](len(tasks), tell)
        self._attempt(tasks, done)
        again = {key: tasks[key] for key, why in done.failures.items() if not why.final}
        if again:
            self._attempt(again, done)
        for _ in range(ALONE):
            for key in [key for key, why in done.failures.items() if why.lost]:
                self._attempt({key: tasks[key]}, done, alone=True)
        return {
            key: done.results[key] if key in done.results else done.failures[key] for key in tasks
        }

    def _attempt(
        self,
        tasks: Mapping[Key, Callable[[], Result]],
        done: "_Progress[Key, Result]",
        alone: bool = False,
    ) -> None:
        if not tasks:
            return
        pool = self._open(alone)
        futures: dict[Future[Result], Key] = {}
        for key, task in tasks.items():
            try:
                futures[pool.submit(task)] = key
            except BrokenExecutor as fault:
                done.fail(key, Failure.of(fault))
        for future in as_completed(futures):
            why = future.exception()
            if why is None:
                done.succeed(futures[future], future.result())
            elif isinstance(why, Exception):
                done.fail(futures[future], Failure.of(why))
            else:
                raise why
        if alone or any(why.lost for why in done.failures.values()):
            self._close()

    def _open(self, alone: bool) -> Executor:
        """The executor to work with, started if need be."""
        if self._given is not None:
            return self._given
        if self._pool is None:
            self._pool = InlineExecutor() if self.workers == 1 else self._processes(alone)
        return self._pool

    def _processes(self, alone: bool) -> Executor:
        """A pool of spawned processes; where none can be started, work is done here."""
        from multiprocessing import get_context

        if self._warm is not None:
            self._warm()
            self._warm = None
        pool: Executor | None = None
        try:
            pool = ProcessPoolExecutor(
                1 if alone else self.workers, get_context("spawn"), _start_worker
            )
            pool.submit(os.getpid).result()
        except (OSError, BrokenExecutor, NotImplementedError):
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)
            return InlineExecutor()
        return pool

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


class _Progress(Generic[Key, Result]):
    """What came of the tasks so far."""

    def __init__(self, total: int, tell: Tell) -> None:
        self.total, self.tell = total, tell
        self.results: dict[Key, Result] = {}
        self.failures: dict[Key, Failure] = {}

    def succeed(self, key: Key, result: Result) -> None:
        self.failures.pop(key, None)
        self.results[key] = result
        self.tell(len(self.results) / self.total)

    def fail(self, key: Key, why: Failure) -> None:
        self.failures[key] = why


def _start_worker() -> None:
    """Keep a worker to one thread, before any library is imported that starts more.

    A worker whose parent was killed would wait for work for ever; so it watches its parent.
    """
    from multiprocessing import parent_process
    from threading import Thread

    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when the process of `sentinel` has ended."""
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)
