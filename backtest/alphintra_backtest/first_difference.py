"""The first fill at which two runs of a strategy part, with both sides of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .handles import stamp

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result
    from alphintra.verifying import BarRow, Side

RELATIVE = 1e-9
_MEANS: dict[str, str] = {entry[0]: entry[1] for entry in codes.RULES}

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class FilledRun:
    """What a run filled, as the comparison needs it; from a result, or from what was kept of one.

    Attributes:
        name: What the sides call it.
        equity: What it ended with.
        orders: Rows of ``Result.orders`` by id; times in µs.
        events: Rows of ``Result.events``.
        fills: Rows of ``Result.fills`` in the order of time.
        closes: Close time of the bar of each fill, in µs.
        bar_closing: The symbol's latest bar that had closed by a time in µs, where it is known.
    """

    name: str
    equity: float
    orders: Mapping[int, Row]
    events: Sequence[Row]
    fills: Sequence[Row]
    closes: Sequence[int]
    bar_closing: Callable[[str, int], BarRow | None]

    def order_like(self, order: Row | None, near: Row | None) -> Row | None:
        """The order here that is the same as another run's, else that of the fill that stands in its place."""
        if order is None:
            return None
        what = ("symbol", "side", "type", "submitted", "role")
        same = [row for row in self.orders.values() if all(row[n] == order[n] for n in what)]
        by_id = [row for row in same if row["id"] == order["id"]]
        if by_id or same:
            return (by_id or same)[0]
        return None if near is None else self.orders.get(near["order_id"])


def filled_run(name: str, result: Result) -> FilledRun:
    """What a result filled."""
    rows = table_rows(result, "fills")
    place = {s: i for i, s in enumerate(result.market.symbols)}
    # Engines may write the fills of one time down in different order: that is no difference.
    fills = sorted(rows, key=lambda f: (f["time"], place.get(f["symbol"], len(place)), f["side"]))
    closes = np.unique(np.concatenate([b.close_time for b in result.market.bars.values()]))
    offset = int(np.searchsorted(closes, result.curves.time[0]))
    return FilledRun(
        name=name,
        equity=float(result.metrics["final_equity"]),
        orders={row["id"]: row for row in table_rows(result, "orders")},
        events=table_rows(result, "events"),
        fills=fills,
        closes=[int(closes[f["bar"] + offset]) for f in fills],
        bar_closing=lambda symbol, time: bar_closing(result.market, symbol, time),
    )


def table_rows(result: Result, table: str) -> list[Row]:
    """A table as dicts of plain values; times in µs."""
    from alphintra import result_tables

    columns = result.columns[table]
    kinds = result_tables.kinds(table, columns)
    cells = [result_tables.values(columns[name], kind) for name, kind in kinds.items()]
    return [dict(zip(kinds, row, strict=True)) for row in zip(*cells, strict=True)]


def bar_closing(market: MarketData, symbol: str, time: int) -> BarRow | None:
    """The symbol's latest bar that had closed by a time in µs."""
    from alphintra.verifying import BarRow

    bars = market.bars.get(symbol)
    row = -1 if bars is None else int(np.searchsorted(bars.close_time, time, side="right")) - 1
    if bars is None or row < 0:
        return None
    return BarRow(
        open_time=stamp(int(bars.open_time[row])),
        close_time=stamp(int(bars.close_time[row])),
        open=float(bars.open[row]),
        high=float(bars.high[row]),
        low=float(bars.low[row]),
        close=float(bars.close[row]),
        volume=None if bars.volume is None else float(bars.volume[row]),
    )


def first_difference(a: FilledRun, b: FilledRun) -> tuple[int, Side | None, Side | None]:
    """How many fills are equal from the beginning, and both sides of the next; no sides where all are equal.

    Two fills are equal with the same time, symbol and side, and quantity, price and commission within 1e-9 relative.
    """
    count = min(len(a.fills), len(b.fills))
    n = next((i for i in range(count) if not _same(a.fills[i], b.fills[i])), count)
    if n == len(a.fills) == len(b.fills):
        return n, None, None
    return n, *_sides(a, b, n)


def told(side: Side) -> str:
    """What a run did, in a sentence."""
    if side.fill is None:
        if side.order is None:
            return f"{side.engine} has no such order."
        reason = f", {side.order['reason']}" if side.order["reason"] else ""
        return f"{side.engine} never fills its order {side.order['id']} ({side.order['state']}{reason})."
    f = side.fill
    fee = f", commission {f['commission']:.10g}" if f["commission"] else ""
    means = _MEANS.get(f["rule"], "")
    rule = f" by {f['rule']}" if f["rule"] else ""
    return (
        f"{side.engine}: {f['side']} {f['quantity']:.10g} {f['symbol']} at {f['price']:.10g} on "
        f"{f['time']:%Y-%m-%d %H:%M}{fee}{rule}{f' ({means.rstrip(chr(46))})' if means else ''}."
    )


def _same(a: Row, b: Row) -> bool:
    return all(a[name] == b[name] for name in ("time", "symbol", "side")) and all(
        math.isclose(a[name], b[name], rel_tol=RELATIVE, abs_tol=1e-12) for name in ("quantity", "price", "commission")
    )


def _sides(a: FilledRun, b: FilledRun, n: int) -> tuple[Side, Side]:
    """Both sides of the first differing fill: the earlier one, and what the other run did with that order."""
    x, y = (run.fills[n] if n < len(run.fills) else None for run in (a, b))
    if x is not None and y is not None and a.closes[n] == b.closes[n] and x["symbol"] == y["symbol"]:
        return _side(a, x, a.closes[n]), _side(b, y, b.closes[n])
    if y is None or (x is not None and a.closes[n] <= b.closes[n]):
        assert x is not None
        return _side(a, x, a.closes[n]), _other(b, y, x, a, a.closes[n])
    return _other(a, x, y, b, b.closes[n]), _side(b, y, b.closes[n])


def _other(run: FilledRun, near: Row | None, lead: Row, leader: FilledRun, close: int) -> Side:
    """The side of the run that did not fill then: its own fill of that order, if it came to one."""
    order = run.order_like(leader.orders.get(lead["order_id"]), near)
    own = next((i for i, f in enumerate(run.fills) if order is not None and f["order_id"] == order["id"]), None)
    if own is not None:
        return _side(run, run.fills[own], run.closes[own], order)
    return _side(run, None, close, order, lead["symbol"])


def _side(run: FilledRun, fill: Row | None, close: int, order: Row | None = None, symbol: str = "") -> Side:
    from alphintra.verifying import Side

    if order is None and fill is not None:
        order = run.orders.get(fill["order_id"])
    history = tuple(_dated(e) for e in run.events if order is not None and e["order_id"] == order["id"])
    decided = None if order is None else run.bar_closing(order["symbol"], order["submitted"])
    return Side(
        engine=run.name,
        fill=None if fill is None else _dated(fill),
        order=None if order is None else _dated(order),
        history=history,
        decision_bar=decided,
        fill_bar=run.bar_closing(symbol if fill is None else fill["symbol"], close),
    )


def _dated(row: Mapping[str, Any]) -> Row:
    """A row with its times as datetimes."""
    times = ("time", "submitted", "finished")
    return {name: stamp(value) if name in times and value is not None else value for name, value in row.items()}
