"""The readers of this server: which run, who waits for which, and when they end."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from alphintra_kernel.priority import NORMAL

from ..errors import Gone, TooMany, Unavailable
from ..metrics import READER_FAILURES, READER_START_SECONDS, READERS
from .process import Patience, Reader, Said

if TYPE_CHECKING:
    from alphintra_kernel.limits import Limits

    from ..jobs.launcher import Launcher
    from ..jobs.worker_home import Link

PROGRAM = (sys.executable, "-P", "-m", "alphintra_kernel.dataset_reader")
_MEMORY = 1 << 30
_SMALL = 16 << 20
_LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Source:
    """What a reader reads, and for whom.

    Attributes:
        user_id: Who asks.
        dataset_id: Which dataset.
        version_id: Which version; ``None`` for what ships.
        shipped: Name of the dataset that ships, or ``None``.
    """

    user_id: str
    dataset_id: str
    version_id: str | None
    shipped: str | None = None


class Shelf(Protocol):
    """Knows what is read, and who may."""

    async def allowed(self, sources: Collection[Source]) -> Collection[Source]:
        """Return those that may still be read by whom they are for."""
        ...

    async def links(self, source: Source) -> Mapping[str, Link]:
        """Return the files of a version, by their paths below ``in`` of its reader.

        What getting one of them raises comes to whoever asked for a picture or a file.
        """
        ...

    async def keys(self, source: Source) -> Mapping[str, str] | None:
        """Return what opens a sealed version; ``None`` for any other.

        Raises:
            ServiceError: Its key is not there.
        """
        ...


@dataclass(frozen=True)
class Bounds:
    """How many readers there are at once, and for how long.

    Attributes:
        most: Of all users.
        of_a_user: Of one.
        downloads: Of one user, that write a file.
        waiting: Requests that wait for one reader.
        idle_seconds: One that nobody asks for so long is ended.
        wall_seconds: Of any.
    """

    most: int = 8
    of_a_user: int = 4
    downloads: int = 2
    waiting: int = 8
    idle_seconds: float = 60.0
    wall_seconds: float = 4 * 3600.0

    def limits(self) -> Limits:
        """What a reader may use."""
        from alphintra_kernel.limits import Limits

        return Limits(
            wall_seconds=self.wall_seconds,
            cpu_seconds=int(self.wall_seconds),
            memory_bytes=_MEMORY,
            processes=64,
            file_bytes=_SMALL,
            tmp_bytes=_SMALL,
            disk_bytes=_SMALL,
            disk_files=100,
            output_bytes=1 << 20,
        )


class _Kept:
    """A reader in the pool: it may still be starting, and requests may wait for it."""

    def __init__(self, source: Source, *, writes: bool) -> None:
        self.source, self.writes = source, writes
        self.turn = asyncio.Lock()
        self.users = 0
        self.reader: Reader | None = None
        self.used = time.monotonic()
        self.withdrawn = False

    def idle_for(self) -> float:
        """Seconds since it was asked last; 0 while it is."""
        return 0.0 if self.users else time.monotonic() - self.used


class Readers:
    """Starts, shares and ends them.

    Args:
        launcher: Starts processes; ``None`` where this server runs none.
        log: Where failures go.
        bounds: How many there may be.
        patience: How long is waited for one.
        program: Command of a reader.
    """

    def __init__(
        self,
        launcher: Launcher | None,
        log: logging.Logger,
        bounds: Bounds,
        patience: Patience | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._launcher, self._log, self._bounds = launcher, log, bounds
        self._patience, self._program = patience or Patience(), program
        self._kept: list[_Kept] = []
        self._shelf: Shelf | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def serve(self, shelf: Shelf) -> None:
        """Begin, for who knows what is read."""
        self._shelf = shelf

    @property
    def running(self) -> int:
        """How many there are."""
        return len(self._kept)

    async def picture(self, source: Source, request: dict[str, Any]) -> tuple[Said, bytes]:
        """Ask a reader for candles, one that is there if it can be.

        Raises:
            ServiceError: There is no room for it, it cannot be started, or it does not answer well.
        """
        async with self._use(await self._shared(source)) as reader:
            return await reader.picture(request)

    async def sketches(self, source: Source, most: int) -> bytes:
        """Ask a reader what a sealed version's manifest does not tell, at most so many bytes.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        async with self._use(await self._shared(source)) as reader:
            return await reader.sketches(most)

    async def statistics(self, source: Source, symbol: str, most: int) -> bytes:
        """Ask a reader for the statistics of a symbol, at most so many bytes.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        async with self._use(await self._shared(source)) as reader:
            return await reader.statistics(symbol, most)

    @asynccontextmanager
    async def download(self, source: Source, request: dict[str, Any]) -> AsyncIterator[tuple[int, Reader]]:
        """Have a reader to oneself begin a file: yields how many rows it will have, and the reader.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        if sum(own.writes for own in self._kept if own.source.user_id == source.user_id) >= self._bounds.downloads:
            raise TooMany(
                f"You download {self._bounds.downloads} datasets already: wait for one to end.",
                code="TOO_MANY_DOWNLOADS", headers={"Retry-After": "10"},
            )  # fmt: skip
        kept = next((own for own in self._kept if own.source == source and not own.users), None)
        if kept is None:
            kept = await self._add(source, writes=True)
        kept.writes = True
        try:
            async with self._use(kept) as reader:
                yield await reader.counted(request), reader
        finally:
            kept.writes = False

    async def stop(self) -> None:
        """End all."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await asyncio.gather(*(self._settle(kept) for kept in list(self._kept)), return_exceptions=True)

    async def _shared(self, source: Source) -> _Kept:
        """Return one that answers others as well."""
        found = next((own for own in self._kept if own.source == source and not own.writes), None)
        if found is None:
            return await self._add(source, writes=False)
        if found.users >= self._bounds.waiting:
            raise TooMany("You ask this dataset for more at once than it can answer.", headers={"Retry-After": "1"})
        return found

    async def _add(self, source: Source, *, writes: bool) -> _Kept:
        if self._launcher is None:
            raise Unavailable("This server runs no processes of users, and reads no dataset's files itself.",
                              code="NO_SANDBOX")  # fmt: skip
        if self._stopping:
            raise Unavailable("The server is stopping.")
        kept = _Kept(source, writes=writes)
        own = [other for other in self._kept if other.source.user_id == source.user_id]
        leaving = [
            self._room(own, self._bounds.of_a_user, "You read more datasets at once than you may: try again soon."),
            self._room(self._kept, self._bounds.most, "Too many datasets are read just now: try again soon."),
        ]
        self._kept.append(kept)
        READERS.inc()
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="alphintra-readers")
        kept.users += 1  # it is spoken for: while others leave, nobody else takes it, and it does not count as idle
        try:
            for other in {id(other): other for other in leaving if other is not None}.values():
                await self._end(other)
        except BaseException:
            await self._end(kept)
            raise
        finally:
            kept.users -= 1
        return kept

    @staticmethod
    def _room(kept: list[_Kept], most: int, full: str) -> _Kept | None:
        """Return the one that is to leave for another, if one has to."""
        if len(kept) < most:
            return None
        idle = [own for own in kept if not own.users]
        if not idle:
            raise TooMany(full, code="TOO_MANY_READERS", headers={"Retry-After": "5"})
        return min(idle, key=lambda own: own.used)

    @asynccontextmanager
    async def _use(self, kept: _Kept) -> AsyncIterator[Reader]:
        """Have a reader to oneself."""
        kept.users += 1
        try:
            async with kept.turn:
                try:
                    yield await self._started(kept)
                except Unavailable:
                    if kept.withdrawn:
                        raise Gone("This dataset was deleted, or is no longer shared with you.",
                                   code="DATASET_DELETED") from None  # fmt: skip
                    raise
                finally:
                    # Whoever leaves in the midst of an answer leaves none behind for the next.
                    if kept.reader is None or kept.reader.ended or kept.reader.midway:
                        await self._end(kept)
        finally:
            kept.users -= 1
            kept.used = time.monotonic()

    async def _started(self, kept: _Kept) -> Reader:
        from alphintra_kernel.sandbox import SandboxError

        if kept.reader is not None:
            return kept.reader
        if kept not in self._kept or self._stopping:
            raise Unavailable("The dataset's reader was ended: ask again.", code="READER_FAILED")
        assert self._launcher is not None
        assert self._shelf is not None
        began = time.monotonic()
        shipped = () if kept.source.shipped is None else (kept.source.shipped,)
        links, keys = await self._shelf.links(kept.source), await self._shelf.keys(kept.source)
        try:  # somebody waits for it: it has the share of a notebook
            begun = await self._launcher.begin(self._program, self._bounds.limits(), NORMAL, links, shipped)
        except FileNotFoundError:
            raise Gone("The version was deleted.", code="DATASET_DELETED") from None
        except (OSError, SandboxError) as error:
            self._log.warning("A reader could not be started: %s", error)
            READER_FAILURES.labels("NOT_STARTED").inc()
            raise Unavailable("The dataset's reader could not be started; try again.", code="NO_SANDBOX") from error
        reader = Reader(*begun, self._patience)
        if kept not in self._kept:  # it was to end while it was started
            await reader.end()
            raise Unavailable("The dataset's reader was ended: ask again.", code="READER_FAILED")
        kept.reader = reader
        if keys is not None:
            reader.unlock(keys)
        await reader.ready()
        READER_START_SECONDS.observe(time.monotonic() - began)
        return reader

    async def _settle(self, kept: _Kept) -> None:
        """End one, also where it is only being started."""
        await self._end(kept)
        async with asyncio.timeout(_LOOK_SECONDS), kept.turn:
            pass

    async def _end(self, kept: _Kept) -> None:
        if kept in self._kept:
            self._kept.remove(kept)
            READERS.dec()
        if kept.reader is not None:
            await kept.reader.end()

    async def _watch(self) -> None:
        """End those that nobody asks any more, and those that nobody may."""
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self._bounds.idle_seconds / 4))
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001  the database may be away: it is looked again
                self._log.warning("Readers of datasets could not be looked after: %s", error)

    async def _look(self) -> None:
        for kept in [own for own in self._kept if own.idle_for() >= self._bounds.idle_seconds]:
            await self._end(kept)
        sources = {kept.source for kept in self._kept}
        if not sources or self._shelf is None:
            return
        allowed = await self._shelf.allowed(sources)
        for kept in [own for own in self._kept if own.source in sources and own.source not in allowed]:
            kept.withdrawn = True
            await self._end(kept)
