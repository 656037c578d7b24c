"""What happens to an account without an order: splits, dividends, financing, margin, delisting; see ``core``.

F8, F9, F11, F18.
"""

from __future__ import annotations

import math

from .codes import *
from .core_booking import catch_up, fill
from .core_orders import finish, log_event
from .core_sizing import fee_of, is_maker, maintenance_short, mark, requirement, settled_cash, unit


def log_leg(b, t, s, kind, amount, lots, ratio):
    """One row of the log of legs: money without a fill, or lots without money."""
    ci = b[11]
    cf = b[12]
    n = b[9][S_LEGS]
    ci[n, C_BAR] = t
    ci[n, C_SYMBOL] = s
    ci[n, C_KIND] = kind
    ci[n, C_SEQ] = b[9][S_FILLS]
    ci[n, C_LOTS] = lots
    cf[n, C_AMOUNT] = amount
    cf[n, C_RATIO] = ratio
    b[9][S_LEGS] = n + 1


def rescale(m, b, k, o, t, ratio):
    """F8: a working order in the shares of after the split."""
    oi = b[0]
    of = b[1]
    if oi[o, I_SIZE] == QUANTITY or oi[o, I_SIZE] == TARGET_QUANTITY:
        of[o, F_SIZE] *= ratio
    exact = (oi[o, I_QTY] - oi[o, I_FILLED]) * ratio
    rest = int(exact + 1e-9)
    # several entries' brackets, each cut to whole lots, would leave a lot of their common position without an order
    if oi[o, I_PARENT] >= 0 and oi[o, I_STATE] == WORKING and exact - rest > 1e-9 and rest < abs(b[3][oi[o, I_SYMBOL]]):
        rest += 1
    sized = oi[o, I_SIZED] != 0 and oi[o, I_STATE] == WORKING
    oi[o, I_FILLED] = int(oi[o, I_FILLED] * ratio + 1e-9)
    oi[o, I_QTY] = oi[o, I_FILLED] + rest
    if oi[o, I_FILLED] > 0:
        # the next fill pays the difference to what this many of the new shares would have paid
        of[o, F_FEE] = fee_of(k, is_maker(b, o), oi[o, I_FILLED] * m[D_LOT][oi[o, I_SYMBOL]], of[o, F_NOTIONAL])
    else:
        of[o, F_NOTIONAL] = 0.0
        of[o, F_FEE] = 0.0
    for column in (F_LIMIT, F_STOP, F_TRAIL, F_EXTREME):
        of[o, column] /= ratio
    if sized and rest == 0:
        finish(b, t, o, CANCELLED, TOO_SMALL, PH_OPEN)
    else:
        log_event(b, t, o, AMENDED, BY_SPLIT, R_NONE, rest, PH_OPEN)


def fresh_order(b, t, s, side, lots, kind, role, reason):
    """A row of the order table that the account itself submits; the caller has made room."""
    oi = b[0]
    of = b[1]
    o = b[9][S_ORDERS]
    b[9][S_ORDERS] = o + 1
    for column in range(N_I):
        oi[o, column] = 0
    for column in (I_PARENT, I_SIBLING, I_SESSION, I_SL, I_TP, I_TO, I_ACTIVE_BAR, I_DONE_BAR):
        oi[o, column] = -1
    for column in range(N_F):
        of[o, column] = math.nan
    of[o, F_NOTIONAL] = 0.0
    of[o, F_FEE] = 0.0
    of[o, F_SLIP] = 0.0
    oi[o, I_SYMBOL] = s
    oi[o, I_SIDE] = side
    oi[o, I_TYPE] = kind
    oi[o, I_QTY] = lots
    oi[o, I_SIZED] = 1
    oi[o, I_BAR] = t
    oi[o, I_ROLE] = role
    oi[o, I_REASON] = reason
    return o


