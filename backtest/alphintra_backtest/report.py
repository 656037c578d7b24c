"""A result as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

from html import escape
from typing import Any

from alphintra_backtest import figure, html_parts
from alphintra_backtest.look import BENCHMARK

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --paper: #15181c; } }
body { margin: 0; color: var(--ink); background: var(--paper);
       font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 60px; }
h2 { font-size: 1.05em; margin: 28px 0 6px; }
tbody tr:nth-child(odd) { background: rgba(128, 128, 128, .09); }
td { vertical-align: top; }
.prose table { white-space: normal !important; }
summary { cursor: pointer; }
code { overflow-wrap: anywhere; }
"""

# The chart is drawn on the page's own ground; its text and lines follow the reader's theme.
_THEME = """
(function () {
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function paint() {
    var ink = dark.matches ? "#e6e8ea" : "#1b1f24";
    var paper = dark.matches ? "#15181c" : "#ffffff";
    Plotly.relayout("alphintra-chart", {
      "font.color": ink, "hoverlabel.bgcolor": paper, "hoverlabel.font.color": ink
    });
  }
  dark.addEventListener("change", paint);
  paint();
})();
"""


def page(view: dict[str, Any]) -> str:
    """Return the page of a view's payload, from header to assumptions."""
    title = escape(f"{view['header']['strategy']} on {view['header']['dataset']}")
    tables = view["tables"]
    trades = tables["trades"]
    caption = html_parts.counted(trades["total"], "trade") + ", open ones included"
    if trades["omitted"]:
        caption += f": {trades['omitted']}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>"
        f"{html_parts.header(view, 'h1')}{html_parts.warnings(view)}{html_parts.figures(view)}"
        f"<h2>Price, equity and drawdown</h2>{_chart(view)}{html_parts.omissions(view)}"
        f"<h2>Trades</h2>{html_parts.table(trades, trades['rows'], caption)}"
        f'<div class="prose"><h2>Metrics</h2>{_whole(tables["metrics"], "What each number means")}'
        f"<h2>Assumptions</h2>{_whole(tables['assumptions'], 'What the numbers rest on')}</div>"
        f"<h2>Repeat this run</h2><code>{escape(view['header']['code'])}</code>"
        f"</main><script>{_THEME}</script></body></html>\n"
    )


def _whole(table: dict[str, Any], caption: str) -> str:
    """Return a table with all its rows."""
    return html_parts.table(table, table["rows"], caption)


def _chart(view: dict[str, Any]) -> str:
    """Return the charts with Plotly's code inline (its JSON has no raw ``<``, ``>`` or ``/``)."""
    chart = figure.figure(view)
    clear = "rgba(0,0,0,0)"
    chart.update_layout(
        paper_bgcolor=clear, plot_bgcolor=clear, modebar={"bgcolor": clear, "color": BENCHMARK}
    )
    return str(
        chart.to_html(
            full_html=False,
            include_plotlyjs=True,
            div_id="alphintra-chart",
            config={"displaylogo": False, "responsive": True},
        )
    )
