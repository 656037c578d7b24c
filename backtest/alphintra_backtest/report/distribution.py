"""How session returns are distributed, against the normal distribution of the same mean and spread."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.report.account import F64, Account
from alphintra_backtest.report.series import line
from alphintra_backtest.study import Fact, Facts, Figure, Section, Text
from alphintra_backtest.view_series import shown

FEWEST = 20
_FEW_FLAT = 0.8
_POINTS = 600


def section(account: Account) -> Section:
    """Return figures, histogram and quantiles."""
    title = "Distribution of returns"
    returns = account.returns[np.isfinite(account.returns)]
    if len(returns) < FEWEST or np.ptp(returns) == 0:
        why = f"needs {FEWEST} session returns that vary; the run has {len(returns)}"
        return Section("distribution", title, [Text([f"A distribution {why}."])])
    # A strategy that is seldom in the market would be one bar at zero.
    moved = returns[returns != 0]
    drawn = moved if len(moved) < _FEW_FLAT * len(returns) and len(moved) >= FEWEST else returns
    left = len(returns) - len(drawn)
    note = f"{text(left, 'integer')} sessions in which the account did not move are left out." if left else ""
    return Section("distribution", title, [_facts(returns), _histogram(drawn, note), _quantiles(drawn, note)])


def _facts(returns: F64) -> Facts:
    skewed, tailed = _shape(returns)
    cut = float(np.quantile(returns, 0.05))
    tail = float(returns[returns <= cut].mean())
    return Facts(
        [
            Fact("best", "Best session", float(returns.max()), "percent", True),
            Fact("worst", "Worst session", float(returns.min()), "percent", True),
            Fact("positive", "Sessions up", float((returns > 0).mean()), "percent", note="of all sessions"),
            Fact("flat", "Sessions flat", float((returns == 0).mean()), "percent", note="of all sessions"),
            Fact("var", "VaR 95 %", cut, "percent", True, "The 5 % quantile of session returns (numpy.quantile)."),
            Fact("cvar", "CVaR 95 %", tail, "percent", True, "Mean of the session returns at or below VaR 95 %."),
            Fact("skew", "Skewness", skewed, "ratio", True, "scipy.stats.skew; 0 for a normal distribution."),
            Fact(
                "kurtosis", "Excess kurtosis", tailed, "ratio", True,
                "scipy.stats.kurtosis (Fisher); 0 for a normal distribution, above it the tails are heavier.",
            ),
        ]
    )  # fmt: skip


def _shape(returns: F64) -> tuple[float, float]:
    """Return skewness and excess kurtosis, both of the population's moments (scipy.stats costs a second to import)."""
    away = returns - returns.mean()
    second = float(np.mean(away**2))
    return float(np.mean(away**3)) / second**1.5, float(np.mean(away**4)) / second**2 - 3.0


def _histogram(returns: F64, note: str) -> Figure:
    counts, edges = np.histogram(returns, bins=_bins(returns))
    centres, width = (edges[:-1] + edges[1:]) / 2.0, float(edges[1] - edges[0])
    mean, spread = float(returns.mean()), float(returns.std(ddof=1))
    x = np.linspace(edges[0], edges[-1], 200)
    normal = len(returns) * width / (spread * np.sqrt(2.0 * np.pi)) * np.exp(-0.5 * ((x - mean) / spread) ** 2)
    data = [
        {
            "type": "bar", "x": shown(centres, 5), "y": counts.tolist(), "width": width, "name": "Sessions",
            "marker": {"color": "@series1"}, "showlegend": False,
        },
        line(shown(x, 5), normal, "Normal with the same mean and spread", "@muted", width=1.6),
    ]  # fmt: skip
    alt = (
        f"Histogram of {len(returns)} session returns, mean {text(mean, 'percent', signed=True)}, "
        f"standard deviation {text(spread, 'percent')}."
    )
    layout = {"xaxis": {"tickformat": ".1%"}, "yaxis": {"title": {"text": "Sessions"}}, "bargap": 0.04}
    return Figure("histogram", "Session returns", alt, data, layout, 280, note)


def _bins(returns: F64) -> int:
    """Return the number of bins of Freedman and Diaconis's rule, between 10 and 80."""
    if np.ptp(np.quantile(returns, [0.25, 0.75])) == 0:
        return 40  # the rule has no width where half of the sessions are out of the market
    return min(80, max(10, len(np.histogram_bin_edges(returns, bins="fd")) - 1))


def _quantiles(returns: F64, left: str) -> Figure:
    ordered = np.sort(returns)
    # The tails are what is looked at: all of them, and some of what lies between.
    ends = min(len(ordered), _POINTS) // 3
    middle = np.linspace(ends, len(ordered) - ends - 1, _POINTS - 2 * ends).astype(np.int64)
    keep = np.unique(np.concatenate((np.arange(ends), middle, np.arange(len(ordered) - ends, len(ordered)))))
    # Like scipy.special.ndtri, which takes a third of a second to import.
    standard = [NormalDist().inv_cdf(share) for share in ((keep + 0.5) / len(ordered)).tolist()]
    normal = float(returns.mean()) + float(returns.std(ddof=1)) * np.array(standard)
    reach = [float(normal[0]), float(normal[-1])]
    data = [
        line(shown(np.array(reach), 5), np.array(reach), "Normal", "@muted", width=1.2),
        {
            "type": "scatter", "mode": "markers", "x": shown(normal, 5), "y": shown(ordered[keep], 5),
            "name": "Sessions", "marker": {"color": "@series1", "size": 4},
        },
    ]  # fmt: skip
    alt = (
        f"Quantiles of the session returns against those of a normal distribution: the worst session is "
        f"{text(float(ordered[0]), 'percent', signed=True)} where a normal one would have "
        f"{text(float(normal[0]), 'percent', signed=True)}."
    )
    layout = {
        "xaxis": {"tickformat": ".1%", "title": {"text": "Normal quantile"}},
        "yaxis": {"tickformat": ".1%", "title": {"text": "Session return"}},
        "hovermode": "closest",
    }
    note = f"Points below the line on the left are losses worse than a normal distribution has them. {left}".strip()
    return Figure("quantiles", "Quantiles against the normal distribution", alt, data, layout, 320, note)
