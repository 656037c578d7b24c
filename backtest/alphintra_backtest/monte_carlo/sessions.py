"""Session returns drawn again: by the stationary bootstrap, or in another order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.account import account_metrics, per_period
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.metrics.sampling import JoinedReturns, session_returns
from alphintra_backtest.metrics.versus import versus_benchmark
from alphintra_backtest.monte_carlo import draw
from alphintra_backtest.monte_carlo.bands import Fan

if TYPE_CHECKING:
    from alphintra.resampling import MonteCarlo
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]

LEAST_SESSIONS = 10


class Series:
    """What is drawn from: a run's session returns, and its benchmark's of the same sessions.

    Attributes:
        returns: Shape (n,).
        benchmark: Shape (n,), NaN for a session before or in which the benchmark has no value; ``None`` without one.
        session: Days since 1970-01-01, shape (n,).
        days: The same with the bar before the first session, shape (n + 1,); ``time``: close times in microseconds.
    """

    def __init__(self, result: Result) -> None:
        """Raises ParameterError: too few sessions, or an account that was ruined."""
        from alphintra.errors import ParameterError

        curves, run = result.curves, result.run
        self.cash = float(run["configuration"]["cash"])
        self.periods_per_year = float(run["periods_per_year"])
        self.annual_risk_free = float(run["configuration"].get("risk_free_rate") or 0.0)
        self.risk_free = per_period(self.annual_risk_free, self.periods_per_year)
        sampled = session_returns(curves.equity, curves.session, self.cash)
        self.returns, self.session = sampled.returns, sampled.session
        n = len(self.returns)
        if n < LEAST_SESSIONS:
            raise ParameterError(
                f"{n} session returns are too few to draw from, {LEAST_SESSIONS} are needed",
                code="TOO_FEW_SESSIONS",
                where="result",
                hint="run on more data",
            )
        if not (np.isfinite(self.returns).all() and (self.returns > -1).all()):
            raise ParameterError(
                "the account was ruined: returns of what was lost cannot be drawn",
                code="RUINED",
                where="result",
                hint="choose smaller positions",
            )
        points = np.concatenate(([0], sampled.last_bar))
        self.days, self.time = curves.session[points], curves.time[points]
        values = np.asarray(curves.benchmark, dtype=np.float64)[points]
        with np.errstate(divide="ignore", invalid="ignore"):
            other = values[1:] / values[:-1] - 1.0
        self.benchmark = other if np.isfinite(other).any() else None

    def metrics(self, index: Any, equity: F64) -> dict[str, F64]:
        """Every metric of an account and of it against its benchmark, by the functions that ``Result.metrics`` calls.

        Args:
            index: Sessions of some paths, shape (n, some).
            equity: Their account values at the ends of the sessions, shape (n, some).
        """
        rows = []
        for k in range(index.shape[1]):
            account = np.concatenate(([self.cash], equity[:, k]))
            values, _ = account_metrics(
                account, self.days, self.cash, self.periods_per_year, self.annual_risk_free, self.time
            )
            values["final_equity"] = float(account[-1])
            if self.benchmark is not None:
                own, other = self.returns[index[:, k]], self.benchmark[index[:, k]]
                known = np.isfinite(other)
                pair = JoinedReturns(own[known], other[known], int(np.count_nonzero(~known)))
                values |= versus_benchmark(pair, self.periods_per_year, self.risk_free)[0]
            rows.append(values)
        names = [name for name in DEFINITIONS if name in rows[0] and not name.endswith("_bars")]
        out = {name: np.array([row[name] for row in rows]) for name in names}
        return {name: np.where(np.isfinite(values), values, np.nan) for name, values in out.items()}


def run(
    result: Result, method: str, paths: int, seed: int, block: float | None, pulse: Callable[[float, str], None]
) -> MonteCarlo:
    """Draw paths of session returns (``returns``) or of their order (``order``)."""
    from alphintra.resampling import MonteCarlo

    series = Series(result)
    n = len(series.returns)
    length = None
    if method == "order":
        parts = draw.permuted(n, paths, seed)
    else:
        length = draw.block_length(series.returns) if block is None else _checked(block, n)
        parts = draw.stationary(n, length, paths, seed)
    fan = Fan(n, paths, series.cash)
    found: list[dict[str, F64]] = []
    done = 0
    for index in parts:
        found.append(_path(series, index, fan))
        done += index.shape[1]
        pulse(done / paths, f"{done:,} of {paths:,} paths")
    alone = Fan(n, 1, series.cash)
    own = _path(series, np.arange(n)[:, None], alone)
    values = {name: np.concatenate([part[name] for part in found]) for name in own}
    curves = fan.curves()
    notes = ["Paths know the ends of sessions alone: drawdown within a session is not in them, nor in the run's own."]
    if method == "order":
        curves, values = {"drawdown": curves["drawdown"]}, {"max_drawdown": values["max_drawdown"]}
        notes.append("Only the order of the session returns differs: every path ends where the run did.")
    else:
        assert length is not None
        notes.append(f"Sessions were drawn in blocks of {length:.1f} on average, the same for the benchmark.")
    return MonteCarlo(
        run=dict(result.run),
        method=method,
        paths=paths,
        seed=seed,
        starting_cash=series.cash,
        axis=series.session[fan.points].astype(np.int64),
        curves=curves,
        own={name: band[2][np.searchsorted(alone.points, fan.points)] for name, band in alone.curves().items()},
        values=values,
        own_values={name: float(own[name][0]) for name in values},
        block=length,
        notes=tuple(notes),
    )


def _path(series: Series, index: Any, fan: Fan) -> dict[str, F64]:
    equity = np.cumprod(series.returns[index] + 1.0, axis=0) * series.cash
    fan.add(equity)
    return series.metrics(index, equity)


def _checked(block: Any, n: int) -> float:
    from alphintra.errors import ParameterError

    number = isinstance(block, int | float) and not isinstance(block, bool) and math.isfinite(block)
    if not number or not 1 <= block <= n:
        raise ParameterError(f"block must be a number from 1 to {n}, got {block!r}", where="block")
    return float(block)
