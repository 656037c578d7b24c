"""Trades drawn again (M8): by a plain loop, and refused where they share the account."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import ParameterError

from .accounts import CASH, account, noise

DAY = 86_400_000_000
START = 16_436 * DAY  # 2015-01-01


def trades(pnl: Any, *, days: Any = None, still_open: int = 0) -> dict[str, Any]:
    """Columns of a trades table: one trade after the other, ten days each, touching each other."""
    n = len(pnl)
    days = [(10 * k, 10 * k + 10) for k in range(n)] if days is None else days
    closed = n - still_open
    return {
        "id": list(range(n)),
        "symbol": ["AAPL"] * n,
        "entry_time": [START + a * DAY for a, _ in days],
        "exit_time": [START + b * DAY if k < closed else None for k, (_, b) in enumerate(days)],
        "pnl": [p if k < closed else None for k, p in enumerate(pnl)],
        "open": [k >= closed for k in range(n)],
    }


PNL = np.round(np.random.default_rng(8).normal(500, 3_000, 30), 2)


def test_paths_by_a_plain_loop() -> None:
    found = al.monte_carlo(account(noise(252), trades=trades(PNL)), "trades", paths=20, seed=4)
    equity, returns = CASH, []
    for p in PNL:
        returns.append(p / equity)
        equity += p
    draws = np.random.default_rng(4).integers(0, 30, size=(20, 30))
    for k in range(20):
        value, best, deepest, gained, lost, wins = CASH, CASH, 0.0, 0.0, 0.0, 0
        for j in draws[k]:
            money = value * returns[j]
            value += money
            best = max(best, value)
            deepest = min(deepest, value / best - 1)
            gained, lost, wins = gained + max(money, 0), lost - min(money, 0), wins + (money > 0)
        path = found.metrics.iloc[k]
        assert path["final_equity"] == pytest.approx(value, rel=1e-9)
        assert path["total_return"] == pytest.approx(value / CASH - 1, rel=1e-9)
        # 252 sessions are one year
        assert path["annualized_return"] == pytest.approx(value / CASH - 1, rel=1e-9)
        assert path["max_drawdown"] == pytest.approx(deepest, rel=1e-9)
        assert path["profit_factor"] == pytest.approx(gained / lost, rel=1e-9)
        assert path["win_rate"] == pytest.approx(wins / 30)
        assert path["expectancy"] == pytest.approx((value - CASH) / 30, rel=1e-9)


def test_the_run_itself_is_its_own_trades() -> None:
    found = al.monte_carlo(account(noise(252), trades=trades(PNL)), "trades", paths=20)
    np.testing.assert_allclose(found.equity["actual"], CASH + np.cumsum(PNL), rtol=1e-12)
    assert found.equity.index.tolist() == list(range(1, 31))
    assert found.own_values["win_rate"] == np.mean(PNL > 0)
    assert found.own_values["profit_factor"] == pytest.approx(PNL[PNL > 0].sum() / -PNL[PNL < 0].sum())


def test_trades_that_overlap_are_refused_with_the_pair() -> None:
    days = [(10 * k, 10 * k + 10) for k in range(30)]
    days[4] = (40, 61)  # runs into trade 6, over trade 5
    days[5] = (50, 52)
    with pytest.raises(ParameterError, match="trades overlap") as caught:
        al.monte_carlo(account(noise(252), trades=trades(PNL, days=days)), "trades")
    assert caught.value.code == "OVERLAPPING_TRADES"
    assert "trade 4 (AAPL, 2015-02-10 to 2015-03-03) and trade 5 (AAPL, 2015-02-20 to 2015-02-22)" in str(caught.value)
    assert 'method="returns"' in str(caught.value)


def test_a_long_trade_overlaps_a_later_one_behind_a_short_one() -> None:
    days = [(10 * k, 10 * k + 5) for k in range(30)]
    days[2] = (20, 41)
    days[3] = (41, 42)
    days[4] = (40, 43)  # begins before trade 2 ends
    with pytest.raises(ParameterError, match=r"trade 2 .* and trade 4 "):
        al.monte_carlo(account(noise(252), trades=trades(PNL, days=days)), "trades")


def test_open_trades_are_left_out() -> None:
    found = al.monte_carlo(account(noise(252), trades=trades(PNL, still_open=1)), "trades", paths=20)
    assert len(found.equity) == 29
    assert "1 open trade left out." in found.notes


def test_too_few_trades() -> None:
    for table in ({}, trades(PNL[:9]), trades(PNL[:10], still_open=1)):
        with pytest.raises(ParameterError, match="too few to draw from") as caught:
            al.monte_carlo(account(noise(252), trades=table), "trades")
        assert caught.value.code == "TOO_FEW_TRADES"


def test_trades_that_ruined_the_account() -> None:
    with pytest.raises(ParameterError, match="ruined"):
        al.monte_carlo(account(noise(252), trades=trades([1.0] * 12 + [-CASH - 50.0])), "trades")
    with pytest.raises(ParameterError, match="ruined"):
        al.monte_carlo(account(noise(252), trades=trades([-CASH - 50.0] + [9_000.0] * 13)), "trades")
