"""Markets written out by hand: raw daily prices with actions, and bars of less than a day in exchange hours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
from alphintra.data.market import DAY_US, Actions, MarketData, SymbolBars
from alphintra.data.sessions import calendar_sessions, exchange

MINUTE = 60_000_000
#: (ex-date, new shares per old share, dividend per old share)
Event = tuple[str, float, float]


def day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(np.int64))


def actions(*events: Event) -> Actions:
    ex = np.array([day(e[0]) for e in events], dtype=np.int32)
    known = ex.astype(np.int64) * DAY_US
    return Actions(ex, np.array([e[1] for e in events]), np.array([e[2] for e in events]), known)


def flat(*closes: float, first: str = "2024-01-02", volume: float = 600.0) -> pd.DataFrame:
    """Daily bars on weekdays that trade at one price."""
    index = pd.bdate_range(first, periods=len(closes))
    columns = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pd.DataFrame({**columns, "volume": volume}, index=index, dtype=float)


def raw(data: Any, events: Mapping[str, tuple[Event, ...]]) -> MarketData:
    """Prices as they were traded, with what happened to the shares."""
    return dataclasses.replace(al.data.resolve(data), actions={s: actions(*e) for s, e in events.items()})


def intraday(
    days: list[str],
    minutes: int,
    value: Callable[[int, int], float] | None = None,
    *,
    calendar: str = "XNYS",
    keep: Callable[[int, int], bool] | None = None,
) -> MarketData:
    """Bars over whole sessions; bar k (from 0) of day d opens and trades at ``value(d, k)``, one unit of volume."""
    rows: list[tuple[int, int, int, float]] = []
    for d, text in enumerate(days):
        number = day(text)
        if calendar == "XNYS":
            at = int(np.searchsorted(exchange("XNYS").session, number))
            assert exchange("XNYS").session[at] == number
            opens, closes = int(exchange("XNYS").open_time[at]), int(exchange("XNYS").close_time[at])
        else:
            opens, closes = number * DAY_US, (number + 1) * DAY_US
        for k, begin in enumerate(range(opens, closes, minutes * MINUTE)):
            if keep is None or keep(d, k):
                price = float(k + 1 if value is None else value(d, k))
                rows.append((begin, min(begin + minutes * MINUTE, closes), number, price))
    begin, end, session = (np.array([r[i] for r in rows], dtype=np.int64) for i in range(3))
    price = np.array([r[3] for r in rows])
    bars = SymbolBars(
        "X", begin, end, session.astype(np.int32), price, price + 0.5, price - 0.5, price + 0.25, np.ones(len(rows))
    )
    return MarketData(
        name="X", dataset_hash="sha256:0", symbols=("X",), bars={"X": bars}, asset_class="STOCKS",
        timeframe=f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}min", calendar=calendar,
        sessions=calendar_sessions(calendar, int(session[0]), int(session[-1])),
        periods_per_year=252 if calendar == "XNYS" else 365, prices="as given",
    )  # fmt: skip


def as_traded(data: Any) -> dict[str, str]:
    """Options of a run that takes raw prices with their events."""
    return {"prices": "raw"} if isinstance(data, MarketData) and data.actions else {}


def watch(data: Any, look: Callable[[Any], Any], start: Callable[[Any], Any] | None = None, **options: Any) -> Any:
    """What ``look`` returns at each bar, by bar."""
    seen: dict[int, Any] = {}

    class Watcher(al.Strategy):
        def on_start(self) -> None:
            if start is not None:
                start(self)

        def on_bar(self) -> None:
            seen[self.bar_index] = look(self)

    al.backtest(Watcher, data, **as_traded(data), **options)
    return seen
