"""One account through all test windows (W1): each has an instance of its own, which takes over cash and positions.

At the last close of a window the instance's ``on_stop`` is called and its working orders are cancelled, those that
protect a position included: the next instance could not know them. Then the next one starts as in any run: its
indicators are computed on the whole data (F13), and its ``on_start`` is called. Where nobody trades, because nothing
was chosen or the windows leave a gap, what is held is closed at the next opens.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest import codes, fitting
from alphintra_backtest.admission import flush
from alphintra_backtest.beginning import ready_at
from alphintra_backtest.blame import blame
from alphintra_backtest.drive import Drive, close_at_end
from alphintra_backtest.runner import young_garbage_only
from alphintra_backtest.session import Session

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import IndicatorSeries

    from alphintra_backtest.options import Options

#: Tag of the orders that close what is held at the end of a window.
CLOSING = "window ended"


@dataclass(frozen=True, eq=False)
class Stretch:
    """Timestamps that one instance trades, or nobody.

    Attributes:
        first: First timestamp.
        stop: That after the last one.
        params: The instance's parameters; ``None`` where nobody trades.
        train: Timestamps from which it may learn: the first, and that after the last one.
        window: Number of the window whose test it is, from 1; 0 in a gap.
    """

    first: int
    stop: int
    params: Mapping[str, Any] | None
    train: tuple[int, int]
    window: int = 0


@dataclass(eq=False)
class Walked:
    """An account that has gone through all stretches.

    Attributes:
        session: Its session.
        stop: Timestamp after the last one that was reached: fewer than there are after a bankruptcy.
        ready: Per stretch that was reached the timestamp of its first ``on_bar``; ``None`` where it was never called.
        indicators: What the instances drew, each within its own stretch.
        stretches: What it was taken through.
    """

    session: Session
    stop: int = 0
    ready: list[int | None] = field(default_factory=list)
    indicators: list[IndicatorSeries] = field(default_factory=list)
    stretches: Sequence[Stretch] = ()

    def started(self, first: int) -> int | None:
        """Timestamp of the first ``on_bar`` in the stretch that begins at ``first``; ``None`` where there is none."""
        found = [at for part, at in zip(self.stretches, self.ready, strict=False) if part.first == first]
        return found[0] if found else None


def walk(
    strategy: type,
    market: MarketData,
    config: Options,
    stretches: Sequence[Stretch],
    *,
    flatten: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> Walked:
    """Take one account through consecutive stretches.

    Args:
        strategy: A class that runs by ``on_bar``.
        market: The whole data.
        config: Costs, rules and starting cash.
        stretches: Each begins where the one before it ends.
        flatten: Close all positions between two stretches, at the next opens and with costs.
        progress: Called with the finished fraction and a text.

    Raises:
        StrategyError: The strategy's own code raised.
    """
    from alphintra.strategy import Strategy

    session = Session(market, config)
    walked = Walked(session, stretches=stretches)
    drawn: dict[tuple[int, int], _Drawn] = {}
    for n, part in enumerate(stretches):
        with _part_told(session, part), blame(strategy, session), young_garbage_only():
            if n:
                _take_over(session, part, close=flatten or part.params is None)
            nobody = _instance(Strategy, {}, session)
            if part.params is None:
                walked.ready.append(None)
                _drive(session, nobody, part.first, part.stop)
            else:
                instance = _instance(strategy, part.params, session)
                _start(instance, session, part)
                _draw(session, part, drawn)
                first = max(ready_at(session), part.first)
                walked.ready.append(first if first < part.stop else None)
                if n:  # the account goes on while indicators are not ready; before the first stretch there is none
                    _drive(session, nobody, part.first, min(first, part.stop))
                _drive(session, instance, first, part.stop)
                if not session.books.reg[codes.S_BANKRUPT]:
                    session.cursor.i = part.stop - 1  # also where it was never called
                _stop(instance, session)
            walked.stop = session.cursor.i + 1
        if session.books.reg[codes.S_BANKRUPT]:
            break
        if progress is not None:
            progress((n + 1) / len(stretches), f"account: {n + 1} of {len(stretches)} stretches")
    session.ended = True
    close_at_end(session, walked.stop)
    walked.indicators = [found.series(session) for found in drawn.values()]
    return walked


def day(axis: Session, timestamp: int) -> date:
    """The session of a timestamp."""
    return date(1970, 1, 1) + timedelta(days=int(axis.grid.session[timestamp]))


def which_run(run: Mapping[str, Any] | None, window: int, part: str, first: date, last: date) -> dict[str, Any]:
    """Say of a run which part of which window it was; see ``alphintra.StrategyError.run``."""
    return {**(run or {}), "window": window, "part": part, "start": first.isoformat(), "end": last.isoformat()}


@contextlib.contextmanager
def _part_told(session: Session, part: Stretch) -> Iterator[None]:
    """Have an error of the strategy say which window it traded, with which parameters."""
    from alphintra.errors import StrategyError

    try:
        yield
    except StrategyError as error:
        days = day(session, part.first), day(session, part.stop - 1)
        error.run = which_run({"parameters": dict(part.params or {})}, part.window, "test", *days)
        raise


def _instance(strategy: type, params: Mapping[str, Any], session: Session) -> Any:
    instance: Any = strategy.__new__(strategy)  # type: ignore[call-overload]
    for name, value in params.items():
        setattr(instance, name, value)
    instance._run, instance.data = session, session.data
    return instance


def _drive(session: Session, instance: Any, first: int, stop: int) -> None:
    """Take the timestamps from ``first`` to ``stop − 1``; none where the account has come to its end."""
    if first < stop and not session.books.reg[codes.S_BANKRUPT]:
        drive = Drive(session, instance, first)
        drive.advance_to(stop)
        session.cursor.i = drive.next - 1


def _take_over(session: Session, part: Stretch, *, close: bool) -> None:
    """End what the last instance left working, and where asked for what it holds."""
    books, at = session.books, part.first - 1
    session.ended = False
    session.cursor.i = at
    for o in [int(o) for o in books.active[: books.reg[codes.S_ACTIVE]]]:
        state, role = books.oi[o, codes.I_STATE], books.oi[o, codes.I_ROLE]
        # A liquidation is the account's own order: it is no instance's to lose.
        if state in (codes.WORKING, codes.WAITING) and role != codes.LIQUIDATE:
            books.make_room()
            session.caught_up(o)
            session.core.finish(session.calls.b, at, o, codes.CANCELLED, codes.WINDOW_ENDED, codes.PH_CLOSE)
    session.core.compact(session.calls.b)
    session.mirror()
    if close:
        for symbol in list(session.positions()):
            session.close(symbol, CLOSING)
        flush(session)


def _start(instance: Any, session: Session, part: Stretch) -> None:
    """Call ``__init__``, ``fit`` and ``on_start`` as a fresh run does; what these submit works from the next bar."""
    from alphintra.signals import SignalsReference

    at, lines = session.cursor.i, len(session.logs)
    session.indicators = []
    session._cache.clear()
    session._rng = None
    session.cursor.i = -1
    instance.__init__()
    if fitting.defines_fit(type(instance)):
        fitting.fit(instance, session, *part.train)
    instance.on_start()
    session.cursor.i = at
    if at >= 0:
        session.books.oi[session.pending, codes.I_BAR] = at
        session.logs[lines:] = [(int(session.grid.time[at]), text) for _, text in session.logs[lines:]]
    if isinstance(instance, SignalsReference):
        # Of what is held nobody knows at which weight it was bought: the first weight is ordered.
        instance._weight = dict.fromkeys(session.positions(), math.nan)
    flush(session)
    session.seen_events = int(session.books.reg[codes.S_EVENTS])
    session.told_fills = session.seen_fills


def _stop(instance: Any, session: Session) -> None:
    """Call ``on_stop``; orders are refused there."""
    session.ended = True
    instance.on_stop()
    flush(session)


@dataclass(eq=False)
class _Drawn:
    """One indicator as the instances declared it, one after another."""

    symbol: int
    overlay: bool
    values: Any
    names: list[str] = field(default_factory=list)

    def series(self, session: Session) -> IndicatorSeries:
        from alphintra.result import IndicatorSeries

        shown = self.names if len(self.names) <= 3 else [*self.names[:2], "…"]
        return IndicatorSeries(" / ".join(shown), session.symbols[self.symbol], self.values, self.overlay)


def _draw(session: Session, part: Stretch, drawn: dict[tuple[int, int], _Drawn]) -> None:
    """Keep what the instance's indicators are within its stretch; the n-th of each instance are one line."""
    for n, made in enumerate(session.indicators):
        if made.symbol is None:
            continue
        at = session.grid.positions[made.symbol]
        seen = np.asarray(made.series._as_seen(at), dtype=np.float64)
        line = drawn.setdefault((n, made.symbol), _Drawn(made.symbol, made.overlay, np.full(len(seen), np.nan)))
        own = slice(*np.searchsorted(at, (part.first, part.stop)).tolist())
        line.values[own] = seen[own]
        if made.name not in line.names:
            line.names.append(made.name)
