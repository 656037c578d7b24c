"""Runs side by side: aligned on their common sessions, with differences and their confidence."""

from alphintra_backtest.comparison.aligned import Aligned, Run, align
from alphintra_backtest.comparison.bootstrap import COMPARED, Interval, differences
from alphintra_backtest.comparison.naming import named
from alphintra_backtest.comparison.page import study
from alphintra_backtest.comparison.settings import assumptions, settings

__all__ = [
    "COMPARED",
    "Aligned",
    "Interval",
    "Run",
    "align",
    "assumptions",
    "differences",
    "named",
    "settings",
    "study",
]
