"""One run in progress: what a strategy's verbs and state talk to, between it and the core."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .books import Books, kernels
from .grid import Grid, grid_of
from .handles import Fill, Order, Position, RoundTrip, stamp
from .trades import Trade, TradeBook

if TYPE_CHECKING:
    from alphintra.data.market import MarketData

    from .options import Options

SCHEDULES = ("month_end",)


class Session:
    """State of one run. The strategy calls the public methods; ``runner`` drives ``advance``."""

    def __init__(self, market: MarketData, config: Options) -> None:
        from alphintra.views import Cursor

        self.market = market
        self.config = config
        self.symbols: tuple[str, ...] = market.symbols
        self.index = {s: i for i, s in enumerate(self.symbols)}
        self.grid: Grid = grid_of(market, config.rules["max_share"], config.rules["fractional"])
        self.books = Books(len(self.symbols), config.cash)
        self.core = kernels(len(self.grid.time))
        self.k = config.vector()
        self.cursor = Cursor()
        self.pending: list[int] = []
        #: Not empty once a callback has submitted or cancelled; one object for the whole run, so that the
        #: loop over the bars tests a local name.
        self.touched: list[int] = []
        self.cash = float(config.cash)
        self.sizes = [0.0] * len(self.symbols)
        self.book = TradeBook(self.grid.lots)
        self.tags: dict[int, str] = {}
        self.recorded: dict[str, tuple[list[int], list[float]]] = {}
        self.logs: list[tuple[int, str]] = []
        self.indicators: list[Any] = []
        self.ended = False
        self.seen_fills = 0
        self.seen_events = 0
        self.told_fills = 0
        self._cache: dict[Any, Any] = {}
        self._schedules: dict[str, Any] = {}
        self._rng: np.random.Generator | None = None
        self._dropped = False

    @cached_property
    def data(self) -> Any:
        """``self.data`` of the strategy: views, which a run of signals never makes."""
        from .dataview import data_view

        return data_view(self)

    # -- declarations
    # ----------------------------------------------------------------------------------------------

    def indicator(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        name: str | None,
        overlay: bool | None,
    ) -> Any:
        """See ``Strategy.indicator``; computed once for one (function, series, arguments)."""
        from .dataview import compute

        key: Any = (
            function,
            tuple(id(a) if hasattr(a, "timeline") else (type(a), a) for a in args),
            tuple(sorted((n, type(v), v) for n, v in kwargs.items())),
        )
        try:
            known = self._cache.get(key)
        except TypeError:  # an argument that cannot be hashed: computed anew
            key, known = None, None
        if known is None:
            known = compute(self, function, args, kwargs, name, overlay)
            if key is not None:
                self._cache[key] = known
        return known

    def every(self, schedule: str) -> bool:
        """See ``Strategy.every``."""
        column = self._schedules.get(schedule)
        if column is None:
            from alphintra.errors import RuleError

            if schedule not in SCHEDULES:
                raise RuleError(f"unknown schedule {schedule!r}", hint=f"there is: {', '.join(SCHEDULES)}")
            column = self._schedules[schedule] = memoryview(self._month_end())
        if self.cursor.i < 0:
            from alphintra.errors import LookAheadError

            raise LookAheadError("self.every(…) is read in on_bar, not in on_start")
        return bool(column[self.cursor.i])

    def _month_end(self) -> Any:
        """Last timestamp of each session whose next *calendar* session is in another month."""
        calendar = np.asarray(self.market.sessions, dtype=np.int64)
        session = self.grid.session.astype(np.int64)
        following = np.searchsorted(calendar, session, side="right")
        known = following < len(calendar)
        after = np.where(known, calendar[np.minimum(following, len(calendar) - 1)], session + 1)

        def month(days: Any) -> Any:
            return days.astype("datetime64[D]").astype("datetime64[M]")

        last_of_session = np.append(session[1:] != session[:-1], True)
        return np.ascontiguousarray((month(after) != month(session)) & last_of_session)

    def ready(self, symbol: str | None) -> bool:
        """See ``Strategy.ready``."""
        return bool(self.cursor.i >= self.first_ready(self._symbol(symbol)))

    def first_ready(self, s: int) -> int:
        """First timestamp at which all indicators of a symbol are defined; T if never (F13)."""
        first = int(self.grid.positions[s][0]) if len(self.grid.positions[s]) else len(self.grid.time)
        for item in self.indicators:
            if item.symbol is None or item.symbol == s:
                first = max(first, item.first)
        return first

    # -- orders
    # ----------------------------------------------------------------------------------------------------

    def _symbol(self, symbol: str | None) -> int:
        if symbol is None:
            if len(self.symbols) != 1:
                raise _order_error(f"which symbol? The run has {len(self.symbols)}", hint="pass symbol=…")
            return 0
        try:
            return self.index[symbol]
        except KeyError:
            raise _order_error(
                f"unknown symbol {symbol!r}", hint=f"the run has: {', '.join(self.symbols[:20])}"
            ) from None

    def _row(
        self, s: int, side: int, kind: int, size: int, amount: float, limit: float, stop: float, tif: int
    ) -> int:
        books = self.books
        o = books.new_order()
        row = books.oi[o]
        row[codes.I_SYMBOL] = s
        row[codes.I_SIDE] = side
        row[codes.I_TYPE] = kind
        row[codes.I_SIZE] = size
        row[codes.I_TIF] = tif
        row[codes.I_BAR] = self.cursor.i
        books.of[o, codes.F_SIZE] = amount
        books.of[o, codes.F_LIMIT] = _on_tick(limit, self.market.tick, up=side < 0)
        books.of[o, codes.F_STOP] = _on_tick(stop, self.market.tick, up=side > 0)
        if size == codes.QUANTITY:
            row[codes.I_SIZED] = 1
            row[codes.I_QTY] = _whole_lots(amount, float(self.grid.lots[s]))
        self.pending.append(o)
        self.touched.append(o)
        return o

    def order(
        self, side: int, quantity: Any, value: Any, percent: Any, symbol: str | None, limit: Any, stop: Any,
        stop_loss: Any,
        take_profit: Any, stop_loss_percent: Any, take_profit_percent: Any, tif: str, tag: str,
    ) -> Order:  # fmt: skip
        """See ``Strategy.buy``."""
        s = self._symbol(symbol)
        self._check_symbol(s)
        given = [
            (n, v)
            for n, v in (("quantity", quantity), ("value", value), ("percent", percent))
            if v is not None
        ]
        if len(given) != 1:
            raise _order_error(
                "an order takes exactly one of quantity, value and percent", hint=f"got {len(given)}"
            )
        name, amount = given[0]
        amount = _amount(name, amount)
        limit, stop = _price("limit", limit), _price("stop", stop)
        if tif not in codes.TIFS:
            raise _order_error(f"unknown time in force {tif!r}", hint="there is: " + ", ".join(codes.TIFS))
        kind = (codes.STOP_LIMIT if limit == limit else codes.STOP) if stop == stop else (
            codes.LIMIT if limit == limit else codes.MARKET
        )  # fmt: skip
        sl, sl_pct = _price("stop_loss", stop_loss), _fraction("stop_loss_percent", stop_loss_percent)
        tp, tp_pct = _price("take_profit", take_profit), _fraction("take_profit_percent", take_profit_percent)
        for a, b, what in ((sl, sl_pct, "stop_loss"), (tp, tp_pct, "take_profit")):
            if a == a and b == b:
                raise _order_error(f"{what} and {what}_percent exclude each other")
        entry = limit if limit == limit else stop
        if entry != entry and self.cursor.i >= 0:
            entry = self.last_close(s)
        for price, sign, what in ((sl, -1, "stop_loss"), (tp, 1, "take_profit")):
            if price == price and entry == entry and (price - entry) * sign * side <= 0:
                word = "below" if sign * side < 0 else "above"
                raise _order_error(f"{what}={price:g} must lie {word} the entry of about {entry:g}")
        o = self._row(s, side, kind, codes.SIZES.index(name), amount, limit, stop, codes.TIFS.index(tif))
        self._bracket(o, s, side, sl, sl_pct, tp, tp_pct)
        if tag:
            self.tags[o] = tag
        return Order(self, o)

    def _bracket(self, o: int, s: int, side: int, sl: float, sl_pct: float, tp: float, tp_pct: float) -> None:
        """The children of an order: NaN is none."""
        children = []
        if sl == sl or sl_pct == sl_pct:
            children.append((codes.I_SL, self._child(o, s, -side, codes.STOP, 1, sl, sl_pct)))
        if tp == tp or tp_pct == tp_pct:
            children.append((codes.I_TP, self._child(o, s, -side, codes.LIMIT, 2, tp, tp_pct)))
        for column, c in children:
            self.books.oi[o, column] = c
        if len(children) == 2:
            (_, a_id), (_, b_id) = children
            self.books.oi[a_id, codes.I_SIBLING], self.books.oi[b_id, codes.I_SIBLING] = b_id, a_id

    def _child(self, parent: int, s: int, side: int, kind: int, role: int, price: float, pct: float) -> int:
        nan = math.nan
        stop, limit = (price, nan) if kind == codes.STOP else (nan, price)
        c = self._row(s, side, kind, codes.QUANTITY, 0.0, limit, stop, 0)
        row = self.books.oi[c]
        row[codes.I_STATE] = codes.WAITING
        row[codes.I_PARENT] = parent
        row[codes.I_ROLE] = role
        self.books.of[c, codes.F_SL_PCT if role == 1 else codes.F_TP_PCT] = pct
        return c

    def target(
        self, by: str, amount: Any, symbol: str | None, tag: str, *,
        stop_loss_percent: Any = None, take_profit_percent: Any = None,
    ) -> Order:  # fmt: skip
        """See ``Strategy.order_target_percent`` and its siblings; with a bracket, for an entry or a reversal."""
        s = self._symbol(symbol)
        self._check_symbol(s)
        if (
            isinstance(amount, bool)
            or not isinstance(amount, int | float | np.number)
            or not math.isfinite(amount)
        ):
            raise _order_error(f"a target must be a finite number, got {amount!r}")
        mode = codes.SIZES.index(f"target_{by}")
        side = 1 if amount >= 0 else -1
        bracket = stop_loss_percent is not None or take_profit_percent is not None
        sl = _fraction("stop_loss_percent", stop_loss_percent) if bracket else math.nan
        tp = _fraction("take_profit_percent", take_profit_percent) if bracket else math.nan
        o = self._row(s, side, codes.MARKET, mode, float(amount), math.nan, math.nan, 0)
        if bracket:
            self._bracket(o, s, side, math.nan, sl, math.nan, tp)
        if tag:
            self.tags[o] = tag
        return Order(self, o)

    def close(self, symbol: str | None, tag: str) -> Order | None:
        """See ``Strategy.close``."""
        s = self._symbol(symbol)
        return self.target("quantity", 0.0, self.symbols[s], tag) if self.sizes[s] else None

    def cancel(self, order: Order | None, symbol: str | None) -> int:
        """See ``Strategy.cancel``."""
        if order is not None and not isinstance(order, Order):
            raise _order_error(f"cancel() takes an order, got {order!r}", hint="for a symbol: cancel(symbol=…)")
        self._admit()
        books, reg = self.books, self.books.reg
        s = None if symbol is None else self._symbol(symbol)
        ids = [int(o) for o in books.active[: reg[codes.S_ACTIVE]]] if order is None else [order.id]
        count = 0
        for o in ids:
            if books.oi[o, codes.I_STATE] not in (codes.WORKING, codes.WAITING):
                continue
            if s is not None and books.oi[o, codes.I_SYMBOL] != s:
                continue
            books.make_room()
            self.core.finish(
                books.tuple, self.cursor.i, o, codes.CANCELLED, codes.BY_STRATEGY, codes.PH_CLOSE
            )
            count += 1
        self.core.compact(books.tuple)
        if count:
            self._dropped = True
            self.touched.append(ids[0])
        return count

    def _check_symbol(self, s: int) -> None:
        if self.market.closes_only:
            raise _order_error(f"{self.symbols[s]} has closes only and cannot be traded at the next open")

    def flush(self) -> bool:
        """Hand the orders of this callback to the core; True if what works has changed."""
        self.touched.clear()
        self._admit()
        self.books.cash[1] = 0.0
        if not self._dropped:
            return False
        self._dropped = False
        if self.config.rules["fill_at"] == "close" and self.cursor.i >= 0 and not self.ended:
            self.books.make_room()
            self.core.fill_at_close(self.grid.m, self.books.tuple, self.k, self.cursor.i)
            self.mirror()
        return True

    def _admit(self) -> None:
        """Let the core accept or refuse what was submitted since the last time; nothing fills in here."""
        if not self.pending:
            return
        first, last = self.pending[0], self.pending[-1] + 1
        self.pending = []
        books = self.books
        if self.ended:
            for o in range(first, last):
                books.make_room()
                if books.oi[o, codes.I_STATE] == codes.WORKING:  # a bracket's children end with their parent
                    self.core.finish(
                        books.tuple, self.cursor.i, o, codes.REJECTED, codes.RUN_ENDED, codes.PH_CLOSE
                    )
            return
        while len(books.active) < books.reg[codes.S_ACTIVE] + (last - first):
            books.active = np.concatenate([books.active, np.zeros_like(books.active)])
        while len(books.ev) - int(books.reg[codes.S_EVENTS]) < 8 * (
            int(books.reg[codes.S_ACTIVE]) + last - first + 8
        ):
            books.ev = np.concatenate([books.ev, np.zeros_like(books.ev)])
        self.core.accept(self.grid.m, books.tuple, self.k, first, last, self.cursor.i)
        self._dropped = True

    def release(self) -> None:
        """Let go of the views: they point back here, and a circle of large arrays waits for the collector."""
        self.__dict__.pop("data", None)
        self._cache.clear()

    # -- after a step
    # ----------------------------------------------------------------------------------------------

    def mirror(self) -> int:
        """Bring plain Python copies of cash and positions up to date; returns the first new fill's index."""
        books = self.books
        first, last = self.seen_fills, int(books.reg[codes.S_FILLS])
        for r in range(first, last):
            row = books.fi[r]
            s = int(row[codes.L_SYMBOL])
            self.book.add(row, books.ff[r], int(books.oi[row[codes.L_ORDER], codes.I_ROLE]))
            self.sizes[s] = float(books.pos[s]) * float(self.grid.lots[s])
        self.cash = float(books.cash[0])
        self.seen_fills = last
        return first

    def fill(self, r: int) -> Fill:
        """Row ``r`` of the fill log as the strategy sees it."""
        row, money = self.books.fi[r], self.books.ff[r]
        s = int(row[codes.L_SYMBOL])
        return Fill(
            stamp(self.fill_time(int(row[codes.L_BAR]), s, int(row[codes.L_PHASE]))),
            self.symbols[s],
            "BUY" if row[codes.L_SIDE] > 0 else "SELL",
            float(row[codes.L_LOTS]) * float(self.grid.lots[s]),
            float(money[codes.L_PRICE]),
            float(money[codes.L_FEE]),
            float(money[codes.L_SLIP]),
            codes.RULE_NAMES[row[codes.L_RULE]],
            Order(self, int(row[codes.L_ORDER])),
        )

    def fill_time(self, bar: int, s: int, phase: int) -> int:
        """A fill at the open carries the bar's open time, any other its close time (M13)."""
        return int(self.grid.m[8][bar, s]) if phase == codes.PH_OPEN else int(self.grid.time[bar])

    # -- state
    # -----------------------------------------------------------------------------------------------------

    def last_close(self, s: int) -> float:
        """Last close of a symbol at or before now."""
        return float(self.grid.m[4][self.cursor.i, s]) if self.cursor.i >= 0 else math.nan

    def position(self, symbol: str | None) -> Position:
        """See ``Strategy.position``."""
        return Position(self, self._symbol(symbol))

    def positions(self) -> dict[str, Position]:
        """See ``Strategy.positions``."""
        return {self.symbols[s]: Position(self, s) for s, size in enumerate(self.sizes) if size}

    def working_orders(self) -> list[Order]:
        """See ``Strategy.orders``; those submitted in this callback included."""
        books = self.books
        ids = [int(o) for o in books.active[: books.reg[codes.S_ACTIVE]]] + self.pending
        return [Order(self, o) for o in ids]

    def closed_trades(self) -> list[RoundTrip]:
        """See ``Strategy.trades``."""
        return [self._round_trip(t) for t in self.book.closed]

    def _round_trip(self, t: Trade) -> RoundTrip:
        units = t.lots * float(self.grid.lots[t.symbol])
        return RoundTrip(
            self.symbols[t.symbol],
            "BUY" if t.side > 0 else "SELL",
            units,
            t.entry_notional / units,
            t.exit_notional / units,
            stamp(self.fill_time(t.entry_bar, t.symbol, t.entry_phase)),
            stamp(self.fill_time(t.exit_bar, t.symbol, t.exit_phase)),
            t.pnl,
            t.commission,
            t.reason,
        )

    def equity(self) -> float:
        """See ``Strategy.equity``."""
        total = self.cash
        for s, size in enumerate(self.sizes):
            if size:
                total += size * self.last_close(s)
        return total

    def now(self) -> datetime:
        """See ``Strategy.now``."""
        if self.cursor.i < 0:
            from alphintra.errors import LookAheadError

            raise LookAheadError("there is no time yet in on_start")
        return stamp(int(self.grid.time[self.cursor.i]))

    def rng(self) -> np.random.Generator:
        """See ``Strategy.rng``."""
        if self._rng is None:
            self._rng = np.random.default_rng(self.config.seed)
        return self._rng

    def record(self, values: Mapping[str, Any]) -> None:
        """See ``Strategy.record``."""
        i = self.cursor.i
        if i < 0:
            from alphintra.errors import LookAheadError

            raise LookAheadError("self.record(…) keeps values of a bar: call it in on_bar")
        if "time" in values:
            raise _order_error("record: 'time' is the column of the bar's time", hint="choose another name")
        for name, value in values.items():
            bars, kept = self.recorded.setdefault(name, ([], []))
            if bars and bars[-1] == i:
                kept[-1] = float(value)
            else:
                bars.append(i)
                kept.append(float(value))

    def log(self, text: str) -> None:
        """See ``Strategy.log``."""
        at = int(self.grid.time[self.cursor.i]) if self.cursor.i >= 0 else int(self.grid.time[0])
        self.logs.append((at, text[:2000]))


