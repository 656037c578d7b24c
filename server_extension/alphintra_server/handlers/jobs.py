"""Jobs of every kind over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.jobs import Job, JobLog, JobPage, JobQuery
from .base import AlphintraHandler, endpoint


class JobsHandler(AlphintraHandler):
    """The list."""

    @endpoint("jobs:read", query=JobQuery, response=JobPage)
    async def get(self, who: Caller, *, query: JobQuery) -> JobPage:
        """List your jobs of every kind, newest first."""
        return await self.services.jobs.search(who, query, self.request.path)


class JobHandler(AlphintraHandler):
    """One job."""

    @endpoint("jobs:read", response=Job, problems=(404,))
    async def get(self, who: Caller, job_id: str) -> Job:
        """Read a job: its state, its place in the queue and what it has taken."""
        return await self.services.jobs.get(who, job_id)


class JobCancelHandler(AlphintraHandler):
    """Cancelling."""

    @endpoint(
        "jobs:execute",
        response=Job,
        status=202,
        problems=(404, 409),
        location=lambda job, job_id: f"/api/jobs/{job_id}",
    )
    async def post(self, who: Caller, job_id: str) -> Job:
        """Stop a job that waits or runs; 409 if it has finished."""
        return await self.services.jobs.cancel(who, job_id)


class JobLogHandler(AlphintraHandler):
    """What it printed."""

    @endpoint("jobs:read", response=JobLog, problems=(404,))
    async def get(self, who: Caller, job_id: str) -> JobLog:
        """Read what a job printed: the last 200 of its first 2,000 lines (1 MiB)."""
        return await self.services.jobs.log(who, job_id)
