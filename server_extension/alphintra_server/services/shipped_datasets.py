"""The datasets that ship: the catalogue is seeded from their manifests, and they are read from their files."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ..db.dataset_tables import DatasetSymbolRow
from ..db.engine import Database, one_at_a_time
from ..db.tables import DatasetRow, unique_name
from ..db.types import utc_now
from ..errors import Invalid
from ..models.datasets import DataSource
from ..readers.process import Said
from .dataset_rows import fold
from .stored_previews import brief

_NAMESPACE = uuid.UUID("6f0c8d5e-2f0b-5b6a-9a3c-0d6f3f0f7a11")


def midnight(day: str) -> datetime:
    """Start of a day, in UTC."""
    return datetime.combine(date.fromisoformat(day), time(), UTC)


def _span(manifest: dict[str, Any], part: dict[str, Any]) -> tuple[datetime, datetime]:
    """First and last row of a set or of a symbol: days, or where a day has several bars their stamps, as of an upload.

    Symbols of a set of the latter kind have bars at the same times.
    """
    from alphintra.data.catalogue import intraday

    if not intraday(manifest):
        return midnight(part["first"]), midnight(part["last"])
    opens = next(item["statistics"] for item in manifest["columns"] if item["name"] == "open_time")
    return datetime.fromisoformat(opens["min"]), datetime.fromisoformat(opens["max"])


def tradable(manifest: dict[str, Any]) -> bool:
    """Tell whether there is something to fill against in what ships."""
    return bool(manifest.get("tradable", True)) and not manifest.get("closes_only", False)


def _seed(session: Session, manifests: dict[str, dict[str, Any]]) -> None:
    one_at_a_time(session.connection(), "datasets")
    now = utc_now()
    rows = {row.name: row for row in session.scalars(select(DatasetRow).where(DatasetRow.user_id.is_(None)))}
    for name, manifest in manifests.items():
        # The block hashes serve whoever compares files; the catalogue has no use for them.
        stored = {key: value for key, value in manifest.items() if key != "blocks"}
        row = rows.pop(name, None)
        span = _span(manifest, manifest)
        told = row is not None and (row.start_date, row.end_date) == span
        if row is not None and row.manifest == stored and not row.withdrawn and row.searched and told:
            continue
        if row is None:
            row = DatasetRow(id=uuid.uuid5(_NAMESPACE, name).hex, user_id=None, name=name, created_at=now)
            row.unique_name = unique_name(None, name)
            session.add(row)
        row.description = manifest["description"]
        row.source = DataSource.PLATFORM.value
        row.asset_class = manifest["asset_class"]
        row.symbols = [item["name"] for item in manifest["symbols"]]
        row.symbol_count = len(row.symbols)
        row.timeframe = manifest["timeframe"]
        row.start_date, row.end_date = span
        row.columns = [item["name"] for item in manifest["columns"]]
        row.column_count = len(row.columns)
        row.row_count = manifest["rows"]
        row.file_size = sum(item["bytes"] for item in manifest["files"])
        row.is_validated = True
        row.validation_errors = []
        row.content_hash = manifest["content_hash"]
        row.manifest = stored
        row.about = _about(manifest)
        row.tags = []
        fold(row)
        row.withdrawn = False
        row.updated_at = now
        _put_symbols(session, row, manifest)
    for row in rows.values():
        row.withdrawn = True


def _put_symbols(session: Session, row: DatasetRow, manifest: dict[str, Any]) -> None:
    session.flush()
    session.execute(delete(DatasetSymbolRow).where(DatasetSymbolRow.dataset_id == row.id))
    for item in manifest["symbols"]:
        name, (first, last) = item["name"], _span(manifest, item)
        folded = name.casefold()
        session.add(
            DatasetSymbolRow(
                dataset_id=row.id, symbol=name, folded=folded, rows=item["rows"], first=first, last=last
            )
        )


def _about(manifest: dict[str, Any]) -> dict[str, Any]:
    """Say of the values what a list shows."""
    from alphintra.data.catalogue import is_simulated

    return {
        "prices": manifest.get("prices"),
        "currency": manifest.get("currency"),
        "calendar": manifest.get("calendar"),
        "license": (manifest.get("licence") or {}).get("name"),
        "tradable": tradable(manifest),
        "simulated": is_simulated(manifest),
        "notes": [note["text"] for note in manifest.get("notes", [])],
    }


def _values(manifest: dict[str, Any]) -> list[str]:
    return [item["name"] for item in manifest["columns"] if item["type"] == "double"]


def chart(manifest: dict[str, Any], symbol: str, most: int) -> dict[str, Any]:
    """Make the points of a chart of a symbol's closes. It waits for the disk."""
    import numpy as np
    from alphintra.data import catalogue

    columns = catalogue.read_columns(manifest, [symbol])[symbol]
    values = _values(manifest)
    name = "close" if "close" in values else values[0]
    series = np.asarray(columns[name], dtype=np.float64)
    kept = thin(series, most)
    return {
        "symbol": symbol,
        "series": name,
        "time": _seconds(manifest, columns)[kept].tolist(),
        "values": _finite(series[kept]),
        "bars": len(series),
        "thinned": len(kept) < len(series),
        "candles": _candles(manifest, columns, most),
    }


