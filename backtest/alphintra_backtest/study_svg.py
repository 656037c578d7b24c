"""A study's figures as inline SVG, where Plotly is not there: shapes only, their words stand around them as HTML.

What removes the shapes (a notebook that is not trusted) so leaves no stray text behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.look import PALETTE
from alphintra_backtest.study_axes import Axis, axis_of
from alphintra_backtest.view_series import extremes

F64 = npt.NDArray[np.float64]

WIDTH = 900
_POINTS = 400
_CANDLES = 250
_MARKS = 200
_CELLS = 4_000
_ORDER = ("@series1", "@series2", "@series3", "@series4", "@series5", "@series6")


def color(token: Any, otherwise: str = "@series1") -> str:
    """Return a colour that reads on light and on dark ground; the ink is the text's own."""
    name = token if isinstance(token, str) else otherwise
    if name == "@ink":
        return "currentColor"
    return str(PALETTE[name][0]) if name in PALETTE else escape(name)


class Drawing:
    """A figure's traces as shapes, with its legend and the reach of its axes in words.

    Attributes:
        shapes: The inside of an ``svg`` element; empty where nothing could be drawn.
        legend: Pairs of a colour and a name.
        reach: What the axes span, in words.
    """

    def __init__(self, figure: Mapping[str, Any]) -> None:
        self.height = int(figure["height"])
        self._layout: Mapping[str, Any] = figure["layout"] or {}
        self._axes: dict[str, Axis] = {}
        self.legend: list[tuple[str, str]] = []
        traces = [trace for trace in figure["data"] if trace.get("visible") not in (False, "legendonly")]
        placed = [found for i, trace in enumerate(traces) if (found := self._place(trace, i))]
        self.shapes = "".join((*(draw() for draw in placed), *self._lines()))
        self.reach = self._reach()

    def _axis(self, reference: Any, letter: str) -> Axis:
        name = str(reference or letter)
        if name not in self._axes:
            self._axes[name] = axis_of(self._layout, name)
        return self._axes[name]

    def _place(self, trace: Mapping[str, Any], i: int) -> Any:
        """Widen the axes by a trace and return what draws it once they are all known."""
        kind = trace.get("type") or "scatter"
        make = {
            "scatter": self._scatter,
            "scattergl": self._scatter,
            "bar": self._bars,
            "histogram": self._histogram,
            "heatmap": self._heatmap,
            "candlestick": self._candles,
            "ohlc": self._candles,
        }.get(kind)
        if make is None:
            return None
        x, y = self._axis(trace.get("xaxis"), "x"), self._axis(trace.get("yaxis"), "y")
        shade = _shade(trace, i)
        if trace.get("name") and trace.get("showlegend") is not False and kind != "heatmap":
            self.legend.append((shade, str(trace["name"])))
        return make(trace, x, y, shade)

    def _scatter(self, trace: Mapping[str, Any], x: Axis, y: Axis, shade: str) -> Any:
        down = _values(trace.get("y"))
        across = _values(trace.get("x")) or list(range(len(down)))
        xs, ys = x.numbers(across), y.numbers(down)
        if not len(ys):
            return None
        x.reach(xs)
        y.reach(ys)
        fill = str(trace.get("fill") or "none")
        if fill == "tozeroy":
            y.reach(np.zeros(1))
        mode = str(trace.get("mode") or "lines")
        line = trace.get("line") or {}
        marker = trace.get("marker") or {}
        # A band's two edges are drawn as one shape: the trace before it is its other edge.
        edge, self._edge = getattr(self, "_edge", None), (xs, ys)

        def draw() -> str:
            out = ""
            keep = extremes([ys], _POINTS)
            if fill in ("tozeroy", "toself") or (fill == "tonexty" and edge is not None):
                around = self._outline(x, y, xs[keep], ys[keep], edge if fill == "tonexty" else None, fill)
                ground = color(trace.get("fillcolor"), shade)
                opacity = "" if trace.get("fillcolor") else ' fill-opacity="0.35"'
                out += f'<path d="{around}" fill="{ground}"{opacity}/>'
            if "lines" in mode and float(line.get("width", 1.5)) > 0:
                width = float(line.get("width", 1.5))
                dash = ' stroke-dasharray="5 4"' if line.get("dash") not in (None, "solid") else ""
                path = _path(*self._pixels(x, y, xs[keep], ys[keep]), step=line.get("shape") == "hv")
                out += (
                    f'<path d="{path}" fill="none" stroke="{shade}" stroke-width="{width:g}"{dash} '
                    'vector-effect="non-scaling-stroke"/>'
                )
            if "markers" in mode:
                at = extremes([ys], _MARKS)
                shades = marker.get("color")
                px, py = self._pixels(x, y, xs[at], ys[at])
                for j, a, b in zip(at.tolist(), px.tolist(), py.tolist(), strict=True):
                    if a == a and b == b:
                        own = shades[j] if isinstance(shades, list) and j < len(shades) else None
                        # A line of no length with round ends is a dot that stays round when the drawing is stretched.
                        out += _dot(a, b, color(own) if isinstance(own, str) else shade)
            return out

        return draw

    def _outline(self, x: Axis, y: Axis, xs: F64, ys: F64, edge: Any, fill: str) -> str:
        known = np.isfinite(xs) & np.isfinite(ys)
        xs, ys = xs[known], ys[known]
        if not len(xs):
            return ""
        if fill == "toself":
            return _path(*self._pixels(x, y, xs, ys)) + "Z"
        if edge is None:
            back = (xs[[-1, 0]], np.clip(np.zeros(2), y.low, y.high))
        else:
            keep = np.isfinite(edge[0]) & np.isfinite(edge[1])
            bx, by = edge[0][keep], edge[1][keep]
            thin = extremes([by], _POINTS) if len(by) else np.empty(0, np.int64)
            back = (bx[thin][::-1], by[thin][::-1])
        return _path(*self._pixels(x, y, np.append(xs, back[0]), np.append(ys, back[1]))) + "Z"

    def _bars(self, trace: Mapping[str, Any], x: Axis, y: Axis, shade: str) -> Any:
        lying = trace.get("orientation") == "h"
        along, size = (y, x) if lying else (x, y)
        names, lengths = _values(trace.get("y" if lying else "x")), _values(trace.get("x" if lying else "y"))
        places = along.numbers(names or list(range(len(lengths))))
        sizes = size.numbers(lengths)
        return self._columns(trace, along, size, places, sizes, shade, lying=lying)

    def _histogram(self, trace: Mapping[str, Any], x: Axis, y: Axis, shade: str) -> Any:
        values = x.numbers(_values(trace.get("x")))
        values = values[np.isfinite(values)]
        if not len(values):
            return None
        counts, edges = np.histogram(values, bins=int(trace.get("nbinsx") or 40))
        if not y.kind:
            y.kind = "linear"
        return self._columns(trace, x, y, (edges[:-1] + edges[1:]) / 2.0, counts.astype(np.float64), shade, lying=False)

    def _columns(
        self, trace: Mapping[str, Any], along: Axis, size: Axis, places: F64, sizes: F64, shade: str, *, lying: bool
    ) -> Any:
        if not len(sizes):
            return None
        gaps = np.diff(np.unique(places[np.isfinite(places)]))
        half = (float(gaps.min()) if len(gaps) else 1.0) / 2.0
        along.reach(np.append(places - half, places + half))
        size.reach(np.append(sizes, 0.0))
        shades = (trace.get("marker") or {}).get("color")

        def draw() -> str:
            out = ""
            for j, (place, length) in enumerate(zip(places.tolist(), sizes.tolist(), strict=True)):
                if place != place or length != length:
                    continue
                own = color(shades[j]) if isinstance(shades, list) and j < len(shades) else shade
                ends = np.array([place - half * 0.9, place + half * 0.9])
                reach = np.array([0.0, length])
                xs, ys = (reach, ends) if lying else (ends, reach)
                px, py = self._pixels(size if lying else along, along if lying else size, xs, ys)
                out += _box(px, py, own)
            return out

        return draw

    def _heatmap(self, trace: Mapping[str, Any], x: Axis, y: Axis, shade: str) -> Any:
        rows = _values(trace.get("z"))
        if not rows or len(rows) * len(rows[0] or ()) > _CELLS:
            return None
        xs = x.numbers(_values(trace.get("x")) or list(range(len(rows[0]))))
        ys = y.numbers(_values(trace.get("y")) or list(range(len(rows))))
        wide, high = (_half(values) for values in (xs, ys))
        x.reach(np.append(xs - wide, xs + wide))
        y.reach(np.append(ys - high, ys + high))
        z = np.array([[np.nan if cell is None else float(cell) for cell in row] for row in rows], dtype=np.float64)
        low, top = trace.get("zmin"), trace.get("zmax")
        if not np.isfinite(z).any():
            return None
        low, top = np.nanmin(z) if low is None else low, np.nanmax(z) if top is None else top
        middle = trace.get("zmid")
        if middle is not None:
            reach = max(abs(top - middle), abs(low - middle)) or 1.0
            low, top = middle - reach, middle + reach
        scale = trace.get("colorscale")
        stops = PALETTE.get(scale if isinstance(scale, str) else "", PALETTE["@little_to_much"])[0]

        def draw() -> str:
            out = ""
            for i, row in enumerate(z):
                for j, value in enumerate(row.tolist()):
                    if value == value:
                        px, py = self._pixels(
                            x, y, np.array([xs[j] - wide, xs[j] + wide]), np.array([ys[i] - high, ys[i] + high])
                        )
                        out += _box(px, py, between(stops, (value - float(low)) / (float(top - low) or 1.0)))
            return out

        return draw

    def _candles(self, trace: Mapping[str, Any], x: Axis, y: Axis, shade: str) -> Any:
        xs = x.numbers(_values(trace.get("x")))
        opened, high, low, close = (y.numbers(_values(trace.get(k))) for k in ("open", "high", "low", "close"))
        if not len(xs):
            return None
        size = -(-len(xs) // _CANDLES)
        at = np.arange(0, len(xs), size)
        ends = np.minimum(at + size, len(xs)) - 1
        xs, opened, close = xs[at], opened[at], close[ends]
        high, low = np.maximum.reduceat(high, at), np.minimum.reduceat(low, at)
        for values, axis in ((xs, x), (high, y), (low, y)):
            axis.reach(values)
        up, down = (
            color(((trace.get(side) or {}).get("line") or {}).get("color"), token)
            for side, token in (("increasing", "@gain"), ("decreasing", "@loss"))
        )
        half = _half(xs) * 0.7

        def draw() -> str:
            known = np.isfinite((xs, opened, high, low, close)).all(axis=0)
            out = ""
            for shade_, wanted in ((up, close >= opened), (down, close < opened)):
                at = known & wanted
                left, right = (x.at(xs[at] + side, WIDTH, upwards=False) for side in (-half, half))
                tops, bottoms, first, last = (
                    y.at(values[at], self.height, upwards=True) for values in (high, low, opened, close)
                )
                path = "".join(
                    f"M{(a + b) / 2:.1f},{c:.1f}V{d:.1f}M{a:.1f},{e:.1f}H{b:.1f}V{f:.1f}H{a:.1f}Z"
                    for a, b, c, d, e, f in zip(left, right, tops, bottoms, first, last, strict=True)
                )
                if path:
                    out += (
                        f'<path d="{path}" fill="{shade_}" stroke="{shade_}" stroke-width="1" '
                        'vector-effect="non-scaling-stroke"/>'
                    )
            return out

        return draw

    def _lines(self) -> list[str]:
        """Draw the layout's lines, such as a limit."""
        out = []
        for shape in self._layout.get("shapes") or ():
            if shape.get("type") != "line":
                continue
            ends = []
            for letter in ("x", "y"):
                values = [shape.get(f"{letter}0"), shape.get(f"{letter}1")]
                reference = str(shape.get(f"{letter}ref") or letter)
                name = reference.split(" ")[0]
                if name == "paper":
                    axis = Axis("linear", low=0.0, high=1.0)
                elif reference.endswith("domain"):
                    axis = Axis("linear", domain=self._axis(name, letter).domain, low=0.0, high=1.0)
                else:
                    axis = self._axis(name, letter)
                size = WIDTH if letter == "x" else self.height
                ends.append(axis.at(axis.numbers(values), size, upwards=letter == "y"))
            if all(np.isfinite(end).all() for end in ends):
                own = color((shape.get("line") or {}).get("color"), "@muted")
                out.append(
                    f'<path d="{_path(*ends)}" stroke="{own}" stroke-dasharray="4 3" '
                    'vector-effect="non-scaling-stroke"/>'
                )
        return out

    def _pixels(self, x: Axis, y: Axis, xs: F64, ys: F64) -> tuple[F64, F64]:
        return x.at(xs, WIDTH, upwards=False), y.at(ys, self.height, upwards=True)

    def _reach(self) -> str:
        """Say what each axis spans."""
        words = []
        for name, axis in sorted(self._axes.items()):
            own = self._layout.get(f"{name[0]}axis{name[1:]}") or {}
            if not np.isfinite((axis.low, axis.high)).all() or axis.kind == "category":
                continue
            span = f"{axis.label(axis.low)} to {axis.label(axis.high)}"
            title = own.get("title")
            title = title.get("text") if isinstance(title, Mapping) else title
            words.append(f"{title}: {span}" if title else span)
        return " · ".join(dict.fromkeys(words))


def svg(figure: Mapping[str, Any]) -> tuple[str, Drawing]:
    """Return a figure's drawing as an ``svg`` element with its text alternative, empty where it has no drawing."""
    drawn = Drawing(figure)
    if not drawn.shapes:
        return "", drawn
    size = f'viewBox="0 0 {WIDTH} {drawn.height}" width="100%" height="{drawn.height}" preserveAspectRatio="none"'
    return (
        f'<svg {size} role="img" aria-label="{escape(str(figure["alt"]))}" style="display:block">{drawn.shapes}</svg>',
        drawn,
    )


def between(stops: Sequence[Sequence[Any]], share: float) -> str:
    """Return the colour of a scale at ``share`` of it."""
    share = min(max(share, 0.0), 1.0)
    for (start, low), (end, high) in pairwise(stops):
        if share <= end:
            part = (share - start) / ((end - start) or 1.0)
            pairs = ((int(low[k : k + 2], 16), int(high[k : k + 2], 16)) for k in (1, 3, 5))
            return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)
    return str(stops[-1][1])


