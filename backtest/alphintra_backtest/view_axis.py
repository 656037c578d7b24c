"""The time axis of a view: which bar a moment belongs to, and what that bar is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from alphintra.result import Result

I64 = npt.NDArray[np.int64]
DAY_SECONDS = 86_400
NO_TIME = np.iinfo(np.int64).min
_INTRADAY = re.compile(r"\d*\s*(us|ms|s|sec|min|m|h|hour)s?$", re.IGNORECASE)


def is_intraday(timeframe: str) -> bool:
    """Tell whether bars of this timeframe are shorter than a day."""
    return bool(_INTRADAY.match(timeframe))


class Axis:
    """Names each bar by one number: seconds since 1970 of its open, or of its session's date.

    Candles, curve and markers use the same name for the same bar, so they line up: a fill at the
    open and the equity at the close belong to one bar.
    """

    def __init__(self, result: Result) -> None:
        curves = result.curves
        self.intraday = is_intraday(str(result.run["timeframe"]))
        self._close: I64 = np.asarray(curves.time, dtype=np.int64)
        if self.intraday:
            self.names = self._open_names(result) // 1_000_000
        else:
            self.names = np.asarray(curves.session, dtype=np.int64) * DAY_SECONDS
        fills = result.columns.get("fills", {})
        keys = zip(fills.get("symbol", ()), map(int, fills.get("time", ())), strict=True)
        self._fill_bars = dict(zip(keys, map(int, fills.get("bar", ())), strict=True))

    def _open_names(self, result: Result) -> I64:
        """Return the open time of each bar of the run, the earliest over its symbols."""
        unknown = np.iinfo(np.int64).max
        names = np.full(len(self._close), unknown, dtype=np.int64)
        for bars in result.market.bars.values():
            at = np.searchsorted(self._close, bars.close_time)
            at_safe = np.minimum(at, len(names) - 1)
            same = self._close[at_safe] == bars.close_time if len(names) else np.zeros(len(at), bool)
            np.minimum.at(names, at_safe[same], bars.open_time[same])
        return np.where(names == unknown, self._close, names)

    def bar_name(self, time: npt.ArrayLike) -> I64:
        """Return the name of the bar in which each moment (int64 microseconds) lies."""
        moments = np.asarray(time, dtype=np.int64)
        if not len(self.names):
            return moments // 1_000_000
        at = np.searchsorted(self._close, moments, side="left")
        return self.names[np.minimum(at, len(self.names) - 1)]

    def stamps(self, time: npt.ArrayLike) -> list[int | None]:
        """Return moments for a table, in seconds: the session's date where bars are daily or coarser."""
        moments = np.asarray(time, dtype=np.int64)
        seconds = moments // 1_000_000 if self.intraday else self.bar_name(moments)
        return [None if m == NO_TIME else int(s) for m, s in zip(moments, seconds, strict=True)]

    def fill_stamps(self, time: list[int], symbol: list[str]) -> list[int | None]:
        """Return the moments of fills for a table.

        Where a bar opens the moment the one before it closes (round-the-clock data), only the fill
        itself knows which of the two it belongs to.
        """
        if self.intraday:
            return self.stamps(time)
        bars = (self._fill_bars.get(key) for key in zip(symbol, time, strict=True))
        by_time = self.stamps(time)
        return [at if bar is None else int(self.names[bar]) for at, bar in zip(by_time, bars, strict=True)]

    def fill_bar(self, symbol: str, time: int) -> int | None:
        """Return the bar of a fill, by its symbol and time; ``None`` where there was none."""
        return self._fill_bars.get((symbol, time))

    def candle_names(self, bars: Any) -> I64:
        """Return the names of a symbol's own bars."""
        if self.intraday:
            return np.asarray(bars.open_time, dtype=np.int64) // 1_000_000
        return np.asarray(bars.session, dtype=np.int64) * DAY_SECONDS
