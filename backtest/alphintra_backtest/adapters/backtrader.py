"""``engine="backtrader"``: an existing ``backtrader.Strategy`` on our data, into our Result.

backtrader decides everything here: when its strategy is called, what fills where, and what it costs. Its
broker and its cerebro are extended by what writes down what they do. backtrader is GPL-3 and an optional extra:
this module alone imports it.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ..blame import blame
from ..session import Session
from . import backtrader_terms as terms
from .backtrader_recorder import NeverReady, RecordingBroker, RecordingEngine
from .recording import Record, write

try:
    import backtrader as bt
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "backtrader":
        raise
    raise terms.missing() from None

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result

VERSION = str(bt.__version__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Feed(bt.feed.DataBase):  # type: ignore[misc]
    """One symbol's bars; ``stamps`` are backtrader's day numbers."""

    params = (("bars", None), ("stamps", None))

    def start(self) -> None:
        super().start()
        bars = self.p.bars
        volume = np.full(len(bars), np.nan) if bars.volume is None else bars.volume
        columns = (self.p.stamps, bars.open, bars.high, bars.low, bars.close, volume)
        self._rows = zip(*(np.asarray(c, dtype=np.float64).tolist() for c in columns), strict=True)

    def _load(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        line = self.lines
        line.datetime[0], line.open[0], line.high[0], line.low[0], line.close[0], line.volume[0] = row
        return True


class _Commission(bt.CommInfoBase):  # type: ignore[misc]
    """A fraction of the notional and an amount per share together."""

    params = (("per_share", 0.0), ("percabs", True), ("stocklike", True), ("commtype", bt.CommInfoBase.COMM_PERC))

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> Any:
        return abs(size) * (self.p.commission * price + self.p.per_share)


class _Broker(RecordingBroker, bt.brokers.BackBroker):  # type: ignore[misc]
    """The broker of a run."""


class _Cerebro(RecordingEngine, bt.Cerebro):  # type: ignore[misc]
    """The engine of a run."""


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
    analyzers: Sequence[Any] = (),
    instruments: Any = None,
    currency: str = "USD",
    rates: Any = None,
    detail: Any = None,
    features: Any = None,
    reference: str | None = None,
    check: int = 0,
    progress: Callable[[float, int], None] | None = None,
) -> Result:
    """Run a ``backtrader.Strategy``; see ``alphintra.backtest``. ``progress`` takes a fraction and a time in µs."""
    from ..collect import collect

    began = clock.perf_counter()
    _check(strategy, params)
    terms.native_only(
        instruments=instruments is not None, rates=rates is not None, detail=detail is not None,
        features=features is not None, reference=reference is not None, check=check > 0,
    )
    own = terms.rules(rules or {}, profile, seed)
    config = terms.options(cash, commission, slippage, risk_free_rate, seed)
    wanted = [_with_arguments(a, bt.Analyzer, "analyzers", "bt.analyzers.SharpeRatio") for a in analyzers]
    sizer = own["sizer"] and _with_arguments(own["sizer"], bt.Sizer, "sizer", "bt.sizers.PercentSizer")
    market, against = terms.markets(data, start, end, benchmark, currency)
    session, record = Session(market, config), Record()
    begin = terms.begin(session, start)
    cerebro = _Cerebro(cheat_on_open=own["cheat_on_open"])
    cerebro.attach(record, begin)
    cerebro.broker = broker = _Broker()
    broker.setcash(config.cash)
    broker.set_coc(own["cheat_on_close"])
    broker.set_checksubmit(own["checksubmit"])
    fees = config.commission
    scheme = _Commission(commission=fees.percent, per_share=fees.per_share)
    if not fees.per_share:
        scheme = bt.CommissionInfo(commission=fees.percent)
    broker.addcommissioninfo(scheme)
    if config.slippage.percent:
        broker.set_slippage_perc(config.slippage.percent)
    elif not config.slippage.free:
        broker.set_slippage_fixed(terms.distance(config))
    slipped = (broker.p.slip_perc, broker.p.slip_fixed)
    if sizer:
        cerebro.addsizer(sizer[0], **sizer[1])
    feeds = _feeds(market, session)
    for feed, symbol in zip(feeds, market.symbols, strict=True):
        cerebro.adddata(feed, name=symbol)
    for kind, arguments in wanted:
        cerebro.addanalyzer(kind, **arguments)
    broker.attach(session, record, feeds, progress)
    cerebro.addstrategy(strategy, **dict(params or {}))
    try:
        with blame(strategy, session):
            ran = cerebro.run()
    except NeverReady as error:
        raise terms.never_called(strategy, market, f"its indicators need {error.needs} bars") from None
    if not ran:
        raise terms.never_called(strategy, market, "it raised StrategySkipError")
    if record.first is None:
        raise terms.never_called(strategy, market, f"its indicators need {max(ran[0]._minperiods)} bars")
    broker.prices()
    record.end()
    write(session, record, float(broker.cash))
    values = {name: terms.plain_value(value) for name, value in ran[0].p._getkwargs().items()}
    last = record.t + 1
    result = collect(session, strategy, values, record.first, last, against, start, end, benchmark, began, {})
    terms.describe(result, broker, record, own, sizer, VERSION, scheme, slipped, begin)
    result.analyzers = {
        name: terms.plain_analysis(analyzer.get_analysis()) for name, analyzer in ran[0].analyzers.getitems()
    }
    session.release()
    return result


def _check(strategy: Any, params: Any) -> None:
    """A backtrader strategy class, and parameters that it has."""
    from alphintra.errors import ParameterError

    if not (isinstance(strategy, type) and issubclass(strategy, bt.Strategy)):
        raise ParameterError(
            f"{strategy!r} is not a backtrader.Strategy class",
            hint='pass the class itself; an alphintra.Strategy runs without engine="backtrader"',
        )
    declared: Any = strategy
    terms.check_params(strategy, params, list(declared.params._getkeys()))


def _with_arguments(given: Any, base: type, what: str, example: str) -> tuple[type, dict[str, Any]]:
    """Read a class, or a class and its arguments."""
    from alphintra.errors import RuleError

    pair = given if isinstance(given, tuple | list) and len(given) == 2 else (given, {})
    kind, arguments = pair
    if not (isinstance(kind, type) and issubclass(kind, base)) or not isinstance(arguments, Mapping):
        raise RuleError(
            f"{what}: {given!r} is neither a backtrader {base.__name__} class nor such a class and its arguments",
            where=what,
            hint=f"for example {example}, or ({example}, {{…}})",
        )
    return kind, dict(arguments)


def _feeds(market: MarketData, session: Session) -> list[Any]:
    """One feed for each symbol, in universe order."""
    frame, compression = terms.timeframe(market.timeframe)
    stamps = _stamps(market, session)
    return [
        _Feed(
            bars=market.bars[symbol],
            stamps=stamps[session.grid.positions[s]],
            timeframe=getattr(bt.TimeFrame, frame),
            compression=compression,
        )
        for s, symbol in enumerate(market.symbols)
    ]


def _stamps(market: MarketData, session: Session) -> Any:
    """Each timestamp in backtrader: the session's date for daily bars and coarser, else the close in UTC."""
    from alphintra.errors import DataError

    if terms.by_date(market, session):
        return session.grid.session.astype(np.float64) + 719_163.0  # 1970-01-01 counted from the year 1
    stamps = np.array([bt.date2num(_EPOCH + timedelta(microseconds=t)) for t in session.grid.time.tolist()])
    if (np.diff(stamps) <= 0).any():
        raise DataError(
            f"{market.name} has bars that are less than 10 µs apart: backtrader's times cannot tell them apart",
            hint="resample them",
        )
    return stamps
