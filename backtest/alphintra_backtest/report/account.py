"""The account of a run session by session: what the sections of a report are computed from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.account import per_period
from alphintra_backtest.metrics.sampling import session_returns
from alphintra_backtest.view_axis import Axis

if TYPE_CHECKING:
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]
DAYS = npt.NDArray[np.datetime64]


class Account:
    """A result with what several sections share.

    Attributes:
        result: The run.
        axis: Names of its bars.
        cash: Starting cash.
        periods: N, session returns per year.
        risk_free: Rate of one session.
    """

    def __init__(self, result: Result) -> None:
        configuration = result.run["configuration"]
        self.result = result
        self.axis = Axis(result)
        self.cash = float(configuration["cash"])
        self.periods = float(result.run["periods_per_year"])
        self.risk_free = per_period(float(configuration.get("risk_free_rate") or 0.0), self.periods)
        self._sampled = session_returns(result.curves.equity, result.curves.session, self.cash)

    @property
    def returns(self) -> F64:
        """Session returns, (n,), the first from the starting cash (M0)."""
        return self._sampled.returns

    @cached_property
    def days(self) -> DAYS:
        """Date of each session return, (n,)."""
        return self._sampled.session.astype("datetime64[D]")

    @cached_property
    def equity(self) -> F64:
        """Account value before the first session return and after each, (n + 1,)."""
        return np.concatenate(([self.cash], np.asarray(self.result.curves.equity)[self._sampled.last_bar]))

    @cached_property
    def benchmark(self) -> F64 | None:
        """The benchmark's value before the first session return and after each, (n + 1,), NaN where it has none."""
        values = np.asarray(self.result.curves.benchmark, dtype=np.float64)
        if not len(values) or not np.isfinite(values).any():
            return None
        return np.concatenate((values[:1], values[self._sampled.last_bar]))

    @cached_property
    def benchmark_returns(self) -> F64 | None:
        """The benchmark's session returns, (n,), NaN beside a session where it has no value."""
        values = self.benchmark
        if values is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return values[1:] / values[:-1] - 1.0

    @property
    def benchmark_name(self) -> str:
        """What the account is measured against."""
        named = self.result.run["configuration"].get("benchmark")
        return "Buy and hold" if named in (None, "given") else f"{named}, held"

    @cached_property
    def dates(self) -> list[str]:
        """Each session return's date as ISO text."""
        return [str(day) for day in self.days]
