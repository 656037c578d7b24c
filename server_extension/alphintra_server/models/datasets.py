"""Datasets of the catalogue."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from .base import Body, PageQuery, Reply


class DataSource(StrEnum):
    """Where a dataset comes from."""

    PLATFORM = "PLATFORM"
    USER_UPLOAD = "USER_UPLOAD"
    EXTERNAL = "EXTERNAL"


class Dataset(Reply):
    """A dataset of the catalogue."""

    id: str
    name: str
    description: str
    source: DataSource
    asset_class: str
    symbols: list[str]
    timeframe: str
    start_date: datetime
    end_date: datetime
    columns: list[str]
    row_count: int
    file_size: int
    is_validated: bool
    validation_errors: list[str]
    created_at: datetime
    updated_at: datetime
    content_hash: str
    symbol_count: int
    column_count: int
    prices: str | None = None
    currency: str | None = None
    calendar: str | None = None
    license: str | None = None
    tradable: bool = Field(True, description="False for closes only: there is nothing to fill against.")
    notes: list[str] = Field(default_factory=list)


class DatasetQuery(PageQuery):
    """Filters of the catalogue."""

    search: str | None = Field(None, max_length=200)
    asset_class: str | None = Field(None, max_length=20)


class PreviewQuery(Body):
    """How much to preview."""

    symbol: str | None = Field(None, max_length=64)
    rows: int = Field(20, ge=1, le=200)
    max_points: int = Field(500, ge=10, le=4000)


class StatisticsQuery(Body):
    """Which symbol to summarise; absent: all."""

    symbol: str | None = Field(None, max_length=64)


class DatasetPreview(Reply):
    """A look into a dataset."""

    dataset_id: str
    sample_data: list[dict[str, Any]]
    statistics: dict[str, Any]
    missing_values: dict[str, int]
    data_types: dict[str, str]
    chart_data: dict[str, Any]


class DatasetStatistics(Reply):
    """Counts, extremes, moments and quantiles by column, over all symbols and for each."""

    dataset_id: str
    row_count: int
    columns: dict[str, dict[str, float | int | str | None]]
    symbols: dict[str, dict[str, Any]]