def corporate_actions(m, b, k, t):
    """F0 (1): dividends to who held at the close before, then splits, all before the ex-date's open (F8, F9)."""
    oi = b[0]
    active = b[2]
    pos = b[3]
    cash = b[4]
    reg = b[9]
    rows = m[D_ACTION]
    terms = m[D_ACTION_TERMS]
    p = reg[S_ACTION]
    while p < rows.shape[0] and rows[p, 0] <= t:
        if rows[p, 0] == t:
            s = rows[p, 1]
            ratio = terms[p, 0]
            dividend = terms[p, 1]
            one = unit(m, t, s, True)
            if dividend != 0.0 and pos[s] != 0:
                amount = pos[s] * one * dividend
                if pos[s] > 0:
                    amount *= 1.0 - k[K_WITHHOLD]
                cash[M_CASH] += amount
                cash[M_REALISED] += amount
                log_leg(b, t, s, LEG_DIVIDEND, amount, 0, 1.0)
            if ratio != 1.0:
                for a in range(reg[S_ACTIVE]):  # a trailing level counts the bars before the split in their own shares
                    o = active[a]
                    if oi[o, I_SYMBOL] == s and oi[o, I_STATE] == WORKING and oi[o, I_TYPE] == TRAIL:
                        catch_up(m, b, o, t - 1)
                if pos[s] != 0:
                    exact = pos[s] * ratio
                    whole = int(exact + 1e-9) if exact > 0 else int(exact - 1e-9)
                    if whole == 0:
                        side = -1 if pos[s] > 0 else 1
                        o = fresh_order(b, t, s, side, abs(pos[s]), MARKET, PAID_OUT, BY_SPLIT)
                        log_event(b, t, o, WORKING, BY_SPLIT, R_NONE, abs(pos[s]), PH_OPEN)
                        fill(m, b, k, o, t, -pos[s], m[D_OPEN][t, s] * ratio, False, R_FRACTION, PH_OPEN)
                if pos[s] != 0:
                    log_leg(b, t, s, LEG_SPLIT, 0.0, whole - pos[s], ratio)
                    pos[s] = whole
                    part = exact - whole
                    if abs(part) > 1e-9:
                        amount = part * one * m[D_OPEN][t, s]
                        cash[M_CASH] += amount
                        log_leg(b, t, s, LEG_FRACTION, amount, 0, 1.0)
                for a in range(reg[S_ACTIVE]):
                    o = active[a]
                    if oi[o, I_SYMBOL] == s and (oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING):
                        rescale(m, b, k, o, t, ratio)
        p += 1
    reg[S_ACTION] = p


def next_action(m, b, after, last):
    """First timestamp after ``after`` with a corporate action that touches a position or a working order."""
    oi = b[0]
    active = b[2]
    pos = b[3]
    rows = m[D_ACTION]
    for p in range(b[9][S_ACTION], rows.shape[0]):
        t = rows[p, 0]
        if t >= last:
            return last
        if t <= after:
            continue
        s = rows[p, 1]
        if pos[s] != 0:
            return t
        for a in range(b[9][S_ACTIVE]):
            if oi[active[a], I_SYMBOL] == s:
                return t
    return last


def financing(m, b, k, t):
    """F11: borrow cost and margin interest on what stood at the previous close, for the calendar days since."""
    if t == 0 or (k[K_BORROW] == 0.0 and k[K_INTEREST] == 0.0):
        return
    days = m[D_DAY][t] - m[D_DAY][t - 1]
    if days <= 0:
        return
    pos = b[3]
    total = 0.0
    if k[K_BORROW] != 0.0:
        for s in range(pos.shape[0]):
            if pos[s] < 0 and math.isnan(m[D_MARGIN][s]):
                cost = -pos[s] * unit(m, t - 1, s, False) * mark(m, t - 1, s, False) * k[K_BORROW] / 365.0 * days
                total += cost
                log_leg(b, t, s, LEG_BORROW, -cost, 0, 1.0)
    if k[K_INTEREST] != 0.0:
        owed = settled_cash(m, b, t - 1)
        if owed < 0.0:
            cost = -owed * k[K_INTEREST] / 365.0 * days
            total += cost
            log_leg(b, t, -1, LEG_INTEREST, -cost, 0, 1.0)
    b[4][M_FINANCING] += total