def _whole_lots(amount: float, lot: float) -> int:
    """Lots in ``amount``, toward zero (F7); 0.29 is 29,000,000 of 1e-8, though the division falls short."""
    lots = amount / lot
    return int(min(lots + 1e-9 + abs(lots) * 1e-12, codes.MOST_LOTS))


def _on_tick(price: float, tick: float | None, *, up: bool) -> float:
    """An order's price on the grid of ticks, rounded away from what was asked where it must (F7)."""
    if not tick or price != price:
        return price
    steps = price / tick
    whole = math.ceil(steps - 1e-9) if up else math.floor(steps + 1e-9)
    return round(whole * tick, 10)


def _order_error(message: str, hint: str | None = None) -> Exception:
    """The SDK's error, imported here alone: an import statement in each verb cost more than the verb."""
    from alphintra.errors import OrderError

    return OrderError(message, hint=hint)


def _amount(name: str, amount: Any) -> float:
    if (
        isinstance(amount, bool)
        or not isinstance(amount, int | float | np.number)
        or not math.isfinite(amount)
    ):
        raise _order_error(f"{name} must be a finite number, got {amount!r}")
    if amount < 0:
        raise _order_error(f"{name}={amount!r} is negative", hint="use sell() to sell")
    return float(amount)


def _price(name: str, price: Any) -> float:
    if price is None:
        return math.nan
    if (
        isinstance(price, bool)
        or not isinstance(price, int | float | np.number)
        or not math.isfinite(price)
        or price <= 0
    ):
        raise _order_error(f"{name} must be a price above 0, got {price!r}")
    return float(price)


def _fraction(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < 1:
        raise _order_error(f"{name} is a fraction between 0 and 1 (0.05 = 5 %), got {value!r}")
    return float(value)
