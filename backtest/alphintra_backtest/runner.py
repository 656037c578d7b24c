"""A whole run: begin, walk the bars, collect the result."""

from __future__ import annotations

import contextlib
import gc
import io
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import codes, signals_data, signals_run
from .beginning import begin, first_bar, instance_of, set_up
from .blame import blame
from .drive import Drive, close_at_end
from .options import ENTRY_RULES, Options
from .session import Session

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result

    from .watch import Watch

#: Bars between two looks at the progress callback.
STRIDE = 20_000


def run(
    strategy: type,
    data: Any,
    *,
    progress: Callable[[float, int], None] | None = None,
    check: int = 0,
    check_seconds: float | None = None,
    **arguments: Any,
) -> Result:
    """Run a backtest; see ``alphintra.backtest``, whose arguments those of ``set_up`` are.

    ``progress`` takes a fraction and a time in µs. ``check`` is the number of points at which look-ahead is looked for
    (F12); ``check_seconds`` after the run's beginning no more is checked.
    """
    began = clock.perf_counter()
    # What is checked runs bar by bar: the same orders, and every decision can be looked at.
    setup = set_up(strategy, data, by_bar=bool(check), **arguments)
    form, values, config, start = setup.form, setup.values, setup.config, setup.start
    watch, told = None, progress
    if check:
        from .check import first_run

        watch, told = first_run(progress)
    session, first, end_bar = _simulate(form, values, setup.market, config, start, told, watch)
    result = setup.result(session, first, end_bar, began, entry_rules(session, end_bar, form, values, start))
    session.release()
    if watch is not None:
        from .check import examine

        def again(part: MarketData, look: Watch, tell: Callable[[float, int], None]) -> None:
            _simulate(form, values, part, config, start, tell, look)[0].release()

        until = None if check_seconds is None else began + check_seconds
        examine(result, strategy, again, watch, first, check, until, progress)
    return result


def _simulate(
    strategy: type,
    values: Mapping[str, Any],
    market: MarketData,
    config: Options,
    start: Any,
    progress: Callable[[float, int], None] | None,
    watch: Watch | None = None,
) -> tuple[Session, int, int]:
    """Run to the end; returns the session, the timestamp of the first ``on_bar`` and that after the last."""
    if signals_run.is_compiled(strategy):
        session = Session(market, config)
        instance = instance_of(strategy, values)
        instance._run = signals_data.Asking(session)
        with blame(strategy, session):
            instance.__init__()
            asked = signals_data.ask(instance, session)
        first = first_bar(session, strategy, start)
        end_bar = signals_run.walk(session, asked, first, progress)
        session.cursor.i = end_bar - 1
        session.ended = True
        close_at_end(session, end_bar)
        return session, first, end_bar
    drive = begin(strategy, values, market, config, start, watch)
    session = drive.session
    with blame(strategy, session):
        with young_garbage_only():
            end_bar = _walk(drive, progress, watch)
        if watch is not None:
            watch.closed(end_bar - 1)
        drive.stop()
    close_at_end(session, end_bar)
    return session, drive.first, end_bar


def entry_rules(
    session: Session, end_bar: int, strategy: type, values: Mapping[str, Any], start: Any
) -> dict[str, str]:
    """Final equity under each ``entry_bar`` (F15): runs again with the other two, without their prints.

    Nothing where no entry bar of the run was in doubt.
    """
    from alphintra.errors import AlphintraError

    out: dict[str, str] = {}
    if not session.books.reg[codes.S_AMBIGUOUS_ENTRY]:
        return out
    for rule in ENTRY_RULES:
        if rule == session.config.rules["entry_bar"]:
            out[rule] = f"final equity {_final_equity(session, end_bar):,.2f}"
            continue
        rules = {**session.config.rules, "entry_bar": rule}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                other, _, last = _simulate(
                    strategy, values, session.market, replace(session.config, rules=rules), start, None
                )
            out[rule] = f"final equity {_final_equity(other, last):,.2f}"
        except AlphintraError as error:
            out[rule] = f"the run failed: {error.message}"
    return out


def _final_equity(session: Session, end_bar: int) -> float:
    return float(session.core.equity_at(session.calls.m, session.calls.b, end_bar - 1, False))


class _Running:
    """How many runs of this process there are at the moment, which may be in several threads."""

    lock = threading.Lock()
    count = 0
    others = False
    """Whether the program has set objects aside itself: to let go of ours would let go of its own."""


@contextlib.contextmanager
def young_garbage_only() -> Iterator[None]:
    """Keep Python's collector from walking all libraries again and again: a run makes many small objects.

    What was there before is set aside, what the run makes is collected as always.
    """
    with _Running.lock:
        if not _Running.count and not _Running.others:
            # They are counted one by one, but not again once there were some.
            _Running.others = gc.get_freeze_count() > 0
        ours = not _Running.others
        if ours:
            _Running.count += 1
            if _Running.count == 1:
                gc.freeze()
    try:
        yield
    finally:
        if ours:
            with _Running.lock:
                _Running.count -= 1
                if not _Running.count:
                    gc.unfreeze()


def _walk(drive: Drive, progress: Callable[[float, int], None] | None, watch: Watch | None = None) -> int:
    """Walk the bars; returns the number of timestamps that were reached (fewer after a bankruptcy)."""
    count, time = drive.count, drive.session.grid.time
    # A slow strategy on few bars must show that it moves: at least a hundred looks at the progress.
    stride = count if progress is None else max(1, min(STRIDE, count // 100))
    mark = count if watch is None else watch.mark  # the next timestamp after which the watch looks at the books
    while not drive.done:
        if drive.next > mark:
            assert watch is not None
            mark = watch.look()
        drive.advance_to(min(drive.next + stride, mark + 1))
        if progress is not None:
            progress(drive.next / count, int(time[min(drive.next, count - 1)]))
    return drive.next
