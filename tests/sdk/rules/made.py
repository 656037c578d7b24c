"""Rows for the rules: simulated prices at the times of real calendars, and the shipped prices."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import alphintra
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from alphintra.rules import Choice, Facts, Report, Validation
from alphintra.rules.hours import hours_of
from alphintra.store.columns import Column
from alphintra.store.converting import by_symbol

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
NOW = int(np.datetime64("2026-11-27T12:00", "us").astype(np.int64))
ROLES = ("open", "high", "low", "close", "volume", "adj_close", "price", "size", "bid", "ask", "known_at", "feature")
SHIPPED = Path(alphintra.__file__).parent / "datasets"
CRYPTO: dict[str, Any] = {"timeframe": "1min", "calendar": "24/7", "asset_class": "CRYPTO"}
NYSE: dict[str, Any] = {"timeframe": "1min", "calendar": "XNYS", "asset_class": "STOCKS"}
NYSE_DAYS: dict[str, Any] = NYSE | {"timeframe": "1d"}


def us(text: str) -> int:
    """Microseconds of a time in UTC."""
    return int(np.datetime64(text, "us").astype(np.int64))


def walk(times: Any, seed: int = 0, price: float = 100.0) -> pa.Table:
    """Bars of a seeded walk, prices in cents, at these times (µs); simulated."""
    times = np.asarray(times, dtype=np.int64)
    rng = np.random.default_rng(seed)
    rows = len(times)
    close = np.maximum(np.round(price + np.cumsum(rng.normal(0, price * 1e-3, rows)), 2), 0.05)
    opened = np.append(close[:1], close[:-1])
    return pa.table(
        {
            "time": pa.array(times).cast(pa.timestamp("us", "UTC")),
            "open": opened,
            "high": np.round(np.maximum(opened, close) + 0.01 * rng.integers(1, 5, rows), 2),
            "low": np.round(np.minimum(opened, close) - 0.01 * rng.integers(1, 5, rows), 2),
            "close": close,
            "volume": rng.integers(1, 1_000, rows).astype(float),
        }
    )


def days(dates: Any, seed: int = 0, price: float = 100.0) -> pa.Table:
    """Daily bars of a seeded walk at these dates (days since 1970); simulated."""
    table = walk(np.asarray(dates, dtype=np.int64) * DAY, seed, price)
    return table.set_column(0, "date", pa.array(np.asarray(dates, dtype=np.int32), pa.int32()).cast(pa.date32()))


def sessions(calendar: str, start: str, end: str, asset_class: str | None = None) -> np.ndarray:
    """Numbers of a calendar's sessions between two dates."""
    hours = hours_of(calendar, asset_class)
    first, last = (np.datetime64(text, "D").astype(np.int64) for text in (start, end))
    return np.flatnonzero((hours.session >= first) & (hours.session <= last))


def stamps(calendar: str, start: str, end: str, step: int = MINUTE, asset_class: str | None = None) -> np.ndarray:
    """Opens of all bars of a calendar's sessions, breaks left out."""
    hours = hours_of(calendar, asset_class)
    out = []
    for s in sessions(calendar, start, end, asset_class).tolist():
        out.append(np.arange(hours.open[s], hours.break_start[s], step))
        out.append(np.arange(hours.break_end[s], hours.close[s], step))
    return np.concatenate(out)


def facts(table: pa.Table, **stated: Any) -> Facts:
    """What is stated of a table: roles are the columns' names, others are features."""
    columns = []
    for field in table.schema:
        if field.name.startswith("_"):
            continue
        kind = str(field.type)
        kind = {"date32[day]": "date32", "timestamp[us, tz=UTC]": "timestamp[us, UTC]"}.get(kind, kind)
        role = "time" if not columns else field.name if field.name in ROLES else "feature"
        columns.append(Column(field.name, kind, None if kind == "string" else role))
    kind = "bars" if "close" in table.column_names else "ticks" if "bid" in table.column_names else "features"
    given = {"adjustment": "raw", "label": "open", "now": NOW, "kind": kind, "columns": tuple(columns)}
    return Facts(**(given | stated))


def check(tables: dict[str, pa.Table], choice: Choice | None = None, cuts: Any = None, **stated: Any) -> Report:
    """Check tables by symbol; ``cuts`` says how many rows come at once."""
    run = Validation(facts(next(iter(tables.values())), **stated), choice)
    for symbol, table in tables.items():
        start = 0
        while start < len(table):
            size = len(table) if cuts is None else int(cuts())
            run.see(symbol, table.slice(start, size))
            start += size
    return run.finish()


def put(table: pa.Table, row: int, **values: float | None) -> pa.Table:
    """Return the table with other values in a row."""
    for name, value in values.items():
        column = table[name].to_pylist()
        column[row] = value
        table = table.set_column(table.column_names.index(name), name, pa.array(column, table[name].type))
    return table


def without(table: pa.Table, *rows: int) -> pa.Table:
    """Return the table without some rows."""
    kept = np.ones(len(table), dtype=bool)
    kept[list(rows)] = False
    return table.filter(pa.array(kept))


def places(report: Report, rule: str) -> list[tuple[str | None, str | None]]:
    """Symbol and time of each place of a rule."""
    return [(place.symbol, place.time) for place in report[rule].places]


def fired(report: Report) -> dict[str, tuple[str, int]]:
    """Severity and count of each rule that fired."""
    return {result.rule: (result.severity, result.count) for result in report.fired}


def shipped(name: str) -> dict[str, pa.Table]:
    """The real rows of a shipped dataset, by symbol."""
    table = pq.read_table(SHIPPED / name / "bars.parquet")
    symbols = table["symbol"].combine_chunks()
    if not pa.types.is_dictionary(symbols.type):
        table = table.set_column(0, "symbol", symbols.dictionary_encode())
    kept = ["session", *(name for name in table.column_names if name in ROLES)]
    return {symbol: own.select(kept) for symbol, own in by_symbol(table)}


def splits(kinds: tuple[str, ...] = ("split",)) -> dict[str, frozenset[int]]:
    """Days of the splits in the shipped shares, or of other events, by symbol."""
    out: dict[str, frozenset[int]] = {}
    for row in pq.read_table(SHIPPED / "us-equities-daily" / "events.parquet").to_pylist():
        if row["kind"] in kinds:
            day = (row["ex_date"] - dt.date(1970, 1, 1)).days
            out[row["symbol"]] = out.get(row["symbol"], frozenset()) | {day}
    return out


START = us("2024-01-02T00:00")


def minutes(rows: int = 600, seed: int = 0) -> pa.Table:
    """Bars of so many minutes from the start of a year on, around the clock; simulated."""
    return walk(START + MINUTE * np.arange(rows), seed)


def session_days(start: str, end: str, seed: int = 0) -> pa.Table:
    """Daily bars of the sessions of New York in a span of dates; simulated."""
    return days(np.flatnonzero(np.isin(np.arange(40_000), session_dates(start, end))), seed)


def session_dates(start: str, end: str) -> Any:
    """Sessions of New York in a span of dates."""
    return hours_of("XNYS", None).session[sessions("XNYS", start, end)]


def shifted(table: pa.Table, by: int, start: int, stop: int) -> pa.Table:
    """Rows whose times from ``start`` to ``stop`` are moved by so many µs."""
    times = table["time"].cast(pa.int64()).to_numpy().copy()
    times[start:stop] += by
    return table.set_column(0, "time", pa.array(times).cast(pa.timestamp("us", "UTC")))
