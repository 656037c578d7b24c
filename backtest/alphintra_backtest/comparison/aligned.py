"""Runs on their common sessions: an inner join, in which every return of all runs covers the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.account import account_metrics
from alphintra_backtest.metrics.sampling import session_returns

if TYPE_CHECKING:
    from alphintra.result import Result

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Run:
    """What a comparison reads of a run, at hand or stored.

    Attributes:
        run: What identifies it, as ``Result.run``.
        assumptions: What its numbers rest on.
        metrics: Its metrics over its own span; ``None`` or NaN where undefined.
        day: Session of each value, days since 1970-01-01, ascending, (n + 1,); the first is that of the starting cash.
        value: Account value at the end of each session, the starting cash first, (n + 1,).
    """

    run: Mapping[str, Any]
    assumptions: Sequence[Mapping[str, Any]]
    metrics: Mapping[str, float | None]
    day: I64
    value: F64

    @classmethod
    def of(cls, result: Result) -> Run:
        """Return what a comparison reads of a result."""
        curves = result.curves
        return cls.stored(
            {"run": result.run, "assumptions": result.assumptions, "metrics": result.metrics},
            np.asarray(curves.session), np.asarray(curves.equity),
        )  # fmt: skip

    @classmethod
    def stored(cls, document: Mapping[str, Any], session: npt.NDArray[Any], equity: F64) -> Run:
        """Return what a comparison reads of a stored run.

        Args:
            document: ``Result.to_dict()``, of which ``run``, ``assumptions`` and ``metrics`` are read.
            session: Session of each bar, days since 1970-01-01, (T,).
            equity: Account value at each bar, (T,), from one bar before the first ``on_bar``.
        """
        cash = float(document["run"]["configuration"]["cash"])
        days = np.asarray(session, dtype=np.int32)
        sampled = session_returns(equity, days, cash)
        own = sampled.session.astype(np.int64)
        # Bars of less than a day may begin within the first session: its cash stands before it.
        first = [min(int(days[0]), int(own[0]) - 1)] if len(own) else []
        value = np.asarray(equity, dtype=np.float64)[sampled.last_bar]
        return cls(
            document["run"], document["assumptions"], document["metrics"],
            np.concatenate((np.array(first, dtype=np.int64), own)), np.concatenate(([cash] * len(first), value)),
        )  # fmt: skip

    @property
    def periods(self) -> float:
        """N, session returns per year (M1)."""
        return float(self.run["periods_per_year"])

    @property
    def risk_free_rate(self) -> float:
        """Annual rate of cash."""
        return float(self.run["configuration"].get("risk_free_rate") or 0.0)

    @property
    def span(self) -> str:
        """First and last session in words."""
        if not len(self.day):
            return "no session"
        return f"{np.datetime64(int(self.day[0]), 'D')} to {np.datetime64(int(self.day[-1]), 'D')}"


@dataclass(frozen=True, eq=False)
class Aligned:
    """Runs on their common sessions.

    Attributes:
        names: One a run.
        runs: The runs.
        day: Common sessions, days since 1970-01-01, (k + 1,).
        value: Value of each run there, (k + 1, runs).
    """

    names: Sequence[str]
    runs: Sequence[Run]
    day: I64
    value: F64

    @cached_property
    def returns(self) -> F64:
        """Returns from each common session to the next, (k, runs)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: F64 = self.value[1:] / self.value[:-1] - 1.0
        return found

    @cached_property
    def rebased(self) -> F64:
        """Values divided by their first one, (k + 1, runs)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: F64 = self.value / self.value[0]
        return found

    @cached_property
    def drawdowns(self) -> F64:
        """Rebased values divided by their running maximum, minus 1, (k + 1, runs)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: F64 = self.rebased / np.maximum.accumulate(self.rebased, axis=0) - 1.0
        return found

    @property
    def dropped(self) -> list[int]:
        """Sessions of each run that the comparison leaves out."""
        return [len(run.day) - len(self.day) for run in self.runs]

    @property
    def periods(self) -> float:
        """N of the common sessions: those that all runs have are no more a year than the fewest of one."""
        return min(run.periods for run in self.runs)

    def metrics(self, i: int) -> tuple[dict[str, float], dict[str, str]]:
        """Return the metrics of run ``i`` over the common sessions, and the reasons of the undefined."""
        start = float(self.value[0, i])
        return account_metrics(
            self.value[:, i], self.day.astype(np.int32), start, self.periods, self.runs[i].risk_free_rate
        )


def align(runs: Sequence[Run], names: Sequence[str]) -> Aligned:
    """Join runs on their sessions.

    Raises:
        DataError: ``NO_COMMON_DATES``: two of them have fewer than two sessions in common, or all together have.
    """
    from alphintra.errors import DataError

    def refuse(message: str) -> DataError:
        return DataError(message, code="NO_COMMON_DATES", hint="compare runs over the same dates")

    common = runs[0].day
    for name, run in zip(names[1:], runs[1:], strict=True):
        if len(np.intersect1d(runs[0].day, run.day)) < 2:
            raise refuse(
                f"{names[0]!r} ({runs[0].span}) and {name!r} ({run.span}) have no two sessions in common"
            )
        common = np.intersect1d(common, run.day)
    if len(common) < 2:
        spans = ", ".join(f"{name!r} {run.span}" for name, run in zip(names, runs, strict=True))
        raise refuse(f"the runs have no two sessions in common: {spans}")
    value = np.column_stack([run.value[np.searchsorted(run.day, common)] for run in runs])
    return Aligned(names, runs, common, value)