def _shade(trace: Mapping[str, Any], i: int) -> str:
    for part in ("line", "marker"):
        own = (trace.get(part) or {}).get("color")
        if isinstance(own, str):
            return color(own)
    return color(trace.get("fillcolor"), _ORDER[i % len(_ORDER)])


def _values(values: Any) -> list[Any]:
    return [] if values is None else list(values)


def _half(places: F64) -> float:
    gaps = np.diff(np.unique(places[np.isfinite(places)]))
    return (float(gaps.min()) if len(gaps) else 1.0) / 2.0


def _path(xs: F64, ys: F64, *, step: bool = False) -> str:
    out, pen, last = [], False, 0.0
    for a, b in zip(xs.tolist(), ys.tolist(), strict=True):
        if a != a or b != b:
            pen = False
            continue
        if pen and step:
            out.append(f"L{a:.1f},{last:.1f}")
        out.append(f"{'L' if pen else 'M'}{a:.1f},{b:.1f}")
        pen, last = True, b
    return "".join(out)


def _dot(x: float, y: float, shade: str) -> str:
    return (
        f'<path d="M{x:.1f},{y:.1f}h0" stroke="{shade}" stroke-width="5" stroke-linecap="round" '
        'vector-effect="non-scaling-stroke"/>'
    )


def _box(xs: F64, ys: F64, shade: str) -> str:
    wide, high = abs(float(xs[1] - xs[0])), abs(float(ys[1] - ys[0]))
    left, top = float(xs.min()), float(ys.min())
    place = f'x="{left:.1f}" y="{top:.1f}" width="{max(wide, 0.5):.1f}" height="{max(high, 0.5):.1f}"'
    return f'<rect {place} fill="{shade}"/>'
