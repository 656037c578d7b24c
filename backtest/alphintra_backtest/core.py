"""The simulation core: order handling, fills, costs and cash over flat arrays.

Every function here is plain Python *and* the source of its compiled twin (``compiled.py``); short runs and coverage use
the plain form, long runs the compiled one, and both are the same code. Nothing is allocated in here. Arguments:

``m``
    The market: ``(open, high, low, close, last_close, cap, session, end_of_session, open_time, close_time, lot)``;
    prices are (T, S) float64 with NaN where a symbol has no bar, ``last_close`` is the last close at or before, ``cap``
    the bar's budget in lots (−1: no cap), times int64 µs, ``lot`` (S,) float64.
``b``
    The books: ``(oi, of, active, pos, cash, used, fi, ff, ev, reg)``; see ``codes.py`` for the columns. ``pos`` counts
    lots, ``cash`` has one element, ``used`` is the budget already used per symbol in this bar.
``k``
    The configuration vector.

Rule names in comments refer to the fill assumptions page.
"""

from __future__ import annotations

import math

from .codes import *  # noqa: F403


def fee_of(k, lots, lot, notional):  # F7: a function of the order's filled quantity and notional so far
    if lots == 0:
        return 0.0
    fee = k[K_FEE_PCT] * notional + k[K_FEE_SHARE] * lots * lot
    if fee < k[K_FEE_MIN]:
        fee = k[K_FEE_MIN]
    if fee > k[K_FEE_MAX]:
        fee = k[K_FEE_MAX]
    return fee


def log_event(b, t, o, state, reason, rule, lots, phase):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = reg[S_EVENTS]
    ev[n, E_BAR] = t
    ev[n, E_ORDER] = o
    ev[n, E_STATE] = state
    ev[n, E_REASON] = reason
    ev[n, E_RULE] = rule
    ev[n, E_LOTS] = lots
    ev[n, E_PHASE] = phase
    reg[S_EVENTS] = n + 1


def finish(b, t, o, state, reason, phase):
    """Give an order its last state; the children of an entry that never filled end with it."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    oi[o, I_STATE] = state
    oi[o, I_REASON] = reason
    oi[o, I_DONE_BAR] = t
    log_event(b, t, o, state, reason, R_NONE, oi[o, I_QTY] - oi[o, I_FILLED], phase)
    if oi[o, I_FILLED] == 0:
        for c in (oi[o, I_SL], oi[o, I_TP]):
            if c >= 0 and oi[c, I_STATE] == WAITING:
                oi[c, I_STATE] = CANCELLED
                oi[c, I_REASON] = PARENT_CANCELLED
                oi[c, I_DONE_BAR] = t
                log_event(b, t, c, CANCELLED, PARENT_CANCELLED, R_NONE, 0, phase)


def mark(m, t, s, at_open):
    """Price at which a position is valued: this bar's open (F6), or the last close at or before ``t`` (F18)."""
    if at_open:
        p = m[0][t, s]
        if not math.isnan(p):
            return p
        return m[4][t - 1, s] if t > 0 else p
    return m[4][t, s]


def equity_at(m, b, t, at_open):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    total = cash[0]
    for s in range(pos.shape[0]):
        if pos[s] != 0:
            total += pos[s] * m[10][s] * mark(m, t, s, at_open)
    return total


