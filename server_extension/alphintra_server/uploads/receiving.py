"""Taking the bytes of one request: written and hashed by a thread while the next ones come in."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Executor
from typing import Any

from ..errors import ChecksumMismatch, ServiceError, TooLarge
from .files import begin_writing, disk_errors
from .protocol import ALGORITHMS, Checksum

_PIECE = 1 << 20
"""Bytes that are written at once; as many more may wait in memory."""


class Receiver:
    """Bytes that are added to an upload's file. What was taken counts from the moment it was put on the disk.

    Args:
        upload_id: Which upload.
        descriptor: Its file, locked; it is closed at the end.
        offset: Where the bytes go.
        length: Bytes of the whole file.
        room: How many there may be now.
        checksum: What they hash to, if that was said.
        whole: The hash of all bytes before, or ``None`` where nobody has it any more.
        threads: Where the disk is waited for.
        form: Whether it is a form's file, which comes in one request or not at all.
    """

    def __init__(
        self,
        upload_id: str,
        descriptor: int,
        offset: int,
        length: int,
        room: int,
        checksum: Checksum | None,
        whole: Any,
        threads: Executor,
        *,
        form: bool = False,
    ) -> None:
        self.upload_id = upload_id
        self.offset = offset
        self.length = length
        self.form = form
        self.end = offset
        self.whole = whole
        self.checksum = checksum
        self._descriptor = descriptor
        self._most = offset + room
        self._hash = None if checksum is None else ALGORITHMS[checksum.algorithm]()
        self._threads = threads
        self._waiting = bytearray()
        self._writing: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        self.ended = False

    async def take(self, piece: bytes) -> None:
        """Take some bytes. What goes wrong is said at the end: an answer before would be lost on most clients."""
        if self._failure is not None or self.ended:
            return
        self._waiting += piece
        if self.end + len(self._waiting) > self._most:
            self._failure = TooLarge("These are more bytes than the upload has room for.", code="UPLOAD_TOO_LONG")
            self._waiting.clear()
        elif len(self._waiting) >= _PIECE:
            await self._write()

    async def put_down(self) -> int:
        """Put everything that was taken on the disk for good, and check it.

        Returns:
            The place behind it.

        Raises:
            TooLarge: It was too much.
            ChecksumMismatch: It is not what was sent.
            NoRoom: The disk is full.
        """
        await self._write()
        await self._written()
        if self._failure is not None:
            raise self._failure
        if self._hash is not None and self.checksum is not None and self._hash.digest() != self.checksum.digest:
            raise ChecksumMismatch("The bytes that came are not those that were sent: send them again.")
        await asyncio.get_running_loop().run_in_executor(self._threads, os.fsync, self._descriptor)
        return self.end

    async def close(self) -> None:
        """Let go of the file, after what is being written is."""
        if not self.ended:
            self.ended = True
            await self._written()
            os.close(self._descriptor)

    def cut(self) -> None:
        """Let the file end where the bytes do. It waits for the disk."""
        os.ftruncate(self._descriptor, self.end)
        os.fsync(self._descriptor)

    async def _write(self) -> None:
        await self._written()
        # Where two wait here (a body that came too late is settled while its last piece is taken), the first writes.
        if self._waiting and self._failure is None and not self.ended:
            piece, self._waiting = self._waiting, bytearray()
            place, self.end = self.end, self.end + len(piece)
            self._writing = asyncio.get_running_loop().run_in_executor(self._threads, self._put, piece, place)

    async def _written(self) -> None:
        while (writing := self._writing) is not None:
            try:
                await writing
            except (ServiceError, OSError) as error:
                self._failure = error
            if self._writing is writing:
                self._writing = None

    def _put(self, piece: bytearray, place: int) -> None:
        if self._hash is not None:
            self._hash.update(piece)
        if self.whole is not None:
            self.whole.update(piece)
        with memoryview(piece) as view, disk_errors(self._most):
            done = 0
            while done < len(view):
                done += os.pwrite(self._descriptor, view[done:], place + done)
            begin_writing(self._descriptor, place, done)
