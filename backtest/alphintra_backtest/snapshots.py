"""The state of a session between two timestamps: kept to go back to, or packed for another process.

What belongs to the data alone (views, indicators, schedules) is not part of it: it is the same at any time, given the
cursor. Neither are the strategy's own attributes: whoever steps back keeps and puts back those (a copy of
``instance.__dict__``), and a replay says so.

Round trips are *copied* into a snapshot, not rebuilt from the logs on the way back: open entries are few, closed round
trips only ever grow but for those whose exit order is still filling, so both ways cost what is open now. To rebuild
costs 4 µs for each fill since the run began, which is what ``load`` does, once.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import books as kept_books
from . import codes
from .books import Books
from .calls import Calls
from .trades import Trade, TradeBook
from .trades_flat import trade_book

if TYPE_CHECKING:
    from .session import Session

#: What ``pack`` gives: arrays by name, and the rest as plain values that JSON can hold.
Packed = tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]

_COUNTERS = ("cash", "seen_fills", "seen_legs", "seen_events", "told_fills", "ended")


@dataclass(slots=True, eq=False)
class Trades:
    """Round trips at one moment: the open entries, how many were closed, and those of them that still grow."""

    queues: dict[int, list[tuple[Any, ...]]]
    splits: dict[int, int]
    closed: int
    growing: list[tuple[int, tuple[Any, ...]]]


@dataclass(slots=True, eq=False)
class Snapshot:
    """A session between two timestamps, at the cost of what is open and working (``Session.snapshot``).

    Attributes:
        bar: Timestamp that is done, −1 before the first.
        books: The core's books.
        counters: Cash as the strategy sees it, and how far logs were read and told.
        sizes: Positions in units.
        trades: Round trips.
        logs: Number of lines logged.
        recorded: Name → number of values recorded, and the last one.
        rng: State of the random numbers, None where none were drawn.
    """

    bar: int
    books: kept_books.Snapshot
    counters: tuple[Any, ...]
    sizes: list[float]
    trades: Trades
    logs: int
    recorded: dict[str, tuple[int, float]]
    rng: Mapping[str, Any] | None


def take(session: Session) -> Snapshot:
    """See ``Session.snapshot``."""
    _between(session)
    kept = session.books.snapshot()
    return Snapshot(
        session.cursor.i,
        kept,
        (
            session.cash, session.seen_fills, session.seen_legs, session.seen_events, session.told_fills,
            session.ended,
        ),
        session.sizes.copy(),
        _trades(session.book, kept),
        len(session.logs),
        {name: (len(bars), values[-1]) for name, (bars, values) in session.recorded.items()},
        None if session._rng is None else session._rng.bit_generator.state,
    )  # fmt: skip


def put_back(session: Session, kept: Snapshot) -> None:
    """See ``Session.restore``."""
    session.cursor.i = kept.bar
    session.books.restore(kept.books)
    for name, value in zip(_COUNTERS, kept.counters, strict=True):
        setattr(session, name, value)
    session.sizes[:] = kept.sizes
    if session.matched_fills > session.seen_fills or session.matched_legs > session.seen_legs:
        _put_trades_back(session.matched, kept.trades)
        session.matched_fills, session.matched_legs = session.seen_fills, session.seen_legs
    del session.logs[kept.logs :]
    for name in [n for n in session.recorded if n not in kept.recorded]:
        del session.recorded[name]
    for name, (count, last) in kept.recorded.items():
        bars, values = session.recorded[name]
        del bars[count:], values[count:]
        values[-1] = last  # on_stop can have recorded the last bar anew
    orders = int(kept.books.reg[codes.S_ORDERS])
    while session.tags and next(reversed(session.tags)) >= orders:
        session.tags.popitem()
    _settle(session, kept.rng)


def _between(session: Session) -> None:
    if session.pending or any(order >= 0 for order in session.touched):
        raise RuntimeError("a session is kept between two timestamps, not inside a callback that submits orders")


def _settle(session: Session, rng: Mapping[str, Any] | None) -> None:
    """What both ways of going back share: nothing is under way, random numbers and views stand at the cursor."""
    session.pending = []
    session.touched.clear()
    session._dropped = False
    if rng is not None:
        session.rng().bit_generator.state = rng
    elif session._rng is not None:  # the strategy may hold it
        session._rng.bit_generator.state = np.random.default_rng(session.config.seed).bit_generator.state
    asof = getattr(session, "asof", None)
    if asof is not None:
        asof.seek(max(session.cursor.i, 0))


def _trades(book: TradeBook, kept: kept_books.Snapshot) -> Trades:
    queues = {
        s: [tuple(vars(q).values()) for q in queue]
        for s, queue in book.queues.items()
    }
    growing: list[tuple[int, tuple[Any, ...]]] = []
    filling = kept.oi[:, codes.I_FILLED] > 0
    if filling.any():
        orders, since = set(kept.active[filling].tolist()), int(kept.oi[filling, codes.I_BAR].min())
        for n in range(len(book.closed) - 1, -1, -1):  # in the order in which they began to close
            trade = book.closed[n]
            if trade.exit_bar < since:
                break
            if trade.exit_order in orders:
                growing.append((n, astuple(trade)))
    return Trades(queues, book._splits.copy(), len(book.closed), growing)


def _put_trades_back(book: TradeBook, kept: Trades) -> None:
    book.queues.clear()
    for s, rows in kept.queues.items():
        book.queues[s] = deque(book.entry(*row) for row in rows)
    book._splits.clear()
    book._splits.update(kept.splits)
    while len(book.closed) > kept.closed:  # a pair for each closed round trip, in the same order
        book.closed.pop()
        book._pairs.popitem()
    for n, row in kept.growing:  # anew: what had grown since may be kept elsewhere
        old, book.closed[n] = book.closed[n], Trade(*row)
        book._pairs[next(key for key, trade in book._pairs.items() if trade is old)] = book.closed[n]


@dataclass(slots=True, eq=False)
class Reached:
    """How far a session had come: logs that only ever grow, of which a snapshot keeps the lengths alone.

    Attributes:
        bar: Timestamp that was done.
        logs: Rows of the core's logs and of the order table, by name.
        closed: Closed round trips; none of them changes any more but those that a snapshot has rows of.
        pairs: The same by the orders that make them.
        tags: Tags by order.
        lines: Lines logged.
        recorded: Name → bars and values.
    """

    bar: int
    logs: dict[str, npt.NDArray[Any]]
    closed: list[Trade]
    pairs: dict[Any, Trade]
    tags: dict[int, str]
    lines: list[tuple[int, str]]
    recorded: dict[str, tuple[list[int], list[float]]]


def reach(session: Session) -> Reached:
    """See ``Session.reached``."""
    _between(session)
    book = session.book
    packed = session.books.pack()
    return Reached(
        session.cursor.i,
        {name: packed[name] for name in ("oi", "of", "fi", "ff", "ev", "ci", "cf")},
        book.closed.copy(),
        book._pairs.copy(),
        session.tags.copy(),
        session.logs.copy(),
        {name: (bars.copy(), values.copy()) for name, (bars, values) in session.recorded.items()},
    )


def catch_up(session: Session, kept: Snapshot, far: Reached) -> None:
    """Put the logs where they were at a snapshot that ``far`` lies beyond; see ``Session.restore``."""
    if far.bar < kept.bar:
        raise ValueError(f"what was reached at bar {far.bar} does not hold bar {kept.bar}")
    books, orders = session.books, int(kept.books.reg[codes.S_ORDERS])
    for name, rows in far.logs.items():
        own = getattr(books, name)
        if len(own) < len(rows):
            own = np.zeros((2 * len(rows), *rows.shape[1:]), dtype=rows.dtype)
            setattr(books, name, own)
        own[: len(rows)] = rows
    room = int(kept.books.reg[codes.S_ACTIVE]), int(kept.books.reg[codes.S_ENTRIES])
    for names, least in zip((("active",), ("entries", "paid")), room, strict=True):
        for name in names:
            own = getattr(books, name)
            if len(own) < least:
                setattr(books, name, np.zeros((2 * least, *own.shape[1:]), dtype=own.dtype))
    book = session.matched
    book.closed[:] = far.closed[: kept.trades.closed]
    book._pairs.clear()
    book._pairs.update(islice(far.pairs.items(), kept.trades.closed))
    _put_trades_back(book, kept.trades)
    session.matched_fills, session.matched_legs = kept.counters[1], kept.counters[2]
    session.tags.clear()
    session.tags.update((order, tag) for order, tag in far.tags.items() if order < orders)
    session.logs[:] = far.lines[: kept.logs]
    session.recorded.clear()
    for name, (count, _) in kept.recorded.items():
        bars, values = far.recorded[name]
        session.recorded[name] = (bars[:count], values[:count])


def frozen(session: Session) -> Session:
    """See ``Session.frozen``."""
    twin = copy.copy(session)
    twin.__dict__.pop("data", None)
    twin.cursor = type(session.cursor)()
    twin.cursor.i = session.cursor.i
    twin._cache, twin._schedules, twin._positions, twin.asof, twin._rng = {}, {}, [], None, None
    twin.pending, twin.touched = [], []
    twin.sizes, twin.tags, twin.logs = session.sizes.copy(), session.tags.copy(), session.logs.copy()
    twin.recorded = {name: (bars.copy(), values.copy()) for name, (bars, values) in session.recorded.items()}
    twin.books = Books.unpack(session.books.pack())
    twin.calls = Calls(session.core, session.grid, twin.books, session.k, session.config)
    twin.matched = trade_book(session.config.rules["trades"], session.grid.lots, session.grid.m[codes.D_MULT])
    twin.matched_fills = twin.matched_legs = 0
    return twin


def pack(session: Session) -> Packed:
    """See ``Session.pack``."""
    _between(session)
    arrays = {f"books.{name}": array for name, array in session.books.pack().items()}
    for n, (bars, values) in enumerate(session.recorded.values()):
        arrays[f"recorded.{n}.bars"] = np.array(bars, dtype=np.int64)
        arrays[f"recorded.{n}.values"] = np.array(values, dtype=np.float64)
    rest = {
        "bar": session.cursor.i,
        "symbols": list(session.symbols),
        "seen_events": session.seen_events,
        "told_fills": session.told_fills,
        "ended": session.ended,
        "tags": [[order, tag] for order, tag in session.tags.items()],
        "logs": [list(line) for line in session.logs],
        "recorded": list(session.recorded),
        "rng": None if session._rng is None else session._rng.bit_generator.state,
    }
    return arrays, rest


def load(session: Session, packed: Packed) -> None:
    """See ``Session.load``."""
    arrays, rest = packed
    if list(session.symbols) != rest["symbols"] or not -1 <= rest["bar"] < len(session.grid.time):
        raise ValueError(
            f"a session of {', '.join(rest['symbols'])} at bar {rest['bar']} is not one of "
            f"{', '.join(session.symbols)} with {len(session.grid.time)} bars"
        )
    session.books = Books.unpack({n.removeprefix("books."): a for n, a in arrays.items() if n.startswith("books.")})
    session.cursor.i = rest["bar"]
    session.calls = Calls(session.core, session.grid, session.books, session.k, session.config)
    session.matched = trade_book(session.config.rules["trades"], session.grid.lots, session.grid.m[codes.D_MULT])
    session.matched_fills = session.matched_legs = session.seen_fills = session.seen_legs = 0
    session.sizes[:] = [0.0] * len(session.sizes)
    session.mirror()
    session.seen_events, session.told_fills, session.ended = rest["seen_events"], rest["told_fills"], rest["ended"]
    session.tags.clear()
    session.tags.update((order, tag) for order, tag in rest["tags"])
    session.logs[:] = [(at, text) for at, text in rest["logs"]]
    session.recorded.clear()
    for n, name in enumerate(rest["recorded"]):
        session.recorded[name] = (arrays[f"recorded.{n}.bars"].tolist(), arrays[f"recorded.{n}.values"].tolist())
    _settle(session, rest["rng"])
