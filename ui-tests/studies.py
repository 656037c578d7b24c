"""Studies to look at: one of each kind, with numbers of a seeded random walk in place of a market's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from alphintra_backtest.study import (
    MIME_TYPE,
    Column,
    Fact,
    Facts,
    Figure,
    Section,
    Study,
    Table,
    Text,
    Trials,
)

METRICS = (
    Column("sharpe", "Sharpe", "ratio", definition="Mean of the session returns over their deviation, annualised."),
    Column("total_return", "Total return", "percent", signed=True, definition="Last equity over the first, less 1."),
    Column("max_drawdown", "Max drawdown", "percent", signed=True, definition="Deepest fall from a peak."),
    Column("volatility", "Volatility", "percent", definition="Deviation of the session returns, annualised."),
    Column("trades", "Trades", "integer", definition="Round trips."),
)


def _metrics(sharpe: float, fast: float) -> list[float | int | None]:
    if math.isnan(sharpe):
        return [None, None, None, None, 0]
    volatility = 0.16 + 0.001 * fast
    return [sharpe, sharpe * volatility * 5, -0.35 + 0.12 * sharpe, volatility, int(4000 / (fast + 10))]


def sweep() -> Study:
    """990 variants over two parameters; the pairs in which fast is not below slow have no trial."""
    rng = np.random.default_rng(5)
    pairs = [(fast, slow) for fast in range(5, 50) for slow in range(10, 105, 3) if fast < slow][:990]
    rows: list[list[Any]] = []
    for number, (fast, slow) in enumerate(pairs):
        sharpe = 0.9 * math.exp(-(((fast - 18) / 14) ** 2) - ((slow - 70) / 30) ** 2) - 0.2 + rng.normal(0, 0.07)
        rows.append([number, fast, slow, *_metrics(math.nan if number % 97 == 5 else sharpe, fast)])
    best = max((row for row in rows if row[3] is not None), key=lambda row: row[3])
    return Study(
        kind="sweep",
        title="SmaCross: sweep of 990 variants",
        subtitle="us-equities-daily/AAPL · 2010-01-04 → 2020-12-31 · 2 769 bars",
        chips=[("fast", "5 … 49"), ("slow", "10 … 103"), ("objective", "sharpe")],
        warnings=[
            {"code": "overfitting", "level": "warning", "text": "the best of 990: not a forecast", "items": []},
            {"code": "costs", "level": "error", "text": "costs: none", "items": ["commission 0", "slippage 0"]},
        ],
        sentences=[
            f"The best variant has a Sharpe ratio of {best[3]:.2f}; of 990 variants without any skill, "
            "the best would be expected to have 0.81.",
            "The deflated Sharpe ratio is 0.62: it could well be luck.",
        ],
        sections=[
            Section(
                "overview",
                "Overview",
                [
                    Facts(
                        [
                            Fact("best", "Best Sharpe", best[3], "ratio", definition="Of all variants."),
                            Fact("psr", "PSR", 0.962, "percent", definition="Chance that the true ratio is above 0."),
                            Fact("dsr", "DSR", 0.62, "percent", definition="The same after 990 trials."),
                            Fact("pbo", "PBO", None, "percent", definition="By CSCV.", reason="fewer than 16 blocks"),
                            Fact("trials", "Trials", 990, "integer", note="11 undefined"),
                            Fact("executor", "Executor", "signals", "text", note="0.4 s"),
                            Fact("median", "Median Sharpe", -0.04, "ratio", signed=True),
                        ]
                    )
                ],
            ),
            Section(
                "trials",
                "Trials",
                [
                    Trials(
                        "trials",
                        "Sharpe by fast and slow",
                        (Column("fast", "fast", "integer"), Column("slow", "slow", "integer")),
                        METRICS,
                        rows,
                        best[0],
                        note="Pairs in which fast is not below slow were left out by the constraint.",
                    )
                ],
            ),
        ],
        code="al.sweep(SmaCross, data, fast=range(5, 50), slow=range(10, 105, 3))",
    )


def wide_sweep(count: int = 600) -> Study:
    """Three parameters, one of them words; few enough steps that cells hold text."""
    rng = np.random.default_rng(6)
    rows: list[list[Any]] = []
    for number in range(count):
        fast, slow = int(rng.integers(1, 9)) * 5, int(rng.integers(2, 10)) * 10
        leave = ("trail", "stop", "signal")[number % 3]
        sharpe = 0.8 + 0.5 * math.sin(fast / 9) + 0.3 * math.cos(slow / 20) + rng.normal(0, 0.1)
        rows.append([number, fast, slow, leave, *_metrics(sharpe, fast)])
    best = max(rows, key=lambda row: row[4])
    return Study(
        kind="sweep",
        title=f"Breakout: sweep of {count} variants",
        sections=[
            Section(
                "trials",
                "Trials",
                [
                    Trials(
                        "trials",
                        "Sharpe by three parameters",
                        (
                            Column("fast", "fast", "integer"),
                            Column("slow", "slow", "integer"),
                            Column("leave", "leave by", "text"),
                        ),
                        METRICS,
                        rows,
                        best[0],
                    )
                ],
            )
        ],
    )


def monte_carlo() -> Study:
    """A fan of paths, and where they end."""
    rng = np.random.default_rng(7)
    days = [str(day.date()) for day in pd.bdate_range("2015-01-01", periods=500)]
    paths = 100_000 * np.exp(np.cumsum(rng.normal(0.0004, 0.012, (1000, 500)), axis=1))
    low, q25, median, q75, high = (np.percentile(paths, q, axis=0).round(2).tolist() for q in (5, 25, 50, 75, 95))
    edge = {"type": "scatter", "mode": "lines", "x": days, "line": {"width": 0}, "showlegend": False}
    return Study(
        kind="monte_carlo",
        title="SmaCross: 1 000 resampled runs",
        subtitle="returns in blocks of 21 sessions",
        chips=[("paths", 1000), ("seed", 7)],
        sentences=["One run in twenty ends below 79 000.", "The drawdown you saw is the 34th of 100."],
        sections=[
            Section(
                "fan",
                "Equity",
                [
                    Figure(
                        "fan",
                        "Equity of 1 000 paths",
                        "The median ends near 122 000; nine in ten between 79 000 and 188 000.",
                        [
                            {**edge, "y": low, "hoverinfo": "skip"},
                            {
                                **edge,
                                "y": high,
                                "fill": "tonexty",
                                "fillcolor": "@band_wide",
                                "name": "5–95 %",
                                "showlegend": True,
                            },
                            {**edge, "y": q25, "hoverinfo": "skip"},
                            {
                                **edge,
                                "y": q75,
                                "fill": "tonexty",
                                "fillcolor": "@band",
                                "name": "25–75 %",
                                "showlegend": True,
                            },
                            {
                                "type": "scatter",
                                "mode": "lines",
                                "x": days,
                                "y": median,
                                "name": "median",
                                "line": {"color": "@series1", "width": 2},
                            },
                            {
                                "type": "scatter",
                                "mode": "lines",
                                "x": days,
                                "y": paths[3].round(2).tolist(),
                                "name": "as run",
                                "line": {"color": "@ink", "width": 1},
                            },
                        ],
                        {"yaxis": {"title": {"text": "Equity, USD"}}, "hovermode": "x unified"},
                        note="Blocks keep the order of sessions within them.",
                    ),
                    Figure(
                        "ends",
                        "Where the paths end",
                        "A histogram of the last equity with its middle near 122 000.",
                        [
                            {
                                "type": "histogram",
                                "x": paths[:, -1].round(2).tolist(),
                                "nbinsx": 60,
                                "marker": {"color": "@series1"},
                            }
                        ],
                        {
                            "xaxis": {"title": {"text": "Last equity, USD"}},
                            "yaxis": {"title": {"text": "Paths"}},
                            "shapes": [
                                {
                                    "type": "line",
                                    "x0": 100_000,
                                    "x1": 100_000,
                                    "y0": 0,
                                    "y1": 1,
                                    "yref": "paper",
                                    "line": {"color": "@loss", "dash": "dash"},
                                }
                            ],
                            "annotations": [
                                {"x": 100_000, "y": 1, "yref": "paper", "text": "start", "showarrow": False}
                            ],
                        },
                        height=240,
                    ),
                ],
            )
        ],
    )


def walk_forward() -> Study:
    """Four sections: in and out of sample, a heat map of months, candles."""
    rng = np.random.default_rng(8)
    windows = [f"W{i}" for i in range(1, 9)]
    inside, outside = rng.normal(1.1, 0.2, 8).round(3).tolist(), rng.normal(0.4, 0.5, 8).round(3).tolist()
    months = rng.normal(0.01, 0.04, (6, 12)).round(4).tolist()
    days = [str(day.date()) for day in pd.bdate_range("2019-01-01", periods=80)]
    close = 100 + np.cumsum(rng.normal(0, 1, 80))
    opened = close + rng.normal(0, 0.8, 80)
    return Study(
        kind="walk_forward",
        title="SmaCross: walk-forward over 8 windows",
        subtitle="504 sessions in, 126 out",
        sentences=["Out of sample the Sharpe ratio is 0.40, against 1.10 in sample."],
        sections=[
            Section(
                "windows",
                "Windows",
                [
                    Figure(
                        "sharpe",
                        "Sharpe in and out of sample",
                        "In sample above one throughout, out of sample below it in six of eight windows.",
                        [
                            {
                                "type": "bar",
                                "x": windows,
                                "y": inside,
                                "name": "in sample",
                                "marker": {"color": "@muted"},
                            },
                            {
                                "type": "bar",
                                "x": windows,
                                "y": outside,
                                "name": "out of sample",
                                "marker": {"color": ["@gain" if v > 0 else "@loss" for v in outside]},
                            },
                        ],
                        {"barmode": "group", "yaxis": {"title": {"text": "Sharpe"}}},
                        height=260,
                    )
                ],
            ),
            Section(
                "months",
                "Months",
                [
                    Figure(
                        "months",
                        "Monthly returns",
                        "Returns by month and year, most within four percent.",
                        [
                            {
                                "type": "heatmap",
                                "x": [f"{month:02}" for month in range(1, 13)],
                                "y": [str(y) for y in range(2015, 2021)],
                                "z": months,
                                "colorscale": "@low_to_high",
                                "zmid": 0,
                                "colorbar": {"tickformat": ".0%"},
                            }
                        ],
                        {"xaxis": {"type": "category"}, "yaxis": {"type": "category"}},
                        height=240,
                    )
                ],
            ),
            Section(
                "prices",
                "Prices",
                [
                    Figure(
                        "candles",
                        "Candles of the last window",
                        "Eighty sessions around 100.",
                        [
                            {
                                "type": "candlestick",
                                "x": days,
                                "open": opened.round(2).tolist(),
                                "high": (np.maximum(opened, close) + 0.6).round(2).tolist(),
                                "low": (np.minimum(opened, close) - 0.6).round(2).tolist(),
                                "close": close.round(2).tolist(),
                            }
                        ],
                        {"xaxis": {"rangeslider": {"visible": False}}},
                        height=260,
                    )
                ],
            ),
            Section(
                "notes",
                "Notes",
                [
                    Text(["Parameters moved in three of seven steps.", "The embargo is five sessions."]),
                    Text(["Window 3 has two trades; its ratio says little."], "warning"),
                ],
            ),
        ],
        code="al.walk_forward(SmaCross, data, train=504, test=126)",
    )


def comparison() -> Study:
    """Tables of three runs, one of them of prose."""
    return Study(
        kind="comparison",
        title="Three runs compared",
        chips=[("runs", 3)],
        sections=[
            Section(
                "figures",
                "Figures",
                [
                    Table(
                        "figures",
                        "Figures side by side",
                        (Column("run", "Run"), *METRICS),
                        [
                            ["SmaCross 20/50", *_metrics(0.83, 20)],
                            ["SmaCross 10/30", *_metrics(-0.21, 10)],
                            ["Buy and hold", *_metrics(0.98, 0)[:-1], None],
                        ],
                        note="Same data, same costs.",
                    ),
                    Table(
                        "differences",
                        "What differs",
                        (Column("what", "What"), Column("a", "SmaCross 20/50"), Column("b", "SmaCross 10/30")),
                        [
                            ["fast", 20, 10],
                            ["slow", 50, 30],
                            [
                                "fill rule",
                                "Orders of a bar fill at the open of the next one, at the price of its first trade.",
                                "Orders of a bar fill at its close.",
                            ],
                        ],
                    ),
                ],
            )
        ],
    )


def odd() -> dict[str, Any]:
    """Parts that this view cannot draw, beside one that it can."""
    payload = Study("report", "A part of tomorrow", sections=[Section("a", "A", [Text(["Read."])])]).payload()
    payload["sections"][0]["blocks"] += [{"type": "hologram"}, {"type": "table"}]
    return payload


def notebook(*payloads: Mapping[str, Any]) -> nbformat.NotebookNode:
    """A notebook whose outputs hold them."""
    cells = []
    for payload in payloads:
        output = nbformat.v4.new_output("display_data", {MIME_TYPE: payload, "text/plain": "a study"})
        cells.append(nbformat.v4.new_code_cell(f"# {payload.get('title', '')}", outputs=[output]))
    kernel = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
