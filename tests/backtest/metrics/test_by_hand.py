"""Metrics of small accounts, worked out by hand."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from alphintra_backtest import metrics
from alphintra_backtest.metrics.definitions import DEFINITIONS, HEADLINE
from alphintra_backtest.metrics.summary import Summary, summarize


@dataclass
class Account:
    time: np.ndarray
    equity: np.ndarray
    session: np.ndarray
    cash: np.ndarray
    exposure: np.ndarray
    in_market: np.ndarray
    benchmark: np.ndarray


def account(
    equity: list[float],
    *,
    session: list[int] | None = None,
    exposure: list[float] | None = None,
    benchmark: list[float] | None = None,
) -> Account:
    values = np.array(equity, dtype=np.float64)
    market = np.zeros(len(values)) if exposure is None else np.array(exposure, dtype=np.float64)
    days = np.arange(len(values), dtype=np.int32) if session is None else np.array(session, dtype=np.int32)
    return Account(
        days.astype(np.int64) * 86_400_000_000,
        values,
        days,
        values - market,
        market,
        market > 0,
        np.full(len(values), np.nan) if benchmark is None else np.array(benchmark, dtype=np.float64),
    )


def summary(curves: Account, fills: dict[str, Any] | None = None, **options: Any) -> Summary:
    settings = {"starting_cash": 100.0, "periods_per_year": 252} | options
    return summarize(curves, {}, fills or {}, **settings)


class TestReturns:
    def test_two_sessions(self) -> None:
        # Returns +10 % and −10 %: R = −0.01, n = 2.
        found = summary(account([100, 110, 99])).metrics
        assert found["total_return"] == pytest.approx(-0.01)
        assert found["annualized_return"] == pytest.approx(0.99**126 - 1)
        # Mean 0, so no Sharpe and no Sortino; std ddof 1 of (0.1, −0.1) is √0.02.
        assert found["sharpe_ratio"] == pytest.approx(0.0, abs=1e-12)
        assert found["volatility"] == pytest.approx(math.sqrt(0.02) * math.sqrt(252))
        assert found["max_drawdown"] == pytest.approx(-0.1)
        assert found["calmar_ratio"] == pytest.approx((0.99**126 - 1) / 0.1)

    def test_sharpe_and_sortino(self) -> None:
        # Returns 0.02, −0.01, 0.03: mean 0.04/3, sum of squared deviations 0.00086667.
        found = summary(account([100, 102, 100.98, 104.0094])).metrics
        mean = 0.04 / 3
        assert found["sharpe_ratio"] == pytest.approx(math.sqrt(252) * mean / math.sqrt(0.0026 / 3 / 2))
        # Downside over all three periods: √(0.0001 / 3).
        assert found["sortino_ratio"] == pytest.approx(math.sqrt(252) * mean / math.sqrt(0.0001 / 3))

    def test_risk_free_rate_is_annual(self) -> None:
        # (1 + r)^252 − 1 with r = 0.01 a session.
        annual = 1.01**252 - 1
        found = summary(account([100, 102, 100.98, 104.0094]), risk_free_rate=annual).metrics
        assert found["sharpe_ratio"] == pytest.approx(
            math.sqrt(252) * (0.04 / 3 - 0.01) / math.sqrt(0.0026 / 3 / 2)
        )

    def test_cagr_counts_calendar_days(self) -> None:
        # 21 % in 730.5 days is 10 % a year.
        found = summary(account([100, 110, 121], session=[0, 300, 731])).metrics
        assert found["cagr"] == pytest.approx(1.21 ** (365.25 / 731) - 1)

    def test_last_equity_of_each_session(self) -> None:
        # Point 0 is the bar before; sessions 10 and 11 end at 110 and 99.
        curves = account([100, 105, 110, 90, 99], session=[10, 10, 10, 11, 11])
        sampled = metrics.session_returns(curves.equity, curves.session, 100.0)
        assert sampled.session.tolist() == [10, 11]
        assert sampled.last_bar.tolist() == [2, 4]
        assert sampled.returns.tolist() == pytest.approx([0.10, -0.10])
        # Drawdown uses every bar: 110 → 90.
        assert summary(curves).metrics["max_drawdown"] == pytest.approx(90 / 110 - 1)

    def test_first_return_starts_from_the_starting_cash(self) -> None:
        sampled = metrics.session_returns(np.array([99.0, 110.0]), np.array([0, 1], dtype=np.int32), 100.0)
        assert sampled.returns.tolist() == pytest.approx([0.1])

    def test_drawdown_counts_from_the_starting_cash(self) -> None:
        # Never above 100: the deepest is 80 against 100, not 80 against 95.
        assert metrics.equity_drawdown([95.0, 80.0, 90.0], 100.0).tolist() == pytest.approx(
            [-0.05, -0.2, -0.1]
        )


class TestExposureAndCosts:
    def test_exposure_turnover_costs(self) -> None:
        fills = {
            "quantity": [1.0, 1.0],
            "price": [50.0, 60.0],
            "value": [50.0, 60.0],
            "commission": [0.1, 0.2],
            "slippage": [0.05, 0.0],
        }
        curves = account([100, 100, 120, 80], exposure=[0, 50, 60, 0])
        found = summary(curves, fills).metrics
        assert found["time_in_market"] == 0.5
        assert found["gross_exposure"] == pytest.approx((0.5 + 0.5) / 4)
        # 110 traded, mean equity 100, 3 sessions of 252.
        assert found["turnover"] == pytest.approx(110 / 100 / (3 / 252))
        # As decimals: 0.1 + 0.2 is 0.3.
        assert found["total_fees"] == 0.3
        assert found["total_slippage"] == 0.05
        assert found["total_borrow"] == 0.0

    def test_final_equity_is_a_sum_of_rounded_legs(self) -> None:
        curves = account([100, 100.1234567849])
        assert summary(curves).metrics["final_equity"] == 100.12345678


class TestBenchmark:
    def test_half_of_the_benchmark(self) -> None:
        # Benchmark +2 %, −1 %, +3 %; the strategy half of each.
        own = [100.0, 101.0, 100.495, 102.002425]
        other = [200.0, 204.0, 201.96, 208.0188]
        found = summary(account(own, benchmark=other))
        assert found.metrics["beta"] == pytest.approx(0.5)
        assert found.metrics["alpha"] == pytest.approx(0.0, abs=1e-9)
        assert found.metrics["correlation_to_benchmark"] == pytest.approx(1.0)
        assert found.benchmark["total_return"] == pytest.approx(0.040094)
        assert found.benchmark["final_equity"] == 208.0188
        assert found.dropped_sessions == 0

    def test_a_summary_can_be_sent_to_another_process(self) -> None:
        found = summary(account([100.0, 101.0, 102.0], benchmark=[50.0, 51.0, 52.0]))
        assert pickle.loads(pickle.dumps(found)).benchmark["total_return"] == pytest.approx(0.04)
        assert summary(account([100.0, 101.0])).benchmark == {}

    def test_alpha_compounds(self) -> None:
        # Half of the benchmark plus 0.1 % a session.
        other_returns = np.array([0.02, -0.01, 0.03])
        own = np.concatenate(([100.0], 100 * np.cumprod(1 + other_returns / 2 + 0.001)))
        other = np.concatenate(([200.0], 200 * np.cumprod(1 + other_returns)))
        found = summary(account(own.tolist(), benchmark=other.tolist())).metrics
        assert found["alpha"] == pytest.approx(1.001**252 - 1)

    def test_a_session_without_benchmark_is_dropped_from_both(self) -> None:
        own = [100.0, 101.0, 103.0, 104.0, 102.0]
        other = [50.0, 50.5, math.nan, 52.0, 51.0]
        curves = account(own, benchmark=other)
        pair = metrics.joined_returns(curves.equity, curves.benchmark, curves.session, 100.0)
        assert pair.dropped == 1
        assert pair.returns.tolist() == pytest.approx([0.01, 104 / 101 - 1, 102 / 104 - 1])
        assert pair.benchmark.tolist() == pytest.approx([0.01, 52 / 50.5 - 1, 51 / 52 - 1])
        assert summary(curves).dropped_sessions == 1


class TestUndefined:
    """M11: NaN with a reason; 0 where 0 is the value."""

    def test_every_nan_has_a_reason_and_nothing_else(self) -> None:
        for equity in ([100.0], [100.0, 100.0], [100.0, 101.0, 99.0], [100.0, 50.0, -3.0]):
            found = summary(account(equity))
            nans = {name for name, value in found.metrics.items() if math.isnan(value)}
            assert nans == set(found.undefined)
            assert list(found.metrics) == list(DEFINITIONS)

    def test_flat_account(self) -> None:
        found = summary(account([100.0] * 5))
        assert found.metrics["total_return"] == 0.0
        assert found.metrics["volatility"] == 0.0
        assert found.metrics["max_drawdown"] == 0.0
        assert math.copysign(1, found.metrics["max_drawdown"]) == 1
        assert found.undefined["sharpe_ratio"] == "session returns do not vary"
        assert found.undefined["sortino_ratio"] == "no session return below the risk-free rate"
        assert found.undefined["calmar_ratio"] == "no drawdown"
        assert found.undefined["win_rate"] == "no closed trades"
        assert found.undefined["profit_factor"] == "no closed trades"
        assert found.undefined["correlation_to_benchmark"] == "no benchmark"
        assert found.metrics["total_trades"] == 0
        assert found.metrics["longest_losing_streak"] == 0
        assert found.metrics["turnover"] == 0.0

    def test_constant_growth_has_no_sharpe(self) -> None:
        found = summary(account([100.0, 200.0, 400.0]))
        assert math.isnan(found.metrics["sharpe_ratio"])
        assert found.undefined["sharpe_ratio"] == "session returns do not vary"

    def test_one_point(self) -> None:
        found = summary(account([100.0]))
        assert found.undefined["annualized_return"] == "the run has no session return"
        assert found.undefined["volatility"] == "needs 2 session returns, the run has 0"
        assert found.undefined["cagr"] == "the run spans less than one day"
        assert found.metrics["final_equity"] == 100.0

    def test_no_points_at_all(self) -> None:
        found = summary(account([]))
        assert found.metrics["final_equity"] == 100.0
        assert found.undefined["time_in_market"] == "the run has no bars"

    def test_equity_below_zero(self) -> None:
        found = summary(account([100.0, 50.0, -20.0]))
        assert found.metrics["total_return"] == pytest.approx(-1.2)
        assert found.undefined["annualized_return"] == "equity fell below zero"
        assert found.undefined["cagr"] == "equity fell below zero"
        assert found.undefined["calmar_ratio"] == "annualised return is undefined"
        assert found.metrics["max_drawdown"] == pytest.approx(-1.2)

    def test_growth_that_no_float_holds(self) -> None:
        found = summary(account([100.0, 10_000_000.0]))
        assert found.undefined["annualized_return"] == "too large to express"
        assert found.undefined["cagr"] == "too large to express"

    def test_benchmark_too_short_or_flat(self) -> None:
        short = summary(account([100.0, 101.0, 99.0], benchmark=[1.0, 2.0, 3.0]))
        assert short.undefined["correlation_to_benchmark"] == "needs 3 common sessions, there are 2"
        flat = summary(account([100.0, 101.0, 99.0, 98.0], benchmark=[1.0] * 4))
        assert flat.undefined["correlation_to_benchmark"] == "benchmark returns do not vary"
        assert flat.undefined["beta"] == "benchmark returns do not vary"
        still = summary(account([100.0] * 4, benchmark=[1.0, 2.0, 3.0, 4.0]))
        assert still.undefined["correlation_to_benchmark"] == "session returns do not vary"
        assert still.metrics["beta"] == 0.0


def test_headline_figures_are_defined_and_described() -> None:
    assert len(HEADLINE) == 10
    for name in HEADLINE:
        assert DEFINITIONS[name].definition.endswith(".")
    assert all(known.source for known in DEFINITIONS.values())
