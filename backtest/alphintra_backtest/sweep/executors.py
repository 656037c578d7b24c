"""Where variants run: here one after the other, in threads, in processes, on a cluster; always with equal results."""

from __future__ import annotations

import contextlib
import difflib
import math
import os
import queue
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from alphintra_backtest.sweep.variant import Variant
from alphintra_backtest.sweep.work import Job, Task, run_chunk, run_one, signals_batch

T = TypeVar("T")
#: Called again and again while work goes on; what it raises ends it.
Pulse = Callable[[], None]

NAMES = ("auto", "serial", "threads", "processes")
DASK = re.compile(r"dask://(?P<address>[^/\s:@]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})/?")
#: Seconds between two pulses.
PULSE = 0.2
#: Seconds that a batch of signals should take: short enough to be cancelled, long enough to share its indicators.
BATCH = 1.0
#: ``auto`` starts processes where what is left would take more seconds than they need to start, and some.
WORTH_PROCESSES = 6.0
_TRIED = 0.5


class Executor(Protocol):
    """A place where variants run."""

    def run(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        """Run variants and hand each over when it is finished, in any order."""
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


def check(executor: str, *, local: bool = False) -> str:
    """Return an executor's name if there is such a one.

    Args:
        executor: ``auto``, ``serial``, ``threads``, ``processes`` or ``dask://HOST:PORT``.
        local: Whether only this machine may be used, as in a job of the server.

    Raises:
        ExecutorError: There is none of this name (``UNKNOWN_EXECUTOR``), or it is not allowed
            (``EXECUTOR_NOT_ALLOWED``).
    """
    from alphintra.errors import ExecutorError

    remote = isinstance(executor, str) and executor.startswith("dask://")
    if remote and local:
        raise ExecutorError(
            f"{executor!r} is not for jobs of the server",
            code="EXECUTOR_NOT_ALLOWED",
            where="executor",
            hint="use it from your own notebook or terminal, or leave executor out",
        )
    if executor in NAMES or (remote and (found := DASK.fullmatch(executor)) and 0 < int(found["port"]) < 65536):
        return executor
    near = difflib.get_close_matches(str(executor), NAMES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(NAMES)} and dask://HOST:PORT"
    raise ExecutorError(f"no executor {executor!r}", code="UNKNOWN_EXECUTOR", where="executor", hint=hint)


def check_workers(workers: int | None) -> int:
    """Return how many threads or processes: as many as this process may use cores, where None.

    Raises:
        ExecutorError: It is no whole number from 1 to 1,000.
    """
    from alphintra.errors import ExecutorError

    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 1_000:
        raise ExecutorError(
            f"workers must be a whole number from 1 to 1,000, got {workers!r}", code="BAD_WORKERS", where="workers"
        )
    return workers


@contextlib.contextmanager
def opened(job: Job, executor: str = "auto", workers: int | None = None) -> Iterator[Executor]:
    """Open an executor for a job; what still runs at the end is ended.

    Raises:
        ExecutorError: There is none of this name, or it cannot be reached.
    """
    pool = _made(job, check(executor), check_workers(workers))
    try:
        yield pool
    finally:
        pool.close()


def _made(job: Job, executor: str, workers: int) -> Executor:
    if executor == "serial":
        return Serial(job)
    if executor == "threads" or (executor == "auto" and job.compiled):
        return Threads(job, workers)
    if executor == "processes":
        from alphintra_backtest.sweep.processes import Processes

        return Processes(job, workers)
    if executor == "auto":
        return Auto(job, workers)
    from alphintra_backtest.sweep.cluster import Cluster

    return Cluster(job, executor)


class Serial:
    """One after the other, in this thread."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def run(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        """Run variants in their order."""
        for task in tasks:
            pulse()
            yield from run_chunk(self._job, [task])

    def close(self) -> None:
        """Do nothing: nothing runs."""


class Threads:
    """Threads: for ``signals``, whose runs leave the interpreter to each other."""

    def __init__(self, job: Job, workers: int) -> None:
        self._job, self._workers = job, workers

    def run(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        """Run variants: of ``signals`` in batches, else each in a thread."""
        return self._batches(tasks, pulse) if self._job.compiled else self._each(tasks, pulse)

    def _batches(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        size, first = 16 * self._workers, 0
        while first < len(tasks):
            pulse()
            began = time.perf_counter()
            batch = tasks[first : first + size]
            yield from signals_batch(self._job, batch, self._workers)
            first += len(batch)
            seconds = max(time.perf_counter() - began, 1e-6)
            size = max(self._workers, min(8 * size, int(len(batch) * BATCH / seconds)))

    def _each(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        job, finished = self._job, queue.SimpleQueue[Future[Variant]]()
        pool = ThreadPoolExecutor(max(1, min(self._workers, len(tasks))))
        try:
            for task in tasks:
                pool.submit(run_one, job, task).add_done_callback(finished.put)
            yield from (future.result() for future in awaited(finished, len(tasks), pulse))
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Do nothing: threads end with the work they were given."""


class Auto:
    """For ``on_bar``: here, and in processes once it shows that they are worth their start."""

    def __init__(self, job: Job, workers: int) -> None:
        self._job, self._workers = job, workers
        self._pool: Executor | None = None
        self._ran, self._seconds, self._shortest = 0, 0.0, math.inf

    def run(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        """Run variants."""
        for at, task in enumerate(tasks):
            if self._pool is not None or self._worth(len(tasks) - at):
                yield from self._processes().run(tasks[at:], pulse)
                return
            pulse()
            began = time.perf_counter()
            yield from run_chunk(self._job, [task])
            seconds = time.perf_counter() - began
            self._ran += 1
            self._seconds += seconds
            self._shortest = min(self._shortest, seconds)

    def _worth(self, left: int) -> bool:
        # The first run pays for imports: it says nothing about those that come.
        if self._workers == 1 or left < 2 or self._ran < 2 or self._seconds < _TRIED:
            return False
        return self._shortest * left > WORTH_PROCESSES

    def _processes(self) -> Executor:
        from alphintra.errors import ExecutorError

        from alphintra_backtest.sweep.processes import Processes

        if self._pool is None:
            try:
                self._pool = Processes(self._job, self._workers)
            except ExecutorError as error:
                if error.code != "NOT_SENDABLE":
                    raise
                self._pool = Serial(self._job)
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()


def awaited(finished: queue.SimpleQueue[T], count: int, pulse: Pulse) -> Iterator[T]:
    """Hand over ``count`` things as they come, with a pulse while nothing does."""
    while count:
        pulse()
        with contextlib.suppress(queue.Empty):
            yield finished.get(timeout=PULSE)
            count -= 1
