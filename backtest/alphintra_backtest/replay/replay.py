"""A backtest to walk through in both directions; see :class:`Replay`."""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alphintra_backtest import beginning, codes
from alphintra_backtest.handles import stamp

from . import entry, stops, timeline
from .branches import Branch
from .changes import Left
from .histories import POINTS, Account, Values
from .places import place
from .results import Results
from .same import Same
from .state import state
from .table import table
from .track import Track
from .walking import Gate, Stopped, muted

if TYPE_CHECKING:
    from alphintra.comparing import Comparison
    from alphintra.result import Result

    from alphintra_backtest.grid import Grid
    from alphintra_backtest.session import Session

#: Seconds that the small curves of a strategy's numbers may take when a replay goes to a bar.
CURVES = 0.2


class Replay:
    """A backtest that was made and can be walked through.

    Making it runs the backtest once. Then it stands before the first ``on_bar``, or where ``at`` says: a bar's index or
    a date. A strategy that raised stands at the bar before, and ``error`` is what it raised.

    What it prints is shown for the bars that :meth:`step` takes; what it writes elsewhere (files,
    variables of a module, attributes of its class) is not undone by going back.

    Args:
        strategy: The class. One that has ``signals`` alone is walked by the ``on_bar`` that they mean.
        data: As for ``alphintra.backtest``.
        at: Where to stand, see :meth:`to`.
        snapshot_limit: Bytes of copies to keep; fewer copies make going back slower.
        options: All of ``alphintra_backtest.beginning.set_up``.

    Raises:
        AlphintraError: As a backtest does, where the run does not even begin.

    Attributes:
        run_seconds: What the backtest took, copies included.
        error: What the strategy raised in the run, ``None`` where it came to its end.
        count: Number of timestamps in the data.
        first: Index of the first ``on_bar``.
        branches: What was changed by hand, in order.
        snapshot_limit: Bytes of copies that are kept at most.
    """

    def __init__(
        self, strategy: type, data: Any, *, at: Any = None, snapshot_limit: int = timeline.LIMIT, **options: Any
    ) -> None:
        self.setup = beginning.set_up(strategy, data, by_bar=True, **options)
        self.snapshot_limit = snapshot_limit
        self.branches: list[Branch] = []
        self._branch_of: dict[int, Branch] = {}
        self._watchers: list[Callable[[Replay], None]] = []
        self._values = Values()
        self._left: Left | None = None
        self._before: Left | None = None
        self._gate = Gate()
        began = clock.perf_counter()
        with muted():
            self._track = Track(self.setup, snapshot_limit, self._gate)
            self.count, self.first = self._track.drive.count, self._track.drive.first
            self._final, self.error = self._track.run()
        self.run_seconds = clock.perf_counter() - began
        self._results = Results(self._final)
        self._same = Same(self._session.frozen() if self._final is None else self._final[0])
        self._account = Account(None if self._final is None else self._final[0])
        with self._movement(tell=False):
            if at is not None:
                target = place(self, at)
                # At the bar that raised it stands as without ``at``; a later one cannot be reached.
                self._show(min(target, self.bar) if target == getattr(self.error, "bar", None) else target)
            elif self.error is None:
                self._track.go(self.first - 1)

    # -- where it is

    @property
    def strategy(self) -> Any:
        """The strategy itself, as it is now: look at it, change it. Another one after a run from the start."""
        return self._track.drive.instance

    @property
    def bar(self) -> int:
        """Index of the last timestamp that is done; ``first − 1`` before the first ``on_bar``."""
        return self._track.bar

    @property
    def time(self) -> datetime | None:
        """Close time of the bar that it stands in or at, in UTC; ``None`` before the first bar of the data."""
        return None if self.in_progress < 0 else stamp(int(self._session.grid.time[self.in_progress]))

    @property
    def in_progress(self) -> int:
        """The bar that a movement under way is in, where a debugger may hold it; else :attr:`bar`."""
        return int(self._session.cursor.i) if self._gate.busy else self.bar

    @property
    def done(self) -> bool:
        """Whether there is no bar to step to."""
        return self._track.drive.done

    @property
    def branch(self) -> Branch | None:
        """The change by hand that this run comes of; ``None`` where it is the backtest."""
        return self._branch_of.get(id(self._track.line))

    @property
    def snapshot_bytes(self) -> int:
        """Bytes of all copies."""
        return timeline.size_of(self._track.all_lines())

    @property
    def copyable(self) -> bool:
        """Whether the strategy's attributes can be copied.

        Where they cannot, going back runs again from the start, or from the last bar at which they could.
        """
        return self._track.copyable

    @property
    def why_not(self) -> str:
        """The attribute that cannot be copied, its type and the reason; empty where all can."""
        return self._track.why_not

    @property
    def differs(self) -> str:
        """Where the run did not come out as the first time, and why that may be; empty where it always did.

        A strategy that keeps something outside itself (a variable of its module, an attribute of its class, the clock)
        is not the same after going back.
        """
        return self._same.text

    @property
    def entry(self) -> tuple[str, int] | None:
        """File and line of the first statement of ``on_bar``; ``None`` where it has no source of its own."""
        return entry.first_line(type(self.strategy))

    @property
    def grid(self) -> Grid:
        """The bars of all symbols on one axis of time."""
        return self._session.grid

    @property
    def _session(self) -> Session:
        return self._track.session

    # -- movements

    def step(self, n: int = 1) -> None:
        """Take the next ``n`` bars, or as many as there are.

        Raises:
            ReplayError: ``AT_END``: there is none.
            StrategyError: The strategy raised; the replay stands at the bar before.
        """
        _at_least_one(n)
        with self._movement(shown=True):
            self._must_go_on()
            self._track.walk(min(self.bar + 1 + n, self.count))

    def back(self, n: int = 1) -> None:
        """Go back ``n`` bars, or to before the first ``on_bar``.

        Raises:
            ReplayError: ``AT_START``: it stands there already; ``NOT_COPYABLE``: in a branch, the strategy cannot be
                copied.
        """
        _at_least_one(n)
        with self._movement():
            if self.bar < self.first:
                raise _refusal("the replay stands before the first on_bar: there is no way back", "AT_START")
            self._track.go(max(self.first - 1, self.bar - n))

    def to(self, when: Any) -> None:
        """Stand at a bar: the first at or after a date or time, or the one of an index.

        Raises:
            ReplayError: ``OUTSIDE_DATA``: there is no such bar, or the strategy is not called there; ``AT_END``: the
                account went bankrupt before.
            DataError: ``BAD_DATE``: it is no date.
            StrategyError: The strategy raised on the way; the replay stands at the bar before.
        """
        with self._movement():
            self._show(place(self, when))

    def until(self, what: str, limit: int | None = None) -> bool:
        """Go on to the next bar at which something happens, or else to the end.

        Args:
            what: ``"order"`` (one was submitted), ``"fill"``, ``"trade"`` (one was closed, or began to be),
                ``"refusal"``, or Python over ``self`` and the names of the strategy's module or notebook, which is
                looked at after each bar.
            limit: Bars to go at most.

        Returns:
            Whether it happened.

        Raises:
            ReplayError: ``AT_END``: there is no bar to go to; ``BAD_EXPRESSION``: it is no expression;
                ``EXPRESSION_FAILED``: it raised, and the replay stands at that bar; ``EXPRESSION_ACTED``: it changed
                orders, which is undone.
            StrategyError: The strategy raised; the replay stands at the bar before.
        """
        if limit is not None:
            _at_least_one(limit)
        code = None if what in stops.EVENTS else stops.compiled(what)
        with self._movement():
            self._must_go_on()
            last = self.count if limit is None else min(self.count, self.bar + 1 + limit)
            if code is not None:
                return stops.search(self, last, stops.Condition(what, code, self))
            if what != "trade" and self.branch is None and self._final is not None and not self.differs:
                bars = stops.bars_of(what, self._final[0], self._track.logged)
                at = int(bars.searchsorted(self.bar, side="right"))
                found = at < len(bars) and int(bars[at]) < last
                self._show(int(bars[at]) if found else min(last, self._final[1]) - 1)
                return found
            return stops.search(self, last, stops.Event(what, self._session))

    def cancel(self) -> bool:
        """Stop the movement under way in another thread; False where there is none. It raises ``CANCELLED`` there."""
        return self._gate.cancel(self._track.drive)

    def watch(self, callback: Callable[[Replay], None]) -> Callable[[], None]:
        """Have ``callback`` called with the replay after each movement; returns what ends it."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback) if callback in self._watchers else None

    # -- under a debugger

    def walk_on(self, bar: int, left: Callable[[], bool]) -> None:
        """Go to a bar and on the way stop where a debugger does; what is printed on new bars is shown.

        Args:
            bar: Its index.
            left: Whether to end before it is reached; asked after the bar in which :meth:`leave` was called. The replay
                then stands where the walk was.

        Raises:
            StrategyError: The strategy raised; the replay stands at the bar before.
        """
        with self._movement(shown=True, tell=False):
            self._track.left = left
            try:
                self._track.walk_on(bar)
            finally:
                self._track.left = None

    def leave(self) -> None:
        """Have :meth:`walk_on`, under way in another thread, ask after the bar it is in whether to go on."""
        self._track.drive.halt()

    # -- results

    @property
    def original(self) -> Result:
        """The result of the backtest.

        Raises:
            StrategyError: The strategy raised in it.
        """
        return self._results.original(self)

    def result(self) -> Result:
        """The result of the run that it stands in: goes on to the end from here, and comes back.

        Untouched it is :attr:`original`. In a branch of a strategy that cannot be copied it stays at the end.

        Raises:
            StrategyError: The strategy raises on the way.
        """
        began = clock.perf_counter()
        with self._movement(tell=False):
            if self.branch is not None:
                return self._results.of_branch(self, self.branch, began)
            return self._results.walked(self, began) if self._track.walked else self.original

    def compare(self) -> Comparison:
        """The backtest and the run with the changes, side by side; see ``alphintra.compare``.

        Raises:
            ReplayError: ``NO_BRANCH``: nothing was changed here.
        """
        from alphintra.comparing import compare

        changed = self.result()
        if self.branch is None:
            raise _refusal(
                "nothing was changed here: this is the run itself", "NO_BRANCH",
                hint="change something, such as replay.strategy.fast = 18, and compare again",
            )  # fmt: skip
        return compare([self.original, changed], names=["the run", self.branch.text[:80]])

    def state(self, bars: int = 400, orders: int = 50, symbol: str | None = None) -> dict[str, Any]:
        """What a view shows of the bar it stands at, as plain values for JSON; nothing of what comes after it.

        Args:
            bars: Candles up to this one.
            orders: Rows of the log.
            symbol: Whose candles; the one that was traded last where None.
        """
        return state(self, bars, orders, symbol)

    # -- what a movement consists of

    @contextlib.contextmanager
    def _movement(self, *, shown: bool = False, tell: bool = True) -> Iterator[None]:
        """One movement: what was changed before it makes a branch, and however it ends it stands at a bar."""
        if not self._gate.enter():
            raise _refusal("the replay is moving: it can do one thing at a time", "BUSY")
        try:
            try:
                self._take_in_changes()
                with muted(not shown):
                    yield
            except (KeyboardInterrupt, Stopped) as stopped:
                self._gate.cancelled = False
                with muted():
                    self._track.recover()
                if isinstance(stopped, Stopped):
                    raise _refusal(f"cancelled: the replay stands at bar {self.bar}", "CANCELLED") from None
                raise
            finally:
                self._stand()
        finally:
            self._gate.leave()
        if tell:
            for callback in list(self._watchers):
                callback(self)

    def _stand(self) -> None:
        """Keep where the movement ended: to see what is changed before the next one."""
        kept = self._track.stand()
        if self._left is not None and self._left.bar != self.bar:
            self._before = self._left
        self._left = Left.of(self._track, None if kept is None else kept.state)
        self._values.note(self.strategy, self.bar)
        self._same.look(self._track)

    def _take_in_changes(self) -> None:
        """What was changed since the last movement makes a branch."""
        changes = [] if self._left is None else self._left.changes(self._track)
        if changes:
            branch = Branch(self.bar, self.time, changes)
            self._track.branch_off()
            self.branches.append(branch)
            self._branch_of[id(self._track.line)] = branch

    def _must_go_on(self) -> None:
        if self.done:
            raise self._at_end()

    def _show(self, target: int) -> None:
        """Go to a bar, and on the way see how the strategy's numbers came to be, where that takes no time."""
        few = max(self._track.line_of(target).start, target - POINTS)
        if self.bar < target:
            few = max(few, self.bar)
        if self.bar != target and (target - few) * self._track.a_bar < CURVES:
            self._track.go(few)
            while self.bar < target and not self.done:
                self._values.note(self.strategy, self.bar)
                self._track.walk(self.bar + 2)
        self._track.go(target)
        if self.bar < target:
            raise self._at_end()

    def _at_end(self) -> Exception:
        if self._session.books.reg[codes.S_BANKRUPT]:
            return _refusal(f"the account went bankrupt at {self.time}: the run ends there", "AT_END")
        return _refusal(f"the replay stands at the last bar, {self.time}", "AT_END")

    def __repr__(self) -> str:
        when = "before the first bar" if self.time is None else f"{self.time:%Y-%m-%d %H:%M}"
        said = f", {self.branch!r}" if self.branch is not None else ""
        name = self.setup.strategy.__name__
        return f"<replay of {name} on {self.setup.market.name}: {when}, bar {self.bar} of {self.count}{said}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": table(self)}


def _refusal(message: str, code: str, hint: str | None = None) -> Exception:
    from alphintra.errors import ReplayError

    return ReplayError(message, code=code, hint=hint)


def _at_least_one(n: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise _refusal(f"{n!r} is no number of bars", "BAD_NUMBER", hint="a whole number from 1 on")
