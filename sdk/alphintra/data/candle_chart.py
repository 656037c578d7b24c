"""Candles with volume as inline SVG: a bounded number of them, whatever they are of, on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra.data.decimals import axis_text, column_decimals
from alphintra.data.display import BOX, bundle_of
from alphintra.data.live import MIME, STATIC

if TYPE_CHECKING:
    from alphintra.store.candles import Candles

# Middle tones: each has a contrast of at least 3 on white and on JupyterLab's dark background.
_UP, _DOWN, _LINE = "#2f946a", "#cf4f45", "#3f7fd9"
_WIDTH, _HEIGHT, _VOLUME = 760, 260, 60
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 20
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CandleChart:
    """A part of a symbol as a picture; shows itself in a cell.

    Attributes:
        title: What it is of.
        candles: Its candles.
        dates: Whether times are days.
        bars: Whether there are bars; else a line shows the closes.
        live: What JupyterLab draws its own chart from, as of :func:`alphintra.data.live.live`; ``None`` where the rows
            are in this process alone.
    """

    title: str
    candles: Candles
    dates: bool
    bars: bool
    live: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        """Return one line."""
        found = self.candles
        if not len(found.time):
            return f"{self.title}: nothing to draw"
        rows, each = int(found.rows.sum()), found.rows_each
        told = f"{self.title}: {rows:,} of {found.rows_of_all:,} rows"
        if each == 1:
            return f"{told}, {self._time(0)} to {self._time(-1)}"
        first, last = self._time(0), self._time(-1)
        return f"{told} in {len(found.time):,} candles of {each:,}, the first of {first}, the last of {last}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        makers: dict[str, Any] = {"text/plain": lambda: repr(self), "text/html": self.html}
        if self.live is not None and len(self.candles.time):
            makers[MIME] = lambda: dict(self.live or {})
        return bundle_of(makers, include, exclude)

    def html(self) -> str:
        """Return it as static HTML without scripts or style sheets."""
        told = f'<div style="opacity:.85">{escape(repr(self))}</div>'
        return f'<div style="{BOX}" class="{STATIC}">{told}{self.svg()}</div>'

    def svg(self) -> str:
        """Return the picture; text and grid take the page's own colour. Nothing where there is nothing to draw."""
        found = self.candles
        known = np.isfinite(found.close)
        if not known.any():
            return ""
        low, high = float(np.nanmin(found.low[known])), float(np.nanmax(found.high[known]))
        low, high = (low, high) if high > low else (low - abs(low) * 0.01 - 1e-9, high + abs(high) * 0.01 + 1e-9)
        floor = _HEIGHT - _BOTTOM - (_VOLUME if found.volume is not None else 0)
        step = (_WIDTH - _LEFT - _RIGHT) / len(found.time)
        x = np.asarray(_LEFT + step * (np.arange(len(found.time)) + 0.5), dtype=np.float64)

        def y(values: F64) -> F64:
            return np.asarray(floor - (values - low) / (high - low) * (floor - _TOP))

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
            f'aria-label="{escape(repr(self), quote=True)}" font-size="11" fill="currentColor" '
            'style="max-width:100%;height:auto;display:block">'
        ]
        decimals = column_decimals(found.close[known].tolist())
        for value in (low, (low + high) / 2, high):
            place = float(y(np.array(value)))
            parts.append(
                f'<path d="M{_LEFT} {place:.1f}H{_WIDTH - _RIGHT}" stroke="currentColor" stroke-opacity=".15"/>'
                f'<text x="{_LEFT - 6}" y="{place + 4:.1f}" text-anchor="end" opacity=".75">'
                f"{axis_text(value, decimals)}</text>"
            )
        for at, anchor in ((0, "start"), (-1, "end")):
            edge = _LEFT if at == 0 else _WIDTH - _RIGHT
            parts.append(
                f'<text x="{edge}" y="{_HEIGHT - 5}" text-anchor="{anchor}" opacity=".75">{self._time(at)}</text>'
            )
        if self.bars:
            width = min(step * 0.7, 9.0)
            rising = found.close >= found.open
            whole = known & np.isfinite(found.open)
            for chosen, colour in ((whole & rising, _UP), (whole & ~rising, _DOWN)):
                parts.append(_bodies(x[chosen], y(found.open[chosen]), y(found.close[chosen]), width, colour))
                parts.append(_wicks(x[chosen], y(found.high[chosen]), y(found.low[chosen]), colour))
        else:
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[known], y(found.close[known]), strict=True))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.3"/>')
        if found.volume is not None and found.volume.max() > 0:
            foot = np.full(len(x), float(_HEIGHT - _BOTTOM))
            tops = foot - found.volume / found.volume.max() * (_VOLUME - 12)
            parts.append(_bodies(x, foot, tops, min(step * 0.7, 9.0), "currentColor", ' fill-opacity=".35"'))
        return "".join(parts) + "</svg>"

    def _time(self, at: int) -> str:
        value = int(self.candles.time[at])
        if self.dates:
            return str(np.datetime64(value, "D"))
        moment = np.datetime64(value, "us")
        text = str(moment.astype("M8[s]") if value % 1_000_000 == 0 else moment)
        return text.replace("T", " ").removesuffix(":00") + " UTC"


def _bodies(x: F64, first: F64, last: F64, width: float, colour: str, more: str = "") -> str:
    tops, heights = np.minimum(first, last), np.maximum(np.abs(first - last), 0.8)
    places = zip(x - width / 2, tops, heights, strict=True)
    boxes = "".join(f"M{a:.1f} {b:.1f}h{width:.1f}v{c:.1f}h{-width:.1f}z" for a, b, c in places)
    return f'<path d="{boxes}" fill="{colour}"{more}/>'


def _wicks(x: F64, high: F64, low: F64, colour: str) -> str:
    lines = "".join(f"M{a:.1f} {b:.1f}V{c:.1f}" for a, b, c in zip(x, high, low, strict=True))
    return f'<path d="{lines}" stroke="{colour}" stroke-width=".9" fill="none"/>'
