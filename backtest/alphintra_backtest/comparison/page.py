"""A comparison as a study: metrics with their differences, curves, correlation, and what was set differently."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.comparison.bootstrap import COMPARED, Interval
from alphintra_backtest.comparison.settings import assumptions, settings
from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definitions import DEFINITIONS, HEADLINE
from alphintra_backtest.report.series import line
from alphintra_backtest.study import Column, Figure, Section, Study, Table, Text
from alphintra_backtest.view_series import extremes

if TYPE_CHECKING:
    from alphintra.comparing import Comparison

    from alphintra_backtest.comparison.aligned import Aligned

POINTS = 24_000
"""Points of all curves of a figure together."""
_BOTH = 4
_OWN = (*HEADLINE, "final_equity", "total_fees", "total_slippage")
_COMMON = (
    "total_return", "annualized_return", "sharpe_ratio", "sortino_ratio", "volatility", "max_drawdown", "calmar_ratio",
)  # fmt: skip


def study(comparison: Comparison) -> Study:
    """Return the page of a comparison."""
    aligned = comparison.aligned
    days = [str(np.datetime64(int(day), "D")) for day in aligned.day[[0, -1]]]
    datasets = list(dict.fromkeys(str(run.run["dataset"]) for run in aligned.runs))
    count = len(aligned.day) - 1
    sections = [
        Section("metrics", "Metrics over the common sessions", [_common(aligned), _differences(comparison)]),
        Section("curves", "Equity and drawdown", [_curves(aligned), _under(aligned)]),
        Section("correlation", "Correlation", [_correlation(comparison)]),
        Section("own", "Each run over its own span", [_own(aligned)]),
        Section("settings", "What was set differently", _settings(aligned)),
        Section("method", "How it was compared", [Text(_method(comparison))]),
    ]
    return Study(
        kind="comparison",
        title=" against ".join(aligned.names) if len(aligned.names) == 2 else f"{len(aligned.names)} runs compared",
        subtitle=f"{', '.join(datasets[:4])} · {days[0]} → {days[1]} · {text(count, 'integer')} common sessions",
        warnings=_warnings(aligned),
        sentences=comparison.sentences,
        sections=sections,
    )


def sentences(aligned: Aligned, intervals: list[Interval], confidence: float) -> list[str]:
    """Return what the differences come to, the Sharpe ratio's first."""
    said = []
    told = ("sharpe_ratio", "annualized_return") if len(aligned.names) <= _BOTH else ("sharpe_ratio",)
    for item in sorted(intervals, key=lambda item: (list(COMPARED).index(item.metric), item.run)):
        if item.metric not in told:
            continue
        label, kind, _ = COMPARED[item.metric]
        name, first = aligned.names[item.run], aligned.names[0]
        label = label if item.metric == "sharpe_ratio" else label.lower()
        if not math.isfinite(item.value):
            said.append(f"{name}'s {label} cannot be set against {first}'s: {item.reason}.")
            continue
        if item.value == 0:
            said.append(f"{name}'s {label} is the same as {first}'s.")
            continue
        word = "higher" if item.value > 0 else "lower"
        by = f"{name}'s {label} is {word} than {first}'s by {_amount(abs(item.value), kind)}"
        if item.chance is None:
            said.append(f"{by}; no interval: {item.reason}.")
            continue
        ends = (text(end, kind).removesuffix("\u202f%") for end in (item.low, item.high))
        span = f"{confidence * 100:.0f}\u202f% interval {' to '.join(ends)}"
        verdict = "the difference may be chance" if item.chance else "chance alone would seldom do that"
        said.append(f"{by}; {verdict} ({span}).")
    return said


def _amount(value: float, kind: str) -> str:
    """Write a difference; one of percentages is in points, since a tenth of 5 % is not 10 points."""
    return text(value, kind).replace("%", "percentage points")


