"""From a finished session to a Result: curves, tables, trades, and what the numbers rest on."""

from __future__ import annotations

import time as clock
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from . import buy_and_hold, codes, trade_list
from .assumptions import assumptions
from .lazy import CURVES, Columns
from .refusals import refused
from .source import strategy_hash

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Curves, Result

    from .session import Session


def collect(
    session: Session,
    strategy: type,
    values: Mapping[str, Any],
    first: int,
    end_bar: int,
    against: MarketData | None,
    start: Any,
    end: Any,
    benchmark: Any,
    began: float,
    entry_rules: Mapping[str, str],
) -> Result:
    """Build the Result of a session that has ended; ``first`` is the timestamp of the first ``on_bar``."""
    from alphintra import __version__
    from alphintra.result import IndicatorSeries, Result

    w = max(first - 1, 0)  # metrics begin one bar before the first on_bar (F13)
    market, config, grid = session.market, session.config, session.grid
    run_id = uuid.uuid4().hex
    curves, stale = _curves(session, slice(w, end_bar), against, first)
    columns = Columns(
        {
            "orders": lambda: _orders(session),
            "fills": lambda: _fills(session, w),
            "events": lambda: _events(session),
            "positions": lambda: _positions(session),
            "recorded": lambda: _recorded(session),
            "cash_flows": lambda: _cash_flows(session),
            "trades": lambda: trade_list.columns(session, run_id, end_bar),
        }
    )
    refusals = refused(session)
    counts = _counts(session, stale, refusals)
    indicators = [
        IndicatorSeries(c.name, session.symbols[c.symbol], c.series._as_seen(grid.positions[c.symbol]), c.overlay)
        for c in session.indicators
        if c.symbol is not None
    ]
    run = {
        "id": run_id,
        "strategy": strategy.__name__,
        "dataset": market.name,
        "dataset_hash": market.dataset_hash,
        **({"features": {name: own.told() for name, own in market.features.items()}} if market.features else {}),
        **({} if market.reference is None else {"reference": market.reference.told()}),
        **({} if against is None else {"benchmark_hash": against.dataset_hash}),
        "strategy_hash": strategy_hash(strategy),
        "parameters": dict(values),
        "seed": config.seed,
        "engine_version": __version__,
        "configuration": {
            "start": None if start is None else str(start),
            "end": None if end is None else str(end),
            "cash": config.cash,
            "commission": config.commission.plain(),
            "slippage": config.slippage.plain(),
            "profile": config.profile,
            "account": config.rules["account"],
            "benchmark": benchmark
            if isinstance(benchmark, str)
            else ("given" if benchmark is not None else None),
            "risk_free_rate": config.risk_free_rate,
            "rules": dict(config.changed),
        },
        "symbols": list(session.symbols),
        "timeframe": market.timeframe,
        "asset_class": market.asset_class,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": clock.perf_counter() - began,
        "bars": end_bar - first,
        "periods_per_year": market.periods_per_year,
    }
    return Result(
        run=run,
        assumptions=assumptions(session, counts, refusals, entry_rules),
        curves=curves,
        columns=columns,
        market=market,
        indicators=indicators,
        logs=session.logs,
        counts=counts,
    )


def _curves(session: Session, window: slice, against: MarketData | None, first: int) -> tuple[Curves, int]:
    """The curves of the timestamps in ``window``, and how many valuations used an older close."""
    from alphintra.result import Curves

    grid, t_count = session.grid, len(session.grid.time)
    one = (
        len(session.symbols) == 1  # it misses no bar
        and hasattr(session.core, "value_one")  # compiled
        and session.simple_money
        and not session.books.reg[codes.S_LEGS]
    )
    equity, stale = CURVES.take(t_count, np.float64), np.zeros(1, dtype=np.int64)
    given = session.calls.m, session.calls.b, session.config.cash

    @cache
    def rest() -> tuple[Any, Any, Any]:
        """Cash, exposure and whether there is a position."""
        cash, exposure, held = (CURVES.take(t_count, kind) for kind in (np.float64, np.float64, np.bool_))
        if one:
            again = CURVES.take(t_count, np.float64)
            session.core.value_one(*given, again, cash, exposure, held)
        else:
            session.core.value(*given, equity, cash, exposure, held, stale)
        return cash[window], exposure[window], held[window]

    if one:
        session.core.equity_one(*given, equity)
    else:
        rest()
    curves = Curves(
        time=grid.time[window],
        session=grid.session[window],
        equity=equity[window],
        cash=lambda: rest()[0],
        exposure=lambda: rest()[1],
        in_market=lambda: rest()[2],
        benchmark=lambda: buy_and_hold.curve(session, against, first)[window],
    )
    return curves, int(stale[0])


