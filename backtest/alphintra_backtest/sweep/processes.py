"""Processes of this machine: each is told one variant at a time, so that who dies is known by name."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alphintra_backtest.sweep.executors import Pulse, awaited
from alphintra_backtest.sweep.variant import Variant
from alphintra_backtest.sweep.work import Job, Task, packed

#: Variants of ``signals`` that a process is told together: they share their indicators.
MOST_SIGNALS = 32


class Processes:
    """As many processes as workers, started when there is work for them; each reads the job once."""

    def __init__(self, job: Job, workers: int) -> None:
        content = packed(job)
        self._folder = tempfile.TemporaryDirectory(prefix="alphintra-sweep-")
        self._file = Path(self._folder.name) / "job"
        self._file.write_bytes(content)
        self._most = workers
        self._together = MOST_SIGNALS if job.compiled else 1
        self._free: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []

    def run(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        """Run variants; the first that fails or dies ends it, after what else has finished was handed over."""
        size = max(1, min(self._together, -(-len(tasks) // (4 * self._most))))
        chunks = deque(list(tasks[i : i + size]) for i in range(0, len(tasks), size))
        finished: queue.SimpleQueue[Variant | BaseException] = queue.SimpleQueue()
        threads = []
        for _ in range(min(self._most, len(chunks))):
            process = self._free.pop() if self._free else self._started()
            thread = threading.Thread(target=self._drive, args=(process, chunks, finished), daemon=True)
            thread.start()
            threads.append(thread)
        for found in awaited(finished, len(tasks), pulse):
            if isinstance(found, BaseException):
                yield from self._rest(finished)
                raise found
            yield found
        for thread in threads:
            thread.join()

    def _rest(self, finished: queue.SimpleQueue[Variant | BaseException]) -> Iterator[Variant]:
        """What is finished already."""
        with contextlib.suppress(queue.Empty):
            while True:
                found = finished.get_nowait()
                if isinstance(found, Variant):
                    yield found

    def _started(self) -> subprocess.Popen[bytes]:
        # By its own command, not by multiprocessing: that would run the trader's script again in each process.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-m", "alphintra_backtest.sweep.worker", str(self._file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._all.append(process)
        return process

    def _drive(
        self,
        process: subprocess.Popen[bytes],
        chunks: deque[list[Task]],
        finished: queue.SimpleQueue[Variant | BaseException],
    ) -> None:
        """Feed one process until there is no more."""
        assert process.stdin is not None and process.stdout is not None
        while True:
            try:
                chunk = chunks.popleft()
            except IndexError:
                self._free.append(process)
                return
            left = deque(chunk)
            try:
                process.stdin.write(pickle.dumps(chunk))
                process.stdin.flush()
                while True:
                    word, thing = pickle.load(process.stdout)
                    if word == "done":
                        break
                    if word != "variant":
                        raise thing if word == "error" else _failed(thing)
                    left.popleft()
                    finished.put(thing)
            except (EOFError, OSError, pickle.UnpicklingError):
                finished.put(_died(process, left))
                return
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asked for the work
                finished.put(error)
                return

    def close(self) -> None:
        """End all processes."""
        for process in self._all:
            process.kill()
        for process in self._all:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()
        self._all.clear()
        self._folder.cleanup()


def _failed(trace: str) -> BaseException:
    from alphintra.errors import ExecutorError

    last = trace.strip().splitlines()[-1]
    return ExecutorError(f"a worker failed: {last}\n{trace}", code="WORKER_FAILED")


def _died(process: subprocess.Popen[bytes], left: Sequence[Task]) -> BaseException:
    """The error of a process that is gone: which variant it ran, and how it ended."""
    from alphintra.errors import ExecutorError

    status = process.wait()
    how = f"ended with status {status}"
    hint = "run this variant alone with al.backtest to see why"
    if status < 0:
        try:
            how = f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            how = f"was killed by signal {-status}"
        if -status == signal.SIGKILL:
            hint = "the system ends processes that need too much memory: use fewer workers, or less data"
    return ExecutorError(
        f"the process that ran {named(left)} {how}", code="WORKER_DIED", hint=hint, where="executor"
    )


def named(left: Sequence[Task]) -> str:
    """Name the variants that were not finished by the first of them."""
    if not left:
        return "no variant"
    number, params = left[0]
    values: dict[str, Any] = params
    what = f"trial {number} ({', '.join(f'{name}={value!r}' for name, value in values.items())})"
    return what if len(left) == 1 else f"{what} or one of the {len(left) - 1} after it"
