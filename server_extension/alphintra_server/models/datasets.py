"""Datasets of the catalogue."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from .base import Body, LastMoment, Moment, PageQuery, Reply

MOST_TAGS = 20
_TAG = r"^[^|,\x00-\x1f]{1,40}$"
Tag = Annotated[str, StringConstraints(strip_whitespace=True, pattern=_TAG)]


class DatasetAccess(StrEnum):
    """What the caller may do with a dataset: look at it, run on it as well, change it as well, all."""

    READ = "READ"
    USE = "USE"
    EDIT = "EDIT"
    OWNER = "OWNER"


class DataSource(StrEnum):
    """Where a dataset comes from."""

    PLATFORM = "PLATFORM"
    USER_UPLOAD = "USER_UPLOAD"
    EXTERNAL = "EXTERNAL"


class SourceState(Reply):
    """How fresh a dataset is that a connector fills."""

    connector_id: str | None = Field(description="null where the dataset is another user's.")
    kind: str = Field(description="`http`, `exchange` or `postgresql`.")
    paused: bool
    running: bool
    last_row: datetime
    last_success_at: datetime | None
    next_run_at: datetime | None = Field(description="null where it runs by hand only.")
    last_error: dict[str, Any] | None = Field(
        description="`code`, `message` (null where the dataset is another user's) and `at`; null after a success."
    )


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
    owner: str | None = Field(None, description="Whose it is; null: the platform's.")
    access: DatasetAccess = DatasetAccess.USE
    tags: list[str] = Field(default_factory=list)
    version: int | None = Field(None, description="Number of the current version; null for what ships.")
    version_id: str | None = None
    time_zone: str | None = Field(None, description="That the source wrote its times in; they are kept in UTC.")
    label: str | None = Field(None, description="Which end of its bar a time is: `open` or `close`.")
    adjustment: str | None = None
    simulated: bool = Field(False, description="True where nobody ever traded at these prices.")
    sealed: bool = Field(False, description="True where the files of the current version are encrypted.")
    source_state: SourceState | None = Field(None, description="Where a connector fills it: how fresh it is.")


class DatasetQuery(PageQuery):
    """Filters of the catalogue."""

    search: str | None = Field(None, max_length=200, description="Part of name, description, tag; or a symbol.")
    asset_class: str | None = Field(None, max_length=20)
    symbol: str | None = Field(None, max_length=128, description="Those that have it.")
    timeframe: str | None = Field(None, max_length=20)
    start: Moment | None = Field(None, description="Those with rows then or later.")
    end: LastMoment | None = Field(None, description="Those with rows then or before; of a date, on that day.")
    tags: str | None = Field(None, max_length=1000, description="Those with all of these, with commas between them.")
    source: DataSource | None = None


class DatasetChange(Body):
    """What may be changed of a dataset; what is absent stays."""

    description: str | None = Field(None, max_length=10_000)
    tags: list[Tag] | None = Field(None, max_length=MOST_TAGS)


class DatasetParent(Reply):
    """A version that another was made of."""

    version_id: str
    dataset_id: str
    number: int
    state: str


class DatasetVersion(Reply):
    """One version of a dataset. Its values never change."""

    id: str
    dataset_id: str
    number: int
    current: bool = Field(description="Whether the dataset's name alone means this one.")
    state: str = Field(description="ACTIVE, DELETING or DELETED.")
    content_hash: str
    row_count: int
    file_size: int
    symbols: list[str]
    symbol_count: int
    columns: list[str]
    column_count: int
    timeframe: str
    start_date: datetime
    end_date: datetime
    sealed: bool = Field(description="True where its files are encrypted.")
    is_validated: bool
    validation_errors: list[str]
    acknowledgements: list[dict[str, Any]]
    parents: list[DatasetParent]
    recipe: Any = Field(description="Steps, and what each changed; what they were fitted to is not in a list.")
    job_id: str | None
    created_by: str
    created_at: datetime


class Grant(Reply):
    """What another user may do with a dataset."""

    user_id: str
    level: DatasetAccess
    granted_by: str
    created_at: datetime
    seen: bool = Field(description="Whether a user of that name has ever been here.")


class Grants(Reply):
    """With whom a dataset is shared."""

    dataset_id: str
    grants: list[Grant]
    alone: bool = Field(description="Whether this installation has one user: there is nobody to share it with.")


class GrantChange(Body):
    """With whom to share a dataset, and how far; `level` null: no more."""

    user_id: str = Field(min_length=1, max_length=255)
    level: Literal["READ", "USE", "EDIT"] | None


class StorageUsage(Reply):
    """What the caller's files take, in bytes."""

    quota: int
    used: int
    datasets: int = Field(description="Of the files of all versions, each once.")
    uploads: int = Field(description="Of files that were sent and are still kept, and of those on their way.")


class DeletionQuery(Body):
    """What is deleted along with a dataset, and what stays."""

    also: str = Field("", max_length=4000, description="Ids of datasets made of it that go as well, commas between.")
    keep: str = Field("", max_length=4000, description="Ids of datasets made of it that stay, commas between.")


class Deletion(Reply):
    """What is being deleted: nobody new may read it, its files go when the last reader has ended."""

    datasets: list[str]
    kept: list[str]


class PreviewQuery(Body):
    """How much to preview."""

    symbol: str | None = Field(None, max_length=128)
    version: int | None = Field(None, ge=1, lt=2**31, description="Of which version; absent: of the current one.")
    rows: int = Field(20, ge=1, le=200, description="At most so many; of very many columns fewer, 50,000 values.")
    max_points: int = Field(500, ge=10, le=4000)


class StatisticsQuery(Body):
    """Which symbol to summarise; absent: all."""

    symbol: str | None = Field(None, max_length=128)
    version: int | None = Field(None, ge=1, lt=2**31, description="Of which version; absent: of the current one.")


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
    columns: dict[str, dict[str, Any]]
    symbols: dict[str, dict[str, Any]] = Field(description="At most 200 of them.")
    symbol_count: int
