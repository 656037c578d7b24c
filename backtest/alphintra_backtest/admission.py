"""Handing the orders that a callback submitted to the core, which accepts or refuses each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import codes

if TYPE_CHECKING:
    from .session import Session


def flush(session: Session) -> bool:
    """Hand the orders of this callback to the core; True if what works has changed."""
    session.touched.clear()
    rules = session.config.rules
    at_close = rules["fill_at"] == "close" and session.cursor.i >= 0 and not session.ended
    in_turn = at_close and rules["bar_order"] == "in_turn"
    for group in _one_by_one(session) if in_turn else [session.pending]:
        session.pending = group
        admit(session)
        session.books.cash[codes.M_FREED] = 0.0
        if at_close and session._dropped:
            session.books.make_room()
            session.core.fill_at_close(session.calls.m, session.calls.b, session.k, session.cursor.i)
    if not session._dropped:
        return False
    session._dropped = False
    if at_close:
        session.mirror()
    return True


def hand_over(session: Session, edge: int) -> int:
    """What :func:`flush` does with orders alone, and the look ahead after it in one call; returns the horizon."""
    session.touched.clear()
    first, last = session.pending[0], session.pending[-1] + 1
    session.pending = []
    session.books.make_room(last - first)
    horizon = session.calls.submitted(first, last, session.cursor.i, edge)
    session.books.cash[codes.M_FREED] = 0.0
    session._dropped = False
    return horizon


def admit(session: Session) -> None:
    """Let the core accept or refuse what was submitted since the last time; nothing fills in here."""
    if not session.pending:
        return
    first, last = session.pending[0], session.pending[-1] + 1
    session.pending = []
    books, core, calls, now = session.books, session.core, session.calls, session.cursor.i
    if session.ended:
        for o in range(first, last):
            books.make_room()
            if books.oi[o, codes.I_STATE] == codes.WORKING:  # a bracket's children end with their parent
                core.finish(calls.b, now, o, codes.REJECTED, codes.RUN_ENDED, codes.PH_CLOSE)
        return
    books.make_room(last - first)
    accept = core.queue_accept if session.config.rules["bar_order"] == "submission" else core.accept
    accept(calls.m, calls.b, session.k, first, last, now)
    session._dropped = True


def _one_by_one(session: Session) -> list[list[int]]:
    """What this callback submitted, order by order, each with its bracket's children."""
    groups: list[list[int]] = []
    for o in session.pending:
        if groups and session.books.oi[o, codes.I_PARENT] >= 0:
            groups[-1].append(o)
        else:
            groups.append([o])
    return groups or [[]]
