"""Statistics of closed trades (M10), on tables that can be checked by eye."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from alphintra_backtest.metrics.round_trips import closed_trades, longest_streak, trade_statistics

SECOND = 1_000_000


def table(rows: list[tuple[float | None, float | None, int, int | None, bool]]) -> dict[str, Any]:
    """Rows of (pnl, return, entry second, exit second, open)."""
    return {
        "pnl": [row[0] for row in rows],
        "return": [row[1] for row in rows],
        "entry_time": [row[2] * SECOND for row in rows],
        "exit_time": [None if row[3] is None else row[3] * SECOND for row in rows],
        "bars": [None if row[3] is None else (row[3] - row[2]) // 10 for row in rows],
        "open": [row[4] for row in rows],
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
    ]
)


def test_mixed_trades() -> None:
    values, reasons = trade_statistics(closed_trades(MIXED))
    assert reasons == {}
    assert values == {
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
    }


def test_streaks_follow_the_exits() -> None:
    # In the order of entries: win, loss, win. In the order of exits: loss, win, win.
    rows = table([(1.0, 0.1, 0, 50, False), (-1.0, -0.1, 1, 10, False), (1.0, 0.1, 2, 60, False)])
    assert trade_statistics(closed_trades(rows))[0]["longest_winning_streak"] == 2


def test_no_losses_leaves_the_profit_factor_undefined() -> None:
    values, reasons = trade_statistics(closed_trades(table([(1.0, 0.1, 0, 10, False)])))
    assert math.isnan(values["profit_factor"])
    assert reasons == {"profit_factor": "no losing trades", "avg_loss": "no losing trades"}


def test_only_losses_give_zero() -> None:
    values, reasons = trade_statistics(closed_trades(table([(-1.0, -0.1, 0, 10, False)])))
    assert values["profit_factor"] == 0.0
    assert values["win_rate"] == 0.0
    assert reasons == {"avg_win": "no winning trades"}


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