def lots_for(m, b, k, o, t, price, at_open):
    """Whole lots, signed, that the order asks for at ``price`` (F6)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    mode = oi[o, I_SIZE]
    x = of[o, F_SIZE]
    s = oi[o, I_SYMBOL]
    lot = m[10][s]
    if mode == QUANTITY:
        return oi[o, I_SIDE] * oi[o, I_QTY]
    if mode == TARGET_QUANTITY:
        return int(math.trunc(x / lot + (1e-9 if x >= 0 else -1e-9))) - pos[s]
    held = 0
    if mode == TARGET_VALUE or mode == TARGET_PERCENT:
        held = pos[s]
    budget = abs(x)
    if mode == PERCENT or mode == TARGET_PERCENT:
        budget *= max(0.0, equity_at(m, b, t, at_open) * (1.0 - k[K_BUFFER]))
    sign = 1 if x >= 0 else -1
    hi = int(budget / (price * lot) + 1e-9)
    lo = 0
    if hi > 0:
        # the largest |Q| whose cost and fee stay within the budget
        d = abs(sign * hi - held)
        if hi * lot * price + fee_of(k, d, lot, d * lot * price) <= budget * (1.0 + 1e-12):
            lo = hi
        else:
            while hi - lo > 1:
                q = (lo + hi) // 2
                d = abs(sign * q - held)
                if q * lot * price + fee_of(k, d, lot, d * lot * price) <= budget * (1.0 + 1e-12):
                    lo = q
                else:
                    hi = q
    if mode == VALUE or mode == PERCENT:
        return oi[o, I_SIDE] * lo
    return sign * lo - held


def increase_of(p, lots):
    """The part of ``lots`` that adds exposure to a position of ``p`` lots."""
    if p == 0 or (p > 0) == (lots > 0):
        return abs(lots)
    return max(0, abs(lots) - abs(p))


def affordable(m, b, k, o, t, lots, price, at_open):
    """Largest part of ``lots`` (same sign) that keeps gross exposure within equity (F6, F11, leverage 1)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    lot = m[10][s]
    equity = cash[0] + pos[s] * lot * price
    gross = 0.0
    for j in range(pos.shape[0]):
        if j != s and pos[j] != 0:
            v = pos[j] * m[10][j] * mark(m, t, j, at_open)
            equity += v
            gross += abs(v)
    equity *= 1.0 - k[K_BUFFER]
    sign = 1 if lots > 0 else -1
    free = abs(lots) - increase_of(pos[s], lots)  # reductions are never refused
    lo = free
    hi = abs(lots)
    slack = 1e-9 * max(1.0, abs(equity))
    q = hi
    while True:
        new = pos[s] + sign * q
        filled = oi[o, I_FILLED] + q
        fee = fee_of(k, filled, lot, of[o, F_NOTIONAL] + q * lot * price) - of[o, F_FEE]
        if gross + abs(new) * lot * price <= equity - fee + slack:
            lo = q
        else:
            hi = q
        if hi - lo <= 1:
            return sign * lo
        q = (lo + hi) // 2


def close_children(b, t, s, entry, phase):
    """A bracket order whose position is gone has nothing left to protect; those of ``entry`` have only begun."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    for a in range(reg[S_ACTIVE]):
        o = active[a]
        if oi[o, I_SYMBOL] != s or oi[o, I_ROLE] == 0 or oi[o, I_STATE] != WORKING or oi[o, I_PARENT] == entry:
            continue
        if pos[s] * oi[o, I_SIDE] >= 0:
            finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)


def end_partners(b, t, o, phase):
    """What the fill of a bracket order ends: its partner, and the rest of an entry that is still filling."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    parent = oi[o, I_PARENT]
    if parent >= 0 and oi[parent, I_STATE] == WORKING:
        finish(b, t, parent, CANCELLED, OCO, phase)
    sib = oi[o, I_SIBLING]
    if sib >= 0 and oi[sib, I_STATE] == WORKING:
        if oi[o, I_ROLE] == 2 and oi[o, I_STATE] == WORKING:  # a target filled in part: the stop keeps the rest (F5)
            oi[sib, I_QTY] = oi[sib, I_FILLED] + oi[o, I_QTY] - oi[o, I_FILLED]
        else:
            finish(b, t, sib, CANCELLED, OCO, phase)


