"""What is asked of a dataset's rows, and what comes: candles, files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .base import Body, Reply

MOST_POINTS = 4_000
_MOST_NAMES = 2_000
Bound = Annotated[str, Field(max_length=40)]
FileFormat = Literal["csv", "parquet", "feather", "jsonl", "xlsx"]


def _names(value: str) -> str:
    if value.count(",") >= _MOST_NAMES:
        raise ValueError(f"at most {_MOST_NAMES:,} names")
    return value


Names = Annotated[str, Field(min_length=1, max_length=64_000), AfterValidator(_names)]
"""Names with commas between; one that has a comma, or begins with a bracket, as a list of JSON."""


class CandlesQuery(Body):
    """Which part of a symbol, and in how many candles."""

    version: int | None = Field(None, ge=1, lt=2**31, description="Of which version; absent: of the current one.")
    symbol: str | None = Field(None, max_length=128, description="Absent: the first.")
    column: str | None = Field(None, max_length=200, description="A column of numbers; absent: the prices.")
    start: Bound | None = Field(None, description="First time: a date, or an instant (UTC where it names no zone).")
    end: Bound | None = Field(None, description="Last time, included; a date with its whole day.")
    first_row: int | None = Field(None, ge=0, lt=2**53, description="Instead of times: the first row of the symbol.")
    stop_row: int | None = Field(None, ge=0, lt=2**53, description="One past the last row.")
    points: int = Field(1_000, ge=2, le=MOST_POINTS, description="At most so many candles.")


class DatasetCandles(Reply):
    """Candles of a symbol, lists of one length.

    A candle is of 1, 2, 4, 8, … rows; candles begin at the same rows whatever part is looked at.
    """

    dataset_id: str
    symbol: str
    version: int | None
    column: str | None = Field(description="The column that was asked for; null: the prices.")
    bars: bool = Field(description="False: open, high, low and close are of one column, and a line shows them.")
    rows_each: int = Field(description="Rows of a candle; those at both ends may have fewer. 1: rows as they are.")
    first_row: int = Field(description="Which row of the symbol the first candle begins with.")
    total_rows: int = Field(description="Rows of the symbol.")
    time: list[float] = Field(description="Seconds since 1970 UTC of the first row of each.")
    open: list[float | None]
    high: list[float | None]
    low: list[float | None]
    close: list[float | None]
    volume: list[float | None] | None
    rows: list[int] = Field(description="Rows of each.")


class DownloadQuery(Body):
    """Which rows, as which file."""

    format: FileFormat = Field("csv", description="Kind of file.")
    version: int | None = Field(None, ge=1, lt=2**31, description="Of which version; absent: of the current one.")
    symbols: Names | None = Field(None, description="Which, commas between, or a list of JSON; absent: all.")
    columns: Names | None = Field(None, description="Which beside symbol and time, in the same way; absent: all.")
    start: Bound | None = Field(None, description="First time: a date, or an instant (UTC where it names no zone).")
    end: Bound | None = Field(None, description="Last time, included; a date with its whole day.")
    escape_formulas: bool = Field(
        False, description="In a CSV: an apostrophe before texts that a spreadsheet takes for formulas."
    )


class DownloadPlan(Reply):
    """What a download would be."""

    dataset_id: str
    version: int | None
    rows: int
    file_name: str
    media_type: str
