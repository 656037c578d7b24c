"""How much of a result may be luck: PSR, DSR and PBO (rules M6 and M7), and a judgement in plain words."""

from alphintra.overfitting import HalfSplits, Judgement, Moments

from alphintra_backtest.overfitting.halves import probability_of_backtest_overfitting
from alphintra_backtest.overfitting.judgement import judge
from alphintra_backtest.overfitting.luck import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    moments,
    probabilistic_sharpe_ratio,
)

__all__ = [
    "HalfSplits",
    "Judgement",
    "Moments",
    "deflated_sharpe_ratio",
    "expected_maximum_sharpe",
    "judge",
    "moments",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
]
