"""One bar: which orders fill, at which price, in which order (F0 to F5, F15 to F17); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_booking import execute, finish, flag_last, log_event
from .core_sizing import equity_at, lots_for, reduces


def works(m, b, o, t):
    """F1: an order works from the first bar of its own symbol that opens at or after the decision."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    if oi[o, I_STATE] != WORKING:
        return False
    s = oi[o, I_SYMBOL]
    if math.isnan(m[3][t, s]):
        return False
    d = oi[o, I_BAR]
    return d < 0 or m[8][t, s] >= m[9][d]


def is_limit_now(oi, o):
    return oi[o, I_TYPE] == LIMIT or (oi[o, I_TYPE] == STOP_LIMIT and oi[o, I_TRIGGERED] != 0)


def at_open(m, b, k, o, t):
    """What an order does at the open: 0 nothing, 1 market, 2 stop, 3 limit (F1, F2, F4, F16)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    p = m[0][t, s]
    buy = oi[o, I_SIDE] > 0
    kind = oi[o, I_TYPE]
    if kind == MARKET:
        return 1
    if kind == STOP or (kind == STOP_LIMIT and oi[o, I_TRIGGERED] == 0):
        if oi[o, I_TRIGGERED] != 0:
            return 1
        hit = p >= of[o, F_STOP] if buy else p <= of[o, F_STOP]
        if not hit:
            return 0
        if kind == STOP:
            return 2
        oi[o, I_TRIGGERED] = 1
        log_event(b, t, o, TRIGGERED, NONE, R_STOP_OPEN, 0, PH_OPEN)
    limit = of[o, F_LIMIT]
    if buy:
        return 3 if p < limit or (k[K_TOUCH] != 0.0 and p <= limit) else 0
    return 3 if p > limit or (k[K_TOUCH] != 0.0 and p >= limit) else 0


def passed(m, k, t, s, limit, buy):
    """F4 inside the bar: the range went through the limit (``touch``: reached it)."""
    if buy:
        return m[2][t, s] < limit or (k[K_TOUCH] != 0.0 and m[2][t, s] <= limit)
    return m[1][t, s] > limit or (k[K_TOUCH] != 0.0 and m[1][t, s] >= limit)


def fill_at_open(m, b, k, o, t, what):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    rule = R_OPEN if what == 1 else (R_STOP_OPEN if what == 2 else R_LIMIT_OPEN)
    if what == 2:
        oi[o, I_TRIGGERED] = 1
    execute(m, b, k, o, t, m[0][t, oi[o, I_SYMBOL]], what != 3, rule, PH_OPEN)


def open_phase(m, b, k, t):
    """F0 (2): over all symbols first what reduces a position, then the rest, each in order of submission."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = reg[S_ACTIVE]
    for stage in range(3):  # reductions; the rest; children of what filled here
        for a in range(n):
            o = active[a]
            if not works(m, b, o, t):
                continue
            fresh = oi[o, I_ACTIVE_BAR] == t
            if fresh != (stage == 2):
                continue
            if stage < 2:
                s = oi[o, I_SYMBOL]
                lots = oi[o, I_SIDE] * (oi[o, I_QTY] - oi[o, I_FILLED])
                if oi[o, I_SIZED] == 0:
                    lots = lots_for(m, b, k, o, t, m[0][t, s], True)
                    if oi[o, I_SIZE] >= TARGET_QUANTITY and lots != 0:  # a target's side follows from the position
                        oi[o, I_SIDE] = 1 if lots > 0 else -1
                if stage == 0 and not reduces(pos[s], lots):
                    continue
            what = at_open(m, b, k, o, t)
            if what != 0:
                fill_at_open(m, b, k, o, t, what)


def sibling_also(m, b, k, o, t):
    """F3: whether the other order of the bracket would have filled inside this bar too."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    sib = oi[o, I_SIBLING]
    if sib < 0 or oi[sib, I_TYPE] != LIMIT or oi[sib, I_STATE] != WORKING:
        return False
    return passed(m, k, t, oi[sib, I_SYMBOL], of[sib, F_LIMIT], oi[sib, I_SIDE] > 0)


def entry_bar_children(m, b, k, parent, t):
    """F15: children of an entry that filled inside the bar fill only where the path leaves no doubt."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[parent, I_SYMBOL]
    sl = oi[parent, I_SL]
    tp = oi[parent, I_TP]
    entered_by_limit = oi[parent, I_TYPE] == LIMIT
    long = oi[parent, I_SIDE] > 0
    close = m[3][t, s]
    stop_hit = False
    stop_sure = False
    target_hit = False
    target_sure = False
    if sl >= 0 and oi[sl, I_STATE] == WORKING:
        stop = of[sl, F_STOP]
        stop_hit = m[2][t, s] <= stop if long else m[1][t, s] >= stop
        beyond = close <= stop if long else close >= stop
        stop_sure = stop_hit and (entered_by_limit or beyond)
    if tp >= 0 and oi[tp, I_STATE] == WORKING:
        limit = of[tp, F_LIMIT]
        target_hit = passed(m, k, t, s, limit, not long)
        beyond = close > limit if long else close < limit
        target_sure = target_hit and (oi[parent, I_TYPE] == STOP or beyond)
    if not stop_sure and (stop_hit or (target_hit and not target_sure)):
        reg[S_AMBIGUOUS_ENTRY] += 1
        flag_last(b, FLAG_AMBIGUOUS_ENTRY)
    mode = k[K_ENTRY_BAR]
    if mode == ENTRY_NEXT:
        stop_sure = False
        target_sure = False
    elif mode == ENTRY_PESSIMISTIC and stop_hit:
        stop_sure = True
    if stop_sure:
        oi[sl, I_TRIGGERED] = 1
        if execute(m, b, k, sl, t, of[sl, F_STOP], True, R_ENTRY_BAR, PH_INSIDE) and target_hit:
            flag_last(b, FLAG_AMBIGUOUS)
            reg[S_AMBIGUOUS] += 1
    elif target_sure:
        execute(m, b, k, tp, t, of[tp, F_LIMIT], False, R_ENTRY_BAR, PH_INSIDE)


