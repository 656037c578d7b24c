"""What a replay keeps of a run to go back to: copies spaced by the time that the run spent between them."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from alphintra_backtest.snapshots import Reached, Snapshot

from .strategy_state import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

#: Bytes of copies that a replay keeps.
LIMIT = 256 * 2**20
#: Copies of where the replay stood last, beside those that are spaced.
RECENT = 256


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Everything of a run between two timestamps.

    Attributes:
        bar: Timestamp that is done.
        session: The account, orders and logs.
        state: The strategy's attributes.
        size: Bytes that it takes beside what it shares with the copy before it.
    """

    bar: int
    session: Snapshot
    state: State
    size: int


def kept(session: Snapshot, bar: int, state: State, before: Kept | None) -> Kept:
    """A copy; a state that is that of ``before`` is kept once."""
    if before is not None and before.state.same(state):
        return Kept(bar, session, before.state, _size(session))
    return Kept(bar, session, state, _size(session) + state.size)


def _size(session: Snapshot) -> int:
    arrays = [getattr(session.books, name) for name in session.books.__dataclass_fields__]
    rows = sum(len(queue) for queue in session.trades.queues.values()) + len(session.trades.growing)
    return sum(a.nbytes for a in arrays if isinstance(a, np.ndarray)) + 300 * rows + 100 * len(session.recorded) + 2_000


@dataclass(eq=False)
class Line:
    """The run, or a branch of it.

    Attributes:
        start: Bar from which on it is not its parent: the last one that was done when it parted.
        parent: What it parted from; ``None`` for the run itself.
        reached: How far it has been, as far as that was kept; needed to go ahead to a copy.
        spaced: Copies by bar; the first is where the line begins.
        recent: Copies of where the replay stood last, by bar.
        equity: (T,) equity at each close, as far as it was asked for: up to the bar ``valued``.
    """

    start: int
    parent: Line | None = None
    reached: Reached | None = None
    spaced: list[Kept] = field(default_factory=list)
    recent: OrderedDict[int, Kept] = field(default_factory=OrderedDict)
    equity: npt.NDArray[np.float64] | None = None
    valued: int = -1
    _bars: list[int] = field(default_factory=list)

    def last(self, bar: int, here: int) -> Kept | None:
        """The last copy at or before a bar that can be reached from where the replay stands, ``here``."""
        far = max(here, -2 if self.reached is None else self.reached.bar)
        bar = min(bar, far)
        at = bisect_right(self._bars, bar)
        found = self.spaced[at - 1] if at else None
        for one in self.recent.values():
            if one.bar <= bar and (found is None or one.bar > found.bar):
                found = one
        return found

    def add(self, one: Kept) -> int:
        """Keep a copy among the spaced ones; returns the bytes it took."""
        at = bisect_right(self._bars, one.bar)
        if at and self._bars[at - 1] == one.bar:
            return 0
        self.spaced.insert(at, one)
        self._bars.insert(at, one.bar)
        return one.size

    def cut(self, bar: int) -> int:
        """Drop the copies of what comes after a bar; returns the bytes of the spaced ones among them."""
        at = bisect_right(self._bars, bar)
        freed = sum(one.size for one in self.spaced[at:])
        del self.spaced[at:], self._bars[at:]
        for later in [b for b in self.recent if b > bar]:
            del self.recent[later]
        self.reached, self.equity, self.valued = None, None, -1
        return freed

    def thin(self) -> None:
        """Drop every second copy."""
        last = len(self.spaced) - 1
        self.spaced = [one for n, one in enumerate(self.spaced) if n % 2 == 0 or n == last]
        self._bars = [one.bar for one in self.spaced]

    def stood(self, one: Kept) -> None:
        """Keep a copy of where the replay stands."""
        self.recent[one.bar] = one
        self.recent.move_to_end(one.bar)
        while len(self.recent) > RECENT:
            self.recent.popitem(last=False)


def size_of(lines: Iterable[Line]) -> int:
    """Bytes of all copies; a state that several of them share counts once."""
    seen: set[int] = set()
    total = 0
    for line in lines:
        for one in (*line.spaced, *line.recent.values()):
            if id(one) in seen:
                continue
            seen.add(id(one))
            total += _size(one.session)
            if id(one.state) not in seen:
                seen.add(id(one.state))
                total += one.state.size
    return total


def fit(lines: list[Line], here: Line, limit: int) -> bool:
    """Drop copies until all take no more than ``limit`` bytes; True if the spaced ones of ``here`` were thinned.

    What was left goes first: where the replay stood on other lines, their copies, and at last every second one of the
    line it is on.
    """
    thinned = False
    while size_of(lines) > limit:
        other = [line for line in lines if line is not here and (line.recent or len(line.spaced) > 2)]
        if other:
            most = max(other, key=lambda line: len(line.spaced) + len(line.recent))
            most.recent.clear()
            most.thin()
        elif len(here.recent) > 2:
            for _ in range(len(here.recent) // 2):
                here.recent.popitem(last=False)
        elif len(here.spaced) > 2:
            here.thin()
            thinned = True
        else:
            break
    return thinned

