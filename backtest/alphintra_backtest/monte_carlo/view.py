"""A Monte Carlo run as a study: fans of equity and drawdown, a histogram a metric, figures and sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from alphintra.resampling import BANDS

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.study import Column, Fact, Facts, Figure, Section, Study, Table, Text

if TYPE_CHECKING:
    from alphintra.resampling import MonteCarlo

F64 = npt.NDArray[np.float64]

#: Points of a fan: as many as pixels that can be told apart.
MOST_POINTS = 400
MOST_BARS = 40
#: Equity that differs by more than this factor is drawn on a logarithmic axis.
LOG_FROM = 5.0
TITLES = {
    "returns": "session returns drawn again",
    "trades": "trades drawn again",
    "prices": "runs on noisy prices",
    "order": "session returns in another order",
}
#: Metrics that get a histogram, where they are there.
HISTOGRAMS = (
    "sharpe_ratio", "total_return", "max_drawdown", "annualized_return", "volatility", "sortino_ratio",
    "calmar_ratio", "profit_factor", "win_rate",
)  # fmt: skip


def study(found: MonteCarlo) -> Study:
    """Return the page."""
    run, order = found.run, found.method == "order"
    fans = [_fan(found, name) for name in ("equity", "drawdown") if name in found.curves]
    chips: list[tuple[str, Any]] = [("paths", found.paths), ("seed", found.seed)]
    if found.block is not None:
        chips.append(("mean block", f"{found.block:.1f} sessions"))
    if found.noise is not None:
        chips.append(("noise", f"{found.noise:g} of volatility"))
    return Study(
        kind="monte_carlo",
        title=f"{run['strategy']}: {found.paths:,} paths of {TITLES[found.method]}",
        subtitle=f"{run['dataset']}, {len(found.axis):,} {'trades' if found.method == 'trades' else 'sessions'}",
        chips=chips,
        warnings=[
            {"code": "paths_failed", "text": note, "level": "warning", "items": []}
            for note in found.notes[-1:]
            if found.failed
        ],
        sentences=sentences(found),
        sections=[
            Section("curves", "Drawdown" if order else "Equity and drawdown", [Facts(_facts(found)), *fans]),
            Section("metrics", "Metrics", [_table(found), *(_histogram(found, name) for name in _shown(found))]),
            Section("method", "How it was made", [Text(found.notes)]),
        ],
        code=_code(found),
    )


def _code(found: MonteCarlo) -> str:
    more = "" if found.block is None else f", block={found.block!r}"
    if found.noise is not None:
        more = f", strategy={found.run['strategy']}, noise={found.noise!r}"
    paths = found.paths + found.failed
    return f'al.monte_carlo(result, method="{found.method}", paths={paths}, seed={found.seed}{more})'


def sentences(found: MonteCarlo) -> tuple[str, ...]:
    """What the bands mean, in plain words."""
    paths = text(float(found.paths), "integer")
    out = []
    low, high = _band(found, "max_drawdown")
    own = found.own_values.get("max_drawdown", math.nan)
    deep = f"In 5 % of the paths the deepest drawdown was {low} or deeper; the run's own was {text(own, 'percent')}"
    if found.method == "order":
        deeper = float((found.values["max_drawdown"] < own).mean())
        return (
            f"{deep}, and {_percent(deeper)} of {paths} other orders of the same session returns were deeper.",
            "The order says nothing about the return: every path ends where the run did.",
        )
    low_end, high_end = _band(found, "final_equity")
    out.append(
        f"In 90 % of {paths} paths the account ended between {low_end} and {high_end}, from "
        f"{text(found.starting_cash, 'money')}; {_percent(found.probability_of_loss)} of them ended with a loss."
    )
    out.append(f"{deep}.")
    if "sharpe_ratio" in found.values:
        low, high = _band(found, "sharpe_ratio")
        own_sharpe = text(found.own_values.get("sharpe_ratio"), "ratio")
        out.append(f"The Sharpe ratio was between {low} and {high} in 90 % of the paths; the run's is {own_sharpe}.")
    return tuple(out)


def _percent(share: float) -> str:
    return "none" if share == 0 else "all" if share == 1 else text(share, "percent")


def _band(found: MonteCarlo, name: str) -> tuple[str, str]:
    row, kind = found.bands.loc[name], DEFINITIONS[name].format
    return text(float(row[5]), kind), text(float(row[95]), kind)


def _facts(found: MonteCarlo) -> list[Fact]:
    own = found.own_values.get("max_drawdown", math.nan)
    deeper = float((found.values["max_drawdown"] < own).mean())
    items = [
        Fact("deeper_drawdown", "Deeper drawdown", deeper, "percent",
             definition="Share of paths whose deepest drawdown is deeper than the run's own."),
    ]  # fmt: skip
    if found.method != "order":
        items.insert(0, Fact("probability_of_loss", "Ends with a loss", found.probability_of_loss, "percent",
                             definition="Share of paths that end below the starting cash."))  # fmt: skip
    for name in ("total_return", "sharpe_ratio", "max_drawdown"):
        if name not in found.values:
            continue
        row, definition = found.bands.loc[name], DEFINITIONS[name]
        low, high = _band(found, name)
        value = float(row[50])
        items.append(
            Fact(name, f"{definition.label}, median", value if math.isfinite(value) else None, definition.format,
                 definition.signed, definition.definition,
                 reason="" if math.isfinite(value) else "undefined in every path", note=f"90 %: {low} to {high}")
        )  # fmt: skip
    return items


def _shown(found: MonteCarlo) -> list[str]:
    """Metrics whose paths differ, in the order of the page."""
    return [n for n in HISTOGRAMS if n in found.values and np.unique(_finite(found.values[n])[:1000]).size > 1]


def _finite(values: F64) -> F64:
    known: F64 = values[np.isfinite(values)]
    return known


def _table(found: MonteCarlo) -> Table:
    columns = [
        Column("metric", "Metric"),
        Column("actual", "Run"),
        *(Column(f"p{p}", f"{p} %", definition=f"{p} % of the paths are at or below it.") for p in BANDS),
        Column("below", "Paths below", "percent", definition="Share of paths below the run's own value."),
    ]
    rows = []
    for name, row in found.bands.iterrows():
        definition = DEFINITIONS.get(str(name))
        if definition is None:
            continue
        told = [text(float(row[c]), definition.format, signed=definition.signed) for c in ("actual", *BANDS)]
        below = float(row["below"])
        rows.append([definition.label, *told, below if math.isfinite(below) else None])
    return Table("bands", "Bands of each metric", columns, rows)


def _fan(found: MonteCarlo, name: str) -> Figure:
    bands, own = found.curves[name], found.own[name]
    points = np.unique(np.linspace(0, len(own) - 1, min(MOST_POINTS, len(own))).round().astype(np.int64))
    trades = found.method == "trades"
    axis = found.axis[points]
    x = axis.tolist() if trades else np.datetime_as_string(axis.astype("datetime64[D]")).tolist()
    digits = 2 if name == "equity" else 5

    def line(values: F64, label: str, **more: Any) -> dict[str, Any]:
        return {"type": "scatter", "mode": "lines", "name": label, "x": x,
                "y": values[points].round(digits).tolist(), **more}  # fmt: skip

    none, skip = {"width": 0}, {"hoverinfo": "skip", "showlegend": False}
    traces = [
        line(bands[4], "95 %", line=none, **skip),
        line(bands[0], "5 to 95 %", line=none, fill="tonexty", fillcolor="@band_wide", hoverinfo="skip"),
        line(bands[3], "75 %", line=none, **skip),
        line(bands[1], "25 to 75 %", line=none, fill="tonexty", fillcolor="@band", hoverinfo="skip"),
        line(bands[2], "median", line={"color": "@series1", "width": 1.5, "dash": "dot"}),
        line(own, "the run", line={"color": "@ink", "width": 1.5}),
    ]
    kind = "money" if name == "equity" else "percent"
    ends = [text(float(v), kind) for v in (bands[0][-1], bands[2][-1], bands[4][-1], own[-1])]
    yaxis: dict[str, Any] = {"tickformat": ",.0f" if name == "equity" else ".0%"}
    least = float(min(bands.min(), own.min()))
    if name == "equity" and 0 < least * LOG_FROM < float(max(bands.max(), own.max())):
        yaxis["type"] = "log"
    return Figure(
        name=f"{name}_fan",
        title=f"{name.capitalize()} of {found.paths:,} paths",
        alt=f"{name.capitalize()} of the paths over time. At the end 90 % of the paths are between {ends[0]} and "
        f"{ends[2]}, the median is {ends[1]}, the run's own {ends[3]}.",
        data=traces,
        layout={"xaxis": {"title": {"text": "trade"}} if trades else {"type": "date"}, "yaxis": yaxis,
                "hovermode": "x unified"},
        height=320 if name == "equity" else 240,
        note="Bands are taken at each point by itself: no path follows one of their edges.",
    )  # fmt: skip


def _histogram(found: MonteCarlo, name: str) -> Figure:
    definition = DEFINITIONS[name]
    values, own = _finite(found.values[name]), found.own_values.get(name, math.nan)
    # A handful of paths far out would squeeze the others into one bar.
    low, high = np.percentile(values, (0.5, 99.5))
    bars = min(MOST_BARS, max(10, math.isqrt(len(values))))
    edges = np.histogram_bin_edges(values, bars, (float(low), float(high)) if high > low else None)
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    middle = (edges[:-1] + edges[1:]) / 2
    percent = definition.format == "percent"
    traces: list[dict[str, Any]] = [
        {"type": "bar", "name": "paths", "x": middle.round(6).tolist(), "y": counts.tolist(),
         "width": float(edges[1] - edges[0]), "marker": {"color": "@series1"}, "showlegend": False,
         "hovertemplate": "%{x:.1%}: %{y}<extra></extra>" if percent else "%{x:.2f}: %{y}<extra></extra>"},
    ]  # fmt: skip
    if math.isfinite(own):
        traces.append({"type": "scatter", "mode": "lines", "name": "the run", "x": [own, own],
                       "y": [0, int(counts.max())], "line": {"color": "@loss", "width": 2}})  # fmt: skip
    row = found.bands.loc[name]
    below = float(row["below"])
    told = f"; {_percent(below)} of the paths are below the run's own {text(own, definition.format)}" \
        if math.isfinite(below) else ""  # fmt: skip
    low_text, high_text = _band(found, name)
    missing = int(row["undefined"])
    note = f"Undefined in {missing} of {found.paths} paths." if missing else ""
    return Figure(
        name=f"{name}_paths",
        title=definition.label,
        alt=f"Histogram of {definition.label} over the paths: 90 % are between {low_text} and {high_text}, median "
        f"{text(float(row[50]), definition.format)}{told}.",
        data=traces,
        layout={"bargap": 0, "xaxis": {"tickformat": ".0%"} if percent else {}, "yaxis": {"title": {"text": "paths"}}},
        height=220,
        note=note,
    )
