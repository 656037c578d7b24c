"""A result as a picture, for places that show neither HTML nor our own view."""

from __future__ import annotations

import io
from typing import Any

from alphintra_backtest.formats import text
from alphintra_backtest.look import BENCHMARK, ERROR, GAIN, LOSS, WARNING

_INK = "#1b1f24"
_MUTED = "#5c6670"
_GRID = "#e3e7eb"
_FIGURES_IN_A_ROW = 5


def draw(view: dict[str, Any]) -> bytes:
    """Return the PNG of a view's payload: figures, equity against benchmark, drawdown.

    It uses matplotlib's figure without pyplot, so it neither touches nor needs a display or the
    notebook's own figures.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.2), dpi=100, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(3, 1), left=0.09, right=0.98, top=0.65, bottom=0.07, hspace=0.12
    )
    _head(figure, view)
    _curves(figure.add_subplot(grid[0]), figure.add_subplot(grid[1]), view)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def _head(figure: Any, view: dict[str, Any]) -> None:
    """Write name, data, warnings and figures above the curves."""
    head = view["header"]

    def write(x: float, y: float, string: str, **style: Any) -> None:
        # parse_math=False: a name with dollar signs is a name, not a formula.
        figure.text(x, y, string, parse_math=False, **{"color": _INK, "va": "baseline", **style})

    write(0.02, 0.945, _short(head["strategy"], 60), fontsize=15, fontweight="bold")
    facts = f"{head['dataset']} · {head['start']} → {head['end']} · {text(head['bars'], 'integer')} bars"
    write(0.02, 0.91, _short(facts, 120), fontsize=9, color=_MUTED)
    for level, color, y in (("error", ERROR, 0.878), ("warning", WARNING, 0.85)):
        said = " · ".join(w["text"] for w in view["warnings"] if w["level"] == level)
        if said:
            write(0.02, y, _short(said, 125), fontsize=9, color=color)
    for i, item in enumerate(view["figures"]):
        row, column = divmod(i, _FIGURES_IN_A_ROW)
        x, y = 0.02 + column * 0.195, 0.815 - row * 0.085
        write(x, y, item["label"], fontsize=8, color=_MUTED)
        value = text(item["value"], item["format"], signed=item["signed"])
        write(x, y - 0.027, value, fontsize=11, fontweight="bold")
        if item["benchmark"] is not None:
            other = text(item["benchmark"], item["format"], signed=item["signed"])
            write(x, y - 0.049, f"bench {other}", fontsize=8, color=_MUTED)


def _curves(upper: Any, lower: Any, view: dict[str, Any]) -> None:
    """Draw equity and drawdown on one time axis."""
    import numpy as np

    curve = view["charts"]["curve"]
    time = np.array(curve["time"], dtype="datetime64[s]")
    if curve["benchmark"]:
        upper.plot(time, _array(curve["benchmark"]), color=BENCHMARK, linewidth=1.0, label="buy and hold")
    upper.plot(time, _array(curve["equity"]), color=GAIN, linewidth=1.6, label="strategy")
    lower.fill_between(time, _array(curve["drawdown"]) * 100.0, 0.0, color=LOSS, alpha=0.45, linewidth=0)
    upper.legend(
        loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=2, frameon=False, fontsize=8, borderaxespad=0
    )
    upper.set_ylabel("Equity", fontsize=8, color=_MUTED)
    lower.set_ylabel("Drawdown %", fontsize=8, color=_MUTED)
    upper.tick_params(labelbottom=False)
    upper.yaxis.set_major_formatter(lambda value, _: text(round(value, 6), "quantity"))
    for axes in (upper, lower):
        axes.grid(color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8, colors=_MUTED, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if len(time) > 1:
            axes.set_xlim(time[0], time[-1])


def _array(values: list[float | None]) -> Any:
    """Return values as float64, gaps as NaN."""
    import numpy as np

    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _short(string: str, length: int) -> str:
    """Cut a line to the picture's width."""
    return string if len(string) <= length else string[: length - 1] + "…"
