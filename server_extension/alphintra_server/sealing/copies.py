"""Sealed versions that are opened: copies in the server's memory, for notebooks and jobs that may have the rows.

A reader in a sandbox of its own gets the key of the one version and decrypts it; what it sends lies in memory that has
no name. Keys go no further than the reader, and rows never to the disk.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alphintra_kernel.priority import NORMAL

from ..errors import Gone, TooLarge, TooMany, Unavailable
from ..readers.pool import PROGRAM, Bounds
from ..readers.process import Patience, Reader
from ..services.dataset_storage import told
from ..waiting import in_waiting
from .vault import SealedVersion, Vault

if TYPE_CHECKING:
    from ..jobs.launcher import Launcher

_AT_ONCE = 2
_PER_CALLER = 2
_SURELY = 0.9
"""Of the bytes of sealed files: opened, there are hardly fewer."""


@dataclass(frozen=True)
class OpenedFile:
    """A file of a copy.

    Attributes:
        start: Where it begins in the copy's memory.
        bytes: Its size.
    """

    start: int
    bytes: int


@dataclass(eq=False)
class Copy:
    """An opened version.

    Attributes:
        files: By SHA-256, as its manifest names them.
        manifest: Its manifest; ``None`` until it is whole.
        size: Bytes that it takes.
        used: When it was asked for last, by ``time.monotonic``.
        holders: How many have it just now, or wait for it.
        opening: What opens it.
        opener: For whom.
    """

    files: dict[str, OpenedFile] = field(default_factory=dict)
    manifest: OpenedFile | None = None
    size: int = 0
    used: float = 0.0
    holders: int = 0
    opening: asyncio.Task[None] | None = None
    opener: str = ""
    _memory: int | None = None

    def add(self, part: bytes) -> None:
        """Take the next bytes."""
        if self._memory is None:
            self._memory = os.memfd_create("alphintra-opened", os.MFD_CLOEXEC)
        rest = memoryview(part)
        while rest:
            written = os.pwrite(self._memory, rest, self.size)
            rest = rest[written:]
            self.size += written

    def read(self, file: OpenedFile, start: int, count: int) -> bytes:
        """Return a part of a file; fewer bytes at its end."""
        assert self._memory is not None
        parts, start, count = [], file.start + start, min(count, file.bytes - start)
        while count > 0 and (part := os.pread(self._memory, count, start)):
            parts.append(part)
            start, count = start + len(part), count - len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Give its memory back."""
        if self._memory is not None:
            os.close(self._memory)
        self.files, self.manifest, self.size, self._memory = {}, None, 0, None