def _warnings(aligned: Aligned) -> list[dict[str, Any]]:
    """Say what limits the comparison."""
    out = []
    if any(aligned.dropped):
        items = [
            f"{name}: {text(count, 'integer')} of {text(len(run.day), 'integer')} sessions ({run.span})"
            for name, run, count in zip(aligned.names, aligned.runs, aligned.dropped, strict=True)
        ]
        said = "sessions that not all runs have are left out"
        out.append({"code": "dropped_sessions", "text": said, "level": "warning", "items": items})
    free = [
        name
        for name, run in zip(aligned.names, aligned.runs, strict=True)
        if any(entry["code"] == "costs_none" for entry in run.assumptions)
    ]
    if free:
        level = "error" if len(free) == len(aligned.names) else "warning"
        said = f"costs: none in {len(free)} of {len(aligned.names)} runs"
        out.append({"code": "costs_none", "text": said, "level": level, "items": free})
    if len({run.periods for run in aligned.runs}) > 1:
        items = [f"{n}: {r.periods:g} a year" for n, r in zip(aligned.names, aligned.runs, strict=True)]
        said = f"calendars differ: {aligned.periods:g} periods a year are used"
        out.append({"code": "calendars", "text": said, "level": "warning", "items": items})
    return out


def _written(value: float | None, name: str) -> str | None:
    known = DEFINITIONS[name]
    return None if value is None or not math.isfinite(value) else text(value, known.format, signed=known.signed)


def _metric_columns(aligned: Aligned) -> list[Column]:
    # Values are written out, since rows have different units; "ratio" sets them right.
    return [Column("metric", "Metric", "text"), *(Column(f"r{i}", n, "ratio") for i, n in enumerate(aligned.names))]


def _common(aligned: Aligned) -> Table:
    each = [aligned.metrics(i)[0] for i in range(len(aligned.runs))]
    rows = [[DEFINITIONS[name].label, *(_written(one[name], name) for one in each)] for name in _COMMON]
    note = "All from equity at the ends of the common sessions; every return of all runs covers the same time."
    return Table("common", "Metrics over the common sessions", _metric_columns(aligned), rows, note=note)


def _own(aligned: Aligned) -> Table:
    rows: list[list[Any]] = [
        ["Sessions", *(text(len(run.day) - 1, "integer") for run in aligned.runs)],
        ["From", *(run.span.split(" to ")[0] for run in aligned.runs)],
        ["To", *(run.span.split(" to ")[-1] for run in aligned.runs)],
    ]
    rows += [[DEFINITIONS[n].label, *(_written(run.metrics.get(n), n) for run in aligned.runs)] for n in _OWN]
    note = "As each run reports it: spans may differ, and drawdown is over every bar."
    return Table("own", "Each run over its own span", _metric_columns(aligned), rows, note=note)


def _differences(comparison: Comparison) -> Table:
    rows: list[list[Any]] = []
    for item in comparison.intervals:
        label, kind, signed = COMPARED[item.metric]
        low, high = (text(end, kind, signed=signed) for end in (item.low, item.high))
        verdict = item.reason if item.chance is None else "may be chance" if item.chance else "unlikely to be chance"
        rows.append([comparison.names[item.run], label, text(item.value, kind, signed=signed), low, high, verdict])
    share = f"{comparison.confidence * 100:.0f}\u202f%"
    columns = [
        Column("run", "Run"), Column("metric", "Metric"), Column("value", "Difference", "ratio"),
        Column("low", f"{share} from", "ratio"), Column("high", f"{share} to", "ratio"), Column("verdict", "Verdict"),
    ]  # fmt: skip
    note = "Differences of percentages are percentage points."
    return Table("differences", f"Differences to {comparison.names[0]}", columns, rows, note=note)


def _dates(aligned: Aligned, keep: Any) -> list[str]:
    return [str(np.datetime64(int(day), "D")) for day in aligned.day[keep]]


