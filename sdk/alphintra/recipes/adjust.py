"""Prices that do not jump at splits and dividends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from alphintra.data.market import DAY_US
from alphintra.data.sessions import exchange
from alphintra.data.timeframe import length_of
from alphintra.errors import DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.actions import Action, actions_of
from alphintra.recipes.rows import F64, I64, PRICES, Rows, Shape, end_of
from alphintra.recipes.step import Context, Numbers, Outcome, Step, looks_ahead
from alphintra.store.columns import Column, numbers
from alphintra.store.known import COARSE, WITHOUT_HOURS

_MOST_EVENTS = 20_000


@dataclass(frozen=True, kw_only=True)
class Adjust(Step):
    """Take splits and dividends out of raw prices, and splits out of the volume.

    `forward` leaves prices as they were quoted and scales those after each event: at a split by its ratio, at a
    dividend by close ÷ (close − dividend) of the close before. `backward` scales those before, which tells them what
    comes later: up to `as_of` it goes by the events that were known then, and goes on forward from there.
    """

    kind: ClassVar[str] = "adjust"
    refuses: ClassVar[str] = "`backward` without `as_of`"

    events: tuple[dict[str, Any], ...] = parameters.events(
        "Splits and dividends: symbol, kind, ex_date, value (new shares for an old one, or money for an old share), "
        "where it is later than the ex-date's open known_from, and of what was withdrawn known_to. Of rows of one kind "
        "and date the one known last counts from then on.",
        _MOST_EVENTS,
    )
    direction: str = parameters.choice("Which prices are scaled.", ("forward", "backward"), "forward")
    as_of: str | None = parameters.text(
        "Until when events are known that are taken out backward: a date or an instant.", None, kind="instant"
    )
    dividends: bool = parameters.yes("Whether dividends are taken out as well.", True)
    columns: tuple[str, ...] = parameters.columns("Further columns that are prices; open, high, low and close are.")
    raw: bool = parameters.yes("State that prices are raw, where the version does not say so.")

    def check(self) -> None:
        """See :class:`Step`."""
        if self.direction == "backward" and self.as_of is None:
            looks_ahead(
                "adjusting backward tells earlier prices of later splits and dividends",
                "Use direction='forward', or state as_of=, the end of a training part.",
            )
        if self.direction == "forward" and self.as_of is not None:
            raise ParameterError("as_of belongs to direction='backward'", where="as_of")

    @property
    def fit_end(self) -> str | None:
        """See :class:`Step`."""
        return self.as_of

    @property
    def mixes_rows(self) -> bool:
        """See :class:`Step`."""
        return True

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        stated = shape.about.adjustment
        if stated == "adjusted" or (stated != "raw" and not self.raw):
            hint = "Splits are in the prices already." if stated == "adjusted" else "If they are raw, give raw=True."
            raise DataError(f"the version states its prices as {stated}", code="NOT_RAW", hint=hint)
        if length_of(shape.about.timeframe) not in (None, (1, "d")):
            raise DataError(
                "a bar of several days has prices from before and after an event", code="NOT_RAW",
                hint="Put 'adjust' before 'resample'.",
            )  # fmt: skip
        named = list(dict.fromkeys(event["symbol"] for event in self.events))
        if context.symbols and not set(named) & set(context.symbols):
            raise DataError(
                f"no split or dividend is of a symbol of the dataset, but of {', '.join(named[:5])}",
                code="UNKNOWN_SYMBOL", where="events",
                hint=f"The dataset has {', '.join(context.symbols[:10])}.",
            )  # fmt: skip
        if shape.role("close") is None:
            raise DataError("no column has the role 'close'", code="UNKNOWN_COLUMN", where="column 'close'")
        changed = [*self._prices(shape), *self._volumes(shape)]
        found = shape.having(*(Column(c.name, "double", c.role, c.unit) for c in map(shape.column, changed)))
        return replace(found, about=replace(shape.about, adjustment="adjusted"))

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        actions = actions_of(self.events, rows.symbol)
        if not actions:
            arrays = {name: self._as_double(rows, shape, name) for name in shape.names}
            return Outcome(arrays, note=f"{rows.symbol} has no split or dividend")
        price, shares = self._factors(rows, actions, quotes=context.quotes)
        arrays = {name: self._as_double(rows, shape, name) for name in shape.names}
        for name in self._prices(rows.shape):
            arrays[name] = numbers(rows.numbers(name) * price)
        for name in self._volumes(rows.shape):
            arrays[name] = numbers(rows.numbers(name) / shares)
        return Outcome(arrays)

    def _factors(self, rows: Rows, actions: list[Action], *, quotes: bool) -> tuple[F64, F64]:
        """Return what prices are multiplied with, and volumes divided by, on each row."""
        close_column = rows.shape.role("close")
        assert close_column is not None
        close = rows.numbers(close_column.name)
        sessions = _sessions(rows)
        price, shares = np.ones(len(rows)), np.ones(len(rows))
        until = end_of(self.as_of) if self.as_of is not None else None
        base_price, base_shares = 1.0, 1.0
        for action in actions:
            first = int(np.searchsorted(sessions, action.ex))
            if not first:
                continue  # before the first row: nothing jumps
            before = close[:first]
            before = before[~np.isnan(before)]
            factor = action.split
            if self.dividends and action.dividend and len(before):
                if action.dividend >= before[-1]:
                    told = f"a dividend of {action.dividend:g} on a close of {before[-1]:g}"
                    raise DataError(
                        told if quotes else "a dividend is not less than the close before it", code="BAD_DIVIDEND",
                        where=f"{rows.symbol}, {np.datetime64(action.ex, 'D')}",
                    )  # fmt: skip
                # The close before is of an old share, as the dividend is.
                factor *= before[-1] / (before[-1] - action.dividend)
            known = rows.known
            if until is not None:  # up to there all rows are taken as they were known then, after it as each one was
                known = np.maximum(known, until)
            after = np.arange(len(rows)) >= first
            if action.known is not None:
                after &= known >= action.known
            if action.gone is not None:
                after &= known < action.gone
            price[after] *= factor
            shares[after] *= action.split
            if until is not None and action.ex * DAY_US < until and action.known_at(until):
                base_price *= factor
                base_shares *= action.split
        # Backward from a day: the level of that day is that of the last events known then.
        return price / base_price, shares / base_shares

    def _as_double(self, rows: Rows, shape: Shape, name: str) -> Any:
        same = rows.shape.column(name).type == shape.column(name).type
        return rows.arrays[name] if same else numbers(rows.numbers(name))

    def _prices(self, shape: Shape) -> list[str]:
        roles = [c.name for c in shape.columns if c.role in (*PRICES, "price")]
        return [*roles, *(c.name for c in shape.numeric(self.columns) if c.name not in roles)]

    def _volumes(self, shape: Shape) -> list[str]:
        return [c.name for c in shape.columns if c.role == "volume"]


def _sessions(rows: Rows) -> I64:
    """Return each row's session, days since 1970."""
    about = rows.shape.about
    if rows.shape.time.type == "date32":
        return rows.times.astype(np.int64)
    if about.timeframe in COARSE:
        return rows.times // DAY_US
    ends = rows.ends - (about.timeframe is not None)
    if about.calendar is None or about.calendar in WITHOUT_HOURS:
        return np.asarray(ends // DAY_US)
    table = exchange(about.calendar)
    # A row outside of sessions belongs to the nearer one: trades before an open are without its dividend.
    between = (table.close_time[:-1] + table.open_time[1:]) // 2
    return table.session[np.searchsorted(between, ends, side="right")].astype(np.int64)