def delist(m, b, k, t):
    """F18: after a symbol's last bar its orders end and what is held is closed at the last price."""
    oi = b[0]
    active = b[2]
    pos = b[3]
    for s in range(pos.shape[0]):
        if m[D_DELISTED][s] != t:
            continue
        for a in range(b[9][S_ACTIVE]):
            o = active[a]
            if oi[o, I_SYMBOL] == s and (oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING):
                finish(b, t, o, CANCELLED, DELISTED, PH_CLOSE)
        close_out(m, b, k, t, s, DELIST, DELISTED, R_DELISTED)


def close_out(m, b, k, t, s, role, reason, rule):
    """Close what is held of a symbol at its last price."""
    held = b[3][s]
    if held != 0:
        o = fresh_order(b, t, s, -1 if held > 0 else 1, abs(held), MARKET, role, reason)
        log_event(b, t, o, WORKING, reason, R_NONE, abs(held), PH_CLOSE)
        fill(m, b, k, o, t, -held, m[D_LAST][t, s], False, rule, PH_CLOSE)


def wind_up(m, b, k, t):
    """F11: the end of a bankrupt account whose trades are per entry order: all are closed at the last price."""
    for s in range(b[3].shape[0]):
        close_out(m, b, k, t, s, PLAIN, BANKRUPT, R_BANKRUPT)


def next_delisting(m, b, after, last):
    """First timestamp after ``after`` at which a symbol that is held or has orders ends."""
    oi = b[0]
    pos = b[3]
    found = last
    for s in range(pos.shape[0]):
        t = m[D_DELISTED][s]
        if t <= after or t >= found:
            continue
        if pos[s] != 0:
            found = t
        else:
            for a in range(b[9][S_ACTIVE]):
                if oi[b[2][a], I_SYMBOL] == s:
                    found = t
    return found


def liquidate(m, b, k, t):
    """F11: where equity is below maintenance, positions are closed at the next open, the largest loss first."""
    oi = b[0]
    active = b[2]
    pos = b[3]
    reg = b[9]
    short = maintenance_short(m, b, k, t)
    slack = 1e-9 * max(1.0, abs(short))
    for a in range(reg[S_ACTIVE]):
        o = active[a]
        if oi[o, I_ROLE] == LIQUIDATE and oi[o, I_STATE] == WORKING:  # it has no bar yet
            s = oi[o, I_SYMBOL]
            short -= requirement(m, k, s, pos[s], mark(m, t, s, False), unit(m, t, s, False), k[K_MAINTENANCE])
    while short > slack:
        worst = -1
        most = -math.inf
        for s in range(pos.shape[0]):
            if pos[s] == 0:
                continue
            pending = False
            for a in range(reg[S_ACTIVE]):
                o = active[a]
                if oi[o, I_ROLE] == LIQUIDATE and oi[o, I_SYMBOL] == s and oi[o, I_STATE] == WORKING:
                    pending = True
            if pending:
                continue
            loss = b[10][s] - pos[s] * unit(m, t, s, False) * mark(m, t, s, False)
            if loss > most:
                most = loss
                worst = s
        if worst < 0:
            return
        side = -1 if pos[worst] > 0 else 1
        o = fresh_order(b, t, worst, side, abs(pos[worst]), MARKET, LIQUIDATE, LIQUIDATION)
        active[reg[S_ACTIVE]] = o
        reg[S_ACTIVE] += 1
        reg[S_LIQUIDATED] += 1
        log_event(b, t, o, WORKING, LIQUIDATION, R_NONE, abs(pos[worst]), PH_CLOSE)
        p = mark(m, t, worst, False)
        short -= requirement(m, k, worst, pos[worst], p, unit(m, t, worst, False), k[K_MAINTENANCE])


KERNELS = (
    log_leg, rescale, fresh_order, corporate_actions, next_action, financing, close_out, delist, wind_up,
    next_delisting, liquidate,
)  # fmt: skip
