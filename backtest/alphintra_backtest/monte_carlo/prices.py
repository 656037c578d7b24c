"""The strategy again on prices with noise: how much a result hangs on the exact prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.sampling import session_returns
from alphintra_backtest.monte_carlo.bands import Fan

if TYPE_CHECKING:
    from alphintra.data.market import MarketData, SymbolBars
    from alphintra.resampling import MonteCarlo
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]
T = TypeVar("T")

#: Bars over which the local volatility is measured.
WINDOW = 20


def perturbed(market: MarketData, noise: float, seed: tuple[int, ...]) -> MarketData:
    """Return market data whose prices carry noise; times, volume, splits, dividends and rates are kept.

    Half of the noise's variance falls between the bars and half within them: the open moves by the first, the close
    by both, high and low by the mean of open and close, and far enough that low ≤ open, close ≤ high. The noise of
    one bar stays in all later prices, as a return does. Prices are rounded to the tick, and are at least one.

    Finer bars (``detail``) are left out: they would contradict their bar. Features are kept as they are.

    Args:
        market: Bars to add noise to.
        noise: Standard deviation of the noise, as a fraction of the local volatility of the bars' returns.
        seed: Seed of the noise; the symbols' place is added to it.
    """
    bars = {
        symbol: _noisy(market, symbol, noise, np.random.default_rng([*seed, place]))
        for place, symbol in enumerate(market.symbols)
    }
    return replace(market, bars=bars, detail=None, dataset_hash=f"{market.dataset_hash}:noise:{noise!r}:{seed!r}")


def _noisy(market: MarketData, symbol: str, noise: float, rng: np.random.Generator) -> SymbolBars:
    bars = market.bars[symbol]
    size = noise * local_volatility(market, symbol) / math.sqrt(2.0)
    between, within = (size * rng.standard_normal(len(bars)) for _ in range(2))
    steps = np.cumsum(between + within)
    at_open = steps - within
    open_, close = bars.open * np.exp(at_open), bars.close * np.exp(steps)
    middle = np.exp((at_open + steps) / 2)
    high = np.maximum(bars.high * middle, np.maximum(open_, close))
    low = np.minimum(bars.low * middle, np.minimum(open_, close))
    tick = market.instruments[symbol].tick
    if tick is not None:
        open_, high, low, close = (np.maximum(np.round(v / tick), 1.0) * tick for v in (open_, high, low, close))
    return replace(bars, open=open_, high=high, low=low, close=close)


def local_volatility(market: MarketData, symbol: str) -> F64:
    """Standard deviation of the logarithmic returns over the last :data:`WINDOW` bars, shape (n,).

    The first bars carry that of the first whole window; a price does not move by a split.
    """
    bars = market.bars[symbol]
    returns = np.diff(np.log(bars.close), prepend=math.log(float(bars.close[0])))
    actions = market.actions.get(symbol)
    if actions is not None:
        at = np.searchsorted(bars.session, actions.ex)
        inside = (at < len(bars)) & (at > 0)
        np.add.at(returns, at[inside], np.log(actions.split[inside]))
    window = min(WINDOW, len(returns) - 1)
    if window < 2:
        return np.zeros(len(returns))
    rows = np.lib.stride_tricks.sliding_window_view(returns[1:], window)
    deviation = rows.std(axis=1, ddof=1)
    return np.concatenate((np.full(window, deviation[0]), deviation))


def run(
    result: Result,
    strategy: Any,
    data: Any,
    noise: Any,
    paths: int,
    seed: int,
    pulse: Callable[[float, str], None],
) -> MonteCarlo:
    """Run the strategy on ``paths`` noisy versions of the data; none of them counts as a trial.

    Raises:
        ParameterError: No strategy class was given, or another one; the noise is no number above 0; no session.
        AlphintraError: Every path failed; the error of the first.
    """
    from alphintra.errors import AlphintraError, ParameterError
    from alphintra.resampling import MonteCarlo

    from alphintra_backtest.sweep.variant import market_of, run_on

    _check(result, strategy, noise)
    options = options_of(result)
    market = result.market if data is None else market_of(data, {**options, "end": result.run["configuration"]["end"]})
    cash = float(result.run["configuration"]["cash"])
    sampled = session_returns(result.curves.equity, result.curves.session, cash)
    days, n = sampled.session, len(sampled.session)
    if not n:
        raise ParameterError(
            "the run has no session return: there is nothing to compare paths with",
            code="TOO_FEW_SESSIONS",
            where="result",
            hint="run on more data",
        )
    fan = Fan(n, paths, cash)
    names = list(result.metrics)
    rows: list[list[float]] = []
    first_error: AlphintraError | None = None

    def one(path: int) -> tuple[F64, list[float]] | AlphintraError:
        try:
            again = run_on(strategy, perturbed(market, noise, (seed, path)), result.run["parameters"], options)
            metrics = _against_the_same(again, result).metrics
            return _on(again, days, cash)[:, None], [metrics[name] for name in names]
        except AlphintraError as error:
            return error

    for path, came in enumerate(_each(one, paths, _threads(strategy)), 1):
        if isinstance(came, AlphintraError):
            first_error = first_error or came
        else:
            fan.add(came[0])
            rows.append(came[1])
        pulse(path / paths, f"{path:,} of {paths:,} runs on noisy prices")
    if first_error is not None and not rows:
        raise first_error
    failed = paths - len(rows)
    notes = [
        f"Each bar's return carries noise of {noise:g} of its volatility over {WINDOW} bars; "
        "the strategy was run again on each path.",
    ]
    if market.detail is not None:
        notes.append("Finer bars were left out: noise would make them contradict their bar.")
    if market.features:
        notes.append(
            "Features were kept as they are: the noise is in the prices alone. What was made of these prices does not "
            "follow them."
        )
    if failed and first_error is not None:
        notes.append(f"{failed} of {paths} runs failed and are in no number, the first with: {first_error.message}")
    values = np.array(rows).T
    alone = Fan(n, 1, cash)
    alone.add(result.curves.equity[sampled.last_bar][:, None])
    return MonteCarlo(
        run=dict(result.run),
        method="prices",
        paths=len(rows),
        seed=seed,
        starting_cash=cash,
        axis=days[fan.points].astype(np.int64),
        curves=fan.curves(),
        own={name: band[2][np.searchsorted(alone.points, fan.points)] for name, band in alone.curves().items()},
        values=dict(zip(names, values, strict=True)),
        own_values=dict(result.metrics),
        noise=float(noise),
        failed=failed,
        notes=tuple(notes),
    )


def _threads(strategy: type) -> int:
    """How many paths run at a time: compiled ``signals`` leave the interpreter to each other, ``on_bar`` does not."""
    from alphintra_backtest.signals_run import is_compiled
    from alphintra_backtest.sweep.executors import check_workers

    return check_workers(None) if is_compiled(strategy) else 1


def _each(one: Callable[[int], T], paths: int, threads: int) -> Iterator[T]:
    """What ``one`` returns for each path, in their order."""
    if threads == 1:
        yield from map(one, range(paths))
        return
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, paths, threads):  # a few at a time: a cancel waits for no more
            yield from pool.map(one, range(first, min(first + threads, paths)))


def options_of(result: Result) -> dict[str, Any]:
    """Keyword arguments of ``al.backtest`` that repeat a run on the same data."""
    configuration: Mapping[str, Any] = result.run["configuration"]
    benchmark = configuration["benchmark"]
    options = {name: configuration[name] for name in ("start", "cash", "commission", "slippage", "profile")}
    options |= {"risk_free_rate": configuration["risk_free_rate"], "seed": result.run["seed"]}
    if benchmark not in (None, "given"):
        options["benchmark"] = benchmark
    return options | dict(configuration["rules"])


def _against_the_same(again: Result, result: Result) -> Result:
    """A run on noisy prices, measured against the benchmark that ``result`` was given; a named one it has anyway."""
    if result.run["configuration"]["benchmark"] != "given":
        return again
    known, asked = result.curves, again.curves.time
    at = np.minimum(np.searchsorted(known.time, asked), len(known) - 1)
    held = np.where(known.time[at] == asked, np.asarray(known.benchmark, dtype=np.float64)[at], np.nan)
    return replace(again, curves=replace(again.curves, benchmark=held))


def _on(again: Result, days: Any, cash: float) -> F64:
    """A run's equity at the end of each of ``days``: what it was last, the starting cash before its first session."""
    sampled = session_returns(again.curves.equity, again.curves.session, cash)
    equity = np.concatenate(([cash], again.curves.equity[sampled.last_bar]))
    values: F64 = equity[np.searchsorted(sampled.session, days, side="right")]
    return values


def _check(result: Result, strategy: Any, noise: Any) -> None:
    from alphintra.errors import ParameterError

    name = result.run["strategy"]
    if result.run.get("method") == "WALK_FORWARD":
        raise ParameterError(
            "the result is of a walk-forward, whose parameters change from window to window: it cannot be run again "
            "as one run",
            code="NOT_ONE_RUN",
            where="result",
            hint='use method="returns", or a result of al.backtest',
        )
    if not isinstance(strategy, type):
        raise ParameterError(
            'method="prices" runs the strategy again, and a result does not keep its class',
            code="NO_STRATEGY",
            where="strategy",
            hint=f"al.monte_carlo(result, method='prices', strategy={name})",
        )
    if strategy.__name__ != name:
        raise ParameterError(f"the result is of {name}, not of {strategy.__name__}", where="strategy")
    number = isinstance(noise, int | float) and not isinstance(noise, bool) and math.isfinite(noise)
    if not number or not 0 < noise <= 10:
        raise ParameterError(f"noise must be a number above 0, and at most 10, got {noise!r}", where="noise")
