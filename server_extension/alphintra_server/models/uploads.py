"""Uploads: files on their way to become datasets."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from .base import PageQuery, Reply


class UploadState(StrEnum):
    """How far an upload is."""

    RECEIVING = "RECEIVING"
    RECEIVED = "RECEIVED"
    INSPECTING = "INSPECTING"
    INSPECTED = "INSPECTED"
    INGESTING = "INGESTING"
    DONE = "DONE"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    EXPIRED = "EXPIRED"


class Upload(Reply):
    """A file on its way, and what becomes of it."""

    id: str
    filename: str
    dataset_name: str = Field(description="The dataset that it is to become: a new one, or a new version.")
    length: int = Field(description="Bytes of the whole file.")
    received: int = Field(description="Bytes that are here for good: where the next ones go.")
    sha256: str | None = Field(description="Of the whole file, once it is here.")
    state: UploadState
    job_id: str | None = Field(description="The job that works on it, or was the last to.")
    version_id: str | None = Field(description="The version that came of it.")
    error: dict[str, Any] | None = Field(description="Why nothing came of it: code, message; where and hint, if known.")
    dismissed: bool = Field(description="Whether you have done with one that failed or expired.")
    expires_at: datetime = Field(description="When it is removed if nothing happens to it.")
    created_at: datetime
    updated_at: datetime


class UploadsQuery(PageQuery):
    """Which uploads."""

    state: UploadState | None = None
    open: bool = Field(
        False,
        description="Those alone that wait for somebody: on their way, looked at, or failed or expired and not yet "
        "dismissed. What connectors fetched is theirs.",
    )
