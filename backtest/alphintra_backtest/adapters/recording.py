"""What another engine did, as plain records, and how they become the books of a Session."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import codes
from ..grid import Grid

if TYPE_CHECKING:
    from ..session import Session

_LIVE = (codes.WORKING, codes.WAITING)


@dataclass
class Placed:
    """One order; sizes in units, ``bar`` the timestamp at whose close it was decided (−1: before the first)."""

    symbol: int
    side: int
    kind: str
    size: float
    bar: int
    tif: str
    parent: int = -1
    role: int = 0
    tag: str = ""
    limit: float = math.nan
    stop: float = math.nan
    state: int = codes.WORKING
    reason: int = codes.NONE
    done_bar: int = -1
    filled: float = 0.0
    triggered: bool = False


@dataclass
class Filled:
    """One fill; ``before`` and ``after`` are the position in units, ``base`` the price before slippage."""

    order: int
    bar: int
    phase: int
    symbol: int
    before: float
    after: float
    price: float
    fee: float
    base: float
    rule: int


@dataclass
class Event:
    """One change of an order's state; ``size`` is what it filled, or what it leaves."""

    order: int
    bar: int
    phase: int
    state: int
    reason: int = codes.NONE
    rule: int = codes.R_NONE
    size: float = 0.0


@dataclass
class Record:
    """A whole run of another engine.

    Attributes:
        t: Timestamp that the engine has reached.
        value: Account value at each timestamp, as the engine says.
        cash: Cash at each timestamp, as the engine says.
        first: Timestamp at which the strategy was first called, or first placed an order.
        on_known_bar: Fills inside a bar that was closed when their order was placed.
        ended: Whether the last bar is over: orders placed from here on are refused.
    """

    orders: list[Placed] = field(default_factory=list)
    fills: list[Filled] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    cash: list[float] = field(default_factory=list)
    t: int = -1
    first: int | None = None
    on_known_bar: int = 0
    ended: bool = False

    def place(self, order: Placed) -> int:
        """Add an order; returns its number."""
        self.orders.append(order)
        self.called(max(order.bar, 0))
        return len(self.orders) - 1

    def called(self, t: int) -> None:
        """The strategy acted at timestamp ``t``."""
        self.first = t if self.first is None else min(self.first, t)

    def working(self, o: int, bar: int, phase: int, *, waiting: bool = False) -> None:
        """An order works from here on, or waits for its parent; one that has ended stays so."""
        if self.orders[o].state not in _LIVE:
            return
        state = codes.WAITING if waiting else codes.WORKING
        self.orders[o].state = state
        self.events.append(Event(o, bar, phase, state, size=self.orders[o].size))

    def trigger(self, o: int, bar: int, phase: int) -> None:
        """A stop-limit has become a limit; told once."""
        order = self.orders[o]
        if not order.triggered:
            order.triggered = True
            left = order.size - order.filled
            self.events.append(Event(o, bar, phase, codes.TRIGGERED, size=left))

    def fill(self, fill: Filled, *, whole: bool) -> None:
        """Add a fill, which ends its order where it is ``whole``."""
        order, size = self.orders[fill.order], abs(fill.after - fill.before)
        self.fills.append(fill)
        order.filled += size
        state = codes.FILLED if whole else codes.PARTIAL
        self.events.append(Event(fill.order, fill.bar, fill.phase, state, rule=fill.rule, size=size))
        if whole:
            order.state, order.done_bar = codes.FILLED, fill.bar

    def finish(self, o: int, bar: int, phase: int, state: int, reason: int) -> None:
        """Give an order its last state without a fill; an order that has one keeps it."""
        order = self.orders[o]
        if order.state in _LIVE:
            order.state, order.reason, order.done_bar = state, reason, bar
            self.events.append(Event(o, bar, phase, state, reason, size=order.size - order.filled))

    def end(self) -> None:
        """Whatever still works is unfilled at the end (F10)."""
        for o in range(len(self.orders)):
            self.finish(o, self.t, codes.PH_CLOSE, codes.UNFILLED, codes.NONE)


def lot_for(sizes: Iterable[float]) -> float:
    """Lot that counts all sizes: 1 where they are whole, else 1e-8, or 1e-12 where that would round them."""
    known = np.abs(np.array(list(sizes) or [0.0]))
    if np.all(known == np.round(known)):
        return 1.0
    if known.max() >= 1e6 or np.all(np.abs(known - np.round(known, 8)) <= 1e-15 * np.maximum(known, 1.0)):
        return 1e-8
    return 1e-12


