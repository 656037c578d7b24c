"""Rows of datasets over HTTP: candles as JSON, downloads as files."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.iostream import StreamClosedError

from ..auth import Caller
from ..errors import ServiceError
from ..metrics import DOWNLOAD_BYTES, DOWNLOAD_SECONDS, DOWNLOADS
from ..models.dataset_reading import CandlesQuery, DatasetCandles, DownloadPlan, DownloadQuery
from ..services.dataset_reading import Begun
from .base import AlphintraHandler, endpoint

STALLED_SECONDS = 120.0
"""Who takes nothing for so long is cut off."""
RECHECK_SECONDS = 60.0


class CandlesHandler(AlphintraHandler):
    """The course of a symbol."""

    @endpoint("datasets:read", query=CandlesQuery, response=DatasetCandles, problems=(404, 410, 429, 503))
    async def get(self, who: Caller, dataset_id: str, *, query: CandlesQuery) -> DatasetCandles:
        """Draw a part of a symbol in at most `points` candles, exactly.

        Each has the first open, the highest high, the lowest low, the last close and the sum of volumes of its rows.
        """
        return await self.services.dataset_reading.candles(who, dataset_id, query)


class DownloadPlanHandler(AlphintraHandler):
    """What a download would be."""

    @endpoint("datasets:read", query=DownloadQuery, response=DownloadPlan, problems=(404, 410, 429, 503))
    async def get(self, who: Caller, dataset_id: str, *, query: DownloadQuery) -> DownloadPlan:
        """Look how many rows a download would have, and whether it can be."""
        return await self.services.dataset_reading.plan(who, dataset_id, query)


class DownloadHandler(AlphintraHandler):
    """Rows as a file."""

    @endpoint(
        "datasets:read",
        query=DownloadQuery,
        media_type="application/octet-stream",
        problems=(404, 410, 429, 503),
        tells=("Content-Disposition",),
    )
    async def get(self, who: Caller, dataset_id: str, *, query: DownloadQuery) -> None:
        """Download rows as CSV, Parquet, Feather, JSON lines or an Excel workbook.

        Where it breaks in its midst, the connection is closed before the end of the body: such a file is not whole.
        """
        async with self.services.dataset_reading.download(who, dataset_id, query) as begun:
            self.set_header("Content-Type", begun.plan.media_type)
            self.set_header("Content-Disposition", f'attachment; filename="{begun.plan.file_name}"')
            self.set_header("Cache-Control", "no-store")
            self.set_header("Accept-Ranges", "none")
            self.set_header("X-Accel-Buffering", "no")
            self.set_header("X-Content-Type-Options", "nosniff")
            end = "FAILED"
            try:
                await self._send(begun, query.format)
                end = "WHOLE"
            except Exception as error:
                if isinstance(error, StreamClosedError | TimeoutError):
                    end = "LEFT"
                elif not self._headers_written:
                    self.clear()
                    raise
                # Whatever it is: raised on, it would have the body ended as that of a whole file is.
                self._break_off(error)
            finally:
                DOWNLOADS.labels(query.format, end).inc()

    async def _send(self, begun: Begun, kind: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        check_at = loop.time() + RECHECK_SECONDS
        async for part in begun.parts:
            self.write(part)
            async with asyncio.timeout(STALLED_SECONDS):
                await self.flush()
            DOWNLOAD_BYTES.labels(kind).inc(len(part))
            if loop.time() >= check_at:
                check_at = loop.time() + RECHECK_SECONDS
                if not await self.still_admitted("datasets:read"):
                    raise StreamClosedError
        await self.finish(set_content_type=begun.plan.media_type)
        DOWNLOAD_SECONDS.labels(kind).observe(loop.time() - began)

    def _break_off(self, error: Exception) -> None:
        """Close the connection without the end of the body, so that nobody takes what came for the whole."""
        if isinstance(error, ServiceError | TimeoutError):
            self.log.warning("A download was broken off: %s", error)
        elif not isinstance(error, StreamClosedError):
            self.log.error("A download was broken off", exc_info=error)
        connection: Any = self.request.connection
        connection.stream.close()
