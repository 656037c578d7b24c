"""A run that can be put at any of its bars: walked on, or from the nearest copy of an earlier one."""

from __future__ import annotations

import contextlib
import time as clock
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from alphintra_backtest import beginning
from alphintra_backtest.blame import blame
from alphintra_backtest.runner import young_garbage_only

from . import stops, strategy_state, timeline
from .debugging import undisturbed
from .entry import OrderLines
from .timeline import Kept, Line
from .walking import Gate, advance, muted

if TYPE_CHECKING:
    from alphintra.errors import StrategyError

    from alphintra_backtest.drive import Drive
    from alphintra_backtest.session import Session

#: Seconds of the run between two copies; a copy that takes long is made less often.
SPACING = 0.02
#: Part of the run's time that copies may take.
SHARE = 0.1
#: Part of the time between two copies that lies between those near a bar that was gone back to.
NEAR = 0.125
#: Seconds after which a run that cannot be copied looks whether it is to stop.
LOOK = 0.25


class Track:
    """A run, its copies, and where on it one stands.

    Args:
        setup: What the run is made of.
        limit: Bytes of copies.
        gate: Says when a movement is to stop.

    Attributes:
        drive: Walks the session; another one after a run from the start.
        line: The run, or the branch of it, that it stands on; ``root`` is the run itself.
        lines: File and line of the trader's source that asked for each order.
        copyable: Whether the strategy could always be copied.
        why_not: What could not.
        broken: Whether it stands inside of a bar: something went wrong on the way.
        logged: How much the whole run had logged before it was ended.
        a_bar: Seconds that a bar took.
    """

    drive: Drive
    line: Line
    root: Line
    logged: stops.Logged
    a_bar: float

    def __init__(self, setup: beginning.Setup, limit: int, gate: Gate) -> None:
        self.setup = setup
        self.limit = limit
        self.copyable, self.why_not = True, ""
        self.broken = False
        #: Asked after each stretch of a walk: whether to leave it there.
        self.left: Callable[[], bool] | None = None
        self._walked: Line | None = None
        self.spacing = self._least = SPACING
        self._gate = gate
        self._bytes = 0
        self._newest: Kept | None = None
        self.begin()

    @property
    def bar(self) -> int:
        """The last timestamp that is done."""
        return self.drive.next - 1

    @property
    def session(self) -> Session:
        """The account, orders and logs."""
        return self.drive.session

    # -- the run

    def begin(self) -> None:
        """Make the strategy, stand before its first bar, and keep that."""
        setup = self.setup
        self.lines = OrderLines()
        self.drive = beginning.begin(
            setup.form, setup.values, setup.market, setup.config, setup.start, self.lines
        )
        self.line = self.root = Line(self.bar)
        self.broken = False
        self._newest, self._bytes = None, 0
        self.keep()

    def run(self) -> tuple[tuple[Session, int] | None, StrategyError | None]:
        """Take the whole run: the session at its end and the timestamp after the last, or what the strategy raised."""
        from alphintra.errors import StrategyError

        ended, failed = None, None
        began, first = clock.perf_counter(), self.bar
        try:
            with young_garbage_only():
                self.walk(self.drive.count)
            self.keep()
        except StrategyError as error:
            failed = error
        if self.copyable:
            self.root.reached = self.session.reached()
        self.a_bar = (clock.perf_counter() - began) / max(1, self.bar - first)
        self.logged = stops.Logged.of(self.session)
        if failed is None:
            try:
                ended = self.finish()
            except StrategyError as error:
                failed = error
        return ended, failed

    def finish(self) -> tuple[Session, int]:
        """End the run where it stands, keep what its result is made of, and undo the end."""
        session, state = self.drive.snapshot(), self.copy()
        with self._unsafe():
            try:
                with blame(self.setup.form, self.session):
                    end = self.drive.finish()
                return self.session.frozen(), end
            finally:
                self.drive.restore(session)
                if state is not None:
                    strategy_state.put_back(self.drive.instance, state)

    def walk(self, stop: int, *, near: bool = False) -> None:
        """Take the timestamps before ``stop``, and keep copies on the way; fewer after a bankruptcy.

        ``near`` a bar that is gone back to the copies are closer, for the next steps back.

        Raises:
            StrategyError: The strategy raised: it stands at the bar before.
        """
        drive = self.drive
        while drive.next < stop and not drive.done:
            self._gate.look()
            if self.left is not None and self.left():
                return
            try:
                with self._unsafe(), blame(self.setup.form, self.session):
                    advance(drive, stop, self.spacing * (NEAR if near else 1.0) if self.copyable else LOOK)
            except Exception:
                self.left = None
                with undisturbed(), muted():
                    self.go(max(self.session.cursor.i, self.drive.first) - 1)
                raise
            if drive.next < stop:
                if near:
                    self.stand()
                else:
                    self.keep()

    @property
    def walked(self) -> bool:
        """Whether it stands in a run of :meth:`walk_on`."""
        return self.line is self._walked

    def walk_on(self, bar: int) -> None:
        """Go to a bar, back from a copy but on bar by bar: something may be changed in each.

        What comes after is another run than the one that is kept, for all that is known.
        """
        if self.broken or bar < self.bar:
            with muted():
                self.go(bar)
        if self.line is self._walked:
            self._bytes -= self.line.cut(self.bar)
        elif self.copyable:
            self.remember()
            self._walked = self.line = Line(self.bar, self.line)
            self.keep()
        self.walk(bar + 1)

    # -- copies

    def copy(self) -> strategy_state.State | None:
        """The strategy's attributes as they are; ``None`` where they cannot be copied, and why is kept."""
        try:
            return strategy_state.copied(self.drive.instance)
        except strategy_state.UncopiableError as error:
            self.copyable, self.why_not = False, str(error)
            return None

    def kept(self) -> Kept | None:
        """A copy of where it stands."""
        state = self.copy()
        if state is None:
            return None
        self._newest = timeline.kept(self.drive.snapshot(), self.bar, state, self._newest)
        return self._newest

    def keep(self) -> None:
        """Keep a copy of where it is among those that are spaced by time."""
        _ = self.session.book  # round trips are matched once for each fill, however many copies there are
        began = clock.thread_time()
        one = self.kept()
        if one is not None:
            self._count(self.line.add(one))
            self.spacing = max(self._least, (clock.thread_time() - began) / SHARE)

    def stand(self) -> Kept | None:
        """Keep a copy of where a movement ended; ``None`` where there can be none."""
        one = self.kept()
        if one is not None:
            self.line.stood(one)
            self._count(one.size)
        return one

    def _count(self, more: int) -> None:
        self._bytes += more
        if self._bytes > self.limit:
            lines = self.all_lines()
            if timeline.fit(lines, self.line, self.limit) and self.line is self.root:
                self._least *= 2
            self._bytes = timeline.size_of(lines)

    def all_lines(self) -> list[Line]:
        """The line it stands on, and those that it comes of."""
        found, line = [self.line], self.line
        while line.parent is not None:
            line = line.parent
            found.append(line)
        return found

    # -- going to a bar

    def go(self, target: int) -> None:
        """Stand at a bar of this line, or of what it comes of where that is before its beginning.

        Raises:
            ReplayError: ``NOT_COPYABLE``: a branch whose strategy cannot be copied cannot be gone back in.
            StrategyError: The strategy raised on the way; it stands at the bar before.
        """
        line = self.line_of(target)
        back = self.broken or line is not self.line or target < self.bar
        if back:
            self._return(line, target)
        else:
            found = line.last(target, self.bar)
            if found is not None and found.bar > self.bar:
                self.restore(line, found, ahead=True)
        self.walk(target + 1, near=back)

    def line_of(self, target: int) -> Line:
        """The line that a bar is on: this one, or what it comes of."""
        line = self.line
        while line.parent is not None and target < line.start:
            line = line.parent
        return line

    def _return(self, line: Line, target: int) -> None:
        """Go back to the last copy at or before a bar; without one, to the beginning of the run."""
        if not self.broken:
            self.remember()
        # Inside of a bar the one before it is the last that is as it was.
        here = self.session.cursor.i - 1 if self.broken else self.bar
        found = line.last(target, here)
        if found is not None:
            self.restore(line, found, ahead=found.bar > here)
        elif line.parent is None or self.broken:
            self.begin()
        else:
            raise self._not_copyable()

    def again(self) -> None:
        """Take the bar where it stands once more: something was done there that is not to be."""
        bar, self.broken = self.bar, True
        self.go(bar)

    def restore(self, line: Line, found: Kept, *, ahead: bool) -> None:
        """Stand at a copy; ``ahead`` of what the session holds."""
        with self._unsafe():
            self.drive.restore(found.session, line.reached if ahead else None)
            strategy_state.put_back(self.drive.instance, found.state)
        self.line, self._newest = line, found

    def recover(self) -> None:
        """After a stop anywhere: stand at the nearest bar that can be had at once."""
        if not self.broken:
            return
        line = self.line
        far = line.reached is not None
        here = line.reached.bar if line.reached is not None else self.session.cursor.i - 1
        found = line.last(min(here, max(self.session.cursor.i, self.drive.first) - 1), here)
        if found is None:
            self.begin()
        else:
            self.restore(line, found, ahead=far)

    def remember(self) -> None:
        """Before leaving the farthest bar of a branch: keep what going ahead to it takes."""
        line = self.line
        if self.copyable and (line.reached is None or line.reached.bar < self.bar):
            line.reached = self.session.reached()

    def branch_off(self) -> None:
        """Go on from here as another line: the strategy was changed, and what it submitted is handed over.

        Raises:
            StrategyError: The strategy raised when it heard of that; it stands here as it was before the change.
        """
        start, parent = self.bar, self.line
        self.remember()
        before = parent.recent.get(start)
        try:
            with self._unsafe(), blame(self.setup.form, self.session):
                self.drive.take_in()
        except Exception:
            if before is None:
                self.begin()
                self.walk(start + 1)
            else:
                self.restore(parent, before, ahead=parent.reached is not None)
            raise
        self.line = Line(start, parent)
        self.keep()

    @contextlib.contextmanager
    def _unsafe(self) -> Iterator[None]:
        """Until it ends well, the run stands inside of a bar."""
        self.broken = True
        yield
        self.broken = False

    def _not_copyable(self) -> Exception:
        from alphintra.errors import ReplayError

        return ReplayError(
            f"a branch cannot be gone back in: {self.why_not}", code="NOT_COPYABLE",
            hint="go to a bar before the change, which runs again from the start without it",
        )  # fmt: skip
