"""What a run came to: its sentences, its headline figures, and every metric with its definition."""

from __future__ import annotations

from dataclasses import replace

from alphintra_backtest import view_tables
from alphintra_backtest.formats import text
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.tables import from_view
from alphintra_backtest.study import Fact, Facts, Section
from alphintra_backtest.view import figures


def section(account: Account) -> Section:
    """Return the headline figures, each with the benchmark's."""
    items = []
    for figure in figures(account.result):
        known = figure["benchmark"]
        below = []
        if known is not None and known == known:
            below.append(f"bench {text(known, figure['format'], signed=figure['signed'])}")
        if figure["note"]:
            below.append(figure["note"])
        items.append(
            Fact(
                figure["name"], figure["label"], figure["value"], figure["format"], figure["signed"],
                figure["definition"], figure["reason"] or "", " · ".join(below),
            )
        )  # fmt: skip
    return Section("summary", "Summary", [Facts(items)])


def every_metric(account: Account) -> Section:
    """Return every metric beside the benchmark's, with its definition and source."""
    table = from_view(view_tables.metrics_table(account.result), "metrics", "What each number means")
    # Their values are written out, each in its own unit; they are still numbers, and stand as such.
    columns = [replace(c, format="ratio") if c.name in ("value", "benchmark") else c for c in table.columns]
    return Section("metrics", "Metrics", [replace(table, columns=columns)])


def sentences(account: Account) -> list[str]:
    """Return what the run came to, in plain words."""
    metrics, other = account.result.metrics, account.result.benchmark_metrics
    run = account.result.run

    def written(name: str, kind: str, signed: bool = False) -> str:
        return text(metrics[name], kind, signed=signed)

    years = len(account.returns) / account.periods
    said = [
        f"{run['strategy']} {'earned' if metrics['total_return'] >= 0 else 'lost'} "
        f"{text(abs(metrics['total_return']), 'percent')} in {years:.1f} years "
        f"({written('annualized_return', 'percent', True)} a year), "
        f"with a deepest drawdown of {written('max_drawdown', 'percent')} "
        f"and a Sharpe ratio of {written('sharpe_ratio', 'ratio')}."
    ]
    if other:
        word = "more" if metrics["total_return"] > other["total_return"] else "less"
        said.append(
            f"{account.benchmark_name} came to {text(other['total_return'], 'percent', signed=True)} with a deepest "
            f"drawdown of {text(other['max_drawdown'], 'percent')}: the strategy made {word}."
        )
    return said
