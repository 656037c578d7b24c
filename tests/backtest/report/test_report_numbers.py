"""Numbers of the report's sections, worked out by hand."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from alphintra.data.market import DAY_US, SymbolBars
from alphintra.errors import DataError
from alphintra.result import Curves, Result
from alphintra_backtest.report import ambiguity, costs, curves, distribution, foundations, months, orders, rolling
from alphintra_backtest.report.account import Account
from alphintra_backtest.study import Facts, Figure, Section, Table

from tests.sdk.result.conftest import build, market_of

#: dates and equity: the first point is the bar before the strategy was first called
DAYS = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-29", "2024-12-31", "2025-01-02"]
EQUITY = [100.0, 110.0, 121.0, 99.0, 132.0, 66.0]


def account_of(days: list[str], equity: list[float], benchmark: list[float] | None = None) -> Account:
    """A run of nothing but its curves."""
    session = np.array(days, dtype="datetime64[D]").astype(np.int32)
    close = session.astype(np.int64) * DAY_US + DAY_US // 2
    prices = np.full(len(days), 1.0)
    bars = SymbolBars("X", close - 1, close, session, prices, prices, prices, prices, None)
    other = np.full(len(days), np.nan) if benchmark is None else np.array(benchmark)
    money = np.array(equity)
    like = build(30)
    result = Result(
        run={**like.run, "configuration": {**like.run["configuration"], "cash": equity[0]}, "symbols": ["X"]},
        assumptions=[],
        curves=Curves(close, session, money, money, np.zeros(len(days)), np.zeros(len(days), bool), other),
        columns={},
        market=market_of({"X": bars}),
    )
    return Account(result)


def table(section: Section, name: str) -> Table:
    return next(block for block in section.blocks if isinstance(block, Table) and block.name == name)


def fact(section: Section, name: str) -> Any:
    return next(i.value for block in section.blocks if isinstance(block, Facts) for i in block.items if i.name == name)


def test_months_and_years_by_hand() -> None:
    section = months.section(account_of(DAYS, EQUITY, [100.0, 100.0, 100.0, 100.0, 150.0, 150.0]))
    rows = table(section, "months").rows
    # January 2024: 110 / 100; February: 99 / 110; December, after months without a session: 132 / 99;
    # the year: 132 / 100. January 2025: 66 / 132.
    assert rows[0][0] == "2024"
    assert rows[0][1] == pytest.approx(0.10)
    assert rows[0][2] == pytest.approx(-0.10)
    assert rows[0][3:12] == [None] * 9
    assert rows[0][12] == pytest.approx(1 / 3)
    assert rows[0][13] == pytest.approx(0.32)
    assert rows[1][1] == rows[1][13] == pytest.approx(-0.5)
    years = table(section, "years").rows
    # against the benchmark's 150 / 100; the deepest within 2024 is 99 / 121
    assert years[0][:4] == ["2024", pytest.approx(0.32), pytest.approx(0.5), pytest.approx(-0.18)]
    assert years[0][5] == pytest.approx(99 / 121 - 1)
    assert years[0][6] == 4


def test_years_end_with_the_benchmark_at_its_last_price() -> None:
    """A year that ends on a holiday of the benchmark's calendar: it is worth what it was last, 120."""
    nan = float("nan")
    section = months.section(account_of(DAYS, EQUITY, [100.0, 100.0, 110.0, 120.0, nan, 150.0]))
    years = table(section, "years").rows
    assert [row[2] for row in years] == [pytest.approx(0.2), pytest.approx(0.25)]
    assert [row[3] for row in years] == [pytest.approx(0.32 - 0.2), pytest.approx(-0.5 - 0.25)]
    late = table(months.section(account_of(DAYS, EQUITY, [nan, nan, nan, 120.0, 130.0, 150.0])), "years").rows
    assert np.isnan(late[0][2]) and late[1][2] == pytest.approx(150 / 130 - 1)


