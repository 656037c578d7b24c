"""A backtest to walk through in both directions; see :class:`Replay`."""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alphintra_backtest import beginning, codes, strategy_entry
from alphintra_backtest.blame import blame
from alphintra_backtest.handles import Order, stamp
from alphintra_backtest.runner import entry_rules, young_garbage_only

from . import stops, strategy_state, timeline
from .branches import Branch, Change, plain
from .debugging import undisturbed
from .histories import Values
from .places import place
from .state import state
from .timeline import Kept, Line
from .walking import Gate, Stopped, advance, muted

if TYPE_CHECKING:
    from types import CodeType

    from alphintra.comparing import Comparison
    from alphintra.result import Result

    from alphintra_backtest.drive import Drive
    from alphintra_backtest.grid import Grid
    from alphintra_backtest.session import Session

#: Seconds of the run between two copies; a copy that takes long is made less often.
SPACING = 0.02
#: Part of the run's time that copies may take.
SHARE = 0.1
#: Seconds between two copies on the way to a bar, so that the next steps back are short.
CLOSE = 0.005


class Replay:
    """A backtest that was made and can be walked through.

    Making it runs the backtest once. Then it stands before the first ``on_bar``, or where ``at`` says: a bar's index or
    a date. A strategy that raised stands at the bar before, and ``error`` is what it raised.

    What it prints is shown for the bars that :meth:`step` and :meth:`until` take; what it writes elsewhere (files,
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
        copyable: Whether the strategy's attributes can be copied. Where they cannot, going back runs again from the
            start, or from the last bar at which they could.
        why_not: The attribute that cannot be copied, its type and the reason.
        branches: What was changed by hand, in order.
        snapshot_limit: Bytes of copies that are kept at most.
    """

    def __init__(
        self, strategy: type, data: Any, *, at: Any = None, snapshot_limit: int = timeline.LIMIT, **options: Any
    ) -> None:
        self.setup = beginning.set_up(strategy, data, by_bar=True, **options)
        self.snapshot_limit = snapshot_limit
        self.copyable, self.why_not = True, ""
        self.error: Exception | None = None
        self.branches: list[Branch] = []
        self._branch_of: dict[int, Branch] = {}
        self._gate = Gate()
        self._watchers: list[Callable[[Replay], None]] = []
        self._bytes, self._spacing, self._newest = 0, SPACING, None
        self._left: Any = None
        self._before: Kept | None = None
        self._values = Values()
        self._broken = False
        self._left_by: Callable[[], bool] | None = None
        self._results: dict[int, Result] = {}
        self._original: Result | None = None
        began = clock.perf_counter()
        with muted():
            self._begin()
            self.count, self.first = self._drive.count, self._drive.first
            self._final = self._run()
        self.run_seconds = clock.perf_counter() - began
        with self._movement(muted_out=True, tell=False):
            stand = self.bar if self.error is not None else self.first - 1
            self._go(stand if at is None else place(self, at))

    # -- where it is

    @property
    def strategy(self) -> Any:
        """The strategy itself, as it is now: look at it, change it. Another one after a run from the start."""
        return self._drive.instance

    @property
    def bar(self) -> int:
        """Index of the last timestamp that is done; ``first − 1`` before the first ``on_bar``."""
        return self._drive.next - 1

    @property
    def time(self) -> datetime | None:
        """Its close time in UTC; ``None`` before the first bar of the data."""
        return None if self.bar < 0 else stamp(int(self._session.grid.time[self.bar]))

    @property
    def done(self) -> bool:
        """Whether there is no bar to step to."""
        return self._drive.done

    @property
    def branch(self) -> Branch | None:
        """The change by hand that this run comes of; ``None`` where it is the backtest."""
        return self._branch_of.get(id(self._line))

    @property
    def snapshot_bytes(self) -> int:
        """Bytes of all copies."""
        return timeline.size_of(self._lines())

    @property
    def entry(self) -> tuple[str, int] | None:
        """File and line of the first statement of ``on_bar``; ``None`` where it has no source of its own."""
        return strategy_entry.first_line(type(self.strategy))

    @property
    def grid(self) -> Grid:
        """The bars of all symbols on one axis of time."""
        return self._session.grid

    @property
    def _session(self) -> Session:
        return self._drive.session

    # -- movements

    def step(self, n: int = 1) -> None:
        """Take the next ``n`` bars, or as many as there are.

        Raises:
            ReplayError: ``AT_END``: there is none.
            StrategyError: The strategy raised; the replay stands at the bar before.
        """
        _at_least_one(n)
        with self._movement():
            if self._drive.done:
                raise self._at_end()
            self._walk(min(self._drive.next + n, self.count))

    def back(self, n: int = 1) -> None:
        """Go back ``n`` bars, or to before the first ``on_bar``.

        Raises:
            ReplayError: ``AT_START``: it stands there already.
        """
        _at_least_one(n)
        with self._movement(muted_out=True):
            if self.bar < self.first:
                raise self._refusal(
                    "the replay stands before the first on_bar: there is nothing to go back to", code="AT_START"
                )
            self._go(max(self.first - 1, self.bar - n))

    def to(self, when: Any) -> None:
        """Stand at a bar: the first at or after a date or time, or the one of an index.

        Raises:
            ReplayError: ``OUTSIDE_DATA``: there is no such bar, or the strategy is not called there.
            DataError: ``BAD_DATE``: it is no date.
        """
        with self._movement(muted_out=True):
            target = place(self, when)
            self._go(target)
            if self.bar < target:
                raise self._at_end()

    def until(self, what: str, limit: int | None = None) -> bool:
        """Go on to the next bar at which something happens, or else to the end.

        Args:
            what: ``"order"`` (one was submitted), ``"fill"``, ``"trade"`` (one was closed), ``"refusal"``, or Python
                over ``self`` and the names of the strategy's module or notebook, which is looked at after each bar.
            limit: Bars to go at most.

        Returns:
            Whether it happened.

        Raises:
            ReplayError: ``AT_END``: there is no bar to go to; ``BAD_EXPRESSION``: it is no expression;
                ``EXPRESSION_FAILED``: it raised, and the replay stands at that bar.
            StrategyError: The strategy raised; the replay stands at the bar before.
        """
        if limit is not None:
            _at_least_one(limit)
        code = None if what in stops.EVENTS else stops.compiled(what)
        with self._movement():
            if self._drive.done:
                raise self._at_end()
            last = self.count if limit is None else min(self.count, self._drive.next + limit)
            return self._search(last, what, code)

    def cancel(self) -> bool:
        """Stop the movement under way in another thread; False where there is none. It raises ``CANCELLED`` there."""
        return self._gate.cancel(self._drive)

    # -- under a debugger

    def walk_on(
        self, bar: int, left: Callable[[], bool], *, muted_out: bool = False, each: bool = False
    ) -> None:
        """Go to a bar as :meth:`to` does, unless ``left`` is true after a bar; :meth:`leave` makes it look.

        Args:
            bar: Its index.
            left: Whether to end before it is reached; the replay then stands where the walk was.
            muted_out: Drop what is printed on the way.
            each: Take every bar, none by what was kept of the run.

        Raises:
            StrategyError: The strategy raised; the replay stands at the bar before.
        """
        with self._movement(muted_out=muted_out, tell=False):
            self._left_by = left
            try:
                if each:
                    self._walk(bar + 1)
                else:
                    self._go(bar)
            finally:
                self._left_by = None
                self._drive.halted()

    def leave(self) -> None:
        """Have :meth:`walk_on`, under way in another thread, ask after the bar it is in whether to go on."""
        self._drive.halt()

    @property
    def in_progress(self) -> int:
        """The bar that a walk is in, or else :attr:`bar`; −1 before the first of the data."""
        return int(self._session.cursor.i)

    def watch(self, callback: Callable[[Replay], None]) -> Callable[[], None]:
        """Have ``callback`` called with the replay after each movement; returns what ends it."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback) if callback in self._watchers else None

    # -- results

    @property
    def original(self) -> Result:
        """The result of the backtest.

        Raises:
            StrategyError: The strategy raised in it.
        """
        if self._original is None:
            if self._final is None:
                assert self.error is not None
                raise self.error
            session, end = self._final
            setup = self.setup
            with muted():
                entries = entry_rules(session, end, setup.form, setup.values, setup.start)
            self._original = setup.result(session, self.first, end, clock.perf_counter() - self.run_seconds, entries)
        return self._original

    def result(self) -> Result:
        """The result of the run that it stands in: goes on to the end from here, and comes back.

        Untouched it is :attr:`original`.

        Raises:
            StrategyError: The strategy raises on the way.
        """
        began = clock.perf_counter()
        with self._movement(muted_out=True, tell=False):
            branch = self.branch
            if branch is None:
                return self.original
            if id(branch) not in self._results:
                here = self.bar
                self._walk(self.count)
                session, end = self._finish()
                made = self.setup.result(session, self.first, end, began, {})
                self._results[id(branch)] = _marked(made, branch)
                self._go(here)
            return self._results[id(branch)]

    def compare(self) -> Comparison:
        """The backtest and the run with the changes, side by side; see ``alphintra.compare``.

        Raises:
            ReplayError: ``NO_BRANCH``: nothing was changed here.
        """
        from alphintra.comparing import compare

        changed = self.result()
        if self.branch is None:
            raise self._refusal(
                "nothing was changed here: this is the run itself", code="NO_BRANCH",
                hint="change something, such as replay.strategy.fast = 18, and compare again",
            )  # fmt: skip
        return compare([self.original, changed], names=["the run", self.branch.text[:80]])

    def state(
        self, bars: int = 400, orders: int = 50, symbol: str | None = None, *, inside: bool = False
    ) -> dict[str, Any]:
        """What a view shows of the bar it stands at, as plain values for JSON; nothing of what comes after it.

        Args:
            bars: Candles up to this one.
            orders: Rows of the log.
            symbol: Whose candles; the one that was traded last where None.
            inside: Of the bar in progress, while a debugger holds the walk inside its ``on_bar``.
        """
        return state(self, bars, orders, symbol, self.in_progress if inside else self.bar)

    # -- the run

    def _begin(self) -> None:
        """Make the strategy, and keep where it begins."""
        setup = self.setup
        self._drive: Drive = beginning.begin(setup.form, setup.values, setup.market, setup.config, setup.start)
        self._line = Line(self._drive.first - 1)
        self._root = self._line
        self._newest = None
        self._bytes = 0
        self._keep()

    def _run(self) -> tuple[Session, int] | None:
        """The backtest; the session that its result is made of, ``None`` where the strategy raised."""
        from alphintra.errors import StrategyError

        try:
            with young_garbage_only():
                self._walk(self.count)
            self._keep()
            if self.copyable:
                self._root.reached = self._session.reached()
            return self._finish()
        except StrategyError as error:
            self.error = error
            if self.copyable and not self._broken:
                self._root.reached = self._session.reached()
            return None

    def _finish(self) -> tuple[Session, int]:
        """End the run where it stands, keep what its result is made of, and undo the end."""
        drive = self._drive
        kept, state = drive.snapshot(), self._copy()
        try:
            with blame(self.setup.form, self._session):
                end = drive.finish()
            return self._session.frozen(), end
        finally:
            drive.restore(kept)
            if state is not None:
                strategy_state.put_back(drive.instance, state)

    def _walk(self, stop: int) -> None:
        """Take the timestamps before ``stop``, and keep copies on the way; fewer after a bankruptcy.

        Raises:
            StrategyError: The strategy raised: it stands at the bar before.
        """
        drive = self._drive
        while drive.next < stop and not drive.done:
            self._gate.look()
            if self._left_by is not None and self._left_by():
                return
            try:
                with blame(self.setup.form, self._session):
                    advance(drive, stop, self._spacing if self.copyable else None)
            except Exception:
                self._stand_before(self._session.cursor.i)
                raise
            if drive.next < stop:
                self._keep()

    def _stand_before(self, bar: int) -> None:
        """After an error inside a bar: stand at the one before."""
        self._broken = True
        self._left_by = None
        with undisturbed(), muted():
            self._go(max(bar - 1, self.first - 1))

    def _copy(self) -> strategy_state.State | None:
        """The strategy's attributes as they are; ``None`` where they cannot be copied, and why is kept."""
        try:
            return strategy_state.copied(self._drive.instance)
        except strategy_state.UncopiableError as error:
            self.copyable, self.why_not = False, str(error)
            return None

    def _kept(self) -> Kept | None:
        state = self._copy()
        if state is None:
            return None
        self._newest = timeline.kept(self._drive.snapshot(), self.bar, state, self._newest)
        return self._newest

    def _keep(self) -> None:
        """Keep a copy of where it is among those that are spaced by time."""
        began = clock.perf_counter()
        one = self._kept()
        if one is None:
            return
        self._bytes += self._line.add(one)
        self._fit()
        self._spacing = max(self._spacing, (clock.perf_counter() - began) / SHARE)

    def _fit(self) -> None:
        if self._bytes > self.snapshot_limit:
            lines = self._lines()
            if timeline.fit(lines, self._line, self.snapshot_limit) and self._line is self._root:
                self._spacing *= 2
            self._bytes = timeline.size_of(lines)

    def _lines(self) -> list[Line]:
        found, line = [], self._line
        while True:
            found.append(line)
            if line.parent is None:
                return found
            line = line.parent

    # -- going to a bar

    def _go(self, target: int) -> None:
        """Stand at a bar of this line, or of what it comes of."""
        line = self._line
        while line.parent is not None and target < line.start:
            line = line.parent
        here = -2 if self._broken else self.bar
        if line is not self._line or target < here:
            self._remember()
        found = line.last(target, max(here, self._session.cursor.i - 1 if self._broken else here))
        on = not self._broken and line is self._line and here <= target
        if on and (found is None or found.bar <= here):
            self._walk(target + 1)
            return
        if found is None:
            self._again(line)
        else:
            self._restore(line, found, here)
        self._walk(target + 1)

    def _restore(self, line: Line, found: Kept, here: int) -> None:
        session = self._session
        ahead = found.bar > (session.cursor.i - 1 if self._broken else max(here, -1))
        self._drive.restore(found.session, line.reached if ahead else None)
        strategy_state.put_back(self._drive.instance, found.state)
        self._line, self._broken, self._newest = line, False, found

    def _remember(self) -> None:
        """Before leaving the farthest bar of a branch: keep what going ahead to it takes."""
        line = self._line
        if not self._broken and self.copyable and (line.reached is None or line.reached.bar < self.bar):
            line.reached = self._session.reached()

    def _again(self, line: Line) -> None:
        """From the start, with a new strategy: there is no copy to go back to."""
        if line.parent is not None:
            raise self._refusal(
                f"a branch cannot be gone back in: {self.why_not}", code="NOT_COPYABLE",
                hint="go to a bar before the change, which runs again from the start without it",
            )  # fmt: skip
        self._begin()
        self._broken = False

    # -- between two movements

    @contextlib.contextmanager
    def _movement(self, *, muted_out: bool = False, tell: bool = True) -> Iterator[None]:
        """One movement: what was changed before it makes a branch, and however it ends it stands at a bar."""
        if not self._gate.enter():
            raise self._refusal("the replay is moving: it can do one thing at a time", code="BUSY")
        try:
            try:
                self._take_in_changes()
                with muted(muted_out):
                    yield
            except (KeyboardInterrupt, Stopped) as stopped:
                self._recover()
                if isinstance(stopped, Stopped):
                    raise self._refusal(
                        f"cancelled: the replay stands at bar {self.bar}", code="CANCELLED"
                    ) from None
                raise
            finally:
                self._stand()
        finally:
            self._gate.leave()
        if tell:
            for callback in list(self._watchers):
                callback(self)

    def _recover(self) -> None:
        """After a stop anywhere: stand at the nearest bar that can be had at once."""
        session = self._session
        if not session.pending and not session.touched and session.cursor.i in (self.bar, -1) and not self._broken:
            return
        self._broken = True
        found = self._line.last(max(session.cursor.i - 1, self.first - 1), session.cursor.i - 1)
        self._gate.cancelled = False
        if found is None:
            self._begin()
            self._broken = False
        else:
            self._restore(self._line, found, session.cursor.i - 1)

    def _stand(self) -> None:
        """Keep where the movement ended: to see what is changed before the next one."""
        if self._broken:
            return
        one = self._kept()
        self._before = self._left if isinstance(self._left, Kept) else None
        if one is not None:
            self._line.stood(one)
            self._left = one
        else:
            self._left = strategy_state.parts(self._drive.instance)
        self._marks = self._session_marks()
        self._values.note(self._drive.instance, self.bar)

    def _session_marks(self) -> tuple[Any, ...]:
        session = self._session
        last = {name: (len(bars), values[-1]) for name, (bars, values) in session.recorded.items()}
        rng = None if session._rng is None else session._rng.bit_generator.state
        return rng, len(session.logs), last

    def _take_in_changes(self) -> None:
        """What was changed since the last movement makes a branch."""
        changes = self._changes()
        if not changes:
            return
        self._remember()
        line = Line(self.bar, self._line)
        with blame(self.setup.form, self._session):
            self._drive.take_in()
        self._line = line
        branch = Branch(self.bar, self.time, changes)
        self.branches.append(branch)
        self._branch_of[id(line)] = branch
        self._keep()

    def _changes(self) -> list[Change]:
        if self._left is None:
            return []
        session, instance = self._session, self._drive.instance
        found: list[Change] = []
        if isinstance(self._left, Kept):
            with contextlib.suppress(strategy_state.UncopiableError):
                if not strategy_state.copied(instance).same(self._left.state):
                    found += strategy_state.differences(self._left.state.attributes(), vars(instance), instance)
        else:
            parts = strategy_state.parts(instance)
            for name in {**self._left, **parts}:
                old, new = self._left.get(name), parts.get(name)
                both = isinstance(old, strategy_state.State) and isinstance(new, strategy_state.State)
                if old is not new and not (both and old.same(new)):
                    found.append((name, None, vars(instance).get(name)))
        changes = [(name, plain(old), plain(new)) for name, old, new in found]
        if session.pending or session.touched:
            orders = sorted({o for o in (*session.pending, *session.touched) if o >= 0})
            changes.append(("orders", None, plain([Order(session, o) for o in orders])))
        rng, logs, recorded = self._session_marks()
        if rng != self._marks[0]:
            changes.append(("rng", None, "drawn"))
        if logs != self._marks[1]:
            changes.append(("log", None, session.logs[-1][1]))
        if recorded != self._marks[2]:
            changes.append(("recorded", None, plain(sorted(recorded))))
        return changes

    # -- searching

    def _search(self, last: int, what: str, code: CodeType | None) -> bool:
        drive = self._drive
        if code is None and self.branch is None and self._final is not None and self.copyable:
            bars = stops.bars_of(what, self._final[0])
            at = int(bars.searchsorted(self.bar, side="right"))
            found = at < len(bars) and int(bars[at]) < last
            self._go(int(bars[at]) if found else last - 1)
            return found
        counts = stops.Counts(self._session)
        before = counts.of(what) if code is None else 0
        names = stops.names(self.setup.strategy)
        began = clock.perf_counter()
        while drive.next < last and not drive.done:
            self._walk(drive.next + 1)
            if counts.of(what) > before if code is None else self._true(what, code, names):
                return True
            if clock.perf_counter() - began > self._spacing:
                self._keep()
                began = clock.perf_counter()
        return False

    def _true(self, text: str, code: CodeType, names: dict[str, Any]) -> bool:
        try:
            yes = bool(eval(code, names, {"self": self._drive.instance}))
        except Exception as error:
            raise self._refusal(
                f"until({text!r}) raised {type(error).__name__}: {error}", code="EXPRESSION_FAILED",
                where=f"bar {self.bar}, {self.time}",
            ) from error  # fmt: skip
        if self._session.pending:
            raise self._refusal(f"until({text!r}) submits orders: an expression only looks", code="BAD_EXPRESSION")
        return yes

    # -- errors

    def _refusal(self, message: str, **kwargs: Any) -> Exception:
        from alphintra.errors import ReplayError

        return ReplayError(message, **kwargs)

    def _at_end(self) -> Exception:
        if self._session.books.reg[codes.S_BANKRUPT]:
            return self._refusal(f"the account went bankrupt at {self.time}: the run ends there", code="AT_END")
        return self._refusal(f"the replay stands at the last bar, {self.time}", code="AT_END")

    def __repr__(self) -> str:
        when = "before the first bar" if self.time is None else f"{self.time:%Y-%m-%d %H:%M}"
        said = f", {self.branch!r}" if self.branch is not None else ""
        name = self.setup.strategy.__name__
        return f"<replay of {name} on {self.setup.market.name}: {when}, bar {self.bar} of {self.count}{said}>"


def _at_least_one(n: Any) -> None:
    from alphintra.errors import ReplayError

    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ReplayError(f"{n!r} is no number of bars", code="BAD_NUMBER", hint="a whole number from 1 on")


def _marked(result: Result, branch: Branch) -> Result:
    """A result that says what was done to the run by hand."""
    when = "before the first bar" if branch.time is None else f"at {branch.time:%Y-%m-%d %H:%M}"
    result.assumptions.insert(
        0,
        {
            "code": "changed_by_hand", "text": f"changed by hand {when}: {branch.text}", "level": "warning",
            "rule": None, "items": [f"{name}: {before!r} → {after!r}" for name, before, after in branch.changes],
        },
    )  # fmt: skip
    result.run["branch"] = {
        "bar": branch.bar,
        "time": None if branch.time is None else branch.time.isoformat().replace("+00:00", "Z"),
        "changes": [list(change) for change in branch.changes],
    }
    return result

