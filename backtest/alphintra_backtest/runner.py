"""A whole run: check, start, walk the bars, collect the result."""

from __future__ import annotations

import contextlib
import gc
import io
import sysconfig
import time as clock
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes, fitting, signals_data, signals_run
from .buy_and_hold import check_dates
from .drive import Drive, close_at_end
from .options import ENTRY_RULES, Options, in_phases, options
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
    start: Any = None,
    end: Any = None,
    cash: Any = 100_000,
    commission: Any = None,
    slippage: Any = 0,
    profile: str = "default",
    benchmark: Any = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    risk_free_rate: Any = 0.0,
    rules: Mapping[str, Any] | None = None,
    instruments: Any = None,
    currency: str = "USD",
    rates: Any = None,
    detail: Any = None,
    progress: Callable[[float, int], None] | None = None,
    check: int = 0,
    check_seconds: float | None = None,
    compiled: bool = True,
) -> Result:
    """Run a backtest; see ``alphintra.backtest``. ``progress`` takes a fraction and a time in µs.

    ``check`` is the number of points at which look-ahead is looked for (F12); ``check_seconds`` after the run's
    beginning no more is checked.
    """
    from alphintra.data import resolve
    from alphintra.errors import DataError, ParameterError
    from alphintra.params import bind
    from alphintra.strategy import Strategy

    from .collect import collect

    began = clock.perf_counter()
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a Strategy class", hint="pass the class itself: al.backtest(MyStrategy, …)"
        )
    fitting.check_alone(strategy)
    config = options(
        cash=cash, commission=commission, slippage=slippage, profile=profile, risk_free_rate=risk_free_rate,
        seed=seed, rules=rules or {},
    )  # fmt: skip
    values = bind(strategy, params)
    market = resolve(
        data, start=start, end=end, prices=config.rules["prices"], instruments=instruments, currency=currency,
        rates=rates, detail=detail,
    )  # fmt: skip
    if market.closes_only:
        raise DataError(
            f"{market.name} has closing prices only: there is no open to fill at",
            code="NOT_TRADABLE",
            hint="choose a dataset with open, high, low and close",
        )
    against = against_of(benchmark, end)
    if against is not None:
        check_dates(against, market, start)
    # What is checked runs bar by bar: the same orders, and every decision can be looked at.
    by_bar = bool(check) or not in_phases(config)
    form = form_of(strategy, False if by_bar and compiled is True else compiled)
    watch, told = None, progress
    if check:
        from .check import first_run

        watch, told = first_run(progress)
    session, first, end_bar = _simulate(form, values, market, config, start, told, watch)
    others: dict[str, str] = {}
    if session.books.reg[codes.S_AMBIGUOUS_ENTRY]:
        others = _under_each_entry_rule(session, end_bar, form, values, start)
    result = collect(session, strategy, values, first, end_bar, against, start, end, benchmark, began, others)
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
    session = Session(market, config)
    if watch is not None:
        watch.attach(session)
    instance: Any = strategy.__new__(strategy)  # type: ignore[call-overload]
    for name, value in values.items():
        setattr(instance, name, value)
    if signals_run.is_compiled(strategy):
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
    instance._run = session
    instance.data = session.data
    with blame(strategy, session):
        instance.__init__()
        if fitting.defines_fit(strategy):
            fitting.fit(instance, session, starts_at(session, start), len(session.grid.time))
        instance.on_start()
    first = first_bar(session, strategy, start)
    session.flush()
    drive = Drive(session, instance, first)
    with blame(strategy, session):
        with young_garbage_only():
            end_bar = _walk(drive, progress, watch)
        if watch is not None:
            watch.closed(end_bar - 1)
        drive.stop()
    close_at_end(session, end_bar)
    return session, first, end_bar


def against_of(benchmark: Any, end: Any) -> MarketData | None:
    """Data of the one symbol that a run is compared with; ``None`` where none is named.

    Raises:
        DataError: It cannot be read, or has several symbols.
    """
    from alphintra.data import resolve
    from alphintra.errors import DataError

    if benchmark is None:
        return None
    against = resolve(benchmark, end=end)
    if len(against.symbols) > 1:
        raise DataError(
            f"the benchmark {against.name} has {len(against.symbols)} symbols",
            hint=f"choose one, such as {against.name.split('/')[0]}/{against.symbols[0]}",
        )
    return against


