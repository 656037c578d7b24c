"""The simulation core: order handling, fills, costs and cash over flat arrays.

Every function here is plain Python *and* the source of its compiled twin (``compiled.py``); short runs and
coverage use the plain form, long runs the compiled one, and both are the same code. Nothing is allocated in
here. Arguments:

``m``
    The market, a tuple with a place for each ``D_…`` of ``codes.py`` (``grid.py`` builds it). Prices are (T, S)
    float64 with NaN where a symbol has no bar, ``D_LAST`` is the last close at or before, ``D_CAP`` the bar's
    budget in lots (−1: no cap), times int64 µs. Exchange rates, volume and finer bars are empty where a run needs
    none.
``b``
    The books: ``(order integers, order floats, active, positions, money, used, fills integers, fills floats,
    events, registers, cost basis, legs integers, legs floats, open entries integers,
    open entries floats)``; see ``codes.py`` for the columns. Positions
    count lots, ``used`` is the budget already used per symbol in this bar.
``k``
    The configuration vector.

Rule names in comments refer to the fill assumptions page.
"""

from __future__ import annotations

import math

from . import (
    core_account,
    core_booking,
    core_closings,
    core_entries,
    core_fine,
    core_inside,
    core_matching,
    core_orders,
    core_queue,
    core_queue_cash,
    core_single,
    core_sizing,
    core_turns,
)
from .codes import *
from .core_account import fresh_order, next_action, next_delisting
from .core_booking import catch_up, fill, set_level, trail_level
from .core_matching import fill_at_close, step
from .core_orders import compact, finish, is_limit_now, log_event, size_at_decision, to_front, works
from .core_queue import queue_accept, queue_withdraw
from .core_single import single_admit
from .core_sizing import (
    affordable,
    equity_at,
    increase_of,
    is_maker,
    lots_for,
    maintenance_short,
    on_tick,
    requirement,
    settled_cash,
    unit,
)
from .core_turns import step_by_turns, turns


def admit(m, b, k, o, t):
    """F6 at submission: whether the account can carry order ``o``; gives it its last state where it cannot."""
    oi = b[0]
    of = b[1]
    pos = b[3]
    cash = b[4]
    s = oi[o, I_SYMBOL]
    mode = oi[o, I_SIZE]
    kind = oi[o, I_TYPE]
    ref = m[D_LAST][t, s]
    if kind == LIMIT or kind == STOP_LIMIT:
        ref = of[o, F_LIMIT]
    elif kind == STOP or kind == TRAIL:
        ref = of[o, F_STOP]
    lots = lots_for(m, b, k, o, t, ref, False)
    if k[K_SIZE_AT_DECISION] != 0.0 and mode != QUANTITY:
        if not size_at_decision(b, t, o, lots):
            return False
    inc = increase_of(pos[s], lots)
    if k[K_CASH_ACCOUNT] != 0.0 and lots < 0 and pos[s] + lots < 0:
        finish(b, t, o, REJECTED, NO_SHORT, PH_CLOSE)
        return False
    if inc > 0 and k[K_FUNDS] != FUNDS_FILL:
        money = cash[M_CASH]
        cash[M_CASH] = money + cash[M_FREED]  # reductions submitted before it in the same callback count
        can = affordable(m, b, k, o, t, lots, ref, False)
        cash[M_CASH] = money
        if can == 0 or (can != lots and (mode == QUANTITY or k[K_FUNDS] == FUNDS_WHOLE)):
            finish(b, t, o, REJECTED, NO_FUNDS, PH_CLOSE)
            return False
    if inc < abs(lots):
        # what a reduction frees is the requirement of what it closes, which `affordable` sees as cash
        cash[M_FREED] += requirement(m, k, s, abs(lots) - inc, ref, unit(m, t, s, False), k[K_INITIAL])
    return True


