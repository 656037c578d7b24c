"""How much of the account was at work."""

from __future__ import annotations

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.series import kept, line, moments, thinned
from alphintra_backtest.study import Fact, Facts, Figure, Section


def section(account: Account) -> Section:
    """Return time in market, exposure and turnover, and exposure over time."""
    result, curves = account.result, account.result.curves
    facts = [
        Fact(
            name, DEFINITIONS[name].label, result.metrics[name], DEFINITIONS[name].format, False,
            DEFINITIONS[name].definition, result.undefined.get(name, ""),
        )
        for name in ("time_in_market", "gross_exposure", "turnover")
    ]  # fmt: skip
    if not len(curves):
        return Section("exposure", "Exposure", [Facts(facts)])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.abs(np.asarray(curves.exposure)) / curves.equity
        cash = np.asarray(curves.cash) / curves.equity
    share, cash = (np.where(np.isfinite(values), values, np.nan) for values in (share, cash))
    top = float(np.nanmax(share)) if np.isfinite(share).any() else float("nan")
    facts.append(Fact("most", "Largest exposure", top, "percent", False, "Largest |market value| / equity at a close."))
    keep = kept([share, cash])
    x = moments(account.axis.names[keep])
    data = [
        line(x, np.round(share[keep], 5), "Exposure", "@series1", width=1.0, fill="tozeroy"),
        line(x, np.round(cash[keep], 5), "Cash", "@series3", width=1.2),
    ]
    alt = (
        f"Market value and cash as parts of equity: {text(float(np.nanmean(share)), 'percent')} exposed on average, "
        f"{text(top, 'percent')} at most."
    )
    note = f"Market value of all positions, and cash, divided by equity. {thinned(len(share), keep)}".strip()
    figure = Figure("exposure", "Exposure and cash", alt, data, {"yaxis": {"tickformat": ".0%"}}, 220, note)
    return Section("exposure", "Exposure", [Facts(facts), figure])
