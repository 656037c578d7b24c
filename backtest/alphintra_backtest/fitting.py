"""Strategies that learn: ``fit(self, history)``, before ``on_start``, on the bars of a training window (W1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .signals_data import shares_became
from .signals_run import by_bar, defines_signals, is_compiled

if TYPE_CHECKING:
    from .session import Session

#: Class attribute of a form that is fitted on the very bars that it then trades.
ON_ITS_OWN_RUN = "_fitted_on_its_own_run"
FIELDS = ("open", "high", "low", "close", "volume")


def defines_fit(strategy: type) -> bool:
    """Whether a strategy learns from a training window."""
    return callable(getattr(strategy, "fit", None))


def in_sample(strategy: type) -> type:
    """The form of a strategy for a training window: it is fitted on the bars it trades, from ``start`` to the end.

    It runs by ``on_bar``, as the walk through the test windows does.
    """
    base = by_bar(strategy) if defines_signals(strategy) and is_compiled(strategy) else strategy
    return type(strategy.__name__, (base,), {"__module__": strategy.__module__, ON_ITS_OWN_RUN: True})


def check_alone(strategy: type) -> None:
    """Refuse a plain run of a strategy that needs a training window.

    Raises:
        ParameterError: It defines ``fit``, and nothing says on which bars.
    """
    from alphintra.errors import ParameterError

    if defines_fit(strategy) and not getattr(strategy, ON_ITS_OWN_RUN, False):
        raise ParameterError(
            f"{strategy.__name__} defines fit(history), and a plain run has no training window for it",
            where="strategy",
            hint="al.walk_forward(…) fits it before each test window, on the bars before it",
        )


def fit(instance: Any, session: Session, first: int, stop: int) -> None:
    """Let a strategy learn from the timestamps ``first`` to ``stop − 1``."""
    instance.fit(history(session, first, stop))


def history(session: Session, first: int, stop: int) -> Any:
    """What ``fit`` gets: bars as DataFrames of its own, so that changing them changes nothing.

    Args:
        session: The run.
        first: First timestamp.
        stop: That after the last one.

    Returns:
        A DataFrame with the columns ``open, high, low, close, volume`` and the bars' close times (UTC) as index
        ``time``; with several symbols a dict of one for each, in universe order. Where splits are in force all of it
        is in the shares of the last timestamp, as ``self.data`` would show it there. Features are further columns
        ``name.column``: the latest value that was known at each bar's close.
    """
    import pandas as pd

    from .featureview import Joined

    became = shares_became(session.grid)
    frames = {}
    for s, symbol in enumerate(session.symbols):
        at, bars = session.grid.positions[s], session.market.bars[symbol]
        rows = slice(*np.searchsorted(at, (first, stop)).tolist())
        scale = 1.0 if became is None else became[at[rows], s] / became[stop - 1, s]
        columns = {}
        for name in FIELDS:
            values = getattr(bars, name)
            values = np.full(len(at[rows]), np.nan) if values is None else np.array(values[rows], dtype=np.float64)
            columns[name] = values / scale if name == "volume" else values * scale
        for name, of in session.market.features.items():
            joined = Joined.of(session, of, None if of.shared else symbol)
            columns |= {f"{name}.{column}": joined.aligned(column)[at[rows]] for column in of.columns}
        index = pd.DatetimeIndex(bars.close_time[rows].copy().view("datetime64[us]"), name="time").tz_localize("UTC")
        frames[symbol] = pd.DataFrame(columns, index=index)
    return frames if len(frames) > 1 else next(iter(frames.values()))
