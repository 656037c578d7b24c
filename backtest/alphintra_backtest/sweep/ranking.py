"""Variants beside each other: their order by a metric, their table, their returns on common sessions."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.metrics.definition import Definition
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.sweep.variant import Variant, config_of

if TYPE_CHECKING:
    import pandas as pd
    from alphintra.data.market import MarketData

F64 = npt.NDArray[np.float64]

#: Metrics of which less is better; of all others more is (drawdowns are ≤ 0).
LESS_IS_BETTER = frozenset(
    (
        "volatility", "downside_risk", "kurtosis", "ulcer_index", "longest_drawdown_duration", "longest_drawdown_bars",
        "avg_drawdown_duration", "avg_drawdown_bars", "recovery_duration", "recovery_bars", "tracking_error",
        "down_capture", "turnover", "total_fees", "total_slippage", "total_borrow", "losing_trades",
        "longest_losing_streak",
    )
)  # fmt: skip


def definition(metric: Any) -> Definition:
    """Return a metric's definition.

    Raises:
        ParameterError: There is no such metric; the nearest is named.
    """
    from alphintra.errors import ParameterError

    if isinstance(metric, str) and metric in DEFINITIONS:
        return DEFINITIONS[metric]
    near = difflib.get_close_matches(str(metric), DEFINITIONS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"metrics are: {', '.join(DEFINITIONS)}"
    raise ParameterError(f"there is no metric {metric!r}", where="metric", hint=hint)


def sense(metric: str, maximize: bool | None) -> bool:
    """Return whether more of a metric is better, unless it is said."""
    return metric not in LESS_IS_BETTER if maximize is None else bool(maximize)


def values_of(variants: Sequence[Variant], metric: str) -> F64:
    """Return a metric of each variant, NaN where undefined, shape (K,)."""
    return np.array([v.metrics.get(metric, math.nan) for v in variants], dtype=np.float64)


def order(values: F64, maximize: bool) -> npt.NDArray[np.int64]:
    """Return places from best to worst, shape (K,); equals in their order, undefined ones last (rule W2)."""
    return np.argsort(np.where(np.isnan(values), np.inf, -values if maximize else values), kind="stable")


def table(variants: Sequence[Variant]) -> pd.DataFrame:
    """Return one row a variant: parameters, metrics, error; indexed by number.

    A metric whose name a parameter has is called ``NAME_metric``.
    """
    import pandas as pd

    parameters = list(variants[0].params)
    columns: dict[str, Any] = {name: [v.params[name] for v in variants] for name in parameters}
    for name in variants[0].metrics:
        columns[metric_column(name, parameters)] = values_of(variants, name)
    columns["error"] = [None if v.error is None else v.error["message"] for v in variants]
    return pd.DataFrame(columns, index=pd.RangeIndex(len(variants), name="trial"))


def metric_column(name: str, parameters: Sequence[str]) -> str:
    """Return what a metric's column is called."""
    return f"{name}_metric" if name in parameters else name


def sessions_of(market: MarketData, options: Mapping[str, Any]) -> npt.NDArray[np.int32]:
    """Return the sessions of the data in order, days since 1970-01-01."""
    from alphintra_backtest.grid import grid_of

    config = config_of(options).on(market.timeframe)
    grid = grid_of(
        market, config.rules["max_share"], config.rules["fractional"], config.slippage.volume_share > 0,
        config.rules["lots"] == "whole",
    )  # fmt: skip
    days = grid.session
    return np.asarray(days[np.append(days[1:] != days[:-1], True)], dtype=np.int32)


def matrix(variants: Sequence[Variant], sessions: npt.NDArray[np.int32]) -> tuple[F64, npt.NDArray[np.int32]]:
    """Return the returns of all variants by session.

    Returns:
        Shape (n, K), NaN where a variant had not begun, had ended or failed; and the n sessions, from the first that
        any variant has.
    """
    begins = [int(np.searchsorted(sessions, v.first_session)) for v in variants if len(v.returns)]
    if not begins:
        return np.empty((0, len(variants))), sessions[:0]
    first = min(begins)
    out = np.full((len(sessions) - first, len(variants)), np.nan)
    for k, variant in enumerate(variants):
        if len(variant.returns):
            at = int(np.searchsorted(sessions, variant.first_session)) - first
            out[at : at + len(variant.returns), k] = variant.returns
    last = int(np.flatnonzero(~np.isnan(out).all(axis=1))[-1]) + 1
    return out[:last], sessions[first : first + last]


def common(variants: Sequence[Variant], sessions: npt.NDArray[np.int32]) -> tuple[F64, npt.NDArray[np.int32]]:
    """Return the returns on the sessions from which on all variants run (rule M6).

    An account that is gone returns nothing from then on: 0. A variant that failed is a column of NaN.

    Returns:
        Shape (n, K), and the n sessions.
    """
    found, days = matrix(variants, sessions)
    ran = [k for k, v in enumerate(variants) if len(v.returns)]
    if not ran:
        return found, days
    first = max(int(np.searchsorted(days, variants[k].first_session)) for k in ran)
    found, days = found[first:], days[first:]
    gone = np.isnan(found)
    gone[:, [k for k, v in enumerate(variants) if not len(v.returns)]] = False
    found[gone] = 0.0
    return found, days


def distinct(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants without those that a search tried again."""
    found: dict[tuple[Any, ...], Variant] = {}
    for variant in variants:
        found.setdefault(tuple(variant.params.values()), variant)
    return list(found.values())
