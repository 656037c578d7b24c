"""Datasets over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.base import Page, PageQuery
from ..models.datasets import (
    Dataset,
    DatasetChange,
    DatasetPreview,
    DatasetQuery,
    DatasetStatistics,
    DatasetVersion,
    Deletion,
    DeletionQuery,
    GrantChange,
    Grants,
    PreviewQuery,
    StatisticsQuery,
    StorageUsage,
)
from ..services.paging import page
from .base import AlphintraHandler, endpoint
from .reading import number_of


class DatasetsHandler(AlphintraHandler):
    """The catalogue."""

    @endpoint("datasets:read", query=DatasetQuery, response=Page[Dataset])
    async def get(self, who: Caller, *, query: DatasetQuery) -> Page[Dataset]:
        """List the datasets; long lists in an item are cut to 20."""
        return page(await self.services.datasets.search(who, query), query, self.request.path)


class DatasetHandler(AlphintraHandler):
    """One dataset."""

    @endpoint("datasets:read", response=Dataset, problems=(404, 410), tells=("ETag",))
    async def get(self, who: Caller, dataset_id: str) -> Dataset:
        """Read a dataset, by id or name; what others share with you, by id."""
        return await self.services.datasets.get(who, dataset_id)

    @endpoint(
        "datasets:write",
        body=DatasetChange,
        response=Dataset,
        problems=(404, 410, 412),
        reads={"If-Match": "The `ETag` of the dataset as it was read: changed since, it is 412 `CHANGED_MEANWHILE`."},
        tells=("ETag",),
    )
    async def patch(self, who: Caller, dataset_id: str, *, body: DatasetChange) -> Dataset:
        """Change the description and the tags of a dataset. Takes If-Match, with the ETag of reading it."""
        return await self.services.datasets.change(who, dataset_id, body, self.request.headers.get("If-Match"))

    @endpoint("datasets:write", query=DeletionQuery, response=Deletion, status=202, problems=(404, 409, 410))
    async def delete(self, who: Caller, dataset_id: str, *, query: DeletionQuery) -> Deletion:
        """Delete a dataset: from now on nobody new reads it, and its files go when the last reader has ended."""
        return await self.services.dataset_deletion.delete(who, dataset_id, query)


class DatasetVersionsHandler(AlphintraHandler):
    """The versions of a dataset."""

    @endpoint("datasets:read", query=PageQuery, response=Page[DatasetVersion], problems=(404, 410))
    async def get(self, who: Caller, dataset_id: str, *, query: PageQuery) -> Page[DatasetVersion]:
        """List the versions of a dataset, the newest first."""
        return page(await self.services.datasets.versions(who, dataset_id, query), query, self.request.path)


class DatasetVersionHandler(AlphintraHandler):
    """One version."""

    @endpoint("datasets:read", response=DatasetVersion, problems=(404, 410))
    async def get(self, who: Caller, dataset_id: str, number: str) -> DatasetVersion:
        """Read what is known of a version."""
        return await self.services.datasets.version(who, dataset_id, number_of(number))


class DatasetGrantsHandler(AlphintraHandler):
    """With whom a dataset is shared."""

    @endpoint("datasets:read", response=Grants, problems=(404, 410))
    async def get(self, who: Caller, dataset_id: str) -> Grants:
        """List with whom a dataset of yours is shared."""
        return await self.services.dataset_grants.get(who, dataset_id)

    @endpoint("datasets:write", body=GrantChange, response=Grants, problems=(404, 409, 410))
    async def put(self, who: Caller, dataset_id: str, *, body: GrantChange) -> Grants:
        """Share a dataset of yours with a user: to read, to use, to edit, or no more."""
        return await self.services.dataset_grants.change(who, dataset_id, body)


class StorageUsageHandler(AlphintraHandler):
    """What the caller's files take."""

    @endpoint("datasets:read", response=StorageUsage)
    async def get(self, who: Caller) -> StorageUsage:
        """Read how much of your quota your uploads and datasets take."""
        return await self.services.datasets.usage(who)


class DatasetPreviewHandler(AlphintraHandler):
    """A look inside."""

    @endpoint("datasets:read", query=PreviewQuery, response=DatasetPreview, problems=(404, 410, 429, 503))
    async def get(self, who: Caller, dataset_id: str, *, query: PreviewQuery) -> DatasetPreview:
        """Preview rows, column statistics and a chart."""
        return await self.services.datasets.preview(who, dataset_id, query)


class DatasetStatisticsHandler(AlphintraHandler):
    """Numbers about its columns."""

    @endpoint("datasets:read", query=StatisticsQuery, response=DatasetStatistics, problems=(404, 410, 429, 503))
    async def get(self, who: Caller, dataset_id: str, *, query: StatisticsQuery) -> DatasetStatistics:
        """Summarise the columns: over all symbols, as they are kept, or of one, counted from its rows."""
        return await self.services.datasets.statistics(who, dataset_id, query)
