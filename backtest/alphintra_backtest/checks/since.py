"""What changed since the run before: what went in, the metrics, the first fill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alphintra_backtest.checks.record import MOST_ROWS, KeptRun
from alphintra_backtest.first_difference import RELATIVE, filled_run, first_difference, told
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.plain_json import plain

if TYPE_CHECKING:
    from alphintra.result import Result
    from alphintra.testing import FirstFill, InputChange, MetricChange

NOW = "This run"
_HASHES = (
    ("code", "strategy_hash", "the strategy's code changed"),
    ("data", "dataset_hash", "the data changed"),
)
_VALUES = (("parameters", "parameters"), ("settings", "configuration"), ("seed", "seed"), ("engine", "engine_version"))


@dataclass(frozen=True, eq=False)
class Since:
    """A run against the one before.

    Attributes:
        inputs: What went in differently.
        metrics: Metrics that are not what they were.
        first_fill: The first fill that is not what it was.
        equal_fills: How many fills from the beginning are.
        text: About the fills, in a sentence.
    """

    inputs: tuple[InputChange, ...]
    metrics: tuple[MetricChange, ...]
    first_fill: FirstFill | None
    equal_fills: int
    text: str

    @property
    def same_fills(self) -> bool:
        """Whether all are what they were."""
        return self.first_fill is None


def since(before: KeptRun, result: Result) -> Since:
    """Compare a run with the one before."""
    from alphintra.testing import FirstFill

    inputs = _inputs(before.run, plain(result.run))
    was, now = before.filled(result.market), filled_run(NOW, result)
    # A run with more fills than are kept is compared as far as they go; the counts still tell.
    cut = before.fills > MOST_ROWS
    if cut:
        now = replace(now, fills=now.fills[:MOST_ROWS], closes=now.closes[:MOST_ROWS])
    equal, one, two = first_difference(was, now)
    first = None
    if one is not None and two is not None:
        first = FirstFill(equal + 1, one, two, f"{told(one)} {told(two)}")
        text = f"fill {equal + 1} differs ({equal} equal before). {first.text}"
        if not inputs:
            text += (
                " Code, data, settings and engine are the same: the strategy depends on something else, such as the"
                " time or a file."
            )
    elif cut:
        text = f"the first {equal:,} fills are what they were; no more are kept"
    else:
        text = f"all {equal:,} fills are what they were" if equal else "there is no fill, as before"
    return Since(inputs, _metrics(before.metrics, result.metrics), first, equal, text)


def _inputs(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[InputChange, ...]:
    from alphintra.testing import InputChange

    found = [InputChange(what, text) for what, name, text in _HASHES if before.get(name) != now.get(name)]
    # Where only one of them had a benchmark, the settings say so.
    against = {run.get("benchmark_hash") for run in (before, now)} - {None}
    if len(against) > 1:
        found.append(InputChange("data", "the benchmark's data changed"))
    for what, name in _VALUES:
        was, is_now = before.get(name), now.get(name)
        if was == is_now:
            continue
        if isinstance(was, Mapping) and isinstance(is_now, Mapping):
            names = [n for n in dict.fromkeys([*was, *is_now]) if was.get(n) != is_now.get(n)]
            pairs = ", ".join(f"{n} {_short(was.get(n))} → {_short(is_now.get(n))}" for n in names)
        else:
            pairs = f"{_short(was)} → {_short(is_now)}"
        found.append(InputChange(what, f"{what}: {pairs}"))
    return tuple(found)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _metrics(before: Mapping[str, float | None], now: Mapping[str, float]) -> tuple[MetricChange, ...]:
    from alphintra.testing import MetricChange

    found = []
    for name in [*DEFINITIONS, *(n for n in now if n not in DEFINITIONS)]:
        was, value = before.get(name), now.get(name)
        after = None if value is None or not math.isfinite(value) else float(value)
        if was is None or after is None:
            if was is not after:
                found.append(MetricChange(name, was, after, None))
        elif not math.isclose(was, after, rel_tol=RELATIVE, abs_tol=1e-12):
            found.append(MetricChange(name, was, after, after - was))
    return tuple(found)
