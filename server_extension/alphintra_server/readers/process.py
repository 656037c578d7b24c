"""One process that reads a dataset, as the server sees it. Nothing that it says is trusted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import Invalid, ServiceError, Unavailable
from ..jobs.protocol import OutputLimitError, clean
from ..jobs.worker_home import remove_tree
from ..jobs.worker_process import Streams, end_process
from ..metrics import READER_FAILURES

if TYPE_CHECKING:
    from alphintra_kernel.supervise import SandboxProcess

MOST_PART = 256 << 10
"""Bytes of a file that come at once."""
MOST_BYTES = 1 << 20
"""Bytes of a picture."""
_INVALID = frozenset(
    {
        "UNKNOWN_SYMBOL", "UNKNOWN_COLUMN", "UNKNOWN_DATASET", "BAD_RANGE", "BAD_DATE", "BAD_BOUND", "NOT_TRADABLE",
        "TOO_MANY_ROWS", "CELL_LIMIT",
    }
)  # fmt: skip
"""Codes of errors that whoever asks can mend."""


class Said(BaseModel):
    """A line of the process; which members it has follows from its type."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: str = Field(max_length=20)
    bytes: int = Field(0, ge=0, le=MOST_BYTES)
    points: int = Field(0, ge=0, le=4_000)
    rows: int = Field(0, ge=0, lt=2**53)
    rows_each: int = Field(1, ge=1, lt=2**53)
    first_row: int = Field(0, ge=0, lt=2**53)
    days: bool = False
    bars: bool = False
    volume: bool = False
    message: str = Field(default="", max_length=4_000)
    code: str = Field(default="", max_length=60, pattern=r"^[A-Z0-9_]*$")
    where: str = Field(default="", max_length=4_000)
    hint: str = Field(default="", max_length=4_000)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")


@dataclass(frozen=True)
class Patience:
    """How long is waited for a reader.

    Attributes:
        start: For its first word.
        answer: For an answer, and for each part of a file.
    """

    start: float = 60.0
    answer: float = 60.0


class ReaderFailed(Unavailable):
    """The process that reads the dataset did not do it."""

    default_code = "READER_FAILED"


