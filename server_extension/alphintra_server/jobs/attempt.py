"""One attempt at a job: get a worker, give it the job, listen, judge its output."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alphintra.errors import DataError

from ..errors import Gone, ServiceError, Unavailable
from ..metrics import JOB_START_SECONDS
from ..services.dataset_storage import GONE
from ..waiting import in_waiting
from . import protocol, worker_home
from .bounds_told import with_bound
from .eta import Eta
from .kept_log import KeptLog
from .launcher import JobLimits, Launcher
from .output import BadOutputError, adopt, collect
from .protocol import OutputFile, OutputLimitError, ProtocolError
from .sealed_files import hand
from .store import Claim
from .trader_places import placed
from .worker_home import Link
from .worker_process import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from alphintra_kernel.usage import Usage

    from ..services.dataset_inputs import SealedInput

_log = logging.getLogger(__name__)
_GONE = "What the job was to read was deleted before it began, or its file is lost."
_READY_SECONDS = 120.0  # two seconds of a processor, of which a job gets a tenth where notebooks compute
_PROGRESS_SECONDS = 0.5
_USAGE_SECONDS = 2.0
_OF_FETCHING = ("CACHE_TOO_SMALL", "DAMAGED_FILE", "DISK_FULL")
_CHANNEL_LOST = 3  # the worker's exit code where it could not answer any more


@dataclass
class JobInput:
    """What a worker gets.

    Attributes:
        files: Path below ``in`` → text.
        message: The ``job`` of the run message.
        file_name: How the trader knows the file that the code came from.
        line_map: For a notebook, cell and line of each line of the code.
        collect: Checks and reads what the worker leaves.
        links: Path below ``in`` → a file of the server's that the worker reads.
        more: Which files the worker left beside those that it announced, by what was collected.
        about: What a job that ends in an unexpected way may blame: the strategy's code, the file it reads, the source
            that it fetches from.
        network: Whether its sandbox has a network: of the server's own code only, never of a user's.
        sealed: Versions that are opened for it, and lie in its memory alone.
    """

    files: dict[str, str]
    message: dict[str, Any]
    file_name: str | None = None
    line_map: list[list[int]] | None = None
    collect: Callable[[Path, list[OutputFile]], Any] = collect
    links: Mapping[str, Link] = field(default_factory=dict)
    more: Callable[[Any], Iterable[str]] = lambda _found: ()
    about: Literal["strategy", "file", "source"] = "strategy"
    network: bool = False
    sealed: tuple[SealedInput, ...] = ()


@dataclass
class Finished:
    """It ran; its output is good: what the job's ``collect`` made of it."""

    output: Any


@dataclass
class Failed:
    """It did not."""

    error: dict[str, Any]


@dataclass
class Stopped:
    """Somebody ended it: the user (``cancelled``), a take-over (``fenced``) or the server (``shutdown``)."""

    why: str


Outcome = Finished | Failed | Stopped


