"""The simulation core: order handling, fills, costs and cash over flat arrays.

Every function here is plain Python *and* the source of its compiled twin (``compiled.py``); short runs and
coverage use the plain form, long runs the compiled one, and both are the same code. Nothing is allocated in
here. Arguments:

``m``
    The market: ``(open, high, low, close, last_close, cap, session, end_of_session, open_time, close_time,
    lot)``; prices are (T, S) float64 with NaN where a symbol has no bar, ``last_close`` is the last close at
    or before, ``cap`` the bar's budget in lots (−1: no cap), times int64 µs, ``lot`` (S,) float64.
``b``
    The books: ``(oi, of, active, pos, cash, used, fi, ff, ev, reg)``; see ``codes.py`` for the columns.
    ``pos`` counts lots, ``cash`` holds the cash and what this callback's reductions will free, ``used`` is
    the budget already used per symbol in this bar.
``k``
    The configuration vector.

Rule names in comments refer to the fill assumptions page.
"""

from __future__ import annotations

import math

from . import core_booking, core_matching, core_sizing
from .codes import *
from .core_booking import fill, finish, log_event
from .core_matching import compact, fill_at_close, is_limit_now, step, works
from .core_sizing import affordable, equity_at, increase_of, lots_for


def accept(m, b, k, first, last, t):
    """Admit orders ``first … last − 1``, submitted at the decision of bar ``t`` (F6 at submission, F11)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    for o in range(first, last):
        if oi[o, I_STATE] == WAITING:  # a bracket's child, ended already if its parent was refused
            active[reg[S_ACTIVE]] = o
            reg[S_ACTIVE] += 1
            log_event(b, t, o, WAITING, NONE, R_NONE, 0, PH_CLOSE)
            continue
        if oi[o, I_STATE] != WORKING:
            continue
        s = oi[o, I_SYMBOL]
        mode = oi[o, I_SIZE]
        if mode == QUANTITY and oi[o, I_QTY] == 0:
            finish(b, t, o, REJECTED, TOO_SMALL, PH_CLOSE)
            continue
        if mode >= TARGET_QUANTITY:
            for a in range(reg[S_ACTIVE]):
                w = active[a]
                if oi[w, I_STATE] == WORKING and oi[w, I_SYMBOL] == s and oi[w, I_SIZE] >= TARGET_QUANTITY:
                    finish(b, t, w, CANCELLED, REPLACED, PH_CLOSE)
        if t >= 0 and not math.isnan(m[4][t, s]):
            ref = m[4][t, s]
            if oi[o, I_TYPE] == LIMIT or oi[o, I_TYPE] == STOP_LIMIT:
                ref = of[o, F_LIMIT]
            elif oi[o, I_TYPE] == STOP:
                ref = of[o, F_STOP]
            lots = lots_for(m, b, k, o, t, ref, False)
            if k[K_SIZE_AT_DECISION] != 0.0 and mode != QUANTITY:
                if lots == 0:
                    finish(
                        b, t, o, CANCELLED, TARGET_REACHED if mode >= TARGET_QUANTITY else TOO_SMALL, PH_CLOSE
                    )
                    continue
                oi[o, I_SIDE] = 1 if lots > 0 else -1
                oi[o, I_QTY] = abs(lots)
                oi[o, I_SIZED] = 1
            inc = increase_of(pos[s], lots)
            if k[K_CASH_ACCOUNT] != 0.0 and lots < 0 and pos[s] + lots < 0:
                finish(b, t, o, REJECTED, NO_SHORT, PH_CLOSE)
                continue
            if inc > 0:
                money = cash[0]
                cash[0] = money + cash[1]  # reductions submitted before it in the same callback count
                gross_free = affordable(m, b, k, o, t, lots, ref, False)
                cash[0] = money
                if (mode == QUANTITY and gross_free != lots) or gross_free == 0:
                    finish(b, t, o, REJECTED, NO_FUNDS, PH_CLOSE)
                    continue
            if inc < abs(lots):
                # what a reduction frees: its market value leaves gross exposure, which `affordable` sees as
                # cash
                cash[1] += (abs(lots) - inc) * m[10][s] * ref
        active[reg[S_ACTIVE]] = o
        reg[S_ACTIVE] += 1
        log_event(b, t, o, WORKING, NONE, R_NONE, oi[o, I_QTY], PH_CLOSE)
    compact(b)


def peek(m, b, k, t, last):
    """First timestamp after ``t`` at which anything may happen, at most ``last``; Python runs up to it."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = reg[S_ACTIVE]
    exposed = cash[0] < 0.0  # equity can only fall to zero where something is owed: shares or money
    for s in range(pos.shape[0]):
        if pos[s] < 0:
            exposed = True
    if n == 0 and not exposed:
        return last
    for j in range(t + 1, last):
        for a in range(n):
            o = active[a]
            if oi[o, I_STATE] != WORKING or not works(m, b, o, j):
                continue
            kind = oi[o, I_TYPE]
            s = oi[o, I_SYMBOL]
            if kind == MARKET or oi[o, I_TIF] == 1 or oi[o, I_SIZED] == 0:
                return j
            if oi[o, I_TRIGGERED] != 0 and kind == STOP:
                return j
            buy = oi[o, I_SIDE] > 0
            if is_limit_now(oi, o):
                limit = of[o, F_LIMIT]
                if (m[2][j, s] <= limit) if buy else (m[1][j, s] >= limit):
                    return j
            else:
                stop = of[o, F_STOP]
                if (m[1][j, s] >= stop) if buy else (m[2][j, s] <= stop):
                    return j
        if exposed and equity_at(m, b, j, False) <= 0.0:
            return j
    return last


def value(m, b, start_cash, equity, cash_out, exposure, held, stale):
    """Equity, cash, |market value| and time in market at every close, from the fill log (F18, M4)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    t_count = equity.shape[0]
    s_count = pos.shape[0]
    money = start_cash
    r = 0
    n = reg[S_FILLS]
    for s in range(s_count):
        used[s] = 0
    for t in range(t_count):
        while r < n and fi[r, L_BAR] <= t:
            lots = fi[r, L_SIDE] * fi[r, L_LOTS]
            s = fi[r, L_SYMBOL]
            money -= lots * m[10][s] * ff[r, L_PRICE] + ff[r, L_FEE]
            used[s] += lots
            r += 1
        total = money
        gross = 0.0
        any_held = False
        for s in range(s_count):
            if used[s] != 0:
                v = used[s] * m[10][s] * m[4][t, s]
                total += v
                gross += abs(v)
                any_held = True
                if math.isnan(m[3][t, s]):
                    stale[0] += 1
        equity[t] = total
        cash_out[t] = money
        exposure[t] = gross
        held[t] = any_held


#: All functions of the core, each after those that it calls; ``compiled`` makes the twins from this.
KERNELS = (*core_sizing.KERNELS, *core_booking.KERNELS, *core_matching.KERNELS, accept, peek, value)