def inside_stop(m, b, k, o, t):
    """A stop or an untriggered stop-limit inside the bar (F2, F16). True if it filled."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    buy = oi[o, I_SIDE] > 0
    stop = of[o, F_STOP]
    hit = m[1][t, s] >= stop if buy else m[2][t, s] <= stop
    if not hit:
        return False
    oi[o, I_TRIGGERED] = 1
    if oi[o, I_TYPE] == STOP:
        return execute(m, b, k, o, t, stop, True, R_STOP, PH_INSIDE)
    log_event(b, t, o, TRIGGERED, NONE, R_STOP, 0, PH_INSIDE)
    limit = of[o, F_LIMIT]
    if (buy and stop <= limit) or (not buy and stop >= limit):
        return execute(m, b, k, o, t, stop, False, R_SL_STOP, PH_INSIDE)
    close = m[3][t, s]
    if (buy and close < limit) or (not buy and close > limit):
        return execute(m, b, k, o, t, limit, False, R_SL_LIMIT, PH_INSIDE)
    oi[o, I_ACTIVE_BAR] = t  # rests, and works as a limit from the next bar
    oi[o, I_ACTIVE_MODE] = PH_INSIDE
    return False


def inside_phase(m, b, k, t):
    """F0 (3): symbol by symbol, stops, then limits, in order of submission."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = reg[S_ACTIVE]
    for s in range(pos.shape[0]):
        if math.isnan(m[3][t, s]):
            continue
        for stage in range(2):
            for a in range(n):
                o = active[a]
                if oi[o, I_SYMBOL] != s or not works(m, b, o, t):
                    continue
                if oi[o, I_ACTIVE_BAR] == t and oi[o, I_ACTIVE_MODE] == PH_INSIDE:
                    continue
                kind = oi[o, I_TYPE]
                filled = False
                if stage == 0:
                    if (kind == STOP or kind == STOP_LIMIT) and oi[o, I_TRIGGERED] == 0:
                        both = sibling_also(m, b, k, o, t)
                        filled = inside_stop(m, b, k, o, t)
                        if filled and both:
                            flag_last(b, FLAG_AMBIGUOUS)
                            reg[S_AMBIGUOUS] += 1
                elif is_limit_now(oi, o) and passed(m, k, t, s, of[o, F_LIMIT], oi[o, I_SIDE] > 0):
                    filled = execute(m, b, k, o, t, of[o, F_LIMIT], False, R_LIMIT, PH_INSIDE)
                if filled and (oi[o, I_SL] >= 0 or oi[o, I_TP] >= 0):
                    entry_bar_children(m, b, k, o, t)


def expire_phase(m, b, k, t):
    """F17: DAY orders end with the symbol's first session that begins or continues after submission."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    for a in range(reg[S_ACTIVE]):
        o = active[a]
        if oi[o, I_TIF] == 1 and works(m, b, o, t):
            s = oi[o, I_SYMBOL]
            if oi[o, I_SESSION] < 0:
                oi[o, I_SESSION] = m[6][t, s]
            if m[7][t, s] != 0:
                finish(b, t, o, EXPIRED, END_OF_DAY, PH_CLOSE)


def compact(b):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = 0
    for a in range(reg[S_ACTIVE]):
        o = active[a]
        if oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING:
            active[n] = o
            n += 1
    reg[S_ACTIVE] = n


def fill_at_close(m, b, k, t):
    """``fill_at='close'`` (F1): market orders of the decision at ``t`` fill at its close."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    new_budget(b, t)
    for stage in range(2):
        for a in range(reg[S_ACTIVE]):
            o = active[a]
            s = oi[o, I_SYMBOL]
            if oi[o, I_STATE] != WORKING or oi[o, I_TYPE] != MARKET or math.isnan(m[3][t, s]):
                continue
            lots = lots_for(m, b, k, o, t, m[3][t, s], False)
            if stage == 0 and not reduces(pos[s], lots):
                continue
            execute(m, b, k, o, t, m[3][t, s], True, R_CLOSE, PH_CLOSE)
    compact(b)


def new_budget(b, t):
    """F5: each bar has its own budget, also where ``fill_at_close`` is the first to look at it."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    if reg[S_BUDGET_BAR] != t:
        reg[S_BUDGET_BAR] = t
        for s in range(pos.shape[0]):
            used[s] = 0


def step(m, b, k, t):
    """Process the bar at timestamp ``t`` for all symbols (F0)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    new_budget(b, t)
    open_phase(m, b, k, t)
    inside_phase(m, b, k, t)
    expire_phase(m, b, k, t)
    compact(b)
    if equity_at(m, b, t, False) <= 0.0:
        reg[S_BANKRUPT] = 1
        for a in range(reg[S_ACTIVE]):
            o = active[a]  # a bracket's children may have ended with their entry
            if oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING:
                finish(b, t, o, CANCELLED, BANKRUPT, PH_CLOSE)
        reg[S_ACTIVE] = 0


KERNELS = (
    works, is_limit_now, at_open, passed, fill_at_open, open_phase, sibling_also, entry_bar_children,
    inside_stop, inside_phase, expire_phase, compact, fill_at_close, new_budget, step,
)  # fmt: skip
