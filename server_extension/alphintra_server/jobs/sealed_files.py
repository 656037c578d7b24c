"""Handing a worker what it reads of sealed versions: opened in our memory, sent over a pipe, kept in its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from alphintra_kernel.opened_files import FOLDER

from ..errors import TooLarge, Unavailable
from ..sealing.copies import Copy, OpenedCopies, OpenedFile
from .worker_process import Worker

if TYPE_CHECKING:
    from ..services.dataset_inputs import SealedInput

_TAKE_SECONDS = 600.0


async def hand(
    worker: Worker, copies: OpenedCopies, sealed: Iterable[SealedInput], most: int, start_seconds: float
) -> dict[str, str]:
    """Send a worker the files of sealed versions; return by path below ``in`` where it has them.

    Args:
        worker: Which; it takes them before its job, and may still be starting.
        copies: Opens versions.
        sealed: Which versions, and where their files go.
        most: Bytes of a worker's ``/tmp``, where they lie.
        start_seconds: How long it may need to start.

    Raises:
        ServiceError: A version cannot be opened, or does not fit; the worker does not take it.
    """
    inside: dict[str, str] = {}
    async with AsyncExitStack() as held:
        wanted: list[tuple[Copy, OpenedFile]] = []
        for own in sealed:
            copy = await held.enter_async_context(copies.hold(own.version))
            assert copy.manifest is not None
            for path, file in [
                (own.manifest(), copy.manifest),
                *((own.blob(sha256), file) for sha256, file in copy.files.items()),
            ]:
                inside[path] = f"{FOLDER}/{len(wanted)}"
                wanted.append((copy, file))
        size = sum(file.bytes for _, file in wanted)
        if size > most:
            raise TooLarge(
                f"Opened, the sealed datasets of this job take {size >> 20:,} MiB of its memory, and there may be "
                f"{most >> 20:,}: split them.",
                code="SEALED_TOO_LARGE",
            )
        try:
            async with asyncio.timeout(start_seconds + _TAKE_SECONDS):
                for number, (copy, file) in enumerate(wanted):
                    await worker.hand(number, file.bytes, partial(copy.read, file))
        except TimeoutError:
            raise Unavailable("The worker did not take what it was to read.", code="WORKER_DIED") from None
    return inside
