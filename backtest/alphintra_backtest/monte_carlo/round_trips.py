"""Closed trades drawn again with replacement, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.formats import stamp
from alphintra_backtest.metrics.growth import calendar_growth
from alphintra_backtest.metrics.round_trips import numbers
from alphintra_backtest.metrics.sampling import session_returns
from alphintra_backtest.monte_carlo import draw
from alphintra_backtest.monte_carlo.bands import Fan

if TYPE_CHECKING:
    from alphintra.resampling import MonteCarlo
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]

LEAST_TRADES = 10


def run(result: Result, paths: int, seed: int, pulse: Callable[[float, str], None]) -> MonteCarlo:
    """Draw paths of trades.

    Each trade returns its P&L on the account at its entry: the starting cash and the P&L of all trades before it.

    Raises:
        ParameterError: Trades overlap, are too few, or ruined the account.
    """
    from alphintra.resampling import MonteCarlo

    cash = float(result.run["configuration"]["cash"])
    pnl, still_open = _closed(result)
    before = cash + np.concatenate(([0.0], np.cumsum(pnl)[:-1]))
    _check_account(before, before[-1] + pnl[-1])
    returns = pnl / before
    n = len(returns)
    curves = result.curves
    sessions = len(session_returns(curves.equity, curves.session, cash).returns)
    year = float(result.run["periods_per_year"]) / sessions
    days = int(curves.session[-1]) - int(curves.session[0])

    def path(index: Any, fan: Fan) -> dict[str, F64]:
        drawn = returns[index]
        growth = np.cumprod(drawn + 1.0, axis=0)
        deepest = fan.add(growth * cash)
        money = drawn * np.vstack((np.ones(drawn.shape[1]), growth[:-1])) * cash
        return _metrics(money, growth[-1], cash, deepest, year, days)

    fan, alone = Fan(n, paths, cash), Fan(n, 1, cash)
    found: list[dict[str, F64]] = []
    done = 0
    for index in draw.replaced(n, paths, seed):
        found.append(path(index, fan))
        done += index.shape[1]
        pulse(done / paths, f"{done:,} of {paths:,} paths")
    own = path(np.arange(n)[:, None], alone)
    notes = [
        "Paths know the ends of trades alone: drawdown while a trade is open is not in them.",
        "Each path has as many trades as the run, over the same time.",
    ]
    if still_open:
        notes.append(f"{still_open} open trade{'' if still_open == 1 else 's'} left out.")
    return MonteCarlo(
        run=dict(result.run),
        method="trades",
        paths=paths,
        seed=seed,
        starting_cash=cash,
        axis=fan.points + 1,
        curves=fan.curves(),
        own={name: band[2][np.searchsorted(alone.points, fan.points)] for name, band in alone.curves().items()},
        values={name: np.concatenate([part[name] for part in found]) for name in own},
        own_values={name: float(own[name][0]) for name in own},
        notes=tuple(notes),
    )


def _closed(result: Result) -> tuple[F64, int]:
    """P&L of the closed trades in order of time, and the number of open ones."""
    from alphintra.errors import ParameterError

    trades = result.columns["trades"]
    is_open = np.array([bool(v) for v in trades.get("open", ())], dtype=np.bool_)
    entry, leave = numbers(trades.get("entry_time", ())), numbers(trades.get("exit_time", ()))
    rows = np.flatnonzero(~is_open)
    if len(rows) < LEAST_TRADES:
        raise ParameterError(
            f"{len(rows)} closed trade{'' if len(rows) == 1 else 's'} are too few to draw from, "
            f"{LEAST_TRADES} are needed",
            code="TOO_FEW_TRADES",
            where="result",
            hint='run on more data, or use method="returns"',
        )
    rows = rows[np.lexsort((leave[rows], entry[rows]))]
    begins, ends = entry[rows], np.maximum.accumulate(leave[rows])
    shared = np.flatnonzero(begins[1:] < ends[:-1])
    if len(shared):
        second = int(shared[0]) + 1
        first = int(np.flatnonzero(leave[rows[:second]] > begins[second])[0])
        one, two = (_named(trades, int(rows[k])) for k in (first, second))
        raise ParameterError(
            f"trades overlap: {one} and {two}; trades that share the account cannot be drawn one after the other",
            code="OVERLAPPING_TRADES",
            where="result",
            hint='use method="returns", which draws whole sessions',
        )
    return numbers(trades["pnl"])[rows], int(is_open.sum())


def _named(trades: Any, row: int) -> str:
    first, last = (stamp(int(trades[name][row]) // 1_000_000) for name in ("entry_time", "exit_time"))
    return f"trade {trades['id'][row]} ({trades['symbol'][row]}, {first} to {last})"


def _check_account(before: F64, final: float) -> None:
    from alphintra.errors import ParameterError

    if not ((before > 0).all() and final > 0):
        raise ParameterError(
            "the trades ruined the account: returns on nothing cannot be drawn",
            code="RUINED",
            where="result",
            hint="choose smaller positions",
        )


def _metrics(money: F64, growth: F64, cash: float, deepest: F64, year: float, days: int) -> dict[str, F64]:
    """Metrics of paths: P&L of shape (n, some), the others of shape (some,); ``year`` is 1 over the run's years."""
    wins, losses = money > 0, money < 0
    gained, lost = np.where(wins, money, 0.0).sum(axis=0), -np.where(losses, money, 0.0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        yearly = growth**year - 1.0
        out = {
            "total_return": growth - 1.0,
            "annualized_return": yearly,
            "cagr": np.array([calendar_growth(float(g) - 1.0, days) for g in growth]),
            "final_equity": growth * cash,
            "max_drawdown": deepest,
            "calmar_ratio": np.where(deepest < 0, yearly / -deepest, np.nan),
            "win_rate": wins.mean(axis=0),
            "profit_factor": np.where(lost > 0, gained / lost, np.nan),
            "expectancy": money.mean(axis=0),
            "avg_win": gained / wins.sum(axis=0),
            "avg_loss": -lost / losses.sum(axis=0),
        }
    return {name: np.where(np.isfinite(v), v, np.nan) for name, v in out.items()}
