"""Monte Carlo (rule M8): session returns, trades or prices drawn again, and the bands of what comes of them."""

from alphintra_backtest.monte_carlo.run import run

__all__ = ["run"]