def _lots(session: Session, symbols: Any, lots: Any) -> Any:
    return lots * session.grid.lots[symbols]


def _names(session: Session, symbols: Any) -> list[str]:
    return [session.symbols[s] for s in symbols]


def _sides(sides: Any) -> list[str]:
    return ["BUY" if s > 0 else "SELL" for s in sides]


def _fills(session: Session, w: int) -> dict[str, Any]:
    n = int(session.books.reg[codes.S_FILLS])
    fi, ff = session.books.fi[:n], session.books.ff[:n]
    symbols, bars = fi[:, codes.L_SYMBOL], fi[:, codes.L_BAR]
    return {
        "time": session.fill_times(bars, symbols, fi[:, codes.L_PHASE]),
        "symbol": _names(session, symbols),
        "side": _sides(fi[:, codes.L_SIDE]),
        "quantity": _lots(session, symbols, fi[:, codes.L_LOTS]),
        "price": ff[:, codes.L_PRICE].copy(),
        "base_price": ff[:, codes.L_BASE].copy(),
        "source": [codes.RULE_SOURCES[r] for r in fi[:, codes.L_RULE]],
        "commission": ff[:, codes.L_FEE].copy(),
        "slippage": ff[:, codes.L_SLIP].copy(),
        "value": _traded(session, fi, ff),
        "rule": [codes.RULE_NAMES[r] for r in fi[:, codes.L_RULE]],
        "order_id": fi[:, codes.L_ORDER].copy(),
        "bar": bars - w,
    }


def _traded(session: Session, fi: Any, ff: Any) -> Any:
    """Money traded by each fill in the account's currency: the multiplier and the exchange rate are in it."""
    symbols = fi[:, codes.L_SYMBOL]
    one = session.grid.lots[symbols] * session.grid.m[codes.D_MULT][symbols] * ff[:, codes.L_RATE]
    return fi[:, codes.L_LOTS] * one * ff[:, codes.L_PRICE]


def _decided(session: Session, bars: Any) -> Any:
    """Times of decisions; what on_start submitted carries the open of the first bar that there is."""
    opens = session.grid.m[8][0]
    known = ~np.isnan(session.grid.m[3][0])
    return np.where(bars >= 0, session.grid.time[np.maximum(bars, 0)], opens[known].min())