def fill(m, b, k, o, t, lots, base, slip, rule, phase):
    """Book ``lots`` (signed) at ``base`` moved by slippage; returns nothing, everything is in the logs."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    lot = m[10][s]
    side = 1 if lots > 0 else -1
    price = base * (1.0 + k[K_SLIP] * side) if slip else base
    n = abs(lots)
    notional = n * lot * price
    oi[o, I_FILLED] += n
    of[o, F_NOTIONAL] += notional
    fee = fee_of(k, oi[o, I_FILLED], lot, of[o, F_NOTIONAL]) - of[o, F_FEE]
    of[o, F_FEE] += fee
    slipped = abs(price - base) * n * lot
    of[o, F_SLIP] += slipped
    cash[0] -= side * notional + fee
    pos[s] += lots
    used[s] += n
    r = reg[S_FILLS]
    fi[r, L_BAR] = t
    fi[r, L_ORDER] = o
    fi[r, L_SYMBOL] = s
    fi[r, L_SIDE] = side
    fi[r, L_LOTS] = n
    fi[r, L_RULE] = rule
    fi[r, L_PHASE] = phase
    fi[r, L_FLAG] = 0
    ff[r, L_PRICE] = price
    ff[r, L_FEE] = fee
    ff[r, L_SLIP] = slipped
    reg[S_FILLS] = r + 1
    if oi[o, I_FILLED] >= oi[o, I_QTY]:
        oi[o, I_STATE] = FILLED
        oi[o, I_DONE_BAR] = t
        log_event(b, t, o, FILLED, oi[o, I_REASON], rule, n, phase)
    else:
        if oi[o, I_CAPPED] == 0:
            oi[o, I_CAPPED] = 1
        log_event(b, t, o, PARTIAL, VOLUME_CAP, rule, n, phase)
    end_partners(b, t, o, phase)
    for c in (oi[o, I_SL], oi[o, I_TP]):  # F15: children work from here, for what is filled
        if c >= 0:
            oi[c, I_QTY] = oi[o, I_FILLED]
            if oi[c, I_STATE] == WAITING:
                oi[c, I_STATE] = WORKING
                oi[c, I_SIZED] = 1
                oi[c, I_ACTIVE_BAR] = t
                oi[c, I_ACTIVE_MODE] = phase
                pct = of[c, F_SL_PCT] if oi[c, I_ROLE] == 1 else of[c, F_TP_PCT]
                if not math.isnan(pct):
                    if oi[c, I_ROLE] == 1:
                        of[c, F_STOP] = price * (1.0 - side * pct)
                    else:
                        of[c, F_LIMIT] = price * (1.0 + side * pct)
                log_event(b, t, c, WORKING, NONE, R_NONE, oi[c, I_QTY], phase)
    close_children(b, t, s, o, phase)


def execute(m, b, k, o, t, base, slip, rule, phase):
    """Size, check and fill one order at ``base`` (before slippage). False if nothing was filled."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    at_open = phase != PH_CLOSE
    side = oi[o, I_SIDE]
    price = base
    lots = 0
    if oi[o, I_SIZED] == 0:
        mode = oi[o, I_SIZE]
        lots = lots_for(m, b, k, o, t, base, at_open)
        if lots != 0:
            side = 1 if lots > 0 else -1
        if slip and k[K_SLIP] != 0.0:
            lots = lots_for(m, b, k, o, t, base * (1.0 + k[K_SLIP] * side), at_open)
        if lots == 0 or (lots > 0) != (side > 0):
            finish(b, t, o, CANCELLED, TARGET_REACHED if mode >= TARGET_QUANTITY else TOO_SMALL, phase)
            return False
    else:
        lots = side * (oi[o, I_QTY] - oi[o, I_FILLED])
    if slip:
        price = base * (1.0 + k[K_SLIP] * side)
    if oi[o, I_ROLE] != 0:  # a bracket order only ever reduces
        if pos[s] * side >= 0:
            finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)
            return False
        if abs(lots) > abs(pos[s]):
            lots = side * abs(pos[s])
            oi[o, I_QTY] = oi[o, I_FILLED] + abs(lots)
    want = lots
    cap = m[5][t, s]
    if cap >= 0:  # F5
        room = cap - used[s]
        if room <= 0:
            if oi[o, I_CAPPED] == 0:
                oi[o, I_CAPPED] = 1
            return False
        if abs(lots) > room:
            lots = side * room
    if k[K_CASH_ACCOUNT] != 0.0 and pos[s] + lots < 0 and side < 0:
        finish(b, t, o, REJECTED, NO_SHORT, phase)
        return False
    trimmed = False
    if increase_of(pos[s], lots) > 0:
        can = affordable(m, b, k, o, t, lots, price, at_open)
        if can != lots:
            by_quantity = oi[o, I_SIZE] == QUANTITY and k[K_PARTIAL] == 0.0
            if can == 0 or by_quantity:
                finish(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, phase)
                return False
            lots = can
            trimmed = True
    if k[K_MIN_VALUE] > 0.0 and abs(lots) * m[10][s] * price < k[K_MIN_VALUE] and increase_of(pos[s], lots) > 0:
        finish(b, t, o, CANCELLED, BELOW_VALUE, phase)
        return False
    if oi[o, I_SIZED] == 0:
        oi[o, I_SIDE] = side
        oi[o, I_QTY] = abs(want)
        oi[o, I_SIZED] = 1
    if trimmed:
        oi[o, I_QTY] = oi[o, I_FILLED] + abs(lots)
        oi[o, I_REASON] = TRIMMED
        reg[S_TRIMMED] += 1
    if oi[o, I_FILLED] > 0 and oi[o, I_TYPE] != LIMIT and phase == PH_OPEN:
        rule = R_REST
    fill(m, b, k, o, t, lots, base, slip, rule, phase)
    return True


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
                reduces = pos[s] * lots < 0 and abs(lots) <= abs(pos[s])
                if stage == 0 and not reduces:
                    continue
            what = at_open(m, b, k, o, t)
            if what != 0:
                fill_at_open(m, b, k, o, t, what)


