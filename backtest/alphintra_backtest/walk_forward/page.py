"""A walk-forward as a study: whether what was chosen in training held where it was traded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definition import Definition
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.notices import notices, strip
from alphintra_backtest.study import Column, Fact, Facts, Section, Study, Table
from alphintra_backtest.walk_forward import pictures

if TYPE_CHECKING:
    from alphintra.walking import WalkForward

#: What Pardo (2008) asks of an efficiency at least.
ENOUGH = 0.5
_EFFICIENCY = (
    "Annualised return of the account through all test windows, divided by the mean annualised return that the chosen "
    "variants had in training (Pardo 2008)."
)
_OTHER_EFFICIENCY = "{0} of the account through all test windows over the mean of the chosen variants in training."


def study(walk: WalkForward) -> Study:
    """Return the page of a walk-forward."""
    metric = DEFINITIONS[walk.settings["metric"]]
    judgement = walk.judgement
    return Study(
        kind="walk_forward",
        title=f"{walk.result.run['strategy']}: walk-forward of {_count(len(walk.columns['window']), 'window')}",
        subtitle=_subtitle(walk),
        chips=_chips(walk, metric),
        warnings=_warnings(walk),
        sentences=[*sentences(walk, metric), *judgement.sentences],
        sections=[
            Section("account", "Out of sample", [_facts(walk, metric), *pictures.account(walk)]),
            Section("selection", "Training against test", [*pictures.selection(walk, metric), _windows(walk, metric)]),
            Section("stability", "Stability of the parameters", [*pictures.stability(walk, metric), _stability(walk)]),
            Section("overfitting", "How much of it is luck", judgement.blocks()),
        ],
        code=walk.result.run["code"],
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _subtitle(walk: WalkForward) -> str:
    run, columns = walk.result.run, walk.columns
    return (
        f"{run['dataset']}, traded {columns['test_start'][0]} to {columns['test_end'][-1]}, trained from "
        f"{columns['train_start'][0]}, {run['timeframe']} bars"
    )


def _length(value: int | str) -> str:
    return value if isinstance(value, str) else _count(value, "session")


def _chips(walk: WalkForward, metric: Definition) -> list[tuple[str, Any]]:
    asked, configuration = walk.settings, walk.result.run["configuration"]
    chips: list[tuple[str, Any]] = [
        ("windows", "anchored" if asked["anchored"] else "rolling"),
        ("train", _length(asked["train"])),
        ("test", _length(asked["test"])),
    ]
    if asked["step"] != asked["test"]:
        chips.append(("step", _length(asked["step"])))
    if asked["purge"]:
        chips.append(("purge", _count(asked["purge"], "bar")))
    chips += [
        ("metric", f"{metric.label} ({'highest' if asked['maximize'] else 'lowest'})"),
        ("least trades", asked["min_trades"]),
        ("variants", asked["variants"]),
    ]
    if asked["flatten"]:
        chips.append(("between windows", "flat"))
    return [*chips, ("profile", configuration["profile"]), ("cash", text(configuration["cash"], "money"))]


def _warnings(walk: WalkForward) -> list[Mapping[str, Any]]:
    """Those of the account, and what the selection leaves in doubt."""
    out: list[Mapping[str, Any]] = [*strip(notices(walk.result))]
    asked = walk.settings
    if asked["variants"] == 1:
        said = "One variant only: nothing was chosen, so this is a plain run in pieces."
        out.append({"code": "SINGLE_TRIAL", "text": said, "level": "warning", "items": []})
    if len(walk.columns["window"]) < 3:
        said = f"{_count(len(walk.columns['window']), 'test window')} only: that says little about the choice."
        out.append({"code": "FEW_WINDOWS", "text": said, "level": "warning", "items": []})
    edges = [f"{n}: {values[0]} to {values[-1]}" for n, values in walk.grid.items() if _at_edge(walk, n, values)]
    if edges:
        said = "In most windows a chosen value is at the edge of its grid: better ones may lie beyond."
        out.append({"code": "EDGE_OF_GRID", "text": said, "level": "warning", "items": edges})
    if asked["fitted"]:
        said = "The model was fitted on each training window: training metrics are in-sample for it as well."
        out.append({"code": "FITTED_IN_SAMPLE", "text": said, "level": "info", "items": []})
    return out


def _at_edge(walk: WalkForward, name: str, values: Sequence[Any]) -> bool:
    if len(values) < 3 or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return False
    chosen = [v for v in walk.parameters[name] if v is not None]
    return sum(v in (min(values), max(values)) for v in chosen) * 2 > len(chosen)


def sentences(walk: WalkForward, metric: Definition) -> list[str]:
    """What it means, in plain words; the first is the one to read."""
    result, columns = walk.result, walk.columns
    count, traded = len(columns["window"]), sum(p is not None for p in columns["params"])
    if not traded:
        return [f"Nothing was traded: in none of {_count(count, 'window')} did a variant qualify."]
    out = []
    ratio = walk.efficiency["annualized_return"]
    gained = text(result.metrics["annualized_return"], "percent", signed=True)
    mean = _mean(columns["train_return"])
    promised = text(mean, "percent", signed=True)
    if math.isfinite(ratio):
        verdict = "more than half" if ratio >= ENOUGH else "less than half" if ratio > 0 else "nothing"
        out.append(
            f"Out of sample the account made {gained} a year; in training the chosen variants had made {promised} on "
            f"average. It kept {verdict} of it (efficiency {text(ratio, 'ratio')})."
        )
    else:
        out.append(
            f"Out of sample the account made {gained} a year; in training even the chosen variants made {promised} on "
            "average, so there is no efficiency."
        )
    known = [v for v in columns["test_metric"] if math.isfinite(v)]
    if known and metric.format in ("ratio", "percent"):
        above = sum(v > 0 for v in known)
        out.append(
            f"{metric.label} was above 0 in {above} of {_count(len(known), 'test window')}: "
            f"{text(_mean(columns['train_metric']), metric.format)} on average in training, "
            f"{text(_mean(known), metric.format)} where it was traded."
        )
    for name, row in walk.stability.to_dict("index").items():
        if len(walk.grid[name]) > 1 and row["windows"] > 1:
            share = text(row["share"], "percent")
            out.append(
                f"{name} changed {_times(row['changes'])} in {row['windows']} windows; "
                f"{row['most']} was chosen in {share} of them."
            )
    if traded < count:
        out.append(f"In {count - traded} of {count} windows no variant qualified, and nobody traded.")
    return out


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if math.isfinite(v)]
    return sum(known) / len(known) if known else math.nan


def _facts(walk: WalkForward, metric: Definition) -> Facts:
    result, why = walk.result, walk.result.undefined
    not_above = "the chosen variants' mean in training is not above 0"
    items = []

    def add(name: str, label: str, value: float, form: str, definition: str, reason: str = "", note: str = "") -> None:
        known = value if math.isfinite(value) else None
        signed = form == "percent"
        items.append(Fact(name, label, known, form, signed, definition, "" if known is not None else reason, note))

    for name in dict.fromkeys(("annualized_return", metric.name, "max_drawdown", "total_trades")):
        known = DEFINITIONS[name]
        note = ""
        if name in (metric.name, "annualized_return"):
            column = "train_metric" if name == metric.name else "train_return"
            note = f"{text(_mean(walk.columns[column]), known.format)} in training"
        add(name, known.label, float(result.metrics[name]), known.format, known.definition, why.get(name, ""), note)
    add("efficiency", "Efficiency", walk.efficiency["annualized_return"], "ratio", _EFFICIENCY, not_above)
    if metric.name != "annualized_return":
        add("metric_efficiency", f"Efficiency of {metric.label}", walk.efficiency[metric.name], "ratio",
            _OTHER_EFFICIENCY.format(metric.label), not_above)  # fmt: skip
    return Facts(items)


def _windows(walk: WalkForward, metric: Definition) -> Table:
    columns, varied = walk.columns, list(walk.grid)
    head = [
        Column("window", "Window", "integer"),
        Column("train", "Training"),
        Column("test", "Test"),
        *(Column(f"param_{n}", n, "text" if _is_text(values) else "quantity") for n, values in walk.grid.items()),
        Column("train_metric", f"{metric.label} in training", metric.format, metric.signed, metric.definition),
        Column("test_metric", f"{metric.label} in test", metric.format, metric.signed, metric.definition),
        Column("train_return", "Annualised in training", "percent", True),
        Column("test_return", "Annualised in test", "percent", True),
        Column("efficiency", "Efficiency", "ratio", False, "Annualised in test over annualised in training."),
        Column("trades", "Closed trades", "integer", False, "Trades that were closed within the test window."),
        Column("note", "Note"),
    ]  # fmt: skip
    rows = []
    for n in range(len(columns["window"])):
        params = columns["params"][n]
        row = [
            columns["window"][n], f"{columns['train_start'][n]} to {columns['train_end'][n]}",
            f"{columns['test_start'][n]} to {columns['test_end'][n]}",
            *(None if params is None else params[name] for name in varied),
            *(columns[name][n] for name in ("train_metric", "test_metric", "train_return", "test_return")),
            columns["efficiency"][n], columns["trades"][n], columns["note"][n],
        ]  # fmt: skip
        rows.append([None if isinstance(v, float) and not math.isfinite(v) else v for v in row])
    return Table("windows", "Windows", head, rows)


def _is_text(values: Sequence[Any]) -> bool:
    return any(isinstance(v, str | bool) for v in values)


def _stability(walk: WalkForward) -> Table:
    head = [
        Column("parameter", "Parameter"),
        Column("values", "Values chosen", "integer", False, "Distinct values among the windows that traded."),
        Column("most", "Most frequent"),
        Column("share", "Share", "percent", False, "Windows with the most frequent value, of those that traded."),
        Column("changes", "Changes", "integer", False, "Windows whose value differs from the one before."),
        Column("mean_step", "Mean step", "ratio", False, "Mean distance from window to window in places of the grid."),
    ]
    rows = []
    for name, row in walk.stability.to_dict("index").items():
        step = float(row["mean_step"])
        most = None if row["most"] is None else str(row["most"])
        rows.append([
            name, int(row["values"]), most, float(row["share"]) if row["windows"] else None, int(row["changes"]),
            step if math.isfinite(step) else None,
        ])  # fmt: skip
    return Table("stability", "Choices", head, rows)
