"""Charts of a walk-forward: the account with its windows, training against test, and the chosen parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definition import Definition
from alphintra_backtest.study import Figure

if TYPE_CHECKING:
    from alphintra.walking import WalkForward

#: Points of a curve: as many as a screen tells apart.
MOST_POINTS = 2_000
#: Parameters that have a panel of their own.
MOST_PANELS = 6


def account(walk: WalkForward) -> list[Figure]:
    """Equity through all test windows, every second one shaded, with what was chosen in each."""
    curves = walk.result.curves
    every = max(1, math.ceil(len(curves.time) / MOST_POINTS))
    at = np.unique(np.append(np.arange(0, len(curves.time), every), len(curves.time) - 1))
    when = [str(t)[:19] for t in curves.time[at].astype("datetime64[us]")]
    data = [_line(when, curves.equity[at], "account", "@series1", 1.6)]
    benchmark = curves.benchmark[at]
    if np.isfinite(benchmark).any():
        known = [float(v) if math.isfinite(v) else None for v in benchmark]
        data.append(_line(when, known, "buy and hold", "@benchmark", 1.0))
    shapes, notes, middles, texts = [], [], [], []
    columns = walk.columns
    for n, (first, last, params) in enumerate(
        zip(columns["test_start"], columns["test_end"], columns["params"], strict=True)
    ):
        if n % 2 == 0:
            shapes.append({
                "type": "rect", "x0": first, "x1": last, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
                "fillcolor": "@band_wide", "line": {"width": 0},
            })  # fmt: skip
        middles.append(first)
        texts.append(f"window {n + 1}: {_chosen(walk, params)}")
        if len(columns["window"]) <= 12:
            notes.append({
                "x": first, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "bottom", "text": str(n + 1),
                "showarrow": False,
            })  # fmt: skip
    level = np.interp(_days(middles), curves.session.astype(float), curves.equity)
    data.append({
        "type": "scatter", "mode": "markers", "x": middles, "y": level.tolist(), "name": "window begins",
        "text": texts, "hovertemplate": "%{text}<extra></extra>", "marker": {"color": "@ink", "size": 6},
    })  # fmt: skip
    metrics = walk.result.metrics
    return [
        Figure(
            name="account",
            title="The account through all test windows",
            alt=f"Equity over {len(columns['window'])} test windows from {text(float(curves.equity[0]), 'money')} to "
            f"{text(float(curves.equity[-1]), 'money')}, largest drawdown {text(metrics['max_drawdown'], 'percent')}.",
            data=data,
            layout={"shapes": shapes, "annotations": notes, "xaxis": {"type": "date"},
                    "yaxis": {"title": {"text": "equity"}}},
            height=360,
            note="Shaded: every second test window. One account goes through all of them; a point tells what was "
            "chosen.",
        )
    ]  # fmt: skip


def _days(dates: Sequence[str]) -> Any:
    return np.array(dates, dtype="datetime64[D]").astype(np.int64).astype(float)


def _line(x: Sequence[str], y: Any, name: str, color: str, width: float) -> dict[str, Any]:
    values = y.tolist() if isinstance(y, np.ndarray) else y
    return {"type": "scatter", "mode": "lines", "x": x, "y": values, "name": name,
            "line": {"color": color, "width": width}}  # fmt: skip


def _chosen(walk: WalkForward, params: dict[str, Any] | None) -> str:
    return "nobody trades" if params is None else ", ".join(f"{name}={params[name]}" for name in walk.grid)


def selection(walk: WalkForward, metric: Definition) -> list[Figure]:
    """The metric in training and in test: side by side per window, and one against the other."""
    columns, percent = walk.columns, metric.format == "percent"
    names = [str(w) for w in columns["window"]]
    axis: dict[str, Any] = {"title": {"text": metric.label}}
    if percent:
        axis["tickformat"] = ".0%"
    shown = [
        {"type": "bar", "x": names, "y": [_number(v) for v in columns["test_metric"]], "name": "in test",
         "marker": {"color": "@series1"}},
        {"type": "scatter", "mode": "markers", "x": names, "y": [_number(v) for v in columns["train_metric"]],
         "name": "in training", "marker": {"color": "@series2", "size": 10, "symbol": "diamond"}},
    ]  # fmt: skip
    pairs = [
        (a, b, n) for a, b, n in zip(columns["train_metric"], columns["test_metric"], names, strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]  # fmt: skip
    better = sum(b >= a for a, b, _ in pairs) if walk.settings["maximize"] else sum(b <= a for a, b, _ in pairs)
    out = [
        Figure(
            name="train_test",
            title=f"{metric.label} in training and in test",
            alt=f"A bar and a mark for each of {len(names)} windows; in {better} of {len(pairs)} the test was as "
            "good as training or better.",
            data=shown,
            layout={"xaxis": {"type": "category", "title": {"text": "window"}}, "yaxis": axis},
            height=260,
        )
    ]
    if len(pairs) > 2:
        low = min(min(a, b) for a, b, _ in pairs)
        high = max(max(a, b) for a, b, _ in pairs)
        out.append(
            Figure(
                name="scatter",
                title="What training promised, and what came",
                alt=f"{len(pairs)} points, one a window; {better} lie on or above the diagonal, where a window keeps "
                "what training promised.",
                data=[
                    {"type": "scatter", "mode": "lines", "x": [low, high], "y": [low, high], "name": "as promised",
                     "line": {"color": "@muted", "dash": "dot", "width": 1}, "hoverinfo": "skip"},
                    {"type": "scatter", "mode": "markers", "x": [a for a, _, _ in pairs], "y": [b for _, b, _ in pairs],
                     "text": [f"window {n}" for _, _, n in pairs], "name": "windows",
                     "marker": {"color": "@series1", "size": 8}},
                ],
                layout={
                    "xaxis": {**axis, "title": {"text": f"{metric.label} in training"}},
                    "yaxis": {**axis, "title": {"text": f"{metric.label} in test"}},
                },
                height=300,
            )
        )  # fmt: skip
    return out


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def stability(walk: WalkForward, metric: Definition) -> list[Figure]:
    """The chosen value of each parameter per window; with one parameter over the metric of all its values."""
    varied = {name: values for name, values in walk.grid.items() if len(values) > 1}
    if len(varied) == 1 and len(walk.grid) == 1:
        return [_landscape(walk, metric, *next(iter(varied.items())))]
    return [_steps(walk, name, values) for name, values in list(varied.items())[:MOST_PANELS]]


def _steps(walk: WalkForward, name: str, values: Sequence[Any]) -> Figure:
    chosen = walk.parameters[name].tolist()
    row = walk.stability.to_dict("index")[name]
    windows = [str(w) for w in walk.columns["window"]]
    shown = [None if v is None else str(v) for v in chosen]
    return Figure(
        name=f"chosen_{name}",
        title=f"{name}, window by window",
        alt=f"{name} took {row['values']} of {len(values)} values and changed {row['changes']} times.",
        data=[
            {"type": "scatter", "mode": "lines+markers", "x": windows, "y": shown, "name": name,
             "line": {"color": "@series2", "shape": "hv", "width": 1.2}, "marker": {"color": "@series2", "size": 8}}
        ],
        layout={
            "xaxis": {"type": "category", "title": {"text": "window"}},
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": [str(v) for v in values],
                      "range": [-0.5, len(values) - 0.5], "title": {"text": name}},
        },
        height=220,
    )  # fmt: skip


def _landscape(walk: WalkForward, metric: Definition, name: str, values: Sequence[Any]) -> Figure:
    windows = [str(w) for w in walk.columns["window"]]
    table = walk.landscape
    z = [[_number(float(v)) for v in table.iloc[:, k]] for k in range(table.shape[1])]
    tried = [str(v) for v in table.columns]
    told = [[text(v, metric.format) for v in row] for row in z]
    chosen = [None if v is None else str(v) for v in walk.parameters[name]]
    row = walk.stability.to_dict("index")[name]
    return Figure(
        name="landscape",
        title=f"{metric.label} in training over {name}, and what was chosen",
        alt=f"Heat map of {metric.label} for {len(tried)} values of {name} in {len(windows)} windows; the chosen value "
        f"changed {row['changes']} times, {row['most']} was the most frequent.",
        data=[
            {"type": "heatmap", "x": windows, "y": tried, "z": z, "customdata": told, "colorscale": "@low_to_high",
             "colorbar": {"title": {"text": metric.label}},
             "hovertemplate": f"window %{{x}}<br>{name} %{{y}}<br>%{{customdata}}<extra></extra>"},
            {"type": "scatter", "mode": "lines+markers", "x": windows, "y": chosen, "name": "chosen",
             "line": {"color": "@ink", "width": 1}, "marker": {"color": "@ink", "size": 8, "symbol": "circle-open"}},
        ],
        layout={
            "xaxis": {"type": "category", "title": {"text": "window"}},
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": [str(v) for v in values],
                      "title": {"text": name}},
        },
        height=max(220, min(520, 60 + 26 * len(tried))),
    )  # fmt: skip