def sibling_also(m, b, k, o, t):
    """F3: would the other order of the bracket have filled inside this bar too?"""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    sib = oi[o, I_SIBLING]
    if sib < 0 or oi[sib, I_TYPE] != LIMIT:
        return False
    return passed(m, k, t, oi[sib, I_SYMBOL], of[sib, F_LIMIT], oi[sib, I_SIDE] > 0)


def flag_last(b, flag):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    fi[reg[S_FILLS] - 1, L_FLAG] |= flag


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


def step(m, b, k, t):
    """Process the bar at timestamp ``t`` for all symbols (F0)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    for s in range(pos.shape[0]):
        used[s] = 0
    open_phase(m, b, k, t)
    inside_phase(m, b, k, t)
    expire_phase(m, b, k, t)
    compact(b)
    if equity_at(m, b, t, False) <= 0.0:
        reg[S_BANKRUPT] = 1
        for a in range(reg[S_ACTIVE]):
            finish(b, t, active[a], CANCELLED, BANKRUPT, PH_CLOSE)
        reg[S_ACTIVE] = 0


def fill_at_close(m, b, k, t):
    """``fill_at='close'`` (F1): market orders of the decision at ``t`` fill at its close."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    for stage in range(2):
        for a in range(reg[S_ACTIVE]):
            o = active[a]
            s = oi[o, I_SYMBOL]
            if oi[o, I_STATE] != WORKING or oi[o, I_TYPE] != MARKET or math.isnan(m[3][t, s]):
                continue
            lots = lots_for(m, b, k, o, t, m[3][t, s], False)
            if stage == 0 and not (pos[s] * lots < 0 and abs(lots) <= abs(pos[s])):
                continue
            execute(m, b, k, o, t, m[3][t, s], True, R_CLOSE, PH_CLOSE)
    compact(b)


def accept(m, b, k, first, last, t):
    """Admit the orders ``first … last − 1`` submitted at the decision of bar ``t`` (F6 at submission, F11)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    freed = 0.0
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
                    finish(b, t, o, CANCELLED, TARGET_REACHED if mode >= TARGET_QUANTITY else TOO_SMALL, PH_CLOSE)
                    continue
                oi[o, I_SIDE] = 1 if lots > 0 else -1
                oi[o, I_QTY] = abs(lots)
                oi[o, I_SIZED] = 1
            inc = increase_of(pos[s], lots)
            if k[K_CASH_ACCOUNT] != 0.0 and lots < 0 and pos[s] + lots < 0:
                finish(b, t, o, REJECTED, NO_SHORT, PH_CLOSE)
                continue
            if inc > 0:
                cash[0] += freed  # reductions submitted before it in the same callback count
                gross_free = affordable(m, b, k, o, t, lots, ref, False)
                cash[0] -= freed
                if (mode == QUANTITY and gross_free != lots) or gross_free == 0:
                    finish(b, t, o, REJECTED, NO_FUNDS, PH_CLOSE)
                    continue
            if inc < abs(lots):
                # what a reduction frees: its market value leaves gross exposure, which `affordable` sees as cash
                freed += (abs(lots) - inc) * m[10][s] * ref
        active[reg[S_ACTIVE]] = o
        reg[S_ACTIVE] += 1
        log_event(b, t, o, WORKING, NONE, R_NONE, oi[o, I_QTY], PH_CLOSE)
    compact(b)


def peek(m, b, k, t, last):
    """First timestamp after ``t`` at which anything may happen, at most ``last``; Python runs freely up to it."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = reg[S_ACTIVE]
    short = False
    for s in range(pos.shape[0]):
        if pos[s] < 0:
            short = True
    if n == 0 and not short:
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
        if short and equity_at(m, b, j, False) <= 0.0:
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


KERNELS = (
    fee_of, log_event, finish, mark, equity_at, lots_for, increase_of, affordable, close_children, end_partners, fill, execute, works,
    is_limit_now, at_open, passed, fill_at_open, open_phase, sibling_also, flag_last, entry_bar_children, inside_stop,
    inside_phase, expire_phase, compact, step, fill_at_close, accept, peek, value,
)  # fmt: skip
