"""One run in progress: what a strategy's verbs and state talk to, between it and the core."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import codes, snapshots, verbs
from .arguments import order_error
from .asof import AsOf, as_of
from .books import Books, kernels
from .calls import Calls
from .grid import Grid, grid_of
from .handles import Order, Position, RoundTrip, round_trip_of, stamp
from .profile_checks import check_queue
from .profiles import check_market
from .trades import TradeBook
from .trades_flat import trade_book

if TYPE_CHECKING:
    from alphintra.data.market import MarketData

    from .options import Options


class Session:
    """State of one run. The strategy calls the public methods; ``drive`` walks it through the bars."""

    def __init__(self, market: MarketData, config: Options) -> None:
        from alphintra.views import Cursor

        self.market = market
        self.config = config = config.on(market.timeframe)
        self.symbols: tuple[str, ...] = market.symbols
        self.index = {s: i for i, s in enumerate(self.symbols)}
        self.grid: Grid = grid_of(
            market, config.rules["max_share"], config.rules["fractional"], config.slippage.volume_share > 0,
            config.rules["lots"] == "whole",
        )  # fmt: skip
        self.books = Books(len(self.symbols), config.cash)
        self.core = kernels(len(self.grid.time), len(self.symbols))
        self.ticks: list[float] = self.grid.m[codes.D_TICK].tolist()
        self._futures = not np.isnan(self.grid.m[codes.D_MARGIN]).all()
        #: Whether a position is worth its units times its price: no multiplier, exchange rate or margin.
        self.simple_money = (
            not self.grid.foreign and not self._futures and bool((self.grid.m[codes.D_MULT] == 1.0).all())
        )
        check_market(config, self)
        check_queue(config, self)
        self.k = config.vector()
        self.cursor = Cursor()
        self.pending: list[int] = []
        #: Not empty once a callback has submitted or cancelled, or the walk is to halt (−1); one object for the whole
        #: run, so that the loop over the bars tests a local name.
        self.touched: list[int] = []
        self.cash = float(config.cash)
        self.sizes = [0.0] * len(self.symbols)
        self._positions = [Position(self, s) for s in range(len(self.symbols))]
        self.use(self.grid)
        self.tags: dict[int, str] = {}
        self.recorded: dict[str, tuple[list[int], list[float]]] = {}
        self.logs: list[tuple[int, str]] = []
        self.indicators: list[Any] = []
        self.ended = False
        self.seen_fills = 0
        self.seen_legs = 0
        self.seen_events = 0
        self.told_fills = 0
        self._cache: dict[Any, Any] = {}
        self._schedules: dict[str, Any] = {}
        self._rng: np.random.Generator | None = None
        self._dropped = False
        #: The views that change at splits and dividends; ``None`` where there are none.
        self.asof: AsOf | None = as_of(market, self.grid)

    def use(self, grid: Grid) -> None:
        """Take a grid of the same market, before anything has filled: its lots may be of another size."""
        self.grid = grid
        self.calls = Calls(self.core, grid, self.books, self.k, self.config)
        #: Units of a lot, per symbol.
        self.lots: list[float] = grid.lots.tolist()
        #: Round trips as far as they were asked for; see ``book``.
        self.matched = trade_book(self.config.rules["trades"], grid.lots, grid.m[codes.D_MULT])
        self.matched_fills = 0
        self.matched_legs = 0

    @cached_property
    def data(self) -> Any:
        """``self.data`` of the strategy: views, which a run of signals never makes."""
        from .dataview import data_view

        return data_view(self)

    @cached_property
    def features(self) -> Any:
        """``self.features`` of the strategy."""
        from .featureview import features_view

        return features_view(self)

    @cached_property
    def whole_features(self) -> Any:
        """``self.features`` within ``signals``."""
        from .featureview import whole_features

        return whole_features(self)

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
            from .schedules import column as found

            column = self._schedules[schedule] = found(self.market, self.grid, schedule)
        if self.cursor.i < 0:
            from alphintra.errors import LookAheadError

            raise LookAheadError("self.every(…) is read in on_bar, not in on_start")
        return bool(column[self.cursor.i])

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
                raise order_error(f"which symbol? The run has {len(self.symbols)}", hint="pass symbol=…")
            return 0
        try:
            return self.index[symbol]
        except KeyError:
            raise order_error(
                f"unknown symbol {symbol!r}", hint=f"the run has: {', '.join(self.symbols[:20])}"
            ) from None

    def order(self, side: int, **asked: Any) -> Order:
        """See ``Strategy.buy``."""
        return verbs.submit(self, side, **asked)

    def target(
        self, by: str, amount: Any, symbol: str | None, tag: str, *,
        stop_loss_percent: Any = None, take_profit_percent: Any = None, trail_percent: Any = None,
    ) -> Order:  # fmt: skip
        """See ``Strategy.order_target_percent`` and its siblings; with a bracket, for an entry or a reversal."""
        return verbs.target(self, by, amount, symbol, tag, stop_loss_percent, take_profit_percent, trail_percent)

    def close(self, symbol: str | None, tag: str) -> Order | None:
        """See ``Strategy.close``."""
        s = self._symbol(symbol)
        return verbs.target(self, "quantity", 0.0, self.symbols[s], tag) if self.sizes[s] else None

    def cancel(self, order: Order | None, symbol: str | None) -> int:
        """See ``Strategy.cancel``."""
        return verbs.cancel(self, order, symbol)

    def amend(self, order: Any, **changes: Any) -> None:
        """See ``Strategy.amend``."""
        verbs.amend(self, order, **changes)

    def oco(self, orders: tuple[Any, ...]) -> None:
        """See ``Strategy.oco``."""
        verbs.oco(self, orders)

    def size_for_risk(self, risk: Any, stop: Any, entry: Any, symbol: str | None) -> float:
        """See ``Strategy.size_for_risk``."""
        return verbs.size_for_risk(self, risk, stop, entry, symbol)

    def changed(self, order: int) -> None:
        """Note that what works has changed without a new order."""
        self._dropped = True
        self.touched.append(order)

    def caught_up(self, o: int) -> None:
        """Bring a trailing level up to now: bars went by without an event."""
        values = self.books.oi[o]
        if values[codes.I_TYPE] == codes.TRAIL and values[codes.I_STATE] == codes.WORKING and self.cursor.i >= 0:
            self.core.catch_up(self.calls.m, self.calls.b, o, self.cursor.i)

    # -- snapshots
    # -------------------------------------------------------------------------------------------------

    def snapshot(self) -> snapshots.Snapshot:
        """Keep the state between two timestamps: books, cursor, logs, random numbers; not the strategy's attributes.

        Raises:
            RuntimeError: Inside a callback that has submitted orders.
        """
        return snapshots.take(self)

    def restore(self, kept: snapshots.Snapshot, reached: snapshots.Reached | None = None) -> None:
        """Go back to a snapshot of this session; what came after it is forgotten, and handles of it are void.

        A snapshot keeps of the logs how long they were. To go *ahead* to one, out of what the session is now, takes
        what it had ``reached`` at or after that snapshot, on the same way.
        """
        if reached is not None:
            snapshots.catch_up(self, kept, reached)
        snapshots.put_back(self, kept)

    def reached(self) -> snapshots.Reached:
        """Keep the logs as far as they are: what going ahead to a snapshot takes, and the session of a result."""
        return snapshots.reach(self)

    def frozen(self) -> Session:
        """A session with books and logs of its own, which stays as it is now: for a result of a run that goes on.

        It has no views, and nothing can be decided in it.
        """
        return snapshots.frozen(self)

    def pack(self) -> snapshots.Packed:
        """The whole state for another process: arrays by name, and plain values that JSON can hold."""
        return snapshots.pack(self)

    def load(self, packed: snapshots.Packed) -> None:
        """Take over what :meth:`pack` gave; what ``on_start`` submitted, logged or recorded here is dropped.

        Raises:
            ValueError: It is the state of a run over other symbols, or of more bars.
        """
        snapshots.load(self, packed)

    @classmethod
    def unpack(cls, market: MarketData, config: Options, packed: snapshots.Packed) -> Session:
        """A session of the same data and options in the state of ``packed``.

        For a strategy with indicators make the session, call ``on_start``, then :meth:`load`.
        """
        session = cls(market, config)
        session.load(packed)
        return session

    def release(self) -> None:
        """Let go of the views: they point back here, and a circle of large arrays waits for the collector."""
        for views in ("data", "features", "whole_features"):
            self.__dict__.pop(views, None)
        if self.asof is not None:
            self.asof.kept.clear()
            self.asof = None
        self._cache.clear()
        self._positions.clear()

    # -- after a step
    # ----------------------------------------------------------------------------------------------

    def mirror(self) -> None:
        """Bring plain Python copies of cash and positions up to date."""
        books, sizes, reg = self.books, self.sizes, self.books.registers
        fills, legs = reg[codes.S_FILLS], reg[codes.S_LEGS]
        if fills - self.seen_fills + legs - self.seen_legs < len(sizes):
            filled = books.fi[self.seen_fills : fills, codes.L_SYMBOL].tolist()
            for s in filled + books.ci[self.seen_legs : legs, codes.C_SYMBOL].tolist():
                sizes[s] = float(books.pos[s]) * self.lots[s]
        else:
            sizes[:] = (books.pos * self.grid.lots).tolist()
        self.cash = float(books.cash[codes.M_CASH])
        self.seen_fills, self.seen_legs = fills, legs

    @property
    def book(self) -> TradeBook:
        """Round trips up to now: matched when somebody asks, as most strategies never do."""
        books, book = self.books, self.matched
        first, last, legs = self.matched_fills, self.seen_fills, self.seen_legs
        # as lists at once: an array's element costs more to take out than to book
        ints, reals = books.fi[first:last].tolist(), books.ff[first:last].tolist()
        roles = books.oi[books.fi[first:last, codes.L_ORDER], codes.I_ROLE].tolist()
        if self.matched_legs == legs:
            for row, money, role in zip(ints, reals, roles, strict=True):
                book.add(row, money, role)
            self.matched_fills = last
            return book
        for r in range(first, last + 1):
            while self.matched_legs < legs and books.ci[self.matched_legs, codes.C_SEQ] <= r:
                book.leg(books.ci[self.matched_legs], books.cf[self.matched_legs])
                self.matched_legs += 1
            if r < last:
                book.add(ints[r - first], reals[r - first], roles[r - first])
        self.matched_fills = last
        return book

    def fill_time(self, bar: int, s: int, phase: int) -> int:
        """A fill at the open carries the bar's open time, any other its close time (M13)."""
        return int(self.grid.m[8][bar, s]) if phase == codes.PH_OPEN else int(self.grid.time[bar])

    def fill_times(self, bars: Any, symbols: Any, phases: Any) -> npt.NDArray[np.int64]:
        """:meth:`fill_time` of many, (n,) µs; a bar of −1 has that of the last one."""
        at, of = np.asarray(bars, dtype=np.int64), np.asarray(symbols, dtype=np.int64)
        opened = np.asarray(phases) == codes.PH_OPEN
        times: npt.NDArray[np.int64] = np.where(opened, self.grid.m[8][at, of], self.grid.time[at])
        return times

    # -- state
    # -----------------------------------------------------------------------------------------------------

    def last_close(self, s: int) -> float:
        """Last close of a symbol at or before now."""
        return float(self.grid.m[4][self.cursor.i, s]) if self.cursor.i >= 0 else math.nan

    def position(self, symbol: str | None) -> Position:
        """See ``Strategy.position``."""
        return self._positions[self._symbol(symbol)]

    def positions(self) -> dict[str, Position]:
        """See ``Strategy.positions``."""
        return {self.symbols[s]: self._positions[s] for s, size in enumerate(self.sizes) if size}

    def working_orders(self) -> list[Order]:
        """See ``Strategy.orders``; those submitted in this callback included."""
        books = self.books
        ids = [int(o) for o in books.active[: books.reg[codes.S_ACTIVE]]] + self.pending
        return [Order(self, o) for o in ids]

    def closed_trades(self) -> list[RoundTrip]:
        """See ``Strategy.trades``."""
        return [round_trip_of(self, t) for t in self.book.closed]

    def equity(self) -> float:
        """See ``Strategy.equity``."""
        if not self.simple_money and self.cursor.i >= 0:
            return float(self.core.equity_at(self.calls.m, self.calls.b, self.cursor.i, False))
        total = self.cash
        for s, size in enumerate(self.sizes):
            if size:
                total += size * self.last_close(s)
        return total

    def cash_now(self) -> float:
        """See ``Strategy.cash``."""
        if self._futures and self.cursor.i >= 0:
            return float(self.core.settled_cash(self.calls.m, self.calls.b, self.cursor.i))
        return self.cash

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
            raise order_error("record: 'time' is the column of the bar's time", hint="choose another name")
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
