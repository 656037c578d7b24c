"""What a view shows of a replay at its bar, as plain values: nothing in it is later than that bar."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest import codes
from alphintra_backtest.dataview import _pick
from alphintra_backtest.handles import Order, fill_of, stamp
from alphintra_backtest.plain_json import plain
from alphintra_backtest.view_axis import DAY_SECONDS, is_intraday
from alphintra_backtest.view_series import MAX_INDICATORS, shown

from . import histories
from .asked import asked
from .variables import variables

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

    from .branches import Branch
    from .replay import Replay

#: Fills marked on the scrubber.
MOST_MARKS = 2_000
#: Characters of a line of source.
MOST_CODE = 200
#: Seconds that going to a bar may take without being spoken of.
SLOW = 0.5


def state(replay: Replay, bars: int = 400, orders: int = 50, symbol: str | None = None) -> dict[str, Any]:
    """See ``Replay.state``."""
    session, bar = replay._session, replay.in_progress
    market = replay.setup.market
    drawn = symbol if symbol in session.index else _drawn(session)
    shown: dict[str, Any] = plain({
        "version": 1,
        "strategy": replay.setup.strategy.__name__,
        "dataset": market.name,
        "timeframe": market.timeframe,
        "intraday": is_intraday(market.timeframe),
        "symbols": list(session.symbols[:20]),
        "symbol": drawn,
        "bar": bar,
        "first": replay.first,
        "count": replay.count,
        "time": iso(replay.time),
        "done": replay.done,
        "marks": _marks(session),
        "account": _account(replay),
        "positions": _positions(session),
        "orders": _working(session),
        "variables": variables(replay),
        "log": _log(session, orders, replay._track.lines.of),
        "branch": None if replay.branch is None else described(replay.branch),
        "branches": [described(branch) for branch in replay.branches],
        "error": _error(replay),
        "notices": _notices(replay),
        "run_seconds": replay.run_seconds,
    })  # fmt: skip
    return shown | _chart(session, drawn, bar, bars)


def iso(when: datetime | None) -> str | None:
    """A time in ISO 8601 with ``Z``."""
    return None if when is None else when.isoformat().replace("+00:00", "Z")


def described(branch: Branch) -> dict[str, Any]:
    """A branch as plain values."""
    changes = [list(change) for change in branch.changes]
    return {"bar": branch.bar, "time": iso(branch.time), "text": branch.text, "changes": changes}


def _drawn(session: Session) -> str:
    """The symbol that was traded last, else the first one."""
    fills = int(session.books.reg[codes.S_FILLS])
    return session.symbols[int(session.books.fi[fills - 1, codes.L_SYMBOL]) if fills else 0]


def _name(session: Session, s: int, bar: int) -> int:
    """What a symbol's bar at a timestamp is called on a chart: seconds since 1970 of its open, or of its date."""
    if is_intraday(session.market.timeframe):
        return int(session.grid.m[codes.D_OPEN_TIME][bar, s]) // 1_000_000
    return int(session.grid.session[bar]) * DAY_SECONDS


def _marks(session: Session) -> list[dict[str, Any]]:
    """Bars of the fills so far, for the scrubber."""
    last = int(session.books.reg[codes.S_FILLS])
    rows = session.books.fi[max(0, last - MOST_MARKS) : last]
    sides = rows[:, codes.L_SIDE].tolist()
    return [
        {"bar": bar, "side": "BUY" if side > 0 else "SELL"}
        for bar, side in zip(rows[:, codes.L_BAR].tolist(), sides, strict=True)
    ]


def _chart(session: Session, symbol: str, bar: int, bars: int) -> dict[str, Any]:
    """Candles, indicators and marks of the last ``bars`` bars of a symbol, in today's shares."""
    s = session.index[symbol]
    positions = session.grid.positions[s]
    last = int(np.searchsorted(positions, bar, side="right"))
    first = max(0, last - max(1, bars))
    at = positions[first:last]
    data = _pick(session, symbol)
    fields = [shown(getattr(data, name)._on(max(bar, 0))[first:last]) for name in ("open", "high", "low", "close")]
    volume = shown(data.volume._on(max(bar, 0))[first:last], 5)
    names = [_name(session, s, t) for t in at.tolist()]
    found: list[dict[str, Any]] = []
    panes: dict[str, int] = {}
    for indicator in [i for i in session.indicators if i.symbol == s][:MAX_INDICATORS]:
        view = indicator.series
        values = np.append(view._on(max(bar, 0)), np.nan)[view.timeline.own[at]]
        pane = 0 if indicator.overlay else panes.setdefault(indicator.name.partition("[")[0], len(panes) + 1)
        found.append(
            {"name": indicator.name, "overlay": bool(indicator.overlay), "pane": pane, "values": shown(values)}
        )
    return {
        "candles": [list(row) for row in zip(names, *fields, volume, strict=True)],
        "indicators": found,
        "fills": _fills(session, s, int(at[0]) if len(at) else bar, bar),
    }


