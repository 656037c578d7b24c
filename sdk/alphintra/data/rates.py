"""Exchange rates: from a number, a series, bars or a dataset to rates by the time they are known."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from alphintra.data.checks import check_order, check_positive, read_number
from alphintra.data.instrument import check_currency, did_you_mean
from alphintra.data.market import DAY_US, F64, I64, MarketData, Rates
from alphintra.data.roles import TIME_NAMES
from alphintra.data.sessions import exchange
from alphintra.data.tables import RawTable, from_frame
from alphintra.data.times import Times, parse_times
from alphintra.errors import DataError

_RATE_NAMES = ("close", "rate", "price", "value")


def parse_rates(given: Any, market: MarketData) -> dict[str, Rates]:
    """Read ``rates=``: into the account's currency, by currency.

    A bar's rate is its close and is known when the bar closes. A value of a Series is known at its
    time; that of a date without a time at the end of that day, as a daily bar would be: at the
    close of New York where all dates are its sessions, else at 24:00 UTC.

    Raises:
        DataError: A key is no currency or pair with the account's; a rate is not above 0; times
            repeat or go back. Names currency and row.
    """
    if not isinstance(given, Mapping):
        raise DataError(
            f"rates is a {type(given).__name__}",
            code="BAD_RATE",
            hint='Write rates={"EUR": series}, or rates={"EURUSD": "eurusd.csv"}.',
        )
    out: dict[str, Rates] = {}
    for key, value in given.items():
        foreign, inverted = _pair(key, market.currency)
        if foreign in out:
            raise DataError(f"rates names {foreign} twice", code="BAD_RATE", where=str(key))
        own = _series(value, f"rates['{key}']", market)
        out[foreign] = Rates(own.time, 1.0 / own.rate) if inverted else own
    return out


def check_rates(market: MarketData) -> MarketData:
    """Return the market data, each rate known from the first bar that needs it.

    A rate whose first day is that of the first bar holds from that bar's open: nothing can be
    traded before, and no trader waits a day for it.

    Raises:
        DataError: Names symbol and currency of an instrument without a rate, or the first date of
            a rate that begins too late.
    """
    rates = dict(market.rates)
    for symbol, instrument in market.instruments.items():
        foreign = str(instrument.currency)
        if foreign == market.currency:
            continue
        if foreign not in rates:
            raise DataError(
                f"'{symbol}' is quoted in {foreign}, and there is no rate from {foreign} to {market.currency}",
                code="MISSING_RATE",
                where=symbol,
                hint=did_you_mean(foreign, tuple(rates))
                + f'Give rates={{"{foreign}": …}}, or currency="{foreign}" for an account in {foreign}.',
            )
        bars = market.bars[symbol]
        rates[foreign] = _from_first_bar(rates[foreign], foreign, symbol, int(bars.open_time[0]), market)
    return replace(market, rates=rates) if rates else market


def cut_rates(rates: Mapping[str, Rates], last: int) -> dict[str, Rates]:
    """Leave out rates known after ``last`` (microseconds); one remains in any case."""
    out = {}
    for foreign, own in rates.items():
        kept = max(int(np.searchsorted(own.time, last, side="right")), 1)
        out[foreign] = Rates(own.time[:kept], own.rate[:kept])
    return out


def hashed(dataset_hash: str, rates: Mapping[str, Rates]) -> str:
    """Return the identity of data together with exchange rates."""
    digest = hashlib.sha256(dataset_hash.encode())
    for foreign, own in sorted(rates.items()):
        digest.update(f"rates {foreign} {len(own)}".encode())
        digest.update(own.time.astype("<i8").tobytes())
        digest.update(own.rate.astype("<f8").tobytes())
    return "sha256:" + digest.hexdigest()


def _from_first_bar(own: Rates, foreign: str, symbol: str, opens: int, market: MarketData) -> Rates:
    if own.time[0] <= opens:
        return own
    bars = market.bars[symbol]
    day = int(bars.session[0])
    # Known at the end of its day: a daily rate of the first bar's day may come an hour after its close.
    if own.time[0] > max(int(bars.close_time[0]), (day + 1) * DAY_US):
        begins = np.datetime64(int(own.time[0]), "us").astype("M8[D]")
        raise DataError(
            f"the rate of {foreign} begins on {begins}, after the first bar of '{symbol}' on {np.datetime64(day, 'D')}",
            code="RATE_BEGINS_LATE",
            where=f"rates, {foreign}",
            hint=f"Give rates from {np.datetime64(day, 'D')} on, or leave out the bars before {begins}.",
        )
    time = own.time.copy()
    time[0] = opens
    return Rates(time, own.rate)


def _pair(key: Any, account: str) -> tuple[str, bool]:
    """Return the foreign currency of a key, and whether the pair is the other way round."""
    text = key.replace("/", "") if isinstance(key, str) else key
    if isinstance(text, str) and len(text) == 6:
        base = check_currency(text[:3], "rates: currency", code="BAD_RATE")
        quote = check_currency(text[3:], "rates: currency", code="BAD_RATE")
        if (base == account) != (quote == account):
            return (base, False) if quote == account else (quote, True)
        raise DataError(
            f"rates: {key!r} is no rate between {account} and another currency",
            code="BAD_RATE",
            hint=f"The account is in {account}; write EUR{account}, for example.",
        )
    foreign = check_currency(text, "rates: currency", code="BAD_RATE")
    if foreign == account:
        raise DataError(f"rates: {foreign} is the account's currency", code="BAD_RATE", hint="Leave it out.")
    return foreign, False


def _series(value: Any, source: str, market: MarketData) -> Rates:
    if isinstance(value, Rates):
        return value
    if isinstance(value, Real):
        if value is True or not math.isfinite(float(value)) or float(value) <= 0:
            raise DataError(f"the rate {value} is not a number above 0", code="BAD_RATE", where=source)
        first = min(int(bars.open_time[0]) for bars in market.bars.values())
        return Rates(np.array([first], dtype=np.int64), np.array([float(value)]))
    from alphintra.data.given import is_frame

    if type(value).__name__ == "Series" and hasattr(value, "to_frame"):
        return _from_table(from_frame(value.to_frame("rate"), source), index=True)
    if is_frame(value):
        lower = {str(name).strip().casefold() for name in value.columns}
        if not {"open", "high", "low", "close"} <= lower:
            return _from_table(from_frame(value, source), index=False)
    return _from_bars(value, source)


def _from_bars(value: Any, source: str) -> Rates:
    from alphintra.data.resolve import whole

    found = whole(value, "auto")
    if len(found.symbols) != 1:
        raise DataError(
            f"'{found.name}' has {len(found.symbols)} symbols",
            code="BAD_RATE",
            where=source,
            hint=f"Name one of them: '{found.name}/{found.symbols[0]}'.",
        )
    bars = found.bars[found.symbols[0]]
    return Rates(bars.close_time, bars.close)


def _from_table(table: RawTable, *, index: bool) -> Rates:
    folded = [name.strip().casefold() for name in table.names]
    times = [i for i, name in enumerate(folded) if name in TIME_NAMES or name == ""]
    at = 0 if index or table.time_index is not None else (times[0] if times else None)
    others = [i for i in range(len(folded)) if i != at]
    named = [i for i in others if folded[i] in _RATE_NAMES]
    column = named[0] if named else (others[0] if len(others) == 1 else None)
    if at is None or column is None or (index and len(table.columns) < 2):
        raise DataError(
            "time and rate cannot be told from the columns",
            code="MISSING_COLUMN",
            where=table.source,
            hint="The time is a DatetimeIndex or a column named time or date, the rate a column close or rate.",
        )
    if not len(table):
        raise DataError("there are no rows", code="NO_ROWS", where=table.source)
    parsed = parse_times(table, at)
    check_order(parsed.utc, table, table.names[at] or "index")
    rate: F64 = read_number(table, column)
    check_positive(rate, table, table.names[column], "rate")
    return Rates(_known(parsed), rate)


def _known(times: Times) -> I64:
    """Return when each rate is known: at its time, or at the end of its day."""
    if not times.midnight:
        return times.utc
    table = exchange("XNYS")
    rows = table.positions(times.session)
    if rows is not None:
        return table.close_time[rows]
    return (times.session.astype(np.int64) + 1) * DAY_US
