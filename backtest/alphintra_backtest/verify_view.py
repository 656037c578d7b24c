"""A verification as text, as a table, and as static HTML; everything in it is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from .check_view import BOX, CELL, CHIP, when
from .html_parts import MUTED
from .look import ERROR, GAIN

if TYPE_CHECKING:
    import pandas as pd
    from alphintra.verifying import BarRow, Comparison, Side, Verification

_ORDER = ("id", "symbol", "side", "type", "quantity", "filled", "limit", "stop", "tif", "submitted", "state", "reason")
_EVENT = ("time", "state", "reason", "rule", "price", "quantity")


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, datetime):
        return when(value)
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def _verdict(found: Comparison, first: str) -> str:
    if found.equal:
        return f"{found.engine} = {first}: {found.explanation}"
    return f"{found.engine} ≠ {first} from fill {found.equal_fills + 1} on ({found.equal_fills} equal before)"


def plain(verification: Verification) -> str:
    """Return one line for each engine, and the first difference of each with its bars and order histories."""
    word = "equal" if verification.equal else "different"
    lines = [f"<Verification {verification.strategy} on {verification.data}: {word}>"]
    for found in verification.comparisons:
        lines.append(f"- {_verdict(found, verification.engine)}")
        if found.equal:
            continue
        lines.append(f"  {found.explanation}")
        for side in (found.first, found.second):
            if side is not None:
                lines += [f"  {side.engine}", *(f"    {line}" for line in _side_lines(side))]
    return "\n".join(lines)


def _side_lines(side: Side) -> list[str]:
    lines = [f"decision bar {_bar(side.decision_bar)}", f"fill bar     {_bar(side.fill_bar)}"]
    if side.order is not None:
        told = [(name, side.order[name]) for name in _ORDER if side.order[name] not in (None, "")]
        lines.append("order " + ", ".join(f"{name} {_cell(value)}" for name, value in told if value == value))
    for event in side.history:
        lines.append("  " + " ".join(_cell(v) for v in (event[n] for n in _EVENT) if v not in (None, "") and v == v))
    return lines


def _bar(bar: BarRow | None) -> str:
    if bar is None:
        return "none"
    prices = " ".join(f"{name[0].upper()} {getattr(bar, name):.10g}" for name in ("open", "high", "low", "close"))
    volume = "" if bar.volume is None else f" V {bar.volume:.10g}"
    return f"{when(bar.open_time)} to {when(bar.close_time)}: {prices}{volume}"


def frame(verification: Verification) -> pd.DataFrame:
    """Return one row for each engine, the first included."""
    import pandas as pd

    first = verification.engine
    results = verification.results
    head = {"fills": len(results[first].columns["fills"]["time"])}
    head |= {"equal_fills": head["fills"]}
    rows: dict[str, dict[str, Any]] = {
        first: {**head, "equal": True, "final_equity": float(results[first].metrics["final_equity"])}
    }
    for found in verification.comparisons:
        fill: Mapping[str, Any] = (found.second.fill if found.second else None) or {}
        rows[found.engine] = {
            "fills": found.fills,
            "equal_fills": found.equal_fills,
            "equal": found.equal,
            "final_equity": found.final_equity,
            **{name: fill.get(name) for name in ("time", "symbol", "price", "quantity", "rule")},
            "explanation": found.explanation,
        }
    names = ("fills", "equal_fills", "equal", "final_equity")
    more = ("time", "symbol", "price", "quantity", "rule", "explanation")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[*names, *more])
    table["time"] = pd.to_datetime(table["time"], utc=True)
    for name in ("price", "quantity"):
        table[name] = table[name].astype("float64")
    return table.rename_axis("engine")


def html(verification: Verification) -> str:
    """Return the same as static HTML without scripts or style sheets; text takes the page's own colour."""
    word, colour = ("equal", GAIN) if verification.equal else ("different", ERROR)
    parts = [
        f'<div style="{BOX}"><div><span style="{CHIP};background:{colour}">{word}</span> '
        f"<b>{escape(verification.strategy)}</b> on {escape(verification.data)}</div>"
    ]
    for found in verification.comparisons:
        edge = GAIN if found.equal else ERROR
        parts.append(
            f'<div style="border-left:3px solid {edge};padding-left:8px;margin:6px 0">'
            f"<b>{escape(_verdict(found, verification.engine))}</b>"
        )
        if not found.equal:
            parts.append(f"<div>{escape(found.explanation)}</div>")
            parts += [_side(side) for side in (found.first, found.second) if side is not None]
        parts.append("</div>")
    return "".join([*parts, "</div>"])


def _side(side: Side) -> str:
    bars = "".join(
        f'<div style="font-variant-numeric:tabular-nums">{name} {escape(_bar(bar))}</div>'
        for name, bar in (("decision bar", side.decision_bar), ("fill bar", side.fill_bar))
    )
    order = _table(_ORDER, [side.order]) if side.order is not None else ""
    history = _table(_EVENT, side.history) if side.history else ""
    return (
        f'<details open style="margin:4px 0"><summary style="{MUTED}">{escape(side.engine)}</summary>'
        f"{bars}{order}{history}</details>"
    )


def _table(names: tuple[str, ...], rows: Any) -> str:
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape(_cell(row[name]))}</td>' for name in names) + "</tr>"
        for row in rows
    )
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:.9em;white-space:nowrap;'
        f'font-variant-numeric:tabular-nums"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
