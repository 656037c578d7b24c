"""Sharpe ratio, volatility and beta over a window that moves through the run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alphintra_backtest.formats import text
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.series import kept, level, line, thinned
from alphintra_backtest.study import Figure, Section, Text


def window_of(account: Account) -> int:
    """Return the window: half a year of sessions, a quarter where the run is shorter than a year."""
    long = round(account.periods / 2)
    return long if len(account.returns) >= 2 * long else max(2, round(account.periods / 4))


def section(account: Account) -> Section:
    """Return one figure for each of the three."""
    title, window, count = "Rolling metrics", window_of(account), len(account.returns)
    if count < window + 2:
        short = f"The window is {window} sessions; the run has {count} session returns."
        return Section("rolling", title, [Text([short])])
    returns = pd.Series(account.returns)
    moving = returns.rolling(window)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = moving.std(ddof=1) * np.sqrt(account.periods)
        # A window in which nothing moved has no Sharpe ratio; what rounding leaves of its spread is no spread.
        flat = moving.max() - moving.min() == 0
        sharpe = ((moving.mean() - account.risk_free) * account.periods / spread).where(~flat)
    series = [
        ("sharpe", "Sharpe", sharpe, "", account.result.metrics["sharpe_ratio"], "ratio"),
        ("volatility", "Volatility", spread, ".0%", account.result.metrics["volatility"], "percent"),
    ]
    if account.benchmark_returns is not None:
        other = pd.Series(account.benchmark_returns)
        with np.errstate(divide="ignore", invalid="ignore"):
            beta = returns.rolling(window).cov(other) / other.rolling(window).var()
        series.append(("beta", "Beta", beta, "", account.result.metrics["beta"], "ratio"))
    figures = []
    for i, (name, label, values, ticks, whole, kind) in enumerate(series):
        found = values.to_numpy(dtype=np.float64)[window - 1 :]
        days = account.dates[window - 1 :]
        keep = kept([found])
        known = found[np.isfinite(found)]
        reach = f"between {text(float(known.min()), kind)} and {text(float(known.max()), kind)}" if len(known) else ""
        alt = f"{label} over {window} sessions, {reach}; over the whole run {text(whole, kind)}."
        layout = {"yaxis": {"tickformat": ticks}, "shapes": [level(whole)] if np.isfinite(whole) else []}
        data = [line([days[j] for j in keep.tolist()], found[keep], label, f"@series{i + 1}", width=1.4)]
        figures.append(
            Figure(
                f"rolling_{name}", f"{label}, {window} sessions", alt, data, layout, 200,
                f"Dotted: the whole run, {text(whole, kind)}. {thinned(len(found), keep, 'sessions')}".strip(),
            )
        )  # fmt: skip
    return Section("rolling", title, figures)
