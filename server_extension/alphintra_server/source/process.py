"""The parser processes: in a sandbox of their own, asked over two pipes, replaced when a text was too much for them.

Parsing is not running, but a parser can be made to work for ever, to fill the memory or to crash, and it may have
errors that a text can use. So it sees Python and our packages, no workspace, no network, and has small limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra_kernel.sandbox import Sandbox
    from alphintra_kernel.supervise import SandboxProcess

_MAX_MESSAGE = 32 << 20
_MEMORY = 1 << 30
_LONG = 128 << 10
#: One that has read this much, or is this old, is replaced between two questions.
_MOST_QUESTIONS, _MOST_SECONDS = 1_000, 6 * 3600.0
#: Seconds after the start at which the first one is made, so that the first question need not wait for it.
_WARM_AFTER = 3.0
_KEYS = {
    "validate": {"diagnostics"},
    "read": {"code", "line_map", "dropped", "diagnostics", "imports"},
    "imports": {"imports", "diagnostics"},
    "describe": {"classes", "diagnostics"},
    "recipe": {"recipe", "error"},
    "recipe_schema": {"schema"},
}
#: What loads the libraries of indicators first, once in each process.
_PATIENCE = {"recipe": 120.0, "recipe_schema": 120.0}
_CHILD = """\
import sys
sys.path[:0] = {path!r}
from alphintra_server.source.serving import serve
serve({read}, {write})
"""


def _package() -> Path:
    """Return the package of this server, which a sandbox sees only where it is installed."""
    return Path(__file__).resolve().parents[1]


def _roots() -> list[str]:
    """List where our packages are if they run from a clone: ``-I`` ignores PYTHONPATH."""
    from alphintra import __file__ as sdk

    roots = (Path(file).resolve().parents[1] for file in (_package() / "__init__.py", sdk))
    return [str(root) for root in roots if not root.is_relative_to(sys.prefix)]


class ParserFailedError(Exception):
    """The parser crashed or took too long over this text."""


class ParserUnavailableError(Exception):
    """No parser can be started."""


class Parser:
    """Asks parser processes, of which one is kept warm and a second one starts when that is busy.

    Only one of them reads long texts: those can take their whole time, and what people usually ask must not wait.

    Args:
        sandbox: Where they run, at the best level there is.
        seconds: How long one answer may take.
    """

    def __init__(self, sandbox: Sandbox, *, seconds: float = 20) -> None:
        self._sandbox = sandbox
        self._seconds = seconds
        self._free = asyncio.Semaphore(2)
        self._free_for_long = asyncio.Semaphore(1)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._warming: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Make the first process in a moment."""
        self._warming = asyncio.create_task(self._warm())

    async def ask(self, question: str, **request: Any) -> dict[str, Any]:
        """Ask one of ``source.requests.REQUESTS``.

        Raises:
            ParserFailedError: The process died or was too slow; the next question gets a new one.
            ParserUnavailableError: None can be started.
        """
        line = json.dumps({"ask": question, **request}).encode() + b"\n"
        async with contextlib.AsyncExitStack() as turn:
            if len(line) > _LONG:
                await turn.enter_async_context(self._free_for_long)
            await turn.enter_async_context(self._free)
            child = await self._take()
            try:
                answer = _read(question, await child.exchange(line, _PATIENCE.get(question, self._seconds)))
            except BaseException:  # also when the question was given up: its answer would be taken for the next one's
                await self._end(child)
                raise
            if child.worn:
                await self._end(child)
            else:
                self._idle.append(child)
        if "failure" in answer:
            raise ParserFailedError(str(answer["failure"]))
        return answer

    async def close(self) -> None:
        """End the processes."""
        self._closed = True
        if self._warming is not None:
            self._warming.cancel()
            # It ends its process, which takes a moment that the loop must live for.
            await asyncio.wait({self._warming})
        for child in [*self._all]:
            await self._end(child)

    async def _warm(self) -> None:
        await asyncio.sleep(_WARM_AFTER)
        with contextlib.suppress(ParserFailedError, ParserUnavailableError):
            await self.ask("validate", code="import alphintra as al\n\nclass S(al.Strategy):\n    pass\n")

    async def _take(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            await self._end(child)
        if self._closed:
            raise ParserUnavailableError("the server is stopping")
        child = await _Child.start(self._sandbox)
        self._all.add(child)
        return child

    async def _end(self, child: _Child) -> None:
        self._all.discard(child)
        if child in self._idle:
            self._idle.remove(child)
        await asyncio.shield(child.end())


class _Child:
    """One parser process and our ends of its pipes."""

    def __init__(self, process: SandboxProcess, reader: asyncio.StreamReader, transports: tuple[Any, Any]) -> None:
        self._process = process
        self._reader = reader
        self._read_end, write_end = transports
        self._writer: asyncio.StreamWriter = write_end
        self._asked = 0
        self._until = time.monotonic() + _MOST_SECONDS

    @classmethod
    async def start(cls, sandbox: Sandbox) -> _Child:
        """Start one.

        Raises:
            ParserUnavailableError: It did not start.
        """
        from alphintra_kernel.sandbox import start as spawned

        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as theirs:
            child_reads, we_write = os.pipe()
            theirs.callback(os.close, child_reads)
            we_read, child_writes = os.pipe()
            theirs.callback(os.close, child_writes)
            reader = asyncio.StreamReader(limit=_MAX_MESSAGE)
            read_end, _ = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(we_read, "rb", 0)
            )
            transport, flow = await loop.connect_write_pipe(
                asyncio.streams.FlowControlMixin, os.fdopen(we_write, "wb", 0)
            )
            writer = asyncio.StreamWriter(transport, flow, None, loop)
            try:
                process = await spawned(functools.partial(_spawn, sandbox, child_reads, child_writes))
            except BaseException:
                read_end.close()
                writer.close()
                raise
        return cls(process, reader, (read_end, writer))

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def worn(self) -> bool:
        """Whether it has done enough."""
        return self._asked >= _MOST_QUESTIONS or time.monotonic() > self._until

    async def exchange(self, line: bytes, seconds: float) -> bytes:
        """Send a line and return the answer's, empty if there is none in time."""
        self._asked += 1
        try:
            async with asyncio.timeout(seconds):
                self._writer.write(line)
                await self._writer.drain()
                return await self._reader.readline()
        except (TimeoutError, ValueError, ConnectionError):
            return b""

    async def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._read_end.close()
        self._writer.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.to_thread(self._process.wait, 10)


