"""What the account is measured against: buy and hold without costs (M9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .signals_data import shares_became

if TYPE_CHECKING:
    from alphintra.data.market import Actions, MarketData, SymbolBars

    from .session import Session


def check_dates(against: MarketData, market: MarketData, start: Any) -> None:
    """Refuse a benchmark that has no session in common with the run.

    Raises:
        DataError: ``NO_COMMON_DATES``, with both spans.
    """
    from alphintra.data.bounds import parse_bound
    from alphintra.errors import DataError

    bound = parse_bound(start, "start")
    held = against.bars[against.symbols[0]].session
    own = [bars.session for bars in market.bars.values() if len(bars)]
    if bound is not None:
        own = [bars.session[bound.starts(bars.session, bars.close_time)] for bars in market.bars.values()]
    traded = np.unique(np.concatenate(own)) if own else np.empty(0, np.int32)
    if not len(traded) or np.isin(traded, held).any():
        return  # a run without a bar is refused in its own words
    spans = [f"{np.datetime64(int(days[0]), 'D')} to {np.datetime64(int(days[-1]), 'D')}" if len(days) else "no bar"
             for days in (held, traded)]  # fmt: skip
    raise DataError(
        f"the benchmark {against.name} ({spans[0]}) has no session in common with {market.name} ({spans[1]})",
        code="NO_COMMON_DATES",
        where="benchmark",
        hint="choose one that covers the run, or leave benchmark out",
    )


def curve(session: Session, against: MarketData | None, first: int) -> Any:
    """Worth of the starting cash at each timestamp, bought at the open after the first ``on_bar``, (T,).

    Args:
        session: The run.
        against: Data of one symbol to hold; ``None`` for the traded symbols in equal parts.
        first: Timestamp of the first ``on_bar``.
    """
    grid, cash = session.grid, session.config.cash
    if against is not None:
        symbol = against.symbols[0]
        bars = against.bars[symbol]
        after = int(np.searchsorted(bars.session, grid.session[first], side="right"))
        out = np.full(len(grid.time), np.nan)
        if after >= len(bars.close):
            return out
        worth = _worth(bars, against.actions.get(symbol), after)
        row = np.searchsorted(bars.session, grid.session, side="right") - 1
        match = (row >= 0) & (bars.session[np.maximum(row, 0)] == grid.session)
        out[match] = np.where(row[match] >= after, cash * worth[row[match]], cash)
        return out
    share = cash / len(session.symbols)
    total: Any = None
    for s in range(len(session.symbols)):
        own = grid.positions[s]
        later = int(np.searchsorted(own, first, side="right"))
        begin = int(own[later]) if later < len(own) else len(grid.time)
        value = np.empty(len(grid.time))
        value[:begin] = share
        if later < len(own):
            np.multiply(share, _held(session, s, begin)[begin:], out=value[begin:])
        total = value if total is None else np.add(total, value, out=total)
    return total


def _worth(bars: SymbolBars, actions: Actions | None, after: int) -> Any:
    """Worth at each bar's close of money 1 put in at the open of bar ``after``: splits kept, dividends as cash."""
    base = bars.open[after] if np.isfinite(bars.open[after]) else bars.close[after]
    units, cash = np.full(len(bars), 1.0 / base), np.zeros(len(bars))
    if actions is not None:
        level = np.concatenate(([1.0], np.cumprod(actions.split)))[
            np.searchsorted(actions.ex, bars.session, side="right")
        ]
        units *= level / level[after]
        paid = np.searchsorted(bars.session, actions.ex, side="left")
        for at, dividend in zip(paid.tolist(), actions.dividend.tolist(), strict=True):
            if after < at < len(bars):
                cash[at:] += units[at - 1] * dividend
    return units * bars.close + cash


def _held(session: Session, s: int, first: int) -> Any:
    """Worth over time of money 1 put into a symbol at the open of bar ``first``: splits kept, dividends as cash."""
    grid = session.grid
    price, rate = grid.m[codes.D_LAST][:, s], grid.m[codes.D_FX_CLOSE][:, s] if grid.foreign else None
    at_open = grid.m[codes.D_FX_OPEN][first, s] if grid.foreign else 1.0
    became = shares_became(grid)
    shares = np.broadcast_to(1.0, len(price)) if became is None else became[:, s]
    bought = shares[first] * grid.m[codes.D_OPEN][first, s] * at_open
    units = np.broadcast_to(1.0 / bought, len(price)) if became is None else shares / bought
    cash: Any = None
    for (t, of), (_, dividend) in zip(
        grid.m[codes.D_ACTION].tolist(), grid.m[codes.D_ACTION_TERMS].tolist(), strict=True
    ):
        if of == s and t > first and dividend:
            cash = np.zeros(len(price)) if cash is None else cash
            cash[t:] += units[t - 1] * dividend * (grid.m[codes.D_FX_OPEN][t, s] if grid.foreign else 1.0)
    worth = units * price
    if grid.foreign:
        worth *= rate
    return worth if cash is None else worth + cash
