"""Handing a worker what it reads of sealed versions: opened in our memory, sent over a pipe, kept in its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from alphintra_kernel.opened_files import FOLDER

from ..errors import TooLarge, TooMany, Unavailable
from ..sealing.copies import Copy, OpenedCopies, OpenedFile
from .worker_process import Worker

if TYPE_CHECKING:
    from ..services.dataset_inputs import SealedInput

_TAKE_SECONDS = 600.0
_BUSY_SECONDS, _AGAIN_SECONDS = 60.0, 2.0


async def hand(
    worker: Worker, copies: OpenedCopies, sealed: Iterable[SealedInput], most: int, start_seconds: float, who: str
) -> dict[str, str]:
    """Send a worker the files of sealed versions; return by path below ``in`` where it has them.

    Args:
        worker: Which; it takes them before its job, and may still be starting.
        copies: Opens versions.
        sealed: Which versions, and where their files go.
        most: Bytes of a worker's ``/tmp``, where they lie.
        start_seconds: How long it may need to start.
        who: For which user.

    Raises:
        ServiceError: A version cannot be opened, or does not fit; there is no room for a minute; the worker does not
            take it.
    """
    sealed = tuple(sealed)
    sizes = await copies.sizes(own.version for own in sealed)
    _refuse_beyond(sum(sizes[own.version] for own in sealed), most)
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return await _handed(worker, copies, sealed, most, start_seconds, who)
        except TooMany:  # nothing is held while this waits for others, nor has the worker got anything
            if time.monotonic() > until:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)


async def _handed(
    worker: Worker, copies: OpenedCopies, sealed: tuple[SealedInput, ...], most: int, start_seconds: float, who: str
) -> dict[str, str]:
    inside: dict[str, str] = {}
    async with AsyncExitStack() as held:
        wanted: list[tuple[Copy, OpenedFile]] = []
        for own in sealed:
            try:
                copy = await held.enter_async_context(copies.hold(own.version, who))
            except TooMany:
                copies.refuse_alone(other.version for other in sealed)
                raise
            assert copy.manifest is not None
            for path, file in [
                (own.manifest(), copy.manifest),
                *((own.blob(sha256), file) for sha256, file in copy.files.items()),
            ]:
                inside[path] = f"{FOLDER}/{len(wanted)}"
                wanted.append((copy, file))
        _refuse_beyond(sum(file.bytes for _, file in wanted), most)
        try:
            async with asyncio.timeout(start_seconds + _TAKE_SECONDS):
                for number, (copy, file) in enumerate(wanted):
                    await worker.hand(number, file.bytes, partial(copy.read, file))
        except TimeoutError:
            raise Unavailable("The worker did not take what it was to read.", code="WORKER_DIED") from None
    return inside


def _refuse_beyond(size: int, most: int) -> None:
    if size > most:
        raise TooLarge(
            f"Opened, the sealed datasets of this job take {size >> 20:,} MiB of its memory, and there may be "
            f"{most >> 20:,}: split them.",
            code="SEALED_TOO_LARGE",
        )
