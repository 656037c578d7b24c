"""Distribution, drawdown lengths and the comparison with a benchmark, worked out by hand; a real run by empyrical."""

from __future__ import annotations

import math

import alphintra as al
import empyrical
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import metrics
from alphintra_backtest.metrics.account import account_metrics
from alphintra_backtest.metrics.sampling import joined_returns

from .test_by_hand import account, summary

DAY = 86_400.0


def grown(returns: list[float], start: float = 100.0) -> list[float]:
    return [start, *(start * np.cumprod(1 + np.array(returns))).tolist()]


class TestDistribution:
    def test_three_returns(self) -> None:
        found = summary(account(grown([0.02, -0.01, 0.03]))).metrics
        assert found["omega_ratio"] == pytest.approx(0.05 / 0.01)
        assert found["downside_risk"] == pytest.approx(math.sqrt(252 * 0.0001 / 3))
        assert (found["best_session"], found["worst_session"]) == pytest.approx((0.03, -0.01))
        assert found["positive_sessions"] == pytest.approx(2 / 3)
        # Linear between the sorted −1, 2, 3 %: 5 % lies at 0.1, 95 % at 1.9 of the way from the first.
        assert found["value_at_risk"] == pytest.approx(-0.007)
        assert found["tail_ratio"] == pytest.approx(0.029 / 0.007)
        assert found["conditional_value_at_risk"] == pytest.approx(-0.01)
        # Deviations of 2, −7 and 5 thirds of a percent: 78/9, −210/27 and 3042/81 over 3.
        assert found["skew"] == pytest.approx((-210 / 81) / (78 / 27) ** 1.5)
        assert found["kurtosis"] == pytest.approx((3042 / 243) / (78 / 27) ** 2 - 3)

    def test_steady_growth_is_a_straight_line(self) -> None:
        found = summary(account(grown([0.01, 0.01, 0.01, 0.01])))
        assert found.metrics["stability_of_timeseries"] == pytest.approx(1.0)
        assert found.undefined["omega_ratio"] == "no session return below the risk-free rate"
        assert found.metrics["tail_ratio"] == pytest.approx(1.0)

    def test_risk_free_rate_is_the_threshold_of_omega(self) -> None:
        annual = 1.01**252 - 1
        found = summary(account(grown([0.02, -0.01, 0.03])), risk_free_rate=annual).metrics
        assert found["omega_ratio"] == pytest.approx(0.03 / 0.02)

    def test_undefined(self) -> None:
        flat = summary(account([100.0] * 4)).undefined
        assert flat["skew"] == flat["kurtosis"] == "session returns do not vary"
        assert flat["tail_ratio"] == "the 5 % quantile of session returns is 0"
        assert flat["stability_of_timeseries"] == "equity does not vary"
        one = summary(account([100.0, 101.0]))
        assert one.undefined["tail_ratio"] == "needs 2 session returns, the run has 1"
        assert one.metrics["value_at_risk"] == pytest.approx(0.01)
        none = summary(account([100.0])).undefined
        assert none["value_at_risk"] == none["ulcer_index"] == "the run has no session return"
        lost = summary(account([100.0, 50.0, -20.0])).undefined
        assert lost["stability_of_timeseries"] == "equity fell to zero or below"
        zero = summary(account([100.0, 0.0, 0.0])).undefined
        assert zero["skew"] == zero["best_session"] == "equity reached zero"


class TestDrawdowns:
    #: Peaks at bars 1 and 5; the first drawdown is over at bar 4, the second one is not.
    EQUITY = (100.0, 110.0, 99.0, 104.5, 110.0, 120.0, 90.0, 100.0)

    def test_lengths(self) -> None:
        found = summary(account(list(self.EQUITY)))
        assert found.metrics["avg_drawdown"] == pytest.approx(-0.175)
        assert found.metrics["longest_drawdown_bars"] == 3
        assert found.metrics["longest_drawdown_duration"] == 3 * DAY
        assert found.metrics["avg_drawdown_bars"] == 2.5
        assert found.metrics["avg_drawdown_duration"] == 2.5 * DAY
        assert found.undefined["recovery_bars"] == "the deepest drawdown had not recovered at the end"
        assert found.undefined["recovery_duration"] == "the deepest drawdown had not recovered at the end"
        # 0, −10 %, −5 %, 0, 0, −25 %, −1/6 after the first bar.
        assert found.metrics["ulcer_index"] == pytest.approx(math.sqrt((0.01 + 0.0025 + 0.0625 + 1 / 36) / 7))

    def test_recovery(self) -> None:
        found = summary(account([*self.EQUITY, 130.0], session=[0, 1, 2, 3, 4, 7, 8, 9, 10])).metrics
        assert found["recovery_bars"] == 2
        assert found["recovery_duration"] == 2 * DAY
        assert found["longest_drawdown_bars"] == 3

    def test_weekends_count_as_time(self) -> None:
        found = summary(account([100.0, 110.0, 105.0, 111.0], session=[0, 4, 7, 8])).metrics
        assert found["longest_drawdown_bars"] == 2
        assert found["longest_drawdown_duration"] == 4 * DAY

    def test_down_from_the_first_bar_and_at_the_last(self) -> None:
        found = metrics.episodes(metrics.equity_drawdown([95.0, 100.0, 101.0, 90.0], 100.0))
        assert found.peak.tolist() == [0, 2]
        assert found.end.tolist() == [1, 3]
        assert found.recovered.tolist() == [True, False]
        assert found.depth.tolist() == pytest.approx([-0.05, 90 / 101 - 1])

    def test_none(self) -> None:
        found = summary(account([100.0, 101.0, 102.0]))
        assert (found.metrics["longest_drawdown_bars"], found.metrics["ulcer_index"]) == (0.0, 0.0)
        for name in ("avg_drawdown", "avg_drawdown_bars", "avg_drawdown_duration", "recovery_bars"):
            assert found.undefined[name] == "no drawdown"

    def test_a_curve_without_times(self) -> None:
        values, reasons = account_metrics(np.array([100.0, 90.0]), np.array([0, 1], np.int32), 100.0, 252, 0.0)
        assert math.isnan(values["longest_drawdown_duration"])
        assert reasons["longest_drawdown_duration"] == "the curve has no times"
        assert values["longest_drawdown_bars"] == 1

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_a_plain_loop_agrees(self, seed: int) -> None:
        equity = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, 500)))
        spans, depths, best, since, depth = [], [], 100.0, 0, 0.0
        for bar, value in enumerate(equity):
            if value >= best:
                if depth < 0:
                    spans.append(bar - since)
                    depths.append(depth)
                best, since, depth = value, bar, 0.0
            depth = min(depth, value / best - 1)
        if depth < 0:
            spans.append(len(equity) - 1 - since)
            depths.append(depth)
        found = metrics.episodes(metrics.equity_drawdown(equity, 100.0))
        assert (found.end - found.peak).tolist() == spans
        assert found.depth.tolist() == pytest.approx(depths)


