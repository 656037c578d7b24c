"""The last picture of a replay, for a notebook without its kernel: HTML with a drawing, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from alphintra_backtest.formats import text
from alphintra_backtest.look import GAIN, INDICATORS, LOSS

from alphintra_kernel.replay_picture import Picture

#: Bars that are drawn.
SEEN = 120
_WIDTH, _HEIGHT, _EDGE = 900, 260, 8
_MUTED = "opacity:.72"
_LOG_ROWS = 5


def still(picture: Picture) -> str:
    """Where the replay stands: header, candles with indicators and fills, account, variables and the last orders."""
    facts = picture.facts
    time = _time(facts["time"], facts)
    place = f"{time} · bar {text(facts['bar'] + 1, 'integer')} of {text(facts['count'], 'integer')}"
    branch = facts["branch"]
    changed = f" · branch: {branch['text']} at {_time(branch['time'], facts)}" if branch else ""
    parts = [
        f'<div style="font-size:1.2em;font-weight:600">Replay · {escape(facts["strategy"])}</div>',
        f'<div style="{_MUTED};margin:2px 0 8px">{escape(facts["dataset"])} · {escape(place + changed)}</div>',
        _candles(picture, f"{facts['symbol']} up to {time}"),
        '<div style="display:flex;flex-wrap:wrap;gap:8px 28px;align-items:flex-start">',
        _table("Account", _account(facts)),
        _table("Position", [[p["symbol"], _held(p)] for p in facts["positions"]] or [["flat"]]),
        _table("Variables", [[v["name"], v["text"]] for v in facts["variables"]]),
        "</div>",
        _table("Orders", [_event(row, facts) for row in facts["log"][:_LOG_ROWS]]),
        f'<div style="{_MUTED};font-size:.85em">Run the cell again to go on from here.</div>',
    ]
    return f'<div style="font-variant-numeric:tabular-nums">{"".join(parts)}</div>'


def _account(facts: dict[str, Any]) -> list[list[str]]:
    account = facts["account"]
    return [
        ["Equity", text(account["equity"], "money")],
        ["Cash", text(account["cash"], "money")],
        ["Drawdown", text(account["drawdown"], "percent")],
    ]


def _held(position: dict[str, Any]) -> str:
    return f"{text(position['size'], 'quantity')} at {text(position['avg_price'], 'price')}"


def _event(row: dict[str, Any], facts: dict[str, Any]) -> list[str]:
    return [_time(row["time"], facts), f"{row['event'].lower()}: {row['text']}", row["rule"], row["why"]]


def _time(iso: str | None, facts: dict[str, Any]) -> str:
    if iso is None:
        return "before the first bar"
    return f"{iso[:16].replace('T', ' ')} UTC" if facts["intraday"] else iso[:10]


def _table(title: str, rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left;padding:2px 14px 2px 0">{escape(c)}</td>' for c in row) + "</tr>"
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse;font-size:.9em;margin:8px 0">'
        f'<caption style="text-align:left;{_MUTED};font-size:.85em">{escape(title)}</caption>'
        f"<tbody>{body}</tbody></table>"
    )


def _candles(picture: Picture, label: str) -> str:
    """The last bars as shapes: bodies, wicks, lines over them, a triangle for each fill."""
    candles = picture.candles[-SEEN:]
    if not candles:
        return ""
    low, high = min(c[3] for c in candles), max(c[2] for c in candles)
    step = _WIDTH / SEEN

    def y(price: float) -> float:
        place: float = _HEIGHT - _EDGE - (price - low) / ((high - low) or 1.0) * (_HEIGHT - 2 * _EDGE)
        return round(place, 1)

    def x(at: int) -> float:
        return round((at + 0.5) * step, 1)

    shapes = []
    for color, rising in ((GAIN, True), (LOSS, False)):
        wicks = bodies = ""
        for at, (_, opened, top, bottom, closed, *_rest) in enumerate(candles):
            if (closed >= opened) is rising:
                upper, lower = y(max(opened, closed)), y(min(opened, closed))
                left, right = x(at) - 0.35 * step, x(at) + 0.35 * step
                wicks += f"M{x(at)},{y(top)}V{y(bottom)}"
                bodies += f"M{left:.1f},{upper}H{right:.1f}V{max(lower, upper + 1)}H{left:.1f}z"
        shapes.append(f'<path d="{wicks}" stroke="{color}" fill="none"/><path d="{bodies}" fill="{color}"/>')
    overlays = [line for line in picture.lines if line["overlay"]]
    for turn, line in enumerate(overlays):
        path, pen = "", "M"
        for at, value in enumerate(line["values"][-SEEN:]):
            if value is None or not low <= value <= high:
                pen = "M"
                continue
            path += f"{pen}{x(at)},{y(value)}"
            pen = "L"
        color = INDICATORS[turn % len(INDICATORS)]
        shapes.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.3"/>')
    places = {candle[0]: at for at, candle in enumerate(candles)}
    for fill in picture.facts["fills"]:
        place = places.get(fill["time"])
        if place is not None:
            buy = fill["side"] == "BUY"
            tip = y(candles[place][3]) + 3 if buy else y(candles[place][2]) - 3
            color, edge = (GAIN, 8) if buy else (LOSS, -8)
            shapes.append(f'<path d="M{x(place)},{tip}l5,{edge}h-10z" fill="{color}"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" aria-label="{escape(label)}" '
        f'style="display:block;max-width:{_WIDTH}px">{"".join(shapes)}</svg>'
    )