def accept(m, b, k, first, last, t):
    """Admit orders ``first … last − 1``, submitted at the decision of bar ``t`` (F6 at submission, F11)."""
    oi = b[0]
    of = b[1]
    active = b[2]
    reg = b[9]
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
        if t >= m[D_DELISTED][s]:
            finish(b, t, o, REJECTED, DELISTED, PH_CLOSE)
            continue
        if mode >= TARGET_QUANTITY and k[K_ORDER] != ORDER_ONE:
            for a in range(reg[S_ACTIVE]):
                w = active[a]
                if oi[w, I_STATE] == WORKING and oi[w, I_SYMBOL] == s and oi[w, I_SIZE] >= TARGET_QUANTITY:
                    finish(b, t, w, CANCELLED, REPLACED, PH_CLOSE)
        if oi[o, I_TYPE] == TRAIL:  # F14: an order of its own starts at the decision's close
            of[o, F_EXTREME] = m[D_LAST][t, s]
            oi[o, I_SEEN] = t
            set_level(of, o, oi[o, I_SIDE], m[D_TICK][s])
        if k[K_ORDER] == ORDER_ONE:
            if not single_admit(m, b, k, o, t):
                continue
        elif t >= 0 and not math.isnan(m[D_LAST][t, s]) and not admit(m, b, k, o, t):
            continue
        active[reg[S_ACTIVE]] = o
        reg[S_ACTIVE] += 1
        if k[K_ORDER] == ORDER_CLOSINGS and mode == TARGET_QUANTITY and of[o, F_SIZE] == 0.0:
            to_front(b, reg[S_ACTIVE] - 1)
        log_event(b, t, o, WORKING, NONE, R_NONE, oi[o, I_QTY], PH_CLOSE)
    compact(b)


def watched(m, b, k):
    """Whether equity can fall to what ends or liquidates: where something is owed, shares or money (F11)."""
    pos = b[3]
    if b[4][M_CASH] < 0.0:
        return True
    for s in range(pos.shape[0]):
        if pos[s] < 0 or (pos[s] != 0 and (k[K_MAINTENANCE] > 1.0 or not math.isnan(m[D_MARGIN][s]))):
            return True  # above 1 a paid position can rise out of what is there
    return False


def acts(m, b, o, j):
    """Whether order ``o``, working at ``j``, may change its state in that bar; ``peek``'s own look, moves no order."""
    oi = b[0]
    of = b[1]
    kind = oi[o, I_TYPE]
    s = oi[o, I_SYMBOL]
    tif = oi[o, I_TIF]
    if kind == MARKET or tif == DAY or tif >= IOC or oi[o, I_SIZED] == 0:
        return True
    if tif == GTD and (
        m[D_SESSION][j, s] > oi[o, I_UNTIL] or (m[D_SESSION][j, s] == oi[o, I_UNTIL] and m[D_SESSION_END][j, s] != 0)
    ):
        return True
    if kind == MOC:
        return bool(m[D_SESSION_END][j, s] != 0)
    if oi[o, I_TRIGGERED] != 0 and (kind == STOP or kind == TRAIL):
        return True
    buy = oi[o, I_SIDE] > 0
    if is_limit_now(oi, o):
        limit = of[o, F_LIMIT]
        return bool(m[D_LOW][j, s] <= limit if buy else m[D_HIGH][j, s] >= limit)
    stop = of[o, F_STOP]
    if kind == TRAIL:
        best = of[o, F_PEEK]
        if best != of[o, F_EXTREME]:  # else the level stands, also where a split has put it between two ticks
            stop = trail_level(of, o, oi[o, I_SIDE], best, m[D_TICK][s])
        if (m[D_HIGH][j, s] >= stop) if buy else (m[D_LOW][j, s] <= stop):
            return True
        of[o, F_PEEK] = min(best, m[D_LOW][j, s]) if buy else max(best, m[D_HIGH][j, s])
        return False
    return bool(m[D_HIGH][j, s] >= stop if buy else m[D_LOW][j, s] <= stop)


def peek(m, b, k, t, last):
    """First timestamp after ``t`` at which anything may happen, at most ``last``; Python runs up to it."""
    oi = b[0]
    of = b[1]
    active = b[2]
    n = b[9][S_ACTIVE]
    if k[K_ORDER] == ORDER_SUBMISSION and n > 0:
        return min(t + 1, last)
    exposed = watched(m, b, k)
    if m[D_ACTION].shape[0] > 0:
        last = min(last, next_action(m, b, t, last))
    last = min(last, next_delisting(m, b, t, last))
    if n == 0 and not exposed:
        return last
    for a in range(n):
        o = active[a]
        if oi[o, I_STATE] == WORKING and (oi[o, I_TYPE] == TRAIL or oi[o, I_LEFT] > 0):
            catch_up(m, b, o, t)
            of[o, F_PEEK] = of[o, F_EXTREME]
        oi[o, I_PEEK] = oi[o, I_LEFT]
    pays = exposed and (k[K_BORROW] != 0.0 or k[K_INTEREST] != 0.0)
    for j in range(t + 1, last):
        for a in range(n):
            o = active[a]
            if oi[o, I_STATE] != WORKING:
                continue
            if oi[o, I_PEEK] > 0:  # max_bars: waits for its bar
                if not math.isnan(m[D_CLOSE][j, oi[o, I_SYMBOL]]):
                    oi[o, I_PEEK] -= 1
                    if oi[o, I_PEEK] == 0:
                        return j
                continue
            if works(m, b, o, j) and acts(m, b, o, j):
                return j
        if exposed:
            if pays and m[D_DAY][j] != m[D_DAY][j - 1]:
                return j
            if equity_at(m, b, j, False) <= 0.0 or maintenance_short(m, b, k, j) > 0.0:
                return j
    return last