class TestBenchmark:
    def test_by_hand(self) -> None:
        own, other = grown([0.01, -0.02, 0.03]), grown([0.02, -0.01, 0.01], 50.0)
        found = summary(account(own, benchmark=other)).metrics
        # Differences of −1, −1 and 2 %: mean 0, squares 6e-4.
        assert found["tracking_error"] == pytest.approx(math.sqrt(252 * 0.0006 / 2))
        assert found["information_ratio"] == pytest.approx(0.0, abs=1e-9)
        assert found["batting_average"] == pytest.approx(1 / 3)
        rise = ((1.01 * 1.03) ** 126 - 1) / ((1.02 * 1.01) ** 126 - 1)
        assert found["up_capture"] == pytest.approx(rise)
        assert found["down_capture"] == pytest.approx((0.98**252 - 1) / (0.99**252 - 1))

    def test_undefined(self) -> None:
        names = ("tracking_error", "information_ratio", "up_capture", "down_capture", "batting_average")
        alone = summary(account(grown([0.01, 0.02])))
        assert {alone.undefined[name] for name in names} == {"no benchmark"}
        rising = summary(account(grown([0.01, 0.02]), benchmark=grown([0.01, 0.02])))
        assert rising.undefined["down_capture"] == "the benchmark never fell"
        assert rising.undefined["information_ratio"] == "differences to the benchmark do not vary"
        assert rising.metrics["up_capture"] == pytest.approx(1.0)
        one = summary(account([100.0, 101.0], benchmark=[100.0, 102.0])).undefined
        assert one["tracking_error"] == "needs 2 common sessions, there are 1"


class Crossing(al.Strategy):
    """Long while the close is above its average."""

    def on_start(self) -> None:
        self.average = self.indicator(al.ta.SMA, self.data.close, 50)

    def on_bar(self) -> None:
        self.order_target_percent(0.9 if self.data.close[-1] > self.average[-1] else 0.0)


def test_a_run_on_real_data_agrees_with_empyrical() -> None:
    result = al.backtest(Crossing, "us-equities-daily/IBM", risk_free_rate=0.02)
    found, returns = result.metrics, result.returns
    rate = 1.02 ** (1 / 252) - 1
    pair = joined_returns(
        result.curves.equity, result.curves.benchmark, result.curves.session, result.run["configuration"]["cash"]
    )
    other = pd.Series(pair.benchmark, index=returns.index)
    expected = {
        "annualized_return": empyrical.annual_return(returns),
        "volatility": empyrical.annual_volatility(returns),
        "sharpe_ratio": empyrical.sharpe_ratio(returns, rate),
        "sortino_ratio": empyrical.sortino_ratio(returns, rate),
        "downside_risk": empyrical.downside_risk(returns, rate),
        "max_drawdown": empyrical.max_drawdown(returns),
        "calmar_ratio": empyrical.calmar_ratio(returns),
        "omega_ratio": empyrical.omega_ratio(returns, rate),
        "tail_ratio": empyrical.tail_ratio(returns),
        "value_at_risk": empyrical.value_at_risk(returns),
        "conditional_value_at_risk": empyrical.conditional_value_at_risk(returns),
        "stability_of_timeseries": empyrical.stability_of_timeseries(returns),
        "alpha": empyrical.alpha(returns, other, rate),
        "beta": empyrical.beta(returns, other, rate),
        "information_ratio": empyrical.excess_sharpe(returns, other) * math.sqrt(252),
        "up_capture": empyrical.up_capture(returns, other),
        "down_capture": empyrical.down_capture(returns, other),
        "batting_average": empyrical.batting_average(returns, other)["batting average"],
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert found["total_trades"] > 50
    # Numbers of Python, as they are read in a notebook.
    assert {type(value) for value in found.values()} == {int, float}