@dataclass(eq=False)
class Attempt:
    """A claim at work.

    Args:
        held: The claim.
        launcher: Has workers.
        folder: ``jobs/{id}/{attempt}``, for this attempt alone.
        report: Called with progress, the log so far, the sandbox level and what was used so far; also where nothing
            but the usage is new.
        limits: What the job may use; the launcher's by default.
        interrupt_seconds: How long an interrupted job has to end by itself.
        claimed: When it was claimed, by ``time.monotonic``.

    Attributes:
        log: The last lines of what it printed.
        usage: What it used, as far as it is known.
        first_line_seconds: From the claim to the first line of user code.
    """

    held: Claim
    launcher: Launcher
    folder: Path
    report: Callable[[dict[str, Any], list[str], str, Usage | None], Awaitable[None]]
    limits: JobLimits = None  # type: ignore[assignment]
    interrupt_seconds: float = 2.0
    claimed: float = field(default_factory=time.monotonic)
    log: KeptLog = field(init=False)
    usage: Usage | None = field(default=None, init=False)
    first_line_seconds: float | None = field(default=None, init=False)
    _stop: asyncio.Future[str] | None = field(default=None, init=False)
    _level: str = field(default="", init=False)
    _eta: Eta = field(default_factory=Eta, init=False)
    _said: dict[str, Any] = field(default_factory=dict, init=False)
    _next_progress: float = field(default=0.0, init=False)
    _next_usage: float = field(default=0.0, init=False)
    _interrupted: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.limits = self.limits or self.launcher.limits
        self.log = KeptLog(self.limits.log_bytes)

    def stop(self, why: str) -> None:
        """End the attempt: ``cancelled`` (interrupted, then killed), ``fenced`` or ``shutdown`` (killed)."""
        stop = self._stopping()
        if not stop.done():
            stop.set_result(why)

    async def run(self, job: JobInput) -> Outcome:
        """Run the job to its end; whatever happens, its worker is dead afterwards and its folder gone."""
        self._stopping()
        outcome = await self._try(job)
        early = isinstance(outcome, Failed) and outcome.error["code"] == "WORKER_DIED"
        if early and self.first_line_seconds is None and not self._stopping().done():
            # No line of the user's has run: the machine killed a worker that waited, say for its memory.
            outcome = await self._try(job)
        return outcome

    async def _try(self, job: JobInput) -> Outcome:
        from alphintra_kernel.sandbox import SandboxError

        try:
            await asyncio.to_thread(self.folder.mkdir, parents=True, exist_ok=True, mode=0o700)
            worker = await self.launcher.take(self.limits, network=job.network)
        except (OSError, RuntimeError, SandboxError) as error:
            return failed("NO_SANDBOX", f"The worker could not be started: {error}")
        self._level = str(worker.process.level)
        try:
            try:
                said = await self._work(worker, job)
            finally:
                # Every process of the attempt dies before its output is looked at.
                await worker.end()
                self.usage = worker.usage
            if isinstance(said, protocol.Result):
                return Finished(await asyncio.to_thread(self._take_output, worker, job, said.files))
        except BadOutputError as error:
            return failed(error.code, str(error))
        except OSError as error:
            return no_room(error)
        finally:
            await worker.remove()
            await asyncio.to_thread((self.folder / worker_home.RECORD).unlink, missing_ok=True)
        if isinstance(said, protocol.Error):
            own = job.message["source"]["file"] if "source" in job.message else ""
            told = placed(said, own, job.file_name, job.line_map)
            return Failed(with_bound(told, self.limits, own_tmp=not self.launcher.sandbox.host_paths))
        if isinstance(said, Failed) and self._said.get("bar_time"):
            # Nobody knows the line, nor the bar: it tells of one from time to time.
            reached = f" It had reached the bar of {self._said['bar_time']}."
            return Failed(said.error | {"message": said.error["message"] + reached})
        return said

    def _stopping(self) -> asyncio.Future[str]:
        if self._stop is None:
            self._stop = asyncio.get_running_loop().create_future()
        return self._stop

    def _take_output(self, worker: Worker, job: JobInput, files: list[OutputFile]) -> Any:
        """Check what the worker left, and only then have it in the attempt's own folder."""
        found = job.collect(worker.folder / "out", files)
        names = [*(item.name for item in files), *job.more(found)]
        adopt(worker.folder / "out", self.folder / "out", names)
        return found

    async def _work(self, worker: Worker, job: JobInput) -> protocol.Result | protocol.Error | Failed | Stopped:
        # Whoever takes over from this server must know whom to end before there is anything to end.
        await asyncio.to_thread(worker_home.record, self.folder, worker.marker)
        try:
            stop = self._stopping()
            inside = await self._hand(worker, job.sealed) if job.sealed else {}
            if inside is None:
                return Stopped(stop.result())
            await in_waiting(worker.place, job.files, job.links, lambda: not stop.done(), inside)
        except (FileNotFoundError, Gone):
            return failed("DATA_GONE", _GONE)
        except DataError as error:
            if error.code in GONE:
                return failed("DATA_GONE", _GONE)
            # What the store's own client says passes; a cache that is too small, for one, does not.
            code = error.code if error.code in _OF_FETCHING else "STORE_FAILED"
            return failed(code, f"What the job was to read could not be fetched: {error}")
        except ServiceError as error:
            return failed(error.code, error.detail)
        worker.give(job.message | {"seconds": self.limits.wall_seconds})
        try:
            return await self._listen(worker, job)
        except ProtocolError as error:
            if self._interrupted is not None:  # in the middle of a message
                return Stopped("cancelled")
            return failed("OUTPUT_LIMIT" if isinstance(error, OutputLimitError) else "PROTOCOL", str(error))

    async def _hand(self, worker: Worker, sealed: Iterable[SealedInput]) -> dict[str, str] | None:
        """Give the worker what it reads of sealed versions; ``None`` where the attempt is to end meanwhile."""
        if self.launcher.copies is None or self.launcher.sandbox.host_paths:
            raise Unavailable("A job on a sealed dataset needs a sandbox with files of its own.", code="NO_SANDBOX")
        handing = asyncio.ensure_future(
            hand(
                worker, self.launcher.copies, sealed, self.limits.bounds().tmp_bytes, _READY_SECONDS, self.held.user_id
            )
        )
        waiting: set[asyncio.Future[Any]] = {handing, self._stopping()}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return handing.result() if handing.done() else None
        finally:
            handing.cancel()
            await asyncio.gather(handing, return_exceptions=True)

    async def _listen(self, worker: Worker, job: JobInput) -> protocol.Result | protocol.Error | Failed | Stopped:
        stop = self._stopping()
        given = time.monotonic()
        hearing: asyncio.Future[protocol.Message | None] = asyncio.ensure_future(worker.hear())
        try:
            while True:
                if stop.done() and self._interrupted is None:
                    if stop.result() != "cancelled" or self.first_line_seconds is None:
                        return Stopped(stop.result())
                    self._interrupted = time.monotonic()
                    await worker.interrupt()
                until = given + (self.limits.wall_seconds if worker.ready else _READY_SECONDS)
                if self._interrupted is not None:
                    until = min(until, self._interrupted + self.interrupt_seconds)
                now = time.monotonic()
                if now >= until:
                    return self._out_of_time(worker)
                waiting: set[asyncio.Future[Any]] = {hearing} if self._interrupted is not None else {hearing, stop}
                await asyncio.wait(
                    waiting,
                    timeout=max(0.0, min(until, max(self._next_usage, now + 0.05)) - now),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if hearing.done():
                    message = hearing.result()
                    if isinstance(message, protocol.Result):
                        return message
                    if self._interrupted is not None and (message is None or isinstance(message, protocol.Error)):
                        return Stopped("cancelled")
                    if message is None:
                        return await self._died(worker, job.about)
                    if isinstance(message, protocol.Error):
                        return message
                    self._hear(message)
                    hearing = asyncio.ensure_future(worker.hear())
                if worker.ready:
                    await self._tell(worker)
        finally:
            hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError, ProtocolError):
                await hearing

    def _hear(self, message: protocol.Message) -> None:
        if isinstance(message, protocol.Log):
            self.log.add(message.text)
        elif isinstance(message, protocol.ProgressReport):
            if self.first_line_seconds is None:
                self.first_line_seconds = time.monotonic() - self.claimed
                JOB_START_SECONDS.labels(self.held.kind).observe(self.first_line_seconds)
            self._said = message.model_dump(exclude={"type"})

    async def _tell(self, worker: Worker) -> None:
        """Report where there is something new, and what was used from time to time."""
        now = time.monotonic()
        if not self._said:
            self._said = {"fraction": 0.0, "phase": "running", "bar_time": None}
        elif now < self._next_usage and (now < self._next_progress or "eta_seconds" in self._said):
            return
        self._next_progress, self._next_usage = now + _PROGRESS_SECONDS, now + _USAGE_SECONDS
        eta = self._eta.take(now, self._said["fraction"])
        self._said["eta_seconds"] = None if eta is None else round(eta, 1)
        self.usage = worker.usage
        await self.report(dict(self._said), list(self.log), self._level, self.usage)

    def _out_of_time(self, worker: Worker) -> Failed | Stopped:
        if self._interrupted is not None:
            return Stopped("cancelled")
        if not worker.ready:
            return failed("WORKER_DIED", f"The worker was not ready after {_READY_SECONDS:g} seconds.")
        return failed("TIME_LIMIT", f"The job was stopped after {self.limits.wall_seconds:g} seconds (job_seconds).")

    async def _died(self, worker: Worker, about: str) -> Failed:
        code = await worker.exit_code()
        outcome = worker.process.outcome
        if outcome == "memory":
            text = f"The job needed more than {self.limits.memory_bytes >> 20} MiB of memory (job_memory)."
            return failed("MEMORY_LIMIT", text)
        if outcome == "disk":
            text = f"The job wrote more than {self.limits.disk_bytes >> 20} MiB (job_disk), or too many files."
            return failed("DISK_LIMIT", text)
        if outcome == "output":
            return failed("OUTPUT_LIMIT", "The job wrote too much to its standard error: print less.")
        if code in (None, _CHANNEL_LOST):
            text = f"The {about} closed the worker's connection to the server: it must close only what it opened."
            return failed("WORKER_DIED", text)
        # What it wrote last may name files of this machine: it is for the server's log.
        tail = protocol.clean(worker.process.stderr_tail())
        _log.warning("Worker of job %s ended (%s): %s", self.held.job_id, code, tail)
        text = f"The worker ended without a result ({_how(code)}): the {about} or the machine ended it."
        return failed("WORKER_DIED", text)


def _how(code: int) -> str:
    """How a process ended, by its exit code: which signal it was, where one killed it."""
    with contextlib.suppress(ValueError):
        return f"exit code {code}, {signal.Signals(code - 128).name}"
    return f"exit code {code}"


def no_room(error: OSError) -> Failed:
    """Return the end of a job whose files the server could not write."""
    return failed("STORAGE", f"The server could not write the job's files: {error.strerror} (data_dir).")


def failed(code: str, message: str) -> Failed:
    """Return the end of a job that the server judged."""
    return Failed({"code": code, "message": message})
