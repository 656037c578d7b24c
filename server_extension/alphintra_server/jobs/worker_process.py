"""One worker as the server sees it: its lines, its folder, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import protocol
from .protocol import Conversation, Message, OutputLimitError
from .worker_home import Link, lay_out, remove_tree

if TYPE_CHECKING:
    from alphintra_kernel.supervise import SandboxProcess
    from alphintra_kernel.usage import Usage

_DRAIN_SECONDS = 1.0
_PART = 1 << 20
#: How long a process takes to be gone, once its connection is; and one that held all the memory it may.
_END_SECONDS, _FREE_SECONDS = 2.0, 60.0


class Worker:
    """A started worker, which takes one job and is then ended.

    Attributes:
        marker: By which its processes are found.
        folder: Its own on the host: ``in``, read-only inside, and ``out``.
        process: Its sandbox.
        ready: Whether it said so.
        warm: Whether it has loaded all that a job may need.
        on_end: Called once it was ended.

    Args:
        marker: As the attribute.
        folder: As the attribute.
        process: As the attribute.
        streams: Our ends of its two pipes.
    """

    def __init__(self, marker: str, folder: Path, process: SandboxProcess, streams: Streams) -> None:
        self.marker = marker
        self.folder = folder
        self.process = process
        self.ready = False
        self.warm = False
        self.on_end: Callable[[], None] = _nothing
        self._streams = streams
        self._conversation = Conversation()
        self._before: Usage | None = None

    async def hear(self) -> Message | None:
        """Wait for its next message; ``None`` when it is gone. May be cancelled without losing a message.

        Raises:
            OutputLimitError: It said too much.
            ProtocolError: It said something that is not a message.
        """
        line = await self._streams.line()
        if not line:
            return None
        message = self._conversation.hear(line)
        if isinstance(message, protocol.Ready):
            if self.ready:
                raise protocol.ProtocolError("The worker said ready twice.")
            self.ready = True
        elif isinstance(message, protocol.Warm):
            self.warm = True
        return message

    def place(
        self,
        files: Mapping[str, str],
        links: Mapping[str, Link] | None = None,
        wanted: Callable[[], bool] = lambda: True,
        inside: Mapping[str, str] | None = None,
    ) -> None:
        """Lay out what a job gets in the folder that the worker can only read. Blocks.

        Args:
            files: Path below ``in`` → text.
            links: Path below ``in`` → a file of the server's.
            wanted: As of :func:`lay_out`.
            inside: Path below ``in`` → where the worker itself will have the file.

        Raises:
            OSError: It could not be written.
            DataError: A file could not be got from where it lies.
        """
        lay_out(self.folder, files, links, wanted, inside)

    async def hand(self, number: int, size: int, read: Callable[[int, int], bytes]) -> None:
        """Send it a file that is to lie in its memory alone, before its job; a worker that is gone is sent nothing.

        Args:
            number: By which it is known there.
            size: Its bytes.
            read: Returns a part of it, from where on and how long. Called in a thread.
        """
        self._streams.say({"type": "file", "number": number, "bytes": size})
        for start in range(0, size, _PART):
            await self._streams.push(await asyncio.to_thread(read, start, min(_PART, size - start)))

    def give(self, job: Mapping[str, Any]) -> None:
        """Send it the job; what it uses is counted from now on."""
        self._before = self.process.usage
        self._conversation.begin()
        self._streams.say({"type": "run", "job": job})

    @property
    def usage(self) -> Usage:
        """What it has used since it got its job, and at its end in all; the memory includes what it had before."""
        from alphintra_kernel.usage import Usage

        found, before = self.process.usage, self._before
        if before is None:
            return found
        return Usage(
            max(found.cpu_seconds - before.cpu_seconds, 0.0),
            found.peak_memory,
            max(found.bytes_written - before.bytes_written, 0),
        )

    async def interrupt(self) -> None:
        """Interrupt the user's code as Ctrl-C does. What it makes of that is its own affair."""
        await asyncio.to_thread(self.process.signal, signal.SIGINT)

    async def exit_code(self) -> int | None:
        """Return how it ended; ``None`` where it closed its connection and lives on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.to_thread(self.process.wait, _END_SECONDS)
        if self.process.poll() is None and self.process.out_of_memory():
            # On a busy machine gigabytes are longer in being given back.
            with contextlib.suppress(TimeoutError):
                await asyncio.to_thread(self.process.wait, _FREE_SECONDS)
        return self.process.poll()

    async def end(self) -> None:
        """Kill it with all its processes: afterwards nothing of it writes."""
        await asyncio.to_thread(end_process, self.process)
        await self._streams.close()
        self.on_end()

    async def remove(self) -> None:
        """Remove its folder; it has ended."""
        await asyncio.to_thread(remove_tree, self.folder)


class Streams:
    """Our ends of the two pipes of a worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reader: asyncio.StreamReader,
        read_end: asyncio.ReadTransport,
        write_end: asyncio.WriteTransport,
        flow: _Flow,
    ) -> None:
        self._loop = loop
        self._reader = reader
        self._read_end = read_end
        self._write_end = write_end
        self._flow = flow

    @classmethod
    async def open(cls, write_fd: int, read_fd: int) -> Streams:
        """Take our two ends over."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=protocol.MAX_LINE)
        read_end, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb", 0)
        )
        write_end, flow = await loop.connect_write_pipe(_Flow, os.fdopen(write_fd, "wb", 0))
        return cls(loop, reader, read_end, write_end, flow)

    async def line(self) -> bytes:
        """Read a line; empty at the end.

        Raises:
            OutputLimitError: It is too long.
        """
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            raise OutputLimitError(
                f"The worker sent a line over {protocol.MAX_LINE >> 10} KiB: "
                "the strategy wrote to what it did not open."
            ) from None

    async def exactly(self, count: int) -> bytes:
        """Read so many bytes; fewer at the end."""
        try:
            return await self._reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            return error.partial

    def say(self, message: Mapping[str, Any]) -> None:
        """Send a line; a worker that is gone shows when its end is read."""
        self._write_end.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def push(self, data: bytes) -> None:
        """Send bytes, and wait until there is room for more; one that is gone takes none."""
        if not self._write_end.is_closing():
            self._write_end.write(data)
            await self._flow.ready.wait()

    def process_ended(self) -> None:
        """Say, from any thread, that the worker has ended: a process that it left may hold its pipe open."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._loop.call_later, _DRAIN_SECONDS, self._close_read_end)

    def _close_read_end(self) -> None:
        if not self._read_end.is_closing():
            self._read_end.close()

    async def close(self) -> None:
        """Close both ends."""
        self._close_read_end()
        if not self._write_end.is_closing():
            self._write_end.abort()
        # Lets the transports close their descriptors before the loop may end.
        await asyncio.sleep(0)


class _Flow(asyncio.BaseProtocol):
    """Tells whether what we write is taken."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()

    def pause_writing(self) -> None:
        """Wait from now on."""
        self.ready.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self.ready.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait for one that is gone."""
        self.ready.set()


def _nothing() -> None:
    pass


def end_process(process: SandboxProcess) -> None:
    """Kill a process with all that it started, and wait until it is gone. Blocks."""
    process.kill()
    with contextlib.suppress(TimeoutError):
        process.wait(10)
