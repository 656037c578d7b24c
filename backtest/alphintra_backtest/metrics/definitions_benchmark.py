"""Metrics that compare the account with its benchmark."""

from __future__ import annotations

from alphintra_backtest.metrics.definition import Definition

BENCHMARK = (
    Definition(
        "correlation_to_benchmark",
        "Correlation",
        "Pearson's correlation of the session returns with the benchmark's, on sessions that both have.",
        "ratio",
        "M9",
        "ratio",
    ),
    Definition(
        "beta",
        "Beta",
        "Covariance of excess session returns with the benchmark's, divided by the benchmark's variance.",
        "ratio",
        "M9; empyrical.beta",
        "ratio",
    ),
    Definition(
        "alpha",
        "Alpha",
        "(1 + mean(r − rf − β·(b − rf)))^N − 1.",
        "fraction",
        "M9; empyrical.alpha",
        "percent",
        True,
    ),
    Definition(
        "tracking_error",
        "Tracking error",
        "√N · standard deviation of (r − b), ddof 1, on sessions that both have.",
        "fraction",
        "M9; Grinold and Kahn",
        "percent",
    ),
    Definition(
        "information_ratio",
        "Information ratio",
        "√N · mean(r − b) / standard deviation of (r − b), ddof 1, on sessions that both have.",
        "ratio",
        "M9; √N · empyrical.excess_sharpe",
        "ratio",
    ),
    Definition(
        "up_capture",
        "Up capture",
        "Annualised return over the sessions in which the benchmark rose, divided by the benchmark's.",
        "ratio",
        "M9; empyrical.up_capture",
        "ratio",
    ),
    Definition(
        "down_capture",
        "Down capture",
        "Annualised return over the sessions in which the benchmark fell, divided by the benchmark's.",
        "ratio",
        "M9; empyrical.down_capture",
        "ratio",
    ),
    Definition(
        "batting_average",
        "Batting average",
        "Sessions with a return above the benchmark's divided by the sessions that both have.",
        "fraction",
        "M9; empyrical.batting_average",
        "percent",
    ),
)
"""On the sessions that both have (M9)."""