def _fills(session: Session, s: int, first: int, bar: int) -> list[dict[str, Any]]:
    """Fills of a symbol from a timestamp on; ``price`` in today's shares, ``traded`` is what was paid."""
    count = int(session.books.reg[codes.S_FILLS])
    begin = int(np.searchsorted(session.books.fi[:count, codes.L_BAR], first))
    ladder = session.asof.splits(session.symbols[s]) if session.asof is not None else None
    level = None if ladder is None else ladder.at_timestamps(len(session.grid.time))
    out = []
    for r in range(begin, count):
        row, money = session.books.fi[r], session.books.ff[r]
        if int(row[codes.L_SYMBOL]) != s:
            continue
        at, price = int(row[codes.L_BAR]), float(money[codes.L_PRICE])
        out.append({
            "time": _name(session, s, at),
            "bar": at,
            "side": "BUY" if row[codes.L_SIDE] > 0 else "SELL",
            "quantity": float(row[codes.L_LOTS]) * session.lots[s],
            "price": price if level is None else price * float(level[at] / level[bar]),
            "traded": price,
            "rule": codes.RULE_NAMES[row[codes.L_RULE]],
            "order": int(row[codes.L_ORDER]),
        })  # fmt: skip
    return out


def _account(replay: Replay) -> dict[str, Any]:
    session, start = replay._session, float(replay._session.config.cash)
    curve = replay._account.equity(replay._track.line, session)
    falls = histories.drawdowns(curve, start)
    return {
        "equity": session.equity(),
        "cash": session.cash_now(),
        "drawdown": float(falls[-1]) if len(falls) else 0.0,
        "equity_spark": histories.thinned(curve),
        "drawdown_spark": histories.thinned(falls),
    }


def _positions(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "symbol": symbol, "size": held.size, "avg_price": held.avg_price, "pnl": held.pnl, "pnl_pct": held.pnl_pct,
            "bars_held": held.bars_held, "opened_at": iso(held.opened_at),
        }
        for symbol, held in list(session.positions().items())[:50]
    ]  # fmt: skip


def _working(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "id": order.id, "symbol": order.symbol, "side": order.side, "type": order.type, "state": order.state,
            "quantity": order.quantity, "filled": order.filled, "limit": order.limit, "stop": order.stop,
            "tif": codes.TIFS[order._i(codes.I_TIF)], "tag": order.tag, "text": asked(order),
        }
        for order in session.working_orders()[:100]
    ]  # fmt: skip


def _log(session: Session, rows: int, lines: Mapping[int, Any]) -> list[dict[str, Any]]:
    """The last events of the orders, the newest first."""
    reg = session.books.reg
    r = int(reg[codes.S_FILLS])
    out: list[dict[str, Any]] = []
    for e in range(int(reg[codes.S_EVENTS]) - 1, -1, -1):
        if len(out) >= rows:
            break
        row = session.books.ev[e].tolist()
        order = Order(session, row[codes.E_ORDER])
        filled = row[codes.E_STATE] in (codes.FILLED, codes.PARTIAL)
        at, phase = row[codes.E_BAR], row[codes.E_PHASE]
        text, source = asked(order), ""
        if filled:
            r -= 1
            fill = fill_of(session, r)
            text = f"{fill.side.lower()} {fill.quantity:g} at {fill.price:.6g}, fee {fill.commission:.2f}"
            source = codes.RULE_SOURCES[session.books.fi[r, codes.L_RULE]]
        when = session.fill_time(at, session.index[order.symbol], phase) if filled else int(session.grid.time[at])
        parent = order._i(codes.I_PARENT)
        line = lines.get(order.id, lines.get(parent, (None, None)))
        out.append({
            "time": iso(stamp(when)) if at >= 0 else None,
            "bar": at,
            "order": order.id,
            "symbol": order.symbol,
            "event": codes.STATES[row[codes.E_STATE]],
            "text": text,
            "rule": codes.RULE_NAMES[row[codes.E_RULE]],
            "reason": codes.REASON_NAMES[row[codes.E_REASON]],
            "why": dict(codes.REASONS).get(codes.REASON_NAMES[row[codes.E_REASON]], ""),
            "source": source,
            "file": line[0],
            "line": line[1],
            "code": "" if line[0] is None else linecache.getline(line[0], line[1]).strip()[:MOST_CODE],
        })  # fmt: skip
    return out


def _error(replay: Replay) -> dict[str, Any] | None:
    error: Any = replay.error
    if error is None:
        return None
    return {
        "text": error.message, "code": error.code, "file": error.file, "line": error.line, "bar": error.bar,
        "time": error.bar_time,
    }  # fmt: skip


def _notices(replay: Replay) -> list[str]:
    """What makes this replay slower or less exact than others."""
    said = []
    if not replay.copyable:
        took = f"{replay.run_seconds:.2f} s" if replay.run_seconds < 10 else f"{replay.run_seconds:.0f} s"
        said.append(
            "Going back runs again from the start, since the strategy cannot be copied: "
            f"{replay.why_not}. The whole run took {took}."
        )
    elif (cost := max(replay._track.spacing, replay._track.a_bar)) >= SLOW:
        said.append(
            f"Going to a bar may take {cost:.1g} s: this strategy takes long, or is long in copying, "
            "so its copies lie far apart."
        )
    if replay.differs:
        said.append(replay.differs)
    return said
