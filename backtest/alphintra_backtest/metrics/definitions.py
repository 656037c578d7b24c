"""What each metric of a result is called, how it is computed, its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """One metric, as it is shown to a reader.

    Attributes:
        name: Key in ``Result.metrics``.
        label: Short name on the screen.
        definition: The exact formula in a sentence.
        unit: ``fraction``, ``ratio``, ``money``, ``seconds``, ``bars``, ``count`` or ``per year``.
        source: Rule and, where there is one, the outside reference.
        format: How a view writes it: percent, ratio, integer, money or duration.
        signed: Whether a view writes a plus sign.
    """

    name: str
    label: str
    definition: str
    unit: str
    source: str
    format: str
    signed: bool = False


_RETURNS = (
    "Returns are changes of equity from session to session (crypto: UTC day), from the starting cash on."
)

_ALL = (
    Definition(
        "total_return",
        "Total return",
        "Final equity divided by starting cash, minus 1.",
        "fraction",
        "M0",
        "percent",
        True,
    ),
    Definition(
        "annualized_return",
        "Annualised",
        f"(1 + total return)^(N / n) − 1 with n session returns and N per year. {_RETURNS}",
        "fraction",
        "M5; empyrical.annual_return",
        "percent",
        True,
    ),
    Definition(
        "sharpe_ratio",
        "Sharpe",
        f"√N · mean(r − rf) / standard deviation of (r − rf), ddof 1. {_RETURNS}",
        "ratio",
        "M2; empyrical.sharpe_ratio",
        "ratio",
    ),
    Definition(
        "sortino_ratio",
        "Sortino",
        "N · mean(r − rf) / (√N · √mean(min(r − rf, 0)²)), the mean over all session returns.",
        "ratio",
        "M3; empyrical.sortino_ratio",
        "ratio",
    ),
    Definition(
        "max_drawdown",
        "Max drawdown",
        "Least value of equity / max(starting cash, running maximum) − 1, over every bar.",
        "fraction",
        "M4",
        "percent",
        True,
    ),
    Definition(
        "volatility",
        "Volatility",
        f"√N · standard deviation of session returns, ddof 1. {_RETURNS}",
        "fraction",
        "M2; empyrical.annual_volatility",
        "percent",
    ),
    Definition(
        "win_rate",
        "Win rate",
        "Closed trades with P&L > 0 divided by closed trades.",
        "fraction",
        "M10",
        "percent",
    ),
    Definition(
        "profit_factor",
        "Profit factor",
        "Money gained in winning trades divided by money lost in losing ones, after costs.",
        "ratio",
        "M10",
        "ratio",
    ),
    Definition(
        "total_trades",
        "Trades",
        "Closed trades; one is a first-in first-out match of one entry order with one exit order.",
        "count",
        "M10",
        "integer",
    ),
    Definition(
        "time_in_market",
        "In market",
        "Bars with a position at their close divided by all bars.",
        "fraction",
        "M12",
        "percent",
    ),
    Definition(
        "final_equity",
        "Final equity",
        "Cash plus open positions at their last close.",
        "money",
        "F18",
        "money",
    ),
    Definition(
        "cagr",
        "CAGR",
        "(1 + total return)^(365.25 / days) − 1 with the calendar days from the first to the last session.",
        "fraction",
        "M5",
        "percent",
        True,
    ),
    Definition(
        "calmar_ratio",
        "Calmar",
        "Annualised return divided by |max drawdown|.",
        "ratio",
        "M4; empyrical.calmar_ratio",
        "ratio",
    ),
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
        "gross_exposure",
        "Gross exposure",
        "Mean over all bars of |market value| divided by equity.",
        "fraction",
        "M12",
        "percent",
    ),
    Definition(
        "turnover",
        "Turnover",
        "Money traded, in the account's currency, divided by mean equity and by years (session returns / N).",
        "per year",
        "M12",
        "ratio",
    ),
    Definition(
        "total_fees",
        "Fees",
        "Commissions of all fills, each rounded once to 1e-8.",
        "money",
        "M12",
        "money",
    ),
    Definition(
        "total_slippage",
        "Slippage",
        "What slippage cost over all fills, in money.",
        "money",
        "M12",
        "money",
    ),
    Definition(
        "total_borrow",
        "Borrow",
        "Borrow cost of short positions at `borrow_rate`.",
        "money",
        "M12, F11",
        "money",
    ),
    Definition(
        "open_trades",
        "Open trades",
        "Trades still open at the end, marked to the last close.",
        "count",
        "F10",
        "integer",
    ),
    Definition("winning_trades", "Winning trades", "Closed trades with P&L > 0.", "count", "M10", "integer"),
    Definition("losing_trades", "Losing trades", "Closed trades with P&L < 0.", "count", "M10", "integer"),
    Definition(
        "longest_winning_streak",
        "Longest winning streak",
        "Most consecutive trades with P&L > 0, in the order of their exits; a trade of 0 ends a streak.",
        "count",
        "M10",
        "integer",
    ),
    Definition(
        "longest_losing_streak",
        "Longest losing streak",
        "Most consecutive trades with P&L < 0, in the order of their exits; a trade of 0 ends a streak.",
        "count",
        "M10",
        "integer",
    ),
    Definition(
        "avg_trade_duration",
        "Average duration",
        "Mean time from entry to exit of closed trades.",
        "seconds",
        "M12",
        "duration",
    ),
    Definition(
        "avg_trade_bars",
        "Average bars held",
        "Mean number of bars from entry to exit of closed trades.",
        "bars",
        "M12",
        "ratio",
    ),
    Definition(
        "best_trade",
        "Best trade",
        "Largest return of a closed trade, after costs.",
        "fraction",
        "M10",
        "percent",
        True,
    ),
    Definition(
        "worst_trade",
        "Worst trade",
        "Smallest return of a closed trade, after costs.",
        "fraction",
        "M10",
        "percent",
        True,
    ),
    Definition("expectancy", "Expectancy", "Mean P&L of a closed trade.", "money", "M10", "money", True),
    Definition("avg_win", "Average win", "Mean P&L of winning trades.", "money", "M10", "money", True),
    Definition("avg_loss", "Average loss", "Mean P&L of losing trades.", "money", "M10", "money", True),
)

DEFINITIONS: dict[str, Definition] = {definition.name: definition for definition in _ALL}
"""All metrics of a result by name, in the order in which they are shown."""

HEADLINE = (
    "total_return",
    "annualized_return",
    "sharpe_ratio",
    "sortino_ratio",
    "max_drawdown",
    "volatility",
    "win_rate",
    "profit_factor",
    "total_trades",
    "time_in_market",
)
"""The figures at the top of every view of a result."""
