"""Equity and drawdown against the benchmark, and the deepest drawdowns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.drawdowns import equity_drawdown
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.series import kept, line, moments, thinned
from alphintra_backtest.study import Column, Figure, Section, Table, Text

F64 = npt.NDArray[np.float64]
DEEPEST = 10
_WIDE = 5.0


def section(account: Account) -> Section:
    """Return the two curves and the table of drawdowns."""
    curves = account.result.curves
    if len(curves) < 2:
        return Section("curves", "Equity and drawdown", [Text(["The run is too short to draw."])])
    benchmark = np.asarray(curves.benchmark, dtype=np.float64)
    known = bool(np.isfinite(benchmark).any())
    under = equity_drawdown(curves.equity, account.cash)
    series = [curves.equity, under, *([benchmark] if known else [])]
    keep = kept(series)
    x, note = moments(account.axis.names[keep]), thinned(len(curves), keep)
    equity = [line(x, curves.equity[keep], "Strategy", "@series1", width=1.8)]
    below = [line(x, np.round(under[keep], 6), "Strategy", "@loss", width=1.0, fill="tozeroy")]
    if known:
        start = float(benchmark[np.isfinite(benchmark)][0])
        equity.insert(0, line(x, benchmark[keep], account.benchmark_name, "@benchmark", width=1.2))
        other = np.round(equity_drawdown(benchmark, start)[keep], 6)
        below.append(line(x, other, account.benchmark_name, "@benchmark", width=1.2))
    span = f"{x[0]} to {x[-1]}"
    ends = f"from {text(curves.equity[0], 'money')} to {text(curves.equity[-1], 'money')}"
    against = f", against {account.benchmark_name.lower()}, {text(benchmark[-1], 'money')} at the end" if known else ""
    figures = [
        Figure(
            "equity", "Equity", f"Equity over {span}, {ends}{against}.", equity,
            {"yaxis": _scale(series[:1] + series[2:])}, 340, note,
        ),
        Figure(
            "underwater", "Under water", f"Drawdown over {span}, deepest {text(float(np.nanmin(under)), 'percent')}.",
            below, {"yaxis": {"tickformat": ".0%"}}, 220,
            "How far equity is below its best so far, the starting cash included, at every bar.",
        ),
    ]  # fmt: skip
    return Section("curves", "Equity and drawdown", [*figures, drawdowns(account, under)])


def _scale(series: list[F64]) -> dict[str, Any]:
    """Return the axis of equity: by ratios where the largest value is many times the least."""
    known = np.concatenate([values[np.isfinite(values)] for values in series])
    wide = known.min() > 0 and known.max() / known.min() > _WIDE
    title = {"title": {"text": "log scale"}, "type": "log", "dtick": "D2"} if wide else {}
    return {"tickformat": ",.6~f", **title}


def drawdowns(account: Account, under: F64) -> Table:
    """Return the deepest falls: from the last bar at a best to the first that is back there."""
    names = account.axis.names
    rows: list[list[Any]] = []
    for start, bottom, end in falls(under):
        left = names[end] if end < len(under) else None
        until = names[min(end, len(under) - 1)]
        rows.append(
            [
                float(under[bottom]), int(names[start]), int(names[bottom]), None if left is None else int(left),
                round((names[bottom] - names[start]) / 86_400), round((until - names[start]) / 86_400),
            ]
        )  # fmt: skip
    rows.sort(key=lambda row: row[0])
    columns = [
        Column("depth", "Depth", "percent", False, "Equity at the bottom divided by the best before it, minus 1."),
        Column("from", "From", "time"), Column("bottom", "Bottom", "time"), Column("until", "Recovered", "time"),
        Column("fall", "Days down", "integer"), Column("whole", "Days under water", "integer"),
    ]  # fmt: skip
    open_ones = any(row[3] is None for row in rows[:DEEPEST])
    note = "A drawdown without a date of recovery lasts to the end." if open_ones else ""
    return Table("drawdowns", "Deepest drawdowns", columns, rows[:DEEPEST], len(rows), note)


def falls(under: F64) -> list[tuple[int, int, int]]:
    """Return start, bottom and end of each stretch below the best, as indices; the end may lie behind the last bar."""
    below = np.concatenate(([False], np.nan_to_num(under) < 0, [False]))
    edges = np.flatnonzero(np.diff(below.astype(np.int8)))
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        bottom = first + int(np.argmin(np.where(np.isnan(under[first:end]), math.inf, under[first:end])))
        found.append((max(first - 1, 0), bottom, end))
    return found