def test_a_given_benchmark_is_not_called_buy_and_hold() -> None:
    given = al.backtest(Hold, data=bars_from("2024-01-01", 40), benchmark=bars_from("2024-01-01", 40))
    assert Account(given).benchmark_name == "Given benchmark"
    assert Account(al.backtest(Hold, data=bars_from("2024-01-01", 40))).benchmark_name == "Buy and hold"


def test_drawdowns_by_hand() -> None:
    section = curves.section(account_of(DAYS, EQUITY))
    first, second = table(section, "drawdowns").rows
    day = 86_400

    def at(text: str) -> int:
        return int(np.datetime64(text, "D").astype(int)) * day

    # 66 / 132 from 31 December, not recovered; 99 / 121 from 1 February, recovered on 31 December
    assert first == [-0.5, at("2024-12-31"), at("2025-01-02"), None, 2, 2]
    assert second == [
        pytest.approx(99 / 121 - 1), at("2024-02-01"), at("2024-02-29"), at("2024-12-31"), 28, 334,
    ]  # fmt: skip


def test_falls_begin_at_the_last_best_and_end_where_it_is_reached_again() -> None:
    under = np.array([0.0, -0.1, -0.2, 0.0, 0.0, -0.3])
    assert curves.falls(under) == [(0, 2, 3), (4, 5, 6)]


def test_wide_equity_is_drawn_by_ratios() -> None:
    figure = curves.section(account_of(DAYS, [100.0, 120.0, 150.0, 300.0, 400.0, 600.0])).blocks[0]
    assert isinstance(figure, Figure) and figure.layout["yaxis"]["type"] == "log"


def test_distribution_against_scipy() -> None:
    account = Account(build(600))
    section = distribution.section(account)
    returns = account.returns
    assert fact(section, "skew") == pytest.approx(scipy.stats.skew(returns))
    assert fact(section, "kurtosis") == pytest.approx(scipy.stats.kurtosis(returns))
    assert fact(section, "best") == max(returns)
    ordered = sorted(returns)
    cut = fact(section, "var")
    tail = [value for value in ordered if value <= cut]
    assert fact(section, "cvar") == pytest.approx(sum(tail) / len(tail))
    # half of the sessions are out of the market: the histogram has the others
    histogram = next(b for b in section.blocks if isinstance(b, Figure))
    assert sum(histogram.data[0]["y"]) == np.count_nonzero(returns)
    assert "left out" in histogram.note
    quantiles = next(b for b in section.blocks if isinstance(b, Figure) and b.name == "quantiles")
    moved = np.sort(returns[returns != 0])
    normal = scipy.stats.norm.ppf((np.arange(len(moved)) + 0.5) / len(moved), moved.mean(), moved.std(ddof=1))
    np.testing.assert_allclose(quantiles.data[0]["x"], normal[[0, -1]], rtol=1e-4)
    np.testing.assert_allclose(quantiles.data[1]["x"], normal, rtol=1e-4)
    np.testing.assert_allclose(quantiles.data[1]["y"], moved, rtol=1e-4)


def test_rolling_metrics_are_those_of_each_window() -> None:
    account = Account(build(400, every=30))
    section = rolling.section(account)
    window = rolling.window_of(account)
    assert window == 126
    sharpe, volatility, beta = (block for block in section.blocks if isinstance(block, Figure))
    own, other = account.returns[-window:], account.benchmark_returns
    assert other is not None
    spread = own.std(ddof=1)
    assert sharpe.data[0]["y"][-1] == pytest.approx(own.mean() / spread * 252**0.5, rel=1e-6)
    assert volatility.data[0]["y"][-1] == pytest.approx(spread * 252**0.5, rel=1e-6)
    against = np.cov(own, other[-window:])
    assert beta.data[0]["y"][-1] == pytest.approx(against[0, 1] / against[1, 1], rel=1e-6)
    assert sharpe.title == "Sharpe, 126 sessions"


def test_rolling_says_what_is_missing() -> None:
    block = rolling.section(Account(build(30))).blocks[0]
    assert block.lines == ["The window is 63 sessions; the run has 29 session returns."]  # type: ignore[union-attr]


