"""Connectors over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.base import Page, PageQuery
from ..models.connectors import Connector, ConnectorChange, ConnectorCreate, ConnectorRun
from ..services.paging import page
from .base import AlphintraHandler, endpoint


class ConnectorsHandler(AlphintraHandler):
    """All of one's connectors."""

    @endpoint("datasets:read", query=PageQuery, response=Page[Connector])
    async def get(self, who: Caller, *, query: PageQuery) -> Page[Connector]:
        """List your connectors by name, with how fresh their datasets are and what went wrong last."""
        return page(await self.services.connectors.search(who, query), query, self.request.path)

    @endpoint(
        "datasets:write",
        body=ConnectorCreate,
        response=Connector,
        status=201,
        problems=(409, 422, 429),
        location=lambda made: f"/api/connectors/{made.id}",
        idempotent=True,
    )
    async def post(self, who: Caller, *, body: ConnectorCreate) -> Connector:
        """Set a connector up: where rows come from, which dataset they go to, and when they are fetched."""
        return await self.services.connectors.create(who, body)


class ConnectorHandler(AlphintraHandler):
    """One connector."""

    @endpoint("datasets:read", response=Connector, problems=(404,))
    async def get(self, who: Caller, connector_id: str) -> Connector:
        """Read a connector. Its secret is never shown."""
        return await self.services.connectors.get(who, connector_id)

    @endpoint("datasets:write", body=ConnectorChange, response=Connector, problems=(404, 422))
    async def patch(self, who: Caller, connector_id: str, *, body: ConnectorChange) -> Connector:
        """Change a connector, or pause it; a run that is under way goes on as it began."""
        return await self.services.connectors.change(who, connector_id, body)

    @endpoint("datasets:write", status=204, problems=(404, 409))
    async def delete(self, who: Caller, connector_id: str) -> None:
        """Forget a connector, its runs and its secret. The dataset stays."""
        await self.services.connectors.delete(who, connector_id)
        self.set_status(204)


class ConnectorRunHandler(AlphintraHandler):
    """Running it now."""

    @endpoint(
        "datasets:write",
        response=ConnectorRun,
        status=202,
        problems=(404, 409, 429, 503),
        location=lambda run, _id: f"/api/jobs/{run.job_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, connector_id: str) -> ConnectorRun:
        """Fetch what is new since the dataset's last row, check it, and add it."""
        return await self.services.connectors.run(who, connector_id)


class ConnectorRunsHandler(AlphintraHandler):
    """What it did."""

    @endpoint("datasets:read", query=PageQuery, response=Page[ConnectorRun], problems=(404,))
    async def get(self, who: Caller, connector_id: str, *, query: PageQuery) -> Page[ConnectorRun]:
        """List the runs of a connector, newest first; the newest 200 are kept."""
        return page(await self.services.connectors.runs(who, connector_id, query), query, self.request.path)
