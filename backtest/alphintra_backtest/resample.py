"""``self.data.resample(…)``: closed bars of a higher time frame (F19)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .hours import DAY_US, coarse, hours, intraday, table
from .schedules import period

if TYPE_CHECKING:
    from .dataview import SymbolData
    from .session import Session

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_UNITS = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}
_CALENDAR = {"1d": 1, "1w": 2, "1mo": 3}
FORMS = "'5min', '30min', '1h', '4h', '1d', '1w' or '1mo'"


@dataclass(frozen=True, eq=False)
class Groups:
    """The higher bars of one symbol, k of them, over the rows of its own bars.

    Attributes:
        rows: (m,) rows of the bars that belong to one, or a slice over all.
        starts: (k,) index into ``rows`` at which each begins.
        visible: (k,) timestamps of the run from which each can be seen.
    """

    rows: I64
    starts: I64
    visible: I64

    def reduce(self, values: F64, how: str) -> F64:
        """(k,) first, last, greatest, least or sum of each bar's values."""
        own = values[self.rows]
        if how == "first":
            return own[self.starts]
        if how == "last":
            return own[np.append(self.starts[1:], len(own)) - 1] if len(own) else own
        reducer = {"max": np.fmax, "min": np.fmin, "sum": np.add}[how]
        return np.asarray(reducer.reduceat(own, self.starts)) if len(own) else own


_HOW = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "total_return": "last"}


class Resampled:
    """Closed bars of a higher time frame: ``open``, ``high``, ``low``, ``close``, ``volume``, ``total_return``."""

    __slots__ = ("close", "high", "low", "open", "step", "symbol", "total_return", "volume")

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    total_return: Any

    def __init__(self, session: Session, base: SymbolData, step: str, groups: Groups) -> None:
        from alphintra.views import Timeline

        from .dataview import derived

        self.step = step
        self.symbol = base.symbol
        timeline = Timeline(groups.visible, len(session.grid.time), base.close.timeline.owner)
        for field, how in _HOW.items():
            source = getattr(base, field)
            if field == "total_return" and source is base.close:
                self.total_return = self.close
                continue
            name = source.name.replace(f".{field}", f".resample({step!r}).{field}")
            setattr(self, field, derived(session, source, _reducer(groups, how), timeline, name))

    def __len__(self) -> int:
        return len(self.close)

    def __repr__(self) -> str:
        return f"<data {self.symbol}, {self.step}: {len(self)} bars so far>"


def _reducer(groups: Groups, how: str) -> Callable[[F64], F64]:
    return lambda values: groups.reduce(values, how)


def resample(session: Session, base: SymbolData, step: str) -> Resampled:
    """The closed bars of a symbol in a higher time frame; made once for a symbol and a step.

    Raises:
        DataError: The step is finer than the data, or does not divide into it; or not in ``on_start``.
    """
    from alphintra.errors import DataError

    length = _length(step, session.market.timeframe, session.market.calendar)
    key = ("resample", base.symbol, length)
    if key not in session._cache:
        if session.cursor.i >= 0:
            raise DataError(
                f"resample({step!r}): higher time frames are declared in on_start",
                hint=f"self.hours = self.data.resample({step!r}) there, and read self.hours.close[-1] here",
            )
        session._cache[key] = Resampled(session, base, step, _groups(session, base.symbol, length))
    found: Resampled = session._cache[key]
    return found


