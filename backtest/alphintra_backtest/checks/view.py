"""A run of checks as a sentence, a table, plain JSON and a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from alphintra_backtest.check_view import when
from alphintra_backtest.formats import MINUS, THIN
from alphintra_backtest.formats import text as shown
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.plain_json import plain
from alphintra_backtest.study import Column, Section, Study, Table, Text

if TYPE_CHECKING:
    import pandas as pd
    from alphintra.testing import CheckRun, MetricChange
    from alphintra.verifying import BarRow, Side

_RUN = ("id", "created_at", "strategy_hash", "dataset_hash", "parameters", "seed", "engine_version")
_ORDER = ("id", "type", "quantity", "filled", "limit", "stop", "submitted", "state", "reason", "role", "tag")
#: Decimals that a metric has at least; other formats, such as durations, are written as everywhere.
_DECIMALS = {"percent": 1, "ratio": 2, "money": 2}
_BEFORE_AND_NOW = (Column("before", "Before"), Column("now", "Now"))


def sentence(run: CheckRun) -> str:
    """Which checks passed."""
    count = len(run.outcomes)
    if run.passed:
        return "the check passed" if count == 1 else f"all {count} checks passed"
    failed = ", ".join(outcome.text for outcome in run.failed)
    return f"{len(run.failed)} of {count} check{'' if count == 1 else 's'} FAILED: {failed}"


def frame(run: CheckRun) -> pd.DataFrame:
    """One row a check."""
    import pandas as pd

    return pd.DataFrame(
        {
            "passed": [outcome.passed for outcome in run.outcomes],
            "value": [float("nan") if outcome.value is None else outcome.value for outcome in run.outcomes],
            "reason": [outcome.reason for outcome in run.outcomes],
        },
        index=pd.Index([outcome.text for outcome in run.outcomes], name="check"),
    )


def to_dict(run: CheckRun) -> dict[str, Any]:
    """Plain dicts, as JSON, the command line and a server's job have them."""
    first = run.first_fill
    found: dict[str, Any] = plain(
        {
            "strategy": run.strategy,
            "data": run.data,
            "passed": run.passed,
            "results": [vars(outcome) for outcome in run.outcomes],
            "compared_with": None if run.before is None else vars(run.before),
            "inputs": [vars(change) for change in run.inputs],
            "differences": {
                "metrics": [vars(change) for change in run.metrics],
                "equal_fills": run.equal_fills,
                "first_fill": None
                if first is None
                else {
                    "number": first.number,
                    "before": _side(first.before),
                    "now": _side(first.now),
                    "text": first.text,
                },
            },
            "metrics": run.result.metrics,
            "undefined": run.result.undefined,
            "run": {name: run.result.run[name] for name in _RUN},
        }
    )
    return found


def _side(side: Side) -> dict[str, Any]:
    return {
        "fill": _times(side.fill),
        "order": _times(side.order),
        "history": [_times(event) for event in side.history[:50]],
        "decision_bar": _bar(side.decision_bar),
        "fill_bar": _bar(side.fill_bar),
    }


def _bar(bar: BarRow | None) -> dict[str, Any] | None:
    return None if bar is None else _times({item.name: getattr(bar, item.name) for item in fields(bar)})


def _times(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def study(run: CheckRun) -> Study:
    """The page."""
    from alphintra_backtest.notices import notices, strip

    sections = [Section("checks", "Checks", [_checks(run)])]
    if run.before is not None:
        sections.append(Section("since", "Since the run before", _since(run)))
    return Study(
        kind="checks",
        title=f"{run.strategy}: {sentence(run)}",
        subtitle=f"{run.data}, {run.result.run['bars']:,} bars",
        chips=[(name, value) for name, value in run.result.run["parameters"].items()],
        warnings=strip(notices(run.result)),
        sentences=[f"{outcome.text}: {outcome.reason}" for outcome in run.failed],
        sections=sections,
    )


def _checks(run: CheckRun) -> Table:
    rows = [["passed" if o.passed else "FAILED", o.text, o.value, o.reason] for o in run.outcomes]
    columns = [
        Column("passed", "Result"),
        Column("text", "Check"),
        Column("value", "Value", "quantity", definition="The metric as it is; fractions are fractions, not percent."),
        Column("reason", "What was found"),
    ]
    return Table("checks", "Checks", columns, rows)


def _since(run: CheckRun) -> list[Any]:
    assert run.before is not None
    said = f"The run before is of {run.before.created_at}; its checks {'passed' if run.before.passed else 'failed'}."
    changed = "; ".join(change.text for change in run.inputs) or "nothing: code, data, settings and engine are the same"
    blocks: list[Any] = [Text([said, f"What changed: {changed}."])]
    if run.metrics:
        rows = [[_label(c.name), *_change(c)] for c in run.metrics]
        columns = [Column("metric", "Metric"), *_BEFORE_AND_NOW, Column("difference", "Difference")]
        blocks.append(Table("metrics", "Metrics that changed", columns, rows))
    else:
        blocks.append(Text(["Every metric is what it was."]))
    first = run.first_fill
    if first is None:
        blocks.append(Text([f"All {run.equal_fills:,} fills are what they were."]))
        return blocks
    sides = first.before, first.now
    rows = [[label, *(_cell(name, side) for side in sides)] for label, name in _told(*sides)]
    columns = [Column("what", ""), *_BEFORE_AND_NOW]
    blocks += [
        Text([f"Fill {first.number} is the first that differs.", first.text], "warning"),
        Table("first_fill", f"Fill {first.number}", columns, rows),
    ]
    return blocks


def _label(name: str) -> str:
    return DEFINITIONS[name].label if name in DEFINITIONS else name


def _change(change: MetricChange) -> tuple[str, str, str]:
    """Before, now and difference of a metric, with as many decimals as the difference needs for two digits."""
    kind = DEFINITIONS[change.name].format if change.name in DEFINITIONS else "ratio"
    if kind not in _DECIMALS or not change.difference:
        before, now, difference = change.before, change.after, change.difference
        return shown(before, kind), shown(now, kind), shown(difference, kind, signed=True)
    scale, unit = (100.0, f"{THIN}%") if kind == "percent" else (1.0, "")
    digits = 1 - math.floor(math.log10(abs(change.difference * scale)))
    decimals = min(10, max(_DECIMALS[kind], digits))

    def write(value: float | None, sign: str = "") -> str:
        assert value is not None
        text = f"{value * scale:{sign},.{decimals}f}".replace(",", THIN).replace("-", MINUS)
        return text + unit

    return write(change.before), write(change.after), write(change.difference, "+")


def _told(*sides: Side) -> list[tuple[str, str]]:
    names = ("time", "side", "quantity", "symbol", "price", "commission", "rule")
    rows = [(f"fill: {name}", f"fill.{name}") for name in names]
    rows += [("bar of the fill", "fill_bar"), ("bar of the decision", "decision_bar")]
    rows += [(f"order: {name}", f"order.{name}") for name in _ORDER]
    return [(label, name) for label, name in rows if any(_cell(name, side) != shown(None, "text") for side in sides)]


def _cell(name: str, side: Side) -> str:
    part, _, column = name.partition(".")
    found: Any = getattr(side, part)
    if found is not None and column:
        found = found[column]
    if found is None or found == "" or found != found:
        return shown(None, "text")
    if isinstance(found, datetime):
        return when(found)
    if part.endswith("_bar"):
        prices = " ".join(f"{n[0].upper()} {getattr(found, n):.10g}" for n in ("open", "high", "low", "close"))
        return f"to {when(found.close_time)}: {prices}"
    return f"{found:.10g}" if isinstance(found, float) else str(found)