def submitted(m, b, k, first, last, t, edge):
    """``accept``, then ``peek``: what follows a callback that submitted orders."""
    accept(m, b, k, first, last, t)
    return peek(m, b, k, t, edge)


def stepped(m, b, k, t, edge):
    """``step``, then ``peek``: one timestamp, and up to which one nothing more happens by itself."""
    step(m, b, k, t)
    return t + 1 if b[9][S_BANKRUPT] != 0 else peek(m, b, k, t, edge)


def queue_submitted(m, b, k, first, last, t, edge):
    """``submitted`` where orders wait in a queue."""
    queue_accept(m, b, k, first, last, t)
    return peek(m, b, k, t, edge)


def stepped_by_turns(m, b, k, t, edge):
    """``stepped`` where a bar is a pass over the order list; apart, so that only runs that need it compile it."""
    step_by_turns(m, b, k, t)
    return t + 1 if b[9][S_BANKRUPT] != 0 else peek(m, b, k, t, edge)


def value(m, b, start_cash, equity, cash_out, exposure, held, stale):
    """Equity, cash, |market value| and time in market at every close, from the logs (F18, M4)."""
    used = b[5]
    fi = b[6]
    ff = b[7]
    ci = b[11]
    cf = b[12]
    s_count = used.shape[0]
    money = start_cash
    r = 0
    c = 0
    n = b[9][S_FILLS]
    legs = b[9][S_LEGS]
    for s in range(s_count):
        used[s] = 0
    holding = 0
    for t in range(equity.shape[0]):
        while r < n and fi[r, L_BAR] <= t:
            lots = fi[r, L_SIDE] * fi[r, L_LOTS]
            s = fi[r, L_SYMBOL]
            money -= lots * m[D_LOT][s] * m[D_MULT][s] * ff[r, L_RATE] * ff[r, L_PRICE] + ff[r, L_FEE]
            holding -= used[s] != 0
            used[s] += lots
            holding += used[s] != 0
            r += 1
        while c < legs and ci[c, C_BAR] <= t:
            money += cf[c, C_AMOUNT]
            if ci[c, C_LOTS] != 0:
                s = ci[c, C_SYMBOL]
                holding -= used[s] != 0
                used[s] += ci[c, C_LOTS]
                holding += used[s] != 0
            c += 1
        total = money
        settled = money
        gross = 0.0
        if holding != 0:
            for s in range(s_count):
                if used[s] != 0:
                    v = used[s] * unit(m, t, s, False) * m[D_LAST][t, s]
                    total += v
                    if not math.isnan(m[D_MARGIN][s]):
                        settled += v
                    gross += abs(v)
                    if math.isnan(m[D_CLOSE][t, s]):
                        stale[0] += 1
        equity[t] = total
        cash_out[t] = settled
        exposure[t] = gross
        held[t] = holding != 0


#: All functions of the core, each after those that it calls; ``compiled`` makes the twins from this.
KERNELS = (
    *core_sizing.KERNELS, *core_orders.KERNELS, *core_entries.KERNELS, *core_booking.KERNELS, *core_account.KERNELS,
    *core_fine.KERNELS, *core_queue_cash.KERNELS, *core_queue.KERNELS, *core_single.KERNELS, *core_closings.KERNELS,
    *core_inside.KERNELS, *core_matching.KERNELS, *core_turns.KERNELS,
    admit, accept, watched, acts, peek, submitted, stepped, queue_submitted, stepped_by_turns,
    value,
)  # fmt: skip