def test_costs_by_hand() -> None:
    result = build(60, every=20, commission=0.01, quantity=10.0)
    section = costs.section(Account(result))
    fills = pd.DataFrame(result.columns["fills"])
    assert len(fills) == 3 - 1  # in at bar 21, out at bar 41
    paid = float(fills["price"].sum()) * 10 * 0.01
    traded = float(fills["price"].sum()) * 10
    net = float(result.curves.equity[-1]) - 100_000
    assert fact(section, "fees") == pytest.approx(paid)
    assert fact(section, "costs") == pytest.approx(paid)
    assert fact(section, "gross") == pytest.approx(net + paid)
    assert fact(section, "paid") == "1.000\u202f%"
    limit = f"{(net + paid) / traded * 100:.3f}\u202f%".replace("-", "\u2212")
    assert fact(section, "break_even") == limit


def test_orders_are_counted_with_the_meaning_of_their_reason() -> None:
    result = build(120)
    result.columns["orders"]["state"][0] = "REJECTED"
    result.columns["orders"]["reason"][0] = "INSUFFICIENT_FUNDS"
    rows = table(orders.section(Account(result)), "order_ends").rows
    assert rows[1][:3] == ["rejected", "insufficient funds", 1]
    assert rows[1][3].startswith("At submission")


def test_final_equity_under_each_entry_rule() -> None:
    result = build(120)
    result.counts["ambiguous_entry"] = 2
    result.assumptions.append(
        {
            "code": "ambiguous_entry", "text": "2 entries", "level": "warning", "rule": "F15",
            "items": [
                "entry_bar=certain: final equity 101,000.50", "entry_bar=pessimistic: final equity 99,000.50",
                "entry_bar=next: the run failed: no bar",
            ],
        }
    )  # fmt: skip
    result.columns["trades"]["ambiguous"][1] = True
    section = ambiguity.section(Account(result))
    assert table(section, "entry_rules").rows == [
        ["entry_bar=certain", 101_000.5, 0.0, ""],
        ["entry_bar=pessimistic", 99_000.5, -2_000.0, ""],
        ["entry_bar=next", None, None, "the run failed: no bar"],
    ]
    assert len(table(section, "ambiguous_trades").rows) == 1


class Hold(al.Strategy):
    """Buys once."""

    def on_bar(self) -> None:
        if not self.position().size:
            self.buy(percent=0.9)


def bars_from(start: str, count: int) -> pd.DataFrame:
    close = 100.0 + np.arange(count)
    days = pd.bdate_range(start, periods=count)
    return pd.DataFrame({"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1e6}, index=days)


def test_a_benchmark_without_common_dates_is_refused_with_both_spans() -> None:
    with pytest.raises(DataError) as caught:
        al.backtest(Hold, data=bars_from("2024-01-01", 40), benchmark=bars_from("2020-01-01", 10))
    assert caught.value.code == "NO_COMMON_DATES" and caught.value.where == "benchmark"
    assert "(2020-01-01 to 2020-01-14)" in caught.value.message
    assert "(2024-01-01 to 2024-02-23)" in caught.value.message


def test_a_benchmark_that_ends_before_the_start_is_refused() -> None:
    with pytest.raises(DataError, match="no session in common"):
        al.backtest(Hold, data=bars_from("2024-01-01", 40), benchmark=bars_from("2024-01-01", 10), start="2024-02-01")


def test_a_benchmark_with_gaps_is_joined_and_the_report_says_so() -> None:
    other = bars_from("2024-01-01", 40).drop(pd.Timestamp("2024-01-17"))
    result = al.backtest(Hold, data=bars_from("2024-01-01", 40), benchmark=other, commission=0.001)
    assert result.dropped_sessions == 1
    account = Account(result)
    assert account.benchmark_returns is not None
    assert np.isnan(account.benchmark_returns).sum() == 2  # the session itself, and the one after it
    years = table(months.section(account), "years")
    assert years.rows[0][1] == pytest.approx(result.metrics["total_return"])
    assert "benchmark: 1 session without a price left out" in [row[0] for row in table(
        foundations.assumptions(account), "assumptions"
    ).rows]  # fmt: skip
