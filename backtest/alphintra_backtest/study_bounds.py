"""A study's payload small enough for a notebook: rows and points are thinned, and the notes say so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.view_series import extremes

MAX_BYTES = 1_000_000

#: Rows of a table and points of a trace, from much to little; the first that fits is taken.
_DETAILS = ((5_000, 8_000), (2_000, 4_000), (1_000, 2_000), (500, 1_000), (200, 500), (50, 200), (20, 100))


def bounded(study: Mapping[str, Any], limit: int = MAX_BYTES) -> dict[str, Any]:
    """Return the payload with as much detail as fits into ``limit`` bytes of JSON."""
    content = dict(study)
    for rows, points in _DETAILS:
        if size(content) <= limit:
            return content
        content = _each(study, lambda block, rows=rows, points=points: thinned(block, rows, points))
    # What cannot be thinned, such as a heat map of a million cells, gives way to its words, the largest first.
    while size(content) > limit:
        blocks = [block for section in content["sections"] for block in section["blocks"] if block["type"] != "text"]
        if not blocks:
            return content
        largest = max(blocks, key=size)
        content = _each(content, lambda block, largest=largest: _in_words(block) if block is largest else block)
    return content


def size(content: Any) -> int:
    """Return the bytes that something takes as JSON."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def thinned(block: Mapping[str, Any], rows: int, points: int) -> dict[str, Any]:
    """Return a block with at most ``rows`` rows or ``points`` points a trace, said in its note."""
    if block["type"] in ("table", "trials") and len(block["rows"]) > rows:
        return {**block, "rows": _first(block, rows)}
    if block["type"] == "figure":
        data = [_thin_trace(trace, points) for trace in block["data"]]
        if any(new is not old for new, old in zip(data, block["data"], strict=True)):
            said = f"Thinned to at most {text(points, 'integer')} points a line; extremes are kept."
            return {**block, "data": data, "note": f"{block['note']} {said}".strip()}
    return dict(block)


def _first(block: Mapping[str, Any], rows: int) -> list[Any]:
    """Return the first rows; of trials the best one too."""
    kept = list(block["rows"][:rows])
    best = block.get("best")
    if best is not None and all(row[0] != best for row in kept):
        kept[-1:] = [row for row in block["rows"] if row[0] == best]
    return kept


def _thin_trace(trace: Mapping[str, Any], points: int) -> Mapping[str, Any]:
    """Return a trace with fewer points: candles joined, lines by their extremes; other kinds stay as they are."""
    kind = trace.get("type") or "scatter"
    if kind in ("candlestick", "ohlc"):
        return join_candles(trace, points)
    values = trace.get("y")
    if kind not in ("scatter", "scattergl") or not isinstance(values, list) or len(values) <= points:
        return trace
    if not all(value is None or isinstance(value, int | float) for value in values):
        return trace
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    keep = extremes([numbers], points).tolist()

    def part(value: Any) -> Any:
        if isinstance(value, list) and len(value) == len(values):
            return [value[i] for i in keep]
        return {name: part(item) for name, item in value.items()} if isinstance(value, Mapping) else value

    return {name: part(value) for name, value in trace.items()}


def join_candles(trace: Mapping[str, Any], points: int) -> Mapping[str, Any]:
    """Return candles of which each spans several bars, at most ``points`` of them."""
    count = len(trace["x"])
    if count <= points:
        return trace
    step = -(-count // points)
    at = range(0, count, step)

    def known(name: str, start: int) -> list[float]:
        return [value for value in trace[name][start : start + step] if value is not None]

    return {
        **trace,
        "x": [trace["x"][i] for i in at],
        "open": [trace["open"][i] for i in at],
        "high": [max(known("high", i), default=None) for i in at],
        "low": [min(known("low", i), default=None) for i in at],
        "close": [trace["close"][min(i + step, count) - 1] for i in at],
    }


def _in_words(block: Mapping[str, Any]) -> dict[str, Any]:
    alt = block.get("alt") or "not shown here"
    line = f"{block.get('title', 'Figures')}: {alt} (too large to be kept here)."
    return {"type": "text", "lines": [line], "level": "info"}


def _each(study: Mapping[str, Any], change: Any) -> dict[str, Any]:
    sections = [
        {**section, "blocks": [change(block) for block in section["blocks"]]} for section in study["sections"]
    ]
    return {**study, "sections": sections}
