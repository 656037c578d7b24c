"""Whether a run comes out as it did the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alphintra_backtest import codes

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

    from .track import Track

#: Events that are compared at each look.
LAST = 32


class Same:
    """Compares what a run has logged at a bar with what it had logged there the first time.

    Args:
        session: The run at its end, or at the bar before the strategy raised; it stays as it is.

    Attributes:
        text: What was found; empty where all is as it was.
    """

    def __init__(self, session: Session) -> None:
        books = session.books
        self.text = ""
        self._last = session.cursor.i
        self._events = books.ev[: int(books.reg[codes.S_EVENTS])]
        self._fills = books.ff[: int(books.reg[codes.S_FILLS])]
        self._filled = books.fi[: int(books.reg[codes.S_FILLS]), codes.L_BAR]

    def look(self, track: Track) -> None:
        """Compare where the run stands now; not in a branch, nor at the last bar, where the run also ended."""
        if self.text or track.line is not track.root or track.bar >= self._last:
            return
        books, bar = track.session.books, track.bar
        events, fills = int(books.reg[codes.S_EVENTS]), int(books.reg[codes.S_FILLS])
        same = (
            events == int(np.searchsorted(self._events[:, codes.E_BAR], bar, side="right"))
            and fills == int(np.searchsorted(self._filled, bar, side="right"))
            and np.array_equal(books.ev[max(0, events - LAST) : events], self._events[max(0, events - LAST) : events])
            and np.array_equal(
                books.ff[max(0, fills - LAST) : fills], self._fills[max(0, fills - LAST) : fills], equal_nan=True
            )
        )
        if not same:
            self.text = (
                f"At bar {bar} the run is not what it was the first time: the strategy keeps something outside itself, "
                "such as a variable of its module, an attribute of its class, the order of a set or the clock, and "
                "going back does not undo that."
            )