def _orders(session: Session) -> dict[str, Any]:
    n = int(session.books.reg[codes.S_ORDERS])
    oi, of = session.books.oi[:n], session.books.of[:n]
    symbols = oi[:, codes.I_SYMBOL]
    filled = _lots(session, symbols, oi[:, codes.I_FILLED])
    fills = int(session.books.reg[codes.S_FILLS])
    fi, ff = session.books.fi[:fills], session.books.ff[:fills]
    paid, bought = np.zeros(n), np.zeros(n)
    np.add.at(paid, fi[:, codes.L_ORDER], fi[:, codes.L_LOTS] * ff[:, codes.L_PRICE])
    np.add.at(bought, fi[:, codes.L_ORDER], fi[:, codes.L_LOTS])
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.where(bought > 0, paid / bought, np.nan)
    done = oi[:, codes.I_DONE_BAR]
    return {
        "id": np.arange(n),
        "symbol": _names(session, symbols),
        "side": _sides(oi[:, codes.I_SIDE]),
        "type": [codes.TYPES[t] for t in oi[:, codes.I_TYPE]],
        "quantity": _lots(session, symbols, oi[:, codes.I_QTY]),
        "filled": filled,
        "limit": of[:, codes.F_LIMIT].copy(),
        "stop": of[:, codes.F_STOP].copy(),
        "tif": [codes.TIFS[t] for t in oi[:, codes.I_TIF]],
        "submitted": _decided(session, oi[:, codes.I_BAR]),
        "state": [codes.STATES[t] for t in oi[:, codes.I_STATE]],
        "reason": [codes.REASON_NAMES[t] for t in oi[:, codes.I_REASON]],
        "parent": [int(p) if p >= 0 else None for p in oi[:, codes.I_PARENT]],
        "role": [
            codes.ROLES[r] or ("ENTRY" if sl >= 0 or tp >= 0 else "")
            for r, sl, tp in zip(oi[:, codes.I_ROLE], oi[:, codes.I_SL], oi[:, codes.I_TP], strict=True)
        ],
        "tag": [session.tags.get(o, "") for o in range(n)],
        "avg_price": average,
        "finished": np.where(
            done >= 0, session.grid.time[np.maximum(done, 0)], _decided(session, oi[:, codes.I_BAR])
        ),
    }


def _events(session: Session) -> dict[str, Any]:
    n = int(session.books.reg[codes.S_EVENTS])
    ev, oi = session.books.ev[:n], session.books.oi
    symbols = oi[ev[:, codes.E_ORDER], codes.I_SYMBOL]
    filled = np.isin(ev[:, codes.E_STATE], (codes.FILLED, codes.PARTIAL))
    price, base = np.full(n, np.nan), np.full(n, np.nan)
    price[filled] = session.books.ff[: int(filled.sum()), codes.L_PRICE]
    base[filled] = session.books.ff[: int(filled.sum()), codes.L_BASE]
    times = session.fill_times(ev[:, codes.E_BAR], symbols, ev[:, codes.E_PHASE])
    return {
        "time": np.where(ev[:, codes.E_BAR] >= 0, times, _decided(session, ev[:, codes.E_BAR])),
        "order_id": ev[:, codes.E_ORDER].copy(),
        "state": [codes.STATES[s] for s in ev[:, codes.E_STATE]],
        "reason": [codes.REASON_NAMES[r] for r in ev[:, codes.E_REASON]],
        "rule": [codes.RULE_NAMES[r] for r in ev[:, codes.E_RULE]],
        "price": price,
        "base_price": base,
        "source": [codes.RULE_SOURCES[r] if f else "" for r, f in zip(ev[:, codes.E_RULE], filled, strict=True)],
        "quantity": _lots(session, symbols, ev[:, codes.E_LOTS]),
    }


def _positions(session: Session) -> dict[str, Any]:
    """One row for each timestamp and symbol at which the position changed, valued at that close."""
    n = int(session.books.reg[codes.S_FILLS])
    fi, ff = session.books.fi[:n], session.books.ff[:n]
    grid = session.grid
    rows: dict[tuple[int, int], tuple[int, float]] = {}
    held: dict[int, int] = {}
    basis: dict[int, float] = {}
    splits = [
        (c[codes.C_SEQ], c[codes.C_BAR], c[codes.C_SYMBOL], c[codes.C_LOTS])
        for c in session.books.ci[: int(session.books.reg[codes.S_LEGS])].tolist()
        if c[codes.C_KIND] == codes.LEG_SPLIT
    ]
    fill_rows = [(r, *pair) for r, pair in enumerate(zip(fi.tolist(), ff.tolist(), strict=True))]
    for r, row, money in [*fill_rows, (n, None, None)]:
        while splits and splits[0][0] <= r:
            _, bar, s, more = splits.pop(0)
            basis[s] *= held[s] / (held[s] + more)
            held[s] += more
            rows[(bar, s)] = (held[s], basis[s])
        if row is None or money is None:
            break
        s, lots = row[codes.L_SYMBOL], row[codes.L_SIDE] * row[codes.L_LOTS]
        before, price = held.get(s, 0), money[codes.L_PRICE]
        after = before + lots
        if before == 0 or before * after < 0:
            basis[s] = price
        elif before * lots > 0:
            basis[s] = (basis[s] * before + price * lots) / after
        held[s] = after
        rows[(row[codes.L_BAR], s)] = (after, basis[s] if after else np.nan)
    keys = sorted(rows)
    bars = np.array([b for b, _ in keys], dtype=np.int64)
    symbols = np.array([s for _, s in keys], dtype=np.int64)
    quantity = np.array([rows[key][0] for key in keys]) * grid.lots[symbols] if keys else np.empty(0)
    price = grid.m[4][bars, symbols] if keys else np.empty(0)
    return {
        "time": grid.time[bars] if keys else np.empty(0, dtype=np.int64),
        "symbol": _names(session, symbols),
        "quantity": quantity,
        "avg_price": np.array([rows[key][1] for key in keys]),
        "price": price,
        "market_value": quantity * price * _money(session, bars, symbols),
    }


