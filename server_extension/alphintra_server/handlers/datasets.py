"""Datasets over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..models.base import Page
from ..models.datasets import (
    Dataset,
    DatasetPreview,
    DatasetQuery,
    DatasetStatistics,
    PreviewQuery,
    StatisticsQuery,
)
from ..services.paging import page
from .base import AlphintraHandler, endpoint


class DatasetsHandler(AlphintraHandler):
    """The catalogue."""

    @endpoint("datasets:read", query=DatasetQuery, response=Page[Dataset])
    async def get(self, who: Caller, *, query: DatasetQuery) -> Page[Dataset]:
        """List the datasets; long lists in an item are cut to 20."""
        return page(await self.services.datasets.search(who, query), query, self.request.path)


class DatasetHandler(AlphintraHandler):
    """One dataset."""

    @endpoint("datasets:read", response=Dataset, problems=(404,))
    async def get(self, who: Caller, dataset_id: str) -> Dataset:
        """Read a dataset, by id or name."""
        return await self.services.datasets.get(who, dataset_id)


class DatasetPreviewHandler(AlphintraHandler):
    """A look inside."""

    @endpoint("datasets:read", query=PreviewQuery, response=DatasetPreview, problems=(404,))
    async def get(self, who: Caller, dataset_id: str, *, query: PreviewQuery) -> DatasetPreview:
        """Show rows, statistics and a chart's points."""
        return await self.services.datasets.preview(who, dataset_id, query)


class DatasetStatisticsHandler(AlphintraHandler):
    """A summary."""

    @endpoint("datasets:read", query=StatisticsQuery, response=DatasetStatistics, problems=(404,))
    async def get(self, who: Caller, dataset_id: str, *, query: StatisticsQuery) -> DatasetStatistics:
        """Summarise the columns."""
        return await self.services.datasets.statistics(who, dataset_id, query)