def form_of(strategy: type, compiled: bool) -> type:
    """The class to run: as it is, or in its ``on_bar`` form where ``compiled`` is False.

    Raises:
        ParameterError: ``compiled`` is no bool.
        SignalsError: The class has signals alone, and overrides an event that a compiled run never calls.
    """
    from alphintra.errors import ParameterError

    if not isinstance(compiled, bool):
        raise ParameterError(f"compiled is true or false, got {compiled!r}", where="compiled")
    if not signals_run.defines_signals(strategy):
        return strategy
    signals_run.check_events(strategy)
    return strategy if compiled else signals_run.by_bar(strategy)


def first_bar(session: Session, strategy: type, start: Any) -> int:
    """Timestamp of the first decision (F13)."""
    from alphintra.errors import WarmUpError

    first = max(ready_at(session), starts_at(session, start))
    if first >= len(session.grid.time):
        raise _never_ready(session, strategy, WarmUpError)
    return first


def ready_at(session: Session) -> int:
    """Timestamp at which the indicators are ready as the rules ask for (F13); T or more where they never are."""
    ready = [session.first_ready(s) for s in range(len(session.symbols))]
    when = session.config.rules["first_bar"]
    if when == "every":
        return 0
    return min(ready) if when == "any_ready" else max(ready) + (when == "bar_after_all_ready")


def starts_at(session: Session, start: Any) -> int:
    """First timestamp at or after ``start``; T where there is none."""
    from alphintra.data.bounds import parse_bound

    bound = parse_bound(start, "start")
    if bound is None:
        return 0
    reached = bound.starts(session.grid.session, session.grid.time)
    return int(np.argmax(reached)) if reached.any() else len(session.grid.time)


def _under_each_entry_rule(
    session: Session, end_bar: int, strategy: type, values: Mapping[str, Any], start: Any
) -> dict[str, str]:
    """Final equity under each ``entry_bar`` (F15): runs again with the other two, without their prints."""
    from alphintra.errors import AlphintraError

    out = {}
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


def _never_ready(session: Session, strategy: type, kind: type[Exception]) -> Exception:
    count = len(session.grid.time)
    late = [c for c in session.indicators if c.first >= count]
    if late:
        worst = max(late, key=lambda c: c.needs)
        return kind(
            f"{strategy.__name__} was never called: {worst.name} needs more than the "
            f"{len(worst.series.timeline.positions)} bars there are",
        )
    return kind(f"{strategy.__name__} was never called: no bar at or after start has all indicators defined")


@contextlib.contextmanager
def young_garbage_only() -> Iterator[None]:
    """Keep Python's collector from walking all libraries again and again: a run makes many small objects.

    What was there before is set aside, what the run makes is collected as always.
    """
    if gc.get_freeze_count():  # somebody does so already: another run, or a program of its own
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
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


@contextlib.contextmanager
def blame(strategy: type, session: Session) -> Iterator[None]:
    """Turn what the strategy raises into an error that names its file, line and the bar's time."""
    from alphintra.errors import AlphintraError, SignalsError, StrategyError

    from .handles import stamp

    try:
        yield
    except StrategyError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        traders = [f for f in frames if not f.filename.startswith(_not_the_traders())]
        if isinstance(error, SignalsError) and not traders:
            raise  # what signals returned does not fit: no line of the trader's has failed
        own = (
            traders
            or [f for f in frames if not f.filename.startswith(_ours())]
            or frames
        )
        i = session.cursor.i
        bar = stamp(int(session.grid.time[i])).isoformat().replace("+00:00", "Z") if i >= 0 else None
        code = error.code if isinstance(error, AlphintraError) else "STRATEGY_ERROR"
        what = f"raised {type(error).__name__}: {_text(error)}"
        if isinstance(error, MemoryError):
            code, what = "MEMORY_LIMIT", "needed more memory than it may use"
        elif isinstance(error, SystemExit):
            what = f"ended the process (sys.exit({error.code!r}))"
        raise StrategyError(
            f"{strategy.__name__} {what}",
            file=own[-1].filename,
            line=own[-1].lineno,
            bar_time=bar,
            code=code,
        ) from error


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a trader's own class may fail to make its text
        return "(its text cannot be read)"


@cache
def _ours() -> tuple[str, ...]:
    """Folders of the engine and the SDK: a failure is the trader's line, not the verb that noticed it."""
    import alphintra

    return tuple(f"{Path(str(f)).parent}/" for f in (__file__, alphintra.__file__))


@cache
def _not_the_traders() -> tuple[str, ...]:
    """Beside ours, the folders of installed libraries and of Python."""
    return (*_ours(), *(f"{sysconfig.get_path(name)}/" for name in ("purelib", "platlib", "stdlib")))
