"""The strategy again on noisy prices (M8): what the noise keeps, its size, and what cannot be run."""

from __future__ import annotations

import threading
from dataclasses import replace

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra import trials
from alphintra.data.market import Actions, MarketData
from alphintra.errors import Cancelled, ParameterError, StrategyError
from alphintra_backtest.monte_carlo.prices import local_volatility, options_of, perturbed


class Crossing(al.Strategy):
    """Long above its average."""

    length = al.Param(10)

    def on_start(self) -> None:
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self) -> None:
        if self.data.close[-1] > self.average[-1]:
            self.order_target_percent(0.9)
        else:
            self.close()


class Brittle(Crossing):
    """Fails where the first close is not the one it was written for."""

    def on_bar(self) -> None:
        if self.data.close[-1] > 101:
            raise ValueError("too high")


def frame(n: int = 300, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = np.round(100 * np.cumprod(1 + rng.normal(0.0005, 0.012, n)), 2)
    open_ = np.round(np.r_[100, close[:-1]] * (1 + rng.normal(0, 0.003, n)), 2)
    high, low = np.maximum(open_, close) + 0.3, np.minimum(open_, close) - 0.3
    index = pd.bdate_range("2020-01-01", periods=n)
    volume = np.full(n, 1e6)
    return pd.DataFrame({"open": open_, "high": high, "low": low, "close": close, "volume": volume}, index=index)


def market(tick: float | None = 0.01, n: int = 300) -> MarketData:
    return al.data.resolve(frame(n), instruments=al.Instrument(tick=tick))


def test_bars_stay_bars() -> None:
    """Low ≤ open, close ≤ high; prices are whole ticks; times, sessions and volume are the same."""
    given = market()
    symbol = given.symbols[0]
    old, new = given.bars[symbol], perturbed(given, 0.5, (1, 2)).bars[symbol]
    assert (new.low <= np.minimum(new.open, new.close)).all()
    assert (new.high >= np.maximum(new.open, new.close)).all()
    for name in ("open", "high", "low", "close"):
        values = getattr(new, name)
        np.testing.assert_allclose(values, np.round(values / 0.01) * 0.01, rtol=1e-12)
        assert not np.array_equal(values, getattr(old, name))
    for name in ("open_time", "close_time", "session", "volume"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name))


def test_the_noise_has_its_size() -> None:
    """Noise of each bar's return over the local volatility: mean 0, deviation 0.5, within 3 standard errors."""
    given = market(None, 5_000)
    symbol = given.symbols[0]
    old, new = given.bars[symbol].close, perturbed(given, 0.5, (1, 0)).bars[symbol].close
    noise = np.diff(np.log(new / old)) / local_volatility(given, symbol)[1:]
    n = len(noise)
    assert abs(noise.mean()) < 3 * 0.5 / np.sqrt(n)
    assert abs(noise.std() - 0.5) < 3 * 0.5 / np.sqrt(2 * n)
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 3 / np.sqrt(n)


def test_local_volatility_is_a_rolling_one() -> None:
    given = market(None)
    symbol = given.symbols[0]
    rolling = pd.Series(np.log(given.bars[symbol].close)).diff().rolling(20).std()
    np.testing.assert_allclose(local_volatility(given, symbol)[20:], rolling[20:], rtol=1e-9)
    np.testing.assert_allclose(local_volatility(given, symbol)[:20], rolling[20], rtol=1e-9)


def test_a_split_is_no_volatility() -> None:
    """Four new shares for one: the price falls by three quarters, its volatility is that of the whole series."""
    given = market(None)
    symbol = given.symbols[0]
    bars = given.bars[symbol]
    shares = np.where(np.arange(len(bars)) >= 100, 4.0, 1.0)
    raw = replace(bars, **{name: getattr(bars, name) / shares for name in ("open", "high", "low", "close")})
    actions = Actions(bars.session[100:101], np.array([4.0]), np.array([0.0]), bars.open_time[100:101])
    split = replace(given, bars={symbol: raw}, actions={symbol: actions})
    np.testing.assert_allclose(local_volatility(split, symbol), local_volatility(given, symbol), rtol=1e-9)
    again = perturbed(split, 0.5, (3, 0))
    assert again.actions is split.actions
    np.testing.assert_allclose(again.bars[symbol].close * shares, perturbed(given, 0.5, (3, 0)).bars[symbol].close)


