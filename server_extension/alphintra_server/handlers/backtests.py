"""Backtests over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.backtests import (
    BacktestCreate,
    BacktestJob,
    BacktestQuery,
    BacktestResult,
    ResultsQuery,
    Trade,
    TradesQuery,
)
from ..models.base import Page
from ..models.comparison import BacktestComparison, BacktestsCompare
from ..models.strategies import Accepted
from ..services.paging import page
from .base import AlphintraHandler, endpoint


def _address(accepted: Accepted, *_: str) -> str:
    return f"/api/backtests/{accepted.backtest_id}"


class BacktestsHandler(AlphintraHandler):
    """The list, and new ones."""

    @endpoint("backtests:read", query=BacktestQuery, response=Page[BacktestJob])
    async def get(self, who: Caller, *, query: BacktestQuery) -> Page[BacktestJob]:
        """List your backtests, newest first."""
        return page(await self.services.backtests.search(who, query), query, self.request.path)

    @endpoint(
        "backtests:write",
        body=BacktestCreate,
        response=BacktestJob,
        status=201,
        problems=(404, 409),
        location=lambda made: f"/api/backtests/{made.id}",
        idempotent=True,
    )
    async def post(self, who: Caller, *, body: BacktestCreate) -> BacktestJob:
        """Create a backtest; it runs when you say so."""
        return await self.services.backtests.create(who, body)


class BacktestsCompareHandler(AlphintraHandler):
    """Comparing."""

    @endpoint("backtests:read", body=BacktestsCompare, response=BacktestComparison, problems=(404, 409, 410))
    async def post(self, who: Caller, *, body: BacktestsCompare) -> BacktestComparison:
        """Compare 2 to 20 completed backtests on the sessions that all of them have; nothing is stored."""
        return await self.services.comparisons.compare(who, body)


class BacktestHandler(AlphintraHandler):
    """One backtest."""

    @endpoint("backtests:read", response=BacktestJob, problems=(404,))
    async def get(self, who: Caller, backtest_id: str) -> BacktestJob:
        """Read a backtest and its state."""
        return await self.services.backtests.get(who, backtest_id)


class BacktestRunHandler(AlphintraHandler):
    """Running."""

    @endpoint(
        "backtests:execute",
        response=Accepted,
        status=202,
        problems=(404, 409, 422, 429),
        location=_address,
        idempotent=True,
    )
    async def post(self, who: Caller, backtest_id: str) -> Accepted:
        """Queue a created backtest; 409 if it was before."""
        return await self.services.backtests.run(who, backtest_id)


class BacktestCancelHandler(AlphintraHandler):
    """Cancelling."""

    @endpoint("backtests:execute", response=Accepted, status=202, problems=(404, 409), location=_address)
    async def post(self, who: Caller, backtest_id: str) -> Accepted:
        """Stop a backtest that waits or runs; 409 if it has finished."""
        return await self.services.backtests.cancel(who, backtest_id)


class BacktestResultsHandler(AlphintraHandler):
    """Results."""

    @endpoint("backtests:read", query=ResultsQuery, response=BacktestResult, problems=(404, 409, 410))
    async def get(self, who: Caller, backtest_id: str, *, query: ResultsQuery) -> BacktestResult:
        """Read the figures; 409 before the backtest is COMPLETED."""
        return await self.services.backtest_results.figures(who, backtest_id, view=query.view)


class BacktestTradesHandler(AlphintraHandler):
    """The trade log."""

    @endpoint("backtests:read", query=TradesQuery, response=Page[Trade], problems=(404, 409, 410))
    async def get(self, who: Caller, backtest_id: str, *, query: TradesQuery) -> Page[Trade]:
        """List the trades; 409 before the backtest is COMPLETED."""
        return page(await self.services.backtest_results.trades(who, backtest_id, query), query, self.request.path)


class BacktestReportHandler(AlphintraHandler):
    """The report."""

    @property
    def content_security_policy(self) -> str:
        """Seal the page: its text comes from a strategy, so it runs in an origin of its own."""
        return (
            "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
            "style-src 'unsafe-inline'; img-src data: blob:"
        )

    @endpoint("backtests:read", problems=(404, 409, 410), media_type="text/html")
    async def get(self, who: Caller, backtest_id: str) -> None:
        """Read the report, one HTML page; of a FAILED backtest where and why it failed, and 409 before that."""
        report = await self.services.backtest_results.report(who, backtest_id)
        self.set_header("X-Content-Type-Options", "nosniff")
        await self.finish(report, set_content_type="text/html; charset=UTF-8")