class OpenedCopies:
    """Opens sealed versions, and keeps the copies for as long as they are asked for.

    Whoever asks has been looked up before: here nobody's right is checked.

    Args:
        vault: Has the keys.
        launcher: Starts readers; ``None`` where this server runs no processes.
        most_bytes: What all copies may take together.
        idle_seconds: A copy that nobody asks for so long goes.
        patience: How long is waited for a reader.
        keep_seconds: A copy that was asked for no longer ago than that makes no room for another: two readers of what
            does not fit together would have each part decrypted anew.
    """

    def __init__(
        self,
        vault: Vault,
        launcher: Launcher | None,
        most_bytes: int,
        idle_seconds: float = 60.0,
        patience: Patience | None = None,
        keep_seconds: float = 10.0,
    ) -> None:
        self._vault, self._launcher = vault, launcher
        self._most, self._idle, self._patience = most_bytes, idle_seconds, patience or Patience()
        self._keep = keep_seconds
        self._copies: dict[SealedVersion, Copy] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def hold(self, version: SealedVersion, who: str) -> AsyncIterator[Copy]:
        """Have a version opened.

        Args:
            version: Which.
            who: For which user, of whose versions few are being opened at a time.

        Raises:
            Gone: It was deleted.
            TooLarge: It does not fit into what copies may take.
            TooMany: Other copies are in use that leave no room for it, or others are being opened for this user.
            Unavailable: Its key is not here, the store failed, or there is no sandbox.
        """
        copy = self._copies.get(version)
        if copy is None:
            if sum(own.opener == who and own.manifest is None for own in self._copies.values()) >= _PER_CALLER:
                raise _busy("Other sealed datasets are being opened for you")
            copy = self._copies[version] = Copy(opener=who)
            copy.opening = asyncio.create_task(self._open(version, copy), name="alphintra-open-sealed")
        assert copy.opening is not None
        copy.holders += 1
        try:
            # Somebody who leaves does not take it from the others who wait for it.
            await asyncio.shield(copy.opening)
            yield copy
        finally:
            copy.holders -= 1
            copy.used = time.monotonic()

    async def sizes(self, versions: Iterable[SealedVersion]) -> dict[SealedVersion, int]:
        """Return about what versions take; refuse those that never fit together.

        Raises:
            Gone: One was deleted.
            TooLarge: They do not fit into what copies may take.
        """
        found = {own: int(_SURELY * await asyncio.to_thread(self._vault.size, own)) for own in set(versions)}
        if sum(found.values()) > self._most:
            raise self._too_large()
        return found

    def refuse_alone(self, versions: Iterable[SealedVersion]) -> None:
        """Say of versions that did not fit whether they ever will: not if those of them that are open were in the way.

        Raises:
            TooLarge: Some of them are open, and no other.
        """
        if self._copies and not self._copies.keys() - set(versions):
            raise self._too_large()

    async def look(self) -> int:
        """Drop the copies that nobody asks for any more; return how many."""
        return self._drop(time.monotonic() - self._idle)

    async def stop(self) -> None:
        """Drop all."""
        copies, self._copies = list(self._copies.values()), {}
        tasks = [copy.opening for copy in copies if copy.opening is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for copy in copies:
            copy.close()

    def _drop(self, before: float, least: int = 0) -> int:
        """Close copies that nobody has and that were asked for last before a time, the oldest first.

        Args:
            before: The time.
            least: Bytes after whose return no more are closed; 0 for all.
        """
        idle = [own for own in self._copies.items() if own[1].manifest is not None and not own[1].holders]
        freed = gone = 0
        for key, copy in sorted(idle, key=lambda own: own[1].used):
            if copy.used > before or (least and freed >= least):
                break
            freed += copy.size
            copy.close()
            del self._copies[key]
            gone += 1
        return gone

    async def _open(self, version: SealedVersion, copy: Copy) -> None:
        try:
            if self._launcher is None:
                raise Unavailable("This server runs no processes of users, and opens no sealed dataset.",
                                  code="NO_SANDBOX")  # fmt: skip
            if not hasattr(os, "memfd_create"):
                raise Unavailable("Sealed datasets are opened in memory as Linux has it.", code="NO_SANDBOX")
            expected = int(_SURELY * await asyncio.to_thread(self._vault.size, version))
            async with self._turn:
                if not copy.holders:
                    raise asyncio.CancelledError  # nobody waits any more
                self._make_room(copy, expected)
                reader = await self._reader(self._launcher, version)
                try:
                    await self._fill(copy, reader)
                finally:
                    await reader.end()
            copy.used = time.monotonic()
        except BaseException:
            if self._copies.get(version) is copy:  # whoever asks next tries anew
                del self._copies[version]
            copy.close()
            raise

    async def _reader(self, launcher: Launcher, version: SealedVersion) -> Reader:
        from alphintra_kernel.sandbox import SandboxError

        keys = await in_waiting(self._vault.find, version)
        links = await in_waiting(self._vault.links, version)
        try:
            with told():
                begun = await launcher.begin(PROGRAM, Bounds().limits(), NORMAL, links)
        except FileNotFoundError:
            raise Gone("The version was deleted.", code="DATASET_DELETED") from None
        except (OSError, SandboxError) as error:
            raise Unavailable("The dataset's reader could not be started; try again.", code="NO_SANDBOX") from error
        reader = Reader(*begun, self._patience)
        reader.unlock(keys.to_json())
        try:
            await reader.ready()
        except BaseException:
            await reader.end()
            raise
        return reader

    async def _fill(self, copy: Copy, reader: Reader) -> None:
        start, last = 0, ""
        async for part in reader.opened():
            if isinstance(part, bytes):
                self._make_room(copy, len(part))
                await asyncio.to_thread(copy.add, part)
            else:
                copy.files[part], last = OpenedFile(start, copy.size - start), part
                start = copy.size
        if not last or start != copy.size:
            raise Unavailable("The dataset's reader ended in the middle.", code="READER_FAILED")
        copy.manifest = copy.files.pop(last)

    def _make_room(self, copy: Copy, more: int) -> None:
        """Refuse what does not fit; copies that nobody has just now go for it."""
        if copy.size + more > self._most:
            raise self._too_large()
        over = self._taken() + more - self._most
        if over > 0:
            self._drop(time.monotonic() - self._keep, over)
            if self._taken() + more > self._most:
                raise _busy("Other sealed datasets are open just now and leave no room for this one")

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"Opened, what is read of sealed datasets takes more than the {self._most >> 20} MiB of the server's "
            "memory that they may take together (sealed_memory): have it raised, or split them.",
            code="SEALED_TOO_LARGE",
        )

    def _taken(self) -> int:
        return sum(copy.size for copy in self._copies.values())


def _busy(why: str) -> TooMany:
    return TooMany(f"{why}: try again soon.", code="SEALED_BUSY", headers={"Retry-After": "5"})
