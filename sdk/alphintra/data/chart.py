"""The price chart of a dataset: an inline SVG that fits light and dark pages, and a PNG."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from alphintra.data.decimals import axis_text, written_decimals
from alphintra.data.market import F64, I32

if TYPE_CHECKING:
    from alphintra.data.dataset import Dataset

MOST_LINES = 8
MOST_POINTS = 400
# Middle tones: each has a contrast of at least 3 on white and on JupyterLab's dark background.
COLOURS = ("#3f7fd9", "#c9731f", "#2f946a", "#b0579f", "#cf4f45", "#7a77d6", "#927a24", "#2f8f9d")
_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 84, 10, 24


@dataclass(frozen=True, eq=False)
class Line:
    """One line: dates as days since 1970-01-01, and values."""

    label: str
    session: I32
    values: F64


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines with what is said above them.

    Attributes:
        title: What the values are.
        lines: At most eight.
        omitted: How many lines are not drawn.
        log: Whether equal distances are equal ratios.
    """

    title: str
    lines: tuple[Line, ...]
    omitted: int
    log: bool


def chart_of(dataset: Dataset) -> Chart:
    """Return prices of one symbol, or growth of 1 of several symbols or factors."""
    if dataset.manifest and not dataset.manifest["tradable"]:
        return _growth_of_returns(dataset)
    market = dataset.shown()
    shown = market.symbols[:MOST_LINES]
    lines = [Line(s, market.bars[s].session, market.bars[s].close) for s in shown]
    adjusted = ", adjusted" if market.prices.startswith("adjusted") else ""
    if len(lines) == 1:
        return Chart(f"Close{adjusted}", tuple(lines), 0, _spans_much(lines))
    lines = [Line(line.label, line.session, line.values / line.values[0]) for line in lines]
    title = f"Close{adjusted}, first bar of each = 1"
    return Chart(title, tuple(lines), len(market.symbols) - len(shown), _spans_much(lines))


def _growth_of_returns(dataset: Dataset) -> Chart:
    names = [c["name"] for c in dataset.manifest["columns"] if c["role"] == "return"]
    stored = next(iter(dataset.stored().values()))
    lines = tuple(Line(name, stored["session"], np.cumprod(1 + stored[name])) for name in names[:MOST_LINES])
    return Chart("Growth of 1", lines, len(names) - len(lines), True)


def _spans_much(lines: Sequence[Line]) -> bool:
    low = min(float(line.values.min()) for line in lines)
    high = max(float(line.values.max()) for line in lines)
    return low > 0 and high / low > 5


def thinned(line: Line, most: int = MOST_POINTS) -> Line:
    """Return at most about ``most`` points: the lowest and highest of each stretch, in order."""
    n = len(line.values)
    if n <= most:
        return line
    edges = np.linspace(0, n, most // 2 + 1).astype(np.int64)
    rows = {0, n - 1}
    for first, last in itertools.pairwise(edges):
        stretch = line.values[first:last]
        rows |= {int(first + stretch.argmin()), int(first + stretch.argmax())}
    kept = np.array(sorted(rows))
    return Line(line.label, line.session[kept], line.values[kept])


def svg(chart: Chart) -> str:
    """Return the chart as inline SVG; text and grid take the page's own colour."""
    low, high = _range(chart)
    first = min(int(line.session[0]) for line in chart.lines)
    last = max(int(line.session[-1]) for line in chart.lines)
    scale = np.log if chart.log else np.asarray
    bottom, top = float(scale(low)), float(scale(high))

    def x(session: I32) -> F64:
        return np.asarray(_LEFT + (session - first) / max(last - first, 1) * (_WIDTH - _LEFT - _RIGHT))

    def y(values: F64) -> F64:
        share = (scale(values) - bottom) / ((top - bottom) or 1.0)
        return np.asarray(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'role="img" aria-label="{escape(chart.title)}" font-size="11" fill="currentColor" '
        'style="max-width:100%;height:auto;display:block">'
    ]
    for value in _ticks(low, high, chart.log):
        place = float(y(np.array(value)))
        parts.append(
            f'<path d="M{_LEFT} {place:.1f}H{_WIDTH - _RIGHT}" stroke="currentColor" stroke-opacity=".15"/>'
            f'<text x="{_LEFT - 6}" y="{place + 4:.1f}" text-anchor="end" opacity=".75">'
            f"{axis_text(value, written_decimals(value))}</text>"
        )
    for session, text in _dates(first, last):
        place = float(x(np.array(session)))
        parts.append(f'<text x="{place:.1f}" y="{_HEIGHT - 6}" text-anchor="middle" opacity=".75">{text}</text>')
    lines = [thinned(line) for line in chart.lines]
    ends = _apart([float(y(line.values[-1:])[0]) for line in lines])
    for number, line in enumerate(lines):
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(line.session), y(line.values), strict=True))
        colour = COLOURS[number]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3" '
            'stroke-linejoin="round"/>'
            f'<text x="{_WIDTH - _RIGHT + 6}" y="{ends[number] + 4:.1f}" fill="{colour}" '
            f'font-weight="600">{escape(line.label[:12])}</text>'
        )
    return "".join(parts) + "</svg>"


def png(chart: Chart) -> bytes:
    """Return the chart as PNG, for viewers without HTML; drawn without pyplot."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 2.8), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, line in enumerate(chart.lines):
        thin = thinned(line)
        axes.plot(thin.session.astype("M8[D]"), thin.values, lw=1.1, color=COLOURS[number], label=line.label)
    if chart.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set_title(chart.title, loc="left", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.2)
    axes.legend(fontsize=8, frameon=False, ncols=min(len(chart.lines), 4), loc="upper left")
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _range(chart: Chart) -> tuple[float, float]:
    low = min(float(line.values.min()) for line in chart.lines)
    high = max(float(line.values.max()) for line in chart.lines)
    return (low, high) if high > low else (low - abs(low) * 0.01 - 1e-9, high + abs(high) * 0.01 + 1e-9)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        steps = (1, 2, 5) if np.log10(high / low) < 2.5 else (1,)
        return [m * 10.0**e for e in exponents for m in steps if low <= m * 10.0**e <= high]
    step = 10.0 ** np.floor(np.log10((high - low) / 2))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 6)
    return [float(round(v, 12)) for v in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]


def _dates(first: int, last: int) -> list[tuple[int, str]]:
    """Return up to seven dates to write: first days of years or months, or the two ends."""
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    for unit, steps in (("M8[M]", (1, 2, 3, 6)), ("M8[Y]", (1, 2, 5, 10, 20, 50))):
        whole = np.arange(start.astype(unit), end.astype(unit) + 1)
        for step in steps:
            kept = [w for w in whole if int(w.astype(np.int64)) % step == 0 and w.astype("M8[D]") >= start]
            if 2 <= len(kept) <= 7:
                return [(int(w.astype("M8[D]").astype(np.int64)), str(w)) for w in kept]
    return [(first, str(start)), (last, str(end))] if last > first else [(first, str(start))]


def _apart(places: list[float], least: float = 13.0) -> list[float]:
    """Move labels down, then up, until none covers another."""
    order = sorted(range(len(places)), key=places.__getitem__)
    out = list(places)
    for above, below in itertools.pairwise(order):
        out[below] = max(out[below], out[above] + least)
    floor = float(_HEIGHT - _BOTTOM)
    for number in reversed(order):
        out[number] = min(out[number], floor)
        floor = out[number] - least
    return out