def _seconds(manifest: dict[str, Any], columns: dict[str, Any]) -> Any:
    """Return the times of bars in seconds: their sessions, or where a session has several their opens."""
    import numpy as np
    from alphintra.data.catalogue import intraday

    if intraday(manifest):
        return columns["open_time"] // 1_000_000
    return np.asarray(columns["session"], dtype=np.int64) * 86_400


def _candles(manifest: dict[str, Any], columns: dict[str, Any], most: int) -> dict[str, Any] | None:
    """Make at most ``most`` candles, each of as many bars as it takes; ``None`` where there are no bars."""
    import numpy as np

    if not {"open", "high", "low", "close"} <= columns.keys():
        return None
    high, low = (np.asarray(columns[name], dtype=np.float64) for name in ("high", "low"))
    count = len(high)
    each = max(1, -(-count // most))
    first = np.arange(0, count, each)
    last = np.minimum(first + each, count) - 1
    volume = columns.get("volume")
    return {
        "time": _seconds(manifest, columns)[first].tolist(),
        "open": _finite(np.asarray(columns["open"], dtype=np.float64)[first]),
        "high": _finite(np.fmax.reduceat(high, first)),
        "low": _finite(np.fmin.reduceat(low, first)),
        "close": _finite(np.asarray(columns["close"], dtype=np.float64)[last]),
        "volume": None
        if volume is None
        else _finite(np.add.reduceat(np.nan_to_num(np.asarray(volume, dtype=np.float64)), first)),
        "bars_each": each,
    }


def candles(manifest: dict[str, Any], request: dict[str, Any]) -> tuple[Said, bytes]:
    """Make candles of a symbol as the reader of a stored version does. It waits for the disk.

    Raises:
        Invalid: There is no such symbol, column or range.
    """
    from alphintra.data import catalogue
    from alphintra.errors import DataError
    from alphintra.store.candles import ArraySeries, parts_of
    from alphintra.store.columns import Column

    symbol = request["symbol"]
    names = [item["name"] for item in manifest["symbols"]]
    if symbol not in names:
        raise Invalid.field("symbol", f"there is no symbol {symbol!r}; there is {', '.join(names[:20])}",
                            code="UNKNOWN_SYMBOL")  # fmt: skip
    values = _values(manifest)
    column = request["column"]
    if column is None and "close" not in values:
        column = values[0]
    try:
        parts = parts_of([Column(name, "double", name) for name in values], column)
        columns = catalogue.read_columns(manifest, [symbol])[symbol]
        by_time = catalogue.intraday(manifest)
        when, kind = ("open_time", "timestamp[us, UTC]") if by_time else ("session", "date32")
        series = ArraySeries(columns[when], columns, parts, kind)
        rows = request["first_row"], request["stop_row"]
        if rows[0] is None:
            rows = series.span(request["start"], request["end"])
        found = series.rows(*rows, request["points"])
    except DataError as error:
        raise Invalid(str(error), code=error.code) from None
    raw = b"".join(own.tobytes() for own in found.arrays())
    said = Said(
        type="candles",
        bytes=len(raw),
        points=len(found.time),
        rows=found.rows_of_all,
        rows_each=found.rows_each,
        first_row=found.first_row,
        days=not by_time,
        bars=series.bars,
        volume=found.volume is not None,
    )
    return said, raw


def _finite(values: Any) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def thin(series: Any, most: int) -> Any:
    """Pick at most ``most`` places of a series so that every bucket keeps its extremes."""
    import numpy as np

    count = len(series)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, max(most // 2 - 1, 1) + 1).astype(np.int64)
    kept = {0, count - 1}
    for start, end in pairwise(edges.tolist()):
        part = series[start:end]
        if np.isfinite(part).any():
            kept.add(int(start + np.nanargmin(part)))
            kept.add(int(start + np.nanargmax(part)))
    return np.array(sorted(kept)[:most])


def summarise(manifest: dict[str, Any], symbol: str) -> dict[str, dict[str, Any]]:
    """Summarise the columns of one symbol, as of a stored version. It waits for the disk."""
    from alphintra.data import catalogue
    from alphintra.data.pictures import days_of
    from alphintra.store.columns import Column, numbers
    from alphintra.store.statistics import ColumnStatistics

    columns = catalogue.read_columns(manifest, [symbol])[symbol]
    out: dict[str, dict[str, Any]] = {}
    for item in manifest["columns"]:
        if item["statistics"]:
            counted = ColumnStatistics(Column(item["name"], item["type"], item["name"]))
            counted.add(numbers(columns[item["name"]]))
            out[item["name"]] = brief(counted.to_json(), whole=True)
    out["session"]["coverage"] = days_of([columns["session"]])
    return out


def coverage(manifest: dict[str, Any], symbols: list[str]) -> dict[str, Any] | None:
    """Count the rows of symbols by day, over all of these. It waits for the disk."""
    from alphintra.data import catalogue
    from alphintra.data.pictures import days_of

    return days_of(own["session"] for own in catalogue.read_columns(manifest, symbols).values())


def bring_up(database: Database) -> None:
    """Bring the catalogue up to the manifests of what ships; runs at start, on the starting thread."""
    from alphintra.data import catalogue

    manifests = {name: catalogue.manifest(name) for name in catalogue.names()}
    database.write_now(lambda session: _seed(session, manifests))
