"""Splits and dividends (rules F8 and F9): those stored with a dataset, and their checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphintra.data.arrow import to_array
from alphintra.data.catalogue import ROOT
from alphintra.data.market import DAY_US, I64, Actions, MarketData, SymbolBars
from alphintra.data.sessions import exchange
from alphintra.errors import DataError

MOST_RATIO = 1000.0
"""A split of more new shares for one old, or fewer, is taken for a mistake."""
KINDS = ("split", "dividend")


@dataclass(frozen=True)
class Event:
    """One split or dividend.

    Attributes:
        symbol: Whose it is.
        kind: ``split`` or ``dividend``.
        ex: Its session, days since 1970-01-01.
        value: New shares for each old share, or money for each share held at the close before.
        known: Time from which it is known, microseconds since 1970-01-01 UTC; ``None``: the open
            of its session.
    """

    symbol: str
    kind: str
    ex: int
    value: float
    known: int | None = None


def read_actions(found: Mapping[str, Any], bars: Mapping[str, SymbolBars]) -> dict[str, Actions]:
    """Read the events stored with a shipped dataset, for those of its symbols that have any."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(ROOT / found["name"] / "events.parquet") as file:
        table = file.read()
    symbols, kinds = table["symbol"].to_pylist(), table["kind"].to_pylist()
    ex, values = to_array(table["ex_date"]), to_array(table["value"])
    known = table["known_from"].cast(pa.int64()).to_pylist()
    events = [
        Event(symbols[row], kinds[row], int(ex[row]), float(values[row]), known[row])
        for row in range(len(symbols))
        if symbols[row] in bars
    ]
    return actions_of(events, bars, found["calendar"])


def actions_of(events: Sequence[Event], bars: Mapping[str, SymbolBars], calendar: str) -> dict[str, Actions]:
    """Check events and put them in order; those that no bar is after or before are left out.

    Dividends of one day add up. An event at or before a symbol's first session, or after the last
    session of all symbols, changes nothing and is dropped.

    Raises:
        DataError: Names symbol and date of a split ratio or amount that cannot be, or of a second
            split on one day.
    """
    last = max(int(own.session[-1]) for own in bars.values())
    days: dict[str, dict[int, list[Event]]] = {}
    for event in events:
        check_value(event)
        if int(bars[event.symbol].session[0]) < event.ex <= last:
            days.setdefault(event.symbol, {}).setdefault(event.ex, []).append(event)
    found = {symbol: _in_order(days[symbol], bars[symbol], calendar) for symbol in bars if symbol in days}
    return {symbol: own for symbol, own in found.items() if len(own)}


def check_value(event: Event) -> None:
    """Refuse a split ratio or a dividend that cannot be, naming symbol and date."""
    where = f"{event.symbol}, {_date(event.ex)}"
    value = event.value
    if event.kind == "split":
        if not math.isfinite(value) or value <= 0:
            raise DataError(
                f"a split of ratio {value:g}",
                code="BAD_SPLIT",
                where=where,
                hint="A ratio is new shares for each old one: 4.0 for 4:1, 0.1 for 1:10. "
                "Leave out dates without a split.",
            )
        if not 1 / MOST_RATIO <= value <= MOST_RATIO:
            raise DataError(
                f"a split of ratio {value:g} is beyond 1:1000 and 1000:1",
                code="BAD_SPLIT",
                where=where,
                hint="A ratio is new shares for each old one: 4.0 for 4:1, 0.1 for 1:10.",
            )
    elif not math.isfinite(value) or value < 0:
        raise DataError(
            f"a dividend of {value:g}",
            code="BAD_DIVIDEND",
            where=where,
            hint="A dividend is money for each share held at the close before.",
        )


def cut_actions(actions: Mapping[str, Actions], symbols: Sequence[str], last: int) -> dict[str, Actions]:
    """Keep what takes effect until session ``last``, for the given symbols."""
    out = {}
    for symbol, own in actions.items():
        kept = int(np.searchsorted(own.ex, last, side="right"))
        if kept and symbol in symbols:
            out[symbol] = Actions(own.ex[:kept], own.split[:kept], own.dividend[:kept], own.known[:kept])
    return out


def split_sessions(market: MarketData) -> dict[str, set[int]]:
    """Return the sessions of known splits by symbol."""
    return {symbol: set(own.ex[own.split != 1.0].tolist()) for symbol, own in market.actions.items()}


def _in_order(days: Mapping[int, Sequence[Event]], bars: SymbolBars, calendar: str) -> Actions:
    ex = np.array(sorted(days), dtype=np.int32)
    split, dividend = np.ones(len(ex)), np.zeros(len(ex))
    known = _opens(ex.astype(np.int64), bars, calendar)
    for row, day in enumerate(ex.tolist()):
        splits = [event.value for event in days[day] if event.kind == "split"]
        if len(splits) > 1:
            raise DataError(
                "there are two splits on one day",
                code="BAD_SPLIT",
                where=f"{bars.symbol}, {_date(day)}",
                hint="Keep one of them, or multiply them.",
            )
        split[row] = splits[0] if splits else 1.0
        dividend[row] = math.fsum(event.value for event in days[day] if event.kind == "dividend")
        said = [event.known for event in days[day] if event.known is not None]
        if said:
            known[row] = max(said)
    real = (split != 1.0) | (dividend != 0.0)
    return Actions(ex[real], split[real], dividend[real], known[real])


def _opens(ex: I64, bars: SymbolBars, calendar: str) -> I64:
    """Return the open of each session: the exchange's, else the first bar's, else midnight UTC."""
    opens = ex * DAY_US
    if calendar not in ("24/7", "weekdays"):
        table = exchange(calendar)
        rows = np.minimum(np.searchsorted(table.session, ex), len(table.session) - 1)
        return np.where(table.session[rows] == ex, table.open_time[rows], opens)
    rows = np.minimum(np.searchsorted(bars.session, ex), len(bars) - 1)
    return np.where(bars.session[rows] == ex, bars.open_time[rows], opens)


def _date(session: int) -> str:
    return str(np.datetime64(session, "D"))
