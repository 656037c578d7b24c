"""A Dask cluster of the trader's own: the job is sent once to each worker, variants in small lists."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from alphintra_backtest.sweep.executors import DASK, Pulse, awaited
from alphintra_backtest.sweep.processes import named
from alphintra_backtest.sweep.variant import Variant
from alphintra_backtest.sweep.work import Job, Task, packed, run_chunk, unpacked

#: Seconds until a scheduler must have answered.
REACH = 10
#: Variants that are sent together.
MOST = {True: 32, False: 8}

_JOBS: dict[str, Job] = {}
_LOCK = threading.Lock()


def run_sent(name: str, content: bytes, tasks: list[Task]) -> list[Variant]:
    """Run variants on a worker, which unpacks a job once."""
    with _LOCK:
        job = _JOBS.get(name)
        if job is None:
            _JOBS.clear()
            job = _JOBS[name] = unpacked(content)
    return list(run_chunk(job, tasks))


class Cluster:
    """A scheduler at ``dask://HOST:PORT``."""

    def __init__(self, job: Job, executor: str) -> None:
        from alphintra.errors import ExecutorError

        try:
            import distributed
        except ImportError as error:
            raise ExecutorError(
                "Dask is not installed",
                code="MISSING_PACKAGE",
                where="executor",
                hint="pip install 'alphintra[dask]', or use executor=\"processes\"",
            ) from error
        found = DASK.fullmatch(executor)
        assert found is not None
        self._executor, self._compiled = executor, job.compiled
        content = packed(job)
        self._name = hashlib.sha256(content).hexdigest()
        try:
            # Dask itself would try a closed port again and again.
            socket.create_connection((found["address"].strip("[]"), int(found["port"])), timeout=REACH).close()
            self._client: Any = distributed.Client(
                f"tcp://{found['address']}:{found['port']}", timeout=REACH, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError) as error:
            raise ExecutorError(
                f"no Dask scheduler answers at {executor}: {error}",
                code="EXECUTOR_UNREACHABLE",
                where="executor",
                hint="start one with `dask scheduler` and `dask worker`, or use executor=\"processes\"",
            ) from error
        try:
            self._same_version()
            self._content = self._client.scatter([content], broadcast=True, hash=False)[0]
        except BaseException:
            self.close()
            raise

    def _same_version(self) -> None:
        """Equal results need the same engine on each worker."""
        from alphintra.errors import ExecutorError

        try:
            self._client.wait_for_workers(1, timeout=REACH)
        except TimeoutError as error:
            raise ExecutorError(
                f"the Dask scheduler at {self._executor} has no workers",
                code="EXECUTOR_UNREACHABLE",
                where="executor",
                hint="start one with `dask worker HOST:PORT`",
            ) from error
        from alphintra import __version__

        for worker, found in self._client.run(version, on_error="return").items():
            if found != __version__:
                has = f"has Alphintra {found}" if isinstance(found, str) else f"cannot run Alphintra ({found})"
                raise ExecutorError(
                    f"the Dask worker {worker} {has}, here is {__version__}",
                    code="EXECUTOR_DIFFERS",
                    where="executor",
                    hint="install the same version there",
                )

    def run(self, tasks: Sequence[Task], pulse: Pulse) -> Iterator[Variant]:
        """Run variants; a scheduler or worker that goes away ends it, after what has finished was handed over."""
        workers = max(1, sum(self._client.nthreads().values()))
        size = max(1, min(MOST[self._compiled], -(-len(tasks) // (4 * workers))))
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        sent: dict[Any, list[Task]] = {}
        for i in range(0, len(tasks), size):
            chunk = list(tasks[i : i + size])
            future = self._client.submit(run_sent, self._name, self._content, chunk, pure=False)
            sent[future.key] = chunk
            future.add_done_callback(finished.put)
        for future in awaited(finished, len(sent), pulse):
            found = self._found(future, sent)
            if isinstance(found, BaseException):
                with contextlib.suppress(queue.Empty):
                    while True:  # what has finished at the same time
                        other = self._found(finished.get_nowait(), sent)
                        yield from other if isinstance(other, list) else ()
                raise found
            yield from found

    def _found(self, future: Any, sent: dict[Any, list[Task]]) -> list[Variant] | BaseException:
        """What came of a list of variants, or why nothing did."""
        if future.status == "finished" and self._client.status == "running":
            with contextlib.suppress(Exception):  # a result that is gone with its worker is as lost as the others
                done: list[Variant] = future.result(timeout=REACH)
                return done
        return self._reason(future, sent[future.key])

    def _reason(self, future: Any, tasks: list[Task]) -> BaseException:
        from alphintra.errors import AlphintraError, ExecutorError
        from distributed import KilledWorker

        error: BaseException | None = None
        if future.status == "error":
            error = future.exception(timeout=REACH)
        if isinstance(error, AlphintraError):
            return error
        if isinstance(error, KilledWorker):
            return ExecutorError(
                f"the Dask workers that ran {named(tasks)} died", code="WORKER_DIED", where="executor",
                hint="run this variant alone with al.backtest to see why",
            )  # fmt: skip
        if error is not None:
            return ExecutorError(f"a Dask worker failed: {type(error).__name__}: {error}", code="WORKER_FAILED")
        return ExecutorError(
            f"the Dask scheduler at {self._executor} went away", where="executor",
            hint="start it again and resume the sweep",
        )  # fmt: skip

    def close(self) -> None:
        """Leave the cluster, which drops what it has not run yet."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=2)


def version() -> str:
    """Return the version of Alphintra that a worker has."""
    from alphintra import __version__

    return __version__
