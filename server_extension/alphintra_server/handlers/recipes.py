"""Recipes run and tried on datasets, versions compared, and going back to one, over HTTP."""

from __future__ import annotations

from typing import Any

from ..auth import Caller
from ..models.datasets import DatasetVersion
from ..models.recipes import (
    CompareAccepted,
    CompareBody,
    CompareQuery,
    CompareResult,
    Processed,
    ProcessRequest,
    RecipeAccepted,
    RecipePreviewRequest,
    RecipePreviewResult,
    RestoreRequest,
    VersionDifferences,
)
from .base import AlphintraHandler, endpoint
from .reading import number_of


def _job(accepted: Any, *_: str) -> str:
    return f"/api/jobs/{accepted.job_id}"


class RecipeSchemaHandler(AlphintraHandler):
    """The steps that there are."""

    @endpoint("datasets:read", media_type="application/schema+json", problems=(503,))
    async def get(self, who: Caller) -> None:
        """Read the JSON Schema of the steps of a recipe, with units for a form."""
        self.write_document(await self.services.recipes.schema(), "application/schema+json")


class DatasetProcessHandler(AlphintraHandler):
    """Running a recipe."""

    @endpoint(
        "datasets:write",
        body=ProcessRequest,
        response=RecipeAccepted,
        status=202,
        problems=(403, 404, 409, 410, 422, 429, 503),
        location=_job,
        idempotent=True,
    )
    async def post(self, who: Caller, dataset_id: str, *, body: ProcessRequest) -> RecipeAccepted:
        """Run a recipe on a version of a dataset: the next version of it, or one of a dataset of yours."""
        return await self.services.recipes.process(who, dataset_id, body)


class DatasetProcessedHandler(AlphintraHandler):
    """What came of a recipe."""

    @endpoint("datasets:read", response=Processed, problems=(403, 404, 410))
    async def get(self, who: Caller, dataset_id: str, job_id: str) -> Processed:
        """Read what came of a recipe that was run: the version, and what each step changed."""
        return await self.services.recipes.processed(who, job_id, dataset_id)


class RecipePreviewsHandler(AlphintraHandler):
    """Trying a recipe."""

    @endpoint(
        "datasets:write",
        body=RecipePreviewRequest,
        response=RecipeAccepted,
        status=202,
        problems=(403, 404, 409, 410, 422, 429, 503),
        location=_job,
        idempotent=True,
    )
    async def post(self, who: Caller, dataset_id: str, *, body: RecipePreviewRequest) -> RecipeAccepted:
        """Try a recipe on some rows of a version; nothing is stored of it but what was found."""
        return await self.services.recipes.preview(who, dataset_id, body)


class RecipePreviewHandler(AlphintraHandler):
    """What a recipe does."""

    @endpoint("datasets:read", response=RecipePreviewResult, problems=(403, 404, 410))
    async def get(self, who: Caller, dataset_id: str, job_id: str) -> RecipePreviewResult:
        """Read what came of a preview: rows before and after, what each step changed, which step looks ahead."""
        return await self.services.recipes.previewed(who, dataset_id, job_id)


class DatasetCompareHandler(AlphintraHandler):
    """Comparing versions."""

    @endpoint("datasets:read", query=CompareQuery, response=VersionDifferences, problems=(404, 409, 410))
    async def get(self, who: Caller, dataset_id: str, *, query: CompareQuery) -> VersionDifferences:
        """Read how two versions differ, as far as is known without reading rows."""
        return await self.services.version_comparisons.differences(who, dataset_id, query)

    @endpoint(
        "datasets:write",
        body=CompareBody,
        response=CompareAccepted,
        status=202,
        problems=(404, 409, 410, 422, 429, 503),
        location=_job,
        idempotent=True,
    )
    async def post(self, who: Caller, dataset_id: str, *, body: CompareBody) -> CompareAccepted:
        """Compare two versions cell by cell."""
        return await self.services.version_comparisons.compare(who, dataset_id, body)


class DatasetComparedHandler(AlphintraHandler):
    """What a comparison found."""

    @endpoint("datasets:read", response=CompareResult, problems=(404, 410))
    async def get(self, who: Caller, dataset_id: str, job_id: str) -> CompareResult:
        """Read what came of a comparison: all differences counted, the first 1,000 listed."""
        return await self.services.version_comparisons.compared(who, dataset_id, job_id)


class VersionRestoreHandler(AlphintraHandler):
    """Going back."""

    @endpoint(
        "datasets:write",
        body=RestoreRequest,
        response=DatasetVersion,
        problems=(403, 404, 409, 410, 422),
        idempotent=True,
    )
    async def post(self, who: Caller, dataset_id: str, number: str, *, body: RestoreRequest) -> DatasetVersion:
        """Go back to a version: it is the current one again, and none is lost."""
        return await self.services.version_comparisons.restore(who, dataset_id, number_of(number), body)