def write(session: Session, record: Record, cash: float) -> None:
    """Write a record into the logs of a fresh session, sorted by timestamp, in whole lots.

    A fill's lots are the difference of two rounded positions, so that a position that is closed ends at 0.
    """
    lot = lot_for([*(o.size for o in record.orders), *(f.after for f in record.fills)])
    grid = session.grid
    lots = np.full_like(grid.lots, lot)
    # A copy: other runs on the same data have the lots of their instruments.
    market = (*grid.m[: codes.D_LOT], lots, *grid.m[codes.D_LOT + 1 :])
    session.use(Grid(grid.time, grid.session, grid.positions, market, lots))
    books = session.books
    for order in record.orders:
        _order(session, order, lot)
    _family(session, record)
    fills = sorted(record.fills, key=lambda f: f.bar)
    books.fi = np.zeros((len(fills) + 1, books.fi.shape[1]), dtype=np.int64)
    books.fi[:, codes.L_ENTRY] = -1
    books.ff = np.zeros((len(fills) + 1, books.ff.shape[1]))
    for r, fill in enumerate(fills):
        size = _lots(fill.after, lot) - _lots(fill.before, lot)
        row, money, slipped = books.fi[r], books.ff[r], abs(fill.price - fill.base) * abs(size) * lot
        row[codes.L_BAR], row[codes.L_ORDER], row[codes.L_SYMBOL] = fill.bar, fill.order, fill.symbol
        row[codes.L_SIDE], row[codes.L_LOTS] = (1 if size > 0 else -1), abs(size)
        row[codes.L_RULE], row[codes.L_PHASE] = fill.rule, fill.phase
        money[codes.L_PRICE], money[codes.L_FEE], money[codes.L_SLIP] = fill.price, fill.fee, slipped
        money[codes.L_BASE], money[codes.L_RATE] = fill.base, 1.0
        total = books.of[fill.order]
        total[codes.F_NOTIONAL] += abs(size) * lot * fill.price
        total[codes.F_FEE] += fill.fee
        total[codes.F_SLIP] += slipped
        books.oi[fill.order, codes.I_FILLED] += abs(size)
        books.pos[fill.symbol] += size
    done = books.oi[: len(record.orders), codes.I_STATE] == codes.FILLED
    rows = np.flatnonzero(done)  # the lots of several fills may round to one more or less than the order's
    books.oi[rows, codes.I_QTY] = books.oi[rows, codes.I_FILLED]
    events = sorted(record.events, key=lambda e: e.bar)
    books.ev = np.zeros((len(events) + 1, books.ev.shape[1]), dtype=np.int64)
    for r, event in enumerate(events):
        row = books.ev[r]
        row[codes.E_BAR], row[codes.E_ORDER], row[codes.E_PHASE] = event.bar, event.order, event.phase
        row[codes.E_STATE], row[codes.E_REASON], row[codes.E_RULE] = event.state, event.reason, event.rule
        row[codes.E_LOTS] = _lots(event.size, lot)
    books.reg[codes.S_FILLS], books.reg[codes.S_EVENTS] = len(fills), len(events)
    books.cash[0] = cash
    session.ended = True
    session.cursor.i = record.t
    session.mirror()


def _lots(size: float, lot: float) -> int:
    return round(size / lot)


def _order(session: Session, order: Placed, lot: float) -> None:
    o = session.books.new_order()
    row, money = session.books.oi[o], session.books.of[o]
    row[codes.I_SYMBOL], row[codes.I_SIDE], row[codes.I_TYPE] = order.symbol, order.side, codes.TYPES.index(order.kind)
    row[codes.I_STATE], row[codes.I_REASON], row[codes.I_DONE_BAR] = order.state, order.reason, order.done_bar
    row[codes.I_SIZE], row[codes.I_SIZED], row[codes.I_QTY] = codes.QUANTITY, 1, _lots(order.size, lot)
    row[codes.I_TIF], row[codes.I_BAR] = codes.TIFS.index(order.tif), order.bar
    row[codes.I_PARENT], row[codes.I_ROLE], row[codes.I_TRIGGERED] = order.parent, order.role, order.triggered
    money[codes.F_SIZE], money[codes.F_LIMIT], money[codes.F_STOP] = order.size, order.limit, order.stop
    if order.tag:
        session.tags[o] = order.tag


def _family(session: Session, record: Record) -> None:
    """Bracket orders know each other: the first stop and the first target of each entry."""
    oi: Any = session.books.oi
    for o, order in enumerate(record.orders):
        column = {1: codes.I_SL, 2: codes.I_TP}.get(order.role)
        if order.parent >= 0 and column is not None and oi[order.parent, column] < 0:
            oi[order.parent, column] = o
    for o in range(len(record.orders)):
        stop, target = int(oi[o, codes.I_SL]), int(oi[o, codes.I_TP])
        if stop >= 0 and target >= 0:
            oi[stop, codes.I_SIBLING], oi[target, codes.I_SIBLING] = target, stop