def _lines(aligned: Aligned, values: Any) -> list[dict[str, Any]]:
    limit = max(200, POINTS // len(aligned.names))
    out = []
    for i, name in enumerate(aligned.names):
        keep = extremes([values[:, i]], limit)
        # Six colours; those after them are dashed, so that no two lines look the same.
        dash = ("solid", "dash", "dot", "dashdot")[i // 6 % 4]
        color = f"@series{i % 6 + 1}"
        out.append(line(_dates(aligned, keep), values[keep, i], name, color, width=1.5, line={"dash": dash}))
    return out


def _curves(aligned: Aligned) -> Figure:
    ends = ", ".join(
        f"{name} {text(float(end), 'ratio')}" for name, end in zip(aligned.names, aligned.rebased[-1], strict=True)
    )
    known = aligned.rebased[np.isfinite(aligned.rebased)]
    wide = known.min() > 0 and known.max() / known.min() > 5.0
    axis = {"type": "log", "dtick": "D2", "title": {"text": "log scale"}} if wide else {}
    return Figure(
        "equity", "Equity, rebased to 1", f"Equity from 1 on the first common session to: {ends}.",
        _lines(aligned, np.round(aligned.rebased, 6)), {"yaxis": axis}, 340,
    )  # fmt: skip


def _under(aligned: Aligned) -> Figure:
    deepest = ", ".join(
        f"{name} {text(float(low), 'percent')}"
        for name, low in zip(aligned.names, np.nanmin(aligned.drawdowns, axis=0), strict=True)
    )
    layout, alt = {"yaxis": {"tickformat": ".0%"}}, f"Deepest drawdown: {deepest}."
    return Figure("drawdown", "Drawdown", alt, _lines(aligned, np.round(aligned.drawdowns, 6)), layout, 240)


def _correlation(comparison: Comparison) -> Table:
    names = comparison.names
    columns = [Column("run", "Run"), *(Column(f"r{i}", name, "ratio") for i, name in enumerate(names))]
    matrix = comparison.correlation.to_numpy()
    rows = [[name, *(float(value) for value in row)] for name, row in zip(names, matrix, strict=True)]
    note = "Pearson's correlation of the returns on the common sessions; undefined where one does not vary."
    return Table(
        "correlation", "Correlation of returns", columns, rows, note=note, heat=[f"r{i}" for i in range(len(names))]
    )


def _settings(aligned: Aligned) -> list[Any]:
    columns = [Column("name", "Setting"), *(Column(f"r{i}", name) for i, name in enumerate(aligned.names))]
    different = settings([run.run for run in aligned.runs])
    rows = [[name.replace("_", " "), *(_setting(value) for value in values)] for name, values in different.items()]
    rests = assumptions([run.assumptions for run in aligned.runs])
    return [
        Table("settings", "Settings that differ", columns, rows),
        Table("assumptions", "Assumptions that differ", [Column("name", "Assumption"), *columns[1:]],
              [[code.replace("_", " "), *texts] for code, texts in rests.items()]),
    ]  # fmt: skip


def _setting(value: Any) -> str | None:
    """Write a setting; of a hash its beginning, which is enough to see that it differs."""
    if value is None:
        return None
    word = str(value)
    return f"{word[:19]}…" if word.startswith("sha256:") else word[:200]


def _method(comparison: Comparison) -> list[str]:
    aligned = comparison.aligned
    said = [
        f"Runs are joined on the sessions that all of them have: {text(len(aligned.day), 'integer')}. "
        "Where one has no session, the next return of all spans the gap.",
    ]
    if comparison.block_length:
        said.append(
            f"Intervals: stationary bootstrap of the common returns, {text(comparison.resamples, 'integer')} draws, "
            f"mean block {comparison.block_length} sessions (arch.bootstrap.optimal_block_length), seed "
            f"{comparison.seed}; each resample draws the same sessions for all runs, and the interval holds the middle "
            f"{comparison.confidence * 100:.0f}\u202f% of its differences."
        )
        said.append("Several differences are looked at: some leave 0 out of their interval by chance alone.")
    return said
