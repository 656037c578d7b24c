"""What a strategy holds in its hand: orders, fills, positions, round trips, each explained in a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import codes, object_views
from .core_sizing import unit

if TYPE_CHECKING:
    from .session import Session
    from .trades import Trade

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(us: int) -> datetime:
    """A time in µs since 1970 as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=int(us))


class Order:
    """Handle of an order; its properties read the books as they are now."""

    __slots__ = ("_run", "id")

    def __init__(self, run: Session, order_id: int) -> None:
        self._run = run
        self.id = order_id

    def _i(self, column: int) -> int:
        return int(self._run.books.oi[self.id, column])

    def _f(self, column: int) -> float:
        if column == codes.F_STOP:
            self._run.caught_up(self.id)
        return float(self._run.books.of[self.id, column])

    @property
    def symbol(self) -> str:
        """Symbol it trades."""
        return self._run.symbols[self._i(codes.I_SYMBOL)]

    @property
    def side(self) -> str:
        """``BUY`` or ``SELL``; a target order knows its side once sized."""
        return "BUY" if self._i(codes.I_SIDE) > 0 else "SELL"

    @property
    def type(self) -> str:
        """``MARKET``, ``LIMIT``, ``STOP``, ``STOP_LIMIT``, ``TRAILING_STOP`` or ``MARKET_ON_CLOSE``."""
        return codes.TYPES[self._i(codes.I_TYPE)]

    @property
    def state(self) -> str:
        """``WORKING``, ``WAITING`` (a bracket's child before the entry), or how it ended."""
        return codes.STATES[self._i(codes.I_STATE)]

    @property
    def reason(self) -> str:
        """Reason code of its last change, empty where it needs none."""
        return codes.REASON_NAMES[self._i(codes.I_REASON)]

    @property
    def quantity(self) -> float:
        """Units asked for; 0 until an order by value, percent or target is sized at its fill."""
        return self._i(codes.I_QTY) * float(self._run.grid.lots[self._i(codes.I_SYMBOL)])

    @property
    def filled(self) -> float:
        """Units filled so far."""
        return self._i(codes.I_FILLED) * float(self._run.grid.lots[self._i(codes.I_SYMBOL)])

    @property
    def limit(self) -> float:
        """Limit price, NaN where it has none."""
        return self._f(codes.F_LIMIT)

    @property
    def stop(self) -> float:
        """Stop price, of a trailing stop its level as of now; NaN where it has none."""
        return self._f(codes.F_STOP)

    @property
    def is_working(self) -> bool:
        """True until it is filled, cancelled, refused or expired."""
        return self._i(codes.I_STATE) in (codes.WORKING, codes.WAITING)

    @property
    def tag(self) -> str:
        """The text given with it."""
        return self._run.tags.get(self.id, "")

    def __repr__(self) -> str:
        price = "".join(
            f" {name} {value:g}"
            for name, value in (("limit", self.limit), ("stop", self.stop))
            if value == value
        )
        what = f"{self.side} {self.quantity:g} {self.symbol} {self.type}{price}"
        return f"<order {self.id}: {what}, {' '.join(filter(None, (self.state, self.reason)))}>"

    def _repr_html_(self) -> str:
        return object_views.order(self)


@dataclass(frozen=True)
class Fill:
    """One fill: quantity > 0, price after slippage."""

    time: datetime
    symbol: str
    side: str
    quantity: float
    price: float
    commission: float
    slippage: float
    rule: str
    order: Order


def fill_of(run: Session, r: int) -> Fill:
    """Row ``r`` of the fill log as the strategy sees it."""
    row, money = run.books.fi[r], run.books.ff[r]
    s = int(row[codes.L_SYMBOL])
    return Fill(
        stamp(run.fill_time(int(row[codes.L_BAR]), s, int(row[codes.L_PHASE]))),
        run.symbols[s],
        "BUY" if row[codes.L_SIDE] > 0 else "SELL",
        float(row[codes.L_LOTS]) * float(run.grid.lots[s]),
        float(money[codes.L_PRICE]),
        float(money[codes.L_FEE]),
        float(money[codes.L_SLIP]),
        codes.RULE_NAMES[row[codes.L_RULE]],
        Order(run, int(row[codes.L_ORDER])),
    )


@dataclass(frozen=True)
class RoundTrip:
    """A closed round trip as the strategy sees it."""

    symbol: str
    side: str
    quantity: float
    entry_price: float
    exit_price: float
    entry_time: datetime
    exit_time: datetime
    pnl: float
    commission: float
    exit_reason: str


def round_trip_of(run: Session, t: Trade) -> RoundTrip:
    """A closed round trip of the book as the strategy sees it."""
    units = t.lots * float(run.grid.lots[t.symbol])
    return RoundTrip(
        run.symbols[t.symbol],
        "BUY" if t.side > 0 else "SELL",
        units,
        t.entry_value / units,
        t.exit_value / units,
        stamp(run.fill_time(t.entry_bar, t.symbol, t.entry_phase)),
        stamp(run.fill_time(t.exit_bar, t.symbol, t.exit_phase)),
        t.pnl,
        t.commission,
        t.reason,
    )


class Position:
    """The position in one symbol now."""

    __slots__ = ("_run", "_s")

    def __init__(self, run: Session, s: int) -> None:
        self._run = run
        self._s = s

    @property
    def symbol(self) -> str:
        """Symbol it is in."""
        return self._run.symbols[self._s]

    @property
    def size(self) -> float:
        """Units, negative when short."""
        return self._run.sizes[self._s]

    def _queue(self) -> list[Any]:
        return list(self._run.book.queues.get(self._s, ()))

    @property
    def avg_price(self) -> float:
        """Average entry price of what is still open (FIFO), in today's shares; NaN when flat."""
        queue = self._queue()
        units = sum(q.lots for q in queue) * float(self._run.grid.lots[self._s])
        return sum(q.value for q in queue) / units if units else float("nan")

    @property
    def pnl(self) -> float:
        """Open P&L at the last close in the account's currency: entry fees, dividends and borrow cost included."""
        queue = self._queue()
        run = self._run
        worth = 0.0
        if self.size:
            one = unit(run.grid.m, run.cursor.i, self._s, False)  # type: ignore[no-untyped-call]
            worth = float(run.books.pos[self._s]) * float(one) * run.last_close(self._s)
        return worth - float(sum(q.side * q.notional + q.fee - q.extra for q in queue))

    @property
    def pnl_pct(self) -> float:
        """Open P&L as a fraction of the entry value, NaN when flat."""
        basis = sum(q.notional for q in self._queue())
        return self.pnl / basis if basis else float("nan")

    @property
    def bars_held(self) -> int:
        """Timestamps since the oldest open entry's fill; 0 on its bar."""
        queue = self._queue()
        return self._run.cursor.i - queue[0].bar if queue else 0

    @property
    def opened_at(self) -> datetime | None:
        """Close time of the bar of the oldest open entry."""
        queue = self._queue()
        return stamp(int(self._run.grid.time[queue[0].bar])) if queue else None

    def __bool__(self) -> bool:
        return self.size != 0

    def __repr__(self) -> str:
        if not self:
            return f"<position {self.symbol}: flat>"
        gain = f"{self.pnl:+.2f} ({self.pnl_pct:+.1%})"
        return f"<position {self.symbol}: {self.size:g} at {self.avg_price:g}, P&L {gain}>"

    def _repr_html_(self) -> str:
        return object_views.position(self)
