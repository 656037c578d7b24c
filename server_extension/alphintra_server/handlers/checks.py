"""Checks of strategies over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.base import Page, PageQuery
from ..models.checks import Checks, ChecksAccepted, ChecksRun, ChecksUpdate
from ..services.paging import page
from ..services.strategies import etag
from .base import AlphintraHandler, endpoint


def _address(accepted: ChecksAccepted, strategy_id: str, *_: str) -> str:
    return f"/api/strategies/code/{strategy_id}/checks/runs/{accepted.run_id}"


def _etag(checks: Checks) -> str:
    return etag(checks.revision)


class ChecksHandler(AlphintraHandler):
    """A strategy's checks."""

    @endpoint("strategies:read", response=Checks, problems=(404,), etag=_etag)
    async def get(self, who: Caller, strategy_id: str) -> Checks:
        """Read a strategy's checks, when they run by themselves, and their last run."""
        return await self.services.checks.get(who, strategy_id)

    @endpoint(
        "strategies:execute",
        body=ChecksUpdate,
        response=Checks,
        problems=(404, 409, 412),
        etag=_etag,
        reads={"If-Match": "The `ETag` of the checks as they were read: changed since, it is 412 `CHANGED_MEANWHILE`."},
    )
    async def put(self, who: Caller, strategy_id: str, *, body: ChecksUpdate) -> Checks:
        """Set a strategy's checks and when they run by themselves. Takes If-Match."""
        return await self.services.checks.put(who, strategy_id, body, self.request.headers.get("If-Match"))


class ChecksRunHandler(AlphintraHandler):
    """Running the checks now."""

    @endpoint(
        "strategies:execute",
        response=ChecksAccepted,
        status=202,
        problems=(404, 409, 429),
        location=_address,
        idempotent=True,
    )
    async def post(self, who: Caller, strategy_id: str) -> ChecksAccepted:
        """Queue a run at low priority; a run that waits already takes the newest version."""
        return await self.services.checks.run(who, strategy_id)


class ChecksRunsHandler(AlphintraHandler):
    """The history."""

    @endpoint("strategies:read", query=PageQuery, response=Page[ChecksRun], problems=(404,))
    async def get(self, who: Caller, strategy_id: str, *, query: PageQuery) -> Page[ChecksRun]:
        """List the runs of a strategy's checks, newest first; the newest 200 are kept."""
        return page(await self.services.checks.runs(who, strategy_id, query), query, self.request.path)


class ChecksOneRunHandler(AlphintraHandler):
    """One run."""

    @endpoint("strategies:read", response=ChecksRun, problems=(404,))
    async def get(self, who: Caller, strategy_id: str, run_id: str) -> ChecksRun:
        """Read a run of a strategy's checks."""
        return await self.services.checks.get_run(who, strategy_id, run_id)


class ChecksCancelHandler(AlphintraHandler):
    """Cancelling."""

    @endpoint(
        "strategies:execute", response=ChecksAccepted, status=202, problems=(404, 409), location=_address
    )
    async def post(self, who: Caller, strategy_id: str, run_id: str) -> ChecksAccepted:
        """Stop a run that waits or is at work; 409 if it has ended. It then neither passed nor failed."""
        return await self.services.checks.cancel(who, strategy_id, run_id)
