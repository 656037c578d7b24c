"""The rich view of an object: what a cell shows of it, or a page of our own where it shows nothing of the kind.

Unlike the list this runs what the trader wrote, such as the text of an attribute; so it is made aside and broken off.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
from alphintra_backtest import html_parts
from alphintra_backtest.replay.table import table as replay_table
from alphintra_backtest.replay.variables import short

from alphintra_kernel.variables import tables, trading
from alphintra_kernel.variables.kinds import Known
from alphintra_kernel.variables.listing import MOST
from alphintra_kernel.variables.reading import class_attributes, class_name

Bundle = dict[str, Any]

_HTML, _TEXT = "text/html", "text/plain"
_LEFT_OUT = {"image/png", "application/vnd.jupyter.widget-view+json", "application/vnd.alphintra.replay.v1+json"}
_BOX = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:1100px"
#: Days that a series spans at least to be drawn: the axis has a place for each.
_FEWEST_DAYS = 30
#: Characters of a source that is shown.
_LONGEST_SOURCE = 100_000


def page(thing: Any, name: str) -> Bundle:
    """Return the view of a trading object by MIME type, the best one first.

    Args:
        thing: The object.
        name: The variable's.

    Raises:
        Exception: Whatever the object's own code raises.
    """
    entry = Known().entry(thing)
    describe = None if entry is None else entry.describe
    if describe in (trading.strategy_class, trading.strategy):
        return {_HTML: _strategy(thing, is_class=describe is trading.strategy_class)}
    if type(thing) in (list, tuple, dict):
        return {_HTML: _many(thing)}
    if describe is trading.market:
        from alphintra.data.dataset import Dataset

        return _shown(Dataset(thing.name, thing.symbols, {}, thing))
    if describe is trading.replay:
        return {_TEXT: replay_table(thing)}
    if describe is trading.job:
        return {_TEXT: repr(thing)}  # what it shows by itself is kept up to date in a cell
    drawn = _drawn(thing, name) if describe in (tables.frame, tables.series) else ""
    bundle = _shown(thing)
    if drawn:
        bundle = {_HTML: drawn + bundle.get(_HTML, f"<pre>{escape(bundle.get(_TEXT, ''))}</pre>")}
    return bundle


def _shown(thing: Any) -> Bundle:
    """What a cell shows, but for a picture, which there is something better than, and a widget, which is the cell's."""
    made: Any = None
    if hasattr(thing, "_repr_mimebundle_"):
        made = thing._repr_mimebundle_(include=None, exclude=_LEFT_OUT)
    bundle: Bundle = dict((made[0] if isinstance(made, tuple) else made) or {})
    if _HTML not in bundle and hasattr(thing, "_repr_html_"):
        bundle[_HTML] = thing._repr_html_()
    if bundle.get(_HTML) is None:
        bundle.pop(_HTML, None)
        bundle.setdefault(_TEXT, repr(thing))
    return {mime: data for mime, data in bundle.items() if mime not in _LEFT_OUT}


def _drawn(thing: Any, name: str) -> str:
    """Prices as a chart with their summary, a series over time as a line; empty where it is neither."""
    from alphintra.data import load
    from alphintra.errors import AlphintraError

    if tables.is_series(thing):
        return _line(thing)
    if not tables.has_prices(thing):
        return ""
    try:
        return str(_shown(load({name: thing})).get(_HTML, ""))
    except AlphintraError as error:
        return f'<p style="{_BOX}">Not drawn as prices: {escape(str(error))}</p>'


def _line(series: Any) -> str:
    from alphintra.data.chart import Chart, Line, svg

    if class_name(type(series.index)) != "DatetimeIndex" or series.dtype.kind not in "fiu":
        return ""
    values = series.to_numpy(dtype=np.float64)
    days = series.index.to_numpy().astype("M8[D]").astype(np.int32)
    known = np.isfinite(values) & (series.index.to_numpy() == series.index.to_numpy())
    values, days = values[known], days[known]
    if len(days) < 2 or (np.diff(days) < 0).any() or days[-1] - days[0] < _FEWEST_DAYS:
        return ""
    label = str(series.name) if type(series.name) is str else "value"
    return f'<div style="{_BOX}">{svg(Chart(label, (Line(label, days, values),), 0, False))}</div>'


def _strategy(thing: Any, is_class: bool) -> str:
    # Where an instance stands is what it shows itself.
    cls = thing if is_class else type(thing)
    name = escape(class_name(cls))
    parts = [f'<h3 style="margin:0;font-size:1.3em">{name}</h3>']
    told = class_attributes(cls).get("__doc__")
    if isinstance(told, str):
        parts.append(f'<div style="white-space:pre-line;margin:2px 0 8px">{escape(told.strip())}</div>')
    if not is_class:
        parts.append(_shown(thing).get(_HTML, ""))
    rows = [
        [parameter, p["default"], p["low"], p["high"], p["step"], p["description"]]
        for parameter, p in cls.parameters().items()
    ]
    if rows:
        parts.append(_table(("Parameter", "Default", "Low", "High", "Step", "What it is"), rows, "Parameters"))
    source = _source(cls)
    if source:
        opened = "open" if is_class else ""
        parts.append(
            f'<details {opened} style="margin-top:8px"><summary>Source</summary>'
            f'<pre style="white-space:pre;overflow-x:auto">{escape(source)}</pre></details>'
        )
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def _source(cls: type) -> str:
    from alphintra.main_source import definition

    return (definition(cls, cls.__name__) or "")[:_LONGEST_SOURCE]


def _many(things: Any) -> str:
    """Several objects, each in a line."""
    known = Known()
    items: Iterable[tuple[Any, Any]] = things.items() if type(things) is dict else enumerate(things)
    rows = []
    for name, thing in list(items)[:MOST]:
        entry = known.entry(thing)
        said = None if entry is None else entry.describe(thing)
        kind = class_name(type(thing)) if entry is None else entry.type
        rows.append([short(name).strip("'"), kind, "" if said is None else said.size, said.summary if said else ""])
    more = f", the first {MOST}" if len(things) > MOST else ""
    return f'<div style="{_BOX}">{_table(("", "Type", "Size", "Summary"), rows, f"{len(things)} items{more}")}</div>'


def _table(headings: Iterable[str], rows: list[list[Any]], caption: str) -> str:
    """A table of texts; columns that say nothing are left out."""
    columns = [{"label": label, "format": "text", "signed": False} for label in headings]
    said = [at for at in range(len(columns)) if any(row[at] not in (None, "") for row in rows)]
    kept = [[row[at] for at in said] for row in rows]
    return html_parts.table({"columns": [columns[at] for at in said]}, kept, caption)