def _length(step: Any, timeframe: str, calendar: str) -> int | str:
    """Length of an intraday step in µs, or ``1d``, ``1w``, ``1mo``.

    Raises:
        DataError: See :func:`resample`.
    """
    from alphintra.errors import DataError

    found = re.fullmatch(r"([1-9]\d*)(ms|s|min|h|d|w|mo)", step) if isinstance(step, str) else None
    if found is None:
        raise DataError(f"resample({step!r}): this is no time frame", hint=f"for example {FORMS}")
    if step == timeframe:
        return str(step)
    if found[2] not in _UNITS:
        if step not in _CALENDAR:
            raise DataError(
                f"resample({step!r}): bars of several days, weeks or months have no fixed start",
                hint="there is '1d', '1w' and '1mo'",
            )
        if coarse(timeframe):
            if step == "1mo":
                raise DataError(
                    f"resample({step!r}): weeks ({timeframe!r} data) do not divide into months", hint="use daily data"
                )
            raise _finer(step, timeframe)
        return str(step)
    if not intraday(timeframe):
        raise _finer(step, timeframe)
    length = int(found[1]) * _UNITS[found[2]]
    own = _own_length(timeframe)
    if length < own:
        raise _finer(step, timeframe)
    if length % own:
        raise DataError(
            f"resample({step!r}): bars of {timeframe!r} do not divide into it", hint="use a multiple of the data's"
        )
    if length >= DAY_US or (table(calendar) is None and DAY_US % length):
        raise DataError(
            f"resample({step!r}): a day does not divide into it",
            hint="use '1d'" if length == DAY_US else f"for example {FORMS}",
        )
    return length


def _own_length(timeframe: str) -> int:
    from alphintra.data.timeframe import step_us

    return step_us(timeframe)


def _finer(step: str, timeframe: str) -> Exception:
    from alphintra.errors import DataError

    return DataError(
        f"resample({step!r}) is finer than the data, which has bars of {timeframe!r}",
        hint="a higher time frame is made of the data's bars",
    )


def _groups(session: Session, symbol: str, length: int | str) -> Groups:
    market, grid = session.market, session.grid
    bars = market.bars[symbol]
    rows = np.arange(len(bars.close), dtype=np.int64)
    if length == market.timeframe:
        key, ends = rows, bars.close_time
    elif isinstance(length, str):
        key, ends, rows = _periods(session, symbol, length)
    else:
        key, ends = _slots(market.calendar, bars, length)
    starts = np.append(True, key[1:] != key[:-1]).nonzero()[0] if len(key) else np.empty(0, np.int64)
    last = np.append(starts[1:], len(key)) - 1
    # A bar that reaches beyond the end of its higher bar is known later: so is what it is part of.
    closed = np.maximum(ends[starts], bars.close_time[rows][last])
    visible = np.searchsorted(grid.time, closed, side="left")
    shown = int((visible < len(grid.time)).sum())
    if shown < len(starts):
        rows, starts = rows[: starts[shown]], starts[:shown]
    return Groups(rows, starts.astype(np.int64), visible[:shown].astype(np.int64))


def _slots(calendar: str, bars: Any, length: int) -> tuple[I64, I64]:
    """Key and end of the slot that each bar opens in: counted from the session's open and cut at its close."""
    opens, closes = hours(calendar, bars.session)
    late = bars.open_time >= closes  # after hours: counted from the close
    anchor = np.where(late, closes, opens)
    begin = anchor + (bars.open_time - anchor) // length * length
    ends = begin + length
    return begin, np.where((begin < closes) & ~late, np.minimum(ends, closes), ends)


def _periods(session: Session, symbol: str, step: str) -> tuple[I64, I64, I64]:
    """Key and end of the day, week or month of each bar within exchange hours, and the rows of these bars."""
    market = session.market
    bars = market.bars[symbol]
    opens, closes = hours(market.calendar, bars.session)
    inside = (bars.open_time >= opens) & (bars.open_time < closes)
    rows = np.flatnonzero(inside) if intraday(market.timeframe) else np.arange(len(bars.close))
    days = bars.session[rows].astype(np.int64)
    if step == "1d":
        return days, closes[rows], rows
    name = {"1w": "week", "1mo": "month"}[step]
    key = period(days, name)
    calendar = np.union1d(np.asarray(market.sessions, dtype=np.int64), days)
    last = calendar[np.searchsorted(period(calendar, name), key, side="right") - 1]
    return key, hours(market.calendar, last)[1], rows
