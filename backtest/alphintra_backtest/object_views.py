"""What a notebook or a debugger shows of a strategy and of what it holds, where it stands: tables, and a curve."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from . import svg

if TYPE_CHECKING:
    from alphintra.strategy import Strategy
    from alphintra.views import Series

#: Values of a series that are drawn, and those that are written out.
DRAWN, WRITTEN = 250, 5
#: Rows of each part of a strategy.
ROWS = 12
_LEFT = "text-align:left"
_OF_ORDER = ("symbol", "side", "type", "state", "reason", "quantity", "filled", "limit", "stop", "tag")
_OF_POSITION = ("size", "avg_price", "pnl", "pnl_pct", "bars_held", "opened_at")


def order(handle: Any) -> str:
    """An order's properties."""
    return _properties(f"Order {handle.id}", handle, _OF_ORDER)


def position(handle: Any) -> str:
    """A position's properties."""
    return _properties(f"Position in {handle.symbol}", handle, _OF_POSITION)


def series(view: Series) -> str:
    """The latest values, drawn, and the last of them in numbers; nothing of what comes after them."""
    values = [] if not len(view) else view[-DRAWN:].tolist()
    known = [value if value == value else None for value in values]
    drawn = svg.equity(range(len(known)), known, None, f"{view.name}: {len(known)} values up to now")
    last = [(f"[−{n}]", values[-n]) for n in range(1, min(WRITTEN, len(values)) + 1)]
    return f"<div style='max-width:420px'>{drawn}</div>{_table(view.name, last)}"


def strategy(instance: Strategy) -> str:
    """Account, positions, working orders and attributes."""
    from .replay.strategy_state import OF_THE_RUN
    from .replay.variables import short

    account: list[tuple[str, Any]] = [("time", f"{instance.now:%Y-%m-%d %H:%M}"), ("bar", instance.bar_index)]
    account += [("equity", f"{instance.equity:,.2f}"), ("cash", f"{instance.cash:,.2f}")]
    own = [(k, short(v)) for k, v in vars(instance).items() if k not in OF_THE_RUN and not k.startswith("_")]
    parts: dict[str, list[tuple[str, Any]]] = {
        type(instance).__name__: account,
        "Positions": [(symbol, repr(held)[1:-1]) for symbol, held in instance.positions.items()],
        "Working orders": [(f"order {one.id}", repr(one)[1:-1]) for one in instance.orders],
        "Attributes": own,
    }
    return "".join(_table(title, rows) for title, rows in parts.items() if rows)


def _properties(title: str, thing: Any, names: Iterable[str]) -> str:
    return _table(title, [(name.replace("_", " "), getattr(thing, name)) for name in names])


def _table(title: str, rows: list[tuple[str, Any]]) -> str:
    """A row for each name; what there is not is a dash."""
    lines = [
        f"<tr><th style='{_LEFT}'>{escape(name)}</th><td style='{_LEFT}'>{escape(_text(value))}</td></tr>"
        for name, value in rows[:ROWS]
    ]
    if len(rows) > ROWS:
        lines.append(f"<tr><td colspan='2' style='{_LEFT}'>… {len(rows) - ROWS} more</td></tr>")
    heading = f"<caption style='{_LEFT};font-weight:600'>{escape(title)}</caption>"
    return f"<table style='margin:4px 8px'>{heading}{''.join(lines)}</table>"


def _text(value: Any) -> str:
    if value is None or value == "" or value != value:
        return "–"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
