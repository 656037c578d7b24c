"""Statistics of closed trades (M10), on tables that can be checked by eye."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from alphintra_backtest.metrics.round_trips import closed_trades, longest_streak, trade_statistics

SECOND = 1_000_000


def table(
    rows: list[tuple[float | None, float | None, int, int | None, bool]],
    *,
    sides: list[str] | None = None,
    moves: list[tuple[float, float]] | None = None,
) -> dict[str, Any]:
    """Rows of (pnl, return, entry second, exit second, open); sides and (worst, best) moves beside them."""
    return {
        "pnl": [row[0] for row in rows],
        "return": [row[1] for row in rows],
        "entry_time": [row[2] * SECOND for row in rows],
        "exit_time": [None if row[3] is None else row[3] * SECOND for row in rows],
        "bars": [None if row[3] is None else (row[3] - row[2]) // 10 for row in rows],
        "open": [row[4] for row in rows],
        "side": sides or ["BUY"] * len(rows),
        "mae": [move[0] for move in moves or [(0.0, 0.0)] * len(rows)],
        "mfe": [move[1] for move in moves or [(0.0, 0.0)] * len(rows)],
    }


MIXED = table(
    [
        (10.0, 0.10, 0, 10, False),
        (5.0, 0.05, 10, 30, False),
        (0.0, 0.00, 30, 40, False),
        (7.0, 0.07, 40, 50, False),
        (-4.0, -0.04, 50, 80, False),
        (-2.0, -0.02, 80, 90, False),
        (None, None, 90, None, True),
    ],
    sides=["BUY", "SELL", "BUY", "SELL", "SELL", "BUY", "BUY"],
    moves=[(-0.01, 0.12), (0.0, 0.05), (-0.03, 0.01), (-0.02, 0.08), (-0.04, 0.0), (-0.02, 0.04), (-0.5, 0.5)],
)


def test_mixed_trades() -> None:
    values, reasons = trade_statistics(closed_trades(MIXED), years=0.5)
    assert reasons == {}
    # P&L of 10, 5, 0, 7, −4, −2: mean 16/6, sum of squares 194, so Σ(x − mean)² = 194 − 256/6.
    deviation = math.sqrt((194 - 256 / 6) / 5)
    assert values == pytest.approx(
        {
            "total_trades": 6,
            "open_trades": 1,
            "winning_trades": 3,
            "losing_trades": 2,
            # The trade of exactly 0 ends the first streak of two.
            "longest_winning_streak": 2,
            "longest_losing_streak": 2,
            "win_rate": 0.5,
            "profit_factor": 22 / 6,
            "avg_trade_duration": 15.0,
            "avg_trade_bars": 1.5,
            "best_trade": 0.10,
            "worst_trade": -0.04,
            "expectancy": 16 / 6,
            "avg_win": 22 / 3,
            "avg_loss": -3.0,
            "gross_profit": 22.0,
            "gross_loss": -6.0,
            "payoff_ratio": 22 / 9,
            # W − (1 − W) / payoff
            "kelly_fraction": 0.5 - 0.5 / (22 / 9),
            "sqn": math.sqrt(6) * (16 / 6) / deviation,
            "avg_trade_return": 0.16 / 6,
            "largest_win": 10.0,
            "largest_loss": -4.0,
            "avg_mae": -0.12 / 6,
            "avg_mfe": 0.30 / 6,
            # Wins of 10, 20 and 10 seconds, losses of 30 and 10.
            "avg_winning_duration": 40 / 3,
            "avg_losing_duration": 20.0,
            "max_trade_duration": 30.0,
            # Entries at 0, 10, 30, 40, 50 and 80.
            "avg_time_between_trades": 80 / 5,
            "trades_per_year": 12.0,
            "long_trades": 3,
            "long_win_rate": 1 / 3,
            "long_pnl": 8.0,
            "short_trades": 3,
            "short_win_rate": 2 / 3,
            "short_pnl": 8.0,
        }
    )


def test_streaks_follow_the_exits() -> None:
    # In the order of entries: win, loss, win. In the order of exits: loss, win, win.
    rows = table([(1.0, 0.1, 0, 50, False), (-1.0, -0.1, 1, 10, False), (1.0, 0.1, 2, 60, False)])
    assert trade_statistics(closed_trades(rows))[0]["longest_winning_streak"] == 2


ONE = "needs 2 closed trades, the run has 1"


def test_no_losses_leaves_the_profit_factor_undefined() -> None:
    values, reasons = trade_statistics(closed_trades(table([(1.0, 0.1, 0, 10, False)])), years=1.0)
    assert math.isnan(values["profit_factor"])
    unlost = ("profit_factor", "avg_loss", "largest_loss", "avg_losing_duration", "payoff_ratio", "kelly_fraction")
    assert reasons == dict.fromkeys(unlost, "no losing trades") | {
        "sqn": ONE,
        "avg_time_between_trades": ONE,
        "short_win_rate": "no short trades",
    }
    assert (values["gross_loss"], values["short_pnl"]) == (0.0, 0.0)
    assert math.copysign(1, values["gross_loss"]) == 1


def test_only_losses_give_zero() -> None:
    rows = table([(-1.0, -0.1, 0, 10, False), (-1.0, -0.1, 10, 20, False)])
    values, reasons = trade_statistics(closed_trades(rows), years=1.0)
    assert values["profit_factor"] == 0.0
    assert values["win_rate"] == 0.0
    unwon = ("avg_win", "largest_win", "avg_winning_duration", "payoff_ratio", "kelly_fraction")
    assert reasons == dict.fromkeys(unwon, "no winning trades") | {
        "sqn": "P&L does not vary",
        "short_win_rate": "no short trades",
    }


def test_a_table_without_excursions_and_a_run_without_sessions() -> None:
    rows = table([(1.0, 0.1, 0, 10, False)])
    del rows["mae"], rows["mfe"], rows["side"]
    values, reasons = trade_statistics(closed_trades(rows))
    assert reasons["avg_mae"] == reasons["avg_mfe"] == "the table has no excursions"
    assert reasons["trades_per_year"] == "the run has no session return"
    assert values["long_trades"] == 1


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize(("name", "theirs"), [("sqn", "SQN"), ("kelly_fraction", "Kelly Criterion")])
def test_backtesting_py_agrees(name: str, theirs: str) -> None:
    # backtesting.py: its statistics of the same P&L.
    from backtesting._stats import compute_stats

    pnl = np.random.default_rng(4).normal(3.0, 40.0, 60)
    rows = table([(float(p), float(p) / 1000, 10 * i, 10 * i + 5, False) for i, p in enumerate(pnl)])
    ours = trade_statistics(closed_trades(rows), years=1.0)[0]
    index = pd.date_range("2020-01-01", periods=61, freq="D")
    trades = pd.DataFrame(
        {
            "Size": 1, "EntryBar": range(60), "ExitBar": range(1, 61), "PnL": pnl, "ReturnPct": pnl / 1000,
            "Commission": 0.0, "EntryTime": index[:-1], "ExitTime": index[1:], "Duration": pd.Timedelta(days=1),
        }
    )  # fmt: skip
    bars = pd.DataFrame(1.0, index=index, columns=["Open", "High", "Low", "Close"])
    equity = 10_000 + np.concatenate(([0.0], np.cumsum(pnl)))
    expected = compute_stats(trades, equity, bars, None)[theirs]
    assert ours[name] == pytest.approx(expected, rel=1e-6)


def test_only_open_trades() -> None:
    values, reasons = trade_statistics(closed_trades(table([(None, None, 0, None, True)])))
    assert values["total_trades"] == 0
    assert values["open_trades"] == 1
    assert reasons["win_rate"] == "no closed trades"
    assert reasons["avg_trade_duration"] == "no closed trades"


def test_arrays_read_like_lists() -> None:
    columns = {
        "pnl": np.array([2.0, np.nan]),
        "return": np.array([0.2, np.nan]),
        "entry_time": np.array([0, 5 * SECOND]),
        "exit_time": np.array([10 * SECOND, np.iinfo(np.int64).min]),
        "bars": np.array([1, 0]),
        "open": np.array([False, True]),
    }
    values, _ = trade_statistics(closed_trades(columns))
    assert (values["total_trades"], values["open_trades"], values["avg_trade_duration"]) == (1, 1, 10.0)


def test_money_adds_up_as_decimals() -> None:
    rows = table([(0.1, 0.1, 0, 1, False), (0.2, 0.2, 1, 2, False), (-0.3, -0.3, 2, 3, False)])
    values, _ = trade_statistics(closed_trades(rows))
    assert values["expectancy"] == 0.0
    assert values["profit_factor"] == 1.0


@pytest.mark.parametrize(
    ("hits", "longest"), [([], 0), ([False], 0), ([True, True, False, True], 2), ([False, True], 1)]
)
def test_longest_streak(hits: list[bool], longest: int) -> None:
    assert longest_streak(hits) == longest
