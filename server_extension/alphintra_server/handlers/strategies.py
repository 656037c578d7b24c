"""Strategies and templates over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..errors import NotFound
from ..models.base import Page, PageQuery
from ..models.strategies import (
    Accepted,
    Cloned,
    FromFile,
    Inspection,
    SavedStrategy,
    SourcePath,
    Strategy,
    StrategyCreate,
    StrategyExecute,
    StrategyQuery,
    StrategyTemplate,
    StrategyUpdate,
    StrategyVersion,
    TemplateClone,
)
from ..services.paging import Slice, page
from ..services.strategies import etag
from .base import AlphintraHandler, endpoint
from .reading import number_of


def _address(strategy: Strategy, *_: str) -> str:
    return f"/api/strategies/code/{strategy.id}"


def _etag(strategy: Strategy) -> str:
    return etag(strategy.version)


class StrategiesHandler(AlphintraHandler):
    """The list of strategies."""

    @endpoint("strategies:read", query=StrategyQuery, response=Page[Strategy])
    async def get(self, who: Caller, *, query: StrategyQuery) -> Page[Strategy]:
        """List your strategies; archived ones only with status=ARCHIVED."""
        return page(await self.services.strategies.search(who, query), query, self.request.path)


class StrategyCreateHandler(AlphintraHandler):
    """New strategies."""

    @endpoint(
        "strategies:write",
        body=StrategyCreate,
        response=Strategy,
        status=201,
        location=_address,
        etag=_etag,
        idempotent=True,
    )
    async def post(self, who: Caller, *, body: StrategyCreate) -> Strategy:
        """Store a strategy."""
        return await self.services.strategies.create(who, body)


class StrategyHandler(AlphintraHandler):
    """One strategy."""

    @endpoint("strategies:read", response=Strategy, problems=(404,), etag=_etag)
    async def get(self, who: Caller, strategy_id: str) -> Strategy:
        """Read a strategy."""
        return await self.services.strategies.get(who, strategy_id)

    @endpoint(
        "strategies:write",
        body=StrategyUpdate,
        response=Strategy,
        problems=(404, 409, 412),
        etag=_etag,
        reads={"If-Match": "The `ETag` of the strategy as it was read: changed since, it is 412 `CHANGED_MEANWHILE`."},
    )
    async def put(self, who: Caller, strategy_id: str, *, body: StrategyUpdate) -> Strategy:
        """Change a strategy; every change of its content is a version. Takes If-Match."""
        return await self.services.strategies.update(who, strategy_id, body, self.request.headers.get("If-Match"))


class StrategyVersionsHandler(AlphintraHandler):
    """The saved states of a strategy."""

    @endpoint("strategies:read", query=PageQuery, response=Page[StrategyVersion], problems=(404,))
    async def get(self, who: Caller, strategy_id: str, *, query: PageQuery) -> Page[StrategyVersion]:
        """List the versions, newest first."""
        found = await self.services.strategies.versions(who, strategy_id, query.limit, query.offset)
        return page(found, query, self.request.path)


class StrategyVersionHandler(AlphintraHandler):
    """One saved state."""

    @endpoint("strategies:read", response=StrategyVersion, problems=(404,))
    async def get(self, who: Caller, strategy_id: str, number: str) -> StrategyVersion:
        """Read a version."""
        if len(number) > 9:
            raise NotFound(f"The strategy has no version {number[:9]}….")
        return await self.services.strategies.version(who, strategy_id, number_of(number))


class StrategyArchiveHandler(AlphintraHandler):
    """Archiving."""

    @endpoint("strategies:write", response=Strategy, problems=(404, 409))
    async def post(self, who: Caller, strategy_id: str) -> Strategy:
        """Archive: off the lists, and it refuses to run."""
        return await self.services.strategies.archive(who, strategy_id)


class StrategyRestoreHandler(AlphintraHandler):
    """Restoring."""

    @endpoint("strategies:write", response=Strategy, problems=(404, 409))
    async def post(self, who: Caller, strategy_id: str) -> Strategy:
        """Bring an archived strategy back."""
        return await self.services.strategies.restore(who, strategy_id)


class StrategyExecuteHandler(AlphintraHandler):
    """Running the stored code."""

    @endpoint(
        "strategies:execute",
        body=StrategyExecute,
        response=Accepted,
        status=202,
        problems=(404, 409, 429),
        location=lambda accepted, _: f"/api/backtests/{accepted.backtest_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, strategy_id: str, *, body: StrategyExecute) -> Accepted:
        """Check the stored code, then create and run one backtest of it."""
        return await self.services.backtests.execute(who, strategy_id, body)


class SourceInspectHandler(AlphintraHandler):
    """Looking into workspace files."""

    @endpoint("workspace:read", body=SourcePath, response=Inspection, problems=(404, 409, 413))
    async def post(self, who: Caller, *, body: SourcePath) -> Inspection:
        """Find the strategy classes of a notebook or Python file and check it as a job's source."""
        language, source = await self.services.sources.from_file(body.path)
        return Inspection.model_validate(
            {
                "path": body.path,
                "language": language,
                "classes": source.classes,
                "diagnostics": source.diagnostics,
                "modules": sorted(source.modules),
            }
        )


class StrategyFromFileHandler(AlphintraHandler):
    """Saving from workspace files."""

    @endpoint(
        "strategies:write",
        body=FromFile,
        response=SavedStrategy,
        status=201,
        problems=(404, 409, 413),
        location=_address,
        idempotent=True,
    )
    async def post(self, who: Caller, *, body: FromFile) -> tuple[SavedStrategy, int]:
        """Save the strategy of a workspace file: 201 for a new one, 200 for one that was known."""
        return await self.services.strategies.from_file(who, body)


class TemplatesHandler(AlphintraHandler):
    """The gallery."""

    @endpoint("templates:read", query=PageQuery, response=Page[StrategyTemplate])
    async def get(self, who: Caller, *, query: PageQuery) -> Page[StrategyTemplate]:
        """List the strategy templates."""
        found = await self.services.templates.all()
        part = found[query.offset : query.offset + query.limit]
        return page(Slice(part, len(found)), query, self.request.path)


class TemplateCloneHandler(AlphintraHandler):
    """Clones."""

    @endpoint(
        "workspace:write", body=TemplateClone, response=Cloned, status=201, problems=(404, 409), idempotent=True
    )
    async def post(self, who: Caller, template_id: str, *, body: TemplateClone) -> Cloned:
        """Copy a template into the workspace; a name that exists gets -1, -2."""
        return await self.services.templates.clone(who, template_id, body)