def _money(session: Session, bars: Any, symbols: Any) -> Any:
    """Account currency per unit and price of 1 at the close: multiplier and exchange rate."""
    out = session.grid.m[codes.D_MULT][symbols]
    rates = session.grid.m[codes.D_FX_CLOSE]
    return out * rates[bars, symbols] if session.grid.foreign else out


def _cash_flows(session: Session) -> dict[str, Any]:
    """Money that moved without a fill, and splits: one row each, in the order in which they happened."""
    n = int(session.books.reg[codes.S_LEGS])
    ci, cf = session.books.ci[:n], session.books.cf[:n]
    symbols, kinds = ci[:, codes.C_SYMBOL], ci[:, codes.C_KIND]
    financed = (kinds == codes.LEG_BORROW) | (kinds == codes.LEG_INTEREST)
    safe = np.maximum(symbols, 0)
    return {
        "time": np.where(financed, session.grid.time[ci[:, codes.C_BAR]], session.grid.m[8][ci[:, codes.C_BAR], safe]),
        "symbol": [session.symbols[s] if s >= 0 else "" for s in symbols.tolist()],
        "kind": [codes.LEGS[k] for k in kinds.tolist()],
        "amount": cf[:, codes.C_AMOUNT].copy(),
        "ratio": cf[:, codes.C_RATIO].copy(),
        "quantity": ci[:, codes.C_LOTS] * session.grid.lots[safe],
    }


def _recorded(session: Session) -> dict[str, Any]:
    bars = np.unique(
        np.concatenate(
            [np.array(b, dtype=np.int64) for b, _ in session.recorded.values()] or [np.empty(0, np.int64)]
        )
    )
    out: dict[str, Any] = {"time": session.grid.time[bars] if len(bars) else np.empty(0, dtype=np.int64)}
    for name, (at, values) in session.recorded.items():
        column = np.full(len(bars), np.nan)
        column[np.searchsorted(bars, at)] = values
        out[name] = column
    return out


def _counts(session: Session, stale: int, refusals: list[tuple[int, int, int]]) -> dict[str, int]:
    reg = session.books.reg
    orders = session.books.oi[: int(reg[codes.S_ORDERS])]
    counts = {
        "ambiguous": int(reg[codes.S_AMBIGUOUS]),
        "ambiguous_entry": int(reg[codes.S_AMBIGUOUS_ENTRY]),
        "capped": int(orders[:, codes.I_CAPPED].sum()),
        "trimmed": int(reg[codes.S_TRIMMED]),
        "liquidated": int(reg[codes.S_LIQUIDATED]),
        "resolved": int(reg[codes.S_RESOLVED]),
        "shorts": int(reg[codes.S_SHORTS]),
        "stale_marks": stale,
        "bankrupt": int(reg[codes.S_BANKRUPT]),
    }
    return counts | {f"rejected:{codes.REASON_NAMES[reason]}": n for reason, n, _ in refusals}
