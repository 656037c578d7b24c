"""From an upload to a version: a first look, the mapping, and what is stated of the values."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Body, Reply
from .datasets import MOST_TAGS, Tag


class Stated(Body):
    """What nobody can read off a file, and what nothing depends on until it is said."""

    asset_class: str | None = Field(default=None, pattern=r"^[A-Z_]{1,20}$", description="STOCKS, CRYPTO, FOREX, …")
    timeframe: str | None = Field(
        default=None,
        pattern=r"^[1-9][0-9]{0,4}(ms|s|min|h|d|w|mo)$",
        description="1d, 1min, …; left out, read off the times.",
    )
    calendar: str | None = Field(default=None, max_length=40, description="XNYS, 24/7, weekdays, …; left out, found.")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    simulated: bool = False


class IngestRequest(Body):
    """How an upload is to be read, and what becomes of it."""

    mapping: dict[str, Any] = Field(description="What each column is: that of the inspection, corrected.")
    dataset: str | None = Field(None, max_length=200, description="Name of the dataset; left out, that of the upload.")
    append: bool = Field(
        False, description="The rows go on from the dataset's current version; else they are all that there is."
    )
    sealed: bool | None = Field(
        None,
        description="Whether its files are encrypted; left out, as those of the dataset's current version are.",
    )
    about: Stated = Stated()
    description: str = Field("", max_length=5_000)
    tags: list[Tag] = Field(default_factory=list, max_length=MOST_TAGS)
    remember: bool = Field(True, description="Propose this mapping for files of the same columns from now on.")


class IngestAccepted(Reply):
    """A job was queued."""

    upload_id: str
    job_id: str
    status: str


class Inspection(Reply):
    """What a first look found, and where the upload stands."""

    upload_id: str
    filename: str
    dataset_name: str
    state: str = Field(
        description="RECEIVING, RECEIVED, INSPECTING, INSPECTED, INGESTING, DONE, FAILED, ABORTED or EXPIRED."
    )
    job_id: str | None
    version_id: str | None
    error: dict[str, Any] | None = Field(description="Why the last job on it made nothing of it.")
    inspection: dict[str, Any] | None = Field(
        description="Sample, mapping, reasons, questions, findings, `kinds` of the columns of a typed file (`zoned`: "
        "times that name their zone), `owners` (where instruments have columns of their own: of each column the "
        "instrument and the field that its name says), and `remembered`: the mapping of such a file."
    )
