"""Curves as inline SVG: shapes only, no script, and no text that would be left behind if it is removed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from alphintra_backtest.look import BENCHMARK, GAIN, LOSS

Values = Sequence[float | None]

WIDTH = 900
_SPACE = 4


def _points(values: Values, time: Sequence[float], low: float, high: float, height: int) -> list[list[str]]:
    """Return runs of ``x,y`` pairs, broken where a value is missing."""
    first, span = (time[0], (time[-1] - time[0]) or 1) if len(time) else (0, 1)
    scale = (height - 2 * _SPACE) / ((high - low) or 1.0)
    runs: list[list[str]] = [[]]
    for moment, value in zip(time, values, strict=True):
        if value is None:
            runs.append([])
            continue
        x = (moment - first) / span * WIDTH
        y = height - _SPACE - (value - low) * scale
        runs[-1].append(f"{x:.1f},{y:.1f}")
    return [run for run in runs if run]


def _line(runs: list[list[str]], color: str, width: float) -> str:
    """Return the runs as one path."""
    path = "".join("M" + "L".join(run) for run in runs)
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" '
        'vector-effect="non-scaling-stroke"/>'
    )


def _frame(inner: str, height: int, label: str) -> str:
    """Return the drawing with its text alternative."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="100%" height="{height}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(label)}" style="display:block">{inner}</svg>'
    )


def equity(time: Sequence[float], values: Values, benchmark: Values | None, label: str) -> str:
    """Return equity, with the benchmark behind it, on one scale."""
    height = 170
    known = [v for v in (*values, *(benchmark or ())) if v is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    inner = ""
    if benchmark is not None:
        inner += _line(_points(benchmark, time, low, high, height), BENCHMARK, 1.1)
    inner += _line(_points(values, time, low, high, height), GAIN, 1.7)
    return _frame(inner, height, label)


def drawdown(time: Sequence[float], values: Values, label: str) -> str:
    """Return the drawdown as an area that hangs from zero."""
    height = 80
    known = [v for v in values if v is not None]
    if not known:
        return ""
    low = min(known) or -1.0
    inner = ""
    for run in _points(values, time, low, 0.0, height):
        start, end = run[0].split(",")[0], run[-1].split(",")[0]
        path = f"M{start},{_SPACE}L{'L'.join(run)}L{end},{_SPACE}Z"
        inner += f'<path d="{path}" fill="{LOSS}" fill-opacity="0.45"/>'
    return _frame(inner, height, label)
