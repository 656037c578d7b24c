"""How datasets look: one line in a shell, a chart and a summary table in a notebook."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data.chart import chart_of, png, svg
from alphintra.data.decimals import quoted_decimals
from alphintra.data.live import MIME, STATIC, live
from alphintra.data.pictures import calendar, days_of

if TYPE_CHECKING:
    from alphintra.data.dataset import Dataset, DatasetList
    from alphintra.data.market import SymbolBars

BOX = "font-family:var(--jp-ui-font-family,sans-serif);font-size:13px;line-height:1.45;max-width:780px"
_CELL = "padding:2px 10px 2px 0;text-align:{};white-space:nowrap;vertical-align:top"
_TELLING = 200
"""As many of a symbol's last closes tell how it is quoted."""
_LIST_HEADINGS = ("Name", "What", "Class", "Bars", "Symbols", "From", "To", "Rows")


def dataset_line(dataset: Dataset) -> str:
    """Return one line of text."""
    first, last, rows, timeframe = _span(dataset)
    symbols = ", ".join(dataset.symbols[:6]) + (", …" if len(dataset.symbols) > 6 else "")
    return f"Dataset {dataset.name}: {symbols}; {timeframe}, {first} to {last}, {rows:,} rows"


def dataset_bundle(dataset: Dataset, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """Return text, HTML and PNG of a dataset, as IPython asks for them."""
    makers: dict[str, Callable[[], Any]] = {
        "text/plain": lambda: dataset_line(dataset),
        "text/html": lambda: dataset_html(dataset),
        "image/png": lambda: base64.b64encode(png(chart_of(dataset))).decode(),
    }
    on_server = dataset.on_server
    if on_server is not None:
        makers[MIME] = lambda: live(on_server, dataset.symbols)
    return bundle_of(makers, include, exclude)


def dataset_html(dataset: Dataset) -> str:
    """Return title, notes, chart and summary as static HTML without scripts or style sheets."""
    manifest = dataset.manifest
    chart = chart_of(dataset)
    title = manifest.get("title", dataset.name)
    parts = [f'<div style="{BOX}">', f"<div><strong>{escape(title)}</strong> "]
    parts.append(f'<code style="opacity:.8">{escape(dataset.name)}</code></div>')
    if manifest:
        parts.append(f'<div style="opacity:.85;margin:2px 0 6px">{escape(manifest["description"])}</div>')
    notes = _notes(dataset)
    parts += [
        f'<div style="border-left:3px solid #c9731f;padding-left:8px;margin:4px 0">{escape(note)}</div>'
        for note in notes
    ]
    omitted = f" ({chart.omitted} more not drawn)" if chart.omitted else ""
    # Of several symbols it compares them, which a chart of one does not.
    replaced = f' class="{STATIC}"' if len(dataset.symbols) == 1 else ""
    parts.append(f'<div{replaced}><div style="margin-top:6px;opacity:.85">{escape(chart.title)}{omitted}</div>')
    parts.append(svg(chart) + "</div>")
    parts.append(_symbols_table(dataset))
    parts.append(f'<div style="opacity:.75;margin-top:4px">{_facts(dataset)}</div></div>')
    return "".join(parts)


def list_text(datasets: DatasetList) -> str:
    """Return the list as a plain table."""
    rows = [_LIST_HEADINGS, *(_list_row(item) for item in datasets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_LIST_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def list_bundle(datasets: DatasetList, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """Return text and HTML of the list."""
    return bundle_of(
        {"text/plain": lambda: list_text(datasets), "text/html": lambda: _list_html(datasets)},
        include,
        exclude,
    )


def _list_html(datasets: DatasetList) -> str:
    hint = (
        '<div style="opacity:.8;margin-top:4px">Open one with '
        '<code>al.data.load("us-equities-daily")</code>; '
        "<code>name/SYMBOL</code> selects a symbol.</div>"
    )
    rows = [_list_row(item) for item in datasets]
    return f'<div style="{BOX};max-width:none">{table(_LIST_HEADINGS, rows, right=(4, 7))}{hint}</div>'


def _list_row(dataset: Dataset) -> tuple[str, ...]:
    m = dataset.manifest
    return (
        dataset.name,
        m["title"],
        m["asset_class"],
        m["timeframe"],
        str(len(dataset.symbols)),
        m["first"],
        m["last"],
        f"{m['rows']:,}",
    )


def _symbols_table(dataset: Dataset) -> str:
    if dataset.manifest and not dataset.manifest["tradable"]:
        return _columns_table(dataset)
    market = dataset.shown()
    titles = {entry["name"]: entry["title"] for entry in dataset.manifest.get("symbols", ())}
    headings = ("Symbol", "", "From", "To", "Bars", "Last close", "Change", "Volatility a year")
    rows = [
        (
            symbol,
            titles.get(symbol, "") if titles.get(symbol) != symbol else "",
            str(bars.session[0].astype("M8[D]")),
            str(bars.session[-1].astype("M8[D]")),
            f"{len(bars):,}",
            f"{bars.close[-1]:,.{quoted_decimals(bars.close[-_TELLING:].tolist())}f}",
            f"{bars.close[-1] / bars.close[0] - 1:+,.1%}",
            _volatility(bars, market.periods_per_year),
        )
        for symbol, bars in market.bars.items()
    ]
    days = days_of([bars.session for bars in market.bars.values()])
    return table(headings, rows, right=(4, 5, 6, 7)) + (calendar(days) if days else "")


def _columns_table(dataset: Dataset) -> str:
    stored = next(iter(dataset.stored().values()))
    rows = [
        (
            column["name"],
            column["description"],
            f"{stored[column['name']].mean():.4%}",
            f"{stored[column['name']].std(ddof=1):.4%}",
        )
        for column in dataset.manifest["columns"]
        if column["role"] == "return"
    ]
    return table(("Column", "", "Mean", "Standard deviation"), rows, right=(2, 3))


def _volatility(bars: SymbolBars, periods_per_year: int) -> str:
    """Return √N · std of the closes' changes by session, as in rule M2."""
    last_of_session = np.append(np.flatnonzero(np.diff(bars.session)), len(bars) - 1)
    close = bars.close[last_of_session]
    if len(close) < 3:
        return "–"
    return f"{np.std(close[1:] / close[:-1] - 1, ddof=1) * np.sqrt(periods_per_year):.1%}"


def _facts(dataset: Dataset) -> str:
    m = dataset.manifest
    if not m:
        market = dataset.market()
        facts = [
            market.asset_class,
            market.timeframe,
            f"calendar {market.calendar}",
            f"prices: {market.prices}",
        ]
        return escape(" · ".join([*facts, market.dataset_hash[:19] + "…"]))
    facts = [m["asset_class"], m["timeframe"], f"calendar {m['calendar']}"]
    if m["tradable"]:
        facts.append(f"prices: {dataset.market().prices}")
    if m["closes_only"]:
        facts.append("closes only")
    source = f"{m['source']['package']} {m['source']['version']}"
    facts += [f"source: {source}", f"licence: {m['licence']['name']}", m["content_hash"][:19] + "…"]
    return escape(" · ".join(facts))


def _notes(dataset: Dataset) -> list[str]:
    if dataset.manifest:
        return [note["text"] for note in dataset.manifest["notes"]]
    return [note.text for note in dataset.market().notes]


def _span(dataset: Dataset) -> tuple[str, str, int, str]:
    m = dataset.manifest
    if not m:
        market = dataset.market()
        days = (np.datetime64(market.first_session, "D"), np.datetime64(market.last_session, "D"))
        return str(days[0]), str(days[1]), sum(len(b) for b in market.bars.values()), market.timeframe
    own = [entry for entry in m["symbols"] if entry["name"] in dataset.symbols]
    first, last = min(e["first"] for e in own), max(e["last"] for e in own)
    return first, last, sum(e["rows"] for e in own), m["timeframe"]


def table(
    headings: Iterable[str], rows: Iterable[Iterable[str]], right: tuple[int, ...], drawn: tuple[int, ...] = ()
) -> str:
    """Return an HTML table; the columns numbered in ``right`` are numbers, those in ``drawn`` are HTML of our own."""

    def line(tag: str, cells: Iterable[str]) -> str:
        text = "".join(
            f'<{tag} style="{_CELL.format("right" if column in right else "left")}">'
            f"{cell if column in drawn else escape(cell)}</{tag}>"
            for column, cell in enumerate(cells)
        )
        return f'<tr style="background:none">{text}</tr>'

    body = "".join(line("td", row) for row in rows)
    return (
        '<table style="border-collapse:collapse;margin:6px 0;color:inherit;font-size:inherit">'
        f"<thead>{line('th', headings)}</thead><tbody>{body}</tbody></table>"
    )


def bundle_of(makers: dict[str, Callable[[], Any]], include: Any, exclude: Any) -> dict[str, Any]:
    """Return what was asked for of what can be made."""
    wanted = [kind for kind in makers if (not include or kind in include) and (not exclude or kind not in exclude)]
    return {kind: makers[kind]() for kind in wanted}
