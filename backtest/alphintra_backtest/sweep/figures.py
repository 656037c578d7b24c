"""Charts of a sweep for Plotly: a metric over two parameters, and all parameters beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.look import PALETTE
from alphintra_backtest.sweep import ranking

if TYPE_CHECKING:
    from alphintra.sweeping import Sweep

    from alphintra_backtest.metrics.definition import Definition

#: A heat map with fewer of its cells filled is drawn as points.
_FILLED = 0.2
_SCALE = PALETTE["@low_to_high"][0]


def heatmap(sweep: Sweep, x: str | None, y: str | None, metric: str | None) -> Any:
    """Return a Plotly figure of a metric over one or two parameters; of the others, the best value is taken."""
    import plotly.graph_objects as go

    found = _known(sweep, metric or sweep.metric)
    maximize = sweep.maximize if found.name == sweep.metric else ranking.sense(found.name, None)
    x, y = _two(sweep, x, y)
    title = found.label
    rest = [name for name in sweep.parameters if name not in (x, y)]
    if rest:
        title += f", best over {', '.join(rest)}"
    xs, ys, best = cells(sweep, x, y, found.name, maximize)
    figure = go.Figure(layout={"title": title, "xaxis_title": x, "yaxis_title": y or found.label})
    if y is None:
        figure.add_scatter(x=xs, y=best[0], mode="lines+markers", name=found.label)
        return figure
    colours = {"colorscale": _SCALE, "reversescale": not maximize, "colorbar": {"title": found.label}}
    filled = ~np.isnan(best)
    if filled.sum() < _FILLED * filled.size:
        rows, columns = np.nonzero(filled)
        figure.add_scatter(
            x=[xs[c] for c in columns], y=[ys[r] for r in rows], mode="markers",
            marker={"color": best[filled], "size": 10, "showscale": True, **colours},
        )  # fmt: skip
        return figure
    axes = [{"type": "category"} if _named(v) else {} for v in (xs, ys)]
    texts = [[text(v, found.format) for v in row] for row in best.tolist()]
    figure.add_heatmap(
        x=[str(v) for v in xs] if _named(xs) else xs,
        y=[str(v) for v in ys] if _named(ys) else ys,
        z=best, customdata=texts, **colours,
        hovertemplate=f"{x} %{{x}}<br>{y} %{{y}}<br>%{{customdata}}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(xaxis=axes[0], yaxis=axes[1])
    return figure


def cells(sweep: Sweep, x: str, y: str | None, metric: str, maximize: bool) -> tuple[list[Any], list[Any], Any]:
    """Return the values of two parameters and the best metric of each pair.

    Returns:
        The values of ``x`` (m,), those of ``y`` (k,; one where it is None), and the metric (k, m), NaN where no variant
        has it.
    """
    xs = _sorted({v.params[x] for v in sweep.variants})
    ys = [None] if y is None else _sorted({v.params[y] for v in sweep.variants})
    column, row = {v: i for i, v in enumerate(xs)}, {v: i for i, v in enumerate(ys)}
    best = np.full((len(ys), len(xs)), np.nan)
    pick = np.fmax if maximize else np.fmin
    for variant, value in zip(sweep.variants, ranking.values_of(sweep.variants, metric).tolist(), strict=True):
        at = row[None if y is None else variant.params[y]], column[variant.params[x]]
        best[at] = pick(best[at], value)
    return xs, ys, best


def parallel(sweep: Sweep, metrics: Sequence[str] | None) -> Any:
    """Return parallel coordinates of all parameters and some metrics; variants without the metric are left out."""
    import plotly.graph_objects as go

    shown = [_known(sweep, name) for name in (metrics or (sweep.metric,))]
    values = ranking.values_of(sweep.variants, shown[0].name)
    kept = [v for v, value in zip(sweep.variants, values.tolist(), strict=True) if value == value]
    dimensions = [_dimension(name, [v.params[name] for v in kept]) for name in sweep.parameters]
    dimensions += [{"label": d.label, "values": ranking.values_of(kept, d.name)} for d in shown]
    maximize = sweep.maximize if shown[0].name == sweep.metric else ranking.sense(shown[0].name, None)
    line = {
        "color": ranking.values_of(kept, shown[0].name), "colorscale": _SCALE, "reversescale": not maximize,
        "showscale": True, "colorbar": {"title": shown[0].label},
    }  # fmt: skip
    return go.Figure(go.Parcoords(dimensions=dimensions, line=line))


def _known(sweep: Sweep, metric: str) -> Definition:
    """The definition of a metric that the variants have."""
    from alphintra.errors import ParameterError

    found = ranking.definition(metric)
    if found.name not in sweep.variants[0].metrics:
        raise ParameterError(
            f"the variants of this sweep have no {found.name}", code="NOT_COMPUTED", where="metric",
            hint='run it with metrics="all"',
        )  # fmt: skip
    return found


def _dimension(name: str, values: Sequence[Any]) -> dict[str, Any]:
    if not _named(values):
        return {"label": name, "values": list(values)}
    names = _sorted(set(values))
    place = {v: i for i, v in enumerate(names)}
    return {
        "label": name, "values": [place[v] for v in values], "tickvals": list(range(len(names))),
        "ticktext": [str(v) for v in names],
    }  # fmt: skip


def _two(sweep: Sweep, x: str | None, y: str | None) -> tuple[str, str | None]:
    """The parameters of a heat map: those that are named, else the first that were varied."""
    from alphintra.errors import ParameterError

    for name in (x, y):
        if name is not None and name not in sweep.parameters:
            raise ParameterError(
                f"{name!r} was not varied", where="heatmap", hint=f"these were: {', '.join(sweep.parameters)}"
            )
    if x is not None and x == y:
        raise ParameterError(f"x and y are both {x!r}", where="heatmap", hint="name two parameters")
    free = [name for name in sweep.parameters if name not in (x, y)]
    x = x or free.pop(0)
    return x, y or (free[0] if free else None)


def _named(values: Sequence[Any]) -> bool:
    """Whether values are names or flags, which have no distances."""
    return any(isinstance(v, str | bool) for v in values)


def _sorted(values: set[Any]) -> list[Any]:
    return sorted(values)
