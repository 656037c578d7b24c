"""Variants of a sweep as figures of lines and cells, where the interactive view of trials is not there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from alphintra_backtest.formats import text

Payload = Mapping[str, Any]

CELLS = 4_000
LINES = 60


def figures(block: Payload) -> list[dict[str, Any]]:
    """Return a heat map over the first two parameters, and the best trials as lines through all parameters.

    Args:
        block: A study's trials, as their payload.
    """
    found = [_heat_map(block), _lines(block)]
    return [figure for figure in found if figure is not None]


def _figure(block: Payload, name: str, title: str, alt: str, **more: Any) -> dict[str, Any]:
    return {"type": "figure", "name": f"{block['name']}_{name}", "title": title, "alt": alt, "note": "", **more}


def _known(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _ordered(values: Sequence[Any]) -> list[Any]:
    """Return distinct values, numbers by size, others as they came."""
    distinct = list(dict.fromkeys(values))
    return sorted(distinct) if all(_known(value) for value in distinct) else distinct


def _heat_map(block: Payload) -> dict[str, Any] | None:
    """Return the first metric by the first two parameters that vary, the best over all others."""
    at = 1 + len(block["parameters"])
    varied = [
        i for i in range(len(block["parameters"])) if len({_written(row[1 + i]) for row in block["rows"]}) > 1
    ]
    if len(varied) < 2 or not block["metrics"]:
        return None
    across, down = varied[:2]
    xs, ys = (_ordered([row[1 + i] for row in block["rows"]]) for i in (across, down))
    if len(xs) * len(ys) > CELLS:
        return None
    best: dict[tuple[Any, Any], float] = {}
    for row in block["rows"]:
        if _known(row[at]):
            key = (row[1 + across], row[1 + down])
            best[key] = max(best.get(key, -math.inf), float(row[at]))
    metric, labels = block["metrics"][0], [block["parameters"][i]["label"] for i in (across, down)]
    if not best:
        return None
    ends = " to ".join(text(end, metric["format"]) for end in (min(best.values()), max(best.values())))
    percent = {"colorbar": {"tickformat": ".0%"}} if metric["format"] == "percent" else {}
    signed = min(best.values()) < 0
    middle = {"colorscale": "@low_to_high", "zmid": 0.0} if signed else {"colorscale": "@little_to_much"}
    others = "" if len(varied) == 2 else " The best over all other parameters."
    figure = _figure(
        block, "heat", f"{metric['label']} by {labels[0]} and {labels[1]}",
        f"{metric['label']} of {len(best)} pairs of {labels[0]} and {labels[1]}: {ends}.",
        data=[
            {
                "type": "heatmap", "x": [_written(x) for x in xs], "y": [_written(y) for y in ys],
                "z": [[best.get((x, y)) for x in xs] for y in ys], **middle, **percent,
            }
        ],
        layout={
            "hovermode": "closest",
            "xaxis": {"type": "category", "title": {"text": labels[0]}},
            "yaxis": {"type": "category", "title": {"text": labels[1]}},
        },
        height=400,
    )  # fmt: skip
    return {**figure, "note": f"Empty where there is no trial or no value.{others}"}


def _lines(block: Payload) -> dict[str, Any] | None:
    """Return parallel coordinates: one line a trial through each parameter and the first metric, from least to most."""
    at = 1 + len(block["parameters"])
    if not block["metrics"]:
        return None
    places = [*range(1, at), at]
    named = [*block["parameters"], block["metrics"][0]]
    known = sorted((row for row in block["rows"] if _known(row[at])), key=lambda row: float(row[at]))[-LINES:]
    if len(known) < 2 or len(places) < 3:
        return None
    scales = [{value: i for i, value in enumerate(_ordered([row[place] for row in known]))} for place in places]
    traces: list[dict[str, Any]] = []
    for row in known:
        best = row[0] == block["best"]
        heights = [
            scale[row[place]] / max(len(scale) - 1, 1) for place, scale in zip(places, scales, strict=True)
        ]
        words = ", ".join(
            f"{column['label']} {_written(row[place]) if place < at else text(row[place], column['format'])}"
            for place, column in zip(places, named, strict=True)
        )
        traces.append(
            {
                "type": "scatter", "mode": "lines", "x": [column["label"] for column in named], "y": heights,
                "name": words, "showlegend": False, "hoverinfo": "name", "hoverlabel": {"namelength": -1},
                "line": {"color": "@gain" if best else "@benchmark", "width": 3.0 if best else 1.0},
                "opacity": 1.0 if best else 0.55,
            }
        )  # fmt: skip
    figure = _figure(
        block, "lines", f"The best {len(known)} trials through their parameters",
        f"Lines of the best {len(known)} trials; the best of all is blue.",
        data=traces,
        layout={
            "hovermode": "closest", "xaxis": {"type": "category"},
            "yaxis": {"showticklabels": False, "title": {"text": "low to high"}},
        },
        height=320,
    )  # fmt: skip
    return {**figure, "note": "Each column runs from its least value at the bottom to its largest at the top."}
