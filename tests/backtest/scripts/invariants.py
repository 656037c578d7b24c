"""What holds in every run, worked out from the bars and the logs without the core's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from alphintra_backtest import codes as c
from alphintra_backtest.session import Session

from .make import Case


def check(case: Case, session: Session, end: int) -> None:
    """All invariants of a finished run."""
    books = session.books
    n, legs = int(books.reg[c.S_FILLS]), int(books.reg[c.S_LEGS])
    fills = list(zip(books.fi[:n].tolist(), books.ff[:n].tolist(), strict=True))
    moves = list(zip(books.ci[:legs].tolist(), books.cf[:legs].tolist(), strict=True))
    assert books.pos.dtype == np.int64
    _prices(session, fills)
    _volume(session, fills)
    _orders(session)
    equity = _account(case, session, fills, moves)
    own = float(session.core.equity_at(session.calls.m, session.calls.b, end - 1, False))
    assert equity == pytest.approx(own, abs=1e-6, rel=1e-9)
    _round_trips(case, session, moves, end, equity)


def _prices(session: Session, fills: list[Any]) -> None:
    """The price before slippage lies in the bar, and is never worse than the limit."""
    m, books = session.grid.m, session.books
    events = books.ev[: int(books.reg[c.S_EVENTS])]
    amended = set(events[events[:, c.E_STATE] == c.AMENDED][:, c.E_ORDER].tolist())
    for i, f in fills:
        s, base, t = i[c.L_SYMBOL], f[c.L_BASE], i[c.L_BAR]
        if i[c.L_RULE] == c.R_END:  # the symbol's last bar
            t = int(session.grid.positions[s][session.grid.positions[s] <= t][-1])
        if i[c.L_RULE] != c.R_FRACTION:
            low, high = m[c.D_LOW][t, s], m[c.D_HIGH][t, s]
            assert low * (1 - 1e-12) <= base <= high * (1 + 1e-12), (i, base, low, high)
        if i[c.L_RULE] == c.R_DETAIL:  # and in one of the finer bars that decided
            inside = m[c.D_FINE][m[c.D_FINE_FIRST][t, s] : m[c.D_FINE_LAST][t, s]]
            assert any(low * (1 - 1e-12) <= base <= high * (1 + 1e-12) for _, high, low, _ in inside), (i, base)
        o = i[c.L_ORDER]
        limit = books.of[o, c.F_LIMIT]
        if books.oi[o, c.I_TYPE] in (c.LIMIT, c.STOP_LIMIT) and o not in amended:
            assert (base - limit) * i[c.L_SIDE] <= 1e-9 * limit
            assert f[c.L_PRICE] == base
        assert (f[c.L_PRICE] - base) * i[c.L_SIDE] >= 0


def _volume(session: Session, fills: list[Any]) -> None:
    """A bar's fills stay within its share of the volume; who has to close is exempt."""
    used: dict[tuple[int, int], int] = {}
    free = (c.R_LIQUIDATION, c.R_DELISTED, c.R_FRACTION, c.R_END)
    for i, _ in fills:
        if i[c.L_RULE] not in free:
            key = (i[c.L_BAR], i[c.L_SYMBOL])
            used[key] = used.get(key, 0) + i[c.L_LOTS]
    for key, lots in used.items():
        cap = int(session.grid.m[c.D_CAP][key])
        assert cap < 0 or lots <= cap


def _orders(session: Session) -> None:
    """Every order has ended, once, and filled what its fills say, no more than was asked."""
    books = session.books
    oi = books.oi[: int(books.reg[c.S_ORDERS])]
    assert not np.isin(oi[:, c.I_STATE], (c.WORKING, c.WAITING)).any()
    assert (oi[:, c.I_FILLED] <= oi[:, c.I_QTY]).all()
    events = books.ev[: int(books.reg[c.S_EVENTS])]
    last = (c.FILLED, c.CANCELLED, c.REJECTED, c.EXPIRED, c.UNFILLED)
    ended = events[np.isin(events[:, c.E_STATE], last)][:, c.E_ORDER]
    assert np.array_equal(np.sort(ended), np.arange(len(oi)))
    filled = events[np.isin(events[:, c.E_STATE], (c.FILLED, c.PARTIAL))]
    fi = books.fi[: int(books.reg[c.S_FILLS])]
    assert np.array_equal(filled[:, [c.E_BAR, c.E_ORDER, c.E_LOTS]], fi[:, [c.L_BAR, c.L_ORDER, c.L_LOTS]])
    assert (np.diff(events[:, c.E_BAR]) >= 0).all()


