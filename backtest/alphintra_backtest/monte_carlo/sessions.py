"""Session returns drawn again: by the stationary bootstrap, or in another order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.growth import calendar_growth
from alphintra_backtest.metrics.relation import alpha_aligned, beta_aligned, correlation
from alphintra_backtest.metrics.risk import annual_volatility, sharpe_ratio, sortino_ratio
from alphintra_backtest.metrics.sampling import session_returns
from alphintra_backtest.metrics.summary import per_period
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
    """

    def __init__(self, result: Result) -> None:
        """Raises ParameterError: too few sessions, or an account that was ruined."""
        from alphintra.errors import ParameterError

        curves, run = result.curves, result.run
        self.cash = float(run["configuration"]["cash"])
        self.periods_per_year = float(run["periods_per_year"])
        self.risk_free = per_period(float(run["configuration"].get("risk_free_rate") or 0.0), self.periods_per_year)
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
        self.days = int(curves.session[-1]) - int(curves.session[0])
        points = np.concatenate(([0], sampled.last_bar))
        values = np.asarray(curves.benchmark, dtype=np.float64)[points]
        with np.errstate(divide="ignore", invalid="ignore"):
            other = values[1:] / values[:-1] - 1.0
        self.benchmark = other if np.isfinite(other).any() else None

    def metrics(self, index: Any, deepest: F64, growth: F64) -> dict[str, F64]:
        """Metrics (M2 to M5, M9) of paths: ``index`` of shape (n, some), the others of shape (some,)."""
        r = self.returns[index]
        common: dict[str, Any] = {"annualization": self.periods_per_year}
        with np.errstate(over="ignore"):
            yearly = growth ** (self.periods_per_year / len(r)) - 1.0
        out = {
            "total_return": growth - 1.0,
            "annualized_return": yearly,
            "cagr": np.array([calendar_growth(float(g) - 1.0, self.days) for g in growth]),
            "final_equity": growth * self.cash,
            "volatility": annual_volatility(r, **common),
            "sharpe_ratio": sharpe_ratio(r, self.risk_free, **common),
            "sortino_ratio": sortino_ratio(r, self.risk_free, **common),
            "max_drawdown": deepest,
            "calmar_ratio": np.where(deepest < 0, yearly / np.where(deepest < 0, -deepest, 1.0), np.nan),
        }
        if self.benchmark is not None:
            out |= self._related(r, self.benchmark[index])
        return {name: np.where(np.isfinite(v), v, np.nan) for name, v in out.items()}

    def _related(self, r: F64, b: F64) -> dict[str, F64]:
        """Correlation, beta and alpha of each path, on the sessions that have both."""
        names = ("correlation_to_benchmark", "beta", "alpha")
        out: dict[str, F64] = {name: np.full(r.shape[1], np.nan) for name in names}
        for k in range(r.shape[1]):
            known = np.isfinite(b[:, k])
            own, other = r[known, k], b[known, k]
            if len(own) < 3:
                continue
            beta = beta_aligned(own, other, self.risk_free)
            out["correlation_to_benchmark"][k] = correlation(own, other)
            out["beta"][k] = beta
            out["alpha"][k] = alpha_aligned(
                own, other, self.risk_free, annualization=self.periods_per_year, _beta=beta
            )
        return out


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
    notes = ["Paths know the ends of sessions alone: drawdown within a session is not in them."]
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
    deepest = fan.add(equity)
    return series.metrics(index, deepest, equity[-1] / series.cash)


def _checked(block: Any, n: int) -> float:
    from alphintra.errors import ParameterError

    number = isinstance(block, int | float) and not isinstance(block, bool) and math.isfinite(block)
    if not number or not 1 <= block <= n:
        raise ParameterError(f"block must be a number from 1 to {n}, got {block!r}", where="block")
    return float(block)
