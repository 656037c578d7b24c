"""A result as static HTML: what a notebook shows where the interactive view is not installed.

No script and no style sheet; text takes the page's own colour, so it reads in light and dark.
"""

from __future__ import annotations

from typing import Any

from alphintra_backtest import html_parts, svg
from alphintra_backtest.formats import text

SHOWN_TRADES = 20


def fragment(view: dict[str, Any]) -> str:
    """Return the HTML of a view's payload, without ``html`` and ``body``."""
    return (
        '<div style="font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:1100px">'
        f"{html_parts.header(view, 'h3')}{html_parts.warnings(view)}{html_parts.figures(view)}"
        f"{curves(view)}{html_parts.omissions(view)}{_trades(view)}</div>"
    )


def curves(view: dict[str, Any]) -> str:
    """Return equity and drawdown with captions in plain HTML."""
    curve = view["charts"]["curve"]
    time, values = curve["time"], curve["equity"]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    span = f"{text(known[0], 'money')} → {text(known[-1], 'money')}"
    against = " against buy and hold (grey)" if curve["benchmark"] else ""
    deepest = text(min(v for v in curve["drawdown"] if v is not None), "percent", signed=True)
    dates = f"{view['header']['start']} → {view['header']['end']}"
    return (
        f'<div style="margin:10px 0 2px"><b>Equity</b> {span}{against}</div>'
        f"{svg.equity(time, values, curve['benchmark'], f'Equity, {dates}: {span}')}"
        f'<div style="margin:8px 0 2px"><b>Drawdown</b> deepest {deepest}</div>'
        f"{svg.drawdown(time, curve['drawdown'], f'Drawdown, {dates}: deepest {deepest}')}"
    )


def _trades(view: dict[str, Any]) -> str:
    """Return the latest trades."""
    table = view["tables"]["trades"]
    if not table["total"]:
        return '<div style="margin:8px 0">No trades.</div>'
    rows = table["rows"][-SHOWN_TRADES:]
    caption = html_parts.counted(table["total"], "trade")
    if len(rows) < table["total"]:
        caption += f", the latest {len(rows)} shown"
    return html_parts.table(table, rows, caption)
