"""A run before its first bar: arguments checked, data read, the strategy made and started.

A backtest and a replay begin here, so that both are the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import fitting, signals_run
from .admission import flush
from .blame import blame
from .buy_and_hold import check_dates
from .collect import collect
from .drive import Drive
from .options import Options, in_phases, options
from .session import Session

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result

    from .replay.entry import OrderLines
    from .watch import Watch


@dataclass(frozen=True, eq=False)
class Setup:
    """What a run is made of, all of it checked.

    Attributes:
        strategy: The class as it was given.
        form: The class that runs: for signals their ``on_bar`` form, where it is not the compiled one.
        values: The value of each parameter.
        market: The data.
        config: Cash, costs and rules.
        against: Data of the benchmark, ``None`` for buy and hold.
        start: As it was given; ``end`` and ``benchmark`` likewise.
    """

    strategy: type
    form: type
    values: Mapping[str, Any]
    market: MarketData
    config: Options
    against: MarketData | None
    start: Any
    end: Any
    benchmark: Any

    def result(
        self, session: Session, first: int, end_bar: int, began: float, entry_rules: Mapping[str, str]
    ) -> Result:
        """The result of a session that has ended; see ``collect.collect``."""
        return collect(
            session, self.strategy, self.values, first, end_bar, self.against, self.start, self.end, self.benchmark,
            began, entry_rules,
        )  # fmt: skip


def set_up(
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
    features: Any = None,
    reference: str | None = None,
    by_bar: bool = False,
    compiled: bool = True,
) -> Setup:
    """Check the arguments of a run and read its data; see ``alphintra.backtest``.

    ``by_bar`` asks for the ``on_bar`` form of signals, which ``compiled=False`` does, too.

    Raises:
        AlphintraError: An argument does not fit; each names itself.
    """
    from alphintra.data import resolve
    from alphintra.errors import DataError, ParameterError
    from alphintra.params import bind
    from alphintra.strategy import Strategy

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
        rates=rates, detail=detail, features=features, reference=reference,
    )  # fmt: skip
    check_features(strategy, market)
    if market.closes_only:
        raise DataError(
            f"{market.name} has closing prices only: there is no open to fill at",
            code="NOT_TRADABLE",
            hint="choose a dataset with open, high, low and close",
        )
    against = against_of(benchmark, end)
    if against is not None:
        check_dates(against, market, start)
    by_bar = by_bar or not in_phases(config)
    form = form_of(strategy, False if by_bar and compiled is True else compiled)
    return Setup(strategy, form, values, market, config, against, start, end, benchmark)


def check_features(strategy: type, market: MarketData) -> None:
    """Check that a strategy can read the features that the data has.

    Raises:
        ParameterError: It has a member ``features`` of its own, which hides them.
    """
    from alphintra.errors import ParameterError
    from alphintra.strategy import Strategy

    if market.features and vars(Strategy)["features"] is not getattr(strategy, "features", None):
        raise ParameterError(
            f"{strategy.__name__} has a member features of its own, which hides those of the run", where="features",
            hint="Rename it.",
        )  # fmt: skip


def begin(
    strategy: type,
    values: Mapping[str, Any],
    market: MarketData,
    config: Options,
    start: Any,
    watch: Watch | OrderLines | None = None,
) -> Drive:
    """Make a strategy that runs by ``on_bar``, start it, and stand before the first bar.

    Raises:
        StrategyError: Its ``__init__``, ``fit`` or ``on_start`` raised.
        WarmUpError: It would never be called.
    """
    session = Session(market, config)
    if watch is not None:
        watch.attach(session)
    instance = instance_of(strategy, values)
    instance._run = session
    instance.data = session.data
    with blame(strategy, session):
        instance.__init__()
        if fitting.defines_fit(strategy):
            fitting.fit(instance, session, starts_at(session, start), len(session.grid.time))
        instance.on_start()
    first = first_bar(session, strategy, start)
    flush(session)
    return Drive(session, instance, first)


def instance_of(strategy: type, values: Mapping[str, Any]) -> Any:
    """A strategy that has its parameters and nothing else yet: ``__init__`` is not called."""
    instance: Any = strategy.__new__(strategy)  # type: ignore[call-overload]
    for name, value in values.items():
        setattr(instance, name, value)
    return instance


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