def _spawn(sandbox: Sandbox, read_fd: int, write_fd: int) -> SandboxProcess:
    from alphintra_kernel.limits import MIB, Limits
    from alphintra_kernel.profile import Mount
    from alphintra_kernel.sandbox import SandboxError

    package = _package()
    mounts = () if package.is_relative_to(sys.prefix) else (Mount(package, str(package)),)
    limits = Limits(
        wall_seconds=2 * _MOST_SECONDS,
        memory_bytes=_MEMORY,
        cpu_seconds=None,  # it lives on: each answer has its own time
        processes=16,
        open_files=64,
        file_bytes=0,
        tmp_bytes=1 * MIB,
    )
    try:
        return sandbox.spawn(
            [sys.executable, "-I", "-B", "-c", _CHILD.format(path=_roots(), read=read_fd, write=write_fd)],
            mounts=mounts,
            limits=limits,
            fds=(read_fd, write_fd),
        )
    except SandboxError as error:
        raise ParserUnavailableError(str(error)) from error


def _read(question: str, reply: bytes) -> dict[str, Any]:
    """Read an answer; whatever is not one means that the process cannot be trusted with another text."""
    if not reply.endswith(b"\n"):
        raise ParserFailedError("the code could not be parsed: too large or nested too deeply")
    try:
        answer = json.loads(reply)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not ("failure" in answer or _KEYS[question] <= set(answer)):
        raise ParserFailedError("the code could not be parsed: it broke the parser")
    return answer
