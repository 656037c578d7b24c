"""Workers that wait for a job, started ahead and used once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
from alphintra_kernel.priority import BACKGROUND, IDLE

from .launcher import JobLimits, Launcher
from .protocol import Ready, clean
from .worker_home import sweep_dead_servers
from .worker_process import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

_READY_SECONDS = 600.0
"""Nobody waits for it yet, and where the processors are wanted it gets next to nothing of them."""
_SETTLED_SECONDS = 60.0
_LOOK_SECONDS = 2.0
_LONGEST_PAUSE = 300.0
_PROVEN_SECONDS = 60.0
_WORKER_BYTES = 400 << 20
"""What a waiting worker may take: the libraries, the compiled engine and its private copy of the cache."""
_SPARED_BYTES = 1 << 30
"""What stays free beside it, for the notebooks and the jobs that run."""


class Pool:
    """Keeps workers ready: sandboxed, with the libraries loaded, without any job's data.

    Each takes one job and is ended after it, so nothing of a job reaches the next. New ones are started one at a
    time and at the lowest priority; where a priority could not be raised again, only while a core is idle. None is
    started while memory is short.

    Args:
        launcher: Starts workers, and asks this pool first from :meth:`start` to :meth:`stop`.
        size: How many wait; 0 for none.
        log: Where oddities go.
    """

    def __init__(self, launcher: Launcher, size: int, log: logging.Logger) -> None:
        self._launcher = launcher
        self._size = size
        self._log = log
        self._waiting: list[_Waiting] = []
        self._taken = 0
        self._failures = 0
        self._pause_until = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._raisable = launcher.sandbox.can_raise
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def boot(self) -> str:
        """What the markers of this server's workers begin with."""
        return self._launcher.home.boot

    @property
    def warm(self) -> int:
        """How many workers have all loaded and wait."""
        return sum(item.worker.warm for item in self._waiting)

    async def start(self) -> None:
        """End what dead servers left on this machine, then begin to fill."""
        root = self._launcher.home.root
        killed = await asyncio.to_thread(sweep_dead_servers, root)
        if killed:
            self._log.warning("Ended %s processes that an earlier server had left", killed)
        self._launcher.pool = self
        if self._size > 0:
            self._task = asyncio.create_task(self._fill(), name="alphintra-pool")

    async def stop(self) -> None:
        """End all that wait. What cannot be ended is told in the log: whatever else is to be stopped still is."""
        self._launcher.pool = None
        if self._task is not None:
            await _over(self._task)
            self._task = None
        waiting, self._waiting = self._waiting, []
        ends = await asyncio.gather(*(item.discard() for item in waiting), return_exceptions=True)
        ends += await asyncio.gather(asyncio.to_thread(self._launcher.home.close), return_exceptions=True)
        for error in ends:
            if isinstance(error, Exception):
                self._log.warning("A worker of the pool could not be ended as it should be: %s", error)

    async def take(self, limits: JobLimits) -> Worker:
        """Return a worker for one job: the one that is furthest, else a new one.

        Args:
            limits: What the job may use. Waiting workers have the launcher's own limits: another memory or disk
                bound, or more time, gets a new one.

        Raises:
            OSError: A new one's folder could not be made.
            SandboxError: A new one could not be started.
        """
        usable = [item for item in self._waiting if item.worker.process.outcome is None]
        if usable and self._fits(limits):
            # The first started are the furthest among equals.
            found = max(usable, key=lambda item: (item.worker.warm, item.worker.ready))
            self._waiting.remove(found)
            if found.worker.ready:
                self._failures = 0
            await found.leave()
            worker = found.worker
            await found.raise_priority()
        else:
            worker = await self._launcher.start(limits)
        self._count(worker)
        return worker

    def _fits(self, limits: JobLimits) -> bool:
        own = self._launcher.limits
        same = (limits.memory_bytes, limits.disk_bytes) == (own.memory_bytes, own.disk_bytes)
        return same and limits.wall_seconds <= own.wall_seconds

    def _count(self, worker: Worker) -> None:
        """Know how many jobs run."""

        def over() -> None:
            self._taken -= 1
            self._wake.set()

        self._taken += 1
        worker.on_end = over
        self._wake.set()

    async def _fill(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:  # noqa: BLE001  the pool must go on, whatever it is
                self._log.exception("The pool met an error; it goes on in %g s", _LOOK_SECONDS)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        """Replace what died; start one, or wait until there may be something to do."""
        self._wake.clear()
        for item in list(self._waiting):
            # Others are taken while this waits for the end of one.
            if item in self._waiting and item.task.done():
                await self._lose(item)
        if await self._may_start():
            await self._start_one()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._wake.wait()

    async def _may_start(self) -> bool:
        if len(self._waiting) >= self._size or time.monotonic() < self._pause_until:
            return False
        starting = sum(not item.worker.warm for item in self._waiting if not item.settled)
        if starting >= 1 or (not self._raisable and self._taken + starting >= self._cores):
            return False
        return await asyncio.to_thread(memory_left) >= _WORKER_BYTES + _SPARED_BYTES

    async def _start_one(self) -> None:
        try:
            worker = await self._launcher.start(self._launcher.limits, IDLE if self._raisable else BACKGROUND)
        except Exception as error:  # noqa: BLE001  the pool must go on: jobs start without it, and say what is wrong
            self._failed(str(error))
            return
        self._waiting.append(_Waiting(worker, self._wake.set, lowered=self._raisable))

    async def _lose(self, item: _Waiting) -> None:
        """Take note of a worker that died, or spoke nonsense, while it waited."""
        self._waiting.remove(item)
        if time.monotonic() - item.since >= _PROVEN_SECONDS:
            self._failures = 0
        try:
            await item.discard()
        except asyncio.CancelledError:
            self._waiting.append(item)  # stop() ends it
            raise
        tail = clean(item.worker.process.stderr_tail())[-500:]  # its last words may come after its end is seen
        self._failed(tail or f"it ended ({item.worker.process.outcome}, exit code {item.worker.process.poll()})")

    def _failed(self, why: str) -> None:
        # An environment that is broken must not keep a core busy with trying.
        self._failures += 1
        pause = min(2.0 ** (self._failures - 1), _LONGEST_PAUSE)
        self._pause_until = time.monotonic() + pause
        self._log.warning("A worker of the pool was lost; the next one starts in %g s: %s", pause, why)


class _Waiting:
    """A worker that waits, and the task that listens to it meanwhile."""

    def __init__(self, worker: Worker, changed: Callable[[], None], *, lowered: bool) -> None:
        self.worker = worker
        self._lowered = lowered
        self.since = time.monotonic()
        self._changed = changed
        self.task = asyncio.create_task(self._listen())
        self.task.add_done_callback(lambda _task: changed())

    @property
    def settled(self) -> bool:
        """Whether its start takes no more of a core: all is loaded, or it loads nothing."""
        return self.worker.warm or (self.worker.ready and time.monotonic() - self.since > _SETTLED_SECONDS)

    async def _listen(self) -> None:
        """Listen until it dies or says what a waiting worker does not say."""
        while True:
            limit = None if self.worker.ready else self.since + _READY_SECONDS - time.monotonic()
            try:
                async with asyncio.timeout(limit):
                    message = await self.worker.hear()
            except Exception:  # noqa: BLE001  a worker that is not as it should be is discarded, whatever it is
                return
            if message is None or not (self.worker.warm or isinstance(message, Ready)):
                return
            if self.worker.warm:
                await self.raise_priority()  # it waits from now on, and must lose no time when it is taken
            self._changed()

    async def raise_priority(self) -> None:
        """Give it the priority of a job."""
        if self._lowered:
            await asyncio.to_thread(self.worker.process.prefer, BACKGROUND)
            self._lowered = False  # not before: whoever takes the worker meanwhile cancels this, and asks once more

    async def leave(self) -> None:
        """Stop listening: somebody else does from now on."""
        await _over(self.task)

    async def discard(self) -> None:
        """End it and remove what is left of it."""
        await self.leave()
        await self.worker.end()
        await self.worker.remove()


async def _over(task: asyncio.Task[None]) -> None:
    """End a task, however it ends. A cancellation of whoever waits is not taken for the task's."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def memory_left() -> int:
    """Return the bytes that may still be used on this machine, and in the container around this process."""
    left = int(psutil.virtual_memory().available)
    for folder, limit, used, cached in _CGROUPS:
        with contextlib.suppress(OSError, ValueError, IndexError):  # no such file, or "max": no such limit
            bound, taken = (int((folder / name).read_text()) for name in (limit, used))
            # Files that the system merely keeps at hand go when memory is needed.
            kept = int((folder / "memory.stat").read_text().split(f"{cached} ")[1].split()[0])
            left = min(left, bound - taken + kept)
    return left


_CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "\ninactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "\ntotal_inactive_file"),
)
