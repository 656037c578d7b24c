"""``start=`` and ``end=``: what they may be, and where they fall in the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np

from alphintra.data.market import DAY_US, I32, I64, MarketData, Note
from alphintra.errors import DataError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bound:
    """A date, or an instant.

    Attributes:
        session: The date as days since 1970-01-01.
        instant: Microseconds since 1970-01-01 UTC, or ``None`` where only a date was given.
        text: As it was written.
    """

    session: int
    instant: int | None
    text: str

    @property
    def first(self) -> int:
        """The instant; of a date its first, in UTC."""
        return self.session * DAY_US if self.instant is None else self.instant

    @property
    def last(self) -> int:
        """The instant; of a date its last, in UTC."""
        return (self.session + 1) * DAY_US - 1 if self.instant is None else self.instant

    def starts(self, session: I32, close_time: I64) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Tell which bars are at or after this bound: by session for a date, else by close."""
        if self.instant is None:
            return np.asarray(session >= self.session)
        return np.asarray(close_time >= self.instant)

    def ends(self, session: I32, close_time: I64) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Tell which bars are at or before this bound; the session of a date is included."""
        if self.instant is None:
            return np.asarray(session <= self.session)
        return np.asarray(close_time <= self.instant)


def parse_bound(value: Any, argument: str) -> Bound | None:
    """Read ``2010-12-31``, ``2010-12-31 15:30``, a date or a datetime.

    Times without a zone are UTC. A naive datetime at midnight counts as its date, because that is
    what pandas makes of a date.

    Raises:
        DataError: It is none of these.
    """
    if value is None:
        return None
    found: Any = value
    is_text = isinstance(value, str | np.datetime64)
    if isinstance(value, np.datetime64):
        found = str(value)
    if isinstance(found, str):
        text = found.strip()
        try:
            found = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
        except ValueError:
            raise _not_a_date(value, argument) from None
    if isinstance(found, datetime):
        if found != found:  # pandas' NaT is a datetime
            raise _not_a_date(value, argument)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
            if not is_text and found.time() == time(0):
                return Bound((found.date() - _EPOCH.date()).days, None, str(found.date()))
        since = found - _EPOCH
        instant = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return Bound(since.days, instant, str(value))
    if isinstance(found, date):
        return Bound((found - _EPOCH.date()).days, None, str(value))
    raise _not_a_date(value, argument)


def bounded(market: MarketData, start: Any, end: Any) -> MarketData:
    """Check both bounds against the data and cut what is after ``end``.

    ``start`` cuts nothing: indicators warm up on what is before it (rule F13).

    Raises:
        DataError: No bar lies between them; the error names the range of the data.
    """
    first, last = parse_bound(start, "start"), parse_bound(end, "end")
    if first is None and last is None:
        return market
    if first and last and (first.session, first.instant or 0) > (last.session, last.instant or 2**63):
        raise DataError(f"start ({first.text}) is after end ({last.text})", code="BAD_RANGE")
    whole = market
    if last is not None:
        market = _cut(market, last)
    if first is not None and not any(
        first.starts(b.session[-1:], b.close_time[-1:]).any() for b in market.bars.values()
    ):
        raise DataError(
            f"there is no bar at or after start ({first.text})" + (f" and until end ({last.text})" if last else ""),
            code="BAD_RANGE",
            hint=_range(whole) + ".",
        )
    return market


def _cut(market: MarketData, last: Bound) -> MarketData:
    from alphintra.data.actions import cut_actions
    from alphintra.data.detail import cut_detail
    from alphintra.data.rates import cut_rates

    bars, without = {}, []
    for symbol, own in market.bars.items():
        kept = int(last.ends(own.session, own.close_time).sum())
        if kept:
            bars[symbol] = own if kept == len(own) else own.head(kept)
        else:
            without.append(symbol)
    if not bars:
        raise DataError(f"there is no bar until end ({last.text})", code="BAD_RANGE", hint=_range(market) + ".")
    notes = market.notes
    if without:
        text = f"no bars until {last.text}, left out: {', '.join(without)}"
        notes = (*notes, Note("symbols_without_bars", text, "warning"))
    finish = max(int(own.close_time[-1]) for own in bars.values())
    day = max(int(own.session[-1]) for own in bars.values())
    return replace(
        market,
        bars=bars,
        symbols=tuple(bars),
        notes=notes,
        actions=cut_actions(market.actions, tuple(bars), day),
        rates=cut_rates(market.rates, finish),
        detail=cut_detail(market.detail, bars),
    )


def _range(market: MarketData) -> str:
    first = np.datetime64(market.first_session, "D")
    last = np.datetime64(market.last_session, "D")
    return f"{market.name} has bars from {first} to {last}"


def _not_a_date(value: Any, argument: str) -> DataError:
    return DataError(
        f"{argument}={value!r} is not a date",
        code="BAD_DATE",
        hint="Write 2010-12-31 or 2010-12-31 15:30, or give a date or datetime.",
    )
