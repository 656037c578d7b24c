"""One run, step by step: the loop over the bars that a backtest, a replay and a paper account share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .admission import flush, hand_over
from .session import Session

if TYPE_CHECKING:
    from .snapshots import Reached, Snapshot


#: Bars that the core looks ahead for the next event; twice as many each time that it found none. Looking on to the
#: end of the data after each order made a run with a far limit order and many trades quadratic.
WINDOW = 512


class Drive:
    """Walks a session through its timestamps: at once, one by one, or back to a snapshot and on again.

    However it is walked, the logs are the same to the last bit.

    Args:
        session: A session whose strategy has had its ``on_start``, and whose orders from there were handed over
            (``flush(session)``); or one that was loaded from what ``Session.pack`` gave.
        instance: The strategy.
        first: Timestamp (index) of the first ``on_bar``.

    Attributes:
        next: Timestamp that :meth:`advance` takes next; those before it are done.
        count: Number of timestamps there are.
    """

    def __init__(self, session: Session, instance: Any, first: int) -> None:
        self.session = session
        self.instance = instance
        self.first = first
        self.count = len(session.grid.time)
        self._on_fill = None if type(instance).on_fill is _base("on_fill") else instance.on_fill
        self._on_order = None if type(instance).on_order is _base("on_order") else instance.on_order
        self._listens = self._on_fill is not None or self._on_order is not None
        #: Whether what a callback submits is only taken in: nobody is told, and nothing fills at its own close.
        self._quick = not self._listens and session.config.rules["fill_at"] == "open"
        self._halted = False
        if session.cursor.i < 0:
            session.seen_events = int(session.books.reg[codes.S_EVENTS])
        self._resume()

    def _resume(self) -> None:
        """Take up the session as it stands."""
        session = self.session
        asof = getattr(session, "asof", None)
        at = max(session.cursor.i, self.first - 1)
        self.next = at + 1
        if asof is not None:
            asof.seek(max(at, 0))
        self._turn = self._turn_after(at)
        # Up to the horizon nothing can happen; where it is the edge, the core has not looked beyond it.
        self._horizon, self._edge, self._window = self.next, -1, WINDOW
        if not self._untold():
            self._edge = min(self.count, self.next + WINDOW)
            self._horizon = session.calls.peek(at, self._edge)

    def _turn_after(self, t: int) -> int:
        """Next timestamp after ``t`` at which a split or dividend changes what the views show."""
        asof = getattr(self.session, "asof", None)
        if asof is None:
            return self.count
        at = int(asof.boundaries.searchsorted(t, side="right"))
        return int(asof.boundaries[at]) if at < len(asof.boundaries) else self.count

    def _untold(self) -> bool:
        """Whether a callback has yet to hear of something: it does so at the next timestamp."""
        return self._listens and self.session.seen_events < int(self.session.books.reg[codes.S_EVENTS])

    @property
    def done(self) -> bool:
        """Whether the data or the account has come to its end."""
        return self.next >= self.count or bool(self.session.books.reg[codes.S_BANKRUPT])

    def advance(self) -> bool:
        """Take one timestamp: its fills, what they tell, ``on_bar``, and what that submits. False if all is done."""
        if self.done:
            return False
        self.advance_to(self.next + 1)
        return True

    def advance_to(self, stop: int) -> None:
        """Take all timestamps before ``stop``, an index; fewer after a bankruptcy.

        Python runs freely up to the next timestamp at which anything can happen in the core (the horizon). After an
        exception the session stands in the middle of a timestamp: all that can be done is to restore a snapshot.
        """
        if self.done:
            return
        session, asof = self.session, getattr(self.session, "asof", None)
        calls, cursor, books, reg = session.calls, session.cursor, session.books, session.books.registers
        on_bar, touched, listens = self.instance.on_bar, session.touched, self._listens
        count, horizon, turn, i = self.count, self._horizon, self._turn, self.next
        edge, window = self._edge, self._window
        stop = min(stop, count)
        self._halted = False
        try:
            while i < stop:
                if i == turn and asof is not None:
                    asof.seek(i)
                    turn = self._turn_after(i)
                if i == horizon:
                    if i == edge:
                        window *= 2
                        edge = min(count, i + window)
                        horizon = calls.peek(i - 1, edge)
                        continue
                    books.make_room()
                    window, edge = WINDOW, min(count, i + 1 + WINDOW)
                    horizon = calls.stepped(i, edge)
                    cursor.i = i
                    self._tell()
                    i += 1
                    if reg[codes.S_BANKRUPT]:
                        session.ended = True
                        flush(session)  # what the callbacks about it submitted is refused
                        return
                    on_bar()
                    if touched:
                        horizon = self._submitted(edge)
                        if self._halted:
                            stop = i
                    if listens and self._untold():
                        horizon, edge = i, -1
                    continue
                until = min(horizon, turn, stop)
                for cursor.i in range(i, until):
                    on_bar()
                    if touched:
                        i = cursor.i + 1
                        window, edge = WINDOW, min(count, i + WINDOW)
                        horizon = self._submitted(edge)
                        if self._halted:
                            stop = i
                        if listens and self._untold():
                            horizon, edge = i, -1
                        break
                else:
                    i = until
        finally:
            self._horizon, self._turn, self.next = horizon, turn, i
            self._edge, self._window = edge, window

    def halt(self) -> None:
        """Have the walk that is under way in another thread end with the timestamp it is at.

        It costs a walk nothing to listen for it: after each ``on_bar`` it looks whether anything was submitted.
        """
        self._halted = True
        self.session.touched.append(-1)  # no order: it only has the walk look

    def take_in(self) -> None:
        """Hand over what was submitted between two timestamps, as what a callback of its own would have."""
        session = self.session
        if session.cursor.i < 0:  # as from on_start
            flush(session)
            session.seen_events = int(session.books.reg[codes.S_EVENTS])
        elif flush(session):
            self._tell()
            flush(session)
        self._resume()

    def stop(self) -> None:
        """Call ``on_stop`` and refuse what it submits."""
        session = self.session
        session.ended = True
        session.cursor.i = self.next - 1
        self.instance.on_stop()
        flush(session)

    def finish(self) -> int:
        """End the run where it is: ``on_stop``, then ``close_at_end``. Returns how many timestamps were reached."""
        self.stop()
        close_at_end(self.session, self.next)
        return self.next

    def snapshot(self) -> Snapshot:
        """Keep the session as it is between two timestamps; see ``Session.snapshot``."""
        return self.session.snapshot()

    def restore(self, kept: Snapshot, reached: Reached | None = None) -> None:
        """Go to a snapshot of this session; the strategy's own attributes are the caller's to put back.

        To one that is ahead it takes what the session had ``reached`` after it.
        """
        self.session.restore(kept, reached)
        self._resume()

    def _submitted(self, edge: int) -> int:
        """Hand over what ``on_bar`` submitted, and what the callbacks about that submitted in turn; the horizon."""
        session = self.session
        if self._quick and session.pending:
            horizon = hand_over(session, edge)
            session.seen_events = session.books.registers[codes.S_EVENTS]
            return horizon
        if flush(session):
            self._tell()
            flush(session)  # its events are told at the next step: an endless callback must end
        return session.calls.peek(session.cursor.i, edge)

    def _tell(self) -> None:
        """``on_order`` and ``on_fill`` in event order, all seeing the closed bar (F0)."""
        session = self.session
        books, on_order, on_fill = session.books, self._on_order, self._on_fill
        session.mirror()
        row = session.told_fills
        last = books.registers[codes.S_EVENTS]
        if not self._listens:
            session.seen_events, session.told_fills = last, session.seen_fills
            return
        from .handles import Order, fill_of

        for e in range(session.seen_events, last):
            event = books.ev[e]
            if on_order is not None:
                on_order(Order(session, int(event[codes.E_ORDER])))
            if event[codes.E_STATE] in (codes.FILLED, codes.PARTIAL):
                if on_fill is not None:
                    on_fill(fill_of(session, row))
                row += 1
        session.seen_events, session.told_fills = last, row


def _base(name: str) -> Any:
    from alphintra.strategy import Strategy

    return getattr(Strategy, name)


def close_at_end(session: Session, end_bar: int) -> None:
    """Working orders are reported unfilled; positions stay, or are closed as ``close_at_end`` says (F10)."""
    books, t = session.books, end_bar - 1
    how = session.config.rules["close_at_end"]
    again = how == "last_open" and session.config.rules["bar_order"] == "closings"
    if again:
        _pass_again(session, t)
    for o in [int(o) for o in books.active[: books.reg[codes.S_ACTIVE]]]:
        books.make_room()
        if books.oi[o, codes.I_STATE] in (codes.WORKING, codes.WAITING):  # children end with their entry
            session.caught_up(o)
            session.core.finish(session.calls.b, t, o, codes.UNFILLED, codes.NONE, codes.PH_CLOSE)
    books.reg[codes.S_ACTIVE] = 0
    if how == "no":
        return
    for s in range(len(session.symbols)):
        lots = int(books.pos[s])
        if lots == 0:
            continue
        bar = int(session.grid.positions[s][session.grid.positions[s] < end_bar][-1])
        if again and bar == t:  # opened by the last pass itself: it stays open
            continue
        # What was traded after the last open cannot have been closed at it: the close is the next price.
        log = books.fi[: int(books.reg[codes.S_FILLS])]
        later = (log[:, codes.L_BAR] == bar) & (log[:, codes.L_SYMBOL] == s) & (log[:, codes.L_PHASE] != codes.PH_OPEN)
        at_open = how == "last_open" and not later.any()
        price = float(session.grid.m[0 if at_open else 3][bar, s])
        books.make_room()
        o = session.core.fresh_order(
            session.calls.b, t, s, -1 if lots > 0 else 1, abs(lots), codes.MARKET, codes.PLAIN, codes.NONE
        )
        phase = codes.PH_OPEN if at_open and bar == t else codes.PH_CLOSE
        session.core.fill(session.calls.m, session.calls.b, session.k, o, t, -lots, price, True, codes.R_END, phase)
    session.mirror()


def _pass_again(session: Session, t: int) -> None:
    """The last bar once more, with orders that close all positions in front and those of its own decision behind."""
    books, core = session.books, session.core
    if books.reg[codes.S_BANKRUPT]:
        return
    books.make_room(len(session.symbols))
    for s in np.flatnonzero(books.pos).tolist():
        lots = int(books.pos[s])
        o = core.fresh_order(
            session.calls.b, t, s, -1 if lots > 0 else 1, abs(lots), codes.MARKET, codes.PLAIN, codes.NONE
        )
        core.log_event(session.calls.b, t, o, codes.WORKING, codes.NONE, codes.R_NONE, abs(lots), codes.PH_CLOSE)
        last = int(books.reg[codes.S_ACTIVE])
        books.active[last] = o
        books.reg[codes.S_ACTIVE] = last + 1
        core.to_front(session.calls.b, last)
    core.turns(session.calls.m, session.calls.b, session.k, t, True)
    core.compact(session.calls.b)
