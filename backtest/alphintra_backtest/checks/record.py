"""What is kept of a run for the next one to be compared with: figures, fills with their orders, and their bars.

It is plain JSON, so that a server can pass it on without understanding it, and it holds the bars that its fills saw:
the data may have changed by the next run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alphintra_backtest.first_difference import FilledRun, Row, filled_run
from alphintra_backtest.handles import EPOCH, stamp
from alphintra_backtest.plain_json import plain

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result
    from alphintra.verifying import BarRow

VERSION = 1
MOST_ROWS = 50_000
"""Fills, orders and events that are kept, each; a run with more of them is compared as far as that."""
NAME = "The run before"
_RUN = (
    "id", "strategy", "dataset", "dataset_hash", "strategy_hash", "parameters", "seed", "engine_version",
    "configuration", "created_at", "benchmark_hash",
)  # fmt: skip
_BAR = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run that was kept.

    Attributes:
        run: What identified it, as in ``Result.run``.
        metrics: Its metrics, ``None`` where undefined.
        passed: Whether its checks passed.
        fills: How many fills it had.
        record: Its record as it was written.
    """

    run: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    passed: bool
    fills: int
    record: Mapping[str, Any]

    def filled(self, market: MarketData) -> FilledRun:
        """What it filled; ``market`` has the bars of both runs where the data is the same."""
        tables = {name: _rows(self.record[name]) for name in ("fills", "orders", "events")}
        bars = self.record["bars"]

        def bar_closing(symbol: str, time: int) -> BarRow | None:
            from alphintra_backtest import first_difference

            if self.run["dataset_hash"] == market.dataset_hash:
                return first_difference.bar_closing(market, symbol, time)
            found = bars.get(symbol, {}).get(str(time))
            return None if found is None else _bar(found)

        return FilledRun(
            name=NAME,
            equity=math.nan if (equity := self.metrics.get("final_equity")) is None else equity,
            orders={row["id"]: row for row in tables["orders"]},
            events=tables["events"],
            fills=tables["fills"],
            closes=self.record["closes"],
            bar_closing=bar_closing,
        )


def write(result: Result, passed: bool) -> dict[str, Any]:
    """Make a run's record."""
    run = filled_run("", result)
    fills = run.fills[:MOST_ROWS]
    used = {fill["order_id"] for fill in fills}
    # Orders with fills first: they are a fill's own side; the others tell why there is none.
    orders = sorted(run.orders.values(), key=lambda row: row["id"] not in used)[:MOST_ROWS]
    closes = run.closes[:MOST_ROWS]
    wanted = {(fill["symbol"], close) for fill, close in zip(fills, closes, strict=True)}
    wanted |= {(order["symbol"], order["submitted"]) for order in orders if order["id"] in used}
    bars: dict[str, dict[str, Any]] = {}
    for symbol, time in sorted(wanted, key=lambda pair: (pair[0], pair[1] or 0)):
        bar = None if time is None else run.bar_closing(symbol, time)
        if bar is not None:
            times = [_us(bar.open_time), _us(bar.close_time)]
            bars.setdefault(symbol, {})[str(time)] = [*times, *(getattr(bar, name) for name in _BAR)]
    record: dict[str, Any] = plain(
        {
            "version": VERSION,
            "run": {name: result.run.get(name) for name in _RUN},
            "metrics": result.metrics,
            "passed": passed,
            "count": len(run.fills),
            "fills": _columns(fills),
            "closes": closes,
            "orders": _columns(orders),
            "events": _columns(run.events[:MOST_ROWS]),
            "bars": bars,
        }
    )
    return record


def read(record: Any) -> KeptRun | None:
    """Read a record; ``None`` where it is of another version, or none at all."""
    if not isinstance(record, Mapping) or record.get("version") != VERSION:
        return None
    try:
        kept = KeptRun(record["run"], record["metrics"], bool(record["passed"]), int(record["count"]), record)
        if any(not isinstance(kept.run[name], str) for name in ("id", "created_at", "strategy_hash", "dataset_hash")):
            return None
        closes = record["closes"]
        lengths = {len(column) for column in record["fills"].values()} or {0}
        whole = lengths == {len(closes)} and isinstance(record["bars"], Mapping)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return kept if whole else None


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _us(time: datetime) -> int:
    since = time - EPOCH
    return int(since.days * 86_400 + since.seconds) * 1_000_000 + int(since.microseconds)


def _bar(values: Sequence[Any]) -> BarRow:
    from alphintra.verifying import BarRow

    opened, closed, *rest = values
    return BarRow(stamp(opened), stamp(closed), **dict(zip(_BAR, rest, strict=True)))
