"""Splits and dividends that the user gives beside prices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.actions import KINDS, Event, actions_of, split_sessions
from alphintra.data.basis import ADJUSTED, RAW, no_raw_prices
from alphintra.data.bounds import parse_bound
from alphintra.data.instrument import did_you_mean
from alphintra.data.market import F64, Actions, MarketData, Note, SymbolBars
from alphintra.data.splits import looks_like_split
from alphintra.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("kind", "ex_date", "value")
_LARGE = 0.5


def with_events(
    data: Any,
    events: pd.DataFrame | None = None,
    *,
    splits: Mapping[Any, Any] | pd.Series[Any] | None = None,
    dividends: Mapping[Any, Any] | pd.Series[Any] | None = None,
) -> MarketData:
    """Return raw prices together with their splits and dividends (rules F8 and F9).

    The prices must be those that were quoted on each day. For a symbol named here the given events
    replace those stored with a dataset. An adjusted close in the data is not used.

    Args:
        data: What :func:`resolve` takes.
        events: One split or dividend a row, in the columns that ``Dataset.events()`` has:
            ``symbol`` (may be left out for one symbol), ``kind`` (``split`` or ``dividend``),
            ``ex_date``, ``value``, and optionally ``known_from``. Other columns are ignored.
        splits: By symbol, then by date, new shares for each old one: ``{"AAPL": {"2020-08-31": 4.0}}``.
            Dates may be the index of a Series; for data of one symbol the dates may come without
            the symbol.
        dividends: In the same form, money for each share held at the close before the ex-date, that
            is, for each old share where a split falls on the same day. Dividends of one day add up,
            and 0 is none.

    Returns:
        Market data, to be given to a backtest as ``data``.

    Raises:
        DataError: A ratio or dividend that cannot be, or a symbol that does not exist; names symbol and date.
    """
    from alphintra.data.resolve import resolve

    if not isinstance(data, MarketData):
        data = resolve(data, prices="raw")
    market: MarketData = data
    if market.prices == ADJUSTED:
        raise no_raw_prices(f"'{market.name}' is adjusted, so its events are in its prices")
    given = [
        *_from_table(events, market),
        *_from_dates(splits, "split", market),
        *_from_dates(dividends, "dividend", market),
    ]
    if not given:
        raise DataError("there are no splits or dividends", code="NO_EVENTS", hint="Give splits= or dividends=.")
    named = {event.symbol for event in given}
    found = actions_of(given, market.bars, market.calendar)
    actions = {
        symbol: own
        for symbol in market.symbols
        if (own := (found if symbol in named else market.actions).get(symbol)) is not None
    }
    notes = [note for note in market.notes if note.code != "looks_like_split"]
    market = replace(
        market,
        prices=RAW,
        actions=actions,
        dataset_hash=_with(market.dataset_hash, given),
    )
    if market.timeframe == "1d":
        notes += looks_like_split(market.bars, split_sessions(market))
    for symbol in sorted(named):
        left_out = len({e.ex for e in given if e.symbol == symbol and e.value}) - len(found.get(symbol, ()))
        notes += _doubts(market.bars[symbol], found.get(symbol), left_out)
    return replace(market, notes=tuple(notes))


def _from_table(events: Any, market: MarketData) -> Iterator[Event]:
    if events is None:
        return
    from alphintra.data.given import is_frame

    if not is_frame(events):
        raise DataError(f"events is a {type(events).__name__}, not a DataFrame", code="BAD_DATA_TYPE")
    missing = [name for name in _COLUMNS if name not in events.columns]
    if missing:
        raise DataError(
            f"missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            code="MISSING_COLUMN",
            where="events",
            hint="The columns are symbol, kind, ex_date and value.",
        )
    columns = [events[name].tolist() for name in _COLUMNS]
    count = len(events)
    symbols = events["symbol"].tolist() if "symbol" in events.columns else [_only(market)] * count
    known = events["known_from"].tolist() if "known_from" in events.columns else [None] * count
    for row, (kind, when, value) in enumerate(zip(*columns, strict=True)):
        if kind not in KINDS:
            raise DataError(
                f"the kind {kind!r} is neither split nor dividend",
                code="BAD_EVENT",
                where=f"events, row {row + 1}",
            )
        symbol = _symbol(symbols[row], market)
        said = parse_bound(None if known[row] != known[row] else known[row], "known_from")
        from_when = None
        if said is not None:
            from_when = said.session * 86_400_000_000 if said.instant is None else said.instant
        yield Event(symbol, kind, _session(when, symbol, kind), _number(value, symbol, kind, when), from_when)


def _from_dates(given: Any, kind: str, market: MarketData) -> Iterator[Event]:
    if given is None:
        return
    for symbol, dates in _by_symbol(given, kind, market):
        pairs = dates.items() if hasattr(dates, "items") else None
        if pairs is None:
            raise DataError(
                f"the {kind}s of '{symbol}' are a {type(dates).__name__}",
                code="BAD_EVENT",
                hint=f'Write {kind}s={{"{symbol}": {{"2020-08-31": 4.0}}}}, or give a Series with dates.',
            )
        for when, value in pairs:
            yield Event(symbol, kind, _session(when, symbol, kind), _number(value, symbol, kind, when))


def _by_symbol(given: Any, kind: str, market: MarketData) -> Iterator[tuple[str, Any]]:
    if not hasattr(given, "items"):
        raise DataError(
            f"{kind}s is a {type(given).__name__}",
            code="BAD_EVENT",
            hint=f'Write {kind}s={{"AAPL": {{"2020-08-31": 4.0}}}}.',
        )
    nested = [(key, value) for key, value in given.items() if hasattr(value, "items")]
    if not nested and len(market.symbols) == 1 and not any(key in market.bars for key, _ in given.items()):
        yield market.symbols[0], given
        return
    for key, value in given.items():
        yield _symbol(key, market), value


def _symbol(symbol: Any, market: MarketData) -> str:
    if symbol in market.bars:
        return str(symbol)
    raise DataError(
        f"there is no symbol {symbol!r} in '{market.name}'",
        code="UNKNOWN_SYMBOL",
        hint=did_you_mean(str(symbol), market.symbols) + "It has " + ", ".join(market.symbols[:20]) + ".",
    )


def _only(market: MarketData) -> str:
    if len(market.symbols) == 1:
        return market.symbols[0]
    raise DataError("missing column symbol", code="MISSING_COLUMN", where="events")


def _session(when: Any, symbol: str, kind: str) -> int:
    """Return the date of an ex-date: a time in it, and its zone, say nothing more."""
    if hasattr(when, "tzinfo") and when.tzinfo is not None:
        when = when.replace(tzinfo=None)
    if hasattr(when, "date") and when == when:
        when = when.date()
    bound = parse_bound(when, f"{kind} of {symbol}: ex_date")
    if bound is None:
        raise DataError(f"a {kind} without a date", code="BAD_DATE", where=symbol)
    return bound.session


def _number(value: Any, symbol: str, kind: str, when: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(f"the {kind} {value!r} is not a number", code="BAD_EVENT", where=f"{symbol}, {when}") from None


def _with(dataset_hash: str, events: list[Event]) -> str:
    """Return the identity of data together with its events."""
    rows = sorted((e.symbol, e.ex, e.kind, e.value.hex(), e.known or 0) for e in events)
    return "sha256:" + hashlib.sha256(repr((dataset_hash, rows)).encode()).hexdigest()


def _doubts(bars: SymbolBars, own: Actions | None, left_out: int) -> list[Note]:
    """Return warnings for splits the price knows nothing of, large dividends and events beside the bars."""
    notes = []
    if left_out > 0:
        text = f"splits and dividends outside the bars of {bars.symbol}, without effect: {left_out}"
        notes.append(Note("events_outside", text))
    if own is None:
        return notes
    rows = np.searchsorted(bars.session, own.ex)
    inside = rows < len(bars)
    rows, split, dividend, ex = rows[inside], own.split[inside], own.dividend[inside], own.ex[inside]
    before: F64 = bars.close[rows - 1]
    with np.errstate(invalid="ignore"):
        moved = np.abs(np.log(before / bars.open[rows]))  # NaN where only closes are known
        expected = np.abs(np.log(split))
    still = (expected >= np.log(1.25)) & (moved < expected / 2)
    if still.any():
        text = (
            f"the price of {bars.symbol} does not move with its split on {_dates(ex[still])}; is it adjusted already?"
        )
        notes.append(Note("split_without_move", text, "warning"))
    large = dividend > _LARGE * before
    if large.any():
        text = (
            f"the dividend of {bars.symbol} on {_dates(ex[large])} is more than half of the price; "
            "is it money for each share?"
        )
        notes.append(Note("large_dividend", text, "warning"))
    return notes


def _dates(ex: Any) -> str:
    shown = ", ".join(str(np.datetime64(int(day), "D")) for day in ex[:3])
    return shown + (f" and {len(ex) - 3} more" if len(ex) > 3 else "")