def test_a_little_noise_changes_little_and_no_trial_is_counted() -> None:
    data = frame()
    result = al.backtest(Crossing, data, commission=0.001, params={"length": 15}, start="2020-03-01", max_share=None)
    log = trials.data_folder() / trials.FILE
    lines = log.read_text().count("\n")
    found = al.monte_carlo(result, "prices", strategy=Crossing, paths=5, noise=1e-9)
    assert log.read_text().count("\n") == lines
    for name in ("final_equity", "sharpe_ratio", "max_drawdown", "total_trades", "profit_factor", "total_fees", "beta"):
        np.testing.assert_allclose(found.metrics[name], result.metrics[name], rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(found.equity[5], result.equity.to_numpy()[1:], rtol=1e-6)
    np.testing.assert_array_equal(found.equity["actual"], result.equity.to_numpy()[1:])


def test_paths_are_repeated_by_their_seed() -> None:
    result = al.backtest(Crossing, frame())
    first, second, other = (
        al.monte_carlo(result, "prices", strategy=Crossing, paths=4, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.metrics, second.metrics)
    assert not np.array_equal(first.metrics["total_return"], other.metrics["total_return"])
    assert first.metrics["total_return"].nunique() == 4
    assert set(result.metrics) == set(first.metrics)
    given = al.monte_carlo(result, "prices", strategy=Crossing, data=frame(), paths=4, seed=1)
    np.testing.assert_array_equal(first.metrics, given.metrics)


def test_a_path_is_a_plain_run_on_its_prices() -> None:
    """The third path is ``al.backtest`` on the data with the third path's noise."""
    result = al.backtest(Crossing, frame(), commission=al.Commission(percent=0.001, minimum=1.0), slippage=0.0005)
    found = al.monte_carlo(result, "prices", strategy=Crossing, paths=3, seed=9)
    options = options_of(result)
    again = al.backtest(Crossing, perturbed(result.market, 0.25, (9, 2)), params=result.run["parameters"], **options)
    assert again.run["configuration"]["commission"] == result.run["configuration"]["commission"]
    assert found.metrics["final_equity"][2] == again.metrics["final_equity"]
    assert found.metrics["max_drawdown"][2] == again.metrics["max_drawdown"]


class Compiled(al.Strategy):
    """The same rule as signals, which run in threads."""

    def signals(self, data: object) -> al.Signals:
        close = data.close  # type: ignore[attr-defined]
        average = al.ta.SMA(close, 10)
        return al.Signals(entries=close > average, exits=close <= average, size=0.9)


def test_signals_run_in_threads_with_the_same_paths() -> None:
    result = al.backtest(Compiled, frame())
    found = al.monte_carlo(result, "prices", strategy=Compiled, paths=5, seed=9)
    for path in range(5):
        again = al.backtest(Compiled, perturbed(result.market, 0.25, (9, path)))
        assert found.metrics["final_equity"][path] == again.metrics["final_equity"]


def test_paths_that_fail_are_counted() -> None:
    data = frame()
    data[["open", "high", "low", "close"]] *= 100.5 / data["high"].max()
    result = al.backtest(Brittle, data)
    found = al.monte_carlo(result, "prices", strategy=Brittle, paths=12, noise=0.3)
    assert found.failed > 0
    assert found.paths == len(found.metrics) == 12 - found.failed
    assert f"{found.failed} of 12 runs failed" in found.notes[-1]
    warning = found.study().payload()["warnings"][0]
    assert "too high" in warning["text"]
    with pytest.raises(StrategyError, match="too high"):
        al.monte_carlo(result, "prices", strategy=Brittle, data=frame() * 2, paths=3)


def test_what_cannot_be_run() -> None:
    result = al.backtest(Crossing, frame())
    with pytest.raises(ParameterError, match="a result does not keep its class") as missing:
        al.monte_carlo(result, "prices")
    assert missing.value.code == "NO_STRATEGY"
    assert "strategy=Crossing" in str(missing.value)
    with pytest.raises(ParameterError, match="the result is of Crossing, not of Brittle"):
        al.monte_carlo(result, "prices", strategy=Brittle)
    for noise in (0, -1, 11, float("nan"), "much", True):
        with pytest.raises(ParameterError, match="noise must be a number above 0"):
            al.monte_carlo(result, "prices", strategy=Crossing, noise=noise)  # type: ignore[arg-type]


def test_progress_and_cancel() -> None:
    result = al.backtest(Crossing, frame())
    seen: list[tuple[float, str]] = []
    stop = threading.Event()

    def progress(fraction: float, text: str) -> None:
        seen.append((fraction, text))
        if len(seen) == 2:
            stop.set()

    with pytest.raises(Cancelled, match="after 3 of 10 runs on noisy prices"):
        al.monte_carlo(result, "prices", strategy=Crossing, paths=10, progress=progress, cancel=stop)
    assert seen == [(0.1, "1 of 10 runs on noisy prices"), (0.2, "2 of 10 runs on noisy prices")]
