"""One attempt at a job: prepare its folder, talk with its worker, judge its output."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..metrics import JOB_START_SECONDS
from . import protocol
from .launcher import Launcher
from .output import BadOutputError, collect
from .protocol import Conversation, OutputFile, OutputLimitError, ProtocolError
from .store import Claim

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from alphintra_kernel.supervise import SandboxProcess

_log = logging.getLogger(__name__)
_READY_SECONDS = 30.0
_PROGRESS_SECONDS = 0.5


@dataclass
class JobInput:
    """What a worker gets.

    Attributes:
        files: Path below ``in`` → text.
        message: The ``job`` of the run message.
        file_name: How the trader knows the file that the code came from.
        line_map: For a notebook, cell and line of each line of the code.
        collect: Checks and reads what the worker leaves.
    """

    files: dict[str, str]
    message: dict[str, Any]
    file_name: str | None = None
    line_map: list[list[int]] | None = None
    collect: Callable[[Path, list[OutputFile]], Any] = collect


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
        launcher: Starts the worker.
        folder: ``jobs/{id}/{attempt}``, for this attempt alone.
        report: Called with progress, the log so far and the sandbox level.
    """

    held: Claim
    launcher: Launcher
    folder: Path
    report: Callable[[dict[str, Any], list[str], str], Awaitable[None]]
    log: deque[str] = field(default_factory=lambda: deque(maxlen=protocol.KEPT_LOG_LINES))
    _stop: asyncio.Future[str] | None = None
    _level: str = ""
    _began: float = 0.0
    _reported: float = 0.0

    @property
    def marker(self) -> str:
        """Name the attempt in its processes' environment."""
        return f"{self.held.job_id}/{self.held.attempt}"

    def stop(self, why: str) -> None:
        """End the attempt: ``cancelled``, ``fenced`` or ``shutdown``."""
        if self._stop is None:
            self._stop = asyncio.get_running_loop().create_future()
        if not self._stop.done():
            self._stop.set_result(why)

    async def run(self, job: JobInput) -> Outcome:
        """Run the job to its end; whatever happens, its worker is dead afterwards."""
        if self._stop is None:
            self._stop = asyncio.get_running_loop().create_future()
        self._began = time.monotonic()
        try:
            await asyncio.to_thread(self._prepare, job)
        except OSError as error:
            return _failed("STORAGE", f"The job's folder could not be written: {error.strerror}.")
        try:
            said = await self._work(job)
        finally:
            await asyncio.to_thread(shutil.rmtree, self.folder / "in", ignore_errors=True)
        if isinstance(said, protocol.Result):
            try:
                return Finished(await asyncio.to_thread(job.collect, self.folder / "out", said.files))
            except BadOutputError as error:
                return _failed("BAD_OUTPUT", str(error))
        if isinstance(said, protocol.Error):
            return Failed(self._placed(said, job))
        return said

    def _prepare(self, job: JobInput) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "in" / "source").mkdir(parents=True, mode=0o755)
        (self.folder / "out").mkdir(mode=0o755)
        for path, text in job.files.items():
            target = self.folder / "in" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="")

    async def _work(self, job: JobInput) -> protocol.Result | protocol.Error | Failed | Stopped:
        from alphintra_kernel.sandbox import SandboxError

        to_worker, from_worker = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        ours, theirs = (to_worker[1], from_worker[0]), (to_worker[0], from_worker[1])
        try:
            process = await self.launcher.start(self.marker, self.folder, *theirs)
        except (OSError, RuntimeError, SandboxError) as error:
            for fd in ours:
                os.close(fd)
            return _failed("NO_SANDBOX", f"The worker could not be started: {error}")
        finally:
            for fd in theirs:
                os.close(fd)
        self._level = str(process.level)
        streams = await _Streams.open(*ours)
        try:
            return await self._converse(process, streams, job)
        finally:
            # Every process of the attempt dies before its output is looked at.
            await asyncio.to_thread(_end, process)
            await streams.close()

    async def _converse(
        self, process: SandboxProcess, streams: _Streams, job: JobInput
    ) -> protocol.Result | protocol.Error | Failed | Stopped:
        assert self._stop is not None
        conversation = Conversation()
        deadline = self._began + self.launcher.limits.wall_seconds
        ready = False
        while True:
            patience = deadline if ready else min(deadline, self._began + _READY_SECONDS)
            line_task = asyncio.ensure_future(streams.line())
            waiting: set[asyncio.Future[Any]] = {line_task, self._stop}
            await asyncio.wait(
                waiting,
                timeout=max(patience - time.monotonic(), 0),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if self._stop.done() or not line_task.done():
                line_task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ProtocolError):
                    await line_task
                if self._stop.done():
                    return Stopped(self._stop.result())
                if ready:
                    return self._too_long()
                return _failed("WORKER_DIED", f"The worker was not ready after {_READY_SECONDS:g} seconds.")
            try:
                line = line_task.result()
                if not line:
                    return await self._died(process)
                message = conversation.hear(line)
            except OutputLimitError as error:
                return _failed("OUTPUT_LIMIT", str(error))
            except ProtocolError as error:
                return _failed("PROTOCOL", str(error))
            if isinstance(message, protocol.Ready):
                if ready:
                    return _failed("PROTOCOL", "The worker said ready twice.")
                ready = True
                JOB_START_SECONDS.labels(self.held.kind).observe(time.monotonic() - self._began)
                seconds = deadline - time.monotonic()
                await streams.say({"type": "run", "job": job.message | {"seconds": seconds}})
                await self._progress({"fraction": 0.0, "phase": "running", "bar_time": None}, force=True)
            elif isinstance(message, protocol.Result | protocol.Error):
                return message
            elif isinstance(message, protocol.Log):
                self.log.append(message.text)
            else:
                await self._progress(message.model_dump(exclude={"type"}))

    async def _progress(self, said: dict[str, Any], *, force: bool = False) -> None:
        now = time.monotonic()
        if not force and now - self._reported < _PROGRESS_SECONDS:
            return
        self._reported = now
        share, spent = said["fraction"], now - self._began
        eta = round(spent * (1 - share) / share, 1) if share > 0.01 else None
        await self.report(said | {"eta_seconds": eta}, list(self.log), self._level)

    async def _died(self, process: SandboxProcess) -> Failed:
        code = await asyncio.to_thread(_exit_code, process)
        if process.outcome == "memory":
            megabytes = self.launcher.limits.memory_bytes >> 20
            return _failed("MEMORY_LIMIT", f"The job needed more than {megabytes} MiB of memory.")
        if process.outcome == "wall_clock":
            return self._too_long()
        # What it wrote last may name files of this machine: it is for the server's log.
        _log.warning("Worker of job %s ended (%s): %s", self.held.job_id, code, protocol.clean(process.stderr_tail()))
        return _failed("WORKER_DIED", f"The worker ended without a result (exit code {code}).")

    def _too_long(self) -> Failed:
        return _failed(
            "TIME_LIMIT", f"The job was stopped after {self.launcher.limits.wall_seconds:g} seconds."
        )

    def _placed(self, said: protocol.Error, job: JobInput) -> dict[str, Any]:
        """Express the worker's place, a line of the job's file, as the trader knows it."""
        error = said.model_dump(exclude={"type"})
        own = said.file is not None and Path(said.file).name == job.message["source"]["file"]
        if own and job.file_name:
            error["file"] = job.file_name
        if own and job.line_map and said.line and said.cell is None and said.line <= len(job.line_map):
            error["cell"], error["line"] = job.line_map[said.line - 1]
        return error