def _account(case: Case, session: Session, fills: list[Any], moves: list[Any]) -> float:
    """Cash and positions from the logs: never short in a cash account, never beyond the leverage; final equity."""
    m, books = session.grid.m, session.books
    lots, mult = m[c.D_LOT], m[c.D_MULT]
    foreign = session.grid.foreign
    rules = case.options.rules
    cash, pos = case.options.cash, [0] * len(session.symbols)
    late = [(i, f) for i, f in moves if i[c.C_KIND] in (c.LEG_BORROW, c.LEG_INTEREST)]
    early = [(i, f) for i, f in moves if i[c.C_KIND] not in (c.LEG_BORROW, c.LEG_INTEREST)]

    def unit(t: int, s: int, opening: bool) -> float:
        rate = m[c.D_FX_OPEN if opening else c.D_FX_CLOSE][t, s] if foreign else 1.0
        return float(lots[s] * mult[s] * rate)

    def price(t: int, s: int, opening: bool) -> float:
        if not opening:
            return float(m[c.D_LAST][t, s])
        p = float(m[c.D_OPEN][t, s])
        return p if p == p else float(m[c.D_LAST][t - 1, s])

    for r, (i, f) in enumerate([*fills, (None, None)]):
        while early and early[0][0][c.C_SEQ] <= r:
            leg, amount = early.pop(0)
            cash += amount[c.C_AMOUNT]
            pos[leg[c.C_SYMBOL]] += leg[c.C_LOTS]
        while late and (i is None or late[0][0][c.C_BAR] < i[c.L_BAR]):  # booked at the close of their bar
            cash += late.pop(0)[1][c.C_AMOUNT]
        if i is None:
            break
        t, s, opening = i[c.L_BAR], i[c.L_SYMBOL], i[c.L_PHASE] != c.PH_CLOSE
        before, change = pos[s], i[c.L_SIDE] * i[c.L_LOTS]
        pos[s] += change
        cash -= change * unit(t, s, opening) * f[c.L_PRICE] + f[c.L_FEE]
        assert rules["account"] != "cash" or pos[s] >= 0
        if abs(pos[s]) <= abs(before) and pos[s] * before >= 0:
            continue
        equity, need = cash, 0.0
        for j, held in enumerate(pos):
            if held:
                p = f[c.L_PRICE] if j == s else price(t, j, opening)
                worth = held * unit(t, j, opening) * p
                equity += worth
                margin = m[c.D_MARGIN][j]
                per_lot = margin * unit(t, j, opening) / mult[j]
                need += abs(worth) * case.options.initial if margin != margin else abs(held) * per_lot
        assert need <= equity + 1e-6 * max(1.0, abs(equity)), (r, need, equity)
    assert pos == books.pos.tolist()
    assert cash == pytest.approx(float(books.cash[c.M_CASH]), rel=1e-9, abs=1e-6)
    end = len(session.grid.time) - 1 if not books.reg[c.S_BANKRUPT] else int(session.cursor.i)
    return cash + sum(held * unit(end, s, False) * price(end, s, False) for s, held in enumerate(pos) if held)


def _round_trips(case: Case, session: Session, moves: list[Any], end: int, equity: float) -> None:
    """M10: P&L of all round trips, what is open included, and interest on cash make the change of equity."""
    m = session.grid.m
    made = sum(t.pnl for t in session.book.closed)
    size = sum(abs(t.entry_notional) + abs(t.exit_notional) for t in session.book.closed)
    for t in session.book.open():
        rate = m[c.D_FX_CLOSE][end - 1, t.symbol] if session.grid.foreign else 1.0
        one = m[c.D_LOT][t.symbol] * m[c.D_MULT][t.symbol] * rate
        worth = t.side * t.lots * one * m[c.D_LAST][end - 1, t.symbol]
        made += worth - t.side * t.entry_notional - t.commission + t.extra
        size += abs(t.entry_notional)
    made += sum(f[c.C_AMOUNT] for i, f in moves if i[c.C_KIND] == c.LEG_INTEREST)
    assert made == pytest.approx(equity - case.options.cash, abs=1e-6 + 1e-10 * (size + case.options.cash))