class Reader:
    """A started reader; it answers one request at a time.

    Attributes:
        midway: Whether it owes the rest of an answer: what it says next is not meant for who asks next.
        ended: Whether it was ended.

    Args:
        marker: By which its processes are found.
        folder: Its own on the host.
        process: Its sandbox.
        streams: Our ends of its pipes.
        patience: How long is waited for it.
    """

    def __init__(
        self, marker: str, folder: Path, process: SandboxProcess, streams: Streams, patience: Patience
    ) -> None:
        self.midway = False
        self.ended = False
        self._marker, self._folder, self._process, self._streams = marker, folder, process, streams
        self._patience = patience
        self._ending: asyncio.Future[None] | None = None

    async def ready(self) -> None:
        """Wait until it has opened the dataset.

        Raises:
            ServiceError: It cannot, or does not.
        """
        said = await self._hear(self._patience.start)
        if said.type != "ready":
            raise await self._nonsense()

    async def counted(self, request: dict[str, Any]) -> int:
        """Ask for a file, or how many rows it would have; return the rows.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        said = await self._ask(request)
        if said.type != "counted":
            raise await self._nonsense()
        self.midway = request["type"] == "export"
        return said.rows

    def unlock(self, keys: Mapping[str, str]) -> None:
        """Tell it the key of the sealed version that it reads; before it is ready."""
        self._streams.say({"type": "key", **keys})

    async def sketches(self, most: int) -> bytes:
        """Ask for what a sealed version's manifest does not tell: its statistics and its sample, as JSON.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        return await self._told({"type": "sketches"}, most)

    async def statistics(self, symbol: str, most: int) -> bytes:
        """Ask for the statistics of a symbol by column, as JSON; they are counted from its rows.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        return await self._told({"type": "statistics", "symbol": symbol}, most)

    async def _told(self, request: dict[str, Any], most: int) -> bytes:
        self._begin(request)
        found = bytearray()
        async for part in self.parts():
            found += part
            if len(found) > most:
                raise await self._nonsense()
        return bytes(found)

    async def opened(self) -> AsyncIterator[bytes | str]:
        """Have a sealed version opened: yields parts of its files, and behind each file its hash; the manifest is last.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        self._begin({"type": "open"})
        while (said := await self._hear(self._patience.answer)).type in ("part", "file"):
            if said.bytes > MOST_PART or (said.type == "file") != bool(said.sha256):
                raise await self._nonsense()
            yield said.sha256 if said.type == "file" else await self._exactly(said.bytes)
        if said.type != "end":
            raise await self._nonsense()
        self.midway = False

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the file that was asked for; it is whole only if this ends without an error.

        Raises:
            ServiceError: As of :meth:`picture`.
        """
        while (said := await self._hear(self._patience.answer)).type == "part":
            if said.bytes > MOST_PART:
                raise await self._nonsense()
            yield await self._exactly(said.bytes)
        if said.type != "end":
            raise await self._nonsense()
        self.midway = False

    async def picture(self, request: dict[str, Any]) -> tuple[Said, bytes]:
        """Ask for candles; return what is said of them and their numbers.

        Raises:
            Invalid: There is no such symbol, column or range.
            Unavailable: It has ended, does not answer, or answers nonsense; it is ended then.
        """
        said = await self._ask(request)
        if said.type != "candles" or said.bytes != said.points * 8 * (6 + said.volume):
            raise await self._nonsense()
        raw = await self._exactly(said.bytes)
        self.midway = False
        return said, raw

    async def end(self) -> None:
        """Kill it and remove its folder; whoever waits for it hears of it."""
        if self._ending is None:
            self.ended = True
            self._ending = asyncio.ensure_future(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        await asyncio.to_thread(end_process, self._process)
        await self._streams.close()
        await asyncio.to_thread(remove_tree, self._folder)

    def _begin(self, request: dict[str, Any]) -> None:
        self.midway = True
        self._streams.say(request)

    async def _ask(self, request: dict[str, Any]) -> Said:
        self._begin(request)
        return await self._hear(self._patience.answer)

    async def _hear(self, seconds: float) -> Said:
        try:
            async with asyncio.timeout(seconds):
                line = await self._streams.line()
        except TimeoutError:
            await self.end()
            raise _failed("NO_ANSWER", f"The dataset's reader gave no answer within {seconds:g} s.") from None
        except OutputLimitError:
            raise await self._nonsense() from None
        if not line:
            raise await self._gone()
        try:
            said = Said.model_validate_json(line)
        except ValidationError:
            raise await self._nonsense() from None
        if said.type == "error":
            self.midway = False
            raise _problem(said)
        return said

    async def _exactly(self, count: int) -> bytes:
        try:
            async with asyncio.timeout(self._patience.answer):
                found = await self._streams.exactly(count)
        except TimeoutError:
            await self.end()
            raise _failed("NO_ANSWER", f"The dataset's reader stopped for {self._patience.answer:g} s.") from None
        if len(found) < count:
            raise await self._gone()
        return found

    async def _gone(self) -> ServiceError:
        asked = self.ended  # by us: it is not to blame
        with contextlib.suppress(TimeoutError):  # how it ended by itself tells more than that it was ended
            await asyncio.to_thread(self._process.wait, 10)
        await self.end()
        outcome = self._process.outcome
        text = f"The dataset's reader has ended ({clean(outcome)}, exit code {self._process.poll()})."
        if asked:
            return ReaderFailed(text)
        if outcome == "memory":
            return _failed("MEMORY", "Reading this needs more memory than a reader may have: choose less of it.")
        return _failed("ENDED", text)

    async def _nonsense(self) -> ServiceError:
        await self.end()
        return _failed("NONSENSE", "The dataset's reader said what no reader says.")


def _failed(reason: str, text: str) -> ReaderFailed:
    """Count a failure and say it."""
    READER_FAILURES.labels(reason).inc()
    return ReaderFailed(text)


def _problem(said: Said) -> ServiceError:
    """Return the error that a reader told of: of who asks, or of what is stored."""
    text = clean(said.message) + (f" ({clean(said.where)})" if said.where else "")
    text += f": {clean(said.hint)}" if said.hint else ""
    if said.code in _INVALID:
        return Invalid(text[:1].upper() + text[1:], code=said.code)
    READER_FAILURES.labels("DATA").inc()
    return Unavailable(text[:1].upper() + text[1:], code=said.code or "READER_FAILED")
