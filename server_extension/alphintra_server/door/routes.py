"""What is behind a door: its whole table, shorter than REST's and independent of Jupyter's."""

from __future__ import annotations

from ..auth import Caller
from ..errors import Conflict
from ..handlers.base import endpoint
from ..handlers.reading import MAX_BODY
from ..models.backtests import ResultsQuery
from ..models.base import Page
from ..models.code import System
from ..models.datasets import Dataset, DatasetQuery
from ..models.jobs import Job, JobLog, JobPage, JobQuery
from ..models.recipes import Processed, ProcessSubmission, RecipeAccepted
from ..models.submissions import Identity, ResultsOfJob, Submission, Submitted
from ..models.versions import PartQuery, VersionNames, VersionQuery
from ..services.backtests import KIND
from ..services.paging import page
from .handlers import BYTES, DoorHandler

SUBMIT = "submit"
"""Name of the rate at which work is handed over."""


class MeHandler(DoorHandler):
    """Who is asking."""

    @endpoint("system:read", response=Identity)
    async def get(self, who: Caller) -> Identity:
        """Read for whom this door acts and what it may do."""
        return Identity(
            user_id=who.user_id, tenant=self.tenant.kind, subject=self.tenant.subject, scopes=sorted(who.scopes)
        )


class SystemHandler(DoorHandler):
    """What the server is."""

    @endpoint("system:read", response=System)
    async def get(self, who: Caller) -> System:
        """Read versions, limits, defaults and the sandbox level; where the server keeps its files is not told."""
        found = await self.services.system.describe(who)
        return found.model_copy(update={"data_dir": None})


class DatasetsHandler(DoorHandler):
    """The catalogue."""

    @endpoint("datasets:read", query=DatasetQuery, response=Page[Dataset])
    async def get(self, who: Caller, *, query: DatasetQuery) -> Page[Dataset]:
        """List the datasets."""
        return page(await self.services.datasets.search(who, query), query, self.request.path)


class VersionsHandler(DoorHandler):
    """The versions of a dataset."""

    @endpoint("datasets:read", query=VersionQuery, response=VersionNames)
    async def get(self, who: Caller, *, query: VersionQuery) -> VersionNames:
        """List the versions of one of the user's datasets."""
        return await self.services.version_reading.versions(who, query.name)


class ManifestHandler(DoorHandler):
    """What a version is."""

    @endpoint("datasets:read", media_type=BYTES)
    async def get(self, who: Caller, version_id: str) -> None:
        """Read a version's manifest."""
        await self.write_bytes(await self.services.version_reading.manifest(who, version_id, self.reader))


class FileHandler(DoorHandler):
    """What a version holds."""

    @endpoint("datasets:read", query=PartQuery, media_type=BYTES)
    async def get(self, who: Caller, version_id: str, sha256: str, *, query: PartQuery) -> None:
        """Read a range of one of a version's files."""
        found = await self.services.version_reading.part(
            who, version_id, sha256, query.start, query.bytes, self.reader
        )
        await self.write_bytes(found)


class SubmitHandler(DoorHandler):
    """Handing work over."""

    most_bytes = MAX_BODY
    rate = SUBMIT

    @endpoint(
        "strategies:execute",
        body=Submission,
        response=Submitted,
        status=202,
        location=lambda made: f"/v1/jobs/{made.job_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, *, body: Submission) -> Submitted:
        """Store source as a strategy's version and queue a backtest of it."""
        who.require("strategies:write")
        return await self.services.submissions.submit(who, body)


class ProcessHandler(DoorHandler):
    """Handing recipes over."""

    most_bytes = MAX_BODY
    rate = SUBMIT

    @endpoint(
        "datasets:write",
        body=ProcessSubmission,
        response=RecipeAccepted,
        status=202,
        location=lambda made: f"/v1/jobs/{made.job_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, *, body: ProcessSubmission) -> RecipeAccepted:
        """Queue a recipe on a version of a dataset."""
        return await self.services.recipes.process(who, body.source, body)


class ProcessedHandler(DoorHandler):
    """What came of a recipe."""

    @endpoint("datasets:read", response=Processed)
    async def get(self, who: Caller, job_id: str) -> Processed:
        """Read what came of a recipe that was run."""
        return await self.services.recipes.processed(who, job_id)


class JobsHandler(DoorHandler):
    """Jobs."""

    @endpoint("jobs:read", query=JobQuery, response=JobPage)
    async def get(self, who: Caller, *, query: JobQuery) -> JobPage:
        """List the user's jobs, newest first."""
        return await self.services.jobs.search(who, query, self.request.path)


class JobHandler(DoorHandler):
    """One job."""

    @endpoint("jobs:read", response=Job)
    async def get(self, who: Caller, job_id: str) -> Job:
        """Read a job's state and progress."""
        return await self.services.jobs.get(who, job_id)


class JobLogHandler(DoorHandler):
    """What a job printed."""

    @endpoint("jobs:read", response=JobLog)
    async def get(self, who: Caller, job_id: str) -> JobLog:
        """Read what is kept of a job's log."""
        return await self.services.jobs.log(who, job_id)


class JobCancelHandler(DoorHandler):
    """Stopping."""

    @endpoint("jobs:execute", response=Job, status=202)
    async def post(self, who: Caller, job_id: str) -> Job:
        """Stop a job that waits or runs."""
        return await self.services.jobs.cancel(who, job_id)


class JobResultsHandler(DoorHandler):
    """Results."""

    @endpoint("backtests:read", query=ResultsQuery, response=ResultsOfJob)
    async def get(self, who: Caller, job_id: str, *, query: ResultsQuery) -> ResultsOfJob:
        """Read what a completed job found."""
        job = await self.services.jobs.get(who, job_id)
        if job.kind != KIND:
            raise Conflict(f"A job of kind {job.kind} has no results here.", code="NO_RESULTS")
        results = await self.services.backtest_results.figures(who, job.resource_id, view=query.view)
        return ResultsOfJob(
            job_id=job.id,
            backtest_id=job.resource_id,
            name=job.name,
            report=f"{self.server_url}/api/backtests/{job.resource_id}/report",
            results=results,
        )


_JOB = r"/v1/jobs/([0-9a-f]{32})"
_VERSION = r"/v1/versions/([0-9a-f]{32})"

ROUTES: tuple[tuple[str, type[DoorHandler]], ...] = (
    (r"/v1/me", MeHandler),
    (r"/v1/system", SystemHandler),
    (r"/v1/datasets", DatasetsHandler),
    (r"/v1/versions", VersionsHandler),
    (_VERSION + "/manifest", ManifestHandler),
    (_VERSION + r"/files/([0-9a-f]{64})", FileHandler),
    (r"/v1/backtests", SubmitHandler),
    (r"/v1/recipes", ProcessHandler),
    (r"/v1/recipes/([0-9a-f]{32})", ProcessedHandler),
    (r"/v1/jobs", JobsHandler),
    (_JOB, JobHandler),
    (_JOB + "/log", JobLogHandler),
    (_JOB + "/cancel", JobCancelHandler),
    (_JOB + "/results", JobResultsHandler),
)
"""Path → handler; an id has one form."""
