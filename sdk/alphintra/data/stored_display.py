"""How a version of a trader's own dataset looks in a cell: from its manifest, without reading a row."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from alphintra.data.decimals import column_decimals, size_decimals
from alphintra.data.display import BOX, bundle_of, table
from alphintra.data.live import MIME, live
from alphintra.data.pictures import calendar, histogram

if TYPE_CHECKING:
    from alphintra.data.stored import StoredDataset
    from alphintra.store.manifest import Manifest

_MOST_COLUMNS = 40
_HEADINGS = ("Column", "Type", "Role", "Missing", "Least", "Mean", "Most", "Distribution")


def line(dataset: StoredDataset) -> str:
    """Return one line of text: the whole range and rows of the chosen symbols."""
    about = dataset.about
    chosen = set(dataset.symbols)
    rows = sum(
        count for symbol, count in zip(about.symbols, about.symbol_rows.tolist(), strict=True) if symbol in chosen
    )
    symbols = ", ".join(dataset.symbols[:6]) + (", …" if len(dataset.symbols) > 6 else "")
    return f"Dataset {dataset.name}: {symbols}; {about.about.timeframe or 'rows'}, {_span(dataset)}, {rows:,} rows"


def bundle(dataset: StoredDataset, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """Return text and HTML of a version, as IPython asks for them."""
    makers: dict[str, Any] = {"text/plain": lambda: line(dataset), "text/html": lambda: html(dataset)}
    on_server = dataset.on_server
    if on_server is not None:
        makers[MIME] = lambda: live(on_server, dataset.symbols, *dataset.part)
    return bundle_of(makers, include, exclude)


def html(dataset: StoredDataset) -> str:
    """Return columns with their statistics, and the days that have rows, as static HTML."""
    about = dataset.about
    shown = about.columns[:_MOST_COLUMNS]
    rows = []
    sample = _sampled(about)
    for column in shown:
        found = about.statistics.get(column.name) or {}
        told = [found.get(name) for name in ("min", "max")] + sample.get(column.name, [])
        decimals = column_decimals(value for value in told if isinstance(value, float))
        cells = [_cell(found.get(name), decimals, made=name == "mean") for name in ("nulls", "min", "mean", "max")]
        drawn = histogram(found["histogram"]) if found.get("histogram") else ""
        rows.append((column.name, column.type, column.role or "", *cells, drawn))
    more = len(about.columns) - len(shown)
    part = len(dataset.symbols) < len(about.symbols)
    coverage = (about.statistics.get(about.time.name) or {}).get("coverage")
    stated = about.about
    facts = [stated.asset_class, stated.timeframe, stated.calendar and f"calendar {stated.calendar}", stated.currency]
    facts += [f"prices: {stated.adjustment}", "simulated" if stated.simulated else None]
    text = " · ".join([fact for fact in facts if fact] + [about.content_hash[:19] + "…"])
    parts = [
        f'<div style="{BOX}"><div><strong>{escape(dataset.name)}</strong></div>',
        f'<div style="opacity:.85;margin:2px 0 6px">{escape(line(dataset))}</div>',
        table(_HEADINGS, rows, right=(3, 4, 5, 6), drawn=(7,)),
        f'<div style="opacity:.85">{more} more columns</div>' if more else "",
        f'<div style="opacity:.85">Figures of all {len(about.symbols):,} symbols of the version</div>' if part else "",
        calendar(coverage) if coverage else "",
        f'<div style="opacity:.75;margin-top:4px">{escape(text)}</div></div>',
    ]
    return "".join(parts)


def _span(dataset: StoredDataset) -> str:
    from alphintra.store.statistics import time_text

    about = dataset.about
    chosen = set(dataset.symbols)
    _, _, symbol, _, first, last = about.groups
    places = [place for place, number in enumerate(symbol.tolist()) if about.symbols[number] in chosen]
    ends = (int(first[places].min()), int(last[places].max()))
    return " to ".join(time_text(end, about.time.type)[:10] for end in ends)


def _sampled(about: Manifest) -> dict[str, list[Any]]:
    """Return the values of a version's sample by column; none of a sealed one."""
    names, rows = about.sample.get("columns", []), about.sample.get("rows", [])
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _cell(value: Any, decimals: int, *, made: bool) -> str:
    """Return a figure as text; of one that was ``made`` of the values, the digits that its size needs as well."""
    if value is None:
        return ""
    if isinstance(value, float):
        if abs(value) >= 1e12:
            return f"{value:,.6g}"
        return f"{value:,.{max(decimals, size_decimals(value)) if made else decimals}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
