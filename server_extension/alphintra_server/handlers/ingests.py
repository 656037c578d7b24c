"""Uploads that become versions of datasets, over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.ingests import IngestAccepted, IngestRequest, Inspection
from .base import AlphintraHandler, endpoint


class UploadInspectHandler(AlphintraHandler):
    """Looking at a file."""

    @endpoint(
        "datasets:write",
        response=IngestAccepted,
        status=202,
        problems=(404, 409, 410, 429, 503),
        location=lambda accepted, _id: f"/api/jobs/{accepted.job_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, upload_id: str) -> IngestAccepted:
        """Look at an upload: what is in it, what its columns may be, and what only you know."""
        return await self.services.ingests.inspect(who, upload_id)


class UploadInspectionHandler(AlphintraHandler):
    """What was found."""

    @endpoint("datasets:read", response=Inspection, problems=(404,))
    async def get(self, who: Caller, upload_id: str) -> Inspection:
        """Read what the first look at an upload found, and where the upload stands."""
        return await self.services.ingests.inspection(who, upload_id)


class UploadIngestHandler(AlphintraHandler):
    """Making a version."""

    @endpoint(
        "datasets:write",
        body=IngestRequest,
        response=IngestAccepted,
        status=202,
        problems=(404, 409, 410, 422, 429, 503),
        location=lambda accepted, _id: f"/api/jobs/{accepted.job_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, upload_id: str, *, body: IngestRequest) -> IngestAccepted:
        """Confirm how an upload is read, and make a version of a dataset of it."""
        return await self.services.ingests.ingest(who, upload_id, body)