class _Streams:
    """Our ends of the two pipes."""

    def __init__(
        self, reader: asyncio.StreamReader, read_end: asyncio.ReadTransport, write_end: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._read_end = read_end
        self._writer = write_end

    @classmethod
    async def open(cls, write_fd: int, read_fd: int) -> _Streams:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=protocol.MAX_LINE)
        read_end, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb", 0)
        )
        transport, flow = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(write_fd, "wb", 0)
        )
        return cls(reader, read_end, asyncio.StreamWriter(transport, flow, None, loop))

    async def line(self) -> bytes:
        """Read a line; empty at the end."""
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            raise OutputLimitError(f"The worker sent a line over {protocol.MAX_LINE >> 10} KiB.") from None

    async def say(self, message: dict[str, Any]) -> None:
        """Send a line; a worker that is gone shows when its end is read."""
        import json

        with contextlib.suppress(ConnectionError):
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            await self._writer.drain()

    async def close(self) -> None:
        self._read_end.close()
        self._writer.close()
        # Lets the transports close their descriptors before the loop may end.
        await asyncio.sleep(0)


def _end(process: SandboxProcess) -> None:
    process.kill()
    with contextlib.suppress(TimeoutError):
        process.wait(10)


def _exit_code(process: SandboxProcess) -> int | None:
    # It may have closed its end and live on: then there is no code.
    with contextlib.suppress(TimeoutError):
        process.wait(2)
    return process.poll()


def _failed(code: str, message: str) -> Failed:
    return Failed({"code": code, "message": message})
